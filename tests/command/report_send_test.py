#!/usr/bin/env python3
"""`authmilter report send`, with a store, a program like sendmail(1) and a zone of the test's own.

usage: report_send_test.py AUTHMILTER REPORT_ROWS [unittest arguments]
"""

import calendar
import email
import email.policy
import gzip
import json
import os
import pathlib
import pty
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree

from harness import postgresql, ran
from harness.daemon import make_key

COMMAND, ROWS = (sys.argv.pop(1) for _ in range(2))
DAY = calendar.timegm((2026, 11, 28, 0, 0, 0)) // 86400
NIGHT = (DAY + 1) * 86400 + 3600
NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"

ZONE = """\
$ORIGIN .
$TTL 60
. SOA ns.invalid. host.invalid. 1 60 60 60 60
_dmarc.bank.example TXT "v=DMARC1; p=reject; rua=mailto:d@bank.example"
_dmarc.shop.example TXT "v=DMARC1; p=quarantine; rua=mailto:d@shop.example,mailto:d@reader.example"
shop.example._report._dmarc.reader.example TXT "v=DMARC1"
_dmarc.club.example TXT "v=DMARC1; p=none; rua=mailto:d@stranger.example"
"""
TRAFFIC = """\
bank.example reject mailto:d@bank.example 192.0.2.1 3 pass
bank.example reject mailto:d@bank.example 203.0.113.9 2 fail
shop.example quarantine mailto:d@shop.example,mailto:d@reader.example 192.0.2.2 7 fail
club.example none mailto:d@stranger.example 192.0.2.3 1 fail
"""
# What it is given it puts into a folder, whole, under a name that nobody else has.
SENDMAIL = """\
#!/bin/sh
cd {folder}/mails || exit 75
name=$(mktemp new.XXXXXXXX) || exit 75
[ -e ../slow ] && sleep "$(cat ../slow)"
{{ echo "$@"; cat; }} > "$name" && mv "$name" "mail.${{name#new.}}"
exit "$(cat ../status)"
"""


class Host:
    """A folder with all that a host needs, and what comes out of it."""

    def __init__(self, case, more="", zone=ZONE, traffic=TRAFFIC, store=None, name="mx.home.example"):
        folder = tempfile.TemporaryDirectory(prefix="authmilter-")
        case.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "mails").mkdir()
        (self.folder / "zone").write_text(zone)
        (self.folder / "status").write_text("0")
        sendmail = self.folder / "sendmail"
        sendmail.write_text(SENDMAIL.format(folder=self.folder))
        sendmail.chmod(0o755)
        self.store = store or f"sqlite:{self.folder}/reports.db"
        self.name = name
        self.config = self.folder / "authmilter.toml"
        self.configure(more)
        self.add(traffic)

    def configure(self, more="", reports=""):
        self.config.write_text(f"""\
[identity]
authserv_id = "{self.name}"
[dns]
zones = ["{self.folder}/zone"]
dnssec = "off"
[reports]
store = "{self.store}"
spool = "{self.folder}/spool"
organization = "Home & Garden"
email = "dmarc@home.example"
deliver = "{self.folder}/sendmail"
{reports}
{more}""")

    def add(self, traffic, day=DAY):
        subprocess.run([ROWS, self.store, str(day)], input=traffic, text=True, check=True, timeout=60)

    def words(self, *arguments, now=NIGHT):
        zone = ["--zone", str(self.folder / "zone")]
        return [COMMAND, "report", "send", "--config", str(self.config), "--time", str(now), *zone, *arguments]

    def send(self, *arguments, now=NIGHT):
        return subprocess.run(self.words(*arguments, now=now), capture_output=True, text=True, timeout=120, check=False)

    def lines(self, *arguments, now=NIGHT):
        result = self.send("--json", *arguments, now=now)
        return result.returncode, json.loads(result.stdout)

    def mails(self):
        """Of each mail the words that the program was called with, and the message."""
        found = []
        for path in sorted((self.folder / "mails").glob("mail.*")):
            words, _, text = path.read_bytes().partition(b"\n")
            found.append((words.decode().split(), email.message_from_bytes(text, policy=email.policy.default)))
        return found

    def recipients(self):
        return sorted(words[-1] for words, _ in self.mails())


def report_of(message):
    """Name and root element of the report in a mail."""
    parts = [part for part in message.walk() if part.get_content_type() == "application/gzip"]
    assert len(parts) == 1, "one part with the report"
    return parts[0].get_filename(), xml.etree.ElementTree.fromstring(gzip.decompress(parts[0].get_content()))


def text(element, path):
    found = element.find("/".join(NAMESPACE + name for name in path.split("/")))
    return None if found is None else found.text


