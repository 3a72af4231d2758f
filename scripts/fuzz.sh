#!/usr/bin/env bash
# Fuzzes for FUZZTIME (10s) each.
#   scripts/fuzz.sh           every target of the tree, one after the other
#   scripts/fuzz.sh outside   the decoders that meet bytes from outside, as many at a time as there are processors
#   scripts/fuzz.sh keep      no fuzzing: takes the shortest inputs that the cache found for those into testdata/fuzz
# A failing input is written into the package's testdata/fuzz: commit it with the fix. What lies there runs in every test.
set -euo pipefail
cd "$(dirname "$0")/.."

export FUZZTIME=${FUZZTIME:-10s}
outside=(
  ./internal/seal:FuzzEnvelope
  ./internal/seal:FuzzTrust
  ./internal/wire:FuzzWire
  ./hub/internal/api/body:FuzzBodies
  ./hub/internal/ingest:FuzzProbe
)
kept=60 # inputs for each target, the shortest

every() {
  local first second target targets=() listing
  listing=$(go test -list '^Fuzz' ./...)
  while read -r first second _; do
    case $first in
      Fuzz*) targets+=("$first") ;;
      ok)
        for target in "${targets[@]}"; do
          echo "== $second $target"
          go test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" "$second"
        done
        targets=()
        ;;
    esac
  done <<<"$listing"
}

# one fuzzes package:target with one worker and tells when it is over.
one() {
  local out status=0
  # To make inputs smaller takes 60 s for each by default, and none of it counts as fuzzing.
  out=$(go test -run '^$' -fuzz "^${1##*:}\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 20x -parallel 1 "${1%:*}" 2>&1) || status=$?
  # A worker that a busy machine kept from answering in time has found nothing.
  if [ $status -ne 0 ] && grep -q 'context deadline exceeded' <<<"$out" && ! grep -q 'Failing input' <<<"$out"; then
    status=0
  fi
  if [ $status -eq 0 ]; then
    echo "fuzz: ${1#./} for $FUZZTIME, $(grep -o 'execs: [0-9]*' <<<"$out" | tail -1)"
  else
    printf '%s\n' "$out"
  fi
  return $status
}
export -f one

keep() {
  local pair package target from to
  for pair in "${outside[@]}"; do
    package=${pair%:*} target=${pair##*:}
    from=$(go env GOCACHE)/fuzz/$(go list "$package")/$target
    to=$package/testdata/fuzz/$target
    [ -d "$from" ] || continue
    mkdir -p "$to"
    find "$from" -type f -size -4k -printf '%s %p\n' | sort -n | head -"$kept" | cut -d' ' -f2- | xargs -r cp -t "$to"
    echo "fuzz: $(find "$to" -type f | wc -l) inputs in $to"
  done
}

case ${1:-every} in
  every) every ;;
  outside) printf '%s\n' "${outside[@]}" | xargs -P "$(nproc)" -I{} bash -c 'set -euo pipefail; one {}' ;;
  keep) keep ;;
  *) echo "fuzz: outside, keep or nothing, not $1" >&2; exit 1 ;;
esac
