# Sourced by scripts/machine-cases, as machine-cases.sh is: the file of the name servers, SaveConfig, and files that ask for much.

# MARK: Name servers

case_resolver_file_of_any_kind() {
    local kind
    conf wa "$both
DNS = 10.8.0.53, corp.example" "AllowedIPs = 10.8.0.0/24"
    for kind in none empty unterminated crlf link link_to_nothing relative_link mode; do
        rm -f /etc/resolv.conf /etc/real.conf
        case $kind in
        none) ;;
        empty) : >/etc/resolv.conf ;;
        unterminated) printf 'nameserver 192.0.2.53' >/etc/resolv.conf ;;
        crlf) printf 'nameserver 192.0.2.53\r\n\r\n# x\r\n' >/etc/resolv.conf ;;
        link) echo 'nameserver 192.0.2.53' >/etc/real.conf; ln -s /etc/real.conf /etc/resolv.conf ;;
        link_to_nothing) ln -s /run/nowhere.conf /etc/resolv.conf ;;
        relative_link) echo 'nameserver 192.0.2.53' >/etc/real.conf; ln -s ../etc/real.conf /etc/resolv.conf ;;
        mode) echo 'nameserver 192.0.2.53' >/etc/resolv.conf; chmod 640 /etc/resolv.conf; chown 7 /etc/resolv.conf ;;
        esac
        before
        expect "$kind: up" up wa.conf
        expect "$kind: the tunnel's servers" grep -q 'nameserver 10.8.0.53' /etc/resolv.conf
        sed -i 's/0.53/0.54/' wa.conf
        expect "$kind: reload" wg-lite reload wa
        expect "$kind: others" grep -q 'nameserver 10.8.0.54' /etc/resolv.conf
        sed -i 's/0.54/0.53/' wa.conf
        expect "$kind: down" wg-lite down wa
        expect "$kind: as before" as_before
        up wa.conf; killed wa
        # The /run of a machine that was switched off is empty; the next tunnel gives back all the same.
        rm -rf /run/wg-lite/wa.* /run/wireguard/wa.*
        expect "$kind: after a power cut: up" up wa.conf
        expect "$kind: and down" wg-lite down wa
        expect "$kind: as before" as_before
    done
}

case_resolver_file_read_only() {
    mkdir /run/small
    mount -t tmpfs -o size=64k tmpfs /run/small
    echo 'nameserver 192.0.2.53' >/run/small/resolv.conf
    ln -sf /run/small/resolv.conf /etc/resolv.conf
    conf wa "$both
DNS = 10.8.0.53" "$full"
    before
    mount -o remount,ro /run/small
    expect "read-only: up says so and goes on" says 'name servers.*read-only' up wa.conf
    expect "with the rest in force" leads_out wa
    expect "so does status" says 'could not be set' wg-lite status wa
    expect "and reload, which tries again" says 'DNS 10.8.0.53: could not be set' wg-lite reload wa
    expect "down" wg-lite down wa
    expect "as before" as_before
    expect "with --require-dns it is a failure" refuses 'read-only' up --require-dns wa.conf
    expect "as before" as_before
    mount -o remount,rw /run/small
    dd if=/dev/zero of=/run/small/fill bs=1k 2>/dev/null || true
    expect "full disk: --require-dns fails and says so" refuses 'No space left\|no space left' up --require-dns wa.conf
    rm /run/small/fill
    expect "the file is whole" as_before
    expect "up" up --require-dns wa.conf
    mount -o remount,ro /run/small
    expect "down fails and says so, if the file can't be written now" refuses 'read-only' wg-lite down wa
    mount -o remount,rw /run/small
    expect "the next down gives it back" wg-lite down wa
    expect "as before" as_before
    umount /run/small
}

