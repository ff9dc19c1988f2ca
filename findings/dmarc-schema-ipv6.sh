#!/usr/bin/env bash
# Mail::DMARC 1.20211209: its schema of aggregate reports (RFC 7489 appendix C) has IPv6 in eight groups only
#
# source_ip says where the mail came from, and has a pattern of its own in the schema.
# Guess: what inet_ntop() writes and RFC 5952 asks for is valid; a pattern may be lax about the rest.
# Seen, libmail-dmarc-perl 1.20211209-4 and libxml2-utils 2.9.14+dfsg-1.3~deb12u6 of Debian 12, the pattern alone: no
# address with "::" is valid; all eight groups must be there, zeros too. In place of the dots of an IPv4 address any
# character is good.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download libmail-dmarc-perl=1.20211209-4 libxml2-utils=2.9.14+dfsg-1.3~deb12u6 libxml2=2.9.14+dfsg-1.3~deb12u6 \
  >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

{
  echo '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
  sed -n '/<xs:simpleType name="IPAddress">/,/<\/xs:simpleType>/p' "$(find usr -name rua-schema.xsd)"
  echo '<xs:element name="source_ip" type="IPAddress"/></xs:schema>'
} >schema.xsd
seen=$(for address in 192.0.2.1 2001:db8:0:0:0:0:0:1 2001:0DB8:0000:0000:0000:0000:0000:0001 2001:db8::1 \
  2001:db8:1:2:3:4:5:6 2001:db8:1:2:3:4::6 ::ffff:192.0.2.1 192.0.2.256 192-0-2-1; do
  echo "<source_ip>$address</source_ip>" >document
  usr/bin/xmllint --noout --schema schema.xsd document >/dev/null 2>&1 && valid=valid || valid='not valid'
  echo "$address: $valid"
done)
echo "$seen"
[ "$seen" = '192.0.2.1: valid
2001:db8:0:0:0:0:0:1: valid
2001:0DB8:0000:0000:0000:0000:0000:0001: valid
2001:db8::1: not valid
2001:db8:1:2:3:4:5:6: valid
2001:db8:1:2:3:4::6: not valid
::ffff:192.0.2.1: not valid
192.0.2.256: not valid
192-0-2-1: valid' ]
