"""A message of every class of attack through a real Postfix, as contrib/demo has it too.

    through_postfix.py PROGRAMS

PROGRAMS is the build's folder with authmilterd and tools/authmilter. Postfix has to be started by
root: without it, or without Postfix, the exit status is 77.
"""

import dataclasses
import os
import re
import shutil
import socket
import struct
import sys
import time

import dkim

from harness import mail_host, ran
from harness.victim import SMUGGLING

MORE_ZONE = """\
attack.example TXT "v=spf1 ip4:203.0.113.66 -all"
helo.attack.example TXT "v=spf1 ip4:203.0.113.66 -all"
x.example TXT "v=spf1 +all"
bomb.example TXT "v=spf1 include:1.bomb.example include:2.bomb.example ip4:203.0.113.66 -all"
""" + "".join(f'{n}.bomb.example TXT "v=spf1 {" ".join(f"include:{m}{n}.bomb.example" for m in range(1, 7))} -all"\n'
              for n in (1, 2)) + "".join(f'{m}{n}.bomb.example TXT "v=spf1 -all"\n' for m in range(1, 7) for n in (1, 2))

TURNED_AWAY = "nobody@home.example"
ATTACKER = "any@attack.example"
EVIL = "From: <any@attack.example>"
BANK = "From: <admin@bank.example>"
US = mail_host.OUR_NAME


@dataclasses.dataclass
class Attack(mail_host.Row):
    body: str = "This is the body.\r\n"
    appended: str = ""  # to the body, after it was signed
    length: bool = False


def long_to(octets):
    """The field To, folded, of so many octets with the CRLF at each of its lines."""
    line = ",\r\n user@home.example"
    lines, rest = divmod(octets - len("To: user@home.example\r\n"), len(line))
    return "To: " + "u" * rest + "user@home.example" + line * lines


def signed_with_long_to(octets, becomes, **more):
    """A genuine message, which nothing but its signature proves."""
    return Attack(f"A235: To of {octets:,} octets", [BANK, long_to(octets)], ATTACKER, becomes, sign=True, **more)


def attack(what, headers, becomes="refused", sender=ATTACKER, **more):
    if becomes == "refused":
        more.setdefault("reply", "550 5.7.")
    return Attack(what, headers + ["To: user@home.example"], sender, becomes, **more)


