"""Holds docs/reference/plugins.md against what the program says of its plugins.

usage: plugins_test.py GAUNTLET [SOURCE_DIR]

GAUNTLET is the program. GAUNTLET_GOLDEN_UPDATE=1 writes the page. Parameters are what `plugins show` lists; their types
are taken from the messages of `check` about values of another type, and examples from the presets beside the plugins.
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HEAD = """# Plugins

The parameters of all plugins that ship. `gauntlet plugins list` lists what is found, `gauntlet plugins show NAME` shows
the parameters of one. This page is made of what the program says: `GAUNTLET_GOLDEN_UPDATE=1` before its test writes it
anew (`./gauntlet test -R docs.Plugins`).

Beside its own parameters every attack has the [keys of an attack](suites.md#attackname). Numbers may be written as
fractions in quotes: `"8/255"`.
"""
TABLE = "| key | type | default | range | meaning | example |\n|---|---|---|---|---|---|\n"
SECTIONS = {"attack": "Attacks", "defense": "Defenses"}
# What a value is expected to be, in the words of `check`, and in those of the page.
TYPES = [("true or false", "`true` or `false`"), ("a list of whole numbers", "list of whole numbers"),
         ("a list of numbers", "list of numbers"), ("a list of strings", "list of texts"),
         ("a whole number", "whole number"), ("a number", "number"), ("a string", "text"), ("a file name", "file"),
         ("a list of registry models", "list of [models](suites.md#a-model-as-a-parameter)"),
         ("the id of a registry model", "[model](suites.md#a-model-as-a-parameter)"),
         ("a list of plugins: ", "list of [attacks](suites.md#a-plugin-with-parameters)"),
         ("a plugin: ", "[attack](suites.md#a-plugin-with-parameters)")]
SUITE = """schema = 1
name = "parameters"
data = { dataset = "fashion-mnist-1k", samples = 2 }
threat.linf = { norm = "linf", epsilon = 0.1 }
nothing_is_run = true
"""


def run(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, errors="replace")
    return done.returncode, done.stdout, done.stderr


def plugins(program):
    """[(kind, name, summary, folder, [(parameter, default, range, help)])]"""
    code, listed, errors = run(program, "plugins", "list")
    if code or errors:
        sys.exit(f"FAILED: plugins list: {errors or code}")
    out = []
    for line in listed.splitlines():
        kind, name = line.split()[:2]
        _, shown, _ = run(program, "plugins", "show", name)
        # A name may be that of an attack and of a defense.
        parts = re.split(r"(?m)^(?=(?:attack|defense) \S+ \S+: )", shown)
        text = next(part for part in parts if part.startswith(f"{kind} {name} "))
        head, path = text.splitlines()[:2]
        parameters = []
        for found in re.finditer(r"(?m)^  (\w+): [^=\n]+ = (.*?)(?: in (\[.*?, .*?\])| one of (.*))?\n      (.*)$", text):
            parameter, default, limits, words, meaning = found.groups()
            limits = limits[1:-1].replace(", ", " to ") if limits else ""
            words = ", ".join(f"`{word}`" for word in words.split(", ")) if words else ""
            parameters.append((parameter, default, limits or words, meaning))
        out.append((kind, name, head.partition(": ")[2], pathlib.Path(path).parent, parameters))
    return out


def checked(program, folder, found, value_of):
    """What `check` says of each parameter with a value: {(kind, plugin, parameter): messages}."""
    suite, names = SUITE, {}
    for kind, plugin, _, _, parameters in found:
        for parameter, *_ in parameters:
            value = value_of(kind, plugin, parameter)
            name = f"{plugin}.{parameter}"
            names[f"{kind} '{name}'"] = (kind, plugin, parameter)
            if kind == "attack":
                suite += f'\n[attack."{name}"]\nuse = "{plugin}"\n{parameter} = {value}\n'
            else:
                suite += (f'\n[[defense]]\nname = "{name}"\nmodel = "fashion-mnist/standard"\n'
                          f'stack = [{{ use = "{plugin}", {parameter} = {value} }}]\n')
    file = folder / "suite.toml"
    file.write_text(suite, encoding="utf-8")
    code, _, errors = run(program, "check", str(file))
    if code != 2 or "unknown key 'nothing_is_run'" not in errors:
        sys.exit(f"FAILED: check: expected a refusal of 'nothing_is_run', got {code}: {errors[:2000]}")
    out = {place: [] for place in names.values()}
    for line in errors.splitlines():
        about = re.search(r"(?:attack|defense) '[^']*'", line)
        if about and about.group() in names:
            out[names[about.group()]].append(line[about.end():])
    return out


def types(program, folder, found):
    """{(kind, plugin, parameter): words of the page}"""
    out = {}
    for place, messages in checked(program, folder, found, lambda *_: "true").items():
        told = next((line for line in messages if f" {place[2]}: true is not " in line), "")
        expected = told.partition(" is not ")[2] or "true or false"  # nothing else takes it without a word
        word = next((word for phrase, word in TYPES if expected.startswith(phrase)), None)
        if not word:
            sys.exit(f"FAILED: the type of {' '.join(place)} cannot be told from: {messages}")
        out[place] = word
    return out


def value_in(text, parameter):
    """The first value of a key in a TOML file, as it is written."""
    for found in re.finditer(rf"(?m)(?:^|[{{,]\s*){parameter} = ", text):
        depth, quoted = 0, False
        for i in range(found.end(), len(text)):
            c = text[i]
            quoted ^= c == '"'
            if not quoted and depth == 0 and c in ",}]\n#":
                return text[found.end():i].strip()
            if not quoted:
                depth += (c in "[{") - (c in "]}")
    return ""


def example(plugin, folder, parameter, default, limits):
    preset = folder / f"{plugin}.toml"
    text = preset.read_text(encoding="utf-8") if preset.is_file() else ""
    # Only what stands beside the plugin's own name.
    own = "\n".join(part for part in re.split(r"(?m)^(?=\[)", text) if f'use = "{plugin}"' in part)
    found = value_in(own, parameter)
    if found:
        return found
    words = re.findall(r"`(\w+)`", limits)
    if words:
        word = next((word for word in words if word not in default), words[0])
        return f'["{word}"]' if default.startswith("[") else f'"{word}"'
    return default


def sentence(text, names=()):
    """What the program says without a capital and a full stop; names of plugins keep their letters."""
    first, _, rest = text.partition(" ")
    first = f"`{first}`" if first in names else first[:1].upper() + first[1:]
    return f"{first} {rest}".rstrip() + ("" if text.endswith(".") else ".")


def page(program, folder):
    found = plugins(program)
    type_of = types(program, folder, found)
    examples = {(kind, plugin, parameter): example(plugin, beside, parameter, default, limits)
                for kind, plugin, _, beside, parameters in found for parameter, default, limits, _ in parameters}
    check_examples(program, folder, found, examples)
    names = {plugin for _, plugin, *_ in found}
    text = HEAD
    for kind, title in SECTIONS.items():
        text += f"\n## {title}\n"
        for own, plugin, summary, _, parameters in found:
            if own != kind:
                continue
            text += f"\n### `{plugin}`\n\n{sentence(summary, names)}\n\n"
            if not parameters:
                text += "No parameters.\n"
                continue
            text += TABLE
            for parameter, default, limits, meaning in parameters:
                place = (kind, plugin, parameter)
                given = f"`{default}`" if default not in ('""', "[]") else "none"
                text += (f"| `{parameter}` | {type_of[place]} | {given} | {limits} | {sentence(meaning)} "
                         f"| `{parameter} = {examples[place]}` |\n")
    return text


# What is said of a single parameter where another one is missing, or a plugin of training stands in a stack.
SAID_ANYWAY = ("only trains networks", "works inside layers", "is missing", "is fitted on training images",
               "there is no file", "are both given", "expected a number for each")


def check_examples(program, folder, found, examples):
    wrong = False
    for place, messages in checked(program, folder, found, lambda *place: examples[place]).items():
        for message in messages:
            if not any(words in message for words in SAID_ANYWAY):
                wrong = True
                print(f"FAILED: the example of {' '.join(place)}, {examples[place]}: {message}")
    if wrong:
        sys.exit(1)


def main():
    program = os.path.abspath(sys.argv[1])
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).resolve().parents[2]).resolve()
    golden = root / "docs/reference/plugins.md"
    os.environ["GAUNTLET_SOURCE_DIR"] = str(root)
    os.environ.pop("GAUNTLET_PLUGIN_PATH", None)  # only what ships
    with tempfile.TemporaryDirectory() as folder:
        text = page(program, pathlib.Path(folder))
    if os.environ.get("GAUNTLET_GOLDEN_UPDATE"):
        golden.write_text(text, encoding="utf-8")
    kept = golden.read_text(encoding="utf-8") if golden.is_file() else ""
    if text == kept:
        rows = len(re.findall(r"(?m)^\| `", text))
        print(f"plugins.md: {rows} parameters of {text.count('### ')} plugins")
        return 0
    sys.stdout.writelines(line + "\n" for line in difflib.unified_diff(
        kept.splitlines(), text.splitlines(), "docs/reference/plugins.md", "what the program says", lineterm=""))
    print("FAILED: set GAUNTLET_GOLDEN_UPDATE=1 to rewrite docs/reference/plugins.md")
    return 1


if __name__ == "__main__":
    sys.exit(main())
