#!/usr/bin/env python3
"""What is in the Debian package: the files of `cmake --install`, Debian's own, hardened programs.

usage: contents.py BUILD-DIRECTORY FOLDER-OF-THE-PACKAGE

lintian is asked where it is installed.
"""

import gzip
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from harness.debian_package import newest, said_by

DOCUMENTS = "/usr/share/doc/authmilter"
# Beyond what `cmake --install` puts there.
DEBIANS = {f"{DOCUMENTS}/copyright", f"{DOCUMENTS}/changelog.gz", f"{DOCUMENTS}/changelog.Debian.gz",
           "/usr/share/lintian/overrides/authmilter"}
PROGRAMS = {"/usr/sbin/authmilterd", "/usr/bin/authmilter"}
SCRIPTS = {"/usr/libexec/authmilter/audit-and-mail"}
EXAMPLES = {"authmilter.toml", "postfix/main.cf.authmilter", "postfix/nukib/main.cf", "sendmail/authmilter.m4",
            "dovecot/authmilter.sieve", "spamassassin/authmilter.cf", "rspamd/local.d/regexp.conf",
            "grafana/authmilter.json", "systemd/credentials.conf", "systemd/pkcs11.conf", "systemd/report-smtp.conf",
            "prometheus/authmilter.rules.yml"}
NAMED = {
    "/etc/authmilter/authmilter.toml", "/usr/lib/systemd/system/authmilterd.service",
    "/usr/lib/systemd/system/authmilter-keys.service", "/usr/lib/systemd/system/authmilter-keys.timer",
    "/usr/lib/systemd/system/authmilter-report.service", "/usr/lib/systemd/system/authmilter-report.timer",
    "/usr/lib/systemd/system/authmilter-reports.service",
    "/usr/lib/systemd/system/authmilter-report-check.service", "/usr/lib/systemd/system/authmilter-report-check.timer",
    "/usr/lib/systemd/system/authmilter-audit.service", "/usr/lib/systemd/system/authmilter-audit.timer",
    "/usr/share/authmilter/profiles/default.toml", "/usr/share/authmilter/profiles/nukib.toml",
    "/usr/share/authmilter/profiles/strict.toml",
    "/usr/lib/sysusers.d/authmilter.conf", "/usr/lib/tmpfiles.d/authmilter.conf",
    "/usr/share/man/man1/authmilter.1.gz", "/usr/share/man/man5/authmilter.toml.5.gz",
    "/usr/share/man/man7/authmilter-audit.7.gz", "/usr/share/man/man8/authmilterd.8.gz", f"{DOCUMENTS}/README.md", f"{DOCUMENTS}/SECURITY.md",
    *PROGRAMS, *SCRIPTS, *DEBIANS, *(f"{DOCUMENTS}/examples/{name}" for name in EXAMPLES)}

# As in package.cmake: a package of Debian 13 must be newer than the same one of Debian 12.
SYSTEM = platform.freedesktop_os_release()
RELEASE = "~" + SYSTEM["ID"].replace("debian", "deb") + SYSTEM["VERSION_ID"] if "VERSION_ID" in SYSTEM else ""
CONTROL = {
    "Package": r"authmilter",
    "Version": r"\d+\.\d+\.\d+-\d+" + re.escape(RELEASE),
    "Section": r"mail",
    "Priority": r"optional",
    "Maintainer": r"[\w ]+ <\S+@\S+\.example>",
    "Depends": r"(?=.*\badduser\b)(?=.*\blibc6 \(>= )(?=.*\blibmilter1)(?=.*\blibopendkim)(?=.*\blibunbound8)"
               r"(?=.*\blibevent-)(?=.*\blibssl3)(?=.*\blibspf2)(?=.*\blibopendmarc)(?=.*\blibsystemd0)(?=.*\blibcivetweb1)(?=.*\blibp11-kit0)(?=.*\blibprometheus-cpp-core)(?!.*prometheus-cpp-pull)(?!.*-dev\b).*",
    "Recommends": r"dns-root-data",
    "Suggests": r"postfix \| sendmail-bin",
    "Description": r"(?s)mail authentication milter: .{15,50}\n .*",
}


def files_of(tree):
    return {"/" + str(path.relative_to(tree)) for path in tree.rglob("*") if not path.is_dir()}


