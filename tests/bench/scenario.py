"""The world of the benchmark: keys, zones and messages, made once into a folder.

    FOLDER/keys/         rsa.pem and ed25519.pem; every domain uses these two
    FOLDER/zone          what the DNS holds, as a master file
    FOLDER/messages/     NAME.eml with its envelope in NAME.env

    rsa-SIZE-N  ed25519-SIZE-N  both-SIZE-N      signed; SPF, DKIM and DMARC pass
    unsigned-10k-0                               SPF and DMARC pass
    submit-SIZE-N                                of a user of example.com, to be signed with RSA
    submit-ed25519-10k-0  submit-both-10k-0      of example.org and example.net, with that key and with both
    slow-N                                       of domains whose every answer takes its time
    many                                         from another domain each time it is played
    listed                                       of a user of the last of many domains

Domains and addresses are those that are reserved for documentation (RFC 2606, RFC 5737). The texts come from a fixed
seed, so that two runs measure the same.
"""

import base64
import os
import pathlib
import random
import shutil
import subprocess
import textwrap

import dkim

CLIENT = "192.0.2.10"
SIGNED = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]
SIZES = {"2k": (2_000, 10), "10k": (10_000, 10), "100k": (100_000, 4), "1m": (1_000_000, 2)}
SLOW_MESSAGES = 60
VERSION = "4"  # of what stands in the folder

WORDS = ("the of and to in is that for it on was with as be by at from are this have or an meeting report budget invoice "
         "project schedule customer delivery contract review please find attached regarding following up next week thank "
         "you kind regards").split()

ZONE = """$ORIGIN .
$TTL 3600
. SOA ns.invalid. admin.invalid. 1 3600 600 86400 300
. NS ns.invalid.
example.com TXT "v=spf1 include:_spf.example.com -all"
_spf.example.com TXT "v=spf1 include:_nb1.example.com include:_nb2.example.com ~all"
_nb1.example.com TXT "v=spf1 {networks} ~all"
_nb2.example.com TXT "v=spf1 ip6:2001:db8:1::/48 ip4:192.0.2.128/25 ip4:192.0.2.0/28 ~all"
example.com MX 10 mail.example.com
mail.example.com A 192.0.2.10
mail.example.com TXT "v=spf1 a -all"
_dmarc.example.com TXT "v=DMARC1; p=reject; rua=mailto:dmarc@example.com; adkim=r; aspf=r"
example.net TXT "v=spf1 ip4:198.51.100.0/24 -all"
_dmarc.example.net TXT "v=DMARC1; p=none"
"""


def _openssl(*arguments):
    return subprocess.run(("openssl", *arguments), check=True, capture_output=True).stdout


class Keys:
    """The two private keys, and their records."""

    def __init__(self, folder):
        folder.mkdir(mode=0o700)
        for name, options in (("rsa", ("RSA", "-pkeyopt", "rsa_keygen_bits:2048")), ("ed25519", ("ED25519",))):
            _openssl("genpkey", "-algorithm", *options, "-out", str(folder / f"{name}.pem"))
            (folder / f"{name}.pem").chmod(0o600)
        self.rsa = (folder / "rsa.pem").read_bytes()
        # The last 32 octets of the DER forms are the bare keys, as DKIM has them (RFC 8463 section 4.2).
        self.ed25519 = base64.b64encode(_openssl("pkey", "-in", folder / "ed25519.pem", "-outform", "DER")[-32:])
        self.records = {"rsa": self._record("rsa", folder, 0), "ed25519": self._record("ed25519", folder, -32)}

    @staticmethod
    def _record(name, folder, since):
        public = _openssl("pkey", "-in", folder / f"{name}.pem", "-pubout", "-outform", "DER")[since:]
        return f"v=DKIM1; k={name}; p={base64.b64encode(public).decode()}"

    def sign(self, message, domain="example.com", algorithm="rsa"):
        key = self.rsa if algorithm == "rsa" else self.ed25519
        return dkim.sign(message, algorithm.encode(), domain.encode(), key, canonicalize=(b"relaxed", b"relaxed"),
                         include_headers=SIGNED, signature_algorithm=f"{algorithm}-sha256".encode()) + message

    def seal(self, message):
        """With a set of an Authenticated Received Chain on top of it."""
        chain = b"pass" if b"ARC-Seal:" in message else b"none"
        results = b"Authentication-Results: mx.example.com; dmarc=pass header.from=example.com; arc=" + chain + b"\r\n"
        fields = dkim.arc_sign(results + message, b"rsa", b"example.com", self.rsa, b"mx.example.com", include_headers=SIGNED)
        return b"".join(fields) + message


