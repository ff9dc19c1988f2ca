"""The daemon through its socket: what an MTA and an operator see of it.

    test_daemon.py AUTHMILTERD [unittest arguments]
"""

import json
import os
import pathlib
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
import unittest

from harness import exposition, ran
from harness import milter_client as mc
from harness.daemon import ZONE, Daemon, key_record, make_key
from harness.measured import Measured

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
GOOD = [("From", " A <a@example.org>"), ("To", " b@example.com"), ("Subject", " hello")]
HELD = [("From", " A <a@held.example>"), ("Subject", " hello")]
AR = "Authentication-Results"


class Verifying(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(PROGRAM)
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def deliver(self, headers, client="192.0.2.1", options=mc.ALL_OPTIONS, actions=mc.ALL_ACTIONS,
                **envelope):
        with self.daemon.client(options=options, actions=actions) as client_:
            client_.greet(client)
            return client_.deliver(headers, **envelope)

    def test_one_results_field_on_top(self):
        result = self.deliver(GOOD)
        self.assertTrue(result.accepted)
        self.assertEqual(len(result.changes), 1)
        kind, index, name, value = result.changes[0]
        self.assertEqual((kind, index, name), ("insert", 0, AR))
        self.assertTrue(value.startswith(" mx.example.net;"), value)
        for part in ("spf=pass", "dkim=none", "dmarc=pass", "smtp.mailfrom=", "header.from=example.org"):
            self.assertIn(part, value)

    def test_reject_names_code_and_domain(self):
        result = self.deliver(GOOD, client="192.0.2.99")
        self.assertEqual(result.status, mc.REJECT)
        self.assertRegex(result.reply, r"^550 5\.7\.\d+ .*example\.org")
        self.assertEqual(result.changes, [])

    def test_quarantine(self):
        result = self.deliver(HELD)
        self.assertTrue(result.accepted)
        self.assertEqual([c[0] for c in result.changes].count("quarantine"), 1)
        self.assertEqual(len(result.inserted(AR)), 1)

    def test_tag_where_quarantine_is_not_offered(self):
        result = self.deliver(HELD, actions=mc.ALL_ACTIONS & ~mc.QUARANTINE)
        self.assertTrue(result.accepted)
        self.assertNotIn("quarantine", [c[0] for c in result.changes])
        self.assertRegex(result.inserted("X-Authmilter-Verdict")[0], "^ suspicious ")

    def test_forged_results_go_and_foreign_ones_stay(self):  # edge cases 93, 94
        ours = [" mx.example.net; dmarc=pass", " MX.EXAMPLE.NET; spf=pass", ' "mx.example.net"; spf=pass',
                " (c)mx.example.net 1; spf=pass", "\n mx.example.net; spf=pass", " mx.example.net.; spf=pass"]
        foreign = [" other.example; spf=pass", " mx.example.net.evil.example; spf=pass"]
        headers = []
        for i, value in enumerate(ours):
            headers += [(AR if i % 2 else AR.lower(), value), (AR, foreign[i % 2])]
        headers += GOOD
        result = self.deliver(headers)
        indexes = [c[1] for c in result.changes if c[0] == "change"]
        self.assertEqual(indexes, sorted(indexes, reverse=True))
        left = [v for n, v in mc.apply_changes(headers, result.changes) if n.lower() == AR.lower()]
        self.assertEqual(len(left), 1 + len(ours))
        self.assertIn("dmarc=pass", left[0])
        self.assertEqual(left[1:], [foreign[i % 2] for i in range(len(ours))])

    def test_a_message_of_an_authenticated_user_is_not_judged(self):  # edge case 101
        result = self.deliver(GOOD, client="192.0.2.99", auth_user="alice")
        self.assertTrue(result.accepted)
        self.assertEqual(result.inserted(AR), [])

    def test_names_from_dns_and_macros_make_nobody_internal(self):
        with self.daemon.client() as client:
            client.macros("C", client_name="localhost", j="localhost")
            client.connect("192.0.2.99", host="[127.0.0.1]")
            client.helo("localhost")
            client.macros("M", auth_type="PLAIN", auth_authen="", client_ptr="localhost")
            self.assertEqual(client.deliver(GOOD).status, mc.REJECT)

    def test_missing_macros_and_helo(self):
        with self.daemon.client() as client:
            client.connect("192.0.2.1")
            client.begin()
            client.content(GOOD)
            self.assertTrue(client.end_of_message().accepted)

    def test_client_addresses(self):
        for address, accepted in (("192.0.2.1", True), ("::ffff:192.0.2.1", True), ("2001:db8::1", False),
                                  ("127.0.0.1", True), ("::1", True), (None, False), ("/tmp/x", False)):
            with self.subTest(address=address):
                self.assertEqual(self.deliver(GOOD, client=address).accepted, accepted)

    def test_every_combination_of_options(self):
        for options in (0, mc.SKIP, mc.HDR_LEADSPC, mc.NR_HDR, mc.ALL_OPTIONS & ~mc.SKIP,
                        mc.ALL_OPTIONS & ~mc.HDR_LEADSPC, mc.ALL_OPTIONS):
            with self.subTest(options=hex(options)), self.daemon.client(options=options) as client:
                client.greet()
                for _ in range(2):
                    result = client.deliver(GOOD, body=b"x" * 200000)
                    self.assertTrue(result.accepted)
                    self.assertTrue(result.inserted(AR)[0].startswith(" mx.example.net;"), result)
                self.assertTrue(client.silent())

    def test_it_never_answers_accept(self):
        """A250: whatever becomes of a message, no step of it is answered by "accept"; DaemonClient looks at each
        answer. Without options each step has one."""
        def steps(client, headers, **envelope):
            yield client.mail(envelope.get("sender", "<a@example.org>"), auth_authen=envelope.get("login"))
            for _ in range(3):
                yield client.rcpt()
            yield client.data()
            for name, value in headers:
                yield client.header(name, value)
            yield client.end_of_headers()
            yield client.body(b"x" * 60000)
            yield client.body(b"x" * 60000)
            yield client.end_of_message(i="4Xk2").status

        flood = [("X", " y")] * 1001 + GOOD
        for options in (0, mc.SKIP, mc.ALL_OPTIONS):
            for address in ("192.0.2.1", "192.0.2.99", "127.0.0.1", None):
                with self.subTest(options=hex(options), address=address), \
                        self.daemon.client(options=options) as client:
                    answers = [client.connect(address), client.helo()]
                    for headers, envelope in ((GOOD, {}), (HELD, {"sender": "<a@held.example>"}), (GOOD, {"login": "alice"}),
                                              ([], {}), (flood, {}), (GOOD, {"sender": "<>"})):
                        answers += list(steps(client, headers, **envelope))
                    client.abort()
                    self.assertLessEqual(set(answers), {mc.CONTINUE, mc.SKIPPED, mc.REJECT, mc.TEMPFAIL})

    def test_old_protocol(self):
        with self.daemon.client(version=2, actions=0x3F, options=0x7F) as client:
            client.greet()
            self.assertTrue(client.deliver(GOOD).accepted)

    def test_only_needed_actions_and_macros_are_asked_for(self):
        with self.daemon.client() as client:
            self.assertEqual(client.actions, mc.ADDHDRS | mc.CHGHDRS | mc.QUARANTINE | mc.SETSYMLIST)
            self.assertTrue(client.options & mc.HDR_LEADSPC)
            self.assertTrue(client.options & mc.SKIP)
            for flag in (mc.NR_CONN, mc.NR_HELO, mc.NR_RCPT, mc.NR_HDR, mc.NR_EOH):
                self.assertTrue(client.options & flag, hex(flag))
            self.assertFalse(client.options & mc.NR_MAIL)
            self.assertIn("{auth_authen}", client.macro_names["M"])
            self.assertIn("{tls_version}", client.macro_names["M"])
            self.assertIn("{client_addr}", client.macro_names["M"])
            self.assertIn("i", client.macro_names["E"].split())

    def test_an_mta_that_takes_no_header_changes_is_refused(self):
        with self.assertRaises(mc.Closed):
            self.daemon.client(actions=mc.ADDHDRS)

    def test_the_body_of_an_unsigned_message_is_skipped(self):
        with self.daemon.client() as client:
            client.greet()
            client.begin()
            self.assertEqual(client.content(GOOD, b"x" * 1000000), 65535)
            self.assertTrue(client.end_of_message().accepted)

    def test_nothing_of_a_message_is_left_for_the_next(self):
        with self.daemon.client() as client:
            client.greet("192.0.2.99")
            client.begin(auth_user="alice")
            client.content(GOOD)
            client.abort()
            self.assertEqual(client.deliver(GOOD).status, mc.REJECT)
            client.mail("<a@example.org>")
            client.abort()
            result = client.deliver([("From", " <x@other.example>")], mail_from="<x@other.example>")
            self.assertTrue(result.accepted)
            self.assertIn("header.from=other.example", result.inserted(AR)[0])

    def test_a_second_client_on_the_same_connection(self):
        for options in (mc.ALL_OPTIONS, mc.ALL_OPTIONS & ~(mc.HDR_LEADSPC | mc.SKIP)):
            with self.subTest(options=hex(options)), self.daemon.client(options=options) as client:
                client.greet("192.0.2.99")
                self.assertTrue(client.deliver(GOOD, auth_user="alice").accepted)
                client.quit_new_connection()
                client.greet("192.0.2.1")
                result = client.deliver(GOOD, body=b"x" * 200000)
                self.assertTrue(result.accepted)
                self.assertTrue(result.inserted(AR)[0].startswith(" mx.example.net;"))
                client.mail()
                client.abort()
                client.quit_new_connection()
                client.greet("192.0.2.99")
                self.assertEqual(client.deliver(GOOD).status, mc.REJECT)

    def test_a_client_that_was_not_announced(self):
        """On a connection that is used again after a refused message."""
        for then, named, accepted in (("192.0.2.1", "192.0.2.1", True), ("192.0.2.1", "192.0.2.99", False),
                                      ("192.0.2.1", None, True), ("192.0.2.1", "unknown", True),
                                      ("2001:db8::2", "IPv6:2001:DB8:0::2", True), ("2001:db8::2", "::2", False),
                                      ("::ffff:192.0.2.1", "192.0.2.1", True)):
            with self.subTest(then=then, named=named), self.daemon.client() as client:
                client.greet(then)
                client.deliver([], mail_from="<a@example.org>")
                client.quit_new_connection()
                client.greet("192.0.2.1" if accepted else "192.0.2.99")
                client.macros("M", mail_addr="a@example.org", client_addr=named)
                reply = client.mail("<a@example.org>")
                self.assertEqual(reply, mc.CONTINUE if accepted else mc.REPLYCODE)
                if accepted:
                    client.rcpt()
                    client.content([("From", " A <a@other.example>")])
                    self.assertTrue(client.end_of_message(i="Unannounced").accepted)
                else:
                    self.daemon.wait_for(f"^error: .*another client.*client={named.lower()}")

    def test_helo_may_come_again(self):
        with self.daemon.client() as client:
            client.connect("192.0.2.1")
            client.helo("first.example")
            client.helo("second.example")
            value = client.deliver([("From", " <x@other.example>")], mail_from="<>").inserted(AR)[0]
            self.assertIn("second.example", value)
            self.assertNotIn("first.example", value)

    def test_a_header_above_the_limits(self):
        filler = [("X-Filler", " x")] * 997
        for more, accepted in ((0, True), (1, False)):
            with self.subTest(more=more):
                result = self.deliver(GOOD + filler + [("X-Filler", " x")] * more)
                self.assertEqual(result.accepted, accepted)
                if not accepted:
                    self.assertRegex(result.reply, r"^552 5\.3\.4 ")

    def test_results_behind_a_header_above_the_limits(self):
        forged = ("Authentication-Results", " mx.example.net; dmarc=pass")
        foreign = ("Authentication-Results", " mx.example.com; dmarc=pass")
        filler = [("X-Filler", " x")] * 1000
        with Daemon(PROGRAM, more='[verify]\nmode = "monitor"\n') as watching:
            with watching.client() as client:
                client.greet()
                result = client.deliver(GOOD + filler + [foreign, forged])
                self.assertTrue(result.accepted)
                self.assertEqual([c[1] for c in result.changes if c[0] == "change"], [2])
                # More than can be removed.
                self.assertRegex(client.deliver(GOOD + filler + [forged] * 1001).reply, "^552 ")

    def test_monitoring_says_what_would_happen(self):
        with Daemon(PROGRAM, more='[verify]\nmode = "monitor"\n') as watching:
            with watching.client() as client:
                client.greet("203.0.113.9")
                self.assertTrue(client.deliver(GOOD).accepted)
            line = watching.wait_for("action=")[0]
            for part in ("action=accept", "policy=reject", "reason="):
                self.assertIn(part, line)

    def test_a_field_above_64_kib(self):
        result = self.deliver(GOOD + [("X-Long", " " + "x" * 100000)])
        self.assertRegex(result.reply, r"^552 ")

    def test_many_recipients(self):
        self.assertTrue(self.deliver(GOOD, rcpts=[f"<u{i}@example.com>" for i in range(5000)]).accepted)

    def test_one_line_for_each_message(self):
        self.deliver(GOOD, queue_id="LineTest1")
        line, = self.daemon.wait_for("id=LineTest1")
        self.assertRegex(line, r"^id=LineTest1 client=192\.0\.2\.1 tls=none from=example\.org spf=pass .*dkim=none "
                               r".*dmarc=pass action=accept rule=\S+ .*ms=\d+$")

    def test_a_line_cannot_be_forged(self):
        self.deliver(GOOD, queue_id="x\nid=Forged action=accept", mail_from="<a\r\nid=Forged2@example.org>")
        self.daemon.wait_for(r'id="x\\x0aid=Forged action=accept"')
        self.assertEqual(self.daemon.lines("^id=Forged"), [])


class Signing(unittest.TestCase):
    def test_what_we_sign_we_verify(self):
        def prepare(daemon):
            records = ""
            for name, algorithm in (("r", "rsa"), ("e", "ed25519")):
                public = make_key(daemon.dir / f"{name}.pem", algorithm)
                records += key_record(f"{name}._domainkey.signed.example.", public, algorithm)
            (daemon.dir / "zone").write_text(
                ZONE + '_dmarc.signed.example. IN TXT "v=DMARC1; p=reject"\n' + records)
            keys = ", ".join(f'{{ selector = "{s}", file = "{daemon.dir}/{s}.pem" }}' for s in "re")
            daemon.write_config(f'[[signing.domain]]\ndomain = "signed.example"\nkeys = [{keys}]\n')

        headers = [("From", " A <a@signed.example>"), ("To", " b@example.com,c@example.com"),
                   ("Subject", " a long subject\n\tin two lines"), ("Date", " now")]
        body = b"".join(b"line %d of the body \r\n" % i for i in range(20000))
        with Daemon(PROGRAM, prepare=prepare) as daemon:
            for options, version in ((mc.ALL_OPTIONS, "Postfix 3.7.11"), (mc.ALL_OPTIONS & ~mc.HDR_LEADSPC, None),
                                     (mc.ALL_OPTIONS, "8.17.1.9"), (mc.ALL_OPTIONS & ~mc.HDR_LEADSPC, "8.17.1.9")):
                with self.subTest(options=hex(options), version=version), daemon.client(options=options) as client:
                    client.macros("C", v=version)
                    client.greet("192.0.2.99")
                    signed = client.deliver(headers, body, mail_from="<a@signed.example>", auth_user="alice",
                                            queue_id="Signed")
                    self.assertEqual(len(signed.inserted("DKIM-Signature")), 2, signed)
                    message = mc.apply_changes(headers, signed.changes)
                    if version == "8.17.1.9":
                        # Sendmail writes addresses anew when it sends the message on.
                        message = [(name, value.replace(",c", ", c")) for name, value in message]
                    passed = client.deliver(message, body, mail_from="<a@signed.example>")
                    self.assertTrue(passed.accepted)
                    self.assertEqual(passed.inserted(AR)[0].count("dkim=pass"), 2, passed)
                    self.assertIn("dmarc=pass", passed.inserted(AR)[0])
                    broken = client.deliver(message, body + b"more\r\n", mail_from="<a@signed.example>")
                    self.assertEqual(broken.status, mc.REJECT)
            line = daemon.wait_for("id=Signed")[0]
            self.assertRegex(line, r"user=alice from=signed\.example sign=signed "
                                   r"keys=r\._domainkey\.signed\.example,e\._domainkey\.signed\.example "
                                   r"action=accept rule=signing ms=\d+$")


class Reloading(unittest.TestCase):
    def test_a_connection_keeps_the_configuration_it_began_with(self):
        with Daemon(PROGRAM) as daemon:
            for number, name in ((signal.SIGHUP, "hup.example"), (signal.SIGUSR1, "usr1.example")):
                with self.subTest(signal=number), \
                        daemon.client(options=mc.ALL_OPTIONS & ~mc.NR_RCPT) as old:
                    old.greet()
                    old.begin()
                    before = re.search(r'authserv_id = "(.*)"', daemon.config.read_text()).group(1)
                    daemon.write_config(text=daemon.config.read_text().replace(before, name))
                    count = len(daemon.lines("configuration reloaded"))
                    daemon.send_signal(number)
                    daemon.wait_for("configuration reloaded", count=count + 1)
                    old.content(GOOD)
                    self.assertIn(f" {before};", old.end_of_message().inserted(AR)[0])
                    self.assertIn(f" {before};", old.deliver(GOOD).inserted(AR)[0])
                    with daemon.client() as new:
                        new.greet()
                        self.assertIn(f" {name};", new.deliver(GOOD).inserted(AR)[0])
            self.assertIsNone(daemon.process.poll())

    def test_a_bad_configuration_changes_nothing(self):
        with Daemon(PROGRAM) as daemon:
            good = daemon.config.read_text()
            bad = {
                "unknown key": good.replace("authserv_id", "authserv_idd"),
                "no TOML": good + "a = = 1",
                "missing key file": good + '[[signing.domain]]\ndomain = "a.example"\n'
                                           'keys = [{ selector = "s", file = "/nonexistent" }]\n',
                "missing zone": good.replace("/zone", "/no-zone"),
                "none": None,
            }
            for count, (why, text) in enumerate(bad.items(), 1):
                with self.subTest(why=why):
                    if text is None:
                        daemon.config.unlink()
                    else:
                        daemon.write_config(text=text)
                    daemon.send_signal(signal.SIGUSR1)
                    lines = daemon.wait_for("^error: cannot reload", count=count)
                    self.assertEqual(len(lines), count)
                    with daemon.client() as client:
                        client.greet()
                        self.assertTrue(client.deliver(GOOD).accepted)
            daemon.write_config(text=good)
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("configuration reloaded")

    def test_many_reloads_under_load(self):
        with Daemon(PROGRAM) as daemon:
            for i in range(30):
                daemon.send_signal((signal.SIGHUP, signal.SIGUSR1)[i % 2])
                with daemon.client() as client:
                    client.greet()
                    self.assertTrue(client.deliver(GOOD).accepted)
            daemon.wait_for("configuration reloaded")
            self.assertIsNone(daemon.process.poll())


class Stopping(unittest.TestCase):
    def test_messages_in_hand_are_finished(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            # The reply to RCPT shows that the message has begun.
            with self.subTest(signal=number), Daemon(PROGRAM) as daemon, \
                    daemon.client(options=mc.ALL_OPTIONS & ~mc.NR_RCPT) as client:
                client.greet()
                client.begin()
                daemon.send_signal(number)
                daemon.wait_for("stopping messages_in_hand=1")
                self.assertFalse(daemon.path.exists())
                client.content(GOOD)
                time.sleep(1.5)
                self.assertTrue(client.end_of_message().accepted)
                self.assertEqual(daemon.process.wait(60), 0)
                self.assertFalse(daemon.path.exists())

    def test_an_idle_daemon_stops_at_once(self):
        with Daemon(PROGRAM) as daemon, daemon.client() as idle:
            idle.greet()
            began = time.monotonic()
            self.assertEqual(daemon.stop(), 0)
            self.assertLess(time.monotonic() - began, 3)

    def test_a_second_signal_does_not_wait(self):
        with Daemon(PROGRAM) as daemon, daemon.client(options=mc.ALL_OPTIONS & ~mc.NR_RCPT) as client:
            client.greet()
            client.begin()
            daemon.send_signal(signal.SIGTERM)
            daemon.wait_for("stopping")
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(60), 0)


class Sockets(unittest.TestCase):
    def test_mode_and_removal(self):
        for mode in ("0660", "0600", "0666"):
            with self.subTest(mode=mode):
                def prepare(daemon, mode=mode):
                    daemon.write_config(text=daemon.config.read_text().replace(
                        'socket_group = ""', f'socket_group = ""\nsocket_mode = "{mode}"'))
                with Daemon(PROGRAM, prepare=prepare) as daemon:
                    self.assertEqual(stat.S_IMODE(daemon.path.stat().st_mode), int(mode, 8))

    def test_a_stale_socket_is_replaced(self):
        def prepare(daemon):
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(daemon.path))
        with Daemon(PROGRAM, prepare=prepare) as daemon, daemon.client() as client:
            client.greet()
            self.assertTrue(client.deliver(GOOD).accepted)

    def test_a_file_or_a_socket_in_use_is_not(self):
        with Daemon(PROGRAM) as daemon:
            second = subprocess.run([PROGRAM, "--config", daemon.config, "--allow-root"], capture_output=True,
                                    text=True, timeout=20)
            self.assertEqual(second.returncode, 69)
            self.assertIn("another process listens", second.stderr)
            with daemon.client() as client:
                client.greet()
        config = daemon.config
        os.makedirs(daemon.dir)
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", daemon.dir]))
        (daemon.dir / "zone").write_text(ZONE)
        daemon.write_config()
        daemon.path.write_text("precious")
        refused = subprocess.run([PROGRAM, "--config", config, "--allow-root"], capture_output=True, text=True,
                                 timeout=20)
        self.assertEqual(refused.returncode, 69)
        self.assertEqual(daemon.path.read_text(), "precious")

    def test_network_sockets(self):
        def free_port(family, host):
            with socket.socket(family) as s:
                s.bind((host, 0))
                return s.getsockname()[1]
        for family, host, form in ((socket.AF_INET, "127.0.0.1", "inet:{}@127.0.0.1"),
                                   (socket.AF_INET6, "::1", "inet6:{}@[::1]")):
            with self.subTest(host=host):
                def prepare(daemon, family=family, host=host, form=form):
                    daemon.sockets = [form.format(free_port(family, host))]
                    daemon.write_config()
                try:
                    free_port(family, host)
                except OSError:
                    self.skipTest("no IPv6")
                with Daemon(PROGRAM, prepare=prepare) as daemon:
                    with daemon.client() as client:
                        client.greet()
                        self.assertTrue(client.deliver(GOOD).accepted)
                    self.assertEqual(daemon.stop(), 0)

    def test_several(self):
        with Daemon(PROGRAM, sockets=3) as daemon:
            for number in range(3):
                with daemon.client(number) as client:
                    client.greet()
                    self.assertTrue(client.deliver(GOOD).accepted)
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("configuration reloaded", count=3)
            with daemon.client(2, options=mc.ALL_OPTIONS & ~mc.NR_RCPT) as client:
                client.greet()
                client.begin()
                daemon.send_signal(signal.SIGTERM)
                daemon.wait_for("stopping", count=3)
                client.content(GOOD)
                self.assertTrue(client.end_of_message().accepted)
            self.assertEqual(daemon.process.wait(60), 0)
            self.assertEqual([s for s in daemon.sockets if pathlib.Path(s[5:]).exists()], [])

    def test_when_one_of_several_dies_all_stop(self):
        with Daemon(PROGRAM, sockets=2) as daemon:
            workers = subprocess.run(["ps", "-o", "pid=", "--ppid", str(daemon.process.pid)], text=True,
                                     capture_output=True, check=True).stdout.split()
            self.assertEqual(len(workers), 2)
            os.kill(int(workers[0]), signal.SIGKILL)
            self.assertEqual(daemon.process.wait(60), 70)


