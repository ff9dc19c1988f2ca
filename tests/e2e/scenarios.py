"""The same messages through a real Postfix and a real Sendmail, side by side.

    scenarios.py --programs FOLDER

Each row says what must become of a message; both MTAs must do it, and write the same results field.
Exit status 77 where one of them is not to be had.
"""

import re
import sys
from dataclasses import dataclass, field

from harness.bench import (GENUINE, OUR_DOMAIN, OUR_NAME, ROOT, STRANGER, USERS, WITHOUT_TLS, Bench, fields_of,
                           message, options_with_postfix, skip)
from harness.private_postfix import PrivatePostfix
from harness.private_sendmail import Missing, PrivateSendmail
from harness.tables import keep_table, print_row

AUTHMILTER_M4 = ROOT / "contrib/sendmail/authmilter.m4"
RESULTS = "Authentication-Results"
BANK = ["From: The Bank <service@bank.example>", "To: user@home.example"]
CLUB = ["From: Club <news@club.example>", "To: user@home.example"]
OWN = ["From: Alice <alice@home.example>", "To: someone@away.example"]


@dataclass
class Row:
    """One message, and what must become of it."""
    what: str
    headers: list
    sender: str
    becomes: str                 # "delivered", "held" or "refused"
    reply: str = "250 "          # how the MTA's answer begins
    results: list = field(default_factory=list)  # must be in our results field
    recipient: str = "user@home.example"
    client: str = STRANGER       # None: a host of ours
    login: str = None
    helo: str = "client.example"
    bank_signs: bool = False
    we_sign: bool = False
    daemon_runs: bool = True
    reason: str = ""             # what the MTA itself must say of a message that it holds
    bare: bool = False           # without Date, Message-ID and MIME fields
    exactly: dict = field(default_factory=dict)  # field name -> all values that the reader must find


