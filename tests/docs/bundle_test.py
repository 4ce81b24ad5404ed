"""Holds docs/reference/ against a bundle that the program packs.

usage: bundle_test.py GAUNTLET [SOURCE_DIR]

GAUNTLET is the program. A small board is made, run and packed; every key in the bundle has a row in the section of its
object, and every row of these sections is a key in the bundle.
"""
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

from pages import Page

BOARD = """schema = 1
version = 1
title = "Tiny"
description = "Four images."
division = "certified"
seeds = [0]
data = { dataset = "fashion-mnist-1k", samples = 4 }
scoring = { trials = 8 }
certify = { samples = 3 }
threat.l2 = { norm = "l2", epsilon = 1.0 }

[attack]
random_noise = { use = "random_noise" }
epgd = { use = "pgd", steps = 2, draws = 2, saturation = "retry" }
transfer = { use = "transfer", source = "fashion-mnist/at", attack = { use = "pgd", steps = 2 } }

[audit]
control = ["random_noise"]
white_box = ["epgd"]
black_box = ["transfer"]
"""
SUITE = """schema = 1
name = "tiny"
board = "tiny@1"

[attack.elsewhere]
use = "external"
file = "x_adv.npz"

[[defense]]
name = "a"
model = "fashion-mnist/gaussian"
stack = [{ use = "randomized_smoothing", n0 = 8, n = 32, mc_samples = 4 }]

[[defense]]
name = "b"
model = "fashion-mnist/pni"
baseline = "a"
stack = [{ use = "randomized_smoothing", sigma = 0.1, n0 = 8, n = 32, mc_samples = 4 }]
"""

# A place in a file of the bundle ("[]": each of a list, "*": under any name) -> its section. None: its keys are names of
# parameters, files and the like. What is not named here is no object, or its place's section says what it holds.
SECTIONS = {
    "bundle.json": {"": "bundles.md: `bundle.json`", ".files": None},
    "settings.json": {
        "": "bundles.md: `settings.json`",
        ".board": "bundles.md: `settings.json`: `board`",
        ".board.audit": "bundles.md: `settings.json`: `audit`",
        ".data": "bundles.md: `settings.json`: `data`",
        ".threats[]": "bundles.md: `settings.json`: `threats`",
        ".attacks[]": "bundles.md: `settings.json`: `attacks`",
        ".attacks[].params": None,
        ".attacks[].host": "bundles.md: `settings.json`: `host`",
        ".defenses[]": "bundles.md: `settings.json`: `defenses`",
        ".defenses[].stack[]": "bundles.md: `settings.json`: `stack`",
        ".defenses[].stack[].params": None,
        ".scoring": "bundles.md: `settings.json`: `scoring`",
        ".certify": "bundles.md: `settings.json`: `certify`",
        ".citations[]": "bundles.md: `settings.json`: `citations`",
    },
    "entries/*.json": {
        "": "registry.md: A board entry",
        ".about": "registry.md: `about`",
        ".environment": "registry.md: `environment`",
        ".environment.plugins": None,
        ".parameters": "registry.md: `parameters` of an entry",
        ".parameters.options": None,
        ".parameters.fitted": None,
        ".parameters.training": None,
        ".parameters.layer_plugins[]": "registry.md: Plugins of an entry",
        ".parameters.layer_plugins[].params": None,
        ".parameters.stack[]": "registry.md: Plugins of an entry",
        ".parameters.stack[].params": None,
        ".samples": "registry.md: Columns of whole numbers",
        ".threats[]": "registry.md: `threats`",
        ".threats[].interval": "registry.md: `interval`",
        ".threats[].attacks[]": "registry.md: `attacks`",
        ".threats[].attacks[].parameters": "registry.md: `parameters` of an attack",
        ".threats[].attacks[].parameters.attack": "registry.md: `parameters.attack`",
        ".threats[].attacks[].parameters.attack.params": None,
        ".threats[].attacks[].parameters.attack.files_sha256": None,
        ".threats[].attacks[].parameters.attack.sources[]": "registry.md: `parameters` of an entry",
        ".threats[].attacks[].parameters.attack.sources[].options": None,
        ".threats[].attacks[].parameters.host": None,
        ".threats[].attacks[].parameters.scoring": None,
        ".threats[].attacks[].cells[]": "registry.md: `cells`",
        ".threats[].attacks[].cells[].interval": "registry.md: `interval`",
        ".threats[].attacks[].cells[].ledger": "registry.md: `ledger`",
        ".threats[].attacks[].cells[].outcomes": "registry.md: `outcomes`",
        ".threats[].attacks[].cells[].outcomes.sample": "registry.md: Columns of whole numbers",
        ".certified_at[]": "registry.md: `certified_at`",
        ".certified_at[].interval": "registry.md: `interval`",
        ".certifications[]": "registry.md: `certifications`",
        ".certifications[].interval": "registry.md: `interval`",
        ".certifications[].certificates": "registry.md: `certificates`",
        ".certifications[].certificates.sample": "registry.md: Columns of whole numbers",
    },
    "images.safetensors": {"": "bundles.md: `images.safetensors`"},
    "x_adv/*.safetensors": {"": "bundles.md: `x_adv/SHA-256.safetensors`"},
}
# Keys that this bundle has not, with the reason.
NOT_HERE = {
    ("registry.md: A board entry", "bundle_sha256"): "added where the entry is taken out of the bundle",
    ("registry.md: A board entry", "verified_when"): "added where the entry is taken out of the bundle",
    ("registry.md: A board entry", "verified"): "added where the entry is taken out of the bundle",
    ("registry.md: A board entry", "findings"): "nothing was found",
    ("registry.md: `threats`", "rescored_accuracy"): "of entries of before 0.2",
    ("registry.md: `attacks`", "source"): "a board's maintainer may add it",
    ("registry.md: `parameters.attack`", "minimal_norm"): "no attack here looks for distances",
    ("registry.md: `parameters.attack`", "samples"): "no attack here asks for training images",
    ("registry.md: `cells`", "reason"): "all cells have a result",
    ("registry.md: `cells`", "flags"): "nothing was noticed",
    ("registry.md: `certifications`", "reason"): "all rows have certificates",
    ("registry.md: `certifications`", "flags"): "nothing was noticed",
    ("registry.md: `parameters` of an entry", "learned_sha256"): "no wrapper that ships is trained",
    ("registry.md: `parameters` of an entry", "fitted_on"): "fitting needs images that may not be here",
}

