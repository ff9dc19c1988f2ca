"""A name server for tests: UDP and TCP, on a port of its own at the loopback address.

    with DnsServer({"example.org": [("TXT", "v=spf1 -all"), ("MX", (10, "mail.example.org"))]}) as server:
        ...  # server.address is "127.0.0.1@PORT"

A zone maps names to records: pairs (type, data), or objects {"type": ..., "data": ...} as the published
suites have them. {"fault": "TIMEOUT"} (or another key of FAULTS) is what comes instead of NODATA for the
types that the name has no record of; with a type, it is for this type alone. A name below which there are
others exists and has no data; all other names do not exist.
"""

import ipaddress
import socketserver
import struct
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SPF": 99}
NOERROR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 2, 3, 4, 5
SILENCE = object()
FAULTS = {"TIMEOUT": SILENCE, "SERVFAIL": SERVFAIL, "REFUSED": REFUSED, "NXDOMAIN": NXDOMAIN}

OPT, IN = 41, 1
PLAIN_UDP_OCTETS = 512  # RFC 1035 section 2.3.4
CNAME_LIMIT = 8


def octets(text):
    """Texts of the suites are octets, written as the code points U+0000 to U+00FF."""
    return text if isinstance(text, bytes) else text.encode("latin-1")


def labels(name):
    return tuple(one for one in octets(name).lower().split(b".") if one)


def wire_name(name):
    parts = [one for one in octets(name).split(b".") if one]
    return b"".join(bytes([len(one)]) + one for one in parts) + b"\0"


def character_strings(data):
    """One character-string for each member of a list, or as many as a text needs."""
    if isinstance(data, (str, bytes)):
        text = octets(data)
        data = [text[i:i + 255] for i in range(0, len(text), 255)] or [b""]
    return b"".join(bytes([len(octets(one))]) + octets(one) for one in data)


def rdata(kind, data):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(data).packed
    if kind in ("TXT", "SPF"):
        return character_strings(data)
    if kind == "SOA":  # primary, mailbox, serial, refresh, retry, expire, minimum
        return wire_name(data[0]) + wire_name(data[1]) + struct.pack("!IIIII", *data[2:])
    if kind == "MX":
        preference, exchange = data.split() if isinstance(data, str) else data
        return struct.pack("!H", int(preference)) + wire_name(exchange)
    return wire_name(data)


class Zone:
    def __init__(self, names):
        self.records = {}  # labels -> type -> list of rdata
        self.faults = {}   # labels -> type or None -> fault
        self.aliases = {}
        self.existing = {()}
        for name, records in names.items():
            owner = labels(name)
            self.existing.update(owner[i:] for i in range(len(owner) + 1))
            for record in records:
                self._add(owner, record)

    def _add(self, owner, record):
        if not isinstance(record, dict):
            record = dict(zip(("type", "data"), record))
        kind = record.get("type")
        if "fault" in record:
            self.faults.setdefault(owner, {})[kind and TYPES[kind]] = FAULTS[record["fault"]]
            return
        if kind == "CNAME":
            self.aliases[owner] = record["data"]
        self.records.setdefault(owner, {}).setdefault(TYPES[kind], []).append(rdata(kind, record["data"]))

    def answer(self, owner, kind):
        """Response code and list of (owner, type, rdata), or SILENCE."""
        answers = []
        for _ in range(CNAME_LIMIT):
            faults, records = self.faults.get(owner, {}), self.records.get(owner, {})
            fault = faults.get(kind)
            if fault is None and kind not in records:
                fault = faults.get(None)
            if fault is not None:
                return fault if fault is SILENCE else (fault, answers)
            if kind in records:
                return NOERROR, answers + [(owner, kind, one) for one in records[kind]]
            if owner not in self.aliases:
                return (NOERROR if owner in self.existing else NXDOMAIN), answers
            answers.append((owner, TYPES["CNAME"], rdata("CNAME", self.aliases[owner])))
            owner = labels(self.aliases[owner])
        return SERVFAIL, []


