"""Gives the same KeyTable and SigningTable to OpenDKIM and to authmilterd, and compares who signs for whom.

    opendkim_tables.py --programs FOLDER

A row is a pair of tables, and authors with the d= and s= of their signatures; both must say so. Where one of
them differs on purpose, the author has both, and the reason. Exit status 77: OpenDKIM is not to be had.
"""

import argparse
import base64
import dataclasses
import pathlib
import re
import subprocess
import sys
import tempfile

from harness.daemon import Daemon
from harness.milter_client import ACCEPT, REJECT, TEMPFAIL, Closed, MilterClient
from harness.original_milters import OriginalMilters, unpacked
from harness.unpacked_packages import Missing

SKIP = 77
CLIENT = "127.0.0.1"
CONFIG = """Socket local:{folder}/opendkim.sock
Background no
Syslog no
UMask 000
PidFile {folder}/opendkim.pid
UserID root
Mode s
RequireSafeKeys no
KeyTable {keys}
SigningTable {senders}
MultipleSignatures {multiple}
"""


@dataclasses.dataclass
class Row:
    why: str
    senders: str                 # of a file; "csl:..." and the like: the data set itself
    authors: dict                # address: "d/s d/s", or (OpenDKIM's, ours, the reason)
    keys: str = "a example.com:sa:{folder}/a.pem\nb example.org:sb:{folder}/b.pem\n"
    kind: str = "refile:"        # of the SigningTable
    key_kind: str = "file:"
    multiple: bool = False


