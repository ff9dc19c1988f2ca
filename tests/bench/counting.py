"""What a message makes a filter allocate, and ask of the kernel: counted, not timed, by a preloaded malloc() and by
strace."""

import re
import shutil
import struct
import subprocess
import time

import loads

LOADS = ("verify 10 kB c=1", "verify 1 MB", "sign 10 kB c=1", "sign 1 MB")
NAMES = tuple(f"count {name}" for name in LOADS)
WARM_UP, MESSAGES, LARGE_MESSAGES = 40, 100, 20
PATIENCE = 120  # under strace a message takes many times as long


class Counting:
    def __init__(self, bench, library):
        self.bench, self.library = bench, library
        self.counts = bench.work / "allocations"
        self.strace = shutil.which("strace")

    def run(self, every):
        """[{"filter", "load", "allocations", "octets", "system_calls", "problem"}]; without a figure that is not to be
        had."""
        wanted = [load for load in loads.LOADS if load.title in LOADS and self.bench.wants(f"count {load.title}")]
        for one in every:
            played = [load for load in wanted if load.role in one.roles and (one.loads is None or one.loads(load))]
            if played:
                yield from self._filter(one, played)

    def _filter(self, one, played):
        rows = {load.title: {"filter": one.name, "load": load.title, "problem": ""} for load in played}
        for measure, environment in ((self._allocations, {"LD_PRELOAD": str(self.library),
                                                          "AUTHMILTER_BENCH_ALLOCATIONS": str(self.counts)}),
                                     (self._system_calls, {})):
            self.counts.write_bytes(bytes(16))
            try:
                one.start(self.bench.work, environment=environment)
                for load in played:
                    self._play(one, load, WARM_UP)
                    rows[load.title] |= measure(one, load)
            except Exception as error:  # a figure is missing then, not all others
                for row in rows.values():
                    row["problem"] = row["problem"] or str(error)
            finally:
                one.stop()
        return rows.values()

    def _play(self, one, load, messages):
        cell = loads.play(self.bench.driver, self.bench.scenario, one, load, PATIENCE, messages=messages, warm_up=0)
        if cell["problem"] or cell["messages"] != messages:
            raise loads.DriverFailed(cell["problem"] or "not all messages were played")

    def _allocations(self, one, load):
        messages = LARGE_MESSAGES if "1 MB" in load.name else MESSAGES
        before = struct.unpack("=QQ", self.counts.read_bytes())
        self._play(one, load, messages)
        after = struct.unpack("=QQ", self.counts.read_bytes())
        return {"allocations": (after[0] - before[0]) / messages, "octets": (after[1] - before[1]) / messages}

    def _system_calls(self, one, load):
        if not self.strace:
            return {"system_calls": None, "problem": "system calls are not counted: strace is not installed"}
        messages = LARGE_MESSAGES if "1 MB" in load.name else MESSAGES
        ids = [number for process in one.processes for number in process.ids()]
        table = self.bench.work / "strace"
        attach = [option for number in ids for option in ("-p", str(number))]
        tracer = subprocess.Popen([self.strace, "-f", "-c", "--summary-columns=calls,name", "-o", table, *attach],
                                  stderr=subprocess.PIPE, text=True)
        try:
            for _ in ids:
                line = tracer.stderr.readline()
                if "attached" not in line:
                    return {"system_calls": None, "problem": f"system calls are not counted: {line.strip()}"}
            time.sleep(0.2)
            self._play(one, load, messages)
        finally:
            tracer.terminate()
            tracer.communicate()
        total = re.search(r"^\s*(\d+)\s+total", table.read_text(), re.MULTILINE)
        return {"system_calls": int(total.group(1)) / messages if total else None}