class Garbage(unittest.TestCase):
    def test_nothing_kills_it(self):
        negotiation = struct.pack("!IcIII", 13, b"O", 6, mc.ALL_ACTIONS, mc.ALL_OPTIONS)

        def packet(command, data=b""):
            return struct.pack("!I", len(data) + 1) + command + data

        rows = {
            "nothing": b"",
            "length 0": struct.pack("!I", 0),
            "length 2^32-1": struct.pack("!I", 0xFFFFFFFF) + b"O" * 100,
            "length above the limit": struct.pack("!I", (1 << 20) + 2) + b"O" * 100,
            "half a packet": struct.pack("!I", 13) + b"O\0\0",
            "text": b"EHLO example.org\r\n",
            "unknown command": packet(b"\xff", b"x"),
            "short negotiation": packet(b"O", b"\0\0\0\6"),
            "negotiation of version 1": packet(b"O", struct.pack("!III", 1, 0x3F, 0x7F)),
            "negotiation twice": negotiation * 2,
            "end of message first": packet(b"E"),
            "no negotiation": packet(b"C", b"h\0" + b"4\0\0" + b"192.0.2.1\0"),
            "connect without address": negotiation + packet(b"C", b"h\0"),
            "connect without NUL": negotiation + packet(b"C", b"h" * 100),
            "connect with a bad address": negotiation + packet(b"C", b"h\0" + b"4\0\0" + b"999.0.2.1\0"),
            "header without NULs": negotiation + packet(b"C", b"h\0U") + packet(b"M", b"<a@b>\0") +
            packet(b"R", b"<a@b>\0") + packet(b"L", b"From"),
            "mail without NUL": negotiation + packet(b"C", b"h\0U") + packet(b"M", b"<a@b>"),
            "mail without argument": negotiation + packet(b"C", b"h\0U") + packet(b"M", b"\0"),
            "wrong order": negotiation + packet(b"N") + packet(b"B", b"x") + packet(b"E") + packet(b"A"),
            "macros without NULs": negotiation + packet(b"D", b"Mi") + packet(b"M", b"<a@b>\0"),
            "macro without stage": negotiation + packet(b"D", b""),
            "body before mail": negotiation + packet(b"C", b"h\0U") + packet(b"B", b"x" * 65535),
            "quit in the middle": negotiation + packet(b"C", b"h\0U") + packet(b"M", b"<a@b>\0") + packet(b"Q"),
        }
        with Daemon(PROGRAM) as daemon:
            for why, octets in rows.items():
                with self.subTest(why=why):
                    client = daemon.client(negotiate=False)
                    try:
                        client.send_raw(octets)
                        client.sock.shutdown(socket.SHUT_WR)
                        client.sock.settimeout(60)
                        while client.sock.recv(4096):
                            pass
                    except (OSError, mc.Closed):
                        pass
                    client.sock.close()
                    self.assertIsNone(daemon.process.poll())
            with daemon.client() as client:
                client.greet()
                self.assertTrue(client.deliver(GOOD).accepted)

    def test_an_mta_that_goes_away_before_the_verdict(self):
        with Daemon(PROGRAM) as daemon:
            for _ in range(20):
                client = daemon.client()
                client.greet()
                client.begin()
                client.content(GOOD)
                client.send("E")
                client.sock.close()
            with daemon.client() as client:
                client.greet()
                self.assertTrue(client.deliver(GOOD).accepted)


