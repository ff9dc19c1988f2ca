#!/usr/bin/env bash
# Knot DNS 3.2.6: knows TYPE1 as another way to write A, but not CLASS1 as another way to write IN
#
# RFC 3597 section 5 writes unknown types as TYPEnnn and unknown classes as CLASSnnn, and says of both that they may
# stand for well-known ones too. Exporters that write everything in this form make zones of it.
# Guess: a reader that has one of them has both; its example, "CLASS32 TYPE731 \# 6 ...", has them side by side.
# Seen, knot-dnssecutils 3.2.6-1 and nsd 4.6.1-1 of Debian 12: kzonecheck takes "IN TYPE1 \# 4 C0000201" and refuses
# "CLASS1 TYPE1 \# 4 C0000201"; NSD takes both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
apt-get -q download knot-dnssecutils=3.2.6-1 libknot13=3.2.6-1 libzscanner4=3.2.6-1 libdnssec9=3.2.6-1 liblmdb0=0.9.24-1 \
  libxdp1=1.3.1-1 liburcu8=0.13.2-1 nsd=4.6.1-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

for class in IN CLASS1; do
  printf '%s\n' 'example.org. 300 IN SOA ns.example.org. h.example.org. 1 2 3 4 5' 'example.org. 300 IN NS ns.example.org.' \
    'ns.example.org. 300 IN A 192.0.2.1' "t.example.org. 300 $class TYPE1 \\# 4 C0000201" >zone
  knot=refuses nsd=refuses
  usr/bin/kzonecheck -o example.org zone >/dev/null 2>&1 && knot=accepts
  usr/sbin/nsd-checkzone example.org zone >/dev/null 2>&1 && nsd=accepts
  echo "$class: Knot $knot, NSD $nsd"
done | tee seen
[ "$(cat seen)" = "IN: Knot accepts, NSD accepts
CLASS1: Knot refuses, NSD accepts" ]
