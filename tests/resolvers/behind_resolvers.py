"""The daemon and the command behind each resolver: run by resolvers.py within a copy of the machine.

    behind_resolvers.py AUTHMILTERD AUTHMILTER [RESOLVER...]
"""

import contextlib
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import dkim

import servers
from harness.daemon import Daemon, make_key
from harness.tables import keep_table
from zones import CLIENT, Tree

# The default configuration, but for the place of its socket. In monitor mode every message shows its results.
CONFIG = """[milter]
socket = "{socket}"
socket_group = ""
[identity]
authserv_id = "mx.example.net"
[dns]
dnssec = "{dnssec}"
nameservers = {nameservers}
[verify]
mode = "monitor"
[log]
target = "stderr"
"""
# Longer than any answer takes here, shorter than the first time limit of anyone (5 s).
MOST_SECONDS = 3
# What the daemon says of its name servers.
NOTICE = r"nameservers? (strip|pass|answer)|DNSSEC|not validated"


@dataclasses.dataclass
class Row:
    why: str
    domain: str
    results: str  # each word in the results field
    selector: str = ""
    signer: str = ""
    client: str = CLIENT
    unproved: bool = False  # does not validate; all the resolvers' own upstream validates too


PASS = "spf=pass dkim=pass dmarc=pass"
TEMPERROR = "spf=temperror dkim=temperror dmarc=temperror"
UNSIGNED_MAIL = "spf=none dkim=none dmarc=fail"


def rows_of(zone):
    domain = f"{zone}.example"
    return [
        Row(f"{zone}: all of it", domain, PASS, "s"),
        Row(f"{zone}: a key by CNAME in an unsigned zone", domain, PASS, "alias"),
        Row(f"{zone}: a key by CNAME in another signed zone", domain, PASS, "across"),
        Row(f"{zone}: a key below a DNAME", domain, PASS, "s", signer=f"dname.{domain}"),
        Row(f"{zone}: a CNAME to nothing", domain, "spf=pass dkim=permerror dmarc=pass", "dangling"),
        Row(f"{zone}: no such key", domain, "spf=pass dkim=permerror dmarc=pass", "gone"),
        Row(f"{zone}: 4000 octets of policy, and of key", f"long.{domain}", PASS, "long"),
        Row(f"{zone}: a wildcard", f"a.wild.{domain}", "spf=pass dkim=none dmarc=pass"),
        Row(f"{zone}: an empty non-terminal exists", f"between.{domain}", f"{UNSIGNED_MAIL} policy.dmarc=none"),
        Row(f"{zone}: a name without TXT exists", f"void.{domain}", f"{UNSIGNED_MAIL} policy.dmarc=none"),
        Row(f"{zone}: no such name", f"gone.{domain}", f"{UNSIGNED_MAIL} policy.dmarc=quarantine"),
    ]


ROWS = [
    *rows_of("nsec"), *rows_of("nsec3"),
    Row("unsigned", "unsigned.example", PASS, "s"),
    Row("unsigned: no such name", "gone.unsigned.example", f"{UNSIGNED_MAIL} policy.dmarc=quarantine"),
    Row("another key than its parent says", "bogus.example", TEMPERROR, "s", unproved=True),
    Row("signatures of yesteryear", "expired.example", TEMPERROR, "s", unproved=True),
    Row("an inner address", "inner.nsec.example", "spf=pass dkim=none dmarc=pass", client="10.1.2.3"),
]


def message(row, key):
    header = [("From", f" A <a@{row.domain}>"), ("Subject", " hello"), ("Date", " Sun, 22 Nov 2026 12:00:00 +0000")]
    if row.selector:
        text = "".join(f"{name}:{value}\r\n" for name, value in header).encode() + b"\r\nHello\r\n"
        signer = row.signer or row.domain
        name, value = dkim.sign(text, row.selector.encode(), signer.encode(), key.read_bytes()).decode().split(":", 1)
        header.insert(0, (name, value.replace("\r\n", "\n").rstrip("\n")))
    return header


