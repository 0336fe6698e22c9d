#!/usr/bin/env bash
# network-loopback.sh start|stop N: two machines in one, to try a run over a network on: two network namespaces with an interface, gumbel0, each, of the
# addresses 10.77.N.1 and 10.77.N.2 (N from 1 to 250), and nothing else between them. Needs root and Debian's package iproute2.
# network-loopback.sh ADDRESS COMMAND...: the command there, under a host name of its own. It takes what ssh is given, so launchers can start with it:
#   scripts/network-loopback.sh 10.77.N.1 mpirun.openmpi --mca plm_rsh_agent $PWD/scripts/network-loopback.sh --host 10.77.N.1,10.77.N.2 -n 2 ...
#   scripts/network-loopback.sh 10.77.N.1 env UCX_TLS=tcp,self UCX_NET_DEVICES=gumbel0 \
#       mpirun.mpich -launcher rsh -launcher-exec $PWD/scripts/network-loopback.sh -hosts 10.77.N.1,10.77.N.2 -n 2 ...
# (UCX, below Debian's MPICH, would find out that there is one memory, or one loopback interface, and leave the network alone.)
set -euo pipefail

usage() { echo "usage: network-loopback.sh start|stop N | ADDRESS COMMAND..." >&2; exit 2; }
[ $# -ge 2 ] || usage
stop() {
    for address in "$first" "$second"; do
        # The interfaces go with the namespaces.
        ip netns del "$address" 2>/dev/null || true
    done
}

first=10.77.$2.1 second=10.77.$2.2
case $1 in
start)
    command -v ip >/dev/null || { echo "ip is missing; apt-get install iproute2" >&2; exit 3; }
    [ "$(id -u)" = 0 ] || { echo "Network namespaces need root." >&2; exit 3; }
    why=$(ip netns add "$first" 2>&1) || { echo "No network namespace can be made here: $why" >&2; exit 3; }
    trap '[ $? = 0 ] || stop' EXIT
    ip netns add "$second"
    why=$(ip link add gumbel0 netns "$first" type veth peer name gumbel0 netns "$second" 2>&1) \
        || { echo "No pair of interfaces can be made here: $why" >&2; exit 3; }
    for address in "$first" "$second"; do
        ip -n "$address" addr add "$address/24" dev gumbel0
        # Without an address of IPv6, which for a second or two would be there and not usable.
        ip -n "$address" link set gumbel0 addrgenmode none up
        ip -n "$address" link set lo up
    done
    # The kernel tells that a link is up up to a second later, and UCX takes its word for it.
    for address in "$first" "$second"; do
        for _ in $(seq 50); do ip -n "$address" link show gumbel0 | grep -q 'state UP' && break; sleep 0.1; done
    done
    ;;
stop) stop ;;
10.77.*.*)
    address=$1
    shift
    # As ssh does: the words are one line for a shell.
    exec ip netns exec "$address" unshare --uts /bin/sh -c "echo host-${address//./-} >/proc/sys/kernel/hostname; $*"
    ;;
*) usage ;;
esac
