"""Strangers who try to use the resolver up, with honest mail and forgeries beside them.

    resolver_attacks.py AUTHMILTERD [unittest arguments]

The names of attack.com are never answered, those of tcp.attack.com not once they are asked for over TCP, where an
answer keeps those behind it on its connection waiting; all others are, at once. Honest mail has to be judged as if nobody
else were there, for which its answers have to come within dns.timeout. Forgeries are tried all the while, at least 300 in
each row or as many as AUTHMILTER_TEST_TRIES says.
"""

import concurrent.futures
import contextlib
import itertools
import multiprocessing
import os
import socket
import statistics
import sys
import threading
import time
import unittest

from harness import ran
from harness.dns_server import DnsServer, read_question
from harness.faults import Watched
from harness.victim import ATTACKER, GENUINE, Row, check, mc, split

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
TRIES = int(os.environ.get("AUTHMILTER_TEST_TRIES", "300"))

BANK = {"bank.example": [("TXT", "v=spf1 ip4:192.0.2.10 -all")],
        "_dmarc.bank.example": [("TXT", "v=DMARC1; p=reject")],
        # Too long for a datagram.
        "long.example": [("TXT", f"v=spf1 {' '.join(f'ip4:198.51.{n}.0/24' for n in range(80))} ip4:192.0.2.10 -all")],
        "_dmarc.long.example": [("TXT", "v=DMARC1; p=reject; rua=" + ",".join(
            f"mailto:reports-{n}@a-very-long-name-for-reports.long.example" for n in range(40)))]}


def written_by(domain):
    return split(f"From: <a@{domain}>\r\nSubject: x\r\n")


AUTHOR = written_by("bank.example")
RIGHT = Row("", AUTHOR, "accepted", results=("spf=pass", "dmarc=pass"))
FORGED = Row("", AUTHOR, reply=r"^550 5\.7\.26 ")
# What is said here about temporary errors is the mildest that can be configured.
MILD = '[policy]\ndmarc_temperror = "accept"\nspf_temperror = "accept"\n'


class NameServer(DnsServer):
    def asked_by_attacker(self, query):
        name = b".".join(read_question(query)[0]).lower()
        return next((end for end in (b"tcp.attack.com", b"attack.com") if name.endswith(end)), None)

    def datagrams(self, query):
        match self.asked_by_attacker(query):
            case b"tcp.attack.com":
                return [self.truncated(query)]
            case b"attack.com":
                return []
        return super().datagrams(query)

    def segments(self, query):
        if self.asked_by_attacker(query):  # and whatever comes on this connection waits
            threading.Event().wait(60)
            return []
        return super().segments(query)


@contextlib.contextmanager
def name_server():
    """Its address. A process of its own, so that what goes on here does not make it slow. None of its answers can be
    kept, so that each message has to ask."""
    server = NameServer(BANK, ttl=0)
    udp, tcp = server._servers
    udp.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)

    def serve():
        threading.Thread(target=tcp.serve_forever, daemon=True).start()
        while True:
            query, asker = udp.socket.recvfrom(65535)
            for reply in server.datagrams(query):
                udp.socket.sendto(reply, asker)

    process = multiprocessing.get_context("fork").Process(target=serve, daemon=True)
    process.start()
    try:
        yield server.address
    finally:
        process.terminate()
        process.join()
        for one in server._servers:
            one.server_close()


def slow_signature(number):
    return ("DKIM-Signature", f" v=1; a=rsa-sha256; d=d{number}.attack.com; s=s; h=from; "
                              f"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA")


