"""Compiles the papers of a real run and of runs that never were.

usage: latex_test.py GAUNTLET PAPERS

GAUNTLET is the program, PAPERS writes reports of synthetic runs. Says "skipped" (exit code 77) where
pdflatex or one of the packages that a paper needs is absent. GAUNTLET_PAPERS names a folder that keeps
what was compiled.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NEEDED = ["booktabs.sty", "graphicx.sty", "pgfplots.sty", "mathptmx.sty", "courier.sty", "ptmr8t.tfm", "pcrr8t.tfm"]

if not shutil.which("pdflatex"):
    print("skipped: pdflatex is not installed")
    sys.exit(77)
for file in NEEDED:
    if subprocess.run(["kpsewhich", file], capture_output=True).returncode:
        print(f"skipped: {file} is not installed")
        sys.exit(77)

SUITE = """schema = 1
name = "paper_100%"
data = { dataset = "fashion-mnist-1k", samples = 40 }
threat.small = { norm = "linf", epsilon = 0.05 }
threat.large = { norm = "linf", epsilon = 0.1 }
attack.fgsm = { use = "fgsm" }
attack.pgd = { use = "pgd", steps = 3 }

[[defense]]
name = "standard & co"
model = "fashion-mnist/standard"

[[defense]]
name = "at_{x}"
model = "fashion-mnist/at"
baseline = "standard & co"
"""
failed = []


def check(condition, sentence):
    if not condition:
        failed.append(sentence)
        print("FAILED:", sentence)


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")


def compile_paper(folder):
    """Of a folder with paper.tex: no error, nothing over the page, every reference known."""
    name = folder.parent.name
    has_references = "\\bibliography{" in (folder / "paper.tex").read_text()
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    steps = [latex] + ([["bibtex", "paper"], latex] if has_references else []) + [latex]
    for step in steps:
        done = run(step, folder)
        check(done.returncode == 0, f"{name}: {step[0]}: {done.stdout[-1500:]}")
        if done.returncode:
            return
    log = (folder / "paper.log").read_text(errors="replace")
    for problem in ["LaTeX Warning: Float too large", "Citation", "Reference", "multiply defined", "Missing character"]:
        for line in re.findall(rf".*{problem}.*", log):
            check(False, f"{name}: {line}")
    # A name of 300 letters without a place to break may stand out of a line by a letter or two.
    for points in re.findall(r"Overfull \\hbox \(([0-9.]+)pt", log):
        check(float(points) < 10, f"{name}: {points} points over the margin")
    check(not re.search(r"Overfull \\vbox", log), f"{name}: over the foot of the page")
    pages = re.search(r"Output written on paper.pdf \((\d+) page", log)
    check(pages is not None, f"{name}: no page")
    print(f"{name}: {pages and pages[1]} pages")


def real_run(gauntlet, folder):
    folder.mkdir()
    (folder / "suite.toml").write_text(SUITE)
    done = run([gauntlet, "run", "suite.toml", "--output", "real", "--quiet"], folder)
    check(done.returncode == 0, f"gauntlet run: {done.stderr}")
    paper = folder / "real" / "paper"
    if not paper.is_dir():
        return
    references = (paper / "references.bib").read_text()
    for key in ["gauntlet", "xiao2017fashion", "goodfellow2015explaining", "madry2018towards"]:
        check(references.count("{" + key + ",") == 1, f"{key} is cited once")
    names = {file.name for file in paper.iterdir()}
    for name in ["table-small.tex", "table-large.tex", "table-large-differences.tex",
                 "figure-epsilon-linf-pgd.tex"]:
        check(name in names, f"{name} is written, not only {sorted(names)}")
    compile_paper(paper)


def main():
    gauntlet, papers = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(os.environ.get("GAUNTLET_PAPERS") or temporary)
        made = run([papers, work / "made"], work)
        check(made.returncode == 0, f"papers: {made.stderr}")
        folders = sorted((work / "made").glob("*/paper"))
        check(len(folders) == 7, f"seven papers, not {len(folders)}")
        for folder in folders:
            compile_paper(folder)
        real_run(gauntlet, work / "run")
    sys.exit(1 if failed else 0)


main()
