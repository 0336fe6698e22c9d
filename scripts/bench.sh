#!/usr/bin/env bash
# bench.sh [OPTIONS]: sets the program beside the eager PyTorch peer on this machine and writes docs/benchmarks.md. OPTIONS: --rounds N, --only TEXT
# (cases whose name contains TEXT), --except TEXT (cases whose name does not; then nothing is written unless --output says where), --narrow (as without AVX-512), --scaling, --startup, --output FILE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dotnet build Benchmarks/Benchmarks.csproj -c Release -v quiet --nologo -clp:NoSummary </dev/null
case " $* " in
    *" --only "* | *" --except "* | *" --output "*) ;;
    *) set -- "$@" --output docs/benchmarks.md ;;
esac
exec artifacts/bin/Benchmarks/release/GumbelGan.Benchmarks compare "$@"
