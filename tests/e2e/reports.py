"""Reports through a real Postfix: mail of ten domains comes in, and each of them hears of it after midnight.

    reports.py --programs FOLDER

Readers of Debian get what was sent: dmarc-cat, and Mail::DMARC with the namespace and without. They are unpacked into a
cache (contrib/packages/report-readers). Exit status 77 where there is no Postfix.
"""

import calendar
import email
import email.policy
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from harness.bench import GENUINE, OUR_DOMAIN, OUR_NAME, STRANGER, USERS, Bench, message, options_with_postfix
from harness.private_postfix import PrivatePostfix
from harness.report_readers import NAMESPACE, Check, Readers, attachment, reasons_of, rows_of
from harness.unpacked_packages import Missing

DOMAINS = [f"d{number}.example" for number in range(10)]
# Of each: its policy, whom it wants reports to be sent to, and how many messages come from itself and from a stranger.
POLICIES = {domain: ("none", "quarantine", "reject")[number % 3] for number, domain in enumerate(DOMAINS)}
TRAFFIC = {domain: (number + 1, number % 4) for number, domain in enumerate(DOMAINS)}
# One has no address for reports, one wants them at a reader that has agreed, one at a stranger's.
WITHOUT, AT_READER, AT_STRANGER = DOMAINS[7:]
# The one whose address does not exist: what is sent there comes back.
RETURNS = DOMAINS[4]
# The one that wants to hear of failures too.
FAILURES = DOMAINS[6]
# The one whose reader knows no namespace.
OLD_READER = DOMAINS[2]


def zone():
    lines = []
    for domain in DOMAINS:
        rua = f"dmarc@{domain}"
        if domain == AT_READER:
            rua = "dmarc@reader.example"
        if domain == AT_STRANGER:
            rua = "dmarc@stranger.example"
        asks = "" if domain == WITHOUT else f"; rua=mailto:{rua}"
        if domain == FAILURES:
            asks += f"; ruf=mailto:failures@{domain}"
        lines += [f'{domain} TXT "v=spf1 ip4:{GENUINE} -all"',
                  f'_dmarc.{domain} TXT "v=DMARC1; p={POLICIES[domain]}{asks}"']
    lines.append(f'{AT_READER}._report._dmarc.reader.example TXT "v=DMARC1"')
    return "\n".join(lines) + "\n"


class Host:
    """authmilterd with a store behind Postfix, and the command beside it."""

    def __init__(self, programs):
        self.bench = Bench(programs)
        folder = self.folder = self.bench.folder
        self.store = folder / "reports"
        self.store.mkdir()
        shutil.chown(self.store, "nobody")
        with open(folder / "zone", "a", encoding="ascii") as file:
            file.write(zone())
        # Reports go out through a Postfix of our own, which the command knows by a script.
        sendmail = folder / "sendmail"
        sendmail.write_text(f'#!/bin/sh\nexec /usr/sbin/sendmail -C {folder}/postfix/etc "$@"\n')
        sendmail.chmod(0o755)
        (folder / "postfix").mkdir()
        self.postfix = PrivatePostfix(
            folder / "postfix", OUR_NAME, OUR_DOMAIN, users=USERS,
            settings=f"mynetworks = 127.0.0.1/32\nsmtpd_milters = {self.bench.socket}\n"
                     f"non_smtpd_milters = {self.bench.socket}\nmilter_default_action = tempfail\n"
                     f"transport_maps = inline:{{ {{ {RETURNS} = error:5.1.1 no such user }} }}\n")
        self.config = folder / "authmilter.toml"
        self.before = self.config.read_text()
        self.configure(f"{sendmail}")

    def configure(self, deliver):
        self.config.write_text(self.before + f"""
[reports]
store = "sqlite:{self.store}/reports.db"
spool = "{self.store}/spool"
failure_reports = true
organization = "Home"
email = "dmarc@{OUR_DOMAIN}"
contact = "https://home.example/dmarc"
deliver = "{deliver}"
without_namespace = ["{OLD_READER}"]
""")

    def command(self, *arguments, user=None):
        """As root, or as the daemon's user."""
        before = ["setpriv", f"--reuid={user}", "--regid=postfix", "--clear-groups"] if user else []
        return subprocess.run([*before, self.bench.programs / "tools/authmilter", *arguments, "--config", self.config],
                              capture_output=True, text=True, timeout=300, check=False)

    def receive(self):
        number = 0
        for domain, (genuine, forged) in TRAFFIC.items():
            for client, count in ((GENUINE, genuine), (STRANGER, forged)):
                for _ in range(count):
                    number += 1
                    headers = [f"From: a@{domain}", f"To: user@{OUR_DOMAIN}", f"Subject: {number}"]
                    self.postfix.send(message(headers, f"m{number}"), f"bounce@{domain}", f"user@{OUR_DOMAIN}",
                                      client=client)
        return number

    def reports(self, count):
        """The mails that have left, by recipient, once there are so many."""
        box = self.folder / "postfix/mail/outgoing/new"
        deadline = time.monotonic() + 60
        while len(found := list(box.glob("*"))) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        mails = [path.read_bytes() for path in found]
        return {str(email.message_from_bytes(one, policy=email.policy.default)["To"]): one for one in mails}


