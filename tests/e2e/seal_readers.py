"""Others' validators of Authenticated Received Chains (RFC 8617) on the seals that authmilterd makes.

    seal_readers.py AUTHMILTERD

Each must say of a message that was handed on what we would say of it: dkimpy, which is in the list `test`, and Perl's
Mail::DKIM, which is unpacked into a cache.
"""

import json
import os
import pathlib
import subprocess
import sys

import dkim

from harness.daemon import ZONE, Daemon, key_record, make_key
from harness.milter_client import apply_changes
from harness.unpacked_packages import Missing, unpacked_list

# A result for each message, "none", "pass" or "fail (why)".
PERL = r"""
use strict; use warnings; use JSON; use Net::DNS::RR; use Mail::DKIM::DNS; use Mail::DKIM::ARC::Verifier;
local $/; my ($records, $messages) = @{decode_json(<STDIN>)};
{ no warnings 'redefine';
  *Mail::DKIM::DNS::query = sub {
    my ($name) = @_;
    return $records->{lc $name} ? (Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [$records->{lc $name}])) : ();
  };
}
my @all;
for my $message (@$messages) {
  my $verifier = Mail::DKIM::ARC::Verifier->new();
  $verifier->PRINT($message);
  $verifier->CLOSE;
  push @all, $verifier->result_detail;
}
print encode_json(\@all);
"""

DOMAIN = "forwarder.example"
CONFIG = """[policy]
dmarc_reject = "tag"
tag_subject = "[x] "
[arc]
seal = true
domain = "forwarder.example"
selector = "s"
file = "{key}"
"""

HEADER = [("Received", " from a (a.example [192.0.2.1])\n\tby b.example; x"), ("From", " A <a@example.org>"),
          ("To", " b@example.net,\n\tc@example.net"), ("Subject", "  a  line\n\tthat is folded "),
          ("Date", " Fri, 11 Jul 2003 21:00:37 -0700"), ("Message-ID", " <1@example.org>")]


def text_of(header, body):
    lines = "".join(f"{name}:{value}\n" for name, value in header) + "\n" + body
    return lines.replace("\r\n", "\n").replace("\n", "\r\n").encode()


class Dkimpy:
    name = "dkimpy"

    def read(self, records, messages):
        texts = lambda name, timeout=5: records.get(name.decode().rstrip("."), "").encode()  # noqa: E731
        # It has no word for a chain that was sealed as failed.
        return [(dkim.arc_verify(message, dnsfunc=texts)[0] or b"fail").decode() for message in messages]


class MailDkim:
    name = "Mail::DKIM"

    def __init__(self):
        place = unpacked_list("seal-readers")
        folders = [place / "usr/share/perl5", *place.glob("usr/lib/*/perl5/5.*")]
        self.environment = os.environ | {"PERL5LIB": ":".join(map(str, folders))}

    def read(self, records, messages):
        done = subprocess.run(["perl", "-e", PERL], input=json.dumps([records, [one.decode() for one in messages]]),
                              capture_output=True, text=True, timeout=60, env=self.environment, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class Hops:
    """A message on its way, whose header each hop adds to."""

    def __init__(self, daemon, list_key, header=None, body="Hello\n\nline  two \n\n", client="192.0.2.1"):
        self.daemon, self.list_key = daemon, list_key
        self.header, self.body = list(header or HEADER), body
        self.client = client

    def handed_on(self):
        """By authmilterd."""
        with self.daemon.client() as client:
            client.greet(self.client, helo="client.example.net")
            result = client.deliver(self.header, mail_from="<a@example.org>",
                                    body=self.body.replace("\n", "\r\n").encode())
        assert result.accepted, result
        self.header = apply_changes(self.header, [
            (kind, index, name, value if kind != "insert" or value.startswith(" ") else f" {value}")
            for kind, index, name, value in result.changes])
        return self

    def listed(self):
        """By a list that changes it, and seals with dkimpy."""
        self.header = [(name, f" [list]{value}" if name == "Subject" else value) for name, value in self.header]
        chain = "pass" if any(name == "ARC-Seal" for name, _ in self.header) else "none"
        self.header.insert(0, ("Authentication-Results",
                               f" mx.lists.example; dmarc=pass header.from=example.org; arc={chain}"))
        self.body += "the list\n"
        fields = dkim.arc_sign(text_of(self.header, self.body), b"s", b"lists.example", self.list_key, b"mx.lists.example",
                               include_headers=[b"from", b"to", b"subject", b"date"])
        for field in reversed(fields):
            name, value = field.decode().replace("\r\n", "\n").rstrip("\n").split(":", 1)
            self.header.insert(0, (name, value))
        return self

    def changed(self):
        """By somebody who does not seal."""
        self.body += "and more\n"
        return self

    def text(self):
        return text_of(self.header, self.body)


def ways(daemon, key):
    def new(**options):
        return Hops(daemon, key, **options)

    return [
        ("ours alone", new().handed_on(), "pass"),
        ("ours twice", new().handed_on().handed_on(), "pass"),
        ("behind a list", new().listed().handed_on(), "pass"),
        ("before a list", new().handed_on().listed(), "pass"),
        ("before and behind", new().handed_on().listed().handed_on(), "pass"),
        ("a body without a line", new(body="").handed_on(), "pass"),
        ("no date, two of To", new(header=HEADER[:4] + HEADER[2:3]).handed_on(), "pass"),
        ("a chain that broke, sealed as failed", new().listed().changed().handed_on(), "fail"),
        ("and not extended", new().listed().changed().handed_on().handed_on(), "fail"),
        ("changed behind us", new().handed_on().changed(), "fail"),
        ("marked, in its Subject too", new(client="203.0.113.9").handed_on(), "pass"),
    ]


def main():
    folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp"))
    keys = {name: folder / f"authmilter-seals-{os.getpid()}-{name}.pem" for name in ("ours", "list")}
    failures = 0
    try:
        public = {name: make_key(path) for name, path in keys.items()}
        records = {f"s._domainkey.{domain}": f"v=DKIM1; k=rsa; p={public[name]}"
                   for name, domain in (("ours", DOMAIN), ("list", "lists.example"))}
        zone = ZONE + "".join(key_record(f"s._domainkey.{domain}.", public[name])
                              for name, domain in (("ours", DOMAIN), ("list", "lists.example")))
        with Daemon(sys.argv[1], zone=zone, more=CONFIG.format(key=keys["ours"])) as daemon:
            messages = ways(daemon, keys["list"].read_bytes())
    finally:
        for path in keys.values():
            path.unlink(missing_ok=True)
    readers = [Dkimpy()]
    try:
        readers.append(MailDkim())
    except Missing as reason:
        print(f"without {MailDkim.name}: {reason}")
    for reader in readers:
        results = reader.read(records, [hops.text() for _, hops, _ in messages])
        for (why, hops, want), result in zip(messages, results, strict=True):
            if result.split()[0] != want:
                failures += 1
                print(f"{why}: {reader.name} says {result}, not {want}\n{hops.text().decode()}")
    print(f"{len(messages)} messages, {len(readers)} readers, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
