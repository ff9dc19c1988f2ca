"""A good domain and broken ones, with the servers that an audit of them asks.

All is in a network of its own: NSD and unbound with a signed tree of zones, Postfix for ports 25 and 465, Dovecot for 993
and 995, nginx for the policies of MTA-STS and web mail, at their usual ports. This host is the good domain's mail server,
with the settings of contrib/postfix/nukib/. Each broken domain is a zone of its own, like the good one but for what its
row says; where it has a mail host of its own that is a service of the same Postfix with other settings.
"""

import base64
import ipaddress
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

from .authority import Authority
from .bench import make_socket_folder, skip
from .dns_server import IN, TYPES, wire_name
from .network import put_over
from .nukib_laboratory import QUEUE, RESOLVER, SHIPPED, own_view
from .private_postfix import PrivatePostfix
from .signed_zones import SignedZones
from .unpacked_packages import Missing, unpacked_list

GOOD = "good.example"
MX, CLIENTS, MAIL_PAGE = f"mx.{GOOD}", f"mail.{GOOD}", f"webmail.{GOOD}"
SELECTOR = "s1"
GOOD_BITS = 3072  # of a key of DKIM
NEXT_KEY = "3 1 1 " + "11" * 32  # the TLSA record of a key that is not used yet
# Of the networks for documentation unbound answers the reverse zones by itself, and those for benchmarks are not reached across
# the Internet, as an audit says. So these are like others; nothing leaves this network.
V4, V6 = "203.0.114.{}", "2a00:db8::{:x}"
# Name servers that validate and are out in the Internet, and that do not validate and are in a private network.
OUTSIDE, CARELESS = "203.0.115.53", "192.168.53.53"
NAME_SERVER, MX_NUMBER, CLIENTS_NUMBER, WEB_NUMBER, FIRST_NUMBER = 53, 25, 26, 27, 31

SETTINGS = """\
queue_directory = /var/spool/postfix
inet_protocols = all
inet_interfaces = all
disable_dns_lookups = no
smtpd_client_connection_count_limit = 0
smtpd_timeout = 60s
"""
# Beside the lines of contrib/postfix/nukib/. Nothing is in a chroot, so that the certificates of the test are found.
MASTER = "tlsmgr unix - - n 1000? 1 tlsmgr\n"
MASTER_LINE = "{address}:{port} inet n - n - - smtpd {options}\n"
SUBMISSIONS = {"smtpd_tls_wrappermode": "yes", "smtpd_sasl_auth_enable": "yes", "syslog_name": "postfix/submissions"}

MILTER = """
[dns]
trust_anchor = "{folder}/dns/anchor"
[log]
target = "stderr"
"""
SIGNING = """
[[signing.domain]]
domain = "good.example"
keys = [{{ selector = "s1", file = "{folder}/keys/s1.pem" }}]
"""

UNBOUND = """\
server:
  interface: 127.0.0.1
  interface: {outside}
  access-control: 0.0.0.0/0 allow
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  module-config: "validator iterator"
  trust-anchor-file: "{folder}/anchor"
  do-not-query-localhost: no
  qname-minimisation: no
  num-threads: 1
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@5300
"""

DOVECOT_23 = """\
protocols = imap pop3
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
listen = {listen}
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = daemon
ssl = required
ssl_cert = <{chain}
ssl_key = <{chain}
ssl_min_protocol = TLSv1.2
ssl_cipher_list = ECDHE+AESGCM:ECDHE+CHACHA20
passdb {{
  driver = static
  args = password=secret
}}
"""
DOVECOT_24 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap pop3
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
listen = {listen}
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = daemon
ssl = required
ssl_server_cert_file = {chain}
ssl_server_key_file = {chain}
ssl_min_protocol = TLSv1.2
ssl_cipher_list = ECDHE+AESGCM:ECDHE+CHACHA20
passdb static {{
  password = secret
}}
"""
# The plain ports are closed: points 2.4 and 2.5.
DOVECOT_PORTS = """\
service {protocol}-login {{
  inet_listener {protocol} {{
    port = 0
  }}
  inet_listener {protocol}s {{
    port = {port}
    ssl = yes
  }}
}}
"""

NGINX = """\
daemon off;
user root;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type text/plain;
  server_names_hash_bucket_size 128;
  map_hash_bucket_size 256;
  ssl_certificate {chain};
  ssl_certificate_key {chain};
  ssl_protocols TLSv1.2 TLSv1.3;
  map $host $policy {{
{policies}  }}
{servers}}}
"""
NGINX_SERVER = """\
  server {{
    listen {v4}:{port};
    listen [{v6}]:{port};
    server_name {name};
    {settings}
  }}
