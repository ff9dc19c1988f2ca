"""Published attacks on a receiving host, each as its exact input: through the daemon's socket.

    attack_table.py AUTHMILTERD [unittest arguments]

FROM-BAD: a message without a single Author Domain is refused with 550 5.7.1. RFC 9989 section 5.3.1
leaves it to the receiver what becomes of it; whoever let it pass unjudged would let it pass DMARC.
"""

import sys
import unittest

from harness import ran
from harness.victim import GENUINE, US, Row, Victim, check, mc, split

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
LEGIT = "From: <admin@legitimate.com>\r\n"
FIELDS, AUTHORS = "multiple-from-fields", "multiple-author-domains"
NONE, INVALID = "no-author-domain", "invalid-author-domain"


# What is wrong elsewhere in the header, where another reader may find another From.
ELSEWHERE = {"malformed-field-name": "The header has a field whose name is malformed",
             "bare-cr-in-header": "The header has a carriage return that ends no line",
             "broken-fold-in-header": "The header has a line end inside a field that no blank follows"}
NAME, BARE_CR, FOLD = ELSEWHERE


def bad(why, header, reason, **more):
    """FROM-BAD."""
    sentence = ELSEWHERE.get(reason, "The From field names no single author domain")
    return Row(why, header, reply=rf"^550 5\.7\.1 {sentence}: {reason}$", **more)


def fine(why, header, domain="attack.com", **more):
    """A legal field: its own domain is judged. attack.com has no policy."""
    return Row(why, header, "accepted", results=("dmarc=none", f"header.from={domain}"),
               lacks=("dmarc=pass",), **more)


def forged(why, header, **more):
    """The domain that is judged says p=reject, and nothing proves that it is the author's."""
    return Row(why, header, reply=r"^550 5\.7\.26 .*legitimate\.com", **more)


LABEL = "l" * 63

HEADER_ROWS = [
    bad("A01", "From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n", FIELDS),
    bad("A01: identical", LEGIT + LEGIT, FIELDS),
    bad("A03: through raw milter", " From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n", FIELDS),
    bad("A03: alone", " From: <admin@legitimate.com>\r\n", NAME),
    bad("A04", "From: <first@attack.com>\r\nFrom : <admin@legitimate.com>\r\n", FIELDS),
    bad("A05: as Sendmail delivers it", [("From\n ", " <first@attack.com>"), ("From", " <admin@legitimate.com>")],
        FIELDS),
    bad("A06", [("From\n ", " <first@attack.com>"), ("Sender", " <admin@legitimate.com>")], NAME),
    bad("A07", [("From\n ", " <first@attack.com>"), ("Resent-From", " <admin@legitimate.com>")], NAME),
    bad("A08", " From: <any@attack.com>\r\nResent-From: <admin@legitimate.com>\r\n", NAME,
        envelope={"mail_from": "<>"}),
    bad("A09", "Sender: <admin@legitimate.com>\r\n", NONE),
    bad("A09: no header", [], NONE),
    bad("A10", "From:\r\n", NONE),
    bad("A10", "From: \t\r\n", NONE),
    bad("A10", "From: <>\r\n", NONE),
    bad("A10", "From: ()\r\n", NONE),
    bad("A11", "From: undisclosed-recipients:;\r\n", NONE),
    bad("A11", "From: g: <a@legitimate.com>, <b@x.com>;\r\n", AUTHORS),
    bad("A11: a group of one", "From: g: <a@legitimate.com>;\r\n", INVALID),
    bad("A12", "fROM: <a@attack.com>\r\nFROM: <admin@legitimate.com>\r\n", FIELDS),
    bad("A13: what is left of Fr\\0om: x", [("Fr", "om"), ("From", " <admin@legitimate.com>"), ("From", " x")], FIELDS),
    bad("A13: NUL, which C strings lose", [("From\0", " <first@attack.com>"), ("From", " <admin@legitimate.com>")],
        FIELDS),
    bad("A13", [("From\x01", " <first@attack.com>"), ("From", " <any@attack.com>")], FIELDS),
    bad("A13", [("From\u00a0", " <first@attack.com>"), ("From", " <any@attack.com>")], FIELDS),
    bad("A13: fullwidth", [("\uff26rom", " <admin@legitimate.com>"), ("From", " <any@attack.com>")], NAME),
    fine("A14", "From;x: a@legitimate.com\r\nFrom: <any@attack.com>\r\n"),
    fine("A15: as Postfix hands it over",
         "X-Mailbox-Line: From admin@legitimate.com Mon Jan 1 00:00:00 2024\r\nFrom: <a@attack.com>\r\n"),
    bad("A16", [("X", " x\nFrom: <admin@legitimate.com>"), ("From", " <any@attack.com>")], FOLD),
    bad("A16", [("X", " x\rFrom: <admin@legitimate.com>"), ("From", " <any@attack.com>")], BARE_CR),
    bad("A16: in From", [("From", " <any@attack.com>\n, <admin@legitimate.com>")], FOLD),
    Row("A17: hidden behind 5000 fields", "From: <any@attack.com>\r\n" + "X: y\r\n" * 5000 + LEGIT,
        reply=r"^552 5\.3\.4 "),
    Row("A17: hidden behind 2 MiB", "From: <any@attack.com>\r\n" + ("X: " + "y" * 60000 + "\r\n") * 35 + LEGIT,
        reply=r"^552 5\.3\.4 "),
    fine("A18: 58000 octets", "From: <any@attack.com>\r\nX: " + "y" * 58000 + "\r\n"),
    *[Row(f"A18: {size} octets", "From: <any@attack.com>\r\nX: " + "y" * size + "\r\n", reply=r"^552 5\.3\.4 ")
      for size in (66000, 102400, 1000000)],
    *[fine(f"A19: {size} octets", f"From: {'p' * (size - 16)} <a@attack.com>\r\n") for size in (4095, 4096)],
    *[bad(f"A19: {size} octets", f"From: {'p' * (size - 16)} <a@attack.com>\r\n", INVALID)
      for size in (4097, 8191, 8192, 58000)],
]