case_resolver_dhcp_writes_meanwhile() {
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    conf wb "Address = 10.9.0.1/24
DNS = 10.9.0.53" "AllowedIPs = 10.9.0.0/24"
    expect "up" up wa.conf
    printf 'nameserver 192.0.2.77\n' >/etc/resolv.new; mv /etc/resolv.new /etc/resolv.conf
    expect "status says that others wrote it" says 'replace\|changed\|wrote\|not in' wg-lite status wa
    expect "a second tunnel" up wb.conf
    expect "goes down" wg-lite down wb
    expect "and leaves the new file" test "$(cat /etc/resolv.conf)" = 'nameserver 192.0.2.77'
    expect "reload puts the first's back" sh -c 'wg-lite reload wa && grep -q "nameserver 10.8.0.53" /etc/resolv.conf'
    expect "down" wg-lite down wa
    expect "what came last is there" test "$(cat /etc/resolv.conf)" = 'nameserver 192.0.2.77'
    expect "up" up wa.conf
    rm /etc/resolv.conf
    expect "down after somebody removed it" wg-lite down wa
    expect "it stays away" test ! -e /etc/resolv.conf
}

# MARK: Files

# saves FILE: SaveConfig of a changed port into that file works, and changes nothing but that.
saves() {
    local file=$1 interface
    interface=${file##*/}; interface=${interface%.conf}
    cp -L "$file" /run/kept.out
    expect "$file: up" up "$file"
    wg set "$interface" listen-port 41999
    expect "$file: down" wg-lite down "$interface"
    expect "$file: the port is saved" grep -q 'ListenPort = 41999' "$file"
    expect "$file: nothing else is another" diff <(tr -d '\r' </run/kept.out | sed 's/ListenPort = .*/ListenPort = 41999/') <(tr -d '\r' <"$file")
}

case_save_files_of_any_kind() {
    before
    save="SaveConfig = true
ListenPort = 41000
# a comment
$both   # of addresses
PostUp = true;   # and of hooks"
    conf wa "$save" "AllowedIPs = 10.8.0.0/24, fd08::/64  # theirs"
    chmod 640 wa.conf; chown 7:8 wa.conf
    saves wa.conf
    expect "owner and mode stay" test "$(stat -c '%a %u %g' wa.conf)" = '640 7 8'
    chown 0:0 wa.conf; chmod 600 wa.conf
    sed -i 's/ListenPort.*/ListenPort = 41000/; s/$/\r/' wa.conf
    saves wa.conf
    expect "line ends of other systems stay" test "$(grep -c $'\r$' wa.conf)" = "$(wc -l <wa.conf)"
    conf wb "$save" "AllowedIPs = 10.8.0.0/24"
    printf '%s' "$(cat wb.conf)" >we.conf; chmod 600 we.conf
    saves we.conf
    mkdir -p '/run/case/of mine/ä "b" $c'
    mv wb.conf '/run/case/of mine/ä "b" $c/wb.conf'
    saves '/run/case/of mine/ä "b" $c/wb.conf'
    ln -s '/run/case/of mine/ä "b" $c/wb.conf' wd.conf
    sed -i 's/ListenPort.*/ListenPort = 41000/' wd.conf --follow-symlinks
    saves wd.conf
    expect "a link stays one" test -L wd.conf
    rm -r '/run/case/of mine'
    expect "as before" as_before
}

case_save_what_is_edited_meanwhile() {
    before
    conf wa "SaveConfig = true
$both
DNS = 10.8.0.53
PostUp = true" "AllowedIPs = 10.8.0.0/24"
    expect "up" up wa.conf
    wg set wa peer $other allowed-ips 10.66.0.0/16 persistent-keepalive 9
    ip address add 10.70.0.1/24 dev wa
    sed -i 's/PostUp = true/PostUp = echo new\nPostDown = touch \/run\/post.out\n# mine/; s/DNS.*/DNS = 10.8.0.54/' wa.conf
    expect "reload" wg-lite reload wa
    expect "down" wg-lite down wa
    expect "what was edited is there" sh -c 'grep -q "PostUp = echo new" wa.conf && grep -q "# mine" wa.conf && grep -q 0.54 wa.conf'
    expect "what ip and wg changed is there" sh -c 'grep -q 10.70.0.1/24 wa.conf'
    expect "the new hook ran" test -e /run/post.out
    expect "up" up wa.conf
    rm wa.conf
    expect "reload says that the file is gone" refuses 'wa.conf' wg-lite reload wa
    expect "down with the file gone" says 'nothing was written\|no longer\|read' wg-lite down wa
    expect "none is made" test ! -e wa.conf
    expect "as before" as_before
    conf wa "SaveConfig = true
$both
PostDown = touch /run/other.out" "$full"
    expect "up" up wa.conf
    wg set wa listen-port 41999
    echo '[Interface' >>wa.conf; echo 'Nonsense = 1' >>wa.conf
    cp wa.conf /run/kept.out
    expect "a file that was spoilt: reload refuses" refuses 'nothing was changed' wg-lite reload wa
    expect "down works" wg-lite down wa
    expect "its hooks ran" test -e /run/other.out
    expect "its lines stay" grep -q 'Nonsense = 1' wa.conf
    expect "as before" as_before
}

case_save_where_it_cannot() {
    before
    mkdir /run/small
    mount -t tmpfs -o size=64k tmpfs /run/small
    cd /run/small
    conf wa "SaveConfig = true
ListenPort = 41000
$both
# $(head -c 3000 /dev/zero | tr '\0' x)" "$full"
    cp wa.conf /run/kept.out
    unsaved() {
        local what=$1
        expect "$what: the old file is whole" cmp wa.conf /run/kept.out
        expect "$what: nothing lies beside it" test "$(find /run/small -type f -not -name fill | wc -l)" = 1
    }
    expect "up" up wa.conf
    wg set wa peer $other allowed-ips "$(for i in {1..250}; do printf '10.66.%d.0/24,' "$i"; done)10.66.0.0/24"
    dd if=/dev/zero of=/run/small/fill bs=1 count=1 2>/dev/null; dd if=/dev/zero of=/run/small/fill bs=1k 2>/dev/null || true
    expect "full disk: down says that nothing was saved" says "save the configuration.*[Nn]o space left" wg-lite down wa
    unsaved "full disk"
    rm /run/small/fill
    expect "up" up wa.conf
    wg set wa listen-port 41999
    mount -o remount,ro /run/small
    expect "read-only: down says so" says "save the configuration.*[Rr]ead-only" wg-lite down wa
    mount -o remount,rw /run/small
    unsaved "read-only"
    chown 7 . wa.conf; chmod 755 .; chmod 644 wa.conf
    expect "no right: up" setpriv --bounding-set=-dac_override,-dac_read_search,-fowner --inh-caps=-dac_override,-dac_read_search,-fowner "$(command -v wg-lite)" up -q --no-wait wa.conf
    wg set wa listen-port 41999
    expect "no right: down says so" says "save the configuration.*[Pp]ermission denied" wg-lite down wa
    unsaved "no right"
    cd /run/case
    umount /run/small
    rmdir /run/small
    expect "as before" as_before
}

case_names_and_paths() {
    before
    local name
    for name in a.b a=b a+b a_b-c abcdefghijklmno .x 0 wa..b; do
        conf "$name" "$both
DNS = 10.8.0.53
PostUp = ip link show %i" "$full"
        expect "$name: up" up "./$name.conf"
        expect "$name: in force" leads_out "$name"
        expect "$name: status" says . wg-lite status "$name"
        sed -i 's/10.8.0.1/10.8.0.7/' "./$name.conf"
        expect "$name: reload" wg-lite reload "$name"
        expect "$name: down" wg-lite down "./$name.conf"
        rm "./$name.conf"
        expect "$name: as before" as_before
    done
    for name in 'a b' abcdefghijklmnop a/b 'a%b' 'ä'; do
        expect "$name: refused" fails wg-lite up -q "./$name.conf"
    done
    conf wa "$both" "$full"
    mkfifo wb.conf
    expect "a pipe is refused at once" refuses 'pipe' timeout 5 wg-lite up -q wb.conf
    rm wb.conf
    mkdir wc.conf
    expect "so is a directory" refuses 'directory' timeout 5 wg-lite up -q wc.conf
    rmdir wc.conf
    ln -s /dev/stdin wb.conf
    expect "and standard input" refuses 'wb.conf' timeout 5 wg-lite up -q wb.conf
    rm wb.conf
    expect "as before" as_before
}

# MARK: Files that ask for much

case_conflicting_route() {
    conf wa "$both
DNS = 10.8.0.53" "AllowedIPs = 10.8.0.0/24, 10.50.0.0/16, 203.0.113.0/24"
    ip route add 203.0.113.0/24 via 192.0.2.1
    before
    expect "up says which route is there" refuses '203.0.113.0/24' up wa.conf
    expect "as before" as_before
    sed -i 's/, 203.*//' wa.conf
    expect "up without it" up wa.conf
    state >/run/first.out
    sed -i 's/AllowedIPs.*/AllowedIPs = 10.8.0.0\/24, 10.60.0.0\/16, 203.0.113.0\/24/; s/10.8.0.1/10.8.0.7/; s/0.53/0.54/' wa.conf
    expect "reload with it fails" refuses 'everything is as it was before' wg-lite reload wa
    expect "nothing has changed" unchanged
    expect "down" wg-lite down wa
    expect "as before" as_before
    ip route del 203.0.113.0/24
}

case_doubled_peers() {
    before
    conf wa "$both" "AllowedIPs = 10.66.0.0/16
[Peer]
PublicKey = $peer
AllowedIPs = 10.67.0.0/16
[Peer]
PublicKey = $other
AllowedIPs = 10.67.0.0/16"
    expect "up" up wa.conf
    wg showconf wa | grep -A3 Peer >/run/shown.out
    wg syncconf wa <(wg-quick strip ./wa.conf)
    expect "as wg takes them" diff /run/shown.out <(wg showconf wa | grep -A3 Peer)
    expect "reload finds nothing" says 'nothing to change' wg-lite reload wa
    wg set wa peer $other remove
    expect "reload brings back what wg took" sh -c "wg-lite reload wa; wg show wa allowed-ips | grep 10.67"
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_tables() {
    before
    local table
    for table in off 4294967295 0 main 253 255 auto; do
        conf wa "$both
Table = $table
PreUp = ip link set %i up; ip route add 10.61.0.0/16 dev %i
PostUp = ip route replace 10.62.0.0/16 dev %i" "AllowedIPs = 10.60.0.0/16, 10.61.0.0/16"
        case $table in
        main | auto | 0)
            # wg-quick adds what isn't there; a route of PreUp's to the same destination is as good.
            expect "$table: up" up wa.conf
            ;;
        *) expect "$table: up" up wa.conf ;;
        esac
        sed -i 's/10.8.0.1/10.8.0.7/' wa.conf
        expect "$table: reload" wg-lite reload wa
        expect "$table: hooks' routes stay" sh -c 'ip route show 10.61.0.0/16 | grep wa && ip route show 10.62.0.0/16 | grep wa'
        expect "$table: down" wg-lite down wa
        expect "$table: as before" as_before
    done
}

