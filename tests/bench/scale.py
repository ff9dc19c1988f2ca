"""What grows: connections, waiting, names, and configurations."""

import contextlib
import os
import pathlib
import resource
import statistics
import subprocess
import time

import filters
import loads
import organisation
import scenario
from harness.dns_server import DnsServer

MEMORY = "memory at rest, under load at 64 connections, of 500 idle connections"
SLOW = "answers that take 50 ms"
CACHE = "answers for many names"
CONFIGURATIONS = "time to load a large configuration"
LOOK_UPS = "look-ups in a large configuration"
ORGANISATION = "a hundred thousand domains with two keys each"
NAMES = (MEMORY, SLOW, CACHE, CONFIGURATIONS, LOOK_UPS, ORGANISATION)

IDLE = 500
SLOW_ADDRESS, SLOW_SECONDS = "127.0.0.2", 0.05
CACHE_CONNECTIONS = 16
SLOW_AT_ONCE = 20  # messages of one start
LONGEST = 20       # seconds of processor time for one configuration

LISTED = '[[signing.domain]]\ndomain = "d{n}.listed.example"\n' \
    'keys = [{{{{ selector = "s", file = "{{keys}}/rsa.pem" }}}}]\n'
OVERRIDE = '[[policy.override]]\nauthor_domain = "o{n}.example"\ndmarc_reject = "quarantine"\n'


def domains(count):
    return "".join(LISTED.format(n=number) for number in range(count))


def networks(count):
    listed = ",\n".join(f'"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"' for n in range(count))
    return f"[network]\ninternal = [{listed}]\n"


def overrides(count):
    return "".join(OVERRIDE.format(n=number) for number in range(count))


KINDS = {"signing domains": (domains, (1_000, 10_000, 100_000)), "networks": (networks, (1_000, 10_000, 100_000)),
         "overrides": (overrides, (1_000, 10_000))}


class SlowServer(DnsServer):
    """Answers each question a while after it came."""

    def reply(self, query):
        due = time.monotonic() + SLOW_SECONDS
        answer = super().reply(query)
        time.sleep(max(0.0, due - time.monotonic()))
        return answer


def slow_names(key_record):
    names = {}
    for number in range(scenario.SLOW_MESSAGES):
        domain = f"d{number}.slow.example"
        names[domain] = [("TXT", f"v=spf1 ip4:{scenario.CLIENT} -all")]
        names[f"_dmarc.{domain}"] = [("TXT", "v=DMARC1; p=reject")]
        names[f"rsa._domainkey.{domain}"] = [("TXT", key_record)]
    return names


