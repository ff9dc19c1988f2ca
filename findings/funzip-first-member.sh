#!/usr/bin/env bash
# funzip 6.00: of a gzip file with several members it gives the first, without a word
#
# funzip takes zip and gzip alike from a pipe, as attachments of DMARC reports come in both. A gzip file may consist of
# several members, one behind the other (RFC 1952 section 2.2), as programs make it that append or compress in parallel.
# Guess: all members, as gzip gives them; or a warning, which funzip has for a zip file of several entries.
# Seen, unzip 6.0-28+deb12u1 and gzip 1.12-1 of Debian 12: the first member, with status 0 and no warning.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download unzip=6.0-28+deb12u1 gzip=1.12-1 zip=3.0-13+deb12u1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

number=0
for part in '<feedback>' '</feedback>'; do
  echo "$part" >"part$((++number))"
  echo "$part" | bin/gzip -n >>report.gz
done
usr/bin/zip -q report.zip part1 part2
seen=$(for file in report.gz report.zip; do
  for command in usr/bin/funzip 'bin/gzip -dc'; do
    status=0
    $command <$file >out 2>errors || status=$?
    echo "$command <$file: $(paste -sd ' ' out), status $status," \
      "$(grep -o 'more than one entry' errors || echo 'no warning')"
  done
done)
echo "$seen"
[ "$seen" = 'usr/bin/funzip <report.gz: <feedback>, status 0, no warning
bin/gzip -dc <report.gz: <feedback> </feedback>, status 0, no warning
usr/bin/funzip <report.zip: <feedback>, status 0, more than one entry
bin/gzip -dc <report.zip: <feedback>, status 2, more than one entry' ]