ADDRESS_ROWS = [
    bad("A20", "From: <first@attack.com>, <admin@legitimate.com>\r\nSender: <s@sender.legitimate.com>\r\n", AUTHORS),
    # RFC 9989 section 5.3.1: several mailboxes of one domain have one Author Domain.
    forged("A21", "From: <a@legitimate.com>, <b@legitimate.com>\r\n"),
    fine("A21", "From: <a@attack.com>, <b@attack.com>\r\n"),
    bad("A21: and another", "From: <a@attack.com>, <b@attack.com>, <admin@legitimate.com>\r\n", AUTHORS),
    bad("A21: and one in a comment", "From: <a@attack.com> (<admin@legitimate.com>), <b@attack.com>\r\n", AUTHORS),
    bad("A21: and one in quotes", 'From: "admin@legitimate.com" <a@attack.com>, <b@attack.com>\r\n', AUTHORS),
    bad("A21: and an encoded one", "From: =?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=, a@attack.com, b@attack.com\r\n",
        AUTHORS),
    # Sloppy, and the same to every reader.
    fine("A220: comma in the name", "From: Doe, John <any@attack.com>\r\n"),
    fine("A220: comma at the end", "From: John <any@attack.com>,\r\n"),
    fine("A220: the address as the name", "From: any@attack.com <any@attack.com>\r\n"),
    forged("A220: they are judged", "From: Doe, John <admin@legitimate.com>,\r\n"),
    bad("A221: another address in the name", "From: admin@legitimate.com, John <any@attack.com>\r\n", AUTHORS),
    bad("A221: another address as the name", "From: admin@legitimate.com <any@attack.com>\r\n", AUTHORS),
    *[bad("A221: a piece that some reader takes for an address", f"From: {piece}, John <any@attack.com>\r\n", INVALID)
      for piece in ("=?utf-8?q?admin=40legitimate.com?=", '"admin@legitimate.com"', "(admin@legitimate.com) x",
                    "legitimate.com!admin", "admin%legitimate.com", "admin\uff20legitimate.com", "admin\ufe6blegitimate.com",
                    "admin\\\\", "[admin]", "admin;", "admin:")],
    bad("A22", "From: <admin@legitimate.com>, <any@attack.com>, <any2@attack.com>\r\nSender: <admin@legitimate.com>\r\n",
        AUTHORS),
    bad("A23", "From: =?utf-8?B?PGFkbWluQGxlZ2l0aW1hdGUuY29tPg==?=,<second@attack.com>\r\n", INVALID),
    bad("A24", "From: =?utf-8?B?YWRtaW5AbGVnaXRpbWF0ZS5jb20=?=\r\n", NONE),
    bad("A25", "From: <@attack.com,@any.com:admin@legitimate.com>\r\n", AUTHORS),
    bad("A26", "From: <admin@legitimate.com>\\,<second@attack.com>\r\n", AUTHORS),
    bad("A27", "From: admin@legitimate.com,<second@attack.com>\r\n", AUTHORS),
    bad("A28", "From: <any@attack.com>admin@legitimate.com\r\n", AUTHORS),
    fine("A29", 'From: "admin@legitimate.com" <any@attack.com>\r\n'),
    fine("A29", 'From: "admin@legitimate.com\\" <x" <any@attack.com>\r\n'),
    bad("A30", "From: foo (bar\r\n", INVALID),
    bad("A30", "From: foo\\\r\n", NONE),
    bad("A30", "From: a@b.c, (d@e.f\r\n", INVALID),
    bad("A30", "From: a@b.c " + "(" * 1000 + "\r\n", INVALID),
    bad("A31", "From: a@b@legitimate.com\r\n", AUTHORS),
    fine("A31", 'From: "a@legitimate.com"@attack.com\r\n'),
    bad("A31", "From: a@attack.com@legitimate.com\r\n", AUTHORS),
    bad("A32", "From: a@[192.0.2.1]\r\n", INVALID),
    bad("A32", "From: a@[IPv6:2001:db8::1]\r\n", INVALID),
    forged("A33: one trailing dot", "From: a@legitimate.com.\r\n"),
    *[bad("A33", f"From: {address}\r\n", INVALID) for address in (
        "a@legitimate..com", "a@.com", "a@-x.com", "a@1.2.3.4", "a@legitimate.com..")],
    # Nobody publishes a policy for a single label.
    *[fine("A33: single label", f"From: a@{name}\r\n", name) for name in ("com", "localhost")],
    *[bad("A34", f"From: <admin@legitimate.com{blank}>\r\n", INVALID)
      for blank in ("\u2000", "\u00a0", "\u200b", "\u00ad")],
    forged("A34", "From: <admin@legitimate.com >\r\n"),
    forged("A34", "From: <admin@legitimate.com\t>\r\n"),
    forged("A35: ideographic full stop is a dot", "From: admin@legitimate\u3002com\r\n"),
    forged("A35: fullwidth letters are letters", "From: admin@\uff4cegitimate.com\r\n"),
    forged("A35: upper case", "From: admin@LEGITIMATE.COM\r\n"),
    bad("A35: no A-label", "From: a@xn--0.com\r\n", INVALID),
    fine("A35: U-label", "From: a@b\u00fccher.example\r\n", "xn--bcher-kva.example"),
    fine("A35: XN-- upper", "From: a@XN--BCHER-KVA.example\r\n", "xn--bcher-kva.example"),
    fine("A35: a homograph is its own domain", "From: a@leg\u0456timate.com\r\n", "xn--legtimate-x9h.com"),
    *[bad("A36", f"From: admin@legitimate.com{meta}.attack.com\r\n", INVALID) for meta in ("(", "'", ";", '"')],
    fine("A37", "From: =?utf-8?q?admin=40legitimate.com=3e=20?=@attack.com\r\n"),
    fine("A37", "From: =?x?q?=41?=@attack.com\r\n"),
    fine("A38: in the phrase", "From: \u202emoc.etamitigel <a@attack.com>\r\n"),
    fine("A38: in the local part", "From: \u202enimda@attack.com\r\n"),
    bad("A39: 254 octets", "From: a@" + ".".join([LABEL] * 3 + ["l" * 58]) + ".com\r\n", INVALID),
    bad("A39: a label of 64", f"From: a@l{LABEL}.com\r\n", INVALID),
    fine("A39: a local part of 65", f"From: {'a' * 65}@attack.com\r\n"),
    Row("A39: a local part of 70000", f"From: {'a' * 70000}@attack.com\r\n", reply=r"^552 ", lacks=("aaaa",)),
    bad("A40", "From: <<a@attack.com>@legitimate.com>\r\n", AUTHORS),
    bad("A40", "From: <a@legitimate.com\r\n", INVALID),
    bad("A40", "From: a@legitimate.com>\r\n", INVALID),
    bad("A40", "From: <a@attack.com> <admin@legitimate.com>\r\n", AUTHORS),
    bad("A113: no room for _dmarc.", "From: a@" + ".".join([LABEL] * 3 + ["l" * 54]) + ".com\r\n", INVALID),
    fine("A171: libmilter ends the value at NUL", [("From", " <a@attack.com>\0, <admin@legitimate.com>")]),
    fine("A182", "From: =?utf-8?b?cG90dXNAbGVnaXRpbWF0ZS5jb20AAAA=?= <x@attack.com>\r\n"),
    fine("A182", "From: =?utf-8?q?potus=40legitimate.com=0A=00?= <x@attack.com>\r\n"),
    forged("A183: '%' and '{' in the local part", 'From: "%s%n{x}"@legitimate.com\r\n'),
    Row("A183: a name of 200 octets", "From: a@" + ".".join([LABEL] * 3) + ".legitimate.com\r\n",
        reply=r"^550 5\.7\.26 Message refused by the DMARC policy of the author's domain"),
]


