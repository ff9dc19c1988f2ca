#!/usr/bin/env python3
"""The Debian package where systemd runs: the unit as shipped, with its sandbox, under a real systemd.

usage: under_systemd.py FOLDER-OF-THE-PACKAGE
"""

import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import textwrap
import threading
import time

from harness.debian_package import newest, with_version
from harness.milter_client import MilterClient
from harness.throwaway_machine import Machine, Unavailable

TESTS = pathlib.Path(__file__).resolve().parent.parent

UNIT = "authmilterd.service"
DEFAULT_SOCKET = "/run/authmilter/authmilter.sock"
POSTFIX_SOCKET = "/var/spool/postfix/authmilter/authmilter.sock"
BY_TCP = ["inet:8891@127.0.0.1", "inet6:8892@[::1]"]
CONFIGURATION = "/etc/authmilter/authmilter.toml"
DROP_IN = f"/run/systemd/system/{UNIT}.d/test.conf"
HEADER = (("From", " a@example.org"), ("Subject", " hello"))

ZONED = """[dns]
zones = ["/etc/authmilter/zone"]
dnssec = "off"
"""
ZONE = """$TTL 300
. IN SOA . . 1 3600 600 86400 300
example.org. IN TXT "v=spf1 ip4:192.0.2.1 -all"
"""
SEVERAL = """[milter]
socket = {sockets}
[dns]
nameservers = ["{server}"]
dnssec = "off"
[metrics]
listen = "127.0.0.1:9253"
"""
CREDENTIAL = """[[signing.domain]]
domain = "example.org"
keys = [{ selector = "a", file = "/run/credentials/authmilterd.service/key" }]
"""
LIBRARY = "/usr/lib/softhsm/libsofthsm2.so"
TOKEN = f"""[[signing.domain]]
domain = "example.org"
keys = [
  {{ selector = "r", key = "pkcs11:token=mail;id=%01?module-path={LIBRARY}&pin-source=credential:token.pin" }},
  {{ selector = "e", key = "pkcs11:token=mail;id=%02?module-path={LIBRARY}&pin-source=credential:token.pin" }},
]
"""
SOFTHSM = """directories.tokendir = /var/lib/authmilter-tokens
objectstore.backend = file
"""

# Run in the network of the copy, from the files of this machine.
NAME_SERVER = """
import sys
from harness.dns_server import DnsServer
with DnsServer({"example.org": [("TXT", "v=spf1 ip4:192.0.2.1 -all")]}) as server:
    print(server.address, flush=True)
    sys.stdin.read()
"""


# A message from outside, as Postfix is made to believe, and one from within.
SUBMIT = """
import smtplib
for xclient, sender in (("ADDR=203.0.113.66 NAME=[UNAVAILABLE]", "a@stranger.example"), (None, "a@example.org")):
    with smtplib.SMTP("127.0.0.1", 25, timeout=60) as smtp:
        smtp.ehlo("client.example")
        if xclient:
            smtp.docmd("XCLIENT", xclient)
            smtp.ehlo("client.example")
        smtp.sendmail(sender, ["root@mx.example.net"], f"From: {sender}\\nSubject: hello\\n\\nHello\\n")
"""
# Debian's own configuration for the rest.
MAIN_CF = """compatibility_level = 3.6
myhostname = mx.example.net
mydestination = $myhostname
alias_maps =
inet_interfaces = loopback-only
smtpd_authorized_xclient_hosts = 127.0.0.0/8
"""


# What systemctl is-enabled says of a unit that is not there: systemd 252, and 257.
NO_UNIT = ("Failed to get unit file state for authmilterd.service: No such file or directory", "not-found")


def readme_blocks():
    """Kind and text of each block of code."""
    text = (TESTS.parent / "README.md").read_text()
    return [(kind, textwrap.dedent(block)) for kind, block in
            re.findall(r"(?ms)^ *```(\w*)\n(.*?)^ *```$", text)]


