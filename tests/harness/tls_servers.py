"""Certificates of an authority of the test's own, and servers in Python that have them."""

import hashlib
import socket
import socketserver
import ssl
import subprocess
import threading
import time


# `openssl ca`, since it alone takes dates that are over.
CA_CONFIGURATION = """\
[ca]
default_ca = this
[this]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
policy = names
unique_subject = no
copy_extensions = copy
[names]
commonName = supplied
"""


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


class Authority:
    """Makes certificates: its own, and of others by it or by themselves."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "certs").mkdir()
        self.authorities = folder / "certs/ca-certificates.crt"
        for name in ("ca", "host"):
            self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                          "-out", folder / f"{name}.key")
        # RFC 5280 section 4.2.1.3: Python 3.13 is strict about it.
        self._openssl("req", "-x509", "-key", folder / "ca.key", "-days", "2", "-subj", "/CN=Authority",
                      "-out", self.authorities, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

    def certificate(self, name, by_authority):
        """The file with key and certificate for the host `name`. All have one key: to make one takes longest."""
        certificate, chain = self.folder / f"{name}.crt", self.folder / f"{name}.pem"
        signer = ("-CA", self.authorities, "-CAkey", self.folder / "ca.key") if by_authority else ()
        self._openssl("req", "-x509", "-key", self.folder / "host.key", "-days", "2", *signer,
                      "-subj", f"/CN={name}", "-out", certificate, "-addext", f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=CA:FALSE")
        chain.write_text((self.folder / "host.key").read_text() + certificate.read_text())
        return chain

    def key(self, kind):
        """The file with a key, "rsa1024" or a curve's name; all certificates that have such a key have this one."""
        path = self.folder / f"{kind}.key"
        if not path.exists():
            options = ("RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[3:]}") if kind.startswith("rsa") else \
                      ("EC", "-pkeyopt", f"ec_paramgen_curve:{kind}")
            self._openssl("genpkey", "-algorithm", *options, "-out", path)
        return path

    def issue(self, name, also=(), key="P-256", days=(-1, 60), digest="sha256", issuer="authority", file=""):
        """The file with key and certificate for the host `name` and those in `also`. The issuer is this authority, an
        "intermediate" one that it made, or "self". The certificate is valid from and to `days` from now."""
        file = file or name
        if issuer == "intermediate" and not (self.folder / "intermediate.crt").exists():
            self.issue("Intermediate", key="P-384", file="intermediate")
        chain, certificate, request = (self.folder / f"{file}.{ending}" for ending in ("pem", "crt", "csr"))
        names = ",".join(f"DNS:{one}" for one in (name, *also))
        extensions = ("basicConstraints=critical,CA:TRUE",) if file == "intermediate" else \
                     ("basicConstraints=CA:FALSE", f"subjectAltName={names}")
        asked = [word for extension in extensions for word in ("-addext", extension)]
        self._openssl("req", "-new", "-key", self.key(key), "-subj", f"/CN={name}", "-out", request, *asked)
        start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * day)) for day in days)
        signer = {"self": ("-selfsign", "-keyfile", self.key(key)),
                  "authority": ("-cert", self.authorities, "-keyfile", self.folder / "ca.key"),
                  "intermediate": ("-cert", self.folder / "intermediate.crt", "-keyfile", self.key("P-384"))}[issuer]
        (self.folder / "index").touch()
        (self.folder / "ca.cnf").write_text(CA_CONFIGURATION.format(folder=self.folder))
        self._openssl("ca", "-batch", "-notext", "-config", self.folder / "ca.cnf", *signer, "-in", request,
                      "-out", certificate, "-startdate", start, "-enddate", end, "-md", digest)
        chain.write_text(self.key(key).read_text() + certificate.read_text())
        return chain

    def key_digest(self, chain):
        """What a TLSA record 3 1 1 has (RFC 7672 section 3.1.1): SHA-256 of the public key."""
        return hashlib.sha256(self._openssl("pkey", "-in", chain, "-pubout", "-outform", "DER")).hexdigest()


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
