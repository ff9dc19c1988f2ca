"""Signals, bad configurations and a log that takes nothing, each while mail comes.

    operator_faults.py AUTHMILTERD [unittest arguments]
"""

import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import faults, ran
from harness.faults import ATTACKER, FORGED, GENUINE, LEGIT, Victim, check, mc, split

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
F_SETPIPE_SZ = 1031
OURS = split("From: a@victim.com\r\n")


class Load:
    """Some MTA processes at a time, each with one message after the other until the end of the `with` block:
    genuine, forged and of our own. `wrong`: other verdicts than those, and messages that got none although they had
    begun before `begun_until`."""

    def __init__(self, daemon, processes=6):
        self.daemon = daemon
        self.done, self.wrong = 0, []
        self.begun_until = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(processes)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        while not self._stop.is_set():
            for kind in (self._genuine, self._forged, self._ours):
                begun = []
                try:
                    fault = kind(begun)
                except (OSError, mc.Closed) as e:
                    if self.begun_until is None or begun and begun[0] < self.begun_until:
                        fault = repr(e)
                    elif not begun:
                        return  # it has stopped
                    else:
                        continue
                with self._lock:
                    self.done += 1
                    if fault:
                        self.wrong.append(fault)

    def _deliver(self, begun, headers, client, helo, mail_from, auth_user=None):
        # With an answer to RCPT it is known when the message has begun.
        with self.daemon.client(options=mc.ALL_OPTIONS & ~mc.NR_RCPT) as connection:
            connection.greet(client, helo)
            connection.begin(mail_from, auth_user=auth_user)
            begun.append(time.monotonic())
            connection.content(headers)
            time.sleep(0.02)
            return connection.end_of_message(i="load")

    def _genuine(self, begun):
        result = self._deliver(begun, LEGIT, GENUINE, "legitimate.com", "<admin@legitimate.com>")
        return None if "dmarc=pass" in str(result.changes) else result

    def _forged(self, begun):
        result = self._deliver(begun, LEGIT, ATTACKER, "helo.attack.com", "<any@attack.com>")
        return None if result.reply.startswith("550 5.7.26 ") else result

    def _ours(self, begun):
        result = self._deliver(begun, OURS, ATTACKER, "helo.attack.com", "<a@victim.com>", "a")
        return None if len(result.inserted("DKIM-Signature")) == 1 else result


