#!/usr/bin/env bash
# soak.sh: RUNS runs (50) of 3,000 steps with small batches that record at every step and evaluate and save at every fifth, so that the garbage collector
# is busy all the while. Every run must end by itself with exit code 0, and all runs of a seed with the same bytes of weights.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export folder
bin/gumbelgan corpus build corpora/captions.grammar --count 600 --seed 1 --output "$folder/corpus.txt" >/dev/null
cat >"$folder/soak.yaml" <<'YAML'
threads: 1
generator: { embedding: 64, hidden: 64 }
discriminator: { kind: cnn, embedding: 64, filters: 16 }
pretraining: { epochs: 0 }
adversarial: { steps: 3000, batch_size: 4, discriminator_warm_up_steps: 0 }
recording: { every: 1, evaluate_every: 5, checkpoint_every: 5, bleu_samples: 10, samples: 4 }
YAML

# run NUMBER: prints the hash of the last weights.
run() {
    local run=$folder/run-$1 seed=$(($1 % 2 + 1))
    bin/gumbelgan train --config "$folder/soak.yaml" --corpus "$folder/corpus.txt" --run "$run" --seed "$seed" --quiet >"$run.log" 2>&1 || { tail -n 20 "$run.log" >&2; return 1; }
    echo "seed $seed $(sha256sum <"$run/checkpoints/$(cat "$run/checkpoints/latest")/generator.safetensors")"
    rm -rf "$run"
}
export -f run
seq "${RUNS:-50}" | OMP_NUM_THREADS=1 xargs -n 1 -P "${JOBS:-$(nproc)}" bash -c 'run "$1"' run | sort >"$folder/hashes"
finished=$(wc -l <"$folder/hashes") different=$(uniq "$folder/hashes" | wc -l) seeds=$(cut -d' ' -f2 "$folder/hashes" | uniq | wc -l)
echo "$finished runs of ${RUNS:-50} finished in $SECONDS s; $different different weights of $seeds seeds"
[ "$finished" -eq "${RUNS:-50}" ] && [ "$different" -eq "$seeds" ]
