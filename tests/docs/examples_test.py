"""Asks the program about every example in docs/reference/.

usage: examples_test.py GAUNTLET [SOURCE_DIR]

GAUNTLET is the program. Suites that are written out (a block of TOML that begins with "schema = 1" in suites.md) must
pass `gauntlet check`; recipes, definitions of boards and registry entries that are written out, and the example in each
row, are read where reading them is all that the program does.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from pages import Page

# A key that nobody knows: what is read with it is told about and refused before any work.
UNKNOWN = "nobody_knows_this_key"

SUITE = """schema = 1
name = "example"
{top}
[data]
{data}
{threats}
{attacks}
[attack.pgd]
use = "pgd"

{rows}
[[defense]]
name = "undefended"
model = "fashion-mnist/standard"
"""
THREAT = '[threat.linf]\nnorm = "linf"\nepsilon = 0.1\n'
RECIPE = """schema = 1
id = "fashion-mnist/mine"
dataset = "fashion-mnist"
epochs = 5
{top}
[network]
architecture = "smallcnn"
input = [1, 28, 28]
classes = 10
{network}
[optimizer]
type = "sgd"
{optimizer}
[schedule]
type = "constant"
learning_rate = 0.1
{schedule}
[threat]
norm = "linf"
epsilon = 0.1
{threat}
[validation]
samples = 1000
attack = {{ use = "pgd" }}
{validation}
"""
SUM = "0" * 64
DATASET = """schema = 1
id = "digits"
title = "Digits"
classes = ["zero", "one"]
shape = [1, 28, 28]
{top}
[split.test]
format = "npz"
samples = 10
{split}
[[split.test.files]]
path = "x.npz"
{files}
"""
MODEL = """schema = 1
id = "fashion-mnist/mine"
dataset = "fashion-mnist"
weights = "mine.safetensors"
sha256 = "%s"
{top}
[network]
architecture = "smallcnn"
input = [1, 28, 28]
classes = 10
{network}
[[accuracy]]
dataset = "fashion-mnist"
samples = 10000
correct = 9000
{accuracy}
""" % SUM

LEARNED = {"weights": '"mine.learned.safetensors"', "sha256": f'"{SUM}"'}

# Lines that an example needs beside it: (page, section, key) -> lines. They replace lines of the same keys.
BESIDE = {
    ("suites.md", "`data`", "path"): 'format = "idx"\nlabels = "labels.gz"\nclasses = 10',
    ("suites.md", "`data`", "format"): 'path = "images.gz"\nlabels = "labels.gz"\nclasses = 10',
    ("suites.md", "`data`", "labels"): 'path = "images.gz"\nformat = "idx"\nclasses = 10',
    ("suites.md", "`data`", "classes"): 'path = "images.gz"\nformat = "idx"\nlabels = "labels.gz"',
    ("suites.md", "`data`", "shape"): 'path = "images.gz"\nformat = "idx"\nlabels = "labels.gz"\nclasses = 10',
    ("suites.md", "`data`", "resize"): 'path = "folder"\nformat = "images"\nshape = [1, 28, 28]\nclasses = 2',
    ("suites.md", "`data`", "layout"): 'path = "x.npz"\nformat = "npz"\nclasses = 10',
    ("suites.md", "`data`", "images_array"): 'path = "x.npz"\nformat = "npz"\nclasses = 10',
    ("suites.md", "`data`", "labels_array"): 'path = "x.npz"\nformat = "npz"\nclasses = 10',
    ("suites.md", "`data`", "indices"): "#samples",
    ("suites.md", "`attack.NAME`", "base"): "#use",
    ("suites.md", "`[[defense]]`", "cross"): 'name = "AT, sigma $s"\nstack = [{ use = "smoothing", sigma = "$s" }]',
    ("suites.md", "`[[defense]]`", "zip"): 'name = "AT, zipped sigma $s"\nstack = [{ use = "smoothing", sigma = "$s" }]',
    ("suites.md", "A model of your own", "mean"): "std = [0.353]",
    ("suites.md", "A model of your own", "std"): "mean = [0.286]",
    ("recipes.md", "The recipe", "patience"): 'selection = "best_clean"',
    ("recipes.md", "The recipe", "from"): "#network",
    ("recipes.md", "The recipe", "network"): "#network",
    ("recipes.md", "`network`", "mean"): "std = [0.353]",
    ("recipes.md", "`network`", "std"): "mean = [0.286]",
    ("recipes.md", "`optimizer`", "nesterov"): "momentum = 0.9",
    ("recipes.md", "`optimizer`", "beta1"): 'type = "adam"',
    ("recipes.md", "`optimizer`", "beta2"): 'type = "adam"',
    ("recipes.md", "`optimizer`", "epsilon"): 'type = "adamw"',
    ("recipes.md", "`schedule`", "every"): 'type = "step"',
    ("recipes.md", "`schedule`", "milestones"): 'type = "multistep"',
    ("recipes.md", "`schedule`", "factor"): 'type = "step"\nevery = 1',
    ("recipes.md", "`schedule`", "warmup"): 'type = "one_cycle"',
    ("recipes.md", "`schedule`", "final_factor"): 'type = "cosine"',
    ("recipes.md", "`averaging`", "decay"): 'type = "ema"',
    ("recipes.md", "`averaging`", "from_epoch"): 'type = "ema"',
    ("registry.md", "`network`", "mean"): "std = [0.353]",
    ("registry.md", "`network`", "std"): "mean = [0.286]",
    ("registry.md", "`archive`", "sha256"): 'urls = ["https://example.org/d.tar.gz"]',
    ("registry.md", "`archive`", "bytes"): f'urls = ["https://example.org/d.tar.gz"]\nsha256 = "{SUM}"',
    ("registry.md", "`archive`", "strip"): f'urls = ["https://example.org/d.tar.gz"]\nsha256 = "{SUM}"',
    ("registry.md", "`archive`", "urls"): f'sha256 = "{SUM}"',
    ("registry.md", "`files`", "urls"): f'sha256 = "{SUM}"',
    ("registry.md", "`accuracy`", "samples"): "correct = 9000",
    ("boards.md", "The board", "certify"): 'division = "certified"',
}
# What is said of a right example: nothing of it is there.
ABSENT = re.compile(r"there is no (file|folder)|the weights are absent|has no array|is absent|images\.gz|labels\.gz|"
                    r"folder: |x\.npz|is no file")
# Sections of JSON, CSV and tensors: bundle_test.py and keys_test.py look at these.
OTHERS = re.compile(r"A board entry|`(about|threats|attacks|cells|interval|ledger|outcomes|certified_at|certifications|"
                    r"certificates|environment|training)`|`parameters|Plugins of an entry|Columns of|The log|"
                    r"`(bundle|settings)\.json|`images\.safe|`x_adv|The file of")

failed, asked = [], 0


def fail(sentence):
    failed.append(sentence)
    print("FAILED:", sentence)


class Gauntlet:
    def __init__(self, program, root, folder):
        self.program, self.root, self.folder = program, root, folder

    def __call__(self, *arguments, **environment):
        done = subprocess.run([self.program, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True,
                              errors="replace", env={**os.environ, "OMP_NUM_THREADS": "1", **environment})
        return done.returncode, done.stdout + done.stderr


def keys_in(lines):
    return {re.match(r"#?([\w-]+)", line).group(1) for line in lines.splitlines() if re.match(r"#?[\w-]", line)}


def filled(template, slot, lines):
    """The template with lines in a slot; lines of the same keys in the slot's own table give way."""
    drop = keys_in(lines)
    before, _, after = template.partition("{%s}" % slot)
    table = before.rfind("\n[") + 1
    kept = "\n".join(line for line in before[table:].split("\n")
                     if not (re.match(r"[\w-]", line) and keys_in(line) & drop))
    top = "network" in drop and slot == "top"
    lines = "\n".join(line for line in lines.splitlines() if not line.startswith("#"))
    text = before[:table] + kept + lines + after
    if top:  # the table of that name, too
        text = re.sub(r"\[network\]\n(?:(?!\[).*\n)*", "", text)
    return re.sub(r"\{\w+\}(?=\n)", "", text).replace("{{", "{").replace("}}", "}")


