"""Name servers that fail, each in a way of its own, under a daemon that has to judge mail meanwhile.

    dns_faults.py AUTHMILTERD [unittest arguments]

tests/lib/verify/fail_closed_test.cc has the same for each single lookup, with answers that are made up.
"""

import concurrent.futures
import dataclasses
import os
import struct
import sys
import time
import typing

from harness import faults, ran
from harness.dns_server import octets, read_question, record, wire_name
from harness.faults import AR, ATTACKER, GENUINE, FaultyServer, Row, Victim, check, mc, split

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"

BANK = {"bank.example": [("TXT", "v=spf1 ip4:192.0.2.10 -all")],
        "_dmarc.bank.example": [("TXT", "v=DMARC1; p=reject")]}
AUTHOR = split("From: <a@bank.example>\r\nSubject: x\r\n")
# To whom mail is let through when the DNS does not say whether it is forged; its results say temperror. To all others
# the documented default applies: the sender is asked to come again.
CARELESS = "<careless@victim.com>"
POLICY = """[[policy.override]]
recipient = ["careless@victim.com"]
dmarc_temperror = "accept"
"""

RIGHT = {"genuine": Row("", AUTHOR, "accepted", results=("spf=pass", "dmarc=pass")),
         "forged": Row("", AUTHOR, reply=r"^550 5\.7\.26 ")}
UNKNOWN = Row("", AUTHOR, "accepted", results=("spf=temperror", "dmarc=temperror"), lacks=("=pass", "spf=none", "dmarc=none"))
DEFERRED = Row("", AUTHOR, "deferred", reply=r"^451 4\.7\.\d .*bank\.example: dns", lacks=("=pass",))

TRUNCATED = 0x0200


def with_flags(reply, flags):
    return reply[:2] + struct.pack("!H", struct.unpack("!H", reply[2:4])[0] | flags) + reply[4:]


def code(number):
    """The response code alone, as a server sends it that has nothing else to say."""
    def answer(query, reply, tcp):
        end = read_question(query)[2]
        return [query[:2] + struct.pack("!HHHHH", 0x8180 | number, 1, 0, 0, 0) + query[12:end]]
    return answer


def slowly(seconds):
    def answer(query, reply, tcp):
        time.sleep(seconds)
        return [reply]
    return answer


def truncated(tcp_answer):
    def answer(query, reply, tcp):
        return tcp_answer(reply) if tcp else [with_flags(code(0)(query, reply, tcp)[0], TRUNCATED)]
    return answer


def other_id(query, reply, tcp):
    return [bytes([reply[0] ^ 0xFF]) + reply[1:]]


def other_question(query, reply, tcp):
    end = read_question(query)[2]
    return [reply[:12] + wire_name("attack.com") + reply[end - 4:]]


def other_type(query, reply, tcp):
    end = read_question(query)[2]
    return [reply[:end - 4] + struct.pack("!H", 28) + reply[end - 2:]]


def answers_of(owner):
    """What would let the forger pass, at another name than the one that was asked for."""
    def answer(query, reply, tcp):
        end = read_question(query)[2]
        text = octets("v=spf1 +all")
        one = record(octets(owner).split(b"."), 16, bytes([len(text)]) + text, 60)
        return [query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + query[12:end] + one]
    return answer


def counts_that_lie(query, reply, tcp):
    return [reply[:6] + b"\xff\xff" * 3 + reply[12:]]


def endless_name(query, reply, tcp):
    end = read_question(query)[2]
    return [query[:2] + struct.pack("!HHHHH", 0x8180, 1, 1, 0, 0) + query[12:end] +
            struct.pack("!HHHIH", 0xC000 | end, 16, 1, 60, 0)]


def wrong_before_right(query, reply, tcp):
    return [other_id(query, code(3)(query, reply, tcp)[0], tcp)[0], other_id(query, reply, tcp)[0], b"\0" * 5, reply]


@dataclasses.dataclass
class Fault:
    why: str
    answer: typing.Callable
    # What a message meets: "right", the verdict as without the fault; "unknown", a temperror; "no pass", that the
    # name server has the last word on whether there is a policy, but never on whether a message passes.
    verdict: str = "unknown"


