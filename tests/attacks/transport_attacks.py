"""Attacks on the connection, the process and its memory. tests/faults has those that any fault may make.

    transport_attacks.py AUTHMILTERD [unittest arguments]
"""

import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from harness import ran
from harness.victim import AR, ATTACKER, FORGED, GENUINE, LEGIT, STAGES, Row, Victim, check, mc, split, until

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
ROOT = pathlib.Path(__file__).resolve().parents[2]

BODY = b"Hello.\r\n"
MINE = split("From: <any@attack.com>\r\nSubject: x\r\n")
ACCEPTED = Row("", MINE, "accepted", results=("spf=pass", "dmarc=none", "header.from=attack.com"))


class Shared(unittest.TestCase):
    """One daemon for them all: after each attack it still judges as before."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Victim(PROGRAM, '[[policy.override]]\nrecipient = ["exempt@victim.com"]\ndmarc_reject = "accept"\n')
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def tearDown(self):
        self.assertIsNone(self.daemon.process.poll())
        check(self, FORGED, self.daemon.deliver(LEGIT))
        check(self, ACCEPTED, self.daemon.deliver(MINE))

    def test_nothing_is_left_of_an_aborted_message(self):
        """A138"""
        for stage in STAGES:
            for how in ("abort", "next MAIL", "another connection"):
                with self.subTest(stage=stage, how=how), self.daemon.client() as client:
                    until(client, stage, auth_authen="alice")
                    if how == "abort":
                        client.abort()
                    elif how == "another connection":
                        check(self, FORGED, self.daemon.deliver(LEGIT))
                    check(self, FORGED, client.deliver(LEGIT, mail_from="<any@attack.com>"))
                    check(self, ACCEPTED, client.deliver(MINE, mail_from="<any@attack.com>"))

    def test_nothing_is_left_of_a_message_that_passed(self):
        """A138: by its client, or by a signature; then comes RSET, or the next one at once."""
        signed = self.daemon.sign(LEGIT, BODY)
        for host, envelope, headers in ((GENUINE, "<admin@legitimate.com>", LEGIT), (ATTACKER, "<any@attack.com>", signed)):
            for aborts in (False, True):
                with self.subTest(host=host, aborts=aborts), self.daemon.client() as client:
                    client.greet(host, "legitimate.com")

                    def passes():
                        result = client.deliver(headers, BODY, mail_from=envelope)
                        self.assertIn("dmarc=pass", result.inserted(AR)[0])
                        if aborts:
                            client.abort()
                    passes()
                    self.assertRegex(client.deliver([], mail_from=envelope).reply, "^550 5.7.1 .*no-author")
                    passes()
                    check(self, FORGED, client.deliver(LEGIT, mail_from="<any@attack.com>"))
                    passes()
                    check(self, FORGED, client.deliver(LEGIT, b"Other.\r\n", mail_from="<any@attack.com>"))
        with self.daemon.client() as client:  # a signature that passes is not the next message's
            client.greet(ATTACKER, "helo.attack.com")
            self.assertTrue(client.deliver(signed, BODY, mail_from="<any@attack.com>").accepted)
            self.assertRegex(client.deliver(signed, b"Other.\r\n", mail_from="<any@attack.com>").reply, r"^550 5\.7\.26 ")
            until(client, "end_of_headers", signed)  # nor is a body that the MTA gave up
            client.body(b"Hel")
            client.abort()
            client.begin("<any@attack.com>")
            client.content(signed, b"lo.\r\n")
            self.assertRegex(client.end_of_message().reply, r"^550 5\.7\.26 ")

    def test_what_the_mta_does_not_tell(self):
        """A139: no macros, no HELO, no header."""
        for host in (None, "helo.attack.com"):
            for headers in ([], LEGIT):
                with self.subTest(host=host, headers=headers), self.daemon.client() as client:
                    client.connect(ATTACKER, host="")
                    if host:
                        client.helo(host)
                    client.mail("<any@attack.com>")
                    client.rcpt("")
                    client.content(headers, b"")
                    result = client.end_of_message()
                    self.assertRegex(result.reply, r"^550 5\.7\.")

    def test_names_are_no_credentials(self):
        """A140"""
        for macros in ({"client_name": "localhost"}, {"client_addr": "127.0.0.1"},
                       {"client_ptr": "localhost", "daemon_name": "ORIGINATING", "if_addr": "127.0.0.1"},
                       {"auth_type": "PLAIN"}, {"auth_author": "alice"}, {"auth_authen": ""}):
            with self.subTest(macros=macros), self.daemon.client() as client:
                client.macros("C", **macros)
                client.connect(ATTACKER, host="[127.0.0.1]")
                client.macros("H", **macros)
                client.helo("localhost")
                client.macros("M", **macros)
                reply = client.mail("<any@attack.com>")
                if "client_addr" in macros:  # not that of the connection: whose message is it?
                    self.assertEqual(reply, mc.REPLYCODE)
                    continue
                client.rcpt()
                client.content(LEGIT)
                check(self, FORGED, client.end_of_message(**macros))

    def test_a_client_that_was_not_announced(self):
        """A147: an MTA that takes the connection for its next client after a refused message."""
        for wrong in ([], LEGIT + LEGIT):
            with self.daemon.client() as client:
                client.greet(GENUINE, "legitimate.com")
                client.deliver(wrong, mail_from="<admin@legitimate.com>")
                client.quit_new_connection()
                client.greet(ATTACKER, "helo.attack.com")
                client.macros("M", client_addr=ATTACKER, mail_addr="admin@legitimate.com")
                self.assertEqual(client.mail("<admin@legitimate.com>"), mc.REPLYCODE)

    def test_the_client_of_this_message(self):
        """A147: HELO comes again after STARTTLS, and XCLIENT makes another client."""
        with self.daemon.client() as client:
            client.connect(GENUINE)
            client.helo("legitimate.com")
            client.helo("helo.attack.com")
            bounce = client.deliver(MINE, mail_from="<>")
            self.assertIn("smtp.helo=helo.attack.com", bounce.inserted(AR)[0])
            client.quit_new_connection()
            client.connect(ATTACKER)
            client.helo("legitimate.com")
            check(self, FORGED, client.deliver(LEGIT, mail_from="<admin@legitimate.com>"))

    def test_clients_without_an_address(self):
        """A50: DMARC knows DKIM alone then. A client that has reset its connection has no address for Postfix any more,
        so that it has none makes nobody a program on this host; but Sendmail has no other way to say so."""
        signed = self.daemon.sign(LEGIT)
        passed = Row("", signed, "accepted", results=("spf=none", "dkim=pass", "dmarc=pass"))
        for address in (None, "/run/some.socket"):
            for version in (None, "Postfix 3.7.11"):
                with self.subTest(address=address, version=version):
                    check(self, FORGED, self.daemon.deliver(LEGIT, client=address, version=version))
                    check(self, passed, self.daemon.deliver(signed, client=address, version=version))
            local = self.daemon.deliver(LEGIT, client=address, version="8.17.1.9")
            self.assertTrue(local.accepted)
            self.assertEqual(local.changes, [])

    def test_recipients(self):
        """A145: counted, not kept, and an override for one does not reach the others."""
        with self.daemon.client(timeout=60) as client:
            client.greet(ATTACKER)
            check(self, Row("", LEGIT, "accepted"),
                  client.deliver(LEGIT, mail_from="<any@attack.com>", rcpts=["<exempt@victim.com>"] * 1000))
            before = self.daemon.memory()
            client.mail("<any@attack.com>")
            client.rcpt("<exempt@victim.com>")
            for _ in range(50):
                client.send_raw(b"".join(struct.pack("!I", 21) + b"R<exempt@victim.com>\0" for _ in range(1000)))
            client.rcpt("<chief@victim.com>")
            client.content(LEGIT)
            grown = self.daemon.memory() - before
            check(self, FORGED, client.end_of_message())
        self.assertLess(grown, self.daemon.allowed(4 << 20))

    def test_large_headers_of_many(self):
        """A162, A17: what is above the limits is not kept."""
        before = self.daemon.memory()
        clients = [self.daemon.client(timeout=60) for _ in range(20)]
        for client in clients:
            until(client, "rcpt")
            for _ in range(40):
                client.header("X", "y" * 60000)
            client.header("From", " <any@attack.com>")
            client.end_of_headers()
        for client in clients:
            self.assertRegex(client.end_of_message().reply, "^552 ")
        self.assertLess(self.daemon.memory() - before, self.daemon.allowed(20 * (512 << 10) + (16 << 20)))
        for client in clients:
            client.close()

    def test_idle_clients(self):
        """A141: after MAIL, and with a body that comes an octet at a time."""
        before = self.daemon.memory()
        clients = [self.daemon.client() for _ in range(500)]
        for client in clients:
            until(client, "mail")
        for client in clients:
            client.rcpt()
        self.assertLess(self.daemon.memory() - before, self.daemon.allowed(len(clients) * (64 << 10)))
        check(self, ACCEPTED, self.daemon.deliver(MINE))
        signed = self.daemon.sign(LEGIT, b"Hi.\r\n")
        for client in clients:
            client.content(signed, b"")
        for octet in b"Hi.\r\n":
            for client in clients:
                client.body(bytes([octet]))
        self.assertLess(self.daemon.memory() - before, self.daemon.allowed(len(clients) * (64 << 10)))
        check(self, ACCEPTED, self.daemon.deliver(MINE))
        for client in clients:
            self.assertIn("dmarc=pass", client.end_of_message().inserted(AR)[0])
            client.close()

    def test_random_commands(self):
        """A143: commands in any order, of any content and with any length before them."""
        def packet(command, data):
            return struct.pack("!I", len(data) + 1) + command + data
        negotiation = packet(b"O", struct.pack("!III", 6, mc.ALL_ACTIONS, mc.ALL_OPTIONS))
        rng = random.Random(143)
        pieces = [b"", b"\0", b"From\0 <a@attack.com>\0", b"From", b"h\0U", b"h\0" + b"4\0\0203.0.113.66\0", b"h\0" + b"4",
                  b"h\0" + b"6\0\0::\0", b"<a@b>\0", b"<a@b>", b"\0\0\0", b"Mi\0x\0", b"M{auth_authen}", b"x" * 5000, b"\xff" * 9]
        for number in range(150):
            octets = negotiation if number % 10 else b""
            for _ in range(rng.randrange(1, 12)):
                octets += packet(rng.choice([b"C", b"H", b"M", b"R", b"T", b"L", b"N", b"B", b"E", b"A", b"K", b"D", b"U",
                                             b"O", b"\0", b"\xff"]), rng.choice(pieces))
            octets += rng.choice([b"", struct.pack("!I", 0), struct.pack("!I", 0xFFFFFFFF) + b"x",
                                  struct.pack("!I", (1 << 20) + 2), packet(b"Q", b"")])
            self.throw(octets)
        # A version that nobody speaks, lengths that stand for nothing or for too much, and a header without NULs: the
        # connection is closed without another word.
        self.assertEqual(self.throw(packet(b"O", struct.pack("!III", 1, 0x3F, 0x7F))), b"")
        opening = negotiation + packet(b"C", b"h\x004\0\x19203.0.113.66\0") + packet(b"M", b"<a@b>\0") + packet(b"R", b"<c>\0")
        silence = self.throw(opening)
        for end in (struct.pack("!I", 0) + b"\xff", struct.pack("!I", 0xFFFFFFFF) + b"\xff",
                    struct.pack("!I", (1 << 20) + 2) + b"B", packet(b"L", b"From <any@attack.com>"), packet(b"H", b"h")):
            self.assertEqual(self.throw(opening + end), silence, end)

    def throw(self, octets):
        """What the daemon says before it closes the connection, which it must."""
        client = self.daemon.client(negotiate=False)
        client.sock.settimeout(60)
        said = b""
        try:
            client.send_raw(octets)
            client.sock.shutdown(socket.SHUT_WR)
            while more := client.sock.recv(4096):
                said += more
        except (BrokenPipeError, ConnectionResetError, mc.Closed):
            pass  # it closed while there was more to read
        finally:
            client.sock.close()
        return said

    def test_log_lines(self):
        """A163, A182: a line of the log is one line, and begins with what we say."""
        evil = "x\r\nid=Forged action=accept \x1b[2J\u202e\u0085\" \\ a=b"
        for number in range(5):
            texts = ["x"] * 5
            texts[number] = evil
            queue, path, helo, phrase, user = texts
            with self.daemon.client() as client:
                client.greet(ATTACKER, helo)
                client.mail(f"<{path}@attack.com>", mail_addr="x", auth_authen=user if number == 4 else None)
                client.rcpt()
                client.content([("From", f' "{phrase}" <x@attack.com>'),
                                ("DKIM-Signature", f" v=1; d={evil}; s={evil}; a={evil}; h=from; b=A; bh=A"),
                                ("Subject", f" {evil}")])
                client.end_of_message(i=f"Log{number}{queue}")
            self.daemon.wait_for(f"^id=\"?Log{number}")
        self.assertEqual(re.findall(r"[^\x20-\x7e\n]", self.daemon.log()), [])
        self.assertEqual(self.daemon.lines(r"^id=\"?Forged|^.?\[2J"), [])
        self.assertTrue(all(len(line) < 4096 for line in self.daemon.log().splitlines()))


class OfTheirOwn(unittest.TestCase):
    def test_loopback_is_no_pass(self):
        """A48: an address that is not configured as ours is a stranger's."""
        with Victim(PROGRAM, "[network]\ninternal = []\n", 'loop.example IN TXT "v=spf1 ip4:127.0.0.0/8 -all"\n') as daemon:
            for address in ("127.0.0.1", "127.5.5.5", "::1", "::ffff:127.0.0.1"):
                with self.subTest(address):
                    result = daemon.deliver(LEGIT, client=address, mail_from="<x@legitimate.com>")
                    self.assertRegex(result.reply, r"^550 5\.7\.26 ")

    def test_a_dns_that_does_not_answer(self):
        """A68, A69, A146: by default the sender is asked to come again, and told what does not answer. What
        dmarc_temperror = "accept" lets in says temperror."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            nameserver = f"127.0.0.1@{silent.getsockname()[1]}"
            unknown = split("From: <a@unknown.example>\r\n")
            for policy, becomes in (("", "deferred"), ('[policy]\ndmarc_temperror = "accept"\n', "accepted")):
                with self.subTest(policy=policy), \
                        Victim(PROGRAM, policy, nameserver=nameserver) as daemon:
                    began = time.monotonic()
                    result = daemon.deliver(unknown, mail_from="<a@unknown.example>")
                    self.assertLess(time.monotonic() - began, 12)
                    check(self, Row("", unknown, becomes, r"^451 4\.7\.0 .*_dmarc\.unknown\.example: dns-timeout; try again later$", lacks=("dmarc=pass", "dmarc=none", "spf=none"),
                                    results=("spf=temperror", "dmarc=temperror")), result)
                    check(self, Row("", LEGIT + LEGIT, reply="^550 5.7.1 "), daemon.deliver(LEGIT + LEGIT))
                    self.assertIsNone(daemon.process.poll())

    def test_locale(self):
        """A175: in Turkish the small letter of I is not i."""
        self.addCleanup(os.environ.update, {k: os.environ[k] for k in ("LC_ALL", "LOCPATH") if k in os.environ})
        with tempfile.TemporaryDirectory() as folder:
            made = shutil.which("localedef") and subprocess.run(
                ["localedef", "-i", "tr_TR", "-f", "UTF-8", f"{folder}/tr_TR.UTF-8"], capture_output=True,
                check=False).returncode == 0
            os.environ.update({"LC_ALL": "tr_TR.UTF-8", "LOCPATH": folder} if made else {"LC_ALL": "C.UTF-8"})
            try:
                daemon = Victim(PROGRAM, zone='_dmarc.wiki.example. IN TXT "v=DMARC1; p=reject"\n')
            finally:
                del os.environ["LC_ALL"]
                os.environ.pop("LOCPATH", None)
            with daemon:
                signed = daemon.sign([("FROM", " <ADMIN@LEGITIMATE.COM>"), ("SUBJECT", " I")],
                                     names=[b"FROM", b"SUBJECT"])
                signed = [(name.upper(), value) for name, value in signed]
                check(self, Row("", signed, "accepted", results=("dkim=pass", "dmarc=pass")), daemon.deliver(signed))
                for from_ in ("From", "FROM"):
                    result = daemon.deliver([(from_, " <I@WIKI.EXAMPLE>")], helo="HELO.ATTACK.COM")
                    self.assertRegex(result.reply, r"^550 5\.7\.26 .*wiki\.example")
                two = [("FROM", " <a@attack.com>"), ("from", " <a@attack.com>")]
                self.assertRegex(daemon.deliver(two).reply, "multiple-from-fields")

    def test_what_we_ship(self):
        """A165: after a crash it comes back, and until then the MTA waits. A137: bare line feeds end at the MTA. A142:
        there are descriptors for more connections than an MTA has processes."""
        unit = (ROOT / "contrib/systemd/authmilterd.service").read_text()
        self.assertGreaterEqual(int(re.search(r"(?m)^LimitNOFILE=(\d+)$", unit).group(1)), 4 * 4096)
        self.assertRegex(unit, r"(?m)^Restart=(always|on-failure)$")
        postfix = (ROOT / "contrib/postfix/main.cf.authmilter").read_text()
        # Its default is not the same in all versions, so that wherever there are milters it is written down.
        for path in (*sorted((ROOT / "contrib/postfix").rglob("main.cf*")), ROOT / "README.md", ROOT / "man/authmilterd.8"):
            with self.subTest(path.name):
                text = path.read_text()
                if re.search(r"(?m)^\s*smtpd_milters = \S", text):
                    self.assertRegex(text, r"(?m)^\s*milter_default_action = tempfail$")
                self.assertNotRegex(text, r"(?m)^\s*milter_default_action = accept$")
        if shutil.which("postconf"):
            default = subprocess.run(["postconf", "-d", "-h", "milter_default_action"], capture_output=True, text=True,
                                     check=True).stdout.strip()
            self.assertIn(default, ("tempfail", "shutdown"), "what our manual says of the installed version")
        self.assertRegex(postfix, r"(?m)^smtpd_forbid_bare_newline = normalize$")


if __name__ == "__main__":
    ran.main()
