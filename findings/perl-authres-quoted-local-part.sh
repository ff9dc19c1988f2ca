#!/usr/bin/env bash
# Mail::AuthenticationResults 2.20230112: of a mailbox with a quoted local part it makes two properties
#
# RFC 8601 section 2.2: the value of a property may be a mailbox, and a mailbox may begin with a quoted string
# ("first last"@example.net, RFC 5321 section 4.1.2).
# Guess: smtp.mailfrom is the whole of it, with or without the quotes.
# Seen, libmail-authenticationresults-perl 2.20230112-1 of Debian 12: smtp.mailfrom is "first last", without a domain,
# and beside it is a property that is called "@example.net" and has no value. Python's authres has the mailbox.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download python3-authres=1.2.0-3 libmail-authenticationresults-perl=2.20230112-1 libclone-perl=0.46-1 \
  libjson-perl=4.10000-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

field='mx.example.org; spf=pass smtp.mailfrom="first last"@example.net'
seen="Perl: $(PERL5LIB=usr/share/perl5:$(echo usr/lib/*-linux-gnu/perl5/5.*) perl -MMail::AuthenticationResults::Parser -e '
  my ($spf) = @{Mail::AuthenticationResults::Parser->new->parse($ARGV[0])->children};
  print join " ", map { "<" . $_->key . "><" . ($_->value // "") . ">" } grep { ref($_) =~ /SubEntry/ } @{$spf->children};
' "$field")
Python: $(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 -c '
import authres, sys
spf = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + sys.argv[1]).results[0]
print(*(f"<{p.type}.{p.name}><{p.value}>" for p in spf.properties))' "$field")"
echo "$seen"
[ "$seen" = 'Perl: <smtp.mailfrom><first last> <@example.net><>
Python: <smtp.mailfrom><"first last"@example.net>' ]
