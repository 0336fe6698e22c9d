#!/usr/bin/env bash
# slurm-loopback.sh start|stop FOLDER: a whole Slurm on this machine alone, to try sweeps and tests on: munged, slurmctld and one slurmd with this
# machine's cores, all state, logs and ports in FOLDER. Needs root and Debian's packages slurm-wlm and munge (apt-get install slurm-wlm munge).
# After start:  export SLURM_CONF=FOLDER/slurm.conf  and sbatch, squeue and sinfo speak to it.
set -euo pipefail

action=${1:-} folder=${2:-}
case $action in start | stop) ;; *) echo "usage: slurm-loopback.sh start|stop FOLDER" >&2; exit 2 ;; esac
[ -n "$folder" ] || { echo "slurm-loopback.sh: name a folder for its state." >&2; exit 2; }

# ended NAME: whether the daemon that wrote FOLDER/NAME.pid has ended.
ended() { [ ! -s "$folder/$1.pid" ] || ! kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null; }

stop() {
    for daemon in slurmd slurmctld munged; do
        ended "$daemon" && continue
        kill "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
        for _ in $(seq 100); do ended "$daemon" && break; sleep 0.1; done
        ended "$daemon" || kill -KILL "$(cat "$folder/$daemon.pid")" 2>/dev/null || true
    done
}

if [ "$action" = stop ]; then
    stop
    exit
fi

for program in munged slurmctld slurmd sbatch; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || { echo "$program is missing; apt-get install slurm-wlm munge" >&2; exit 3; }
done
[ "$(id -u)" = 0 ] || { echo "slurmd runs jobs as their owners, so it needs root." >&2; exit 3; }
PATH=$PATH:/usr/sbin
mkdir -p "$folder"/{state,spool,munge}
folder=$(cd "$folder" && pwd)
chmod 711 "$folder"
trap '[ $? = 0 ] || stop' EXIT

# A key of its own: the machine's Slurm and munge, if there are any, are not touched.
chmod 755 "$folder/munge"
[ -s "$folder/munge/key" ] || (umask 077 && head -c 1024 /dev/urandom >"$folder/munge/key")
chown -R munge: "$folder/munge"
touch "$folder/munged.pid" && chown munge: "$folder/munged.pid"
su munge -s /bin/sh -c "munged --force --socket=$folder/munge/socket --key-file=$folder/munge/key --pid-file=$folder/munge/pid \
    --log-file=$folder/munge/log --seed-file=$folder/munge/seed --num-threads=1" >"$folder/munge.out" 2>&1
for _ in $(seq 50); do [ -S "$folder/munge/socket" ] && [ -s "$folder/munge/pid" ] && break; sleep 0.1; done
cp "$folder/munge/pid" "$folder/munged.pid"

# Free ports, near which nothing listens.
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo $((20000 + RANDOM)); }
host=$(hostname -s)
cat >"$folder/slurm.conf" <<CONF
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$(port)
SlurmdPort=$(port)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# A container has no cgroups to give and no task affinity.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
# Newer versions want to be told that there are no cgroups; older ones do not know the word.
[ "$(slurmctld -V | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -lt 23 ] || echo 'CgroupPlugin=disabled' >"$folder/cgroup.conf"

export SLURM_CONF=$folder/slurm.conf
slurmctld -f "$SLURM_CONF" >"$folder/slurmctld.out" 2>&1 </dev/null
slurmd -f "$SLURM_CONF" -N "$host" >"$folder/slurmd.out" 2>&1 </dev/null
for _ in $(seq 100); do
    state=$(sinfo -h -o %t 2>/dev/null || true)
    if [ "$state" = idle ]; then
        echo "Slurm is up: export SLURM_CONF=$SLURM_CONF"
        exit 0
    fi
    sleep 0.2
done
echo "Slurm does not come up (node state: ${state:-unknown}): $(tail -n 1 "$folder"/slurmctld.log "$folder"/slurmd.log "$folder"/*.out 2>/dev/null | tr '\n' ' ')" >&2
exit 3
