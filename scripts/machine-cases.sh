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
    expect "kill -9 of the command that waits for the tunnel takes the tunnel back" soon is_gone wa
    expect "with its hook" soon fails runs 'sleep 99'
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
    expect "the watchdog is fed while a reload waits for a name" soon awk -v t="$began" '$2 ~ /WATCHDOG/ && $1 > t + 1 { n++ } END { exit n < 1 }' /run/notified.out
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
    expect "status knows it by its new name" sh -c '! wg-lite status wa | grep overlaps'
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
    expect "that its IPv6 address is gone for good is said" says 'has lost fd08::1/64' wg-lite status wa
    ip link set wa mtu 1290
    ip address add 10.70.0.1/24 dev wa
    expect "status works" says '.' wg-lite status wa
    expect "reload sets the MTU as the file has it and leaves the address" sh -c 'wg-lite reload wa; ip link show wa | grep "mtu 1420" && ip address show wa | grep 10.70.0.1'
    expect "and the address that it had" sh -c 'ip address show wa | grep fd08::1/64 && ! wg-lite status wa | grep lost'
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
