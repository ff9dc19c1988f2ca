"""The README's two commands in minimal roots of Debian suites, and one table of what came out.

    platforms.py [OPTION...] SUITE... [-- ARGUMENT-OF-CTEST...]

--folder FOLDER  where the roots, the compiler's caches and the logs are kept; about 3 GB a suite
                 (default: $AUTHMILTER_PLATFORMS, or authmilter-platforms in the user's cache)
--fresh          makes the roots anew, so that every package is installed again
--clang          compiles the library and the programs with the suite's clang too, warnings as errors
--bare           compiles without precompiled headers, so that a missing #include shows
--minutes N      for everything; the table says what was not done by then

What is tested is what is committed, with warnings as errors. Exit status 0 if nothing failed, 77 if nothing did
but something was not tried: no namespaces here, no network to Debian's archive, no more time.
"""

import argparse
import json
import math
import os
import pathlib
import re
import shlex
import sys
import time
import xml.etree.ElementTree
from dataclasses import dataclass, field

from debian_root import DebianRoot, TREE, Unavailable

SOURCES = pathlib.Path(__file__).resolve().parents[2]
BUILD_TREE = TREE + "/build"
# A row of the table, and the package whose version stands in it.
LIBRARIES = {"g++": "g++", "cmake": "cmake", "libmilter": "libmilter-dev", "opendkim": "libopendkim-dev",
             "spf2": "libspf2-dev", "opendmarc": "libopendmarc-dev", "unbound": "libunbound-dev",
             "OpenSSL": "libssl-dev", "p11-kit": "libp11-kit-dev", "fmt": "libfmt-dev", "nlohmann/json": "nlohmann-json3-dev",
             "libxml2": "libxml2-dev", "libarchive": "libarchive-dev", "GMime": "libgmime-3.0-dev",
             "Postfix": "postfix", "Sendmail": "sendmail-bin"}
# It conflicts with Postfix, so tests only unpack what apt has of it.
NEVER_INSTALLED = "sendmail-bin"
BUILD_SECONDS = 3600
TEST_SECONDS = 3600
# What apt says where it cannot reach the archive.
UNREACHABLE = re.compile(r"(?m)^(?:[EW]: )?(.*Temporary failure resolving.*|.*Could not (?:connect|resolve).*|"
                         r".*Connection (?:failed|timed out|refused).*)$")


@dataclass
class Outcome:
    """What came out for one suite."""
    suite: str
    versions: dict = field(default_factory=dict)
    minutes: dict = field(default_factory=dict)  # step -> how long it took
    demonstration: str = "not run"
    clang: str = "not asked for"
    passed: int = 0
    failed: dict = field(default_factory=dict)   # test -> the end of its output
    skipped: dict = field(default_factory=dict)  # test -> why
    tables: list = field(default_factory=list)   # as harness/tables.py keeps them
    trouble: str = ""                            # why something was not tried


def reason_of(output):
    """The words of a skipped test."""
    lines = [line.strip() for line in output.splitlines() if re.search("(?i)skip", line)]
    return re.sub(r"(?i)^.*?\bskip(ped)?[:, ]*", "", lines[-1]) if lines else "without a word"


def read_results(path, outcome):
    """CTest's results into `outcome`. A test that CTest could not even start has failed."""
    for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        if case.get("status") == "run":
            outcome.passed += 1
        elif (skipped := case.find("skipped")) is not None and "SKIP_RETURN_CODE" in skipped.get("message", ""):
            outcome.skipped[case.get("name")] = reason_of(output)
        else:
            outcome.failed[case.get("name")] = output[-4000:]


def last_lines(path, count=40):
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:])


def versions_of(root):
    """The version of each package, as Debian writes it; the compiler's own."""
    said = root.said_by("dpkg-query", "-W", "-f", "${Package} ${Version}\\n",
                        *(package for package in LIBRARIES.values() if package != NEVER_INSTALLED))
    versions = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    policy = root.said_by("apt-cache", "policy", NEVER_INSTALLED)
    versions[NEVER_INSTALLED] = "".join(re.findall(r"Candidate: (\S+)", policy))
    compiler = root.said_by("g++", "-dumpfullversion")
    shown = {row: re.sub(r"^\d+:", "", versions.get(package, "")) or "?" for row, package in LIBRARIES.items()}
    return {**shown, "g++": compiler or "?"}


