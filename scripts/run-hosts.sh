# Sourced by scripts that try `wg-lite run`: two hosts, an ordinary user on the left one with files of tunnels, a server on the right one, and
# what checks take. `program` is the wg-lite to try, or empty: the debug build in .build.
# The user is nobody (65534), by setpriv; user namespaces and /dev/net/tun are open to it as on Debian 12.

if [[ $(id -u) != 0 ]]; then
    echo "${0##*/}: not root, and making two hosts needs it: run with sudo" >&2
    exit 1
fi
if [[ -z $program ]]; then
    timeout 900 swift build --product wg-lite
    program=$(swift build --show-bin-path)/wg-lite
fi
. scripts/namespaces.sh

user=65534
chmod 711 "$scratch"
# Where nobody may run it, whatever the modes of this directory's parents.
install -m 755 "$program" "$scratch/wg-lite"
program=$scratch/wg-lite
home=$scratch/home runtime=$scratch/runtime
mkdir "$home" "$runtime"
mknod -m 666 "$scratch/tun" c 10 200

host left
host right
cable left right
on left mount --bind "$scratch/tun" /dev/net/tun
# As everywhere: only root makes anything there.
on left chmod 755 /run

passed=0 failed=0
# check WHAT COMMAND…: runs a command within 20 s and counts how it went.
check() {
    local what=$1
    shift
    if timeout 20 "$@" >"$scratch/output" 2>&1 </dev/null; then
        passed=$((passed + 1))
        printf '  ok      %s\n' "$what"
    else
        failed=$((failed + 1))
        printf '  FAILED  %s: %s\n' "$what" "$*"
        sed 's/^/          /' "$scratch/output" | head -n 20
    fi
}
# The user, on the left host: a command line of bash in its home. setpriv drops what root has; pid and mounts are the host's.
user_environment=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" XDG_RUNTIME_DIR="$runtime" SHELL=/bin/sh SWIFT_BACKTRACE=enable=no
    wg="$program" LC_ALL=C.UTF-8)
as_user() { nsenter -t "${host_pid[left]}" -n -m -p --wdns="$home" -- setpriv --reuid "$user" --regid "$user" --clear-groups "${user_environment[@]}" bash -c "$1"; }
export -f as_user
# A function can't be timed out, so checks get the words.
as() { printf '%s\n' nsenter -t "${host_pid[left]}" -n -m -p "--wdns=$home" -- setpriv --reuid "$user" --regid "$user" --clear-groups "${user_environment[@]}" bash -c; }
mapfile -t as < <(as)
# What an earlier one said isn't taken for what a command in the background has yet to say.
expect() { check "$1" "${as[@]}" "rm -f out err; $2"; }

# The server: a tunnel, a web server, and name servers on both of its addresses that answer each name with 10.9.0.2.
server_key=$(wg genkey) client_key=$(wg genkey)
server_public=$(wg pubkey <<<"$server_key") client_public=$(wg pubkey <<<"$client_key")
cat >"$scratch/server.conf" <<END
[Interface]
PrivateKey = $server_key
Address = 10.9.0.2/24, fd09::2/64
ListenPort = 51820
END
peer() { printf '[Peer]\nPublicKey = %s\nAllowedIPs = %s\n' "$1" "$2" >>"$scratch/server.conf"; }
peer "$client_public" "10.9.0.1/32, fd09::1/128"
# client NAME KEY ADDRESSES ALLOWED [LINE…]: a file of the user's.
client() {
    local name=$1 key=$2 address=$3 allowed=$4
    shift 4
    {
        printf '[Interface]\nPrivateKey = %s\nAddress = %s\n' "$key" "$address"
        printf '%s\n' "$@"
        printf '[Peer]\nPublicKey = %s\nEndpoint = 192.0.2.2:51820\nAllowedIPs = %s\n' "$server_public" "$allowed"
    } >"$home/$name.conf"
    chmod 600 "$home/$name.conf"
}
client office "$client_key" "10.9.0.1/24, fd09::1/64" "10.9.0.0/24, fd09::/64" "DNS = 10.9.0.2, corp.example"
client full "$client_key" "10.9.0.1/24, fd09::1/64" "0.0.0.0/0, ::/0" "DNS = 10.9.0.2"
client silent "$client_key" "10.9.0.1/24" "10.9.0.0/24"
client hooks "$client_key" "10.9.0.1/24" "10.9.0.0/24" "Table = 1234" "PostUp = touch $home/hook-ran"
for number in $(seq 10); do
    key=$(wg genkey)
    peer "$(wg pubkey <<<"$key")" "10.9.0.$((100 + number))/32"
    client "ten$number" "$key" "10.9.0.$((100 + number))/24" "10.9.0.0/24"
done
chmod 600 "$scratch/server.conf"
chown -R "$user:$user" "$home" "$runtime"
chmod 700 "$home" "$runtime"

cat >"$scratch/names.py" <<'END'
import socket, sys
# Answers A questions with 10.9.0.2 and others with nothing; notes each name.
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], 53))
log = open(sys.argv[2], "a", buffering=1)
while True:
    question, sender = server.recvfrom(2048)
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    end, kind = at + 5, question[at + 1:at + 3]
    log.write(".".join(labels) + "\n")
    answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x09\x00\x02" if kind == b"\0\1" else b""
    server.sendto(question[:2] + b"\x81\x80\0\1" + (b"\0\1" if answer else b"\0\0") + b"\0\0\0\0" + question[12:end] + answer, sender)
END
python=$(command -v /usr/bin/python3 || command -v python3)
on right "$program" up -q "$scratch/server.conf"
mkdir "$scratch/www" && echo "the intranet" >"$scratch/www/index.html"
(cd "$scratch/www" && on right timeout 300 "$python" -m http.server 80 --bind 10.9.0.2 --directory "$scratch/www" >"$scratch/http.log" 2>&1) &
on right timeout 300 "$python" "$scratch/names.py" 10.9.0.2 "$scratch/names-inside" >"$scratch/names.log" 2>&1 &
# What the left host itself asks: whatever arrives here has leaked.
on right timeout 300 "$python" "$scratch/names.py" 192.0.2.2 "$scratch/names-outside" >>"$scratch/names.log" 2>&1 &
echo "nameserver 192.0.2.2" >"$scratch/left/resolv.conf"
for _ in $(seq 100); do on right sh -c 'ss -lun | grep -q 10.9.0.2:53 && ss -ltn | grep -q 10.9.0.2:80' && break; sleep 0.1; done
