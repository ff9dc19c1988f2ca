#!/usr/bin/env bash
# munpack 1.6: takes the exclamation marks out of the names of DMARC reports
#
# An aggregate report is attached as "receiver!domain!begin!end.xml.gz" (RFC 7489 section 7.2.1.1), and what sorts or
# imports reports splits the name there. A script unpacks them with one of the two old tools for it.
# Guess: both keep the name; what they must replace are slashes and control characters.
# Seen, mpack 1.6-18+b1 and ripmime 1.4.0.10.debian.1-3+b1 of Debian 12: munpack writes X for each "!" and prints the
# new name as if it were the message's, so that receiver, domain and times are one word. Blanks and brackets become X
# too; "+", "=" and "%" do not. ripmime keeps the name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download mpack=1.6-18+b1 ripmime=1.4.0.10.debian.1-3+b1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done

seen=$(for name in 'mx.example.net!example.org!1700000000!1700086399.xml.gz' 'report (1).xml.gz' 'a+b=c%d.xml.gz'; do
  cat >message <<END
From: a@example.net
MIME-Version: 1.0
Content-Type: application/gzip; name="$name"
Content-Disposition: attachment; filename="$name"
Content-Transfer-Encoding: base64

$(echo '<feedback/>' | gzip -n | base64)
END
  mkdir munpack ripmime
  (cd munpack && ../usr/bin/munpack -q ../message >../log && sed 's/^/munpack prints: /' ../log)
  usr/bin/ripmime -i message -d ripmime
  for tool in munpack ripmime; do
    zcat "$tool"/*.gz >"$tool.xml"
    echo "$tool: $(ls $tool) $(cat "$tool.xml")"
  done
  rm -r munpack ripmime
done)
echo "$seen"
[ "$seen" = 'munpack prints: mx.example.netXexample.orgX1700000000X1700086399.xml.gz (application/gzip)
munpack: mx.example.netXexample.orgX1700000000X1700086399.xml.gz <feedback/>
ripmime: mx.example.net!example.org!1700000000!1700086399.xml.gz <feedback/>
munpack prints: reportXX1X.xml.gz (application/gzip)
munpack: reportXX1X.xml.gz <feedback/>
ripmime: report (1).xml.gz <feedback/>
munpack prints: a+b=c%d.xml.gz (application/gzip)
munpack: a+b=c%d.xml.gz <feedback/>
ripmime: a+b=c%d.xml.gz <feedback/>' ]
