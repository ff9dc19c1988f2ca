#!/usr/bin/python3
"""An import takes time in proportion to what it reads, whatever form the tables have.

usage: import_size_test.py AUTHMILTER [unittest arguments]

Four times the entries may take five and a half times the processor's time; what compares each with each takes sixteen.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import unittest

from harness import ran

COMMAND = os.path.abspath(sys.argv[1])
ENTRIES = 1500


def lines(count, form):
    return "".join(form.format(n=n, high=n >> 8, low=n & 255) + "\n" for n in range(count))


TABLES = "KeyTable {kind}:keys\nSigningTable {kind}:authors\n"
KEY = "k{n} d{n}.example:s:/k/{n}.pem"

# what, opendkim.conf, its tables: name -> a line of each entry
ROWS = [
    ("names in files", TABLES.format(kind="file"), {"keys": KEY, "authors": "d{n}.example k{n}"}),
    ("domains and all below", TABLES.format(kind="file"), {"keys": KEY, "authors": ".d{n}.example k{n}"}),
    ("patterns of one domain", TABLES.format(kind="refile"), {"keys": KEY, "authors": "*@d{n}.example k{n}"}),
    ("patterns of subdomains", TABLES.format(kind="refile"), {"keys": KEY, "authors": "*@*.d{n}.example k{n}"}),
    ("patterns of ends", TABLES.format(kind="refile"), {"keys": KEY, "authors": "*d{n}.example k{n}"}),
    ("single users", TABLES.format(kind="refile"), {"keys": KEY, "authors": "u{n}@d.example k{n}"}),
    ("keys of other domains", TABLES.format(kind="refile"),
     {"keys": "k{n} other.example:s{n}:/k/{n}.pem", "authors": "*@d{n}.example k{n}"}),
    ("the author's key", TABLES.format(kind="file"),
     {"keys": "d{n}.example d{n}.example:s:/k/{n}.pem", "authors": "d{n}.example %"}),
    ("names without tables", "Domain file:domains\nSelector s\nKeyFile /k.pem\n", {"domains": "d{n}.example"}),
    ("hosts", "Mode v\nInternalHosts file:hosts\n", {"hosts": "10.1.{high}.{low}"}),
    ("blocks", "Mode v\nInternalHosts file:hosts\n", {"hosts": "2001:db8:{n:x}::/48"}),
]


class Size(unittest.TestCase):
    def seconds(self, main, tables, count):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            (place / "opendkim.conf").write_text(f"BaseDirectory {folder}\n{main}")
            for name, form in tables.items():
                (place / name).write_text(lines(count, form))
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            result = subprocess.run([COMMAND, "import", "opendkim", "--json", "opendkim.conf"], cwd=folder, check=False,
                                    capture_output=True, timeout=600)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(len(json.loads(result.stdout)["configuration"] + result.stdout.decode()), count)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def test_time_grows_with_the_size(self):
        for what, main, tables in ROWS:
            with self.subTest(what):
                few, many = (self.seconds(main, tables, count) for count in (ENTRIES, 4 * ENTRIES))
                print(f"{what}: {few:.2f} s for {ENTRIES}, {many:.2f} s for {4 * ENTRIES}")
                self.assertLess(many, 5.5 * few + 0.2)


if __name__ == "__main__":
    ran.main(argv=[sys.argv[0], *sys.argv[2:]])