class Platform:
    """One suite on its way through the README's commands."""

    def __init__(self, suite, options):
        self.options = options
        test_data = SOURCES.parent / "shared/testdata"
        self.root = DebianRoot(suite, options.folder, test_data)
        self.logs = options.folder / f"logs-{suite}"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.outcome = Outcome(suite)

    def step(self, name, *command, seconds, **environment):
        """Runs a command of the tree in the root; whether it ended well."""
        print(f"{self.root.suite}: {shlex.join(command)}", flush=True)
        began = time.monotonic()
        with open(self.logs / f"{name}.log", "wb") as log:
            left = self.options.deadline - began
            status = self.root.run(*command, log=log, seconds=max(1, min(seconds, left)), **environment)
        self.outcome.minutes[name] = (time.monotonic() - began) / 60
        if status == 124 and left < seconds:
            raise Unavailable(f"--minutes were over during {shlex.join(command)}")
        return status == 0

    def run(self):
        try:
            if self.options.fresh:
                self.root.remove()
            began = time.monotonic()
            with open(self.logs / "debootstrap.log", "wb") as log:
                self.root.make(log, self.options.deadline - began)
            self.outcome.minutes["debootstrap"] = (time.monotonic() - began) / 60
            self.root.clone(SOURCES)
            if self.install_packages():
                self.demonstrate()
                self.test()
                if self.options.clang:
                    self.compile_with_clang()
        except Unavailable as why:
            self.outcome.trouble = f"not tried, or not all of it: {why}"
        if self.root.exists():
            self.outcome.versions = versions_of(self.root)
        return self.outcome

    def install_packages(self):
        """As the README's commands would: before them, so that an archive out of reach is not their fault."""
        if self.step("packages", "contrib/packages/install", "build", "demo", "test", seconds=BUILD_SECONDS):
            return True
        log = self.logs / "packages.log"
        if why := UNREACHABLE.search(log.read_text(errors="replace")):
            raise Unavailable(f"{why.group(1)} ({log})")
        self.outcome.failed["contrib/packages/install"] = last_lines(log)
        return False

    def settings(self):
        """The environment of the README's commands."""
        cmake = ["-DAUTHMILTER_WERROR=ON"]
        if self.options.bare:
            cmake.append("-DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON")
        return {"AUTHMILTER_CMAKE_OPTIONS": " ".join(cmake), "CMAKE_BUILD_PARALLEL_LEVEL": str(os.cpu_count()),
                "AUTHMILTER_TABLES": BUILD_TREE + "/tables"}

    def demonstrate(self):
        good = self.step("demo", "contrib/demo/run", seconds=BUILD_SECONDS, **self.settings())
        said = re.findall(r"(?m)^.*\d+ of \d+.*$", last_lines(self.logs / "demo.log"))
        self.outcome.demonstration = ("good" if good else "FAILED") + (f": {said[-1].strip()}" if said else "")
        if not good:
            self.outcome.failed["contrib/demo/run"] = last_lines(self.logs / "demo.log")

    def test(self):
        build = pathlib.Path(str(self.root.root) + BUILD_TREE)
        results = build / "platform.xml"
        results.unlink(missing_ok=True)
        for old in (build / "tables").glob("*.json"):
            old.unlink()
        good = self.step("tests", "tests/run", "--output-junit", BUILD_TREE + "/platform.xml",
                         *self.options.ctest, seconds=BUILD_SECONDS + TEST_SECONDS, **self.settings())
        if results.exists():
            read_results(results, self.outcome)
        if not good and not self.outcome.failed:
            self.outcome.failed["tests/run"] = last_lines(self.logs / "tests.log")
        self.outcome.tables = [json.loads(path.read_text()) for path in sorted((build / "tables").glob("*.json"))]

    def compile_with_clang(self):
        install = self.step("clang-install", "sh", "-c", "command -v clang++ || { apt-get -q update && "
                            "apt-get -q install -y --no-install-recommends clang; }", seconds=BUILD_SECONDS)
        folder = BUILD_TREE + "/clang"
        good = install and self.step(
            "clang", "sh", "-c",
            f"cmake -G Ninja -S {TREE} -B {folder} -DCMAKE_CXX_COMPILER=clang++ -DAUTHMILTER_WERROR=ON "
            f"-DAUTHMILTER_TESTS=OFF -DCMAKE_BUILD_TYPE=Debug && cmake --build {folder}",
            seconds=BUILD_SECONDS, **self.settings())
        found = re.search(r"version (\S+)", self.root.said_by("clang++", "--version"))
        self.outcome.clang = f"{found.group(1) if found else '?'} {'good' if good else 'FAILED'}"
        if not good:
            self.outcome.failed["clang++"] = last_lines(self.logs / ("clang.log" if install else "clang-install.log"))


