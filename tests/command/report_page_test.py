#!/usr/bin/env python3
"""The page of `authmilter report page` in a browser, at the width of a desk and of a telephone: what it shows, what its
filters do, by mouse and by keyboard, in the dark, on paper and without JavaScript; and that it fetches nothing and takes
nothing for markup, with markup in every text that a stranger can write.

usage: report_page_test.py AUTHMILTER FILL_STORE [unittest arguments]

With AUTHMILTER_PICTURES=FOLDER the pictures stay there.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import ran, report_rows
from harness.browser import DESK, TELEPHONE, Browser, By, Keys, Select, why_not
from harness.report_rows import HOSTILE, NOON_AFTER

COMMAND, FILL_STORE = (sys.argv.pop(1) for _ in range(2))
DAYS = 40


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        store = f"sqlite:{cls.folder}/reports.db"
        report_rows.fill(FILL_STORE, store, [
            *report_rows.received(["example.org", "example.com", "shop.example.net"], DAYS), *report_rows.own(30, DAYS),
            *report_rows.others("example.org", DAYS), *report_rows.hostile()])
        cls.page = cls.folder / "page.html"
        subprocess.run([COMMAND, "report", "page", "--store", store, "--no-names", "--time", str(NOON_AFTER), "--since",
                        f"{DAYS + 1}d", "--out", cls.page], check=True, timeout=60)
        cls.summary = json.loads(subprocess.run(
            [COMMAND, "report", "summary", "--store", store, "--no-names", "--time", str(NOON_AFTER), "--since",
             f"{DAYS + 1}d", "--json"], check=True, timeout=60, capture_output=True).stdout)

    def window(self, width=DESK, page=None, **options):
        profile = tempfile.mkdtemp(dir=self.folder)
        browser = Browser(profile, width, **options)
        self.addCleanup(shutil.rmtree, profile, True)
        self.addCleanup(browser.driver.quit)
        return browser.open(page or self.page)

    def total(self, member, domains=None):
        return f"{sum(d[member] for d in self.summary['domains'] if not domains or d['domain'] in domains):,}"

    def test_shows(self):
        browser = self.window()
        numbers = browser.numbers("received-tiles")
        self.assertEqual(numbers["Messages"], self.total("messages"))
        self.assertEqual(numbers["Rejected"], self.total("rejected"))
        for name in ("volume", "rate", "source-bars", "receiver-bars", "tls-chart", "own-chart"):
            with self.subTest(chart=name):
                charts = browser.by_id(name).find_elements(By.TAG_NAME, "svg")
                self.assertTrue(charts)
                for chart in charts:
                    self.assertEqual(chart.get_attribute("role"), "img")
                    self.assertTrue(chart.get_attribute("aria-label"))
        self.assertGreater(len(browser.by_id("volume").find_elements(By.TAG_NAME, "rect")), DAYS)
        self.assertEqual([row[0] for row in browser.rows("domains-table")],
                         ["example.org", "example.com", "shop.example.net"])
        self.assertIn("certificate-expired", browser.text("tls-table"))
        self.assertIn("550 5.1.1 no such user", browser.text("sent-table"))
        self.assertEqual(browser.numbers("own-tiles")["Rejected"] != "0", True)
        self.assertEqual(browser.numbers("own-tiles")["Would be rejected"] != "0", True)

    def test_filters(self):
        browser = self.window()
        before = browser.text("said")
        self.assertIn(f"{self.total('messages')} messages in your name, of 3 domains", before)
        Select(browser.by_id("domain")).select_by_value("example.com")
        self.assertEqual(browser.numbers("received-tiles")["Messages"], self.total("messages", ["example.com"]))
        self.assertEqual([row[0] for row in browser.rows("domains-table")], ["example.com"])
        self.assertIn("of 1 domain ", browser.text("said"))
        self.assertEqual(browser.by_id("said").get_attribute("aria-live"), "polite")
        # A period, by its ends and by a button.
        browser.run("const from = document.getElementById('from'); from.value = '2026-11-20';"
                    "from.dispatchEvent(new Event('change'))")
        self.assertIn("from 2026-11-20 to 2026-11-29", browser.text("said"))
        browser.driver.find_element(By.CSS_SELECTOR, "button[data-days='7']").click()
        self.assertIn("from 2026-11-23 to 2026-11-29", browser.text("said"))
        self.assertEqual(browser.by_id("from").get_attribute("value"), "2026-11-23")
        # A source, by its name and by a click on it.
        browser.by_id("source").send_keys("203.0.17.")
        self.assertEqual([row[0] for row in browser.rows("sources-table")], ["203.0.17.0/24"])
        browser.driver.find_element(By.CSS_SELECTOR, "button[data-days='0']").click()
        self.assertEqual(browser.text("said"), before)
        self.assertEqual(browser.by_id("domain").get_attribute("value"), "")
        browser.driver.find_element(By.XPATH, "//table[@id='sources-table']//button[text()='example.org']").click()
        self.assertEqual(browser.by_id("source").get_attribute("value"), "example.org")
        self.assertIn("1 source,", browser.text("said"))
        browser.by_id("source").send_keys("-nothing")
        self.assertEqual(browser.rows("sources-table"), [["Nothing in this choice."]])
        self.assertIn("0 messages", browser.text("said"))

    def test_senders_domain(self):
        """Whoever writes to us can be chosen too."""
        browser = self.window()
        Select(browser.by_id("domain")).select_by_value("writer-8.example")
        self.assertEqual([row[0] for row in browser.rows("own-table")], ["writer-8.example"])
        self.assertEqual(browser.numbers("received-tiles")["Messages"], "0")

    def test_more_rows(self):
        browser = self.window()
        self.assertEqual(len(browser.rows("own-table")), 25)
        browser.by_id("own-table-more").find_element(By.TAG_NAME, "button").click()
        self.assertEqual(len(browser.rows("own-table")), 30)
        self.assertEqual(browser.run("return document.activeElement.textContent"), "Show the first 25")

    def test_keyboard(self):
        """Everything is reached by the tab key, and chosen by keys."""
        browser = self.window()
        reached = []
        for _ in range(12):
            browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            reached.append(browser.run("const e = document.activeElement; return e.id || e.textContent"))
        self.assertEqual(reached[:8], ["Skip to the numbers", "Sent in your name", "TLS", "Received here", "Reports",
                                       "domain", "source", "from"])
        self.assertNotEqual(browser.run("return getComputedStyle(document.activeElement).outlineStyle"), "none")
        browser.by_id("domain").send_keys("example.c")
        self.assertEqual([row[0] for row in browser.rows("domains-table")], ["example.com"])
        summary = browser.driver.find_element(By.TAG_NAME, "summary")
        summary.send_keys(Keys.ENTER)
        self.assertTrue(browser.by_id("days-table").is_displayed())

    def test_screen_reader(self):
        """Tables have headers and names, fields have labels, headings go down in steps of one."""
        browser = self.window()
        self.assertEqual(browser.run("return document.documentElement.lang"), "en")
        self.assertEqual(browser.run("""
            const wrong = [];
            for (const table of document.querySelectorAll("table")) {
              if (!table.caption?.textContent) wrong.push("no caption: " + table.id);
              for (const cell of table.tHead.rows[0].cells)
                if (cell.scope !== "col" || !cell.textContent) wrong.push("no header: " + table.id);
              for (const row of table.tBodies[0].rows)
                if (row.cells[0].tagName !== "TH" && row.cells.length > 1) wrong.push("no row header: " + table.id);
            }
            for (const field of document.querySelectorAll("input, select"))
              if (!field.labels.length) wrong.push("no label: " + field.id);
            for (const svg of document.querySelectorAll("svg"))
              if (!svg.getAttribute("aria-label") && !svg.getAttribute("aria-hidden")) wrong.push("a chart without text");
            for (const part of document.querySelectorAll("[role=region]"))
              if (!document.getElementById(part.getAttribute("aria-labelledby"))) wrong.push("a region without name");
            let level = 0;
            for (const heading of document.querySelectorAll("h1, h2, h3")) {
              const now = Number(heading.tagName[1]);
              if (now > level + 1) wrong.push("heading " + heading.textContent);
              level = now;
            }
            const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
            if (new Set(ids).size !== ids.length) wrong.push("an id twice");
            return wrong"""), [])

    def test_no_markup(self):
        """Texts of strangers are texts, before and behind the script's work."""
        for script in (True, False):
            browser = self.window(script=script)
            if script:
                self.assertEqual(browser.driver.title.startswith("Mail authentication reports"), True)
                self.assertEqual(browser.run("return document.images.length + document.scripts.length"), 2)
                self.assertIn("<script>document.title='owned'", browser.text("sources-table"))
            text = browser.by_id("senders-table").text
            self.assertIn("<img src=x onerror=document.title='owned'>", text)
            self.assertEqual(browser.driver.find_elements(By.TAG_NAME, "img"), [])
        self.assertIn("img", HOSTILE)

    def test_fetches_nothing(self):
        browser = self.window()
        Select(browser.by_id("domain")).select_by_value("example.com")
        self.assertEqual({url for url in browser.requests() if not url.startswith("data:")}, {browser.url})
        self.assertEqual([entry for entry in browser.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")], [])
        # And could not: what is tried is refused by the page's own policy.
        refused = browser.driver.execute_async_script("""
            const done = arguments[0];
            document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective), {once: true});
            fetch("http://127.0.0.1:1/").catch(() => {});""")
        self.assertEqual(refused, "connect-src")

    def test_without_javascript(self):
        browser = self.window(script=False)
        self.assertEqual(browser.numbers("received-tiles")["Messages"], self.total("messages"))
        self.assertEqual([row[0] for row in browser.rows("domains-table")], ["example.org", "example.com", "shop.example.net"])
        self.assertFalse(browser.by_id("filters").is_displayed())
        self.assertIn("need JavaScript", browser.driver.find_element(By.TAG_NAME, "noscript").text)

    def test_fits(self):
        """Nothing is wider than the window, at any width; tables that are move in boxes of their own."""
        for width in (320, TELEPHONE, 768, DESK):
            with self.subTest(width=width):
                browser = self.window(width)
                self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), width)
                # Nor is a column so narrow that its words stand on end.
                self.assertLess(browser.run("return document.documentElement.scrollHeight"), 16_000)

    def test_contrast(self):
        """WCAG 2.1, 1.4.3: texts stand out from what is behind them, by day and by night."""
        for scheme in ("light", "dark"):
            browser = self.window(media={"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            self.assertEqual(browser.run("""
                const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
                const light = (text) => { const [r, g, b] = text.match(/[0-9.]+/g).map(Number);
                  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
                const behind = (element) => { for (; element; element = element.parentElement) {
                  const colour = getComputedStyle(element).backgroundColor;
                  if (!colour.endsWith(", 0)")) return colour; } };
                const low = new Set();
                for (const element of document.querySelectorAll("p, th, td, h1, h2, h3, a, dt, dd, label, button, li, caption, summary, footer, svg text")) {
                  const style = getComputedStyle(element);
                  const [a, b] = [light(element.tagName === "text" ? style.fill : style.color), light(behind(element))].sort();
                  if ((b + 0.05) / (a + 0.05) < 4.5) low.add(element.tagName + " " + style.color + " on " + behind(element));
                }
                return [...low]"""), [], scheme)

    def test_pictures(self):
        """For people to look at; a picture of one colour is of nothing."""
        dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        for name, width, media in (("desk", DESK, {}), ("telephone", TELEPHONE, {}), ("desk-dark", DESK, dark),
                                   ("telephone-dark", TELEPHONE, dark), ("paper", 794, {"media": "print"})):
            with self.subTest(name):
                self.assertGreater(len(self.window(width, media=media).picture(name)), 50_000)

    def test_paper(self):
        browser = self.window(media={"media": "print"})
        self.assertFalse(browser.by_id("filters").is_displayed())
        self.assertTrue(browser.by_id("sources-table").is_displayed())
        self.assertTrue(browser.document("paper").startswith(b"%PDF"))


if __name__ == "__main__":
    if reason := why_not():
        print(f"SKIP: {reason}")
        sys.exit(77)
    ran.main()
