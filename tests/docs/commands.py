"""Runs the commands of README.md, CONTRIBUTING.md and docs/**/*.md.

usage: commands.py [PAGE…]

Every fenced block whose info string is "sh" is run, page by page and in order, each page in a copy of the source tree of
its own. `./gauntlet` and `gauntlet` are the program in GAUNTLET_BUILD_DIR there; what is written stays in the copy. A
block fails where a command of it fails.

    ```sh no-test: REASON      is not run; REASON says why
    ```sh needs: cifar10       is skipped where the test images are not there (more than one: cifar10, svhn; another
                               split: cifar10/train)
    ```sh fails: 1             is to end with this exit code, for what shows a refusal
    ```sh images: 40           its `gauntlet run` takes so many images, since all would take too long for a test

Anything else behind "sh" is a mistake, and so is a command line outside of such a block: an indented line, or one in a
block of no language or of another name of a shell, that begins with `./gauntlet` or `gauntlet `.

GAUNTLET_SOURCE_DIR and GAUNTLET_BUILD_DIR name the folders (default: this tree, build/release in it).
GAUNTLET_DOCS_TIMEOUT are the seconds that a block may take (default 300).
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from pages import Page, all_pages

SHELLS = ("", "bash", "shell", "console", "zsh", "terminal", "text")
COMMAND = re.compile(r"(\$ )?(\./gauntlet(\s|$)|gauntlet \S)")  # many blanks: a list of files, no command
OUTPUT = re.compile(r"gauntlet \d")  # `gauntlet --version`
PARTS = ("no-test:", "needs:", "fails:", "images:")

# Stands for ./gauntlet in a copy. What builds and tests is no work for a test.
SHIM = """#!/bin/sh
case ${1-} in
  --yes | build | test | format)
    echo "gauntlet: '$1' builds: mark the block with 'sh no-test: REASON'" >&2
    exit 99
    ;;
  run)
    [ -z "${GAUNTLET_DOCS_IMAGES-}" ] || set -- "$@" --set "data.samples=$GAUNTLET_DOCS_IMAGES"
    ;;
