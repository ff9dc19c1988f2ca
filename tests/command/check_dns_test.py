#!/usr/bin/env python3
"""`authmilter check-dns` with real name servers, and with what may stand before them.

usage: check_dns_test.py AUTHMILTER [unittest arguments]
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from harness import ran, signed_tree
from harness.signed_tree import Middlebox, SignedTree

COMMAND = sys.argv.pop(1)
NAMES = ["--signed", "example.org", "--bogus", "bogus.org", "--large", "large.org", "--loopback", "loopback.org"]
CUT_OFF = ("nameservers pass the DNSSEC keys of the root, but not what leads below it (DS, DNSKEY): "
           "answers are not validated")


def run(*arguments):
    return subprocess.run([COMMAND, "check-dns", *arguments], capture_output=True, text=True, timeout=120, check=False)


def bad(checks):
    return {check["id"]: check["status"] for check in checks if check["status"] != "pass"}


class CheckDns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not SignedTree.available():
            sys.exit(77)
        cls.tree = SignedTree().__enter__()
        cls.folder = tempfile.TemporaryDirectory()
        cls.config = pathlib.Path(cls.folder.name) / "authmilter.toml"

    @classmethod
    def tearDownClass(cls):
        cls.tree.__exit__(None, None, None)
        cls.folder.cleanup()

    def configure(self, server, dnssec="auto", timeout="2s"):
        self.config.write_text(f'[identity]\nauthserv_id = "mx.example.net"\n[dns]\nnameservers = ["{server}"]\n'
                               f'dnssec = "{dnssec}"\ntimeout = "{timeout}"\ntrust_anchor = "{self.tree.anchor}"\n')

    def check(self, *arguments):
        result = run("--config", str(self.config), "--json", *NAMES, *arguments)
        return result.returncode, json.loads(result.stdout) if result.stdout else result.stderr

    # what stands before unbound, dns.dnssec, exit status, what that server does not pass, nor the daemon, a notice
    ROWS = (
        ("nothing", {}, "auto", 0, {}, {}, []),
        ("nothing, validation demanded", {}, "on", 0, {}, {}, []),
        ("nothing, no validation", {}, "off", 0, {}, {"bogus": "warn"}, []),
        ("DS and DNSKEY are refused below the root", {"change": signed_tree.refuses_below_the_root}, "auto", 0,
         {"dnssec": "warn"}, {"validation": "warn", "bogus": "warn"}, [CUT_OFF]),
        ("the same, validation demanded", {"change": signed_tree.refuses_below_the_root}, "on", 2,
         {"dnssec": "fail"}, {"lookups": "fail", "validation": "fail", "large": "fail", "loopback": "unknown"}, []),
        ("no signatures", {"ask": signed_tree.without_dnssec}, "auto", 0, {"dnssec": "warn"},
         {"validation": "warn", "bogus": "warn"},
         ["nameservers strip DNSSEC signatures: answers are not validated"]),
        ("no TCP", {"change": signed_tree.without_tcp}, "auto", 1, {"tcp": "fail", "large": "fail"},
         {"large": "fail"}, []),
        ("a filter against DNS rebinding", {"change": signed_tree.stops_rebinding}, "off", 1,
         {"loopback": "fail"}, {"bogus": "warn", "loopback": "fail"}, []),
        ("addresses for names that do not exist", {"change": signed_tree.rewrites_missing_names}, "off", 1,
         {"missing": "fail"}, {"bogus": "warn"}, []),
        ("a server that refuses", {"change": signed_tree.refuses}, "off", 2,
         {"answers": "fail", "edns": "warn", "large": "fail", "loopback": "unknown", "missing": "unknown"},
         {"lookups": "fail", "bogus": "unknown", "large": "fail", "loopback": "unknown"}, []),
        ("silence", {"change": signed_tree.silent}, "off", 2, {"answers": "fail"},
         {"lookups": "fail", "bogus": "unknown", "large": "fail", "loopback": "unknown"}, []),
    )

    def test_what_is_found(self):
        for why, box, dnssec, status, server_bad, daemon_bad, notices in self.ROWS:
            with self.subTest(why=why), Middlebox(self.tree.address, **box) as server:
                self.configure(server.address, dnssec, "1s" if status else "5s")
                exit_status, report = self.check()
                self.assertEqual(bad(report["name_servers"][0]["checks"]), server_bad, report)
                self.assertEqual(bad(report["daemon"]), daemon_bad, report)
                self.assertEqual(report["notices"], notices)
                self.assertEqual(exit_status, status)
                for check in report["name_servers"][0]["checks"] + report["daemon"]:
                    self.assertEqual(check["remedy"] is None, check["status"] == "pass", check)

    def test_no_edns(self):
        with Middlebox(self.tree.address, ask=signed_tree.without_edns) as server:
            self.configure(server.address)
            exit_status, report = self.check()
            self.assertEqual(exit_status, 0, report)
            self.assertEqual(bad(report["name_servers"][0]["checks"]), {"edns": "warn", "dnssec": "warn"})

    def test_one_of_two_is_down(self):
        self.configure(f'{self.tree.address}", "127.0.0.1@9')
        exit_status, report = self.check()
        self.assertEqual(exit_status, 1)
        self.assertEqual([bad(one["checks"]) for one in report["name_servers"]], [{}, {"answers": "fail"}])
        self.assertEqual(bad(report["daemon"]), {})

    def test_a_name_server_that_is_none(self):
        self.configure(self.tree.address)
        for text in ("ns.example.org", "192.0.2.53@0", "::1@65536", "127.0.0.1:53"):
            with self.subTest(text=text):
                result = run("--config", str(self.config), "--nameserver", text)
                self.assertEqual((result.returncode, result.stdout), (64, ""))
                self.assertIn(f'nameserver "{text}" is not ADDRESS or ADDRESS@PORT', result.stderr)

    def test_the_command_line(self):
        self.configure(self.tree.address)
        config = ["--config", str(self.config)]
        rows = (("text", config + NAMES, 0, ["Name server 127.0.0.1@", "As the daemon asks", "TXT records of 4000 octets"]),
                ("a server that is named", config + NAMES + ["--nameserver", "127.0.0.1@9"], 2, ["does not answer"]),
                ("names of the public tree in a private one", config, 0, ["--signed NAME"]),
                ("--no-dnssec", config + NAMES + ["--no-dnssec"], 0, ["answers are not validated"]),
                ("a zone", config + ["--zone", "/dev/null"], 64, []),
                ("a name that is none", config + ["--signed", "a b"], 64, []),
                ("a name server that is none", config + ["--nameserver", "ns.example.org"], 64, []),
                ("no configuration", ["--config", "/nonexistent"], 78, []),
                ("help", ["--help"], 0, ["iana.org"]))
        for why, arguments, status, words in rows:
            with self.subTest(why=why):
                result = run(*arguments)
                self.assertEqual(result.returncode, status, result.stdout + result.stderr)
                for word in words:
                    self.assertIn(word, result.stdout)

    def test_an_anchor_that_is_damaged(self):
        broken = self.config.parent / "broken.key"
        broken.write_text(self.tree.anchor.read_text().replace("257 3 13 ", "257 3 13 AA"))
        self.configure(self.tree.address, "on")
        self.config.write_text(self.config.read_text().replace(str(self.tree.anchor), str(broken)))
        exit_status, error = self.check()
        self.assertEqual(exit_status, 78)
        self.assertIn(f"DNSSEC trust anchor: {broken}: line 1: a DNSKEY record", error)
        self.config.write_text(self.config.read_text().replace('"on"', '"auto"'))
        exit_status, report = self.check()
        self.assertEqual(exit_status, 0)
        self.assertEqual(bad(report["daemon"]), {"validation": "warn", "bogus": "warn"})
        self.assertIn("answers are not validated", report["notices"][0])


if __name__ == "__main__":
    ran.main()
