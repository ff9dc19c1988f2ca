"""Drop-in files, and who may sign as whom, as an MTA and an administrator see them.

    test_many_domains.py AUTHMILTERD [unittest arguments]
"""

import os
import signal
import subprocess
import sys
import time
import unittest

from harness import ran
from harness.daemon import Daemon, make_key
from harness.file_watch import FileWatch
from harness.milter_client import ACCEPT, CONTINUE, REJECT, TEMPFAIL

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"

SETTLED = 3.5  # seconds until a file is known by its times
DIRECTORY = '[signing]\ndirectory = "domains.d"\n'


def prepare(daemon):
    (daemon.dir / "domains.d").mkdir()
    make_key(daemon.dir / "good.pem", "ed25519")
    for domain in ("one.example", "two.example"):
        add(daemon, domain, "../good.pem")


def add(daemon, domain, key):
    text = f'[[signing.domain]]\ndomain = "{domain}"\nkeys = [{{ selector = "s", file = "{key}" }}]\n'
    write(daemon, domain, text)


def write(daemon, domain, text):
    (daemon.dir / "domains.d" / f"{domain}.toml").write_text(text)


def reload(daemon):
    count = len(daemon.lines("configuration reloaded"))
    daemon.send_signal(signal.SIGUSR1)
    daemon.wait_for("configuration reloaded", count=count + 1)


