# Sourced by scripts/machine-cases, as machine-cases.sh is: others take away what a tunnel is found by, or was set up with.

# cleaned PROGRAM…: carried out at once, before the tunnel can make anything again.
cleaned() {
    local process
    process=$(pid wa)
    kill -STOP "$process"
    "$@"
    kill -CONT "$process"
}

case_run_is_cleaned() {
    local process kind
    before
    conf wa "$both
DNS = 10.8.0.53
PostUp = echo \$\$ >/run/hook.out; sleep 1" "$full"
    wg-lite up -q --no-wait wa.conf >/run/up.out 2>&1 &
    process=$!
    soon test -s /run/hook.out
    cleaned rm -r /run/wg-lite
    expect "removed while PostUp runs, its directory is made again" soon test -S /run/wg-lite/wa.control
    expect "up" wait $process
    process=$(pid wa)
    for kind in "rm -r /run/wg-lite" "rm /run/wg-lite/wa.lock" "rm /run/wg-lite/wa.control" "mv /run/wg-lite /run/moved"; do
        cleaned $kind
        expect "$kind: a reload at once finds the tunnel" timeout 10 wg-lite reload wa
        expect "$kind: there is a lock of the same process" soon grep -qx "$process" /run/wg-lite/wa.lock
        expect "and nobody else takes the name" refuses "run by process $process" wg-lite up --no-wait wa.conf
    done
    rm -r /run/moved
    expect "what is to be taken back is recorded again" soon test -s /run/wg-lite/wa.record
    expect "the log says so" soon says 'made again' cat /run/wg-lite/wa.log
    killed wa
    expect "killed: down" wg-lite down wa
    expect "as before" as_before
    sed -i '/PostUp/d' wa.conf
    expect "up" up wa.conf
    cleaned rm -r /run/wg-lite
    expect "down at once" wg-lite down wa
    expect "as before" as_before
    expect "up" up wa.conf
    process=$(pid wa)
    kill -STOP "$process"
    rm -r /run/wg-lite
    touch /run/wg-lite
    kill -CONT "$process"
    expect "where it can't be made again, down says what helps" refuses "kill -TERM $process" wg-lite down wa
    kill -TERM "$process"
    expect "and it does" soon fails is_there wa
    rm /run/wg-lite
    mkdir -m 700 /run/wg-lite
    expect "as before" soon as_before
    expect "up" up wa.conf
    cleaned rm -r /run/wg-lite /run/wireguard
    expect "with both directories, that of the sockets too, the tunnel ends as wireguard-go's does" soon fails is_there wa
    mkdir -p -m 700 /run/wg-lite
    mkdir -p /run/wireguard
    expect "as before" soon as_before
}

case_resolvconf_goes() {
    local kept=/run/kept.resolvconf
    before
    cat >/run/bin/resolvconf <<'SH'
#!/bin/sh
mkdir -p /run/asked
case $1 in
-a) cat >"/run/asked/$2" ;;
-d) rm -f "/run/asked/$2" ;;
-i) ls /run/asked ;;
-l) cat "/run/asked/$2" ;;
esac
SH
    chmod +x /run/bin/resolvconf
    conf wa "$both
DNS = 10.8.0.53" "$full"
    expect "up" up wa.conf
    expect "its servers are resolvconf's" grep 10.8.0.53 /run/asked/wa
    mv /run/bin/resolvconf $kept
    expect "resolvconf is gone: down says by what they are taken back" refuses '`resolvconf -d wa -f` takes them back' wg-lite down wa
    expect "the rest is down" fails is_there wa
    expect "it stays recorded" grep name-servers /run/wg-lite/wa.record
    expect "a second down says so too" refuses '`resolvconf -d wa -f`' wg-lite down wa
    expect "up says so, and what helps" refuses '`resolvconf -d wa -f`' timeout 20 wg-lite up -q --no-wait wa.conf
    expect "it still stays recorded" grep name-servers /run/wg-lite/wa.record
    mv $kept /run/bin/resolvconf
    expect "resolvconf is back: down takes them back" wg-lite down wa
    expect "none is left" fails grep . /run/asked/wa
    rm -r /run/bin/resolvconf /run/asked
    expect "as before" as_before
}

# MARK: Rules and routes

