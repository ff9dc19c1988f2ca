#!/usr/bin/python3
"""The benchmark can be called, and its figures have the right shape. No time is judged here.

usage: bench_test.py BUILD_FOLDER [unittest arguments]

Messages are played where `cmake --build BUILD_FOLDER --target bench` has made the programs.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import ran

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else HERE.parents[1] / "build/release"
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

try:
    import loads
    import report
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

PROGRAMS = ("bench_driver", "bench_floor", "libbench_allocations.so")


def run(*arguments):
    return subprocess.run([HERE / "run", *map(str, arguments)], capture_output=True, text=True, timeout=500)


def cell(name, load, repetition, cpu_us, **more):
    return {"filter": name, "load": load, "repetition": repetition, "cpu_us": cpu_us, "messages": 10, "problem": "",
            "messages_per_second": 100.0, "driver_cpu_us": 50.0, "p50_ms": 1.0, "p99_ms": 4.0, "rest_kb": 1,
            "most_kb": 1, **more}


class Arguments(unittest.TestCase):
    def test_help_and_list(self):
        self.assertIn("usage:", run("--help").stdout)
        self.assertIn("verify 10 kB c=8\n", run("--list").stdout)

    def test_wrong_ones(self):
        for arguments, complaint in (
                (["--repeat", "0"], "--repeat is at least 1"),
                (["--seconds", "0"], "--seconds between"),
                (["--messages", "-1"], "not negative"),
                (["--old", "/nowhere"], "--old: /nowhere does not exist"),
                (["--against", "/nowhere"], "--against: /nowhere does not exist"),
                (["--only", "no such row"], "no row has 'no such row' in its name"),
                (["--wrong"], "--wrong")):
            with self.subTest(arguments=arguments):
                done = run("--no-build", *arguments)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(complaint, done.stderr)

    def test_programs_that_are_not_built(self):
        done = run("--no-build", "--build-folder", "/nowhere")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--target bench", done.stderr)


class Figures(unittest.TestCase):
    def test_ratios_are_of_one_repetition(self):
        # A machine that is ten times as slow in the second.
        mine = [cell("authmilter", "verify 2 kB", 0, 20.0), cell("authmilter", "verify 2 kB", 1, 200.0)]
        theirs = [cell("floor", "verify 2 kB", 0, 10.0), cell("floor", "verify 2 kB", 1, 100.0)]
        self.assertEqual(loads.ratio(mine, theirs), 2.0)

    def test_a_load_that_failed_has_no_ratio(self):
        broken = [cell("floor", "verify 2 kB", 0, 10.0, problem="2 of 10 messages without dkim=pass")]
        self.assertIsNone(loads.ratio([cell("authmilter", "verify 2 kB", 0, 20.0)], broken))

    def test_targets_stand_beside_the_figures(self):
        for cpu_us, verdict in ((17.0, "met"), (19.0, "**missed**")):
            cells = [cell("authmilter", "verify 10 kB c=8", 0, cpu_us), cell("floor", "verify 10 kB c=8", 0, 10.0)]
            with self.subTest(cpu_us=cpu_us):
                self.assertIn(f"{cpu_us / 10:.2f} (at most 1.80: {verdict})", report.load_table(cells))

    def test_what_is_absent_says_so(self):
        figures = {"system": loads.system(), "absent": {"rspamd": "not installed"}, "cells": [], "counts": [],
                   "scale": [], "parts": []}
        self.assertIn("Absent: rspamd, not installed", report.whole(figures))

    def test_a_filter_that_fails_is_named(self):
        cells = [cell("authmilter", "verify 2 kB", 0, None, problem="the filter has closed the connection")]
        self.assertIn("! authmilter, verify 2 kB: the filter has closed the connection", report.load_table(cells))


@unittest.skipUnless((BUILD / "milter/tools/authmilter").exists(), "authmilter was not built")
class Reports(unittest.TestCase):
    def test_a_few_are_made_and_read(self):
        done = subprocess.run(
            [sys.executable, HERE / "report_ingest.py", "--programs", BUILD, "--reports", "20", "--rows", "2000", "--repeat", "1",
             "--no-peers"], capture_output=True, text=True, timeout=100)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("20 reports, 2000 rows", done.stdout)
        for form in ("files", "mails"):
            self.assertRegex(done.stdout, rf"report ingest, {form}: .* us a row")

    def test_they_are_always_the_same(self):
        import report_ingest
        self.assertEqual((sum(report_ingest.sizes(2000, 1_000_000)), min(report_ingest.sizes(7, 7))), (1_000_000, 1))
        made = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                report_ingest.make(pathlib.Path(folder), 5, 100)
                made.append([path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()])
        self.assertEqual(len(made[0]), 10)
        self.assertEqual(*made)


@unittest.skipUnless(all((BUILD / "tests/bench" / name).exists() for name in PROGRAMS), "the target bench was not built")
class TwoMessages(unittest.TestCase):
    def test_rows_are_kept_and_compared(self):
        with tempfile.TemporaryDirectory(prefix="authmilter-bench.", dir="/var/tmp") as folder:
            kept = pathlib.Path(folder, "figures")
            arguments = ("--no-build", "--build-folder", BUILD, "--work", folder, "--no-peers", "--repeat", 1,
                         "--messages", 2, "--only", "verify 10 kB c=1,sign 10 kB c=1,answers that take", "--out", kept)
            first = run(*arguments)
            if "bench: needs" in first.stderr:
                self.skipTest(first.stderr.strip().splitlines()[-1])
            self.assertEqual(first.returncode, 0, first.stderr)
            figures = json.loads(kept.read_text())
            self.assertEqual({(one["filter"], one["load"]) for one in figures["cells"]},
                             {("authmilter", "verify 10 kB c=1"), ("floor", "verify 10 kB c=1"),
                              ("nothing", "verify 10 kB c=1"),
                              ("authmilter", "sign 10 kB c=1"), ("floor-rsa", "sign 10 kB c=1")})
            for one in figures["cells"]:
                with self.subTest(one=one):
                    self.assertEqual(one["problem"], "")
                    self.assertEqual(one["messages"], 2)
                    for key in ("cpu_us", "messages_per_second", "p50_ms", "p99_ms", "rest_kb", "most_kb"):
                        self.assertGreater(one[key], 0, key)
            (slow,) = figures["scale"]
            self.assertGreater(slow.get("after_end_p50_ms", 0), 0, slow)
            second = run(*arguments, "--against", kept)
            self.assertIn("### Against the run that was kept", second.stdout)


if __name__ == "__main__":
    ran.main()
