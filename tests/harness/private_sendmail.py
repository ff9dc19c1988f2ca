"""A Sendmail of one's own: Debian's program, unpacked into a cache, in its own view of the machine.

Debian's sendmail-bin cannot be installed beside Postfix, so it is only unpacked. It runs in a mount
and a UTS namespace, with a host name, an /etc and a /run that are its own: the files that an
administrator would write are where Sendmail looks for them, and nothing of the machine is changed.
Needs root, and apt's lists of packages the first time.
"""

import base64
import os
import pathlib
import re
import shutil
import smtplib
import socket
import socketserver
import subprocess
import threading
import time

from .network import free_port
from .private_postfix import wait_for_message
from .unpacked_packages import Missing, unpacked

UNPACKED = ("sendmail-bin", "sendmail-cf")
# m4 and Sendmail's libraries do not conflict with anything: contrib/packages/test installs them. Those that
# it is linked with tell of themselves.
NEEDED = {"m4": "/usr/bin/m4", "libsasl2-modules": "/usr/lib/*/sasl2/libplain.so"}

NAMESPACES = ("unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child")

# No DNS: the names of hosts come from /etc/hosts. What is for us goes into one mailbox, everything
# else into another.
SENDMAIL_MC = """\
include(`{cf}/m4/cf.m4')dnl
include(`{cf}/debian/autoconf.m4')dnl
OSTYPE(`debian')dnl
define(`confDOMAIN_NAME', `{hostname}')dnl
define(`confPID_FILE', `{folder}/sendmail.pid')dnl
define(`QUEUE_DIR', `{folder}/mqueue')dnl
define(`STATUS_FILE', `')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
undefine(`confCW_FILE')dnl
undefine(`confCT_FILE')dnl
define(`confTO_IDENT', `0')dnl
define(`confREFUSE_LA', `0')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confMIN_FREE_BLOCKS', `0')dnl
define(`confAUTH_MECHANISMS', `PLAIN')dnl
TRUST_AUTH_MECH(`PLAIN')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
RELAY_DOMAIN(`{recipient_domain}')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Addr=127.0.0.1, Port={port}')dnl
{filters}
MAILER_DEFINITIONS
Mmailbox, P={folder}/deliver, F=DFMSn, U=root, T=DNS/RFC822/X-Unix,
	A=deliver {folder}/mail/$h $u
LOCAL_RULE_0
R$* < @ {recipient_domain} $* >	$#mailbox $@ incoming $: $1 @ {recipient_domain}
R$* < @ $+ > $*	$#mailbox $@ outgoing $: $1 @ $2
"""

# A message from standard input into the mailbox, whole or not at all.
DELIVER = """\
#!/bin/sh
name=$(mktemp -p "$1/tmp" XXXXXXXXXX) && cat >"$name" && mv "$name" "$1/new/"
"""

ETC = {
    "passwd": "root:x:0:0::/:/bin/sh\nsmmta:x:990:990::/:/bin/false\nsmmsp:x:991:991::/:/bin/false\n"
              "mail:x:8:8::/:/bin/false\n",
    "group": "root:x:0:\nsmmta:x:990:\nsmmsp:x:991:\nmail:x:8:\n",
    "hosts": "127.0.0.1 localhost\n127.0.0.2 {hostname}\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\n",
    "mail/service.switch": "hosts files\naliases files\n",
    "mail/aliases": "",
    "sasl2/Sendmail.conf": "pwcheck_method: saslauthd\nsaslauthd_path: /run/saslauthd/mux\nmech_list: PLAIN\n",
}

ENTER = """\
hostname {hostname} &&
mount --bind {run} /run && mount --bind {folder}/etc /etc &&
exec {sendmail} -bD -q1h -X {folder}/smtp.log
"""


def unpacked_sendmail():
    """The folder with Debian's Sendmail, downloaded if it is not there yet."""
    if os.geteuid() != 0:
        raise Missing("needs root, because Sendmail does")
    missing = [package for package, place in NEEDED.items() if not list(pathlib.Path("/").glob(place[1:]))]
    if missing:
        raise Missing(f"needs the packages {' '.join(missing)}")
    if subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode != 0:
        raise Missing("needs namespaces of its own, which this machine does not allow")
    place = unpacked("sendmail", UNPACKED)
    linked = subprocess.run(["ldd", place / "usr/libexec/sendmail/sendmail"], capture_output=True, text=True).stdout
    absent = re.findall(r"(\S+) => not found", linked)
    if absent:
        raise Missing(f"Sendmail needs the libraries {' '.join(absent)}")
    # It runs as root from the start; set-group-ID programs distrust their surroundings.
    (place / "usr/libexec/sendmail/sendmail").chmod(0o755)
    return place


class PasswordCheck(socketserver.BaseRequestHandler):
    """Answers as saslauthd would: user, password, service and realm come in, each after its length."""

    def handle(self):
        name, password, _, realm = [self._string() for _ in range(4)]
        user = f"{name}@{realm}" if realm else name
        answer = b"OK" if self.server.users.get(user) == password else b"NO"
        self.request.sendall(len(answer).to_bytes(2, "big") + answer)

    def _string(self):
        size = int.from_bytes(self._octets(2), "big")
        return self._octets(size).decode()

    def _octets(self, count):
        return self.request.recv(count, socket.MSG_WAITALL) if count else b""


