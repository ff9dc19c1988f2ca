#!/usr/bin/env python3
"""What stands behind authmilter reads what it writes: the Sieve script for Dovecot, the rules for SpamAssassin and for
Rspamd, as shipped and installed as they say.

    downstream.py AUTHMILTERD

Messages go through the daemon, and what it makes of them goes to Debian's programs in a throwaway copy of this machine.
Needs root, and apt's lists for the first time.
"""

import base64
import contextlib
import pathlib
import sys
import tempfile
from dataclasses import dataclass, field

import dkim
from downstream_tools import OUR_NAME, Rspamd, Sieve, SpamAssassin
from harness import milter_client as mc
from harness import ran
from harness.daemon import ZONE, Daemon, key_record, make_key
from harness.tables import keep_table
from harness.throwaway_machine import Machine, Unavailable
from harness.unpacked_packages import Missing, unpacked_list

MORE_ZONE = ZONE + ('none.example. IN TXT "v=spf1 -all"\n'
                    '_dmarc.none.example. IN TXT "v=DMARC1; p=none"\n'
                    'soft.example. IN TXT "v=spf1 ~all"\n'
                    '_dmarc.genuine.example. IN TXT "v=DMARC1; p=quarantine"\n'
                    'genuine.example. IN TXT "v=spf1 ip4:192.0.2.1 -all"\n')
FAIL = "dmarc=fail header.from=bank.example policy.dmarc=quarantine"
PASS = f"{OUR_NAME}; spf=pass smtp.mailfrom=a; dmarc=pass header.from=held.example"
NO_QUARANTINE = mc.ALL_ACTIONS & ~mc.QUARANTINE


@dataclass
class Row:
    why: str
    author: str
    mail_from: str
    folder: str
    rules: str = ""  # of SpamAssassin that are ours
    header: list = field(default_factory=list)
    mode: str = "enforce"
    client: str = "192.0.2.1"
    actions: int = mc.ALL_ACTIONS
    signed_by: str = ""
    helo: str = "client.example.net"
    as_it_is: bool = False  # not through the daemon: what the fragments make of it alone


GOOD = "SPF_PASS DMARC_PASS"
QUARANTINED = "AUTHMILTER_DMARC_FAIL DMARC_QUAR"
ROWS = [
    Row("genuine", "example.org", "example.org", "INBOX", GOOD),
    Row("genuine, with a policy of quarantine", "genuine.example", "genuine.example", "INBOX", GOOD),
    Row("SPF fails: tagged", "other.example", "held.example", "Junk",
        "AUTHMILTER_SUSPICIOUS SPF_FAIL DMARC_MISSING"),
    Row("quarantine, where the MTA holds nothing: tagged", "held.example", "example.org", "Junk",
        f"AUTHMILTER_SUSPICIOUS SPF_PASS {QUARANTINED}", actions=NO_QUARANTINE),
    Row("quarantine, released from the hold queue", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}"),
    Row("a policy that asks for nothing", "none.example", "example.org", "INBOX", "SPF_PASS DMARC_NONE"),
    Row("softfail", "other.example", "soft.example", "INBOX", "SPF_SOFTFAIL DMARC_MISSING"),
    Row("no policy, no record", "other.example", "other.example", "INBOX", "SPF_NONE DMARC_MISSING"),
    Row("monitor: what would be held", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        mode="monitor"),
    Row("monitor: what would be refused", "example.org", "held.example", "Junk",
        "SPF_FAIL AUTHMILTER_DMARC_FAIL DMARC_REJECT", mode="monitor"),
    Row("another host's results", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" evil.example; spf=fail smtp.mailfrom=a; {FAIL}")]),
    Row("a host whose name begins as ours", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" {OUR_NAME}.evil.example; spf=fail smtp.mailfrom=a; {FAIL}")]),
    Row("our name in another host's results", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" evil.example; x=y reason=\"{OUR_NAME}; {FAIL}\"")]),
    Row("A196: an encoded line in our name", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" evil.example; none =?utf-8?q?=0A{OUR_NAME};_dmarc=3Dpass?=")]),
    Row("A196: in base64, at the start of a line", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" evil.example;\n =?utf-8?b?{base64.b64encode(PASS.encode()).decode()}?= x")]),
    Row("a line in our name", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" evil.example;\n {PASS}")]),
    Row("another host's pass right below ours", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", "\tevil.example; dkim=pass header.d=held.example; dmarc=pass policy.dmarc=none")]),
    Row("another host's failure right below ours", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", "\tpolicy.dmarc=reject; dmarc=fail policy.dmarc=reject")]),
    Row("A196: nobody has removed it", "example.org", "example.org", "INBOX", "",
        [("Authentication-Results", f" evil.example; none =?utf-8?q?=0A{OUR_NAME};_spf=3Dpass_smtp.mailfrom=3Da;_dmarc=3Dpass?=")],
        as_it_is=True),
    Row("A222: HELO passes, MAIL FROM does not", "other.example", "held.example", "Junk",
        "AUTHMILTER_SUSPICIOUS SPF_FAIL DMARC_MISSING", helo="example.org"),
    Row("results forged in our name", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" {OUR_NAME}; spf=fail smtp.mailfrom=a; {FAIL}")]),
    Row("a pass forged in our name", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" {OUR_NAME}; spf=pass smtp.mailfrom=a; dkim=pass header.d=b; dmarc=pass")]),
    Row("a verdict forged", "example.org", "example.org", "INBOX", GOOD,
        [("X-Authmilter-Verdict", " suspicious (me)")]),
    Row("a clean verdict forged", "other.example", "held.example", "Junk",
        "AUTHMILTER_SUSPICIOUS SPF_FAIL DMARC_MISSING", [("X-Authmilter-Verdict", " clean")]),
    Row("monitor: a verdict forged hurts its sender", "example.org", "example.org", "Junk",
        f"AUTHMILTER_SUSPICIOUS {GOOD}", [("X-Authmilter-Verdict", " suspicious (me)")], mode="monitor"),
    Row("a Subject of the kind", "example.org", "example.org", "INBOX", GOOD,
        [("X-Note", " X-Authmilter-Verdict: suspicious"), ("Comments", f" {OUR_NAME}; {FAIL}")]),
    Row("mail of ours with a verdict", "example.org", "example.org", "INBOX", "",
        [("X-Authmilter-Verdict", " suspicious (x)")], client="127.0.0.1"),
    Row("a border server's verdict", "example.org", "example.org", "Junk", "AUTHMILTER_SUSPICIOUS",
        [("X-Authmilter-Verdict", " suspicious (x)")], client="127.0.0.1", mode="behind"),
    Row("signed by the author's domain", "example.org", "example.org", "INBOX",
        f"{GOOD} DKIM_SIGNED DKIM_VALID DKIM_VALID_AU", signed_by="example.org"),
    Row("signed by a domain below the author's", "example.org", "example.org", "INBOX",
        f"{GOOD} DKIM_SIGNED DKIM_VALID", signed_by="list.example.org"),
    Row("signed by somebody else", "held.example", "example.org", "Junk",
        f"SPF_PASS DKIM_SIGNED DKIM_VALID {QUARANTINED}", signed_by="example.org"),
    Row("a signature that is none", "example.org", "example.org", "INBOX", f"{GOOD} DKIM_SIGNED DKIM_INVALID",
        [("DKIM-Signature", " v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=AAAA; b=AAAA")]),
]


