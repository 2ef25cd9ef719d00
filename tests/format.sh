#!/usr/bin/env bash
# usage: tests/format.sh [--fix]
# Compares every source with .clang-format; with --fix, formats it. clang-format 19 is the measure: it formats all.
# Version 16, the newest of Debian 12, breaks lambdas that hold braces, of which tests are full: it judges the library
# and the examples only, on which the two agree.
set -euo pipefail
cd "$(dirname "$0")/.."
version() { "$1" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p'; }
formatter= number=0
for candidate in ${CLANG_FORMAT:-} clang-format-19 clang-format clang-format-16; do
  number=$(version "$candidate" || true)
  case "$number" in 16 | 19) formatter=$candidate; break ;; esac
done
[ -n "$formatter" ] || { echo "format: needs clang-format 19 or 16: install it, or name it in CLANG_FORMAT" >&2; exit 2; }
folders="core autograd nn optim examples"
[ "$number" = 16 ] || folders="$folders tests"
mode=(--dry-run --Werror)
[ "${1:-}" != --fix ] || mode=(-i)
find $folders \( -name '*.h' -o -name '*.cpp' -o -name '*.inc' \) -print0 | xargs -0 -n 40 -P "$(nproc)" "$formatter" "${mode[@]}"
echo "format: $(find $folders \( -name '*.h' -o -name '*.cpp' -o -name '*.inc' \) | wc -l) files of $folders: as clang-format $number writes them"
