#!/usr/bin/env bash
# ldns-signzone 1.8.3: a zone with $INCLUDE cannot be signed
#
# $INCLUDE is one of the two control entries of RFC 1035 section 5.1, and zones with a key of DKIM in a file of its
# own use it.
# Guess: a signer that reads $ORIGIN and $TTL reads $INCLUDE too, as named-checkzone, NSD and Knot do; relative to the
# zone file or to the working directory, that would be the question.
# Seen, ldnsutils 1.8.3-1+b1 of Debian 12: "Syntax error, $INCLUDE not implemented", whatever the path, and the exit
# status is 1. NSD 4.6.1 loads the same zone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get -q download ldnsutils=1.8.3-1+b1 libldns3=1.8.3-1+b1 nsd=4.6.1-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

echo 's._domainkey TXT "v=DKIM1; p="' >key.txt
cat >zone <<END
\$ORIGIN example.org.
\$TTL 300
@ SOA ns h 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
\$INCLUDE $folder/key.txt
END
key=$(usr/bin/ldns-keygen -a ECDSAP256SHA256 -k example.org)
status=0
usr/bin/ldns-signzone -o example.org zone "$key" >output 2>&1 || status=$?
nsd=refuses
usr/sbin/nsd-checkzone example.org zone >/dev/null 2>&1 && nsd=loads
seen="ldns-signzone: status $status, $(grep -o 'Syntax error.*' output || true)
NSD: $nsd"
echo "$seen"
[ "$seen" = 'ldns-signzone: status 1, Syntax error, $INCLUDE not implemented at zone line 6
NSD: loads' ]
