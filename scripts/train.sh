#!/usr/bin/env bash
# train.sh: the captions corpus, a GAN trained on it, and where to look at it. COUNT: captions to generate.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

corpus=corpora/captions.txt
if [ ! -s "$corpus" ]; then
    bin/gumbelgan corpus build corpora/captions.grammar --count "${COUNT:-20000}" --seed 1 --output "$corpus"
fi
run=runs/captions
number=1
while [ -e "$run" ]; do
    number=$((number + 1))
    run=runs/captions-$number
done
bin/gumbelgan train --recipe captions --corpus "$corpus" --set data.grammar=corpora/captions.grammar --run "$run"
cat <<MESSAGE

The run is in $run. See its losses and samples with 'make tensorboard', or write new ones with
  bin/gumbelgan sample $run --count 20
MESSAGE
