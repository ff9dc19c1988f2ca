"""Reports of two hosts with one PostgreSQL: mail of ten domains comes in through the Postfix of each while the store is
killed, again and again; after midnight both send, and each domain hears of all of its mail, once.

    report_fleet.py --programs FOLDER

Readers are Debian's (harness/report_readers.py) and `authmilter report ingest`, whose rows are then in the page. Exit
status 77 where there is no Postfix or no PostgreSQL.
"""

import contextlib
import email
import email.policy
import itertools
import json
import re
import shutil
import subprocess
import sys
import threading
import time

from harness import postgresql
from harness.bench import GENUINE, OUR_DOMAIN, OUR_NAME, STRANGER, USERS, Bench, message, options_with_postfix, skip
from harness.private_postfix import PrivatePostfix
from harness.report_readers import NAMESPACE, Check, Readers, attachment, rows_of
from harness.unpacked_packages import Missing

NAMES = (OUR_NAME, "mx2.home.example")
DOMAINS = [f"d{number}.example" for number in range(10)]
POLICIES = {domain: ("none", "quarantine", "reject")[number % 3] for number, domain in enumerate(DOMAINS)}
# Those whose readers know no namespace, such as Mail::DMARC.
OLD_READERS = DOMAINS[:5]
KILLED = 3
PATIENCE = 120


def zone():
    return "".join(f'{domain} TXT "v=spf1 ip4:{GENUINE} -all"\n'
                   f'_dmarc.{domain} TXT "v=DMARC1; p={POLICIES[domain]}; rua=mailto:dmarc@{domain}"\n' for domain in DOMAINS)


def wait_until(what, condition):
    """What does not come about is for the expectation behind it to say."""
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    if time.monotonic() > end:
        print(f"waited in vain for {what}")


class Host:
    """authmilterd behind a Postfix. All hosts have the keys and the zone of the first."""

    def __init__(self, programs, name, store, first=None):
        self.name, self.store = name, store
        self.bench = Bench(programs)
        folder = self.folder = self.bench.folder
        if first:
            shutil.rmtree(folder / "keys")
            subprocess.run(["cp", "-a", first.folder / "keys", first.folder / "zone", folder], check=True)
            self.bench.dns = first.bench.dns
        else:
            with open(folder / "zone", "a", encoding="ascii") as file:
                file.write(zone())
        (folder / "reports").mkdir()
        shutil.chown(folder / "reports", "nobody")
        (folder / "postfix").mkdir()
        self.postfix = PrivatePostfix(
            folder / "postfix", name, OUR_DOMAIN, users=USERS,
            settings=f"mynetworks = 127.0.0.1/32\nsmtpd_milters = {self.bench.socket}\n"
                     f"non_smtpd_milters = {self.bench.socket}\nmilter_default_action = tempfail\n")
        self.config = folder / "authmilter.toml"
        self.before = self.config.read_text().replace(OUR_NAME, name)
        self.by_sendmail = False
        self.replies = []

    def configure(self, deliver):
        self.by_sendmail = deliver.startswith("/")
        names = ", ".join(f'"{domain}"' for domain in OLD_READERS)
        self.config.write_text(self.before + f"""
[reports]
store = "{self.store}"
spool = "{self.folder}/reports/spool"
organization = "Home"
email = "dmarc@{OUR_DOMAIN}"
deliver = "{deliver}"
without_namespace = [{names}]
""")

    def start(self):
        self.bench.start()
        self.postfix.start()

    def command(self, *arguments):
        """As the daemon's user; as root where sendmail(1) has to believe which Postfix is meant."""
        user = [] if self.by_sendmail else ["setpriv", "--reuid=nobody", "--regid=postfix", "--clear-groups"]
        return [*user, self.bench.programs / "tools/authmilter", *arguments, "--config", self.config]

    def asked(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=300, check=False)

    def receive(self, domain, client):
        reply, _ = self.postfix.send(
            message([f"From: a@{domain}", f"To: user@{OUR_DOMAIN}", "Subject: s"], f"m{len(self.replies)}.{self.name}"),
            f"bounce@{domain}", f"user@{OUR_DOMAIN}", client=client)
        self.replies.append((domain, client, reply[:3]))

    def outgoing(self):
        return [path.read_bytes() for path in (self.folder / "postfix/mail/outgoing/new").glob("*")]

    def logged(self, text):
        return self.bench.log().count(text)

    def remove(self):
        self.postfix.stop()
        self.bench.remove()


