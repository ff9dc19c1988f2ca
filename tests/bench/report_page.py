#!/usr/bin/env python3
"""What the page of a large store costs: ten million messages in 90 days of 200 domains, as two receivers report them.

usage: report_page.py [--programs BUILD]
"""

import argparse
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness import report_rows
from harness.report_rows import LAST, NOON_AFTER, forged, good, line, service

DAYS, DOMAINS, RECEIVERS = 90, 200, ("google.com", "Yahoo")
RUNS = 5


def rows():
    for number in range(DOMAINS):
        domain = f"domain-{number}.example.org"
        for day in range(DAYS):
            for receiver in RECEIVERS:
                base = {"day": LAST - DAYS + 1 + day, "domain": domain, "org": receiver}
                yield line("received", **base, count=200 + (number * 7 + day * 13) % 92, **good(domain))
                for one in range(5):
                    yield line("received", **base, count=8 + (day + one) % 9,
                               **service(f"esp-{one}.example", source=f"198.51.100.{one}"))
                for one in range(6):
                    yield line("received", **base, count=3, **forged(f"203.0.{number}.{one * 16}"))
    yield from report_rows.own(100, DAYS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path("build/release"))
    build = parser.parse_args().programs
    # In memory: a report each is a transaction, and the disk is not what is measured.
    memory = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        store, page = f"sqlite:{folder}/reports.db", pathlib.Path(folder, "page.html")
        report_rows.fill(build / "tests/command/fill_store", store, rows())
        seconds, processor = [], []
        for _ in range(RUNS):
            before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            subprocess.run([build / "milter/tools/authmilter", "report", "page", "--no-names", "--store", store, "--time",
                            str(NOON_AFTER), "--out", page], check=True)
            seconds.append(time.monotonic() - begin)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        messages = re.search(r"<dt>Messages</dt><dd>([\d,]+)", page.read_text())[1]
        print(f"{messages} messages of {DOMAINS} domains in {DAYS} days: {sorted(seconds)[RUNS // 2]:.2f} s, "
              f"{sorted(processor)[RUNS // 2]:.2f} s of processor time, {after.ru_maxrss // 1024} MB of memory; the store "
              f"has {pathlib.Path(folder, 'reports.db').stat().st_size / 1e6:.1f} MB, the page {page.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
