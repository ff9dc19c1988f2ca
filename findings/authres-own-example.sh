#!/usr/bin/env bash
# python3-authres 1.2.0: cannot read the example with comments of the RFC that it is named after
#
# RFC 8601 appendix B.7 shows a field with a comment at every place where the grammar allows one, and a version
# behind the method.
# Guess: the parser whose author took part in the discussion of RFC 7001 reads its examples; they are what a test suite
# begins with.
# Seen, python3-authres 1.2.0-3 of Debian 12: a syntax error, Expected "=". It is not that there are comments: one with
# blanks on both sides between the version of a method and its equals sign is too much. With a blank on one side only,
# or without a version, the same is read. Perl's Mail::AuthenticationResults 2.20230112-1 reads the example.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download python3-authres=1.2.0-3 libmail-authenticationresults-perl=2.20230112-1 libclone-perl=0.46-1 \
  libjson-perl=4.10000-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

cat >fields <<'END'
foo.example.net (foobar) 1 (baz); dkim (Because I like it) / 1 (One yay) = (wait for it) fail policy (A dot can go here) . (like that) expired (this surprised me) = (as I wasn't expecting it) 1362471462
foo.example.net; dkim/1 (one) =fail policy.expired=1362471462
foo.example.net; dkim/1(one) =fail policy (A dot can go here) . (like that) expired = 1362471462
foo.example.net; dkim (none) =fail policy.expired=1362471462
END
cat >read.py <<'END'
import authres
for line in open("fields"):
    try:
        one = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + line.strip()).results[0]
        print(one.method, one.result, *(f"{p.type}.{p.name}={p.value}" for p in one.properties))
    except authres.SyntaxError as error:
        print(str(error).split(" at:")[0])
END
cat >read.pl <<'END'
use Mail::AuthenticationResults::Parser;
while (<STDIN>) {
  chomp;
  my ($one) = @{Mail::AuthenticationResults::Parser->new->parse($_)->children};
  my ($property) = grep { ref($_) =~ /SubEntry/ } @{$one->children};
  print join(" ", $one->key, $one->value, $property->key . "=" . $property->value), "\n";
}
END
seen="Python
$(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 read.py)
Perl
$(PERL5LIB=usr/share/perl5:$(echo usr/lib/*-linux-gnu/perl5/5.*) perl read.pl <fields)"
echo "$seen"
[ "$seen" = 'Python
Syntax error: Expected "="
Syntax error: Expected "="
dkim fail policy.expired=1362471462
dkim fail policy.expired=1362471462
Perl
dkim fail policy.expired=1362471462
dkim fail policy.expired=1362471462
dkim fail policy.expired=1362471462
dkim fail policy.expired=1362471462' ]
