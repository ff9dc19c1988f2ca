#!/usr/bin/env bash
# opendkim-genzone 2.11 beta: leaves Ed25519 keys out, and with them all that stand behind them
#
# Version 2.11 has Ed25519 (RFC 8463): "opendkim -V" names ed25519-sha256 among the algorithms that it signs with.
# opendkim-genzone, of the same source, makes a zone of the keys in the filter's KeyTable.
# Guess: it publishes what the filter signs with, "k=ed25519" and the 32 octets.
# Seen, opendkim and opendkim-tools 2.11.0~beta2-8+deb12u1 of Debian 12: "EVP_PKEY_get1_RSA() failed", and it ends at
# such a key: of three keys, the one in front is in the zone, the one behind is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
version=2.11.0~beta2-8+deb12u1
apt-get -q download opendkim=$version opendkim-tools=$version libopendkim11=$version librbl1=$version libvbr2=$version \
  libmemcached11=1.1.4-1 libopendbx1=1.4.6-16+b1 libldap-2.5-0=2.5.13+dfsg-5 liblua5.3-0=5.3.6-2 \
  libsasl2-2=2.1.28+dfsg-10+deb12u1 libunbound8=1.17.1-2+deb12u4 \
  libhashkit2=1.1.4-1 libmilter1.0.1=8.17.1.9-2+deb12u2 libevent-2.1-7=2.1.12-stable-8+deb12u1 \
  libnghttp2-14=1.52.0-1+deb12u3 libprotobuf-c1=1.4.1-1+b1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=usr/lib:$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

openssl genpkey -algorithm RSA -out rsa.pem 2>/dev/null
openssl genpkey -algorithm ED25519 -out ed25519.pem
for key in '1 rsa' '2 ed25519' '3 rsa'; do
  echo "key${key% *} example.org:selector${key% *}:$folder/${key#* }.pem" >>table
done
seen=$(
  echo "opendkim -V: $(usr/sbin/opendkim -V | grep -o 'rsa-sha256\|ed25519-sha256' | paste -sd ' ')"
  status=0
  usr/sbin/opendkim-genzone -F "file:$folder/table" >zone 2>errors || status=$?
  echo "opendkim-genzone: status $status, $(grep -o 'EVP.*' errors)"
  grep -o '^selector[0-9]' zone
)
echo "$seen"
[ "$seen" = 'opendkim -V: rsa-sha256 ed25519-sha256
opendkim-genzone: status 1, EVP_PKEY_get1_RSA() failed
selector1' ]
