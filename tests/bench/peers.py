"""Which filters of others are to be had here: installed, or unpacked by the tests that know them."""

import shutil

from harness import original_milters
from harness.unpacked_packages import Missing

NAMES = ("opendkim", "opendmarc", "rspamd")
PATH = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"


def found():
    """{name: {"path": ..., "environment": ...}}"""
    programs = {}
    for name in NAMES:
        if path := shutil.which(name, path=PATH):
            programs[name] = {"path": path, "environment": {}}
    if not {"opendkim", "opendmarc"} <= programs.keys():
        try:
            folder = original_milters.unpacked()
        except Missing:
            return programs
        libraries = {"LD_LIBRARY_PATH": original_milters.environment()["LD_LIBRARY_PATH"]}
        for name in original_milters.PROGRAMS:
            programs.setdefault(name, {"path": str(folder / "usr/sbin" / name), "environment": libraries})
    return programs


def absent(programs):
    return {name: "not installed (contrib/packages/install bench)" for name in NAMES if name not in programs}
