#!/usr/bin/env bash
# OpenSSL 3.0: pkeyutl signs a file with Ed25519, but not the same octets from standard input
#
# Guess: -in names a file, and without it standard input is read, as by every other subcommand; that Ed25519 needs the
# whole message at once is the program's to arrange.
# Seen, openssl 3.0.22-1~deb12u2 of Debian 12: "unable to determine file size for oneshot operation", status 1, also
# where standard input is a plain file. RSA signs all of them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download openssl=3.0.22-1~deb12u2 libssl3=3.0.22-1~deb12u2 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
openssl=usr/bin/openssl

$openssl genpkey -algorithm ED25519 -out ed25519.pem
$openssl genpkey -algorithm RSA -out rsa.pem 2>/dev/null
printf hello >message
for key in rsa ed25519; do
  for way in '-in message' '<message' 'cat message |'; do
    status=0
    case $way in
      -in*) $openssl pkeyutl -sign -rawin -inkey $key.pem -in message -out signature 2>error || status=$? ;;
      '<'*) $openssl pkeyutl -sign -rawin -inkey $key.pem -out signature <message 2>error || status=$? ;;
      *) cat message | $openssl pkeyutl -sign -rawin -inkey $key.pem -out signature 2>error || status=$? ;;
    esac
    echo "$key, $way: $status $(grep -o 'unable to.*' error || true)"
  done
done | tee seen
[ "$(cat seen)" = "rsa, -in message: 0 
rsa, <message: 0 
rsa, cat message |: 0 
ed25519, -in message: 0 
ed25519, <message: 1 unable to determine file size for oneshot operation
ed25519, cat message |: 1 unable to determine file size for oneshot operation" ]
