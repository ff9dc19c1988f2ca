"""Loads contrib/postfix/nukib/ as it is into a private Postfix with authmilterd, and tries what it promises.

    nukib.py --programs FOLDER

Clients of every version of TLS send to it, users submit by it, and it sends to servers that are as their
TLSA records say, or are not.
"""

import argparse
import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import warnings

from harness.bench import USERS, Bench, fields_of, message, skip
from harness.nukib_laboratory import EVERYTHING, OTHER, PARTNER, RESOLVER, SHIPPED, US, Laboratory, Receiver, V, own_view
from harness.tables import keep_table, print_row

ALICE = "alice@home.example"

RECEIVERS = (
    Receiver("dane.example", "TLSA record and certificate agree", tlsa="right", delivered="Verified"),
    Receiver("wrong.example", "TLSA record of another key", tlsa="wrong"),
    Receiver("trusted-wrong.example", "... and a certificate of a known authority", tls="ours", tlsa="wrong"),
    Receiver("stripped.example", "TLSA record, but STARTTLS is missing", tls="", tlsa="right"),
    Receiver("old-dane.example", "TLSA record, but no more than TLS 1.1", tlsa="right", maximum=V.TLSv1_1),
    Receiver("dane.forged", "right TLSA record in a zone that does not validate", tlsa="right"),
    Receiver("dane.unsigned", "wrong TLSA record in a zone without DNSSEC", tlsa="wrong", delivered="Untrusted"),
    Receiver("none.example", "no TLSA record, a certificate of nobody", delivered="Untrusted"),
    Receiver("authority.example", "no TLSA record, a certificate of an authority", tls="ours", delivered="Trusted"),
    Receiver("old.example", "no TLSA record, no more than TLS 1.1", maximum=V.TLSv1_1, delivered="clear"),
    Receiver("clear.example", "no TLSA record, no STARTTLS", tls="", delivered="clear"),
    Receiver("partner.example", "partner with a certificate of an authority", tls="ours", delivered="Verified"),
    Receiver("a.partner.example", "partner with a certificate of nobody"),
    Receiver("b.partner.example", "partner with a certificate for another name", tls="ours", name="mx.bank.example"),
    Receiver("c.partner.example", "partner without STARTTLS", tls=""),
    Receiver("d.partner.example", "partner with no more than TLS 1.1", tls="ours", maximum=V.TLSv1_1),
    Receiver("dane-partner.example", "partner for DANE without a TLSA record", tls="ours"),
)

# OpenSSL's names of TLS 1.2 ciphers: without forward secrecy, without authenticated encryption, without
# encryption, without a server's identity; and what is left.
CIPHERS = (("AES256-GCM-SHA384", False), ("AES128-SHA", False), ("ECDHE-RSA-AES256-SHA384", False),
           ("ECDHE-RSA-AES128-SHA", False), ("ECDHE-RSA-NULL-SHA", False),
           ("AECDH-AES256-SHA", False), ("ECDHE-RSA-AES128-GCM-SHA256", True), ("ECDHE-RSA-AES256-GCM-SHA384", True),
           ("ECDHE-RSA-CHACHA20-POLY1305", True))


def outcome(attempt):
    """What came of a connection: its version of TLS, or that there is none."""
    try:
        with attempt() as smtp:
            return smtp.sock.version()
    except ssl.SSLError:
        return "refused"


class Report:
    def __init__(self):
        self.rows = self.failed = 0
        self.found = []

    def add(self, what, found, wanted):
        self.rows += 1
        right = found == wanted
        self.found.append((what, str(found) if right else f"WRONG, {found}"))
        self.failed += not right
        print_row((what, str(found), "" if right else f"WRONG, wanted {wanted}"), (64, 34, 30))


def check_postconf(report, folder):
    """Postfix takes the files without a word, beside its own master.cf."""
    folder.mkdir()
    shutil.copy(SHIPPED / "main.cf", folder)
    (folder / "master.cf").write_text(open("/usr/share/postfix/master.cf.dist").read()
                                      + (SHIPPED / "master.cf").read_text())
    for option in ("-n", "-M", "-P"):
        run = subprocess.run(["postconf", "-c", folder, option], capture_output=True, text=True)
        report.add(f"postconf {option}", run.stderr or "no warnings", "no warnings")