class Senders:
    """Mail for every host without a pause, of all domains in turn, the stranger's too."""

    def __init__(self, hosts):
        self.hosts, self.over = hosts, threading.Event()
        self.threads = [threading.Thread(target=self._send, args=(host,)) for host in hosts]
        self.failed = []

    def _send(self, host):
        # Not as many of one domain as of the next.
        kinds = [(domain, client) for number, domain in enumerate(DOMAINS)
                 for client, times in ((GENUINE, 1 + number % 3), (STRANGER, number % 2)) for _ in range(times)]
        try:
            for domain, client in itertools.cycle(kinds):
                host.receive(domain, client)
                # Not much at a time: what is to be seen takes seconds, however much comes in these.
                if self.over.wait(0.03):
                    return
        except Exception as error:  # an assertion in a thread of its own is nobody's
            self.failed.append(f"{host.name}: {error!r}")

    def more(self, count):
        """Waits until so many more have come to each host."""
        wanted = [len(host.replies) + count for host in self.hosts]
        wait_until("mail", lambda: self.failed or all(
            len(host.replies) >= number for host, number in zip(self.hosts, wanted)))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        for thread in self.threads:
            thread.join()


def stored(server):
    """Messages. Who first has a row makes the tables."""
    if server.query("SELECT to_regclass('own_row')") == [[""]]:
        return 0
    return int(server.query("SELECT COALESCE(SUM(messages), 0) FROM own_row")[0][0])


def traffic(hosts):
    """{domain: [(client, count), ...]} of all that came."""
    counts = {}
    for domain, client, _ in itertools.chain.from_iterable(host.replies for host in hosts):
        counts[domain, client] = counts.get((domain, client), 0) + 1
    return {domain: sorted((client, count) for (of, client), count in counts.items() if of == domain) for domain in DOMAINS}


def receive(check, server, hosts):
    failing, again = "rows of reports cannot be stored now", "rows of reports are stored again"
    with Senders(hosts) as senders:
        for turn in range(1, KILLED + 1):
            before = stored(server)
            wait_until("a store that grows", lambda before=before: stored(server) > before)
            server.kill()
            wait_until("that both notice", lambda turn=turn: all(host.logged(failing) >= turn for host in hosts))
            senders.more(15)
            server.start()
            wait_until("that both store again", lambda turn=turn: all(host.logged(again) >= turn for host in hosts))
        senders.more(15)
    check.expect("mail came without a fault", senders.failed, [])
    check.expect("nobody was told to come again",
                 {code for host in hosts for _, _, code in host.replies} - {"250", "550"}, set())
    check.expect("the stranger was refused for p=reject alone",
                 {POLICIES[domain] for host in hosts for domain, _, code in host.replies if code == "550"}, {"reject"})
    count = sum(len(host.replies) for host in hosts)
    print(f"{count} messages have come, {' and '.join(str(len(host.replies)) for host in hosts)}; "
          f"the store was killed {KILLED} times")
    wait_until("the last row", lambda: stored(server) >= count)
    check.expect("every message is in the store, once", stored(server), count)
    for host in hosts:
        # What is left in memory or in the spool would come now, or the next time.
        host.bench.stop()
        host.bench.start()
        host.receive(DOMAINS[0], GENUINE)
        check.expect(f"{host.name} has dropped nothing", set(re.findall(r"messages_lost=(\d+)", host.bench.log())), {"0"})
    wait_until("one more of each", lambda: stored(server) >= count + len(hosts))
    check.expect("and stays so when the spools are read again", stored(server), count + len(hosts))


def send(check, hosts, night):
    """Both at once, each to its own Postfix: one by sendmail(1), which waits here for a file, and one by SMTP to a server
    that does nothing. So whoever comes first still has all of them before it when the other one comes."""
    by_sendmail, by_smtp = hosts
    go = by_sendmail.folder / "go"
    script = by_sendmail.folder / "sendmail"
    script.write_text(f'#!/bin/sh\nwhile [ ! -e {go} ]; do sleep 0.05; done\n'
                      f'exec /usr/sbin/sendmail -C {by_sendmail.folder}/postfix/etc "$@"\n')
    script.chmod(0o755)
    by_sendmail.configure(str(script))
    by_smtp.configure(f"smtp://127.0.0.1:{by_smtp.postfix.port}")
    with by_smtp.postfix.held_up():
        runs = [subprocess.Popen(host.command("report", "send", "--json", "--time", night), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True) for host in hosts]
        wait_until("the end of one", lambda: any(run.poll() is not None for run in runs))
        check.expect("one of them sends, the other one does not", [run.poll() for run in runs].count(None), 1)
        go.touch()
    ended = [(run, *run.communicate(timeout=PATIENCE)) for run in runs]
    loser, winner = sorted(ended, key=lambda one: one[0].returncode == 0)
    check.expect("who came second leaves it to the first",
                 (loser[0].returncode, json.loads(loser[1]), "another host is sending" in loser[2] or loser[2]), (2, [], True))
    check.expect("who came first sends to all",
                 (winner[0].returncode, sorted((line["domain"], line["state"]) for line in json.loads(winner[1]))),
                 (0, [(domain, "sent") for domain in DOMAINS]))
    sender = hosts[runs.index(winner[0])]
    print(f"{sender.name} has sent")
    for host in hosts:
        again = host.asked("report", "send", "--json", "--time", night)
        check.expect(f"{host.name} has nothing to send later", (again.returncode, json.loads(again.stdout)), (0, []))
    return sender


