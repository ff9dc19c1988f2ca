#!/usr/bin/env bash
# dnsmasq 2.90: --stop-dns-rebind hides addresses of documentation, and with them every other address of the name
#
# The option is to "reject (and log) addresses from upstream nameservers which are in the private ranges".
# Guess: those of RFC 1918 and the like; of several addresses the private ones are left out.
# Seen, dnsmasq-base 2.90-4~deb12u2 of Debian 12 before NSD 4.6.1-1: 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24
# are private too, 100.64.0.0/10 (shared by carriers) and 198.18.0.0/15 (benchmarks) are not. One such address empties
# the whole answer, with NOERROR: as if the name had no address. So a laboratory with example addresses works until it
# has this resolver.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download dnsmasq-base=2.90-4~deb12u2 libnftables1=1.0.6-2+deb12u2 libnftnl11=1.2.4-2 libnfnetlink0=1.0.2-2 \
    libnetfilter-conntrack3=1.0.9-3 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 libldns3=1.8.3-1+b1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
ip link set lo up
addresses='10.1.2.3 192.0.2.1 198.51.100.1 203.0.113.1 100.64.0.1 198.18.0.1 192.88.99.1'
{
  echo 'example. 300 IN SOA ns.example. h.example. 1 2 3 4 5'
  echo 'example. 300 IN NS ns.example.'
  for address in $addresses; do echo "$address.example. 300 IN A $address"; done
  printf 'both.example. 300 IN A %s\n' 192.0.2.1 192.88.99.1
} >zone
cat >nsd.conf <<END
server:
  ip-address: 127.0.0.2
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
says() { usr/bin/drill "@$1" "$2" A | sed -n 's/.*rcode: \([A-Z]*\),.*/\1/p; s/.*ANSWER: \([0-9]*\),.*/\1/p' | paste -sd ' '; }
usr/sbin/nsd -d -c nsd.conf >nsd.log 2>&1 &
until [ "$(says 127.0.0.2 both.example)" = 'NOERROR 2' ]; do sleep 0.2; done
usr/sbin/dnsmasq -d --conf-file=/dev/null --listen-address=127.0.0.1 --bind-interfaces --no-resolv --log-facility=- --pid-file= \
  --server=127.0.0.2 --stop-dns-rebind >dnsmasq.log 2>&1 &
until [ -n "$(says 127.0.0.1 192.88.99.1.example)" ]; do sleep 0.2; done

seen=$(for name in $addresses both; do echo "$name: $(says 127.0.0.1 "$name.example")"; done)
echo "$seen"
[ "$seen" = "10.1.2.3: NOERROR 0
192.0.2.1: NOERROR 0
198.51.100.1: NOERROR 0
203.0.113.1: NOERROR 0
100.64.0.1: NOERROR 1
198.18.0.1: NOERROR 1
192.88.99.1: NOERROR 1
both: NOERROR 0" ]
