"""A host for mail: a private Postfix, authmilterd as its filter, and a zone file for the DNS.

    names: home.example is ours, bank.example says p=reject, shop.example p=quarantine, club.example has SPF only.
    Their mail comes from 192.0.2.10.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import time
from dataclasses import dataclass, field

import dkim

from .private_postfix import PrivatePostfix, stop_by_pid_file, stop_postfix
from .signature_check import signature_problems

OUR_NAME = "mx.home.example"
USERS = {"alice@home.example": "secret"}
GENUINE_CLIENT = "192.0.2.10"
FORGER = "203.0.113.66"

ZONE = """\
$ORIGIN .
$TTL 60
. SOA ns.invalid. host.invalid. 1 60 60 60 60
; a sender who protects its name: mail that fails is to be rejected
bank.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.bank.example TXT "v=DMARC1; p=reject; rua=mailto:reports@bank.example"
s1._domainkey.bank.example TXT {bank_key}
mail.bank.example A 192.0.2.10
; a careful one: put what fails aside
shop.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc.shop.example TXT "v=DMARC1; p=quarantine"
; one with SPF only
club.example TXT "v=spf1 ip4:192.0.2.0/24 -all"
; us
home.example TXT "v=spf1 a:mx.home.example -all"
_dmarc.home.example TXT "v=DMARC1; p=reject"
mx.home.example A 198.51.100.25
"""

CONFIG = """\
[milter]
socket = "unix:{folder}/authmilter.sock"
socket_mode = "0660"
socket_group = "postfix"

[identity]
authserv_id = "mx.home.example"

[dns]
zones = ["{folder}/demo.zone"]
dnssec = "off"

[log]
target = "stderr"

