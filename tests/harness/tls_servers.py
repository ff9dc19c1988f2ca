"""Servers in Python: that take mail, that say what they can do, that dawdle."""

import socket
import socketserver
import ssl
import threading


class Conversation(socketserver.StreamRequestHandler):
    """An SMTP server that takes everything, after STARTTLS if there is a context for it."""

    def handle(self):
        try:
            self._converse()
        except (ssl.SSLError, ConnectionError):
            pass  # the client does not like what it sees

    def _converse(self):
        version = "clear"
        self._say("220 ready")
        while line := self.rfile.readline():
            verb = line.split()[0].upper()
            if verb == b"EHLO":
                self._say("250-here\r\n250 STARTTLS" if self.server.context and version == "clear" else "250 here")
            elif verb == b"STARTTLS":
                self._say("220 go on")
                secure = self.server.context.wrap_socket(self.connection, server_side=True)
                version = secure.version()
                self.rfile, self.wfile = secure.makefile("rb"), secure.makefile("wb", 0)
            elif verb == b"DATA":
                self._take(version)
            else:
                self._say("221 bye" if verb == b"QUIT" else "250 fine")

    def _take(self, version):
        self._say("354 go on")
        text = b"".join(iter(self.rfile.readline, b".\r\n"))
        self.server.taken.append((version, text))
        self._say("250 taken")

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address, context, port=25, conversation=Conversation):
        self.context = context
        self.taken = []
        if ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address, port), conversation)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Reception(socketserver.StreamRequestHandler):
    """Says `server.greeting`, after TLS if the port begins with it, and what it can do: SMTP, IMAP or POP3, as the greeting
    is. In the clear it offers STARTTLS, which nobody is to try."""

    def handle(self):
        try:
            if self.server.context:
                secure = self.server.context.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = secure.makefile("rb"), secure.makefile("wb", 0)
            self._say(self.server.greeting)
            while line := self.rfile.readline():
                self._answer(line.decode("latin-1").split())
        except (ssl.SSLError, OSError):
            pass  # the client does not like what it sees

    def _answer(self, words):
        if self.server.greeting.startswith("2"):
            self._say("250-here\r\n250 STARTTLS" if words[0] == "EHLO" else "454 not now")
        elif self.server.greeting.startswith("+"):
            self._say("+OK\r\nSTLS\r\n." if words[0] == "CAPA" else "-ERR not now")
        elif words[1] == "CAPABILITY":
            can = self.server.greeting.partition("[")[2].partition("]")[0]
            self._say(f"* {can}\r\n{words[0]} OK done")
        else:
            self._say(f"{words[0]} NO not now")

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


def reception(address, port, greeting, context):
    server = Server(address, context, port, Reception)
    server.greeting = greeting
    return server


class Dawdler(socketserver.BaseRequestHandler):
    """Sends what `server.says` yields, pieces or the seconds in which nothing comes, until the client has enough."""

    def handle(self):
        try:
            for piece in self.server.says(self.request):
                if isinstance(piece, bytes):
                    self.request.sendall(piece)
                elif self.server.over.wait(piece):
                    return
        except OSError:
            pass


def dawdler(address, port, says):
    server = Server(address, None, port, Dawdler)
    server.says, server.over = says, threading.Event()
    return server
