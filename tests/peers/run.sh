#!/usr/bin/env bash
# Compares Gauntlet's attacks with independent implementations: tests/peers/run.sh [--only PART…] [--help]
# The first call makes a Python environment below build/peers (some 5 GB with torch); GAUNTLET_PEERS_VENV names another.
set -euo pipefail

here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
venv=${GAUNTLET_PEERS_VENV:-$here/../../build/peers/venv}
python=$venv/bin/python
install() { "$python" -m pip install --quiet --disable-pip-version-check --no-compile "$@"; }

if ! [ -f "$venv/.complete" ]; then
  [ -x "$python" ] || python3 -m venv "$venv"
  install -r "$here/requirements.txt"
  install --no-deps torchattacks==3.5.1
  touch "$venv/.complete"
fi
exec "$python" "$here/compare.py" "$@"