def example_of(row):
    found = re.match(r"`([^`].*)`$", row.cells[-1])
    return found.group(1) if found else ""


def lines_of(page, row):
    beside = BESIDE.get((page.name, row.heading, row.key), "")
    return example_of(row) + ("\n" + beside if beside else "")


def complaints(output):
    return [line for line in output.splitlines() if line.strip() and UNKNOWN not in line and not ABSENT.search(line)]


def read_by(gauntlet, page, row, text, command, **environment):
    """Whether a document with a key that nobody knows is refused for that key alone."""
    global asked
    asked += 1
    code, output = command(text, **environment)
    wrong = complaints(output)
    if UNKNOWN not in output or code != 2:
        fail(f"docs/reference/{page.name}:{row.line}: `{row.key}`: {UNKNOWN} was not told: {output.strip()[:500]}\n{text}")
    elif wrong:
        fail(f"docs/reference/{page.name}:{row.line}: `{example_of(row)}`: " + "; ".join(wrong))


# ---- Suites --------------------------------------------------------------------------------------------


def suite_commands(gauntlet):
    def check(text, **environment):
        (gauntlet.folder / "suite.toml").write_text(text, encoding="utf-8")
        return gauntlet("check", "suite.toml", **environment)

    return check


def suite_texts(page):
    """(row, text, what goes into its slots). Attacks, rows, threats and parameters go into tables of their own."""
    slots = {"The suite": "top", "`data`": "data"}
    for row in page.rows:
        lines, slot = lines_of(page, row), slots.get(row.heading)
        parts = dict(top="", data='dataset = "fashion-mnist-1k"\nsamples = 20\n', threats=THREAT, attacks="", rows="")
        text = SUITE
        if row.heading == "`threat.NAME`":
            own = "\n".join(line for line in ('norm = "l2"', "epsilon = 0.3")
                            if not keys_in(line) & keys_in(lines))
            parts["threats"] += f"[threat.own]\n{own}\n{lines}\n"
        elif row.heading == "What epsilon limits":
            for norm in re.findall(r"`(\w+)`", row.cells[0]):
                limit = "" if norm == "unbounded" else "epsilon = 1\n"
                parts["threats"] += f'[threat.own-{norm}]\nnorm = "{norm}"\n{limit}'
        elif row.heading == "`attack.NAME`":
            own = 'use = "pgd"\n' if not {"use", "base"} & keys_in(lines) else ""
            parts["attacks"] = f"[attack.own]\n{own}" + lines.replace("#use", "") + "\n"
        elif row.heading == "`[[defense]]`":
            own = "\n".join(line for line in ('name = "own"', 'model = "fashion-mnist/at"')
                            if not keys_in(line) & keys_in(lines))
            parts["rows"] = f"[[defense]]\n{own}\n{lines}\n"
        elif row.heading == "A model of your own":
            own = "\n".join(line for line in ('architecture = "smallcnn"', "input = [1, 28, 28]", "classes = 10",
                                              'weights = "weights.safetensors"') if not keys_in(line) & keys_in(lines))
            parts["rows"] = f'[[defense]]\nname = "own"\n[defense.model]\n{own}\n{lines}\n'
        elif row.heading == "A plugin with parameters":
            parts["rows"] = f'[[defense]]\nname = "own"\nmodel = "fashion-mnist/at"\n[[defense.stack]]\n{lines}\n'
        elif row.heading == "A model as a parameter":
            own = "" if "model" in keys_in(lines) else 'model = "fashion-mnist/at"\n'
            parts["attacks"] = f'[attack.own]\nuse = "transfer"\n[attack.own.source]\n{own}{lines}\n'
        elif row.heading == "`scoring`":
            parts["top"] = f"[scoring]\n{lines}\n"
        elif row.heading == "`certify`":
            parts["top"] = f"[certify]\n{lines}\n"
        elif row.heading == "`audit`":
            parts["top"] = f"[audit]\n{lines}\n"
        elif row.heading == "`data`":
            drop = keys_in(lines) | ({"dataset", "samples"} if "path" in keys_in(lines) else set())
            kept = [line for line in parts["data"].splitlines() if not keys_in(line) & drop]
            parts["data"] = "\n".join(kept + [line for line in lines.splitlines() if not line.startswith("#")])
        elif slot == "top":
            parts["top"] = lines
            drop = keys_in(lines)
            text = "\n".join(line for line in SUITE.splitlines() if not keys_in(line) & drop)
            if "data" in drop:
                text, parts["data"] = text.replace("[data]", ""), ""
            if "threat" in drop:
                parts["threats"] = ""
            if "attack" in drop:
                text = text.replace('[attack.pgd]\nuse = "pgd"', "")
            if "defense" in drop:
                text = text.partition("[[defense]]")[0]
            if "board" in drop:
                text = re.sub(r"\[data\]\n\{data\}\n\{threats\}", "", text).replace("attack.pgd", "attack.own")
            if "name" in drop:
                row_name = 'name = "undefended"\nmodel = "fashion'
                text = f"{lines}\n" + text.replace("{top}\n", "").replace('model = "fashion', row_name)
                parts["top"] = ""
            if "certify" in drop:
                parts["rows"] = ('[[defense]]\nname = "own"\nmodel = "fashion-mnist/gaussian"\n'
                                 'stack = [{ use = "randomized_smoothing" }]\n')
        else:
            yield row, None, parts
            continue
        if row.heading == "`certify`":
            parts["rows"] = ('[[defense]]\nname = "own"\nmodel = "fashion-mnist/gaussian"\n'
                             'stack = [{ use = "randomized_smoothing" }]\n')
        yield row, text, parts


