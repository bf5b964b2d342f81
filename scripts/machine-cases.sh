# Sourced by scripts/machine-cases: a function a case. Each begins on a machine with one uplink and ends with nothing left.

# MARK: Hooks

case_hooks_rules_stay() {
    before
    conf wa "$both
PostUp = iptables -t nat -A POSTROUTING -o %i -j MASQUERADE; ip rule add from 10.8.0.99 table 77 priority 500; ip route add 10.66.0.0/16 dev %i table 77
PostUp = nft add table inet mine; ip route add 203.0.113.0/24 dev %i
PostDown = iptables -t nat -D POSTROUTING -o %i -j MASQUERADE; ip rule del from 10.8.0.99 table 77 priority 500; nft delete table inet mine
PostDown = for c in POSTROUTING OUTPUT INPUT PREROUTING; do nft delete chain ip nat \$c 2>/dev/null || true; done; nft delete table ip nat" "$full"
    expect "up" up wa.conf
    theirs() { iptables -t nat -S | grep 'o wa -j MASQ'; ip rule | grep 10.8.0.99; nft list table inet mine; ip route show table 77 | grep 10.66; ip route show 203.0.113.0/24 | grep 'dev wa'; }
    sed -i 's/^Address.*/Address = 172.20.0.1\/16/; s/0.0.0.0\/0, ::\/0/10.0.0.0\/8/' wa.conf
    expect "reload from a full tunnel of both families to one network of one" wg-lite reload wa
    expect "what PostUp made is there" theirs
    sed -i 's/^Address.*/Address = fd09::1\/64\nFwMark = 0x99\nMTU = 1300/; s/AllowedIPs.*/AllowedIPs = ::\/0/' wa.conf
    expect "reload to IPv6 alone" wg-lite reload wa
    expect "what PostUp made is still there" theirs
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_hooks_fail_in_the_middle() {
    before
    conf wa "$both
DNS = 10.8.0.53
PostUp = ip route add 203.0.113.0/24 dev %i
PostUp = ip rule add from 10.8.0.99 table 77; false; touch /run/case/went-on
PostUp = touch /run/case/went-on
PreDown = false
PreDown = touch /run/case/second
PostDown = ip rule del from 10.8.0.99 table 77" "$full"
    expect "up fails and says which" refuses 'PostUp.*false' up wa.conf
    ip rule del from 10.8.0.99 table 77
    expect "and leaves nothing" as_before
    sed -i 's/; false; touch.*//; /went-on/d' wa.conf
    expect "up" up wa.conf
    expect "a PreDown that fails is told, and down goes on" says 'PreDown.*false' wg-lite down wa
    expect "as before" as_before
}

case_hooks_talk_to_their_tunnel() {
    before
    conf wa "$both
PostUp = wg set %i peer $other allowed-ips 10.66.0.0/16; wg show %i; wg-lite show %i; wg-lite status %i || true; ip link set %i mtu 1300; read line || true
PreDown = wg-lite show %i; wg set %i peer $other remove" "AllowedIPs = 10.8.0.0/24"
    expect "up with a hook that asks and changes the tunnel" up wa.conf
    expect "both are in force" sh -c "wg show wa allowed-ips | grep 10.66 && ip link show wa | grep 'mtu 1300'"
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_hooks_that_change_it_back() {
    conf wa "$both
PostUp = wg-lite down %i || true
PreDown = wg-lite reload %i || true" "AllowedIPs = 10.8.0.0/24"
    before
    timeout 15 wg-lite up -q --no-wait wa.conf >/run/up.out 2>&1 </dev/null || true
    expect "a hook that takes its own tunnel down, or reloads it, holds nothing up" soon is_gone wa
    expect "as before" as_before
}

case_hooks_background_and_output() {
    before
    conf wa "$both
PostUp = sleep 77 & echo begun; seq -f %.0fx 400000
PostDown = sleep 78 & seq -f %.0fy 400000" "AllowedIPs = 10.8.0.0/24"
    local began=$SECONDS
    expect "up with 3 MB of output and a program that stays" sh -c 'wg-lite up --no-wait wa.conf >/run/up.out 2>&1; test $(grep -c x /run/up.out) -ge 400000'
    expect "down likewise" sh -c 'wg-lite down wa >/run/down.out 2>&1; test $(grep -c y /run/down.out) -ge 400000'
    expect "neither waited" test $((SECONDS - began)) -lt 15
    expect "both still run" sh -c 'pgrep -x sleep -a | grep 77 && pgrep -x sleep -a | grep 78'
    pkill -x -f 'sleep 7[78]' || true
    expect "as before" as_before
}

# MARK: Interrupts

case_interrupts_while_up_waits() {
    before
    local signal where
    for where in PreUp PostUp; do
        for signal in INT TERM HUP; do
            conf wa "$both
DNS = 10.8.0.53
$where = touch /run/hook.out; sleep 99" "$full"
            rm -f /run/hook.out
            wg-lite up --no-wait wa.conf >/run/up.out 2>&1 &
            local process=$!
            soon test -e /run/hook.out
            kill -$signal $process
            expect "SIG$signal to up while $where hangs ends it with a failure" fails wait $process
            expect "and its hook" soon fails runs 'sleep 99'
            expect "everything is as before" soon as_before
        done
    done
    conf wa "$both
PostUp = touch /run/hook.out; sleep 99" "$full"
    rm -f /run/hook.out
    wg-lite up --no-wait wa.conf >/run/up.out 2>&1 &
    process=$!
    soon test -e /run/hook.out
    expect "down of another terminal ends an up whose hook hangs" timeout 5 wg-lite down wa
    expect "which says so" fails wait $process
    expect "as before" soon as_before
    wg-lite up --no-wait wa.conf >/run/up.out 2>&1 &
    process=$!
    soon is_there wa
    kill -KILL $process
    sleep 0.3
    expect "kill -9 of the waiting command, then down" timeout 5 wg-lite down wa
    expect "as before" soon as_before
}

case_interrupts_while_down_waits() {
    before
    conf wa "$both
PreDown = touch /run/hook.out; sleep 99
PostDown = touch /run/post.out" "$full"
    expect "up" up wa.conf
    wg-lite down wa >/run/down.out 2>&1 &
    local first=$!
    soon test -e /run/hook.out
    expect "a second down ends the hook that hangs" timeout 5 wg-lite down wa
    wait $first || true
    expect "the other hooks ran" test -e /run/post.out
    expect "as before" soon as_before
    rm -f /run/hook.out /run/post.out
    expect "up" up wa.conf
    wg-lite down wa >/run/down.out 2>&1 &
    first=$!
    soon test -e /run/hook.out
    kill -KILL $first
    sleep 0.3
    expect "a client that goes takes nothing back: the hook goes on" runs 'sleep 99'
    kill -TERM "$(pid wa)"
    expect "SIGTERM to the tunnel ends the hook" soon is_gone wa
    expect "as before" soon as_before
    expect "up" up wa.conf
    rm -f /run/hook.out
    wg-lite down wa >/run/down.out 2>&1 &
    first=$!
    soon test -e /run/hook.out
    killed wa
    expect "kill -9 in the middle of down: the client takes back what is left" wait $first
    pkill -x -f 'sleep 99' || true
    expect "as before" soon as_before
}

case_interrupts_while_reload_waits() {
    before
    conf wa "$both" "$full"
    printf 'nameserver 192.0.2.99\noptions timeout:1 attempts:1\n' >/etc/resolv.conf
    state >/run/before.out
    python3 - >/run/notified.out <<'END' &
import socket, time
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind("/run/notify")
while True: print(time.time(), server.recv(999).decode().split("\n")[0], flush=True)
END
    local reader=$!
    soon test -e /run/notify
    NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=500000 WG_ENDPOINT_RESOLUTION_RETRIES=infinity wg-lite up -f wa.conf >/run/fg.out 2>&1 &
    local process=$!
    soon wg show wa
    soon grep READY /run/notified.out
    sed -i 's/192.0.2.1:51820/late.example:51820/; s/10.8.0.1/10.8.0.7/' wa.conf
    wg-lite reload wa >/run/reload.out 2>&1 &
    local client=$!
    soon grep -i 'trying again' /run/reload.out
    local began
    began=$(date +%s.%N)
    sleep 2
    expect "the watchdog is fed while a reload waits for a name" awk -v t="$began" '$2 ~ /WATCHDOG/ && $1 > t + 1 { n++ } END { exit n < 1 }' /run/notified.out
    expect "a second reload is refused at once" refuses 'under way' timeout 3 wg-lite reload wa
    expect "so is a preview" refuses 'under way' timeout 3 wg-lite down --dry-run wa
    expect "the tunnel is shown" timeout 3 wg-lite show wa
    kill -KILL $client
    again() { timeout 3 wg-lite down --dry-run wa; }
    expect "a client that goes away takes its reload back" soon again
    expect "nothing of it was done" sh -c 'ip address show wa | grep 10.8.0.1/'
    wg-lite reload wa >/run/reload.out 2>&1 &
    client=$!
    soon grep -i 'trying again' /run/reload.out
    expect "down is answered within a second or so" timeout 3 wg-lite down wa
    expect "the reload is told" fails wait $client
    wait $process || true
    kill $reader
    expect "as before" soon as_before
}

# MARK: Interfaces

case_interface_renamed() {
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    expect "up" up wa.conf
    ip link set wa down; ip link set wa name wz; ip link set wz up
    expect "the way out is put back after the interface was down" soon leads_out wz
    expect "status" says '.' wg-lite status wa
    sed -i 's/10.8.0.1\/24/10.8.0.9\/16/; s/DNS.*/DNS = 10.8.0.54/' wa.conf
    expect "reload" wg-lite reload wa
    expect "with the new address and servers" sh -c 'ip address show wz | grep 10.8.0.9/16 && grep "nameserver 10.8.0.54" /etc/resolv.conf'
    expect "still full" leads_out wz
    expect "nothing to change" says 'nothing to change' wg-lite reload wa
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_interface_moved() {
    before
    ip netns add inner
    conf wa "$both
DNS = 10.8.0.53" "$full"
    expect "up" up wa.conf
    ip link set wa netns inner
    expect "status" says '.' wg-lite status wa
    echo 'PersistentKeepalive = 21' >>wa.conf
    expect "reload of peers" wg-lite reload wa
    expect "took it" sh -c 'wg show wa persistent-keepalive | grep 21'
    sed -i 's/10.8.0.1/10.8.0.7/' wa.conf
    expect "reload of addresses says that it can't" refuses 'moved to another network namespace' wg-lite reload wa
    expect "down" wg-lite down wa
    ip netns del inner
    rmdir /run/netns 2>/dev/null || umount /run/netns 2>/dev/null || true
    expect "as before" soon as_before
    expect "up again" up wa.conf
    ip link delete wa
    expect "an interface that somebody deletes ends everything" soon is_gone wa
    expect "as before" soon as_before
    expect "up again" up wa.conf
    rm /run/wireguard/wa.sock
    expect "so does its socket" soon is_gone wa
    expect "as before" soon as_before
}

case_interface_down_and_up() {
    before
    conf wa "$both
Table = auto" "AllowedIPs = 0.0.0.0/1, 128.0.0.0/1, 10.50.0.0/16, fd50::/48"
    expect "up" up wa.conf
    ip link set wa down
    sleep 0.3
    ip link set wa up
    has_all() { ip route show 128.0.0.0/1 | grep wa && ip route show 10.50.0.0/16 | grep wa && ip -6 route show fd50::/48 | grep wa; }
    expect "routes that went with it are put back" soon has_all
    ip link set wa mtu 1290
    ip address add 10.70.0.1/24 dev wa
    expect "status works" says '.' wg-lite status wa
    expect "reload sets the MTU as the file has it and leaves the address" sh -c 'wg-lite reload wa; ip link show wa | grep "mtu 1420" && ip address show wa | grep 10.70.0.1'
    expect "down" wg-lite down wa
    expect "as before" as_before
}

# MARK: What others flush

case_flushed() {
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    # Only what is ours: the rules of the kernel's own are not.
    while ip rule del table 51820 2>/dev/null; do :; done
    ip rule del table main suppress_prefixlength 0
    expect "rules are put back" soon leads_out wa
    expect "status says so" says 'rule add' wg-lite status wa
    sleep 10.5
    ip route flush table 51820
    expect "routes are put back" soon leads_out wa
    ip -6 route flush table 51820
    nft flush ruleset
    # Whether the tunnel was faster depends on the moment.
    expect "reload" wg-lite reload wa
    expect "all of it is there again" sh -c 'nft list tables | grep wg-lite-wa && ip -6 route show table 51820 | grep "default dev wa"'
    expect "down" wg-lite down wa
    expect "as before" as_before
    expect "up" up wa.conf
    ip rule flush; ip -6 rule flush
    ip rule add table main priority 32766; ip rule add table default priority 32767; ip -6 rule add table main priority 32766
    expect "all rules flushed: ours come back" soon leads_out wa
    nft flush ruleset
    expect "down finds nothing of the firewall" wg-lite down wa
    ip rule | grep -q 'lookup default' || ip rule add table default priority 32767
    expect "as before" as_before
}

case_uplink_changes() {
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    ip route del default; ip address flush dev up0
    ip address add 192.0.2.9/24 dev up0; ip route add default via 192.0.2.1
    expect "the tunnel stays the way out" leads_out wa
    expect "and its own datagrams' is the new uplink" sh -c 'ip route get 192.0.2.1 mark 51820 | grep "src 192.0.2.9"'
    expect "reload finds nothing" says 'nothing to change' wg-lite reload wa
    expect "down" wg-lite down wa
    expect "the new uplink stays" sh -c 'ip route get 198.51.100.7 | grep "dev up0 src 192.0.2.9"'
}

# MARK: Several tunnels

case_several_in_any_order() {
    before
    local order name
    for order in "wa wb wc" "wa wc wb" "wb wa wc" "wb wc wa" "wc wa wb" "wc wb wa"; do
        conf wa "Address = 10.8.0.1/24
DNS = 10.8.0.53, a.example" "$full"
        conf wb "Address = 10.9.0.1/24
DNS = b.example" "AllowedIPs = 0.0.0.0/0"
        conf wc "Address = fd0a::1/64
DNS = fd0a::53" "AllowedIPs = ::/0, 10.20.0.0/16"
        before
        for name in wa wb wc; do up $name.conf || touch /run/failed; done
        for name in $order; do wg-lite down $name >/dev/null || touch /run/failed; done
        expect "up in turn, down: $order" as_before
    done
    for name in wa wb wc; do up $name.conf; done
    for name in wb wa wc; do killed $name; done
    for name in wb wc wa; do wg-lite down $name >/dev/null; done
    expect "killed, then down" as_before
    for name in wa wb wc; do up $name.conf & done
    wait
    for name in wa wb wc; do wg-lite down $name >/dev/null & done
    wait
    expect "all at once" as_before
}

case_twice() {
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    expect "up" up wa.conf
    state >/run/first.out
    expect "a second up is refused" refuses 'up already' up wa.conf
    expect "so is its preview" refuses 'up already' wg-lite up --dry-run wa.conf
    expect "nothing has changed" unchanged
    expect "down" wg-lite down wa
    expect "a second down is refused" refuses 'not up' wg-lite down wa
    expect "as before" as_before
    local i ups=0 pids=()
    for i in 1 2 3 4; do up wa.conf >/run/up$i.out 2>&1 & pids+=($!); done
    for i in "${pids[@]}"; do if wait "$i"; then ups=$((ups + 1)); fi; done
    expect "of four at once one comes up" test $ups = 1
    pids=()
    for i in 1 2 3; do sed -i "s/10.8.0.[0-9]*\/24/10.8.0.$((i + 4))\/24/" wa.conf; wg-lite reload wa >/run/r$i.out 2>&1 & done
    wait
    expect "after reloads at once the last finds nothing or sets it right" sh -c 'wg-lite reload wa; wg-lite reload wa | grep "nothing to change"'
    for i in 1 2 3; do wg-lite down wa >/run/d$i.out 2>&1 & pids+=($!); done
    for i in "${pids[@]}"; do wait "$i" || true; done
    expect "downs at once" as_before
}

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
