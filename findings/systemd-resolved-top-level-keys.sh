#!/usr/bin/env bash
# systemd-resolved 252: refuses the DS and DNSKEY of top-level domains, whoever asks
#
# A question with the bits DO and CD goes to the server behind it as it is, so that clients can validate themselves.
# Names of a single label are not asked for there, since "host" may be of the local network
# (ResolveUnicastSingleLabel=no); resolved.conf(5) speaks of A and AAAA lookups.
# Guess: behind it a validator works; the rule for single labels is about addresses.
# Seen, systemd-resolved 252.39-1~deb12u2 of Debian 12 before NSD 4.6.1-1: the DNSKEY of the root comes, and the DS of
# example.com; the DS and DNSKEY of com, which lead from one to the other, are REFUSED. A validator has a root, and
# nothing that hangs on it.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download systemd-resolved=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 nsd=4.6.1-1 ldnsutils=1.8.3-1+b1 \
    libldns3=1.8.3-1+b1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu):$(echo usr/lib/*-linux-gnu/systemd)
export LD_LIBRARY_PATH
ip link set lo up
ip link add here type veth peer name there  # without a link it takes the network to be down
ip address add 198.18.0.1/24 dev here
ip link set here up
ip link set there up
mkdir run settings
mount --bind run /run
mkdir -p /run/systemd/resolve
printf 'root:x:0:0::/:/bin/sh\nsystemd-resolve:x:0:0::/:/bin/sh\n' >passwd
mount --bind passwd /etc/passwd
printf '[Resolve]\nDNS=198.18.0.1\n' >settings/resolved.conf
mount --bind settings /etc/systemd
cat >zone <<'END'
. 300 IN SOA . . 1 2 3 4 5
. 300 IN NS .
. 300 IN A 198.18.0.1
. 300 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
com. 300 IN DS 1 13 2 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
com. 300 IN DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
example.com. 300 IN DS 1 13 2 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
END
cat >nsd.conf <<END
server:
  ip-address: 198.18.0.1
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
says() { usr/bin/drill -D -o CD "@$1" "$2" "$3" | sed -n 's/.*rcode: \([A-Z]*\),.*/\1/p'; }
usr/sbin/nsd -d -c nsd.conf >nsd.log 2>&1 &
until [ "$(says 198.18.0.1 com DS)" = NOERROR ]; do sleep 0.2; done
lib/systemd/systemd-resolved >resolved.log 2>&1 &
until [ "$(says 127.0.0.53 example.com DS)" = NOERROR ]; do sleep 0.2; done

seen=$(for question in '. DNSKEY' 'com DS' 'com DNSKEY' 'example.com DS'; do
  # shellcheck disable=SC2086
  echo "$question: NSD $(says 198.18.0.1 $question), systemd-resolved $(says 127.0.0.53 $question)"
done)
echo "$seen"
[ "$seen" = ". DNSKEY: NSD NOERROR, systemd-resolved NOERROR
com DS: NSD NOERROR, systemd-resolved REFUSED
com DNSKEY: NSD NOERROR, systemd-resolved REFUSED
example.com DS: NSD NOERROR, systemd-resolved NOERROR" ]
