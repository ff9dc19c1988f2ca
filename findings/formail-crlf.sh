#!/usr/bin/env bash
# formail 3.22: a field that it adds to a message with CRLF brings an empty line into the body
#
# formail, of procmail, is what scripts read and add fields with. Messages come with LF from a mailbox, and with CRLF
# from the SMTP dialogue or a filter.
# Guess: the header ends at the line that holds a CR alone, and the new field stands in front of that line.
# Seen, procmail 3.22-27 and python3-dkim 1.1.4-1 of Debian 12: behind its field it puts an empty line of its own, so
# that the message's empty line becomes the first of the body. A DKIM signature fails then; with LF it stays good, as it
# does with the reformail of maildrop 2.9.3-2.1 for both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download procmail=3.22-27 maildrop=2.9.3-2.1 libcourier-unicode4=2.1.2-2+b2 python3-dkim=1.1.4-1 >log 2>&1 ||
  { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
PYTHONPATH=usr/lib/python3/dist-packages
export LD_LIBRARY_PATH PYTHONPATH

openssl genrsa -traditional -out key.pem 2048 2>/dev/null
openssl rsa -in key.pem -pubout -outform der -out key.der 2>/dev/null
cat >sign.py <<'END'
import dkim
message = b"From: a@example.org\r\nSubject: hello\r\n\r\nA line.\r\n"
with open("key.pem", "rb") as key:
    signed = dkim.sign(message, b"s", b"example.org", key.read(), canonicalize=(b"relaxed", b"relaxed")) + message
for name, data in ("crlf", signed), ("lf", signed.replace(b"\r\n", b"\n")):
    with open(name, "wb") as file:
        file.write(data)
END
cat >verify.py <<'END'
import base64, sys, dkim
with open("key.der", "rb") as file:
    key = b"v=DKIM1; p=" + base64.b64encode(file.read())
message = sys.stdin.buffer.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
body = message.partition(b"\r\n\r\n")[2]
print("the body begins with", body.split(b"\r\n")[0].decode() or "an empty line,", "the signature is",
      "good" if dkim.verify(message, dnsfunc=lambda name, timeout=5: key) else "bad")
END
/usr/bin/python3 sign.py
seen=$(for form in lf crlf; do
  for tool in cat 'usr/bin/formail -A X-New:1' 'usr/bin/reformail -AX-New:1'; do
    echo "$form, $tool: $($tool <$form | /usr/bin/python3 verify.py)"
  done
done)
echo "$seen"
[ "$seen" = 'lf, cat: the body begins with A line. the signature is good
lf, usr/bin/formail -A X-New:1: the body begins with A line. the signature is good
lf, usr/bin/reformail -AX-New:1: the body begins with A line. the signature is good
crlf, cat: the body begins with A line. the signature is good
crlf, usr/bin/formail -A X-New:1: the body begins with an empty line, the signature is bad
crlf, usr/bin/reformail -AX-New:1: the body begins with A line. the signature is good' ]