def wanted_rows(domain):
    genuine, forged = TRAFFIC[domain]
    policy = POLICIES[domain]
    rows = [(GENUINE, genuine, "none" if policy == "none" else "pass")]
    if forged:
        # What p=none asks nothing for is tagged all the same, for SPF's sake (policy.spf_fail).
        rows.append((STRANGER, forged, "quarantine" if policy == "none" else policy))
    return sorted(rows)


def main():
    options = options_with_postfix(__doc__)
    check = Check()
    host = Host(options.programs)
    try:
        host.bench.start()
        host.postfix.start()
        begin = time.time() // 86400
        count = host.receive()
        # What the daemon has in memory goes into the store at its end, too.
        host.bench.stop()
        if time.time() // 86400 != begin:
            print("skipped: the day has ended meanwhile")
            return 77
        host.bench.start()
        day = int(begin) * 86400
        night = str(day + 86400 + 3600)
        print(f"{count} messages have come")
        run(check, host, day, night)
    finally:
        host.postfix.stop()
        host.bench.remove()
    return 1 if check.wrong else 0


def run(check, host, day, night):
    receivers = {domain: f"dmarc@{domain}" for domain in DOMAINS[:7]}
    receivers[AT_READER] = "dmarc@reader.example"

    early = host.command("report", "send", "--json", "--time", str(day + 86400 + 60))
    said = json.loads(early.stdout)
    check.expect("no report is sent while rows may be under way", [line for line in said if line["kind"] != "failure"], [])
    check.expect("of failures one, for those that are alike",
                 [(line["domain"], line["incidents"], line["state"]) for line in said],
                 [(FAILURES, TRAFFIC[FAILURES][1], "sent")])
    out = host.folder / "rehearsal"
    host.command("report", "send", "--dry-run", "--out", str(out), "--time", night)
    # An address that the MTA refuses at once would not come back: this is for mail that it has taken.
    for domain in (DOMAINS[0], RETURNS):
        sent = host.command("report", "send", "--json", "--time", night, "--domain", domain)
        check.expect(f"{domain} by sendmail(1), made by root",
                     (sent.returncode, [line["state"] for line in json.loads(sent.stdout)]), (0, ["sent"]))
    # The folder of the keys is another user's: the milter signs what comes from sendmail(1).
    check.expect("root is told why it does not sign", "so reports are not signed here" in sent.stderr, True)
    host.configure(f"smtp://127.0.0.1:{host.postfix.port}")
    sent = host.command("report", "send", "--json", "--time", night, user="nobody")
    check.expect("the others by SMTP, made by the daemon's user", (sent.returncode, sent.stderr), (0, ""))
    states = {line["domain"]: line["state"] for line in json.loads(sent.stdout)}
    check.expect("who gets one", states, {**{domain: "sent" for domain in receivers if domain not in (DOMAINS[0], RETURNS)},
                                          AT_STRANGER: "failed"})
    receivers.pop(RETURNS)
    mails = host.reports(len(receivers) + 1)
    failure(check, host, mails.pop(f"failures@{FAILURES}", b""))
    check.expect("what has left", sorted(mails), sorted(receivers.values()))
    check.expect("each was rehearsed", sorted(path.name for path in out.iterdir() if RETURNS not in path.name),
                 sorted(attachment(octets)[0] for octets in mails.values()))
    for domain, receiver in receivers.items():
        octets = mails.get(receiver, b"")
        name, file = attachment(octets)
        check.expect(f"{domain}: the name of the file", name,
                     f"{OUR_NAME}!{domain}!{day}!{day + 86399}.xml.gz")
        check.expect(f"{domain}: rows", rows_of(file, "" if domain == OLD_READER else NAMESPACE), wanted_rows(domain))
        check.expect(f"{domain}: signed for {OUR_DOMAIN}, once by each key", host.bench.signature_problems(octets), [])
        check.expect(f"{domain}: what was rehearsed is what was sent",
                     gzip.decompress((out / name).read_bytes()), gzip.decompress(file))
    check.expect("a policy that is not followed has its reason", reasons_of(attachment(mails[receivers[DOMAINS[3]]])[1]),
                 ["local_policy"])
    again = host.command("report", "send", "--json", "--time", night)
    check.expect("nothing is sent twice", (again.returncode, json.loads(again.stdout)), (0, []))
    by_ourselves(check, host, receivers, mails)
    returns(check, host, day)
    by_schema(check, host, receivers, mails)
    by_others(check, host, receivers, mails)


