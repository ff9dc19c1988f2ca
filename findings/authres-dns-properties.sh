#!/usr/bin/env bash
# python3-authres 1.2.0: leaves out the properties of RFC 8904 without a word
#
# RFC 8904 (2020) registered the property type "dns" for what a DNS list of good senders says: dns.zone names the list.
# Guess: a parser either has a fixed set of types, and refuses others, or takes any keyword, as RFC 8601 section 2.3
# lets a consumer do; version 1.2.0 of 2019 may not know the type.
# Seen, python3-authres 1.2.0-3 of Debian 12: the result is read, and all its properties but dns.zone; no error, no
# warning. Which list it was cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -q download python3-authres=1.2.0-3 >log 2>&1 || { cat log; exit 1; }
dpkg -x python3-authres*.deb .

seen=$(PYTHONPATH=usr/lib/python3/dist-packages /usr/bin/python3 - <<'END'
import authres
field = "mx.example.org; dnswl=pass dns.zone=list.example policy.ip=127.0.10.1 policy.txt=\"a note\""
for one in authres.AuthenticationResultsHeader.parse("Authentication-Results: " + field).results:
    print(one.method, one.result, [f"{p.type}.{p.name}={p.value}" for p in one.properties])
END
)
echo "$seen"
[ "$seen" = "dnswl pass ['policy.ip=127.0.10.1', 'policy.txt=a note']" ]
