"""A mail server with the settings of contrib/postfix/nukib/, and the network around it.

Postfix, authmilterd and a validating resolver have a network and a view of the file system of their own:
the ports, the resolver at 127.0.0.1, the authorities in /etc/ssl/certs and the socket are where an
installed Postfix has them, and nothing of the machine is changed. The servers that mail goes to are here
too, each with the certificate and the TLSA record that it is told to have.
"""

import os
import shutil
import smtplib
import socket
import ssl
import subprocess
from dataclasses import dataclass

from .authority import Authority
from .bench import OUR_DOMAIN, OUR_NAME, ROOT, USERS, make_socket_folder, skip
from .network import Unavailable, own_mounts, own_network, put_over
from .private_postfix import PrivatePostfix
from .signed_zones import SignedZones
from .tls_servers import Server

SHIPPED = ROOT / "contrib/postfix/nukib"
QUEUE = "/var/spool/postfix"
CERTIFICATES = "/etc/ssl/certs"
RESOLVER = "/etc/resolv.conf"

US, PARTNER, OTHER = "203.0.113.1", "192.0.2.25", "198.51.100.200"
NETWORKS = ("192.0.2.1", "198.51.100.1", "203.0.113.1")
V = ssl.TLSVersion
EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

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
  name: "{zone}"
  zonefile: "{file}"
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


def own_view(networks=NETWORKS):
    try:
        own_network(networks)
        own_mounts()
    except Unavailable as reason:
        skip(reason)


class Laboratory:
    def __init__(self, bench, receivers):
        self.bench = bench
        self.receivers = receivers
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
        subprocess.run(["postconf", "-c", folder / "etc", "-F", "smtp/unix/chroot=y"], check=True)
        (folder / "etc/nukib").mkdir()
        shutil.copy(SHIPPED / "tls_policy", folder / "etc/nukib")
        shutil.copy(self.authority.certificate(OUR_NAME, by_authority=True), folder / "etc/nukib/mx.pem")

    def _make_receivers(self):
        self.zones = {"example": ZONE_HEAD + 'home TXT "v=spf1 -all"\nclub TXT "v=spf1 ip4:198.51.100.200 -all"\n',
                      "forged": ZONE_HEAD, "unsigned": ZONE_HEAD}
        for number, receiver in enumerate(self.receivers, start=11):
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
        signed = SignedZones(folder)
        for name, text in {"": root, **self.zones}.items():
            zone, text = f"{name}.", f"$ORIGIN {name}.\n{text}"
            if name in ("unsigned", "forged"):
                signed.write(zone, text)
            if name != "unsigned":
                key = signed.make_key(zone) if name == "forged" else signed.sign(zone, text)
                anchors += key.read_text()
            configuration += AUTH_ZONE.format(zone=zone, file=signed.path(zone))
        (folder / "anchors").write_text(anchors)
        (folder / "unbound.conf").write_text(configuration)
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions edns0 trust-ad\n")
        put_over(folder / "resolv.conf", os.path.realpath(RESOLVER))
        # As Debian's Postfix does when it starts, for what runs in the chroot.
        (self.postfix.folder / "queue/etc").mkdir()
        shutil.copy(folder / "resolv.conf", self.postfix.folder / "queue/etc")

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
        context = ssl.create_default_context(cafile=self.authority.authorities)
        context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def connect(self, client, version=None, ciphers=EVERYTHING, server=US, name=OUR_NAME):
        """A session with port 25 under TLS, or in the clear if `version` is False. The certificate has to be
        for `name`, unless that is None."""
        smtp = smtplib.SMTP(timeout=60, source_address=(client, 0), local_hostname="client.example")
        smtp.connect(server, 25)
        smtp._host = name or server
        if version is not False:
            context = self.context(version, ciphers)
            if name is None:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            smtp.starttls(context=context)
        return smtp

    def submission(self, version=None, ciphers=EVERYTHING):
        """A session with port 465."""
        class Submission(smtplib.SMTP_SSL):
            def _get_socket(self, host, port, timeout):
                plain = socket.create_connection((host, port), timeout, (OTHER, 0))
                return self.context.wrap_socket(plain, server_hostname=OUR_NAME)
        return Submission(US, 465, local_hostname="client.example", timeout=60,
                          context=self.context(version, ciphers))
