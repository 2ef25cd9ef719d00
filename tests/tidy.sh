#!/usr/bin/env bash
# usage: tests/tidy.sh INCLUDE [FILES]
# clang-tidy with .clang-tidy over the library, or over the files given. INCLUDE is the include folder of a build
# (build/test/include). About three minutes on two cores.
set -euo pipefail
include=$(cd "${1:?the include folder of a build, as build/test/include}" && pwd); shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- {core,core/*,autograd,autograd/*,nn,nn/*,optim}/*.cpp
export include
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 4 sh -c 'clang-tidy --quiet "$@" -- -std=c++20 -I"$include" \
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow 2>/dev/null' _
echo "tidy: $# sources"
