"""Prints which lines of framework/, reports/ and plugins/ the programs in a build folder have run.

usage: coverage.py GCOV SOURCE BUILD

Reads what they left (*.gcda) with gcov, one after another, and adds up what several units say of one file.
"""
import collections
import json
import pathlib
import subprocess
import sys


def lines_run(gcov, source, build):
    """{file: {line: times}}"""
    out = collections.defaultdict(lambda: collections.defaultdict(int))
    counts = [file for file in sorted(build.rglob("*.gcda")) if "_test.dir" not in str(file)]
    if not counts:
        sys.exit(f"{build}: no program has left counts")
    for file in counts:
        done = subprocess.run([gcov, "--json-format", "--stdout", str(file)], capture_output=True, cwd=build, check=True)
        for document in filter(None, done.stdout.decode().splitlines()):
            for unit in json.loads(document)["files"]:
                path = (build / unit["file"]).resolve()
                name = str(path.relative_to(source)) if path.is_relative_to(source) else ""
                if not name.startswith(("framework/", "reports/", "plugins/")) or name.endswith(("_test.cc", "_benchmark.cc")):
                    continue
                for line in unit["lines"]:
                    out[name][line["line_number"]] += line["count"]
    return out


def main():
    gcov, source, build = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    every, run = 0, 0
    print(f"{'file':<60} {'lines':>6} {'run':>6}")
    for name, lines in sorted(lines_run(gcov, source, build).items()):
        seen = sum(count > 0 for count in lines.values())
        every, run = every + len(lines), run + seen
        print(f"{name:<60} {len(lines):>6} {100 * seen / len(lines):>5.0f}%")
    print(f"{'all':<60} {every:>6} {100 * run / every:>5.1f}%")


if __name__ == "__main__":
    main()
