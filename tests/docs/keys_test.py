"""Holds docs/reference/ against the sources: every key that a reader takes has a row, every row is a key.

usage: keys_test.py [SOURCE_DIR]

Each table that the code reads (see sources.py) belongs to sections of pages, named in PLACES. A new table or a new key
fails until it is described; so does a row whose key nobody takes.
"""
import pathlib
import re
import sys

from pages import Page
from sources import Sources

# Where the code reads a table -> the sections that describe it.
PLACES = {
    # suites
    "the suite": ["suites.md: The suite"],
    "data": ["suites.md: `data`"],
    "threat '": ["suites.md: `threat.NAME`"],
    "attack '": ["suites.md: `attack.NAME`"],
    "RowReader()": ["suites.md: `[[defense]]`"],
    "read_inline_model()": ["suites.md: A model of your own"],
    "use()": ["suites.md: A plugin with parameters", "recipes.md: Attacks in a recipe"],
    "model_value()": ["suites.md: A model as a parameter"],
    "scoring": ["suites.md: `scoring`"],
    "certify": ["suites.md: `certify`"],
    "the audit": ["suites.md: `audit`"],
    # recipes
    "the recipe": ["recipes.md: The recipe"],
    "network": ["recipes.md: `network`", "registry.md: `network`"],
    "read_optimizer()": ["recipes.md: `optimizer`"],
    "read_groups()": ["recipes.md: `groups`"],
    "schedule": ["recipes.md: `schedule`"],
    "augmentation": ["recipes.md: `augmentation`"],
    "averaging": ["recipes.md: `averaging`"],
    "threat": ["recipes.md: `threat`"],
    "validation": ["recipes.md: `validation`"],
    "InnerKeys": ["recipes.md: Attacks in a recipe"],
    # registry
    "data set '": ["registry.md: A data set"],
    "archive": ["registry.md: `archive`"],
    "split '": ["registry.md: `split.NAME`"],
    'for_each_table("files")': ["registry.md: `files`"],
    "model '": ["registry.md: A model"],
    "read_uses()": ["registry.md: `layer_plugins`"],
    "read_learned()": ["registry.md: `learned`"],
    'for_each_table("accuracy")': ["registry.md: `accuracy`"],
    "CommonOptions": ["registry.md: Options of architectures"],
    "CifarOptions": ["registry.md: Options of architectures"],
    "Options": ["registry.md: Options of architectures"],
    "PreactOptions": ["registry.md: Options of architectures"],
    "MadryOptions": ["registry.md: Options of architectures"],
    "VggOptions": ["registry.md: Options of architectures"],
    "SmallCnnOptions": ["registry.md: Options of architectures"],
    "CnnAOptions": ["registry.md: Options of architectures"],
    "Conv": ["registry.md: Layers of `sequential`"],
    "Linear": ["registry.md: Layers of `sequential`"],
    "Pool": ["registry.md: Layers of `sequential`"],
    "BatchNorm": ["registry.md: Layers of `sequential`"],
    "GroupNorm": ["registry.md: Layers of `sequential`"],
    "LeakyRelu": ["registry.md: Layers of `sequential`"],
    # boards: what they fix is read by the suite's reader, too
    "the board": ["boards.md: The board"],
    "board '": ["boards.md: The board"],
    "audit": ["boards.md: `audit`"],
    # bundles
    "the authors": ["bundles.md: The file of `--about`"],
    # JSON of board entries
    "BoardEntry": ["registry.md: A board entry"],
    "BoardAuthors": ["registry.md: `about`"],
    "BoardThreat": ["registry.md: `threats`"],
    "BoardAttack": ["registry.md: `attacks`"],
    "BoardAttack::Cell": ["registry.md: `cells`"],
    "CellRecord": ["registry.md: `cells`"],
    "Interval": ["registry.md: `interval`"],
    "Ledger": ["registry.md: `ledger`"],
    "Outcome of columns": ["registry.md: `outcomes`"],
    "unpacked_column()": ["registry.md: Columns of whole numbers"],
    "CertifiedAt": ["registry.md: `certified_at`"],
    "Certification": ["registry.md: `certifications`"],
    "CertifiedSample of columns": ["registry.md: `certificates`"],
}

# Tables that no person writes and nobody is sent.
UNPUBLISHED = {
    "Interval of columns": "columns of results.sqlite",
    "CellRecord of columns": "columns of results.sqlite",
    "WorstCase of columns": "columns of results.sqlite",
    "Certification of columns": "columns of results.sqlite",
    "RowAudit of columns": "columns of results.sqlite",
}

