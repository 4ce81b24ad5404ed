#!/usr/bin/env python3
"""check_layout.py [ROOT]: whether sources include each other one way.

Prints and fails on: a file outside the folders of layout.txt, an include of a folder that is lower in its list, a
loop of files (X.h and X.cc count as one), a namespace that is not the folder's, an include of a file that is not there.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
NAMESPACE = re.compile(r'^(?:inline )?namespace (gauntlet[a-z_:]*)\s*{', re.MULTILINE)
BASES = ("framework", ".", "framework/include")


def read_layout():
    rooms = []
    for line in (pathlib.Path(__file__).parent / "layout.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            folder, namespace = line.split()
            rooms.append((folder, namespace))
    return rooms


def room_of(file, order):
    """The deepest listed folder that the file lies in."""
    for parent in pathlib.PurePosixPath(file).parents:
        if str(parent) in order:
            return str(parent)
    return None


def sources():
    for top in ("framework", "reports"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".h", ".cc", ".cu") and not re.search(r"_(test|benchmark)$", path.stem):
                yield path.relative_to(ROOT).as_posix()


def included(file, text, files, problems):
    for name in INCLUDE.findall(text):
        for base in BASES:
            path = (pathlib.PurePosixPath(base) / name).as_posix()
            if path in files:
                yield path
                break
        else:
            if name not in ("gauntlet/abi_digest.h", "gauntlet/version.h"):  # generated
                problems.append(f"{file}: includes \"{name}\", which is not there")


def stem(file):
    return file.rsplit(".", 1)[0]


def loops(graph):
    """Strongly connected components of more than one file (Tarjan)."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on_stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = []
            while True:
                part.append(stack.pop())
                on_stack.discard(part[-1])
                if part[-1] == node:
                    break
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def main():
    rooms = read_layout()
    order = {folder: place for place, (folder, _) in enumerate(rooms)}
    namespaces = dict(rooms)
    files = set(sources())
    problems, graph = [], {stem(file): set() for file in files}
    for file in sorted(files):
        room = room_of(file, order)
        if room is None:
            problems.append(f"{file}: lies in no folder of layout.txt")
            continue
        text = (ROOT / file).read_text()
        for name in set(NAMESPACE.findall(text)):
            if name != namespaces[room] and not name.startswith(namespaces[room] + "::"):
                problems.append(f"{file}: namespace {name}, expected {namespaces[room]}")
        for other in included(file, text, files, problems):
            theirs = room_of(other, order)
            if theirs is not None and order[theirs] > order[room]:
                problems.append(f"{file}: includes {other}, which is higher in layout.txt")
            if stem(other) != stem(file):
                graph[stem(file)].add(stem(other))
    problems += ["loop: " + ", ".join(part) for part in loops(graph)]
    for folder, _ in rooms:
        if not any(room_of(file, order) == folder for file in files):
            problems.append(f"layout.txt: {folder} holds no source")
    for problem in problems:
        print(problem)
    print(f"{len(files)} files in {len(rooms)} folders: {len(problems) or 'no'} problem{'s' if len(problems) != 1 else ''}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    sys.exit(main())