def check_versions_and_ciphers(report, laboratory):
    """Of both ports; and of a server that takes anything, since a refusal proves nothing of a client that
    cannot do better."""
    anything = next(receiver for receiver in RECEIVERS if receiver.domain == "none.example").address

    def compare(what, version, ciphers, good):
        found = [outcome(lambda: laboratory.connect(OTHER, version, ciphers, server=anything, name=None)),
                 outcome(lambda: laboratory.connect(OTHER, version, ciphers)),
                 outcome(lambda: laboratory.submission(version, ciphers))]
        name = version.name.replace("_", ".")
        wanted = [name, name, name] if good else [name, "refused", "refused"]
        report.add(f"{what} elsewhere, at port 25, at port 465", ", ".join(found), ", ".join(wanted))

    for version in (V.TLSv1, V.TLSv1_1, V.TLSv1_2, V.TLSv1_3):
        compare(version.name.replace("_", "."), version, EVERYTHING, version >= V.TLSv1_2)
    for cipher, good in CIPHERS:
        compare(cipher, V.TLSv1_2, cipher, good)


def check_milter(report, laboratory):
    def mail(client, version):
        with laboratory.connect(client, version) as smtp:
            smtp.ehlo()
            code, text = smtp.mail("news@club.example")
            return f"{code} {text.decode()}"

    report.add("MAIL of a partner in the clear", mail(PARTNER, False), "530 5.7.0 Must issue a STARTTLS command first")
    report.add("MAIL of a partner with TLS 1.1", outcome(lambda: laboratory.connect(PARTNER, V.TLSv1_1)), "refused")
    report.add("MAIL of a partner with TLS 1.2", mail(PARTNER, V.TLSv1_2), "250 2.1.0 Ok")
    report.add("MAIL of anybody else in the clear", mail(OTHER, False), "250 2.1.0 Ok")
    with laboratory.connect(PARTNER, False) as smtp:
        smtp.ehlo()
        refused, _ = smtp.mail("news@club.example")
        smtp.starttls(context=laboratory.context(V.TLSv1_3))
        report.add("... refused, and after STARTTLS again", (refused, smtp.mail("news@club.example")[0]), (530, 250))
    with laboratory.connect(OTHER, V.TLSv1_3) as smtp:
        smtp.sendmail("news@club.example", ["user@home.example"],
                      message(["From: news@club.example", "Subject: News"], "incoming"))
    content = laboratory.postfix.delivered("incoming", b"incoming@test.example")
    results = fields_of(content, "Authentication-Results")
    report.add("results field of mail that came in", [bool(re.search(r"^ mx\.example\.org;\s.*spf=pass\s", one))
                                                      for one in results], [True])
    received = "".join(fields_of(content, "Received"))
    report.add("its Received field names TLS", "using TLSv1.3 with cipher" in received, True)
    lines = "".join(one for one in laboratory.bench.messages_logged() if " from=club.example " in one)
    report.add("authmilter's line for it", re.findall(r" (tls=\S+) ", lines), ["tls=TLSv1.3"])
    subprocess.run(["sendmail", "-C", laboratory.postfix.folder / "etc", "-i", "-f", ALICE, "user@home.example"],
                   input=message([f"From: {ALICE}", "Subject: local"], "local").replace(b"\r\n", b"\n"), check=True)
    content = laboratory.postfix.delivered("incoming", b"local@test.example")
    report.add("mail that sendmail(1) took, what is wrong", laboratory.bench.signature_problems(content), [])
    reply, _ = laboratory.postfix.send(b"", ALICE, "user@home.example")
    report.add("... and a program that connects for it", reply[:9], "530 5.7.0")


def said_in_the_clear(port, meanwhile=contextlib.nullcontext):
    with contextlib.ExitStack() as stack:
        with meanwhile():
            clear = stack.enter_context(socket.create_connection((US, port), 20))
            clear.sendall(b"EHLO client.example\r\n")
        try:
            said = clear.recv(3)
        except ConnectionResetError:
            said = b""
    return said.decode() if said.isdigit() else "nothing of SMTP"