def check_suites(gauntlet, page):
    global asked
    check = suite_commands(gauntlet)
    for block in page.blocks:
        if not block.info.startswith("toml") or not block.lines or block.lines[0].strip() != "schema = 1":
            continue
        asked += 1
        code, output = check("\n".join(block.lines) + "\n")
        if code != 0:
            fail(f"docs/reference/{page.name}:{block.line}: the suite is refused: {output.strip()}")
    together = dict(top="", data='dataset = "fashion-mnist-1k"\nsamples = 20\n', threats=THREAT, attacks="", rows="")
    rows = []
    for row, text, parts in suite_texts(page):
        if text is None:
            fail(f"docs/reference/{page.name}:{row.line}: examples_test.py does not know '{row.heading}'")
        elif parts["top"] or row.heading in ("The suite", "`data`"):
            read_by(gauntlet, page, row, f"{UNKNOWN} = 1\n" + text.format(**parts), check)
        else:  # tables of their own, under names of their own
            rows.append(row)
            name = f"own-{row.line}"
            parts["threats"] = parts["threats"].removeprefix(THREAT).replace("threat.own", f"threat.{name}")
            parts["attacks"] = parts["attacks"].replace("attack.own", f"attack.{name}")
            parts["rows"] = parts["rows"].replace('"own"', f'"{name}"')
            for part in ("threats", "attacks", "rows"):
                together[part] += parts[part]
    asked += len(rows)
    code, output = check(f"{UNKNOWN} = 1\n" + SUITE.format(**together))
    if code != 2 or UNKNOWN not in output:
        fail(f"docs/reference/{page.name}: {UNKNOWN} was not told: {output.strip()[:500]}")
    for line in complaints(output):
        row = next((row for row in rows if f"own-{row.line}'" in line), None)
        place = f":{row.line}: `{example_of(row)}`" if row else ""
        fail(f"docs/reference/{page.name}{place}: {line}")


