#!/usr/bin/env python3
"""What a survey costs beside the bare questions: tests/bench/survey.py [OPTION...]

A made-up country of 3,000 domains is served by NSD, 20 ms away (bench_delay holds each answer, and nothing waits for
another). `authmilter audit --survey` asks, judges and writes; bench_resolver_loop asks libunbound the same questions in
the same order, as many in flight as the audit had at most, and drops the answers. Both ask name servers that are as far
away, one after the other, and ratios are taken within a repetition. Then memory: the most that a survey of 10,000 and
of 100,000 domains had, of a zone in memory.
"""

import argparse
import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from harness.network import free_port
from harness.signed_zones import SignedZones
from harness.survey_zone import KEY, SurveyZone

BUILD = HERE.parents[1] / "build/release"
MOST_RATIO, MOST_MEGABYTES = 1.5, 100

# Any name below has these: the zone does not grow with the number of domains.
EVERYBODY = f"""\
$TTL 3600
example. SOA ns.example. host.example. 1 3600 600 86400 60
*.example. TXT "v=spf1 mx -all"
*.example. MX 10 mx.example.
*._dmarc.example. TXT "v=DMARC1; p=reject"
mx.example. A 192.0.2.25
default._domainkey.example. TXT "{KEY}"
"""


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--domains", type=int, default=3000, metavar="N", help="[3000]")
    add("--jobs", type=int, default=32, metavar="N", help="domains at a time [32]")
    add("--delay", type=int, default=20, metavar="MS", help="how far the name server is [20]")
    add("--repeat", type=int, default=3, metavar="N", help="repetitions [3]")
    add("--memory", type=int, nargs="*", default=[10_000, 100_000], metavar="N", help="domains [10000 100000]")
    add("--build-folder", type=pathlib.Path, default=BUILD, metavar="FOLDER")
    return parser.parse_args()


def measured(command, **more):
    """Seconds, megabytes at most, seconds of processor time, and what it said."""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([str(one) for one in command], stdout=out, stderr=errors, **more)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - begun
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{command[0]}: {process.returncode}: {errors.read().decode()}")
        return took, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, out.read().decode()


class Country:
    """The zone at a name server, and the way to it."""

    def __init__(self, folder, programs, domains, delay):
        self.zone = SurveyZone(domains, apexes=False)
        self.delay, self.programs = delay, programs
        zones = SignedZones(folder)
        zones.write(".", self.zone.text)
        self.server, self.port = free_port(), free_port()
        configuration = zones.nsd_configuration("nsd", [f"127.0.0.1@{self.server}"], ["."])
        # Everybody asks from one address here.
        configuration.write_text(configuration.read_text().replace("server:\n", "server:\n  rrl-ratelimit: 0\n", 1))
        self.nsd = subprocess.Popen(["nsd", "-d", "-c", configuration], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.server), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    sys.exit("nsd does not answer")
                time.sleep(0.1)

    def at_a_distance(self, work):
        """What `work` gives, the questions that were sent, the mean and the most of them in flight."""
        way = subprocess.Popen([self.programs / "bench_delay", str(self.port), str(self.server), str(self.delay)],
                               stdout=subprocess.PIPE, text=True)
        time.sleep(0.2)
        try:
            done = work(f"127.0.0.1@{self.port}")
        finally:
            way.send_signal(signal.SIGTERM)
            try:
                said = way.communicate(timeout=30)[0].split()
            finally:
                way.kill()
        return done, int(said[0]), float(said[1]), int(said[2])

    def close(self):
        self.nsd.terminate()
        self.nsd.wait()


def questions_of(facts):
    lines = facts.read_text().splitlines()[1:]
    return "".join(f"{one['name'] or '.'} {one['type']}\n" for line in lines for one in json.loads(line)["dns"])


def speed(chosen, folder, command):
    programs = chosen.build_folder / "tests/bench"
    country = Country(folder, programs, chosen.domains, chosen.delay)
    listed, facts, asked = folder / "domains", folder / "facts", folder / "questions"
    listed.write_text("\n".join(country.zone.domains))
    ratios, megabytes = [], []
    try:
        for _ in range(chosen.repeat):
            facts.unlink(missing_ok=True)

            def audit(address):
                return measured([command, "audit", "--survey", "--dns-only", "--no-host", "--no-dnssec", "--rate", 0,
                                 "--jobs", chosen.jobs, "--nameserver", address, "--domains-file", listed,
                                 "--facts-out", facts, "--json"])

            (took, most, busy, out), sent, mean, in_flight = country.at_a_distance(audit)
            counted = {one["id"]: one["count"] for one in json.loads(out)["figures"]}
            expected = country.zone.expected
            if counted["spf-hard-fail"] != expected["spf"]["hard-fail"] or counted["dkim"] != expected["dkim"]["found"]:
                sys.exit(f"the survey says {counted}, the country has {expected}")
            asked.write_text(questions_of(facts))

            def loop(address):
                with open(asked, "rb") as file:
                    return measured([programs / "bench_resolver_loop", address, in_flight], stdin=file)

            (bare, _, bare_busy, said), bare_sent, bare_mean, _ = country.at_a_distance(loop)
            number, _, unanswered = said.split()
            ratios.append(took / bare)
            megabytes.append(most)
            print(f"audit {took:.1f} s ({busy:.1f} s of processor, {sent} sent, {mean:.0f} in flight, {in_flight} at most, "
                  f"{most:.0f} MB); bare loop {bare:.1f} s ({bare_busy:.1f} s, {number} questions, {bare_sent} sent, "
                  f"{bare_mean:.0f} in flight, {unanswered} failed); ratio {took / bare:.2f}", flush=True)
    finally:
        country.close()
    ratio = statistics.median(ratios)
    print(f"{chosen.domains} domains, {chosen.delay} ms: {ratio:.2f} times the bare loop (at most {MOST_RATIO}), "
          f"{max(megabytes):.0f} MB (at most {MOST_MEGABYTES})")
    return ratio <= MOST_RATIO and max(megabytes) <= MOST_MEGABYTES


def memory(chosen, folder, command):
    zone = folder / "everybody"
    zone.write_text(EVERYBODY)
    sizes = []
    for count in chosen.memory:
        listed = folder / f"list{count}"
        listed.write_text("".join(f"d{number}.example\n" for number in range(count)))
        took, most, _, _ = measured([command, "audit", "--survey", "--dns-only", "--no-host", "--rate", 0, "--jobs", 4,
                                     "--zone", zone, "--domains-file", listed, "--facts-out", folder / f"facts{count}"])
        (folder / f"facts{count}").unlink()
        sizes.append(most)
        print(f"{count} domains in memory: {took:.1f} s, {most:.0f} MB", flush=True)
    return max(sizes, default=0) <= MOST_MEGABYTES and (len(sizes) < 2 or sizes[-1] < sizes[0] * 1.2)


def main():
    chosen = options()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    command = chosen.build_folder / "milter/tools/authmilter"
    with tempfile.TemporaryDirectory(prefix="authmilter-survey-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        good = [speed(chosen, folder, command) if chosen.domains else True, memory(chosen, folder, command)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
