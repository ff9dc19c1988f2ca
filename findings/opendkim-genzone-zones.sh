#!/usr/bin/env bash
# opendkim-genzone 2.11 beta: what it writes for nsupdate cannot be sent for two domains, and never takes a key out
#
# -u writes the keys of a KeyTable as commands for nsupdate, in place of a zone file.
# Guess: a message for each zone, in which the records that stood at a selector are deleted before the new one is added.
# Seen, opendkim-tools 2.11.0~beta2-8+deb12u1, bind9-dnsutils 1:9.18.49-1~deb12u3 and knot 3.2.6-1 of Debian 12: one
# "send" behind all zones, and nsupdate sends all names to the last of them: NOTZONE, and nothing has changed. For one
# domain it works once; after the key file has been replaced, both keys stand at the selector.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download opendkim-tools=2.11.0~beta2-8+deb12u1 libopendkim11=2.11.0~beta2-8+deb12u1 libjson-c5=0.16-2 \
    librbl1=2.11.0~beta2-8+deb12u1 libvbr2=2.11.0~beta2-8+deb12u1 libmemcached11=1.1.4-1 libopendbx1=1.4.6-16+b1 \
    libldap-2.5-0=2.5.13+dfsg-5 liblua5.3-0=5.3.6-2 libunbound8=1.17.1-2+deb12u4 bind9-dnsutils=1:9.18.49-1~deb12u3 \
    bind9-libs=1:9.18.49-1~deb12u3 knot=3.2.6-1 libknot13=3.2.6-1 libdnssec9=3.2.6-1 libzscanner4=3.2.6-1 \
    libfstrm0=0.6.1-1 libprotobuf-c1=1.4.1-1+b1 libmaxminddb0=1.7.1-1 liburcu8=0.13.2-1 liblmdb0=0.9.24-1 \
    libevent-2.1-7=2.1.12-stable-8+deb12u1 libjemalloc2=5.3.0-1 libhashkit2=1.1.4-1 libuv1=1.44.2-1+deb12u1 \
    libsasl2-2=2.1.28+dfsg-10+deb12u1 libxdp1=1.3.1-1 libbpf1=1:1.1.2-0+deb12u1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --uts --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=usr/lib:$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
ip link set lo up
hostname ns.example
echo '127.0.0.1 ns.example localhost' >hosts
mount --bind hosts /etc/hosts
cat >knot.conf <<END
server:
    listen: 127.0.0.1@53
    rundir: $folder
    user: root:root
database:
    storage: $folder
acl:
  - id: here
    address: 127.0.0.1
    action: update
template:
  - id: default
    storage: $folder
    acl: here
zone:
END
for domain in org net; do
  printf '  - domain: example.%s\n    file: %s\n' $domain $domain >>knot.conf
  printf '%s\n' "example.$domain. 300 IN SOA ns.example. h.example. 1 2 3 4 5" \
    "example.$domain. 300 IN NS ns.example." >$domain
  echo "key-$domain example.$domain:sel:$folder/key.pem" >>table
done
grep org table >org-table
new_key() { openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key.pem 2>/dev/null; }
keys() { usr/bin/dig @127.0.0.1 "sel._domainkey.example.$1" TXT +short | grep -c DKIM1 || true; }
new_key
usr/sbin/knotd -c knot.conf >knot.log 2>&1 &
for try in {1..50}; do
  [ -n "$(usr/bin/dig @127.0.0.1 example.org SOA +short +tries=1 +time=1)" ] && break
  sleep 0.2
done
send() {
  usr/sbin/opendkim-genzone -u -F "file:$folder/$1" >commands
  echo "commands: $(cut -d ' ' -f 1,2 commands | paste -sd ,)"
  status=0
  said=$(usr/bin/nsupdate <commands 2>&1) || status=$?
  code=$(grep -o 'status: [A-Z]*' <<<"$said" | tail -n 1)
  echo "nsupdate: status $status, ${code#*: }; keys: $(keys org) of org, $(keys net) of net"
}
seen=$(
  send table
  send org-table
  new_key
  send org-table
)
echo "$seen"
[ "$seen" = 'commands: server ns.example,zone example.org,update add,zone example.net,update add,send,answer
nsupdate: status 2, NOTZONE; keys: 0 of org, 0 of net
commands: server ns.example,zone example.org,update add,send,answer
nsupdate: status 0, NOERROR; keys: 1 of org, 0 of net
commands: server ns.example,zone example.org,update add,send,answer
nsupdate: status 0, NOERROR; keys: 2 of org, 0 of net' ]
