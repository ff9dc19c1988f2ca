"""A trust anchor file that is missing, empty or damaged, when the daemon starts and when it reloads: it serves, or
says what is wrong. libunbound itself would end the process over some of these.

    test_trust_anchor.py AUTHMILTERD [unittest arguments]
"""

import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from harness import measured, ran
from harness.signed_tree import SignedTree

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
EX_CONFIG = 78
UNUSABLE = "holds no usable DS or DNSKEY record of the root"


def written(content):
    return lambda path: path.write_bytes(content)


def cut_off(path):
    path.write_text(re.sub(r"(DNSKEY[^;\n]*)....(\s*(;.*)?)\n", r"\1\2\n", path.read_text()))


# How the file is spoilt, and what is said of it behind its name.
DAMAGE = {
    "missing": (pathlib.Path.unlink, "No such file or directory"),
    "empty": (written(b""), UNUSABLE),
    "comments alone": (written(b"; a rollover is under way\n\n"), UNUSABLE),
    "a key that is cut off": (cut_off, "line 1: a DNSKEY record"),
    "a digest that is cut off": (written(b". IN DS 20326 8 2 E06D44B8\n"), "line 1: a DS record whose digest"),
    "prose": (written(b"not found\n"), UNUSABLE),
    "a page of HTML": (written(b"<!DOCTYPE html>\n<html></html>\n"), "line 1: "),
    "zeros, as after a crash of the machine": (written(bytes(4096)), ""),
    "octets of any kind": (written(bytes(range(256)) * 16), ""),
    "unbalanced": (written(b". IN DS ( 20326 8 2\n"), "line 2: unbalanced parenthesis"),
    "too large": (written(b";" * 300_000), "is larger than 262144 octets"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "is not a regular file"),
}


class TrustAnchor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = cls.enterClassContext(SignedTree())

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.anchor = pathlib.Path(folder.name) / "root.key"
        self.put_back()

    def put_back(self):
        if self.anchor.is_dir():
            self.anchor.rmdir()
        self.anchor.write_bytes(self.tree.anchor.read_bytes())

    def configured(self, mode):
        def prepare(daemon):
            text = re.sub(r"zones = .*\n", f'trust_anchor = "{self.anchor}"\n', daemon.config.read_text())
            for old, new in (("127.0.0.1@9", self.tree.address), ('"off"', f'"{mode}"'), ('"1s"', '"5s"')):
                text = text.replace(old, new)
            daemon.write_config(text=text)
        return prepare

    def run_until_it_ends(self, mode):
        """Of a daemon that does not get as far as serving: exit status and log."""
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "authmilter.toml"
            config.write_text(f"""[milter]
socket = "unix:{folder}/milter.sock"
[identity]
authserv_id = "mx.example.net"
[dns]
nameservers = ["{self.tree.address}"]
dnssec = "{mode}"
trust_anchor = "{self.anchor}"
""")
            return {options: subprocess.run([PROGRAM, "--config", str(config), "--allow-root", *options],
                                            capture_output=True, text=True, timeout=60, check=False)
                    for options in ((), ("--check-config",))}

    def check_serves(self, daemon):
        with daemon.client() as client:
            client.greet("192.0.2.1", helo="mx.example.org")
            result = client.deliver([("From", " a@example.org")], mail_from="<a@example.org>")
        self.assertIn("spf=fail", str(result.changes))

    def reload(self, daemon, said):
        count = len(daemon.lines(said))
        daemon.send_signal(signal.SIGHUP)
        return daemon.wait_for(said, count=count + 1)[-1]

    def test_at_the_start_where_validation_is_demanded(self):
        for what, (spoil, why) in DAMAGE.items():
            with self.subTest(what):
                self.put_back()
                spoil(self.anchor)
                for options, ended in self.run_until_it_ends("on").items():
                    self.assertEqual(ended.returncode, EX_CONFIG, ended.stderr)
                    self.assertIn(f"DNSSEC trust anchor: {self.anchor}: {why}", ended.stderr)

    def test_at_the_start_where_it_is_automatic(self):
        for what, (spoil, why) in DAMAGE.items():
            with self.subTest(what):
                self.put_back()
                spoil(self.anchor)
                with measured.Measured(PROGRAM, prepare=self.configured("auto")) as daemon:
                    line, = daemon.wait_for("DNSSEC trust anchor: ")
                    self.assertRegex(line, re.escape(f"{self.anchor}: {why}") + ".*: answers are not validated")
                    self.check_serves(daemon)
                    self.assertEqual(daemon.series()[self.validating(daemon)], 0)
                    if what != "missing":
                        continue
                    # It is mended, and taken over without a restart.
                    self.put_back()
                    self.reload(daemon, "configuration reloaded")
                    self.check_serves(daemon)
                    daemon.wait_for_series(self.validating(daemon), 1, seconds=40)

    def test_at_the_start_where_nobody_validates(self):
        written(b"\0")(self.anchor)
        with measured.Measured(PROGRAM, prepare=self.configured("off")) as daemon:
            self.check_serves(daemon)
            self.assertEqual(daemon.lines("trust anchor"), [])

    def test_at_a_reload(self):
        rows = list(DAMAGE.items())
        # The log holds back what repeats more often than this.
        some = [rows[at:at + 6] for at in range(0, len(rows), 6)]
        for mode, said in (("on", "cannot reload"), ("auto", "the one in force stays")):
            for part in some:
                with measured.Measured(PROGRAM, prepare=self.configured(mode)) as daemon:
                    self.check_serves(daemon)
                    daemon.wait_for_series(self.validating(daemon), 1, seconds=40)
                    for what, (spoil, why) in part:
                        with self.subTest(mode, what=what):
                            spoil(self.anchor)
                            self.assertIn(f"DNSSEC trust anchor: {self.anchor}: {why}", self.reload(daemon, said))
                            self.check_serves(daemon)
                        self.put_back()
                    self.reload(daemon, "configuration reloaded")
                    self.check_serves(daemon)
                    daemon.wait_for_series(self.validating(daemon), 1, seconds=40)

    def validating(self, daemon):
        return f'authmilter_dns_validating{{socket="{daemon.sockets[0]}"}}'


if __name__ == "__main__":
    if not SignedTree.available():
        print("skipped: no NSD, unbound or ldns")
        sys.exit(77)
    ran.main()
