"""OpenDKIM and OpenDMARC as Debian ships them, beside each other on sockets of their own.

Nothing is installed: the packages are unpacked into a cache. The daemons run in a network, a mount and a
process namespace, where their name server has the port and the address that they insist on; their sockets
are files, so the test reaches them from outside. Needs root, and apt's lists of packages the first time.

    python3 -m harness.original_milters FOLDER    what runs inside the namespaces
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from .dns_server import DnsServer
from .network import loopback_up
from .unpacked_packages import CACHE as CACHES
from .unpacked_packages import Missing, unpacked_list

TESTS = pathlib.Path(__file__).resolve().parents[1]
NAME = "original-milters"  # of the list and in the cache
CACHE = CACHES / NAME
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib", "lib/x86_64-linux-gnu")
NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child")
# Inside, the loopback interface has this address too: libunbound asks no name server at 127.0.0.1.
NAMESERVER = "192.0.2.53"
PROGRAMS = ("opendkim", "opendmarc")


def unpacked():
    """The folder with Debian's packages, once both programs start."""
    if os.geteuid() != 0:
        raise Missing("needs root, for namespaces of its own")
    if subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode != 0:
        raise Missing("needs namespaces of its own, which this machine does not allow")
    unpacked_list(NAME)
    for name in PROGRAMS:
        run = subprocess.run([CACHE / "usr/sbin" / name, "-V"], capture_output=True, text=True, env=environment())
        if "v" not in run.stdout:
            raise Missing(f"{name} does not start here: {run.stderr.strip()}")
    return CACHE


def environment():
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(str(CACHE / one) for one in LIBRARIES)}


class OriginalMilters:
    """`configurations` are files by program; each names a socket below `folder` that is `sockets`' too.
    `names` is what the DNS holds, as DnsServer takes it."""

    def __init__(self, folder, configurations, sockets, names):
        self.folder = pathlib.Path(folder)
        self.sockets = sockets
        (self.folder / "resolv.conf").write_text(f"nameserver {NAMESERVER}\n")
        (self.folder / "originals.json").write_text(json.dumps(
            {"configurations": {name: str(path) for name, path in configurations.items()}, "names": names}))
        self._output = (self.folder / "originals.log").open("w")
        self._process = subprocess.Popen([*NAMESPACES, sys.executable, "-m", __name__, str(self.folder.resolve())],
                                         stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output,
                                         env={**environment(), "PYTHONPATH": str(TESTS)})

    def log(self):
        return (self.folder / "originals.log").read_text(errors="replace")

    def __enter__(self):
        deadline = time.monotonic() + 60
        while not all(_listens(one) for one in self.sockets):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError("the originals did not start:\n" + self.log())
            time.sleep(0.05)
        return self

    def __exit__(self, *exc):
        # With the first process of the namespace go all the others.
        self._process.kill()
        self._process.wait()
        self._output.close()


def _listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def inside(folder):
    setup = json.loads((folder / "originals.json").read_text())
    loopback_up([NAMESERVER])
    subprocess.run(["mount", "--bind", folder / "resolv.conf", os.path.realpath("/etc/resolv.conf")], check=True)
    with DnsServer(setup["names"], host=NAMESERVER, port=53):
        # In the foreground, so that they end with this process.
        daemons = [subprocess.Popen([CACHE / "usr/sbin" / name, "-f", f"-{'x' if name == 'opendkim' else 'c'}", path])
                   for name, path in setup["configurations"].items()]
        while all(one.poll() is None for one in daemons):
            time.sleep(0.2)
    return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(inside(pathlib.Path(sys.argv[1])))
