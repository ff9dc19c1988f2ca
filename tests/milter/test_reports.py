"""What the daemon writes down for reports, and that mail never waits for it.

    test_reports.py AUTHMILTERD [unittest arguments]
"""

import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

from harness import postgresql, ran
from harness.daemon import Daemon, PATIENCE, ZONE
from harness.network import free_port

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"

REPORTING = ZONE + """wants.example.         IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.wants.example.  IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@wants.example"
tests.example.         IN TXT "v=spf1 -all"
_dmarc.tests.example.  IN TXT "v=DMARC1; p=reject; t=y; rua=mailto:dmarc@tests.example"
"""
SQLITE = '[reports]\nstore = "sqlite:{file}"\n'
# Longer than SQLite's own wait for a lock.
LOCKED_SECONDS = 7


def sqlite_config(daemon, more=""):
    return SQLITE.format(file=daemon.dir / "reports.db") + more


class Store:
    """Reads the file as sqlite3 does."""

    def __init__(self, path):
        self.path = path

    def query(self, sql):
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=20)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def messages(self):
        try:
            return self.query("SELECT COALESCE(SUM(messages), 0) FROM own_row")[0][0]
        except sqlite3.OperationalError:
            return 0

    def kinds(self):
        return sorted(self.query("SELECT k.content, SUM(r.messages) FROM own_row r JOIN kind k ON k.id = r.kind "
                                 "GROUP BY k.content"))


def deliver(daemon, author="wants.example", count=1, address="192.0.2.1", rcpt="<b@example.com>"):
    with daemon.client() as client:
        client.greet(address)
        for number in range(count):
            client.deliver([("From", f" a@{author}"), ("Subject", " s")], queue_id=f"q{number}",
                           mail_from=f"<bounce-{number}@{author}>", rcpts=(rcpt,))