class UnderLoad(faults.TestCase):
    def test_reloads(self):
        """A164: with good configurations, with bad ones and with bad keys in turn."""
        with Victim(PROGRAM, signs_for=["victim.com"]) as daemon, Load(daemon) as load:
            good = daemon.config.read_text()
            key = daemon.dir / "s1.pem"
            pem = key.read_text()
            faulty = {"unreadable": lambda: daemon.write_config(text=good + "bad = = 1\n"),
                      "no file": daemon.config.unlink,
                      "half a key": lambda: key.write_text(pem[:len(pem) // 2]),
                      "no key": lambda: key.write_text(""),
                      "a key that is not a key": lambda: key.write_bytes(os.urandom(1000)),
                      "a key for all to read": lambda: key.chmod(0o644)}
            for count, (why, make) in enumerate(faulty.items(), 1):
                with self.subTest(why):
                    make()
                    daemon.send_signal((signal.SIGHUP, signal.SIGUSR1)[count % 2])
                    daemon.wait_for("cannot reload", count=count)
                    daemon.write_config(text=good)
                    key.write_text(pem)
                    key.chmod(0o600)
                    daemon.send_signal((signal.SIGUSR1, signal.SIGHUP)[count % 2])
                    daemon.wait_for("configuration reloaded", count=count)
            for number in range(20):
                daemon.write_config(text=good + ("bad = = 1\n" if number % 2 else ""))
                daemon.send_signal((signal.SIGHUP, signal.SIGUSR1)[number % 2])
                time.sleep(0.03)
            daemon.write_config(text=good)
            load.__exit__()
            self.assertEqual(load.wrong, [])
            self.assertGreater(load.done, 20)
            self.check_judges(daemon)

    def test_stops(self):
        """What had begun has its verdict, and the exit status is 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number), Victim(PROGRAM, signs_for=["victim.com"]) as daemon:
                with Load(daemon) as load:
                    while load.done < 20:
                        time.sleep(0.05)
                    load.begun_until = time.monotonic()
                    daemon.send_signal(number)
                    self.assertEqual(daemon.process.wait(60), 0)
                self.assertEqual(load.wrong, [])

    def test_a_message_that_never_ends_is_waited_for_as_long_as_the_dns_may_take(self):
        times = 'timeout = "500ms"\nmessage_timeout = "500ms"'
        with Victim(PROGRAM) as daemon, daemon.client(options=mc.ALL_OPTIONS & ~mc.NR_RCPT) as client:
            daemon.write_config(text=daemon.config.read_text().replace('timeout = "1s"', times))
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("configuration reloaded")
            client.greet(ATTACKER)
            client.begin()
            began = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(60), 0)
            self.assertLess(9, time.monotonic() - began)
            self.assertLess(time.monotonic() - began, 14)


class Logs(faults.TestCase):
    def check_stops(self, daemon):
        began = time.monotonic()
        self.assertEqual(daemon.stop(seconds=5), 0)
        self.assertLess(time.monotonic() - began, 4)

    def test_a_full_disk(self):
        with open("/dev/full", "wb") as full, Victim(PROGRAM, stderr=full) as daemon:
            for _ in range(20):
                self.check_judges(daemon)
            self.check_stops(daemon)

    def test_a_closed_pipe(self):
        ours, its = os.pipe()
        with Victim(PROGRAM, stderr=its) as daemon:
            os.close(its)
            self.check_judges(daemon)
            os.close(ours)
            for _ in range(20):
                self.check_judges(daemon)
            daemon.send_signal(signal.SIGHUP)
            self.check_judges(daemon)
            self.check_stops(daemon)

    def test_no_standard_error_at_all(self):
        with Victim(PROGRAM, stderr=subprocess.DEVNULL, wrapper=["sh", "-c", 'exec "$@" 2>&-', "sh"]) as daemon:
            self.check_judges(daemon)
            self.check_stops(daemon)

    def test_a_pipe_that_nobody_reads(self):
        """Lines above a limit are lost, and counted; no message waits for them."""
        ours, its = os.pipe()
        fcntl.fcntl(its, F_SETPIPE_SZ, 4096)
        with Victim(PROGRAM, stderr=its) as daemon, open(ours, "rb", buffering=0) as reader:
            os.close(its)
            began = time.monotonic()
            with daemon.client(timeout=5) as client:
                client.greet(ATTACKER, "helo.attack.com")
                for number in range(1300):
                    check(self, FORGED, client.deliver(LEGIT, queue_id=f"N{number}"))
            self.assertLess(time.monotonic() - began, 30)
            self.check_judges(daemon)
            text = b""
            while b"log lines lost" not in text:
                text += reader.read(65536)
            self.assertRegex(text, rb"(?m)^warning: log lines lost count=\d+$")
            self.assertLess(text.index(b"id=N0 "), text.index(b"id=N900 "))
            self.assertLess(text.index(b"id=N900 "), text.index(b"log lines lost"))
            self.assertNotIn(b"id=N1299 ", text)
            for _ in range(200):  # full again
                self.check_judges(daemon)
            self.check_stops(daemon)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, for a /dev and a /run of its own")
    def test_the_system_log(self):
        """The journal and syslog: present, gone, back, and never read."""
        if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespaces here, as in a bare chroot")
        for target, place, sub in (("journal", "/run/systemd", "journal/socket"), ("syslog", "/dev", "log")):
            with self.subTest(target):
                if not pathlib.Path(place).is_dir():
                    self.skipTest(f"no {place} to put a socket into")
                self.try_system_log(target, place, sub)

    def try_system_log(self, target, place, name):
        class Logging(Victim):
            def write_config(self, more=None, text=None):
                super().write_config(more, text and text.replace('target = "stderr"', f'target = "{target}"'))

        # A mount namespace of its own, in which `place` has little but the socket.
        script = (f'for n in null urandom; do touch $0/$n; mount --bind /dev/$n $0/$n; done; '
                  f'mount --rbind $0 {place}; exec "$@"')
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            path = pathlib.Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            manager.bind(str(path))
            manager.settimeout(60)
            with Logging(PROGRAM, stderr=subprocess.DEVNULL,
                         wrapper=["unshare", "-m", "sh", "-ec", script, folder]) as daemon:
                self.check_judges(daemon)
                while b"id=4Xk2" not in manager.recv(65536):
                    pass
                for _ in range(30):  # more than it holds
                    self.check_judges(daemon)
                path.rename(path.with_suffix(".away"))
                self.check_judges(daemon)
                path.with_suffix(".away").rename(path)
                self.check_judges(daemon)
                self.check_stops(daemon)


if __name__ == "__main__":
    ran.main()
