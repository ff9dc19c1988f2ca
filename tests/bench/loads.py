"""The loads, and how they are played: every filter has the same one after the other, in each repetition."""

import dataclasses
import json
import os
import statistics
import subprocess

import scenario


@dataclasses.dataclass(frozen=True)
class Load:
    name: str
    role: str
    pattern: str  # of the messages' names
    connections: int = 8
    rate: int = 0
    algorithm: str = ""  # of what is to be signed, if it is not RSA
    lacks: tuple = ()    # what good messages of this kind do not get
    targets: dict = dataclasses.field(default_factory=dict)  # what the ratio to another column shall be at most

    @property
    def title(self):
        return f"{self.role} {self.name}"


def _verify(name, pattern, **options):
    return Load(name, "verify", pattern, **options)


def _sign(name, pattern, **options):
    return Load(name, "sign", pattern, **options)


LOADS = [
    _verify("2 kB", "rsa-2k-*", targets={"peer": 0.15}),
    _verify("10 kB c=1", "rsa-10k-*", connections=1, targets={"peer": 0.16}),
    _verify("10 kB c=8", "rsa-10k-*", targets={"peer": 0.16, "floor": 1.8, "reports": 1.05}),
    _verify("10 kB c=64", "rsa-10k-*", connections=64, targets={"peer": 0.14}),
    _verify("10 kB 100/s", "rsa-10k-*", rate=100, targets={"peer": 0.25}),
    _verify("100 kB", "rsa-100k-*", targets={"peer": 0.20}),
    _verify("1 MB", "rsa-1m-*", targets={"peer": 0.22, "floor": 1.25}),
    _verify("10 kB Ed25519", "ed25519-10k-*", targets={"peer": 0.28}),
    _verify("10 kB RSA+Ed25519", "both-10k-*"),
    _verify("10 kB, three ARC Sets", "sealed-10k-*"),
    _verify("10 kB unsigned", "unsigned-10k-*", lacks=("dkim=pass",), targets={"peer": 0.11}),
    _sign("2 kB", "submit-2k-*", targets={"peer": 0.21}),
    _sign("10 kB c=1", "submit-10k-*", connections=1, targets={"peer": 0.24}),
    _sign("10 kB c=8", "submit-10k-*", targets={"peer": 0.22, "floor": 1.35}),
    _sign("10 kB c=64", "submit-10k-*", connections=64, targets={"peer": 0.24}),
    _sign("10 kB 100/s", "submit-10k-*", rate=100, targets={"peer": 0.30}),
    _sign("100 kB", "submit-100k-*", targets={"peer": 0.22}),
    _sign("1 MB", "submit-1m-*", targets={"peer": 0.22}),
    _sign("10 kB Ed25519", "submit-ed25519-10k-*", algorithm="ed25519"),
    _sign("10 kB RSA+Ed25519", "submit-both-10k-*", algorithm="both"),
]


class DriverFailed(Exception):
    """The driver has no figures; the text says why."""


class Driver:
    def __init__(self, program):
        self.program = program

    def __call__(self, *arguments):
        run = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=180)
        if run.returncode != 0:
            raise DriverFailed(run.stderr.strip()[-500:] or f"status {run.returncode}")
        return json.loads(run.stdout)


def required(one, load):
    return [text for text in one.roles[load.role] if text not in load.lacks]


def play(driver, folder, one, load, seconds, messages=0, warm_up=None):
    """One cell: what a load cost one filter."""
    # A paced load is as long as it takes to have a hundred messages.
    seconds = max(seconds, 1.0) if load.rate else seconds
    warm_up = 24 if warm_up is None else warm_up
    arguments = ["--connections", load.connections, "--seconds", seconds, "--messages", messages, "--rate", load.rate,
                 "--warm-up", min(warm_up, messages or warm_up)]
    for text in required(one, load):
        arguments += ["--require", text]
    report = driver(*one.driver_options(), *arguments, *scenario.messages(folder, load.pattern))
    processes = report["processes"].values()
    cell = {
        "filter": one.name,
        "load": load.title,
        "messages": report["messages"],
        "cpu_us": sum(process["cpu_us"] for process in processes),
        "messages_per_second": report["messages_per_second"],
        "driver_cpu_us": report["driver_cpu_us"],
        "p50_ms": (report["whole_ms"] or {}).get("p50"),
        "p99_ms": (report["whole_ms"] or {}).get("p99"),
        "rest_kb": sum(process["memory"]["before_kb"] for process in processes),
        "most_kb": sum(process["memory"]["most_kb"] for process in processes),
        "problem": problem(report),
    }
    return cell


def problem(report):
    """Why the figures of a report are not those of the load; empty when they are."""
    if report["errors"]:
        return next(iter(report["errors"]))
    if report["lacking"]:
        text, count = next(iter(report["lacking"].items()))
        return f"{count} of {report['messages']} messages without {text}"
    if not report["messages"]:
        return "no message was played"
    refused = {verdict: count for verdict, count in report["verdicts"].items() if verdict != "accept"}
    return f"verdicts {refused}" if refused else ""


def table(cells):
    """{load: {filter: [cells]}}"""
    found = {}
    for cell in cells:
        found.setdefault(cell["load"], {}).setdefault(cell["filter"], []).append(cell)
    return found


def middle(cells, key):
    values = [cell[key] for cell in cells if cell.get(key) is not None]
    return statistics.median(values) if values else None


def ratio(cells, others):
    """The median of the ratios of CPU time, each taken within a repetition."""
    theirs = {cell["repetition"]: cell["cpu_us"] for cell in others if not cell["problem"]}
    ratios = [cell["cpu_us"] / theirs[cell["repetition"]] for cell in cells
              if not cell["problem"] and theirs.get(cell["repetition"])]
    return statistics.median(ratios) if ratios else None


def system():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"processor": names[0] if names else os.uname().machine, "cores": os.cpu_count(), "kernel": os.uname().release,
            "load": os.getloadavg()[0]}
