#!/usr/bin/env bash
# find_libtorch.sh LIBTORCH_CMAKE CMAKE: which LibTorch is taken, and what is said where none is.
set -euo pipefail
search=$1 cmake=$2
project=$(cd "$(dirname "$0")/project" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset GAUNTLET_TORCH Torch_DIR
fail() { printf 'FAILED: %s\n%s\n' "$1" "$(cat "$work/said")" >&2; exit 1; }

# What a LibTorch of this version looks like from outside.
fake() {
  local folder=$1 header
  header=$folder/include/torch/${3:-headeronly}/version.h
  mkdir -p "$(dirname "$header")" "$folder/lib"
  IFS=. read -r major minor patch <<< "$2"
  printf '#define TORCH_VERSION_%s %s\n' MAJOR "$major" MINOR "$minor" PATCH "$patch" > "$header"
  touch "$folder/lib/libtorch_cpu.so" "$folder/lib/libc10.so"
}
fake "$work/old" 2.7.1 csrc/api/include/torch
fake "$work/new" 2.8.0
fake "$work/newer" 2.11.0
fake "$work/site/torch" 2.9.1
touch "$work/site/torch/__init__.py"
fake "$work/old_site/torch" 2.7.0
touch "$work/old_site/torch/__init__.py"
mkdir "$work/empty"
export PYTHONPATH=$work/old_site  # hides a torch that this machine's Python may have

configure() {
  rm -rf "$work/build"
  # CMake breaks its messages into lines and indents them.
  if "$cmake" -G Ninja -S "$project" -B "$work/build" "-DSEARCH=$search" "$@" > "$work/out" 2>&1; then code=0; else code=1; fi
  tr -s ' \n' ' ' < "$work/out" > "$work/said"
}
takes() {
  configure "${@:2}"
  [ $code -eq 0 ] || fail "none was found, expected $1"
  grep -q -F "$1 " "$work/said" || fail "expected $1"
}
says() {
  configure "${@:2}"
  [ $code -ne 0 ] || fail "one was taken, expected: $1"
  grep -q -F "$1" "$work/said" || fail "expected: $1"
}

hints=-DGAUNTLET_TORCH_HINTS=$work/new
takes "LibTorch 2.11.0: $work/newer" "-DGAUNTLET_TORCH=$work/newer" "$hints"
takes "LibTorch 2.8.0: $work/new" "$hints"
GAUNTLET_TORCH=$work/newer takes "LibTorch 2.11.0: $work/newer" "$hints"
takes "LibTorch 2.11.0: $work/newer" "-DTorch_DIR=$work/newer/share/cmake/Torch" "$hints"
Torch_DIR=$work/newer/share/cmake/Torch takes "LibTorch 2.11.0: $work/newer" "$hints"
if command -v python3 > "$work/said"; then
  PYTHONPATH=$work/site takes "LibTorch 2.9.1: $work/site/torch" "$hints"
fi

# What somebody named is taken or refused, never passed over.
says "GAUNTLET_TORCH names '$work/old', which holds LibTorch 2.7.1: Gauntlet needs 2.8 or newer." \
  "-DGAUNTLET_TORCH=$work/old" "$hints"
GAUNTLET_TORCH=$work/empty says "the environment's GAUNTLET_TORCH names '$work/empty', which holds no LibTorch" "$hints"
Torch_DIR=$work/old/share/cmake/Torch says "Torch_DIR names '$work/old', which holds LibTorch 2.7.1" "$hints"

says "LibTorch 2.8 or newer was not found: start ./gauntlet, which fetches one" \
  "-DGAUNTLET_TORCH_HINTS=$work/empty"
