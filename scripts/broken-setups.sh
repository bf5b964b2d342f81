# Sourced by scripts/broken-setups: how a set-up is tried, and the set-ups.

# try NAME PATTERN FUNCTION: makes the set-up on hosts of its own and writes outcome, seconds and first line.
try() {
    pattern=$2
    . scripts/namespaces.sh
    # A command that fails ends the set-up, and is named.
    set -E
    trying=$BASHPID
    trap 'failure=$?; [[ $BASHPID != "$trying" ]] || echo "${FUNCNAME[*]:0:3}, line ${BASH_LINENO[0]}: $BASH_COMMAND${*:+ ($*)} (status $failure)" >&2' ERR
    files="$scratch/files"
    mkdir -m 700 "$files"
    host here
    host there
    "$3"
}

# --- the hosts ---

# link A NAME B NAME: a veth between two hosts.
link() {
    nsenter -t "${host_pid[$1]}" -n -- ip link add "$2" type veth peer name "$4" netns "${host_pid[$3]}"
    on "$1" ip link set "$2" up
    on "$3" ip link set "$4" up
}
# here (198.51.100.1) - router (.254, forwards) - there (192.0.2.2).
routed() {
    host router
    link here wire router left
    link there wire router right
    on here ip address add 198.51.100.1/24 dev wire
    on there ip address add 192.0.2.2/24 dev wire
    on router ip address add 198.51.100.254/24 dev left
    on router ip address add 192.0.2.254/24 dev right
    on here ip route add default via 198.51.100.254
    on there ip route add default via 192.0.2.254
    on here ip address add 2001:db8:1::1/64 dev wire nodad
    on there ip address add 2001:db8:2::2/64 dev wire nodad
    on router ip address add 2001:db8:1::254/64 dev left nodad
    on router ip address add 2001:db8:2::254/64 dev right nodad
    on here ip route add default via 2001:db8:1::254
    on there ip route add default via 2001:db8:2::254
    on router sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}
# filter HOST HOOK RULE: one rule of nft.
filter() { on "$1" nft "table inet broken { chain $2 { type filter hook $2 priority 0; $3; }; }"; }

# --- the tunnel ---

# office INTERFACE-LINES PEER-LINES [PUBLIC-KEY]: our end's file; there: the other end's.
office() { write office "$ours" "$1" "$2" "${3:-$theirs_public}"; }
other() { write there "$theirs" "$1" "$2" "${3:-$ours_public}"; }
write() { (umask 077; printf '[Interface]\nPrivateKey = %s\n%s\n\n[Peer]\nPublicKey = %s\n%s\n' "$2" "$3" "$5" "$4" >"$files/$1.conf"); }
# The usual ends: 10.8.0.1 here, 10.8.0.2 there, on one wire.
usual_office() { office "Address = 10.8.0.1/24"$'\n'"${1:-}" "Endpoint = 192.0.2.2:51820"$'\n'"AllowedIPs = 10.8.0.0/24"$'\n'"${2:-}"; }
usual_other() { other "Address = 10.8.0.2/24"$'\n'"ListenPort = 51820"$'\n'"${1:-}" "AllowedIPs = 10.8.0.1/32"$'\n'"${2:-}"; }
other_up() { on there timeout 60 "$program" up -q $no_wait "$files/there.conf"; }
calls="Endpoint = 192.0.2.1:51820"$'\n'"PersistentKeepalive = 1"

# --- what a person reads ---