case_names_that_resolve_late() {
    before
    : >/etc/resolv.conf
    printf 'nameserver 192.0.2.99\noptions timeout:1 attempts:1\n' >/etc/resolv.conf
    before
    conf wa "$both" "$full"
    sed -i 's/192.0.2.1:51820/late.example:51820/' wa.conf
    wg-lite up --no-wait wa.conf >/run/up.out 2>&1 &
    local process=$!
    soon grep -i 'trying again' /run/up.out
    echo '192.0.2.1 late.example' >>/etc/hosts
    expect "up ends when the name can be looked up" wait $process
    expect "with its address" sh -c 'wg show wa endpoints | grep 192.0.2.1:51820'
    sed -i '/late.example/d' /etc/hosts
    echo 'PersistentKeepalive = 9' >>wa.conf
    expect "a reload needs the name no more" timeout 5 wg-lite reload wa
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_families() {
    conf wa "Address = fd08::1/64" "AllowedIPs = ::/0"
    ip route del default; ip address del 192.0.2.2/24 dev up0
    before
    expect "IPv6 alone: up" up wa.conf
    expect "the way out" sh -c 'ip -6 route get 2001:db8:9::1 | grep "dev wa"'
    expect "down" wg-lite down wa
    expect "as before" as_before
    ip address add 192.0.2.2/24 dev up0; ip route add default via 192.0.2.1
    sysctl -q net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    conf wa "$both
DNS = 10.8.0.53" "$full"
    before
    expect "IPv6 disabled: up says so" refuses 'IPv6 is disabled' up wa.conf
    expect "as before" as_before
    conf wa "Address = 10.8.0.1/24" "AllowedIPs = 0.0.0.0/0"
    expect "without IPv6 in the file: up" up wa.conf
    expect "full" leads_out wa
    echo 'AllowedIPs = fd09::/64' >>wa.conf
    state >/run/first.out
    expect "reload to a route of IPv6 fails" refuses 'everything is as it was before' wg-lite reload wa
    expect "nothing has changed" unchanged
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_run_is_full() {
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    mkdir -p /run/small
    mount -t tmpfs -o size=64k tmpfs /run/small
    mkdir /run/small/wg-lite; chmod 700 /run/small/wg-lite
    mount --bind /run/small/wg-lite /run/wg-lite
    before
    dd if=/dev/zero of=/run/small/fill bs=1k 2>/dev/null || true
    expect "up says that it can't record" refuses '[Nn]o space left' up wa.conf
    rm /run/small/fill
    expect "nothing was changed" as_before
    expect "up" up wa.conf
    dd if=/dev/zero of=/run/small/fill bs=1k 2>/dev/null || true
    cp wa.conf /run/kept.out; state >/run/first.out
    sed -i 's/10.8.0.1/10.8.0.7/; s/0.53/0.54/' wa.conf
    expect "reload says so" refuses '[Nn]o space left' wg-lite reload wa
    expect "nothing was changed" unchanged
    expect "down works all the same" wg-lite down wa
    rm /run/small/fill
    expect "as before" as_before
    umount /run/wg-lite /run/small; rmdir /run/small
}

case_killed_a_moment_ago() {
    local process
    conf wa "$both
DNS = 10.8.0.53" "$full"
    before
    # What a killed process lets go of it lets go of one after the other, and much of it after what comes next has begun.
    at_once() {
        process=$(pid wa)
        kill -KILL "$process"
        "$@"
    }
    expect "up" up wa.conf
    for _ in $(seq 15); do
        expect "killed, and up at once" at_once up wa.conf
    done
    expect "killed, and at once what up would do" at_once wg-lite up --dry-run wa.conf
    expect "up" up wa.conf
    expect "killed, and a reload at once finds nothing that is up" at_once refuses "it is not up.*" wg-lite reload wa
    expect "down" wg-lite down wa
    for _ in $(seq 10); do
        expect "up" up wa.conf
        expect "killed, and down at once" at_once wg-lite down wa
        expect "as before" as_before
    done
}

case_killed_with_hooks() {
    conf wa "$both
PostUp = ip rule add from 10.8.0.99 table 77 priority 500 || true
PostDown = ip rule del from 10.8.0.99 table 77 priority 500" "$full"
    before
    expect "up" up wa.conf
    killed wa
    expect "killed, down says that its hooks were not run" says "PreDown and PostDown were not run.*" wg-lite down wa.conf
    expect "once more" timeout 20 wg-lite up --no-wait wa.conf
    killed wa
    expect "and so does up" says "without PreDown and PostDown" timeout 20 wg-lite up --no-wait wa.conf
    expect "down" wg-lite down wa
    while ip rule del from 10.8.0.99 2>/dev/null; do :; done
    expect "as before" as_before
}

case_killed_then_another_file() {
    local content
    conf wa "$both
DNS = 10.8.0.53
FwMark = 0x77" "$full"
    before
    for content in "AllowedIPs = 10.9.0.0/16" "AllowedIPs = ::/0" "AllowedIPs = 0.0.0.0/1, 128.0.0.0/1"; do
        conf wa "$both" "$content"
        up wa.conf; state >/run/first.out; wg-lite down wa >/dev/null
        conf wa "$both
DNS = 10.8.0.53
FwMark = 0x77" "$full"
        expect "up" up wa.conf
        killed wa
        expect "killed: nothing leaves in clear" fails leads_out up0
        conf wa "$both" "$content"
        expect "up with another file ($content)" up wa.conf
        expect "is as a fresh one" unchanged
        expect "down" wg-lite down wa
        expect "as before" as_before
    done
}
