#!/usr/bin/env bash
# jq 1.6: limit(0; ...) gives one output
#
# The manual: "The limit function extracts up to n outputs from exp."
# Guess: with 0 there is none, and the expression is not evaluated.
# Seen, jq 1.6-2.1+deb12u3 of Debian 12: the first output comes all the same, and with a negative number all of them.
# A page size that a caller computes to 0 shows one entry.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download jq=1.6-2.1+deb12u3 libjq1=1.6-2.1+deb12u3 libonig5=6.9.8-1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

seen=$(for number in 2 1 0 -1; do usr/bin/jq -cn "[limit($number; \"a\", \"b\", \"c\")]"; done)
echo "$seen"
[ "$seen" = '["a","b"]
["a"]
["a"]
["a","b","c"]' ]
