# Sourced by scripts that need hosts of their own: each host is a network, mount and process namespace with its own /run and
# resolv.conf, held by one process. Ending that process ends everything inside it, whatever happened to the script, and it ends with the
# script, even if that was killed.

# Global although a function may source this: it must be there when the script ends.
declare -gA host_pid=()
holders=()
scratch=$(mktemp -d "${TMPDIR:-/tmp}/wg-lite.XXXXXX")

# host NAME: makes a host; it ends by itself after 30 minutes, or after $host_seconds.
host() {
    local name=$1 holder
    # --kill-child: the process namespace dies with its holder, and the network namespace with its last process. -k: unshare doesn't hear
    # what timeout tells it first.
    setpriv --pdeathsig TERM timeout -k 1 "${host_seconds:-1800}" unshare --net --mount --pid --fork --kill-child --mount-proc sh -c '
        mount -t tmpfs tmpfs /run && mkdir -p /run/wireguard "$1/$2" && : >"$1/$2/resolv.conf" &&
        mount --bind "$1/$2/resolv.conf" "$(readlink -f /etc/resolv.conf)" &&
        ip link set lo up && echo ready >"$1/$2/ready" && exec sleep "$3"' sh "$scratch" "$name" "${host_seconds:-1800}" 2>"$scratch/$name.log" &
    holder=$!
    holders+=("$holder")
    until [[ -e $scratch/$name/ready ]]; do
        kill -0 "$holder" 2>/dev/null || { echo "cannot make a namespace: $(cat "$scratch/$name.log")" >&2; return 1; }
        sleep 0.05
    done
    # timeout's child is unshare, and unshare's child is the first process of the host.
    host_pid[$name]=$(pgrep -P "$(pgrep -P "$holder")")
}

# on NAME COMMAND…: runs a command on a host.
on() {
    local name=$1
    shift
    nsenter -t "${host_pid[$name]}" -n -m -p -- "$@"
}

# cable A B: a veth between two hosts, `wire` on both, with documentation addresses 192.0.2.1/.2 and 2001:db8::1/::2.
cable() {
    nsenter -t "${host_pid[$1]}" -n -- ip link add wire type veth peer name wire netns "${host_pid[$2]}"
    local number=1 name
    for name in "$1" "$2"; do
        on "$name" ip address add "192.0.2.$number/24" dev wire
        on "$name" ip address add "2001:db8::$number/64" dev wire nodad
        on "$name" ip link set wire up
        number=$((number + 1))
    done
}

end_hosts() {
    local pid
    # The first process of a process namespace takes all others with it; unshare and timeout then end by themselves.
    for pid in "${host_pid[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    for pid in "${holders[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${holders[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    holders=()
    host_pid=()
    rm -rf "$scratch"
    # Where nobody's tunnels keep what runs without XDG_RUNTIME_DIR; it is empty by then.
    rmdir /tmp/wg-lite-65534/* /tmp/wg-lite-65534 2>/dev/null || true
}
trap end_hosts EXIT
trap 'exit 130' INT TERM
