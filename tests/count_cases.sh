#!/usr/bin/env bash
# How many cases the tests check: derivatives (gradcheck), and comparisons with PyTorch's answers (golden). A case is
# one function with its options, in one layout and one dtype; it says its name when it is checked (support/cases.h).
#   tests/count_cases.sh build/test/bin            how many there are of each kind
#   tests/count_cases.sh build/test/bin golden     their names
set -euo pipefail
bin=$1 kind=${2:-}
HEED_CASES=$(mktemp)
export HEED_CASES
trap 'rm -f "$HEED_CASES"' EXIT
for folder in autograd nn optim golden; do
  "$bin/test_$folder" "~[.]~[slow]~[soak]~[data]" >&2
done
sort -u "$HEED_CASES" -o "$HEED_CASES"
if [ -n "$kind" ]; then
  sed -n "s/^$kind\t//p" "$HEED_CASES"
else
  cut -f1 "$HEED_CASES" | uniq -c
fi
