"""That the checks of documents can fail: each is shown something wrong.

usage: scripts_test.py

Needs no program: one that says what it is asked stands for it.
"""
import contextlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import keys_test
import sources

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
READER = """#include "toml/toml_reader.h"

namespace gauntlet {
Thing read_thing(const Toml& text, Problems& problems) {
  TableReader reader(text, "the suite", problems);
  Thing thing;
  reader.read("KEY", thing.value);
  return thing;
}
}  // namespace gauntlet
"""


class Keys(unittest.TestCase):
    """keys_test.py on changed sources and a changed copy of the reference."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.pages = pathlib.Path(self.folder.name)
        self.changed = {}
        for page in (ROOT / "docs/reference").glob("*.md"):
            shutil.copy(page, self.pages)

    def tearDown(self):
        self.folder.cleanup()

    def failures(self):
        keys_test.failed.clear()
        with contextlib.redirect_stdout(io.StringIO()):
            keys_test.check(ROOT, self.pages, sources.Sources(ROOT, self.changed))
        return list(keys_test.failed)

    def edit(self, page, old, new):
        file = self.pages / page
        text = file.read_text(encoding="utf-8")
        self.assertIn(old, text)
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def remove_row(self, page, heading, key):
        file = self.pages / page
        before, title, after = file.read_text(encoding="utf-8").partition(f"## {heading}\n")
        after, count = re.subn(rf"(?m)^\| `{re.escape(key)}` .*\n", "", after, count=1)
        self.assertEqual(count, 1)
        file.write_text(before + title + after, encoding="utf-8")

    def expect(self, *parts):
        failures = self.failures()
        self.assertEqual(len(failures), 1, failures)
        for part in parts:
            self.assertIn(part, failures[0])

    def test_reference_is_right(self):
        self.assertEqual(self.failures(), [])

    def test_row_that_is_missing_is_told(self):
        self.remove_row("recipes.md", "The recipe", "patience")
        self.expect("the key `patience` has no row", "recipes.md, 'The recipe'")

    def test_row_of_another_section_does_not_count(self):
        self.remove_row("suites.md", "`certify`", "samples")
        self.expect("the key `samples` has no row", "suites.md, '`certify`'")

    def test_json_key_that_is_missing_is_told(self):
        self.remove_row("registry.md", "`ledger`", "queries")
        self.expect("the key `queries` has no row", "'`ledger`'")

    def test_key_behind_a_function_is_told(self):
        self.remove_row("registry.md", "`files`", "content_sha256")
        self.expect("the key `content_sha256` has no row")

    def test_row_that_no_reader_takes_is_told(self):
        self.edit("suites.md", "| `trials` |", "| `tries` | whole number | none | | Nothing. | `tries = 1` |\n| `trials` |")
        self.expect("no reader takes `tries` of '`scoring`'")

    def test_new_key_is_told_wherever_its_file_lies(self):
        self.changed["framework/somewhere/thing.cc"] = READER.replace("KEY", "colour")
        self.expect("framework/somewhere/thing.cc:7", "the key `colour` has no row")

    def test_new_table_is_told(self):
        self.changed["framework/thing.cc"] = READER.replace("the suite", "the thing").replace("KEY", "colour")
        self.expect("a table that keys_test.py does not know, 'the thing'")

    def test_key_that_cannot_be_told_is_told(self):
        self.changed["framework/thing.cc"] = READER.replace('"KEY"', "key_of(text)")
        self.expect("framework/thing.cc:7", "cannot be told from the code")

    def test_files_may_move(self):
        for path in sorted((ROOT / "framework").rglob("*.cc")):
            if "TableReader" in path.read_text(encoding="utf-8"):
                self.changed[str(path.relative_to(ROOT))] = None
                self.changed[f"framework/elsewhere/deep/{path.name}"] = path.read_text(encoding="utf-8")
        self.assertGreater(len(self.changed), 10)
        self.assertEqual(self.failures(), [])

    def test_cell_that_is_empty_is_told(self):
        self.edit("recipes.md", "| `batch_size` | whole number | `128` |", "| `batch_size` | whole number | |")
        self.expect("`batch_size`: the default is missing")

    def test_long_sentence_is_told(self):
        self.edit("recipes.md", "Images in one step.", "Images" + " and images" * 10 + ".")
        self.expect("`batch_size`: a sentence of 21 words")

    def test_link_to_nothing_is_told(self):
        self.edit("suites.md", "(#scoring)", "(#scores)")
        self.expect("suites.md has no heading #scores")

    def test_column_of_the_log_is_told(self):
        self.remove_row("registry.md", "The log of a training", "loss")
        self.expect("`loss` has no row")


class Commands(unittest.TestCase):
    """commands.py on pages, with a program that only says what it is asked."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name) / "tree"
        self.build = pathlib.Path(self.folder.name) / "build"
        self.root.mkdir(), self.build.mkdir()
        (self.root / "gauntlet").write_text("exit 1\n")
        (self.root / "suite.toml").write_text("schema = 1\n")
        program = self.build / "gauntlet"
        program.write_text("#!/bin/sh\n[ \"$1\" = data ] && echo 'test  images  absent'\n"
                           "[ \"$1\" = wrong ] && exit 2\n[ \"$1\" = slow ] && exec sleep 60\necho \"asked $*\"\n")
        program.chmod(0o755)

    def tearDown(self):
        self.folder.cleanup()

    def run_page(self, text, name="README.md", **environment):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, HERE / "commands.py"], capture_output=True, text=True,
                              env={**os.environ, "GAUNTLET_SOURCE_DIR": str(self.root),
                                   "GAUNTLET_BUILD_DIR": str(self.build), **environment})
        return done.returncode, done.stdout + done.stderr

    def expect(self, text, code, *parts, **environment):
        found, said = self.run_page(text, **environment)
        self.assertEqual(found, code, said)
        for part in parts:
            self.assertIn(part, said)

    def test_commands_of_a_page_run_in_order_in_one_copy(self):
        self.expect("```sh\n./gauntlet run suite.toml > said.txt\n```\ntext\n```sh\ngrep 'asked run suite.toml' said.txt\n"
                    "gauntlet list\n```\n", 0, "README.md:1: ", "README.md:5: ", "1 pages, 2 blocks", "0 failed")
        self.assertFalse((self.root / "said.txt").exists())

    def test_pages_do_not_share_a_copy(self):
        self.run_page("```sh\ntouch left-over\n```\n", "docs/a.md")
        self.expect("```sh\ntest ! -e left-over\n```\n", 0, "2 pages, 2 blocks")

    def test_pages_below_docs_are_run(self):
        code, said = self.run_page("```sh\n./gauntlet wrong\n```\n", "docs/deep/page.md")
        self.assertEqual(code, 1)
        self.assertIn("docs/deep/page.md:1: exit code 2, expected 0", said)

    def test_failure_of_any_command_is_told(self):
        self.expect("```sh\n./gauntlet wrong\ntrue\n```\n", 1, "FAILED: README.md:1: exit code 2")

    def test_failure_inside_a_pipe_is_told(self):
        self.expect("```sh\n./gauntlet wrong | cat\n```\n", 1, "FAILED: README.md:1: exit code 2")

    def test_variable_that_is_not_set_is_told(self):
        self.expect("```sh\necho $NO_SUCH_VARIABLE\n```\n", 1, "NO_SUCH_VARIABLE: unbound variable")

    def test_expected_failure(self):
        self.expect("```sh fails: 2\n./gauntlet wrong\n```\n", 0)
        self.expect("```sh fails: 2\n./gauntlet right\n```\n", 1, "exit code 0, expected 2")

    def test_number_of_images(self):
        self.expect("```sh images: 40\ntest \"$GAUNTLET_DOCS_IMAGES\" = 40\n```\n", 0)
        self.expect("```sh images: few\n./gauntlet right\n```\n", 1, "images: without a number")

    def test_what_builds_must_be_marked(self):
        self.expect("```sh\n./gauntlet test\n```\n", 1, "mark the block with 'sh no-test: REASON'")

    def test_block_that_takes_too_long_is_stopped(self):
        self.expect("```sh\n./gauntlet slow\n```\n", 1, "took more than 1 s", GAUNTLET_DOCS_TIMEOUT="1")

    def test_block_with_a_reason_is_not_run(self):
        self.expect("```sh no-test: takes a day\n./gauntlet wrong\n```\n", 0, "not run: takes a day")

    def test_reason_must_not_be_empty(self):
        self.expect("```sh no-test:\n./gauntlet wrong\n```\n", 1, "README.md:1: no-test: without a reason")

    def test_absent_data_set_skips(self):
        self.expect("```sh needs: cifar10\n./gauntlet wrong\n```\n", 0, "skipped: cifar10 not there")

    def test_unknown_word_is_told(self):
        self.expect("```sh maybe\ntrue\n```\n", 1, "'maybe' behind sh is not known")

    def test_indented_command_is_told(self):
        self.expect("Text:\n\n    ./gauntlet run suite.toml\n", 1, "README.md:3: an indented command")
        self.expect("Text:\n\n    gauntlet run suite.toml\n", 1, "README.md:3: an indented command")

    def test_list_of_files_is_no_command(self):
        self.expect("    gauntlet        the wrapper\n    docs/           pages\n", 0)

    def test_command_in_another_block_is_told(self):
        self.expect("```\n$ ./gauntlet run suite.toml\n```\n", 1, "README.md:2: a command in a block that is no ```sh")
        self.expect("```bash\ngauntlet run suite.toml\n```\n", 1, "README.md:2: a command in a block that is no ```sh")

    def test_prose_and_output_are_no_commands(self):
        self.expect("`./gauntlet test` tests.\ngauntlet runs suites.\n\n```text\ngauntlet 0.1.0\n```\n"
                    "```toml\n# ./gauntlet run\n```\n", 0, "1 pages, 0 blocks")


if __name__ == "__main__":
    unittest.main()
