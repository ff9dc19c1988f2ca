"""The daemon and the command come to the same end with a message, whatever the configuration says.

    test_same_verdict.py AUTHMILTERD [unittest arguments]

Each row is one configuration, read by both. The command stands where the daemon stands in the build tree.
"""

import json
import pathlib
import re
import subprocess
import sys
import unittest

from harness import ran
from harness.daemon import Daemon
from harness.milter_client import DISCARD, REJECT, REPLYCODE, TEMPFAIL

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
COMMAND = pathlib.Path(PROGRAM).resolve().parent / "tools" / "authmilter"

ZONE = """$TTL 300
.                    IN SOA . . 1 3600 600 86400 300
example.org.         IN TXT "v=spf1 include:a.example.org include:b.example.org include:c.example.org -all"
a.example.org.       IN TXT "v=spf1 ip4:198.51.100.1 -all"
b.example.org.       IN TXT "v=spf1 ip4:198.51.100.2 -all"
c.example.org.       IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.org.  IN TXT "v=DMARC1; p=reject"
held.example.        IN TXT "v=spf1 -all"
_dmarc.held.example. IN TXT "v=DMARC1; p=quarantine"
"""

CONFIG = """[milter]
socket = "{socket}"
socket_group = ""
[log]
target = "stderr"
[dns]
zones = ["{zone}"]
nameservers = ["127.0.0.1@9"]
timeout = "1s"
dnssec = "off"
"""

GOOD = "192.0.2.1"
BAD = "192.0.2.2"
OVERRIDE = """
[[policy.override]]
recipient = "b@example.net"
dmarc_reject = "tag"
"""
SIGNING = """
[[signing.domain]]
domain = "example.org"
keys = [{ selector = "2026a", file = "key.pem" }]
"""
RESULTS = ("Authentication-Results", " mail.example; spf=pass")

# Why, the end of the configuration (it begins in [dns]), client, domain of sender and author, more of the header,
# user; and the rule that both name.
ROWS = [
    ("all is well", "", GOOD, "example.org", [], None, "dmarc.pass"),
    ("the policy refuses", "", BAD, "example.org", [], None, "dmarc.reject"),
    ("the policy holds, and a label is put into the subject", '[policy]\ntag_subject = "[?] "', GOOD, "held.example", [],
     None, "dmarc.quarantine"),
    ("SPF may follow fewer terms than the record has", "[verify]\nspf_lookups = 2", GOOD, "example.org", [], None,
     "dmarc.reject"),
    ("a message may ask fewer questions than it needs", "message_queries = 2", GOOD, "example.org", [], None,
     "dmarc.temperror"),
    ("an override by the recipient", OVERRIDE, BAD, "example.org", [], None, "dmarc.reject (override 1)"),
    ("monitor mode", '[verify]\nmode = "monitor"', BAD, "example.org", [], None, "dmarc.reject"),
    ("a header above the limit", "[verify]\nheader_fields = 10", GOOD, "example.org", [("X", " x")] * 10, None,
     "limit.header"),
    ("a field in our name is forged", '[identity]\nauthserv_id = "mail.example"', GOOD, "example.org", [RESULTS] * 2,
     None, "dmarc.pass"),
    ("one in another's is not", '[identity]\nauthserv_id = "mx.example.net"', GOOD, "example.org", [RESULTS] * 2, None,
     "dmarc.pass"),
    ("the host's name, without an authserv_id", "", GOOD, "example.org", [], None, "dmarc.pass"),
    ("a client of ours is not judged", f'[network]\ninternal = ["{BAD}"]', BAD, "example.org", [], None, "signing"),
    ("a user's message is signed", SIGNING, BAD, "example.org", [], "alice", "signing"),
    ("a user's message of another domain is not", SIGNING, BAD, "held.example", [], "alice", "signing"),
]


def masked(value):
    """A signature's time and the octets that follow from it differ from second to second."""
    return re.sub(r"\b(t|b)=[^;]*", r"\1=...", re.sub(r"\s+", "", value))


class SameVerdict(unittest.TestCase):
    def prepare(self, daemon, more):
        subprocess.run([COMMAND, "key", "generate", "--domain", "example.org", "--selector", "2026a", "--type",
                        "ed25519", "--out", daemon.dir / "key.pem"], check=True, capture_output=True)
        daemon.write_config(text=CONFIG.format(socket=daemon.sockets[0], zone=daemon.dir / "zone") + more + "\n")

    def by_daemon(self, daemon, client, sender, fields, user):
        with daemon.client() as milter:
            milter.greet(client, "client.example.net")
            result = milter.deliver(fields, b"Hello\r\n", mail_from=sender, rcpts=["<b@example.net>"], auth_user=user)
        (line,) = daemon.wait_for(" rule=")
        rule = re.search(r' rule=("[^"]*"|\S+)', line)[1].strip('"')
        edits = [("replace" if kind == "change" and value else "remove" if kind == "change" else kind, index, name,
                  masked(value)) for kind, index, name, value in result.changes if kind in ("insert", "change")]
        return {"rule": rule, "action": re.search(r" action=(\w+)", line)[1], "reply": result.reply, "edits": edits,
                "refused": result.status in (REJECT, TEMPFAIL, REPLYCODE, DISCARD)}

    def by_command(self, daemon, client, sender, fields, user):
        text = "".join(f"{name}:{value}\r\n" for name, value in fields) + "\r\nHello\r\n"
        done = subprocess.run([COMMAND, "verify", "--config", daemon.config, "--json", "--ip", client, "--helo",
                               "client.example.net", "--mail-from", sender, "--rcpt", "<b@example.net>",
                               *(["--auth-user", user] if user else [])],
                              input=text.encode(), capture_output=True, check=False)
        self.assertIn(done.returncode, (0, 1, 2), done.stderr)
        verdict = json.loads(done.stdout)
        refused = verdict["disposition"] in ("reject", "tempfail", "discard")
        reply = verdict.get("reply")
        return {"rule": verdict["rule"], "action": verdict["disposition"], "refused": refused,
                "reply": f"{reply['code']} {reply['enhanced']} {reply['text']}" if reply else "",
                "edits": [] if refused else [(one["action"], one["index"], one["name"], masked(one["value"]))
                                             for one in verdict["header_edits"]]}

    def test_rows(self):
        for why, more, client, domain, header, user, rule in ROWS:
            fields = [*header, ("From", f" A <a@{domain}>"), ("Subject", " hello"), ("Date", " today")]
            message = (client, f"<a@{domain}>", fields, user)
            with self.subTest(why), Daemon(PROGRAM, zone=ZONE, prepare=lambda one: self.prepare(one, more)) as daemon:
                daemons = self.by_daemon(daemon, *message)
                self.assertEqual(daemons["rule"], rule)
                self.assertEqual(daemons, self.by_command(daemon, *message))


if __name__ == "__main__":
    ran.main()
