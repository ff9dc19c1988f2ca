"""What the end-to-end tests share: a zone, keys, messages, and authmilterd serving on a socket.

    names: home.example is ours, bank.example says p=reject, shop.example p=quarantine, club.example
    has SPF only. Their mail comes from 127.0.1.10; 127.0.1.66 is a stranger; 127.0.1.77 must use TLS, which
    it does not. Only 127.0.0.1 is internal.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

try:
    import dkim
except ImportError:
    print("skipped, needs the package python3-dkim")
    sys.exit(77)

from .daemon import key_record, make_key
from .signature_check import signature_problems

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUR_NAME = "mx.home.example"
OUR_DOMAIN = "home.example"
USERS = {"alice@home.example": "secret"}
GENUINE = "127.0.1.10"
STRANGER = "127.0.1.66"
WITHOUT_TLS = "127.0.1.77"
KEYS = (("2026r", "rsa"), ("2026e", "ed25519"))

ZONE = """\
$ORIGIN .
$TTL 60
. SOA ns.invalid. host.invalid. 1 60 60 60 60
bank.example TXT "v=spf1 ip4:127.0.1.10 -all"
mail.bank.example TXT "v=spf1 ip4:127.0.1.10 -all"
_dmarc.bank.example TXT "v=DMARC1; p=reject"
shop.example TXT "v=spf1 ip4:127.0.1.10 -all"
_dmarc.shop.example TXT "v=DMARC1; p=quarantine"
club.example TXT "v=spf1 ip4:127.0.1.10 -all"
home.example TXT "v=spf1 a:mx.home.example -all"
_dmarc.home.example TXT "v=DMARC1; p=reject"
"""

CONFIG = """\
[milter]
socket = "{socket}"
socket_group = "postfix"
[identity]
authserv_id = "mx.home.example"
[network]
internal = ["127.0.0.1/32"]
[[network.require_tls]]
clients = "127.0.1.77"
[dns]
zones = ["{folder}/zone"]
dnssec = "off"
[policy]
tag_subject = "[suspicious] "
[log]
target = "stderr"
[[signing.domain]]
domain = "home.example"
keys = [
  {{ selector = "2026r", file = "{folder}/keys/2026r.pem" }},
  {{ selector = "2026e", file = "{folder}/keys/2026e.pem" }},
]
"""


def skip(reason):
    print(f"{pathlib.Path(sys.argv[0]).name}: skipped, {reason}")
    sys.exit(77)


def options_with_postfix(description, why="because Postfix does"):
    """The options of a test through Postfix, which is skipped where that cannot run."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", required=True, help="the build's folder with authmilterd")
    options = parser.parse_args()
    if os.geteuid() != 0:
        skip(f"needs root, {why}")
    if not shutil.which("postfix"):
        skip("Postfix is not installed")
    return options


class Bench:
    """A folder with everything in it."""

    def __init__(self, programs):
        self.programs = pathlib.Path(programs).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-e2e.", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.socket = None
        self.dns = {}
        self._daemon = None
        self._make_zone()
        (self.folder / "run").mkdir()
        make_socket_folder(self.folder / "run/authmilter")
        self.serve_on(f"unix:{self.folder}/run/authmilter/authmilter.sock")

    def _make_zone(self):
        keys = self.folder / "keys"
        keys.mkdir()
        zone = ZONE
        for selector, domain, algorithm in [("s1", "bank.example", "rsa"),
                                            *((name, OUR_DOMAIN, kind) for name, kind in KEYS)]:
            public = make_key(keys / f"{selector}.pem", algorithm)
            zone += key_record(f"{selector}._domainkey.{domain}", public, algorithm)
            # What the independent verifier will be told of the same record.
            self.dns[f"{selector}._domainkey.{domain}."] = f"v=DKIM1; k={algorithm}; p={public}"
        (self.folder / "zone").write_text(zone)
        for path in (keys, *keys.iterdir()):
            shutil.chown(path, "nobody")

    def serve_on(self, socket):
        """Where the daemon will serve from its next start."""
        self.socket = socket
        (self.folder / "authmilter.toml").write_text(CONFIG.format(folder=self.folder, socket=socket))

    def start(self):
        """As an unprivileged user, a member of Postfix's group for the socket's sake."""
        started = self.log().count("serving")
        with open(self.folder / "authmilterd.log", "ab") as log:
            self._daemon = subprocess.Popen(
                ["setpriv", "--reuid=nobody", "--regid=postfix", "--clear-groups",
                 self.programs / "authmilterd", "--config", self.folder / "authmilter.toml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while self.log().count("serving") == started:
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("authmilterd did not start:\n" + self.log())
            time.sleep(0.05)

    @property
    def running(self):
        return self._daemon is not None

    def stop(self):
        if self._daemon:
            self._daemon.send_signal(signal.SIGTERM)
            status = self._daemon.wait(60)
            self._daemon = None
            if status != 0:
                raise RuntimeError(f"authmilterd ended with status {status}:\n{self.log()}")

    def remove(self):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        path = self.folder / "authmilterd.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def messages_logged(self):
        """The daemon's lines about messages, each judged or signed once."""
        return [line for line in self.log().splitlines() if " action=" in line]

    def bank_signature(self, message):
        """`message` with a signature of bank.example on top."""
        fields = [b"from", b"to", b"subject", b"date", b"message-id"]
        return dkim.sign(message, b"s1", b"bank.example", (self.folder / "keys/s1.pem").read_bytes(),
                         canonicalize=(b"relaxed", b"relaxed"), include_headers=fields) + message

    def signature_problems(self, content):
        """What is wrong with our signatures, asked of an independent verifier."""
        return signature_problems(content, [name for name, _ in KEYS], self.dns)


def make_socket_folder(path):
    """As tmpfiles.d makes it, and as the README says for Postfix's queue."""
    path.mkdir()
    shutil.chown(path, "nobody", "postfix")
    path.chmod(0o2750)


def message(headers, marker):
    """A message as it is sent; `headers` are lines (with LF and a blank in a folded one)."""
    lines = headers + [f"Message-ID: <{marker}@test.example>", "Date: Sat, 21 Nov 2026 12:00:00 +0000",
                       "MIME-Version: 1.0", "Content-Type: text/plain"]
    text = "\n".join(lines + ["", "This is the body.", ""])
    return text.replace("\n", "\r\n").encode()


def fields_of(content, name):
    """The values of a message's fields of this name as they stand after the colon, unfolded."""
    header = re.split(r"\r?\n\r?\n", (content or b"").decode(errors="replace"), maxsplit=1)[0]
    lines = re.sub(r"\r?\n(?=[ \t])", "", header).splitlines()
    return [line.split(":", 1)[1] for line in lines
            if line.split(":", 1)[0].strip().lower() == name.lower() and ":" in line]
