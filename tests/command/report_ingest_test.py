#!/usr/bin/env python3
"""`authmilter report ingest`: reports in every form, and what was made to hurt whoever reads it.

usage: report_ingest_test.py AUTHMILTER TESTDATA-DIRECTORY [unittest arguments]
"""

import base64
import contextlib
import gzip
import io
import json
import mailbox
import os
import pathlib
import pty
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile
import zlib

from harness import ran
from harness.daemon import sanitized

COMMAND, TESTDATA = (sys.argv.pop(1) for _ in range(2))
SAMPLES = pathlib.Path(TESTDATA) / "dmarc-reports"
MOST_MEMORY = 100  # MB
SANITIZED = "AUTHMILTER_SANITIZED" in os.environ
MB = 1 << 20


def aggregate(number=1, records=1, domain="example.org", count="2", begin=1700000000, end=1700086399, text=""):
    row = (f"<record><row><source_ip>192.0.2.1</source_ip><count>{count}</count><policy_evaluated><disposition>none"
           f"</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>{text}"
           f"{domain}</header_from></identifiers><auth_results><dkim><domain>{domain}</domain><selector>s</selector>"
           "<result>pass</result></dkim></auth_results></record>")
    return (f"<?xml version='1.0'?><feedback><report_metadata><org_name>{text}R</org_name><email>a@r.example</email>"
            f"<report_id>{text}{number}</report_id><date_range><begin>{begin}</begin><end>{end}</end></date_range>"
            f"</report_metadata><policy_published><domain>{domain}</domain><p>none</p></policy_published>"
            + row * records + "</feedback>").encode()


def mail(content, subject="Report Domain: example.org", more=""):
    return (f"From: Reports <a@r.example>\nSubject: {subject}\nMessage-ID: <1@r.example>\n{more}MIME-Version: 1.0\n"
            "Content-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n").encode() + base64.encodebytes(content)


