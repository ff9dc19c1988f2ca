"""Speaks the milter protocol (version 6) as an MTA does, one step at a time.

Small on purpose, and strict where it matters: it waits for a reply exactly when
the negotiated options call for one, so a milter that answers too often or too
seldom fails the test that notices.
"""

import dataclasses
import socket
import struct
import time

# Actions (SMFIF_*)
ADDHDRS, CHGBODY, ADDRCPT, DELRCPT, CHGHDRS, QUARANTINE = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20
CHGFROM, ADDRCPT_PAR, SETSYMLIST = 0x40, 0x80, 0x100
ALL_ACTIONS = 0x1FF

# Options (SMFIP_*)
NOUNKNOWN, NODATA, SKIP, RCPT_REJ, HDR_LEADSPC = 0x100, 0x200, 0x400, 0x800, 0x100000
NR_HDR, NR_CONN, NR_HELO, NR_MAIL, NR_RCPT = 0x80, 0x1000, 0x2000, 0x4000, 0x8000
NR_DATA, NR_UNKN, NR_EOH, NR_BODY = 0x10000, 0x20000, 0x40000, 0x80000
ALL_OPTIONS = 0x1FFFFF

# Replies (SMFIR_*)
ACCEPT, CONTINUE, DISCARD, REJECT, TEMPFAIL = "a", "c", "d", "r", "t"
REPLYCODE, SKIPPED, PROGRESS = "y", "s", "p"

MACRO_STAGES = {0: "C", 1: "H", 2: "M", 3: "R", 4: "T", 5: "E", 6: "N"}


class Closed(Exception):
    """The milter has closed the connection."""


@dataclasses.dataclass
class Result:
    """What a milter said at the end of a message."""

    status: str
    reply: str = ""
    changes: list = dataclasses.field(default_factory=list)

    @property
    def accepted(self):
        return self.status in (ACCEPT, CONTINUE)

    def inserted(self, name):
        return [c[3] for c in self.changes if c[0] == "insert" and c[2].lower() == name.lower()]


def apply_changes(headers, changes):
    """The header after `changes`, as an MTA would have it. `headers`: (name, value) pairs."""
    headers = list(headers)
    for kind, index, name, value in changes:
        if kind == "insert":
            headers.insert(index, (name, value))
        elif kind == "change":
            places = [i for i, (n, _) in enumerate(headers) if n.lower() == name.lower()]
            if index <= len(places):
                place = places[index - 1]
                headers[place:place + 1] = [(name, value)] if value else []
    return headers


