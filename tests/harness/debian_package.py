"""The Debian package that CPack has built for the tests."""

import pathlib
import re
import subprocess
import sys


def said_by(*command):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE,
                          text=True).stdout


def newest(folder):
    packages = sorted(pathlib.Path(folder).glob("authmilter_*.deb"), key=lambda path: path.stat().st_mtime)
    if not packages:
        print(f"SKIP: no package in {folder}")
        sys.exit(77)
    return packages[-1]


def with_version(package, version, folder, configuration=None):
    """The same package with another version, and perhaps another configuration file in it."""
    tree = pathlib.Path(folder, f"tree-{version}")
    said_by("dpkg-deb", "--raw-extract", package, tree)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    if configuration is not None:
        (tree / "etc/authmilter/authmilter.toml").write_text(configuration)
    said_by("dpkg-deb", "-Znone", "--build", "--root-owner-group", tree, folder)
    return next(pathlib.Path(folder).glob(f"authmilter_{version}_*.deb"))