def envelope(why, mail_from, becomes="refused", header=LEGIT, **more):
    more.setdefault("lacks", ())
    host = {key: more.pop(key) for key in ("client", "helo", "auth_user") if key in more}
    return Row(why, header, becomes, envelope={"mail_from": mail_from, **host}, **more)


MINE = "From: <any@attack.com>\r\n"
ENVELOPE_ROWS = [
    forged("A41: HELO passes, MAIL FROM does not exist", LEGIT,
           envelope={"mail_from": "<any@mailfrom.notexist.legitimate.com>"}),
    envelope("A41: what is said of it", "<any@mailfrom.notexist.legitimate.com>", "accepted", MINE,
             results=("spf=none", "smtp.mailfrom=mailfrom.notexist.legitimate.com", "dmarc=none"),
             lacks=("spf=pass", "helo.attack.com")),
    forged("A42", LEGIT, envelope={"mail_from": "<(any@legitimate.com>"}),
    envelope("A42: not the null path", "<(any@legitimate.com>", "accepted", MINE, results=("spf=permerror",),
             lacks=("(any", "any@")),
    forged("A43", LEGIT, envelope={"mail_from": "<any@legitimate.com(.attack.com>"}),
    envelope("A43", "<any@legitimate.com(.attack.com>", "accepted", MINE, results=("spf=none",),
             lacks=("legitimate",)),
    forged("A44", LEGIT, envelope={"mail_from": "<any@legitimate.com'@any.attack.com>"}),
    envelope("A44", "<any@legitimate.com'@any.attack.com>", "accepted", MINE, results=("spf=permerror",),
             lacks=("legitimate",)),
    forged("A45", LEGIT, envelope={"mail_from": "<@legitimate.com,@any.com:'any@attack.com>"}),
    envelope("A45", "<@legitimate.com,@any.com:'any@attack.com>", "accepted", MINE,
             results=("spf=pass smtp.mailfrom=attack.com", "dmarc=none"),
             lacks=("legitimate", "any.com")),
    forged("A46: HELO is a lie", LEGIT, envelope={"mail_from": "<>", "helo": "legitimate.com"}),
    forged("A46: HELO is somebody else's", LEGIT, envelope={"mail_from": "<>", "helo": "attack.com"}),
    envelope("A46: a genuine bounce", "<>", "accepted", client=GENUINE, helo="legitimate.com",
             results=("spf=pass", "smtp.helo=legitimate.com", "dmarc=pass")),
    *[envelope("A47", "<any@attack.com>", "accepted", MINE, helo=helo, results=("dmarc=none", "spf=pass smtp.mailfrom=attack.com"),
               lacks=("dmarc=pass", "legitimate", "1.2.3.4", "aaaa"))
      for helo in ("a;dmarc=pass", "legitimate.com' x", "[1.2.3.4]", "a" * 1000, "helo.legitimate.com\u00e9\u2000")],
    *[envelope("A47: where HELO is looked at", "<>", "accepted", MINE, helo=helo, results=("dmarc=none", "spf=none"),
               lacks=("dmarc=pass", "legitimate", "1.2.3.4", "aaaa"))
      for helo in ("a;dmarc=pass", "legitimate.com' x", "[1.2.3.4]", "a" * 1000, "helo.legitimate.com\u00e9\u2000")],
    envelope("A47: NUL, which C strings lose", "<>", "accepted", MINE,
             helo="helo.attack.com\0;dmarc=pass", results=("spf=pass (null reverse-path) smtp.helo=helo.attack.com",),
             lacks=("dmarc=pass",)),
    forged("A49: mapped into IPv6, not authorized", LEGIT,
           envelope={"client": "::ffff:203.0.113.66", "mail_from": "<admin@legitimate.com>"}),
    envelope("A49: mapped into IPv6, authorized", "<admin@legitimate.com>", "accepted",
             client="::ffff:192.0.2.10", results=("spf=pass", "dmarc=pass")),
    envelope("A51: one trailing dot", "<x@attack.com.>", "accepted", MINE,
             results=("spf=pass smtp.mailfrom=attack.com",)),
    envelope("A51: upper case", "<x@ATTACK.com>", "accepted", MINE, results=("spf=pass smtp.mailfrom=attack.com",)),
    envelope("A51: no domain", "<x@>", "accepted", MINE, results=("spf=none",)),
    envelope("A51: address literal", "<x@[192.0.2.1]>", "accepted", MINE, results=("spf=none",),
             lacks=("192.0.2.1",)),
    forged("A51: no local part", LEGIT, envelope={"mail_from": "<@attack.com>"}),
    envelope("A52: 64", f"<{'a' * 64}@attack.com>", "accepted", MINE, results=("spf=pass",), lacks=("aaaa",)),
    *[envelope(f"A52: {size}, which no macro uses", f"<{'a' * size}@attack.com>", "accepted", MINE,
               results=("spf=pass",), lacks=("aaaa",)) for size in (65, 5000)],
    *[envelope(f"A52: {size} for a macro", f"<{'a' * size}@macro.example>", "accepted", MINE,
               results=(f"spf={spf}",), lacks=("aaaa",)) for size, spf in ((63, "pass"), (65, "permerror"), (5000, "permerror"))],
    envelope("A52: quoted", '<"a b\\"@legitimate.com"@attack.com>', "accepted", MINE,
             results=("spf=pass smtp.mailfrom=attack.com",), lacks=("legitimate",)),
    envelope("A53", "<\u00fc@b\u00fccher.example>", "accepted", MINE,
             results=("smtp.mailfrom=xn--bcher-kva.example",)),
    envelope("A53: not UTF-8", "<a@b\udcfc.example>", "accepted", MINE, results=("spf=none",)),
]

