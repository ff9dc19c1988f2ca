#!/usr/bin/env bash
# reformime 3.1: of a long file name it keeps the end, and the front of DMARC reports is lost
#
# "reformime -x" writes the parts of a message to files, under the names that they have there, behind a prefix. Those
# of aggregate reports begin with who reports on whom: "receiver!domain!begin!end.xml.gz" (RFC 7489 section 7.2.1.1).
# Guess: the whole name, perhaps with other characters; where a name is too long, its beginning.
# Seen, maildrop 3.1.8-2+b1 of Debian 13: the last 32 characters, each that is not a letter, a digit, a dot or a hyphen
# as "_". Who reports on whom is not in it any more; all that is left of a domain is "org". The same period of
# another receiver "exists", and becomes a file that begins with "1-".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p apt/lists/partial apt/cache/archives/partial apt/parts
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive trixie main" >apt/sources
printf 'Dir::Etc::sourcelist "%s/apt/sources"; Dir::Etc::sourceparts "%s/apt/parts"; Dir::State::lists "%s/apt/lists";
  Dir::State::status "/dev/null"; Dir::Cache "%s/apt/cache";' "$folder" "$folder" "$folder" "$folder" >apt/conf
{
  export APT_CONFIG=$folder/apt/conf
  apt-get -q update
  apt-get -q download maildrop=3.1.8-2+b1 libcourier-unicode8=2.3.2-1 libidn2-0=2.3.8-2 libunistring5=1.3-2 \
    libc6=2.41-12+deb13u5 libstdc++6=14.2.0-19 libgcc-s1=14.2.0-19
} >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
libraries=$(echo usr/lib/*-linux-gnu)

unpack() {
  cat >message <<END
From: a@example.net
MIME-Version: 1.0
Content-Type: application/gzip; name="$1"
Content-Disposition: attachment; filename="$1"
Content-Transfer-Encoding: base64

$(echo "<feedback>$1</feedback>" | gzip -n | base64 -w 70)
END
  status=0
  "$libraries"/ld-linux-*.so.* --library-path "$libraries" usr/bin/reformime -xout- <message || status=$?
  echo "$1: status $status"
}
seen=$(
  unpack '12345678901234567890123456789.gz'
  unpack '123456789012345678901234567890.gz'
  unpack 'mx.example.net!example.org!1700000000!1700086399.xml.gz'
  unpack 'mx.example.com!example.org!1700000000!1700086399.xml.gz'
  echo 'Files:'
  for file in out-*; do echo "$file: $(zcat "$file")"; done
)
echo "$seen"
[ "$seen" = '12345678901234567890123456789.gz: status 0
123456789012345678901234567890.gz: status 0
mx.example.net!example.org!1700000000!1700086399.xml.gz: status 0
out-org_1700000000_1700086399.xml.gz exists.
mx.example.com!example.org!1700000000!1700086399.xml.gz: status 0
Files:
out-1-org_1700000000_1700086399.xml.gz: <feedback>mx.example.com!example.org!1700000000!1700086399.xml.gz</feedback>
out-12345678901234567890123456789.gz: <feedback>12345678901234567890123456789.gz</feedback>
out-23456789012345678901234567890.gz: <feedback>123456789012345678901234567890.gz</feedback>
out-org_1700000000_1700086399.xml.gz: <feedback>mx.example.net!example.org!1700000000!1700086399.xml.gz</feedback>' ]
