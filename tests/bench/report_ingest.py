#!/usr/bin/env python3
"""What it costs to read others' reports into a store: 2,000 DMARC aggregate reports with a million rows, as mails and as
files, beside Mail::DMARC, which stores them in SQLite too, and dmarc-cat, which only shows them.

usage: report_ingest.py [--programs BUILD] [--reports N] [--rows N] [--repeat N] [--seconds S] [--no-peers]

The reports are made up, always the same, and in the shape of those that large receivers send. The others come from Debian's
packages, unpacked into a cache (contrib/packages/report-readers). Mail::DMARC has as many reports as it reads in
--seconds, in an order of chance; the time of a row is what is compared. All is in memory: no disk is measured.
"""

import argparse
import base64
import gzip
import pathlib
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.report_readers import mail_dmarc_environment
from harness.unpacked_packages import Missing, unpacked_list

SEED = 20261129
FIRST = 1_750_000_000 // 86_400 * 86_400
AFTER = FIRST + 400 * 86_400
DOMAINS = [f"{word}.example.{end}" for end in ("org", "com", "net", "edu") for word in ("www", "shop", "news", "mail", "club")]
# Of each receiver: its own name for itself, its address, its host, how it indents, whether it writes the version and whom
# the mail was to.
RECEIVERS = (("google.com", "noreply-dmarc-support@google.com", "google.com", "  ", False, False),
             ("Enterprise Outlook", "dmarcreport@microsoft.com", "enterprise.protection.outlook.com", "  ", True, True),
             ("Yahoo", "dmarchelp@yahooinc.com", "yahoo.com", "\t", False, False),
             ("Mail.Ru", "dmarc_support@corp.mail.ru", "mail.ru", "", False, False),
             ("seznam.cz a.s.", "abuse@seznam.cz", "email.seznam.cz", "    ", True, False))
# Reads one mail after another, and one store takes them all, as `dmarc_receive --imap` does; the time is looked at between.
MAIL_DMARC = """
use strict; use warnings; use Mail::DMARC::Report::Receive; use Time::HiRes;
my ($seconds, @files) = @ARGV;
my $end = Time::HiRes::time() + $seconds;
foreach my $file (@files) {
  Mail::DMARC::Report::Receive->new->from_file($file);
  last if Time::HiRes::time() > $end;
}
"""


def element(name, content, indent, depth):
    return f"{indent * depth}<{name}>{content}</{name}>\n"


def block(name, lines, indent, depth):
    return f"{indent * depth}<{name}>\n{''.join(lines)}{indent * depth}</{name}>\n"


def results(chance, domain):
    """(SPF's domain and result, DKIM's domain, selector and result or nothing, aligned by DKIM and by SPF)."""
    kind = chance.random()
    if kind < 0.6:  # its own hosts
        return domain, "pass", (domain, f"s{chance.randrange(3)}", "pass"), "pass", "pass"
    if kind < 0.75:  # a service that signs as the domain
        service = f"bounce.esp-{chance.randrange(12)}.example"
        return service, "pass", (domain, "esp", "pass"), "pass", "fail"
    if kind < 0.9:  # forwarded
        forwarder = f"list-{int(chance.paretovariate(0.8)) % 2000}.example"
        return forwarder, chance.choice(("pass", "none", "softfail")), (domain, "s0", chance.choice(("pass", "fail"))), \
            "pass", "fail"
    return f"forger-{chance.randrange(20_000)}.example" if kind < 0.95 else domain, chance.choice(("fail", "none")), None, \
        "fail", "fail"


def address(chance):
    if chance.random() < 0.2:
        return f"2001:db8:{chance.randrange(64):x}::{chance.randrange(4096):x}"
    return f"{chance.choice((192, 198, 203))}.{chance.randrange(64)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def record(chance, domain, indent, envelope_to):
    spf_domain, spf, dkim, by_dkim, by_spf = results(chance, domain)
    fails = "pass" not in (by_dkim, by_spf)
    signed = [] if dkim is None else [block("dkim", [
        element(name, value, indent, 4) for name, value in zip(("domain", "selector", "result"), dkim)], indent, 3)]
    return block("record", [
        block("row", [
            element("source_ip", address(chance), indent, 3), element("count", int(chance.paretovariate(1.1)), indent, 3),
            block("policy_evaluated", [
                element("disposition", "quarantine" if fails else "none", indent, 4), element("dkim", by_dkim, indent, 4),
                element("spf", by_spf, indent, 4)], indent, 3)], indent, 2),
        block("identifiers", [
            *([element("envelope_to", "example.com", indent, 3)] if envelope_to else []),
            element("envelope_from", spf_domain, indent, 3), element("header_from", domain, indent, 3)], indent, 2),
        block("auth_results", [*signed, block("spf", [
            element("domain", spf_domain, indent, 4), element("result", spf, indent, 4)], indent, 3)], indent, 2)],
        indent, 1)


