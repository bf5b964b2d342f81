# Sourced by scripts/broken-setups: what is as it should be, and must be told so. A first line that says anything else fails at once.

# works [SECONDS]: for so long (5) no first line says anything else.
works() {
    [[ ${begun:-0} != 0 ]] || begun=${EPOCHREALTIME/./}
    local last=$((${EPOCHREALTIME/./} + ${1:-5} * 1000000)) first
    while ((${EPOCHREALTIME/./} < last)); do
        # Its exit status says the same as the line.
        first=$(on here timeout 10 "$program" status office 2>&1 | head -n 1 || true)
        if [[ $first != "office works"* || $first == *"look at"* ]]; then text=$first; finish FAILED; fi
        sleep 0.4
    done
    judge "$first"; text=$first; finish FAILED
}
# answered HOST ADDRESS: until an echo is answered, so that nothing of before is under way any more.
answered() { soon on "$1" timeout 10 ping -q -c 1 -W 1 "$2" >/dev/null 2>&1; }
told_to_work() { on here timeout 10 "$program" status office | grep -q "^office works$"; }
called_quiet() {
    usual_other "" "$calls"; other_up; office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.2/32"; our_up_quiet
}
called() { called_quiet; answered there 10.8.0.1; }
# listens HOST PORT: answers whoever connects to a TCP port.
listens() {
    on "$1" timeout 80 python3 -c '
import socket, sys
s = socket.create_server(("", int(sys.argv[1]))); open("/run/ready", "w")
while True:
    c, a = s.accept(); c.recv(10); c.close()' "$2" & until_ready "$1"
}
# connects HOST ADDRESS PORT, logs HOST ADDRESS: again and again, in the background; a log wants no answer.
connects() { on "$1" timeout 60 bash -c "while :; do exec 3<>/dev/tcp/$2/$3 && echo hi >&3 && cat <&3 >/dev/null; sleep 0.5; done" >/dev/null 2>&1 & }
logs() { on "$1" timeout 60 bash -c "while :; do echo x >/dev/udp/$2/514; sleep 0.2; done" >/dev/null 2>&1 & }
takes_logs() {
    on "$1" timeout 80 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 514)); open("/run/ready", "w")
while True: s.recv(100)' & until_ready "$1"
}

right_called() { cable here there; called; works; }
# A firewall that drops strangers all the time beside it.
right_receiver() { cable here there; called; takes_logs here; filter here input "udp dport 9999 drop"; logs there 10.8.0.1; on there timeout 40 bash -c 'while :; do echo x >/dev/udp/192.0.2.1/9999; sleep 0.1; done' & works; }
# Keepalives come back after ten seconds, and nothing else ever.
right_one_way() {
    cable here there; usual_other; takes_logs there
    office "Address = 10.8.0.1/24, fd08::1/64" "Endpoint = 192.0.2.2:51820"$'\n'"AllowedIPs = 10.8.0.0/24, fd08::/64, 224.0.0.0/4, ff00::/8"
    other_up; on here timeout 30 "$program" up -q $no_wait "$files/office.conf"; logs here 10.8.0.2
    on here timeout 60 python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"office")
