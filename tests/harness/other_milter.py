"""A filter beside authmilter: sees the header of each message, and adds one field on top of it."""

import socketserver
import struct

ADDHDRS = 0x1


class _Connection(socketserver.BaseRequestHandler):
    def handle(self):
        names = []
        while packet := self._receive():
            command, data = packet[:1], packet[1:]
            if command == b"O":
                version, _, _ = struct.unpack("!III", data[:12])
                self._send(b"O" + struct.pack("!III", min(version, 6), ADDHDRS, 0))
            elif command == b"L":
                names.append(data.split(b"\0")[0].decode())
                self._send(b"c")
            elif command == b"E":
                self.server.seen.append(names)
                names = []
                self._send(b"i" + struct.pack("!I", 0) + self.server.adds.encode() + b"\0yes\0")
                self._send(b"c")
            elif command in (b"D", b"A"):  # macros, and a message that is not finished: no answer
                names = [] if command == b"A" else names
            elif command == b"Q":
                return
            else:
                self._send(b"c")

    def _send(self, packet):
        self.request.sendall(struct.pack("!I", len(packet)) + packet)

    def _receive(self):
        size = self._octets(4)
        return self._octets(struct.unpack("!I", size)[0]) if size else b""

    def _octets(self, count):
        octets = b""
        while len(octets) < count and (piece := self.request.recv(count - len(octets))):
            octets += piece
        return octets


class _Milter:
    """`adds` is the name of the field that it puts on top; `seen` has the names of the fields of
    each message so far."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address, adds):
        super().__init__(address, _Connection)
        self.adds = adds
        self.seen = []


class UnixMilter(_Milter, socketserver.ThreadingUnixStreamServer):
    pass


class TcpMilter(_Milter, socketserver.ThreadingTCPServer):
    pass