esac
exec "$GAUNTLET_DOCS_PROGRAM" "$@"
"""
LARGE = 100_000  # bytes
SKIPPED_FOLDERS = {".git", "build", ".gauntlet", "runs", "__pycache__"}


class Info:
    """The info string of a block of shell, taken apart."""

    def __init__(self, text):
        self.reason, self.needs, self.code, self.images, self.problem = None, [], 0, "", ""
        rest = text[len("sh"):].strip()
        if not rest:
            return
        word = rest.split()[0]
        value = rest[len(word):].strip()
        if word == "no-test:":
            self.reason = value
            if not value:
                self.problem = "no-test: without a reason"
        elif word == "needs:":
            self.needs = [name for name in re.split(r"[,\s]+", value) if name]
            if not self.needs:
                self.problem = "needs: without a data set"
        elif word == "fails:":
            self.problem = "" if re.fullmatch(r"[1-9]\d*", value) else "fails: without an exit code"
            self.code = int(value) if not self.problem else 0
        elif word == "images:":
            self.problem = "" if re.fullmatch(r"[1-9]\d*", value) else "images: without a number"
            self.images = value if not self.problem else ""
        else:
            self.problem = f"'{rest}' behind sh is not known, expected one of {', '.join(PARTS)}"


def is_shell(block):
    return re.match(r"sh(\s|$)", block.info) is not None


def problems(page):
    """What is written against the rules: (line, sentence)."""
    out = []
    for block in page.blocks:
        if is_shell(block):
            info = Info(block.info)
            if info.problem:
                out.append((block.line, info.problem))
            if not any(line.strip() for line in block.lines):
                out.append((block.line, "an empty block of commands"))
        elif block.info.split(" ")[0] in SHELLS:
            for number, line in enumerate(block.lines, block.line + 1):
                if COMMAND.match(line.strip()) and not OUTPUT.match(line.strip()):
                    out.append((number, f"a command in a block that is no ```sh: {line.strip()}"))
    for number, line in page.plain:
        if re.match(r"(    |\t)", line) and COMMAND.match(line.strip()):
            out.append((number, f"an indented command, expected a block ```sh: {line.strip()}"))
    return sorted(out)


class Runner:
    def __init__(self, root, build, folder):
        self.root, self.build = root, build
        self.whole = folder / "whole"  # the tree, of which each page gets a copy
        self.program = build / "gauntlet"
        self.timeout = float(os.environ.get("GAUNTLET_DOCS_TIMEOUT", "300"))
        self.present = {}  # data set -> whether it is there
        self.data = [root.parent / "shared/data"]
        self.weights = root.parent / "shared/weights"

    def environment(self, copy, home):
        """The tree is the copy, the person's own folders are new ones; data and weights are found where they were."""
        out = {**os.environ, "GAUNTLET_DOCS_PROGRAM": str(self.program), "GAUNTLET_SOURCE_DIR": str(copy),
               "PATH": f"{home / 'bin'}:{os.environ.get('PATH', '')}", "HOME": str(home),
               "XDG_CACHE_HOME": str(home / ".cache"), "GAUNTLET_BUILD_DIR": str(self.build)}
        for variable in ("GAUNTLET_REGISTRY", "GAUNTLET_BOARDS", "GAUNTLET_PLUGIN_PATH"):
            out.pop(variable, None)
        if "GAUNTLET_DATA" not in os.environ:
            folders = [str(folder) for folder in self.data if folder.is_dir()]
            if folders:
                out["GAUNTLET_DATA"] = ":".join(folders)
        if "GAUNTLET_WEIGHTS" not in os.environ and self.weights.is_dir():
            out["GAUNTLET_WEIGHTS"] = str(self.weights)
        return out

    def copy_of_tree(self, folder):
        def left_out(at, names):
            top = pathlib.Path(at) == self.root
            return [name for name in names if (name in SKIPPED_FOLDERS if top else name == "__pycache__")
                    or (top and name.startswith("build-"))]

        def copied(source, target):
            # Weights are large, and nobody writes into them.
            if os.path.getsize(source) > LARGE:
                os.link(source, target)
            else:
                shutil.copy2(source, target)

        if not self.whole.exists():
            shutil.copytree(self.root, self.whole, symlinks=True, ignore=left_out)
        shutil.copytree(self.whole, folder, symlinks=True, copy_function=copied)
        shim = folder / "gauntlet"
        shim.unlink()
        shim.write_text(SHIM, encoding="utf-8")
        shim.chmod(0o755)
        (folder / "build").mkdir()
        (folder / "build/release").symlink_to(self.build)

    def has(self, needed, copy, environment):
        """Whether all files of a split are there: "cifar10", "cifar10/train"."""
        dataset, _, split = needed.partition("/")
        if needed not in self.present:
            done = subprocess.run([self.program, "data", "info", dataset], cwd=copy, env=environment,
                                  capture_output=True, text=True, errors="replace")
            files = [line.split() for line in done.stdout.splitlines() if line.startswith(f"{split or 'test'} ")]
            self.present[needed] = done.returncode == 0 and bool(files) and all(line[-1] != "absent" for line in files)
        return self.present[needed]

    def run(self, block, copy, environment):
        """(exit code, or None where it took too long; what it said)"""
        script = "set -eu\n" + "\n".join(block.lines) + "\n"
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            process = subprocess.Popen(["bash", "-o", "pipefail", "-c", script], cwd=copy, env=environment,
                                       stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                                       start_new_session=True)
            try:
                code = process.wait(self.timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                code = None
            said.seek(0)
            return code, said.read()

    def page(self, page):
        """The number of blocks that failed."""
        blocks = [(block, Info(block.info)) for block in page.blocks if is_shell(block)]
        failed = 0
        with tempfile.TemporaryDirectory(dir=self.whole.parent) as name:
            home = pathlib.Path(name) / "home"
            copy = pathlib.Path(name) / "gauntlet"
            (home / "bin").mkdir(parents=True)
            if any(info.reason is None for _, info in blocks):
                self.copy_of_tree(copy)
                (home / "bin/gauntlet").symlink_to(copy / "gauntlet")
            environment = self.environment(copy, home)
            for block, info in blocks:
                place = f"{page.name}:{block.line}"
                absent = [data for data in info.needs if not self.has(data, copy, environment)]
                if info.reason is not None:
                    print(f"{place}: not run: {info.reason}", flush=True)
                    continue
                if absent:
                    print(f"{place}: skipped: {', '.join(absent)} not there", flush=True)
                    continue
                started = time.monotonic()
                code, said = self.run(block, copy, {**environment, "GAUNTLET_DOCS_IMAGES": info.images})
                seconds = time.monotonic() - started
                print(f"{place}: {seconds:.1f} s{'' if code == info.code else ', FAILED'}", flush=True)
                if code == info.code:
                    continue
                failed += 1
                ended = f"took more than {self.timeout:.0f} s" if code is None else f"exit code {code}"
                print(f"FAILED: {place}: {ended}, expected {info.code}:")
                print("\n".join("    " + line for line in [*block.lines, "--", *said.splitlines()[-40:]]), flush=True)
        return failed


def main():
    root = pathlib.Path(os.environ.get("GAUNTLET_SOURCE_DIR") or pathlib.Path(__file__).resolve().parents[2]).resolve()
    build = pathlib.Path(os.environ.get("GAUNTLET_BUILD_DIR") or root / "build/release").resolve()
    if not (build / "gauntlet").is_file():
        sys.exit(f"FAILED: {build} has no program 'gauntlet': set GAUNTLET_BUILD_DIR")
    pages = [Page(path, path) for path in sys.argv[1:]] or all_pages(root)
    failed, ran, started = 0, 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gauntlet-docs-") as folder:
        runner = Runner(root, build, pathlib.Path(folder))
        for page in pages:
            for line, sentence in problems(page):
                failed += 1
                print(f"FAILED: {page.name}:{line}: {sentence}")
            if all(not Info(block.info).problem for block in page.blocks if is_shell(block)):
                ran += sum(is_shell(block) for block in page.blocks)
                failed += runner.page(page)
    print(f"{len(pages)} pages, {ran} blocks, {time.monotonic() - started:.0f} s, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
