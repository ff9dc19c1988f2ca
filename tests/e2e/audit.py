"""`authmilter audit` of a good domain, whose checks all pass, and of domains and servers that are broken, each in one way: it
names exactly that. And of servers that dawdle, of what was kept, of what has changed, and the page in a browser.

    audit.py --programs FOLDER

The servers are NSD, unbound, Postfix, Dovecot and nginx, in a network of their own. Exit status 77 where there is none.
With AUTHMILTER_PICTURES=FOLDER pictures of the page stay there.
"""

import argparse
import concurrent.futures
import csv
import io
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import time
import warnings

from broken_domains import BESIDE, BOGUS_NAME, BROKEN, CLIENTS, DAWDLERS, HOSTS, PAGES, SIGNED_NAME, WITHOUT_ROW
from harness import browser
from harness.audit_laboratory import (CLIENTS as GOOD_CLIENTS, GOOD, MAIL_PAGE, SELECTOR, WEB_NUMBER, AuditLaboratory, Domain,
                                      key_text, programs_missing, v4)
from harness.bench import skip
from harness.daemon import sanitized
from harness.nukib_laboratory import RESOLVER
from harness.tables import keep_table
from harness.tls_servers import dawdler, reception

STATUSES = {"pass", "info", "warn", "fail", "unknown"}
POINT_STATUSES = {"fulfilled", "not-fulfilled", "not-testable"}
# Of the good domain: no logo, no stapled answer about the certificate; Debian's OpenSSL cannot try SSLv3, nor speak it. And
# what only the owner can show.
NOT_PASSED = {"bimi.record": "info", "cert.ocsp": "info", "tls.ssl3": "unknown", "client.ssl3": "unknown"}
NOT_TESTABLE = {"1.2.2", "2.2.2", "1.8"}
# Shown by a profile of its own: TLS 1.0 without a reason.
BY_PROFILE = {"1.2.3", "2.2.3"}
FIRST_CLIENTS, FIRST_DAWDLER = 201, 231
MOST_DAWDLING_SECONDS = 60
MOST_MEMORY_KB = 120_000
JOBS = "12"


class Report:
    def __init__(self):
        self.rows = self.failed = 0
        self.found = []

    def add(self, what, found, wanted):
        self.rows += 1
        right = found == wanted
        self.found.append((what, str(found) if right else f"WRONG, {found}"))
        if not right:
            self.failed += 1
            print(f"WRONG {what}\n    found  {found}\n    wanted {wanted}", flush=True)

    def add_difference(self, what, good, audit, row):
        """Exactly the ids of the row have another status than those of the good domain."""
        found = {id: status for id, status in statuses(audit).items() if status != statuses(good).get(id, "pass")}
        self.add(what, found, row.statuses())
        wanted = set(row.point.split())
        found = {point for point, status in points(audit).items() if status == "not-fulfilled"}
        self.add(f"{what}, points not fulfilled", sorted(found), sorted(wanted))
        for check in audit["checks"]:
            if check["id"] in row.statuses() and check["status"] in ("warn", "fail"):
                self.add(f"{what}, {check['id']} says what was found and what to do",
                         bool(check["evidence"]) and bool(check["remedy"]), True)


def statuses(audit):
    return {check["id"]: check["status"] for check in audit["checks"]}


def points(audit):
    return {point["point"]: point["status"] for point in audit["points"]}


PROGRESS = re.compile(r"authmilter: \d+ of \d+ domains")


