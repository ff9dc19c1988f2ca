#!/usr/bin/env bash
# Unbound 1.17 of Debian 12: before a server that takes a second, the first client gets no answer, however long it waits
#
# Name servers at the other end of the world, or busy ones, take a second now and then.
# Guess: the answer comes after one second, or two where Unbound has asked again in between.
# Seen, unbound 1.17.1-2+deb12u4 of Debian 12 before a server that is always one second late: a client that asks once
# and waits for 6 seconds hears nothing, not even SERVFAIL; a TCP connection is closed. The answer is there for who asks
# a second time: it had come later than discard-timeout, 1.9 seconds by default. With 0 the first client gets it.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download unbound=1.17.1-2+deb12u4 libpython3.11=3.11.2-6+deb12u9 libevent-2.1-7=2.1.12-stable-8+deb12u1 \
    libnghttp2-14=1.52.0-1+deb12u3 libprotobuf-c1=1.4.1-1+b1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 55 unshare --map-root-user --mount --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
ip link set lo up
cat >late.py <<'END'
import socket, threading
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.9", 53))
def answer(query, client):
    question = query[12:query.index(0, 12) + 5]
    server.sendto(query[:2] + bytes.fromhex("84000001000100000000") + question +
                  bytes.fromhex("c00c001000010000012c0004") + b"\3yes", client)
while True:
    threading.Timer(1, answer, server.recvfrom(4096)).start()
END
cat >ask.py <<'END'
import socket, sys
port, way, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
query = b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes([len(name)]) + name.encode() + b"\7example\0\0\x10\0\1"
with socket.socket(socket.AF_INET, socket.SOCK_STREAM if way == "TCP" else socket.SOCK_DGRAM) as client:
    client.settimeout(6)
    try:
        client.connect(("127.0.0.1", port))
        if way == "TCP":
            client.send(len(query).to_bytes(2, "big") + query)
            data = client.makefile("rb").read(2 + len(query) + 16)
        else:
            client.send(query)
            data = client.recv(512)
        print("the answer" if data.endswith(b"yes") else "closed without a word")
    except TimeoutError:
        print("nothing")
END
/usr/bin/python3 late.py &
start() {
  cat >"$1.conf" <<END
server:
  interface: 127.0.0.1@$1
  username: ""
  chroot: ""
  pidfile: ""
  directory: ""
  use-syslog: no
  do-not-query-localhost: no
  module-config: "iterator"
  $2
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.9
END
  usr/sbin/unbound -d -c "$1.conf" >"$1.log" 2>&1 &
  for try in {1..50}; do grep -q 'start of service' "$1.log" && break; sleep 0.2; done
}
start 1001 ''
start 1002 ''
start 1003 'discard-timeout: 0'
seen="UDP, first: $(/usr/bin/python3 ask.py 1001 UDP name)
UDP, again: $(/usr/bin/python3 ask.py 1001 UDP name)
TCP, first: $(/usr/bin/python3 ask.py 1002 TCP name)
UDP, first, discard-timeout 0: $(/usr/bin/python3 ask.py 1003 UDP name)"
echo "$seen"
[ "$seen" = 'UDP, first: nothing
UDP, again: the answer
TCP, first: closed without a word
UDP, first, discard-timeout 0: the answer' ]
