"""The resolvers, each with the configuration of its package, and what has to point it at the signed tree.

Runs in a throwaway copy of the machine, where the packages are in their places and port 53 is free.
"""

import dataclasses
import glob
import os
import pathlib
import pwd
import re
import shutil
import socket
import struct
import subprocess
import time
import typing

from harness.unpacked_packages import candidate, known

ANCHOR_FOLDER = pathlib.Path("/usr/share/dns")
# A resolver of the provider, for those that only forward.
UPSTREAM = "198.18.0.53"


def write(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def folder_of(path, user):
    """As the unit's RuntimeDirectory or the package's postinst makes it."""
    pathlib.Path(path).mkdir(parents=True, exist_ok=True)
    shutil.chown(path, user, pwd.getpwnam(user).pw_gid)


def first_of(*patterns):
    return next((found for pattern in patterns for found in sorted(glob.glob(pattern))), patterns[0])


@dataclasses.dataclass
class Resolver:
    name: str
    package: str  # as in contrib/packages/resolvers
    start: typing.Callable  # the command; gets the tree
    user: str = ""
    address: str = "127.0.0.1"
    # Whether /etc/resolv.conf names it; it is named in dns.nameservers otherwise.
    is_the_systems: bool = True
    # Why nobody could validate behind some releases of it: what the daemon's notice says then.
    cannot_validate: str = ""
    # Whether some releases have no TCP.
    may_lack_tcp: bool = False
    # Hides the inner addresses that names outside have.
    hides_inner_addresses: bool = False
    # Some releases put a DNAME behind the CNAME that it stands for, which libunbound now takes and now does not.
    dname_comes_late: bool = False

    def passes_keys(self):
        """The DNSKEY of a top-level domain, with its signature, for those that validate themselves."""
        answer = ask(self.address, "com", 48, VALIDATOR)
        return answer is not None and answer[3] & 15 == 0 and answer[7] >= 2

    def has_tcp(self):
        if not self.may_lack_tcp:
            return True
        with socket.socket() as connection:
            connection.settimeout(5)
            return connection.connect_ex((self.address, 53)) == 0


def unbound(tree):
    # As its package-helper does at the start.
    folder_of("/var/lib/unbound", "unbound")
    write("/var/lib/unbound/root.key", tree.key_anchor + "\n")
    shutil.chown("/var/lib/unbound/root.key", "unbound")
    return ["unbound", "-d", "-p"]


def bind(tree):
    folder_of("/var/cache/bind", "bind")
    folder_of("/run/named", "bind")
    # `auto` means the root's key that is compiled in.
    options = pathlib.Path("/etc/bind/named.conf.options")
    options.write_text(options.read_text().replace("dnssec-validation auto;", "dnssec-validation yes;"))
    tag, algorithm, kind, digest = re.search(r"DS\s+(\d+) (\d+) (\d+) (\w+)", tree.anchor).groups()
    write("/etc/bind/named.conf.local", f'trust-anchors {{ . static-ds {tag} {algorithm} {kind} "{digest}"; }};\n')
    return ["named", "-f", "-u", "bind"]


def knot(tree):
    for folder in ("/run/knot-resolver", "/run/knot-resolver/control", "/var/cache/knot-resolver",
                   "/var/lib/knot-resolver"):
        folder_of(folder, "knot-resolver")
    if os.path.exists("/usr/bin/knot-resolver"):  # 6
        command = ["env", "-C", "/var/lib/knot-resolver", "knot-resolver", "--config=/etc/knot-resolver/config.yaml"]
    else:
        preconfigured = first_of("/usr/lib/*/knot-resolver/distro-preconfig.lua")
        command = ["env", "-C", "/var/cache/knot-resolver", "SYSTEMD_INSTANCE=1",
                   "kresd", "-c", preconfigured, "-c", "/etc/knot-resolver/kresd.conf", "-n"]
    return ["setpriv", "--reuid=knot-resolver", "--regid=knot-resolver", "--clear-groups",
            "--ambient-caps=+net_bind_service,+setpcap", "--inh-caps=+net_bind_service,+setpcap", *command]


def powerdns(tree):
    folder_of("/run/pdns-recursor", "pdns")
    return ["setpriv", "--reuid=pdns", "--regid=pdns", "--clear-groups",
            "--ambient-caps=+net_bind_service,+chown", "--inh-caps=+net_bind_service,+chown",
            "pdns_recursor", "--daemon=no", "--write-pid=no", "--disable-syslog", "--log-timestamp=no"]


def dnsmasq(*options):
    """With the options that its package's init script gives it."""
    def start(tree):
        write("/run/dnsmasq/resolv.conf", f"nameserver {UPSTREAM}\n")
        tag, algorithm, kind, digest = re.search(r"DS\s+(\d+) (\d+) (\d+) (\w+)", tree.anchor).groups()
        return ["dnsmasq", "-k", "-u", "dnsmasq", "-r", "/run/dnsmasq/resolv.conf",
                "-7", "/etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new", "--local-service",
                f"--trust-anchor=.,{tag},{algorithm},{kind},{digest}", *options]
    return start


def resolved(tree):
    folder_of("/run/systemd/resolve", "systemd-resolve")
    write("/etc/systemd/resolved.conf.d/tree.conf", f"[Resolve]\nDNS={UPSTREAM}\n")
    return ["/lib/systemd/systemd-resolved"]


# It goes into the background.
AARDVARK = """cd /run/aardvark && /usr/lib/podman/aardvark-dns --config . --port 53 run || exit
pid=$(cat aardvark.pid)
trap 'kill $pid; exit' TERM
while sleep 0.1; do :; done
"""
SYSTEM_LOG = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def aardvark(tree):
    """What podman gives its containers. It asks the servers of its host's /etc/resolv.conf."""
    if not os.path.exists("/dev/log"):
        SYSTEM_LOG.bind("/dev/log")  # without one it does not start
    write("/run/aardvark/podman", "198.18.1.1\n0123456789abcdef 198.18.1.1  mx\n")
    write("/etc/resolv.conf", f"nameserver {UPSTREAM}\n")
    return ["sh", "-c", AARDVARK]


RESOLVERS = [
    Resolver("unbound", "unbound", unbound, user="unbound"),
    Resolver("BIND", "bind9", bind, user="bind"),
    Resolver("Knot Resolver", "knot-resolver | knot-resolver6", knot, user="knot-resolver"),
    Resolver("PowerDNS Recursor", "pdns-recursor", powerdns, user="pdns", dname_comes_late=True),
    Resolver("dnsmasq", "dnsmasq", dnsmasq(), user="dnsmasq"),
    Resolver("dnsmasq, rebind protection", "dnsmasq", dnsmasq("--stop-dns-rebind"), user="dnsmasq",
             hides_inner_addresses=True),
    # 252 refuses the DS and DNSKEY of top-level domains, whose names have a single label.
    Resolver("systemd-resolved", "systemd-resolved", resolved, user="systemd-resolve",
             address="127.0.0.53", cannot_validate="answers are not validated"),
    # 1.4 says "no such name" of the root and of names of a single label, and has no TCP.
    Resolver("aardvark-dns", "aardvark-dns", aardvark, address="198.18.1.1",
             is_the_systems=False, cannot_validate="answers are not validated", may_lack_tcp=True),
]


def add_user(name):
    if name and not user_exists(name):
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "--user-group", name],
                       check=True, capture_output=True)


