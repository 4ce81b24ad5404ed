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

run && expect_known 0 "nothing was stored"
run && expect_known 25 "no change"

printf 'another page' >> "$work/build/gauntlet"
run && expect_known 25 "a change of the program"

# One column of five rows.
printf 'another step' >> "$work/build/plugins/attacks/fgsm.so"
run && expect_known 20 "a change of fgsm"
grep -q 'undefended × fgsm: .* s$' "$work/talk.txt" || fail "fgsm was not computed again: $(cat "$work/talk.txt")"

printf 'another judge' >> "$work/build/framework/libgauntlet-engine.so"
run && expect_known 0 "a change of the engine"
printf 'the engine holds what can change a number, and nothing else\n'
