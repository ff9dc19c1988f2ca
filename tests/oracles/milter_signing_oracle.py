"""What the daemon signs, `authmilter verify` and python3-dkim verify.

    milter_signing_oracle.py AUTHMILTER AUTHMILTERD FOLDER

Submits each .eml below FOLDER over the milter socket as an authenticated user, its From field replaced by
one that we have a key for, and applies the daemon's changes as an MTA would. Exit status 77: no messages.
"""

import pathlib
import re
import sys
import tempfile

from dkim_oracle import DOMAIN, Keys, verify_here, verify_there, with_our_from
from harness.daemon import Daemon
from harness.milter_client import apply_changes

SKIPPED = 77
USER = f"torture@{DOMAIN}"


def fields_of(header):
    """Names and values as octets in text; a fold is a line feed, as Postfix and Sendmail hand it over."""
    fields = []
    for one in re.split(rb"\r\n(?![ \t])", header):
        name, _, value = one.partition(b":")
        fields.append((name.decode(), value.replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")))
    return fields


def text_of(fields, body):
    header = "".join(f"{name}:{value}\n" for name, value in fields).encode("utf-8", "surrogateescape")
    return header.replace(b"\n", b"\r\n") + b"\r\n" + body


def as_relayed(text):
    """No MTA passes a NUL on in a header (RFC 5321 section 4.5.2 leaves what it does open); ours are gone."""
    header, _, body = with_our_from(text).partition(b"\r\n\r\n")
    return header.replace(b"\0", b""), body


def sign_through(daemon, text):
    header, body = as_relayed(text)
    fields = fields_of(header)
    with daemon.client() as milter:
        milter.greet()
        result = milter.deliver(fields, body, mail_from=f"<{USER}>", auth_user=USER)
    signatures = len(result.inserted("DKIM-Signature"))
    if not result.accepted or signatures != 2:
        return None, f"status {result.status} {result.reply}, {signatures} signatures"
    return text_of(apply_changes(fields, result.changes), body), None


def check(program, daemon, keys, text):
    signed, problem = sign_through(daemon, text)
    if problem:
        return [problem]
    verdicts = verify_here(program, daemon.config, keys.zone, signed)
    problems = [f"here: {one}" for one in verdicts[:2] if one[1] != "pass"]
    if [one[0] for one in verdicts[:2]] != ["r", "e"]:
        problems.append(f"here: signatures {verdicts}")
    problems += verify_there(keys, signed)
    # Neither is so kind as to pass whatever it is given.
    changed = signed.replace(b"\r\n\r\n", b"\r\n\r\nx", 1)
    if "pass" in (one[1] for one in verify_here(program, daemon.config, keys.zone, changed)[:2]):
        problems.append("here: a changed body passes")
    if len(verify_there(keys, changed)) != 2:
        problems.append("python3-dkim: a changed body passes")
    return problems


def main():
    program, daemon_program, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    paths = sorted(folder.rglob("*.eml"))
    if not paths:
        print(f"skipped: there are no messages in {folder}")
        return SKIPPED
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        keys = Keys(program, pathlib.Path(name))
        signing = keys.config("relaxed/relaxed").read_text()
        with Daemon(daemon_program, more=signing) as daemon:
            for path in paths:
                problems = check(program, daemon, keys, path.read_bytes())
                failed += bool(problems)
                if problems:
                    print(f"{path.relative_to(folder)}: {problems}")
    print(f"signed through the milter: {len(paths) - failed} of {len(paths)} messages verify")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