# judge TEXT: ends the set-up if the first line of a text names the cause.
judge() {
    text=${1%%$'\n'*}
    if grep -qE "$pattern" <<<"$text"; then finish ok; fi
}
finish() {
    local milliseconds=$(((${EPOCHREALTIME/./} - ${begun:-0}) / 1000))
    printf '%s\t%d.%d\t%s\n' "$1" "$((milliseconds / 1000))" "$((milliseconds % 1000 / 100))" "$text"
    exit 0
}
# up: our end, judged by the first line; where it fails, that was it.
up() {
    begun=${EPOCHREALTIME/./}
    local status=0
    "$@" >"$files/up" 2>&1 </dev/null || status=$?
    judge "$(cat "$files/up")"
    if ((status != 0)) && ! on here ip link show office >/dev/null 2>&1; then finish FAILED; fi
}
our_up() { up on here timeout 30 "$program" up "$files/office.conf"; }
# status [SECONDS]: our end's, until its first line names the cause.
status() {
    local last=$((${EPOCHREALTIME/./} + ${1:-14} * 1000000))
    while ((${EPOCHREALTIME/./} < last)); do
        judge "$(on here timeout 10 "$program" status office 2>&1 || true)"
        sleep 0.4
    done
    finish FAILED
}
# soon COMMAND…: until it succeeds, for 30 s at most.
soon() {
    local last=$((SECONDS + 30))
    until "$@"; do
        if ((SECONDS >= last)); then echo "in vain for 30 s: $*" >&2; return 1; fi
        sleep 0.1
    done
}
# until_ready [HOST]: a program that was started there says that it is.
until_ready() { soon on "${1:-here}" test -e /run/ready; }
# packets HOST ADDRESS [OPTION…]: a ping a second, in the background.
packets() {
    local name=$1 address=$2
    shift 2
    on "$name" timeout 40 ping -q -i 0.5 "$@" "$address" >/dev/null 2>&1 &
}
# An established session, so that what breaks then is the only thing.
session() {
    other_up
    up on here timeout 30 "$program" up $no_wait "$files/office.conf"
    on here timeout 10 ping -q -c 1 -W 5 10.8.0.2 >/dev/null
    begun=${EPOCHREALTIME/./}
}
look() { our_up; status "$@"; }

nothing_wrong() { cable here there; usual_other; other_up; usual_office; our_up; finish FAILED; }

# --- keys ---

peer_key_wrong() { cable here there; usual_other; other_up; usual_office; sed -i "s|^PublicKey.*|PublicKey = $strange_public|" "$files/office.conf"; look; }
peer_key_wrong_calls() {
    cable here there; usual_other "" "$calls"; other_up
    usual_office "ListenPort = 51820"; sed -i "s|^PublicKey.*|PublicKey = $strange_public|" "$files/office.conf"; look
}
our_key_unknown() { cable here there; usual_other; sed -i "s|^PublicKey.*|PublicKey = $strange_public|" "$files/there.conf"; other_up; usual_office; look; }
our_key_unknown_calls() {
    cable here there; usual_other "" "$calls"; sed -i "s|^PublicKey.*|PublicKey = $strange_public|" "$files/there.conf"; other_up
    usual_office "ListenPort = 51820"; look
}
own_key() { cable here there; usual_other; other_up; usual_office; sed -i "s|^PublicKey.*|PublicKey = $ours_public|" "$files/office.conf"; look; }
psk_differs() { cable here there; usual_other "" "PresharedKey = $psk"; other_up; usual_office "" "PresharedKey = $other_psk"; look; }
psk_here() { cable here there; usual_other; other_up; usual_office "" "PresharedKey = $psk"; look; }
psk_there() { cable here there; usual_other "" "PresharedKey = $psk"; other_up; usual_office; look; }
psk_other_begins() {
    cable here there; usual_other "" "$calls"$'\n'"PresharedKey = $psk"; other_up
    office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.0/24"; look 16
}

# --- the way ---

port_closed() { cable here there; usual_office; look; }
prohibited() { routed; usual_other; other_up; filter router forward "udp dport 51820 reject with icmpx admin-prohibited"; usual_office; look; }
filtered_on_the_way() { routed; usual_other; other_up; filter router forward "udp dport 51820 drop"; usual_office; look; }
filtered_out() { cable here there; usual_other; other_up; filter here output "udp dport 51820 drop"; usual_office; look; }
filtered_in() { cable here there; usual_other; other_up; filter here input "meta l4proto udp drop"; usual_office; look; }
no_route() { cable here there; usual_office; sed -i "s|192.0.2.2:|203.0.113.2:|" "$files/office.conf"; look; }
router_unreachable() { routed; on router ip link set left down; usual_office; look; }
arp_silent() { cable here there; on there ip address flush dev wire; usual_office; look; }
ipv6_missing() { cable here there; on here ip -6 address flush dev wire; usual_office; sed -i "s|192.0.2.2:|[2001:db8::2]:|" "$files/office.conf"; look; }
name_unknown() {
    cable here there; usual_office; sed -i "s|192.0.2.2:|peer.example.org:|" "$files/office.conf"
    # A name server that knows nobody.
    on here timeout 60 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53)); open("/run/ready", "w")