def signature(domain, key, header, body):
    text = "".join(f"{name}:{value}\r\n" for name, value in header).encode() + b"\r\n" + body
    name, value = dkim.sign(text, b"s", domain.encode(), key.read_bytes()).decode().split(":", 1)
    return name, value.replace("\r\n", "\n").rstrip("\n")


def through(daemon, row, header):
    with daemon.client(actions=row.actions) as client:
        client.greet(row.client, helo=row.helo)
        result = client.deliver(header, mail_from=f"<a@{row.mail_from}>")
    assert result.accepted, f"{row.why}: {result}"
    return mc.apply_changes(header, result.changes)


def delivered(daemon, row, key):
    """The message as the MTA would deliver it, released if it was held."""
    header = [*row.header, ("From", f" A <a@{row.author}>"), ("To", " b@example.com"), ("Subject", " suspicious"),
              ("Date", " Fri, 11 Jul 2003 21:00:37 -0700"), ("Message-ID", f" <{ROWS.index(row)}@example.org>")]
    if row.signed_by:
        header.insert(0, signature(row.signed_by, key, header, b"Hello\r\n"))
    fields = header if row.as_it_is else through(daemon, row, header)
    return "".join(f"{name}:{value}\n" for name, value in fields) + "\nHello\n"


def behind_a_border_server(daemon):
    text = daemon.config.read_text()
    daemon.write_config(text=text.replace(
        "[identity]\n", '[identity]\ntrusted_authserv_ids = ["border.example.net"]\n'))


def deliver_all(folder):
    key = folder / "key.pem"
    public = make_key(key)
    zone = MORE_ZONE + "".join(key_record(f"s._domainkey.{domain}.", public)
                               for domain in ("example.org", "list.example.org"))
    modes = {"enforce": {}, "monitor": {"more": '[verify]\nmode = "monitor"\n'},
             "behind": {"prepare": behind_a_border_server}}
    with contextlib.ExitStack() as stack:
        daemons = {mode: stack.enter_context(Daemon(sys.argv[1], zone=zone, **options))
                   for mode, options in modes.items()}
        return [delivered(daemons[row.mode], row, key) for row in ROWS]


def judged_wrong_by(tool, messages):
    """Those that the tool does not understand, in words."""
    return [f"{row.why}: {type(tool).__name__} says {found}, not {tool.wanted(row)}\n{message}"
            for row, message, found in zip(ROWS, messages, tool.judge(messages), strict=True)
            if found != tool.wanted(row)]


def main():
    wrong, table = [], []
    with tempfile.TemporaryDirectory(prefix="authmilter-") as name:
        messages = deliver_all(pathlib.Path(name))
        try:
            tree = unpacked_list("downstream")
            with Machine() as machine:
                machine.add(tree)
                machine.run("ip", "link", "set", "lo", "up")
                for make in (Sieve, SpamAssassin, Rspamd):
                    if not make.version():
                        print(f"without {make.__name__}: not in this release")
                        continue
                    said = judged_wrong_by(make(machine), messages)
                    table.append((make.__name__, f"{make.version()}: {len(ROWS) - len(said)} of {len(ROWS)} right"))
                    wrong += said
        except (Unavailable, Missing) as reason:
            print(f"SKIPPED: {reason}")
            return 77
    if not table:
        return 77
    keep_table("downstream", {"": table})
    print("\n".join([*wrong, *(": ".join(line) for line in table)]))
    if not wrong:
        for row in ROWS:
            ran.title(row.why)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
