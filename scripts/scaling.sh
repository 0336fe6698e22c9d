#!/usr/bin/env bash
# scaling.sh [OPTIONS]: measures what a second core brings as a thread and as a rank of MPI on this machine, and what a model of networks makes of it
# for up to 64 nodes; writes docs/scaling-measured.md. Needs a launcher of MPI, and for the parts over TCP root and iproute2; what is missing is left
# out. OPTIONS: --rounds N, --only TEXT (cases whose name contains TEXT; then nothing is written unless --output says where), --output FILE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/build.sh </dev/null
dotnet build Benchmarks/Benchmarks.csproj -c Release -v quiet --nologo -clp:NoSummary </dev/null
case " $* " in
    *" --only "* | *" --output "*) ;;
    *) set -- "$@" --output docs/scaling-measured.md ;;
esac
exec artifacts/bin/Benchmarks/release/GumbelGan.Benchmarks scaling "$@"
