#!/usr/bin/env python3
"""Surveys: `authmilter audit --survey` over a made-up country of 3,000 domains says exactly what is in it, in each of its
forms; a run that is killed goes on and comes to the same; a domain whose servers are silent costs its own time.

usage: audit_survey_test.py AUTHMILTER [unittest arguments]

With AUTHMILTER_PICTURES=FOLDER the pictures of the page stay there.
"""

import base64
import collections
import csv
import hashlib
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import ran
from harness.daemon import sanitized
from harness.dns_server import DnsServer
from harness.survey_zone import SurveyZone

COMMAND = sys.argv.pop(1)
BROWSER, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
DOMAINS = 600 if sanitized(COMMAND) else 3000
NOW = "1796000000"

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None


def survey(*arguments):
    return [COMMAND, "audit", "--survey", "--dns-only", "--no-host", "--time", NOW, *map(str, arguments)]


def why_no_browser():
    if webdriver is None or not all(pathlib.Path(one).exists() for one in (BROWSER, DRIVER)):
        return "chromium, chromium-driver or python3-selenium is not installed (contrib/packages/install browser)"
    return ""


class Surveyed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.country = SurveyZone(DOMAINS)
        cls.zone = cls.folder / "zone"
        cls.zone.write_text(cls.country.text)
        cls.list = cls.folder / "domains"
        cls.list.write_text("# a made-up country\n" + "\n".join(cls.country.domains) + "\n")
        cls.facts = cls.folder / "facts"
        cls.first = subprocess.run(
            survey("--zone", cls.zone, "--domains-file", cls.list, "--rate", 0, "--facts-out", cls.facts, "--json"),
            capture_output=True, text=True, timeout=500, check=False)
        assert cls.first.returncode == 0, cls.first.stderr
        cls.summary = json.loads(cls.first.stdout)

    def again(self, *arguments):
        """What the facts say, without the network."""
        done = subprocess.run(survey("--facts", self.facts, *arguments), capture_output=True, text=True, timeout=300,
                              check=False)
        # A machine that is slow sees how far it is.
        said = re.sub(r"(?m)^authmilter: \d+ domains that are known\n", "", done.stderr)
        self.assertEqual((done.returncode, said), (0, ""))
        return done.stdout


class Figures(Surveyed):
    def test_the_shares_are_those_of_the_country(self):
        self.assertEqual(self.summary["domains"], DOMAINS)
        counted = {question["id"]: {choice["id"]: choice["count"] for choice in question["choices"] if choice["count"]}
                   for question in self.summary["questions"]}
        self.assertEqual(counted, {question: dict(choices) for question, choices in self.country.expected.items()})
        for question in self.summary["questions"]:
            for choice in question["choices"]:
                self.assertAlmostEqual(choice["percent"], 100 * choice["count"] / DOMAINS, 2)

    def test_the_figures_that_people_ask_for_first(self):
        figures = {figure["id"]: figure["count"] for figure in self.summary["figures"]}
        expected = self.country.expected
        without = DOMAINS - expected["spf"]["none"]
        self.assertEqual((figures["spf"], figures["spf-hard-fail"], figures["spf-soft-fail"]),
                         (without, expected["spf"]["hard-fail"], expected["spf"]["soft-fail"]))
        self.assertEqual(figures["dmarc-enforcing"], expected["dmarc"]["quarantine"] + expected["dmarc"]["reject"])
        self.assertEqual(figures["dkim"], expected["dkim"]["found"])
        self.assertEqual(figures["null-mx"], expected["mx"]["null-mx"])
        self.assertEqual(figures["dnssec"], expected["dnssec"]["not-validated"])

    def test_selectors(self):
        self.assertEqual({one["selector"]: one["count"] for one in self.summary["selectors"]},
                         dict(self.country.selectors))

    def test_the_facts_are_named_by_their_sum(self):
        self.assertEqual(self.summary["facts_sha256"], hashlib.sha256(self.facts.read_bytes()).hexdigest())
        self.assertEqual(json.loads(self.again("--json")), self.summary)

    def test_csv_has_a_line_a_domain(self):
        rows = list(csv.DictReader(self.again("--format", "csv").splitlines()))
        self.assertEqual([row["domain"] for row in rows], self.country.domains)
        for row in rows:
            expected = self.country.rows[row["domain"]]
            self.assertEqual({question: row[question] for question in expected}, expected, row["domain"])
        selectors = collections.Counter(one for row in rows for one in row["selectors"].split())
        self.assertEqual(selectors, self.country.selectors)

    def test_text_says_shares(self):
        text = self.again()
        self.assertIn(f"Survey of {DOMAINS:,} domains", text)
        hard = self.country.expected["spf"]["hard-fail"]
        self.assertRegex(text, rf"\n +{hard} +{100 * hard / DOMAINS:.1f} %  #+ +end it in -all\n")
        self.assertTrue(text.isascii())


