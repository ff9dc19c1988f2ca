"""What the daemon says of its own DNS, and where it takes its name servers from.

    test_dns_health.py AUTHMILTERD [unittest arguments]
"""

import os
import re
import signal
import subprocess
import sys
import time
import unittest

from harness import measured, ran, signed_tree
from harness.dns_server import DnsServer
from harness.signed_tree import Middlebox, SignedTree

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
MESSAGES = 8
BROKEN = {f"{prefix}b{i}.example": [{"fault": "SERVFAIL"}] for i in range(MESSAGES) for prefix in ("", "_dmarc.")}


def asking(server, more=""):
    """Makes the daemon ask `server`, or the system's name servers for None."""
    def prepare(daemon):
        text = re.sub(r"zones = .*\n", more, daemon.config.read_text())
        nameservers = 'nameservers = ["127.0.0.1@9"]\n'
        daemon.write_config(text=text.replace(nameservers, f'nameservers = ["{server}"]\n' if server else ""))
    return prepare


def deliver(daemon, domain):
    with daemon.client() as client:
        client.greet("192.0.2.1", helo="[192.0.2.1]")
        return client.deliver([("From", f" a@{domain}")], mail_from=f"<a@{domain}>")


class Trouble(unittest.TestCase):
    def test_most_queries_fail(self):
        with DnsServer(BROKEN) as server, measured.Measured(PROGRAM, prepare=asking(server.address)) as daemon:
            for i in range(MESSAGES):
                deliver(daemon, f"b{i}.example")
            line, = daemon.wait_for("most DNS queries fail", seconds=40)
            self.assertRegex(line, r"failed=\d+ servfail=\d+ minutes=10 cause=.*dns\.nameservers.*check-dns")
            series = daemon.series()
            self.assertEqual(series['authmilter_dns_trouble{kind="servfail"}'], 1)
            self.assertEqual(series['authmilter_dns_trouble{kind="timeout"}'], 0)
            self.assertGreaterEqual(series['authmilter_dns_recent_failures{kind="servfail"}'], 10)
            time.sleep(1.5)
            self.assertEqual(len(daemon.lines("most DNS queries fail")), 1)


class Validation(unittest.TestCase):
    def test_an_upstream_that_changes(self):
        """A197: behind a resolver that refuses what is below the root validation is left, and comes back."""
        if not SignedTree.available():
            self.skipTest("no NSD, unbound or ldns")
        with SignedTree() as tree, Middlebox(tree.address, signed_tree.refuses_below_the_root) as server:
            setting = f'trust_anchor = "{tree.anchor}"\n'
            with measured.Measured(PROGRAM, prepare=asking(server.address, setting)) as daemon:
                daemon.write_config(text=daemon.config.read_text().replace('dnssec = "off"', 'dnssec = "auto"')
                                    .replace('timeout = "1s"', 'timeout = "5s"'))
                self.reload(daemon)
                validating = f'authmilter_dns_validating{{socket="{daemon.sockets[0]}"}}'
                deliver(daemon, "example.org")
                daemon.wait_for("not what leads below it", seconds=40)
                self.assertIn("spf=fail", daemon.wait_for("from=example.org")[-1])
                self.assertEqual(daemon.series()[validating], 0)

                server.change = lambda query, reply, transport: reply
                self.reload(daemon)
                daemon.wait_for_series(validating, 1, seconds=40)
                daemon.wait_for("nameservers pass DNSSEC signatures: answers are validated")

                # And the other way round, while it runs.
                server.change = signed_tree.refuses_below_the_root
                self.reload(daemon)
                daemon.wait_for_series(validating, 0, seconds=40)

    def reload(self, daemon):
        count = len(daemon.lines("configuration reloaded"))
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_for("configuration reloaded", count=count + 1)


@unittest.skipUnless(os.getuid() == 0, "only root may stand in for the system's name servers")
class System(unittest.TestCase):
    """/etc/resolv.conf is the test's own, in a mount namespace."""

    ZONES = [{"example.org": [("TXT", f"v=spf1 {last}all")], "_dmarc.example.org": [("TXT", "v=DMARC1; p=none")]}
             for last in "-~"]

    def test_lines_that_cannot_be_read_and_a_change(self):
        if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespaces here, as in a bare chroot")
        with DnsServer(self.ZONES[0], host="127.0.0.61", port=53), \
                DnsServer(self.ZONES[1], host="127.0.0.62", port=53):
            def prepare(daemon):
                (daemon.dir / "resolv.conf").write_text(
                    "nameserver\nnameserver ns.example.org\nnameserver 127.0.0.62:53\nnameserver 127.0.0.61\n")
                asking(None)(daemon)
            script = 'config=$(dirname "$3"); mount --bind "$config/resolv.conf" "$(readlink -f /etc/resolv.conf)"; exec "$@"'
            with measured.Measured(PROGRAM, prepare=prepare,
                                   wrapper=["unshare", "-m", "sh", "-ec", script, "sh"]) as daemon:
                deliver(daemon, "example.org")
                self.assertIn("spf=fail", daemon.wait_for("from=example.org")[-1])
                for line in ("line 1: names no address", 'line 2: ', "line 3: "):
                    daemon.wait_for("/etc/resolv.conf: " + line)
                # Changed in its place, without a reload. What is cached stays what it is.
                (daemon.dir / "resolv.conf").write_text("nameserver 127.0.0.62\n")
                end = time.monotonic() + 60
                number = 0
                while not daemon.lines("has changed: asking 127.0.0.62") and time.monotonic() < end:
                    number += 1
                    deliver(daemon, f"n{number}.example")
                    time.sleep(0.5)
                daemon.wait_for("has changed: asking 127.0.0.62")


if __name__ == "__main__":
    ran.main()