OURS = [f" {US}; dmarc=pass", f" {US.upper()}; dmarc=pass", f' "{US}"; dmarc=pass', f" (c){US}; dmarc=pass",
        f" {US} 1; dmarc=pass", f" {US}/1; dmarc=pass", f"\n {US}; dmarc=pass", f" {US}.; dmarc=pass",
        " \uff4dx.victim.com; dmarc=pass", f" {US}; ((((", " dmarc=pass", " (open; dmarc=pass", ""]
FOREIGN = [" mx.other.com; dmarc=pass", f" a.{US}; dmarc=pass", f" {US}.attack.com; dmarc=pass"]
KEPT = [("ARC-Authentication-Results", f" i=1; {US}; dmarc=pass"), ("X-Authentication-Results", f" {US}; dmarc=pass"),
        ("Received-SPF", " pass (victim.com) client-ip=192.0.2.10; envelope-from=admin@legitimate.com;"),
        ("DKIM-Filter", " OpenDKIM Filter v2.11.0")]
NAMES = ["Authentication-Results", "authentication-results", "AUTHENTICATION-RESULTS", "Authentication-Results ",
         "Authentication-Results\t"]
# A message with one of these must come out with ours on top and no other that bears our name.
FORGERIES = (
    [(f"A119: {count} of them, foreign ones between",
      [field for i in range(count) for field in (("Authentication-Results", OURS[0]),
                                                 ("Authentication-Results", FOREIGN[i % 3]))])
     for count in (1, 2, 3, 50)] +
    [("A120", [("Authentication-Results", value)]) for value in OURS] +
    [("A121", [(name, OURS[0])]) for name in NAMES] +
    [("A122: 4500 results", [("Authentication-Results", f" {US}" + "; dmarc=pass" * 4500)]),
     ("A122: comments in comments", [("Authentication-Results", " " + "(" * 58000 + US)]),
     ("A122: and closed", [("Authentication-Results", " " + "(" * 29000 + ")" * 29000 + f"{US}; dmarc=pass")]),
     ("A190: our own, come back by a forwarder",
      [("Authentication-Results", f" {US};\n\tspf=pass smtp.mailfrom=legitimate.com;\n\tdkim=none;\n\tdmarc=pass "
                                  "header.from=legitimate.com")]),
     ("A126: our other field", [("X-Authmilter-Verdict", " clean"), ("x-authmilter-verdict ", " clean")]),
     ("A188: what only a receiver says of BIMI", [("BIMI-Location", " v=BIMI1; l=https://attack.com/logo.svg"),
                                                  ("bimi-indicator ", " PHN2Zz4=")])])