while True:
    q, a = s.recvfrom(512); s.sendto(q[:2] + b"\x81\x83" + q[4:6] + bytes(6) + q[12:], a)' &
    on here sh -c 'echo nameserver 127.0.0.1 >/etc/resolv.conf'; until_ready; our_up; finish FAILED
}
no_resolver() {
    cable here there; usual_office; sed -i "s|192.0.2.2:|peer.example.org:|" "$files/office.conf"
    on here sh -c 'printf "nameserver 192.0.2.2\noptions timeout:1 attempts:1\n" >/etc/resolv.conf'
    export WG_ENDPOINT_RESOLUTION_RETRIES=1; our_up; finish FAILED
}

# --- what is inside ---

narrow_here() { cable here there; usual_other; other_up; usual_office; sed -i "s|10.8.0.0/24|10.8.0.2/32|" "$files/office.conf"; our_up; packets here 10.8.0.9; status; }
narrow_here_outside() {
    cable here there; usual_other; other_up; usual_office "PostUp = ip route add 10.20.0.0/16 dev office"
    our_up; packets here 10.20.0.7; status
}
narrow_there() { cable here there; usual_other; sed -i "s|10.8.0.1/32|10.8.0.100/32|" "$files/there.conf"; other_up; usual_office; our_up; packets here 10.8.0.2; status 25; }
source_refused() {
    cable here there; usual_other; other_up; on there ip address add 10.20.0.7/32 dev lo
    usual_office; our_up; on here timeout 5 ping -q -c 1 10.8.0.2 >/dev/null; packets there 10.8.0.1 -I 10.20.0.7; status
}
same_twice() {
    cable here there; usual_other; other_up; usual_office; printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.0.0/24\n' "$strange_public" >>"$files/office.conf"; look
}
# here (10.1.0.1) - router that masquerades and forgets after a second - there.
nat() {
    routed; on here ip address flush dev wire; on here ip address add 10.1.0.1/24 dev wire; on router ip address add 10.1.0.254/24 dev left
    on here ip route add default via 10.1.0.254
    on router nft 'table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "right" masquerade; }; }'
    filter router input "udp dport 1024-65535 drop"
    on router sysctl -q net.netfilter.nf_conntrack_udp_timeout=1 net.netfilter.nf_conntrack_udp_timeout_stream=1
}
nat_here() { nat; usual_other; other_up; usual_office; our_up; on here timeout 5 ping -q -c 1 10.8.0.2 >/dev/null; sleep 3; status; }
nat_there() {
    # Who is looked at is outside: the ends change their names.
    local inside=${host_pid[here]}; nat; host_pid[here]=${host_pid[there]}; host_pid[there]=$inside
    other "Address = 10.8.0.2/24" "AllowedIPs = 10.8.0.1/32"$'\n'"Endpoint = 192.0.2.2:51820"
    office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.2/32"
    other_up; up on here timeout 30 "$program" up $no_wait "$files/office.conf"; on there timeout 5 ping -q -c 1 10.8.0.1 >/dev/null
    # After its last keepalive, which it sends when it has received and has nothing to say.
    sleep 13; begun=${EPOCHREALTIME/./}; packets here 10.8.0.2; status 20
}
path_mtu_4() { routed; usual_other; other_up; filter router forward "udp length > 1300 drop"; usual_office; our_up; packets here 10.8.0.2; status; }
path_mtu_6() {
    routed; sleep 2; usual_other; other_up; filter router forward "udp length > 1300 drop"; usual_office; sed -i "s|192.0.2.2:|[2001:db8:2::2]:|" "$files/office.conf"
    our_up; packets here 10.8.0.2; status
}

# --- what is in the way of coming up ---

