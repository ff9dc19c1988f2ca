"""A network and a resolv.conf of the benchmark's own, and the DNS in it."""

import fcntl
import os
import pathlib
import socket
import subprocess
import sys
import time

from filters import NAMESERVER
from harness.network import loopback_up

INSIDE = "AUTHMILTER_BENCH_INSIDE"
# Answers for any name below, so that a filter can be asked about as many as it likes.
MANY = "many.example"

UNBOUND = """server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: "{folder}/pid"
  interface: {address}@53
  access-control: 0.0.0.0/0 allow
  do-ip6: no
  num-threads: 1
  use-syslog: no
  logfile: "{folder}/log"
  module-config: "iterator"
  local-zone: {many}. redirect
  local-data: '{many}. 3600 TXT "{record}"'
remote-control:
  control-enable: no
auth-zone:
  name: "."
  zonefile: "{zone}"
  for-downstream: no
  for-upstream: yes
  fallback-enabled: no
"""


class Unavailable(Exception):
    """What the benchmark needs and cannot have."""


def lock(folder):
    """Until this process and those that it starts have ended."""
    held = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Unavailable(f"a folder of its own, and another run uses {folder}: --work names another") from None
    os.set_inheritable(held, True)
    # The longest of the filters' sockets.
    if len(str(folder.resolve())) > 60:
        raise Unavailable(f"a shorter --work than {folder}: sockets are in it")


def enter(told):
    """Begins the program anew in namespaces of its own, with which whatever it starts ends."""
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    if subprocess.run([*command, "true"], capture_output=True).returncode != 0:
        raise Unavailable("namespaces of its own, which this machine does not allow (root may)")
    os.environ[INSIDE] = told
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def set_up(folder, shares=()):
    """Inside: the loopback interface, and resolv.conf. `shares` is what unpacked programs look for in /usr/share."""
    loopback_up([NAMESERVER])
    (folder / "resolv.conf").write_text(f"nameserver {NAMESERVER}\n")
    subprocess.run(["mount", "--bind", folder / "resolv.conf", os.path.realpath("/etc/resolv.conf")], check=True)
    for share in shares:
        layers = f"lowerdir={share}:/usr/share"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, "/usr/share"], check=True)


class NameServer:
    """Unbound with the scenario's zone: what a mail server asks, with everything in its cache."""

    def __init__(self, folder, scenario):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        record = "v=spf1 " + " ".join(f"ip4:198.51.100.{net}" for net in range(8)) + " ip4:192.0.2.10 -all"
        (self.folder / "unbound.conf").write_text(UNBOUND.format(
            folder=self.folder, address=NAMESERVER, zone=scenario / "zone", many=MANY, record=record))
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(["unbound", "-d", "-c", self.folder / "unbound.conf"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"})
        end = time.monotonic() + 30
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > end:
                log = self.folder / "log"
                raise Unavailable(f"unbound, which does not answer: {log.read_text()[-500:] if log.exists() else ''}")
            time.sleep(0.05)
        return self

    def _answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.2)
            try:
                asker.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\x10\0\1", (NAMESERVER, 53))
                return bool(asker.recv(2048))
            except OSError:
                return False

    def __exit__(self, *exc):
        self.process.terminate()
        self.process.wait()
