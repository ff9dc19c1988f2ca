"""Runs authmilterd in a directory of its own for a test."""

import base64
import functools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import milter_client as mc

# How long tests wait for what comes for certain, on a machine that has much else to do.
PATIENCE = 60

# The root's SOA makes the zone all there is: no name is looked up elsewhere.
ZONE = """$TTL 300
.                    IN SOA . . 1 3600 600 86400 300
example.org.         IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.org.  IN TXT "v=DMARC1; p=reject"
held.example.        IN TXT "v=spf1 -all"
_dmarc.held.example. IN TXT "v=DMARC1; p=quarantine"
"""

CONFIG = """[milter]
socket = {sockets}
socket_group = ""
[identity]
authserv_id = "mx.example.net"
[dns]
zones = ["{dir}/zone"]
nameservers = ["127.0.0.1@9"]
timeout = "1s"
dnssec = "off"
[log]
target = "stderr"
"""


# The exit status that the presets `asan` and `tsan` have the sanitizers give. Most reports end the process with it.
SANITIZER_STATUS = 99
SANITIZER_REPORT = r"(WARNING|ERROR): \w+Sanitizer|: runtime error:"


@functools.cache
def sanitized(program):
    """Whether the program carries a sanitizer, which takes memory and time of its own."""
    octets = pathlib.Path(program).read_bytes()
    return any(symbol in octets for symbol in (b"__asan_init", b"__tsan_init"))


def toml_list(values):
    return "[" + ", ".join(f'"{v}"' for v in values) + "]"


class DaemonClient(mc.MilterClient):
    """A250: no step is ever answered with "accept", which would end the judgement before the message's end."""

    def receive(self):
        command, data = super().receive()
        assert command != mc.ACCEPT, "the daemon has answered accept"
        return command, data


class Daemon:
    """`more` is appended to the configuration, `zone` replaces the zone. `stderr` is where the log goes instead of
    `log_file`, `wrapper` a command that runs the program."""

    def __init__(self, program, more="", zone=ZONE, sockets=1, arguments=(), prepare=None, stderr=None, wrapper=()):
        self.program = program
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-"))
        self.sockets = [f"unix:{self.dir}/milter{i}.sock" for i in range(sockets)]
        self.config = self.dir / "authmilter.toml"
        self.log_file = self.dir / "log"
        self.more = more
        (self.dir / "zone").write_text(zone)
        self.write_config()
        if prepare:
            prepare(self)
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [*wrapper, program, "--config", str(self.config), "--allow-root", *arguments],
                stderr=log if stderr is None else stderr, stdout=log)
        if stderr is None:
            self.wait_for("serving", count=sockets)
        else:
            self.wait_for_socket()

    def write_config(self, more=None, text=None):
        if more is not None:
            self.more = more
        if text is None:
            text = CONFIG.format(sockets=toml_list(self.sockets), dir=self.dir) + self.more
        # In one piece: a daemon that reloads at this moment has the old one or the new one.
        fresh = self.config.with_name(self.config.name + ".new")
        fresh.write_text(text)
        if self.config.exists():
            shutil.copymode(self.config, fresh)
        fresh.replace(self.config)

    @property
    def path(self):
        return pathlib.Path(self.sockets[0].removeprefix("unix:"))

    def client(self, number=0, **options):
        return DaemonClient(self.sockets[number], **options)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def wait_for(self, pattern, count=1, seconds=PATIENCE):
        """The lines of the log that match, once there are `count` of them."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            lines = self.lines(pattern)
            if len(lines) >= count:
                return lines
            if self.process.poll() is not None:
                lines = self.lines(pattern)
                if len(lines) >= count:
                    return lines
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in the log:\n{self.log()}")

    def wait_for_socket(self, seconds=PATIENCE):
        """Until it listens, when there is no log that says so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.client().close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"nobody listens at {self.path}")

    def memory(self, peak=False):
        """The octets that it has of the machine's memory, or has had at most."""
        return int(self._status("VmHWM" if peak else "VmRSS").split()[0]) << 10

    def allowed(self, octets):
        """`octets` of memory, and what a sanitizer keeps of memory that was given back."""
        return octets + ((600 << 20) if sanitized(self.program) else 0)

    def allowed_seconds(self, seconds):
        """`seconds` of the processor's time, and what a sanitizer adds, which looks at each octet that our code reads."""
        return seconds * (4 if sanitized(self.program) else 1)

    def threads(self):
        return int(self._status("Threads"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, key):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return re.search(rf"^{key}:\s+(.*)$", status, re.MULTILINE).group(1)

    def send_signal(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM, seconds=PATIENCE):
        """The exit status."""
        if self.process.poll() is None:
            self.send_signal(number)
        try:
            return self.process.wait(seconds * (3 if sanitized(self.program) else 1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        try:
            self.stop()
            if kind is not None:
                sys.stderr.write(self.log())
            if kind is None and (self.process.returncode == SANITIZER_STATUS or self.lines(SANITIZER_REPORT)):
                raise AssertionError(f"a sanitizer's report, exit status {self.process.returncode}:\n{self.log()}")
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)


def make_key(path, algorithm="rsa"):
    """Makes a private key file; the p= of its record."""
    if algorithm == "rsa":
        arguments = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    else:
        arguments = ["-algorithm", "ED25519"]
    subprocess.run(["openssl", "genpkey", *arguments, "-out", str(path)], check=True,
                   capture_output=True)
    os.chmod(path, 0o600)
    der = subprocess.run(["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"],
                         check=True, capture_output=True).stdout
    return base64.b64encode(der if algorithm == "rsa" else der[-32:]).decode()


def txt_record(name, text):
    strings = " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))
    return f"{name} IN TXT ( {strings} )\n"


def key_record(name, public, algorithm="rsa"):
    return txt_record(name, f"v=DKIM1; k={algorithm}; p={public}")