class Send(unittest.TestCase):
    def test_what_is_due_is_sent_once(self):
        host = Host(self)
        status, lines = host.lines()
        self.assertEqual(status, 0)
        states = {line["destination"]: line["state"] for line in lines}
        self.assertEqual(states, {"mailto:d@bank.example": "sent", "mailto:d@shop.example": "sent",
                                  "mailto:d@reader.example": "sent", "mailto:d@stranger.example": "failed"})
        self.assertEqual(host.recipients(), ["d@bank.example", "d@reader.example", "d@shop.example"])
        result = host.send()
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        again, nothing = host.lines()
        self.assertEqual((again, nothing), (0, []))
        self.assertEqual(len(host.mails()), 3)

    def test_the_mail(self):
        host = Host(self)
        host.send("--domain", "bank.example")
        ((words, message),) = host.mails()
        self.assertEqual(words, ["-i", "-f", "dmarc@home.example", "--", "d@bank.example"])
        self.assertEqual(message["From"], "dmarc@home.example")
        self.assertEqual(message["To"], "d@bank.example")
        report_id = message["Message-ID"].strip("<>")
        self.assertEqual(str(message["Subject"]),
                         f"Report Domain: bank.example Submitter: mx.home.example Report-ID: <{report_id}>")
        name, root = report_of(message)
        self.assertEqual(name, f"mx.home.example!bank.example!{DAY * 86400}!{DAY * 86400 + 86399}.xml.gz")
        self.assertEqual(root.tag, NAMESPACE + "feedback")
        for path, value in (("version", "1.0"), ("report_metadata/org_name", "Home & Garden"),
                            ("report_metadata/email", "dmarc@home.example"),
                            ("report_metadata/report_id", report_id), ("policy_published/domain", "bank.example"),
                            ("policy_published/discovery_method", "treewalk"), ("policy_published/p", "reject"),
                            ("policy_published/np", "reject"), ("policy_published/testing", "n")):
            with self.subTest(path):
                self.assertEqual(text(root, path), value)
        self.assertTrue(text(root, "report_metadata/generator").startswith("authmilter "))
        counts = [text(record, "row/count") for record in root.findall(NAMESPACE + "record")]
        self.assertEqual(counts, ["3", "2"])
        dispositions = [text(record, "row/policy_evaluated/disposition")
                        for record in root.findall(NAMESPACE + "record")]
        self.assertEqual(dispositions, ["pass", "reject"])

    def test_it_is_signed_where_the_key_is(self):
        host = Host(self)
        self.assertIn("no key of home.example is here", host.send().stderr)
        self.assertTrue(all(message["DKIM-Signature"] is None for _, message in host.mails()))
        host = Host(self)
        make_key(host.folder / "key.pem", "ed25519")
        host.configure(f'[[signing.domain]]\ndomain = "home.example"\n'
                       f'keys = [{{ selector = "s", file = "{host.folder}/key.pem" }}]\n')
        self.assertEqual(host.send().stderr, "")
        for _, message in host.mails():
            self.assertIn("d=home.example", message["DKIM-Signature"])
        # The whole of it is verified by the command itself, as a receiver would.
        record = subprocess.run([COMMAND, "key", "show", "--domain", "home.example", "--selector", "s",
                                 str(host.folder / "key.pem")], capture_output=True, text=True, check=True).stdout
        zone = host.folder / "zone"
        zone.write_text(ZONE + '_dmarc.home.example TXT "v=DMARC1; p=reject"\n' + record)
        path = next((host.folder / "mails").glob("mail.*"))
        path.write_bytes(path.read_bytes().partition(b"\n")[2])
        result = subprocess.run([COMMAND, "verify", "--json", "--zone", str(zone), "--ip", "192.0.2.1",
                                 "--mail-from", "dmarc@home.example", str(path)],
                                capture_output=True, text=True, check=False)
        self.assertEqual(json.loads(result.stdout)["dmarc"]["result"], "pass")

    def test_a_rehearsal(self):
        host = Host(self)
        out = host.folder / "out"
        status, lines = host.lines("--dry-run", "--out", str(out))
        self.assertEqual(status, 0)
        self.assertEqual(sorted(path.name for path in out.iterdir()),
                         [f"mx.home.example!{domain}!{DAY * 86400}!{DAY * 86400 + 86399}.xml.gz"
                          for domain in ("bank.example", "shop.example")])
        root = xml.etree.ElementTree.fromstring(gzip.decompress(next(out.iterdir()).read_bytes()))
        self.assertEqual(root.tag, NAMESPACE + "feedback")
        self.assertEqual(len(lines), 4)
        self.assertEqual(host.mails(), [])
        # It left nothing behind: what is sent afterwards is what it showed.
        names = {line["file_name"] for line in lines}
        self.assertEqual({line["file_name"] for line in host.lines()[1]}, names)
        self.assertEqual(len(host.mails()), 3)

    def test_a_reader_without_namespaces(self):
        host = Host(self)
        host.configure(reports='without_namespace = ["reader.example"]')
        host.send("--domain", "shop.example")
        roots = {words[-1]: report_of(message)[1].tag for words, message in host.mails()}
        self.assertEqual(roots, {"d@shop.example": NAMESPACE + "feedback", "d@reader.example": "feedback"})

    def test_an_mta_that_does_not_take_it(self):
        host = Host(self)
        (host.folder / "status").write_text("75")
        status, lines = host.lines("--domain", "bank.example")
        self.assertEqual((status, lines[0]["state"]), (2, "planned"))
        (host.folder / "status").write_text("0")
        status, lines = host.lines("--domain", "bank.example", now=NIGHT + 3600)
        self.assertEqual((status, lines[0]["state"]), (0, "sent"))
        first, second = (message for _, message in host.mails())
        self.assertEqual(first["Message-ID"], second["Message-ID"])
        self.assertEqual(report_of(first)[0], report_of(second)[0])

    def test_days(self):
        host = Host(self)
        for arguments, count in ((["--day", "2026-11-27"], 0), (["--day", "2026-11-29"], 0),
                                 (["--day", "2026-11-28"], 4)):
            with self.subTest(arguments):
                self.assertEqual(len(host.lines(*arguments)[1]), count)

    def test_usage(self):
        host = Host(self)
        for arguments, status, why in (
                (["--day", "yesterday"], 64, "is not a day"), (["--day", "2026-02-30"], 64, "is not a day"),
                (["--domain", "a..b"], 64, ""), (["--out", "/tmp"], 64, "--out needs --dry-run"),
                (["--dry-run", "--out", "/proc/none"], 73, "/proc/none")):
            with self.subTest(arguments):
                result = host.send(*arguments)
                self.assertEqual(result.returncode, status, result.stderr)
                self.assertIn(why, result.stderr)
        host.configure(more='')
        text_before = host.config.read_text()
        host.config.write_text(text_before.replace('organization = "Home & Garden"\n', ""))
        result = host.send()
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertIn("reports.organization is not set", result.stderr)
        host.config.write_text(text_before.replace(f'store = "{host.store}"\n', ""))
        self.assertIn("reports.store is not set", host.send().stderr)


