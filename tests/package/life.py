#!/usr/bin/env python3
"""The life of the Debian package where systemd does not run: installed, used, upgraded, removed, purged.

usage: life.py FOLDER-OF-THE-PACKAGE [--base TREE]

It is installed in a copy of this machine, where everything it depends on is there already. That its
Depends are complete shows in a TREE that has nothing else:

    debootstrap --variant=minbase --include=NAMES,OF,DEPENDS bookworm TREE
"""

import argparse
import re
import subprocess
import sys
import tempfile

from harness.debian_package import newest, with_version
from harness.milter_client import MilterClient
from harness.throwaway_machine import Machine, Unavailable

SOCKET = "/run/authmilter/authmilter.sock"
CONFIGURATION = "/etc/authmilter/authmilter.toml"
KEY = "/etc/authmilter/keys/example.org.2026e.pem"
SIGNING = f"""# The administrator's.
[[signing.domain]]
domain = "example.org"
keys = [{{ selector = "2026e", file = "{KEY}" }}]
"""
HEADER = (("From", " a@example.org"), ("Subject", " hello"), ("Date", " Sun, 22 Nov 2026 12:00:00 +0000"))
# What dpkg and the system's own tools write about everything.
NOISE = re.compile(r"/var/(lib/dpkg|lib/systemd/deb-systemd-helper-enabled|log|cache)(/|$)|/root(/|$)|"
                   r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|/etc/\.pwd\.lock$")

WAYS = {
    "by systemd's tools": (),
    "by adduser": ("/usr/bin/systemd-sysusers", "/bin/systemd-sysusers", "/usr/bin/systemd-tmpfiles"),
}


# There is no name server here, so mail from outside waits at its sender.
NO_POLICY = "451 4.7.0 DMARC policy of example.org cannot be looked up: "


class Life:
    def __init__(self, machine, package, folder):
        self.machine, self.package, self.folder = machine, package, folder
        self.failures = 0
        self.before = machine.added()

    def expect(self, what, found, wanted):
        if found != wanted:
            self.failures += 1
            print(f"FAIL {what}: {found!r}, not {wanted!r}")

    def dpkg(self, *arguments):
        return self.machine.run("dpkg", *arguments)

    def install(self, package):
        copy = self.machine.path(f"/tmp/{package.name}")
        copy.write_bytes(package.read_bytes())
        return self.dpkg("--force-confdef", "--force-confold", "--install", f"/tmp/{package.name}")

    def stat(self, name):
        return self.machine.run("stat", "--format", "%A %U:%G", name, check=False)

    def remains(self):
        return sorted(name for name in self.machine.added() - self.before if not NOISE.match(name))

    def mail(self, client, network):
        """What the daemon, run by hand as its user, inserts into a message of this client."""
        command = self.machine.command(
            "sh", "-c", "echo $$; exec setpriv --reuid authmilter --regid authmilter --init-groups authmilterd")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as daemon:
            number = daemon.stdout.readline().strip()
            try:
                self.machine.wait_for(self.machine.path(SOCKET).exists, "the socket")
                self.expect(f"socket, {network}", self.stat(SOCKET), "srw-rw---- authmilter:postfix")
                with MilterClient(f"unix:{self.machine.path(SOCKET)}", timeout=60) as milter:
                    milter.greet(client)
                    result = milter.deliver(HEADER)
                reply = result.reply[:len(NO_POLICY)] if result.reply else None
                self.expect(f"mail, {network}", reply, None if client == "127.0.0.1" else NO_POLICY)
            finally:
                # The daemon is not our child, but nsenter's.
                self.machine.run("sh", "-c", f"kill {number}", check=False)
            complaints = daemon.stderr.read()
        self.expect(f"end, {network}", daemon.returncode, 0)
        if daemon.returncode != 0:
            print(complaints)
        self.expect(f"socket afterwards, {network}", self.machine.path(SOCKET).exists(), False)
        return result

    def installed(self):
        run = self.machine.run
        self.expect("state", run("dpkg-query", "-W", "-f", "${db:Status-Status}", "authmilter"), "installed")
        self.expect("groups", set(run("id", "-Gn", "authmilter").split()), {"authmilter", "postfix"})
        self.expect("user", run("getent", "passwd", "authmilter").replace(",,,", "").split(":")[4:],
                    ["Mail authentication milter", "/nonexistent", "/usr/sbin/nologin"])
        for place, wanted in (("/run/authmilter", "drwxr-s--- authmilter:postfix"),
                              ("/etc/authmilter/keys", "drwxr-x--- authmilter:authmilter"),
                              ("/var/lib/authmilter/keys", "drwxr-xr-x authmilter:authmilter"),
                              (CONFIGURATION, "-rw-r--r-- root:root")):
            self.expect(place, self.stat(place), wanted)
        self.expect("enabled", run("readlink", "/etc/systemd/system/multi-user.target.wants/"
                                   "authmilterd.service").endswith("/authmilterd.service"), True)
        for timer in ("authmilter-keys.timer", "authmilter-report.timer"):
            self.expect(timer, run("readlink", f"/etc/systemd/system/timers.target.wants/{timer}")
                        .endswith(f"/{timer}"), True)
        # What shows reports, or looks at them, is the administrator's to enable, and has a user of its own who may
        # read the store: the folder lets its group in, and the keys' folder is out of that user's reach.
        for unit in ("multi-user.target.wants/authmilter-reports.service",
                     "timers.target.wants/authmilter-report-check.timer"):
            self.expect(f"{unit} is not enabled", self.machine.path(f"/etc/systemd/system/{unit}").is_symlink(), False)
        for unit, user in (("authmilter-report.service", "authmilter"), ("authmilter-reports.service", "authmilter-reports"),
                           ("authmilter-report-check.service", "authmilter-reports")):
            text = self.machine.path(f"/usr/lib/systemd/system/{unit}").read_text()
            self.expect(f"user of {unit}", re.findall(r"(?m)^(?:User|Group)=(.*)$", text), [user, "authmilter"])
        self.expect("who shows reports", run("getent", "passwd", "authmilter-reports").replace(",,,", "").split(":")[4:],
                    ["Mail authentication reports", "/nonexistent", "/usr/sbin/nologin"])
        self.expect("the store's folder", self.stat("/var/lib/authmilter"), "drwxr-xr-x authmilter:authmilter")
        self.expect("the configuration as it comes",
                    run("runuser", "-u", "authmilter", "--", "authmilterd", "--check-config"), "")

    def upgrades(self):
        """From the shipped configuration to the administrator's, which stays."""
        user = self.machine.run("id", "authmilter")
        self.install(self.package)
        self.installed()
        self.expect("the user after installing it again", self.machine.run("id", "authmilter"), user)
        self.machine.path(CONFIGURATION).write_text(SIGNING)
        self.machine.run("runuser", "-u", "authmilter", "--", "authmilter", "key", "generate", "--type",
                         "ed25519", "--domain", "example.org", "--selector", "2026e", "--out", KEY)
        # The administrator's choice is not undone.
        self.machine.run("chmod", "0700", "/etc/authmilter/keys")
        self.install(with_version(self.package, "9.0-1", self.folder, configuration="# new\n"))
        self.expect("version", self.machine.run("dpkg-query", "-W", "-f", "${Version}", "authmilter"),
                    "9.0-1")
        self.expect("the administrator's file", self.machine.path(CONFIGURATION).read_text(), SIGNING)
        self.expect("the new one", self.machine.path(CONFIGURATION + ".dpkg-dist").read_text(), "# new\n")
        self.expect("the keys' folder", self.stat("/etc/authmilter/keys"),
                    "drwx------ authmilter:authmilter")
        signatures = self.mail("127.0.0.1", "upgraded, from within").inserted("DKIM-Signature")
        self.expect("signature", [re.findall(r"\b[ds]=[\w.]+", one) for one in signatures],
                    [["d=example.org", "s=2026e"]])

    def ends(self):
        kept = ["/etc/authmilter", "/etc/authmilter/keys", KEY]
        self.dpkg("--remove", "authmilter")
        self.expect("what removing leaves", [name for name in self.remains() if name.startswith("/etc/a")],
                    sorted([*kept, CONFIGURATION, CONFIGURATION + ".dpkg-dist"]))
        self.expect("programs", self.machine.run("sh", "-c", "command -v authmilterd authmilter",
                                                 check=False), "")
        self.expect("purging names the keys' folder", "/etc/authmilter holds files of yours" in
                    self.dpkg("--purge", "authmilter"), True)
        self.expect("what purging leaves", self.remains(), kept)
        self.machine.run("rm", "-r", "/etc/authmilter")
        self.install(self.package)
        self.installed()
        self.dpkg("--purge", "authmilter")
        self.expect("what purging leaves without keys", self.remains(), [])


def live(way, missing, package, base):
    with Machine(base=base) as machine, tempfile.TemporaryDirectory() as folder:
        for name in missing:
            machine.path(name).unlink(missing_ok=True)
        life = Life(machine, package, folder)
        life.install(package)
        life.installed()
        life.mail("192.0.2.1", "fresh, from outside")
        life.upgrades()
        life.ends()
    print(f"{way}: {life.failures} failures")
    return life.failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--base", default="/")
    arguments = parser.parse_args()
    try:
        return 1 if sum([live(way, missing, newest(arguments.folder), arguments.base)
                         for way, missing in WAYS.items()]) else 0
    except Unavailable as why:
        print(f"SKIP: {why}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