def rows():
    away = {"recipient": "someone@away.example"}
    return [
        Row("genuine and signed", BANK + ["Subject: Your statement"], "service@bank.example", "delivered",
            results=["spf=pass", "dkim=pass", "header.d=bank.example", "dmarc=pass"], client=GENUINE,
            helo="mail.bank.example", bank_signs=True, exactly={"Subject": [" Your statement"]}),
        Row("genuine, forwarded by another host", BANK + ["Subject: Forwarded statement"], "service@bank.example",
            "delivered", results=["spf=fail", "dkim=pass", "dmarc=pass"], bank_signs=True),
        Row("signed, with odd blanks after the colons",
            ["From:The Bank <service@bank.example>", "To:\tuser@home.example", "Subject:   Three  blanks \n \tfolded"],
            "service@bank.example", "delivered", results=["dkim=pass", "dmarc=pass"], bank_signs=True,
            exactly={"Subject": ["   Three  blanks  \tfolded"]}),
        Row("forged, the domain says p=reject", BANK + ["Subject: Pay now"], "service@bank.example", "refused",
            "550 5.7.26 "),
        Row("forged, the domain says p=quarantine",
            ["From: Shop <orders@shop.example>", "To: user@home.example", "Subject: Your parcel"],
            "orders@shop.example", "held", results=["spf=fail", "dkim=none", "dmarc=fail"],
            reason="dmarc fail for shop.example, policy quarantine", exactly={"Subject": [" Your parcel"]}),
        Row("in the clear, where TLS is required", CLUB + ["Subject: Club news"], "news@club.example", "refused",
            "530 5.7.0 ", client=WITHOUT_TLS),
        Row("SPF fails, no DMARC policy", CLUB + ["Subject: Club news"], "news@club.example", "delivered",
            results=["spf=fail", "dmarc=none"], exactly={"Subject": [" [suspicious] Club news"]}),
        Row("SPF fails, a folded Subject", CLUB + ["Subject:\tClub\n\tnews \n of =?utf-8?Q?=C5=99=C3=ADjen?="],
            "news@club.example", "delivered", results=["spf=fail", "dmarc=none"],
            exactly={"Subject": [" [suspicious] Club\tnews  of =?utf-8?Q?=C5=99=C3=ADjen?="]}),
        Row("SPF fails, no Subject, a verdict smuggled in", CLUB + ["X-Authmilter-Verdict: fine"],
            "news@club.example", "delivered", results=["spf=fail", "dmarc=none"],
            exactly={"Subject": [" [suspicious]"]}),
        Row("two From fields", ["From: Mallory <m@attack.example>"] + BANK + ["Subject: Two senders"],
            "m@attack.example", "refused", "550 5.7.1 "),
        Row("two From fields, one with a blank before the colon",
            BANK + ["From : Mallory <m@attack.example>", "Subject: Two senders"], "m@attack.example", "refused",
            "550 5.7.1 "),
        Row("From with a blank before the colon",
            ["To: user@home.example", "From : The Bank <service@bank.example>", "Subject: Blank"], "m@attack.example",
            "refused", "550 5.7.26 "),
        Row("From with a fold before the colon", ["To: user@home.example", "Subject: Fold",
                                                  "From\n : The Bank <service@bank.example>"], "m@attack.example",
            "refused", "550 5.7.1 "),
        Row("forged results fields among foreign ones",
            [f"{RESULTS}: {OUR_NAME}; dmarc=pass header.from=bank.example",
             f"{RESULTS}: one.example; spf=pass smtp.mailfrom=club.example", CLUB[0],
             f"{RESULTS}: {OUR_NAME.upper()} (really); spf=pass smtp.mailfrom=club.example",
             f"{RESULTS} : {OUR_NAME}; dmarc=pass (blank)",
             f"{RESULTS}: two.example; spf=none smtp.mailfrom=club.example",
             f"{RESULTS}:\n \"{OUR_NAME}\" 1; dmarc=pass (quoted)",
             f"authentication-results:{OUR_NAME};dmarc=pass (no blank)",
             f"{RESULTS} : three.example; spf=none", CLUB[1], "Subject: Trust me",
             f"{RESULTS}: four.example; none", f"{RESULTS}: {OUR_NAME}; dkim=pass (last)"],
            "news@club.example", "delivered", results=["spf=pass", "dmarc=none"], client=GENUINE),
        Row("a bounce: null sender, judged by HELO",
            ["From: MAILER-DAEMON@mail.bank.example", "To: user@home.example", "Subject: Undelivered"], "", "delivered",
            results=["spf=pass (null reverse-path) smtp.helo=mail.bank.example", "dmarc=pass"], client=GENUINE, helo="mail.bank.example"),
        Row("outgoing, from a host of ours", OWN + ["Subject: From inside"], "alice@home.example", "delivered",
            client=None, we_sign=True, **away),
        Row("outgoing, from an authenticated user", OWN + ["Subject: From a hotel"], "alice@home.example", "delivered",
            login="alice@home.example", we_sign=True, **away),
        Row("outgoing, names with dots and apostrophes",
            ["From: Alice B. O'Brien <alice@home.example>", "To: C. D'Or <someone@away.example>", "Subject: Names"],
            "alice@home.example", "delivered", client=None, we_sign=True, **away),
        Row("outgoing, lists of addresses without blanks",
            OWN[:1] + ["To: someone@away.example,\"Else, Anybody\" <else@away.example> , x (a,b) <third@away.example>,",
                       "Cc: friends:four@away.example,five@away.example;", "Reply-To: a@home.example,b@home.example",
                       "Subject: Lists"], "alice@home.example", "delivered", client=None, we_sign=True, **away),
        Row("outgoing, fields that an MTA may add", OWN[:1] + ["Subject: Bare"], "alice@home.example", "delivered",
            client=None, we_sign=True, bare=True, **away),
        Row("outgoing, addresses without a domain", OWN[:1] + ["To: someone, Bob <bob>, else@away.example",
                                                               "Cc: third@away.example", "Subject: Short names"],
            "alice@home.example", "delivered", client=None, we_sign=True, **away),
        Row("outgoing, seventy addresses on a line",
            OWN[:1] + ["To: " + ", ".join(f"someone{i}@away.example" for i in range(70)), "Subject: Many"],
            "alice@home.example", "delivered", client=None, we_sign=True, **away),
        Row("outgoing, no key for the domain", CLUB[:1] + ["Subject: Not ours"], "news@club.example", "delivered",
            client=None, exactly={"DKIM-Signature": []}, **away),
        Row("outgoing, a user as somebody else", BANK[:1] + ["Subject: Not my name"], "alice@home.example",
            "delivered", login="alice@home.example", exactly={"DKIM-Signature": []}, **away),
        Row("while the daemon is down", BANK + ["Subject: Wait"], "service@bank.example", "refused", "451 4.",
            client=GENUINE, daemon_runs=False),
        Row("the same, when it is back", BANK + ["Subject: Wait"], "service@bank.example", "delivered",
            results=["spf=pass", "dmarc=pass"], client=GENUINE),
    ]


