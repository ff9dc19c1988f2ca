#!/usr/bin/env python3
"""`authmilter report summary`, `advise`, `check`, `page` and `serve`, of stores that are filled for it.

usage: report_view_test.py AUTHMILTER FILL_STORE [unittest arguments]
"""

import atexit
import contextlib
import csv
import functools
import http.client
import io
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import ran, report_rows
from harness.network import free_port
from harness.report_rows import LAST, NOON_AFTER, forged, good, line, service

COMMAND, FILL_STORE = (sys.argv.pop(1) for _ in range(2))
DAYS = 40
ZONE = """\
_dmarc.example.org. TXT "v=DMARC1; p=none; rua=mailto:d@example.org"
s1._domainkey.example.org. TXT "v=DKIM1; p=QUJD"
s1._domainkey.example.com. TXT "v=DKIM1; p=QUJD"
mx._domainkey.example.org. TXT "v=DKIM1; k=rsa; p="
9.17.0.203.in-addr.arpa. PTR host-9.cloud.example.
host-9.cloud.example. A 203.0.17.9
9.34.0.203.in-addr.arpa. PTR mx.example.org.
mx.example.org. A 192.0.2.1
"""


def fill(store, lines):
    report_rows.fill(FILL_STORE, store, lines)
    return store


@functools.cache
def laboratory():
    """A folder, a zone in it, and a store that nobody writes to."""
    kept = tempfile.TemporaryDirectory()
    atexit.register(kept.cleanup)
    folder = pathlib.Path(kept.name)
    zone = folder / "zone"
    zone.write_text(ZONE)
    return folder, zone, fill(f"sqlite:{folder}/reports.db", [
        *report_rows.received(["example.org", "example.com"], DAYS), *report_rows.own(8, DAYS),
        *report_rows.others("example.org", DAYS), *report_rows.hostile()])


class Laboratory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.zone, cls.store = laboratory()

    @classmethod
    def filled(cls, name, lines):
        return fill(f"sqlite:{cls.folder}/{name}", lines)

    def report(self, subcommand, *arguments, store=None, dns=None, status=0, environment=None):
        dns = ["--zone", str(self.zone)] if dns is None else dns
        result = subprocess.run(
            [COMMAND, "report", subcommand, *arguments, "--store", store or self.store, "--time", str(NOON_AFTER), *dns],
            capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **(environment or {})})
        self.assertEqual(result.returncode, status, result.stderr + result.stdout)
        return result


