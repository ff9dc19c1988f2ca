"""A private DNS with signatures: NSD serves a root and what is below it, unbound looks names up in it.

    with SignedTree() as tree, Middlebox(tree.address, change) as server:
        ...  # server.address is "127.0.0.1@PORT"; tree.anchor is the file with the root's key

A Middlebox stands between and spoils answers in one way. SignedTree.available() says whether the programs are there.
"""

import ipaddress
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from .dns_server import NXDOMAIN, OPT, REFUSED, TYPES, DnsServer, read_question, record, udp_octets
from .network import free_port
from .signed_zones import SignedZones

PROGRAMS = ("nsd", "unbound", "ldns-keygen", "ldns-signzone", "ldns-key2ds")
DS, DNSKEY = 43, 48
HEAD = "@ 300 IN SOA ns.org. host.org. 1 3600 600 86400 60\n@ 300 IN NS ns.org.\n"
LARGE = " ".join('"' + "x" * 250 + '"' for _ in range(16))
ORG = (HEAD + "ns IN A 127.0.0.1\nexample IN A 192.0.2.1\nexample IN TXT \"v=spf1 -all\"\n"
       f"large IN TXT {LARGE}\nloopback IN A 127.0.0.2\n")


class SignedTree(SignedZones):
    def __init__(self):
        super().__init__(tempfile.mkdtemp(prefix="authmilter-tree-"))
        self.folder.chmod(0o755)
        self._nsd, self._unbound = free_port(), free_port()
        self.address = f"127.0.0.1@{self._unbound}"
        self._processes = []
        bogus_ds = self._sign("bogus.org.", HEAD + "@ IN A 192.0.2.2\n")
        # The digest of another key, so that the zone's own signatures are wrong.
        fields = bogus_ds.split()
        wrong = " ".join(fields[:-1] + [fields[-1][:-1] + ("0" if fields[-1][-1] != "0" else "1")])
        org_ds = self._sign("org.", ORG + f"bogus.org. 300 IN NS ns.org.\n{wrong}\n")
        self.anchor = self.sign(".", "$ORIGIN .\n" + HEAD + f"org. 300 IN NS ns.org.\nns.org. 300 IN A 127.0.0.1\n{org_ds}\n")

    @staticmethod
    def available():
        return all(shutil.which(program) for program in PROGRAMS)

    def _sign(self, zone, text):
        return self.ds(self.sign(zone, f"$ORIGIN {zone}\n" + text))

    def __enter__(self):
        configuration = self.nsd_configuration("nsd", [f"127.0.0.1@{self._nsd}"], [".", "org.", "bogus.org."])
        self._start("nsd", configuration, self._nsd)
        unbound = self.folder / "unbound.conf"
        unbound.write_text(f"""server:
  interface: 127.0.0.1@{self._unbound}
  username: ""
  chroot: ""
  directory: "{self.folder}"
  pidfile: "{self.folder}/unbound.pid"
  use-syslog: no
  module-config: "iterator"
  do-not-query-localhost: no
  qname-minimisation: no
  num-threads: 1
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@{self._nsd}
""")
        self._start("unbound", unbound, self._unbound)
        return self

    def _start(self, program, configuration, port):
        with open(self.folder / f"{program}.log", "wb") as log:
            self._processes.append(subprocess.Popen([program, "-d", "-c", configuration], stdout=log, stderr=log))
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / f"{program}.log").read_text())

    def __exit__(self, *exc):
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)


class Middlebox(DnsServer):
    """Hands questions on to `upstream`. `change` has (query, reply, transport) and gives what is sent back, None for
    nothing; `ask` may change the question."""

    def __init__(self, upstream, change=None, ask=None):
        super().__init__({})
        host, port = upstream.split("@")
        self.upstream = (host, int(port))
        self.change = change or (lambda query, reply, transport: reply)
        self.ask = ask or (lambda query: query)

    def forward(self, query):
        query = self.ask(query)
        with socket.create_connection(self.upstream, 10) as connection:
            connection.sendall(struct.pack("!H", len(query)) + query)
            stream = connection.makefile("rb")
            return stream.read(int.from_bytes(stream.read(2), "big"))

    def datagrams(self, query):
        reply = self.change(query, self.forward(query), "udp")
        if reply is None:
            return []
        limit, _ = udp_octets(query, read_question(query)[2])
        return [reply if len(reply) <= limit else self.truncated(query)]

    def segments(self, query):
        reply = self.change(query, self.forward(query), "tcp")
        return [] if reply is None else [reply]


def question(query):
    """The name in lower case, the type, the end of the question."""
    name, kind, end = read_question(query)
    return b".".join(one.lower() for one in name).decode("latin-1"), kind, end


def bare(query, code, answers=()):
    """A reply without EDNS."""
    end = read_question(query)[2]
    return (query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(answers), 0, 0) + query[12:end] + b"".join(answers))


# What resolvers and boxes between are known to do to answers.

def refuses_below_the_root(query, reply, transport):
    name, kind, _ = question(query)
    return bare(query, REFUSED) if name and kind in (DS, DNSKEY) else reply


def without_dnssec(query):
    """The question without the DO bit, so that no signatures come."""
    end = read_question(query)[2]
    if query[end:end + 3] != b"\0" + struct.pack("!H", OPT):
        return query
    return query[:end + 7] + b"\0\0" + query[end + 9:]


def without_edns(query):
    end = read_question(query)[2]
    return query[:10] + b"\0\0" + query[12:end]


def without_tcp(query, reply, transport):
    return None if transport == "tcp" else reply


def stops_rebinding(query, reply, transport):
    """Addresses of 127.0.0.0/8 are taken out of answers."""
    loopback = b"\0\x04\x7f"
    return bare(query, 0) if question(query)[1] == TYPES["A"] and loopback in reply else reply


def rewrites_missing_names(query, reply, transport):
    name, kind, _ = question(query)
    if reply[3] & 15 != NXDOMAIN or kind != TYPES["A"]:
        return reply
    address = ipaddress.ip_address("198.51.100.1").packed
    return bare(query, 0, [record([one.encode() for one in name.split(".")], TYPES["A"], address, 60)])


def refuses(query, reply, transport):
    return bare(query, REFUSED)


def silent(query, reply, transport):
    return None
