#!/usr/bin/env bash
# out_of_tree.sh attack|defense BUILD_DIR CMAKE: installs Gauntlet into an empty prefix, begins a plugin
# in an empty folder, builds it against the package, runs its tests, and sees it listed and refused
# where it should be. Nothing of the environment names the tree.
set -euo pipefail
kind=$1 build_dir=$2 cmake=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work/home
mkdir "$HOME"
unset GAUNTLET_SOURCE_DIR GAUNTLET_BUILD_DIR GAUNTLET_REGISTRY GAUNTLET_PLUGIN_PATH GAUNTLET_TORCH Torch_DIR
export OMP_NUM_THREADS=1
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

"$cmake" --install "$build_dir" --prefix "$work/prefix" > "$work/install.log" || fail "$(tail "$work/install.log")"
host=$work/prefix/bin/gauntlet
cd "$work"

listed=$("$host" plugins list)
for shipped in pgd fgsm smoothing; do
  [[ $listed == *" $shipped "* ]] || fail "the installed host does not list $shipped: $listed"
done

"$host" plugins new "$kind" demo > /dev/null
if "$host" plugins new "$kind" demo > /dev/null 2> refused.txt; then fail "a folder was written over"; fi
grep -q 'is not empty' refused.txt || fail "wrong words: $(cat refused.txt)"

"$cmake" -S demo -B demo/build -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix"
"$cmake" --build demo/build
plugin=demo/build/plugins/${kind}s/demo.so
"$host" plugins check "$plugin"
[[ $("$host" plugins list --plugin-path demo/build/plugins) == *" demo "* ]] || fail "demo is not listed"
ctest --test-dir demo/build --output-on-failure --no-tests=error

# Its preset lies beside it: a suite that takes everything takes it too.
printf '%s\n' 'schema = 1' 'name = "all"' 'data = { dataset = "fashion-mnist-1k", samples = 4 }' \
  'threat.linf = { norm = "linf", epsilon = 0.1 }' 'attack = "all"' 'defense = "all"' > all.toml
planned=$("$host" check all.toml --plugin-path demo/build/plugins) || fail "all.toml: $planned"
[[ $planned == *demo* ]] || fail "demo is not part of everything: $planned"

# Another ABI digest in the very same file is refused, by the installed host too.
digest=$(sed -n 's/.*DIGEST "\(.*\)"/\1/p' "$work/prefix/include/gauntlet/abi_digest.h")
sed "s/$digest/0000000000000000/" "$plugin" > other.so
if "$host" plugins check other.so 2> refused.txt; then fail "another ABI was accepted"; fi
grep -q "built for ABI 0000000000000000, this host for ABI $digest" refused.txt || fail "wrong words: $(cat refused.txt)"

# Only the stamp and the entry are exported, and no path of the machine is inside.
exported=$(nm -D --defined-only "$plugin" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort | tr '\n' ' ')
[ "$exported" = "gauntlet_plugin_entry gauntlet_plugin_stamp " ] || fail "exports: $exported"
if grep -q -a -F "$work" "$plugin"; then fail "$(strings "$plugin" | grep -F "$work" | head -n 3)"; fi