class Summary(Laboratory):
    """Who sends in the name of a domain."""

    def test_text(self):
        text = self.report("summary", environment={"LC_ALL": "C.UTF-8"}).stdout
        for pattern in (r"^Sent in your name, 2026-10-31 to 2026-11-29: \d+ messages, 5\d\.\d % pass$",
                        r"^example\.org: \d+ messages, .* quarantined, \d+ rejected$",
                        r"^  SOURCE +KNOWN BY +MESSAGES +PASS +DKIM +SPF +QUAR\. +REJ\. +BY DAY$",
                        r"^  example\.org +DKIM +\d+ +91\.\d % +91\.\d % +8\d\.\d % .*[▁▂▃▄▅▆▇█]+",
                        r"^  203\.0\.119\.0/24 +network +\d+ +0 % ",
                        r"^  and \d+ more with \d+ messages$"):
            with self.subTest(pattern):
                self.assertRegex(text, re.compile(pattern, re.MULTILINE))

    def test_names(self):
        """A source is named by its address only where that name leads back."""
        text = self.report("summary", "--sources", "99").stdout
        self.assertIn("\n  cloud.example ", text)
        self.assertNotIn("203.0.17.0/24", text)
        self.assertIn("\n  203.0.34.0/24 ", text)
        self.assertIn("203.0.17.0/24", self.report("summary", "--sources", "99", dns=["--no-names"]).stdout)

    def test_ascii(self):
        for arguments, environment in ((["--ascii"], {"LC_ALL": "C.UTF-8"}), ([], {"LC_ALL": "C", "LANG": "C.UTF-8"})):
            self.assertTrue(self.report("summary", *arguments, environment=environment).stdout.isascii())

    def test_terminal(self):
        """What a stranger wrote is printable, whatever it was."""
        text = self.report("summary", "--sources", "99").stdout
        self.assertIn("<script>", text)
        self.assertNotIn("\u2028", text)
        self.assertIn(r"\xe2\x80\xa8", text)

    def test_json(self):
        document = json.loads(self.report("summary", "--json", "--domain", "example.org").stdout)
        self.assertEqual((document["first"], document["last"]), ("2026-10-31", "2026-11-29"))
        self.assertEqual([domain["domain"] for domain in document["domains"]], ["example.org"])
        domain = document["domains"][0]
        for member in ("messages", "pass", "fail", "dkim_aligned", "spf_aligned", "quarantined", "rejected", "overridden"):
            self.assertEqual(domain[member], sum(source[member] for source in domain["sources"]), member)
        first = domain["sources"][0]
        self.assertEqual((first["source"], first["known_by"], first["standing"]), ("example.org", "DKIM", "partly"))
        self.assertEqual(first["selectors"], ["mx", "s1"])
        self.assertEqual(sum(day["messages"] for day in first["days"]), first["messages"])

    def test_csv(self):
        rows = list(csv.DictReader(io.StringIO(self.report("summary", "--csv").stdout, newline="")))
        total = json.loads(self.report("summary", "--json").stdout)["domains"]
        self.assertEqual(sum(int(row["messages"]) for row in rows), sum(domain["messages"] for domain in total))
        self.assertTrue(any("<script>" in row["source"] for row in rows))

    def test_csv_is_no_formula(self):
        store = self.filled("formula.db", [line("received", day=LAST, domain="example.org", org="a", source="192.0.2.1",
                                                spf="=1+1:pass")])
        rows = list(csv.DictReader(io.StringIO(self.report("summary", "--csv", store=store).stdout, newline="")))
        self.assertEqual([row["source"] for row in rows], ["'=1+1"])

    def test_own(self):
        text = self.report("summary", "--own", "--since", f"{DAYS + 1}d").stdout
        self.assertRegex(text, r"^Received here, ")
        self.assertRegex(text, r"writer-0\.example: \d+ messages, 0 % pass, 0 quarantined, \d+ rejected; without monitor "
                               r"mode 0 more quarantined, \d+ rejected")

    def test_nothing(self):
        text = self.report("summary", "--domain", "other.example").stdout
        self.assertIn(": 0 messages, - pass", text)


class Advise(Laboratory):
    """What a stricter policy would have hit."""

    def test_not_ready(self):
        text = self.report("advise", "example.org", status=1).stdout
        for pattern in (r"policy now +none", r"reports +of 29 days", r"p=quarantine +fail, not ready: \d+ of \d+ messages",
                        r"  203\.0\.\d+\.0/24 \(network, unknown\): \d+", r"s1 +d=example\.org: \d+ messages",
                        r"example\.edu \(SPF, forwarder\): \d+ of \d+ messages fail\n.*-> a list or forwarder",
                        r"stay at p=none and mend"):
            with self.subTest(pattern):
                self.assertRegex(text, pattern)

    def test_ready(self):
        """Once what is not ours is named."""
        document = json.loads(self.report("advise", "example.org", "--json", "--not-ours", "example.edu", "--not-ours",
                                          "mailer.example", "--since", "30d", "--not-ours", "example.org", status=0).stdout)
        self.assertTrue(document["changes"][0]["ready"])
        self.assertEqual(document["policy"], "none")
        self.assertIn("t=y", " ".join(document["path"]))

    def test_service(self):
        store = self.filled("service.db", [
            row for day in range(30) for row in (
                line("received", day=LAST - day, domain="example.org", org="a", count=100, **good("example.org")),
                line("received", day=LAST - day, domain="example.org", org="a", count=20, **service()))])
        document = json.loads(self.report("advise", "example.org", "--json", store=store, status=1).stdout)
        change = document["changes"][1]
        self.assertEqual((change["change"], change["hit"], change["hit_wanted"]), ("p=reject", 29 * 20, 29 * 20))
        self.assertEqual([(s["source"], s["standing"]) for s in document["sources"]], [("mailer.example", "unaligned")])
        self.assertIn("sign with d=example.org", document["sources"][0]["remedy"])

    def test_no_reports(self):
        self.assertIn("there are no reports of other.example", self.report("advise", "other.example", status=1).stderr)