failed = []


def fail(sentence):
    failed.append(sentence)
    print("FAILED:", sentence)


def gauntlet(program, folder, *arguments):
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, errors="replace")
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n")
        sys.exit(f"FAILED: gauntlet {' '.join(arguments)}: exit code {done.returncode}")


def about(page):
    """The examples of the file of --about."""
    return "".join(re.match(r"`(.*)`$", row.cells[-1]).group(1) + "\n" for row in page.rows_of("The file of `--about`"))


def made(program, root, folder, page):
    (folder / "boards").mkdir()
    (folder / "boards/tiny.toml").write_text(BOARD, encoding="utf-8")
    (folder / "tiny.toml").write_text(SUITE, encoding="utf-8")
    (folder / "me.toml").write_text(about(page), encoding="utf-8")
    shutil.copy(next(root.glob("plugins/**/fashion-mnist-64.npz")), folder / "x_adv.npz")
    gauntlet(program, folder, "run", "tiny.toml", "--threads", "1", "--output", "run")
    gauntlet(program, folder, "bundle", "run", "--about", "me.toml")
    return folder / "run/bundle.zip"


def content(name, data):
    if not name.endswith(".safetensors"):
        return json.loads(data)
    header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
    header.pop("__metadata__", None)
    return {key: "tensor" for key in header}


def objects(value, place=""):
    """(place, object) of every object; what has a place without a section of its own is not entered."""
    if isinstance(value, dict):
        yield place, value
        for key, item in value.items():
            yield from objects(item, f"{place}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from objects(item, place + "[]")


def main():
    program = os.path.abspath(sys.argv[1])
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parents[2]).resolve()
    pages = {name: Page(root / "docs/reference" / name, name) for name in ("bundles.md", "registry.md")}
    rows = {f"{page.name}: {row.heading}": {} for page in pages.values() for row in page.rows}
    for page in pages.values():
        for row in page.rows:
            rows[f"{page.name}: {row.heading}"][row.key] = f"docs/reference/{page.name}:{row.line}"
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["GAUNTLET_SOURCE_DIR"] = str(root)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GAUNTLET_BOARDS"] = str(pathlib.Path(folder) / "boards")
        bundle = zipfile.ZipFile(made(program, root, pathlib.Path(folder), pages["bundles.md"]))
        files = {name: content(name, bundle.read(name)) for name in bundle.namelist()}
    there = {}
    for name, whole in files.items():
        pattern = next((each for each in SECTIONS if re.fullmatch(re.escape(each).replace(r"\*", "[^/]*"), name)), None)
        if not pattern:
            fail(f"bundle.zip has a file that bundle_test.py does not know: {name}")
            continue
        sections, closed = SECTIONS[pattern], []
        for place, value in objects(whole):
            if any(place.startswith(end) for end in closed):
                continue
            if place not in sections:
                if place.rpartition(".")[0] + "." not in closed:
                    fail(f"{pattern}: an object that bundle_test.py does not know: {place}")
                closed.append(place)
                continue
            section = sections[place]
            if section is None:
                closed.append(place + ".")
                continue
            for key in value:
                there.setdefault(section, set()).add(key)
                if key not in rows.get(section, {}):
                    fail(f"{pattern}: the key `{key}` of '{place or 'the whole'}' has no row in docs/reference/{section}")
    for section, keys in there.items():
        for key, where in rows.get(section, {}).items():
            if key not in keys and (section, key) not in NOT_HERE:
                fail(f"{where}: the bundle has no `{key}` in '{section}'")
            if key in keys and (section, key) in NOT_HERE:
                fail(f"bundle_test.py: the bundle has `{key}` in '{section}', which NOT_HERE denies")
    for (section, key) in NOT_HERE:
        if key not in rows.get(section, {}):
            fail(f"bundle_test.py: NOT_HERE names `{key}` of '{section}', which has no row")
    expected = {section for sections in SECTIONS.values() for section in sections.values() if section}
    for section in sorted(expected - set(there)):
        fail(f"bundle_test.py: the bundle has nothing of '{section}'")
    print(f"{sum(map(len, there.values()))} keys of a bundle, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