# Keys that code looks up without a reader: (function, key) -> where it belongs. None: it is no key of a file.
LOOKED_UP = {
    ("with_includes()", "include"): "suites.md: The suite",
    ("write_out()", "base"): "suites.md: `attack.NAME`",
    ("check_crossed()", "cross"): "suites.md: `attack.NAME`",
    ("check_crossed()", "zip"): "suites.md: `attack.NAME`",
    ("read_entry()", "cross"): "suites.md: `[[defense]]`",
    ("read_entry()", "zip"): "suites.md: `[[defense]]`",
    ("of()", "all"): "presets.md: The preset",
    ("taken()", "dataset"): "presets.md: Tables of `all`",
    ("recommended_attacks()", "source"): None,  # a parameter of transfer, filled in where it is a slot
    ("attacks_value()", "restarts"): None,  # no key there: the sentence says what is
    ("empty()", "repeats"): None,  # a parameter of ensemble, held against its members
    ("read_one()", "step_size"): None,  # a parameter of plugins, asked for to name its place
    ("parsed_value()", "value"): None,  # "value = TEXT", made of what --set says
    ("values_of()", "value"): None,  # the same of `models import --set`
}

# What cannot be found in the code, with the reason. The word must stand in quotes somewhere in the sources.
BY_HAND = {
    "presets.md: The preset": {"attack": "an included preset is read as a suite"},
    "registry.md: Options of architectures": {"layers": "looked up in parameters, not in a table"},
    "registry.md: Layers of `sequential`": {
        "type": "taken out of parameters before they are bound", "name": "taken out of parameters before they are bound",
        "feature": "taken out of parameters before they are bound"},
    "registry.md: A board entry": {
        "schema": "written and read before all other fields", "samples": "written as a column of whole numbers"},
}

# Sections whose tables other tests hold against files that the program writes (bundle_test.py, below).
ELSEWHERE = re.compile(r"bundles.md: (?!The file of)|registry.md: (`parameters|Plugins of an entry|`environment`|"
                       r"`training`|The log of a training)")

COLUMNS = ["key", "type", "default", "range", "meaning", "example"]
MOST_WORDS = 20

failed = []


def fail(sentence):
    failed.append(sentence)
    print("FAILED:", sentence)


def expected(sources):
    """section -> {key: where it is read}"""
    out = {}

    def expect(section, key, where):
        out.setdefault(section, {}).setdefault(key, where)

    read = {(taken.key) for taken in sources.taken if taken.kind == "reader"}
    for taken in sources.taken:
        if taken.place in UNPUBLISHED:
            continue
        if taken.kind == "find":
            known = (taken.place, taken.key) in LOOKED_UP
            section = LOOKED_UP.get((taken.place, taken.key))
            if section:
                expect(section, taken.key, taken.where)
            elif not known and taken.key not in read and taken.key not in {key for _, key in LOOKED_UP}:
                fail(f"{taken.where}: {taken.place} looks up '{taken.key}', which no reader takes: say in LOOKED_UP of "
                     "keys_test.py where it belongs")
            continue
        if taken.place not in PLACES:
            fail(f"{taken.where}: '{taken.key}' is read from a table that keys_test.py does not know, '{taken.place}': "
                 "name its section in PLACES and describe it there")
            continue
        for section in PLACES[taken.place]:
            expect(section, taken.key, taken.where)
    text = sources.text
    for section, keys in BY_HAND.items():
        for key, reason in keys.items():
            if f'"{key}"' not in text:
                fail(f'{section}: no source says "{key}" any more ({reason})')
            expect(section, key, "BY_HAND of keys_test.py")
    return out


def check_lists(sources):
    """Nothing in the lists above that is not needed any more."""
    places = {taken.place for taken in sources.taken}
    finds = {(taken.place, taken.key) for taken in sources.taken if taken.kind == "find"}
    for place in [*PLACES, *UNPUBLISHED]:
        if place not in places:
            fail(f"keys_test.py: nothing is read from '{place}' any more")
    for place in LOOKED_UP:
        if place not in finds:
            fail(f"keys_test.py: {place[0]} does not look up '{place[1]}' any more")
    for where, what in sources.unresolved:
        fail(f"{where}: {what} cannot be told from the code: write it so that it can, or add it to BY_HAND")