class Check(Laboratory):
    """What is not as usual."""

    def check(self, lines, name, **options):
        store = self.filled(f"{name}.db", lines)
        return json.loads(self.report("check", "--json", store=store, **options).stdout)

    @staticmethod
    def usual(days=range(1, 30), **more):
        return [line("received", day=LAST - day, domain="example.org", org="a", count=100, **good("example.org"), **more)
                for day in days]

    def test_as_usual(self):
        text = self.report("check", store=self.filled("usual.db", self.usual(range(30)))).stdout
        self.assertEqual(text, "as usual: 2026-11-26 to 2026-11-28, beside 2026-10-31 to 2026-11-25\n")

    def test_new_source(self):
        found = self.check([*self.usual(range(30)), line("received", day=LAST, domain="example.org", org="b", count=50,
                                                         **service())], "new", status=1)
        self.assertEqual([(a["kind"], a["subject"], a["messages"]) for a in found], [("new-source", "mailer.example", 50)])

    def test_failing_source(self):
        found = self.check([*self.usual(range(3, 30)),
                            *(line("received", day=LAST - day, domain="example.org", org="a", count=100,
                                   **forged("192.0.2.1")) for day in range(3))], "failing", status=1)
        self.assertEqual([a["kind"] for a in found], ["failing-source"])

    def test_unpublished_selector(self):
        rows = [line("received", day=LAST, domain="example.org", org="a", count=5,
                     **good("example.org", dkim=f"example.org:{selector}:pass")) for selector in ("s1", "mx", "gone")]
        found = self.check(rows, "selector", status=1)
        self.assertEqual([a["subject"] for a in found], ["gone._domainkey.example.org", "mx._domainkey.example.org"])
        self.assertEqual(self.check(rows, "selector2", dns=["--no-names"]), [])

    def test_prometheus(self):
        file = self.folder / "reports.prom"
        self.report("check", "--prometheus", str(file), "--domain", "example.org", status=1)
        text = file.read_text()
        self.assertIn('authmilter_report_anomalies{domain="example.org",kind="tls-failures"} 1\n', text)
        self.assertRegex(text, r'authmilter_report_messages\{domain="example.org",result="fail"\} \d+\n')
        for one in text.splitlines():
            self.assertRegex(one, r'^(# (HELP|TYPE) .*|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? \d+)$')


class Refused(Laboratory):
    """What cannot be done is said, with the status of its kind."""

    def test_statuses(self):
        empty = self.folder / "empty.toml"
        empty.write_text("")
        damaged = self.folder / "damaged.db"
        damaged.write_text("no database " * 1000)
        rows = [
            ("no store", ["--config", str(empty)], 78, "reports.store is not set"),
            ("one that is not there", ["--store", f"sqlite:{self.folder}/none.db"], None, "none.db"),
            ("not a database", ["--store", f"sqlite:{damaged}"], 66, "damaged.db"),
            ("not a store", ["--store", "mysql://x"], 64, "mysql"),
            ("no period", ["--since", "3y"], 64, "3y"),
            ("a long one", ["--since", "401d"], 64, "401d"),
            ("no days", ["--since", "0d"], 64, "0d"),
            ("not a domain", ["--domain", "a b"], 64, "a b"),
        ]
        for why, arguments, status, text in rows:
            for subcommand in ("summary", "check", "page"):
                with self.subTest(why=why, subcommand=subcommand):
                    result = subprocess.run([COMMAND, "report", subcommand, "--no-names", *arguments], capture_output=True,
                                            text=True, timeout=60, check=False)
                    self.assertIn(result.returncode, [66, 69] if status is None else [status], result.stderr)
                    self.assertIn(text, result.stderr)
                    self.assertEqual(result.stdout, "")