A, B, AB, BA, NONE = "example.com/sa", "example.org/sb", "example.com/sa example.org/sb", "example.org/sb example.com/sa", ""
ROWS = (
    Row("patterns: the first that matches", "*@*.com b\n*@example.com a\nceo@example.net a\n",
        {"u@example.com": B, "U@EXAMPLE.COM": B, "ceo@example.net": A, "u@example.net": NONE, "u@x.example.net": NONE}),
    Row("patterns: all that match", "*@example.com a\n*@*.com b\nboss@example.com a\n",
        {"u@example.com": AB, "u@other.com": B,
         "boss@example.com": ("example.com/sa example.com/sa", AB, "each key signs, and once")}, multiple=True),
    Row("below a domain, and what it leaves out", "*@*.example.com a\n*@*ple.org b\n",
        {"u@x.example.com": A, "u@x.y.example.com": A, "u@example.com": NONE, "u@example.org": B, "u@xample.org": B}),
    Row("local parts", "news*@example.com a\n*-x@example.com b\n",
        {"news@example.com": A, "newsletter@example.com": A, "old-x@example.com": B, "u@example.com": NONE}),
    Row("everybody", "* a\n", {"u@elsewhere.example": A}),
    Row("comments, blank lines, tabs, carriage returns",
        "# all\n\n*@example.com\t \ta   # ours\n*@example.net b\r\n   # more\n",
        {"u@example.com": A, "u@example.net": B}),
    Row("a blank before a pattern", "  *@example.com a\n*@example.net b\n",
        {"u@example.com": (NONE, A, "OpenDKIM passes over such a line without a word"), "u@example.net": B}),
    Row("characters that mean something to others", "*@exa.ple.com a\nu+x@example.com a\n[v]@example.com b\n",
        {"u@example.com": NONE, "u+x@example.com": A, "u@exaXple.com": NONE,
         "v@example.com": (B, NONE, "only the star is documented as a wildcard")}),
    Row("the author's domain as the key's name", "*@* %\n",
        {"u@example.com": A,
         "u@example.org": ("put off", NONE, "whose domain has no key is not one of ours")},
        keys="example.com example.com:sa:{folder}/a.pem\n"),
    Row("an i= tag", "*@example.com a:u@example.com\n*@example.net a:%\n", {"u@example.com": A, "u@example.net": (NONE, A, "no i= is made, so it cannot conflict with d=")}),

    Row("names: in the order that is documented",
        "u@example.com a\nexample.com b\nu@.com b\n.com a\nu@* b\n* a\n",
        {"u@example.com": A, "v@example.com": B, "u@x.example.com": B, "v@x.example.com": A, "u@x.example": B,
         "v@x.example": A}, kind="file:"),
    Row("names: all of them", "u@example.com a\nexample.com b\n.com a\n", {"v@example.com": BA,
         "u@example.com": ("example.com/sa example.com/sa", AB, "each key signs, and once")},
        kind="file:", multiple=True),
    Row("names: one twice", "example.com a\nexample.com b\n", {"u@example.com": A}, kind="file:"),
    Row("names: one twice, all", "example.com a\nexample.com b\n", {"u@example.com": A}, kind="file:", multiple=True),
    Row("names: a wildcard is none", "*@example.com a\n", {"u@example.com": NONE}, kind="file:"),
    Row("names: in capitals", "Example.COM a\n", {"u@example.com": A}, kind="file:"),
    Row("no prefix: a path", "example.com a\n", {"u@example.com": A}, kind="", key_kind=""),
    Row("a prefix in capitals", "*@example.com a\n", {"u@example.com": A}, kind="REFILE:", key_kind="File:"),

    Row("a list", "csl:example.com=a,.example.org=b, u@example.net = a ",
        {"u@example.com": A, "u@x.example.org": B, "u@example.net": A, "u@x.example.com": NONE}),
    Row("a list without a prefix", "example.com=a,*=b", {"u@example.com": A, "u@x.example": B}),
    Row("keys in a list", "*@example.com a\n", {"u@example.com": A}, keys="csl:a=example.com:sa:{folder}/a.pem"),

    Row("the author's domain as d=", "*@example.com a\n*@*.example.com a\n",
        {"u@example.com": "example.com/sa", "u@x.example.com": "x.example.com/sa"}, keys="a %:sa:{folder}/a.pem\n"),
    Row("the author's domain in the path", "*@example.com a\n*@example.net a\n",
        {"u@example.com": "example.com/sa", "u@example.net": "example.net/sa"},
        keys="a %:sa:{folder}/each/%.pem\n"),
    Row("keys by patterns", "*@example.com one.key\n*@example.net two.key\n",
        {"u@example.com": A, "u@example.net": B}, key_kind="refile:",
        keys="one* example.com:sa:{folder}/a.pem\n*.key example.org:sb:{folder}/b.pem\n"),
    Row("keys: one name twice", "*@example.com a\n", {"u@example.com": A},
        keys="a example.com:sa:{folder}/a.pem\na example.org:sb:{folder}/b.pem\n"),
    Row("keys: a name in capitals is another one", "*@example.com A\n", {"u@example.com": B},
        keys="a example.com:sa:{folder}/a.pem\nA example.org:sb:{folder}/b.pem\n"),
    Row("keys: a name that is not there", "*@example.com A\n",
        {"u@example.com": ("put off", "refused", "said at the start")}),
    Row("keys: blanks about the parts", "*@example.com a\n", {"u@example.com": A},
        keys="a\texample.com:sa:{folder}/a.pem   # one\n\n"),
    Row("a key in the table, base64", "*@example.com a\n", {"u@example.com": A}, keys="a example.com:sa:{a}\n"),
    Row("... for the author's domain", "*@*.example.com a\n", {"u@x.example.com": "x.example.com/sa"},
        keys="a %:sa:{a}\n"),
    Row("... in a list", "*@example.com a\n", {"u@example.com": A}, keys="csl:a=example.com:sa:{a}"),
)


def make_keys(folder):
    """{name: base64 of the DER}; short ones, as lines of OpenDKIM's tables hold 1,023 octets."""
    keys = {}
    (folder / "each").mkdir()
    for name in ("a", "b"):
        path = folder / f"{name}.pem"
        path.touch(mode=0o600)
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, "1024"], check=True, capture_output=True)
        der = subprocess.run(["openssl", "rsa", "-in", path, "-outform", "DER", "-traditional"], check=True,
                             capture_output=True).stdout
        keys[name] = base64.b64encode(der).decode()
    for name in ("example.com", "example.net"):
        (folder / f"each/{name}.pem").touch(mode=0o600)
        (folder / f"each/{name}.pem").write_text((folder / "a.pem").read_text())
    return keys


def data_set(folder, name, kind, text):
    """The data set as it is configured: a list, or a file of this content."""
    if text.startswith("csl:") or "\n" not in text:
        return text
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text)
    return f"{kind}{path}"