class Resumed(Surveyed):
    def run_and_kill(self, facts, after):
        """Killed as hard as can be once some lines are there; how many whole ones there are."""
        run = subprocess.Popen(survey("--zone", self.zone, "--domains-file", self.list, "--rate", 4000, "--facts-out",
                                      facts), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while time.monotonic() < until and (not facts.exists() or facts.read_bytes().count(b"\n") < after):
            self.assertIsNone(run.poll(), "it was over before it could be killed")
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
        run.wait()
        return facts.read_bytes().count(b"\n")

    def test_it_goes_on_where_it_was_killed(self):
        facts = self.folder / "killed"
        first = self.run_and_kill(facts, 20)
        with facts.open("ab") as file:  # as a write that was cut short leaves it
            file.write(b'{"domain": "d0')
        second = self.run_and_kill(facts, first + 20)
        self.assertLess(second, DOMAINS)
        done = subprocess.run(
            survey("--zone", self.zone, "--domains-file", self.list, "--rate", 0, "--facts-out", facts, "--json"),
            capture_output=True, text=True, timeout=500, check=True)
        self.assertIn(f"{second - 1} of {DOMAINS} domains are known", done.stderr)
        self.assertEqual(facts.read_bytes(), self.facts.read_bytes())
        self.assertEqual(json.loads(done.stdout), self.summary)

    def test_csv_of_a_run_that_went_on_has_all_lines(self):
        facts, out = self.folder / "csv-facts", self.folder / "out.csv"
        self.run_and_kill(facts, 20)
        subprocess.run(survey("--zone", self.zone, "--domains-file", self.list, "--rate", 0, "--facts-out", facts,
                              "--format", "csv", "--out", out), capture_output=True, timeout=500, check=True)
        self.assertEqual(out.read_text(), self.again("--format", "csv"))

    def test_facts_of_another_list_are_left_alone(self):
        other = self.folder / "other-list"
        other.write_text("other.example\n")
        before = self.facts.read_bytes()
        done = subprocess.run(survey("--zone", self.zone, "--domains-file", other, "--facts-out", self.facts),
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 66)
        self.assertIn("the file is of another survey", done.stderr)
        self.assertEqual(self.facts.read_bytes(), before)

    def test_two_runs_do_not_write_one_file(self):
        facts = self.folder / "shared"
        run = subprocess.Popen(survey("--zone", self.zone, "--domains-file", self.list, "--rate", 500, "--facts-out",
                                      facts), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        while not facts.exists() or not facts.stat().st_size:
            time.sleep(0.02)
        second = subprocess.run(survey("--zone", self.zone, "--domains-file", self.list, "--facts-out", facts),
                                capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(second.returncode, 73)
        self.assertIn("another survey is writing it", second.stderr)


class Lists(unittest.TestCase):
    def run_list(self, text):
        with tempfile.NamedTemporaryFile("w") as file, tempfile.NamedTemporaryFile("w") as zone:
            file.write(text)
            file.flush()
            return subprocess.run(survey("--zone", zone.name, "--domains-file", file.name), capture_output=True,
                                  text=True, timeout=60, check=False)

    def test_a_mistake_is_told_before_anybody_is_asked(self):
        done = self.run_list("a.example\n\nb c.example\n")
        self.assertEqual(done.returncode, 66)
        self.assertIn(':3: "b c.example" is not a domain name', done.stderr)

    def test_an_empty_list(self):
        self.assertEqual(self.run_list("# nobody\n").returncode, 64)

    def test_remarks_and_blanks(self):
        done = self.run_list("  a.example\r\n# nobody\nb.example # the second\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Survey of 2 domains", done.stdout)


class SlowServers(unittest.TestCase):
    def test_a_silent_domain_costs_its_own_time(self):
        names = {f"d{number}.example": [("TXT", "v=spf1 -all")] for number in range(20)}
        silent = "silent.example"
        names[silent] = [{"fault": "TIMEOUT"}]
        for below in ("_dmarc", "_domainkey", "_mta-sts", "_smtp._tls", "default._bimi"):
            names[f"{below}.{silent}"] = [{"fault": "TIMEOUT"}]
        with DnsServer(names) as server, tempfile.TemporaryDirectory() as folder:
            config, listed = pathlib.Path(folder, "config"), pathlib.Path(folder, "list")
            config.write_text('[dns]\ntimeout = "1s"\n')
            listed.write_text(f"{silent}\n" + "".join(f"d{number}.example\n" for number in range(20)))
            begun = time.monotonic()
            done = subprocess.run(survey("--nameserver", server.address, "--no-dnssec", "--rate", 0, "--config", config,
                                         "--domains-file", listed, "--format", "csv"),
                                  capture_output=True, text=True, timeout=100, check=True)
            took = time.monotonic() - begun
        rows = {row["domain"]: row for row in csv.DictReader(done.stdout.splitlines())}
        self.assertEqual(rows[silent]["name"], "unanswered")
        self.assertEqual((rows[silent]["spf"], rows[silent]["dmarc"], rows[silent]["mx"]), ("unknown",) * 3)
        self.assertEqual({rows[f"d{number}.example"]["spf"] for number in range(20)}, {"hard-fail"})
        self.assertLess(took, 30)

    def test_the_rate_is_kept(self):
        names = {f"d{number}.example": [("TXT", "v=spf1 -all")] for number in range(4)}
        with DnsServer(names) as server, tempfile.NamedTemporaryFile("w") as listed:
            listed.write("".join(f"{name}\n" for name in names))
            listed.flush()
            begun = time.monotonic()
            subprocess.run(survey("--nameserver", server.address, "--no-dnssec", "--rate", 100, "--domains-file",
                                  listed.name), capture_output=True, timeout=100, check=True)
            took = time.monotonic() - begun
            self.assertGreater(len(server.queries), 200)
            self.assertLess(len(server.queries) / took, 115)


class Progress(Surveyed):
    def test_a_terminal_has_a_bar_with_rate_and_time_left(self):
        master, slave = pty.openpty()
        with subprocess.Popen(survey("--zone", self.zone, "--domains-file", self.list, "--rate", DOMAINS),
                              stdout=subprocess.DEVNULL, stderr=slave) as run:
            os.close(slave)
            shown = b""
            while b" left" not in shown:
                shown += os.read(master, 4096)
            run.kill()
        os.close(master)
        self.assertRegex(shown.decode(), rf"\[#*-+\] +\d+%  \d+ of {DOMAINS} domains, [\d.]+ a second, \d+ (s|min|h) left")


@unittest.skipIf(why_no_browser(), why_no_browser())
class Page(Surveyed):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = cls.folder / "page.html"
        subprocess.run(survey("--facts", cls.facts, "--format", "html", "--out", cls.page), check=True, timeout=300)

    def browser(self, width, media=()):
        options = Options()
        options.binary_location = BROWSER
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                         f"--user-data-dir={tempfile.mkdtemp(dir=self.folder)}", f"--window-size={width},900"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(service=Service(DRIVER), options=options)
        self.addCleanup(driver.quit)
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                               {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
        if media:
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dict(media))
        driver.get(self.page.as_uri())
        return driver

    def keep(self, name, octets):
        if folder := os.environ.get("AUTHMILTER_PICTURES"):
            pathlib.Path(folder, name).write_bytes(octets)

    def picture(self, driver, name, width):
        height = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
        data = driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})
        self.keep(f"{name}.png", base64.b64decode(data["data"]))

    def test_it_has_the_numbers_of_the_summary_in_plots_and_tables(self):
        driver = self.browser(1280)
        for question in self.summary["questions"]:
            rows = driver.execute_script(
                "return [...document.getElementById(arguments[0]).parentElement.querySelectorAll('tbody tr')]"
                ".map(row => [...row.children].map(cell => cell.textContent))", f"q-{question['id']}")
            self.assertEqual([(row[0], int(row[1].replace(",", ""))) for row in rows],
                             [(choice["title"], choice["count"]) for choice in question["choices"]])
            label = driver.execute_script(
                "return document.getElementById(arguments[0]).parentElement.querySelector('svg[role=img]')"
                ".getAttribute('aria-label')", f"q-{question['id']}")
            for choice, row in zip(question["choices"], rows):
                self.assertIn(f"{choice['title']}: {row[2]}", label)
        # As long as its share.
        lengths = driver.execute_script(
            "return [...document.getElementById('q-spf').parentElement.querySelectorAll('.plot rect[class^=k-]')]"
            ".map(bar => bar.getBoundingClientRect().width)")
        shares = [choice["count"] for choice in self.summary["questions"][1]["choices"] if choice["count"]]
        self.assertEqual(len(lengths), len(shares))
        for length, share in zip(lengths, shares):
            self.assertAlmostEqual(length / lengths[0], share / shares[0], delta=0.02)
        self.picture(driver, "survey-desk", 1280)
        self.assertEqual([entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"], [])
        asked = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
        self.assertEqual({one["params"]["request"]["url"] for one in asked if one["method"] == "Network.requestWillBeSent"
                          and one["params"]["documentURL"] == self.page.as_uri()}, {self.page.as_uri()})

    def test_a_telephone_needs_no_scrolling_sideways(self):
        driver = self.browser(390)
        self.assertLessEqual(driver.execute_script("return document.documentElement.scrollWidth"), 390)
        self.picture(driver, "survey-telephone", 390)

    def test_in_the_dark_text_can_be_read(self):
        driver = self.browser(1280, {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.picture(driver, "survey-dark", 1280)
        colours = driver.execute_script(
            "return [getComputedStyle(document.body).backgroundColor, "
            "getComputedStyle(document.querySelector('.plot text')).fill]")

        def light(colour):
            return sum(map(int, re.findall(r"\d+", colour)[:3]))
        self.assertLess(light(colours[0]), 200)
        self.assertGreater(light(colours[1]), 500)

    def test_on_paper_no_plot_is_cut_in_two(self):
        driver = self.browser(1280)
        pdf = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
        self.keep("survey.pdf", pdf)
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertLess(len(re.findall(rb"/Type\s*/Page\b", pdf)), 25)

    def test_headings_and_names_for_those_who_listen(self):
        driver = self.browser(1280)
        unnamed = driver.execute_script(
            "return [...document.querySelectorAll('svg:not([aria-hidden])')].filter(one => !one.getAttribute('aria-label'))"
            ".length")
        self.assertEqual(unnamed, 0)
        self.assertEqual(driver.execute_script("return document.querySelectorAll('h1').length"), 1)
        self.assertEqual(driver.execute_script("return document.querySelectorAll('script').length"), 0)


if __name__ == "__main__":
    ran.main()
