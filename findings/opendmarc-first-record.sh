#!/usr/bin/env bash
# OpenDMARC 1.4.2: of the TXT records at _dmarc it reads the first alone
#
# A wildcard, or a proof of ownership, may put another TXT record beside the DMARC record; the order of records in an
# answer has no meaning, and servers and resolvers change it from one answer to the next.
# Guess: what does not begin with v=DMARC1 is left out of account (RFC 7489 section 6.6.3 step 2); of two DMARC records
# none is applied (step 5).
# Seen, opendmarc and libopendmarc2 1.4.2-2+b1 of Debian 12 before NSD 4.6.1-1, which keeps the order of the zone: with
# the other record in front, the domain "lacked a DMARC record"; of two DMARC records the first is applied.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download opendmarc=1.4.2-2+b1 libopendmarc2=1.4.2-2+b1 libspf2-2=1.2.10-7.2+b1 libbsd0=0.11.7-2 \
    libmilter1.0.1=8.17.1.9-2+deb12u2 nsd=4.6.1-1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=usr/lib:$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
ip link set lo up
echo 'nameserver 127.0.0.1' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
cat >zone <<END
example. 300 IN SOA ns.example. h.example. 1 2 3 4 5
example. 300 IN NS ns.example.
_dmarc.alone.example. 300 IN TXT "v=DMARC1; p=reject"
_dmarc.front.example. 300 IN TXT "v=DMARC1; p=reject"
_dmarc.front.example. 300 IN TXT "proof=1234"
_dmarc.behind.example. 300 IN TXT "proof=1234"
_dmarc.behind.example. 300 IN TXT "v=DMARC1; p=reject"
_dmarc.two.example. 300 IN TXT "v=DMARC1; p=quarantine"
_dmarc.two.example. 300 IN TXT "v=DMARC1; p=reject"
END
cat >nsd.conf <<END
server:
  ip-address: 127.0.0.1
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: ""
  xfrdir: "$folder"
remote-control:
  control-enable: no
zone:
  name: "example."
  zonefile: "$folder/zone"
END
usr/sbin/nsd -d -c nsd.conf >nsd.log 2>&1 &
check() { timeout 8 usr/sbin/opendmarc-check "$1.example" 2>&1 | grep -o 'Domain policy: .*\|lacked a DMARC record'; }
for try in {1..20}; do check alone >/dev/null && grep -q started nsd.log && break; sleep 0.2; done
seen=$(for name in alone front behind two; do echo "$name: $(check $name)"; done)
echo "$seen"
[ "$seen" = 'alone: Domain policy: reject
front: Domain policy: reject
behind: lacked a DMARC record
two: Domain policy: quarantine' ]
