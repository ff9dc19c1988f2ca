"""Which filters of others are to be had here: installed, or unpacked into the cache that the tests have for such."""

import os
import shutil

from harness import original_milters
from harness.unpacked_packages import Missing, unpacked

FEW = ("opendkim", "opendmarc")
NAMES = (*FEW, "rspamd")
PATH = "/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"
RSPAMD = ("rspamd", "libhyperscan5 | libvectorscan5", "libluajit2-5.1-2 | libluajit-5.1-2", "libluajit-5.1-common",
          "libsodium23", "libunwind8", "libpcre2-8-0")


def found(wanted):
    """({name: {"path", "environment", "share"}}, {name: why it is not to be had}). `share` is what rspamd must see below
    /usr/share."""
    programs, absent = {}, {name: "not asked for" for name in NAMES if name not in wanted}
    for name in wanted:
        if path := shutil.which(name, path=PATH):
            programs[name] = {"path": path, "environment": {}}
    for names, unpack in ((FEW, _originals), (("rspamd",), _rspamd)):
        missing = [name for name in names if name in wanted and name not in programs]
        if missing:
            try:
                programs |= {name: program for name, program in unpack().items() if name in missing}
            except Missing as error:
                absent |= {name: f"not installed (contrib/packages/install bench), and {error}" for name in missing}
    return programs, absent


def _originals():
    folder = original_milters.unpacked()
    libraries = {"LD_LIBRARY_PATH": original_milters.environment()["LD_LIBRARY_PATH"]}
    return {name: {"path": str(folder / "usr/sbin" / name), "environment": libraries} for name in FEW}


def _rspamd():
    if os.geteuid() != 0:
        raise Missing("only root can unpack it")
    folder = unpacked("rspamd", RSPAMD)
    places = [folder / one for one in ("usr/lib/rspamd", *original_milters.LIBRARIES)]
    return {"rspamd": {"path": str(folder / "usr/bin/rspamd"), "share": str(folder / "usr/share"),
                       "environment": {"LD_LIBRARY_PATH": ":".join(map(str, places))}}}
