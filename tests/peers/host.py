"""Gauntlet's side: writes suites, runs the program and reads what became of each image."""
import csv
import json
import shutil
import subprocess
import tomllib
from dataclasses import dataclass

import numpy as np


@dataclass
class Column:
    """What one attack left of a network."""

    seconds: float
    clean: np.ndarray  # [N] share of right answers without the attack
    right: np.ndarray  # [N] share of right answers under it
    margin: np.ndarray  # [N]
    gradients: int  # passes backwards that were computed, over all images


class Host:
    """The program, and the folder in which its runs are kept: a second run computes nothing again."""

    def __init__(self, program, folder, root, data, threads):
        self.program, self.folder, self.root, self.data, self.threads = program, folder, root, data, threads
        self.presets = self._presets()

    def _presets(self):
        """Which file of plugins/ has the preset of a name."""
        found = {}
        for file in sorted(self.root.glob("plugins/attacks/*/*/preset.toml")):
            for name in tomllib.loads(file.read_text(encoding="utf-8")).get("attack", {}):
                found[name] = file
        return found

    def has(self, *presets):
        return all(preset in self.presets for preset in presets)

    def suite(self, name, data, samples, threat, model, attacks, include=(), scoring=""):
        """The text of a suite of one network. `attacks` is TOML below [attack]; presets come with `include`."""
        files = sorted({str(self.presets[preset]) for preset in include})
        return "\n".join([
            "schema = 1", f'name = "{name}"', *([f"include = {json.dumps(files)}"] if files else []),
            f'data = {{ dataset = "{data}", samples = {samples} }}', f"threat.ball = {threat}",
            *([f"scoring = {scoring}"] if scoring else []), attacks, "[[defense]]", f'name = "{name}"',
            f"model = {model}", ""])

    def run(self, name, suite, only, batch=None, anew=False):
        """Runs the columns `only` of a suite and returns {column: Column}."""
        folder = self.folder / name
        if anew:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "suite.toml"
        file.write_text(suite, encoding="utf-8")
        command = [self.program, "run", file, "--output", folder / "run", "--threads", self.threads, "--quiet",
                   "--data", self.data, *(["--batch-size", batch] if batch else [])]
        for column in only:
            command += ["--only", f"attack={column}"]
        self._call(command, (0, 1))  # 1: some cell has no result, and says why
        return self._read(name, folder)

    def _call(self, command, codes=(0,)):
        done = subprocess.run([str(word) for word in command], cwd=self.root, capture_output=True, text=True)
        if done.returncode not in codes:
            raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")

    def _read(self, name, folder):
        export = folder / "export"
        shutil.rmtree(export, ignore_errors=True)
        self._call([self.program, "export", folder / "run", "--output", export, "--x-adv", "none"])
        cells = json.loads((folder / "run/report.json").read_text(encoding="utf-8"))["cells"]
        rows = {}
        with open(export / "outcomes.csv", newline="", encoding="utf-8") as table:
            for row in csv.DictReader(table):
                rows.setdefault(row["attack"], []).append(row)
        failed = [f"{name}: {cell['attack']}: {cell['status']}: {cell['reason']}" for cell in cells
                  if cell["status"] != "ok"]
        if failed:
            raise SystemExit("\n".join(failed))
        return {cell["attack"]: column(cell, rows[cell["attack"]]) for cell in cells}


def column(cell, rows):
    rows = sorted(rows, key=lambda row: int(row["index"]))

    def numbers(key):
        return np.array([float(row[key]) for row in rows])

    trials = numbers("trials")
    return Column(cell["seconds"], numbers("clean_right") / trials, numbers("robust_right") / trials,
                  numbers("margin"), cell["ledger"]["executed_backwards"])