class Postfix(PrivatePostfix):
    def __init__(self, bench):
        folder = bench.folder / "postfix"
        folder.mkdir()
        # Strangers play addresses of this machine that only Sendmail needs to be real.
        super().__init__(folder, OUR_NAME, OUR_DOMAIN, users=USERS, settings=(
            "mynetworks = 127.0.0.1/32\n"
            # To Postfix they are of this machine all the same, and it would add a missing From field.
            "local_header_rewrite_clients =\n"
            f"smtpd_milters = {bench.socket}\nmilter_default_action = tempfail\n"))

    def held(self, queue_id):
        return self.queue().get(queue_id) == "hold"

    def reason_held(self, queue_id):
        """Why a message is in the hold queue, as the log says it."""
        found = re.search(rf" {queue_id}: milter-hold: END-OF-MESSAGE from \S+: (.*?); from=<", self.log())
        return found.group(1) if found else ""

    def reason_told(self, reason):
        """What becomes of a filter's reason: before 3.10 Postfix keeps it to itself."""
        version = [int(part) for part in re.findall(r"\d+", self.version())[:2]]
        return reason if version >= [3, 10] else "milter triggers HOLD action"

    def default_action(self):
        """What Postfix does while a filter is away and main.cf is silent: releases differ."""
        return self._run("postconf", "-d", "-h", "milter_default_action").strip()

    def release(self, queue_id):
        self._run("postsuper", "-c", str(self.folder / "etc"), "-H", queue_id)
        self._run("postqueue", "-c", str(self.folder / "etc"), "-i", queue_id)


class Sendmail(PrivateSendmail):
    def __init__(self, bench):
        folder = bench.folder / "sendmail"
        folder.mkdir()
        super().__init__(folder, OUR_NAME, OUR_DOMAIN, users=USERS, run=bench.folder / "run",
                         filters=AUTHMILTER_M4.read_text())

    def reason_told(self, reason):
        return reason


def row_text(bench, row, marker):
    text = message(row.headers, marker)
    if row.bare:
        text = "\r\n".join(row.headers + [f"X-Marker: {marker}", "", "This is the body.", ""]).encode()
    return bench.bank_signature(text) if row.bank_signs else text


def outcome(mta, row, text, marker):
    """(reply, fate, content) of a row's message."""
    reply, queue_id = mta.send(text, row.sender, row.recipient, client=row.client, helo=row.helo, login=row.login)
    if not reply.startswith("250 "):
        return reply, "refused", None
    held = mta.held(queue_id)
    if held:
        why = mta.reason_held(queue_id)
        if not why.startswith(mta.reason_told(row.reason)):
            return f"{reply}, because of {why!r}", "held without our reason", None
        # What the reader gets when the operator lets it go.
        mta.release(queue_id)
    mailbox = "incoming" if row.recipient.endswith("@" + OUR_DOMAIN) else "outgoing"
    content = mta.delivered(mailbox, marker.encode())
    return reply, "lost" if not content else "held" if held else "delivered", content