def check_row(page, row):
    place = f"docs/reference/{page.name}:{row.line}: `{row.key}`"
    if len(row.cells) != len(COLUMNS):
        return fail(f"{place}: {len(row.cells)} cells, expected {len(COLUMNS)}: {', '.join(COLUMNS)}")
    for column, cell in zip(COLUMNS, row.cells):
        if not cell and column != "range":
            fail(f"{place}: the {column} is missing")
    for sentence in re.split(r"(?<=[.!?])\s", row.cells[4]):
        if len(sentence.split()) >= MOST_WORDS:
            fail(f"{place}: a sentence of {len(sentence.split())} words, expected fewer than {MOST_WORDS}: {sentence}")
    if not row.cells[4].endswith("."):
        fail(f"{place}: the meaning is no sentence")


def check_page(page, wanted, counts):
    for row in page.rows:
        section = f"{page.name}: {row.heading}"
        if section not in wanted and not ELSEWHERE.match(section):
            if row.key and len(row.cells) == len(COLUMNS):
                fail(f"docs/reference/{page.name}:{row.line}: no reader takes keys of the section '{row.heading}'")
            continue
        check_row(page, row)
        counts[page.name] = counts.get(page.name, 0) + 1
        if section in wanted and row.key not in wanted[section]:
            fail(f"docs/reference/{page.name}:{row.line}: no reader takes `{row.key}` of '{row.heading}'")
    seen = set()
    for row in page.rows:
        if (row.heading, row.key) in seen and row.key:
            fail(f"docs/reference/{page.name}:{row.line}: `{row.key}` is there twice in '{row.heading}'")
        seen.add((row.heading, row.key))


def check_links(pages, folder):
    by_name = {page.name: page for page in pages}
    for page in pages:
        for line, target in page.links():
            if "://" in target:
                continue
            file, _, anchor = target.partition("#")
            if file and not (folder / file).exists():
                fail(f"docs/reference/{page.name}:{line}: there is no {target}")
            other = by_name.get(file or page.name)
            if anchor and other and anchor not in other.anchors():
                fail(f"docs/reference/{page.name}:{line}: {other.name} has no heading #{anchor}")


def check_training(root, pages, sources):
    """Keys of [training] that `gauntlet train` writes, and the columns of its log."""
    wanted, logged = {}, {}
    for entry in sorted((root / "registry/models").rglob("*.toml")):
        part = entry.read_text(encoding="utf-8").partition("\n[training]\n")[2].partition("\n[")[0]
        for key in re.findall(r"^(\w+) = ", part, re.M):
            wanted.setdefault(key, entry.relative_to(root))
    for log in sorted((root / "registry/models").rglob("*.csv")):
        for key in log.read_text(encoding="utf-8").partition("\n")[0].split(","):
            logged.setdefault(key, log.relative_to(root))
    text = sources.text
    page = pages["registry.md"]
    for section, keys, written in [("`training`", wanted, lambda key: re.search(rf"(\\n|\W){key} = ", text)),
                                   ("The log of a training", logged, lambda key: key in logged)]:
        rows = {row.key: row.line for row in page.rows_of(section)}
        for key, where in keys.items():
            if key not in rows:
                fail(f"{where}: `{key}` has no row in docs/reference/registry.md, '{section}'")
        for key, line in rows.items():
            if not written(key):
                fail(f"docs/reference/registry.md:{line}: nothing writes `{key}` of '{section}'")


def check(root, folder, sources):
    """Compares the pages in `folder` with the sources; the number of keys of each page."""
    if len(sources.taken) < 200:
        fail(f"only {len(sources.taken)} keys were found in the sources: is this the right folder, {root}?")
    check_lists(sources)
    wanted = expected(sources)
    pages = [Page(path, path.name) for path in sorted(folder.glob("*.md"))]
    by_name = {page.name: page for page in pages}
    for section, keys in wanted.items():
        name, _, heading = section.partition(": ")
        rows = {row.key for row in by_name[name].rows_of(heading)} if name in by_name else set()
        for key, where in keys.items():
            if key not in rows:
                fail(f"{where}: the key `{key}` has no row in docs/reference/{name}, '{heading}'")
    counts = {}
    for page in pages:
        if page.name not in ("README.md", "plugins.md"):  # the program says what is in plugins.md
            check_page(page, wanted, counts)
    check_links(pages, root / "docs/reference")
    if "registry.md" in by_name:
        check_training(root, by_name, sources)
    return counts


def main():
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    counts = check(root, root / "docs/reference", Sources(root))
    for name, count in sorted(counts.items()):
        print(f"{name}: {count} keys")
    print(f"{len(failed)} failed" if failed else "all keys have their row")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
