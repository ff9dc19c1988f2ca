#!/usr/bin/env bash
# aardvark-dns 1.4: of the root and of top-level domains it says that they do not exist
#
# It is the DNS of podman's networks: it answers for containers by their names, and hands on everything else.
# Guess: a question that no container can answer is handed on, as the DNSKEY of the root and the DS of a domain.
# Seen, aardvark-dns 1.4.0-3 of Debian 12 before NSD 4.6.1-1: NXDOMAIN for every name of one label or none, without
# asking. Names of two labels are handed on, with their signatures: a validator behind it gets all of them but the chain
# that leads to them. Nor does anything listen on TCP for what is truncated.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download aardvark-dns=1.4.0-3 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 libldns3=1.8.3-1+b1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
ip link set lo up
mkdir aardvark dev
touch dev/null
mount --bind /dev/null dev/null
echo 'nameserver 127.0.0.2' >resolv.conf
mount --bind resolv.conf "$(realpath /etc/resolv.conf)"
mount --rbind dev /dev  # it needs a system log
/usr/bin/python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("/dev/log"); time.sleep(60)' &
cat >zone <<'END'
. 300 IN SOA . . 1 2 3 4 5
. 300 IN NS .
. 300 IN A 127.0.0.2
. 300 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
com. 300 IN DS 1 13 2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
example.com. 300 IN DS 1 13 2 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
END
cat >nsd.conf <<END
server:
  ip-address: 127.0.0.2
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: ""
  xfrdir: "$folder"
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "$folder/zone"
END
usr/sbin/nsd -d -c nsd.conf >nsd.log 2>&1 &
until usr/bin/drill @127.0.0.2 . SOA >/dev/null 2>&1; do sleep 0.1; done
printf '127.0.0.3\n0123456789abcdef 127.0.0.1  box\n' >aardvark/net
while [ ! -S /dev/log ]; do sleep 0.1; done
usr/lib/podman/aardvark-dns --config "$folder/aardvark" --port 53 run
ask() { usr/bin/drill "$@" | sed -n 's/.*rcode: \([A-Z]*\),.*/\1/p'; }
until [ -n "$(ask @127.0.0.3 example.com DS)" ]; do sleep 0.1; done

seen=$(for question in '. DNSKEY' 'com DS' 'example.com DS'; do
  # shellcheck disable=SC2086
  echo "$question: NSD $(ask @127.0.0.2 $question), aardvark-dns $(ask @127.0.0.3 $question)"
done
echo "by TCP: $(usr/bin/drill -t @127.0.0.3 example.com DS >/dev/null 2>&1 && echo answered || echo nothing)")
echo "$seen"
[ "$seen" = ". DNSKEY: NSD NOERROR, aardvark-dns NXDOMAIN
com DS: NSD NOERROR, aardvark-dns NXDOMAIN
example.com DS: NSD NOERROR, aardvark-dns NOERROR
by TCP: nothing" ]
