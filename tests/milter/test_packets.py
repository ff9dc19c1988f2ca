"""An MTA's packets cost few calls of the kernel, however many there are.

    test_packets.py AUTHMILTERD [unittest arguments]
"""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from harness import ran
from harness.daemon import Daemon

PROGRAM = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "authmilterd"
# By which a library can read from or wait for a connection, or write to it.
TRANSFER = re.compile(r"(__)?(p?read(v2?|64)?|recv(from|m?msg)?|p?poll|p?select|epoll_p?wait2?|p?write(v2?|64)?|"
                      r"send(to|m?msg|file)?|accept4?|close|sigwait)(_chk)?")


def functions(program, kind):
    """The C functions that a file imports ("U") or offers ("T")."""
    lines = subprocess.run(["nm", "--dynamic", program], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if f" {kind} " in line}


class Packets(unittest.TestCase):
    def test_libmilter_calls_what_is_replaced(self):
        """packets.cc and its like stand before what libmilter calls; another libmilter may call others."""
        libraries = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
        libmilter = re.search(r"(/\S*libmilter\S*)", libraries)[1]
        called = {name for name in functions(libmilter, "U") if TRANSFER.fullmatch(name)}
        # It writes with write() to a pipe of its own.
        self.assertLessEqual(called - {"write"}, functions(PROGRAM, "T"))
        self.assertLessEqual({"read", "poll", "writev", "close", "accept"}, called)

    def test_a_header_is_read_in_few_pieces(self):
        with Daemon(PROGRAM) as daemon, daemon.client() as client:
            client.greet()
            for fields in (10, 900):
                header = [("From", " <a@example.org>")] + [("X", " y")] * fields
                packets = []
                client.begin()
                client.sock, connection = Collected(packets), client.sock
                for name, value in header:
                    client.header(name, value)
                client.sock = connection
                before = self.reads(daemon)
                connection.sendall(b"".join(packets))
                client.end_of_headers()
                client.body(b"x\r\n")
                client.end_of_message()
                # The header's octets are 11 each: two pieces for the longer one, and some for the rest.
                self.assertLess(self.reads(daemon) - before, 40, f"{fields} fields")

    @staticmethod
    def reads(daemon):
        text = pathlib.Path(f"/proc/{daemon.process.pid}/io").read_text()
        return int(re.search(r"^syscr: (\d+)$", text, re.MULTILINE)[1])


class Collected:
    """Stands for a client's socket and keeps what it sends."""

    def __init__(self, packets):
        self.sendall = packets.append


if __name__ == "__main__":
    ran.main()
