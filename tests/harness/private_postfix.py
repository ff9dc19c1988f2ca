"""A Postfix of one's own: own configuration, queue and mailboxes below one folder, one loopback port.

Nothing of an installed Postfix is read or changed. Postfix wants to be started by root. Other
programs of this project use it too (the end-to-end tests), so it knows nothing of the demonstration.
"""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import smtplib
import subprocess
import sys
import time

from .network import free_port

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
myhostname = {hostname}
myorigin = $myhostname
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
disable_dns_lookups = yes
# Without a network even the name of 127.0.0.1 may take longer than anybody waits.
smtpd_peername_lookup = no
smtp_host_lookup = native
notify_classes =
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
# Lets the test client play any client address (XCLIENT).
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
# Our own recipients are delivered to the incoming mailbox, everything else to the outgoing one.
virtual_mailbox_domains = {recipient_domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = regexp:{folder}/etc/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
default_transport = virtual
local_transport = virtual
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


def settings_once(text):
    """main.cf with the last of several values of a setting alone. Postfix warns of each other one, in every one of its
    programs; while nothing reads its log yet, those that start wait for that with their warnings."""
    settings = {}
    name = ""
    for line in text.splitlines(keepends=True):
        if line[0] in "#\n":
            continue
        if line[0] in " \t":
            settings[name] += line
        else:
            name = line.partition("=")[0].strip()
            settings[name] = line
    return "".join(settings.values())


def stop_postfix(folder):
    """Stops the Postfix that was started in `folder`, by this process or another."""
    subprocess.run(["postfix", "-c", str(pathlib.Path(folder) / "etc"), "stop"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=False, timeout=180)
    stop_by_pid_file(pathlib.Path(folder) / "logins.pid")


def stop_by_pid_file(path):
    try:
        os.kill(int(path.read_text()), signal.SIGTERM)
        path.unlink()
    except (FileNotFoundError, ProcessLookupError):
        pass


def wait_for_state(process, state, timeout=60):
    """As /proc has it: T for one that is stopped."""
    deadline = time.monotonic() + timeout
    while pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != state:
        assert time.monotonic() < deadline, f"process {process} is not in state {state}"
        time.sleep(0.01)


def wait_for_message(folder, marker, timeout=60):
    """The first file of `folder` that contains `marker` (bytes), once there is one, or None."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for path in sorted(folder.glob("*")):
            content = path.read_bytes()
            if marker in content:
                return content
        time.sleep(0.05)
    return None


class PrivatePostfix:
    def __init__(self, folder, hostname, recipient_domain, settings="", master="", users=None):
        """`settings` and `master` are appended to main.cf and master.cf; `users` may log in (name: password)."""
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        values = {"folder": self.folder, "hostname": hostname, "port": self.port,
                  "recipient_domain": recipient_domain}
        for name in ("etc", "queue", "data", "mail"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "etc/main.cf").write_text(settings_once(MAIN_CF.format(**values) + settings))
        (self.folder / "etc/master.cf").write_text(MASTER_CF.format(**values) + master)
        escaped = recipient_domain.replace(".", r"\.")
        (self.folder / "etc/mailboxes").write_text(f"/@{escaped}$/ incoming/\n/./ outgoing/\n")
        self._users = users or {}
        shutil.chown(self.folder / "data", "postfix")
        shutil.chown(self.folder / "mail", "nobody")

    def _run(self, *command, **options):
        return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout

    def start(self):
        # The start script leaves children behind that keep its pipes open: no capture here.
        subprocess.run(["postfix", "-c", str(self.folder / "etc"), "start"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=open(self.folder / "start.log", "w"), timeout=180)
        # Postfix makes the directory on its first start.
        logins = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("login_server.py"),
             self.folder / "queue/private/auth", *(f"{name}:{word}" for name, word in self._users.items())],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (self.folder / "logins.pid").write_text(str(logins.pid))
        deadline = time.monotonic() + 60
        # Without it smtpd gives up, and Postfix waits before it starts another.
        while not (self.folder / "queue/private/auth").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=60):
                    return
            except (OSError, smtplib.SMTPException):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def stop(self):
        stop_postfix(self.folder)

    @contextlib.contextmanager
    def held_up(self):
        """Meanwhile none of its processes does anything: what clients send waits for it in the kernel."""
        stopped = []
        processes = [int((self.folder / "queue/pid/master.pid").read_text())]
        try:
            while processes:
                # The parent first, so that no more children come.
                process = processes.pop()
                os.kill(process, signal.SIGSTOP)
                stopped.append(process)
                wait_for_state(process, "T")
                processes += map(int, pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split())
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)

    def version(self):
        return self._run("postconf", "-d", "-h", "mail_version").strip()

    def send(self, message, sender, recipient, client=None, helo="client.example", login=None):
        """Hands a message (bytes) over by SMTP as `client` would, after AUTH if `login` is given.
        Returns (reply, queue id or None)."""
        smtp = smtplib.SMTP("127.0.0.1", self.port, local_hostname=helo, timeout=60)
        try:
            smtp.ehlo(helo)
            if client:
                address = f"IPV6:{client}" if ":" in client else client
                smtp.docmd("XCLIENT", f"ADDR={address} NAME=[UNAVAILABLE] PORT=54321")
                smtp.ehlo(helo)
            if login:
                secret = f"\0{login}\0{self._users[login]}".encode()
                smtp.docmd("AUTH", "PLAIN " + base64.b64encode(secret).decode())
            for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>"):
                code, text = smtp.docmd(command)
                if code != 250:
                    return f"{code} {text.decode()}", None
            code, text = smtp.data(message)
            reply = f"{code} {text.decode()}"
            queue_id = reply.rsplit(" ", 1)[-1] if "queued as" in reply else None
            return reply, queue_id
        finally:
            smtp.close()

    def queue(self):
        """queue id -> name of the queue, for every message that Postfix still has."""
        lines = self._run("postqueue", "-c", str(self.folder / "etc"), "-j").splitlines()
        return {entry["queue_id"]: entry["queue_name"] for entry in map(json.loads, lines)}

    def held_message(self, queue_id):
        return subprocess.run(["postcat", "-c", str(self.folder / "etc"), "-qbh", queue_id],
                              capture_output=True, check=True).stdout

    def delivered(self, mailbox, marker, timeout=60):
        """The message in "incoming" or "outgoing" that contains `marker` (bytes), or None."""
        return wait_for_message(self.folder / "mail" / mailbox / "new", marker, timeout)

    def log(self):
        path = self.folder / "maillog"
        return path.read_text(errors="replace") if path.exists() else ""