class Reports(unittest.TestCase):
    def wait_for(self, what, wanted, daemon, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while (found := what()) != wanted and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(found, wanted, daemon.log())

    def started(self, more="", zone=REPORTING, **options):
        return Daemon(PROGRAM, zone=zone, prepare=lambda daemon: daemon.write_config(
            more=sqlite_config(daemon, more)), **options)

    def test_rows_are_added_up(self):
        with self.started() as daemon:
            store = Store(daemon.dir / "reports.db")
            deliver(daemon, count=3)
            deliver(daemon, count=2, address="198.51.100.9")
            deliver(daemon, author="tests.example")
            self.wait_for(store.messages, 6, daemon)
            self.assertEqual(store.kinds(), [
                ("tests.example\t=\t\tqffq\tdmarc.quarantine\tt\t\tfm=", 1),
                ("wants.example\t=\t\tpfpa\t\t\t\tpm=", 3),
                ("wants.example\t=\t\trffr\tdmarc.reject\t\t\tfm=", 2)])
            self.assertEqual(store.query("SELECT COUNT(*) FROM own_row"), [(3,)])
            # No local part is anywhere in the file.
            stored = b"".join(path.read_bytes() for path in daemon.dir.glob("reports.db*"))
            self.assertIn(b"wants.example", stored)
            self.assertNotIn(b"bounce-", stored)
            self.assertNotIn(b"b@example.com", stored)
            self.assertEqual((daemon.dir / "reports.db").stat().st_mode & 0o007, 0)

    def test_what_is_ours_or_excluded_is_not_kept(self):
        more = 'exclude = ["198.51.100.0/24", "held.example", "@private.example"]\n' \
               '[network]\ninternal = ["203.0.113.0/24"]\n'
        with self.started(more) as daemon:
            deliver(daemon, address="203.0.113.1")
            deliver(daemon, address="198.51.100.1")
            deliver(daemon, author="held.example")
            deliver(daemon, rcpt="<someone@private.example>")
            deliver(daemon)
            self.wait_for(Store(daemon.dir / "reports.db").messages, 1, daemon)

    def test_sigterm_writes_what_is_in_memory(self):
        with self.started() as daemon:
            deliver(daemon, count=20)
            self.assertEqual(daemon.stop(), 0)
            self.assertEqual(Store(daemon.dir / "reports.db").messages(), 20)

    def test_off_without_a_store(self):
        with Daemon(PROGRAM, zone=REPORTING) as daemon:
            threads = daemon.threads()
            deliver(daemon)
            self.assertEqual(daemon.threads(), threads)

    def test_a_reload_turns_it_on_and_elsewhere(self):
        with Daemon(PROGRAM, zone=REPORTING) as daemon:
            deliver(daemon)
            daemon.write_config(more=sqlite_config(daemon))
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("configuration reloaded")
            deliver(daemon, count=2)
            self.wait_for(Store(daemon.dir / "reports.db").messages, 2, daemon)
            daemon.write_config(more=SQLITE.format(file=daemon.dir / "other.db"))
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("configuration reloaded", count=2)
            deliver(daemon, count=4)
            self.wait_for(Store(daemon.dir / "other.db").messages, 4, daemon)
            self.assertEqual(Store(daemon.dir / "reports.db").messages(), 2)
            daemon.write_config(more="")
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("configuration reloaded", count=3)
            deliver(daemon)
            time.sleep(1.5)
            self.assertEqual(Store(daemon.dir / "other.db").messages(), 4)

    def test_a_locked_file_keeps_rows_waiting_and_no_mail(self):
        with self.started() as daemon:
            store = Store(daemon.dir / "reports.db")
            deliver(daemon)
            self.wait_for(store.messages, 1, daemon)
            connection = sqlite3.connect(store.path)
            connection.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            while time.monotonic() < began + LOCKED_SECONDS:
                before = time.monotonic()
                deliver(daemon, count=5)
                self.assertLess(time.monotonic() - before, 2)
                time.sleep(0.2)
            daemon.wait_for("rows of reports cannot be stored now")
            connection.rollback()
            connection.close()
            daemon.wait_for("rows of reports are stored again")
            sent = len(daemon.lines("id=q"))
            self.wait_for(store.messages, sent, daemon)
            self.assertEqual(len(daemon.lines("rows of reports cannot be stored now")), 1)

    def test_a_folder_that_is_missing_for_a_while(self):
        with Daemon(PROGRAM, zone=REPORTING, prepare=lambda daemon: daemon.write_config(
                more=SQLITE.format(file=daemon.dir / "later/reports.db"))) as daemon:
            deliver(daemon, count=3)
            daemon.wait_for("rows of reports cannot be stored now")
            (daemon.dir / "later").mkdir()
            self.wait_for(Store(daemon.dir / "later/reports.db").messages, 3, daemon)

    def test_what_is_no_database_is_left_alone(self):
        with Daemon(PROGRAM, zone=REPORTING, prepare=lambda daemon: (
                (daemon.dir / "reports.db").write_text("a letter to somebody\n" * 200),
                daemon.write_config(more=sqlite_config(daemon)))) as daemon:
            deliver(daemon)
            daemon.wait_for("rows of reports cannot be stored now.*not a database")
            self.assertEqual(daemon.stop(), 0)
            self.assertTrue((daemon.dir / "reports.db").read_text().startswith("a letter"))

    @unittest.skipIf(os.geteuid() != 0, "only root can mount")
    def test_a_full_disk(self):
        with Daemon(PROGRAM, zone=REPORTING, prepare=self.small_disk) as daemon:
            disk = daemon.dir / "disk"
            try:
                store = Store(disk / "reports.db")
                deliver(daemon)
                self.wait_for(store.messages, 1, daemon)
                with (disk / "ballast").open("wb", buffering=0) as ballast:
                    try:
                        while True:
                            ballast.write(bytes(4096))
                    except OSError:
                        pass
                for number in range(20):
                    deliver(daemon, address=f"192.0.2.{number + 2}")
                daemon.wait_for("rows of reports cannot be stored now.*full")
                (disk / "ballast").unlink()
                self.wait_for(store.messages, 21, daemon)
                daemon.stop()
            finally:
                subprocess.run(["umount", "-l", disk], check=True)

    def small_disk(self, daemon):
        disk = daemon.dir / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", disk], check=False).returncode:
            self.skipTest("no file system can be mounted here")
        daemon.write_config(more=SQLITE.format(file=disk / "reports.db"))

    def test_metrics(self):
        port = free_port()
        with self.started(f'[metrics]\nlisten = "127.0.0.1:{port}"\n') as daemon:
            deliver(daemon, count=2)
            self.wait_for(Store(daemon.dir / "reports.db").messages, 2, daemon)
            text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
            self.assertIn('authmilter_report_messages_total{fate="stored"} 2', text)
            self.assertIn('authmilter_report_messages_total{fate="dropped"} 0', text)
            self.assertIn("authmilter_report_store_failed{", text)

    def test_several_sockets_write_into_one_file(self):
        with self.started(sockets=3) as daemon:
            for number in range(3):
                with daemon.client(number) as client:
                    client.greet("192.0.2.1")
                    for _ in range(5):
                        client.deliver([("From", " a@wants.example")], mail_from="<a@wants.example>")
            self.wait_for(Store(daemon.dir / "reports.db").messages, 15, daemon)


@unittest.skipIf(postgresql.programs() is None, "PostgreSQL is not installed")
class Fleet(unittest.TestCase):
    """Two daemons, one PostgreSQL."""

    @classmethod
    def setUpClass(cls):
        cls.server = postgresql.Postgresql()
        cls.addClassCleanup(cls.server.__exit__)

    def daemon(self):
        return Daemon(PROGRAM, zone=REPORTING, prepare=lambda daemon: daemon.write_config(
            more=f'[reports]\nstore = "{self.server.uri}"\nspool = "{daemon.dir}/spool"\n'))

    def messages(self):
        try:
            return int(self.server.query("SELECT COALESCE(SUM(messages), 0) FROM own_row")[0][0])
        except subprocess.CalledProcessError:
            return -1

    def wait_for_messages(self, wanted, *daemons):
        end = time.monotonic() + 2 * PATIENCE
        while (found := self.messages()) != wanted and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(found, wanted, "".join(daemon.log() for daemon in daemons))

    def setUp(self):
        self.before = max(self.messages(), 0)

    def under_load(self, trouble):
        """How many messages two daemons took while `trouble` ran, none of which waited long."""
        counts, slowest = [0, 0], [0.0, 0.0]
        over = threading.Event()

        def load(place, daemon):
            with daemon.client() as client:
                client.greet("192.0.2.1")
                while not over.is_set():
                    before = time.monotonic()
                    client.deliver([("From", " a@wants.example")], mail_from=f"<a@d{counts[place] % 50}.example>")
                    slowest[place] = max(slowest[place], time.monotonic() - before)
                    counts[place] += 1
                    time.sleep(0.003)

        with self.daemon() as one, self.daemon() as two:
            threads = [threading.Thread(target=load, args=pair) for pair in ((0, one), (1, two))]
            for thread in threads:
                thread.start()
            try:
                trouble(one, two)
            finally:
                over.set()
                for thread in threads:
                    thread.join()
            self.assertLess(max(slowest), 5)
            self.assertGreater(min(counts), 100)
            self.wait_for_messages(self.before + sum(counts), one, two)
            # What is counted once stays so after a start that reads the spool again.
            for daemon in (one, two):
                self.assertEqual(daemon.stop(), 0)
            self.assertEqual(self.messages(), self.before + sum(counts))

    def test_killed_and_started_again_under_load(self):
        def trouble(one, two):
            for _ in range(4):
                time.sleep(1.3)
                self.server.stop("immediate")
                time.sleep(1.7)
                self.server.start()
            one.wait_for("rows of reports are stored again")
            two.wait_for("rows of reports are stored again")

        self.under_load(trouble)

    def test_a_server_that_hangs(self):
        def trouble(one, two):
            time.sleep(1.5)
            self.server.signal(signal.SIGSTOP)
            one.wait_for("rows of reports cannot be stored now")
            two.wait_for("rows of reports cannot be stored now")
            self.server.signal(signal.SIGCONT)
            one.wait_for("rows of reports are stored again")

        self.under_load(trouble)

    def test_what_a_stopped_daemon_left_in_its_spool(self):
        with self.daemon() as daemon:
            deliver(daemon)
            self.wait_for_messages(self.before + 1, daemon)
            self.server.stop("fast")
            try:
                deliver(daemon, count=30)
                daemon.wait_for("rows of reports cannot be stored now")
                deliver(daemon, count=30)
                self.assertEqual(daemon.stop(), 0)
            finally:
                self.server.start()
            self.assertEqual(self.messages(), self.before + 1)
            spool = pathlib.Path(daemon.dir / "spool")

            def prepare(second):
                second.write_config(more=f'[reports]\nstore = "{self.server.uri}"\nspool = "{spool}"\n')
            with Daemon(PROGRAM, zone=REPORTING, prepare=prepare) as second:
                self.wait_for_messages(self.before + 61, second)


if __name__ == "__main__":
    ran.main()