class Writer:
    def __init__(self):
        self.random = random.Random(20240501)

    def lines(self, octets):
        line, total = "", 0
        while total < octets:
            word = self.random.choice(WORDS)
            if len(line) + len(word) + 1 > 72:
                yield line
                total += len(line) + 2
                line = word
            else:
                line = f"{line} {word}".lstrip()
        yield line

    def attachment(self, octets):
        return textwrap.wrap(base64.b64encode(self.random.randbytes(max(octets, 0) * 3 // 4 + 1)).decode(), 76)

    def header(self, octets, number, author, received):
        large = octets > 4000
        for hop in range((3 if large else 1) if received else 0):
            yield (f"Received: from relay{hop}.example.com (relay{hop}.example.com [192.0.2.{2 + hop}])\r\n"
                   "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n"
                   f"\tby mail.example.com (Postfix) with ESMTPS id {self.random.getrandbits(32):08X}\r\n"
                   f"\tfor <rcpt@example.net>; Wed,  1 May 2024 10:00:0{hop} +0000 (UTC)")
        yield f"From: Alice <{author}>"
        yield "To: Bob <rcpt@example.net>"
        yield f"Subject: Message {number} about the meeting of next week\r\n and the budget review"
        yield "Date: Wed, 01 May 2024 10:00:00 +0000"
        yield f"Message-ID: <{octets}.{number}.{self.random.getrandbits(32):08x}@example.com>"
        yield "MIME-Version: 1.0"
        if not large:
            yield "Content-Type: text/plain; charset=utf-8"
            return
        yield 'Content-Type: multipart/mixed; boundary="=_part"'
        yield "X-Mailer: Example Mailer 4.2"
        yield "Thread-Topic: budget"
        yield f"Reply-To: {author}"
        yield f"List-Unsubscribe: <https://www.example.com/u/{self.random.getrandbits(128):032x}>"
        yield "Precedence: normal"
        yield "X-Originating-IP: 192.0.2.77"
        yield "Importance: normal"

    def body(self, octets):
        if octets < 3000:
            yield from self.lines(max(octets, 200))
            return
        part = min(octets // 3, 12_000)
        yield from ("--=_part", "Content-Type: text/plain; charset=utf-8", "", *self.lines(part))
        yield from ("--=_part", "Content-Type: text/html; charset=utf-8", "", "<html><body>")
        yield from (f"<p>{line}</p>" for line in self.lines(part))
        yield from ("</body></html>", "--=_part", "Content-Type: application/octet-stream",
                    "Content-Transfer-Encoding: base64", "")
        yield from self.attachment(octets - 2 * part - part // 8)
        yield "--=_part--"

    def message(self, octets, number=0, author="alice@example.com", received=True):
        """About so many octets, with the signature that comes on top."""
        header = "\r\n".join(self.header(octets, number, author, received))
        return (header + "\r\n\r\n" + "\r\n".join(self.body(octets - len(header) - 700)) + "\r\n").encode()


class _Folder:
    def __init__(self, place):
        self.place = place
        place.mkdir()

    def save(self, name, content, **envelope):
        (self.place / f"{name}.eml").write_bytes(content)
        lines = [f"{key.replace('_', '-')}={value}\n" for key, value in envelope.items()]
        (self.place / f"{name}.env").write_text("".join(lines))

    def submission(self, name, author, writer, octets=10_000, number=0):
        content = writer.message(octets, number, author, received=False)
        self.save(name, content, client="192.0.2.77", client_name="unknown", helo="[192.0.2.77]", mail_from=author,
                  auth_user=author)


def _messages(folder, keys):
    writer, save = Writer(), _Folder(folder)
    incoming = {"client": CLIENT, "mail_from": "alice@example.com"}
    for size, (octets, count) in SIZES.items():
        for number in range(count):
            plain = writer.message(octets, number)
            signed = keys.sign(plain)
            save.save(f"rsa-{size}-{number}", signed, **incoming)
            if number < 2:
                save.save(f"ed25519-{size}-{number}", keys.sign(plain, algorithm="ed25519"), **incoming)
                save.save(f"both-{size}-{number}", keys.sign(signed, algorithm="ed25519"), **incoming)
            save.submission(f"submit-{size}-{number}", "alice@example.com", writer, octets, number)
            if size == "10k" and number < 2:
                save.save(f"sealed-{size}-{number}", keys.seal(keys.seal(keys.seal(signed))), **incoming)
    save.save("unsigned-10k-0", writer.message(10_000), **incoming)
    for name, domain in (("ed25519", "example.org"), ("both", "example.net")):
        save.submission(f"submit-{name}-10k-0", f"alice@{domain}", writer)
    save.submission("listed", "alice@d0.listed.example", writer)
    for number in range(SLOW_MESSAGES):
        domain = f"d{number}.slow.example"
        save.save(f"slow-{number}", keys.sign(writer.message(2_000, number, f"alice@{domain}"), domain), client=CLIENT,
                  helo=f"mail.{domain}", mail_from=f"alice@{domain}")
    # Signatures that are not ours to make: their keys are asked for all the same.
    signatures = "".join(f"DKIM-Signature: v=1; a=rsa-sha256; d=d{{n}}.many.example; s=s{number}; h=from;\r\n"
                         f"\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n" for number in range(9))
    save.save("many", signatures.encode() + writer.message(2_000, 0, "alice@d{n}.many.example"), client=CLIENT,
              mail_from="alice@d{n}.many.example")


def _text(record):
    return " ".join(f'"{record[at:at + 200]}"' for at in range(0, len(record), 200))


def make(folder):
    """The folder with the scenario in it, made unless it is there."""
    folder = pathlib.Path(folder)
    made = folder / "version"
    if made.exists() and made.read_text() == VERSION:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    keys = Keys(folder / "keys")
    zone = ZONE.format(networks=" ".join(f"ip4:198.51.100.{net}/28" for net in range(0, 160, 16)))
    for selector, record in keys.records.items():
        zone += f"{selector}._domainkey.example.com TXT ( {_text(record)} )\n"
    (folder / "zone").write_text(zone)
    (folder / "key-record").write_text(keys.records["rsa"])
    _messages(folder / "messages", keys)
    made.write_text(VERSION)
    return folder


def messages(folder, pattern):
    """The files of the messages whose names begin so, in an order of their own."""
    found = sorted(pathlib.Path(folder, "messages").glob(f"{pattern}.eml"))
    if not found:
        raise FileNotFoundError(f"no message {pattern}")
    return [os.fspath(one) for one in found]