def mails(check, hosts):
    """{domain: mail}, with which everybody has one and nobody two."""
    def found():
        return [octets for host in hosts for octets in host.outgoing()]

    wait_until("all mail", lambda: len(found()) >= len(DOMAINS))
    wait_until("empty queues", lambda: all(set(host.postfix.queue().values()) <= {"hold"} for host in hosts))
    to = [(str(email.message_from_bytes(one, policy=email.policy.default)["To"]), one) for one in found()]
    check.expect("each has one report", sorted(receiver for receiver, _ in to), [f"dmarc@{domain}" for domain in DOMAINS])
    return {receiver.removeprefix("dmarc@"): octets for receiver, octets in to}


def read(check, sender, found, counts):
    for domain, octets in found.items():
        name, file = attachment(octets)
        check.expect(f"{domain}: in the name of no host", name.split("!")[:2], [OUR_DOMAIN, domain])
        check.expect(f"{domain}: addresses and counts", [(address, count) for address, count, _ in rows_of(
            file, "" if domain in OLD_READERS else NAMESPACE)], counts[domain])
        check.expect(f"{domain}: signed by our keys", sender.bench.signature_problems(octets), [])
    try:
        readers = Readers(sender.folder / "readers")
    except Missing as missing:
        print(f"Debian's readers are left out: {missing}")
        return
    for domain, octets in found.items():
        check.expect(f"{domain}: by dmarc-cat", readers.dmarc_cat(*attachment(octets)), counts[domain])
        if domain in OLD_READERS:
            check.expect(f"{domain}: by Mail::DMARC", readers.mail_dmarc(octets),
                         [("Home", domain, sum(count for _, count in counts[domain]))])


def show(check, sender, found, counts, night):
    """What was sent, read into the same store; and the page from it."""
    folder = sender.folder / "sent"
    folder.mkdir()
    for domain, octets in found.items():
        (folder / domain).write_bytes(octets)
    day_after = str(int(night) + 86400)
    totals = {domain: sum(count for _, count in counts[domain]) for domain in DOMAINS}
    arguments = ("report", "ingest", "--json", "--time", day_after, str(folder))
    said = json.loads(sender.asked(*arguments).stdout)
    check.expect("read by ourselves", sorted((one["status"], one["domain"], one["records"], one["messages"]) for one in said),
                 [("stored", domain, len(counts[domain]), totals[domain]) for domain in DOMAINS])
    check.expect("and counted once", {one["status"] for one in json.loads(sender.asked(*arguments).stdout)}, {"duplicate"})
    made = sender.asked("report", "page", "--no-names", "--time", day_after, "--out", f"{sender.folder}/reports/page.html")
    check.expect("the page is made", (made.returncode, made.stderr), (0, ""))
    page = (sender.folder / "reports/page.html").read_text()
    data = json.loads(re.search(r'(?s)<script type="application/json" id="data">(.*?)</script>', page)[1])

    def shown(names, series):
        sums = dict.fromkeys(DOMAINS, 0)
        for line in series:
            sums[data[names][line[0]]] += sum(cell[1] for cell in line[-1])
        return sums

    check.expect("what came is in the page as others would tell it", shown("domains", data["series"]), totals)
    check.expect("and as we judged it", shown("ownDomains", data["own"]), totals)
    check.expect("so is what was sent", sorted(tuple(line[1:4]) for line in data["sent"]),
                 [(domain, f"mailto:dmarc@{domain}", "sent") for domain in DOMAINS])
    sent = sum(totals.values())
    check.expect("its total is that of the mail", re.findall(r"<dt>Messages</dt><dd>([\d,]+)", page)[0].replace(",", ""), str(sent))


def main():
    options = options_with_postfix(__doc__)
    if postgresql.programs() is None:
        skip("PostgreSQL is not installed")
    check = Check()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql.Postgresql())
        hosts = []
        for name in NAMES:
            hosts.append(Host(options.programs, name, server.uri, *hosts[:1]))
            stack.callback(hosts[-1].remove)
        for host in hosts:
            host.configure("smtp://127.0.0.1")
            host.start()
        today = time.time() // 86400
        receive(check, server, hosts)
        if time.time() // 86400 != today:
            skip("the day has ended meanwhile")
        night = str(int(today + 1) * 86400 + 3600)
        sender = send(check, hosts, night)
        counts = traffic(hosts)
        found = mails(check, hosts)
        read(check, sender, found, counts)
        show(check, sender, found, counts, night)
        if check.wrong:
            print("\n".join(line for host in hosts for line in host.bench.log().splitlines() if " action=" not in line))
    return 1 if check.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
