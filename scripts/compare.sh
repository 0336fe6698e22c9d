#!/usr/bin/env bash
# compare.sh: the same recipe with each objective over several seeds (SEEDS, 3 by default), then one table and one report.
# What is finished already is kept, and what was interrupted is continued, so it may be stopped and started at will.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

corpus=corpora/captions.txt
folder=runs/compare
if [ ! -s "$corpus" ]; then
    bin/gumbelgan corpus build corpora/captions.grammar --count "${COUNT:-20000}" --seed 1 --output "$corpus"
fi
runs=()
for objective in mle gumbel reinforce; do
    for ((seed = 1; seed <= ${SEEDS:-3}; seed++)); do
        run=$folder/$objective-$seed
        runs+=("$run")
        if grep -qs '"nll/test"' "$run/metrics.jsonl"; then
            echo "$run is finished already"
        elif [ -e "$run/checkpoints/latest" ]; then
            bin/gumbelgan train --resume "$run" --quiet
        else
            rm -rf "$run"
            bin/gumbelgan train --recipe captions --corpus "$corpus" --objective "$objective" --seed "$seed" --run "$run" --quiet
        fi
        bin/gumbelgan evaluate "$run" >/dev/null
    done
done
bin/gumbelgan compare "${runs[@]}" --report "$folder/report.html"
echo "The report is $folder/report.html."
