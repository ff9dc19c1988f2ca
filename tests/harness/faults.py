"""The host under attack while things around it fail: how its state is seen, and that it judges as before."""

import contextlib
import time
import unittest

from . import exposition
from .daemon import PATIENCE
from .dns_server import DnsServer
from .network import free_port
from .victim import AR, ATTACKER, FORGED, GENUINE, LEGIT, STAGES, Row, Victim, check, mc, split, until  # noqa: F401

PASSED = Row("", LEGIT, "accepted", results=("spf=pass", "dmarc=pass"))


class Watched(Victim):
    """A daemon with metrics, and with a zone of its own for the names of LEGIT."""

    def __init__(self, program, more="", **options):
        self.metrics_port = free_port()
        super().__init__(program, f'{more}\n[metrics]\nlisten = "127.0.0.1:{self.metrics_port}"\n', **options)

    def metrics(self):
        text = exposition.text(f"127.0.0.1:{self.metrics_port}")
        return {name: float(value) for name, _, value in
                (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}


class FaultyServer(DnsServer):
    """Sends what `answer` makes of a query and the right reply to it: a list, of one or more replies or of none."""

    def __init__(self, names, **options):
        super().__init__(names, **options)
        self.answer = None

    def datagrams(self, query):
        return self.answer(query, self.reply(query), False) if self.answer else super().datagrams(query)

    def segments(self, query):
        return self.answer(query, self.reply(query), True) if self.answer else super().segments(query)


def genuine(daemon, **more):
    return daemon.deliver(LEGIT, client=GENUINE, helo="legitimate.com", mail_from="<admin@legitimate.com>", **more)


class TestCase(unittest.TestCase):
    def check_judges(self, daemon):
        """The genuine message passes, the forged one is refused."""
        self.assertIsNone(daemon.process.poll())
        check(self, PASSED, genuine(daemon))
        check(self, FORGED, daemon.deliver(LEGIT))

    def wait_until(self, what, seconds=PATIENCE):
        """Until the assertions of `what` hold."""
        end = time.monotonic() + seconds
        while True:
            try:
                return what()
            except AssertionError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)


@contextlib.contextmanager
def closing(clients):
    """A list of clients, closed at the end."""
    try:
        yield clients
    finally:
        for client in clients:
            client.sock.close()
