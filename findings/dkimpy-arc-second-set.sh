#!/usr/bin/env bash
# dkimpy: the second ARC Set of a chain is not made, and nothing says so, where no "arc=" result stands in the message
#
# RFC 8617 section 5.1: a sealer validates the chain that came in and says in "cv=" what it found. dkimpy's arc_sign()
# is given the whole message, and the module has arc_verify().
# Guess: it validates the chain and seals with "cv=pass", or raises an exception.
# Seen, python3-dkim 1.1.4-1 and python3-authres 1.2.0-3 of Debian 12: of a message without a chain it makes the three
# fields of i=1. Of the same message with that set it gives an empty list, without an exception: "cv=" is copied from
# "arc=" in an Authentication-Results field of the own authserv-id. With that field it makes i=2. The chain itself is
# not looked at: with "arc=fail" over the good chain it seals "cv=fail".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download python3-dkim=1.1.4-1 python3-authres=1.2.0-3 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
openssl genrsa -traditional -out rsa.pem 2048 2>/dev/null
cat >seal.py <<'END'
import base64, re, subprocess, dkim

key = open("rsa.pem", "rb").read()
public = subprocess.run(["openssl", "rsa", "-in", "rsa.pem", "-pubout", "-outform", "DER"], capture_output=True).stdout
record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
message = b"From: a@author.example\r\nTo: b@list.example\r\nSubject: s\r\nDate: Sun, 29 Nov 2026 10:00:00 +0000\r\n" \
    b"Message-ID: <1@author.example>\r\n\r\nbody\r\n"


def results(more):
    return b"Authentication-Results: mx.list.example; spf=pass smtp.mailfrom=a@author.example" + more + b"\r\n"


def seal(what, text):
    fields = dkim.arc_sign(text, b"s", b"list.example", key, b"mx.list.example")
    sets = [re.sub(rb"\s", b"", field).decode() for field in fields]
    print(what + ":", [re.search(r"cv=(\w+)", field)[1] for field in sets if field.startswith("ARC-Seal")] or fields)
    return b"".join(fields)


first = seal("no chain", results(b"") + message)
chain = first + message
print("the chain is good:", dkim.arc_verify(chain, dnsfunc=lambda name, timeout=5: record)[0])
seal("chain, results without arc=", results(b"") + chain)
seal("chain, results with arc=pass", results(b"; arc=pass") + chain)
seal("chain, results with arc=fail", results(b"; arc=fail") + chain)
END
seen=$(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 -S seal.py)
echo "$seen"
[ "$seen" = "no chain: ['none']
the chain is good: b'pass'
chain, results without arc=: []
chain, results with arc=pass: ['pass']
chain, results with arc=fail: ['fail']" ]
