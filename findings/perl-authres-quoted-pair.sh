#!/usr/bin/env bash
# Mail::AuthenticationResults 2.20230112: dies of a backslash, in a comment as in a quoted string
#
# RFC 5322 section 3.2.1 lets a backslash stand before any printable character there (quoted-pair); in a reason that
# itself holds quotes, or a comment with a bracket, it must.
# Guess: the tokenizer that copes with every example of RFC 8601 copes with quoted pairs; at worst it leaves the
# backslash in the text.
# Seen, libmail-authenticationresults-perl 2.20230112-1 of Debian 12: the string ends at the escaped quote, the comment
# at the escaped bracket, and the rest makes no sense to it: "Quoted string not closed", "not expecting a string". Python's authres reads both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download python3-authres=1.2.0-3 libmail-authenticationresults-perl=2.20230112-1 libclone-perl=0.46-1 \
  libjson-perl=4.10000-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

cat >fields <<'END'
mx.example.org; dkim=fail reason="the \"l=\" tag" header.d=example.net
mx.example.org; dkim=pass (good \) really) header.d=example.net
END
cat >read.pl <<'END'
use Mail::AuthenticationResults::Parser;
while (<STDIN>) {
  chomp;
  my $header = eval { Mail::AuthenticationResults::Parser->new->parse($_) };
  print $header ? "read" : $@ =~ s/ at .*//sr, "\n";
}
END
seen="Perl: $(PERL5LIB=usr/share/perl5:$(echo usr/lib/*-linux-gnu/perl5/5.*) perl read.pl <fields | tr '\n' ';')
Python: $(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 -c '
import authres
for line in open("fields"):
    print(authres.AuthenticationResultsHeader.parse("Authentication-Results: " + line.strip()).results[0].result)' | tr '\n' ';')"
echo "$seen"
[ "$seen" = "Perl: Quoted string not closed;not expecting a string;
Python: fail;pass;" ]
