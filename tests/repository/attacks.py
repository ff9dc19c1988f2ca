"""Every attack in tests/attacks.md has a row that ran and bears its number, or a reason why it has none.

    attacks.py REPOSITORY FOLDER-OF-WHAT-RAN

A row bears the number of an attack in its `why`, a test in its name or its docstring. A number that is not in the list
is an error too, wherever it stands.
"""

import pathlib
import re
import sys

import numbered_list


def numbers(text):
    return re.findall(r"\b(A\d{2,3})[a-d]?\b", text)


if __name__ == "__main__":
    sys.exit(numbered_list.check("attacks", pathlib.Path(sys.argv[1]) / "tests/attacks.md", r"A\d{2,3}", numbers))