class PrivateSendmail:
    """`filters` are lines for sendmail.mc; `users` may log in (name: password). The folder `run` is
    what Sendmail sees as /run."""

    def __init__(self, folder, hostname, recipient_domain, filters, run, users=None):
        self.folder = pathlib.Path(folder)
        self.program = unpacked_sendmail() / "usr/libexec/sendmail/sendmail"
        self.run = pathlib.Path(run)
        self.port = free_port()
        self._users = users or {}
        self._filters = filters
        self._values = {"folder": self.folder, "hostname": hostname, "port": self.port,
                        "recipient_domain": recipient_domain, "run": self.run,
                        "cf": unpacked_sendmail() / "usr/share/sendmail/cf", "sendmail": self.program}
        self._process = None
        self._passwords = None

    def start(self):
        (self.run / "saslauthd").mkdir()
        for name in ("etc/mail", "etc/sasl2", "mqueue", "mail/incoming/tmp",
                     "mail/incoming/new", "mail/outgoing/tmp", "mail/outgoing/new"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "mqueue").chmod(0o700)
        for name, text in ETC.items():
            (self.folder / "etc" / name).write_text(text.format(**self._values))
        for name in ("ld.so.cache", "services", "localtime"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", self.folder / "etc" / name)
        (self.folder / "deliver").write_text(DELIVER)
        (self.folder / "deliver").chmod(0o755)
        source, made = self.configuration(self._filters)
        (self.folder / "etc/mail/sendmail.mc").write_text(source)
        (self.folder / "etc/mail/sendmail.cf").write_text(made)
        self._passwords = socketserver.ThreadingUnixStreamServer(str(self.run / "saslauthd/mux"), PasswordCheck)
        self._passwords.users = self._users
        threading.Thread(target=self._passwords.serve_forever, daemon=True).start()
        with open(self.folder / "sendmail.out", "w") as output:
            self._process = subprocess.Popen(
                [*NAMESPACES, "sh", "-c", ENTER.format(**self._values)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline = time.monotonic() + 60
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=60):
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("Sendmail did not start:\n" + self.log())
                time.sleep(0.1)

    def version(self):
        """As its greeting says."""
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            return re.search(r"Sendmail ([\d.]+)", connection.makefile().readline()).group(1)

    def configuration(self, filters):
        """(sendmail.mc, sendmail.cf) with these lines for filters."""
        source = SENDMAIL_MC.format(**self._values, filters=filters)
        made = subprocess.run(["m4", f"-D_CF_DIR_={self._values['cf']}/", "-"], input=source, text=True,
                              capture_output=True, check=True)
        if made.stderr:
            raise RuntimeError("m4 is not content with sendmail.mc:\n" + made.stderr)
        return source, made.stdout

    def stop(self):
        if self._process:
            # With the first process of the namespace go all the others.
            self._process.kill()
            self._process.wait()
        if self._passwords:
            self._passwords.shutdown()
            self._passwords.server_close()

    def send(self, message, sender, recipient, client=None, helo="client.example", login=None):
        """Hands a message (bytes) over by SMTP from `client`, an address of this machine, after AUTH
        if `login` is given. Returns (reply, queue id or None)."""
        smtp = smtplib.SMTP("127.0.0.1", self.port, local_hostname=helo, timeout=60,
                            source_address=(client or "127.0.0.1", 0))
        try:
            smtp.ehlo(helo)
            if login:
                secret = f"\0{login}\0{self._users[login]}".encode()
                code, text = smtp.docmd("AUTH", "PLAIN " + base64.b64encode(secret).decode())
                if code != 235:
                    return f"{code} {text.decode()}", None
            for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"):
                code, text = smtp.docmd(command)
                if code != 250:
                    return f"{code} {text.decode()}", None
            code, text = smtp.data(message)
            reply = f"{code} {text.decode()}"
            accepted = re.search(r"(\w+) Message accepted", reply)
            return reply, accepted and accepted.group(1)
        finally:
            smtp.close()

    def held(self, queue_id):
        """Whether a message is in quarantine: Sendmail names its queue file hf... then."""
        return (self.folder / "mqueue" / f"hf{queue_id}").exists()

    def reason_held(self, queue_id):
        """Why a message is in quarantine, as mailq(1) shows it."""
        lines = (self.folder / "mqueue" / f"hf{queue_id}").read_text(errors="replace").splitlines()
        return "".join(line[1:] for line in lines if line.startswith("q"))

    def release(self, queue_id):
        """Takes a message out of quarantine and delivers it."""
        first = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()[0]
        for command in (["-qQ", f"-qI{queue_id}", "-Q"], [f"-qI{queue_id}"]):
            subprocess.run(["nsenter", f"--target={first}", "--mount", "--uts", "--pid", self.program, *command],
                           stdin=subprocess.DEVNULL, capture_output=True, check=True)

    def delivered(self, mailbox, marker, timeout=60):
        """The message in "incoming" or "outgoing" that contains `marker` (bytes), or None."""
        return wait_for_message(self.folder / "mail" / mailbox / "new", marker, timeout)

    def log(self):
        """Every line of SMTP and what Sendmail wrote to standard error; its own log goes to syslog."""
        paths = (self.folder / "sendmail.out", self.folder / "smtp.log")
        return "".join(path.read_text(errors="replace") for path in paths if path.exists())
