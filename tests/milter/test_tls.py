"""The daemon where TLS is required of clients: what an MTA sees at MAIL, and what is logged.

    test_tls.py AUTHMILTERD [unittest arguments]
"""

import signal
import sys
import unittest

from harness import ran
from harness import milter_client as mc
from harness.daemon import Daemon
from harness.measured import Measured

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
MESSAGE = [("From", " A <a@other.example>"), ("Subject", " hello")]

RULES = """[[network.require_tls]]
clients = "198.51.100.7"
minimum_version = "none"
[[network.require_tls]]
clients = "198.51.100.0/24"
minimum_version = "TLSv1.3"
[[network.require_tls]]
clients = ["192.0.2.0/24", "127.0.0.0/8", "2001:db8::/32"]
[[network.require_tls]]
clients = ["203.0.113.0/24", "0.0.0.0/0"]
minimum_version = "TLSv1"
"""
NO_TLS = "530 5.7.0 Must issue a STARTTLS command first"


class Client(mc.MilterClient):
    """Reads the reply to MAIL, whatever its kind."""

    def begin_with(self, version, stage="M", **macros):
        """Says MAIL as an MTA with {tls_version}; the reply's text, or the one letter."""
        if stage != "M":
            self.macros(stage, tls_version=version)
            version = None
        self.macros("M", mail_addr="a@other.example", tls_version=version, **macros)
        self.send("M", b"<a@other.example>\0")
        command, data = self.receive()
        return data.rstrip(b"\0").decode() if command == mc.REPLYCODE else command

    def finish(self, queue_id="4Xk2"):
        self.rcpt()
        self.content(MESSAGE)
        return self.end_of_message(i=queue_id)


class RequiringTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(PROGRAM, more=RULES)
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def client(self, address="192.0.2.1", daemon=None, port=2525, **options):
        client = Client((daemon or self.daemon).sockets[0], **options)
        self.addCleanup(client.close)
        client.connect(address, port=port)
        client.helo()
        return client

    def test_versions_and_networks(self):
        rows = [  # client, {tls_version}, reply to MAIL
            ("192.0.2.1", None, NO_TLS),
            ("192.0.2.1", "", NO_TLS),
            ("192.0.2.1", "TLSv1.1", "550 5.7.10 Encryption needed: TLSv1.2 or newer"),
            ("192.0.2.1", "TLSv1.2", mc.CONTINUE),
            ("192.0.2.1", "TLSv1.3", mc.CONTINUE),
            ("192.0.2.1", "TLSv1/SSLv3", "550 5.7.10 Encryption needed: TLSv1.2 or newer"),
            ("192.0.2.1", "x\r\n250 ok%n", "550 5.7.10 Encryption needed: TLSv1.2 or newer"),
            ("::ffff:192.0.2.1", None, NO_TLS),
            ("2001:db8::1", None, NO_TLS),
            ("2001:db8::1", "TLSv1.3", mc.CONTINUE),
            ("2001:db9::1", None, mc.CONTINUE),
            ("198.51.100.7", None, mc.CONTINUE),
            ("198.51.100.8", "TLSv1.2", "550 5.7.10 Encryption needed: TLSv1.3 or newer"),
            ("198.51.100.8", "TLSv1.3", mc.CONTINUE),
            ("203.0.113.1", "TLSv1", mc.CONTINUE),
            ("203.0.113.1", "SSLv3", "550 5.7.10 Encryption needed: TLSv1 or newer"),
            ("127.0.0.1", None, NO_TLS),
            # Whoever is not known any more, having reset the connection: what the strictest asks for.
            (None, None, NO_TLS),
            ("/tmp/x", None, NO_TLS),
            (None, "TLSv1.2", "550 5.7.10 Encryption needed: TLSv1.3 or newer"),
            (None, "TLSv1.3", mc.CONTINUE),
        ]
        for address, version, reply in rows:
            with self.subTest(address=address, version=version):
                client = self.client(address)
                self.assertEqual(client.begin_with(version), reply)
                if reply == mc.CONTINUE:
                    self.assertTrue(client.finish().accepted)

    def test_what_postfix_submits_itself_has_no_connection(self):
        # Postfix's cleanup(8) plays the client: 127.0.0.1, port 0.
        self.assertEqual(self.client("127.0.0.1", port=0).begin_with(None), mc.CONTINUE)
        self.assertEqual(self.client("127.0.0.1", port=1).begin_with(None), NO_TLS)
        # Sendmail names no address.
        client = self.daemon.client()
        self.addCleanup(client.close)
        client.macros("C", v="8.17.1.9")
        client.connect(None)
        client.helo()
        self.assertEqual(mc.CONTINUE, client.mail())
        # What another host says of its port excuses nobody.
        self.assertEqual(self.client("192.0.2.1", port=0).begin_with(None), NO_TLS)

    def test_an_authenticated_user_needs_tls_too(self):
        self.assertEqual(self.client().begin_with(None, auth_authen="alice"), NO_TLS)
        self.assertEqual(self.client().begin_with("TLSv1.2", auth_authen="alice"), mc.CONTINUE)

    def test_starttls_after_the_refusal(self):
        client = self.client()
        self.assertEqual(client.begin_with(None), NO_TLS)
        client.helo()
        self.assertEqual(client.begin_with("TLSv1.3"), mc.CONTINUE)
        self.assertTrue(client.finish("AfterStarttls").accepted)
        line, = self.daemon.wait_for("id=AfterStarttls")
        self.assertIn(" tls=TLSv1.3 ", line)

    def test_the_version_at_helo_of_an_mta_that_takes_no_list_of_macros(self):
        client = self.client(actions=mc.ALL_ACTIONS & ~mc.SETSYMLIST)
        self.assertEqual(client.begin_with("TLSv1.3", stage="H"), mc.CONTINUE)
        self.assertTrue(client.finish().accepted)

    def test_tls_of_one_session_is_not_the_next_ones(self):
        for stage in "MH":
            with self.subTest(stage=stage):
                client = self.client()
                self.assertEqual(client.begin_with("TLSv1.3", stage=stage), mc.CONTINUE)
                client.abort()
                client.quit_new_connection()
                client.connect("192.0.2.1")
                client.helo()
                self.assertEqual(client.begin_with(None), NO_TLS)

    def test_every_mail_of_a_session_is_refused(self):
        client = self.client()
        for _ in range(3):
            self.assertEqual(client.begin_with(None), NO_TLS)
            client.abort()  # as an MTA may
        self.assertTrue(client.silent())

    def test_lines(self):
        self.client("192.0.2.77").begin_with(None)
        line, = self.daemon.wait_for(r"client=192\.0\.2\.77 ")
        self.assertEqual(line, "id=- client=192.0.2.77 tls=none action=reject rule=network.require_tls "
                               'reason="no-tls (TLSv1.2 is required)"')
        self.client("192.0.2.78").begin_with("TLSv1\nid=Forged", i="QueueId")
        line, = self.daemon.wait_for(r"client=192\.0\.2\.78 ")
        self.assertIn(r'id=QueueId client=192.0.2.78 tls="TLSv1\x0aid=Forged" action=reject ', line)
        self.assertEqual(self.daemon.lines("^id=Forged"), [])

    def test_monitoring_only_logs(self):
        with Daemon(PROGRAM, more=RULES + '[verify]\nmode = "monitor"\n') as watching:
            for address, port, policy in (("192.0.2.1", 2525, True), ("192.0.2.1", 0, True),
                                          ("127.0.0.1", 0, False), ("198.51.100.7", 2525, False)):
                with self.subTest(address=address, port=port):
                    client = self.client(address, daemon=watching, port=port)
                    self.assertEqual(client.begin_with(None), mc.CONTINUE)
                    queue_id = f"Q{address.replace('.', '')}{port}"
                    self.assertTrue(client.finish(queue_id).accepted)
                    line, = watching.wait_for(f"id={queue_id}")
                    self.assertIn(" tls=none ", line)
                    self.assertEqual(" tls_policy=reject" in line, policy)

    def test_refusals_are_counted(self):
        with Measured(PROGRAM, more=RULES) as daemon:
            for version in (None, "TLSv1.1", "TLSv1.3"):
                with self.client(daemon=daemon) as client:
                    client.begin_with(version)
            self.assertEqual(daemon.series()["authmilter_tls_refusals_total"], 2)

    def test_a_reload_counts_for_connections_that_begin_after_it(self):
        with Daemon(PROGRAM) as daemon:
            before = self.client(daemon=daemon)
            self.assertEqual(before.begin_with(None), mc.CONTINUE)
            self.assertTrue(before.finish().accepted)
            daemon.write_config(RULES)
            daemon.send_signal(signal.SIGUSR1)
            daemon.wait_for("configuration reloaded")
            self.assertEqual(before.begin_with(None), mc.CONTINUE)
            before.close()
            self.assertEqual(self.client(daemon=daemon).begin_with(None), NO_TLS)


if __name__ == "__main__":
    ran.main()