def failure(check, host, octets):
    """A failure report (RFC 9991), as its bytes and as `report ingest` read it."""
    message = email.message_from_bytes(octets, policy=email.policy.default)
    parts = [part.get_content_type() for part in message.walk()]
    check.expect("a failure report's parts", parts,
                 ["multipart/report", "text/plain", "message/feedback-report", "text/plain", "text/rfc822-headers"])
    check.expect("it is signed as other mail", host.bench.signature_problems(octets), [])
    text = octets.decode()
    for wanted in ("Feedback-Type: auth-failure", "Auth-Failure: dmarc", "Identity-Alignment: dkim, spf",
                   f"Reported-Domain: {FAILURES}", f"Source-IP: {STRANGER}", f"Incidents: {TRAFFIC[FAILURES][1]}",
                   f'SPF-DNS: txt : {FAILURES} : "v=spf1 ip4:{GENUINE} -all"'):
        check.expect(f"it says {wanted}", wanted in re.sub(r"\r\n[ \t]+", " ", text), True)
    check.expect("no local part is in it", [name for name in (f"a@{FAILURES}", f"bounce@{FAILURES}", "user@") if name in text],
                 [])
    path = host.folder / "failure.eml"
    path.write_bytes(octets)
    (said,) = json.loads(host.command("report", "ingest", "--json", "--store", f"sqlite:{host.folder}/failures.db",
                                      str(path)).stdout)
    check.expect("it is read by ourselves", (said["status"], said["kind"], said["domain"]), ("stored", "failure", FAILURES))


def by_ourselves(check, host, receivers, mails):
    """`report ingest`, into a store of its own."""
    for domain, receiver in receivers.items():
        path = host.folder / "report.eml"
        path.write_bytes(mails[receiver])
        arguments = ["report", "ingest", "--json", "--store", f"sqlite:{host.folder}/others.db",
                     "--time", str(int(time.time()) + 2 * 86400), str(path)]
        (said,) = json.loads(host.command(*arguments).stdout)
        check.expect(f"{domain}: read by ourselves",
                     (said["status"], said["kind"], said["domain"], said["records"], said["messages"]),
                     ("stored", "aggregate", domain, len(wanted_rows(domain)), sum(TRAFFIC[domain])))
        check.expect(f"{domain}: and known again", json.loads(host.command(*arguments).stdout)[0]["status"], "duplicate")


def returns(check, host, day):
    """A report that came back: its destination is left alone the next day."""
    bounce = host.postfix.delivered("incoming", b"Undelivered Mail Returned to Sender")
    path = host.folder / "bounce.eml"
    path.write_bytes(bounce or b"")
    (said,) = json.loads(host.command("report", "ingest", "--json", str(path)).stdout)
    check.expect("what came back is known", (said["status"], said["domain"], "5.1.1" in said["reason"] or said["reason"]),
                 ("stored", RETURNS, True))
    sent = host.command("report", "send", "--json", "--time", str(day + 86400 + 7200))
    check.expect("and is not tried again", json.loads(sent.stdout), [])
    rows = host.command("report", "send", "--dry-run", "--json", "--domain", RETURNS, "--time", str(day + 86400 + 7200))
    check.expect("it has failed", [line["state"] for line in json.loads(rows.stdout)], ["failed"])


def by_schema(check, host, receivers, mails):
    """RFC 9990's own, which is not part of this repository."""
    schema = pathlib.Path(os.environ.get("AUTHMILTER_TESTDATA", "")) / "dmarc-reports/dmarc-xml-0.2.xsd"
    if not schema.is_file() or not shutil.which("xmllint"):
        print("the schema is left out: no AUTHMILTER_TESTDATA, or no xmllint")
        return
    for domain, receiver in receivers.items():
        if domain == OLD_READER:
            continue
        path = host.folder / "report.xml"
        path.write_bytes(gzip.decompress(attachment(mails[receiver])[1]))
        result = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", schema, path], capture_output=True, text=True,
                                timeout=60, check=False)
        check.expect(f"{domain}: valid by RFC 9990's schema", (result.returncode, result.stderr.strip()),
                     (0, f"{path} validates"))


def by_others(check, host, receivers, mails):
    try:
        readers = Readers(host.folder / "readers")
    except Missing as missing:
        print(f"Debian's readers are left out: {missing}")
        return
    for domain, receiver in receivers.items():
        # It knows no namespace, and minds none.
        check.expect(f"{domain}: read by dmarc-cat", readers.dmarc_cat(*attachment(mails[receiver])),
                     [(address, count) for address, count, _ in wanted_rows(domain)])
    messages = sum(TRAFFIC[OLD_READER])
    check.expect("without the namespace Mail::DMARC reads a report", readers.mail_dmarc(mails[receivers[OLD_READER]]),
                 [("Home", OLD_READER, messages)])
    # Up to 1.2024 it dies on RFC 9990's namespace; 2.2026 reads it.
    found = readers.mail_dmarc(mails[receivers[DOMAINS[1]]])
    knows = found == [("Home", DOMAINS[1], sum(TRAFFIC[DOMAINS[1]]))]
    print(f"Mail::DMARC {'knows' if knows else 'does not know'} RFC 9990: {found}")


if __name__ == "__main__":
    sys.exit(main())
