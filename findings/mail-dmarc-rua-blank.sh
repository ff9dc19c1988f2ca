#!/usr/bin/env bash
# Mail::DMARC 1.20211209: a blank behind a comma in rua= takes the next address away
#
# rua= and ruf= hold a list of addresses; RFC 7489 section 6.4 allows blanks before and behind its commas.
# Guess: all addresses, and the limit of size behind "!" apart from them.
# Seen, libmail-dmarc-perl 1.20211209-4 of Debian 12: an address with a blank in front is left out, with no error. A
# blank before the comma does no harm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download libmail-dmarc-perl=1.20211209-4 liburi-perl=5.17-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

cat >read.pl <<'END'
use Mail::DMARC::Report::URI;
while (my $list = <STDIN>) {
  chomp $list;
  my $found = Mail::DMARC::Report::URI->new->parse($list);
  print "$list\n", map { "  $_->{uri}, limit $_->{max_bytes}\n" } @$found;
}
END
seen=$(PERL5LIB=usr/share/perl5 perl read.pl <<'END'
mailto:a@example.org,mailto:b@example.net!10m
mailto:a@example.org, mailto:b@example.net!10m
mailto:a@example.org ,mailto:b@example.net!10m
mailto:a@example.org!10m, mailto:b@example.net,mailto:c@example.com
END
)
echo "$seen"
[ "$seen" = 'mailto:a@example.org,mailto:b@example.net!10m
  mailto:a@example.org, limit 0
  mailto:b@example.net, limit 10485760
mailto:a@example.org, mailto:b@example.net!10m
  mailto:a@example.org, limit 0
mailto:a@example.org ,mailto:b@example.net!10m
  mailto:a@example.org, limit 0
  mailto:b@example.net, limit 10485760
mailto:a@example.org!10m, mailto:b@example.net,mailto:c@example.com
  mailto:a@example.org, limit 10485760
  mailto:c@example.com, limit 0' ]
