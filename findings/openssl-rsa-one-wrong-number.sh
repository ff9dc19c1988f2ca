#!/usr/bin/env bash
# OpenSSL 3.0: an RSA private key with one wrong number signs well
#
# A test needs a damaged private key, or a program wants to know whether a key file was damaged: an octet in the middle of
# privateExponent or of prime1 (RFC 8017 appendix A.1.2) is changed, and something is signed.
# Guess: the key is not read, or its signature does not verify; of the prime for certain, by which all is computed.
# Seen, openssl 3.0.22-1~deb12u2 of Debian 12: either key is read, written anew as PKCS#8, and makes signatures that verify:
# the numbers say everything twice, and one way of computing stands in for the other. Only -check tells. A change of the
# modulus, which has no second, makes signatures that do not verify.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
chmod 755 .
version=3.0.22-1~deb12u2
apt-get -q download openssl=$version libssl3=$version >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo "$PWD"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
openssl() { "$folder/usr/bin/openssl" "$@"; }

openssl genrsa -traditional 2048 2>>log | openssl rsa -traditional -outform DER -out good.der 2>>log
openssl rsa -in good.der -inform DER -pubout -out public.pem 2>>log
# The numbers of an RSAPrivateKey, counted from 0: 1 is the modulus, 3 privateExponent, 4 prime1.
damage() {
  python3 - "$1" <<'P'
import sys
key = bytearray(open("good.der", "rb").read())
at = 4  # behind the SEQUENCE's head of four octets
for _ in range(int(sys.argv[1])):
    size, head = key[at + 1], 2
    if size & 0x80:
        head += size & 0x7F
        size = int.from_bytes(key[at + 2:at + head], "big")
    at += head + size
key[at + 60] ^= 0x10
open("damaged.der", "wb").write(key)
P
}
try() {
  openssl pkcs8 -topk8 -nocrypt -in "$1" -inform DER -out key.pem
  echo text | openssl dgst -sha256 -sign key.pem -out signature && echo "signed" || echo "not signed"
  echo text | openssl dgst -sha256 -verify public.pem -signature signature || true
  openssl rsa -in key.pem -check -noout 2>&1 | grep -o "RSA key ok\|d e not congruent to 1\|n does not equal p q" |
    LC_ALL=C sort -u
}
{
  echo "as it was made:"; try good.der
  damage 3; echo "privateExponent damaged:"; try damaged.der
  damage 4; echo "prime1 damaged:"; try damaged.der
  damage 1; echo "modulus damaged:"; try damaged.der
} 2>>log | tee seen
diff seen - <<'S'
as it was made:
signed
Verified OK
RSA key ok
privateExponent damaged:
signed
Verified OK
d e not congruent to 1
prime1 damaged:
signed
Verified OK
d e not congruent to 1
n does not equal p q
modulus damaged:
signed
Verification failure
n does not equal p q
S
