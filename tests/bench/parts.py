"""What the parts of the work take, in memory: Google Benchmark's figures."""

import json
import os
import subprocess

NAMES = ("part body hash", "part tag list", "part SPF", "part DMARC", "part results field", "part verify", "part sign")


def run(program, scenario, options, wants):
    """[{"name", "cpu_ns", "octets_per_second"}], by name; nothing where the program was not built."""
    if not program.exists():
        return []
    words = [name.removeprefix("part ") for name in NAMES if wants(name)]
    seconds = 0.02 if options.quick or options.messages else 0.1
    command = [program, f"--benchmark_filter=^({'|'.join(words)})/", f"--benchmark_min_time={seconds}",
               "--benchmark_format=json"]
    shown = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                           env={**os.environ, "AUTHMILTER_BENCH_SCENARIO": str(scenario)})
    return [{"name": one["name"], "cpu_ns": one["cpu_time"], "octets_per_second": one.get("bytes_per_second")}
            for one in json.loads(shown.stdout)["benchmarks"]]