class Policies(unittest.TestCase):
    def test_a_policy_that_changes_within_the_day(self):
        """Two reports, to the same destination, with a unique-id in the name of the second file."""
        host = Host(self, traffic="bank.example reject mailto:d@bank.example 192.0.2.1 5 fail\n"
                                  "bank.example none mailto:d@bank.example 192.0.2.1 2 fail\n")
        status, lines = host.lines()
        self.assertEqual((status, len(lines)), (0, 2))
        found = sorted((text(root, "policy_published/p"), text(root, "record/row/count"), name.count("!"))
                       for name, root in (report_of(message) for _, message in host.mails()))
        self.assertEqual(found, [("none", "2", 4), ("reject", "5", 3)])
        self.assertEqual(len({message["Message-ID"] for _, message in host.mails()}), 2)
        self.assertEqual(host.lines(), (0, []))

    def test_a_report_that_is_too_large(self):
        """The source with the most messages stays, and the report says how many are left out."""
        host = Host(self, traffic="".join(f"bank.example reject mailto:d@bank.example 2001:db8::{i:x} {i} fail\n"
                                          for i in range(1, 12001)))
        host.configure(reports="maximum_octets = 65536")
        self.assertEqual(host.lines()[0], 0)
        path = next((host.folder / "mails").glob("mail.*"))
        self.assertLess(path.stat().st_size, 65636)
        ((_, message),) = host.mails()
        _, root = report_of(message)
        counts = [int(text(record, "row/count")) for record in root.findall(NAMESPACE + "record")]
        self.assertEqual(counts, sorted(counts, reverse=True))
        self.assertEqual(counts[0], 12000)
        self.assertGreater(len(counts), 200)
        self.assertIn(f"{12000 * 12001 // 2 - sum(counts)} messages are left out", text(root, "report_metadata/error"))

    def test_progress(self):
        """A bar on a terminal, which is gone at the end."""
        host = Host(self, zone=Killed.ZONE, traffic=Killed.TRAFFIC)
        (host.folder / "slow").write_text("0.2")
        terminal, other = pty.openpty()
        with subprocess.Popen(host.words(), stdout=subprocess.DEVNULL, stderr=other) as run:
            os.close(other)
            shown = b""
            try:
                while part := os.read(terminal, 4096):
                    shown += part
            except OSError:
                pass  # the end of a terminal
            self.assertEqual(run.wait(60), 0)
        os.close(terminal)
        self.assertRegex(shown.decode(), r"\[#+-+\] +\d+%  \d of 8 reports")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)


