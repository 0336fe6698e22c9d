#!/usr/bin/env bash
# results.sh: every table of docs/results.md, from corpus to JSON. What is finished is kept and what was interrupted goes on, so this may be stopped and
# started at will. QUICK=1: the arithmetic task alone. ORACLE: SeqGAN's oracle as safetensors, COCO: the folder of Texygen's image_coco.txt and
# image_coco_test.txt; their tasks are left out without.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=runs/results
mkdir -p "$out/oracle"

# corpus FILE ARGUMENTS...: builds a corpus that is not there yet.
corpus() {
    local file=$1
    shift
    [ -s "$file" ] || bin/gumbelgan corpus build "$@" --output "$file"
}

# task NAME OPTIONS...: its runs, side by side, then the comparison, with these options, that docs/results.md is written from.
task() {
    bin/gumbelgan sweep "docs/results/$1.yaml"
    bin/gumbelgan compare "$out/$1" "${@:2}" --report "$out/$1.html" --json > "docs/results/$1.json"
    echo "$1: done after $SECONDS s; the report is $out/$1.html, its numbers docs/results/$1.json" >&2
}

corpus "$out/arithmetic.txt" corpora/arithmetic.grammar --count 10000 --seed 1
task arithmetic
if [ -n "${QUICK:-}" ]; then exit; fi

task estimators
task large-critic
corpus "$out/arithmetic-long.txt" corpora/arithmetic-long.grammar --count 10000 --seed 1
task longer
corpus "$out/texygen.txt" corpora/texygen.grammar --count 10000 --seed 1
task texygen
# The figure: error by batch, at equal steps and at equal time.
curves() {
    bin/gumbelgan sweep "docs/results/$1.yaml" --best "$2" --against adversarial.batch_size --json "${@:3}"
}
bin/gumbelgan sweep docs/results/step-time.yaml
curves step-time seconds > docs/results/step-time.json
for name in batch-size-large batch-size-more batch-size-time batch-size; do
    bin/gumbelgan sweep "docs/results/$name.yaml"
    curves "$name" likelihood_divergence/jensen_shannon > "docs/results/$name.json"
done
curves batch-size-more likelihood_divergence/jensen_shannon --beside docs/results/batch-size.json --beside docs/results/batch-size-large.json \
    --page "$out/batch-size.html" > /dev/null

corpus corpora/captions.txt corpora/captions.grammar --count 20000 --seed 1
task captions
# Methods at budgets of their own, ten minutes each.
task captions-from-nothing --force

if [ -n "${ORACLE:-}" ]; then
    cp "$ORACLE" "$out/oracle/oracle.safetensors"
    corpus "$out/oracle/train.txt" --oracle "$ORACLE" --count 10000 --seed 1
    corpus "$out/oracle/test.txt" --oracle "$ORACLE" --count 10000 --seed 2
    corpus "$out/oracle/validation.txt" --oracle "$ORACLE" --count 10000 --seed 3
    task oracle
fi

# quality COUNT TEMPERATURES...: BLEU and self-BLEU of so many samples, each run's at each temperature.
quality() {
    local run temperature separator='['
    for run in "$out"/coco/*-seed*; do
        for temperature in "${@:2}"; do
            printf '%s{"run": "%s", "temperature": %s, "metrics": ' "$separator" "$(basename "$run")" "$temperature"
            bin/gumbelgan metrics --run "$run" --reference "$out/coco/image_coco_test.txt" --count "$1" --temperature "$temperature" --json
            echo '}'
            separator=','
        done
    done
    echo ']'
}

if [ -n "${COCO:-}" ]; then
    mkdir -p "$out/coco"
    ln -sf "$(readlink -f "$COCO")"/image_coco{,_test}.txt "$out/coco/"
    task coco
    quality 1000 1.1 1 0.9 0.8 0.7 0.6 0.5 0.4 > docs/results/coco-curves.json
    # As many as RelGAN's paper and Texygen's judge.
    quality 100 1 0.8 0.6 0.5 0.4 > docs/results/coco-curves-100.json
    quality 10000 1 0.8 > docs/results/coco-curves-10000.json
fi
echo "make results took $SECONDS s." >&2