port_in_use() {
    cable here there; usual_office "ListenPort = 51820"
    on here timeout 40 python3 -c 'import socket,time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 51820)); open("/run/ready", "w"); time.sleep(40)' & until_ready; our_up; finish FAILED
}
port_in_use_by_us() {
    cable here there; usual_office "ListenPort = 51820"; sed "s|10.8.0|10.7.0|; s|^PrivateKey.*|PrivateKey = $strange|" "$files/office.conf" >"$files/other.conf"; chmod 600 "$files/other.conf"
    on here "$program" up -q $no_wait "$files/other.conf"; our_up; finish FAILED
}
as_nobody() {
    cp "$files/office.conf" /tmp/"${scratch##*/}".office; mkdir -p "$scratch/open"; chmod 755 "$scratch" "$scratch/open"
    mv /tmp/"${scratch##*/}".office "$scratch/open/office.conf"; chown nobody "$scratch/open/office.conf"
    up on here setpriv --reuid=65534 --regid=65534 --clear-groups timeout 20 "$program" up "$scratch/open/office.conf"; finish FAILED
}
no_privilege() { cable here there; usual_office; as_nobody; }
no_privilege_container() {
    cable here there; usual_office; on here sh -c ': >/run/.containerenv'
    up on here setpriv --bounding-set=-net_admin --inh-caps=-net_admin timeout 20 "$program" up "$files/office.conf"; finish FAILED
}
no_tun() { cable here there; usual_office; on here mount -t tmpfs tmpfs /dev/net; our_up; finish FAILED; }
plain_tun() { cable here there; usual_office; on here mount -t tmpfs tmpfs /dev/net; on here sh -c 'echo >/dev/net/tun'; our_up; finish FAILED; }
name_ours() { cable here there; usual_office; on here "$program" up -q $no_wait "$files/office.conf"; our_up; finish FAILED; }
name_dummy() { cable here there; usual_office; on here ip link add office type veth; our_up; finish FAILED; }
name_wireguard_go() { cable here there; usual_office; on here env WG_PROCESS_FOREGROUND=1 timeout 40 wireguard-go office >/dev/null 2>&1 & soon on here test -e /run/wireguard/office.sock; our_up; finish FAILED; }
name_tun() { cable here there; usual_office; on here ip tuntap add dev office mode tun; our_up; finish FAILED; }

# --- routes ---

overlap() { cable here there; usual_other; other_up; usual_office; on here ip link add lan type veth; on here ip address add 10.8.0.77/24 dev lan; on here ip link set lan up; look; }
endpoint_network() { cable here there; on here ip address flush dev wire; on here ip address add 192.0.2.1/32 dev wire; on here ip route add default dev wire; usual_office; sed -i "s|^AllowedIPs.*|&, 192.0.2.0/24|" "$files/office.conf"; look; }
endpoint_itself() { cable here there; usual_office; sed -i "s|^AllowedIPs.*|&, 192.0.2.2/32|" "$files/office.conf"; look; }
endpoint_halves() { routed; usual_office; sed -i "s|^AllowedIPs.*|AllowedIPs = 0.0.0.0/1, 128.0.0.0/1|" "$files/office.conf"; look; }
endpoint_route_gone() {
    routed; usual_other; usual_office "PostUp = ip route add 192.0.2.2 via 198.51.100.254"; sed -i "s|^AllowedIPs.*|AllowedIPs = 0.0.0.0/1, 128.0.0.0/1|" "$files/office.conf"
    session; on here ip route delete 192.0.2.2; packets here 10.8.0.2; status
}
dns_outside() { cable here there; usual_other; other_up; usual_office "DNS = 10.9.0.53"; on here ip route add default via 192.0.2.2; look; }
dns_other_route() { cable here there; usual_other; other_up; usual_office "DNS = 10.8.0.53"; on here ip route add 10.8.0.53 via 192.0.2.2; look; }
dns_unreachable() { cable here there; usual_other; other_up; usual_office "DNS = 10.9.0.53"; look; }

# --- time ---

