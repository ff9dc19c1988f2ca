#!/usr/bin/env python3
"""`authmilter report send` to servers with TLS: STARTTLS where it is offered, whatever the certificate (RFC 3207), and by
smtps only to the host that was meant, unless it is this one.

usage: report_tls_test.py AUTHMILTER REPORT_ROWS [unittest arguments]

The servers have a network, an /etc/hosts and authorities of the test's own, which needs root.
"""

import os
import pathlib
import re
import socketserver
import ssl
import sys
import tempfile
import threading
import unittest

from harness import ran
from harness.authority import Authority
from harness.network import Unavailable, own_mounts, own_network, put_over
from report_send_test import NIGHT, Host

NAME, ADDRESS = "mx.reader.example", "192.0.2.25"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
ZONE = """\
$ORIGIN .
$TTL 60
. SOA ns.invalid. host.invalid. 1 60 60 60 60
_dmarc.bank.example TXT "v=DMARC1; p=reject; rua=mailto:d@bank.example"
"""
TRAFFIC = "bank.example reject mailto:d@bank.example 192.0.2.1 3 pass\n"
# What a server makes of TLS.
CLEAR, OFFERED, REFUSED, BROKEN, INJECTED, IMPLICIT = range(6)
# Who vouches for its certificate.
AUTHORITY, EXPIRED, ITSELF = range(3)


def setUpModule():
    try:
        own_network([ADDRESS])
        own_mounts()
    except Unavailable as reason:
        raise unittest.SkipTest(str(reason))
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    place = pathlib.Path(folder.name)
    Tls.authority = Authority(place / "authority")
    (place / "hosts").write_text(f"127.0.0.1 localhost\n{ADDRESS} {NAME}\n")
    put_over(place / "hosts", "/etc/hosts")
    put_over(Tls.authority.authorities, os.path.realpath(AUTHORITIES))


class Conversation(socketserver.StreamRequestHandler):
    """An SMTP server that takes everything and writes down how."""

    version = None  # of TLS

    def handle(self):
        try:
            if self.server.tls == IMPLICIT:
                self.secure()
            self.converse()
        except OSError:
            pass  # the client has gone, or does not like what it sees

    def secure(self):
        self.connection = self.server.context.wrap_socket(self.connection, server_side=True, do_handshake_on_connect=False)
        self.connection.do_handshake()
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.version = self.connection.version()

    def finish(self):
        self.connection.close()

    def converse(self):
        offers = self.server.tls in (OFFERED, REFUSED, BROKEN, INJECTED)
        self.say("220 ready")
        while line := self.rfile.readline():
            verb = (line.split() or [b""])[0].upper()
            self.server.said.append((self.version, verb.decode("latin-1")))
            if verb == b"EHLO":
                self.say("250-here\r\n250 STARTTLS" if offers and self.version is None else "250 here")
            elif verb == b"STARTTLS":
                if not self.starttls():
                    return
            elif verb == b"DATA":
                self.say("354 go on")
                self.server.taken.append((self.version, b"".join(iter(self.rfile.readline, b".\r\n"))))
                self.say("250 taken")
            elif verb == b"QUIT":
                return self.say("221 bye")
            else:
                self.say("250 fine")

    def starttls(self):
        """Does the dialogue go on?"""
        if self.server.tls == REFUSED:
            self.say("454 4.7.0 TLS not available")
            return True
        if self.server.tls == BROKEN:
            self.say("220 go on\r\nThis is not a TLS record, whatever you take it for.")
            return False
        # CVE-2021-22947: what comes before TLS is not an answer within it.
        self.say("220 go on\r\n250 injected" if self.server.tls == INJECTED else "220 go on")
        self.secure()
        return True

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, tls, certificate):
        self.tls, self.said, self.taken = tls, [], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        super().__init__(("0.0.0.0", 0), Conversation)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, scheme, host):
        return f"{scheme}://{host}:{self.server_address[1]}"


