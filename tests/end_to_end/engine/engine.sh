#!/usr/bin/env bash
# engine.sh BUILD_DIR SOURCE_DIR: what a changed file of the program means for stored answers. A change is a few bytes
# at the end of a copy: another digest, the same code.
#   the program (pages, templates, commands)   nothing is computed again; a bundle is of this build
#   an attack plugin                           its columns are
#   libgauntlet-engine.so                      everything is; a bundle is of another build
set -euo pipefail
build=$1 source=$2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home GAUNTLET_SOURCE_DIR=$source OMP_NUM_THREADS=1
mkdir "$HOME"
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# The program finds its libraries and plugins relative to itself.
mkdir -p "$work/build/framework"
cp "$build/gauntlet" "$work/build/"
cp "$build"/framework/*.so "$work/build/framework/"
cp -r "$build/plugins" "$work/build/"

# 25 cells: five defenses under five attacks.
cell_lines() { grep -c "^\[[0-9]*/25\].*$1\$" "$work/talk.txt" || true; }
run() {
  "$work/build/gauntlet" run "$source/suites/quickstart.toml" --set data.samples=8 --output "$work/run" \
    > "$work/out.txt" 2> "$work/talk.txt" || [ $? -eq 1 ] || fail "$(cat "$work/talk.txt")"
  known=$(cell_lines 'already known')
  answered=$(cell_lines '')
  [ "$answered" = 25 ] || fail "$answered cells were answered: $(cat "$work/talk.txt")"
}
expect_known() { [ "$known" = "$1" ] || fail "after $2, $known of 25 cells were already known, expected $1: $(cat "$work/talk.txt")"; }

# A bundle of this build, on a board of its own.
mkdir "$work/boards"
export GAUNTLET_BOARDS=$work/boards
cat > "$work/boards/small.toml" <<'BOARD'
schema = 1
version = 1
title = "small"
division = "deterministic"
seeds = [0]
data = { dataset = "fashion-mnist-1k", samples = 8 }
threat.linf = { norm = "linf", epsilon = 0.1 }
attack.random_noise = { use = "random_noise" }
attack.fgsm = { use = "fgsm" }
audit = { control = ["random_noise"], white_box = ["fgsm"], black_box = [] }
BOARD
cat > "$work/entry.toml" <<'SUITE'
schema = 1
name = "entry"
board = "small@1"
[[defense]]
name = "row"
model = "fashion-mnist/at"
SUITE
bundle() {
  "$work/build/gauntlet" run "$work/entry.toml" --output "$work/entry" > "$work/out.txt" 2>&1 &&
    "$work/build/gauntlet" bundle "$work/entry" --output "$work/entry.zip" > "$work/out.txt" 2>&1 ||
    fail "$(cat "$work/out.txt")"
}
expect_verified() {
  "$work/build/gauntlet" verify "$work/entry.zip" > "$work/out.txt" 2>&1 || fail "after $2: $(cat "$work/out.txt")"
  grep -q "^row: $1\$" "$work/out.txt" || fail "after $2 expected '$1': $(cat "$work/out.txt")"
}
readonly here='holds, tables and model' elsewhere='holds, tables and model, as far as another build can tell'

run && expect_known 0 "nothing was stored"
run && expect_known 25 "no change"
bundle && expect_verified "$here" "no change"

printf 'another page' >> "$work/build/gauntlet"
run && expect_known 25 "a change of the program"
expect_verified "$here" "a change of the program"

# One column of five rows.
printf 'another step' >> "$work/build/plugins/attacks/fgsm.so"
run && expect_known 20 "a change of fgsm"
grep -q 'undefended × fgsm: .* s$' "$work/talk.txt" || fail "fgsm was not computed again: $(cat "$work/talk.txt")"
expect_verified "$elsewhere" "a change of fgsm"
bundle && expect_verified "$here" "a run with it"

printf 'another judge' >> "$work/build/framework/libgauntlet-engine.so"
run && expect_known 0 "a change of the engine"
expect_verified "$elsewhere" "a change of the engine"
printf 'the engine holds what can change a number, and nothing else\n'