class Resolver(unittest.TestCase):
    @contextlib.contextmanager
    def daemon(self, more=MILD):
        with name_server() as address, \
                Watched(PROGRAM, more, nameserver=address, timeout="5s", dns='message_timeout = "6s"') as daemon:
            yield daemon

    @contextlib.contextmanager
    def honest_mail_beside(self, daemon, domain="bank.example"):
        """While the block runs, and at least TRIES forgeries long. Yields what tells whether they were so many."""
        over = threading.Event()
        times, counts = [], {"refused": 0, "deferred": 0, "accepted": 0}

        def enough():
            return sum(counts.values()) >= TRIES

        def forge(number):
            with daemon.client(timeout=60) as client:
                client.greet(f"203.0.{number}.66", "forger.example")
                while not over.is_set() or not enough():
                    result = client.deliver(written_by(domain), mail_from=f"<a@{domain}>")
                    kind = {mc.REJECT: "refused", mc.TEMPFAIL: "deferred"}.get(result.status, "accepted")
                    counts[kind] += 1

        def deliver():
            with daemon.client(timeout=60) as client:
                client.greet(GENUINE, domain)
                while not over.is_set() or len(times) < 20:
                    began = time.monotonic()
                    check(self, RIGHT, client.deliver(written_by(domain), mail_from=f"<a@{domain}>"))
                    times.append(time.monotonic() - began)

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            running = [pool.submit(deliver), pool.submit(forge, 1), pool.submit(forge, 2)]
            try:
                yield enough
            finally:
                over.set()
            for one in running:
                one.result()
        print(f"{self.id().rpartition('.')[2]}: {len(times)} honest messages, median {statistics.median(times):.3f} s, "
              f"at most {max(times):.3f} s; of {sum(counts.values())} forgeries {counts}", flush=True)
        self.assertEqual(counts["accepted"], 0)
        self.assertIsNone(daemon.process.poll())

    def overloads(self, daemon):
        return {name: value for name, value in daemon.metrics().items() if value and "dns_overloads" in name}

    def test_transactions_that_are_given_up_on_one_connection(self):
        """A191: MAIL, RSET, 2,100 times."""
        with self.daemon() as daemon, self.honest_mail_beside(daemon):
            with daemon.client() as client:
                client.greet(ATTACKER, "h.attack.com")
                for number in range(2100):
                    client.mail(f"<a@n{number}.attack.com>", mail_addr=f"a@n{number}.attack.com")
                    client.abort()
                # The client's own messages go on being judged, too.
                check(self, FORGED, client.deliver(AUTHOR, mail_from="<a@bank.example>"))
            self.assertEqual(self.overloads(daemon), {})

    def test_transactions_that_are_given_up_by_many_clients(self):
        """A191: from 30 networks, with names below many parents of one domain, for as long as forgeries are tried."""
        with self.daemon() as daemon, self.honest_mail_beside(daemon) as enough:
            end = time.monotonic() + 4

            def give_up(number):
                with daemon.client() as client:
                    client.greet(f"10.{number}.0.1", "h.attack.com")
                    for turn in itertools.count():
                        if time.monotonic() > end and enough():
                            return turn
                        client.mail(f"<a@n{turn}.p{number}.attack.com>", mail_addr="x")
                        client.abort()
                        time.sleep(0.003)

            with concurrent.futures.ThreadPoolExecutor(30) as pool:
                turns = sum(pool.map(give_up, range(30)))
            self.assertGreater(turns, 2100)
            self.assertEqual(self.overloads(daemon), {})

    def wait_in_vain(self, daemon, addresses, name, headers=()):
        """Messages that wait for names without an answer, one from each of `addresses`: what became of them."""
        def deliver(numbered):
            number, address = numbered
            with daemon.client(timeout=60) as client:
                client.greet(address, f"h{number}.attack.com")
                return client.deliver(list(headers) + split(f"From: <a@{name(number)}>\r\nSubject: x\r\n"),
                                      mail_from=f"<a@{name(number)}>")
        with concurrent.futures.ThreadPoolExecutor(len(addresses)) as pool:
            return list(pool.map(deliver, enumerate(addresses)))

    def test_messages_with_slow_names(self):
        """A191, A201: 120 messages of one client that wait for everything they can be made to wait for."""
        headers = [slow_signature(number) for number in range(10)]
        with self.daemon() as daemon, self.honest_mail_beside(daemon):
            results = self.wait_in_vain(daemon, [ATTACKER] * 120, "a.b.n{}.attack.com".format, headers)
            self.assertNotIn("=pass", str(results))
            self.assertEqual(self.overloads(daemon), {})

    def test_names_below_one_parent(self):
        """A199, A200, A202: more names than one parent may have, asked for by clients of many networks. Those that
        find no place are deferred, although temporary errors are accepted; nobody else is."""
        with self.daemon() as daemon, self.honest_mail_beside(daemon):
            results = self.wait_in_vain(daemon, [f"10.{number}.0.1" for number in range(200)] * 2,
                                        "n{}.p.attack.com".format)
            refused = [one for one in results if one.status == mc.TEMPFAIL]
            self.assertNotEqual(refused, [])
            for one in refused:
                self.assertRegex(one.reply, r"^451 4\.3\.2 ")
            self.assertNotIn("=pass", str(results))
            self.assertEqual(list(self.overloads(daemon)), ['authmilter_dns_overloads_total{share="subdomain"}'])
            line = daemon.wait_for("messages are deferred: too many DNS look-ups are under way")[0]
            self.assertIn("share=subdomain", line)

    def test_names_that_are_never_answered_over_tcp(self):
        """A255: beside names whose answers are long, too. One message at a time, which is far below every share."""
        with self.daemon() as daemon, self.honest_mail_beside(daemon, "long.example"):
            for number in range(20):
                with daemon.client(timeout=60) as client:
                    client.greet(ATTACKER, "h.attack.com")
                    client.mail(f"<a@n{number}.tcp.attack.com>", mail_addr=f"a@n{number}.tcp.attack.com")
                    time.sleep(0.3)
            self.assertEqual(self.overloads(daemon), {})

    def test_messages_with_names_that_are_never_answered_over_tcp(self):
        """A255: as many messages of one client as it may have, each of which asks several such questions."""
        with self.daemon() as daemon, self.honest_mail_beside(daemon, "long.example"):
            results = self.wait_in_vain(daemon, [ATTACKER] * 200, "n{}.tcp.attack.com".format)
            self.assertNotIn("=pass", str(results))
            self.assertEqual(self.overloads(daemon), {})

    def test_a_client_beyond_its_share(self):
        """A198, A202: a client with more messages that wait than it may have at a time."""
        with self.daemon() as daemon, self.honest_mail_beside(daemon):
            results = self.wait_in_vain(daemon, ["203.0.113.66"] * 300, "x.n{}.attack.com".format)
            refused = [one for one in results if one.status == mc.TEMPFAIL]
            self.assertNotEqual(refused, [])
            for one in refused:
                self.assertRegex(one.reply, r"^451 4\.3\.2 ")
            self.assertEqual(list(self.overloads(daemon)), ['authmilter_dns_overloads_total{share="client"}'])
            line = daemon.wait_for("messages are deferred: too many DNS look-ups are under way")[0]
            self.assertIn("client=203.0.113.66", line)


if __name__ == "__main__":
    ran.main()