@unittest.skipUnless(postgresql.programs(), "PostgreSQL is not installed")
class Shared(unittest.TestCase):
    def test_hosts_that_share_a_store(self):
        """One of them sends, in the name of all."""
        with postgresql.Postgresql() as server:
            hosts = [Host(self, zone=Killed.ZONE, traffic="", store=server.uri, name=f"mx{i}.home.example")
                     for i in range(2)]
            for host in hosts:
                (host.folder / "slow").write_text("0.1")
                host.add(Killed.TRAFFIC)  # each has seen the same
            runs = [subprocess.Popen(host.words("--json"), stdout=subprocess.PIPE, text=True) for host in hosts]
            ended = sorted((run.wait(100), run.stdout.read().count('"sent"')) for run in runs)
            for run in runs:
                run.stdout.close()
            self.assertEqual(ended, [(0, 8), (2, 0)])  # the other one comes again
            mails = [mail for host in hosts for mail in host.mails()]
            self.assertEqual(sorted(words[-1] for words, _ in mails), sorted(f"d@d{i}.example" for i in range(1, 9)))
            for _, message in mails:
                name, root = report_of(message)
                self.assertTrue(name.startswith("home.example!"), name)
                domain = text(root, "policy_published/domain")
                self.assertEqual(int(text(root, "record/row/count")), 2 * int(domain[1]))
            self.assertEqual([host.lines() for host in hosts], [(0, []), (0, [])])


class Killed(unittest.TestCase):
    """SIGKILL in the middle of a run: nothing goes out twice, and nothing is forgotten."""

    TRAFFIC = "".join(f"d{i}.example reject mailto:d@d{i}.example 192.0.2.{i} {i} fail\n" for i in range(1, 9))
    ZONE = "$ORIGIN .\n$TTL 60\n. SOA ns.invalid. host.invalid. 1 60 60 60 60\n" + "".join(
        f'_dmarc.d{i}.example TXT "v=DMARC1; p=reject"\n' for i in range(1, 9))

    def check(self, host):
        result = host.send("--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(host.recipients(), sorted(f"d@d{i}.example" for i in range(1, 9)))
        self.assertEqual(len({message["Message-ID"] for _, message in host.mails()}), 8)

    def test_while_the_mta_takes_a_mail(self):
        host = Host(self, zone=self.ZONE, traffic=self.TRAFFIC)
        (host.folder / "slow").write_text("1")
        with subprocess.Popen(host.words(), stdout=subprocess.DEVNULL) as run:
            deadline = time.monotonic() + 60
            while not list((host.folder / "mails").iterdir()) and time.monotonic() < deadline:
                time.sleep(0.01)
            run.kill()
        self.assertEqual(host.mails(), [])  # it is still at it
        (host.folder / "slow").unlink()
        self.check(host)

    def test_at_any_moment(self):
        moments = random.Random(20261128)
        for attempt in range(12):
            with self.subTest(attempt):
                host = Host(self, zone=self.ZONE, traffic=self.TRAFFIC)
                (host.folder / "slow").write_text("0.02")
                # Often enough that it is never let end.
                for _ in range(3):
                    with subprocess.Popen(host.words(), stdout=subprocess.DEVNULL) as run:
                        time.sleep(moments.uniform(0.02, 0.5))
                        run.kill()
                self.check(host)

    def test_asked_to_stop(self):
        for stop in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(stop):
                host = Host(self, zone=self.ZONE, traffic=self.TRAFFIC)
                (host.folder / "slow").write_text("0.5")
                with subprocess.Popen(host.words(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      start_new_session=True) as run:
                    deadline = time.monotonic() + 60
                    while not list((host.folder / "mails").iterdir()) and time.monotonic() < deadline:
                        time.sleep(0.01)
                    # All of its processes, as systemd and a terminal do.
                    os.killpg(run.pid, stop)
                    self.assertEqual(run.wait(60), 2)
                self.assertEqual(len(host.mails()), 1)
                (host.folder / "slow").unlink()
                self.check(host)

    def test_two_at_a_time(self):
        host = Host(self, zone=self.ZONE, traffic=self.TRAFFIC)
        (host.folder / "slow").write_text("0.05")
        with subprocess.Popen(host.words(), stdout=subprocess.DEVNULL) as one, \
                subprocess.Popen(host.words(), stdout=subprocess.DEVNULL) as other:
            self.assertEqual((one.wait(100), other.wait(100)), (0, 0))
        self.check(host)


if __name__ == "__main__":
    ran.main()
