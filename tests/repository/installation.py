#!/usr/bin/env python3
"""What `cmake --install` puts where: the programs, the configuration that they look for, the unit.

usage: installation.py BUILD-DIRECTORY
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

# why, prefix below the scratch directory or absolute with DESTDIR, settings, programs
ROWS = [
    ("README's, as a package stages it", "/usr", "/etc/authmilter/authmilter.toml", "/usr/sbin"),
    ("the default prefix", "/usr/local", "/etc/authmilter/authmilter.toml", "/usr/local/sbin"),
    ("a prefix of one's own", "/opt/a", "/opt/a/etc/authmilter/authmilter.toml", "/opt/a/sbin"),
]


def main():
    build = sys.argv[1]
    failures = 0
    for why, prefix, settings, programs in ROWS:
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True,
                           env={**os.environ, "DESTDIR": scratch}, capture_output=True)
            found = {"/" + str(path.relative_to(root)) for path in root.rglob("*")
                     if path.is_file()}
            unit = f"{prefix}/lib/systemd/system/authmilterd.service"
            documents = f"{prefix}/share/doc/authmilter"
            wanted = {settings, f"{programs}/authmilterd", f"{prefix}/bin/authmilter", unit,
                      f"{prefix}/lib/systemd/system/authmilter-keys.service",
                      f"{prefix}/lib/systemd/system/authmilter-keys.timer",
                      f"{prefix}/lib/systemd/system/authmilter-report.service",
                      f"{prefix}/lib/systemd/system/authmilter-report.timer",
                      f"{prefix}/lib/systemd/system/authmilter-reports.service",
                      f"{prefix}/lib/systemd/system/authmilter-report-check.service",
                      f"{prefix}/lib/systemd/system/authmilter-report-check.timer",
                      *(f"{prefix}/share/authmilter/profiles/{name}.toml" for name in ("default", "nukib", "strict")),
                      f"{prefix}/lib/systemd/system/authmilter-audit.service",
                      f"{prefix}/lib/systemd/system/authmilter-audit.timer",
                      f"{prefix}/libexec/authmilter/audit-and-mail",
                      f"{prefix}/share/man/man7/authmilter-audit.7",
                      f"{prefix}/lib/sysusers.d/authmilter.conf",
                      f"{prefix}/lib/tmpfiles.d/authmilter.conf", f"{documents}/README.md",
                      f"{documents}/examples/authmilter.toml",
                      f"{documents}/SECURITY.md", f"{documents}/examples/dovecot/authmilter.sieve",
                      f"{documents}/examples/grafana/authmilter.json",
                      f"{documents}/examples/postfix/main.cf.authmilter",
                      f"{documents}/examples/sendmail/authmilter.m4"}
            start = [line for line in (root / unit[1:]).read_text().splitlines()
                     if line.startswith("ExecStart=")] if unit in found else []
            below = {path for path in found if not re.match(r"/(usr|etc|opt)/", path)}
            # The second time the administrator's file stays as it is.
            if settings in found:
                (root / settings[1:]).write_text("# mine\n")
            subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True,
                           env={**os.environ, "DESTDIR": scratch}, capture_output=True)
            mine = settings in found and (root / settings[1:]).read_text() == "# mine\n"
            if wanted <= found and not below and mine and \
                    start == [f"ExecStart={programs}/authmilterd --config {settings}"]:
                continue
            failures += 1
            print(f"FAIL {why}: missing {sorted(wanted - found)}, stray {sorted(below)}, "
                  f"unit {start}, settings kept {mine}")
    print(f"{len(ROWS)} rows, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