class Behind:
    """One resolver, one mode."""

    def __init__(self, resolver, mode, programs, messages):
        self.resolver, self.mode, self.messages = resolver, mode, messages
        self.daemon_program, self.command_program = programs
        self.notice = "" if resolver.passes_keys() else resolver.cannot_validate
        self.has_tcp = resolver.has_tcp()
        self.failures = []
        self.notices = []
        self.slowest = 0

    def summary(self):
        right = "all right" if not self.failures else f"{len(self.failures)} WRONG"
        return (f"{servers.version_of(self.resolver)}: {right}, slowest {self.slowest:.2f} s"
                f"{', notice in the log' * bool(self.notices)}")

    def fail(self, why, text):
        self.failures.append(f"{self.resolver.name}, dnssec = {self.mode}: {why}: {text}")

    def wanted(self, row):
        """What the results field has to say; more than one where it depends on the moment."""
        if self.mode == "on" and self.notice:
            unknown = re.sub("=(pass|permerror|fail)", "=temperror", row.results.split(" policy.")[0])
            return [unknown.replace("spf=none", "spf=temperror")]
        if "4000 octets" in row.why and not self.has_tcp:
            return [TEMPERROR]
        if row.client != CLIENT and self.resolver.hides_inner_addresses:
            # Without validation the answer is that there is no such address.
            return ["spf=fail dmarc=fail" if self.mode == "off" else "spf=temperror dmarc=temperror"]
        if "DNAME" in row.why and self.resolver.dname_comes_late:
            return [row.results, row.results.replace("dkim=pass", "dkim=temperror")]
        return [row.results]

    def run(self):
        def prepare(daemon):
            nameservers = [] if self.resolver.is_the_systems else [self.resolver.address]
            daemon.write_config(text=CONFIG.format(socket=daemon.sockets[0], dnssec=self.mode,
                                                   nameservers=json.dumps(nameservers)))
        with Daemon(self.daemon_program, prepare=prepare) as daemon:
            for row in ROWS:
                self.deliver(daemon, row)
            self.ask_command(daemon.config)
            if self.mode == "auto" and self.notice:
                with contextlib.suppress(AssertionError):
                    daemon.wait_for(self.notice, seconds=10)
            self.notices = daemon.lines(NOTICE)
        self.check_notices()

    def check_notices(self):
        said = "\n".join(self.notices)
        wanted = self.notice or r"\A\Z"
        if self.mode == "auto" and not re.search(wanted, said):
            self.fail("the log", f"has not {wanted!r} but {said!r}")

    def deliver(self, daemon, row):
        with daemon.client() as client:
            client.greet(row.client)
            begin = time.monotonic()
            result = client.deliver(self.messages[row.why], mail_from=f"<a@{row.domain}>", body=b"Hello\r\n")
            took = time.monotonic() - begin
        fields = result.inserted("Authentication-Results")
        field = re.sub(r"\s+", " ", fields[0]) if fields else str(result)
        found = field.replace(";", " ").split()
        if not any(set(wanted.split()) <= set(found) for wanted in self.wanted(row)):
            self.fail(row.why, f"not {' or '.join(self.wanted(row))} but {field}")
        if took > MOST_SECONDS:
            self.fail(row.why, f"takes {took:.1f} s")
        self.slowest = max(self.slowest, took)

    def ask_command(self, config):
        """What the daemon does, the command explains: with the same resolver and the same configuration."""
        for row in (ROWS[0], next(row for row in ROWS if row.unproved)):
            text = "".join(f"{name}:{value}\n" for name, value in self.messages[row.why]) + "\nHello\n"
            done = subprocess.run([self.command_program, "--config", config, "verify", "--json", "--ip", row.client,
                                   "--mail-from", f"a@{row.domain}"], input=text, capture_output=True, text=True,
                                  timeout=60, check=False)
            try:
                signature = json.loads(done.stdout)["dkim"][0]
            except (ValueError, LookupError):
                self.fail(row.why, f"the command says {done.stdout} {done.stderr}")
                continue
            wanted = re.search(r"dkim=(\w+)", self.wanted(row)[0])[1]
            secure = wanted == "pass" and self.mode != "off" and not self.notice
            found = (signature["result"], signature.get("dnssec"))
            if found != (wanted, secure):
                self.fail(row.why, f"the command has {found}, not {(wanted, secure)}")


def main():
    programs, names = sys.argv[1:3], sys.argv[3:]
    failures, table = [], []
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tree-")))
        folder.chmod(0o755)
        key = folder / "key.pem"
        tree = Tree(folder, make_key(key))
        messages = {row.why: message(row, key) for row in ROWS}
        servers.start_tree(tree, folder, stack)
        for resolver in servers.RESOLVERS:
            if names and resolver.name not in names:
                continue
            if not servers.version_of(resolver):
                print(f"{resolver.name:28} SKIPPED: not in this release")
                continue
            try:
                for one in behind(resolver, tree, folder, programs, messages):
                    failures += one.failures
                    table.append((f"{resolver.name}, dnssec = {one.mode}", one.summary()))
            except AssertionError as error:
                failures.append(str(error))
    keep_table("resolvers", {"": table})
    print("\n".join(failures))
    print(f"{len(ROWS)} messages behind each, {len(failures)} failures")
    return 1 if failures else 0


def behind(resolver, tree, folder, programs, messages):
    """Each mode, with a server that is new: what it remembers of one is not what it says in another."""
    servers.add_user(resolver.user)
    pathlib.Path("/etc/resolv.conf").unlink(missing_ok=True)
    for mode in ("auto", "on", "off"):
        begin = time.monotonic()
        with servers.Server(resolver.name, resolver.start(tree), folder, resolver.address,
                            user=resolver.user) as server:
            if resolver.is_the_systems:
                servers.write("/etc/resolv.conf", f"nameserver {resolver.address}\n")
            one = Behind(resolver, mode, programs, messages)
            one.run()
            if one.failures:
                one.failures.append(server.said())
        print(f"{resolver.name:28} {mode:5} {one.summary()}, all {time.monotonic() - begin:.1f} s "
              f"{' '.join(one.notices)}", flush=True)
        yield one


if __name__ == "__main__":
    sys.exit(main())
