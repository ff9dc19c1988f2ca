"""Attacks on DKIM signatures that are or were genuine, through the daemon's socket. The signatures
are made by python3-dkim.

    signature_attacks.py AUTHMILTERD [unittest arguments]
"""

import sys
import unittest

from harness import ran
from harness.victim import ATTACKER, SMUGGLING, Row, Victim, check, split

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"

GENUINE = split("From: Admin <admin@legitimate.com>\r\nTo: user@victim.com\r\nSubject: Statement\r\n"
                "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n")
REFUSED = r"^550 5\.7\.26 .*legitimate\.com"
PASSED = ("dkim=pass", "header.d=legitimate.com", "dmarc=pass", "header.from=legitimate.com")


def changed(headers, name, value):
    return [(n, value if n == name else v) for n, v in headers]


class Signatures(unittest.TestCase):
    """The client is the attacker's, so SPF never passes for legitimate.com."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Victim(PROGRAM)
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def judge(self, row, **options):
        result = self.daemon.deliver(row.headers, row.body, **options, **row.envelope)
        check(self, row, result)
        return result

    def passes(self, why, headers, body=b"Hello.\r\n", **envelope):
        with self.subTest(why):
            self.judge(Row(why, headers, "accepted", results=PASSED, envelope=envelope, body=body))

    def refused(self, why, headers, body=b"Hello.\r\n", reply=REFUSED, **envelope):
        with self.subTest(why):
            self.judge(Row(why, headers, reply=reply, lacks=("dmarc=pass",), envelope=envelope, body=body))

    def test_prepended_fields(self):
        signed = self.daemon.sign(GENUINE, names=[b"from", b"subject"])
        self.passes("untouched", signed)
        self.refused("A02: another From", [("From", " <evil@attack.com>")] + signed, reply=r"^550 5\.7\.1 ")
        # RFC 6376 section 5.4.2 takes the lower one, and the signature holds: it did not sign that there is none above.
        self.passes("A86: another Subject", [("Subject", " Pay now")] + signed)
        # A213: but the operator can see it.
        self.daemon.wait_for("dkim=pass .*added_fields=subject ")
        self.passes("A213: fields that were not there", [("Content-Type", " text/html"), ("Reply-To", " x@attack.com")] + signed)
        self.daemon.wait_for("dkim=pass .*added_fields=content-type,reply-to ")
        over = self.daemon.sign(GENUINE, names=[b"from", b"subject", b"from", b"subject"])
        self.passes("oversigned", over)
        self.refused("A86: another Subject, where that was signed", [("Subject", " Pay now")] + over)

    def test_unsigned_fields(self):
        """A85: what h= leaves out is not protected (RFC 6376 section 8.2); From alone has to be in it."""
        signed = self.daemon.sign(GENUINE, names=[b"from"])
        self.passes("A85: Subject changed", changed(signed, "Subject", " Pay now"))
        self.refused("A85: From changed", changed(signed, "From", " Boss <admin@legitimate.com>"))
        whole = self.daemon.sign(GENUINE, names=[b"from", b"subject"])
        self.refused("A85: Subject changed, but signed", changed(whole, "Subject", " Pay now"))

    def test_partial_bodies(self):
        body = b"Hello.\r\n"
        signed = self.daemon.sign(GENUINE, body, names=[b"from", b"subject"], length=True)
        self.passes("A83: l= covers all", signed)
        self.refused("A83: text behind l=", signed, body + b"Pay now.\r\n")
        parts = changed(signed, "Content-Type", " multipart/mixed; boundary=BAD")
        self.refused("A84: the signed text is only the preamble now", parts,
                     body + b"--BAD\r\nContent-Type: text/html\r\n\r\nPay now.\r\n--BAD--\r\n")
        self.passes("A188: l= covers all, a BIMI-Selector field adds nothing",
                    [("BIMI-Selector", " v=BIMI1; s=brand")] + signed)

    def test_replay(self):
        signed = self.daemon.sign(GENUINE)
        for number in range(20):
            self.passes("A87", signed, rcpts=[f"<victim{number}@victim.com>"])
        arc = [("ARC-Seal", " i=1; a=rsa-sha256; cv=none; d=attack.com; s=s1; b=AAAA"),
               ("ARC-Message-Signature", " i=1; a=rsa-sha256; d=attack.com; s=s1; h=from; bh=AAAA; b=AAAA"),
               ("ARC-Authentication-Results", " i=1; mx.victim.com; dmarc=pass header.from=legitimate.com")]
        self.passes("A187: DKIM says so, not ARC", arc + signed)
        self.refused("A187: ARC alone", arc + GENUINE)

    def test_forwarding(self):
        signed = self.daemon.sign(GENUINE)
        self.passes("A178a: reverse-path kept", signed, mail_from="<admin@legitimate.com>")
        self.passes("A178b: reverse-path rewritten", signed, mail_from="<SRS0=x=y=legitimate.com=admin@any.com>")
        self.refused("A178c: a list's footer", signed, b"Hello.\r\n-- \r\nlist\r\n", mail_from="<l@list.example>")
        rewritten = self.daemon.sign(changed(GENUINE, "From", " Admin via list <l@attack.com>"), domain="attack.com")
        with self.subTest("A178d"):
            self.judge(Row("", rewritten, "accepted", results=("dkim=pass", "header.d=attack.com", "dmarc=none",
                                                               "header.from=attack.com")))

    def test_garbage_beside_a_signature(self):
        signed = self.daemon.sign(GENUINE)
        for garbage in ("", " garbage", " =?utf-8?q?v=3D1?=", " v=1;;;", " v=1; d=", " a" * 9000, " \u0430=\u00ff"):
            self.passes("A98", [("DKIM-Signature", garbage)] * 5 + signed)
        # Of 200 the first ten are looked at: the rest is what a sender could make us work for (A91).
        for count in (99, 200):
            self.refused(f"A98: {count}", [("DKIM-Signature", " garbage")] * count + signed)
        self.refused("A99: a From that cannot be read", changed(signed, "From", " a (b <admin@legitimate.com>"),
                     reply=r"^550 5\.7\.1 ")

    def test_long_fields(self):
        for size, becomes in ((58000, "passes"), (100000, "refused")):
            headers = self.daemon.sign(changed(GENUINE, "Subject", " " + "x" * size))
            if becomes == "passes":
                self.passes(f"A96: {size}", headers)
            else:
                self.refused(f"A96: {size}", headers, reply="^552 ")

    def test_octets_survive_the_protocol(self):
        """A102: canonicalized simply, every blank counts."""
        headers = [("From", "\tAdmin \n\t<admin@legitimate.com>  "), ("Subject", ""), ("X-Tabs", "\t\t x \t"),
                   ("To", "user@victim.com"), ("X-Empty-Fold", " a\n b\n\t \n c"), ("subJECT", " \t")]
        for method in (b"simple", b"relaxed"):
            signed = self.daemon.sign(headers, canonicalize=(method, b"simple"),
                                      names=[b"from", b"x-tabs", b"to", b"x-empty-fold", b"subject"])
            self.passes(f"A102: {method}", signed)
        for name, value in (("X-Tabs", "\t x \t"), ("To", " user@victim.com"), ("Subject", " ")):
            simple = self.daemon.sign(headers, canonicalize=(b"simple", b"simple"),
                                      names=[b"from", b"x-tabs", b"to", b"subject", b"subject"])
            self.refused(f"A102: {name} changed", changed(simple, name, value))

    def test_smuggled_ends_of_data(self):
        """A137: the MTA says where a message ends. What looks like an end to another is body here, octet by octet, in
        whatever pieces it comes."""
        for sequence in SMUGGLING:
            body = b"Hello." + sequence + b"MAIL FROM:<admin@legitimate.com>\r\nRCPT TO:<x@victim.com>\r\nDATA\r\n"
            signed = self.daemon.sign(GENUINE, body, canonicalize=(b"relaxed", b"simple"))
            with self.subTest(sequence):
                for cut in range(5, 14):
                    with self.daemon.client() as client:
                        client.greet(ATTACKER, "helo.attack.com")
                        client.begin("<any@attack.com>")
                        client.content(signed, body, chunk=cut)
                        result = client.end_of_message(i="smuggled")
                    check(self, Row("", signed, "accepted", results=PASSED), result)
            # Behind the signed part of the message it does no harm, and without a signature it proves nothing.
            self.refused("A137: behind what was signed", signed, body + b"more\r\n")
            self.refused("A137: unsigned", GENUINE, body)

    def test_extreme_bodies(self):
        """A144: a body is hashed as it comes, never kept."""
        before = self.daemon.memory()
        for body, chunk in ((b"", 1), (b"\r\n" * 3, 1), (b"x" * 50_000_000, 65535), (b"x\r\n" * 20000, 7777)):
            signed = self.daemon.sign(GENUINE, body, canonicalize=(b"relaxed", b"simple"))
            with self.daemon.client() as client:
                client.greet(ATTACKER, "helo.attack.com")
                client.begin("<any@attack.com>")
                self.assertEqual(client.content(signed, body, chunk), len(body))
                check(self, Row("", signed, "accepted", results=PASSED), client.end_of_message(i="extreme"))
        signed = self.daemon.sign(GENUINE)
        began = self.daemon.cpu_seconds()
        for body in (b" " * 20_000_000, b"\r\n" * 10_000_000, b" \r\n" * 5_000_000, b"\r" * 20_000_000):
            self.refused("A144: never a loop in a loop", signed, body + b"x")
        self.assertLess(self.daemon.cpu_seconds() - began, self.daemon.allowed_seconds(20))
        self.assertLess(self.daemon.memory() - before, self.daemon.allowed(8 << 20))


if __name__ == "__main__":
    ran.main()