# ---- Recipes -------------------------------------------------------------------------------------------


def check_recipes(gauntlet, page):
    def train(text, **environment):
        (gauntlet.folder / "recipe.toml").write_text(text, encoding="utf-8")
        return gauntlet("train", "recipe.toml", "--output", "trained", **environment)

    slots = {"The recipe": "top", "`network`": "network", "`optimizer`": "optimizer", "`schedule`": "schedule",
             "`threat`": "threat", "`validation`": "validation"}
    for block in page.blocks:
        if block.info.startswith("toml") and block.lines[0].strip() == "schema = 1":
            text = f"{UNKNOWN} = 1\n" + "\n".join(block.lines) + "\n"
            read_block(page, block, train(text))
    for row in page.rows:
        lines, slot = lines_of(page, row), slots.get(row.heading, "top")
        if row.heading == "`groups`":
            own = "" if "match" in keys_in(lines) else 'match = ["*.bias"]\n'
            lines, slot = f"[[optimizer.groups]]\n{own}{lines}", "optimizer"
        elif row.heading in ("`augmentation`", "`averaging`"):
            lines, slot = f"[{row.heading.strip('`')}]\n{lines}", "top"
        elif row.heading == "Attacks in a recipe":
            own = "" if "use" in keys_in(lines) else 'use = "pgd"\n'
            lines = f'[method]\nuse = "adversarial_training"\n[method.attack]\n{own}{lines}'
        elif row.heading not in slots:
            fail(f"docs/reference/{page.name}:{row.line}: examples_test.py does not know '{row.heading}'")
            continue
        text = RECIPE
        for table in ("optimizer", "schedule", "threat", "validation"):
            if slot == "top" and not lines.startswith("[") and table in keys_in(lines):
                text = re.sub(rf"\[{table}\]\n(?:(?!\[).*\n)*", "", text)
        read_by(gauntlet, page, row, f"{UNKNOWN} = 1\n" + filled(text, slot, lines), train)