class Reader(Laboratory):
    """A user who may read the store and write nothing, as that of authmilter-reports.service is."""

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_another_user(self):
        folder = self.folder / "of another user % 1"
        folder.mkdir()
        self.folder.chmod(0o755)
        store = fill(f"sqlite:{folder}/reports.db", [line("received", day=LAST, domain="example.org", org="a",
                                                           **good("example.org"))])
        command = [COMMAND, "report", "summary", "--store", store, "--time", str(NOON_AFTER), "--no-names"]

        def read():
            result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, user=65534, group=0,
                                    extra_groups=[])
            return result.returncode, result.stdout.count("example.org: 1 messages"), result.stderr

        self.assertEqual(stat.S_IMODE((folder / "reports.db").stat().st_mode), 0o640)
        with self.subTest("nobody has it open"):
            self.assertEqual(read(), (0, 1, ""))
            self.assertEqual([path.name for path in folder.iterdir()], ["reports.db"])
        with self.subTest("somebody writes"):
            with contextlib.closing(sqlite3.connect(folder / "reports.db", isolation_level=None)) as writer:
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("UPDATE received_report SET messages = 2")
                self.assertEqual(read(), (0, 1, ""))
                writer.execute("COMMIT")
                self.assertEqual(read(), (0, 1, ""))
                for file in folder.iterdir():
                    self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o640, file)


class Page(Laboratory):
    def test_file(self):
        file = self.folder / "page.html"
        self.report("page", "--out", str(file), "--since", "41d")
        page = file.read_text()
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o644)
        self.assertEqual(page, self.report("page", "--since", "41d").stdout)
        self.assertEqual(page.count("<script"), 2)
        self.assertNotIn("<img", page)
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
        self.assertEqual(data["days"], 41)
        self.assertEqual(sum(len(row[2]) > 0 for row in data["series"]), len(data["series"]))

    def test_one_domain(self):
        """A page of one domain says nothing of others."""
        page = self.report("page", "--since", "41d", "--domain", "example.com").stdout
        data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
        self.assertEqual(data["domains"], ["example.com"])
        for other in ("example.org", "writer-", "certificate-expired", "550 5.1.1"):
            self.assertNotIn(other, page.replace("mx.example.org", ""))
        self.assertEqual([sender[1] for sender in data["senders"]], ["aggregate"] * len(report_rows.RECEIVERS))
        own = json.loads(re.search(r'id="data">(.*?)</script>', self.report(
            "page", "--since", "41d", "--domain", "writer-0.example").stdout, re.DOTALL)[1])
        self.assertEqual((own["ownDomains"], own["series"]), (["writer-0.example"], []))

    def test_no_directory(self):
        self.assertIn("/nowhere/", self.report("page", "--out", "/nowhere/page.html", status=73).stderr)


class FullDisk(Laboratory):
    """No file may grow by an octet, as on a disk that is full."""

    def look(self, subcommand, store, *arguments):
        return subprocess.run(
            [COMMAND, "report", subcommand, "--store", store, "--time", str(NOON_AFTER), "--no-names", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False, restore_signals=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))

    def test_full(self):
        store = self.filled("full.db", [line("received", day=LAST, domain="example.org", org="a", **good("example.org"))])
        path = pathlib.Path(store.removeprefix("sqlite:"))
        self.assertFalse(path.with_name("full.db-wal").exists())
        for subcommand in ("summary", "page", "check"):
            with self.subTest(subcommand):
                done = self.look(subcommand, store)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
        # While the daemon has it open, there is what readers need.
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE more (content TEXT)")
            database.commit()
            self.assertEqual(self.look("summary", store).returncode, 0)
            copy = self.folder / "crashed.db"
            for suffix in ("", "-wal"):
                shutil.copy(f"{path}{suffix}", f"{copy}{suffix}")
        # What a crash has left has to be read together first.
        done = self.look("summary", f"sqlite:{copy}")
        self.assertEqual(done.returncode, 69)
        self.assertIn("there is no room on its disk", done.stderr)


