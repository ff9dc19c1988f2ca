#!/usr/bin/env bash
# SoftHSM 2.6.1: one token holds Ed25519 keys in two forms, by how they came into it
#
# PKCS #11 3.0 names the curve by an object identifier or by a printable string, and says of CKA_EC_POINT of an Edwards
# key that it is the octets of RFC 8032; 2.40, for other curves, that it is a DER octet string around them.
# Guess: a token picks one form, so that a program has to know one form for each make of token.
# Seen, softhsm2 2.6.1-2.1 and opensc 0.23.0-0.3+deb12u2 of Debian 12: a key pair that is generated keeps what the
# caller gave, here "edwards25519" as a printable string, and its point is a DER octet string (04 20 ...); one that
# softhsm2-util imports has the object identifier 1.3.101.112, and a bare point of 32 octets.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download softhsm2=2.6.1-2.1 softhsm2-common=2.6.1-2.1 libsofthsm2=2.6.1-2.1 opensc=0.23.0-0.3+deb12u2 \
  opensc-pkcs11=0.23.0-0.3+deb12u2 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH SOFTHSM2_CONF=$folder/softhsm2.conf
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$folder" >softhsm2.conf
module=$(echo usr/lib/softhsm/libsofthsm2.so)

usr/bin/softhsm2-util --module "$module" --init-token --free --label test --pin 1234 --so-pin 5678 >/dev/null
openssl genpkey -algorithm ED25519 -out key.pem
usr/bin/softhsm2-util --module "$module" --import key.pem --token test --label imported --id 01 --pin 1234 >/dev/null
usr/bin/pkcs11-tool --module "$module" --login --pin 1234 --keypairgen --key-type EC:edwards25519 --label generated --id 02 \
  >/dev/null 2>&1
usr/bin/pkcs11-tool --module "$module" --login --pin 1234 --list-objects --type pubkey 2>/dev/null |
  sed -n 's/^  EC_POINT: *\([0-9a-f]*\)$/\1/p; s/^  EC_PARAMS: *\([0-9a-f]*\).*/\1/p; s/^  label: *//p' | paste - - - >objects
seen=$(while read -r point parameters label; do
  echo "$label: point of ${#point} digits, $(case $point in 0420*) echo "DER" ;; *) echo bare ;; esac), curve $parameters"
done <objects | sort)
echo "$seen"
[ "$seen" = "generated: point of 68 digits, DER, curve 130c656477617264733235353139
imported: point of 64 digits, bare, curve 06032b6570" ]