case_everything_flushed_while_stopped() {
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    expect "up" up wa.conf
    kill -STOP "$(pid wa)"
    ip route flush table 51820
    nft flush ruleset
    ip rule flush
    ip rule add table main priority 32766
    ip rule add table default priority 32767
    # More than a netlink socket keeps: what is missing has to be looked for.
    seq 20000 | awk '{ print "route add 203.0.113.7/32 dev lo"; print "route del 203.0.113.7/32 dev lo" }' | ip -batch -
    kill -CONT "$(pid wa)"
    expect "what went while the tunnel was stopped is put back" soon sh -c 'ip route get 198.51.100.7 | grep "dev wa" && nft list table inet wg-lite-wa'
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_routes_churn_meanwhile() {
    local churn
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    (while :; do ip route add 203.0.113.7/32 dev lo; ip route del 203.0.113.7/32 dev lo; done) 2>/dev/null &
    churn=$!
    ip route flush table 51820
    expect "somebody's routes come and go: what was flushed is put back" soon leads_out wa
    sed -i 's/10.8.0.1\/24/10.8.0.7\/24/' wa.conf
    expect "reload" wg-lite reload wa
    expect "status" says . wg-lite status wa
    expect "down" wg-lite down wa
    kill $churn
    wait $churn 2>/dev/null || true
    ip route del 203.0.113.7/32 dev lo 2>/dev/null || true
    expect "as before" as_before
}

case_two_full_tunnels_flushed() {
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    conf wb "Address = 10.9.0.1/24, fd09::1/64
DNS = 10.9.0.53" "$full"
    expect "up" up wa.conf
    expect "up of a second one" up wb.conf
    expect "the second leads" leads_out wb
    nft flush ruleset
    ip rule flush
    ip rule add table main priority 32766
    ip rule add table default priority 32767
    expect "all rules flushed: each puts its own back" soon sh -c 'test $(ip rule | grep -c fwmark) = 2 && nft list table inet wg-lite-wa && nft list table inet wg-lite-wb'
    expect "in their order" soon leads_out wb
    sed -i 's/10.8.0.1/10.8.0.7/' wa.conf
    expect "reload of the first" wg-lite reload wa
    expect "the second leads still" leads_out wb
    expect "down of the first" wg-lite down wa
    expect "the second leads still" leads_out wb
    expect "its name servers are asked" grep -x 'nameserver 10.9.0.53' /etc/resolv.conf
    expect "down of the second" wg-lite down wb
    expect "as before" as_before
}

case_tables_and_marks_change() {
    before
    conf wa "$both
Table = 77" "$full"
    expect "up" up wa.conf
    expect "in the table asked for" sh -c 'ip route show table 77 | grep default'
    sed -i 's/^Table.*/Table = off/' wa.conf
    expect "reload without routes" wg-lite reload wa
    expect "the table is empty" fails sh -c 'ip route show table 77 | grep .'
    sed -i 's/^Table.*/Table = auto/' wa.conf
    expect "reload with our own table" wg-lite reload wa
    expect "full" leads_out wa
    sed -i 's/^Table.*/Table = 51820/' wa.conf
    expect "reload with the same table by number" wg-lite reload wa
    expect "the routes are there" sh -c 'ip route show table 51820 | grep default'
    expect "the rules are gone" fails sh -c 'ip rule | grep 51820'
    sed -i 's/^Table.*/FwMark = 0x55/' wa.conf
    expect "reload with a mark" wg-lite reload wa
    expect "full" leads_out wa
    expect "both know the mark" sh -c 'wg show wa fwmark | grep -x 0x55 && ip rule | grep "fwmark 0x55"'
    sed -i '/^FwMark/d; /^Address/d' wa.conf
    expect "reload without mark and address" wg-lite reload wa
    expect "no address is left" fails sh -c 'ip -br address show wa scope global | grep "10\.\|fd08"'
    sed -i '/PrivateKey/a Address = 10.8.0.1/24' wa.conf
    expect "reload with an address" wg-lite reload wa
    expect "full" leads_out wa
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_reload_that_fails_where_rules_are_gone() {
    local client
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    rules_of >/run/rules.out
    kill -STOP "$(pid wa)"
    nft flush chain inet wg-lite-wa preraw
    ip route add 10.77.0.0/16 dev up0
    sed -i 's/10.8.0.1/10.8.0.7/; s/::\/0/::\/0, 10.77.0.0\/16/' wa.conf
    wg-lite reload wa >/run/reload.out 2>&1 &
    client=$!
    kill -CONT "$(pid wa)"
    expect "a reload whose route is there already, of a tunnel whose rules are gone, fails" fails wait $client
    expect "it says why" grep -q 10.77.0.0/16 /run/reload.out
    expect "the rules are those of before" soon sh -c 'nft list table inet wg-lite-wa | diff /run/rules.out -'
    expect "so is the address" sh -c 'ip address show wa | grep 10.8.0.1/ && ! ip address show wa | grep 10.8.0.7/'
    ip route del 10.77.0.0/16 dev up0
    expect "down" wg-lite down wa
    expect "as before" as_before
}

# MARK: Files

case_save_where_the_file_is_gone() {
    before
    conf wa "$both
SaveConfig = true
PostDown = touch /run/postdown.out" "$full"
    expect "up" up wa.conf
    mv wa.conf kept.conf
    wg set wa listen-port 41333
    expect "the file is gone: down says that nothing was saved" says "can't be read" wg-lite down wa
    expect "and makes none" fails test -e wa.conf
    expect "PostDown ran" test -e /run/postdown.out
    expect "as before" as_before
    { printf '\xef\xbb\xbf'; cat kept.conf; } >wb.conf
    chmod 600 wb.conf
    rm kept.conf
    expect "up of a file with a byte order mark" up wb.conf
    wg set wb listen-port 41333
    expect "down" wg-lite down wb
    expect "keeps the mark, and saves" sh -c 'head -c 3 wb.conf | od -An -tx1 | grep "ef bb bf" && grep 41333 wb.conf'
    expect "as before" as_before
}

case_peers_exchange_networks() {
    before
    conf wa "$both" "AllowedIPs = 10.8.0.0/24, 10.9.0.0/24
[Peer]
PublicKey = $other
AllowedIPs = 10.10.0.0/16"
    expect "up" up wa.conf
    sed -i 's/^AllowedIPs = 10.8.*/AllowedIPs = 10.10.0.0\/16/; t; s/^AllowedIPs = 10.10.*/AllowedIPs = 10.8.0.0\/24, 10.9.0.0\/24/' wa.conf
    expect "reload" wg-lite reload wa
    expect "each has what the other had" sh -c "wg show wa allowed-ips | grep '^$other.*10.8.0.0/24 10.9.0.0/24' && wg show wa allowed-ips | grep '^$peer.*10.10.0.0/16'"
    expect "nothing is left to do" says 'nothing to change' wg-lite reload wa
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_rules_in_front() {
    local place rule
    conf wa "$both" "$full"
    conf wb "Address = 10.9.0.1/24" "AllowedIPs = 0.0.0.0/0"
    for place in 1 2 3; do
        ip rule add priority $place from 203.0.113.9 lookup 77
        before
        expect "a rule at place $place: up" up wa.conf
        expect "everything goes into the tunnel" leads_out wa
        expect "but for the local network" fails grep -q 'dev wa' <<<"$(ip route get 192.0.2.77)"
        if ((place == 3)); then
            expect "a second one" up wb.conf
            killed wb
            expect "it is killed, down" wg-lite down wb
        else
            expect "there is no place for a second one, which says so" refuses "was undone" wg-lite up --no-wait wb.conf
        fi
        killed wa
        expect "killed, down" wg-lite down wa
        expect "as before" as_before
        conf wa "$both" "$full"
        expect "up again" up wa.conf
        conf wa "$both
FwMark = 0x77" "$full"
        expect "reload with another mark" wg-lite reload wa
        expect "everything goes into the tunnel" leads_out wa
        expect "down" wg-lite down wa
        expect "as before" as_before
        conf wa "$both" "$full"
        ip rule del priority $place
    done
    expect "up" up wa.conf
    expect "everything goes into the tunnel, and nothing is said of that" sh -c '! wg-lite status wa | grep "is to go through"'
    ip rule add priority 10 lookup main
    expect "somebody's rule leads past it, which status says" says 'all of IPv4 is to go through the tunnel, and leaves beside it' wg-lite status wa
    ip rule del priority 10
    ip rule add priority 10 unreachable
    expect "or to nowhere" says 'has no way at all' wg-lite status wa
    ip rule del priority 10
    expect "down" wg-lite down wa
    for rule in "goto 32766" unreachable "blackhole not fwmark 99"; do
        ip rule add priority 100 $rule
        before
        expect "a rule that says $rule: up" up wa.conf
        expect "everything goes into the tunnel" leads_out wa
        expect "down" wg-lite down wa
        expect "as before" as_before
        ip rule del priority 100
    done
}

case_killed_then_another_program() {
    local elsewhere
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    killed wa
    # As another program makes a tunnel of the same name and address; the packet filter is still ours.
    unshare --net sleep 60 &
    elsewhere=$!
    soon sh -c "! [ /proc/$elsewhere/ns/net -ef /proc/self/ns/net ]"
    ip link add wa type veth peer name inside netns $elsewhere
    ip address add 10.8.0.1/24 dev wa
    ip link set wa up
    nsenter --target $elsewhere --net sh -c 'ip address add 10.8.0.2/24 dev inside; ip link set inside up'
    expect "our filter is there" sh -c 'nft list tables | grep wg-lite-wa'
    expect "and lets it have its packets" soon nsenter --target $elsewhere --net ping -q -c 1 -W 1 10.8.0.1
    ip link del wa
    kill $elsewhere
    expect "down takes back what the process left" wg-lite down wa
    expect "as before" as_before
}

case_port_is_taken() {
    local process
    before
    conf wa "$both
ListenPort = 51820" "AllowedIPs = 10.8.0.0/24
PersistentKeepalive = 1"
    expect "up" up wa.conf
    ip link set wa down
    soon sh -c '! ss -lun | grep -q :51820'
    python3 -c 'import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 51820)); print("bound", flush=True); time.sleep(60)' >/run/bound.out &
    process=$!
    soon grep -q bound /run/bound.out
    ip link set wa up
    expect "another program has the port, which status says" soon says 'does not work: another program has its port 51820' wg-lite status wa
    kill $process
    expect "when it is free the tunnel takes it" soon sh -c 'ss -lun | grep -q :51820'
    expect "and works on" soon sh -c '! wg-lite status wa 2>&1 | grep -q "another program"'
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_killed_elsewhere() {
    local elsewhere
    inside() { nsenter --target "$elsewhere" --net "$@"; }
    unshare --net sleep 100 &
    elsewhere=$!
    soon sh -c "! [ /proc/$elsewhere/ns/net -ef /proc/self/ns/net ]"
    conf wa "$both" "$full"
    conf wb "Address = 10.9.0.1/24" "$full"
    expect "up in another network namespace" inside timeout 20 wg-lite up -q --no-wait wa.conf
    expect "another one here, with the same rules" up wb.conf
    before
    kill -KILL "$(pid wa)"
    soon fails inside ip link show wa
    expect "the first is killed, and down here refuses" refuses "another network namespace.*" wg-lite down wa
    expect "nothing here was touched" as_before
    expect "down there" inside wg-lite down wa
    expect "took all of it back" fails sh -c "nsenter --target $elsewhere --net ip rule | grep 51820 || nsenter --target $elsewhere --net nft list tables | grep wg-lite"
    expect "up there again" inside timeout 20 wg-lite up -q --no-wait wa.conf
    kill -KILL "$(pid wa)"
    soon fails inside ip link show wa
    kill $elsewhere
    expect "that namespace is gone, as a container's that is started again: up here goes on, and says so" says "another network namespace" wg-lite up --no-wait wa.conf
    expect "down" wg-lite down wa
    expect "the other one still works" leads_out wb
    expect "down" wg-lite down wb
}

case_interface_goes_while_a_hook_runs() {
    local process
    before
    conf wa "$both
PostUp = touch /run/hook.out; sleep 3" "$full"
    wg-lite up --foreground wa.conf >/run/fg.out 2>&1 &
    process=$!
    soon test -e /run/hook.out
    ip link del wa
    expect "up fails" fails wait $process
    expect "it says why once, and not for ever" sh -c '[ $(wc -l </run/fg.out) -lt 100 ]'
    expect "as before" soon as_before
}

case_interface_made_before() {
    local process
    before
    ip tuntap add mode tun name wd
    expect "a device is made of an interface that was made before" timeout 20 wg-lite wd
    expect "it answers" sh -c 'wg-lite show interfaces | grep -w wd'
    expect "with WireGuard's MTU" sh -c 'ip link show wd | grep "mtu 1420"'
    expect "nobody else has it" fails timeout 20 wg-lite wd
    process=$(pgrep -x wg-lite)
    kill -TERM "$process"
    expect "it ends, and the interface stays" soon sh -c '! pgrep -x wg-lite && ip link show wd'
    expect "once more" timeout 20 wg-lite wd
    ip link del wd
    expect "it ends with the interface" soon fails pgrep -x wg-lite
    ip tuntap add mode tap name wd
    expect "of one for frames none is made" fails timeout 20 wg-lite wd
    ip link del wd
    expect "as before" soon as_before
}
