# Sourced by scripts/machine-cases, as machine-cases.sh is: the packet filter, and programs that aren't there or don't end.

# rules_of: the rules of wa's packet filter.   marks_are_there: of iptables.
rules_of() { nft list table inet wg-lite-wa; }
has_rules() { test "$(rules_of | grep -c 'daddr\|mark set')" = "$1"; }
marks_are_there() { test "$("$1-save" | grep -c 'wg-lite rule for wa')" = 3; }

case_firewall_flushed() {
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    expect "its rules" has_rules 4
    nft flush ruleset
    expect "all tables flushed: the rules are put back" soon has_rules 4
    expect "status says so" soon says 'firewall rules' wg-lite status wa
    expect "so does the log" says 'firewall rules' cat /run/wg-lite/wa.log
    nft delete table inet wg-lite-wa
    expect "again at once: it is said" soon says 'left so' wg-lite status wa
    expect "and left" fails has_rules 4
    expect "reload sets them again" says 'firewall rules' wg-lite reload wa
    expect "the rules" has_rules 4
    nft flush chain inet wg-lite-wa preraw
    expect "some of the rules flushed: they are put back" soon has_rules 4
    expect "reload finds nothing" says 'nothing to change' wg-lite reload wa
    expect "down" wg-lite down wa
    expect "as before" as_before
    expect "up" up wa.conf
    nft add table inet others
    nft delete table inet others
    expect "what others do with their own tables is nobody's business" fails says 'others removed' wg-lite status wa
    killed wa
    nft flush table inet wg-lite-wa
    expect "flushed after it was killed: down" wg-lite down wa
    expect "as before" as_before
}

case_firewall_by_iptables() {
    # hidden PROGRAM: isn't there. The system's own directories are looked through whatever PATH says.
    hidden() { mount --bind /dev/null "$(readlink -f "$(command -v "$1")")"; rm "/run/bin/$1"; }
    hidden nft
    conf wa "$both" "$full"
    expect "up without nft" up wa.conf
    expect "IPv4's rules" marks_are_there iptables
    expect "IPv6's rules" marks_are_there ip6tables
    ip6tables -t raw -F
    ip6tables -t mangle -F
    expect "IPv6's flushed: they are put back, or a reload does" soon sh -c 'ip6tables-save | grep -q "wg-lite rule for wa" || wg-lite reload wa'
    iptables -t mangle -D PREROUTING -p udp -m comment --comment "wg-lite rule for wa" -j CONNMARK --restore-mark
    expect "one rule deleted: reload, at the latest, sets it" soon sh -c 'wg-lite reload wa; test $(iptables-save | grep -c "wg-lite rule for wa") = 3'
    sed -i 's/10.8.0.1/10.8.0.7/' wa.conf
    expect "reload" wg-lite reload wa
    expect "with the new address" sh -c 'iptables-save | grep "10.8.0.7.*wg-lite rule"'
    expect "and no other" marks_are_there iptables
    expect "down" wg-lite down wa
    expect "none is left" fails sh -c '{ iptables-save; ip6tables-save; } | grep "wg-lite rule"'
    hidden iptables-restore
    expect "up without either says what that means" says 'neither nft nor iptables' timeout 20 wg-lite up --no-wait wa.conf
    expect "full" leads_out wa
    expect "down" wg-lite down wa
}

case_programs_that_go() {
    before
    conf wa "$both" "$full"
    expect "up" up wa.conf
    mv /run/bin/nft /run/nft
    printf '#!/bin/sh\nexit 1\n' >/run/bin/nft; chmod +x /run/bin/nft
    expect "nft fails: down says that its table stays" refuses 'firewall rules' wg-lite down wa
    expect "a second one too" refuses 'firewall rules' wg-lite down wa
    rm /run/bin/nft; mv /run/nft /run/bin/nft
    expect "nft works again: down takes it back" wg-lite down wa
    expect "as before" as_before
}

case_programs_that_hang() {
    before
    conf wa "$both" "$full"
    mv /run/bin/nft /run/nft
    printf '#!/bin/sh\ntouch /run/hangs.out\nsleep 99\n' >/run/bin/nft; chmod +x /run/bin/nft
    wg-lite up --no-wait wa.conf >/run/up.out 2>&1 &
    local process=$!
    soon test -e /run/hangs.out
    kill -INT $process
    expect "Ctrl-C to up while nft hangs ends it with a failure" timeout 10 tail --pid=$process -f /dev/null
    expect "it says so" fails wait $process
    rm /run/bin/nft; cp -P /run/nft /run/bin/nft
    expect "as before" soon as_before
    expect "up" up wa.conf
    sed -i 's/10.8.0.1/10.8.0.7/' wa.conf
    rm -f /run/hangs.out /run/bin/nft
    printf '#!/bin/sh\ntouch /run/hangs.out\nsleep 99\n' >/run/bin/nft; chmod +x /run/bin/nft
    wg-lite reload wa >/run/reload.out 2>&1 &
    process=$!
    soon test -e /run/hangs.out
    expect "the tunnel is shown meanwhile" timeout 3 wg-lite show wa
    kill -INT $process
    wait $process || true
    rm /run/bin/nft; mv /run/nft /run/bin/nft
    expect "a reload that is interrupted changes nothing" soon sh -c 'ip address show wa | grep 10.8.0.1/ && ! ip address show wa | grep 10.8.0.7/'
    expect "reload" soon wg-lite reload wa
    expect "down" wg-lite down wa
    expect "as before" soon as_before
}

# MARK: What is said beforehand

case_reload_previewed() {
    local change
    conf wa "$both
DNS = 10.8.0.53
PostUp = true" "$full"
    before
    expect "up" up wa.conf
    for change in 's/10.8.0.1\/24/10.8.0.7\/16/' 's/, fd08::1\/64//; s/, ::\/0//' 's/^DNS.*/DNS = 10.8.0.54, corp.example\nFwMark = 0x77/' \
        's/^DNS.*/MTU = 1380/; s/0.0.0.0\/0/10.0.0.0\/8, 0.0.0.0\/1/' 's/^FwMark.*/Table = 77/; s/PostUp = true/PostDown = true/' \
        's/^Endpoint.*/PersistentKeepalive = 9/; s/^ListenPort.*//' 's/^MTU.*/ListenPort = 41234/; s/^Table.*//; s/^AllowedIPs.*/AllowedIPs = ::\/0/'; do
        sed -i "$change" wa.conf
        state >/run/first.out
        expect "preview of $change" sh -c 'wg-lite reload --dry-run wa >/run/would.out'
        expect "changes nothing" unchanged
        expect "reload" sh -c 'wg-lite reload wa >/run/done.out'
        expect "does what was said" sh -c 'sed 1d /run/would.out >/run/a.out; sed 1d /run/done.out | diff /run/a.out - && test -s /run/a.out'
        expect "nothing is left to do" says 'nothing to change' wg-lite reload --dry-run wa
    done
    expect "down" wg-lite down wa
    expect "as before" as_before
}

case_client_of_down_goes() {
    before
    conf wa "$both
PreDown = for i in \$(seq 20); do echo \$i; sleep 0.05; done; touch /run/predown.out
PostDown = echo bye; touch /run/postdown.out" "$full"
    expect "up" up wa.conf
    wg-lite down wa | head -n 1 >/run/head.out
    expect "nobody reads what PreDown prints: it runs to its end" soon test -e /run/predown.out
    expect "so does PostDown" soon test -e /run/postdown.out
    expect "as before" soon as_before
}