def connect_local(path, timeout):
    """Waits, as an MTA does, while the queue of those who connect is full; a socket of Python with a time limit does not."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(timeout)
    end = time.monotonic() + timeout
    while True:
        try:
            sock.connect(path)
            return sock
        except BlockingIOError:
            if time.monotonic() > end:
                sock.close()
                raise
        except OSError:
            sock.close()
            raise
        time.sleep(0.01)


class MilterClient:
    def __init__(self, address, *, actions=ALL_ACTIONS, options=ALL_OPTIONS, version=6,
                 negotiate=True, timeout=60):
        self.offered_actions, self.offered_options = actions, options
        self.version = version
        self.actions = self.options = 0
        self.macro_names = {}
        kind, _, rest = address.partition(":")
        if kind in ("unix", "local"):
            self.sock = connect_local(rest, timeout)
        else:
            port, _, host = rest.partition("@")
            self.sock = socket.create_connection((host.strip("[]"), int(port)), timeout)
        if negotiate:
            try:
                self.negotiate()
            except BaseException:
                self.sock.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # Packets

    def send(self, command, data=b""):
        self.send_raw(struct.pack("!I", len(data) + 1) + command.encode() + data)

    def send_raw(self, octets):
        try:
            self.sock.sendall(octets)
        except (BrokenPipeError, ConnectionResetError) as e:
            raise Closed from e

    def _read(self, size):
        data = b""
        while len(data) < size:
            try:
                piece = self.sock.recv(size - len(data))
            except ConnectionResetError as e:
                raise Closed from e
            if not piece:
                raise Closed
            data += piece
        return data

    def receive(self):
        (size,) = struct.unpack("!I", self._read(4))
        packet = self._read(size)
        return chr(packet[0]), packet[1:]

    def silent(self, seconds=0.05):
        """True when the milter sends nothing unasked."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            return not self.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(before)

    # Steps

    def negotiate(self):
        self.send("O", struct.pack("!III", self.version, self.offered_actions,
                                   self.offered_options))
        command, data = self.receive()
        assert command == "O", command
        _, self.actions, self.options = struct.unpack("!III", data[:12])
        assert not self.actions & ~self.offered_actions, hex(self.actions)
        assert not self.options & ~self.offered_options, hex(self.options)
        lists = data[12:]
        while lists:
            (stage,) = struct.unpack("!I", lists[:4])
            names, _, lists = lists[4:].partition(b"\0")
            self.macro_names[MACRO_STAGES[stage]] = names.decode()

    def macros(self, command, **values):
        data = b"".join(_cstr(n if len(n) == 1 else "{%s}" % n) + _cstr(v)
                        for n, v in values.items() if v is not None)
        self.send("D", command.encode() + data)

    def _step(self, command, data, no_reply):
        """The reply, or CONTINUE when none was negotiated."""
        self.send(command, data)
        if self.options & no_reply:
            return CONTINUE
        return self.receive()[0]

    def connect(self, address="192.0.2.1", host="client.example.net", port=2525):
        if address is None:
            data = _cstr(host) + b"U"
        elif address.startswith("/"):
            data = _cstr(host) + b"L" + struct.pack("!H", 0) + _cstr(address)
        else:
            family = b"6" if ":" in address else b"4"
            data = _cstr(host) + family + struct.pack("!H", port) + _cstr(address)
        return self._step("C", data, NR_CONN)

    def helo(self, name="client.example.net"):
        return self._step("H", _cstr(name), NR_HELO)

    def mail(self, address="<a@example.org>", *arguments, **macros):
        if macros:
            self.macros("M", **macros)
        return self._step("M", b"".join(map(_cstr, (address, *arguments))), NR_MAIL)

    def rcpt(self, address="<b@example.com>", **macros):
        if macros:
            self.macros("R", **macros)
        return self._step("R", _cstr(address), NR_RCPT)

    def data(self):
        if self.options & NODATA:
            return CONTINUE
        return self._step("T", b"", NR_DATA)

    def header(self, name, value):
        """`value` has its leading blank, as on the wire of SMTP."""
        if not self.options & HDR_LEADSPC and value[:1] in (" ", b" "):
            value = value[1:]
        return self._step("L", _cstr(name) + _cstr(value), NR_HDR)

    def end_of_headers(self):
        return self._step("N", b"", NR_EOH)

    def body(self, octets):
        return self._step("B", octets, NR_BODY)

    def end_of_message(self, **macros):
        if macros:
            self.macros("E", **macros)
        self.send("E")
        result = Result("")
        while True:
            command, data = self.receive()
            if command in (ACCEPT, CONTINUE, DISCARD, REJECT, TEMPFAIL):
                result.status = command
            elif command == REPLYCODE:
                result.reply = data.rstrip(b"\0").decode()
                result.status = REJECT if result.reply.startswith("5") else TEMPFAIL
            elif command == PROGRESS:
                continue
            else:
                result.changes.append(self._change(command, data))
                continue
            return result

    def _change(self, command, data):
        needed = {"i": ADDHDRS, "h": ADDHDRS, "m": CHGHDRS, "q": QUARANTINE}
        assert command in needed, command
        assert self.actions & needed[command], f"{command} was not negotiated"
        if command == "q":
            return ("quarantine", 0, "", data.rstrip(b"\0").decode())
        index = 0
        if command in "im":
            (index,) = struct.unpack("!I", data[:4])
            data = data[4:]
        name, value, _ = data.split(b"\0", 2)
        kind = {"i": "insert", "h": "add", "m": "change"}[command]
        value = value.decode("utf-8", "surrogateescape")
        if value and not self.options & HDR_LEADSPC:
            value = " " + value
        return (kind, index, name.decode(), value)

    def abort(self):
        self.send("A")

    def quit(self):
        self.send("Q")

    def quit_new_connection(self):
        self.send("K")

    def close(self):
        try:
            self.quit()
        except (Closed, OSError):
            pass
        self.sock.close()

    # Whole messages

    def greet(self, address="192.0.2.1", helo="client.example.net"):
        self.connect(address)
        if helo is not None:
            self.helo(helo)

    def begin(self, mail_from="<a@example.org>", rcpts=("<b@example.com>",), auth_user=None):
        # An MTA always has {mail_addr}, so each MAIL has macros of its own.
        self.mail(mail_from, mail_addr=mail_from.strip("<>"), auth_authen=auth_user)
        for rcpt in rcpts:
            self.rcpt(rcpt)
        self.data()

    def content(self, headers, body=b"Hello\r\n", chunk=65535):
        """Header and body; the number of body octets sent before the milter had enough."""
        for name, value in headers:
            self.header(name, value)
        self.end_of_headers()
        sent = 0
        while sent < len(body):
            piece = body[sent:sent + chunk]
            sent += len(piece)
            if self.body(piece) == SKIPPED:
                assert self.options & SKIP, "SKIP was not negotiated"
                break
        return sent

    def deliver(self, headers, body=b"Hello\r\n", *, queue_id="4Xk2", **envelope):
        self.begin(**envelope)
        self.content(headers, body)
        return self.end_of_message(i=queue_id)


def _cstr(text):
    return (text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")) + b"\0"
