"""Loads contrib/postfix/nukib/ as it is into a private Postfix with authmilterd, and tries what it promises.

    nukib.py --programs FOLDER

Clients of every version of TLS send to it, users submit by it, and it sends to servers that are as their
TLSA records say, or are not. Runs in a network and a view of the file system of its own: the ports, the
resolver at 127.0.0.1, the authorities in /etc/ssl/certs and the socket are where an installed Postfix has
them, and nothing of the machine is changed.
"""

import argparse
import ctypes
import fcntl
import hashlib
import os
import re
import shutil
import smtplib
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import dataclass

from bench import (KEYS, OUR_DOMAIN, OUR_NAME, ROOT, USERS, Bench, fields_of, make_socket_folder, message,
                   print_row, skip)
from postfix_fragments import own_network
from private_postfix import PrivatePostfix

SHIPPED = ROOT / "contrib/postfix/nukib"
QUEUE = "/var/spool/postfix"
CERTIFICATES = "/etc/ssl/certs"
RESOLVER = "/etc/resolv.conf"

US, PARTNER, OTHER = "203.0.113.1", "192.0.2.25", "198.51.100.200"
NETWORKS = ("192.0.2.1", "198.51.100.1", "203.0.113.1")
ALICE = "alice@home.example"
V = ssl.TLSVersion

# What the test's Postfix has beside the fragment, which prevails.
SETTINGS = f"""\
inet_interfaces = 127.0.0.1, {US}
mynetworks = 127.0.0.1/32
disable_dns_lookups = no
default_transport = smtp
# How old a message has to be before Postfix gives up TLS where it may.
minimal_backoff_time = 1s
"""
MASTER = f"""\
tlsmgr unix - - n 1000? 1 tlsmgr
{US}:smtp inet n - y - - smtpd
"""

# What the test's authmilterd has behind authmilter.toml. The requirement is one that mail of programs on
# this machine would fail if they had to connect.
MILTER = """
[[network.require_tls]]
clients = "127.0.0.1"
[dns]
dnssec = "off"
[log]
target = "stderr"
[[signing.domain]]
domain = "home.example"
keys = [
  {{ selector = "2026r", file = "{folder}/keys/2026r.pem" }},
  {{ selector = "2026e", file = "{folder}/keys/2026e.pem" }},
]
"""

UNBOUND = """\
server:
  interface: 127.0.0.1
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  module-config: "validator iterator"
  trust-anchor-file: "{folder}/anchors"
remote-control:
  control-enable: no
"""
AUTH_ZONE = """\
auth-zone:
  name: "{name}."
  zonefile: "{folder}/{file}"
  for-downstream: no
  for-upstream: yes
"""
ZONE_HEAD = "$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"


@dataclass
class Receiver:
    """A server that mail goes to, and what shall become of a message to its domain."""
    domain: str
    what: str
    tls: str = "own"     # certificate: "own" of nobody else, "ours" by the authority; "" for no STARTTLS
    name: str = ""       # in the certificate, where it is not the server's
    tlsa: str = ""       # "right", "wrong"
    maximum: V = V.MAXIMUM_SUPPORTED
    delivered: str = ""  # Postfix's word for the connection: Verified, Trusted, Untrusted, clear
    address: str = ""


RECEIVERS = (
    Receiver("dane.example", "TLSA record and certificate agree", tlsa="right", delivered="Verified"),
    Receiver("wrong.example", "TLSA record of another key", tlsa="wrong"),
    Receiver("trusted-wrong.example", "... and a certificate of a known authority", tls="ours", tlsa="wrong"),
    Receiver("stripped.example", "TLSA record, but STARTTLS is missing", tls="", tlsa="right"),
    Receiver("old-dane.example", "TLSA record, but no more than TLS 1.1", tlsa="right", maximum=V.TLSv1_1),
    Receiver("dane.forged", "right TLSA record in a zone that does not validate", tlsa="right"),
    Receiver("dane.unsigned", "wrong TLSA record in a zone without DNSSEC", tlsa="wrong", delivered="Untrusted"),
    Receiver("none.example", "no TLSA record, a certificate of nobody", delivered="Untrusted"),
    Receiver("authority.example", "no TLSA record, a certificate of an authority", tls="ours", delivered="Trusted"),
    Receiver("old.example", "no TLSA record, no more than TLS 1.1", maximum=V.TLSv1_1, delivered="clear"),
    Receiver("clear.example", "no TLSA record, no STARTTLS", tls="", delivered="clear"),
    Receiver("partner.example", "partner with a certificate of an authority", tls="ours", delivered="Verified"),
    Receiver("a.partner.example", "partner with a certificate of nobody"),
    Receiver("b.partner.example", "partner with a certificate for another name", tls="ours", name="mx.bank.example"),
    Receiver("c.partner.example", "partner without STARTTLS", tls=""),
    Receiver("d.partner.example", "partner with no more than TLS 1.1", tls="ours", maximum=V.TLSv1_1),
    Receiver("dane-partner.example", "partner for DANE without a TLSA record", tls="ours"),
)

