#!/usr/bin/env python3
"""`authmilter status` beside a daemon, and beside servers that are not one.

usage: status_test.py AUTHMILTER AUTHMILTERD [unittest arguments]
"""

import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

from harness import ran
from harness.daemon import make_key
from harness.measured import Measured, free_address

COMMAND, PROGRAM = (sys.argv.pop(1) for _ in range(2))
GOOD = [("From", " A <a@example.org>"), ("Subject", " hello")]
YEAR = 365 * 86400


def status(*arguments):
    return subprocess.run([COMMAND, "status", *arguments], capture_output=True, text=True, timeout=60, check=False)


def get(address, path):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=60) as answer:
        return answer.read().decode()


def with_key(daemon):
    make_key(daemon.dir / "old.pem", "ed25519")
    then = time.time() - YEAR - 86400
    os.utime(daemon.dir / "old.pem", (then, then))
    daemon.write_config(f'[[signing.domain]]\ndomain = "example.org"\nkeys = [{{ selector = "old", '
                        f'file = "{daemon.dir}/old.pem" }}]\n' + daemon.more)


class Beside(unittest.TestCase):
    """A daemon."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Measured(PROGRAM, prepare=with_key)
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        for address, count in (("192.0.2.1", 3), ("192.0.2.9", 2), ("127.0.0.1", 1)):
            with cls.daemon.client() as client:
                client.greet(address)
                for _ in range(count):
                    client.deliver(GOOD)

    def test_text(self):
        result = status("--config", str(self.daemon.config))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        version = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        for line in (rf"version +{re.escape(version)}", r"up since +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(0 minutes\)",
                     r" mode +enforce", r"done +accept 4, reject 2", r"policy said +accept 3, reject 2",
                     r"by rule +dmarc.pass 3, dmarc.reject 2, signing 1", "limits hit +none", r"spf +pass 3, fail 2",
                     "dkim +none 5", "dmarc +pass 3, fail 2", r"queries +0, for \d+ questions", "failures +none",
                     "signed +1 messages", "signatures +ed25519 1", r"key +old\._domainkey\.example\.org, 366 days old",
                     r"configuration +of \d{4}-[^,]*$", r"the key old\._domainkey\.example\.org is older than a year"):
            with self.subTest(line=line):
                self.assertRegex(result.stdout, rf"(?m)^ +.*{line}")

    def test_json(self):
        result = status("--json", "--config", str(self.daemon.config))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        document = json.loads(result.stdout)
        self.assertEqual(document["messages"], {"accept": 4, "tag": 0, "quarantine": 0, "reject": 2, "tempfail": 0,
                                                "discard": 0})
        self.assertEqual(document["rules"]["dmarc.reject"], 2)
        self.assertEqual(document["spf"]["fail"], 2)
        self.assertEqual(document["signing"]["signatures"], {"rsa": 0, "ed25519": 1})
        self.assertEqual([(k["domain"], k["selector"], k["age_days"]) for k in document["keys"]],
                         [("example.org", "old", 366)])
        self.assertEqual(document["dns"]["median_seconds"], None)
        process, = document["processes"]
        self.assertEqual((process["socket"], process["mode"], process["last_reload_successful"]),
                         (self.daemon.sockets[0], "enforce", True))
        self.assertLess(abs(document["started"] - time.time()), 300)
        self.assertEqual(len(document["warnings"]), 1)

    def test_ways_to_write_the_address(self):
        port = self.daemon.address.rpartition(":")[2]
        for url, exit_status in ((self.daemon.address, 0), (f"http://{self.daemon.address}/metrics", 0),
                                 (f"http://{self.daemon.address}/", 0), (f"localhost:{port}", 0),
                                 (f"0.0.0.0:{port}", 0), (f"[::1]:{port}", 69), ("127.0.0.1", 64),
                                 ("127.0.0.1:0", 64), ("127.0.0.1:65536", 64), ("127.0.0.1:80x", 64),
                                 (f"mx.example.org:{port}", 64), (f"https://{self.daemon.address}", 64),
                                 (f"[127.0.0.1]:{port}", 64), (f"::1:{port}", 64), ("nonsense", 64)):
            with self.subTest(url=url):
                result = status("--url", url, "--config", "/nonexistent")
                self.assertEqual(result.returncode, exit_status, result.stderr)


class Reloads(unittest.TestCase):
    def test_one_that_was_refused(self):
        with Measured(PROGRAM, sockets=2) as daemon:
            good = daemon.config.read_text()
            for why, text, mode, exit_status in (("bad", "nonsense", "enforce", 1),
                                                 ("good", good + '[verify]\nmode = "monitor"\n', "monitor", 0)):
                with self.subTest(why=why):
                    daemon.write_config(text=text)
                    daemon.send_signal(signal.SIGUSR1)
                    daemon.wait_for("cannot reload" if exit_status else "configuration reloaded", count=2)
                    result = status("--url", daemon.address)
                    self.assertEqual(result.returncode, exit_status)
                    self.assertEqual(result.stdout.count("the last reload was refused, "), 2 * exit_status)
                    document = json.loads(status("--json", "--url", daemon.address).stdout)
                    self.assertEqual([(p["mode"], p["last_reload_successful"]) for p in document["processes"]],
                                     [(mode, not exit_status)] * 2)


class Server:
    """Answers each connection by `answer(socket)`."""

    def __init__(self, answer):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                self.request.recv(4096)
                try:
                    answer(self.request)
                except OSError:
                    pass  # it has had enough
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return f"127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()


def answering(text):
    return lambda connection: connection.sendall(text.encode())


def page(body, more=""):
    return answering(f"HTTP/1.1 200 OK\r\n{more}\r\n{body}")


def flood(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"a 1\n" * 65536)


def trickle(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"a 1\n")
        time.sleep(0.1)


class BesideOthers(unittest.TestCase):
    """What is not the daemon, or not all right, is told apart from a daemon that is well."""

    def test_servers_that_are_not_the_daemon(self):
        with Measured(PROGRAM) as daemon:
            ours = get(daemon.address, "/status")
            metrics = get(daemon.address, "/metrics")
        document = json.loads(ours)
        coloured = json.dumps(document | {"version": "\x1b[31m", "warnings": ["\x1b[31m"]})
        others = "not authmilterd's status"
        rows = (("it would do", page(ours), 0, ""),
                ("with its length", page(ours, f"Content-Length: {len(ours)}\r\n"), 0, ""),
                ("on one line", page(json.dumps(document)), 0, ""),
                ("metrics", page(metrics), 69, others),
                ("HTML", page("<html>\n"), 69, others),
                ("other JSON", page('{"status": "success"}'), 69, others),
                ("a count that is a text", page(json.dumps(document | {"tls_refusals": "0"})), 69, others),
                ("a count that is none", page(json.dumps(document | {"tls_refusals": -1})), 69, others),
                ("a member less", page(json.dumps({**document, "dns": {}})), 69, others),
                ("JSON without an end", page(ours[:-9]), 69, others),
                ("too deep", page("[" * 100_000), 69, others),
                ("too many members", page("{" + ",".join(f'"{i}":0' for i in range(100_000)) + "}"), 69, others),
                ("too many objects", page("[" + "{}," * 300_000 + "{}]"), 69, others),
                ("an older daemon, or another server", answering("HTTP/1.1 404 Not Found\r\n\r\n"), 69,
                 f'{others}: the answer is not "200 OK"'),
                ("elsewhere", answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n"), 69, others),
                ("no HTTP", answering("220 mx.example.org ESMTP\r\n\r\n"), 69, f"{others}: no HTTP answer"),
                ("nothing", answering(""), 69, f"{others}: no HTTP answer"),
                ("the half", page(ours, "Content-Length: 100000\r\n"), 69, f"{others}: the answer was cut off"),
                ("without an end", flood, 69, f"{others}: the answer is too long"),
                ("too slowly", trickle, 69, "timed out"),
                ("escape sequences", page(coloured), 0, ""))
        for why, answer, exit_status, words in rows:
            with self.subTest(why=why), Server(answer) as address:
                begin = time.monotonic()
                result = status("--url", address)
                self.assertEqual(result.returncode, exit_status, result.stderr)
                if exit_status == 0:
                    json.loads(status("--json", "--url", address).stdout)
                self.assertIn(words, result.stderr)
                self.assertNotIn("\x1b", result.stdout + result.stderr)
                self.assertEqual(result.stderr.count("\n"), int(exit_status != 0), result.stderr)
                self.assertLess(time.monotonic() - begin, 15)

    def test_nobody_there(self):
        self.assertEqual(status("--url", free_address()).returncode, 69)
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            result = status("--url", f"127.0.0.1:{silent.getsockname()[1]}")
            self.assertEqual(result.returncode, 69)
            self.assertIn("timed out", result.stderr)

    def test_metrics_that_are_not_configured(self):
        with Measured(PROGRAM) as daemon:
            daemon.write_config("")
            result = status("--config", str(daemon.config))
            self.assertEqual(result.returncode, 78)
            self.assertIn("metrics.listen", result.stderr)
            daemon.write_config(text="nonsense")
            self.assertEqual(status("--config", str(daemon.config)).returncode, 78)


if __name__ == "__main__":
    ran.main()
