#!/usr/bin/env bash
# adns 1.6: asks for no name with an underscore, as those of DKIM, DMARC and DANE
#
# adns is a resolver library with commands for scripts; adnshost -t txt asks for TXT records. The names that mail
# keeps things at begin with an underscore (RFC 8552), or hold one.
# Guess: the syntax of host names is a matter of addresses; any name can be asked for TXT.
# Seen, adns-tools and libadns1 1.6.0-2 of Debian 12 before NSD 4.6.1-1: "Domain name is syntactically invalid", status
# 5, for _dmarc.example.org; nothing is sent. It takes the option for names that must be quoted (-Qq), though none must.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download adns-tools=1.6.0-2 libadns1=1.6.0-2 nsd=4.6.1-1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
export LD_LIBRARY_PATH=usr/lib
ip link set lo up
cat >zone <<END
example.org. 300 IN SOA ns.example.org. h.example.org. 1 2 3 4 5
example.org. 300 IN NS ns.example.org.
mx-1.example.org. 300 IN TXT "v=spf1 a -all"
_dmarc.example.org. 300 IN TXT "v=DMARC1; p=none"
sel._domainkey.example.org. 300 IN TXT "v=DKIM1; p="
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
  name: "example.org."
  zonefile: "$folder/zone"
END
usr/sbin/nsd -d -c nsd.conf >nsd.log 2>&1 &
ask() {
  status=0
  said=$(usr/bin/adnshost --config 'nameserver 127.0.0.1' -t txt "$@" 2>&1) || status=$?
  echo "$*: status $status, $said"
}
for try in {1..50}; do ask mx-1.example.org | grep -q 'status 0' && break; sleep 0.2; done
seen=$(
  ask mx-1.example.org
  ask _dmarc.example.org
  ask sel._domainkey.example.org
  ask -Qq _dmarc.example.org
)
echo "$seen"
[ "$seen" = 'mx-1.example.org: status 0, mx-1.example.org TXT "v=spf1 a -all"
_dmarc.example.org: status 5, Error during DNS TXT lookup for _dmarc.example.org: Domain name is syntactically invalid
sel._domainkey.example.org: status 5, Error during DNS TXT lookup for sel._domainkey.example.org: Domain name is syntactically invalid
-Qq _dmarc.example.org: status 0, _dmarc.example.org TXT "v=DMARC1; p=none"' ]
