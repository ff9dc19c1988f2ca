#!/usr/bin/env python3
"""`authmilter audit --simulate`: which senders of a file of cases would pass under the records of a zone, as a table and
as JSON, and what the exit status says of it.

usage: audit_simulation_test.py AUTHMILTER [unittest arguments]
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import ran

COMMAND = sys.argv.pop(1)

ZONE = """\
$ORIGIN example.org.
$TTL 60
@ TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc TXT "v=DMARC1; p=reject"
n1._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
old._domainkey TXT "v=DKIM1; p="
"""
CASES = """\
[[case]]
name = "our server"
client = "192.0.2.25"
mail_from = "joe@example.org"
expect = "pass"
expect_spf = "pass"
[[case]]
name = "newsletter"
client = "198.51.100.7"
mail_from = "bounces@news.example"
dkim = "n1._domainkey.example.org"
expect = "pass"
[[case]]
name = "old printer"
client = "198.51.100.8"
mail_from = "printer@example.org"
dkim = ["old._domainkey.example.org"]
[[case]]
name = "forger"
client = "203.0.113.66"
mail_from = "joe@example.org"
expect = "reject"
"""


class Simulation(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def simulate(self, *arguments, cases=CASES, zone=ZONE, domains=("example.org",)):
        (self.folder / "zone").write_text(zone)
        (self.folder / "cases").write_text(cases)
        return subprocess.run([COMMAND, "audit", "--simulate", self.folder / "cases", "--zone", self.folder / "zone",
                               *arguments, *domains], capture_output=True, text=True, timeout=60, check=False)

    def test_a_table_for_people(self):
        done = self.simulate()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = [line.split("  ") for line in done.stdout.splitlines()]
        cells = {row[0]: row[1:] for row in ([cell.strip() for cell in row if cell.strip()] for row in rows) if row}
        self.assertEqual(cells["our server"], ["example.org", "pass", "none", "SPF", "pass", "as expected"])
        self.assertEqual(cells["newsletter"], ["example.org", "none", "pass", "DKIM", "pass", "as expected"])
        self.assertEqual(cells["old printer"], ["example.org", "fail", "fail", "nothing", "reject", "-"])
        self.assertEqual(cells["forger"], ["example.org", "fail", "none", "nothing", "reject", "as expected"])
        self.assertIn("old printer: old._domainkey.example.org: the key is revoked", done.stdout)

    def test_json_for_programs(self):
        done = self.simulate("--json")
        senders = {one["name"]: one for one in json.loads(done.stdout)}
        self.assertEqual({name: (one["outcome"], one["expected"], one["as_expected"]) for name, one in senders.items()},
                         {"our server": ("pass", "pass", True), "newsletter": ("pass", "pass", True),
                          "old printer": ("reject", None, None), "forger": ("reject", "reject", True)})
        newsletter = senders["newsletter"]
        self.assertEqual(newsletter["dkim"],
                         [{"domain": "example.org", "selector": "n1", "result": "pass", "reason": ""}])
        self.assertEqual((newsletter["spf"]["result"], newsletter["dmarc"]["dkim_aligned"]), ("none", True))

    def test_what_comes_out_otherwise_is_exit_1(self):
        done = self.simulate(zone=ZONE.replace("p=reject", "p=quarantine"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("EXPECTED reject", done.stdout)

    def test_the_result_may_go_into_a_file(self):
        out = self.folder / "out"
        self.assertEqual(self.simulate("--out", out).stdout, "")
        self.assertIn("newsletter", out.read_text())

    def test_wrong_input(self):
        rows = [
            ((), {"cases": "[[case]]\nclient = 1\n"}, 66, "cases:2:10: \"client\" must be a string"),
            ((), {"domains": ()}, 64, "--simulate is for one domain"),
            ((), {"domains": ("a.example", "b.example")}, 64, "--simulate is for one domain"),
            (("--format", "html"), {}, 64, "--simulate is shown as text or json"),
        ]
        for arguments, given, status, said in rows:
            with self.subTest(said):
                done = self.simulate(*arguments, **given)
                self.assertEqual(done.returncode, status)
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    ran.main()