def signers(socket, author):
    """d= and s= of the signatures, from the top."""
    try:
        return signers_of(socket, author)
    except (Closed, OSError) as error:
        return f"no answer: {type(error).__name__}"


def signers_of(socket, author):
    headers = [("From", f" <{author}>"), ("To", " <x@example.net>"), ("Subject", " s"),
               ("Date", " Fri, 11 Jul 2003 21:00:37 -0700")]
    with MilterClient(f"unix:{socket}") as milter:
        milter.connect(CLIENT)
        milter.helo("client.example")

        def steps():
            milter.macros("M", i="4Xk2", mail_addr=author)
            yield milter.mail(f"<{author}>")
            yield milter.rcpt("<x@example.net>")
            yield milter.data()
            for name, value in headers:
                yield milter.header(name, value)
            yield milter.end_of_headers()
            yield milter.body(b"body\r\n")

        for status in steps():
            if status in (ACCEPT, REJECT, TEMPFAIL):  # its last word
                return {ACCEPT: "", REJECT: "rejected", TEMPFAIL: "put off"}[status]
        result = milter.end_of_message(i="4Xk2")
    found = []
    for value in result.inserted("DKIM-Signature"):
        tags = dict(one.strip().split("=", 1) for one in re.sub(r"\s", "", value).split(";") if one)
        found.append(f"{tags['d']}/{tags['s']}")
    return " ".join(found)


def theirs(folder, keys, senders, row):
    path = folder / "opendkim.conf"
    path.write_text(CONFIG.format(folder=folder, keys=keys, senders=senders, multiple="yes" if row.multiple else "no"))
    socket = folder / "opendkim.sock"
    socket.unlink(missing_ok=True)
    try:
        with OriginalMilters(folder, {"opendkim": path}, [socket], {}):
            return {author: signers(socket, author) for author in row.authors}
    except RuntimeError as error:
        return dict.fromkeys(row.authors, f"refused: {str(error).strip().splitlines()[-1]}")


def ours(program, keys, senders, row):
    more = ('[signing]\nminimum_rsa_bits = 1024\nrequire_sender_match = false\n'
            f'key_table = """{keys}"""\nsigning_table = """{senders}"""\n'
            f'multiple_signatures = {"true" if row.multiple else "false"}\n')
    try:
        with Daemon(program, more) as daemon:
            return {author: signers(daemon.sockets[0].removeprefix("unix:"), author) for author in row.authors}
    except (RuntimeError, AssertionError, OSError) as error:
        return dict.fromkeys(row.authors, f"refused: {str(error).strip()[-200:]}")


def agrees(got, wanted):
    if wanted == "refused":
        return got.startswith("refused")
    # Which of several stands above the other is nobody's business.
    return sorted(got.split()) == sorted(wanted.split())


def play(program, row):
    problems = []
    with tempfile.TemporaryDirectory(prefix="tables-") as name:
        folder = pathlib.Path(name)
        parts = {"folder": folder, **make_keys(folder)}
        keys = data_set(folder, "keys", row.key_kind, re.sub(r"\{(\w+)\}", lambda m: str(parts[m[1]]), row.keys))
        senders = data_set(folder, "senders", row.kind, row.senders)
        original, own = theirs(folder, keys, senders, row), ours(program, keys, senders, row)
    for author, wanted in row.authors.items():
        first, second = wanted[:2] if isinstance(wanted, tuple) else (wanted, wanted)
        if not agrees(original[author], first):
            problems.append(f"{row.why}: {author}: OpenDKIM: {original[author]!r}, not {first!r}")
        if not agrees(own[author], second):
            problems.append(f"{row.why}: {author}: authmilterd: {own[author]!r}, not {second!r}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True, type=pathlib.Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    try:
        unpacked()
    except Missing as error:
        print(f"skipped: OpenDKIM is not to be had: {error}")
        return SKIP
    rows = [row for row in ROWS if options.only in row.why]
    problems = []
    for row in rows:
        problems += play(str(options.programs / "authmilterd"), row)
    print("\n".join(problems))
    print(f"{len(rows)} pairs of tables, {sum(len(row.authors) for row in rows)} authors, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