def read_block(page, block, answer):
    global asked
    asked += 1
    code, output = answer
    if code != 2 or UNKNOWN not in output or complaints(output):
        fail(f"docs/reference/{page.name}:{block.line}: the example is refused: " + "; ".join(complaints(output)))


# ---- Registry and boards -------------------------------------------------------------------------------


def check_registry(gauntlet, page):
    registry = gauntlet.folder / "registry"

    def dataset(text, **environment):
        (registry / "datasets").mkdir(parents=True, exist_ok=True)
        (registry / "datasets/digits.toml").write_text(text, encoding="utf-8")
        return gauntlet("data", "info", "digits", "--registry", registry, **environment)

    def model(text, **environment):
        (registry / "models/fashion-mnist").mkdir(parents=True, exist_ok=True)
        (registry / "models/fashion-mnist/mine.toml").write_text(text, encoding="utf-8")
        return gauntlet("models", "show", "fashion-mnist/mine", "--registry", registry, **environment)

    sections = {"A data set": (dataset, DATASET, "top"), "`split.NAME`": (dataset, DATASET, "split"),
                "`files`": (dataset, DATASET, "files"), "A model": (model, MODEL, "top"),
                "`network`": (model, MODEL, "network"), "`accuracy`": (model, MODEL, "accuracy")}
    for block in page.blocks:
        if block.info.startswith("toml") and block.lines[0].strip() == "schema = 1":
            command = sections[block.heading][0]
            read_block(page, block, command(f"{UNKNOWN} = 1\n" + "\n".join(block.lines) + "\n"))
    for row in page.rows:
        lines = lines_of(page, row)
        if OTHERS.match(row.heading):
            continue
        if row.heading in sections:
            command, text, slot = sections[row.heading]
            if row.key == "resize":
                text = text.replace('"npz"', '"images"')
            for table in ("network", "split", "accuracy"):
                if (slot, row.key) == ("split", "files"):
                    text = text.partition("[[split.test.files]]")[0]
                if slot == "top" and table in {key.split(".")[0] for key in keys_in(lines)}:
                    text = re.sub(rf"\[+{table}[.\w]*\]+\n(?:(?!\[).*\n)*", "", text)
            text = filled(text, slot, lines)
        elif row.heading == "`archive`":
            command, text = dataset, filled(DATASET, "top", f"[archive]\n{lines}")
        elif row.heading == "`learned`":
            own = "".join(f"{key} = {value}\n" for key, value in LEARNED.items() if key not in keys_in(lines))
            beside = MODEL.replace("[[accuracy]]", "[learned]\n{learned}\n[[accuracy]]")
            command, text = model, filled(beside, "learned", own + lines)
        elif row.heading == "`layer_plugins`":
            command, text = model, filled(MODEL, "top", f"[[layer_plugins]]\n{lines}")
        elif row.heading in ("Options of architectures", "Layers of `sequential`"):
            continue  # see check_networks()
        else:
            fail(f"docs/reference/{page.name}:{row.line}: examples_test.py does not know '{row.heading}'")
            continue
        read_by(gauntlet, page, row, f"{UNKNOWN} = 1\n" + text, command)


ARCHITECTURES = {"stem": "resnet18", "final_norm": "preactresnet18", "shortcut_from": "preactresnet18", "norm": "vgg11",
                 "names": "smallcnn", "widen": "wrn-32-10", "width": "cnn-a", "padding": "cnn-a", "layers": "sequential"}
LAYERS = {"out": 'type = "linear"', "kernel": 'type = "conv", out = 4', "stride": 'type = "conv", out = 4, kernel = 3',
          "padding": 'type = "conv", out = 4, kernel = 3', "bias": 'type = "conv", out = 4, kernel = 3',
          "eps": 'type = "batchnorm"', "momentum": 'type = "batchnorm"', "name": 'type = "relu"',
          "feature": 'type = "relu"', "groups": 'type = "groupnorm"',
          "negative_slope": 'type = "leakyrelu"',
          "type": "out = 4, kernel = 3"}