def read_question(query):
    """(labels as asked, type, end of the question)."""
    name, at = [], 12
    while query[at]:
        name.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    kind, _ = struct.unpack("!HH", query[at + 1:at + 5])
    return name, kind, at + 5


def udp_octets(query, end):
    """What the asker takes, and whether it speaks EDNS (RFC 6891)."""
    if struct.unpack("!H", query[10:12])[0] and query[end:end + 1] == b"\0":
        kind, size = struct.unpack("!HH", query[end + 1:end + 5])
        if kind == OPT:
            return max(size, PLAIN_UDP_OCTETS), True
    return PLAIN_UDP_OCTETS, False


def record(owner, kind, data, ttl):
    name = b"".join(bytes([len(one)]) + one for one in owner) + b"\0"
    return name + struct.pack("!HHIH", kind, IN, ttl, len(data)) + data


class DnsServer:
    """Serves until the end of the `with` block. `zone` may be replaced; `queries` lists (name, type).

    With `authority` it is a zone's own server: it looks nothing up for others, and says that it speaks for the zone.
    """

    def __init__(self, names, ttl=60, port=0, host="127.0.0.1", authority=False):
        self.authority = authority
        self.zone = Zone(names)
        self.ttl = ttl
        self.queries = []
        self.tcp_queries = 0
        outer = self

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self):
                query, socket = self.request
                for reply in outer.datagrams(query):
                    socket.sendto(reply, self.client_address)

        class Stream(socketserver.StreamRequestHandler):
            def handle(self):
                while len(size := self.rfile.read(2)) == 2:
                    outer.tcp_queries += 1
                    for reply in outer.segments(self.rfile.read(int.from_bytes(size, "big"))):
                        self.wfile.write(struct.pack("!H", len(reply)) + reply)
                        self.wfile.flush()

        class UdpServer(socketserver.ThreadingUDPServer):
            daemon_threads = True
            max_packet_size = 65535

        class TcpServer(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 1024

        while True:  # both protocols want the same port
            udp = UdpServer((host, port), Datagram)
            try:
                tcp = TcpServer(udp.server_address, Stream)
                break
            except OSError:
                udp.server_close()
        self._servers = [udp, tcp]
        self.port = udp.server_address[1]
        self.address = f"{host}@{self.port}"

    def __enter__(self):
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def datagrams(self, query):
        """What is sent back over UDP, and below over TCP."""
        if (reply := self.reply(query)) is None:
            return []
        limit, _ = udp_octets(query, read_question(query)[2])
        return [reply if len(reply) <= limit else self.truncated(query)]

    def segments(self, query):
        reply = self.reply(query)
        return [] if reply is None else [reply]

    def reply(self, query):
        name, kind, end = read_question(query)
        owner = tuple(one.lower() for one in name)
        self.queries.append((b".".join(owner).decode("latin-1"), kind))
        answer = self.zone.answer(owner, kind)
        if answer is SILENCE:
            return None
        code, records = answer
        sections = b"".join(record(*one, self.ttl) for one in records)
        negative = code == NXDOMAIN or code == NOERROR and all(one[1] != kind for one in records)
        if negative:
            soa = b"\0\0" + struct.pack("!IIIII", 1, 3600, 600, 86400, self.ttl)
            sections += record((), TYPES["SOA"], soa, self.ttl)
        return self._message(query, end, code, len(records), int(negative), sections)

    def truncated(self, query):
        return self._message(query, read_question(query)[2], NOERROR, 0, 0, b"", flags=0x0200)

    def _message(self, query, end, code, answers, authorities, sections, flags=0):
        (asked,) = struct.unpack("!H", query[2:4])
        edns = udp_octets(query, end)[1]
        # Response, recursion available or authoritative; recursion desired is handed back.
        flags |= (0x8400 if self.authority else 0x8080) | asked & 0x0100 | code
        header = query[:2] + struct.pack("!HHHHH", flags, 1, answers, authorities, int(edns))
        opt = b"\0" + struct.pack("!HHIH", OPT, 1232, 0, 0) if edns else b""
        return header + query[12:end] + sections + opt
