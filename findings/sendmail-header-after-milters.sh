#!/usr/bin/env bash
# Sendmail 8.17: a milter does not see the Date and Message-ID that it adds, and sees To as it will not be sent
#
# A filter that signs, or keeps a copy, works on what it was given; libmilter's xxfi_header is called once for each
# field of the message.
# Guess: what Sendmail adds to a message, and how it writes a field, is settled when the filters come.
# Seen, sendmail-bin 8.17.1.9-2+deb12u2 of Debian 12, a filter that changes nothing: Date and Message-Id come only at
# delivery, in front. There Bcc is taken out too, and To folded into several lines; X-To, of the same length, is not.
set -euo pipefail
if [ -z "${folder-}" ]; then
  folder=$(mktemp -d)
  export folder
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
  apt-get -q download sendmail-bin=8.17.1.9-2+deb12u2 sendmail-cf=8.17.1.9-2+deb12u2 m4=1.4.19-3 libwrap0=7.6.q-32 \
    libldap-2.5-0=2.5.13+dfsg-5 libsasl2-2=2.1.28+dfsg-10+deb12u1 >log 2>&1 || { cat log; exit 1; }
  for package in *.deb; do dpkg -x "$package" .; done
  cd "$OLDPWD"
  timeout -k 1 50 unshare --map-root-user --mount --uts --net --pid --fork --kill-child "$(realpath "$0")"
  exit
fi

cd "$folder"
LD_LIBRARY_PATH=$(echo usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
ip link set lo up
hostname mx.example
echo '127.0.0.1 mx.example localhost' >hosts
mount --bind hosts /etc/hosts
printf 'hosts files\naliases files\n' >switch
mkdir -m 700 queue
cat >sendmail.mc <<END
include(\`$folder/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`linux')dnl
define(\`QUEUE_DIR', \`$folder/queue')dnl
define(\`confSERVICE_SWITCH_FILE', \`$folder/switch')dnl
define(\`confPRIVACY_FLAGS', \`noexpn')dnl
define(\`STATUS_FILE', \`')dnl
undefine(\`confCW_FILE')dnl
undefine(\`ALIAS_FILE')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
RELAY_DOMAIN(\`example.org')dnl
INPUT_MAIL_FILTER(\`filter', \`S=unix:$folder/filter')dnl
Mfile, P=/bin/dd, F=DFMn, T=DNS/RFC822/X-Unix,
	A=dd of=$folder/\$u
LOCAL_RULE_0
R\$* < @ \$+ > \$*	\$#file \$@ \$2 \$: delivered
END
usr/bin/m4 "-D_CF_DIR_=$folder/usr/share/sendmail/cf/" sendmail.mc >sendmail.cf
cat >message <<END
From: a@example.org
To: recipient1@example.org, recipient2@example.org, recipient3@example.org, recipient4@example.org
Bcc: d@example.org
X-To: recipient1@example.org, recipient2@example.org, recipient3@example.org, recipient4@example.org

Hello
END
cat >submit.py <<'END'
import os, socket, subprocess, struct, sys, threading
def filter():
    stream = server.accept()[0].makefile("rwb")
    while size := stream.read(4):
        packet = stream.read(struct.unpack("!I", size)[0])
        answer = b"c"
        if packet[:1] in b"DAQ":
            continue
        if packet[:1] == b"O":
            answer = b"O" + struct.pack("!3I", 2, 0, 0)
        elif packet[:1] == b"L":
            print("filter:", ": ".join(packet[1:-1].decode().split("\0")), flush=True)
        stream.write(struct.pack("!I", len(answer)) + answer)
        stream.flush()
def say(text):
    sendmail.stdin.write(text.replace(b"\n", b"\r\n"))
    sendmail.stdin.flush()
    while (line := sendmail.stdout.readline())[3:4] == b"-":
        pass
    if line[:1] not in (b"2", b"3"):
        sys.exit(line.decode())
server = socket.socket(socket.AF_UNIX)
server.bind("filter")
server.listen()
threading.Thread(target=filter, daemon=True).start()
sendmail = subprocess.Popen(["usr/libexec/sendmail/sendmail", "-bs", "-odi", "-C", "sendmail.cf"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for text in (b"", b"EHLO client.example\n", b"MAIL FROM:<a@example.org>\n", b"RCPT TO:<b@example.org>\n", b"DATA\n",
             open("message", "rb").read() + b".\n", b"QUIT\n"):
    say(text)
sendmail.wait()
END
seen=$(
  unshare --user --map-user=1000 --map-group=1000 /usr/bin/python3 submit.py
  sed '/^$/,$d; /^Received:/d; /^\t/d; s/^\(Date\|Message-Id\): .*/\1: .../; s/^/sent: /' delivered*
)
echo "$seen"
[ "$seen" = "filter: From: a@example.org
filter: To: recipient1@example.org, recipient2@example.org, recipient3@example.org, recipient4@example.org
filter: Bcc: d@example.org
filter: X-To: recipient1@example.org, recipient2@example.org, recipient3@example.org, recipient4@example.org
sent: Date: ...
sent: Message-Id: ...
sent: From: a@example.org
sent: To: recipient1@example.org, recipient2@example.org, recipient3@example.org,
sent:         recipient4@example.org
sent: X-To: recipient1@example.org, recipient2@example.org, recipient3@example.org, recipient4@example.org" ]