MUST_GO = ("x-authmilter-verdict", "bimi-location", "bimi-indicator")

# DNS and the envelope as a way into our own field. Of each only a checked name or a word of ours comes out.
INJECTIONS = [
    envelope("A123: local part", "<x; dmarc=pass@attack.com>", "accepted", MINE, results=("dmarc=none",),
             lacks=("dmarc=pass", "x;")),
    envelope("A123: quoted local part", '<"x; dmarc=pass"@attack.com>', "accepted", MINE, results=("spf=pass",),
             lacks=("dmarc=pass", "x;")),
    envelope("A123: an SPF term in error", "<x@injector.example>", "accepted", MINE, results=("spf=permerror",),
             lacks=("dmarc=pass", "x;")),
    Row("A123: d=, s= and i=", MINE + "DKIM-Signature: v=1; a=rsa-sha256; d=legitimate.com;dmarc=pass; s=s1'(; "
        "i=a@legitimate.com; h=from; bh=AAAA; b=AAAA\r\n", "accepted", results=("dkim=", "dmarc=none"),
        lacks=("dmarc=pass", "'(", "dkim=pass")),
    envelope("A124", "<a\r\nX: y@attack.com>", "accepted", MINE, helo="a\r\nX: y", results=("dmarc=none",),
             lacks=("X: y",)),
    forged("A118: another filter's word is not evidence",
           "Received-SPF: pass client-ip=192.0.2.10; envelope-from=admin@legitimate.com\r\n"
           "Authentication-Results: mx.other.com; spf=pass smtp.mailfrom=legitimate.com; dmarc=pass\r\n" + LEGIT),
]

