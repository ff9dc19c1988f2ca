#!/usr/bin/env bash
# Mail::DKIM 1.20230212: refuses RSA keys in the form that the text of RFC 6376 asks for
#
# RFC 6376 section 3.6.1 has p= hold "an ASN.1 DER-encoded [ITU-X660-1997] RSAPublicKey (see RFC 3447)"; its example in
# appendix C is a SubjectPublicKeyInfo, which everybody publishes.
# Guess: verifiers take what the text says, and the example's form because everybody publishes it.
# Seen, Debian 12: libmail-dkim-perl 1.20230212-2~deb12u1 takes the example's form only; a record by the letter is
# "invalid (public key: OpenSSL error: wrong tag)". dkimpy 1.1.4-1 takes both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download libmail-dkim-perl=1.20230212-2~deb12u1 libcrypt-openssl-rsa-perl=0.33-3+b1 python3-dkim=1.1.4-1 \
  libcrypt-openssl-bignum-perl=0.09-2+b1 libnet-dns-perl=1.36-1+deb12u1 libmailtools-perl=2.21-2 \
  >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

openssl genrsa -out key.pem 2048 2>/dev/null
openssl rsa -in key.pem -pubout -outform DER 2>/dev/null | base64 -w0 >spki
openssl rsa -in key.pem -RSAPublicKey_out -outform DER 2>/dev/null | base64 -w0 >pkcs1
cat >sign.py <<'END'
import dkim
text = b"From: a@example.org\r\nSubject: hello\r\n\r\nHello\r\n"
text = dkim.sign(text, b"s", b"example.org", open("key.pem", "rb").read()) + text
open("message", "wb").write(text)
for form in ("spki", "pkcs1"):
    record = "v=DKIM1; p=" + open(form).read()
    print("dkimpy,", form, dkim.verify(text, dnsfunc=lambda name, timeout=5: record.encode()))
END
cat >verify.pl <<'END'
use Mail::DKIM::Verifier;
no warnings;
our $form;
sub record {
  open my $file, "<", $form or die;
  return Net::DNS::RR->new(name => $_[0], type => "TXT", txtdata => [unpack "(a255)*", "v=DKIM1; p=" . <$file>]);
}
*Mail::DKIM::DNS::query = \&record;
*Mail::DKIM::DNS::query_async = sub { my ($name, $type, %more) = @_; return sub { $more{Callbacks}{Success}->(record($name)) } };
for $form ("spki", "pkcs1") {
  my $verifier = Mail::DKIM::Verifier->new;
  open my $message, "<:raw", "message";
  $verifier->PRINT($_) while <$message>;
  $verifier->CLOSE;
  print "Mail::DKIM, $form ", $verifier->result_detail =~ s/\n//r, "\n";
}
END
seen="$(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 sign.py)
$(PERL5LIB=usr/share/perl5:$(echo usr/lib/*-linux-gnu/perl5/5.*) perl verify.pl)"
echo "$seen"
[ "$seen" = "dkimpy, spki True
dkimpy, pkcs1 True
Mail::DKIM, spki pass
Mail::DKIM, pkcs1 invalid (public key: OpenSSL error: wrong tag)" ]
