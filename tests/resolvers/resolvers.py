"""The daemon and the command behind each resolver of Debian, as its package comes, on a signed tree of zones.

    resolvers.py AUTHMILTERD AUTHMILTER [RESOLVER...]

The resolvers are only unpacked, and run in a throwaway copy of this machine, with a network, a root's key and an
/etc/resolv.conf of its own. Needs root, and apt's lists for the first time.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from harness.throwaway_machine import Machine, Unavailable
from harness.unpacked_packages import CACHE, Missing, unpacked

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = "resolvers"  # in the cache
LIST = ROOT / "contrib/packages/resolvers"
PLACE = "/tmp/authmilter"


def packages():
    """The folder with what apt would install for the resolvers, and for the keys of the root; None if they are all
    installed."""
    if (CACHE / NAME).exists():
        return CACHE / NAME
    lines = [line.replace("|", " ").split() for line in LIST.read_text().splitlines() if not line.startswith("#")]
    said = subprocess.run(["apt-cache", "policy", *(name for names in lines for name in names)], capture_output=True,
                          text=True, timeout=60, check=False, env=os.environ | {"LC_ALL": "C"})
    known = re.findall(r"(?m)^(\S+):\n.*\n  Candidate: (?!\(none\))", said.stdout)
    available = [name for names in lines for name in [name for name in names if name in known][:1]]
    plan = subprocess.run(["apt-get", "-s", "-q", "install", "--no-install-recommends", *available],
                          capture_output=True, text=True, timeout=120, check=False)
    if plan.returncode != 0:
        raise Missing(f"apt-get has no plan for {' '.join(available)}: {plan.stderr.strip()[-200:]}")
    missing = re.findall(r"(?m)^Inst (\S+)", plan.stdout)
    return unpacked(NAME, missing) if missing else None


def put(machine, programs):
    """The packages where they belong, our programs and the tests."""
    tree = packages()
    if tree:
        with subprocess.Popen(["tar", "-C", tree, "-cf", "-", "."], stdout=subprocess.PIPE) as archive:
            subprocess.run(machine.command("tar", "-C", "/", "--keep-directory-symlink", "--no-same-owner", "-xf", "-"),
                           stdin=archive.stdout, check=True)
    machine.run("ldconfig")
    place = machine.path(PLACE)
    # With the harness in it, to which it has a link.
    shutil.copytree(ROOT / "tests/resolvers", place / "tests/resolvers")
    for program in programs:
        shutil.copy2(program, place)


def main():
    programs = [pathlib.Path(name).resolve() for name in sys.argv[1:3]]
    for program in ("nsd", "unbound", "ldns-signzone", "drill", "ip"):
        if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            print(f"SKIPPED: {program} is not installed")
            return 77
    try:
        with Machine() as machine:
            put(machine, programs)
            return subprocess.run(
                machine.command("python3", "-B", f"{PLACE}/tests/resolvers/behind_resolvers.py",
                                *(f"{PLACE}/{program.name}" for program in programs), *sys.argv[3:]),
                stdin=subprocess.DEVNULL, check=False).returncode
    except (Unavailable, Missing) as reason:
        print(f"SKIPPED: {reason}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