class Command:
    """`authmilter audit`, with what every run needs."""

    def __init__(self, laboratory):
        self.program = laboratory.programs / "tools/authmilter"
        self.notes = []
        self.common = ["--tls-ca", laboratory.authority.authorities, "--signed-name", SIGNED_NAME, "--bogus-name", BOGUS_NAME]
        self.strange = laboratory.folder / "without_keys.toml"
        self.strange.write_text(f'[dns]\ntrust_anchor = "{laboratory.folder}/dns/anchor"\n')

    def words(self, *words, config=None, prefix=()):
        """`config`: without one it is that of a stranger, who has no key of the domains."""
        return [*prefix, self.program, "--config", config or self.strange, "audit", *self.common, *words]

    def run(self, *words, timeout=300, **options):
        done = subprocess.run(self.words(*words, **options), capture_output=True, text=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"status {done.returncode}: {' '.join(map(str, done.args))}\n{done.stderr}{done.stdout[-1000:]}")
        for note in done.stderr.splitlines():
            if not PROGRESS.match(note):
                self.notes.append(note)
        return done

    def json(self, *words, **options):
        return json.loads(self.run("--format", "json", "--profile", "nukib", "--selector", SELECTOR, *words, **options).stdout)


def check_shape(report, audits):
    """What interface promises of the JSON."""
    wrong = []
    for audit in audits:
        for check in audit["checks"]:
            if not {"id", "status", "points", "evidence", "remedy"} <= check.keys() or check["status"] not in STATUSES or \
               not isinstance(check["points"], list) or not all(isinstance(check[key], str) for key in ("evidence", "remedy")):
                wrong.append(check)
        for point in audit["points"]:
            if not {"point", "status", "evidence"} <= point.keys() or point["status"] not in POINT_STATUSES:
                wrong.append(point)
        ids = [check["id"] for check in audit["checks"]]
        if len(ids) != len(set(ids)):
            wrong.append((audit["domain"], "an id twice"))
    report.add("shape of the JSON", wrong[:3], [])


def check_good(report, laboratory, command):
    """On the mail server itself, with its clients and its page: all is as it should be."""
    audit = command.json(GOOD, "--client-host", GOOD_CLIENTS, "--webmail", f"https://{MAIL_PAGE}/",
                         "--facts-out", laboratory.folder / "good.facts", config=laboratory.config)[0]
    bad = {check["id"]: (check["status"], check["evidence"]) for check in audit["checks"]
           if check["status"] != NOT_PASSED.get(check["id"], "pass")}
    report.add("checks of the good domain that do not pass", bad, {})
    report.add("points that are not fulfilled",
               {point: status for point, status in points(audit).items() if status != "fulfilled"},
               dict.fromkeys(NOT_TESTABLE, "not-testable"))
    return audit


def check_broken(report, laboratory, command):
    """All in one run; the good domain is among them, seen as a stranger sees it."""
    names = laboratory.folder / "domains"
    names.write_text("".join(f"{name}\n" for name in (GOOD, *(row.domain.name for row in BROKEN))))
    start = time.monotonic()
    audits = command.json("--domains-file", names, "--no-host", "--jobs", JOBS, "--facts-out", laboratory.folder / "all.facts")
    print(f"{len(audits)} domains in {time.monotonic() - start:.1f} s", flush=True)
    check_shape(report, audits)
    by_name = {audit["domain"]: audit for audit in audits}
    for row in BROKEN:
        report.add_difference(f"{row.domain.name} ({row.why})", by_name[GOOD], by_name[row.domain.name], row)
    return audits


def start_clients(laboratory):
    servers = []
    for number, row in enumerate(CLIENTS, FIRST_CLIENTS):
        chain = laboratory.authority.issue(**{"name": f"{row.name}.{GOOD}", "file": row.name, **row.certificate})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers(f"{row.ciphers}:@SECLEVEL=0")
        context.load_cert_chain(chain)
        context.minimum_version, context.maximum_version = row.versions
        for port, greeting in row.ports.items():
            servers.append(reception(v4(number), port, greeting, context if port in (465, 993, 995) else None))
    return servers