class Service:
    def __init__(self, machine, package, folder):
        self.machine, self.package, self.folder = machine, package, folder
        self.failures = 0

    def expect(self, what, found, wanted):
        if found != wanted:
            self.failures += 1
            print(f"FAIL {what}: {found!r}, not {wanted!r}")

    def dpkg(self, package):
        copy = self.machine.path(f"/tmp/{package.name}")
        copy.write_bytes(package.read_bytes())
        return self.machine.run("dpkg", "--force-confdef", "--force-confold", "--install",
                                f"/tmp/{package.name}")

    def show(self, name):
        return self.machine.run("systemctl", "show", "--property", name, "--value", UNIT)

    def process(self):
        process = self.show("MainPID")
        assert process != "0", "it does not run"
        return process

    def wait_for_another_than(self, before):
        self.machine.wait_for(lambda: self.show("MainPID") not in (before, "0") and self.state() == "active",
                              "another process")

    def state(self):
        return self.machine.run("systemctl", "is-active", UNIT, check=False)

    def enabled(self):
        return self.machine.run("systemctl", "is-enabled", UNIT, check=False)

    def reloads_so_far(self):
        return self.machine.run("journalctl", "--unit", UNIT, "--output", "cat", check=False).count(
            "configuration reloaded")

    def configure(self, text, action="restart"):
        self.machine.path(CONFIGURATION).write_text(text)
        self.machine.run("systemctl", "reset-failed", UNIT, check=False)
        return self.machine.succeeds("systemctl", action, UNIT)

    def drop_in(self, text):
        path = self.machine.path(DROP_IN)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.machine.run("systemctl", "daemon-reload")

    def milter(self, socket=DEFAULT_SOCKET):
        return MilterClient(f"unix:{self.machine.path(socket)}", timeout=60)

    def results(self, socket=DEFAULT_SOCKET, client="192.0.2.1"):
        """The results of SPF for a message, as the field has them; the reply where it was refused."""
        with self.milter(socket) as milter:
            milter.greet(client)
            result = milter.deliver(HEADER)
        if result.reply:
            return result.reply
        return [re.findall(r"\bspf=(\w+)", value)[:1] for value in
                result.inserted("Authentication-Results")] if result.accepted else result

    # Scenes, in their order

    def starts_when_installed(self):
        self.dpkg(self.package)
        self.expect("state", (self.state(), self.enabled()), ("active", "enabled"))
        # There is no name server here.
        self.expect("a message by the shipped configuration",
                    re.findall(r"^451 4\.7\.0 DMARC policy of (example\.org) cannot be looked up: .*; try again later$",
                               str(self.results())), ["example.org"])
        log = self.machine.run("journalctl", "--unit", UNIT, "--output", "cat", "AUTHMILTER_ID=4Xk2")
        self.expect("its line in the journal", len(re.findall(r"id=4Xk2 client=192\.0\.2\.1 .*from=example\.org ", log)), 1)

    def is_confined(self):
        process = self.process()
        status = dict(re.findall(r"(?m)^(\w+):\s+(.*)$", self.machine.path(f"/proc/{process}/status")
                                 .read_text()))
        names = ("CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Umask")
        self.expect("its privileges", [status[name].lstrip("0") for name in names],
                    ["", "", "", "", "1", "2", "77"])
        self.expect("its user", status["Uid"].split(),
                    self.machine.run("id", "--user", "authmilter").split() * 4)
        # The copy cannot raise what this machine allows.
        files = str(min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        limits = self.machine.path(f"/proc/{process}/limits").read_text()
        self.expect("its limits", re.findall(r"Max (core file size|open files) +(\d+) +(\d+)", limits),
                    [("core file size", "0", "0"), ("open files", files, files)])
        mounts = self.machine.path(f"/proc/{process}/mountinfo").read_text()
        options = {line.split()[4]: line.split()[5].split(",")[0] for line in mounts.splitlines()}
        self.expect("its files", [options.get(place) for place in ("/", "/run/authmilter", "/tmp")],
                    ["ro", "rw", "rw"])
        self.expect("others' folders in /tmp", self.machine.run(
            "nsenter", "--target", process, "--mount", "ls", "/tmp", "/home"), "/home:\n\n/tmp:")

    def reloads(self):
        self.machine.path("/etc/authmilter/zone").write_text(ZONE)
        before = self.process()
        self.expect("reload", self.configure(ZONED, "reload"), True)
        self.machine.wait_for(lambda: self.results() == [["pass"]], "the new configuration")
        self.configure("nonsense = 1\n", "reload")
        self.expect("a message after a bad reload", self.results(), [["pass"]])
        self.expect("the same process", self.show("MainPID"), before)

    def comes_back(self):
        self.configure(ZONED)
        before = self.process()
        self.machine.run("kill", "-KILL", before)
        self.wait_for_another_than(before)
        self.expect("a message after a crash", self.results(), [["pass"]])
        self.drop_in("[Service]\nWatchdogSec=2\n")
        self.configure(ZONED)
        before = self.process()
        self.machine.run("kill", "-STOP", before)
        self.wait_for_another_than(before)
        self.expect("a message after a hang", self.results(), [["pass"]])
        self.machine.path(DROP_IN).unlink()
        self.machine.run("systemctl", "daemon-reload")
        self.expect("start with a bad configuration", self.configure("nonsense = 1\n"), False)
        time.sleep(1.5)  # RestartSec is 1 s.
        self.expect("a bad configuration is not tried again",
                    (self.state(), self.show("NRestarts"), self.show("ExecMainStatus")), ("failed", "0", "78"))

    def serves_several_sockets(self):
        self.machine.run("install", "-d", "-o", "authmilter", "-g", "postfix", "-m", "2750",
                         "/var/spool/postfix/authmilter")
        inside = ["nsenter", "--target", self.machine.first, "--net", "env", f"PYTHONPATH={TESTS}", sys.executable, "-c"]
        with subprocess.Popen([*inside, NAME_SERVER], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as server:
            configuration = SEVERAL.format(sockets=[f"unix:{DEFAULT_SOCKET}", f"unix:{POSTFIX_SOCKET}", *BY_TCP],
                                           server=server.stdout.readline().decode().strip())
            self.expect("start", self.configure(configuration), True)
            for socket in (DEFAULT_SOCKET, POSTFIX_SOCKET):
                self.expect(f"a message by {socket}", self.results(socket), [["pass"]])
                self.expect(socket, self.machine.run("stat", "--format", "%A %U:%G", socket),
                            "srw-rw---- authmilter:postfix")
            for address in BY_TCP:
                with_tcp = subprocess.run(
                    [*inside, "from harness.milter_client import MilterClient\n"
                     f"with MilterClient('{address}') as milter:\n"
                     "  milter.greet()\n"
                     f"  print(milter.deliver({HEADER!r}).inserted('Authentication-Results'))"],
                    capture_output=True, text=True, check=False)
                self.expect(f"a message by {address}", "spf=pass" in with_tcp.stdout, True)
            with self.milter(POSTFIX_SOCKET) as milter:
                milter.greet()
                milter.begin()
                restart = threading.Thread(target=self.machine.run, args=("systemctl", "restart", "authmilterd"))
                restart.start()
                self.machine.wait_for(lambda: self.state() == "deactivating", "the restart")
                time.sleep(1)
                milter.content(HEADER)
                self.expect("a message in hand of one of several", milter.end_of_message(i="4Xk2").accepted, True)
            restart.join()
            server.stdin.close()
        metrics = subprocess.run(
            [*inside, "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9253/metrics').read())"],
            capture_output=True, text=True, check=False)
        self.expect("metrics", "authmilter_" in metrics.stdout, True)
        reach = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        self.expect("who reaches the socket", [
            self.machine.succeeds("runuser", "-u", user, "--", "python3", "-c", reach, socket)
            for user in ("postfix", "nobody") for socket in (DEFAULT_SOCKET, POSTFIX_SOCKET)],
            [True, True, False, False])

    def writes_only_where_it_is_let(self):
        self.machine.run("install", "-d", "-o", "authmilter", "-g", "postfix", "-m", "2750", "/var/lib/elsewhere")
        elsewhere = '[milter]\nsocket = "unix:/var/lib/elsewhere/socket"\n'
        self.expect("start", (self.configure(elsewhere), self.show("ExecMainStatus")), (False, "69"))
        self.drop_in("[Service]\nReadWritePaths=/var/lib/elsewhere\n")
        self.expect("start where it may write", self.configure(elsewhere), True)

    def signs_by_a_credential(self):
        self.machine.run("openssl", "genpkey", "-algorithm", "ED25519", "-out", "/root/key.pem")
        self.drop_in("[Service]\nLoadCredential=key:/root/key.pem\n")
        self.expect("start", self.configure(CREDENTIAL), True)
        with self.milter() as milter:
            milter.greet("127.0.0.1")
            signatures = milter.deliver(HEADER).inserted("DKIM-Signature")
        self.expect("signatures by a key of root's", len(signatures), 1)
        before = self.process()
        self.dpkg(with_version(self.package, "0.9-1", self.folder))
        self.expect("restarted by an upgrade with a credential",
                    (self.state(), self.process() != before), ("active", True))
        self.machine.path(DROP_IN).unlink()
        self.machine.run("systemctl", "daemon-reload")

    def signs_by_a_token(self):
        """By the drop-ins as they are offered, with the lines for SoftHSM."""
        machine = self.machine
        if not all(machine.succeeds("which", tool) for tool in ("softhsm2-util", "pkcs11-tool")):
            print("SKIP: softhsm2 or opensc is not installed")
            return
        conf, pin = "/etc/authmilter/softhsm2.conf", "4711"
        machine.path(conf).write_text(SOFTHSM)
        machine.path(conf).chmod(0o644)
        machine.path("/etc/authmilter/token.pin").write_text(f"{pin}\n")
        machine.path("/etc/authmilter/token.pin").chmod(0o600)
        machine.run("install", "-d", "-o", "authmilter", "-m", "0700", "/var/lib/authmilter-tokens")
        as_user = ("runuser", "-u", "authmilter", "--", "env", f"SOFTHSM2_CONF={conf}")
        machine.run(*as_user, "softhsm2-util", "--init-token", "--free", "--label", "mail", "--pin", pin,
                    "--so-pin", pin)
        for kind, number in (("rsa:2048", "01"), ("EC:edwards25519", "02")):
            machine.run(*as_user, "pkcs11-tool", "--module", LIBRARY, "--token-label", "mail",
                        "--login", "--pin", pin, "--keypairgen", "--key-type", kind, "--id", number)
        offered = "".join((TESTS.parent / f"contrib/systemd/{name}.conf").read_text()
                          for name in ("credentials", "pkcs11"))
        wanted = ("#LoadCredential=token.pin:", "#Environment=SOFTHSM2_CONF=",
                  "#ReadWritePaths=/var/lib/authmilter-tokens")
        lines = [line[1:] for line in offered.splitlines() if line.startswith(wanted)]
        self.expect("lines of the drop-ins", len(lines), len(wanted))
        self.drop_in("[Service]\n" + "\n".join(lines) + "\n")
        self.expect("start", self.configure(TOKEN), True)
        with self.milter() as milter:
            milter.greet("127.0.0.1")
            result = milter.deliver(HEADER)
        self.expect("signatures by a token", (len(result.inserted("DKIM-Signature")), result.reply), (2, ""))
        self.expect("what root is told of the configuration", machine.run(
            "env", f"SOFTHSM2_CONF={conf}", "authmilterd", "--check-config"), "")
        machine.path(DROP_IN).unlink()
        machine.run("systemctl", "daemon-reload")

    def works_as_the_readme_says(self):
        machine = self.machine
        if not machine.succeeds("test", "-x", "/usr/sbin/postfix", "-a", "-f",
                                "/usr/share/postfix/master.cf.dist"):
            print("SKIP: Postfix is not installed")
            return
        machine.run("rm", "-rf", "/var/spool/postfix/authmilter", "/etc/authmilter/keys", "/var/mail/root")
        machine.run("dpkg-reconfigure", "authmilter")
        blocks = readme_blocks()
        toml = [text for kind, text in blocks if kind == "toml"]
        main_cf = next(text for _, text in blocks if text.startswith("smtpd_milters"))
        shell = [text.replace("sudo -u authmilter", "runuser -u authmilter --").replace("sudo ", "")
                 for kind, text in blocks if kind == "sh"]
        machine.path("/etc/postfix/main.cf").write_text(MAIN_CF + main_cf)
        machine.run("cp", "/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
        machine.path(CONFIGURATION).write_text(toml[0])
        machine.run("sh", "-ec", next(text for text in shell if "spool/postfix" in text))
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", "postfix")
        records = machine.run("sh", "-ec", next(text for text in shell if "key generate" in text))
        self.expect("records to publish", len(re.findall(r"v=DKIM1", records)), 2)
        machine.path(CONFIGURATION).write_text(toml[0] + toml[1])
        before = self.reloads_so_far()
        machine.run("systemctl", "reload", UNIT)
        # That tells the daemon to, and does not wait until it has.
        machine.wait_for(lambda: self.reloads_so_far() > before, "the new configuration")
        machine.run("python3", "-c", SUBMIT)
        mailbox = machine.path("/var/mail/root")
        machine.wait_for(lambda: mailbox.exists() and mailbox.read_text().count("\nSubject: hello") == 2,
                         "two messages")
        results = re.findall(r"(?m)^Authentication-Results: ([\w.]+);", mailbox.read_text())
        self.expect("results of the one from outside", results, ["mx.example.org"])
        signatures = re.findall(r"(?m)^DKIM-Signature: .*?\bs=(\w+)", mailbox.read_text(), re.DOTALL)
        self.expect("signatures of the one from within", sorted(signatures), ["2026a", "2026e"])
        machine.run("systemctl", "stop", "postfix")

    def upgrades_without_losing_mail(self):
        self.configure(ZONED)
        before = self.process()
        newer = with_version(self.package, "9.0-1", self.folder)
        with self.milter() as milter:
            milter.greet()
            milter.begin()
            upgrade = threading.Thread(target=self.dpkg, args=(newer,))
            upgrade.start()
            self.machine.wait_for(lambda: self.state() == "deactivating", "the restart")
            milter.content(HEADER)
            result = milter.end_of_message(i="4Xk2")
            self.expect("the message in hand", (result.accepted, len(result.changes)), (True, 1))
        upgrade.join()
        self.expect("a new process", (self.state(), self.show("MainPID") != before), ("active", True))
        self.expect("a message after the upgrade", self.results(), [["pass"]])

    def upgrades_past_a_bad_configuration(self):
        before = self.process()
        self.machine.path(CONFIGURATION).write_text("nonsense = 1\n")
        said = self.dpkg(with_version(self.package, "9.1-1", self.folder))
        self.expect("what the upgrade says", re.findall(r"authmilterd is not restarted.*: (\S+toml:1:1)", said),
                    [CONFIGURATION + ":1:1"])
        self.expect("the old process", (self.state(), self.show("MainPID")), ("active", before))
        self.expect("a message meanwhile", self.results(), [["pass"]])

    def stays_as_the_administrator_left_it(self):
        self.configure(ZONED)
        self.machine.run("systemctl", "disable", "--now", UNIT)
        self.dpkg(with_version(self.package, "9.2-1", self.folder))
        self.expect("disabled and upgraded", (self.state(), self.enabled()), ("inactive", "disabled"))
        self.machine.run("systemctl", "enable", "--now", UNIT)

    def stops_when_removed(self):
        self.machine.run("dpkg", "--remove", "authmilter")
        self.expect("removed", (self.state(), self.machine.succeeds("pgrep", "-x", "authmilterd"),
                                self.machine.path(DEFAULT_SOCKET).exists()), ("inactive", False, False))

    def comes_again_where_policy_forbids_to_start(self):
        policy = self.machine.path("/usr/sbin/policy-rc.d")
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        self.dpkg(self.package)
        self.expect("under policy-rc.d", (self.state(), self.enabled()), ("inactive", "enabled"))
        policy.unlink()
        self.machine.run("dpkg-reconfigure", "authmilter")
        self.expect("without", (self.state(), self.results()), ("active", [["pass"]]))

    def leaves_nothing_when_purged(self):
        self.machine.run("dpkg", "--purge", "authmilter")
        self.expect("purged", (self.machine.path("/run/authmilter").exists(), self.enabled() in NO_UNIT,
                               sorted(name for name in self.machine.added()
                                      if name.startswith(("/etc/systemd", "/var/lib/systemd/deb")))),
                    (False, True, []))


def main():
    package = newest(sys.argv[1])
    try:
        with Machine("systemd") as machine, tempfile.TemporaryDirectory() as folder:
            service = Service(machine, package, folder)
            scenes = [service.starts_when_installed, service.is_confined, service.reloads,
                      service.comes_back, service.serves_several_sockets, service.writes_only_where_it_is_let,
                      service.signs_by_a_credential, service.signs_by_a_token,
                      service.works_as_the_readme_says,
                      service.upgrades_without_losing_mail, service.upgrades_past_a_bad_configuration,
                      service.stays_as_the_administrator_left_it, service.stops_when_removed,
                      service.comes_again_where_policy_forbids_to_start,
                      service.leaves_nothing_when_purged]
            for scene in scenes:
                began, failures = time.monotonic(), service.failures
                try:
                    scene()
                except (AssertionError, OSError) as problem:
                    service.failures += 1
                    print(f"FAIL {scene.__name__}: {problem}")
                print(f"{'ok  ' if service.failures == failures else 'FAIL'} "
                      f"{scene.__name__.replace('_', ' ')} ({time.monotonic() - began:.1f} s)", flush=True)
            if service.failures:
                print(machine.run("journalctl", "--unit", UNIT, "--no-pager", "--lines", "60", check=False))
    except Unavailable as why:
        print(f"SKIP: {why}")
        return 77
    print(f"{len(scenes)} scenes, {service.failures} failures")
    return 1 if service.failures else 0


if __name__ == "__main__":
    sys.exit(main())
