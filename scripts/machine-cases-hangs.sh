# Sourced by scripts/machine-cases, as machine-cases.sh is: whoever a tunnel needs doesn't answer, and whoever asks it doesn't read.

# sleeper PROGRAM…: each does nothing for a minute from now on.   awake: they are themselves again.
sleeper() {
    local name
    printf '#!/bin/sh\necho $0 >>/run/asleep.out\nexec sleep 60\n' >/run/sleeper
    chmod +x /run/sleeper
    : >/run/asleep.out
    for name in "$@"; do
        [[ -e /run/awake.$name ]] || mv "/run/bin/$name" "/run/awake.$name" 2>/dev/null || true
        ln -sf /run/sleeper "/run/bin/$name"
    done
}
awake() {
    local file
    find /run/bin -lname /run/sleeper -delete
    for file in /run/awake.*; do [[ ! -e $file && ! -L $file ]] || mv -f "$file" "/run/bin/${file#/run/awake.}"; done
}
# hear: whatever is said to systemd is in /run/notified.out, with the time.
hear() {
    python3 - >/run/notified.out <<'PYTHON' &
import socket, time
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind("/run/notify")
while True: print(time.monotonic(), server.recv(999).decode().split("\n")[0], flush=True)
PYTHON
    listener=$!
    soon test -S /run/notify
}
now() { python3 -c 'import time; print(time.monotonic())'; }
# fed WHAT SINCE: from then until now the watchdog heard of the tunnel without a gap of more than 2 s (it is told every half a second).
fed() {
    expect "the watchdog is fed: $1" awk -v from="$2" -v to="$(now)" 'BEGIN { last = from } $2 ~ /^WATCHDOG/ && $1 > from { if ($1 - last > gap) gap = $1 - last; last = $1 }
        END { if (to - last > gap) gap = to - last; print "longest gap", gap; exit gap > 2 }' /run/notified.out
}
# served: the tunnel in the foreground, as a service of systemd's whose watchdog is patient for 1 s.
served() {
    NOTIFY_SOCKET=/run/notify WATCHDOG_USEC=1000000 wg-lite up -f "$@" >/run/fg.out 2>&1 &
    process=$!
}

case_nobody_answers() {
    local began listener process client
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    hear
    served wa.conf
    soon grep READY /run/notified.out
    began=$(now)
    # Clients that say nothing, or never read their answer; a terminal that is stuck.
    python3 - <<'PYTHON' &
import socket, time
held = []
for path, text in [("/run/wg-lite/wa.control", b"report false\n")] * 12 + [("/run/wg-lite/wa.control", b"")] * 12 + [("/run/wireguard/wa.sock", b"get=1\n\n")] * 12:
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.sendall(text)
    held.append(client)
time.sleep(90)
PYTHON
    local silent=$!
    sleeper nft resolvectl resolvconf iptables iptables-save iptables-restore
    # Repair: others take rules away, and nft doesn't say what is left.
    ip route flush table 51820
    soon grep -q nft /run/asleep.out
    expect "it is shown while a repair waits for nft" timeout 8 wg-lite status wa
    sleep 2
    fed "during a repair" "$began"
    began=$(now)
    sed -i 's/10.8.0.1\/24/10.8.0.7\/24/' wa.conf
    : >/run/asleep.out
    wg-lite reload wa >/run/reload.out 2>&1 &
    client=$!
    soon grep -q nft /run/asleep.out
    expect "it is shown while a reload waits for nft" timeout 8 wg-lite status wa
    sleep 2
    fed "during a reload" "$began"
    began=$(now)
    : >/run/asleep.out
    wg-lite down wa >/run/down.out 2>&1 &
    local down=$!
    expect "down ends the reload at once" timeout 5 tail --pid=$client -f /dev/null
    expect "and is answered while nft hangs" grep_soon 'is being taken down' /run/down.out
    soon grep -q nft /run/asleep.out
    sleep 1
    fed "while down waits" "$began"
    expect "a second down gives up what the first waits for" sh -c 'timeout 8 wg-lite down wa 2>&1 | grep "interrupted while nft ran"'
    wait $down || true
    wait $process || true
    kill $silent $listener
    awake
    expect "the next takes back what is left" wg-lite down wa
    expect "as before" soon as_before
}
grep_soon() { local i; for i in {1..40}; do if grep -q "$1" "$2"; then return 0; fi; sleep 0.1; done; return 1; }

