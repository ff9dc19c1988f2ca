#!/usr/bin/env bash
# Postfix 3.7: reads the word in milter_default_action when a filter has failed, and not before
#
# The parameter says what happens to mail while a filter cannot be had: accept, reject, tempfail or quarantine. A word
# may be mistyped, or of another version.
# Guess: postconf refuses a word that Postfix does not know, or smtpd ends at its start.
# Seen, postfix 3.7.11-0+deb12u1 of Debian 12: postconf writes it and shows it without a warning, and as long as the
# filter answers there is not a word in the log. When the filter is gone, smtpd warns, and turns clients away with "451
# 4.3.5 Server configuration problem"; tempfail says 4.7.1.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download postfix=3.7.11-0+deb12u1 libicu72=72.1-3+deb12u1 libsasl2-2=2.1.28+dfsg-10+deb12u1 >log 2>&1 ||
    { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --uts --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=$folder/usr/lib/postfix:$(echo "$folder"/usr/lib/*-linux-gnu)
MAIL_CONFIG=$folder/settings
export LD_LIBRARY_PATH MAIL_CONFIG
ip link set lo up
hostname mx.example
printf 'root:x:0:0::/:/bin/sh\npostfix:x:1000:1000::/:/bin/false\n' >passwd
printf 'root:x:0:\npostfix:x:1000:\npostdrop:x:1001:\n' >group
mount --bind passwd /etc/passwd
mount --bind group /etc/group
mkdir -p settings data queue/{pid,private,public}
touch settings/master.cf
cat >settings/main.cf <<END
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
command_directory = $folder/usr/sbin
daemon_directory = $folder/usr/lib/postfix/sbin
meta_directory = $folder/settings
shlib_directory = $folder/usr/lib/postfix
maillog_file = /dev/stdout
myhostname = mx.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
local_recipient_maps =
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_milters = unix:$folder/filter
END
cat >ask.py <<'END'
import os, socket, struct, subprocess, sys, threading
def accept_all():
    stream = server.accept()[0].makefile("rwb")
    while size := stream.read(4):
        packet = stream.read(struct.unpack("!I", size)[0])
        if packet[:1] in b"DAQ":
            continue
        answer = b"O" + struct.pack("!3I", 2, 0, 0) if packet[:1] == b"O" else b"c"
        stream.write(struct.pack("!I", len(answer)) + answer)
        stream.flush()
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("queue/public/postlog")
log.setblocking(False)
server = socket.socket(socket.AF_UNIX)
if sys.argv[2] == "there":
    server.bind("filter")
    server.listen()
    threading.Thread(target=accept_all, daemon=True).start()
smtpd = subprocess.Popen(["usr/lib/postfix/sbin/smtpd", "-S"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
smtpd.stdout.readline()
smtpd.stdin.write(b"EHLO client.example\r\n")
smtpd.stdin.flush()
smtpd.stdout.readline()
smtpd.stdin.write(b"QUIT\r\n")
smtpd.stdin.close()
smtpd.wait()
print(f"{sys.argv[1]}, filter {sys.argv[2]}")
try:
    while True:
        line = log.recv(4096).decode()
        if "default action" in line or "milter-reject: CONNECT" in line:
            print("  log:", line.partition(": ")[2].partition("; proto")[0].strip("\n\0").replace(os.getcwd(), "")
                  .replace(" from localhost[127.0.0.1]", ""))
except BlockingIOError:
    os.unlink("queue/public/postlog")
    if sys.argv[2] == "there":
        os.unlink("filter")
END
seen=$(
  for word in tempfail shutdown; do
    usr/sbin/postconf -e milter_default_action=$word 2>&1
    usr/sbin/postconf -n milter_default_action 2>&1
    for filter in there gone; do
      unshare --user --map-user=1000 --map-group=1000 /usr/bin/python3 ask.py $word $filter
    done
  done
)
echo "$seen"
[ "$seen" = "milter_default_action = tempfail
tempfail, filter there
tempfail, filter gone
  log: NOQUEUE: milter-reject: CONNECT: 451 4.7.1 Service unavailable - try again later
milter_default_action = shutdown
shutdown, filter there
shutdown, filter gone
  log: warning: milter unix:/filter: unrecognized default action: shutdown
  log: NOQUEUE: milter-reject: CONNECT: 451 4.3.5 Server configuration problem - try again later" ]