DMARC_ROWS = [
    forged("A104: SPF passes for a domain of one letter", LEGIT, envelope={"mail_from": "<any@x.com>"}),
    Row("A104: another second-level domain", "From: a@bank.co.uk\r\n", reply=r"^550 5\.7\.26 .*bank\.co\.uk",
        envelope={"mail_from": "<any@a.co.uk>"}),
    forged("A109: a name that does not exist", "From: a@nx.legitimate.com\r\n"),
    Row("A178c: a list keeps From", LEGIT, reply=r"^550 5\.7\.26 ", envelope={"mail_from": "<bounces@list.example>"}),
    envelope("A178d: a list that rewrites From", "<bounces@list.example>", "accepted",
             "From: Admin via List <list@list.example>\r\n", results=("dmarc=pass", "header.from=list.example")),
    # What the owner of legitimate.com has left to others is theirs to use, says DMARC (relaxed alignment).
    envelope("A179: a record that still includes what is now the attacker's", "<any@old.legitimate.com>", "accepted",
             results=("dmarc=pass",)),
]


class Table(unittest.TestCase):
    """`enforcing` does what the tables say. `watching` only reports: every message that would be
    refused shows what its results field says."""

    @classmethod
    def setUpClass(cls):
        cls.enforcing = Victim(PROGRAM)
        cls.addClassCleanup(cls.enforcing.__exit__, None, None, None)
        cls.watching = Victim(PROGRAM, '[verify]\nmode = "monitor"\n')
        cls.addClassCleanup(cls.watching.__exit__, None, None, None)

    def run_rows(self, rows):
        for number, row in enumerate(rows):
            with self.subTest(row.why, row=number):
                queue_id = f"{self._testMethodName}.{number}"
                check(self, row, self.enforcing.deliver(row.headers, row.body, queue_id=queue_id, **row.envelope))
                if row.becomes == "refused":
                    self.enforcing.wait_for(f"^id={queue_id} .* action=reject ")
                    self.watch(row, queue_id)

    def watch(self, row, queue_id):
        result = self.watching.deliver(row.headers, row.body, queue_id=queue_id, **row.envelope)
        self.assertTrue(result.accepted, result)
        value, = result.inserted("Authentication-Results")
        line, = self.watching.wait_for(f"^id={queue_id} ")
        if row.reply.startswith(r"^550 5\.7\.26"):
            self.assertIn("dmarc=fail", value)
        else:
            self.assertIn("dmarc=permerror", value)
            self.assertNotIn("header.from", value)
            self.assertIn(" from=- ", line)
        for word in ("dmarc=pass", "dmarc=none"):
            self.assertNotIn(word, value + line)

    def test_header_fields(self):
        self.run_rows(HEADER_ROWS)

    def test_addresses(self):
        self.run_rows(ADDRESS_ROWS)

    def test_envelopes(self):
        self.run_rows(ENVELOPE_ROWS)

    def test_injections(self):
        self.run_rows(INJECTIONS)

    def test_alignment(self):
        self.run_rows(DMARC_ROWS)

    def test_forged_results(self):
        """A119 to A127; A184: the indexes are those of the fields as received, so the highest goes first."""
        for why, forgeries in FORGERIES:
            for user in (None, "alice"):  # A127: whoever sends it
                with self.subTest(why, user=user, first=forgeries[0][1][:40]):
                    headers = KEPT + forgeries + split(MINE) + [("Authentication-Results", v) for v in FOREIGN]
                    result = self.enforcing.deliver(headers, auth_user=user)
                    self.assertTrue(result.accepted, result)
                    removals = [c[1] for c in result.changes if c[0] == "change"]
                    self.assertEqual(removals, sorted(removals, reverse=True))
                    after = mc.apply_changes(headers, result.changes)
                    ours = [after.pop(0)] if user is None else []
                    self.assertEqual([v.split(";")[0] for _, v in ours], [f" {US}"] * len(ours))
                    self.assertEqual([f for f in after if f[0].strip().lower() in MUST_GO], [])
                    forged_values = {v for _, v in forgeries} - set(FOREIGN)
                    self.assertEqual([f for f in after if f[1] in forged_values and f not in KEPT], [])
                    for field in KEPT:
                        self.assertIn(field, after)
                    left = [v for n, v in after if n == "Authentication-Results"]
                    self.assertEqual(left[-3:], FOREIGN)
                    self.assertEqual(len(left), len(FOREIGN) + sum(f[1] in FOREIGN for f in forgeries))

    def test_results_of_four_megabytes(self):
        """A122: refused as a header, not as results."""
        field = ("Authentication-Results", f" {US}" + "; dmarc=pass" * 4500)
        result = self.enforcing.deliver(split(MINE) + [field] * 70)
        self.assertRegex(result.reply, r"^552 ")


if __name__ == "__main__":
    ran.main()
