#!/usr/bin/env bash
# PowerDNS Recursor 4.8: shuffles a DNAME in among the records that it led to
#
# Hosts of many domains keep the DKIM keys of all in one place, by a CNAME each or a DNAME for the whole subtree. A
# server builds such an answer link by link (RFC 6672 section 3.2): the DNAME, the CNAME made of it, the target.
# Guess: a resolver hands the chain on in this order, so that who walks it from the front finds each link in turn.
# Seen, pdns-recursor 4.8.8-1+deb12u1 of Debian 12 before NSD 4.6.1-1: the CNAME stands in front, and somewhere behind
# it, by chance, the DNAME: before the two TXT records, last of all, or between the two. A chain of CNAMEs keeps its
# order.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download pdns-recursor=4.8.8-1+deb12u1 libboost-context1.74.0=1.74.0+ds1-21 libfstrm0=0.6.1-1 \
    libluajit-5.1-2=2.1.0~beta3+git20220320+dfsg-4.1+deb12u1 libsnmp40=5.9.3+dfsg-2+deb12u1 \
    libcurl4=7.88.1-10+deb12u15 libsodium23=1.0.18-1+deb12u1 libpsl5=0.21.2-1 libldap-2.5-0=2.5.13+dfsg-5 \
    libsasl2-2=2.1.28+dfsg-10+deb12u1 librtmp1=2.4+20151223.gitfa8646d.1-2+b2 libssh2-1=1.10.0-3+deb12u1 \
    libbrotli1=1.0.9-2+deb12u1 libperl5.36=5.36.0-7+deb12u4 libwrap0=7.6.q-32 libnghttp2-14=1.52.0-1+deb12u3 \
    nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 libldns3=1.8.3-1+b1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
ip link set lo up
cat >zone <<END
example. 300 IN SOA ns.example. h.example. 1 2 3 4 5
example. 300 IN NS ns.example.
*.one.example. 300 IN CNAME two.example.
two.example. 300 IN CNAME three.example.
three.example. 300 IN TXT "first"
three.example. 300 IN TXT "second"
here.example. 300 IN DNAME there.example.
*.there.example. 300 IN TXT "first"
*.there.example. 300 IN TXT "second"
END
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
says() { usr/bin/drill "@$1" "$2" TXT | sed -n '/ANSWER SECTION/,/^$/s/.*\tIN\t\([A-Z]*\)\t.*/\1/p' | paste -sd ' '; }
usr/sbin/nsd -d -c nsd.conf >nsd.log 2>&1 &
usr/sbin/pdns_recursor --config-dir=. --socket-dir=. --local-address=127.0.0.1 --forward-zones=example=127.0.0.2 \
  --dnssec=off --dont-query= --hint-file=no --security-poll-suffix= --write-pid=no --threads=1 >recursor.log 2>&1 &
for server in 127.0.0.2 127.0.0.1; do until [ -n "$(says $server three.example)" ]; do sleep 0.2; done; done

seen=$(for server in 127.0.0.2 127.0.0.1; do
  for domain in one here; do
    echo "$server, below $domain.example:"
    for number in {1..60}; do says $server "name$number.$domain.example"; done | sort -u
  done
done)
echo "$seen"
[ "$seen" = "127.0.0.2, below one.example:
CNAME CNAME TXT TXT
127.0.0.2, below here.example:
DNAME CNAME TXT TXT
127.0.0.1, below one.example:
CNAME CNAME TXT TXT
127.0.0.1, below here.example:
CNAME DNAME TXT TXT
CNAME TXT DNAME TXT
CNAME TXT TXT DNAME" ]