# OpenSSL's names of TLS 1.2 ciphers: without forward secrecy, without authenticated encryption, without
# encryption, without a server's identity; and what is left.
CIPHERS = (("AES256-GCM-SHA384", False), ("AES128-SHA", False), ("ECDHE-RSA-AES256-SHA384", False),
           ("ECDHE-RSA-AES128-SHA", False), ("ECDHE-RSA-NULL-SHA", False),
           ("AECDH-AES256-SHA", False), ("ECDHE-RSA-AES128-GCM-SHA256", True), ("ECDHE-RSA-AES256-GCM-SHA384", True),
           ("ECDHE-RSA-CHACHA20-POLY1305", True))
EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


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

    def __init__(self, address, context):
        self.context = context
        self.taken = []
        super().__init__((address, 25), Conversation)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Authority:
    """Makes certificates: its own, and of others by it or by themselves."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "certs").mkdir()
        self._openssl("req", "-x509", *self._new_key("ca"), "-subj", "/CN=Authority", "-out", folder / "certs/ca.pem")
        self._openssl("rehash", folder / "certs")

    def _openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

    def _new_key(self, name):
        return ("-newkey", "rsa:2048", "-nodes", "-keyout", self.folder / f"{name}.key", "-days", "2")

    def certificate(self, name, by_authority):
        """The file with key and certificate for the host `name`."""
        certificate, chain = self.folder / f"{name}.crt", self.folder / f"{name}.pem"
        signer = ("-CA", self.folder / "certs/ca.pem", "-CAkey", self.folder / "ca.key") if by_authority else ()
        self._openssl("req", "-x509", *self._new_key(name), "-subj", f"/CN={name}", "-addext",
                      f"subjectAltName=DNS:{name}", "-addext", "basicConstraints=CA:FALSE", *signer, "-out", certificate)
        chain.write_text((self.folder / f"{name}.key").read_text() + certificate.read_text())
        return chain

    def key_digest(self, chain):
        """What a TLSA record 3 1 1 has (RFC 7672 section 3.1.1): SHA-256 of the public key."""
        return hashlib.sha256(self._openssl("pkey", "-in", chain, "-pubout", "-outform", "DER")).hexdigest()


def own_view():
    """Puts this process into mount and network namespaces; 192.0.2.0/24 and the like are this host."""
    own_network()
    if ctypes.CDLL(None, use_errno=True).unshare(0x00020000) != 0:  # CLONE_NEWNS
        skip(f"no file system of its own: {os.strerror(ctypes.get_errno())}")
    if subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True).returncode != 0:
        skip("mounts are not allowed")
    with socket.socket() as one:
        for number, address in enumerate(NETWORKS):
            # SIOCSIFADDR on an alias: the network's class says /24, and all of it is local on lo.
            fcntl.ioctl(one, 0x8916, struct.pack("16sHH4s8x", f"lo:{number}".encode(), socket.AF_INET, 0,
                                                 socket.inet_aton(address)))


def put_over(source, place):
    subprocess.run(["mount", "--bind", source, place], check=True)


def run_ldns(folder, *command):
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


class Laboratory:
    def __init__(self, bench):
        self.bench = bench
        self.folder = bench.folder
        self.authority = Authority(self.folder / "tls")
        self.servers = {}
        self._unbound = None
        self._make_postfix()
        self._make_receivers()
        self._make_dns()
        text = (SHIPPED / "authmilter.toml").read_text() + MILTER.format(folder=self.folder)
        (self.folder / "authmilter.toml").write_text(text)
        put_over(self.authority.folder / "certs", CERTIFICATES)
        put_over(self.postfix.folder / "queue", QUEUE)
        make_socket_folder(self.postfix.folder / "queue/authmilter")

    def _make_postfix(self):
        folder = self.folder / "postfix"
        self.postfix = PrivatePostfix(folder, OUR_NAME, OUR_DOMAIN, users=USERS,
                                      settings=SETTINGS + (SHIPPED / "main.cf").read_text(),
                                      master=MASTER + (SHIPPED / "master.cf").read_text())
        # Of lines that stand twice only the last, or each program of Postfix would complain.
        main_cf = folder / "etc/main.cf"
        last = {line.partition("=")[0]: line for line in main_cf.read_text().splitlines() if "=" in line}
        main_cf.write_text("\n".join(last.values()) + "\n")
        (folder / "etc/nukib").mkdir()
        shutil.copy(SHIPPED / "tls_policy", folder / "etc/nukib")
        shutil.copy(self.authority.certificate(OUR_NAME, by_authority=True), folder / "etc/nukib/mx.pem")

    def _make_receivers(self):
        self.zones = {"example": ZONE_HEAD + 'home TXT "v=spf1 -all"\nclub TXT "v=spf1 ip4:198.51.100.200 -all"\n',
                      "forged": ZONE_HEAD, "unsigned": ZONE_HEAD}
        for number, receiver in enumerate(RECEIVERS, start=11):
            receiver.address = f"198.51.100.{number}"
            context = None
            chain = self.authority.certificate(receiver.name or f"mx.{receiver.domain}", receiver.tls == "ours")
            if receiver.tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(chain)
                context.set_ciphers(EVERYTHING)
                context.minimum_version, context.maximum_version = V.TLSv1, receiver.maximum
            self.servers[receiver.domain] = Server(receiver.address, context)
            zone = receiver.domain.rpartition(".")[2]
            self.zones[zone] += (f"{receiver.domain}. MX 10 mx.{receiver.domain}.\n"
                                 f"mx.{receiver.domain}. A {receiver.address}\n")
            if receiver.tlsa:
                digest = self.authority.key_digest(chain) if receiver.tlsa == "right" else "00" * 32
                self.zones[zone] += f"_25._tcp.mx.{receiver.domain}. TLSA 3 1 1 {digest}\n"

    def _make_dns(self):
        folder = self.folder / "dns"
        folder.mkdir()
        anchors, configuration = "", UNBOUND.format(folder=folder)
        # The root delegates without DS: what has no anchor of its own is insecure.
        root = ZONE_HEAD + "".join(f"{name} NS ns.{name}\n" for name in self.zones)
        for name, text in {"": root, **self.zones}.items():
            served = f"{name or 'root'}.zone"
            (folder / served).write_text(f"$ORIGIN {name}.\n" + text)
            if name != "unsigned":
                key = run_ldns(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name + ".")
                anchors += (folder / f"{key}.key").read_text()
                if name != "forged":
                    run_ldns(folder, "ldns-signzone", "-o", name + ".", served, key)
                    served += ".signed"
            configuration += AUTH_ZONE.format(name=name, folder=folder, file=served)
        (folder / "anchors").write_text(anchors)
        (folder / "unbound.conf").write_text(configuration)
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions edns0 trust-ad\n")
        put_over(folder / "resolv.conf", os.path.realpath(RESOLVER))

    def start(self):
        with open(self.folder / "unbound.log", "wb") as log:
            self._unbound = subprocess.Popen(["unbound", "-d", "-c", self.folder / "dns/unbound.conf"],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.bench.start()
        self.postfix.start()

    def stop(self):
        self.postfix.stop()
        if self._unbound:
            self._unbound.terminate()
            self._unbound.wait(20)
        for server in self.servers.values():
            server.shutdown()
            server.server_close()

    def logs(self):
        return "\n".join([self.bench.log(), self.postfix.log(), (self.folder / "unbound.log").read_text()])

    # Connections

    def context(self, version=None, ciphers=EVERYTHING):
        """Of a client that would speak anything, or just `version`; verifies like a good one."""
        context = ssl.create_default_context(capath=self.authority.folder / "certs")
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def connect(self, client, version=None, ciphers=EVERYTHING, server=US, name=OUR_NAME):
        """A session with port 25 under TLS, or in the clear if version is False."""
        smtp = smtplib.SMTP(timeout=20, source_address=(client, 0), local_hostname="client.example")
        smtp.connect(server, 25)
        smtp._host = name  # what the certificate has to be for
        if version is not False:
            context = self.context(version, ciphers)
            if name is None:
                context.check_hostname, context.verify_mode, smtp._host = False, ssl.CERT_NONE, server
            smtp.starttls(context=context)
        return smtp

    def submission(self, version=None, ciphers=EVERYTHING):
        """A session with port 465."""
        class Submission(smtplib.SMTP_SSL):
            def _get_socket(self, host, port, timeout):
                plain = socket.create_connection((host, port), timeout, (OTHER, 0))
                return self.context.wrap_socket(plain, server_hostname=OUR_NAME)
        return Submission(US, 465, local_hostname="client.example", timeout=20,
                          context=self.context(version, ciphers))


def outcome(attempt):
    """What came of a connection: its version of TLS, or the kind of refusal."""
    try:
        with attempt() as smtp:
            return smtp.sock.version()
    except ssl.SSLError:
        return "refused"


class Report:
    def __init__(self):
        self.rows = self.failed = 0

    def add(self, what, found, wanted):
        self.rows += 1
        right = found == wanted
        self.failed += not right
        print_row((what, str(found), "" if right else f"WRONG, wanted {wanted}"), (64, 34, 30))


def check_postconf(report, folder):
    """Postfix takes the files without a word, beside its own master.cf."""
    folder.mkdir()
    shutil.copy(SHIPPED / "main.cf", folder)
    (folder / "master.cf").write_text(open("/usr/share/postfix/master.cf.dist").read()
                                      + (SHIPPED / "master.cf").read_text())
    for option in ("-n", "-M", "-P"):
        run = subprocess.run(["postconf", "-c", folder, option], capture_output=True, text=True)
        report.add(f"postconf {option}", run.stderr or "no warnings", "no warnings")


def check_versions_and_ciphers(report, laboratory):
    """Of both ports; and of a server that takes anything, since a refusal proves nothing of a client that
    cannot do better."""
    anything = next(receiver for receiver in RECEIVERS if receiver.domain == "none.example").address

    def compare(what, version, ciphers, good):
        found = [outcome(lambda: laboratory.connect(OTHER, version, ciphers, server=anything, name=None)),
                 outcome(lambda: laboratory.connect(OTHER, version, ciphers)),
                 outcome(lambda: laboratory.submission(version, ciphers))]
        name = version.name.replace("_", ".")
        wanted = [name, name, name] if good else [name, "refused", "refused"]
        report.add(f"{what} elsewhere, at port 25, at port 465", ", ".join(found), ", ".join(wanted))

    for version in (V.TLSv1, V.TLSv1_1, V.TLSv1_2, V.TLSv1_3):
        compare(version.name.replace("_", "."), version, EVERYTHING, version >= V.TLSv1_2)
    for cipher, good in CIPHERS:
        compare(cipher, V.TLSv1_2, cipher, good)


def check_milter(report, laboratory):
    def mail(client, version):
        with laboratory.connect(client, version) as smtp:
            smtp.ehlo()
            code, text = smtp.mail("news@club.example")
            return f"{code} {text.decode()}"

    report.add("MAIL of a partner in the clear", mail(PARTNER, False), "530 5.7.0 Must issue a STARTTLS command first")
    report.add("MAIL of a partner with TLS 1.1", outcome(lambda: laboratory.connect(PARTNER, V.TLSv1_1)), "refused")
    report.add("MAIL of a partner with TLS 1.2", mail(PARTNER, V.TLSv1_2), "250 2.1.0 Ok")
    report.add("MAIL of anybody else in the clear", mail(OTHER, False), "250 2.1.0 Ok")
    with laboratory.connect(PARTNER, False) as smtp:
        smtp.ehlo()
        refused, _ = smtp.mail("news@club.example")
        smtp.starttls(context=laboratory.context(V.TLSv1_3))
        report.add("... refused, and after STARTTLS again", (refused, smtp.mail("news@club.example")[0]), (530, 250))
    with laboratory.connect(OTHER, V.TLSv1_3) as smtp:
        smtp.sendmail("news@club.example", ["user@home.example"],
                      message(["From: news@club.example", "Subject: News"], "incoming"))
    content = laboratory.postfix.delivered("incoming", b"incoming@test.example")
    results = fields_of(content, "Authentication-Results")
    report.add("results field of mail that came in", [bool(re.search(r"^ mx\.example\.org;\s.*spf=pass\s", one))
                                                      for one in results], [True])
    received = "".join(fields_of(content, "Received"))
    report.add("its Received field names TLS", "using TLSv1.3 with cipher" in received, True)
    lines = "".join(one for one in laboratory.bench.messages_logged() if " from=club.example " in one)
    report.add("authmilter's line for it", re.findall(r" (tls=\S+) ", lines), ["tls=TLSv1.3"])
    subprocess.run(["sendmail", "-C", laboratory.postfix.folder / "etc", "-i", "-f", ALICE, "user@home.example"],
                   input=message([f"From: {ALICE}", "Subject: local"], "local").replace(b"\r\n", b"\n"), check=True)
    content = laboratory.postfix.delivered("incoming", b"local@test.example")
    report.add("mail that sendmail(1) took, what is wrong", laboratory.bench.signature_problems(content), [])
    reply, _ = laboratory.postfix.send(b"", ALICE, "user@home.example")
    report.add("... and a program that connects for it", reply[:9], "530 5.7.0")


def said_in_the_clear(port):
    with socket.create_connection((US, port), 20) as clear:
        clear.sendall(b"EHLO client.example\r\n")
        try:
            said = clear.recv(3)
        except ConnectionResetError:
            said = b""
    return said.decode() if said.isdigit() else "nothing of SMTP"


def check_submission(report, laboratory):
    with laboratory.submission() as smtp:
        smtp.ehlo()
        smtp.mail(ALICE)
        report.add("port 465 without AUTH", smtp.rcpt("someone@dane.example")[0], 554)
    report.add("port 465 in the clear", said_in_the_clear(465), "nothing of SMTP")
    report.add("port 25 in the clear", said_in_the_clear(25), "220")
    with laboratory.connect(OTHER) as smtp:
        smtp.ehlo()
        report.add("AUTH at port 25", smtp.has_extn("auth"), False)
        smtp.mail(ALICE)
        report.add("mail for others at port 25", smtp.rcpt("someone@dane.example")[0], 554)


def wait_for_attempts(laboratory, count):
    """(domain, status, reason) of each attempt to deliver, once there were so many of them."""
    pattern = re.compile(r"to=<someone@(\S+)>,.* status=(\w+) \((.*)\)$", re.MULTILINE)
    deadline = time.monotonic() + 20
    while len(attempts := pattern.findall(laboratory.postfix.log())) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return attempts


def check_outgoing(report, laboratory):
    with laboratory.submission() as smtp:
        smtp.login(ALICE, USERS[ALICE])
        for receiver in RECEIVERS:
            smtp.sendmail(ALICE, [f"someone@{receiver.domain}"],
                          message([f"From: {ALICE}", f"To: someone@{receiver.domain}"], receiver.domain))
    wait_for_attempts(laboratory, len(RECEIVERS))
    time.sleep(1)
    # What waits is tried again: now TLS might be given up.
    waiting = list(laboratory.postfix.queue().values()).count("deferred")
    subprocess.run(["postqueue", "-c", laboratory.postfix.folder / "etc", "-f"], check=True)
    status = {domain: (word, reason)
              for domain, word, reason in wait_for_attempts(laboratory, len(RECEIVERS) + waiting)}
    for receiver in RECEIVERS:
        word, reason = status.get(receiver.domain, ("nothing", ""))
        taken = laboratory.servers[receiver.domain].taken
        if word == "sent" and len(taken) == 1:
            version, text = taken[0]
            found = "clear" if version == "clear" else connection_word(laboratory.postfix.log(), receiver)
            if laboratory.bench.signature_problems(text.replace(b"\r\n..", b"\r\n.")):
                found += ", not signed"
        else:
            found = word if not taken else f"{word}, but the server has it"
        report.add(f"{receiver.domain}: {receiver.what}", found, receiver.delivered or "deferred")
        if word == "deferred":
            print(f"    {reason}")
    report.add("doubts of Postfix about DNSSEC", laboratory.postfix.log().count("DNSSEC validation may be"), 0)
    report.add("messages that wait in the queue", len(laboratory.postfix.queue()),
               sum(not receiver.delivered for receiver in RECEIVERS))


def connection_word(log, receiver):
    words = re.findall(rf"(\w+) TLS connection established to mx\.{re.escape(receiver.domain)}\[", log)
    return words[-1] if words else "no TLS in the log"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", required=True, help="the build's folder with authmilterd")
    options = parser.parse_args()
    if os.geteuid() != 0:
        skip("needs root, because Postfix does")
    for program, package in (("postfix", "postfix"), ("unbound", "unbound"), ("ldns-signzone", "ldnsutils")):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            skip(f"needs the package {package}")
    if not os.path.exists(RESOLVER):
        skip(f"{RESOLVER} is missing, so nothing can be put in its place")
    warnings.simplefilter("ignore", DeprecationWarning)  # of the versions of TLS that nobody should use
    own_view()

    report = Report()
    bench = Bench(options.programs)
    try:
        check_postconf(report, bench.folder / "postconf")
        laboratory = Laboratory(bench)
        try:
            laboratory.start()
            for check in (check_versions_and_ciphers, check_submission, check_milter, check_outgoing):
                check(report, laboratory)
        finally:
            if report.failed or sys.exc_info()[0]:
                print(laboratory.logs(), file=sys.stderr)
            laboratory.stop()
    finally:
        bench.remove()
    print(f"{report.rows} checks, {report.failed} failed.")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