def check_submission(report, laboratory):
    with laboratory.submission() as smtp:
        smtp.ehlo()
        smtp.mail(ALICE)
        report.add("port 465 without AUTH", smtp.rcpt("someone@dane.example")[0], 554)
    report.add("port 465 in the clear", said_in_the_clear(465), "nothing of SMTP")
    # SMTP in the clear, but not for one who speaks before the greeting.
    report.add("port 25 in the clear, too early", said_in_the_clear(25, laboratory.postfix.held_up), "554")
    with laboratory.connect(OTHER) as smtp:
        smtp.ehlo()
        report.add("AUTH at port 25", smtp.has_extn("auth"), False)
        smtp.mail(ALICE)
        report.add("mail for others at port 25", smtp.rcpt("someone@dane.example")[0], 554)


def wait_for_attempts(laboratory, count):
    """(domain, status, reason) of each attempt to deliver, once there were so many of them."""
    pattern = re.compile(r"to=<someone@(\S+)>,.* status=(\w+) \((.*)\)$", re.MULTILINE)
    deadline = time.monotonic() + 60
    while len(attempts := pattern.findall(laboratory.postfix.log())) < count and time.monotonic() < deadline:
        time.sleep(0.1)
    return attempts


def waiting_messages(laboratory):
    """How many there are, once Postfix is at work on none."""
    deadline = time.monotonic() + 60
    while set(queues := list(laboratory.postfix.queue().values())) - {"deferred"} and time.monotonic() < deadline:
        time.sleep(0.1)
    return len(queues)


def check_outgoing(report, laboratory):
    with laboratory.submission() as smtp:
        smtp.login(ALICE, USERS[ALICE])
        for receiver in RECEIVERS:
            smtp.sendmail(ALICE, [f"someone@{receiver.domain}"],
                          message([f"From: {ALICE}", f"To: someone@{receiver.domain}"], receiver.domain))
    wait_for_attempts(laboratory, len(RECEIVERS))
    waiting = waiting_messages(laboratory)
    time.sleep(1)
    # What waits is tried again, and is old enough now that TLS might be given up.
    subprocess.run(["postqueue", "-c", laboratory.postfix.folder / "etc", "-f"], check=True)
    status = {domain: (word, reason)
              for domain, word, reason in wait_for_attempts(laboratory, len(RECEIVERS) + waiting)}
    for receiver in RECEIVERS:
        word, reason = status.get(receiver.domain, ("nothing", ""))
        taken = laboratory.servers[receiver.domain].taken
        if word == "sent" and len(taken) == 1:
            version, text = taken[0]
            found = "clear" if version == "clear" else connection_word(laboratory.postfix.log(), receiver)
            if laboratory.bench.signature_problems(text.replace(b"\r\n..", b"\r\n.")):
                found += ", not signed"
        else:
            found = word if not taken else f"{word}, but the server has it"
        report.add(f"{receiver.domain}: {receiver.what}", found, receiver.delivered or "deferred")
        if word == "deferred":
            print(f"    {reason}")
    report.add("doubts of Postfix about DNSSEC", laboratory.postfix.log().count("DNSSEC validation may be"), 0)
    report.add("messages that wait in the queue", waiting_messages(laboratory),
               sum(not receiver.delivered for receiver in RECEIVERS))


def connection_word(log, receiver):
    words = re.findall(rf"(\w+) TLS connection established to mx\.{re.escape(receiver.domain)}\[", log)
    return words[-1] if words else "no TLS in the log"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", required=True, help="the build's folder with authmilterd")
    options = parser.parse_args()
    if os.geteuid() != 0:
        skip("needs root, because Postfix does")
    for program, package in (("postfix", "postfix"), ("unbound", "unbound"), ("ldns-signzone", "ldnsutils")):
        if not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            skip(f"needs the package {package}")
    if not os.path.exists(RESOLVER):
        skip(f"{RESOLVER} is missing, so nothing can be put in its place")
    warnings.simplefilter("ignore", DeprecationWarning)  # of the versions of TLS that nobody should use
    own_view()

    report = Report()
    bench = Bench(options.programs)
    try:
        check_postconf(report, bench.folder / "postconf")
        laboratory = Laboratory(bench, RECEIVERS)
        try:
            laboratory.start()
            for check in (check_versions_and_ciphers, check_submission, check_milter, check_outgoing):
                check(report, laboratory)
        finally:
            if report.failed or sys.exc_info()[0]:
                print(laboratory.logs(), file=sys.stderr)
            laboratory.stop()
    finally:
        bench.remove()
    keep_table("nukib", {f"Postfix {laboratory.postfix.version()}": report.found})
    print(f"{report.rows} checks, {report.failed} failed.")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