def contents(package, tree, build):
    """Problems with the list of files."""
    found = files_of(tree)
    yield from (f"{name} is missing" for name in sorted(NAMED - found))
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["cmake", "--install", build, "--prefix", "/usr"], check=True,
                       env={**os.environ, "DESTDIR": scratch}, capture_output=True)
        installed = files_of(pathlib.Path(scratch))
    packed = {name.removesuffix(".gz") if "/man/" in name else name for name in found - DEBIANS}
    yield from (f"{name} is only in the package" for name in sorted(packed - installed))
    yield from (f"{name} is only installed by CMake" for name in sorted(installed - packed))
    for line in said_by("dpkg-deb", "--contents", package).splitlines():
        mode, owner, *_, name = line.split()
        wanted = "drwxr-xr-x" if mode[0] == "d" else \
            "-rwxr-xr-x" if name[1:] in PROGRAMS | SCRIPTS else "-rw-r--r--"
        if (mode, owner) != (wanted, "root/root"):
            yield f"{name[1:]} is {mode} {owner}"
    with gzip.open(tree / DOCUMENTS[1:] / "changelog.Debian.gz", "rt") as changelog:
        version = said_by("dpkg-deb", "--field", package, "Version").strip()
        if f"authmilter ({version})" not in changelog.readline():
            yield "changelog.Debian.gz does not begin with this version"


def control(package, folder):
    """Problems with the control information."""
    for field, pattern in CONTROL.items():
        value = said_by("dpkg-deb", "--field", package, field).strip()
        if not re.fullmatch(pattern, value):
            yield f"{field}: {value}"
    architecture = said_by("dpkg-deb", "--field", package, "Architecture")
    if architecture != said_by("dpkg", "--print-architecture"):
        yield f"Architecture: {architecture.strip()}"
    said_by("dpkg-deb", "--control", package, folder)
    if (folder / "conffiles").read_text() != "/etc/authmilter/authmilter.toml\n":
        yield "conffiles is not the configuration"
    for script in ("postinst", "prerm", "postrm"):
        text = (folder / script).read_text()
        if not text.startswith("#!/bin/sh\n") or "\nset -e\n" not in text:
            yield f"{script} does not stop at the first error"
        if subprocess.run(["sh", "-n", folder / script], check=False).returncode != 0:
            yield f"{script} is not a script"


def hardening(program):
    """What Debian's hardening=+all gives a program, read from it."""
    said = {option: said_by("readelf", "-W", option, program)
            for option in ("--file-header", "--program-headers", "--dynamic", "--dyn-syms", "--sections")}
    rows = [
        ("position-independent", "--dynamic", r"FLAGS_1\).*\bPIE\b"),
        ("bound at the start", "--dynamic", r"FLAGS_1\).*\bNOW\b"),
        ("read-only relocations", "--program-headers", r"GNU_RELRO"),
        ("no executable stack", "--program-headers", r"GNU_STACK.* RW +0x"),
        ("checked string functions", "--dyn-syms", r"__\w+_chk@"),
        ("stack protector", "--dyn-syms", r"__stack_chk_fail@"),
        ("stripped", "--sections", r"\A(?!(?s:.*)\s\.(symtab|debug_info)\s)"),
        ("no search path of its own", "--dynamic", r"\A(?!(?s:.*)\((RPATH|RUNPATH)\))"),
    ]
    for what, option, pattern in rows:
        if not re.search(pattern, said[option]):
            yield f"not {what}"


def lintian(package):
    if not shutil.which("lintian"):
        print("lintian is not installed, and not asked")
        return
    done = subprocess.run(["lintian", "--allow-root", "--no-cfg", package], capture_output=True, text=True,
                          check=False)
    yield from done.stdout.splitlines()


def main():
    build, package = sys.argv[1], newest(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch, "tree")
        said_by("dpkg-deb", "--extract", package, tree)
        sections = {
            "contents": list(contents(package, tree, build)),
            "control": list(control(package, pathlib.Path(scratch, "control"))),
            **{f"hardening of {name}": list(hardening(tree / name[1:])) for name in sorted(PROGRAMS)},
            "lintian": list(lintian(package)),
        }
    for section, problems in sections.items():
        for problem in problems:
            print(f"FAIL {section}: {problem}")
    failed = [section for section, problems in sections.items() if problems]
    print(f"{len(sections)} sections, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
