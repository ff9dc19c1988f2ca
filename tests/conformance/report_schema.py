"""Reports that we write validate against RFC 9990's schema, whatever is in them.

usage: report_schema.py REPORT_SUITE TESTDATA-DIRECTORY [unittest arguments]
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import ran

SUITE, TESTDATA = sys.argv[1:3]
FOLDER = pathlib.Path(TESTDATA) / "dmarc-reports"


def complaint(path):
    """What xmllint has against a file; empty where it validates."""
    done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", FOLDER / "dmarc-xml-0.2.xsd", path],
                          capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


class Schema(unittest.TestCase):
    def test_what_we_write_validates(self):
        """The samples read and written again, and one with every text as bad as it may be."""
        with tempfile.TemporaryDirectory() as name:
            subprocess.run([SUITE, TESTDATA, "--write", name], check=True, capture_output=True)
            written = sorted(pathlib.Path(name).iterdir())
            self.assertEqual(len(written), 15)
            for path in written:
                with self.subTest(path.name):
                    self.assertEqual(complaint(path), "")

    def test_the_schema_is_strict(self):
        """RFC 9990's first sample validates, the second and RFC 7489's do not."""
        self.assertEqual(complaint(FOLDER / "dmarc-xml-0.2.xml"), "")
        self.assertIn("No matching global declaration", complaint(FOLDER / "dmarc-xmlalt-0.2.xml"))
        self.assertIn("No matching global declaration", complaint(FOLDER / "aggregate" / "outlook.xml"))


if __name__ == "__main__":
    if not FOLDER.exists():
        print(f"skipped: no {FOLDER}")
        sys.exit(77)
    if not shutil.which("xmllint"):
        print("skipped: no xmllint (libxml2-utils)")
        sys.exit(77)
    del sys.argv[1:3]
    ran.main()