def zipped(*files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def watch_memory(pid, peaks):
    """The most memory in MB that a process has had, until it ends."""
    while True:
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        found = re.search(r"VmHWM:\s*(\d+) kB", status)
        if not found:
            return  # it has ended
        peaks[0] = max(peaks[0], int(found[1]) / 1024)
        time.sleep(0.01)


class Ingest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.config = self.write("authmilter.toml", b'[identity]\nauthserv_id = "mx.example.org"\n[milter]\nsocket_group = ""\n')
        self.store = f"sqlite:{self.folder}/reports.db"

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def run_ingest(self, *arguments, stdin=None, **options):
        return subprocess.run([COMMAND, "report", "ingest", "--config", self.config, *arguments], input=stdin,
                              capture_output=True, timeout=500, check=False, **options)

    def outcomes(self, *arguments, stdin=None):
        done = self.run_ingest("--json", *arguments, stdin=stdin)
        return done.returncode, json.loads(done.stdout)

    def peak(self, chunks, *arguments):
        """Feeds standard input from chunks. Exit status, output, and the most memory in MB."""
        process = subprocess.Popen([COMMAND, "report", "ingest", "--check", *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, peaks = [], [0]
        reader = threading.Thread(target=lambda: output.append(process.stdout.read()))
        # Not ru_maxrss, which begins with what this process had when it forked.
        watcher = threading.Thread(target=watch_memory, args=(process.pid, peaks))
        reader.start()
        watcher.start()
        try:
            for chunk in chunks:
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            pass
        reader.join()
        watcher.join()
        process.stdout.close()
        return process.wait(), output[0].decode(), peaks[0]


class Forms(Ingest):
    """What is read."""

    @unittest.skipUnless(SAMPLES.exists(), f"no {SAMPLES}")
    def test_published_samples(self):
        """Every sample file is read, and read again it counts nothing."""
        paths = [str(path) for path in sorted(SAMPLES.rglob("*"))
                 if path.is_file() and path.suffix != ".xsd" and path.name != "SOURCE.txt"]
        self.assertEqual(len(paths), 17)
        status, found = self.outcomes("--store", self.store, *paths)
        self.assertEqual(status, 0)
        self.assertEqual(len(found), 17)
        kinds = [one["kind"] for one in found]
        self.assertEqual([kinds.count(kind) for kind in ("aggregate", "failure", "smtp-tls")], [14, 1, 2])
        # invalid_utf_8 and two-days-empty-receiver are one report, and so are RFC 9990's two samples.
        self.assertEqual([one["status"] for one in found].count("duplicate"), 2)
        status, again = self.outcomes("--store", self.store, *paths)
        self.assertEqual((status, {one["status"] for one in again}), (0, {"duplicate"}))

    def test_members(self):
        status, found = self.outcomes("--store", self.store, self.write("a.xml", aggregate(records=3)))
        self.assertEqual(status, 0)
        self.assertEqual(found, [{"file": f"{self.folder}/a.xml", "status": "stored", "kind": "aggregate", "organization": "R",
                                  "report_id": "1", "domain": "example.org", "begin": 1700000000, "end": 1700086399,
                                  "records": 3, "messages": 6, "reason": "", "notes": []}])

    def test_standard_input(self):
        """As a pipe of an alias brings it."""
        status, found = self.outcomes("--store", self.store, stdin=mail(gzip.compress(aggregate())))
        self.assertEqual((status, found[0]["file"], found[0]["status"]), (0, "-", "stored"))

    def test_maildir(self):
        box = mailbox.Maildir(self.folder / "maildir")
        for number in range(3):
            box.add(mail(gzip.compress(aggregate(number))))
        box.add(mail(gzip.compress(aggregate(0))))
        self.write("maildir/tmp/unfinished", b"From: ")
        status, found = self.outcomes("--store", self.store, str(self.folder / "maildir"))
        self.assertEqual(status, 0)
        self.assertEqual(sorted(one["status"] for one in found), ["duplicate", "stored", "stored", "stored"])

    def test_mbox(self):
        box = mailbox.mbox(self.folder / "mbox")
        for number in range(3):
            box.add(mail(gzip.compress(aggregate(number))))
        box.add(b"From: a@b.example\n\nFrom here on there is no report.\n\nFrom me\n")
        box.close()
        status, found = self.outcomes("--store", self.store, str(self.folder / "mbox"))
        self.assertEqual(status, 1)
        self.assertEqual([(one["file"].rpartition("#")[2], one["status"]) for one in found],
                         [("1", "stored"), ("2", "stored"), ("3", "stored"), ("4", "rejected")])

    def test_folder(self):
        for number in range(3):
            self.write(f"in/{number}.xml.gz", gzip.compress(aggregate(number)))
        self.write("in/.hidden", b"x")
        done = self.run_ingest("--store", self.store, str(self.folder / "in"))
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"\n3 stored, 0 duplicate, 0 rejected; 6 messages\n", done.stdout)

    def test_check(self):
        status, found = self.outcomes("--check", self.write("a.xml", aggregate()))
        self.assertEqual((status, found[0]["status"]), (0, "readable"))
        self.assertFalse((self.folder / "reports.db").exists())

    def test_origin(self):
        """Whose mail brought a report, what DMARC said of it, and whether it may speak for the organization."""
        ours = "Authentication-Results: mx.example.org; spf=pass; dmarc={} header.from=r.example\n"
        rows = (
            ("as it should be", ours.format("pass"), "a@r.example", "r.example", "pass", 0),
            ("its DMARC failed", ours.format("fail"), "a@r.example", "r.example", "fail", 1),
            ("another's results say nothing", ours.format("fail").replace("mx.example.org", "mx.example.net"), "a@r.example", "r.example", "", 0),
            ("the topmost of ours counts", ours.format("fail") + ours.format("pass"), "a@r.example", "r.example", "fail", 1),
            ("an author of another organization", ours.format("pass"), "a@attack.example", "attack.example", "pass", 1),
            ("a host of the organization", ours.format("pass"), "a@mail.r.example", "mail.r.example", "pass", 0),
            ("no author", ours.format("pass"), "nobody", "", "pass", 1),
        )
        for number, (why, results, author, submitter, dmarc, doubtful) in enumerate(rows):
            with self.subTest(why=why):
                content = mail(gzip.compress(aggregate(number)), more=results).replace(b"a@r.example", author.encode(), 1)
                status, found = self.outcomes("--store", self.store, stdin=content)
                self.assertEqual((status, found[0]["status"]), (0, "stored"))
                with contextlib.closing(sqlite3.connect(self.folder / "reports.db")) as database:
                    row = database.execute("SELECT submitter, dmarc, doubtful FROM received_report WHERE report_id = ?",
                                           (str(number),)).fetchone()
                self.assertEqual(row, (submitter, dmarc, doubtful))
        # What a mail leaves out makes no file of the administrator's of it.
        bare = mail(gzip.compress(aggregate(98)), more=ours.format("fail")).split(b"\n", 3)[3]
        self.outcomes("--store", self.store, stdin=b"Return-Path: <a@attack.example>\n" + bare)
        with contextlib.closing(sqlite3.connect(self.folder / "reports.db")) as database:
            row = database.execute("SELECT submitter, dmarc, doubtful FROM received_report WHERE report_id = '98'").fetchone()
        self.assertEqual(row, ("", "fail", 1))
        self.outcomes("--store", self.store, self.write("a.xml", aggregate(99)))
        with contextlib.closing(sqlite3.connect(self.folder / "reports.db")) as database:
            row = database.execute("SELECT submitter, dmarc, doubtful FROM received_report WHERE report_id = '99'").fetchone()
        self.assertEqual(row, ("", "", 0))


class Faults(Ingest):
    """What is said of what cannot be read."""

    def test_exit_statuses(self):
        good, bad = self.write("good", aggregate()), self.write("bad", b"<feedback>")
        rows = (
            ("all good", ("--store", self.store, good), 0),
            ("one rejected", ("--store", self.store, bad, good), 1),
            ("no such file", ("--store", self.store, f"{self.folder}/none", good), 66),
            ("a folder that is none", ("--store", self.store, "/dev/null"), 66),
            ("no store", (good,), 78),
            ("a wrong store", ("--store", "mysql:x", good), 64),
            ("a store that is none", ("--store", f"sqlite:{good}", good), 66),
            ("for an MTA, without a place for the rest", ("--from-mta", "--store", self.store), 64),
        )
        for why, arguments, status in rows:
            with self.subTest(why=why):
                done = self.run_ingest(*arguments)
                self.assertEqual(done.returncode, status, done.stderr)

    def test_nothing_stays_of_what_breaks(self):
        """A report that breaks behind thousands of records leaves nothing, and the next is taken."""
        good = self.write("good", aggregate(2, records=3))
        for name, content in (("cut", aggregate(1, records=20_000)[:-20]),
                              ("bad", aggregate(1, records=20_000).replace(b"</feedback>", b"<record/></feedback>")),
                              ("damaged", gzip.compress(aggregate(1, records=20_000))[:-8] + bytes(8))):
            with self.subTest(why=name):
                done = self.run_ingest("--store", self.store, self.write(name, content), good)
                self.assertEqual(done.returncode, 1, done.stderr)
        with contextlib.closing(sqlite3.connect(self.folder / "reports.db")) as database:
            self.assertEqual(database.execute("SELECT report_id, records, messages FROM received_report").fetchall(), [("2", 3, 6)])
            self.assertEqual(database.execute("SELECT SUM(messages) FROM received_row").fetchall(), [(6,)])

    def test_kept_aside(self):
        """What cannot be read is kept, once, with the reason."""
        aside = self.folder / "aside"
        for _ in range(2):
            done = self.run_ingest("--store", self.store, "--keep-aside", str(aside), self.write("bad", b"<feedback>"))
            self.assertEqual(done.returncode, 1)
        kept = sorted(aside.iterdir())
        self.assertEqual([path.suffix for path in kept], [".reason", ".report"])
        self.assertEqual(kept[1].read_bytes(), b"<feedback>")
        self.assertEqual(kept[0].read_text(), f"its XML ends before its root element does\n{self.folder}/bad\n")
        self.assertEqual(oct(aside.stat().st_mode & 0o777), "0o700")

    def test_kept_aside_is_bounded(self):
        """Strangers do not fill the disk; what finds no room stays with the MTA, and what can be read is stored."""
        junk = b"From: a@b.example\n\nviagra\n"
        for why, files, octets in (("many", 1000, 0), ("large", 1, 256 << 20)):
            aside = self.folder / f"aside {why}"
            aside.mkdir()
            for number in range(files):
                with open(aside / f"{number:032}.report", "wb") as file:
                    file.truncate(octets)
            arguments = ("--store", self.store, "--keep-aside", str(aside))
            with self.subTest(why=why):
                done = self.run_ingest("--from-mta", *arguments, stdin=junk)
                self.assertEqual(done.returncode, 75)
                self.assertIn(b"is full (", done.stderr)
                self.assertEqual(self.run_ingest(*arguments, stdin=junk).returncode, 73)
                self.assertEqual(len(list(aside.iterdir())), files)
                good = mail(gzip.compress(aggregate()))
                self.assertEqual(self.run_ingest("--from-mta", *arguments, stdin=good).returncode, 0)
                (aside / f"{0:032}.report").unlink()
                self.assertEqual(self.run_ingest("--from-mta", *arguments, stdin=junk).returncode, 0)
                # Which is there now, and is not another one.
                self.assertEqual(self.run_ingest("--from-mta", *arguments, stdin=junk).returncode, 0)

    def test_from_mta(self):
        """An MTA hears 0 when nothing is lost, and 75 when it is to come again."""
        aside = self.folder / "aside"
        for why, content, place, status in (
                ("stored", mail(gzip.compress(aggregate())), aside, 0),
                ("kept aside", b"From: a@b.example\n\nviagra\n", aside, 0),
                ("nowhere to keep it", b"From: a@b.example\n\nviagra\n", "/proc/none", 75)):
            with self.subTest(why=why):
                done = self.run_ingest("--from-mta", "--store", self.store, "--keep-aside", str(place), stdin=content)
                self.assertEqual(done.returncode, status, done.stderr)
        done = self.run_ingest("--from-mta", "--store", "sqlite:/proc/none/x.db", "--keep-aside", str(aside),
                               stdin=mail(gzip.compress(aggregate())))
        self.assertEqual(done.returncode, 75)

    def test_from_mta_with_our_own_faults(self):
        """Whoever sent a report is not to have it back because of our configuration or store."""
        aside, good = str(self.folder / "aside"), self.write("good", aggregate())
        typo = self.write("typo.toml", b"[reports]\nstor = 1\n")
        for why, arguments in (
                ("a typing error", ("--config", typo)),
                ("no configuration", ("--config", f"{self.folder}/none")),
                ("no store", ()),
                ("a damaged store", ("--store", f"sqlite:{good}")),
                ("a file that is not there", ("--store", self.store, f"{self.folder}/none"))):
            with self.subTest(why=why):
                done = subprocess.run([COMMAND, "report", "ingest", *(() if "--config" in arguments else ("--config", self.config)),
                                       "--from-mta", "--keep-aside", aside, *arguments],
                                      input=mail(gzip.compress(aggregate())), capture_output=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 75, done.stderr)
                self.assertTrue(done.stderr)

    def test_from_mta_without_somebody_who_reads(self):
        """What is stored, or kept aside, comes back to nobody because its line cannot be printed."""
        for why, content in (("stored", mail(gzip.compress(aggregate()))), ("kept aside", mail(b"x"))):
            with self.subTest(why=why), open("/dev/full", "wb") as full:
                done = subprocess.run([COMMAND, "report", "ingest", "--config", self.config, "--from-mta", "--store", self.store,
                                       "--keep-aside", str(self.folder / "aside")],
                                      input=content, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_from_mta_is_one_mail(self):
        """local(8) puts a "From " line before a mail; those in its text are its sender's, and so are results behind them."""
        forged = "Authentication-Results: mx.example.org; dmarc=pass header.from=r.example\n"
        content = (b"From stranger@attack.example  Sun Nov 29 10:00:00 2026\nFrom: a@attack.example\n\nhello\n\n"
                   b"From a@r.example  Sun Nov 29 10:00:00 2026\n" + mail(gzip.compress(aggregate()), more=forged))
        done = self.run_ingest("--from-mta", "--store", self.store, "--keep-aside", str(self.folder / "aside"), "--json",
                               stdin=content)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([one["status"] for one in json.loads(done.stdout)], ["rejected"])

    def test_terminal(self):
        """Text of strangers does nothing to a terminal, and is never markup."""
        text = "&lt;script&gt;alert(1)&lt;/script&gt;&#27;[2J\x1b]0;x\x07"
        done = self.run_ingest("--store", self.store, self.write("a", aggregate(text=text)))
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertIn(b"<script>alert(1)</script>", done.stdout)
        done = self.run_ingest("--json", "--store", self.store, self.write("b", aggregate(2, text="\u202eRTL")))
        self.assertEqual(json.loads(done.stdout)[0]["organization"], "\ufffdRTLR")

    def test_progress(self):
        """A terminal sees a bar, and it is gone at the end; others see none in a short run."""
        for number in range(60):
            self.write(f"in/{number}", gzip.compress(aggregate(number, records=4000)))
        arguments = [COMMAND, "report", "ingest", "--check", "--quiet", str(self.folder / "in")]
        leader, terminal = pty.openpty()
        with subprocess.Popen(arguments, stderr=terminal, stdout=subprocess.DEVNULL) as process:
            os.close(terminal)
            seen = b""
            while True:
                try:
                    piece = os.read(leader, 65536)
                except OSError:
                    break
                if not piece:
                    break
                seen += piece
        os.close(leader)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(seen, rb"\r\x1b\[K\[#+-*\] +\d+%  \d+ reports")
        self.assertTrue(seen.endswith(b"\r\x1b[K"))
        done = subprocess.run(arguments, capture_output=True, check=True)
        if not sanitized(COMMAND):  # with which the run is not short
            self.assertEqual(done.stderr, b"")


def deflated(piece, times):
    """gzip of a piece so many times, without doing the work again."""
    yield b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)
    for _ in range(times):
        yield block
    yield zlib.compressobj(9, zlib.DEFLATED, -15).flush() + bytes(8)


def thousand(row):
    """Rows of a thousand addresses."""
    return b"".join(row.replace(b"192.0.2.1", f"10.{n * 7 % 251}.{n * 31 % 241}.{n * 101 % 239}".encode()) for n in range(1000))


def whole(head, row, rows):
    """Octets of XML, and what gzip says of them at the end is right."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, 31)
    rows_of_thousand = thousand(row)
    yield compressor.compress(head)
    for _ in range(rows // 1000):
        yield compressor.compress(rows_of_thousand)
    yield compressor.compress(b"</feedback>") + compressor.flush()


class Bombs(Ingest):
    """What bad input gets: one line, and no memory."""

    def bounded(self, chunks, expected, status=1):
        code, output, memory = self.peak(chunks)
        print(f"    {expected}: {memory:.0f} MB", file=sys.stderr)
        self.assertIn(expected, output)
        self.assertEqual(code, status, output)
        said = [line for line in output.splitlines() if not re.fullmatch(r"authmilter: \d+ reports", line)]
        self.assertEqual(len(said), 2, output)
        if not SANITIZED:
            self.assertLess(memory, MOST_MEMORY)

    def test_zeros(self):
        """10 GB of zeros in gzip."""
        self.bounded(deflated(bytes(100 * MB), 100), "it is neither a report nor a mail")

    def test_blanks(self):
        """10 GB of elements in gzip."""
        piece = (b"<x>" + b" " * 1000 + b"</x>") * 10000
        self.bounded([gzip.compress(b"<feedback>"), *deflated(piece, 1000)], "it unpacks to more than is allowed")

    def test_nested_zips(self):
        """Zips in zips."""
        content = aggregate()
        for depth in range(10):
            content = zipped((f"{depth}.zip", content))
        self.bounded([content], "archives are nested too deeply in it")
        content = zipped(*((f"{number}", zipped(*((f"{inner}", b"x") for inner in range(50)))) for number in range(50)))
        self.bounded([content], "too many files are packed in it")

    def test_billion_laughs(self):
        """Entities in entities."""
        entities = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
        self.bounded([f"<!DOCTYPE l [<!ENTITY l0 'lol'>{entities}]><feedback>&l9;</feedback>".encode()],
                     "it has a document type (DTD)")

    def test_large_xml(self):
        """500 MB of XML, as it is and packed."""
        head, tail = aggregate().split(b"<record>")
        row = b"<record>" + tail.removesuffix(b"</feedback>")
        times = 500 * MB // len(row)
        self.bounded((row * 1000 for _ in range(times // 1000)), "it has more than 33554432 octets")
        self.bounded(whole(head, row, times // 1000 * 1000), "it has more than 1000000 records")

    def test_million_rows(self):
        """A million rows are read, one more is refused."""
        head = aggregate().split(b"<record>")[0]
        row = b"<record><row><source_ip>192.0.2.1</source_ip><count>1</count></row></record>"
        self.bounded(whole(head, row, 1_000_000), "(1000000 records, 1000000 messages)", 0)
        self.bounded(whole(head, row, 1_001_000), "it has more than 1000000 records")

    def test_error_strings(self):
        """Ten thousand failures in a TLS report."""
        failure = {"result-type": "validation-failure", "failed-session-count": 1, "additional-information": "<b>" + "x" * 2000}
        report = {"organization-name": "X", "report-id": "1", "date-range": {"start-datetime": "2016-04-01T00:00:00Z",
                                                                             "end-datetime": "2016-04-01T23:59:59Z"},
                  "policies": [{"policy": {"policy-domain": "example.org"}, "summary": {"total-failure-session-count": 20000},
                                "failure-details": [failure] * 10000}]}
        self.bounded([gzip.compress(json.dumps(report).encode())], "it unpacks to more than is allowed")
        failure["additional-information"] = "<b>" + "x" * 500
        report["policies"][0]["failure-details"] = [failure] * 20000
        self.bounded([gzip.compress(json.dumps(report).encode())], "(10000 records, 20000 messages) -; 10000 failures were left out", 0)

    def test_dates_and_counts(self):
        """1970, 9999, and fewer than no messages."""
        for why, content, reason in (
                ("1970", aggregate(begin=0, end=86399), "its period begins before 1971"),
                ("9999", aggregate(begin=253402214400, end=253402300799), "its period ends in the future"),
                ("the day after tomorrow", aggregate(begin=4000000000, end=4000086399), "its period ends in the future"),
                ("backwards", aggregate(begin=1700086399, end=1700000000), "its period ends before it begins"),
                ("more messages than there are, in two records", aggregate(records=2, count="1000000000000"), "it counts more than 1000000000000 messages"),
                ("a negative count", aggregate(count="-1"), "record 1 has no sensible count"),
                ("a count beyond 64 bits", aggregate(count="99999999999999999999"), "record 1 has no sensible count")):
            with self.subTest(why=why):
                self.bounded([content], reason)

    def test_parts_without_end(self):
        """A mail of many parts, and of many fields."""
        head = b"Content-Type: multipart/mixed; boundary=b\n\n"
        self.bounded([head, *[b"--b\n\nx\n" * 1000] * 1000], "the mail has too many parts")
        self.bounded([b"a:\n" * 1000] * 1000, "the mail has too many fields")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ran.main()