[[signing.domain]]
domain = "home.example"
keys = [
  {{ selector = "2026r", file = "{folder}/keys/2026r.pem" }},
  {{ selector = "2026e", file = "{folder}/keys/2026e.pem" }},
]
"""


@dataclass
class Row:
    """One message, and what should become of it."""
    what: str
    headers: list
    sender: str
    becomes: str  # "delivered", "held" or "refused"
    results: list = field(default_factory=list)  # must be in the results field
    reply: str = "250 "                          # how Postfix's answer begins
    recipient: str = "user@home.example"
    client: str = FORGER
    login: str = None
    helo: str = "client.example"
    sign: bool = False       # by bank.example, before it is sent
    contains: list = field(default_factory=list)  # must be in what was delivered
    lacks: list = field(default_factory=list)     # must not be
    signatures: list = None  # selectors that must have signed for home.example


class MailHost:
    def __init__(self, programs, zone=""):
        """`programs` is the build's folder with authmilterd and tools/authmilter; `zone` is put behind the zone above."""
        self.programs = pathlib.Path(programs).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-host.", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.dns = {}
        self.daemon = None
        self.zone = ZONE + zone
        self.postfix = PrivatePostfix(
            self.folder, OUR_NAME, "home.example", users=USERS,
            settings=f"smtpd_milters = unix:{self.folder}/authmilter.sock\n"
                     "milter_default_action = tempfail\n")
        self.bank_key = self._openssl_key()

    def _openssl_key(self):
        return subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt",
                               "rsa_keygen_bits:2048"], capture_output=True, check=True).stdout

    def _public_record(self, private_pem):
        public = subprocess.run(["openssl", "pkey", "-pubout"], input=private_pem, capture_output=True,
                                check=True).stdout.decode()
        return "v=DKIM1; k=rsa; p=" + "".join(public.splitlines()[1:-1])

    def start(self):
        (self.folder / "keys").mkdir()
        records = []
        for selector, kind in (("2026r", "rsa"), ("2026e", "ed25519")):
            records.append(subprocess.run(
                [self.programs / "tools/authmilter", "key", "generate", "--type", kind, "--domain",
                 "home.example", "--selector", selector, "--out", self.folder / f"keys/{selector}.pem"],
                capture_output=True, text=True, check=True).stdout)
        bank_record = self._public_record(self.bank_key)
        strings = " ".join(f'"{part}"' for part in textwrap.wrap(bank_record, 250, drop_whitespace=False))
        (self.folder / "demo.zone").write_text(self.zone.format(bank_key=strings) + "".join(records))
        # What the independent verifier will be told of the same records.
        self.dns["s1._domainkey.bank.example."] = bank_record
        for record in records:
            name = record.split()[0].rstrip(".") + "."
            self.dns[name] = "".join(re.findall(r'"([^"]*)"', record))
        (self.folder / "authmilter.toml").write_text(CONFIG.format(folder=self.folder))
        for path in (self.folder / "keys", *(self.folder / "keys").iterdir(), self.folder):
            shutil.chown(path, "nobody")
        # As an unprivileged user, as it should run: a member of Postfix's group for the socket's sake.
        self.log = open(self.folder / "authmilterd.log", "w+")
        self.daemon = daemon = subprocess.Popen(
            ["setpriv", "--reuid=nobody", "--regid=postfix", "--clear-groups",
             self.programs / "authmilterd", "--config", self.folder / "authmilter.toml"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        (self.folder / "authmilterd.pid").write_text(str(daemon.pid))
        deadline = time.monotonic() + 60
        while "serving" not in (said := (self.folder / "authmilterd.log").read_text()):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("authmilterd did not start:\n" + said)
            time.sleep(0.05)
        self.postfix.start()

    def message(self, row):
        marker = f"<{abs(hash(row.what))}@demo.example>"
        lines = row.headers + [f"Message-ID: {marker}", "Date: Sat, 21 Nov 2026 12:00:00 +0000",
                               "MIME-Version: 1.0", "Content-Type: text/plain"]
        text = "\r\n".join(lines + ["", "This is the body.", ""]).encode()
        if row.sign:
            text = dkim.sign(text, b"s1", b"bank.example", self.bank_key, canonicalize=(b"relaxed", b"relaxed"),
                             include_headers=[b"from", b"to", b"subject", b"date", b"message-id"]) + text
        return text, marker.encode()

    def fate(self, reply, queue_id, mailbox, marker):
        """("refused" | "held" | "delivered" | "lost", what the recipient or the operator sees)"""
        if not reply.startswith("250 "):
            return "refused", None
        if self.postfix.queue().get(queue_id) == "hold":
            return "held", self.postfix.held_message(queue_id)
        content = self.postfix.delivered(mailbox, marker)
        return ("delivered", content) if content else ("lost", None)

    def check(self, row):
        text, marker = self.message(row)
        reply, queue_id = self.postfix.send(text, row.sender, row.recipient, client=row.client,
                                            helo=row.helo, login=row.login)
        mailbox = "incoming" if row.recipient.endswith("@home.example") else "outgoing"
        fate, content = self.fate(reply, queue_id, mailbox, marker)
        problems = []
        if fate != row.becomes:
            problems.append(f"should be {row.becomes}")
        if not reply.startswith(row.reply):
            problems.append(f"reply should begin with {row.reply!r}")
        results = results_fields(content)
        inbound = mailbox == "incoming" and fate != "refused"
        if len(results) != (1 if inbound else 0):
            problems.append(f"{len(results)} results fields of ours")
        field_text = results[0] if results else ""
        problems += [f"results lack {want!r}" for want in row.results if want not in field_text]
        shown = (content or b"").decode(errors="replace")
        problems += [f"message lacks {want!r}" for want in row.contains if want not in shown]
        problems += [f"message has {bad!r}" for bad in row.lacks if bad in shown]
        if row.signatures is not None and content:
            problems += signature_problems(content, row.signatures, self.dns)
            field_text = f"signed by {', '.join(row.signatures)}: python3-dkim says pass"
        return reply, fate, field_text, problems

    def stop(self):
        stop(self.folder)
        if self.daemon and self.daemon.wait(60) != 0:
            self.log.seek(0)
            raise RuntimeError(f"authmilterd ended with status {self.daemon.returncode}:\n{self.log.read()}")


def results_fields(content):
    """The Authentication-Results fields of a message that bear our name, unfolded."""
    header = (content or b"").decode(errors="replace").replace("\r\n", "\n").split("\n\n", 1)[0]
    fields = re.sub(r"\n[ \t]+", " ", header).split("\n")
    return [one for one in fields
            if one.lower().startswith("authentication-results:") and OUR_NAME in one.lower()]


def stop(folder):
    stop_postfix(folder)
    stop_by_pid_file(pathlib.Path(folder) / "authmilterd.pid")
    shutil.rmtree(folder, ignore_errors=True)
