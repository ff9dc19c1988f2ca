#!/usr/bin/env bash
# libxml2 2.9.14: xs:integer and xs:decimal end at 24 digits
#
# XML Schema part 2 section 3.2.3: the numbers have no limit; a processor must support at least 18 digits, and must
# document where it stops.
# Guess: no limit, or the one of 64 bits, which xs:long has a type for.
# Seen, libxml2-utils 2.9.14+dfsg-1.3~deb12u6 of Debian 12: 24 digits validate. At 25 the document is "not a valid value
# of the atomic type", in the words of any other mistake. For a decimal digits before and behind the point count
# together, leading zeros do not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download libxml2-utils=2.9.14+dfsg-1.3~deb12u6 libxml2=2.9.14+dfsg-1.3~deb12u6 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

check() {
  printf '<schema xmlns="http://www.w3.org/2001/XMLSchema"><element name="n" type="%s"/></schema>' "$1" >schema
  printf '<n>%s</n>' "$2" >document
  usr/bin/xmllint --noout --schema schema document >/dev/null 2>&1 && echo "$1 $2: valid" || echo "$1 $2: not valid"
}
seen=$(check integer 123456789012345678901234
check integer 1234567890123456789012345
check integer 000000123456789012345678901234
check decimal 123456789012.123456789012
check decimal 123456789012.1234567890123)
echo "$seen"
[ "$seen" = "integer 123456789012345678901234: valid
integer 1234567890123456789012345: not valid
integer 000000123456789012345678901234: valid
decimal 123456789012.123456789012: valid
decimal 123456789012.1234567890123: not valid" ]
