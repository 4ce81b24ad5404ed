"""Opens reports, comparisons and board sites in a real browser.

usage: browser_test.py GAUNTLET STORES

GAUNTLET is the program, STORES writes synthetic runs. Says "skipped" (exit code 77) where Debian's
chromium, chromium-driver or python3-selenium is absent. GAUNTLET_SCREENSHOTS names a folder for
pictures of every page.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select
except ImportError:
    print("skipped: python3-selenium is not installed")
    sys.exit(77)
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    print("skipped: chromium or chromium-driver is not installed")
    sys.exit(77)

SOURCE = pathlib.Path(os.environ["GAUNTLET_SOURCE_DIR"])
SCREENSHOTS = os.environ.get("GAUNTLET_SCREENSHOTS")
PATIENCE = 10  # seconds

# How many pixels of a canvas are not transparent, and how many colours they have.
PIXELS = """
const canvas = arguments[0], context = canvas.getContext("2d");
if (!canvas.width || !canvas.height) return [0, 0];
const data = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
const colours = new Set(data);
return [data.reduce((count, pixel) => count + (pixel !== 0), 0), colours.size];
"""

# Words that stand on more than one line, though their table could be wider: marks are no part of a word.
BROKEN = """
const broken = [];
for (const cell of document.querySelectorAll(arguments[0])) {
  if (!cell.checkVisibility()) continue;
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());)
    for (const word of node.data.matchAll(/[\\p{L}\\p{N}.]+/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((place) => Math.round(place.top))).size > 1) broken.push(word[0]);
    }
}
return broken;
"""

# How far the worst case of every row lies outside the window and its table's frame, in pixels.
OUT_OF_SIGHT = """
let most = 0;
for (const cell of document.querySelectorAll(".matrix .worst")) {
  const place = cell.getBoundingClientRect(), frame = cell.closest(".scroll").getBoundingClientRect();
  most = Math.max(most, place.right - Math.min(innerWidth, frame.right), Math.max(0, frame.left) - place.left);
}
return most;
"""

WIDTHS = (1280, 500, 400)

QUICK_SUITE = """
schema = 1
name = "browser"
seeds = [0]
data = { dataset = "fashion-mnist-1k", samples = 120 }
scoring = { trials = 2 }
threat.linf = { norm = "linf", epsilon = 0.1 }
threat.small = { norm = "linf", epsilon = 0.05 }
[attack]
fgsm = { use = "fgsm" }
pgd = { use = "pgd", step_size = 0.02, cross = { steps = [2, 4, 8] } }
transfer = { use = "transfer", source = "fashion-mnist/standard" }
[[defense]]
name = "undefended"
model = "fashion-mnist/standard"
[[defense]]
name = "AT"
model = "fashion-mnist/at"
[[defense]]
name = "AT, σ = $sigma"
model = "fashion-mnist/at"
stack = [{ use = "smoothing", vote = "soft", sigma = "$sigma", mc_samples = 4 }]
cross = { sigma = [0.05, 0.1, 0.2] }
"""


FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="gauntlet-browser-"))
BROWSER = None  # one for all tests


def gauntlet(*arguments, codes=(0,)):
    result = subprocess.run([GAUNTLET, *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, cwd=SOURCE)
    assert result.returncode in codes, f"{arguments}: {result.returncode}\n{result.stderr}"
    return result.stdout


def start_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                 "--hide-scrollbars", "--allow-file-access-from-files",
                 f"--user-data-dir={FOLDER / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.chrome.service.Service(shutil.which("chromedriver"))
    browser = webdriver.Chrome(service=service, options=options)
    browser.set_window_size(1280, 900)
    return browser


def setUpModule():
    global BROWSER
    unittest.addModuleCleanup(shutil.rmtree, FOLDER, ignore_errors=True)
    subprocess.run([STORES, str(FOLDER)], check=True)
    for name in ("plain", "shifted", "evil", "failures", "words", "big"):
        gauntlet("report", FOLDER / name)
    gauntlet("board", "build", "--results", FOLDER / "results", "--boards", FOLDER / "boards",
             "--output", FOLDER / "site")
    (FOLDER / "suite.toml").write_text(QUICK_SUITE)
    gauntlet("run", FOLDER / "suite.toml", "--quiet", "--output", FOLDER / "real")
    BROWSER = start_browser()
    unittest.addModuleCleanup(BROWSER.quit)


class Pages(unittest.TestCase):
    """Every page is asked for errors and requests when it is left."""

    def setUp(self):
        self.browser = BROWSER

    def open(self, file):
        self.browser.get_log("performance")
        self.browser.get_log("browser")
        self.browser.get(pathlib.Path(file).as_uri())
        return self.browser

    def tearDown(self):
        errors = [entry for entry in self.browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        self.assertEqual(errors, [], "the console is clean")
        requests = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                requests.append(message["params"]["request"]["url"][:100])
        self.assertEqual([url for url in requests if not url.startswith(("file:", "data:"))], [],
                         "nothing is asked of any network")

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def names(self, table=".matrix"):
        return [cell.text for cell in self.all(f"{table} tbody tr th.name") if cell.is_displayed()]

    def columns(self):
        return [cell.text for cell in self.all(".matrix thead th[data-column]") if cell.is_displayed()]

    def assert_drawn(self, least):
        canvases = self.all("canvas")
        self.assertGreaterEqual(len(canvases), least)
        for canvas in canvases:
            pixels, colours = self.browser.execute_script(PIXELS, canvas)
            name = canvas.get_attribute("aria-label")
            self.assertGreater(pixels, 1000, name)
            self.assertGreater(colours, 10, name)

    def assert_fits(self):
        """Nothing but what scrolls by itself is wider than the window, once charts have followed it."""
        end = time.monotonic() + PATIENCE
        while (wider := self.wider_than_window()) and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(wider, [], self.browser.current_url)

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < end:
            time.sleep(0.05)
        self.assertTrue(condition())

    def wider_than_window(self):
        return self.browser.execute_script("""
            const room = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= room) return [];
            return [...document.querySelectorAll("body *")]
              .filter((each) => each.getBoundingClientRect().right > room + 1 && !each.closest(".scroll, pre, dialog, svg"))
              .map((each) => each.outerHTML.slice(0, 120)).slice(0, 4)
              .concat(String(document.documentElement.scrollWidth));""")

    def shoot(self, name):
        if not SCREENSHOTS:
            return
        for width, theme in ((1280, "light"), (1280, "dark"), (500, "light"), (500, "dark"), (400, "light")):
            self.browser.set_window_size(width, 900)
            self.browser.execute_script("document.documentElement.dataset.theme = arguments[0];"
                                        "dispatchEvent(new Event('themechange'));", theme)
            height = self.browser.execute_script("return document.documentElement.scrollHeight")
            self.browser.set_window_size(width, min(height + 100, 8000))
            self.browser.save_screenshot(f"{SCREENSHOTS}/{name}-{width}-{theme}.png")
        self.browser.set_window_size(1280, 900)


class Report(Pages):
    def test_real_run_has_every_part(self):
        self.open(FOLDER / "real" / "report.html")
        for part in ("threat-0", "curves", "transfer", "classes", "overlap", "gallery", "cost",
                     "parameters", "environment", "numbers", "again"):
            self.assertTrue(self.one("#" + part).is_displayed(), part)
        titles = [figure.text.split("\n")[0] for figure in self.all("#curves figcaption b")]
        self.assertEqual(titles, ["Accuracy over epsilon (linf)", "Accuracy over sigma", "Accuracy over steps",
                                  "Accuracy over passes requested, an image"])
        self.assert_drawn(6)
        pictures = self.all("#gallery img")
        self.assertGreaterEqual(len(pictures), 9)
        for picture in pictures:
            self.assertGreater(int(picture.get_attribute("naturalWidth")), 8)
        self.assert_fits()
        self.shoot("report")

    def test_sorting(self):
        self.open(FOLDER / "plain" / "report.html")
        original = self.names()[:6]
        worst = self.one(".matrix th.worst button")
        values = lambda: [float(cell.get_attribute("data-value"))
                          for cell in self.all("#threat-0 tbody td.worst")]
        first = values()
        worst.click()
        self.assertEqual(values(), sorted(first, reverse=True))
        worst.click()
        self.assertEqual(values(), sorted(first))
        worst.click()
        self.assertEqual(self.names()[:6], original)

    def test_filters_and_hides(self):
        self.open(FOLDER / "plain" / "report.html")
        self.assertEqual(len(self.names()), 18)
        self.browser.find_element(By.TAG_NAME, "body").send_keys("/")
        self.browser.switch_to.active_element.send_keys("defense -2")
        self.assertEqual(len(self.names()), 15)
        self.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
        self.assertEqual(len(self.names()), 18)
        self.one("[data-columns-of]").send_keys("attack 3")
        self.assertEqual(self.columns(), ["attack 3"] * 3)
        cells = [cell for cell in self.all("#threat-0 tbody tr:first-child td") if cell.is_displayed()]
        self.assertEqual(len(cells), 5, "clean, the column, worst case, two of cost")
        self.one(".tools .reset").click()
        self.assertEqual(len(self.columns()), 15)
        Select(self.one("[data-cells-of]")).select_by_visible_text("with audit findings")
        self.assertLess(len(self.names()), 18)

    def test_keyboard_opens_a_cell(self):
        self.open(FOLDER / "plain" / "report.html")
        self.browser.execute_script("document.querySelector('#threat-0 tbody td:nth-child(3) a').focus()")
        self.browser.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        self.browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
        self.browser.switch_to.active_element.send_keys(Keys.ENTER)
        dialog = self.one("dialog")
        self.assertTrue(dialog.is_displayed())
        self.assertIn("defense 2 under attack 2", dialog.text)
        dialog.send_keys(Keys.ESCAPE)
        self.assertFalse(self.one("dialog").is_displayed())

    def test_theme_is_chosen_and_redraws(self):
        self.open(FOLDER / "plain" / "report.html")
        back = lambda: self.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        seen = {back()}
        for _ in range(2):
            self.one("#theme").click()
            seen.add(back())
        self.assertEqual(len(seen), 2, "light and dark")
        self.assert_drawn(4)

    def test_charts_change_their_view(self):
        self.open(FOLDER / "plain" / "report.html")
        canvas = self.one("#curves canvas")
        before = self.browser.execute_script("return arguments[0].toDataURL()", canvas)
        Select(self.one("#curves select")).select_by_index(2)
        self.assertNotEqual(before, self.browser.execute_script("return arguments[0].toDataURL()", canvas))

    def test_overlap_follows_its_choice(self):
        self.open(FOLDER / "plain" / "report.html")
        table = lambda: self.one("#overlap table").text
        before = table()
        Select(self.one("#overlap .of-defense")).select_by_index(4)
        self.assertNotEqual(before, table())
        diagonal = self.all("#overlap tbody td.absent")
        self.assertEqual(len(diagonal), 5)

    def test_evil_names_are_text(self):
        for page in (FOLDER / "evil" / "report.html",):
            self.open(page)
            self.assertNotEqual(self.browser.title, "owned")
            self.assertEqual(self.browser.execute_script("return document.images.length"), 0)
            self.assertIn("<script>document.title = 'owned'</script>", self.names())
            self.assert_drawn(2)
            self.assert_fits()
        self.browser.set_window_size(400, 900)
        self.assert_fits()
        self.browser.set_window_size(1280, 900)
        self.shoot("evil")

    def test_only_failures(self):
        self.open(FOLDER / "failures" / "report.html")
        self.assertEqual(len(self.all(".matrix td .badge")), 12)
        self.assertEqual(len(self.all("#failures li")), 12)
        self.assertEqual(self.all(".matrix td.ok"), [])
        self.shoot("failures")

    def test_forty_by_thirty(self):
        file = FOLDER / "big" / "report.html"
        self.assertLess(file.stat().st_size, 5 << 20)
        self.open(file)
        self.assertEqual(len(self.all(".matrix tbody tr")), 40)
        self.assertEqual(len(self.columns()), 30)
        self.assert_drawn(3)
        self.assert_fits()
        self.shoot("big")

    def test_prints(self):
        self.open(FOLDER / "plain" / "report.html")
        pdf = self.browser.print_page()
        self.assertGreater(len(pdf), 20000)

    def test_worst_case_is_always_in_sight(self):
        for run in ("words", "real", "plain", "big", "evil"):
            self.open(FOLDER / run / "report.html")
            for width in WIDTHS:
                self.browser.set_window_size(width, 900)
                self.assertLessEqual(self.browser.execute_script(OUT_OF_SIGHT), 1, f"{run}, {width}")
                for share in (0.5, 1):
                    self.browser.execute_script(
                        "for (const box of document.querySelectorAll('.scroll')) "
                        "box.scrollLeft = arguments[0] * (box.scrollWidth - box.clientWidth)", share)
                    self.assertLessEqual(self.browser.execute_script(OUT_OF_SIGHT), 1, f"{run}, {width}, scrolled")
                self.browser.execute_script(
                    "for (const box of document.querySelectorAll('.scroll')) box.scrollLeft = 0")
        self.browser.set_window_size(1280, 900)

    def test_says_what_is_beside_the_window(self):
        self.open(FOLDER / "words" / "report.html")
        self.browser.set_window_size(500, 900)
        self.wait_for(lambda: self.one("#threat-0 .sideways").is_displayed())
        hint = self.one("#threat-0 .sideways")
        self.wait_for(lambda: hint.text.endswith("more columns →"))
        self.browser.execute_script("document.querySelector('#threat-0 .scroll').scrollLeft = 1e6")
        self.wait_for(lambda: hint.text.startswith("←") and not hint.text.endswith("→"))
        self.browser.set_window_size(1280, 900)
        self.open(FOLDER / "failures" / "report.html")
        self.assertFalse(self.one("#threat-0 .sideways").is_displayed(), "all of it is in the window")

    def test_words_are_whole(self):
        for run in ("words", "real", "plain"):
            self.open(FOLDER / run / "report.html")
            self.browser.execute_script(
                "for (const cell of [...document.querySelectorAll('details.cell')].slice(0, 9)) cell.open = true")
            for width in WIDTHS:
                self.browser.set_window_size(width, 900)
                self.assertEqual(self.browser.execute_script(BROKEN, "th"), [], f"{run}, {width}")
        self.browser.set_window_size(1280, 900)
        self.shoot("words")

    def test_findings_are_told_below_their_table(self):
        self.open(FOLDER / "words" / "report.html")
        self.assertIn("⚑1", self.one("#threat-0 .notes").text)
        marked = [cell for cell in self.all("#threat-0 td") if "⚑1" in cell.text]
        self.assertGreaterEqual(len(marked), 2)

    def test_narrow(self):
        self.open(FOLDER / "real" / "report.html")
        self.browser.set_window_size(400, 900)
        self.assert_fits()
        self.browser.set_window_size(1280, 900)


class Comparison(Pages):
    def page(self, a, b, *flags, codes=(0,)):
        file = FOLDER / f"{a}-{b}.html"
        gauntlet("compare", FOLDER / a, FOLDER / b, "--format", "html", "--output",
                 file, *flags, codes=codes)
        return self.open(file)

    def test_sorts_and_fits(self):
        self.page("plain", "shifted", "--gate", "1")
        rows = self.all("#cells tbody tr")
        self.assertEqual(len(rows), 96, "6 without an attack, 6 x 5 under each of 3 threats")
        button = next(b for b in self.all("#cells thead button") if b.text == "B − A")
        values = lambda: [float(row.find_elements(By.TAG_NAME, "td")[4].get_attribute("data-value"))
                          for row in self.all("#cells tbody tr")]
        first = values()
        button.click()
        self.assertEqual(values(), sorted(first))
        button.click()
        self.assertEqual(values(), sorted(first, reverse=True))
        self.assert_fits()
        self.shoot("comparison")

    def test_evil_names_are_text(self):
        self.page("evil", "evil")
        self.assertNotEqual(self.browser.title, "owned")
        self.assert_fits()

    def test_gate(self):
        self.page("shifted", "plain", "--gate", "1", codes=(1,))
        self.assertIn("beyond the gate", self.one("header").text)


class Site(Pages):
    BOARD = "fashion-linf@1"

    def test_index_leads_to_boards_and_entries(self):
        self.open(FOLDER / "site" / "index.html")
        self.assert_fits()
        self.shoot("site")
        self.open(FOLDER / "site" / "index.html")
        self.browser.find_element(By.PARTIAL_LINK_TEXT, "A board of").click()
        self.assertIn("A board of <i>examples</i>", self.one("h1").text)
        self.browser.find_element(By.LINK_TEXT, "defense 12").click()
        self.assertIn("defense 12", self.one("h1").text)
        for part in ("result", "attacks", "again"):
            self.assertTrue(self.one("#" + part).is_displayed(), part)
        self.assert_fits()
        self.shoot("entry")

    def test_board_ranks_sorts_and_filters(self):
        self.open(FOLDER / "site" / f"{self.BOARD}.html")
        rows = self.all(".ranking tbody tr")
        self.assertEqual(len(rows), 14)
        self.assert_drawn(1)
        names = lambda: [row.find_element(By.TAG_NAME, "th").text for row in self.all(".ranking tbody tr")
                         if row.is_displayed()]
        first = names()
        self.one(".ranking thead button").click()
        self.one(".ranking thead button").click()
        self.assertNotEqual(names(), first)
        self.one("[data-rows-of]").send_keys("defense 1")
        self.assertEqual(sorted(name.split("\n")[0] for name in names()),
                         ["defense 1", "defense 10", "defense 11", "defense 12"])
        self.assert_fits()

    def test_names_are_text_and_pages_fit(self):
        for page in sorted((FOLDER / "site").rglob("*.html")):
            self.open(page)
            self.assertNotEqual(self.browser.title, "owned")
            self.browser.set_window_size(400, 900)
            self.assert_fits()
            self.browser.set_window_size(1280, 900)
            self.assert_fits()
        self.open(FOLDER / "site" / f"{self.BOARD}.html")
        for width in WIDTHS:
            self.browser.set_window_size(width, 900)
            self.assertEqual(self.browser.execute_script(BROKEN, ".ranking thead th"), [], str(width))
            score = self.one(".ranking thead .score").rect
            self.assertLessEqual(score["x"] + score["width"], width, "what it is ranked by is in sight")
        self.browser.set_window_size(1280, 900)
        self.shoot("board")


if __name__ == "__main__":
    GAUNTLET, STORES = sys.argv[1:3]
    if SCREENSHOTS:
        os.makedirs(SCREENSHOTS, exist_ok=True)
    suite = unittest.TestSuite()
    for case in (Report, Comparison, Site):
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(case))
    if len(sys.argv) > 3:
        suite = unittest.defaultTestLoader.loadTestsFromNames(sys.argv[3:], sys.modules[__name__])
    sys.exit(not unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful())