class Operating(unittest.TestCase):
    def run_it(self, *arguments, **options):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=20, **options)

    def test_exit_codes(self):
        with Daemon(PROGRAM) as daemon:
            config = ("--config", str(daemon.config))
            self.assertEqual(self.run_it("--version").returncode, 0)
            self.assertRegex(self.run_it("--version").stdout, r"^authmilterd \d")
            self.assertEqual(self.run_it("--help").returncode, 0)
            self.assertEqual(self.run_it("--no-such-option").returncode, 64)
            self.assertEqual(self.run_it("surplus").returncode, 64)
            self.assertEqual(self.run_it("--check-config", *config).returncode, 0)
            printed = self.run_it("--print-config", *config)
            self.assertEqual(printed.returncode, 0)
            self.assertIn('authserv_id = "mx.example.net"', printed.stdout)
            daemon.write_config(text="[milter]\nsokcet = 1\n")
            bad = self.run_it("--check-config", *config)
            self.assertEqual(bad.returncode, 78)
            self.assertRegex(bad.stderr, r"^/.*/authmilter\.toml:2:\d+: .*sokcet")
            for wrong in ("nameservers = []\nzones = [\"/nonexistent\"]",
                          f"nameservers = []\nzones = [\"{daemon.config}\"]"):
                daemon.write_config(text=f"[dns]\n{wrong}\n")
                bad = self.run_it("--check-config", *config)
                self.assertEqual(bad.returncode, 78)
                self.assertRegex(bad.stderr, r"^/.*/authmilter\.toml:3:9: /")
            self.assertEqual(self.run_it("--config", "/nonexistent").returncode, 78)

    @unittest.skipUnless(os.geteuid() == 0, "not root")
    def test_root_is_refused(self):
        with Daemon(PROGRAM) as daemon:
            refused = self.run_it("--config", str(daemon.config))
            self.assertEqual(refused.returncode, 64)
            self.assertIn("--allow-root", refused.stderr)

    def test_json_lines(self):
        def prepare(daemon):
            daemon.write_config(text=daemon.config.read_text() + 'format = "json"\n')
        with Daemon(PROGRAM, prepare=prepare) as daemon, daemon.client() as client:
            client.greet()
            client.deliver(GOOD, queue_id='a"b')
            line, = daemon.wait_for('"action"')
            self.assertEqual(json.loads(line)["id"], 'a"b')
            for other in daemon.log().splitlines():
                json.loads(other)

    def test_metrics(self):
        for sockets in (1, 2):
            with self.subTest(sockets=sockets), Measured(PROGRAM, sockets=sockets) as daemon:
                for number in range(sockets):
                    with daemon.client(number) as client:
                        client.greet()
                        client.deliver(GOOD)
                text = exposition.text(daemon.address)
                self.assertIn(f'authmilter_messages_total{{action="accept"}} {sockets}', text)
                self.assertIn(f'authmilter_spf_results_total{{result="pass"}} {sockets}', text)
                self.assertIn("authmilter_messages_in_hand 0", text)

    def test_readiness_is_reported(self):
        path = f"/tmp/authmilter-notify-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            self.addCleanup(os.unlink, path)
            manager.settimeout(60)
            os.environ["NOTIFY_SOCKET"] = path
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
            for sockets in (1, 2):
                with self.subTest(sockets=sockets), Daemon(PROGRAM, sockets=sockets) as daemon:
                    self.assertEqual(manager.recv(4096), b"READY=1")
                    daemon.send_signal(signal.SIGHUP)
                    self.assertRegex(manager.recv(4096), rb"^RELOADING=1\nMONOTONIC_USEC=\d+$")
                    self.assertEqual(manager.recv(4096), b"READY=1")
                    daemon.send_signal(signal.SIGTERM)
                    self.assertEqual(manager.recv(4096), b"STOPPING=1")

    def test_a_long_reload_keeps_neither_the_watchdog_nor_mail_waiting(self):
        path = f"/tmp/authmilter-notify-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            self.addCleanup(os.unlink, path)
            manager.settimeout(60)
            environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "60000000"}
            os.environ.update(environment)
            for name in environment:
                self.addCleanup(os.environ.pop, name)
            with Daemon(PROGRAM) as daemon:
                def told(wanted):
                    """What the service manager is told until `wanted` comes."""
                    heard = []
                    while not heard or not heard[-1].startswith(wanted):
                        heard.append(manager.recv(4096))
                    return heard
                told(b"READY=1")
                slow = daemon.dir / "slow"
                text = daemon.config.read_text()
                daemon.write_config(text=text.replace("zones = [", f'zones = ["{slow}", '))
                # So many records that it takes long on this machine.
                records, took = 12_500, 0
                while took < 6:
                    records *= 2
                    slow.write_text("".join(f'r{i}.slow.example. TXT "slow"\n' for i in range(records)))
                    begun = time.monotonic()
                    daemon.send_signal(signal.SIGHUP)
                    told(b"RELOADING=1")
                    told(b"READY=1")
                    took = time.monotonic() - begun
                reloads = len(daemon.lines("configuration reloaded"))
                daemon.send_signal(signal.SIGHUP)
                told(b"RELOADING=1")
                self.assertEqual(told(b"WATCHDOG=1"), [b"WATCHDOG=1"])
                self.assertEqual(told(b"WATCHDOG=1"), [b"WATCHDOG=1"])
                with daemon.client() as client:
                    client.greet()
                    self.assertTrue(client.deliver(GOOD).accepted)
                # A second one may be about a change that the first has not read.
                daemon.write_config(text=text)
                daemon.send_signal(signal.SIGHUP)
                self.assertEqual(told(b"WATCHDOG=1"), [b"WATCHDOG=1"])
                self.assertIn(b"READY=1", told(b"RELOADING=1"))
                told(b"READY=1")
                daemon.wait_for("configuration reloaded", count=reloads + 2)
                daemon.send_signal(signal.SIGTERM)
                told(b"STOPPING=1")


if __name__ == "__main__":
    ran.main()
