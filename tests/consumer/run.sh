#!/usr/bin/env bash
# Everything that the README says about using heed from another project, done:
#   tests/consumer/run.sh BUILT [COMPILER …]        BUILT is a build folder of heed with its demos
# An installed copy is moved before it is used. All headers are compiled by themselves with strict warnings.
set -euo pipefail
built=$(cd "$1" && pwd); shift
root=$(cd "$(dirname "$0")/../.." && pwd)
compilers=("$@"); [ $# -gt 0 ] || compilers=(c++)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { grep -E "error|warning" "$work/log" | head -20; tail -20 "$work/log"; echo "failed: $*"; exit 1; }; }
consume() {  # NAME OPTIONS…: builds and runs the project
  quietly cmake -S "$root/tests/consumer" -B "$work/$1" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG= "${@:2}"
  quietly cmake --build "$work/$1" -j "$(nproc)"
  for program in consumer consumer_of_kit; do quietly "$work/$1/$program"; done
  echo "ok: $1"
}

quietly cmake --install "$built" --prefix "$work/first"
mv "$work/first" "$work/moved"
for compiler in "${compilers[@]}"; do
  consume "find_package-$compiler" -DHOW=find_package -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_CXX_COMPILER="$compiler"
  quietly "$work/find_package-$compiler/all_headers"
done

export PKG_CONFIG_PATH="$work/moved/lib/pkgconfig"
[ -d "$PKG_CONFIG_PATH" ] || PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name heed.pc)")
# shellcheck disable=SC2046
quietly "${compilers[0]}" -std=c++20 -I"$work/find_package-${compilers[0]}" \
  "$root/tests/consumer/main.cpp" "$root/tests/consumer/contributing.cpp" $(pkg-config --cflags --libs heed) -o "$work/by_pc"
quietly "$work/by_pc"
echo "ok: pkg-config"

quietly cmake -S "$root" -B "$work/absolute" -DHEED_BUILD_TESTS=OFF -DHEED_BUILD_EXAMPLES=OFF \
  -DCMAKE_INSTALL_PREFIX=/opt/heed -DCMAKE_INSTALL_LIBDIR=/opt/elsewhere/lib -DCMAKE_INSTALL_INCLUDEDIR=/opt/headers
flags=$(PKG_CONFIG_PATH="$work/absolute" pkg-config --cflags --libs heed)
case "$flags" in
  *-I/opt/headers*-L/opt/elsewhere/lib*) echo "ok: absolute folders" ;;
  *) echo "heed.pc with absolute folders says: $flags"; exit 1 ;;
esac

# The kit without CMake: the line of its README makes the same string literals.
line=$(grep -m1 '^mkdir -p build/include build/embedded ' "$root/examples/kit/README.md")
mkdir "$work/by_hand"
ln -s "$root"/{core,autograd,nn,optim,examples} "$work/by_hand"
(cd "$work/by_hand" && eval "$line" && quietly "${compilers[0]}" -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
  -Ibuild/include -Ibuild/embedded examples/kit/pictures/attention_page.cpp)
diff -r "$work/by_hand/build/embedded" "$built/embedded"
echo "ok: the kit's literals without CMake"

for how in add_subdirectory FetchContent; do
  consume "$how" -DHOW="$how" -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16
done