class Scale:
    def __init__(self, bench):
        self.bench, self.options, self.driver = bench, bench.options, bench.driver

    def run(self, every):
        """[{"row", "filter", ...}]"""
        rows = []
        if self.bench.wants(MEMORY):
            for one in every:
                if "verify" in one.roles:
                    rows += self._careful(MEMORY, one.name, self.memory, one)
        own = {"authmilter": self.bench.ours} | ({"old": self.bench.old} if self.bench.old else {})
        for row, measure in ((SLOW, self.slow), (CACHE, self.cache), (CONFIGURATIONS, self.configurations),
                             (LOOK_UPS, self.look_ups), (ORGANISATION, self.organisation)):
            for name, program in own.items() if self.bench.wants(row) else ():
                rows += self._careful(row, name, measure, name, program)
        return rows

    def _careful(self, name, one, measure, *arguments):
        """The rows of one measurement, or the one row that says why there are none."""
        self.bench.say(f"   {name}: {one}")
        try:
            return [{"row": name, "filter": one, **row} for row in measure(*arguments)]
        except (filters.NotStarted, loads.DriverFailed, subprocess.TimeoutExpired) as error:
            return [{"row": name, "filter": one, "problem": str(error)}]

    @contextlib.contextmanager
    def _started(self, one):
        one.start(self.bench.work)
        try:
            yield one
        finally:
            one.stop()

    def _load(self, title):
        return next(load for load in loads.LOADS if load.title == title)

    def memory(self, one):
        with self._started(one):
            idle = [self._idle(process) for process in one.processes]
        with self._started(one):
            cell = loads.play(self.driver, self.bench.scenario, one, self._load("verify 10 kB c=64"), 2)
        if cell["problem"]:
            raise loads.DriverFailed(cell["problem"])
        yield {"rest_kb": sum(each["before_kb"] for each in idle), "load_kb": cell["most_kb"],
               "idle_octets": sum(each["after_kb"] - each["before_kb"] for each in idle) * 1024 / IDLE}

    def _idle(self, process):
        watched = f"it={','.join(map(str, process.ids()))}"
        report = self.driver("--filter", process.socket, "--idle", IDLE, "--seconds", 1, "--watch", watched)
        return report["processes"]["it"]

    def slow(self, name, program):
        """Names that nobody has asked for, each time."""
        key_record = (self.bench.scenario / "key-record").read_text()
        messages = [file for number in range(scenario.SLOW_MESSAGES)
                    for file in scenario.messages(self.bench.scenario, f"slow-{number}")]
        middles, most = [], 0.0
        with SlowServer(slow_names(key_record), host=SLOW_ADDRESS) as server:
            for start in range(0, len(messages), SLOW_AT_ONCE):
                one = filters.ours(f"slow.{name}", program)
                one.processes[0].nameserver = server.address
                some = messages[start:start + SLOW_AT_ONCE]
                with self._started(one):
                    passes = [option for text in filters.PASSES for option in ("--require", text)]
                    report = self.driver(*one.driver_options(), "--messages", len(some), "--seconds", 60, *passes, *some)
                if wrong := loads.problem(report):
                    raise loads.DriverFailed(wrong)
                middles.append(report["after_end_ms"]["p50"])
                most = max(most, report["after_end_ms"]["most"])
        yield {"after_end_p50_ms": statistics.median(middles), "after_end_most_ms": most}

    def cache(self, name, program):
        """A small cache, which is soon full, and one of the usual size."""
        for octets, seconds in ((4 << 20, 3), (None, 4)):
            one = filters.ours(f"cache.{name}", program)
            if octets:
                one.processes[0].config = one.processes[0].config.replace("[log]", f"cache_octets = {octets}\n[log]")
            yield self._fill(one, octets or 32 << 20, seconds * (0.5 if self.options.quick else 1))

    def _fill(self, one, octets, seconds):
        (message,) = scenario.messages(self.bench.scenario, "many")
        played = 0
        with self._started(one):
            # What so many messages at a time take of memory is not the cache's.
            usual = loads.Load("usual", "verify", "rsa-10k-*", connections=CACHE_CONNECTIONS)
            loads.play(self.driver, self.bench.scenario, one, usual, 1)
            memory = [self._resident(one)]
            for _ in range(3):
                report = self.driver(*one.driver_options(), "--connections", CACHE_CONNECTIONS, "--seconds", seconds,
                                     "--first-number", played, message)
                if wrong := loads.problem(report):
                    raise loads.DriverFailed(wrong)
                memory.append(self._resident(one))
                played += report["messages"]
        return {"cache_octets": octets, "messages": played, "memory_kb": memory}

    @staticmethod
    def _resident(one):
        (process,) = one.processes
        fields = [pathlib.Path(f"/proc/{number}/statm").read_text().split() for number in process.ids()]
        return sum(int(each[1]) for each in fields) * os.sysconf("SC_PAGE_SIZE") >> 10

    def organisation(self, _, program):
        domains = organisation.QUICK_DOMAINS if self.options.quick else organisation.DOMAINS
        yield from organisation.measure(self.bench, program, domains)

    def configurations(self, name, program):
        for kind, (write, sizes) in KINDS.items():
            for size in sizes:
                row = {"kind": kind, "size": size}
                folder = self.bench.work / "filters" / f"config.{name}"
                folder.mkdir(parents=True, exist_ok=True)
                words = {"socket": folder / "s", "nameserver": filters.NAMESERVER,
                         "more": write(size).format(keys=self.bench.work / "scenario/keys")}
                (folder / "config").write_text(filters.AUTHMILTERD.format(**words))
                seconds, wrong = self._check(program, folder / "config")
                yield row | ({"problem": wrong} if wrong else {"cpu_seconds": seconds})
                if wrong:
                    break  # a larger one does no better

    @staticmethod
    def _check(program, config):
        before = os.times()
        run = subprocess.run([program, "--check-config", "--config", config], capture_output=True, text=True, timeout=300,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST)))
        after = os.times()
        if run.returncode < 0:
            return None, f"more than {LONGEST} s"
        if run.returncode != 0:
            return None, (run.stderr.strip() or f"status {run.returncode}")[-200:]
        return after.children_user + after.children_system - before.children_user - before.children_system, ""

    def look_ups(self, name, program):
        """A message's processor time with a large configuration, against that with a small one."""
        kinds = {"signing domains": (domains, 100_000, loads.Load("listed", "sign", "listed")),
                 "networks": (networks, 100_000, self._load("verify 10 kB c=8")),
                 "overrides": (overrides, 10_000, self._load("verify 10 kB c=8"))}
        for kind, (write, size, load) in kinds.items():
            row = {"kind": kind, "size": size}
            small = filters.ours(f"small.{name}", program, write(1))
            large = filters.ours(f"large.{name}", program, write(size))
            try:
                with self._started(small), self._started(large):
                    ratios = []
                    for _ in range(max(3, self.options.repeat)):
                        cells = [loads.play(self.driver, self.bench.scenario, one, load, self.options.seconds)
                                 for one in (large, small)]
                        if wrong := cells[0]["problem"] or cells[1]["problem"]:
                            raise loads.DriverFailed(wrong)
                        ratios.append(cells[0]["cpu_us"] / cells[1]["cpu_us"])
                yield row | {"ratio": statistics.median(ratios)}
            except (filters.NotStarted, loads.DriverFailed) as error:
                yield row | {"problem": str(error)[-200:]}
