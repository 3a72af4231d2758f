#!/usr/bin/env bash
# Runs every fuzz target of the tree for FUZZTIME each. A failing input is written into the package's
# testdata/fuzz: commit it with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."

listing=$(go test -list '^Fuzz' ./...)
targets=()
while read -r first second _; do
  case $first in
    Fuzz*) targets+=("$first") ;;
    ok)
      for target in "${targets[@]}"; do
        echo "== $second $target"
        go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "$second"
      done
      targets=()
      ;;
  esac
done <<<"$listing"
