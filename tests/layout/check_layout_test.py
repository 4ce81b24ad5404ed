#!/usr/bin/env python3
"""Plants each kind of mistake in a small tree: check_layout.py has to name it."""
import pathlib
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).parent / "check_layout.py"
HEADER = "namespace {0} {{\n}}\n"


def checked(files):
    """What the script prints of a tree with these files, without remarks on folders that are empty in it."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        run = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True)
    lines = run.stdout.splitlines()[:-1]
    return [line for line in lines if not line.startswith("layout.txt: ")]


CASES = {
    "a tree in order": ({
        "framework/base/a.h": "#pragma once\n" + HEADER.format("gauntlet"),
        "framework/toml/b.h": "#include \"base/a.h\"\n" + HEADER.format("gauntlet::toml"),
    }, []),
    "an upward include": ({
        "framework/base/a.h": "#include \"toml/b.h\"\n",
        "framework/toml/b.h": "#pragma once\n",
    }, ["framework/base/a.h: includes framework/toml/b.h, which is higher in layout.txt"]),
    "a loop, through a source": ({
        "framework/base/a.h": "#pragma once\n",
        "framework/base/a.cc": "#include \"base/a.h\"\n#include \"base/b.h\"\n",
        "framework/base/b.h": "#include \"base/a.h\"\n",
    }, ["loop: framework/base/a, framework/base/b"]),
    "another folder's namespace": ({
        "framework/toml/b.h": HEADER.format("gauntlet::suite"),
    }, ["framework/toml/b.h: namespace gauntlet::suite, expected gauntlet::toml"]),
    "a file outside of all rooms": ({
        "framework/attic/c.h": "#pragma once\n",
    }, ["framework/attic/c.h: lies in no folder of layout.txt"]),
    "an include of nothing": ({
        "framework/base/a.h": "#include \"base/gone.h\"\n",
    }, ["framework/base/a.h: includes \"base/gone.h\", which is not there"]),
}

failed = 0
for name, (files, expected) in CASES.items():
    found = checked(files)
    if found != expected:
        failed += 1
        print(f"FAILED: {name}: expected {expected}, found {found}")
print(f"{len(CASES) - failed} of {len(CASES)} cases")
sys.exit(1 if failed else 0)
