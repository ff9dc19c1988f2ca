#!/usr/bin/env bash
# SoftHSM 2.6.1: which of two keys with one label comes first is settled by chance, for each token anew
#
# When a DKIM key in a token is rotated, the new one may carry the label of the old one until that is deleted, and a
# program that asks for a label takes the first object that it is given.
# Guess: objects come in the order in which they were made, for every token.
# Seen, softhsm2 2.6.1-2.1 and opensc 0.23.0-0.3+deb12u2 of Debian 12: of 16 tokens that were filled alike some have the
# old key first, some the new one. Each token keeps its order, so that what works on one machine tells nothing of the
# next.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download softhsm2=2.6.1-2.1 softhsm2-common=2.6.1-2.1 libsofthsm2=2.6.1-2.1 opensc=0.23.0-0.3+deb12u2 \
  opensc-pkcs11=0.23.0-0.3+deb12u2 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH SOFTHSM2_CONF=$folder/softhsm2.conf
module=usr/lib/softhsm/libsofthsm2.so
for key in old new; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $key.pem; done

list() {
  usr/bin/pkcs11-tool --module $module --login --pin 1234 --list-objects --type privkey 2>/dev/null |
    sed -n 's/^  ID: *01$/old/p; s/^  ID: *02$/new/p' | paste -sd ' '
}
for number in {1..16}; do
  rm -rf tokens
  mkdir tokens
  printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$folder" >softhsm2.conf
  usr/bin/softhsm2-util --module $module --init-token --free --label test --pin 1234 --so-pin 5678 >/dev/null
  for key in 'old 01' 'new 02'; do
    usr/bin/softhsm2-util --module $module --import "${key% *}.pem" \
      --token test --label selector --id "${key#* }" --pin 1234 >/dev/null
  done
  first=$(list)
  [ "$first" = "$(list)" ] && echo "$first" || echo "another order at the second look"
done >orders
sort orders | uniq -c
[ "$(sort -u orders)" = "new old
old new" ]