def table(header, rows):
    """Columns as wide as what is in them."""
    widths = [max(len(str(row[column])) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        print("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())


def print_suites(outcomes):
    rows = [[name, *(one.versions.get(name, "-") for one in outcomes)] for name in LIBRARIES]
    rows += [["clang++", *(one.clang for one in outcomes)],
             ["contrib/demo/run", *(one.demonstration for one in outcomes)]]
    steps = dict.fromkeys(step for one in outcomes for step in one.minutes)
    rows += [[f"minutes, {step}", *(f"{one.minutes[step]:.0f}" if step in one.minutes else "-" for one in outcomes)]
             for step in steps]
    rows += [["tests " + what, *(count(one) for one in outcomes)] for what, count in (
        ("passed", lambda one: one.passed), ("failed", lambda one: len(one.failed)),
        ("skipped", lambda one: len(one.skipped)))]
    table(["suite", *(one.suite for one in outcomes)], rows)
    for one in outcomes:
        if one.trouble:
            print(f"{one.suite}: {one.trouble}")
        for test, why in one.skipped.items():
            print(f"{one.suite}: {test} skipped: {why}")


def print_kept(outcomes):
    """The tables that tests of real MTAs, resolvers and readers keep; of each suite a column for each MTA."""
    for name in sorted({made["name"] for one in outcomes for made in one.tables}):
        columns = [(f"{one.suite}: {mta}" if mta else one.suite, dict(rows)) for one in outcomes for made in one.tables
                   if made["name"] == name for mta, rows in made["columns"].items()]
        what = list(dict.fromkeys(row for _, rows in columns for row in rows))
        print()
        table([name, *(title for title, _ in columns)],
              [[row, *(rows.get(row, "-") for _, rows in columns)] for row in what])


def suite_name(word):
    """It becomes a folder, which --fresh removes: a name and never a path."""
    if not re.fullmatch("[a-z]+", word):
        raise argparse.ArgumentTypeError(f"{word!r} is not the name of a suite, such as bookworm")
    return word


def minutes(word):
    number = float(word)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{word} is not a number of minutes")
    return number


def main():
    parser = argparse.ArgumentParser(prog="tests/platforms/run", description=__doc__,
                                     formatter_class=argparse.RawTextHelpFormatter)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser.add_argument("--folder", type=pathlib.Path, default=os.environ.get("AUTHMILTER_PLATFORMS") or
                        cache / "authmilter-platforms")
    for option in ("fresh", "clang", "bare"):
        parser.add_argument(f"--{option}", action="store_true")
    parser.add_argument("--minutes", type=minutes, default=24 * 60)
    parser.add_argument("suite", nargs="+", type=suite_name)
    own, ctest = sys.argv[1:], []
    if "--" in own:
        own, ctest = own[:own.index("--")], own[own.index("--") + 1:]
    options = parser.parse_args(own)
    options.ctest = ctest
    options.deadline = time.monotonic() + 60 * options.minutes
    options.folder = pathlib.Path(options.folder).resolve()
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        parser.error(f"--folder: {why}")
    outcomes = [Platform(suite, options).run() for suite in options.suite]

    for one in outcomes:
        for test, output in one.failed.items():
            print(f"\n--- {one.suite}: {test} FAILED ---\n{output}")
    print()
    print_suites(outcomes)
    print_kept(outcomes)
    if any(one.failed or not (one.passed or one.trouble) for one in outcomes):
        return 1
    return 77 if any(one.trouble for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
