"""Debian packages that cannot or need not be installed: unpacked into a cache, and used from there."""

import os
import pathlib
import re
import shutil
import subprocess

CACHE = pathlib.Path("/var/cache/authmilter-tests")


class Missing(Exception):
    """Something that a test needs is not to be had here; the text says what."""


def known(line):
    """The package to take for a line: releases of Debian name some differently, so of "a | b" it is the first
    that apt has a version of, as in contrib/packages."""
    names = [name.strip() for name in line.split("|")]
    for name in names:
        policy = subprocess.run(["apt-cache", "policy", name], capture_output=True, text=True,
                                env={**os.environ, "LC_ALL": "C"}).stdout
        if re.search(r"Candidate: [^(]", policy):
            return name
    return names[0]


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
    except PermissionError as error:
        raise Missing(f"cannot unpack {' '.join(packages)}: {error}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return place
