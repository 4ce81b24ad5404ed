#!/usr/bin/env bash
# PyTorch's wheel brings the headers of a fmt of its own and no library, so that programs no longer link the system's.
#
# Versions   torch 2.11.0 (wheel, headers of fmt 12.1.0), libfmt 9.1.0 of Debian 12; g++, x86-64.
# Guess      A program may use LibTorch and the system's fmt side by side: their include directories hold different
#            libraries, and fmt's namespace has a version in it, so that the two cannot mix.
# Behaviour  torch/include, which every LibTorch program needs, has fmt/. It is searched before /usr/include, so
#            <fmt/format.h> is fmt 12 while -lfmt is fmt 9. The versioned namespace turns this into undefined
#            references; no library of the wheel defines them. With FMT_HEADER_ONLY the program links, and what runs is
#            silently fmt 12.
# Seen       -lfmt alone                       links, fmt 90100
#            with torch/include                undefined reference to fmt::v12::…
#            with it and FMT_HEADER_ONLY       links, fmt 120100
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
venv=${FINDINGS_VENV:-$work/venv}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile torch==2.11.0 numpy==2.4.6
torch=$("$venv/bin/python" -c 'import importlib.util; print(*importlib.util.find_spec("torch").submodule_search_locations)')

cd "$work"
apt-get download --quiet libfmt-dev=9.1.0+ds1-2 libfmt9=9.1.0+ds1-2 > /dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" system; done
# As in /usr: searched after every directory that is named.
system=(-idirafter system/usr/include -L "system/usr/lib/$(gcc -dumpmachine)" -lfmt)
export LD_LIBRARY_PATH=$work/system/usr/lib/$(gcc -dumpmachine)

cat > program.cc <<'CC'
#include <fmt/format.h>
int main() { fmt::print("{}\n", fmt::format("{:.3f} {}", 8.0 / 255, FMT_VERSION)); }
CC

build() { g++ -std=c++20 program.cc -o "$1" "${@:2}" "${system[@]}" 2> "$1.log"; }
expect() { [ "$2" = "$3" ] || { echo "changed: $1: $2, was: $3"; exit 1; }; }

build alone
expect "the system's fmt alone" "$(./alone)" "0.031 90100"
echo "-lfmt alone: $(./alone)"

if build both -isystem "$torch/include"; then echo "changed: it links beside torch's headers"; exit 1; fi
expect "what is not defined" "$(grep -o 'undefined reference to `fmt::v[0-9]*' both.log | sort -u)" \
  'undefined reference to `fmt::v12'
echo "with torch/include: $(grep -c 'undefined reference' both.log) undefined references, of $(grep -o 'fmt::v[0-9]*' both.log | sort -u)"
defined=$(for library in "$torch"/lib/*.so; do nm -DC --defined-only "$library" 2> /dev/null; done | grep -c 'fmt::v12::vformat' || true)
expect "definitions in the wheel's libraries" "$defined" 0

build headers -isystem "$torch/include" -DFMT_HEADER_ONLY
expect "headers only" "$(./headers)" "0.031 120100"
echo "with FMT_HEADER_ONLY: $(./headers)"
echo "as described: torch's headers of fmt come first, and their library is nowhere"
