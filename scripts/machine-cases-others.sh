# Sourced by scripts/machine-cases, as machine-cases.sh is: others take away what a tunnel is found by, or was set up with.

case_run_is_cleaned() {
    local process kind
    before
    conf wa "$both
DNS = 10.8.0.53
PostUp = echo \$\$ >/run/hook.out; sleep 1" "$full"
    wg-lite up -q --no-wait wa.conf >/run/up.out 2>&1 &
    process=$!
    soon test -s /run/hook.out
    rm -r /run/wg-lite
    expect "removed while PostUp runs, its directory is made again" soon test -S /run/wg-lite/wa.control
    expect "up" wait $process
    process=$(pid wa)
    for kind in "rm -r /run/wg-lite" "rm /run/wg-lite/wa.lock" "rm /run/wg-lite/wa.control" "mv /run/wg-lite /run/moved"; do
        $kind
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
    rm -r /run/wg-lite
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
    rm -r /run/wg-lite /run/wireguard
    expect "with both directories, that of the sockets too, the tunnel ends as wireguard-go's does" soon fails is_there wa
    mkdir -p -m 700 /run/wg-lite
    mkdir -p /run/wireguard
    expect "as before" soon as_before
}
