#!/usr/bin/env python3
"""The systemd unit is sound, confines the daemon and limits it.

usage: systemd_unit.py UNIT AUTHMILTERD

What the confinement leaves to the daemon is tests/package/under_systemd.py's matter.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# systemd's own measure, in tenths: the lower, the tighter. What is left is the network, and that the
# daemon sees the other users, whose group gets its socket.
EXPOSURE = 15

# What the measure does not see, or must not be traded for something else that it sees.
WANTED = {
    "Type": r"notify",
    "WatchdogSec": r"\d+",
    "Restart": r"on-failure",
    # Neither a wrong usage nor a wrong configuration mends itself.
    "RestartPreventExitStatus": r"64 78",
    # Longer than the 30 seconds that messages in hand have.
    "TimeoutStopSec": r"(3[1-9]|[4-9]\d)",
    # Of several processes the first tells the others; a second signal would cut messages off.
    "KillMode": r"mixed",
    "User": r"authmilter",
    "CapabilityBoundingSet": r"",
    "AmbientCapabilities": r"",
    "NoNewPrivileges": r"yes",
    "ProtectSystem": r"strict",
    "ReadWritePaths": r"-/run/authmilter -/var/spool/postfix/authmilter -/var/lib/authmilter",
    "PrivateDevices": r"yes",
    "PrivateTmp": r"yes",
    "SystemCallFilter": r"@system-service ~@privileged .*",
    "RestrictAddressFamilies": r"AF_UNIX AF_INET AF_INET6",
    "UMask": r"0077",
    "LimitCORE": r"0",
    "LimitNOFILE": r"\d{5,}",
    "TasksMax": r"\d+",
    "MemoryMax": r"\d+M",
}


def settings(text):
    """Name to value; of a name with several lines, all of them."""
    found = {}
    for name, value in re.findall(r"(?m)^(\w+)=(.*)$", text):
        found[name] = f"{found[name]} {value}" if name in found else value
    return found


def main():
    unit, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    if not shutil.which("systemd-analyze"):
        print("SKIP: systemd-analyze is not installed")
        return 77
    text = unit.read_text()
    found = settings(text)
    problems = [f"{name}={found.get(name)}, not {wanted or 'nothing'}" for name, wanted in WANTED.items()
                if re.fullmatch(wanted, found.get(name, "absent")) is None]
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder, unit.name)
        copy.write_text(text.replace("ExecStart=/usr/sbin/authmilterd", f"ExecStart={program}"))
        for arguments in (["verify", "--man=no"], ["security", "--offline=true", "--no-pager",
                                                   f"--threshold={EXPOSURE}"]):
            done = subprocess.run(["systemd-analyze", *arguments, copy], capture_output=True, text=True,
                                  check=False)
            overall = re.findall(r"Overall exposure level.*", done.stdout)
            if done.returncode != 0 or done.stderr:
                problems += [f"systemd-analyze {arguments[0]}: {line}"
                             for line in done.stderr.splitlines() + overall]
            elif overall:
                print(overall[0])
    for problem in problems:
        print(f"FAIL {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