def check_networks(gauntlet, page):
    """Options are known where a network is built: in a recipe."""
    for row in page.rows:
        example = example_of(row)
        if row.heading == "Options of architectures":
            architecture = ARCHITECTURES.get(row.key, "resnet20")
            options = example
        elif row.heading == "Layers of `sequential`":
            first = f"{{ {LAYERS[row.key]}, {example} }}"
            flat = "" if row.key == "out" else '{ type = "flatten" }, { type = "linear", out = 10 }'
            before = '{ type = "flatten" }, ' if row.key == "out" else ""
            architecture, options = "sequential", f"layers = [{before}{first}{', ' if flat else ''}{flat}]"
        else:
            continue
        large = architecture not in ("sequential", "smallcnn", "cnn-a")
        text = filled(RECIPE, "network", f'architecture = "{architecture}"\n{options}')
        if large:
            text = text.replace("[1, 28, 28]", "[3, 32, 32]").replace('dataset = "fashion-mnist"', 'dataset = "cifar10"')
        (gauntlet.folder / "recipe.toml").write_text(f"{UNKNOWN} = 1\n" + text, encoding="utf-8")
        read_by(gauntlet, page, row, text, lambda _, **__: gauntlet("train", "recipe.toml", "--output", "trained"))


def check_boards(gauntlet, page):
    boards = gauntlet.folder / "boards"
    boards.mkdir()

    def board(text, **environment):
        (boards / "mine.toml").write_text(text, encoding="utf-8")
        return gauntlet("board", "list", GAUNTLET_BOARDS=str(boards), **environment)

    written = next(block for block in page.blocks if block.lines and block.lines[0].strip() == "schema = 1")
    whole = "\n".join(written.lines) + "\n"
    code, output = board(whole)
    if code != 0:
        fail(f"docs/reference/{page.name}:{written.line}: the definition is refused: {output}")
    head, _, audit = whole.partition("[audit]\n")
    for row in page.rows:
        lines, drop = lines_of(page, row), keys_in(lines_of(page, row))
        if row.heading == "`audit`":
            kept = "\n".join(line for line in audit.splitlines() if not keys_in(line) & drop)
            text = head + f"[audit]\n{kept}\n{lines}\n"
        else:
            drop |= {key.split(".")[0] for key in re.findall(r"^[\w.]+", lines, re.M)}
            top, _, attacks = head.partition("[attack]\n")
            kept = "\n".join(line for line in top.splitlines() if not {k.split(".")[0] for k in keys_in(line)} & drop)
            attack = "" if "attack" in drop else "[attack]\n" + attacks
            tail = "[audit]\n" + audit if "audit" not in drop else ""
            if "attack" in drop:
                tail = '[audit]\ncontrol = []\nwhite_box = ["pgd"]\nblack_box = []\n'
            text = f"{kept}\n{lines}\n{attack}\n{tail}"
        read_by(gauntlet, page, row, f"{UNKNOWN} = 1\n" + text, board)


def check_presets(gauntlet, page):
    check = suite_commands(gauntlet)
    preset = next(block for block in page.blocks if any(line.startswith("[attack.") for line in block.lines))
    (gauntlet.folder / "preset.toml").write_text("\n".join(preset.lines) + "\n", encoding="utf-8")
    text = SUITE.format(top='include = "preset.toml"', data='dataset = "fashion-mnist-1k"\nsamples = 20',
                        threats='[threat.linf]\nnorm = "linf"\nepsilon = 0.1', attacks="", rows="")
    read_block(page, preset, check(f"{UNKNOWN} = 1\n" + text))


def main():
    program = os.path.abspath(sys.argv[1])
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parents[2]).resolve()
    os.environ["GAUNTLET_SOURCE_DIR"] = str(root)
    for variable in ("GAUNTLET_BOARDS", "GAUNTLET_PLUGIN_PATH", "GAUNTLET_REGISTRY"):
        os.environ.pop(variable, None)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for kind in ("images-idx3", "labels-idx1"):
            shutil.copy(root / f"registry/datasets/fashion-mnist-1k-{kind}-ubyte.gz",
                        folder / ("images.gz" if kind.startswith("images") else "labels.gz"))
        (folder / "base.toml").write_text('threat.other = { norm = "linf", epsilon = 0.2 }\n', encoding="utf-8")
        gauntlet = Gauntlet(program, root, folder)
        page = {name: Page(root / "docs/reference" / name, name) for name in
                ("suites.md", "recipes.md", "registry.md", "boards.md", "presets.md")}
        check_suites(gauntlet, page["suites.md"])
        check_recipes(gauntlet, page["recipes.md"])
        check_registry(gauntlet, page["registry.md"])
        check_networks(gauntlet, page["registry.md"])
        check_boards(gauntlet, page["boards.md"])
        check_presets(gauntlet, page["presets.md"])
    print(f"{asked} examples, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
