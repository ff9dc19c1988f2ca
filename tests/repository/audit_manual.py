#!/usr/bin/env python3
"""man/authmilter-audit.7 has a page for each rule, as `authmilter audit --explain all --json` tells it.

    audit_manual.py REPOSITORY AUTHMILTER [--write]

Compares the manual page with what is made of the rules; --write writes it.
"""

import difflib
import json
import pathlib
import re
import subprocess
import sys
import textwrap

HEAD = r'''.\" Made by tests/repository/audit_manual.py --write of the rules in lib/audit/.
.Dd November 29, 2026
.Dt AUTHMILTER-AUDIT 7
.Os
.Sh NAME
.Nm authmilter-audit
.Nd what authmilter audit looks at, and what its profiles say
.Sh DESCRIPTION
.Ql authmilter audit
gathers facts of a domain and judges them by the rules below, see
.Xr authmilter 1 .
Each says what it looks at, where that stands, and which points of the measure of NUKIB
it belongs to;
.Ql authmilter audit --explain ID
prints one.
.Sh PROFILES
The floors that rules judge by are a file of TOML, for
.Fl -profile .
What it does not say is as in the default; a key that is not known is an error.
.Bl -tag -width Ds
.It Ic title
For people: whose recommendation, of which date.
.It Ic prints_measure
Whether reports have the points of the measure.
.It Ic failing_rules
Ids of rules of which a warning counts as a failure.
.It Ic dkim.rsa_bits , dkim.rsa_bits_warn
Of DKIM keys: shorter ones fail, or warn.
.It Ic certificate.rsa_bits , certificate.ec_bits
Of certificates' keys: shorter ones fail.
.It Ic certificate.warn_days
How long before its end a certificate warns.
.It Ic certificate.weak_signatures
Words in the name of the algorithm that a certificate is signed by.
.It Ic tls.oldest , tls.old_fails
The oldest version of TLS, such as
.Ql TLS 1.2 ,
and whether older ones fail or warn.
.It Ic tls.failing_ciphers
Kinds of weak ciphers that fail where they are offered; others warn:
.Ql null ,
.Ql anonymous ,
.Ql export-grade ,
.Ql rc4 ,
.Ql triple-des ,
.Ql cbc-sha1 ,
.Ql no-forward-secrecy .
.It Ic dnssec.weak_algorithms
Numbers of DNSSEC algorithms that fail.
.It Ic spf.lookups_warn
From how many look-ups on SPF warns.
.It Ic spf.wide_prefix4 , spf.wide_prefix6
Networks in SPF records with a prefix of this length, or a shorter one, warn.
.El
.Sh RULES
'''
TAIL = r'''.Sh SEE ALSO
.Xr authmilter 1 ,
.Xr authmilter.toml 5
'''


def escaped(text):
    """A line of text for mdoc(7)."""
    text = text.replace("\\", "\\e")
    return "\\&" + text if text[:1] in (".", "'") else text


def paragraph(text):
    """Sentences begin lines: mdoc(7) sees by that where they end."""
    sentences = re.split(r"(?<=[.!?]) (?=[^a-z])|(?<=\.) ", " ".join(text.split()))
    lines = [line for sentence in sentences
             for line in textwrap.wrap(sentence, 88, break_long_words=False, break_on_hyphens=False)]
    return "".join(escaped(line) + "\n" for line in lines)


def page_of(rule):
    text = f".Ss {escaped(rule['id'])}\n" + paragraph(rule["title"] + ".")
    text += ".Bl -tag -width Ds\n.It Looked at\n" + paragraph(rule["looked_at"] + ".")
    if rule["reference"]:
        text += ".It Stands in\n" + paragraph(rule["reference"] + ".")
    if rule["points"]:
        text += ".It Measure\n" + paragraph(", ".join(rule["points"].split()) + ".")
    text += ".El\n"
    for part in rule["page"].split("\n\n"):
        text += ".Pp\n" + paragraph(part)
    return text


def main():
    root, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    printed = subprocess.run([program, "audit", "--explain", "all", "--json"], capture_output=True, text=True,
                             check=True, timeout=60).stdout
    wanted = HEAD + "".join(page_of(rule) for rule in json.loads(printed)) + TAIL
    page = root / "man/authmilter-audit.7"
    if "--write" in sys.argv:
        page.write_text(wanted)
        return 0
    found = page.read_text() if page.exists() else ""
    if found == wanted:
        print("the manual page has each rule as it is")
        return 0
    sys.stdout.writelines(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), str(page), "the rules"))
    print(f"{page.name} is not as the rules are: run {sys.argv[0]} --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