class ManyDomains(unittest.TestCase):
    def send(self, daemon, domain, listener=None, **envelope):
        envelope = {"mail_from": f"<a@{domain}>"} | envelope
        with daemon.client() as client:
            if listener:
                client.macros("C", daemon_name=listener)
            client.greet("127.0.0.1")
            return client.deliver([("From", f" a@{domain}"), ("Subject", " s")], **envelope)

    def assert_signed(self, daemon, domain, signatures=1, **envelope):
        result = self.send(daemon, domain, **envelope)
        self.assertIn(result.status, (ACCEPT, CONTINUE), result)
        self.assertEqual(len(result.inserted("DKIM-Signature")), signatures)

    def check(self, daemon):
        return subprocess.run([PROGRAM, "--config", str(daemon.config), "--check-config"], capture_output=True,
                              text=True)

    def test_what_is_no_file_any_more_is_told_and_its_keys_go_on(self):
        with Daemon(PROGRAM, more=DIRECTORY, prepare=prepare) as daemon:
            file = daemon.dir / "domains.d/one.example.toml"
            for count, put in enumerate((os.mkdir, os.mkfifo), start=1):
                file.rmdir() if file.is_dir() else file.unlink()
                put(file)
                reload(daemon)
                daemon.wait_for(r"not in force.*one\.example\.toml: not a regular file", count=count)
                self.assert_signed(daemon, "one.example")

    def test_a_login_map_that_is_a_fifo_ends_no_reloads(self):
        def with_map(daemon):
            prepare(daemon)
            (daemon.dir / "map").write_text("u one.example\n")

        with Daemon(PROGRAM, more='[signing]\nlogin_map = "map"\n' + DIRECTORY.replace("[signing]\n", ""),
                    prepare=with_map) as daemon:
            file = daemon.dir / "map"
            file.unlink()
            os.mkfifo(file)
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("cannot reload.*login_map: not a regular file")
            self.assert_signed(daemon, "one.example", auth_user="u")
            file.unlink()
            file.write_text("v one.example\n")
            reload(daemon)
            self.assert_signed(daemon, "one.example", auth_user="v")
            self.assert_signed(daemon, "one.example", auth_user="u", signatures=0)

    def test_one_that_is_wrong_stops_no_other(self):
        def broken(daemon):
            prepare(daemon)
            write(daemon, "two.example", '[[signing.domain]]\ndomain = "two.example"\nkey = []\n')

        with Daemon(PROGRAM, more=DIRECTORY, prepare=broken) as daemon:
            self.assert_signed(daemon, "one.example")
            result = self.send(daemon, "two.example")
            self.assertEqual(result.status, TEMPFAIL, result)
            daemon.wait_for("sign=.?keys-unusable.*action=tempfail")
            daemon.wait_for("mail has to wait: it cannot be signed")
            self.assertTrue(daemon.lines(r"not in force.*two\.example\.toml:3:1: "), daemon.log())
            checked = self.check(daemon)
            self.assertEqual(checked.returncode, 78)
            self.assertIn("domains.d/two.example.toml:3:1: unknown key", checked.stderr)

            add(daemon, "two.example", "../good.pem")
            reload(daemon)
            self.assert_signed(daemon, "two.example")
            self.assertEqual(self.check(daemon).returncode, 0)

    def test_what_a_reload_finds_wrong_stays_as_it_was(self):
        with Daemon(PROGRAM, more=DIRECTORY, prepare=prepare) as daemon:
            write(daemon, "two.example", "[[")
            add(daemon, "one.example", "none.pem")
            add(daemon, "three.example", "../good.pem")
            reload(daemon)
            for domain in ("one.example", "two.example", "three.example"):
                self.assert_signed(daemon, domain)
            self.assertEqual(len(daemon.lines("not in force")), 2, daemon.log())
            checked = self.check(daemon)
            self.assertEqual((checked.returncode, len(checked.stderr.splitlines())), (78, 2), checked.stderr)

    def test_a_reload_opens_what_has_changed_and_nothing_else(self):
        def settled(daemon):
            (daemon.dir / "domains.d").mkdir()
            (daemon.dir / "keys").mkdir(mode=0o700)
            for domain in ("one.example", "two.example", "three.example"):
                make_key(daemon.dir / f"keys/{domain}.pem", "ed25519")
                add(daemon, domain, f"../keys/{domain}.pem")
            time.sleep(SETTLED)

        with Daemon(PROGRAM, more=DIRECTORY, prepare=settled) as daemon:
            self.assert_signed(daemon, "two.example")
            rows = (("nothing", lambda: None, 0),
                    ("a drop-in", lambda: add(daemon, "two.example", "../keys/three.example.pem"), 1),
                    ("a key", lambda: make_key(daemon.dir / "keys/one.example.pem", "ed25519"), 1))
            for what, change, most in rows:
                with self.subTest(what):
                    change()
                    with FileWatch(daemon.dir / "domains.d", daemon.dir / "keys") as watch:
                        reload(daemon)
                        self.assertEqual(watch.opened(), most)
                    self.assert_signed(daemon, "two.example")
                    time.sleep(SETTLED)  # or it is read again because it is so young
                    reload(daemon)

    def test_who_may_sign_as_whom(self):
        """A150, A195: one tenant's login in another's name."""
        more = DIRECTORY + 'login_map = "logins"\nmismatch = "refuse"\n' \
            '[[signing.permit]]\ndaemon_names = "tenants"\ndomains = "two.example"\n'

        def with_logins(daemon):
            prepare(daemon)
            (daemon.dir / "logins").write_text("alice one.example\nbob two.example\n")

        with Daemon(PROGRAM, more=more, prepare=with_logins) as daemon:
            rows = [  # why, domain, listener, login, signed
                ("its own", "one.example", None, "alice", True),
                ("another's", "two.example", None, "alice", False),
                ("a login that is not there", "one.example", None, "a@one.example", False),
                ("at a listener of its domain", "two.example", "tenants", "bob", True),
                ("at a listener of another", "one.example", "tenants", "alice", False),
            ]
            for why, domain, listener, login, signed in rows:
                with self.subTest(why):
                    if signed:
                        self.assert_signed(daemon, domain, listener=listener, auth_user=login)
                        continue
                    result = self.send(daemon, domain, listener=listener, auth_user=login)
                    self.assertEqual(result.status, REJECT, result)
                    self.assertEqual(result.reply, f"550 5.7.1 You may not send as {domain}")
            daemon.wait_for(r"sign=.?sender-mismatch \(signing\.permit\).*action=reject")


if __name__ == "__main__":
    ran.main()
