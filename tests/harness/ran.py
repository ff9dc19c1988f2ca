"""Registers what ran: into the file $AUTHMILTER_RAN go, one a line, the titles of rows and tests that were carried out
and were as they should be. tests/repository/attacks.py and edge_cases.py find there which of their numbers are tested.
tests/support/ran.cc does the same for C++.

    ran.main()              # in the place of unittest's: docstrings, subTest(why=...) and subTest("...") register
    ran.title("A01: ...")   # for tables that are not unittest's
"""

import atexit
import os
import unittest

_titles = set()
_process = os.getpid()  # not what it forks


def title(text):
    _titles.add(" ".join(str(text).split()))


@atexit.register
def write():
    # A test that was skipped has no file, as if it had not been called.
    if _titles and "AUTHMILTER_RAN" in os.environ and os.getpid() == _process:
        with open(os.environ["AUTHMILTER_RAN"], "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(f"{one}\n" for one in sorted(_titles))


class Result(unittest.TextTestResult):
    def addSuccess(self, test):
        super().addSuccess(test)
        for text in (test._testMethodDoc, type(test).__doc__):
            if text:
                title(text)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is None:
            title(subtest._message if isinstance(subtest._message, str) else "")
            title(subtest.params.get("why", ""))


class Runner(unittest.TextTestRunner):
    resultclass = Result


def main(**options):
    unittest.main(testRunner=Runner, **options)
