#!/usr/bin/python3
"""A configuration is read in time proportional to its size, and its mistakes keep their places.

usage: config_size_test.py AUTHMILTERD [unittest arguments]

Four times the entries may take five and a half times the processor's time; what compares each with each takes sixteen.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import unittest

from harness import ran

DAEMON = os.path.abspath(sys.argv[1])
ENTRIES = 5000
HEAD = """[milter]
socket_group = ""
[identity]
authserv_id = "mx.example.org"
"""


def listed(form):
    return lambda count: "[" + ",\n".join('"' + form.format(n=n, high=n >> 8, low=n & 255) + '"'
                                          for n in range(count)) + "]\n"


def tables(form):
    return lambda count: "".join(form.format(n=n, high=n >> 8, low=n & 255) for n in range(count))


def headed(head, body):
    return lambda count: head + body(count)


RULE = '[[policy.override]]\n{condition}\ndmarc_reject = "accept"\n'

# what, the text for a number of entries
ROWS = [
    ("signing domains", tables('[[signing.domain]]\ndomain = "d{n}.example"\nsubdomains = true\n'
                               'keys = [{{ selector = "s", file = "k.pem" }}]\n')),
    ("keys of a domain", lambda count: '[[signing.domain]]\ndomain = "example.org"\nkeys = [' + tables(
        '{{ selector = "s{n}", file = "k.pem" }},\n')(count) + "]\n"),
    ("networks", headed("[network]\ninternal = ", listed("10.{high}.{low}.0/24"))),
    ("networks of IPv6", headed("[network]\ninternal = ", listed("2001:db8:{n:x}::/48"))),
    ("requirements of TLS", tables('[[network.require_tls]]\nclients = "10.{high}.{low}.0/24"\n')),
    ("clients of one requirement", headed("[[network.require_tls]]\nclients = ", listed("10.{high}.{low}.1"))),
    ("trusted names", headed("trusted_authserv_ids = ", listed("mx{n}.example.org"))),
    ("overrides by client", tables(RULE.format(condition='client = "10.{high}.{low}.0/24"'))),
    ("overrides by author", tables(RULE.format(condition='author_domain = "d{n}.example"'))),
    ("overrides by sender", tables(RULE.format(condition='mail_from = "u{n}@example.net"'))),
    ("overrides by recipient", tables(RULE.format(condition='recipient = "*.d{n}.example"'))),
    ("overrides of one author", tables(RULE.format(condition='author_domain = "example.net"\ndkim_domain = "d{n}.example"'))),
    ("members of one override", headed(RULE.format(condition="") + "author_domain = ", listed("d{n}.example"))),
]


class Size(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "authmilter.toml"
        key = self.file.with_name("k.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True)
        key.chmod(0o600)

    def read(self, option, text):
        self.file.write_text(HEAD + text)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = subprocess.run([DAEMON, "--config", self.file, option], check=False, capture_output=True, text=True,
                                timeout=600)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def seconds(self, option, text):
        result, seconds = self.read(option, text)
        self.assertEqual(result.returncode, 0, result.stderr)
        return seconds

    def test_time_grows_with_the_size(self):
        for what, text in ROWS:
            for option in ("--check-config", "--print-config"):
                with self.subTest(what, option=option):
                    few, many = (self.seconds(option, text(count)) for count in (ENTRIES, 4 * ENTRIES))
                    print(f"{what}, {option}: {few:.2f} s for {ENTRIES}, {many:.2f} s for {4 * ENTRIES}")
                    self.assertLess(many, 5.5 * few + 0.2)

    def test_a_mistake_at_the_end_has_its_place(self):
        domains = ROWS[0][1](ENTRIES)
        line = (HEAD + domains).count("\n") + 2
        again = '[[signing.domain]]\ndomain = "d0.example"\nkeys = [{ selector = "s", file = "k.pem" }]\n'
        result, _ = self.read("--check-config", domains + again)
        self.assertEqual((result.returncode, result.stderr.strip()),
                         (78, f'{self.file}:{line}:10: signing.domain.domain: "d0.example" is configured already'))


if __name__ == "__main__":
    ran.main(argv=[sys.argv[0], *sys.argv[2:]])