class Tls(unittest.TestCase):
    authority = None

    def server(self, tls, name=NAME, by=AUTHORITY):
        make = self.authority.expired if by == EXPIRED else lambda name: self.authority.certificate(name, by == AUTHORITY)
        server = Server(tls, make(name))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def host(self, url):
        host = Host(self, zone=ZONE, traffic=TRAFFIC)
        self.deliver(host, url)
        return host

    def deliver(self, host, url):
        host.config.write_text(re.sub("(?m)^deliver = .*$", f'deliver = "{url}"', host.config.read_text()))

    def test_who_gets_it_and_how(self):
        accepted, other = "250 taken", "subject name"
        rows = (
            # why, scheme, host, the server's TLS, the certificate's name, by whom; within TLS or not sent, the detail
            ("the certificate is the host's", "smtps", NAME, IMPLICIT, NAME, AUTHORITY, True, accepted),
            ("it is another host's", "smtps", NAME, IMPLICIT, "mx.stranger.example", AUTHORITY, None, other),
            ("it has expired", "smtps", NAME, IMPLICIT, NAME, EXPIRED, None, "expired"),
            ("nobody vouches for it", "smtps", NAME, IMPLICIT, NAME, ITSELF, None, "self.signed"),
            ("it does not name the address", "smtps", ADDRESS, IMPLICIT, NAME, AUTHORITY, None, other),
            ("this host, whatever it has", "smtps", "127.0.0.1", IMPLICIT, "x.example", ITSELF, True, accepted),
            ("this host by name", "smtps", "localhost", IMPLICIT, "x.example", ITSELF, True, accepted),
            ("the server speaks without TLS", "smtps", NAME, CLEAR, NAME, AUTHORITY, None, "."),
            ("the certificate is the host's", "smtp", NAME, OFFERED, NAME, AUTHORITY, True, accepted),
            ("whatever it is, it is better than none", "smtp", NAME, OFFERED, "x.example", ITSELF, True, accepted),
            ("TLS is not offered", "smtp", NAME, CLEAR, NAME, AUTHORITY, False, accepted),
            ("TLS is offered and refused", "smtp", NAME, REFUSED, NAME, AUTHORITY, False, accepted),
            ("TLS begins and ends in nothing", "smtp", NAME, BROKEN, NAME, AUTHORITY, None, "."),
            ("an answer stands before TLS", "smtp", NAME, INJECTED, NAME, AUTHORITY, None, "."),
        )
        for why, scheme, host, tls, name, by, within, detail in rows:
            with self.subTest(f"{scheme}: {why}"):
                server = self.server(tls, name, by)
                status, lines = self.host(server.url(scheme, host)).lines()
                wanted = (2, ["planned"]) if within is None else (0, ["sent"])
                self.assertEqual((status, [line["state"] for line in lines]), wanted, lines)
                self.assertRegex(lines[0]["detail"], detail)
                self.assertEqual([version is not None for version, _ in server.taken], [] if within is None else [within])
                if within is None:
                    # Neither who it is for nor from whom.
                    self.assertEqual([verb for _, verb in server.said if verb in ("MAIL", "RCPT", "DATA")], [])

    def test_what_was_left_is_sent_once_the_certificate_is_right(self):
        wrong, right = self.server(IMPLICIT, "mx.stranger.example"), self.server(IMPLICIT)
        host = self.host(wrong.url("smtps", NAME))
        self.assertEqual(host.lines()[0], 2)
        self.deliver(host, right.url("smtps", NAME))
        status, lines = host.lines(now=NIGHT + 86400)
        self.assertEqual((status, [line["state"] for line in lines]), (0, ["sent"]))
        self.assertEqual((len(wrong.taken), len(right.taken)), (0, 1))
        self.assertIn(b"bank.example", right.taken[0][1])
        self.assertEqual(host.lines(now=NIGHT + 86400), (0, []))


if __name__ == "__main__":
    ran.main()
