"""A signing key that a reload drops is nowhere in the daemon's memory any more.

    test_dropped_keys.py AUTHMILTERD [unittest arguments]

Another process's memory is read, which takes root.
"""

import os
import re
import signal
import subprocess
import sys
import time
import unittest

from harness import ran
from harness.daemon import Daemon, make_key

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
SKIPPED = 77

SIGNING = """[network]
internal = ["127.0.0.0/8"]
[[signing.domain]]
domain = "example.org"
keys = [{{ selector = "r", file = "{dir}/r.pem" }}, {{ selector = "e", file = "{dir}/e.pem" }}]
"""
HEADERS = [("From", " a@example.org"), ("Subject", " s")]
LARGEST = 1 << 30
PIECE = 14  # octets of a secret that are looked for: too many to be there by chance


def pieces(path):
    """What tells a private key, by its name: pieces of its secret numbers as the file has them and as OpenSSL keeps
    them (the lowest octet first), and of the file's text."""
    text = subprocess.run(["openssl", "pkey", "-in", str(path), "-noout", "-text"], check=True, capture_output=True,
                          text=True).stdout
    found = {}
    for name, text in re.findall(r"^(privateExponent|prime1|prime2|exponent1|coefficient|priv):\s((?:\s+[0-9a-f:]+\n)+)",
                                   text, re.MULTILINE):
        number = bytes.fromhex(re.sub(r"[\s:]", "", text))
        ways = {"": number} if name == "priv" else {"": number, ", lowest octet first": number[::-1]}
        for way, octets in ways.items():
            # More than one piece: the allocator writes into freed memory what it has to remember.
            for start in (1, len(octets) - PIECE):
                found[f"{name}{way}, from {start}"] = octets[start:start + PIECE]
    lines = path.read_text().splitlines()[1:-1]
    found["text"] = lines[-1][:PIECE].encode() if len(lines) == 1 else lines[-2][:PIECE].encode()
    return found


def memory(pid):
    """What the process can write to, all in one."""
    parts = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as octets:
        for line in maps:
            where, mode = line.split()[:2]
            if "w" not in mode:
                continue
            start, end = (int(number, 16) for number in where.split("-"))
            if end - start > LARGEST:
                continue  # a sanitizer's books
            octets.seek(start)
            try:
                parts.append(octets.read(end - start))
            except OSError:
                pass  # a guard page
    return b"".join(parts)


class DroppedKeys(unittest.TestCase):
    def test_nothing_is_left_of_them(self):
        secrets = {}

        def prepare(daemon):
            for name, algorithm in (("r", "rsa"), ("e", "ed25519")):
                make_key(daemon.dir / f"{name}.pem", algorithm)
                secrets.update({f"{algorithm} {what}": piece
                                for what, piece in pieces(daemon.dir / f"{name}.pem").items()})
            daemon.write_config(more=SIGNING.format(dir=daemon.dir))

        with Daemon(PROGRAM, prepare=prepare) as daemon:
            self.assertEqual(len(secrets), (5 * 2 + 1) * 2 + 2, secrets.keys())
            with daemon.client() as client:
                client.greet("127.0.0.1")
                self.assertEqual(len(client.deliver(HEADERS).inserted("DKIM-Signature")), 2)
            now = memory(daemon.process.pid)
            # Else a search that finds nothing would tell nothing.
            for name in ("rsa prime1, lowest octet first, from 1", "ed25519 priv, from 1"):
                self.assertIn(secrets[name], now, name)

            daemon.write_config(more="")
            daemon.send_signal(signal.SIGUSR1)
            daemon.wait_for("reloaded")
            end = time.monotonic() + 10
            left = secrets
            while left and time.monotonic() < end:  # the session that used them may still be ending
                now = memory(daemon.process.pid)
                left = {name: piece for name, piece in secrets.items() if piece in now}
                time.sleep(0.05)
            self.assertEqual(sorted(left), [])


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: only root can read another process's memory")
        sys.exit(SKIPPED)
    ran.main()
