"""The daemon and the command behind each resolver of Debian, as its package comes, on a signed tree of zones.

    resolvers.py AUTHMILTERD AUTHMILTER [RESOLVER...]

The resolvers are only unpacked, and run in a throwaway copy of this machine, with a network, a root's key and an
/etc/resolv.conf of its own. Needs root, and apt's lists for the first time.
"""

import os
import pathlib
import shutil
import subprocess
import sys

from harness.throwaway_machine import Machine, Unavailable
from harness.unpacked_packages import Missing, unpacked_list

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = "/tmp/authmilter"


def put(machine, programs):
    """The packages where they belong, our programs and the tests."""
    machine.add(unpacked_list("resolvers"))
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
            status = subprocess.run(
                machine.command("env", f"AUTHMILTER_TABLES={PLACE}/tables", "python3", "-B",
                                f"{PLACE}/tests/resolvers/behind_resolvers.py",
                                *(f"{PLACE}/{program.name}" for program in programs), *sys.argv[3:]),
                stdin=subprocess.DEVNULL, check=False).returncode
            if (kept := os.environ.get("AUTHMILTER_TABLES")) and machine.path(f"{PLACE}/tables").is_dir():
                shutil.copytree(machine.path(f"{PLACE}/tables"), kept, dirs_exist_ok=True)
            return status
    except (Unavailable, Missing) as reason:
        print(f"SKIPPED: {reason}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
