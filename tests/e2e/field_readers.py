"""Others' parsers of Authentication-Results (RFC 8601) on the fields that authmilterd writes.

    field_readers.py AUTHMILTERD

Each must read the field as what it says: the host's name, and for each method its result, its reason and its
properties. Python's authres, which is in the list `test`, and Perl's Mail::AuthenticationResults, which is unpacked
into a cache.
"""

import json
import os
import pathlib
import subprocess
import sys

import authres
import dkim

from harness.daemon import ZONE, Daemon, key_record, make_key
from harness.unpacked_packages import Missing, unpacked

PERL_PACKAGES = ("libmail-authenticationresults-perl", "libclone-perl", "libjson-perl")
# One line for each method: [method, result, reason or null, {"smtp.mailfrom": "...", ...}], below the host's name.
PERL = r"""
use strict; use warnings; use JSON; use Mail::AuthenticationResults::Parser;
local $/; my @all;
for my $field (@{decode_json(<STDIN>)}) {
  my $parsed = Mail::AuthenticationResults::Parser->new->parse($field);
  my @methods;
  for my $entry (grep { ref($_) =~ /::Entry$/ } @{$parsed->children}) {
    my ($reason, %properties);
    for my $sub (grep { ref($_) =~ /::SubEntry$/ } @{$entry->children}) {
      if ($sub->key eq 'reason') { $reason = $sub->value } else { $properties{$sub->key} = $sub->value }
    }
    push @methods, [$entry->key, $entry->value, $reason, \%properties];
  }
  push @all, [$parsed->value->value, \@methods];
}
print encode_json(\@all);
"""

# What the message is, and what its field has to say: in the words of RFC 8601, "*" for a value that differs each time.
ROWS = [
    ("all pass", {"signer": "example.org"}, "spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org header.s=s "
     "header.a=rsa-sha256 header.b=*; dmarc=pass header.from=example.org policy.dmarc=reject"),
    ("nothing is known", {"domain": "other.example"}, "spf=none reason=* smtp.mailfrom=other.example; dkim=none; "
     "dmarc=none reason=* header.from=other.example"),
    ("held", {"domain": "held.example", "mail_from": "<a@example.org>"}, "spf=pass smtp.mailfrom=example.org; dkim=none; "
     "dmarc=fail reason=* header.from=held.example policy.dmarc=quarantine"),
    ("a broken signature", {"signer": "example.org", "body": b"other\r\n"}, "spf=pass smtp.mailfrom=example.org; "
     "dkim=fail reason=* header.d=example.org header.s=s header.a=rsa-sha256 header.b=*; "
     "dmarc=pass header.from=example.org policy.dmarc=reject"),
    ("no key", {"signer": "example.org", "selector": "gone"}, "spf=pass smtp.mailfrom=example.org; "
     "dkim=permerror reason=* header.d=example.org header.s=gone header.a=rsa-sha256 header.b=*; "
     "dmarc=pass header.from=example.org policy.dmarc=reject"),
    ("a bounce", {"mail_from": "<>", "helo": "example.org"}, "spf=pass smtp.helo=example.org; dkim=none; "
     "dmarc=pass header.from=example.org policy.dmarc=reject"),
    ("an internationalized domain", {"domain": "b\u00fccher.example", "mail_from": "<a@xn--bcher-kva.example>"},
     "spf=pass smtp.mailfrom=xn--bcher-kva.example; dkim=none; "
     "dmarc=pass header.from=xn--bcher-kva.example policy.dmarc=none"),
    ("two signatures", {"signer": "example.org", "second": "list.example.org"}, "spf=pass smtp.mailfrom=example.org; "
     "dkim=pass header.d=list.example.org header.s=s header.a=rsa-sha256 header.b=*; "
     "dkim=pass header.d=example.org header.s=s header.a=rsa-sha256 header.b=*; "
     "dmarc=pass header.from=example.org policy.dmarc=reject"),
]
MORE_ZONE = ('xn--bcher-kva.example. IN TXT "v=spf1 ip4:192.0.2.1 -all"\n'
             '_dmarc.xn--bcher-kva.example. IN TXT "v=DMARC1; p=none"\n')


