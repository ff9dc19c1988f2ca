#!/usr/bin/env bash
# systemd-resolved 257: what it knows not to exist it denies with the question of whoever asked first
#
# A response repeats the question (RFC 1035 section 4.1.1), and a client takes none whose name or type is another
# (RFC 5452 section 9.1). One NXDOMAIN holds for all types of a name (RFC 8020), so a cache may answer by it.
# Guess: the second client, who asks for another type, gets the cached NXDOMAIN for its own question.
# Seen, systemd-resolved 257.13-1~deb13u1 of Debian 13 before NSD 4.6.1-1: to a client that sets DO, after it has asked
# for TXT, the answer to A has TXT in its question section. 252.39-1~deb12u2 of Debian 12 has the right type.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  mkdir -p 12 13 apt/lists/partial apt/cache/archives/partial apt/parts
  archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | sort -u | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive trixie main" >apt/sources
  printf 'Dir::Etc::sourcelist "%s/apt/sources"; Dir::Etc::sourceparts "%s/apt/parts"; Dir::State::lists "%s/apt/lists";
    Dir::State::status "/dev/null"; Dir::Cache "%s/apt/cache";' "$folder" "$folder" "$folder" "$folder" >apt/conf
  {
    APT_CONFIG=$folder/apt/conf apt-get -q update
    (cd 13 && APT_CONFIG=$folder/apt/conf apt-get -q download systemd-resolved=257.13-1~deb13u1 libacl1=2.3.2-2+b1 \
      libsystemd-shared=257.13-1~deb13u1 libaudit1=1:4.0.2-2+deb13u1 libblkid1=2.41.5-0+deb13u1 libc6=2.41-12+deb13u5 \
      libcap-ng0=0.8.5-4+b1 libcap2=1:2.75-10+deb13u1+b3 libcrypt1=1:4.4.38-1 libmount1=2.41.5-0+deb13u1 zlib1g \
      libpam0g=1.7.0-5 libpcre2-8-0=10.46-1~deb13u3 libseccomp2=2.6.0-2 libselinux1=3.8.1-1 libssl3t64=3.5.9-1~deb13u1 \
      libzstd1=1.5.7+dfsg-1)
    (cd 12 && apt-get -q download systemd-resolved=252.39-1~deb12u2 libsystemd-shared=252.39-1~deb12u2 nsd=4.6.1-1)
  } >log 2>&1 || { cat log; exit 1; }
  for release in 12 13; do for package in $release/*.deb; do dpkg -x "$package" $release; done; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
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
printf '%s\n' 'example. 300 IN SOA ns.example. h.example. 1 2 3 4 5' 'example. 300 IN NS ns.example.' >zone
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
  name: "example."
  zonefile: "$folder/zone"
END
12/usr/sbin/nsd -d -c nsd.conf >nsd.log 2>&1 &
cat >ask.py <<'END'
import socket, struct, sys, time
TYPES = {1: "A", 16: "TXT"}
def ask(kind):
    query = struct.pack("!6H", kind, 0x0100, 1, 0, 0, 1) + b"\4gone\7example\0" + struct.pack("!HH", kind, 1)
    query += b"\0" + struct.pack("!HHIH", 41, 1232, 0x8000, 0)  # EDNS with DO
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect((sys.argv[1], 53))
        client.send(query)
        return client.recv(512)
while True:
    try:
        if ask(16)[3] & 15 == 3:
            break
    except OSError:
        pass
    time.sleep(0.2)
answer = ask(1)
print("asked for A, code", answer[3] & 15, "for", TYPES[struct.unpack("!H", answer[26:28])[0]])
END
/usr/bin/python3 ask.py 198.18.0.1 >direct
LD_LIBRARY_PATH=$(echo 12/usr/lib/*-linux-gnu/systemd) 12/lib/systemd/systemd-resolved >resolved.log 2>&1 &
old=$(/usr/bin/python3 ask.py 127.0.0.53)
kill $!
wait $! || true
libraries=$(echo 13/usr/lib/*-linux-gnu)
"$libraries"/ld-linux-*.so.* --library-path "$libraries:$libraries/systemd" 13/usr/lib/systemd/systemd-resolved >resolved.log 2>&1 &
seen="NSD: $(cat direct)
252: $old
257: $(/usr/bin/python3 ask.py 127.0.0.53)"
echo "$seen"
[ "$seen" = "NSD: asked for A, code 3 for A
252: asked for A, code 3 for A
257: asked for A, code 3 for TXT" ]