clock_here() {
    cable here there; usual_other; other_up; usual_office; on here env LD_PRELOAD="$results/ahead.so" "$program" up -q $no_wait "$files/office.conf"
    on here timeout 5 ping -q -c 1 10.8.0.2 >/dev/null; on here "$program" down -q office; look
}
clock_there() {
    cable here there; usual_other "" "$calls"; office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.0/24"
    on there env LD_PRELOAD="$results/ahead.so" "$program" up -q $no_wait "$files/there.conf"; up on here timeout 30 "$program" up $no_wait "$files/office.conf"
    on there timeout 5 ping -q -c 1 10.8.0.1 >/dev/null; on there "$program" down -q there; begun=${EPOCHREALTIME/./}; other_up; status
}
restart() { local pid; pid=$(on there sh -c 'cat /run/wg-lite/there.lock'); on there kill -KILL "$pid"; sleep 0.3; }
peer_restarted() { cable here there; usual_other; usual_office; session; restart; other_up; packets here 10.8.0.2; status 25; }
peer_gone() { cable here there; usual_other; usual_office; session; on there ip link set there down; filter there input "udp dport 51820 drop"; packets here 10.8.0.2; status 25; }

# --- beyond the ends ---

forwarding_here() {
    cable here there; usual_other "" ""; sed -i "s|10.8.0.1/32|10.8.0.1/32, 10.30.0.0/24|" "$files/there.conf"; usual_office; other_up
    on here ip link add lan type veth; on here ip address add 10.30.0.1/24 dev lan; on here ip link set lan up; on here sysctl -q net.ipv4.ip_forward=0
    our_up; on here timeout 5 ping -q -c 1 10.8.0.2 >/dev/null; packets there 10.30.0.9; status
}
forwarding_there() {
    cable here there; usual_other; other_up; on there sysctl -q net.ipv4.ip_forward=0; usual_office; sed -i "s|^AllowedIPs.*|&, 10.30.0.0/24|" "$files/office.conf"
    our_up; packets here 10.30.0.9; status 25
}
rp_filter_outside() {
    # Answers come in by another wire than the one that the route back takes.
    cable here there; usual_other; other_up; link here second there second; on here ip address add 203.0.113.1/24 dev second; on there ip address add 203.0.113.2/24 dev second
    on there ip route add 192.0.2.1/32 via 203.0.113.1 dev second
    # Without asking: a strict filter answers no ARP request with that sender either.
    on there ip neighbour replace 203.0.113.1 lladdr "$(on here ip -o link show second | sed "s/.*ether \([0-9a-f:]*\).*/\1/")" dev second
    on here sysctl -q net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.second.rp_filter=1 net.ipv4.conf.wire.rp_filter=1; usual_office; look
}
rp_filter_inside() {
    cable here there; usual_other; other_up; on there ip address add 10.20.0.7/32 dev lo; usual_office "Table = off"$'\n'"PostUp = sysctl -q net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.office.rp_filter=1"
    sed -i "s|^AllowedIPs.*|&, 10.20.0.0/16|" "$files/office.conf"; our_up; on here timeout 5 ping -q -c 1 10.8.0.2 >/dev/null; packets there 10.8.0.1 -I 10.20.0.7; status
}

# --- what looks like something else ---

rejected_on_the_way() { routed; usual_other; other_up; filter router forward "udp dport 51820 reject"; usual_office; look; }
calls_itself() { cable here there; usual_office "ListenPort = 51820"; sed -i "s|192.0.2.2:|192.0.2.1:|" "$files/office.conf"; look; }
broadcast() { cable here there; usual_office; sed -i "s|192.0.2.2:|192.0.2.255:|" "$files/office.conf"; look; }
# answers HOST: something that isn't WireGuard has the peer's port.
answers() {
    on "$1" timeout 40 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 51820)); open("/run/ready", "w")
