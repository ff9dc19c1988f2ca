"""Every edge case in tests/edge-cases.md has a row that ran and cites it, or a reason why it has none.

    edge_cases.py REPOSITORY FOLDER-OF-WHAT-RAN

A row cites in its `why`, a test in its name or its docstring, in one of the forms `edge case 31`, `edge cases 31, 61b`
and `edge cases 5 and 6`. Any other way to write it is an error here, so that no citation is overlooked, and so is a
number that is not in the list.
"""

import pathlib
import re
import sys

import numbered_list

CITATION = re.compile(r"(?i)\bedge cases? (\d+b?(?:(?:, | and )\d+b?)*)\b")
# What looks like a citation and is not in the form above.
LOOSE = re.compile(r"(?i)\bedge[- ]?cases?\W{0,3}\d")


def joined(text):
    """A string that the compiler joins is one text, and so is a comment of several lines."""
    return re.sub(r'"\s*\n\s*"|\n\s*(?://|#)', lambda m: " " if "/" in m[0] or "#" in m[0] else "", text)


def numbers(text):
    return {n for match in CITATION.finditer(joined(text)) for n in re.split(", | and ", match[1])}


def other_forms(tests):
    for name, text in numbered_list.sources(tests):
        left = CITATION.sub("", joined(text))
        for match in LOOSE.finditer(left):
            line = left[match.start():match.start() + 60].split("\n")[0]
            yield f"{name}: another form of citation: {line}"


def main():
    page = pathlib.Path(sys.argv[1]) / "tests/edge-cases.md"
    problems = list(other_forms(page.parent))
    for one in problems:
        print(one)
    status = numbered_list.check("edge cases", page, r"\d+b?", numbers)
    return 1 if problems else status


if __name__ == "__main__":
    sys.exit(main())
