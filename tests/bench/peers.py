"""Which filters of others are to be had here: installed, or unpacked into the cache that the tests have for such."""

import os
import shutil

from harness import original_milters
from harness.unpacked_packages import Missing, unpacked

NAMES = ("opendkim", "opendmarc", "rspamd")
PATH = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"
RSPAMD = ("rspamd", "libhyperscan5 | libvectorscan5", "libluajit2-5.1-2 | libluajit-5.1-2", "libluajit-5.1-common",
          "libsodium23", "libunwind8", "libpcre2-8-0")


def found():
    """({name: {"path", "environment", "share"}}, {name: why it is not to be had}). `share` is what rspamd must see below
    /usr/share."""
    programs, absent = {}, {}
    for name in NAMES:
        if path := shutil.which(name, path=PATH):
            programs[name] = {"path": path, "environment": {}}
    for names, unpack in ((original_milters.PROGRAMS, _originals), (("rspamd",), _rspamd)):
        if any(name not in programs for name in names):
            try:
                programs |= unpack()
            except Missing as error:
                absent |= {name: f"not installed, and {error}" for name in names if name not in programs}
    return programs, absent


def _originals():
    folder = original_milters.unpacked()
    libraries = {"LD_LIBRARY_PATH": original_milters.environment()["LD_LIBRARY_PATH"]}
    return {name: {"path": str(folder / "usr/sbin" / name), "environment": libraries} for name in original_milters.PROGRAMS}


def _rspamd():
    if os.geteuid() != 0:
        raise Missing("only root can unpack it")
    folder = unpacked("rspamd", RSPAMD)
    places = [folder / one for one in ("usr/lib/rspamd", *original_milters.LIBRARIES)]
    return {"rspamd": {"path": str(folder / "usr/bin/rspamd"), "share": str(folder / "usr/share"),
                       "environment": {"LD_LIBRARY_PATH": ":".join(map(str, places))}}}
