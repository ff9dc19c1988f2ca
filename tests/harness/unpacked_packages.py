"""Debian packages that cannot or need not be installed: unpacked into a cache, and used from there."""

import functools
import os
import pathlib
import re
import shutil
import subprocess

CACHE = pathlib.Path("/var/cache/authmilter-tests")
LISTS = pathlib.Path(__file__).resolve().parents[2] / "contrib/packages"


class Missing(Exception):
    """Something that a test needs is not to be had here; the text says what."""


@functools.cache
def candidate(package):
    """The version that apt would install; nothing if it knows none."""
    policy = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, timeout=60, check=False,
                            env={**os.environ, "LC_ALL": "C"})
    return "".join(re.findall(r"Candidate: ([^(\s]\S*)", policy.stdout))


def known(line):
    """The package to take for a line: releases of Debian name some differently, so of "a | b" it is the first that apt
    has a version of, as in contrib/packages."""
    first, *others = [name.strip() for name in line.split("|")]
    if not others:
        return first
    return next((name for name in (first, *others) if candidate(name)), first)


def unpacked(name, packages):
    """The folder with the packages ("a", or "a | b" where releases of Debian differ), downloaded if it is not
    there yet. Needs apt's lists then, and leave to write into the cache: root's."""
    place = CACHE / name
    if place.exists():
        return place
    fresh = place.with_name(f"{name}.{os.getpid()}")
    try:
        fresh.mkdir(parents=True)
        packages = [known(package) for package in packages]
        download = subprocess.run(["apt-get", "-q", "download", *packages], cwd=fresh, capture_output=True,
                                  text=True, stdin=subprocess.DEVNULL, timeout=120)
        files = list(fresh.glob("*.deb"))
        if download.returncode != 0 or len(files) != len(packages):
            raise Missing(f"apt-get cannot download {' '.join(packages)}: {download.stderr.strip()[-200:]}")
        for file in files:
            subprocess.run(["dpkg", "-x", file, fresh], check=True)
            file.unlink()
        fresh.chmod(0o755)
        try:
            fresh.rename(place)
        except OSError:
            if not place.exists():  # no other test was quicker
                raise
    except (PermissionError, subprocess.TimeoutExpired) as error:
        raise Missing(f"cannot unpack {' '.join(packages)}: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return place


def unpacked_list(name):
    """The folder with the packages of the list contrib/packages/NAME, and what apt would install with them. Of a line
    that no package of this release fits there is nothing in it."""
    if (CACHE / name).exists():
        return CACHE / name
    lines = [line for line in (LISTS / name).read_text().splitlines() if not line.startswith("#")]
    available = [package for package in map(known, lines) if candidate(package)]
    plan = subprocess.run(["apt-get", "-s", "-q", "install", "--no-install-recommends", *available],
                          capture_output=True, text=True, timeout=120, check=False)
    if plan.returncode != 0:
        raise Missing(f"apt-get has no plan for {' '.join(available)}: {plan.stderr.strip()[-200:]}")
    missing = re.findall(r"(?m)^Inst (\S+)", plan.stdout)  # what is installed is not among them
    return unpacked(name, sorted({*available, *missing}))