def attacks():
    bank_results = f"Authentication-Results: {US}; dmarc=pass header.from=bank.example"
    arc = ["ARC-Seal: i=1; a=rsa-sha256; cv=none; d=attack.example; s=s1; b=AAAA",
           "ARC-Message-Signature: i=1; a=rsa-sha256; d=attack.example; s=s1; h=from; bh=AAAA; b=AAAA",
           f"ARC-Authentication-Results: i=1; {US}; dmarc=pass header.from=bank.example"]
    return [
        attack("A01: two From fields", [EVIL, BANK]),
        # Postfix ends the header before such a line, so there is no From field at all.
        attack("A03: a blank before the first field", [f" {EVIL}", BANK]),
        attack("A04: a blank before the colon", [EVIL, BANK.replace(":", " :")]),
        attack("A05: a fold before the colon", ["From", f" : <{ATTACKER}>", BANK]),
        attack("A08: null reverse-path, Resent-From", [f" {EVIL}", "Resent-From: <admin@bank.example>"], sender=""),
        attack("A09: no From field", ["Sender: <admin@bank.example>"]),
        attack("A15: a mailbox's From_ line", ["From admin@bank.example Mon Jan  1 00:00:00 2024", EVIL], "delivered",
               results=["dmarc=none", "header.from=attack.example"]),
        attack("A17: a second From behind 500 kB", [EVIL] + ["X: " + "y" * 50000] * 10 + [BANK], reply="552 5.3.4 "),
        # Where there are milters Postfix cuts a field at 60,000 octets, for them and for the queue. A signature
        # over such a field holds no more, so the field is what the message is refused for.
        attack("A18: a field of 100 kB", [EVIL, "X: " + "y" * 100000], reply="552 5.3.4 "),
        attack("A18: in 100 lines", [EVIL, "X: y" + "\r\n ".join(["y" * 998] * 100)], reply="552 5.3.4 "),
        signed_with_long_to(58_900, "delivered", results=["dkim=pass", "dmarc=pass"]),
        *(signed_with_long_to(octets, "refused", reply="552 5.3.4 Message header exceeds the limits of this server: "
                                                       "field To has more than 59000 octets")
          for octets in (59_100, 59_500, 61_000, 99_000)),
        attack("A20: two addresses", [EVIL + ", <admin@bank.example>"]),
        attack("A29: an address for a name", ['From: "admin@bank.example" <any@attack.example>'], "delivered",
               results=["dmarc=none", "header.from=attack.example"]),
        attack("A41: a HELO that passes", [BANK], sender="any@nx.bank.example", helo="helo.attack.example"),
        attack("A42: an open parenthesis", [BANK], sender="(any@bank.example"),
        attack("A46: the null reverse-path", [BANK], sender="", helo="helo.attack.example"),
        attack("A56: includes without end", [EVIL], "delivered", sender="any@bomb.example",
               results=["spf=permerror", "dmarc=none"]),
        attack("A83: text behind l=", [BANK], sign=True, length=True, appended="Pay now.\r\n"),
        attack("A84: another Content-Type behind the signature", ["Content-Type: text/html", BANK], sign=True,
               length=True, appended="<b>Pay now.</b>\r\n"),
        attack("A98: signatures of garbage", [BANK] + ["DKIM-Signature: garbage"] * 20),
        attack("A104: SPF passes for a domain of one letter", [BANK], sender="any@x.example"),
        attack("A119: results in our name", [bank_results, EVIL, bank_results], "delivered",
               results=["dmarc=none", "spf=pass"], lacks=["dmarc=pass"]),
        attack("A120: in another spelling", [f'Authentication-Results: "{US.upper()}" 1; dmarc=pass',
                                             f"authentication-results: (c){US}.; dmarc=pass", EVIL], "delivered",
               results=["dmarc=none"], lacks=["dmarc=pass"]),
        attack("A121: a blank before the colon", [bank_results.replace(":", " :", 1), EVIL], "delivered",
               results=["dmarc=none"], lacks=["dmarc=pass"]),
        attack("A126: our verdict", ["X-Authmilter-Verdict: clean", EVIL], "delivered", results=["dmarc=none"],
               lacks=["Verdict: clean"]),
        attack("A128: a chain that the attacker sealed", arc + [BANK]),
        attack("A188: a logo", ["BIMI-Location: v=BIMI1; l=https://attack.example/logo.svg", EVIL], "delivered",
               results=["dmarc=none"], lacks=["BIMI-Location"]),
        Attack("A148: an account with two names", ["From: <alice@home.example>", "From: <admin@home.example>"],
               "alice@home.example", "delivered", login="alice@home.example", recipient="b@away.example",
               lacks=["DKIM-Signature:"]),
        Attack("A127: an account with results in our name", ["From: <alice@home.example>", bank_results, "Subject: x"],
               "alice@home.example", "delivered", login="alice@home.example", recipient="b@away.example",
               lacks=["dmarc=pass"], signatures=["2026r", "2026e"]),
    ]


