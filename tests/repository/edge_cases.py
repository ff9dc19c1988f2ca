"""Every numbered edge case has a test that cites it, or a line that says why not.

    edge_cases.py SOURCE-DIRECTORY

The list has the numbers 1 to 105 and 61b. A test cites in one of the forms `edge case 31`,
`edge cases 31, 61b` and `edge cases 5 and 6`, in its name, a row's description or a comment;
tests/edge-cases-not-covered.md has lines `74: reason`. Any other way to write it is an error here, so
that no citation is overlooked.
"""

import pathlib
import re
import sys

NUMBERS = {str(n) for n in range(1, 106)} | {"61b"}
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


def read_reasons(path):
    reasons, problems = {}, []
    for line in path.read_text().splitlines():
        match = re.fullmatch(r"(\d+b?): (\S.*)", line)
        if match and match[1] in reasons:
            problems.append(f"{path.name}: {match[1]} stands there twice")
        elif match:
            reasons[match[1]] = match[2]
        elif re.match(r"\d", line):
            problems.append(f"{path.name}: not of the form `N: reason`: {line}")
    return reasons, problems


def main():
    root = pathlib.Path(sys.argv[1])
    reasons, problems = read_reasons(root / "tests" / "edge-cases-not-covered.md")
    tested = {}
    for path in sorted((root / "tests").rglob("*")):
        if path.suffix not in SUFFIXES or path == pathlib.Path(__file__).resolve():
            continue
        numbers, loose = cited(path.read_text(errors="replace"))
        problems += [f"{path.relative_to(root)}: another form of citation: {one}" for one in loose]
        for number in numbers:
            tested.setdefault(number, path.relative_to(root))
    problems += [f"{path}: edge case {n} is not in the list" for n, path in tested.items() if n not in NUMBERS]
    problems += [f"edge-cases-not-covered.md: {n} is not in the list" for n in reasons.keys() - NUMBERS]
    problems += [f"edge-cases-not-covered.md: {n} is covered, by {tested[n]}" for n in reasons.keys() & tested.keys()]

    def in_order(numbers):
        return sorted(numbers, key=lambda n: (int(n.rstrip("b")), n))

    problems += [f"edge case {n} has neither a test nor a reason" for n in in_order(NUMBERS - reasons.keys() - tested.keys())]
    for one in problems:
        print(one)
    print(f"edge cases: {len(tested)} tested, {len(reasons)} not covered, of {len(NUMBERS)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
