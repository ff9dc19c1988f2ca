"""The host under attack: authmilterd with a zone file, and the words that the tables use.

Names are those of the published attacks: attack.com is the sender's own, with a valid SPF record for
his client; legitimate.com, which says p=reject, is whom he wants to be.
"""

import dataclasses
import re

import dkim

from . import milter_client as mc
from . import ran
from .daemon import Daemon, key_record, make_key

ATTACKER = "203.0.113.66"
GENUINE = "192.0.2.10"
# What some servers take for the end of a message.
SMUGGLING = [b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n\0.\r\n", b"\r\n.\r\r\n",
             b"\r\r\n.\r\r\n", b"\r\n.\r", b"\r\n.\n"]
US = "mx.victim.com"
AR = "Authentication-Results"
STAGES = ["connect", "helo", "mail", "rcpt", "header", "end_of_headers", "body"]

ZONE = """$TTL 300
. IN SOA . . 1 3600 600 86400 300
legitimate.com IN TXT "v=spf1 ip4:192.0.2.10 -all"
_dmarc.legitimate.com IN TXT "v=DMARC1; p=reject"
attack.com IN TXT "v=spf1 ip4:203.0.113.66 -all"
any.attack.com IN TXT "v=spf1 ip4:203.0.113.66 -all"
helo.attack.com IN TXT "v=spf1 ip4:203.0.113.66 -all"
any.com IN TXT "v=spf1 ip4:203.0.113.66 -all"
old.legitimate.com IN TXT "v=spf1 include:attack.com -all"
macro.example IN TXT "v=spf1 exists:%{l}.macro.example ip4:203.0.113.66 -all"
x.com IN TXT "v=spf1 +all"
xn--bcher-kva.example IN TXT "v=spf1 ip4:203.0.113.66 -all"
list.example IN TXT "v=spf1 ip4:203.0.113.66 -all"
_dmarc.list.example IN TXT "v=DMARC1; p=reject"
injector.example IN TXT "v=spf1 include:bad.injector.example -all"
bad.injector.example IN TXT "v=spf1 x;dmarc=pass"
victim.com IN TXT "v=spf1 ip4:198.51.100.1 -all"
_dmarc.victim.com IN TXT "v=DMARC1; p=reject"
_dmarc.bank.co.uk IN TXT "v=DMARC1; p=reject"
"""

CONFIG = """[milter]
socket = "unix:{dir}/milter0.sock"
socket_group = ""
[identity]
authserv_id = "mx.victim.com"
[dns]
zones = ["{dir}/zone"]
nameservers = ["127.0.0.1@9"]
timeout = "{timeout}"
dnssec = "off"
{dns}
[log]
target = "stderr"
"""


class Victim(Daemon):
    """A daemon with the zone above and a signing key for each of `signs_for`. With a `nameserver`
    that one is asked for every other name, and has `timeout` for an answer; without, there is none."""

    def __init__(self, program, more="", zone="", signs_for=(), nameserver=None, timeout="1s", dns="", **options):
        self.key_pem = b""

        def prepare(daemon):
            text = ZONE + zone
            config = CONFIG
            if nameserver:
                text = re.sub(r"(?m)^\. IN SOA.*\n", "", text)
                config = config.replace("127.0.0.1@9", nameserver)
            public = make_key(daemon.dir / "s1.pem")
            daemon.key_pem = (daemon.dir / "s1.pem").read_bytes()
            text += key_record("s1._domainkey.legitimate.com.", public)
            text += key_record("s1._domainkey.attack.com.", public)
            for domain in signs_for:
                text += key_record(f"s1._domainkey.{domain}.", public)
            (daemon.dir / "zone").write_text(text)
            signing = "".join(f'[[signing.domain]]\ndomain = "{domain}"\n'
                              f'keys = [{{ selector = "s1", file = "{daemon.dir}/s1.pem" }}]\n'
                              for domain in signs_for)
            daemon.write_config(text=config.format(dir=daemon.dir, timeout=timeout, dns=dns) + more + signing)

        super().__init__(program, prepare=prepare, **options)

    def deliver(self, headers, body=b"Hello.\r\n", *, client=ATTACKER, helo="helo.attack.com",
                options=mc.ALL_OPTIONS, version=None, **envelope):
        envelope.setdefault("mail_from", "<any@attack.com>")
        envelope.setdefault("rcpts", ["<user@victim.com>"])
        with self.client(options=options) as connection:
            if version:
                connection.macros("C", v=version)
            connection.greet(client, helo)
            return connection.deliver(headers, body, **envelope)

    def sign(self, headers, body=b"Hello.\r\n", domain="legitimate.com", names=None, **options):
        """`headers` with a signature on top, made by another implementation of DKIM."""
        text = b"".join(as_bytes(n) + b":" + as_bytes(v).replace(b"\n", b"\r\n") + b"\r\n"
                        for n, v in headers) + b"\r\n" + body
        options.setdefault("canonicalize", (b"relaxed", b"relaxed"))
        field = dkim.sign(text, b"s1", domain.encode(), self.key_pem, include_headers=names, **options)
        name, _, value = field.rstrip(b"\r\n").partition(b":")
        return [(name.decode(), value.decode().replace("\r\n", "\n"))] + headers


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def split(text):
    """The fields of a header text as a milter gets them when the MTA takes every line with a colon
    for a field, blanks around the name included. A line that begins with a blank continues the one
    before it; the first line has none."""
    fields = []
    for line in text.removesuffix("\r\n").split("\r\n"):
        if fields and line[:1] in " \t":
            fields[-1] = (fields[-1][0], fields[-1][1] + "\n" + line)
        else:
            name, _, value = line.partition(":")
            fields.append((name, value))
    return fields