class Attacks(mail_host.MailHost):
    def message(self, row):
        marker = f"<{abs(hash(row.what))}@attack.example>"
        lines = row.headers + [f"Message-ID: {marker}", "Date: Sat, 21 Nov 2026 12:00:00 +0000"]
        text = "\r\n".join(lines + ["", row.body]).encode()
        if row.sign:
            text = dkim.sign(text, b"s1", b"bank.example", self.bank_key, canonicalize=(b"relaxed", b"relaxed"),
                             include_headers=[b"from", b"to"], length=row.length) + text
        return text + row.appended.encode(), marker.encode()

    def smuggle(self, sequence):
        """A137. The replies to DATA, of which there must be one."""
        inner = (b"\r\nMAIL FROM:<smuggled@bank.example>\r\nRCPT TO:<user@home.example>\r\nDATA\r\n"
                 b"From: <admin@bank.example>\r\nSubject: smuggled\r\n\r\nPay now.")
        before = self.postfix.log().count("from=<smuggled@bank.example>")
        with socket.create_connection(("127.0.0.1", self.postfix.port), 20) as connection, \
                connection.makefile("rb") as replies:
            def answer():
                while (line := replies.readline())[3:4] == b"-":
                    pass
                return line

            answer()
            for command in (b"EHLO client.example", b"XCLIENT ADDR=203.0.113.66", b"EHLO client.example",
                            b"MAIL FROM:<any@attack.example>", b"RCPT TO:<user@home.example>", b"DATA"):
                connection.sendall(command + b"\r\n")
                answer()
            connection.sendall(b"From: <any@attack.example>\r\nSubject: outer\r\n\r\nHello." + sequence + inner +
                               b"\r\n.\r\nQUIT\r\n")
            lines = replies.readlines()
        queued = [line for line in lines if b"queued as" in line]
        refused = [line for line in lines if line[:1] in b"45"]
        problems = [] if len(queued) + len(refused) == 1 else [f"{lines}"]
        if self.postfix.log().count("from=<smuggled@bank.example>") > before:
            problems.append("a second message")
        return lines, problems

    def reset(self, author):
        """A50: says all at once and resets the connection, so that Postfix cannot tell any more whose it was."""
        marker = f"reset-{author}"
        for _ in range(20):
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.connect(("127.0.0.1", self.postfix.port))
                connection.sendall(b"HELO c.example\r\nMAIL FROM:<any@attack.example>\r\nRCPT TO:<user@home.example>\r\n"
                                   b"DATA\r\nFrom: <" + author.encode() + b">\r\nSubject: " + marker.encode() +
                                   b"\r\n\r\nHello.\r\n.\r\nQUIT\r\n")
        # Some come to nothing, and nobody says when the last one has come.
        pattern = f" client=- .* from={author.partition('@')[2]} "
        lines, end = [], time.monotonic() + 15
        while time.monotonic() < end:
            time.sleep(1)
            found = [line for line in self.judged().splitlines() if re.search(pattern, line)]
            if found and len(found) == len(lines):
                break
            lines = found
        problems = [line for line in lines if "sign=" in line or "spf=none" not in line]
        # Whether Postfix is quick enough to ask for the address is up to it: then none comes, and nothing is wrong.
        return lines, problems

    def second_message(self):
        """A250. The replies, of which the last must refuse the forgery."""
        with socket.create_connection(("127.0.0.1", self.postfix.port), 60) as connection, \
                connection.makefile("rb") as replies:
            def say(text):
                connection.sendall(text.encode() + b"\r\n")
                return answer()

            def answer():
                while (line := replies.readline())[3:4] == b"-":
                    pass
                return line.decode().strip()

            answer()
            for command in ("EHLO client.example", "XCLIENT ADDR=203.0.113.66", "EHLO client.example",
                            "MAIL FROM:<any@attack.example>", f"RCPT TO:<{TURNED_AWAY}>", "DATA"):
                say(command)
            first = say(f"{EVIL}\r\nSubject: first\r\n\r\nHello.\r\n.")
            # A Postfix with the fix wants a MAIL first; one without it has kept the other message's.
            again = [say("RCPT TO:<user@home.example>"), say("DATA")]
            if again[-1].startswith("354"):
                again.append(say(f"{BANK}\r\nSubject: second\r\n\r\nPay now.\r\n."))
        problems = [] if first.startswith("554 5.7.1") else [f"the first message was not refused by Postfix: {first}"]
        judged_or_refused = again[-1].startswith("550 5.7.") if len(again) == 3 else again[-1][:1] == "5"
        return again, problems + ([] if judged_or_refused else ["the second message got through"])

    def judged(self):
        return (self.folder / "authmilterd.log").read_text()


def main():
    if os.geteuid() != 0 or shutil.which("postfix") is None:
        print("through_postfix.py: skipped, needs root and Postfix", file=sys.stderr)
        return 77
    host = Attacks(sys.argv[1], MORE_ZONE)
    with open(host.folder / "etc/main.cf", "a") as settings:
        # As contrib/postfix has it. And the client here, which XCLIENT makes a stranger, is no local one
        # whose missing From field Postfix would add.
        settings.write("smtpd_forbid_bare_newline = normalize\nlocal_header_rewrite_clients =\n"
                       f"smtpd_end_of_data_restrictions = check_recipient_access inline:{{ {TURNED_AWAY}=REJECT }}\n")
    failed = 0

    def tell(what, found, problems):
        nonlocal failed
        failed += bool(problems)
        print(f"{'WRONG' if problems else 'ok':5} {what}: {found}", *problems)
        if not problems:
            ran.title(what)

    try:
        host.start()
        for row in attacks():
            reply, fate, results, problems = host.check(row)
            tell(row.what, f"{fate}, {reply[:70]!r}", [*problems, results] if problems else [])
        for sequence in SMUGGLING:
            lines, problems = host.smuggle(sequence)
            tell(f"A137: {sequence}", lines[0][:70], problems)
        tell("A250: a second message on one envelope", *host.second_message())
        for author in ("alice@home.example", "admin@bank.example"):
            lines, problems = host.reset(author)
            tell(f"A50: reset, {author}", f"{len(lines)} messages, {lines[-1][:150] if lines else ''}", problems)
        if failed:
            print((host.folder / "authmilterd.log").read_text(), host.postfix.log(), sep="\n", file=sys.stderr)
    finally:
        host.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