while True:
    q, a = s.recvfrom(2000); s.sendto(b"not a message of that kind", a)' &
    until_ready "$1"
}
other_service() { cable here there; answers there; usual_office; look; }
# here (192.0.2.1), there (.2) and third (.3) on one switch.
three() {
    host switch; host third
    on switch ip link add lan type bridge; on switch ip link set lan up
    local number=1 name
    for name in here there third; do
        link "$name" wire switch "port$number"; on switch ip link set "port$number" master lan; on "$name" ip address add "192.0.2.$number/24" dev wire
        number=$((number + 1))
    done
}
key_twice() {
    three; usual_other "" "$calls"; sed -i "/^ListenPort/d" "$files/there.conf"; office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.2/32"
    our_up; other_up; on third "$program" up -q $no_wait "$files/there.conf"; packets there 10.8.0.1; packets third 10.8.0.1; status
}
key_twice_client() {
    three; usual_other; usual_office "" "PersistentKeepalive = 1"; cp "$files/office.conf" "$files/twin.conf"; session
    on third "$program" up -q $no_wait "$files/twin.conf"; packets third 10.8.0.2; packets here 10.8.0.2; status 25
}
swapped() {
    three; usual_other; other_up; office "Address = 10.8.0.1/24" "AllowedIPs = 10.8.0.3/32"$'\n'"Endpoint = 192.0.2.2:51820"
    printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.0.2/32\n' "$strange_public" >>"$files/office.conf"; our_up; packets there 10.8.0.1; status
}
same_address() { cable here there; usual_other; other_up; usual_office; sed -i "s|10.8.0.0/24|10.8.0.1/32|" "$files/office.conf"; look; }
server_default() { cable here there; office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 0.0.0.0/0"; our_up; packets here 203.0.113.9; status; }
table_off() { cable here there; usual_other; other_up; usual_office "Table = off"; sed -i "s|^AllowedIPs.*|&, 10.20.0.0/16|" "$files/office.conf"; look; }
ipv6_beside() { routed; usual_other; other_up; usual_office; sed -i "s|^AllowedIPs.*|AllowedIPs = 0.0.0.0/0|" "$files/office.conf"; look; }
large_mtu() { cable here there; usual_other; other_up; usual_office "MTU = 1500"; look; }
other_tunnel() {
    routed; usual_other; other_up; usual_office
    sed "s|10.8.0.1|10.7.0.1|; s|^PrivateKey.*|PrivateKey = $strange|; s|^AllowedIPs.*|AllowedIPs = 0.0.0.0/0|; s|192.0.2.2:|203.0.113.77:|" "$files/office.conf" >"$files/other.conf"
    chmod 600 "$files/other.conf"; on here "$program" up -q $no_wait "$files/other.conf"; look
}
masquerade_there() {
    cable here there; usual_other; other_up; on there ip link add lan type dummy 2>/dev/null || on there ip link add lan type veth
    on there ip address add 10.30.0.1/24 dev lan; on there ip link set lan up; on there sysctl -q net.ipv4.ip_forward=1; filter there forward "drop"
    usual_office; sed -i "s|^AllowedIPs.*|&, 10.30.0.0/24|" "$files/office.conf"; our_up; on here timeout 5 ping -q -c 1 10.8.0.2 >/dev/null; packets here 10.30.0.9; status 25
}
# behind HOST: a network with one more machine, third, behind a host that forwards: 10.30.0.0/24.
behind() {
    host third; link "$1" lan third lan; on "$1" ip address add 10.30.0.1/24 dev lan; on third ip address add 10.30.0.9/24 dev lan
    on "$1" sysctl -q net.ipv4.ip_forward=1; sed -i "s|^AllowedIPs.*|&, 10.30.0.0/24|" "$files/${2:-office}.conf"
}
masquerade_mixed() { cable here there; usual_other; usual_office; behind there; session; packets here 10.8.0.2; packets here 10.30.0.9; status 25; }
forward_filtered() {
    cable here there; usual_other "" "$calls"; office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.2/32"
    behind here there; on third ip route add default via 10.30.0.1; filter here forward "drop"; our_up; other_up; packets there 10.30.0.9; status 20
}
own_address() { cable here there; usual_office; sed -i "s|192.0.2.2:|192.0.2.1:|" "$files/office.conf"; look; }
# wireguard-go as the other end. wireguard_go ALLOWED-IPS.
wireguard_go() {
    on there env WG_PROCESS_FOREGROUND=1 timeout 80 wireguard-go there >/dev/null 2>&1 &
    soon on there test -S /run/wireguard/there.sock
    on there wg set there listen-port 51820 private-key <(echo "$theirs") peer "$ours_public" allowed-ips "$1"
    on there ip address add 10.8.0.2/24 dev there; on there ip link set there up
}
narrow_wireguard_go() { cable here there; wireguard_go 10.8.0.100/32; usual_office; our_up; packets here 10.8.0.2; status 25; }
# The name's address is in /run/address.
names_from_file() {
    on here sh -c 'echo nameserver 127.0.0.1 >/etc/resolv.conf; echo 192.0.2.2 >/run/address'
    on here timeout 80 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53)); open("/run/ready", "w")