@dataclasses.dataclass
class Row:
    """One attack and what has to become of it."""
    why: str
    headers: list
    becomes: str = "refused"  # "refused", "accepted", "tagged", "deferred"
    reply: str = ""           # how the reply goes on after "550 ", as a regular expression
    results: tuple = ()       # in our results field
    lacks: tuple = ()         # not in it, nor in anything else that we say
    envelope: dict = dataclasses.field(default_factory=dict)
    body: bytes = b"Hello.\r\n"

    def __post_init__(self):
        if isinstance(self.headers, str):
            self.headers = split(self.headers)


# Whose domain says p=reject, and what becomes of it when another sends it.
LEGIT = split("From: <admin@legitimate.com>\r\nSubject: x\r\n")
FORGED = Row("", LEGIT, reply=r"^550 5\.7\.26 ")


def our_results(headers):
    """Of all fields, the results that bear our name, in any spelling that a reader may take for it."""
    return [v for n, v in headers
            if n.strip().lower() == AR.lower() and US in v.lower().replace('"', "")]


def check(test, row, result):
    """What happened to `row`, against what had to."""
    said = " ".join([result.reply] + [str(c[3]) for c in result.changes])
    for bad in row.lacks:
        test.assertNotIn(bad, said)
    for kind, _, name, value in result.changes:
        # Nothing that we write can end a field but where we fold it.
        test.assertNotRegex(value, r"[^\x20-\x7e\n\t]|\n(?![ \t])", name)
    test.assertRegex(result.reply, r"^[\x20-\x24\x26-\x7e]{0,500}$")
    if row.becomes in ("refused", "deferred"):
        test.assertEqual(result.status, mc.REJECT if row.becomes == "refused" else mc.TEMPFAIL,
                         result)
        test.assertRegex(result.reply, row.reply)
        test.assertEqual(result.changes, [])
        return
    test.assertTrue(result.accepted, result)
    after = mc.apply_changes(row.headers, result.changes)
    results = our_results(after)
    test.assertEqual(len(results), 1, results)
    test.assertEqual(after[0], (AR, results[0]))
    ran.title("A125: our results stand above all others")
    for good in row.results:
        test.assertIn(good, results[0].replace("\n\t", " "))
    test.assertEqual(bool(result.inserted("X-Authmilter-Verdict")), row.becomes == "tagged")


def until(client, stage, headers=LEGIT, **envelope):
    """Goes through a message up to `stage`."""
    steps = {"connect": lambda: client.connect(ATTACKER), "helo": lambda: client.helo("helo.attack.com"),
             "mail": lambda: client.mail("<any@attack.com>", mail_addr="any@attack.com", **envelope),
             "rcpt": lambda: client.rcpt("<user@victim.com>"),
             "header": lambda: [client.header(*field) for field in headers],
             "end_of_headers": client.end_of_headers, "body": lambda: client.body(b"Hello.\r\n")}
    for name in STAGES[:STAGES.index(stage) + 1]:
        steps[name]()
