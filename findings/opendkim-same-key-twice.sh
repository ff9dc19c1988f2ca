#!/usr/bin/env bash
# opendkim with MultipleSignatures: of the SigningTable's lines for keys a, b, a it signs by a twice, and by b never
#
# opendkim.conf(5), MultipleSignatures: "all possible matches [of the SigningTable] are applied". With refile: tables a
# sender may match many lines, and one key may stand in several of them.
# Guess: each key signs once, or as often as it stands there: a, b, a.
# Seen, opendkim 2.11.0~beta2-8+deb12u1 of Debian 12:
# lines a, b:    one signature by each.
# lines a, b, a: two signatures, both by a.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "${filter-}" 2>/dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
version=2.11.0~beta2-8+deb12u1
apt-get -q download opendkim=$version opendkim-tools=$version miltertest=$version libopendkim11=$version \
  librbl1=$version libvbr2=$version \
  libmemcached11=1.1.4-1 libopendbx1=1.4.6-16+b1 libldap-2.5-0=2.5.13+dfsg-5 liblua5.3-0=5.3.6-2 \
  libsasl2-2=2.1.28+dfsg-10+deb12u1 libunbound8=1.17.1-2+deb12u4 \
  libhashkit2=1.1.4-1 libmilter1.0.1=8.17.1.9-2+deb12u2 libevent-2.1-7=2.1.12-stable-8+deb12u1 \
  libnghttp2-14=1.52.0-1+deb12u3 libprotobuf-c1=1.4.1-1+b1 >log 2>&1 || { cat log; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
LD_LIBRARY_PATH=usr/lib:$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH

for key in a b; do
  openssl genpkey -algorithm RSA -out $key.pem 2>/dev/null
  echo "$key example.org:$key:$folder/$key.pem" >>keys
done
chmod 600 ./*.pem
cat >send.lua <<'END'
local c = mt.connect("unix:" .. os.getenv("SOCKET"), 40, 0.25)
mt.conninfo(c, "localhost", "127.0.0.1")
mt.macro(c, SMFIC_MAIL, "i", "1")
mt.mailfrom(c, "<a@example.org>")
mt.rcptto(c, "<b@example.net>")
mt.header(c, "From", "a@example.org")
mt.header(c, "Subject", "s")
mt.eoh(c)
mt.bodystring(c, "body\r\n")
mt.eom(c)
local n = 0
while true do
  local value = mt.getheader(c, "DKIM-Signature", n)
  if value == nil then break end
  print("  " .. string.match(value, "s=%w+"))
  n = n + 1
end
mt.disconnect(c)
END
sign() {
  rm -f senders
  for key in "$@"; do echo "*@example.org $key" >>senders; done
  export SOCKET=$folder/socket.$#
  printf '%s\n' "Mode s" "Socket local:$SOCKET" "KeyTable file:$folder/keys" "SigningTable refile:$folder/senders" \
    "MultipleSignatures yes" "RequireSafeKeys no" "Background no" >config
  usr/sbin/opendkim -f -x config &
  filter=$!
  echo "lines $*:"
  usr/bin/miltertest -s send.lua
  kill $filter
  wait $filter || :
}
seen=$(
  sign a b
  sign a b a
)
echo "$seen"
[ "$seen" = 'lines a b:
  s=b
  s=a
lines a b a:
  s=a
  s=a' ]
