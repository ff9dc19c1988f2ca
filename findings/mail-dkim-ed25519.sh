#!/usr/bin/env bash
# Mail::DKIM 1.20230212: does not verify signatures of RFC 8463
#
# Ed25519 for DKIM is of 2018. SpamAssassin, dkimproxy and others in Perl verify with this library.
# Guess: a release of 2023 knows it; a host that lacks the Perl module for the curve says so.
# Seen, libmail-dkim-perl 1.20230212-2~deb12u1 of Debian 12: "invalid (unsupported algorithm ed25519-sha256)"; there is
# nothing to install. A message with both signatures, as RFC 8463 section 3 advises, has one "pass" and one "invalid".
# dkimpy 1.1.4-1 makes and verifies both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download libmail-dkim-perl=1.20230212-2~deb12u1 libcrypt-openssl-rsa-perl=0.33-3+b1 python3-dkim=1.1.4-1 \
  libcrypt-openssl-bignum-perl=0.09-2+b1 libnet-dns-perl=1.36-1+deb12u1 libmailtools-perl=2.21-2 python3-nacl=1.5.0-2 \
  >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

cat >make.py <<'END'
import base64, dkim, subprocess
from nacl.signing import SigningKey
rsa = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
spki = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=rsa, capture_output=True, check=True).stdout
ed = SigningKey(bytes(range(32)))
records = {"r": "v=DKIM1; k=rsa; p=" + base64.b64encode(spki).decode(),
           "e": "v=DKIM1; k=ed25519; p=" + base64.b64encode(ed.verify_key.encode()).decode()}
text = b"From: a@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
text = dkim.sign(text, b"r", b"example.org", rsa) + text
text = dkim.sign(text, b"e", b"example.org", base64.b64encode(ed.encode()), signature_algorithm=b"ed25519-sha256") + text
open("message", "wb").write(text)
for selector, record in records.items():
    open(f"record.{selector}", "w").write(record)
verifier = dkim.DKIM(text)
print("dkimpy:", *(verifier.verify(idx=i, dnsfunc=lambda name, timeout=5: records[name.decode()[0]].encode()) for i in (0, 1)))
END
cat >verify.pl <<'END'
use Mail::DKIM::Verifier;
no warnings;
sub record {
  open my $file, "<", "record." . substr($_[0], 0, 1) or die;
  return Net::DNS::RR->new(name => $_[0], type => "TXT", txtdata => [unpack "(a255)*", <$file>]);
}
*Mail::DKIM::DNS::query = \&record;
*Mail::DKIM::DNS::query_async = sub { my ($name, $type, %more) = @_; return sub { $more{Callbacks}{Success}->(record($name)) } };
my $verifier = Mail::DKIM::Verifier->new;
open my $message, "<:raw", "message";
$verifier->PRINT($_) while <$message>;
$verifier->CLOSE;
print "Mail::DKIM: ", join(", ", map { $_->algorithm . " " . $_->result_detail } $verifier->signatures), "\n";
END
seen="$(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 make.py)
$(PERL5LIB=usr/share/perl5:$(echo usr/lib/*-linux-gnu/perl5/5.*) perl verify.pl)"
echo "$seen"
[ "$seen" = "dkimpy: True True
Mail::DKIM: ed25519-sha256 invalid (unsupported algorithm ed25519-sha256), rsa-sha256 pass" ]
