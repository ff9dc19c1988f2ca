"""Every attack in tests/attacks.md has a test that names it, or a reason why it has none.

    attacks.py REPOSITORY

A test names an attack by its number where it happens: in the `why` of its row, in the name of the test or in its
docstring. A number that is not in the list is an error too.
"""

import pathlib
import re
import sys

import numbered_list

SOURCES = {".cc", ".h", ".py"}


def cited(tests):
    """attack -> the files that name it"""
    found = {}
    for path in sorted(tests.rglob("*")):
        if path.suffix not in SOURCES or path.parent.name == "repository":
            continue
        for attack in re.findall(r"\b(A\d{2,3})[a-d]?\b", path.read_text(errors="replace")):
            found.setdefault(attack, set()).add(path.relative_to(tests).as_posix())
    return found


def main():
    tests = pathlib.Path(sys.argv[1]) / "tests"
    page = tests / "attacks.md"
    rows, problems = numbered_list.read(page, r"A\d{2,3}")
    found = cited(tests)
    problems += numbered_list.compare(page, rows, found)
    print("\n".join(problems) or f"{len(rows.keys() & found.keys())} attacks are tested, "
                                 f"{sum(1 for reason in rows.values() if reason)} are left out with a reason")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
