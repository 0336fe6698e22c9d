#!/usr/bin/env bash
# compare.sh: maximum likelihood, Gumbel-Softmax, REINFORCE and REINFORCE with a constant reward on the captions corpus, over several seeds
# (SEEDS, 3 by default), then one table and one report. All runs of a seed begin with the same pre-training; all make equally many updates.
# Runs go side by side, one a core (JOBS) and one thread each. What is finished already is kept, and what was interrupted is continued, so this may
# be stopped and started at will.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

corpus=corpora/captions.txt
folder=${FOLDER:-runs/compare}

# run METHOD-SEED: trains and evaluates one run, as far as that is not done yet.
run() {
    local run=$folder/$1 method=${1%-*} seed=${1##*-}
    local settings=(--objective "$method")
    # A baseline would cancel a constant reward exactly, and the control would only show that nothing moves.
    if [ "$method" = constant ]; then settings=(--objective reinforce --set reinforce.reward=constant --set reinforce.baseline=none); fi
    if grep -qs '"nll/test"' "$run/metrics.jsonl" && [ -e "$run/checkpoints/latest" ]; then
        echo "$run is trained already" >&2
    elif [ -e "$run/checkpoints/latest" ]; then
        bin/gumbelgan train --resume "$run" --quiet >/dev/null || [ -e "$run/failure.txt" ]
    else
        rm -rf "$run"
        bin/gumbelgan train --recipe compare --corpus "$corpus" "${settings[@]}" --seed "$seed" --threads 1 --run "$run" --quiet >/dev/null || [ -e "$run/failure.txt" ]
    fi
    if [ ! -e "$run/evaluation.json" ]; then
        bin/gumbelgan evaluate "$run" --grammar corpora/captions.grammar >/dev/null
    fi
    echo "$run: done after $SECONDS s" >&2
}

if [ "${1:-}" = --run ]; then
    run "$2"
    exit
fi
if [ ! -s "$corpus" ]; then
    bin/gumbelgan corpus build corpora/captions.grammar --count "${COUNT:-20000}" --seed 1 --output "$corpus"
fi
names=()
for ((seed = 1; seed <= ${SEEDS:-3}; seed++)); do
    for method in mle gumbel reinforce constant; do names+=("$method-$seed"); done
done
mkdir -p "$folder"
# The libraries' own threads stay off: two runs that each spin on every core are many times slower than two runs on one core each.
printf '%s\0' "${names[@]}" | OMP_NUM_THREADS=1 FOLDER=$folder xargs -0 -n 1 -P "${JOBS:-$(nproc)}" "$0" --run
bin/gumbelgan compare "${names[@]/#/$folder/}" --report "$folder/report.html" | tee "$folder/comparison.txt"
echo "make compare took $SECONDS s; the table is also in $folder/comparison.txt, the report is $folder/report.html."