def check_clients_and_pages(report, laboratory, command, good):
    """Each with the good domain, a few at a time."""
    def ask(row, host, page):
        return row, command.json(GOOD, "--no-host", "--client-host", host, "--webmail", f"https://{page}/",
                                 "--facts-out", laboratory.folder / f"{row.name}.facts")[0]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(ask, row, f"{row.name}.{GOOD}", MAIL_PAGE) for row in CLIENTS]
        runs += [pool.submit(ask, row, GOOD_CLIENTS, f"{row.name}.{GOOD}") for row in PAGES]
        for run in runs:
            row, audit = run.result()
            report.add_difference(f"{row.name} ({row.why or 'good'})", good, audit, row)


def check_hosts(report, laboratory, command):
    """The mail server's own settings, one spoilt."""
    good = command.json(GOOD, "--dns-only", config=laboratory.config)[0]
    shutil.copy(RESOLVER, laboratory.folder / "resolv.conf")
    for number, row in enumerate(HOSTS):
        folder = laboratory.folder / f"host{number}"
        shutil.copytree("/etc/postfix", folder, symlinks=True)
        for name, value in row.postfix.items():
            subprocess.run(["postconf", "-c", folder, "-e", f"{name} = {value}"], check=True)
        # Postfix's programs read a file of the last seconds again and again until it does not change.
        os.utime(folder / "main.cf", (0, 0))
        postconf = folder / "postconf"
        postconf.write_text(f'#!/bin/sh\nexec /usr/sbin/postconf -c {folder} "$@"\n')
        postconf.chmod(0o755)
        config = folder / "authmilter.toml"
        config.write_text(laboratory.config.read_text().replace(*row.ours) if row.ours else laboratory.config.read_text())
        pathlib.Path(os.path.realpath(RESOLVER)).write_text(f"nameserver {row.resolver}\noptions edns0 trust-ad\n")
        audit = command.json(GOOD, "--dns-only", "--nameserver", "127.0.0.1", "--postconf", postconf, config=config)[0]
        report.add_difference(f"this host ({row.why})", good, audit, row)
    shutil.copy(laboratory.folder / "resolv.conf", RESOLVER)


