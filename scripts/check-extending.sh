#!/usr/bin/env bash
# check-extending.sh: adds every example of docs/extending.md to a copy of the tree, as the document says, shows what each of them changes (its own file,
# and its line in the catalogue), builds, and makes ten steps with all of them at once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$copy"
cd "$copy"
git init -q
git add -A
git -c user.name=x -c user.email=x@localhost commit -qm base

# add CLASS FOLDER CATALOGUE ENTRY
add() {
    local namespace="GumbelGan.${2//\//.}" file="$2/$1.cs" parent
    namespace=${namespace/.Relaxations/}
    sed "s/^namespace .*/namespace $namespace;/" "$root/Tests/Extending/$1.cs" >"$file"
    # What lies in the same namespace, or in one above it, needs no using.
    for ((parent = 1; parent <= $(tr -dc . <<<"$namespace" | wc -c) + 1; parent++)); do
        sed -i "/^using $(cut -d. -f1-"$parent" <<<"$namespace");$/d" "$file"
    done
    sed -i '/./,$!d' "$file"
    awk -v entry="$4" '/ All =>| All \{/ { inside = 1 }
        inside && /\];/ { if (/^    \];/) print "        " entry ","; else sub(/\];/, ", " entry "];"); inside = 0 }
        { print }' "$3" >catalogue.new
    mv catalogue.new "$3"
    echo "$1: $(git status --porcelain | wc -l) files"
    git add -A
    git diff --cached --stat | sed '$d'
    [ "$(git status --porcelain | wc -l)" -eq 2 ] || { echo "$1 changes other files than two." >&2; exit 1; }
    git -c user.name=x -c user.email=x@localhost commit -qm "$1"
}

add IdentityStraightThroughRelaxation Generators/Relaxations Generators/Relaxations/Relaxation.cs IdentityStraightThroughRelaxation.Entry
add LeastSquaresLoss Training/Losses Training/Losses/GameLoss.cs LeastSquaresLoss.Entry
add GruGenerator Generators Generators/GeneratorKind.cs GruGeneratorOptions.TheKind
add BagDiscriminator Discriminators Discriminators/DiscriminatorKind.cs BagDiscriminatorOptions.TheKind
add AnchoredObjective Training/Objectives Training/Objectives/ObjectiveKind.cs AnchoredObjective.Kind
add DistinctFirstWords Evaluation/Metrics Evaluation/Metrics/MetricCatalogue.cs DistinctFirstWords.Entry

scripts/build.sh
for line in $(seq 1 60); do echo "a b c d e f $line"; done >corpus.txt
cat >extended.yaml <<'YAML'
corpus: corpus.txt
objective: anchored
generator: { kind: gru, hidden: 8 }
discriminator: { kind: bag, hidden: 8 }
pretraining: { epochs: 1 }
adversarial: { loss: least_squares, relaxation: identity_straight_through, steps: 10, discriminator_warm_up_steps: 1 }
recording: { every: 1 }
YAML
bin/gumbelgan train --config extended.yaml --run runs/extended
tail -n 1 runs/extended/metrics.jsonl
grep -c '"diversity/distinct_first_words"' runs/extended/metrics.jsonl
