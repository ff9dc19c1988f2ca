"""An MTA that goes away at any point, and one that has more connections than there is room for.

    mta_faults.py AUTHMILTERD [unittest arguments]
"""

import resource
import signal
import socket
import struct
import sys
import time

from harness import faults, ran
from harness.faults import LEGIT, STAGES, Victim, check, closing, until

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
TIMES = 40
CONNECTIONS = 500

# The packet that follows each stage, in the middle of which the MTA ends.
NEXT = {"connect": b"Hhelo.attack.com\0", "helo": b"M<any@attack.com>\0", "mail": b"R<user@victim.com>\0", "rcpt": b"T",
        "header": b"LSubject\0 x\0", "end_of_headers": b"B" + b"x" * 60000, "body": b"E"}


def reset(client):
    """Over TCP, what the MTA's host sends for a process that was killed."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()


class OverTcp(faults.Watched):
    def write_config(self, more=None, text=None):
        if text and self.sockets[0].startswith("unix:"):
            unix, self.sockets = self.sockets[0], [f"inet:{faults.free_port()}@127.0.0.1"]
            text = text.replace(unix, self.sockets[0])
        super().write_config(more, text)


class GoingAway(faults.TestCase):
    def check_nothing_left(self, daemon, descriptors, threads, seconds=60):
        def nothing_left():
            metrics = daemon.metrics()
            self.assertEqual(metrics["authmilter_open_connections"], 0)
            self.assertEqual(metrics["authmilter_messages_in_hand"], 0)
            self.assertLessEqual(daemon.descriptors(), descriptors)
            self.assertLessEqual(daemon.threads(), threads)
        self.wait_until(nothing_left, seconds)

    def test_after_each_callback_and_within_each_packet(self):
        for kind, go in ((faults.Watched, lambda client: client.sock.close()), (OverTcp, reset)):
            with kind(PROGRAM) as daemon:
                self.check_judges(daemon)
                daemon.metrics()
                time.sleep(0.3)
                descriptors, threads = daemon.descriptors(), daemon.threads()
                for stage in STAGES:
                    packet = struct.pack("!I", len(NEXT[stage])) + NEXT[stage]
                    for octets in (b"", packet[:2], packet[:4], packet[:-1], packet):
                        with self.subTest(kind=kind.__name__, stage=stage, octets=octets[:20]):
                            for _ in range(TIMES // 5):
                                client = daemon.client()
                                until(client, stage)
                                client.send_raw(octets)
                                go(client)
                with self.subTest(kind=kind.__name__, stage="each header"):
                    for number in range(TIMES):
                        client = daemon.client()
                        until(client, "rcpt")
                        for field in (LEGIT * TIMES)[:number]:
                            client.header(*field)
                        go(client)
                with self.subTest(kind=kind.__name__, stage="before the negotiation"):
                    for number in range(TIMES):
                        client = daemon.client(negotiate=False)
                        client.send_raw(b"\0\0\0\x0dO\0\0\0"[:number % 9])
                        go(client)
                self.check_nothing_left(daemon, descriptors, threads)
                self.check_judges(daemon)

    def test_while_the_dns_is_silent(self):
        """At the end of the message; its wait ends as it would have, for nobody."""
        with faults.FaultyServer({}) as server:
            zone = "com. IN SOA . . 1 3600 600 86400 300\n"
            with faults.Watched(PROGRAM, zone=zone, nameserver=server.address) as daemon:
                self.check_judges(daemon)
                daemon.metrics()
                time.sleep(0.3)
                descriptors, threads = daemon.descriptors(), daemon.threads()
                server.answer = lambda query, reply, tcp: []
                in_hand = 0  # at most; a slow machine takes them up late
                for _ in range(10):
                    clients = [daemon.client() for _ in range(10)]
                    for number, client in enumerate(clients):
                        until(client, "body", [("From", f" <a@{number}.silent.example>")])
                    for client in clients:
                        client.send("E")
                    end = time.monotonic() + 2
                    while in_hand < 3 and time.monotonic() < end:
                        in_hand = max(in_hand, daemon.metrics()["authmilter_messages_in_hand"])
                    for client in clients:
                        client.sock.close()
                self.assertGreaterEqual(in_hand, 3)
                began = time.monotonic()
                self.check_judges(daemon)
                self.assertLess(time.monotonic() - began, 5)
                server.answer = None
                # The resolver's library asks again, after longer and longer waits.
                self.check_nothing_left(daemon, descriptors, threads)
                self.check_judges(daemon)


class TooMany(faults.TestCase):
    def test_descriptors_used_up(self):
        """A142: with all descriptors in use the daemon waits, at rest, for one that comes free."""
        with Victim(PROGRAM) as daemon:
            self.check_judges(daemon)
            # A sanitizer opens descriptors of its own for each type that it meets for the first time.
            daemon.send_signal(signal.SIGHUP)
            daemon.wait_for("configuration reloaded")
            limit = daemon.descriptors() + 30
            resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
            clients = []
            with closing(clients):
                for _ in range(60):
                    # Those above the limit are in the kernel's queue.
                    clients.append(daemon.client(negotiate=False))
                self.wait_until(lambda: self.assertGreaterEqual(daemon.descriptors(), limit))
                served = []
                for client in clients[:10]:
                    client.negotiate()
                    until(client, "body")
                    served.append(client)
                before = daemon.cpu_seconds()
                time.sleep(3)
                self.assertLess(daemon.cpu_seconds() - before, 0.2)
                daemon.wait_for("^warning: .*Too many open files")
                self.assertIsNone(daemon.process.poll())
                # Those that are in judge on; what is not known to be right does not pass.
                for client in served:
                    check(self, faults.FORGED, client.end_of_message(i="full"))
                # A reload that cannot open its files leaves the old configuration.
                daemon.send_signal(signal.SIGHUP)
                daemon.wait_for("cannot reload|configuration reloaded", count=2)
                for client in clients[:45]:
                    client.sock.close()
                began = time.monotonic()
                self.check_judges(daemon)
                self.assertLess(time.monotonic() - began, 5)

    def test_idle_connections(self):
        """A141"""
        with faults.Watched(PROGRAM) as daemon:
            self.check_judges(daemon)
            for stage, in_hand in (("connect", 0), ("mail", CONNECTIONS)):
                clients = []
                with self.subTest(stage=stage), closing(clients):
                    before = daemon.memory()
                    for _ in range(CONNECTIONS):
                        clients.append(daemon.client())
                        until(clients[-1], stage)
                    self.wait_until(lambda: self.assertEqual(  # noqa: B023
                        (daemon.metrics()["authmilter_open_connections"], daemon.metrics()["authmilter_messages_in_hand"]),
                        (CONNECTIONS, in_hand)))
                    grown = (daemon.memory() - before) / CONNECTIONS
                    print(f"idle after {stage}: {grown / 1024:.1f} KiB each", flush=True)
                    self.assertLess(grown, daemon.allowed(CONNECTIONS * (64 << 10)) / CONNECTIONS)
                    began = time.monotonic()
                    self.check_judges(daemon)
                    self.assertLess(time.monotonic() - began, 2)
                    idle = daemon.cpu_seconds()
                    time.sleep(1)
                    self.assertLess(daemon.cpu_seconds() - idle, 0.2)
            self.check_judges(daemon)


if __name__ == "__main__":
    ran.main()