SILENT = Fault("silent", lambda query, reply, tcp: [])
GONE = Fault("gone", None)
FAULTS = [
    SILENT, GONE,
    Fault("slow, within the timeout", slowly(0.25), "right"),
    Fault("slower than the timeout", slowly(1.5)),
    Fault("FORMERR", code(1)), Fault("SERVFAIL", code(2)), Fault("NOTIMP", code(4)), Fault("REFUSED", code(5)),
    Fault("truncated, and TCP has the answer", truncated(lambda reply: [reply]), "right"),
    Fault("truncated, and TCP closes", truncated(lambda reply: [])),
    Fault("truncated, TCP as well", truncated(lambda reply: [with_flags(reply, TRUNCATED)])),
    Fault("truncated, and TCP sends half of it", truncated(lambda reply: [reply[:20]])),
    Fault("another id", other_id),
    Fault("another question", other_question),
    Fault("another type in the question", other_type),
    Fault("noise", lambda query, reply, tcp: [os.urandom(100)]),
    Fault("noise with the right id", lambda query, reply, tcp: [query[:2] + os.urandom(100)]),
    Fault("an empty datagram", lambda query, reply, tcp: [b""]),
    Fault("half an answer", lambda query, reply, tcp: [reply[:-8]]),
    Fault("the query itself", lambda query, reply, tcp: [query]),
    Fault("counts that lie", counts_that_lie),
    Fault("a name that points at itself", endless_name),
    Fault("only the record of another name", answers_of("attack.com"), "no pass"),
    Fault("only the record of a name below", answers_of("x.bank.example"), "no pass"),
    Fault("wrong answers before the right one", wrong_before_right, "right"),
]


MESSAGES = [("genuine", "<user@victim.com>"), ("forged", "<user@victim.com>"), ("genuine", CARELESS), ("forged", CARELESS)]


def deliver(daemon, kind, rcpt="<user@victim.com>"):
    client, helo = {"genuine": (GENUINE, "bank.example"), "forged": (ATTACKER, "forger.example")}[kind]
    return daemon.deliver(AUTHOR, client=client, helo=helo, mail_from="<a@bank.example>", rcpts=[rcpt])


def observe(fault):
    """What MESSAGES met under the fault, how long they took, what a message met whose names need no server, and
    what both kinds met as soon as the fault was gone."""
    server = FaultyServer(BANK)
    with Victim(PROGRAM, POLICY, "com. IN SOA . . 1 3600 600 86400 300\n", nameserver=server.address) as daemon:
        running = None
        if fault is not GONE:
            server.answer = fault.answer
            running = server.__enter__()
        else:
            for one in server._servers:
                one.server_close()
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(MESSAGES)) as pool:
            met = list(pool.map(lambda one: deliver(daemon, *one), MESSAGES))
        seconds = time.monotonic() - began
        others = faults.genuine(daemon), daemon.deliver(faults.LEGIT)
        if running:
            server.answer = None
        else:
            running = FaultyServer(BANK, port=server.port).__enter__()
        try:
            end = time.monotonic() + (60 if fault.verdict != "no pass" else 0)
            while True:
                after = [deliver(daemon, kind) for kind in ("genuine", "forged")]
                recovered = all("temperror" not in str(one) and one.status != mc.TEMPFAIL for one in after)
                if recovered and after[1].status == mc.REJECT or time.monotonic() > end:
                    break
                time.sleep(0.2)
        finally:
            running.__exit__()
        return met, seconds, others, after, daemon.process.poll()


class NameServers(faults.TestCase):
    def test_each_fault(self):
        # More at a time take the processor from each other, and what is told here is told by seconds.
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            observations = list(pool.map(observe, FAULTS))
        for fault, (met, seconds, others, after, status) in zip(FAULTS, observations):
            for (kind, rcpt), result in zip(MESSAGES, met):
                with self.subTest(fault=fault.why, kind=kind, rcpt=rcpt):
                    if fault.verdict == "right":
                        check(self, RIGHT[kind], result)
                    elif fault.verdict == "no pass":
                        self.assertNotIn("=pass", str(result))
                    else:
                        check(self, UNKNOWN if rcpt == CARELESS else DEFERRED, result)
            with self.subTest(fault=fault.why):
                # One query has 1 s, and those of a message wait for each other in three steps at most.
                self.assertLess(seconds, 12)
                check(self, faults.PASSED, others[0])
                check(self, faults.FORGED, others[1])
                if fault.verdict != "no pass":  # whose answers may be kept
                    check(self, RIGHT["genuine"], after[0])
                    check(self, RIGHT["forged"], after[1])
                self.assertIsNone(status)

    def test_answers_that_come_when_the_message_has_no_time_left(self):
        """Each within its own time, but not within that of the message."""
        chain = {f"{n}.bank.example": [("TXT", f"v=spf1 include:{n + 1}.bank.example -all")] for n in range(8)}
        chain["8.bank.example"] = [("TXT", "v=spf1 +all")]
        chain["_dmarc.bank.example"] = BANK["_dmarc.bank.example"]
        with FaultyServer(chain) as server, \
                Victim(PROGRAM, nameserver=server.address, zone="", dns='message_timeout = "2s"',
                       more='[policy]\ndmarc_temperror = "accept"\n') as daemon:
            server.answer = slowly(0.3)
            began = time.monotonic()
            result = daemon.deliver(AUTHOR, mail_from="<a@0.bank.example>", client=ATTACKER)
            self.assertLess(time.monotonic() - began, 4)
            for part in ("spf=temperror reason=dns-limit smtp.mailfrom", "dmarc="):
                self.assertIn(part, result.inserted(AR)[0])
            self.assertNotIn("dmarc=pass", result.inserted(AR)[0])


if __name__ == "__main__":
    ran.main()
