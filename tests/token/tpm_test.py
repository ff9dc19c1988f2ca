"""Signatures by a key in a TPM 2.0: tpm2-pkcs11 and swtpm.

    tpm_test.py AUTHMILTERD AUTHMILTER
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from harness import tpm_token
from harness.daemon import Daemon
from harness.signature_check import signature_problems

PROGRAM, COMMAND = sys.argv[1:3]
MESSAGES = 20
HEADERS = [("From", " a@token.example"), ("To", " b@example.com"), ("Subject", " s")]
CONFIG = """[network]
internal = ["127.0.0.0/8"]
[[signing.domain]]
domain = "token.example"
keys = [{{ selector = "t", key = "{uri}" }}]
"""


def problems(token):
    uri = token.uri("org")
    shown = subprocess.run([COMMAND, "key", "show", "--domain", "token.example", "--selector", "t", uri], check=True,
                           capture_output=True, text=True, timeout=120).stdout
    records = {"t._domainkey.token.example.": "".join(re.findall(r'"([^"]*)"', shown))}
    with Daemon(PROGRAM, more=CONFIG.format(uri=uri)) as daemon, daemon.client() as client:
        client.greet("127.0.0.1")
        for _ in range(MESSAGES):
            result = client.deliver(HEADERS, b"Hello\r\n")
            fields = [("DKIM-Signature", value) for value in result.inserted("DKIM-Signature")] + HEADERS
            text = "".join(f"{name}:{value}\r\n" for name, value in fields).encode() + b"\r\nHello\r\n"
            yield from signature_problems(text, ["t"], records)


def main():
    if why := tpm_token.missing():
        print(f"skipped: {why}")
        return 77
    folder = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-tpm-"))
    token = None
    try:
        token = tpm_token.TpmToken(folder)
        token.make_key("org")
        found = list(problems(token))
    finally:
        if token:
            token.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(found) or f"{MESSAGES} messages signed by a TPM, and verified")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
