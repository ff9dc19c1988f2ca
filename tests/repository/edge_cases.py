"""Every edge case in tests/edge-cases.md has a test that cites it, or a reason why it has none.

    edge_cases.py SOURCE-DIRECTORY

A test cites in one of the forms `edge case 31`, `edge cases 31, 61b` and `edge cases 5 and 6`, in its name, a
row's description or a comment. Any other way to write it is an error here, so that no citation is overlooked,
and so is a number that is not in the list.
"""

import pathlib
import re
import sys

import numbered_list

CITATION = re.compile(r"(?i)\bedge cases? (\d+b?(?:(?:, | and )\d+b?)*)\b")
# What looks like a citation and is not in the form above.
LOOSE = re.compile(r"(?i)\bedge[- ]?cases?\W{0,3}\d")
SUFFIXES = {".cc", ".h", ".py"}


def cited(text):
    """The numbers cited, and the lines with citations in another form."""
    # A string that the compiler joins is one text, and so is a comment of several lines.
    joined = re.sub(r'"\s*\n\s*"|\n\s*(?://|#)', lambda m: " " if "/" in m[0] or "#" in m[0] else "", text)
    numbers = {n for match in CITATION.finditer(joined) for n in re.split(", | and ", match[1])}
    left = CITATION.sub("", joined)
    return numbers, [left[m.start():m.start() + 60].split("\n")[0] for m in LOOSE.finditer(left)]


def main():
    root = pathlib.Path(sys.argv[1])
    page = root / "tests" / "edge-cases.md"
    rows, problems = numbered_list.read(page, r"\d+b?")
    tested = {}
    for path in sorted((root / "tests").rglob("*")):
        if path.suffix not in SUFFIXES or path.parent.name == "repository":
            continue
        numbers, loose = cited(path.read_text(errors="replace"))
        problems += [f"{path.relative_to(root)}: another form of citation: {one}" for one in loose]
        for number in numbers:
            tested.setdefault(number, set()).add(path.relative_to(root).as_posix())
    problems += numbered_list.compare(page, rows, tested)
    for one in problems:
        print(one)
    print(f"edge cases: {len(rows.keys() & tested.keys())} tested, "
          f"{sum(1 for reason in rows.values() if reason)} not covered, of {len(rows)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