def user_exists(name):
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


# Of the header and of EDNS (RFC 1035 section 4.1.1, RFC 4035 sections 3.2.1 and 3.2.2): RD; CD and DO too.
PLAIN, VALIDATOR = (0x0100, 0), (0x0110, 0x8000)


def ask(address, name, kind, flags=PLAIN, seconds=5):
    """A name server's answer; None without one."""
    header, extended = flags
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    query = (struct.pack("!6H", os.getpid() & 0xFFFF, header, 1, 0, 0, 1) + labels + b"\0" +
             struct.pack("!HHBHHIH", kind, 1, 0, 41, 1232, extended, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(seconds)
        try:
            asker.connect((address, 53))
            asker.send(query)
            answer = asker.recv(4096)
        except OSError:
            return None
    return answer if answer[:2] == query[:2] else None


def answers(address, zone):
    """Whether a name server knows the SOA of `zone` now."""
    answer = ask(address, zone, 6, seconds=0.5)
    if answer is None:
        time.sleep(0.05)
    return answer is not None and answer[3] & 15 == 0


def has_processes(user):
    """Those that have ended, and that nobody waits for, aside: they have no socket any more."""
    states = subprocess.run(["ps", "-o", "state=", "-u", user], capture_output=True, text=True, check=False)
    return any(state != "Z" for state in states.stdout.split())


class Server:
    """A process of ours, with its log; ends with the block."""

    def __init__(self, name, command, folder, address, zone="nsec.example", user=""):
        self.name, self.user = name, user
        self.log = pathlib.Path(folder) / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.wait_until_it_answers(address, zone)
        except BaseException:
            self.stop()
            raise

    def wait_until_it_answers(self, address, zone, seconds=120):
        end = time.monotonic() + seconds
        while not answers(address, zone):
            assert self.process.poll() is None, f"{self.name} ends:\n{self.said()}"
            assert time.monotonic() < end, f"{self.name} does not answer:\n{self.said()}"

    def said(self):
        return self.log.read_text(errors="replace")[-3000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.user:  # what it has started, in this namespace of processes
            subprocess.run(["pkill", "--signal", "KILL", "--euid", self.user], check=False)
            end = time.monotonic() + 60
            while has_processes(self.user) and time.monotonic() < end:
                time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


UPSTREAM_CONFIGURATION = """server:
  interface: {address}
  access-control: 0.0.0.0/0 allow
  trust-anchor-file: "{anchor}"
  username: ""
  chroot: ""
  directory: ""
  pidfile: ""
  use-syslog: no
remote-control:
  control-enable: no
"""


class Internet:
    """A network beside ours where the tree is served, and a way there: dnsmasq wants port 53 of all addresses here."""

    OURS = "198.18.1.1"

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep infinity"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def connect(self, addresses):
        there = str(self.process.pid)
        self.ip("link", "set", "lo", "up")
        self.ip("link", "add", "uplink", "type", "veth", "peer", "name", "downlink", "netns", there)
        self.ip("address", "add", self.OURS, "dev", "uplink")
        self.ip("link", "set", "uplink", "up")
        self.ip("route", "add", "default", "dev", "uplink")
        for link in ("lo", "downlink"):
            self.ip("link", "set", link, "up", inside=True)
        for address in addresses:
            self.ip("address", "add", f"{address}/32", "dev", "downlink", inside=True)
        self.ip("route", "add", f"{self.OURS}/32", "dev", "downlink", inside=True)

    def ip(self, *arguments, inside=False):
        subprocess.run([*(self.command() if inside else ()), "ip", *arguments], check=True)

    def command(self, *command):
        return ["nsenter", "--target", str(self.process.pid), "--net", *command]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def start_tree(tree, folder, stack):
    """The name servers of the tree, and the resolver of a provider; the root's key where Debian has it."""
    internet = stack.enter_context(Internet())
    internet.connect([*tree.addresses(), UPSTREAM])
    write(ANCHOR_FOLDER / "root.key", tree.key_anchor + "\n")
    write(ANCHOR_FOLDER / "root.ds", tree.anchor + "\n")
    root, zones = tree.nsd_configurations()
    for name, configuration, address, zone in (("root", root, tree.addresses()[0], ""),
                                               ("zones", zones, tree.addresses()[-1], "example.")):
        stack.enter_context(Server(f"nsd-{name}", internet.command("nsd", "-d", "-c", configuration), folder, address, zone))
    anchor = write(folder / "upstream.key", tree.key_anchor + "\n")
    configuration = write(folder / "upstream.conf", UPSTREAM_CONFIGURATION.format(address=UPSTREAM, anchor=anchor))
    stack.enter_context(Server("upstream", internet.command("unbound", "-d", "-p", "-c", configuration), folder, UPSTREAM))


def version_of(resolver):
    """As Debian writes it; nothing where this release has no such package."""
    return candidate(known(resolver.package))
