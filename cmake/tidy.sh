#!/usr/bin/env bash
# tidy.sh CLANG_TIDY SOURCE BUILD: every unit of BUILD/compile_commands.json, two at a time; fails on any finding.
# GAUNTLET_TIDY_ONLY=framework/base: only units whose path contains this.
set -euo pipefail
clang_tidy=$1 source=$2 build=$3
said=$build/tidy
rm -rf "$said"
mkdir -p "$said"

# Those of cmake/ are precompiled headers.
mapfile -t units < <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" |
  grep -v -F "$source/cmake/" | grep -F -- "${GAUNTLET_TIDY_ONLY:-}" | sort -u)
if [ ${#units[@]} -eq 0 ]; then
  printf 'no unit has %s in its path\n' "${GAUNTLET_TIDY_ONLY:-}" >&2
  exit 1
fi

# What is not below these folders (generated texts, libraries) is not ours to mend.
filter="^$(sed 's/[].*^$+?(){}|[\\]/\\&/g' <<< "$source")/(framework|reports|plugins)/"
export clang_tidy build said filter source count=${#units[@]}
unit() {
  local name=${2#"$build/"}
  name=${name#"$source/"}
  local out=$said/$1 result=0
  "$clang_tidy" -p "$build" --quiet --header-filter="$filter" "$2" > "$out.found" 2> "$out.talk" || result=$?
  printf '[%d/%d] %s\n' "$1" "$count" "${name%/CMakeFiles/*}"
  # Where it fails without a finding (a header that is missing, a crash), its other words say why.
  [ $result -eq 0 ] || grep -q ': error: \|: warning: ' "$out.found" || cp "$out.talk" "$out.failed"
}
export -f unit
for ((i = 0; i < count; i++)); do printf '%d\0%s\0' $((i + 1)) "${units[i]}"; done |
  xargs -0 -n 2 -P 2 bash -c 'unit "$@"' tidy

# A header is seen from many units: each finding once, with the lines that explain it.
cat "$said"/*.found | awk '
  /^[^ ].*:[0-9]+:[0-9]+: (warning|error): / { shown = !($0 in seen); seen[$0] = 1; if (shown) findings++ }
  shown { print }
  END { printf "%d findings\n", findings; exit findings > 0 }' || result=1
for file in "$said"/*.failed; do
  [ -e "$file" ] || continue
  cat "$file"
  result=1
done
exit ${result:-0}
