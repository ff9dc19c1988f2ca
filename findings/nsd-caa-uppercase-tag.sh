#!/usr/bin/env bash
# NSD 4.6.1: a CAA record whose tag has capital letters keeps the zone from loading
#
# RFC 8659 section 4.1: tags are matched without regard to case.
# Guess: "ISSUE" is read like "issue"; a server that only serves the record leaves its meaning to others, as it does
# with every other text.
# Seen, nsd 4.6.1-1 and ldnsutils 1.8.3-1+b1 of Debian 12: NSD says "invalid tag ISSUE: contains invalid char I" and
# refuses the whole zone. ldns, by the same authors, takes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get -q download ldnsutils=1.8.3-1+b1 libldns3=1.8.3-1+b1 nsd=4.6.1-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

for tag in issue ISSUE; do
  printf '%s\n' 'example.org. 300 IN SOA ns.example.org. h.example.org. 1 2 3 4 5' 'example.org. 300 IN NS ns.example.org.' \
    'ns.example.org. 300 IN A 192.0.2.1' "example.org. 300 IN CAA 0 $tag \"ca.example\"" >zone
  if usr/sbin/nsd-checkzone example.org zone >output 2>&1; then nsd=loads; else nsd=$(grep -o 'invalid tag.*' output); fi
  if usr/bin/ldns-read-zone zone >/dev/null 2>&1; then ldns=reads; else ldns=refuses; fi
  echo "$tag: NSD $nsd, ldns $ldns"
done | tee seen
[ "$(cat seen)" = "issue: NSD loads, ldns reads
ISSUE: NSD invalid tag ISSUE: contains invalid char I, ldns reads" ]