"""
POLICY = "version: STSv1\\r\\nmode: {mode}\\r\\nmx: {mx}\\r\\nmax_age: 604800\\r\\n"
POLICY_FILE = 'location = /.well-known/mta-sts.txt { if ($policy = "") { return 404; } return 200 $policy; }'
HSTS = 'add_header Strict-Transport-Security "max-age=31536000";'
TO_HTTPS = "return 301 https://$host$request_uri;"


def v4(number):
    return V4.format(number)


def v6(number):
    return V6.format(number)


@dataclass
class MailHost:
    """A mail host of a domain's own: settings of its smtpd, and of its certificate as Authority.issue takes them."""
    settings: dict = field(default_factory=dict)
    certificate: dict = field(default_factory=dict)
    name: str = "mx"           # in the domain, or with a dot at its end anywhere
    tlsa: str = "3 1 1 {key}\n" + NEXT_KEY  # {key}: the digest of its key; of several records each on a line
    reverse: str = ""          # the name of its addresses, where it is another's


@dataclass
class Domain:
    """A zone. `records` are those that differ from the good ones: by "OWNER TYPE" a text or several; none: there are none.
    In them {key} is the digest of the key of its mail host."""
    name: str
    records: dict = field(default_factory=dict)
    host: MailHost | None = None
    policy: str | None = None        # of MTA-STS, without the one that fits the MX; empty: none
    dnssec: str = "signed"           # "unsigned", "bogus", an algorithm's name for ldns-keygen, "without RRSIG of TYPE"
    minimum: int = 60                # of its SOA record
    inside: str = ""                 # the zone that it has its records in, instead of one of its own
    serial: int = 1
    number: int = 0
    chain: pathlib.Path | None = None

    def mail_host(self):
        """Its name, with the dot at the end."""
        if self.host is None:
            return f"{MX}."
        return self.host.name if self.host.name.endswith(".") else f"{self.host.name}.{self.name}."


def quoted(text):
    """A TXT record's data (RFC 1035 section 3.3.14), from the text or as it is where it is quoted already."""
    return text if text.startswith('"') else " ".join(f'"{text[i:i + 200]}"' for i in range(0, len(text), 200))