case_nobody_answers_up() {
    local process listener
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    hear
    sleeper nft resolvectl resolvconf
    mkdir -p /run/systemd/resolve
    python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX); s.bind("/run/systemd/resolve/io.systemd.Resolve"); s.listen(9); time.sleep(90)' &
    local resolver=$!
    soon test -S /run/systemd/resolve/io.systemd.Resolve
    served wa.conf
    soon test -s /run/asleep.out
    expect "down ends an up that waits for resolvectl" timeout 5 wg-lite down wa
    expect "which fails" fails wait $process
    kill $resolver $listener
    awake
    rm -r /run/systemd
    expect "as before" soon as_before
    # What was read once may be a pipe by now: whoever opened that would wait for ever.
    served wa.conf
    soon leads_out wa
    mkfifo /run/pipe
    cp -P /etc/resolv.conf /run/kept.conf
    rm /etc/resolv.conf
    ln -s /run/pipe /etc/resolv.conf
    mv wa.conf kept.conf
    mkfifo wa.conf
    expect "status where resolv.conf is a pipe" timeout 8 wg-lite status wa
    expect "reload of a pipe says so" refuses "isn't a file" timeout 8 wg-lite reload wa
    rm wa.conf
    mv kept.conf wa.conf
    expect "reload" timeout 5 wg-lite reload wa
    expect "down" timeout 5 wg-lite down wa
    wait $process || true
    rm /etc/resolv.conf /run/pipe
    cp -P /run/kept.conf /etc/resolv.conf
    wg-lite up -q --no-wait wa.conf && wg-lite down wa >/dev/null
    rm -f kept.conf
    expect "as before" soon as_before
}

case_resolver_file_is_no_file() {
    local kind
    conf wa "$both
DNS = 10.8.0.53" "$full"
    mkdir /run/dev
    mount -t tmpfs tmpfs /run/dev
    for kind in null pipe directory; do
        rm -f /etc/resolv.conf
        case $kind in
        null) mknod -m 666 /run/dev/null c 1 3 ;;
        pipe) mkfifo -m 666 /run/dev/pipe ;;
        directory) mkdir /run/dev/directory ;;
        esac
        ln -s /run/dev/$kind /etc/resolv.conf
        local kept
        kept=$(stat -c '%F %t:%T %i' /run/dev/$kind)
        expect "$kind: up says that it is no file, and goes on" says 'not a file\|is a directory' up wa.conf
        expect "$kind: it is what it was" test "$(stat -c '%F %t:%T %i' /run/dev/$kind)" = "$kept"
        expect "$kind: status" timeout 8 wg-lite status wa
        expect "$kind: down" timeout 5 wg-lite down wa
        expect "$kind: it still is" test "$(stat -c '%F %t:%T %i' /run/dev/$kind)" = "$kept"
    done
    umount /run/dev
}

# Anybody who can read a directory can lock it.
case_strangers_hold_a_lock() {
    before
    conf wa "$both
DNS = 10.8.0.53" "$full"
    setpriv --reuid 65534 --regid 65534 --clear-groups flock /etc sleep 60 &
    local holder=$!
    soon fails flock -n /etc true
    expect "up where a stranger holds the lock of /etc" up wa.conf
    expect "with its name servers" grep -q 'nameserver 10.8.0.53' /etc/resolv.conf
    expect "down" wg-lite down wa
    kill $holder
    expect "as before" as_before
}

case_resolver_file_immutable() {
    # Where files in memory can't be immutable (Linux before 6.6), those on the disk can.
    local place=/run/fixed
    mkdir $place
    echo 'nameserver 192.0.2.53' >$place/resolv.conf
    if ! chattr +i $place/resolv.conf 2>/dev/null; then
        rm -r $place
        place=$(mktemp -d)
        echo 'nameserver 192.0.2.53' >"$place/resolv.conf"
        chattr +i "$place/resolv.conf"
    fi
    ln -sf "$place/resolv.conf" /etc/resolv.conf
    conf wa "$both
DNS = 10.8.0.53" "$full"
    before
    expect "up says that it is immutable, and goes on" says 'name servers.*\|immutable' up wa.conf
    expect "with the rest in force" leads_out wa
    sed -i 's/0.53/0.54/; s/10.8.0.1/10.8.0.7/' wa.conf
    expect "reload says so too" says immutable wg-lite reload wa
    expect "with the rest in force" sh -c 'ip address show wa | grep 10.8.0.7'
    expect "down" wg-lite down wa
    expect "as before" as_before
    expect "with --require-dns it is a failure" refuses immutable up --require-dns wa.conf
    expect "as before" as_before
    chattr -i "$place/resolv.conf"
    expect "up" up --require-dns wa.conf
    chattr +i "$place/resolv.conf"
    sed -i 's/10.8.0.7/10.8.0.1/' wa.conf
    expect "a reload that doesn't touch it" wg-lite reload wa
    sed -i 's/0.54/0.53/' wa.conf
    expect "one that does says so" says immutable wg-lite reload wa
    expect "and the servers stay" grep -q 'nameserver 10.8.0.54' /etc/resolv.conf
    expect "down fails and says so" refuses immutable wg-lite down wa
    expect "the interface is gone" fails ip link show wa
    chattr -i "$place/resolv.conf"
    expect "the next down gives it back" wg-lite down wa
    expect "as before" as_before
    rm -f /etc/resolv.conf
    rm -r "$place"
}