def problems_of(bench, row, reply, fate, content):
    problems = []
    if fate != row.becomes:
        problems.append(f"should be {row.becomes}")
    if not reply.startswith(row.reply):
        problems.append(f"the reply should begin with {row.reply!r}")
    if content is None:
        return problems
    results = fields_of(content, RESULTS)
    ours = [value for value in results if OUR_NAME in value.lower()]
    incoming = row.recipient.endswith("@" + OUR_DOMAIN)
    if len(ours) != (1 if incoming else 0):
        problems.append(f"results fields of ours: {ours}")
    if ours and (results[0] != ours[0] or not ours[0].startswith(f" {OUR_NAME};")):
        problems.append(f"our results field is not on top: {results}")
    problems += [f"results lack {want!r}" for want in row.results if want not in "".join(ours)]
    for name, values in row.exactly.items():
        if fields_of(content, name) != values:
            problems.append(f"{name} is {fields_of(content, name)}")
    if row.we_sign:
        problems += bench.signature_problems(content)
    return problems


def differences(contents):
    """What the two MTAs' readers see differently, of what is ours to write or to remove."""
    first, second = contents
    return [f"{name} differs: {fields_of(first, name)} and {fields_of(second, name)}"
            for name in (RESULTS, "X-Authmilter-Verdict", "Subject", "From")
            if fields_of(first, name) != fields_of(second, name)]


def check_other_filters(sendmail):
    """Other filters add macros after our lines in the way that Sendmail's README shows. 1 if that
    loses the ones that were there."""
    other = ("INPUT_MAIL_FILTER(`other', `S=unix:/run/other.sock')dnl\n"
             "define(`confMILTER_MACROS_ENVFROM', confMILTER_MACROS_ENVFROM`, {other}')dnl\n")
    macros = [re.search("(?m)^O Milter.macros.envfrom=(.*)", sendmail.configuration(lines)[1]).group(1)
              for lines in (other, AUTHMILTER_M4.read_text() + other)]
    if macros[0] == macros[1]:
        return 0
    print(f"WRONG: after our lines for sendmail.mc another filter gets the macros {macros[1]}, not {macros[0]}")
    return 1


def run(bench, mtas):
    failed = check_other_filters(mtas[1])
    wrong = 0
    widths = (26, 36, 36, 50)
    names = [f"{type(mta).__name__} {mta.version()}" for mta in mtas]
    columns = {name: [] for name in names}
    # Releases of Postfix differ in what they do of themselves; with the lines that we offer mail waits on each.
    columns[names[0]].append(("milter_default_action, where main.cf is silent", mtas[0].default_action()))
    print_row(("sent", *(f"{name} answered" for name in names), "both wrote"), widths)
    for number, row in enumerate(rows()):
        if row.daemon_runs != bench.running:
            (bench.start if row.daemon_runs else bench.stop)()
        text = row_text(bench, row, f"row{number}")
        seen = [outcome(mta, row, text, f"row{number}") for mta in mtas]
        problems = [f"{type(mta).__name__}: {problem}" for mta, one in zip(mtas, seen)
                    for problem in problems_of(bench, row, *one)]
        problems += differences([content for _, _, content in seen])
        for name, mta, (reply, fate, content) in zip(names, mtas, seen):
            bad = "WRONG, " * bool(problems_of(bench, row, reply, fate, content))
            columns[name].append((row.what, f"{bad}{fate} {reply.split(' ')[0]}"))
        wrote = "; ".join([f"signed by {len(fields_of(seen[0][2], 'DKIM-Signature'))} keys"] if row.we_sign else
                          fields_of(seen[0][2], RESULTS))
        print_row((row.what, *(f"{fate}: {reply}".replace("\n", " ") for reply, fate, _ in seen),
                   "WRONG: " + "; ".join(problems) if problems else wrote), widths)
        wrong += bool(problems)
    keep_table("scenarios", columns)
    print(f"{len(rows()) - wrong} of {len(rows())} rows are as they should be.")
    return failed + wrong


def main():
    options = options_with_postfix(__doc__, "because both MTAs do")

    bench = Bench(options.programs)
    mtas = []
    failed = True
    try:
        mtas = [Postfix(bench), Sendmail(bench)]
        bench.start()
        for mta in mtas:
            mta.start()
        failed = run(bench, mtas)
    except Missing as reason:
        skip(reason)
    finally:
        if failed:
            print(bench.log(), *(mta.log() for mta in mtas), sep="\n", file=sys.stderr)
        for mta in mtas:
            mta.stop()
        bench.remove()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