def made_up_key(bits=GOOD_BITS):
    """The p= of an RSA key. Nobody has its private key: that would take a long time to make."""
    def der(tag, content):
        size = len(content)
        head = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + \
            size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag]) + head + content
    modulus = random.getrandbits(bits) | 1 << bits - 1 | 1
    key = der(0x30, der(2, b"\0" + modulus.to_bytes(bits // 8, "big")) + der(2, b"\1\0\1"))
    algorithm = bytes.fromhex("300d06092a864886f70d0101010500")
    return base64.b64encode(der(0x30, algorithm + der(3, b"\0" + key))).decode()


def key_text(bits=GOOD_BITS):
    return f"v=DKIM1; k=rsa; p={made_up_key(bits)}"


def programs_missing():
    """Why the laboratory cannot be built here; empty if it can."""
    if os.geteuid() != 0:
        return "needs root, because Postfix does"
    for program, package in (("postfix", "postfix"), ("nsd", "nsd"), ("unbound", "unbound"), ("ldns-signzone", "ldnsutils"),
                             ("ip", "iproute2"), ("openssl", "openssl")):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
            return f"needs the package {package}"
    return ""


class AuditLaboratory:
    def __init__(self, programs, domains, records):
        """`records`: further ones of the good domain."""
        self.programs = pathlib.Path(programs).resolve()
        hosts = {f"{name} {kind}": text for name, number in (("mail", CLIENTS_NUMBER), ("webmail", WEB_NUMBER))
                 for kind, text in (("A", v4(number)), ("AAAA", v6(number)))}
        self.domains = [Domain(GOOD, {**hosts, **records}, host=MailHost()), *domains]
        self.processes = []
        try:
            self.packages = unpacked_list("audit")
        except Missing as reason:
            skip(reason)
        self._number_domains()
        own_view((v4(1), OUTSIDE, CARELESS))
        self._take_addresses()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-audit.", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.authority = Authority(self.folder / "tls")
        self._make_certificates()

    def _number_domains(self):
        number = FIRST_NUMBER
        for domain in self.domains:
            if domain.name == GOOD:
                domain.number = MX_NUMBER
            elif domain.host:
                domain.number, number = number, number + 1

    def _take_addresses(self):
        """All of 203.0.114.0/24 is here already. Connections come from an address that no server has: Dovecot trusts its own
        as if there were TLS."""
        last = max(domain.number for domain in self.domains)
        lines = [f"address add {v6(number)}/128 dev lo nodad" for number in range(NAME_SERVER) if number >= MX_NUMBER]
        lines += [f"address add {v6(number)}/128 dev lo nodad" for number in range(NAME_SERVER, last + 20)]
        lines.append(f"address add {v6(1)}/128 dev lo nodad")
        lines.append(f"route replace local {v4(0)}/24 dev lo table local src {v4(1)}")
        done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
        if done.returncode != 0:
            skip(f"no addresses: {done.stderr.strip()[:200]}")

    def _make_certificates(self):
        for domain in self.domains:
            if domain.host:
                name = domain.mail_host().rstrip(".")
                domain.chain = self.authority.issue(**{"name": name, "file": domain.name, **domain.host.certificate})
        self.clients_chain = self.authority.issue(CLIENTS)
        self.web_chain = self.authority.issue(MAIL_PAGE, [f"*.{GOOD}", *(f"mta-sts.{one.name}" for one in self.domains)],
                                              file="web")

    # DNS

    def good_records(self, domain):
        return {
            "@ MX": f"10 {domain.mail_host()}",
            "@ TXT": "v=spf1 mx -all",
            f"{SELECTOR}._domainkey TXT": key_text(GOOD_BITS),
            "_dmarc TXT": f"v=DMARC1; p=reject; sp=reject; np=reject; rua=mailto:dmarc@{domain.name}",
            "_mta-sts TXT": "v=STSv1; id=1",
            "mta-sts A": v4(WEB_NUMBER),
            "mta-sts AAAA": v6(WEB_NUMBER),
            "_smtp._tls TXT": f"v=TLSRPTv1; rua=mailto:tls@{domain.name}",
        }

    def host_records(self, zone):
        """Of the mail hosts in a zone, whosesoever they are."""
        records = {}
        for domain in self.domains:
            if not domain.host or not domain.mail_host().endswith(f".{zone.name}."):
                continue
            name = domain.mail_host().removesuffix(f".{zone.name}.")
            records |= {f"{name} A": v4(domain.number), f"{name} AAAA": v6(domain.number)}
            if domain.host.tlsa:
                digest = self.authority.key_digest(domain.chain)
                records[f"_25._tcp.{name} TLSA"] = domain.host.tlsa.replace("{key}", digest).splitlines()
        return records

    def zone_text(self, domain):
        records = {**self.good_records(domain), **self.host_records(domain), **domain.records}
        lines = [f"$ORIGIN {domain.name}.", "$TTL 300"]
        if not domain.inside:
            lines += [f"@ SOA ns.example. host.example. {domain.serial} 3600 600 86400 {domain.minimum}", "@ NS ns.example."]
        key = self.authority.key_digest(domain.chain or self.domains[0].chain)
        for place, data in records.items():
            owner, kind = place.split()
            for one in [data] if isinstance(data, str) else data:
                one = one.replace("{key}", key)
                lines.append(f"{owner} {kind} {quoted(one) if kind == 'TXT' else one}")
        lines += [self.zone_text(one) for one in self.domains if one.inside == domain.name]
        return "\n".join(lines) + "\n"

    def make_dns(self):
        folder = self.folder / "dns"
        folder.mkdir()
        signed = SignedZones(folder)
        head = "$ORIGIN {0}\n$TTL 300\n@ SOA ns.example. host.example. 1 3600 600 86400 60\n@ NS ns.example.\n"
        example = head.format("example.") + f"ns A {v4(NAME_SERVER)}\n"
        zones = ["example."]
        for domain in self.domains:
            if domain.inside:
                continue
            zone = f"{domain.name}."
            zones.append(zone)
            example += f"{zone} NS ns.example.\n" + self._sign(signed, zone, self.zone_text(domain), domain.dnssec)
        reverse = head.format("arpa.")
        for number, name in self._names_of_addresses().items():
            for address in (v4(number), v6(number)):
                reverse += f"{ipaddress.ip_address(address).reverse_pointer}. PTR {name}\n"
        zones += ["arpa.", "."]
        root = head.format(".") + f"ns.example. A {v4(NAME_SERVER)}\n"
        for zone, text in (("example.", example), ("arpa.", reverse)):
            root += f"{zone} NS ns.example.\n" + signed.ds(signed.sign(zone, text)) + "\n"
        shutil.copy(signed.sign(".", root), folder / "anchor")
        self.nsd = signed.nsd_configuration("nsd", ["127.0.0.1@5300", f"{v4(NAME_SERVER)}@53", f"{CARELESS}@53"], zones)
        (folder / "unbound.conf").write_text(UNBOUND.format(folder=folder, outside=OUTSIDE))
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions edns0 trust-ad\n")
        put_over(folder / "resolv.conf", os.path.realpath(RESOLVER))

    def change(self, name, records):
        """The zone, which is not signed, has other records from now on, where NSD itself is asked."""
        domain = next(one for one in self.domains if one.name == name)
        assert domain.dnssec == "unsigned"
        domain.records.update(records)
        domain.serial += 1
        SignedZones(self.folder / "dns").write(f"{name}.", self.zone_text(domain))
        nsd = next(process for program, process in self.processes if program == "nsd")
        nsd.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while not self._has_serial(name, domain.serial):
            if time.monotonic() > deadline:
                raise RuntimeError(f"NSD does not take the zone {name}:\n{self.logs()}")
            time.sleep(0.1)

    @staticmethod
    def _has_serial(name, serial):
        query = bytes.fromhex("123400000001000000000000") + wire_name(name) + struct.pack("!HH", TYPES["SOA"], IN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(5)
            asker.sendto(query, (v4(NAME_SERVER), 53))
            return struct.pack("!I", serial) + struct.pack("!I", 3600) in asker.recv(4096)

    def _names_of_addresses(self):
        names = {domain.number: domain.host.reverse or domain.mail_host() for domain in self.domains if domain.host}
        return {**names, CLIENTS_NUMBER: f"{CLIENTS}.", WEB_NUMBER: f"{MAIL_PAGE}."}

    @staticmethod
    def _sign(signed, zone, text, how):
        """Writes the zone; what is in the zone above for it."""
        if how == "unsigned":
            signed.write(zone, text)
            return ""
        algorithm = how if how.startswith("RSA") else "ECDSAP256SHA256"
        ds = signed.ds(signed.sign(zone, text, algorithm=algorithm)) + "\n"
        if how == "bogus":
            ds = re.sub(r"[0-9a-f]{64}", lambda digest: digest[0][::-1], ds)
        elif how.startswith("without RRSIG of "):
            path = signed.path(zone)
            kind = how.rpartition(" ")[2]
            path.write_text("".join(line for line in path.open() if not re.search(rf"\sRRSIG\s+{kind}\s", line)))
        return ds

    # Servers

    def make_postfix(self):
        master = MASTER
        for domain in self.domains:
            if domain.host:
                settings = {"myhostname": domain.mail_host().rstrip("."), "smtpd_tls_chain_files": domain.chain,
                            "smtpd_milters": "", **domain.host.settings}
                master += self.master_lines(domain.number, 25, settings)
        master += self.master_lines(CLIENTS_NUMBER, 465, {"smtpd_tls_chain_files": self.clients_chain, **SUBMISSIONS})
        # The lines as they are shipped are at addresses that nobody asks: there each service has settings of its own.
        shipped = re.sub(r"(?m)^submissions inet n       -       y", "127.0.0.1:submissions inet n - n",
                         (SHIPPED / "master.cf").read_text())
        folder = self.folder / "postfix"
        self.postfix = PrivatePostfix(folder, MX, GOOD, users={f"alice@{GOOD}": "secret"},
                                      settings=SETTINGS + (SHIPPED / "main.cf").read_text(), master=master + shipped)
        (folder / "etc/nukib").mkdir()
        shutil.copy(SHIPPED / "tls_policy", folder / "etc/nukib")
        shutil.copy(self.domains[0].chain, folder / "etc/nukib/mx.pem")
        # Where the command finds the settings. The package has parts of its programs there too.
        subprocess.run(["cp", "-a", "--no-clobber", "/etc/postfix/.", folder / "etc"], check=True)
        put_over(folder / "etc", "/etc/postfix")
        put_over(folder / "queue", QUEUE)
        make_socket_folder(folder / "queue/authmilter")
        (folder / "queue/etc").mkdir()
        shutil.copy(self.folder / "dns/resolv.conf", folder / "queue/etc")

    @staticmethod
    def master_lines(number, port, settings):
        options = " ".join(f"-o {{ {name} = {value} }}" for name, value in settings.items())
        return "".join(MASTER_LINE.format(address=address, port=port, options=options)
                       for address in (v4(number), f"[{v6(number)}]"))

    def make_daemon(self):
        (self.folder / "keys").mkdir()
        key = self.folder / "keys/s1.pem"
        shutil.copy(self.authority.key(f"rsa{GOOD_BITS}"), key)
        public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        self.domains[0].records[f"{SELECTOR}._domainkey TXT"] = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
        shutil.copy(self.authority.key("rsa2048"), key.with_name("other.pem"))
        for path in key.parent.iterdir():
            path.chmod(0o600)
        self.config = self.folder / "authmilter.toml"
        text = (SHIPPED / "authmilter.toml").read_text().replace('"mx.example.org"', f'"{MX}"')
        text += MILTER.format(folder=self.folder)
        self.config.write_text(text + SIGNING.format(folder=self.folder))
        # The keys are root's, who runs the command; the daemon is nobody, and needs none here.
        self.config.with_name("daemon.toml").write_text(text)

    def make_dovecot(self):
        # What the package has in /usr, where Dovecot looks for its programs.
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={self.packages}/usr:/usr", "/usr"], check=True)
        folder = self.folder / "dovecot"
        folder.mkdir()
        version = subprocess.run(["dovecot", "--version"], capture_output=True, text=True, check=True).stdout
        template = DOVECOT_23 if version.startswith("2.3") else DOVECOT_24
        text = template.format(folder=folder, chain=self.clients_chain,
                               listen=f"{v4(CLIENTS_NUMBER)}, {v6(CLIENTS_NUMBER)}")
        (folder / "dovecot.conf").write_text(text + DOVECOT_PORTS.format(protocol="imap", port=993)
                                             + DOVECOT_PORTS.format(protocol="pop3", port=995))

    def make_nginx(self, pages):
        """`pages`: of each name on the web what its server block for port 80 says, and for port 443."""
        folder = self.folder / "nginx"
        folder.mkdir()
        policies = ""
        for domain in self.domains:
            policy = domain.policy
            if policy is None:
                policy = POLICY.format(mode="enforce", mx=domain.mail_host().rstrip("."))
            policies += f'    mta-sts.{domain.name} "{policy}";\n'
        servers = NGINX_SERVER.format(v4=v4(WEB_NUMBER), v6=v6(WEB_NUMBER), port="443 ssl", name="_", settings=POLICY_FILE)
        for name, (clear, secure) in pages.items():
            for port, settings in ((80, clear), ("443 ssl", secure)):
                if settings:
                    servers += NGINX_SERVER.format(v4=v4(WEB_NUMBER), v6=v6(WEB_NUMBER), port=port, name=name, settings=settings)
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, chain=self.web_chain, policies=policies, servers=servers))

    def run(self, name, *command, **options):
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes.append((name, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)))

    def start(self, pages):
        self.make_daemon()
        self.make_dns()
        self.make_postfix()
        self.make_dovecot()
        self.make_nginx(pages)
        self.run("nsd", "nsd", "-d", "-c", self.nsd)
        self.run("unbound", "unbound", "-d", "-c", self.folder / "dns/unbound.conf")
        self.run("authmilterd", "setpriv", "--reuid=nobody", "--regid=postfix", "--clear-groups",
                 self.programs / "authmilterd", "--config", self.config.with_name("daemon.toml"))
        self.run("dovecot", "dovecot", "-F", "-c", self.folder / "dovecot/dovecot.conf")
        self.run("nginx", "nginx", "-c", self.folder / "nginx/nginx.conf")
        self.postfix.start()
        self._wait_for_ports()

    def _wait_for_ports(self):
        wanted = {(v4(NAME_SERVER), 53), ("127.0.0.1", 53), (v4(CLIENTS_NUMBER), 993), (v4(CLIENTS_NUMBER), 995),
                  (v4(CLIENTS_NUMBER), 465), (v4(WEB_NUMBER), 443), (v4(MX_NUMBER), 25)}
        deadline = time.monotonic() + 60
        while wanted - listening():
            for name, process in self.processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{name} ended with status {process.returncode}:\n{self.logs()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"nobody listens at {wanted - listening()}:\n{self.logs()}")
            time.sleep(0.05)

    def stop(self):
        if hasattr(self, "postfix"):
            self.postfix.stop()
        for _, process in self.processes:
            process.terminate()
        for _, process in self.processes:
            process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def logs(self):
        paths = [*self.folder.glob("*.log"), self.folder / "dovecot/log", self.folder / "nginx/log", self.folder / "postfix/maillog"]
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-4000:]}" for path in paths if path.exists())


def listening():
    """(address, port) of each IPv4 socket that waits for connections."""
    found = set()
    for line in pathlib.Path("/proc/self/net/tcp").read_text().splitlines()[1:]:
        local, state = line.split()[1], line.split()[3]
        if state == "0A":
            address, port = local.split(":")
            found.add((".".join(map(str, reversed(bytes.fromhex(address)))), int(port, 16)))
    return found