case_killed_while_a_hook_runs() {
    before
    conf wa "$both
PreUp = sleep 71 & true
PostUp = touch /run/hook.out; sleep 72; touch /run/went-on.out
PreDown = (trap '' TERM; sleep 73) & touch /run/hook.out; sleep 74 | cat; touch /run/went-on.out" "AllowedIPs = 10.8.0.0/24"
    wg-lite up --no-wait wa.conf >/run/up.out 2>&1 &
    local process=$!
    soon test -e /run/hook.out
    killed wa
    wait $process || true
    expect "down" wg-lite down wa
    expect "ended what was left of the hook" fails runs 'sleep 72'
    expect "what an earlier hook left in the background stays" runs 'sleep 71'
    expect "as before" as_before
    rm -f /run/hook.out
    sed -i '/^PostUp/d' wa.conf
    expect "up" up wa.conf
    wg-lite down wa >/run/down.out 2>&1 &
    process=$!
    soon test -e /run/hook.out
    kill -KILL "$(pid wa)"
    wait $process || true
    wg-lite up --no-wait wa.conf >/run/up.out 2>&1 || touch /run/failed
    expect "an up after a killed down finds nothing of its hook running" fails runs 'sleep 7[34]'
    rm -f /run/hook.out
    sed -i '/^PreDown/d' wa.conf
    expect "down" wg-lite down wa
    expect "the rest of the hooks was never run" test ! -e /run/went-on.out
    pkill -x -f 'sleep 71' || true
    expect "as before" as_before
}

case_tunnel_stands_still() {
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    local process
    process=$(pid wa)
    kill -STOP "$process"
    timeout 20 wg-lite reload wa >/run/reload.out 2>&1 &
    expect "stopped, down says what helps" refuses "kill -KILL $process.*wg-lite down wa" timeout 20 wg-lite down wa
    expect "and so does a reload" fails wait $!
    expect "and an up" refuses "process $process is stopped" timeout 20 wg-lite up wa.conf
    expect "that it is stopped, too" grep "process $process is stopped" /run/reload.out
    kill -CONT "$process"
    expect "it goes on, and takes what it was asked for nobody's: a reload" wg-lite reload wa
    kill -STOP "$process"
    kill -KILL "$process"
    expect "and it does" wg-lite down wa
    expect "as before" as_before
}

case_programs_that_are_ended_late() {
    local name real process
    cat >/run/resolvconf <<'SH'
#!/bin/sh
mkdir -p /run/asked
case $1 in -a) cat >"/run/asked/$2" ;; -d) rm -f "/run/asked/$2" ;; esac
SH
    chmod +x /run/resolvconf
    conf wa "$both
DNS = 10.8.0.53" "$full"
    # Each does what it is told and then doesn't end: that it was ended says nothing of what it did.
    for name in nft resolvconf; do
        real=/run/resolvconf
        [[ $name == resolvconf ]] || real=$(readlink -f /run/bin/nft)
        ln -sf "$real" "/run/bin/$name"
        before
        rm -f "/run/bin/$name" /run/late.out
        printf '#!/bin/sh\n%s "$@"\ncase $1 in -f | -a) echo >/run/late.out; exec sleep 60 ;; esac\n' "$real" >"/run/bin/$name"
        chmod +x "/run/bin/$name"
        wg-lite up --no-wait wa.conf >/run/up.out 2>&1 &
        process=$!
        soon test -e /run/late.out
        rm "/run/bin/$name"
        ln -s "$real" "/run/bin/$name"
        kill -KILL $process
        expect "$name did it and was ended: it is gone" soon is_gone wa
        expect "and what $name did" soon sh -c '! nft list tables | grep wg-lite && ! test -e /run/asked/wa'
        expect "as before" soon as_before
    done
}