def start_dawdling(laboratory, command):
    servers = [dawdler(v4(number), 25, says) for number, says in enumerate(DAWDLERS.values(), FIRST_DAWDLER)]
    domains = [f"{name}.dawdlers.example" for name in DAWDLERS]
    out = laboratory.folder / "dawdlers.json"
    process = subprocess.Popen(command.words(*domains, "--no-host", "--format", "json", "--jobs", "8", "--out", out),
                               stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    start = time.monotonic()

    def wait():
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return time.monotonic() - start, usage.ru_maxrss

    ended = concurrent.futures.ThreadPoolExecutor(1).submit(wait)
    return servers, process, ended, out


def check_dawdling(report, started):
    servers, process, ended, out = started
    seconds, memory = ended.result(MOST_DAWDLING_SECONDS * 3)
    for server in servers:
        server.over.set()
    print(f"servers that dawdle: {seconds:.1f} s, {memory} kB", flush=True)
    report.add("an audit of servers that dawdle ends", process.returncode, 1)
    report.add(f"... in time ({seconds:.0f} s)", seconds < MOST_DAWDLING_SECONDS, True)
    sanitizers = 600_000 if sanitized(process.args[0]) else 0
    report.add(f"... with little memory ({memory} kB)", memory < MOST_MEMORY_KB + sanitizers, True)
    for audit in json.loads(out.read_text()):
        found = statuses(audit)
        report.add(f"{audit['domain']} is not said to be in order", found.get("tls.version") not in ("pass", "info"), True)


def check_kept(report, laboratory, command, audits):
    """What was kept is judged as it was, in a network without anything."""
    facts = laboratory.folder / "all.facts"
    again = command.json("--facts", facts, prefix=("unshare", "--net"))
    report.add("judged again without a network: domains", len(again), len(audits))
    different = [one["domain"] for one, other in zip(again, audits)
                 if (one["checks"], one["points"]) != (other["checks"], other["points"])]
    report.add("... those judged otherwise", different, [])
    rows = list(csv.reader(io.StringIO(command.run("--facts", facts, "--format", "csv", "--profile", "nukib").stdout)))
    report.add("lines of the CSV: a heading, one for each check and each point", len(rows),
               1 + sum(len(audit["checks"]) + len(audit["points"]) for audit in audits))
    report.add("... of one length", len({len(row) for row in rows}), 1)


STRICTER = """\
prints_measure = true
[tls]
old_fails = true
"""


def check_profile(report, laboratory, command):
    """A profile of one's own: nobody has a reason for TLS 1.0."""
    profile = laboratory.folder / "stricter.toml"
    profile.write_text(STRICTER)
    for facts, domain, point in (("all", "tls-10.example", "1.2.3"), ("c-tls10", GOOD, "2.2.3")):
        done = command.run("--facts", laboratory.folder / f"{facts}.facts", domain, "--profile", profile, "--format", "json")
        audit = json.loads(done.stdout)[0]
        report.add(f"TLS 1.0 fails by a profile that says so: {facts}", points(audit)[point], "not-fulfilled")


def check_changes(report, laboratory, command):
    before = laboratory.folder / "before.facts"
    asked = ("changing.example", "--dns-only", "--no-host", "--nameserver", f"{v4(53)}@53")
    command.json(*asked, "--facts-out", before)
    same = command.run(*asked, "--profile", "nukib", "--selector", SELECTOR, "--since", before)
    report.add("nothing has changed: exit status, though not all is well", same.returncode, 0)
    laboratory.change("changing.example", {"@ TXT": "v=spf1 mx -all", "_dmarc TXT": "v=DMARC1; p=none; sp=reject; np=reject; "
                                           "rua=mailto:dmarc@changing.example"})
    worse = command.run(*asked, "--format", "json", "--profile", "nukib", "--selector", SELECTOR, "--since", before)
    report.add("one thing is worse: exit status", worse.returncode, 1)
    changes = {change["id"]: change["change"] for change in json.loads(worse.stdout)[0]["changes"]}
    report.add("... what is better, what is worse", {id: changes.get(id) for id in ("spf.exists", "dmarc.policy")},
               {"spf.exists": "better", "dmarc.policy": "worse"})


def check_detour(report, command):
    """--connect: the good domain's mail host is looked for where another is."""
    number = next(row.domain.number for row in BROKEN if row.domain.name == "tls-none.example")
    audit = command.json(GOOD, "--no-host", "--connect", f"mx.{GOOD}={v4(number)}@25")[0]
    report.add("by --connect to a server without STARTTLS", statuses(audit).get("starttls.offered"), "fail")


def check_page(report, laboratory, command, good):
    if reason := browser.why_not():
        print(f"The page is not looked at: {reason}")
        return
    page = laboratory.folder / "page.html"
    command.run("--facts", laboratory.folder / "good.facts", "--format", "html", "--profile", "nukib", "--out", page)
    for name, width in (("desk", browser.DESK), ("telephone", browser.TELEPHONE)):
        window = browser.Browser(laboratory.folder / f"browser-{name}", width).open(page)
        try:
            report.add(f"the page at {width} pixels is not a picture of nothing",
                       len(window.picture(f"audit-{name}")) > 30_000, True)
            report.add("... nothing is wider than the window",
                       window.run("return document.documentElement.scrollWidth") <= width, True)
            report.add("... fetched from elsewhere",
                       {url for url in window.requests() if not url.startswith("data:")} - {window.url}, set())
            text = window.run("return document.body.innerText")
            missing = [point["point"] for point in good["points"] if not re.search(rf"\b{re.escape(point['point'])}\b", text)]
            report.add("... points that are not on it", missing, [])
            missing = [check["id"] for check in good["checks"] if check["id"] not in text]
            report.add("... checks that are not on it", missing, [])
            if name == "desk":
                document = window.document("audit")
                report.add("... as PDF", (document[:4], len(document) > 20_000), (b"%PDF", True))
        finally:
            window.driver.quit()


def check_shared_key(report, command):
    """Two selectors with one key."""
    audit = command.json("dkim-shared.example", "--selector", f"{SELECTOR}b", "--no-host", "--dns-only")[0]
    report.add("two selectors with one key",
               {id: status for id, status in statuses(audit).items() if status != NOT_PASSED.get(id, "pass")},
               {"dkim.shared_key": "warn"})


def check_coverage(report, good, audits):
    """Each rule was broken, and each point's failure was shown."""
    broken = {id for row in (*BROKEN, *CLIENTS, *PAGES, *HOSTS) for id in row.statuses()} | {"dkim.shared_key"}
    rules = {check["id"] for audit in audits for check in audit["checks"]}
    report.add("rules that no row breaks", sorted(rules - broken - WITHOUT_ROW), [])
    shown = {point for row in (*BROKEN, *CLIENTS, *PAGES, *HOSTS) for point in row.point.split()}
    report.add("points whose failure no row shows", sorted(set(points(good)) - shown - NOT_TESTABLE - BY_PROFILE), [])


def dawdling_domains():
    return [Domain(f"{name}.dawdlers.example", {"@ MX": f"10 mx.{name}.dawdlers.example.", "mx A": v4(number)}, dnssec="unsigned")
            for number, name in enumerate(DAWDLERS, FIRST_DAWDLER)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--programs", required=True, help="the build's folder with authmilterd")
    options = parser.parse_args()
    if reason := programs_missing():
        skip(reason)
    if not os.path.exists(RESOLVER):
        skip(f"{RESOLVER} is missing, so nothing can be put in its place")
    warnings.simplefilter("ignore", DeprecationWarning)  # of the versions of TLS that nobody should use

    changing = Domain("changing.example", {"@ TXT": ()}, dnssec="unsigned")
    key = key_text()
    shared = Domain("dkim-shared.example", {f"{SELECTOR}._domainkey TXT": key, f"{SELECTOR}b._domainkey TXT": key})
    records = {f"{row.name} A": v4(number) for number, row in enumerate(CLIENTS, FIRST_CLIENTS)}
    records |= {f"{page.name} A": v4(WEB_NUMBER) for page in PAGES}
    report = Report()
    domains = [*(row.domain for row in BROKEN), *BESIDE, changing, shared, *dawdling_domains()]
    laboratory = AuditLaboratory(options.programs, domains, records)
    dawdling = None
    steps = [time.monotonic()]

    def step(name):
        steps.append(time.monotonic())
        print(f"{name}: {steps[-1] - steps[-2]:.1f} s", flush=True)

    try:
        clients = start_clients(laboratory)
        laboratory.start({f"{page.name}.{GOOD}": (page.clear, page.secure) for page in PAGES})
        step("laboratory")
        command = Command(laboratory)
        dawdling = start_dawdling(laboratory, command)
        good = check_good(report, laboratory, command)
        step("good domain")
        audits = check_broken(report, laboratory, command)
        step("broken domains")
        check_clients_and_pages(report, laboratory, command, good)
        step("servers for devices, pages")
        check_hosts(report, laboratory, command)
        step("this host")
        check_dawdling(report, dawdling)
        check_detour(report, command)
        check_kept(report, laboratory, command, audits)
        check_shared_key(report, command)
        check_profile(report, laboratory, command)
        check_changes(report, laboratory, command)
        step("dawdlers, what was kept, what changed")
        check_page(report, laboratory, command, good)
        step("page")
        report.add("notes on standard error", sorted(set(command.notes)), [])
        check_coverage(report, good, [good, *audits])
        for server in clients:
            server.shutdown()
    finally:
        if dawdling and not dawdling[2].done():
            dawdling[1].kill()
        if sys.exc_info()[0]:
            print(laboratory.logs(), file=sys.stderr)
        laboratory.stop()
    keep_table("audit", {"": report.found})
    print(f"{report.rows} checks, {report.failed} failed.")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
