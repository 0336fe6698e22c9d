#!/usr/bin/env bash
# bench.sh: times an adversarial iteration, a maximum-likelihood step and sampling on this machine.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for subject in iteration mle sample; do
    bin/gumbelgan bench "$subject" "$@"
done