def wanted(text):
    methods = []
    for part in text.split("; "):
        first, *others = part.split()
        properties = dict(word.split("=", 1) for word in others)
        methods.append([*first.split("=", 1), properties.pop("reason", None), properties])
    return methods


def matches(found, said):
    """`said` with a value in the place of each "*"."""
    if len(found) != len(said):
        return False
    return all(f[:2] == s[:2] and (bool(f[2]) == bool(s[2])) and f[3].keys() == s[3].keys() and
               all(f[3][name] == value or (value == "*" and f[3][name]) for name, value in s[3].items())
               for f, s in zip(found, said, strict=True))


class Authres:
    """python3-authres: its core knows SPF and DKIM; DMARC is registered."""

    name = "authres"

    def read(self, fields):
        return [self.one(authres.AuthenticationResultsHeader.parse(f"Authentication-Results:{field}")) for field in fields]

    @staticmethod
    def one(parsed):
        methods = []
        for result in parsed.results:
            properties = {f"{one.type}.{one.name}": one.value for one in result.properties}
            methods.append([result.method, result.result, result.reason, properties])
        return [parsed.authserv_id, methods]


class Perl:
    name = "Mail::AuthenticationResults"

    def __init__(self):
        place = unpacked("mail-authenticationresults", PERL_PACKAGES)
        folders = [place / "usr/share/perl5", *place.glob("usr/lib/*/perl5/5.*")]
        self.environment = os.environ | {"PERL5LIB": ":".join(map(str, folders))}

    def read(self, fields):
        done = subprocess.run(["perl", "-e", PERL], input=json.dumps(fields), capture_output=True, text=True, timeout=60,
                              env=self.environment, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def signed(header, domain, selector, key):
    text = "".join(f"{name}:{value}\r\n" for name, value in header).encode() + b"\r\nHello\r\n"
    name, value = dkim.sign(text, selector.encode(), domain.encode(), key.read_bytes()).decode().split(":", 1)
    return [(name, value.replace("\r\n", "\n").rstrip("\n")), *header]


def field_of(daemon, key, domain="example.org", mail_from=None, helo="client.example.net", signer="", second="",
             selector="s", body=b"Hello\r\n"):
    header = [("From", f" A <a@{domain}>"), ("Subject", " hello"), ("Date", " Fri, 11 Jul 2003 21:00:37 -0700")]
    for one in (signer, second):
        if one:
            header = signed(header, one, selector, key)
    with daemon.client() as client:
        client.greet("192.0.2.1", helo=helo)
        result = client.deliver(header, mail_from=mail_from or f"<a@{domain}>", body=body)
    assert result.accepted, result
    return result.inserted("Authentication-Results")[0]


def main():
    failures = 0
    with_monitor = '[verify]\nmode = "monitor"\n'
    folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
    key = folder / f"authmilter-readers-{os.getpid()}.pem"
    try:
        public = make_key(key)
        zone = ZONE + MORE_ZONE + "".join(key_record(f"s._domainkey.{domain}.", public)
                                          for domain in ("example.org", "list.example.org"))
        with Daemon(sys.argv[1], zone=zone, more=with_monitor) as daemon:
            fields = [field_of(daemon, key, **options) for _, options, _ in ROWS]
    finally:
        key.unlink(missing_ok=True)
    readers = [Authres()]
    try:
        readers.append(Perl())
    except Missing as reason:
        print(f"without {Perl.name}: {reason}")
    for reader in readers:
        for (why, _, text), field, (host, methods) in zip(ROWS, fields, reader.read(fields), strict=True):
            if host != "mx.example.net" or not matches(methods, wanted(text)):
                failures += 1
                print(f"{why}: {reader.name} reads {host}: {methods}, not {text}\n{field}")
    print(f"{len(ROWS)} fields, {len(readers)} readers, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
