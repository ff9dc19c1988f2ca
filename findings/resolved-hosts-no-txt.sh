#!/usr/bin/env bash
# systemd-resolved 257: a name of /etc/hosts has no MX and no TXT records, nor has the machine's own name
#
# Debian's installer writes the machine's full name into /etc/hosts, and others may stand there too. SPF of a
# HELO name, and the MX of a domain that is a host too, are records of other types than A and AAAA.
# Guess: the file answers for addresses; other types are asked for in the DNS.
# Seen, systemd-resolved 257.13-1~deb13u1 of Debian 13 before NSD 4.6.1-1: NOERROR and no record, as if the DNS had said
# so. Without a line in the file it is the same for the machine's own name, if that is a full one. Names below it are
# asked for, so TLSA records are there for a host whose MX and SPF are not.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  mkdir -p 13 apt/lists/partial apt/cache/archives/partial apt/parts
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive trixie main" >apt/sources
  printf 'Dir::Etc::sourcelist "%s/apt/sources"; Dir::Etc::sourceparts "%s/apt/parts"; Dir::State::lists "%s/apt/lists";
    Dir::State::status "/dev/null"; Dir::Cache "%s/apt/cache";' "$folder" "$folder" "$folder" "$folder" >apt/conf
  {
    APT_CONFIG=$folder/apt/conf apt-get -q update
    (cd 13 && APT_CONFIG=$folder/apt/conf apt-get -q download systemd-resolved=257.13-1~deb13u1 libacl1=2.3.2-2+b1 \
      libsystemd-shared=257.13-1~deb13u1 libaudit1=1:4.0.2-2+deb13u1 libblkid1=2.41.5-0+deb13u1 libc6=2.41-12+deb13u5 \
      libcap-ng0=0.8.5-4+b1 libcap2=1:2.75-10+deb13u1+b3 libcrypt1=1:4.4.38-1 libmount1=2.41.5-0+deb13u1 zlib1g \
      libpam0g=1.7.0-5 libpcre2-8-0=10.46-1~deb13u3 libseccomp2=2.6.0-2 libselinux1=3.8.1-1 libssl3t64=3.5.9-1~deb13u1 \
      libzstd1=1.5.7+dfsg-1)
    apt-get -q download nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 libldns3=1.8.3-1+b1
  } >log 2>&1 || { cat log; exit 1; }
  for package in 13/*.deb; do dpkg -x "$package" 13; done
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 55 unshare --map-root-user --mount --uts --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
ip link set lo up
ip link add here type veth peer name there  # without a link it takes the network to be down
ip address add 198.18.0.1/24 dev here
ip link set here up
ip link set there up
mkdir run settings
mount --bind run /run
mkdir -p /run/systemd/resolve
printf 'root:x:0:0::/:/bin/sh\nsystemd-resolve:x:0:0::/:/bin/sh\n' >passwd
mount --bind passwd /etc/passwd
touch hosts
mount --bind hosts /etc/hosts
printf '[Resolve]\nDNS=198.18.0.1\n' >settings/resolved.conf
mount --bind settings /etc/systemd
cat >zone <<END
example.org. 300 IN SOA ns.example.org. h.example.org. 1 2 3 4 5
example.org. 300 IN NS ns.example.org.
mx.example.org. 300 IN A 192.0.2.1
mx.example.org. 300 IN MX 10 mx.example.org.
mx.example.org. 300 IN TXT "v=spf1 a -all"
_25._tcp.mx.example.org. 300 IN TLSA 3 1 1 $(printf '%064d' 1)
END
cat >nsd.conf <<END
server:
  ip-address: 198.18.0.1
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
  LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu) timeout "${wait-5}" usr/bin/drill "@127.0.0.53" "$1" "$2" |
    sed -n 's/.*rcode: \([A-Z]*\),.*/\1/p; /ANSWER SECTION/,/^$/s/.*\tIN\t//p' | paste -sd ' ' | tr '\t' ' '
}
libraries=$(echo 13/usr/lib/*-linux-gnu)
look() {
  hostname "$1"
  echo "$2" >hosts
  "$libraries"/ld-linux-*.so.* --library-path "$libraries:$libraries/systemd" 13/usr/lib/systemd/systemd-resolved >log 2>&1 &
  for try in {1..30}; do [ "$(wait=0.5 ask example.org NS)" = 'NOERROR NS ns.example.org.' ] && break; sleep 0.2; done
  echo "host name $1, hosts file: ${2:-empty}"
  for question in 'mx.example.org A' 'mx.example.org MX' 'mx.example.org TXT' '_25._tcp.mx.example.org TLSA'; do
    echo "  $question: $(ask $question | sed 's/0000*/0.../')"
  done
  kill $!
  wait $! || true
}
seen=$(
  look other ''
  look other '192.0.2.9 mx.example.org mx'
  look mx.example.org ''
  look mx ''
)
echo "$seen"
[ "$seen" = 'host name other, hosts file: empty
  mx.example.org A: NOERROR A 192.0.2.1
  mx.example.org MX: NOERROR MX 10 mx.example.org.
  mx.example.org TXT: NOERROR TXT "v=spf1 a -all"
  _25._tcp.mx.example.org TLSA: NOERROR TLSA 3 1 1 0...1
host name other, hosts file: 192.0.2.9 mx.example.org mx
  mx.example.org A: NOERROR A 192.0.2.9
  mx.example.org MX: NOERROR
  mx.example.org TXT: NOERROR
  _25._tcp.mx.example.org TLSA: NOERROR TLSA 3 1 1 0...1
host name mx.example.org, hosts file: empty
  mx.example.org A: NOERROR A 198.18.0.1
  mx.example.org MX: NOERROR
  mx.example.org TXT: NOERROR
  _25._tcp.mx.example.org TLSA: NOERROR TLSA 3 1 1 0...1
host name mx, hosts file: empty
  mx.example.org A: NOERROR A 192.0.2.1
  mx.example.org MX: NOERROR MX 10 mx.example.org.
  mx.example.org TXT: NOERROR TXT "v=spf1 a -all"
  _25._tcp.mx.example.org TLSA: NOERROR TLSA 3 1 1 0...1' ]