while True:
    s.sendto(b"who is there", ("224.0.0.251", 5353)); time.sleep(0.3)' &
    soon told_to_work; works 15
}
right_others_away() {
    cable here there; usual_other; usual_office; sed -i "s|10.8.0.0/24|10.8.0.2/32|" "$files/office.conf"
    printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.0.3/32\n' "$strange_public" >>"$files/office.conf"; session; packets here 10.8.0.2; works
}
right_refused_inside() { cable here there; usual_other; usual_office; session; on here timeout 40 bash -c 'while :; do echo >/dev/tcp/10.8.0.2/80; sleep 0.5; done' >/dev/null 2>&1 & works; }
# One that answers connections and no ping, and another behind it that is off.
right_mute() {
    cable here there; usual_other; usual_office; sed -i "s|^AllowedIPs.*|&, 10.30.0.0/24|" "$files/office.conf"; on there ip address add 10.30.0.8/32 dev lo
    on there ip address add 10.30.0.7/32 dev lo; filter there input "ip daddr 10.30.0.7 drop; ip daddr 10.8.0.2 ip protocol icmp drop"; listens there 80; other_up
    on here timeout 30 "$program" up -q $no_wait "$files/office.conf"; connects here 10.8.0.2 80; answered here 10.30.0.8
    packets here 10.8.0.2; packets here 10.30.0.7; packets here 10.30.0.8; works 15
}
# A peer that drops pings and has nothing to say, and a port of it that isn't for us: what a firewall leaves of most machines.
right_never_spoken() {
    cable here there; usual_other; usual_office; filter there input "iifname there drop"; other_up; our_up_quiet
    packets here 10.8.0.2; connects here 10.8.0.2 22; works_or_says 25
}
# This machine drops the pings of its peers, and they have nothing else to say.
right_drops_pings() { cable here there; filter here input "iifname office drop"; called_quiet; packets there 10.8.0.1; works_or_says 15; }
# works_or_says SECONDS: until the first line has told the remark, and nothing that alarms meanwhile.
works_or_says() {
    begun=${EPOCHREALTIME/./}
    local last=$((${EPOCHREALTIME/./} + $1 * 1000000)) first
    while ((${EPOCHREALTIME/./} < last)); do
        first=$(on here timeout 10 "$program" status office 2>&1 | head -n 1 || true)
        if [[ $first == *"look at"* || $first == *"not work"* || $first == *"in part"* ]]; then text=$first; finish FAILED; fi
        judge "$first"; sleep 0.4
    done
    finish FAILED
}
right_keepalives() {
    cable here there; usual_other "" "$calls"; sed -i "s|:51820$|:51821|" "$files/there.conf"; usual_office "ListenPort = 51821" "PersistentKeepalive = 1"; session; works
}
right_suspended() {
    cable here there; usual_other; usual_office; session; packets here 10.8.0.2
    local pid; pid=$(on there sh -c 'cat /run/wg-lite/there.lock'); on there kill -STOP "$pid"; sleep 3; on there kill -CONT "$pid"; answered here 10.8.0.2; works
}
right_flap() {
    cable here there; usual_other; usual_office; session; packets here 10.8.0.2
    on here ip link set wire down; sleep 2; on here ip link set wire up; answered here 10.8.0.2; works
}
right_roams() {
    cable here there; called; on there ip address add 192.0.2.77/24 dev wire; on there ip address delete 192.0.2.2/24 dev wire
    on there ip address replace 192.0.2.77/24 dev wire; answered there 10.8.0.1; packets there 10.8.0.1; packets here 10.8.0.2; works
}
right_gateway() {
    cable here there; usual_other; usual_office; behind there
    on there nft 'table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "lan" masquerade; }; }'
    session; answered here 10.30.0.9; packets here 10.30.0.9; works
}
right_behind_nat() {
    nat; on router sysctl -q net.netfilter.nf_conntrack_udp_timeout=30 net.netfilter.nf_conntrack_udp_timeout_stream=30
    usual_other; usual_office "" "PersistentKeepalive = 1"; session; works
}
right_ipv6_only() {
    cable here there; on here ip -4 address flush dev wire; on there ip -4 address flush dev wire; usual_other "MTU = 1280"; usual_office "MTU = 1280"
    sed -i "s|192.0.2.2:|[2001:db8::2]:|" "$files/office.conf"; session; packets here 10.8.0.2; works
}
right_full_tunnel() {
    routed; usual_other "Address = fd08::2/64"; sed -i 's|10.8.0.1/32|&, fd08::1/128|' "$files/there.conf"
    on there timeout 60 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 53)); open("/run/ready", "w")
while True:
    q, a = s.recvfrom(512); s.sendto(q[:2] + b"\x81\x83" + q[4:6] + bytes(6) + q[12:], a)' & until_ready there
    office "Address = 10.8.0.1/24, fd08::1/64"$'\n'"DNS = 10.8.0.2" "Endpoint = 192.0.2.2:51820"$'\n'"AllowedIPs = 0.0.0.0/0, ::/0"; session
    on here timeout 40 bash -c 'while :; do getent hosts a.example; sleep 0.5; done' >/dev/null & works
}
right_reloaded() {
    cable here there; usual_other; usual_office; session; packets here 10.8.0.2
    on here timeout 40 bash -c "while :; do \"$program\" reload office; sleep 1; done" >/dev/null 2>&1 & works
}
right_wireguard_go() { cable here there; wireguard_go 10.8.0.1/32; usual_office; our_up_quiet; answered here 10.8.0.2; packets here 10.8.0.2; works; }
our_up_quiet() { on here timeout 30 "$program" up -q $no_wait "$files/office.conf"; }
