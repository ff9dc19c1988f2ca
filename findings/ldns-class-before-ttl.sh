#!/usr/bin/env bash
# ldns 1.8.3: a record that names its class before its TTL is a syntax error
#
# RFC 1035 section 5.1 allows "[TTL] [class] type" and "[class] [TTL] type", and zone files that were written by
# other programs hold both.
# Guess: every reader of master files takes both orders; ldns, which the tools of Debian's ldnsutils sign zones
# with, and NSD, by the same authors, agree.
# Seen, ldnsutils 1.8.3-1+b1 and nsd 4.6.1-1 of Debian 12: NSD takes both. ldns takes "300 IN TXT" and says of
# "IN 300 TXT": "Syntax error, could not parse the RR's rdata", as if the text of the record were at fault.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get -q download ldnsutils=1.8.3-1+b1 libldns3=1.8.3-1+b1 nsd=4.6.1-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

zone() {
  printf '%s\n' "example.org. 300 IN SOA ns.example.org. h.example.org. 1 2 3 4 5" "example.org. 300 IN NS ns.example.org." \
    "ns.example.org. 300 IN A 192.0.2.1" "$1" >zone
}
says() { "$@" >output 2>&1 && echo accepts || { echo "refuses: $(grep -o 'Syntax error.*' output || true)"; }; }

zone 't.example.org. 300 IN TXT "a"'
seen="TTL first, ldns $(says usr/bin/ldns-read-zone zone)
TTL first, NSD $(says usr/sbin/nsd-checkzone example.org zone)"
zone 't.example.org. IN 300 TXT "a"'
seen+="
class first, ldns $(says usr/bin/ldns-read-zone zone)
class first, NSD $(says usr/sbin/nsd-checkzone example.org zone)"
echo "$seen"
[ "$seen" = "TTL first, ldns accepts
TTL first, NSD accepts
class first, ldns refuses: Syntax error, could not parse the RR's rdata at line 4
class first, NSD accepts" ]