def report(chance, number, rows):
    """(its name, its XML)."""
    domain, day = DOMAINS[number % len(DOMAINS)], number // len(DOMAINS) // len(RECEIVERS)
    organization, contact, host, indent, version, envelope_to = RECEIVERS[number // len(DOMAINS) % len(RECEIVERS)]
    begin = FIRST + day * 86_400
    end = begin + 86_399
    text = '<?xml version="1.0" encoding="UTF-8" ?>\n' + block("feedback", [
        *([element("version", "1.0", indent, 1)] if version else []),
        block("report_metadata", [
            element("org_name", organization, indent, 2), element("email", contact, indent, 2),
            element("report_id", f"{SEED}{number:08}", indent, 2),
            block("date_range", [element("begin", begin, indent, 3), element("end", end, indent, 3)], indent, 2)], indent, 1),
        block("policy_published", [element(name, value, indent, 2) for name, value in (
            ("domain", domain), ("adkim", "r"), ("aspf", "r"), ("p", "quarantine"), ("sp", "none"), ("pct", 100))], indent, 1),
        *(record(chance, domain, indent, envelope_to) for _ in range(rows))], indent, 0)
    return f"{host}!{domain}!{begin}!{end}", text.encode()


def sizes(reports, rows):
    """How many rows each has: a few of them most, as everywhere, and together so many."""
    weights = [1 / (rank + 20) for rank in range(reports)]
    whole = [max(1, int(weight * (rows - reports) / sum(weights))) for weight in weights]
    whole[0] += rows - sum(whole)
    return whole


def make(folder, reports, rows):
    """files/NAME.xml.gz and mails/NUMBER; [(of a mail, its rows)], in an order of chance. Returns the octets of XML, too."""
    chance, made, octets = random.Random(SEED), [], 0
    counts = sizes(reports, rows)
    chance.shuffle(counts)
    for place in ("files", "mails"):
        (folder / place).mkdir()
    for number, count in enumerate(counts):
        name, text = report(chance, number, count)
        packed = gzip.compress(text, 6, mtime=0)
        (folder / "files" / f"{name}.xml.gz").write_bytes(packed)
        mail = folder / "mails" / f"{number:06}"
        mail.write_bytes(
            f"From: dmarc@{name.split('!')[0]}\nTo: dmarc@{name.split('!')[1]}\nMIME-Version: 1.0\n"
            f"Subject: Report domain: {name.split('!')[1]} Submitter: {name.split('!')[0]} Report-ID: {SEED}{number:08}\n"
            f'Content-Type: application/gzip; name="{name}.xml.gz"\nContent-Transfer-Encoding: base64\n'
            f'Content-Disposition: attachment; filename="{name}.xml.gz"\n\n'.encode() + base64.encodebytes(packed))
        made.append((mail, count))
        octets += len(text)
    chance.shuffle(made)
    return made, octets


class Taken:
    """Seconds of processor time, those on the clock, and the most memory of any child until now in MB."""

    def __init__(self, run):
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        run()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.clock = time.monotonic() - begin
        self.processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.memory = after.ru_maxrss // 1024

    def __str__(self):
        return f"{self.processor:.1f} s of processor time, {self.clock:.1f} s in all"


def rows_in(file, sql):
    with sqlite3.connect(file) as store:
        return store.execute(sql).fetchone()[0]


def ingest(program, folder, place, store):
    for old in folder.glob(f"{store}*"):
        old.unlink()
    (folder / "none.toml").write_text('[identity]\nauthserv_id = "mx.example.org"\n[milter]\nsocket_group = ""\n')
    taken = Taken(lambda: subprocess.run(
        [program, "report", "ingest", "--config", folder / "none.toml", "--quiet", "--store", f"sqlite:{folder}/{store}", "--time",
         str(AFTER), folder / place], check=True, stderr=subprocess.DEVNULL))
    return taken, rows_in(folder / store, "SELECT SUM(records) FROM received_report")


def dmarc_cat(packages, folder, *arguments):
    """For each of `arguments` a process, since it reads no more than one file."""
    def read():
        for argument in arguments:
            subprocess.run([packages / "usr/bin/dmarc-cat", "-N", argument], check=True,
                           env={"HOME": str(folder), "PATH": "/usr/bin"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Taken(read)


def mail_dmarc(packages, folder, made, seconds):
    """(what it took, rows)."""
    (folder / "mail-dmarc").mkdir()
    environment = mail_dmarc_environment(packages, folder / "mail-dmarc")
    taken = Taken(lambda: subprocess.run(
        ["perl", "-e", MAIL_DMARC, str(seconds), *(mail for mail, _ in made)], cwd=folder / "mail-dmarc", env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True))
    return taken, rows_in(folder / "mail-dmarc/store.sqlite", "SELECT COUNT(*) FROM report_record")


def verdict(good):
    return "met" if good else "MISSED"


def measure(options, folder, packages):
    made, octets = make(folder, options.reports, options.rows)
    files = sorted((folder / "files").iterdir())
    print(f"{options.reports} reports, {options.rows} rows, {octets / 1e6:.0f} MB of XML, "
          f"{sum(file.stat().st_size for file in files) / 1e6:.0f} MB packed", flush=True)
    program = options.programs / "milter/tools/authmilter"
    starts = dmarc_cat(packages, folder, *(["-version"] * len(files))) if packages else None
    ratios, without_starts = [], []
    for _ in range(options.repeat):
        taken, rows = ingest(program, folder, "files", "files.db")
        assert rows == options.rows, f"{rows} rows are stored"
        print(f"report ingest, files: {taken}, {taken.processor / rows * 1e6:.1f} us a row, {taken.memory} MB of memory, "
              f"store {(folder / 'files.db').stat().st_size / 1e6:.0f} MB", flush=True)
        if packages:
            cat = dmarc_cat(packages, folder, *files)
            print(f"dmarc-cat, files: {cat}, of which {starts.processor:.1f} s to start {len(files)} times", flush=True)
            ratios.append(taken.processor / cat.processor)
            without_starts.append(taken.processor / max(0.001, cat.processor - starts.processor))
    taken, rows = ingest(program, folder, "mails", "mails.db")
    assert rows == options.rows, f"{rows} rows are stored"
    print(f"report ingest, mails: {taken}, {taken.processor / rows * 1e6:.1f} us a row", flush=True)
    if not packages:
        return
    theirs, their_rows = mail_dmarc(packages, folder, made, options.seconds)
    print(f"Mail::DMARC, mails: {theirs} for {their_rows} rows, {theirs.processor / their_rows * 1e6:.0f} us a row, "
          f"{theirs.processor / their_rows * options.rows / 60:.0f} minutes for all", flush=True)
    faster = theirs.processor / their_rows / (taken.processor / rows)
    print(f"{faster:.0f} times as fast as Mail::DMARC (at least 20 is wanted: {verdict(faster >= 20)})")
    ratio = statistics.median(ratios)
    print(f"{ratio:.2f} times the time of dmarc-cat (at most 1.5 is wanted: {verdict(ratio <= 1.5)}), "
          f"{statistics.median(without_starts):.2f} times without its starts")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--programs", type=pathlib.Path, default=pathlib.Path("build/release"))
    add("--reports", type=int, default=2_000)
    add("--rows", type=int, default=1_000_000)
    add("--repeat", type=int, default=2, help="of report ingest and dmarc-cat, in turn; ratios are medians [2]")
    add("--seconds", type=float, default=60, help="for Mail::DMARC [60]")
    add("--no-peers", dest="peers", action="store_false", help="without Mail::DMARC and dmarc-cat")
    options = parser.parse_args()
    options.programs = options.programs.resolve()
    packages = None
    try:
        packages = unpacked_list("report-readers") if options.peers else None
    except Missing as missing:
        print(f"without others: {missing}")
    memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="authmilter-bench.") as folder:
        measure(options, pathlib.Path(folder), packages)


if __name__ == "__main__":
    main()
