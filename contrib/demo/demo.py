"""Sends real messages through a private Postfix with authmilter, and checks what becomes of each.

    demo.py --programs FOLDER [--keep | --stop FOLDER]

No network is needed: the DNS is a zone file. Exit status 0 only if every row is as it should be.
"""

import argparse
import os
import sys

from harness.mail_host import GENUINE_CLIENT, OUR_NAME, MailHost, Row, stop
from harness.tables import print_row

WIDTHS = (28, 34, 10, 58)


def rows():
    bank = ["From: The Bank <service@bank.example>", "To: user@home.example"]
    own = ["From: Alice <alice@home.example>", "To: someone@away.example"]
    return [
        Row("genuine and signed", bank + ["Subject: Your statement"], "service@bank.example", "delivered",
            ["spf=pass", "dkim=pass", "header.d=bank.example", "dmarc=pass", "header.from=bank.example"],
            client=GENUINE_CLIENT, helo="mail.bank.example", sign=True),
        Row("genuine, forwarded by another host", bank + ["Subject: Forwarded statement"],
            "service@bank.example", "delivered", ["spf=fail", "dkim=pass", "dmarc=pass"], sign=True),
        Row("forged, the domain says p=reject", bank + ["Subject: Pay now"], "service@bank.example",
            "refused", reply="550 5.7.26 "),
        Row("forged, the domain says p=quarantine",
            ["From: Shop <orders@shop.example>", "To: user@home.example", "Subject: Your parcel"],
            "orders@shop.example", "held", ["spf=fail", "dkim=none", "dmarc=fail", "policy.dmarc=quarantine"]),
        Row("SPF fails, no DMARC policy",
            ["From: Club <news@club.example>", "To: user@home.example", "Subject: Club news"],
            "news@club.example", "delivered", ["spf=fail", "dmarc=none"],
            contains=["X-Authmilter-Verdict: suspicious"]),
        Row("two From fields", ["From: Mallory <m@attack.example>"] + bank + ["Subject: Two senders"],
            "m@attack.example", "refused", reply="550 5.7."),
        Row("a results field smuggled in",
            [f"Authentication-Results: {OUR_NAME}; dmarc=pass header.from=bank.example",
             "From: Club <news@club.example>",
             f"Authentication-Results: {OUR_NAME.upper()} (really); spf=pass smtp.mailfrom=club.example",
             "Authentication-Results: mx.elsewhere.example; spf=pass smtp.mailfrom=club.example",
             "To: user@home.example", "Subject: Trust me"],
            "news@club.example", "delivered", ["spf=pass", "dmarc=none"], client=GENUINE_CLIENT,
            contains=["mx.elsewhere.example"], lacks=["dmarc=pass", "(really)"]),
        Row("outgoing, from the internal network", own + ["Subject: From inside"], "alice@home.example",
            "delivered", client=None, recipient="someone@away.example", signatures=["2026r", "2026e"]),
        Row("outgoing, from an authenticated user outside", own + ["Subject: From a hotel"],
            "alice@home.example", "delivered", login="alice@home.example",
            recipient="someone@away.example", signatures=["2026r", "2026e"]),
        Row("outgoing, an authenticated user as somebody else", bank + ["Subject: Not my name"],
            "alice@home.example", "delivered", login="alice@home.example",
            recipient="someone@away.example", lacks=["DKIM-Signature:"]),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", required=True, help="the build's folder with authmilterd and tools/authmilter")
    parser.add_argument("--keep", action="store_true", help="leave everything running to play with")
    parser.add_argument("--stop", metavar="FOLDER", help="stop what --keep left, and remove it")
    options = parser.parse_args()
    if options.stop:
        stop(options.stop)
        return 0
    if os.geteuid() != 0:
        print("demo.py: skipped, needs root because Postfix does", file=sys.stderr)
        return 77

    host = MailHost(options.programs)
    failed = 0
    try:
        host.start()
        print_row(("sent", "Postfix answered", "became", "results field"), WIDTHS)
        for row in rows():
            reply, fate, results, problems = host.check(row)
            failed += bool(problems)
            verdict = results if not problems else "WRONG: " + "; ".join(problems) + ". " + results
            print_row((row.what, reply.replace("\n", " "), fate, verdict), WIDTHS)
        total = len(rows())
        print(f"{total - failed} of {total} rows are as they should be.")
        if failed:
            print((host.folder / "authmilterd.log").read_text(), host.postfix.log(), sep="\n", file=sys.stderr)
    except BaseException:
        host.stop()
        raise
    if options.keep:
        print(f"Left running: SMTP on 127.0.0.1 port {host.postfix.port}; folder {host.folder} with\n"
              f"authmilter.toml, demo.zone, authmilterd.log, maillog and mail/.\n"
              f"To stop and remove it: contrib/demo/run --stop {host.folder}")
    else:
        host.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