class Serve(Laboratory):
    """The page by HTTP."""

    def serve(self, *arguments, store=None):
        port = free_port()
        process = subprocess.Popen(
            [COMMAND, "report", "serve", "--listen", f"127.0.0.1:{port}", "--store", store or self.store, "--time",
             str(NOON_AFTER), "--no-names", *arguments], stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        self.assertIn(f"http://127.0.0.1:{port}/", process.stderr.readline())
        return process, port

    def ask(self, port, path="/", method="GET", timeout=60, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.addCleanup(connection.close)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    def test_page(self):
        process, port = self.serve()
        answer, page = self.ask(port)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        policy = answer.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertIn(b"Mail authentication reports", page)
        head, nothing = self.ask(port, method="HEAD")
        self.assertEqual((head.status, head.headers["Content-Length"], nothing), (200, str(len(page)), b""))
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 0)

    def test_refused(self):
        _, port = self.serve("--host", "reports.example.org", "--host", "Other.Example.ORG")
        rows = [
            ("POST", "/", {}, 405), ("DELETE", "/", {}, 405), ("GET", "/etc/passwd", {}, 404),
            ("GET", "/../../etc/passwd", {}, 404), ("POST", "/other", {}, 404), ("GET", "/?q=1", {}, 200),
            ("GET", "/", {"Host": "attacker.example"}, 421), ("GET", "/", {"Host": f"attacker.example:{port}"}, 421),
            ("GET", "/", {"Host": "127.0.0.1.attacker.example"}, 421), ("GET", "/", {"Host": f"localhost:{port}"}, 200),
            ("GET", "/", {"Host": f"[::1]:{port}"}, 200), ("GET", "/", {"Host": "reports.example.org"}, 200),
            ("GET", "/", {"Host": "other.example.org"}, 200), ("GET", "/", {"Host": f"LOCALHOST.:{port}"}, 200),
            ("GET", "/", {"Host": "localhost.attacker.example"}, 421), ("GET", "/", {"Host": "localhost@attacker.example"}, 421),
        ]
        for method, path, headers, status in rows:
            with self.subTest(f"{method} {path} {headers}"):
                answer, _ = self.ask(port, path, method, **headers)
                self.assertEqual(answer.status, status)
                if status == 405:
                    self.assertEqual(answer.headers["Allow"], "GET, HEAD")

    def test_fresh(self):
        """What is stored meanwhile is seen, and a store that is gone for a while is no end."""
        store = self.filled("fresh.db", [line("received", day=LAST, domain="example.org", org="a", **good("example.org"))])
        _, port = self.serve(store=store)
        self.assertNotIn(b"fresh.example", self.ask(port)[1])
        report_rows.fill(FILL_STORE, store, [line("received", day=LAST, domain="fresh.example", org="fresh",
                                                  **good("fresh.example"))])
        time.sleep(1.1)
        self.assertIn(b"fresh.example", self.ask(port)[1])
        path = pathlib.Path(store.removeprefix("sqlite:"))
        path.rename(path.with_suffix(".away"))
        time.sleep(1.1)
        answer, page = self.ask(port)
        self.assertEqual(answer.status, 503)
        self.assertIn(b"cannot be read", page)
        path.with_suffix(".away").rename(path)
        self.assertEqual(self.ask(port)[0].status, 200)

    def test_no_store_yet(self):
        """It waits for the daemon to make one, and says so; a unit would start it again and again."""
        path = self.folder / "later.db"
        process, port = self.serve(store=f"sqlite:{path}")
        self.assertIn("later.db", process.stderr.readline())
        answer, page = self.ask(port)
        self.assertEqual(answer.status, 503)
        self.assertIn(b"the store is not there", page)
        self.filled("later.db", [line("received", day=LAST, domain="example.org", org="a", **good("example.org"))])
        time.sleep(1.1)
        self.assertEqual(self.ask(port)[0].status, 200)
        nothing = self.folder / "nothing.toml"
        nothing.write_text("")
        done = subprocess.run([COMMAND, "report", "serve", "--config", str(nothing)], capture_output=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 78)

    def test_bounded(self):
        """Whoever says nothing keeps nobody away."""
        process, port = self.serve()
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        for one in silent:
            self.addCleanup(one.close)
            one.sendall(b"GET / HTTP/1.1\r\nHost: ")
        # Eight at a time, each with ten seconds, took forty.
        self.assertEqual(self.ask(port, timeout=30)[0].status, 200)
        threads = len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir()))
        self.assertLess(threads, 80)
        answers = []
        many = [threading.Thread(target=lambda: answers.append(self.ask(port)[0].status)) for _ in range(8)]
        for one in many:
            one.start()
        for one in many:
            one.join()
        self.assertEqual(answers, [200] * 8)

    def test_taken(self):
        port = free_port()
        with socket.create_server(("127.0.0.1", port)):
            result = self.report("serve", "--listen", f"127.0.0.1:{port}", status=69)
            self.assertIn("another program listens there already", result.stderr)


if __name__ == "__main__":
    ran.main()