while True:
    q, a = s.recvfrom(512)
    end = 12
    while q[end]: end += q[end] + 1
    r = b"\xc0\x0c" + q[end + 1:end + 3] + b"\0\1\0\0\0\x3c\0\4" + socket.inet_aton(open("/run/address").read().strip())
    if q[end + 1:end + 3] != b"\0\1": r = b""
    s.sendto(q[:2] + b"\x81\x80\0\1" + bytes([0, len(r) > 0]) + bytes(4) + q[12:end + 5] + r, a)' & until_ready
}
# A name that is another address by now: missed at the old one, and found at the new one as soon as somebody looks.
name_moved() {
    cable here there; names_from_file; usual_other; usual_office; sed -i "s|192.0.2.2:|peer.example.org:|" "$files/office.conf"; session
    on there ip address add 192.0.2.55/24 dev wire; on there ip address delete 192.0.2.2/24 dev wire; on there ip address add 192.0.2.55/24 dev wire 2>/dev/null || true
    on here sh -c 'echo 192.0.2.55 >/run/address'; on there timeout 5 "$program" down -q there; other_up; packets here 10.8.0.2; moved 45
}
# moved SECONDS: until the first line has told that the peer is missed, and then that all is well.
moved() {
    local last=$((${EPOCHREALTIME/./} + $1 * 1000000)) missed=false
    while ((${EPOCHREALTIME/./} < last)); do
        text=$(on here timeout 10 "$program" status office 2>&1 | head -n 1 || true)
        if [[ $text == *"does not work"* ]]; then missed=true; elif $missed; then judge "$text"; fi
        sleep 0.4
    done
    finish FAILED
}
# Packets for this machine that its own firewall takes for a stranger's.
input_filtered() {
    cable here there; usual_other "" "$calls"; office "Address = 10.8.0.1/24"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.2/32"
    filter here input "iifname office drop"; our_up; other_up; packets there 10.8.0.1; status
}
forwarding_ipv6() {
    cable here there; other "Address = 10.8.0.2/24, fd08::2/64" "AllowedIPs = 0.0.0.0/0, ::/0"$'\n'"$calls"
    office "Address = 10.8.0.1/24, fd08::1/64"$'\n'"ListenPort = 51820" "AllowedIPs = 10.8.0.2/32, fd08::2/128"
    on here ip link add lan type veth; on here ip address add fd30::1/64 dev lan nodad; on here ip link set lan up
    on here sysctl -q net.ipv6.conf.all.forwarding=0; our_up; other_up; packets there fd30::9; status
}
# A guest network that answers for every name itself, and passes nothing on.
guest_network() {
    routed; filter router forward "drop"; names_from_file; on here sh -c 'echo 198.51.100.254 >/run/address'
    usual_office; sed -i "s|192.0.2.2:|peer.example.org:|" "$files/office.conf"; look
}
only_ipv6() { cable here there; on here ip -4 address flush dev wire; on here ip -6 route add default via 2001:db8::2; usual_office; look; }
# The default route that counts leads to a router that is off.
two_default_routes() {
    routed; on here ip link add dead type veth peer name dead2; on here ip address add 203.0.113.7/24 dev dead
    on here ip link set dead up; on here ip link set dead2 up; on here ip route delete default via 198.51.100.254
    on here ip route add default via 198.51.100.254 metric 500; on here ip route add default via 203.0.113.254 dev dead; usual_office; look
}
