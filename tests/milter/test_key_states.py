"""The daemon signs with the keys that the state files say, as soon as they say it.

    test_key_states.py AUTHMILTERD [unittest arguments]
"""

import re
import signal
import sys
import time
import unittest

from harness import ran
from harness.daemon import Daemon, make_key

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
PATIENCE = 30

CONFIG = """[network]
internal = ["127.0.0.0/8"]
[signing]
state_directory = "{dir}/states"
[[signing.domain]]
domain = "example.org"
keys = [{keys}]
"""
HEADERS = [("From", " a@example.org"), ("Subject", " s")]
END = "# end of this file\n"


def key(selector, state, signs, more=""):
    return (f'[[key]]\nselector = "{selector}"\ntype = "ed25519"\nstate = "{state}"\n'
            f"signs = {'true' if signs else 'false'}\n{more}")


class KeyStates(unittest.TestCase):
    def config(self, daemon, names):
        keys = ", ".join(f'{{ selector = "{name}", file = "{daemon.dir}/{name}.pem" }}' for name in names)
        return CONFIG.format(dir=daemon.dir, keys=keys)

    def prepare(self, daemon):
        (daemon.dir / "states").mkdir()
        for name in ("old", "new"):
            make_key(daemon.dir / f"{name}.pem", "ed25519")
        daemon.write_config(more=self.config(daemon, ("old", "new")))

    def write_state(self, daemon, *keys, looked="2026-11-29T00:00:00Z", end=END):
        """In one piece, as the command writes it."""
        file = daemon.dir / "states/example.org.toml"
        fresh = file.with_name(".new")
        when = f'looked = "{looked}"\n' if looked else ""
        fresh.write_text('domain = "example.org"\n' + when + "".join(keys) + end)
        fresh.replace(file)

    def signatures(self, daemon, *before):
        """Those that a message gets which has those of `before`."""
        with daemon.client() as client:
            client.greet("127.0.0.1")
            return client.deliver([("DKIM-Signature", field) for field in before] + HEADERS).inserted("DKIM-Signature")

    def signers(self, daemon, *before):
        fields = self.signatures(daemon, *before)
        return sorted(re.search(r"\bs=(\w+)", field).group(1) for field in fields)

    def wait_for_signers(self, daemon, *wanted):
        end = time.monotonic() + PATIENCE
        while (found := self.signers(daemon)) != sorted(wanted) and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(found, sorted(wanted), daemon.log())

    def test_it_follows_the_state_without_a_reload(self):
        def prepare(daemon):
            self.prepare(daemon)
            self.write_state(daemon, key("old", "active", True), key("new", "pending", False))

        with Daemon(PROGRAM, prepare=prepare) as daemon:
            self.assertEqual(self.signers(daemon), ["old"])
            # A configuration that cannot be read by now is no matter.
            daemon.write_config(text="[nonsense]\n")
            self.write_state(daemon, key("old", "retiring", True), key("new", "active", True))
            self.wait_for_signers(daemon, "new", "old")
            self.write_state(daemon, key("old", "retiring", False), key("new", "active", True))
            self.wait_for_signers(daemon, "new")
            self.write_state(daemon, key("old", "retiring", True),
                             key("new", "active", False, 'lost = true\npublished = "missing"\n'))
            self.wait_for_signers(daemon, "old")
            line, = daemon.wait_for("record of a signing key is not in the DNS")
            self.assertIn("selector=new", line)
            self.assertFalse(daemon.lines("cannot reload"))

    def test_a_message_signed_by_a_key_that_nobody_finds_is_signed_again(self):
        """It comes by again, from an alias or a queue, after the key has gone."""
        gone = 'lost = true\npublished = "missing"\n'
        for why, states, signers in (
                ("makes way: its record stands", (key("old", "retiring", False), key("new", "active", True)), []),
                ("retired", (key("old", "retired", False), key("new", "active", True)), ["new"]),
                ("lost", (key("old", "active", False, gone), key("new", "retiring", True)), ["new"]),
                ("lost, and no other: the same would come", (key("old", "active", True, gone),
                                                             key("new", "pending", False)), [])):
            def prepare(daemon):
                self.prepare(daemon)
                self.write_state(daemon, key("old", "active", True), key("new", "pending", False))

            with self.subTest(why), Daemon(PROGRAM, prepare=prepare) as daemon:
                before, = self.signatures(daemon)
                self.write_state(daemon, *states, looked="2026-11-29T00:00:01Z")
                daemon.send_signal(signal.SIGHUP)
                daemon.wait_for("configuration reloaded")
                self.assertEqual(self.signers(daemon, before), signers, daemon.log())
                daemon.wait_for("sign=signed" if signers else "sign=signed-before")

    def test_a_change_is_said_that_a_reload_has_read(self):
        def prepare(daemon):
            self.prepare(daemon)
            self.write_state(daemon, key("old", "active", True), key("new", "pending", False))

        with Daemon(PROGRAM, prepare=prepare) as daemon:
            self.write_state(daemon, key("old", "retiring", False), key("new", "active", True))
            daemon.send_signal(signal.SIGHUP)
            line, = daemon.wait_for("signing keys have changed")
            self.assertIn("from=old to=new", line)
            self.assertEqual(self.signers(daemon), ["new"])

    def test_a_state_that_is_cut_off_changes_nothing(self):
        with Daemon(PROGRAM, prepare=self.prepare) as daemon:
            self.assertEqual(self.signers(daemon), ["new", "old"])  # no state: all
            self.write_state(daemon, key("old", "active", True), key("new", "pending", False))
            self.wait_for_signers(daemon, "old")
            self.write_state(daemon, key("old", "retiring", False), key("new", "active", True), end="")
            daemon.wait_for("cannot be read.*cut off.*as before")
            self.assertEqual(self.signers(daemon), ["old"])

    def test_a_start_with_a_broken_state_signs_with_all(self):
        def prepare(daemon):
            self.prepare(daemon)
            self.write_state(daemon, key("old", "active", True), end="")

        with Daemon(PROGRAM, prepare=prepare) as daemon:
            daemon.wait_for("cannot be read.*with all of its keys")
            self.assertEqual(self.signers(daemon), ["new", "old"])

    def test_a_key_that_it_has_not_read_is_read(self):
        def prepare(daemon):
            self.prepare(daemon)
            daemon.write_config(more=self.config(daemon, ("old",)))
            self.write_state(daemon, key("old", "active", True), key("new", "pending", False))

        with Daemon(PROGRAM, prepare=prepare) as daemon:
            daemon.write_config(more=self.config(daemon, ("old", "new")))  # nobody has reloaded it
            self.write_state(daemon, key("old", "retiring", False), key("new", "active", True))
            daemon.wait_for("configuration reloaded")
            self.wait_for_signers(daemon, "new")

    def test_what_nobody_watches_is_said_and_uses_are_noted(self):
        def prepare(daemon):
            self.prepare(daemon)
            self.write_state(daemon, key("old", "active", True), key("new", "pending", False),
                             looked="2020-01-01T00:00:00Z")

        with Daemon(PROGRAM, prepare=prepare) as daemon:
            daemon.wait_for("nobody watches the records.*last_look=2020-01-01T00:00:00Z")
            self.assertEqual(self.signers(daemon), ["old"])
            self.assertEqual(daemon.stop(), 0)
            day = int((daemon.dir / "states/.used.0").read_text().removeprefix("example.org old "))
            self.assertAlmostEqual(day, time.time() / 86400, delta=1.1)

    def test_what_nobody_has_ever_watched_is_said(self):
        def prepare(daemon):
            self.prepare(daemon)
            self.write_state(daemon, key("old", "active", True),
                             key("new", "pending", False, 'since = "2020-01-01T00:00:00Z"\n'), looked="")

        with Daemon(PROGRAM, prepare=prepare) as daemon:
            daemon.wait_for("nobody watches the records.*last_look=never waiting_since=2020-01-01T00:00:00Z.*"
                            "authmilter-keys.service has a drop-in for ")


if __name__ == "__main__":
    ran.main()
