# Sourced after namespaces.sh by scripts that need a whole system: a guest is a Debian with systemd as its process 1, in namespaces of its
# own, on an overlay that is forgotten afterwards. Needs root.

guest_pid=
guest_group=

# debian SUITE: the path of a root of that release with what the tests need, made once by debootstrap and kept in .build-roots.
debian() {
    local suite=$1 root=$PWD/.build-roots/$1
    local packages=(systemd systemd-sysv dbus libmnl0 libsodium23 libstdc++6 libgcc-s1 iproute2 iputils-ping nftables iptables procps
        systemd-resolved init-system-helpers)
    if [[ ! -e $root/made ]]; then
        echo "making a root of Debian $suite (once, about two minutes)" >&2
        rm -rf "$root"
        mkdir -p "$root"
        timeout 1500 debootstrap --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$root" \
            "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 || { tail -20 "$root.log" >&2; return 1; }
        # Kept as files: it can't be installed beside systemd-resolved. Tests of packages want a compiler and the ciphers.
        # systemd-resolved has put its own there, which answers nobody yet.
        cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
        timeout 600 chroot "$root" sh -c 'apt-get -qq --download-only -y --no-install-recommends install openresolv &&
            cp /var/cache/apt/archives/openresolv_*.deb / && apt-get clean &&
            apt-get -qq -y --no-install-recommends install gcc libc6-dev pkg-config iperf3 libipsec-mb[0-9]' >>"$root.log" 2>&1 ||
            { tail -20 "$root.log" >&2; return 1; }
        : >"$root/made"
    fi
    echo "$root"
}

# boot ROOT: starts a guest and waits until it runs. Its network is that of the host named `guest` (namespaces.sh), and so is its disk:
# what differs from ROOT. After `halt`, booting again finds both.
boot() {
    local root=$1 group
    group=$(findmnt -n -t cgroup2 -o TARGET | head -1)/wg-lite.$$
    mkdir -p "$group"
    guest_group=$group
    : >"$scratch/console"
    if ! nsenter -t "${host_pid[guest]}" -m -- test -d "$scratch/guest/disk"; then
        nsenter -t "${host_pid[guest]}" -m -- sh -c 'mkdir "$1" && mount -t tmpfs tmpfs "$1"' sh "$scratch/guest/disk"
    fi
    # shellcheck disable=SC2016 # expanded by the inner shell
    timeout 1800 nsenter -t "${host_pid[guest]}" -n -m -- sh -c '
        echo $$ >"$3/cgroup.procs"
        exec unshare --mount --pid --fork --kill-child --uts --ipc --cgroup sh -c '\''
            set -e
            mkdir -p "$2/upper" "$2/work" "$2/root"
            mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
            cd "$2/root"
            mount -t proc proc proc
            mount -t sysfs sysfs sys
            mount -t cgroup2 cgroup2 sys/fs/cgroup
            mount -t tmpfs -o mode=755 tmpfs dev
            mkdir dev/net dev/pts dev/shm
            for device in null zero full random urandom tty net/tun; do : >dev/$device; mount --bind /dev/$device dev/$device; done
            mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
            ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
            mount -t tmpfs -o mode=1777 tmpfs dev/shm
            mount -t tmpfs -o mode=755 tmpfs run
            mkdir -p old var/log/journal
            if [ ! -e etc/booted ]; then
                rm -f etc/hostname etc/resolv.conf
                echo guest >etc/hostname; echo nameserver 192.0.2.53 >etc/resolv.conf; : >etc/machine-id; : >etc/booted
                # These would write to the kernel that the guest shares with its machine.
                for unit in systemd-sysctl systemd-modules-load; do ln -s /dev/null etc/systemd/system/$unit.service; done
            fi
            hostname guest
            pivot_root . old && umount -l /old
            exec env -i container=wg-lite PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --log-target=journal
        '\'' sh "$1" "$2" ' sh "$root" "$scratch/guest/disk" "$group" >>"$scratch/console" 2>&1 </dev/null &
    holders+=("$!")
    local unshare
    for _ in $(seq 300); do
        # timeout's child becomes unshare, whose child is the guest's process 1.
        unshare=$(pgrep -P "$!" || true)
        guest_pid=$([[ -z $unshare ]] || pgrep -P "$unshare" || true)
        if [[ -n $guest_pid && $(cat "/proc/$guest_pid/comm" 2>/dev/null) == systemd ]]; then break; fi
        kill -0 "$!" 2>/dev/null || { cat "$scratch/console" >&2; return 1; }
        sleep 0.1
    done
    for _ in $(seq 600); do
        [[ $(guest systemctl is-system-running 2>/dev/null) =~ ^(running|degraded)$ ]] && return
        sleep 0.2
    done
    echo "the guest doesn't come up" >&2
    cat "$scratch/console" >&2
    return 1
}

# guest COMMAND…: runs a command in the guest.
guest() {
    nsenter -t "$guest_pid" -m -u -i -n -p -C -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root "$@"
}

# inside TEXT: runs a line of shell in the guest.
inside() { guest bash -ec "$1"; }

# halt: ends the guest and everything in it.
halt() {
    local pid=$guest_pid
    guest_pid=
    [[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
    if [[ -n $guest_group ]]; then
        for _ in $(seq 100); do
            [[ -z $(find "$guest_group" -name cgroup.procs -exec cat {} + 2>/dev/null) ]] && break
            sleep 0.1
        done
        find "$guest_group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        guest_group=
    fi
}
trap 'halt; end_hosts' EXIT
