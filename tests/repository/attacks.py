"""Every known attack has a test that names it, or a line that says why it has none.

    attacks.py REPOSITORY

The attacks are numbered A01 to A190. A test names one where the attack happens: in the `why` of its row, in the
name of the test or in its docstring. tests/attacks-not-covered.md has the others, as `A128: reason`.
"""

import pathlib
import re
import sys

ATTACKS = {f"A{number:02}" for number in range(1, 191)}
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


def left_out(page):
    """(attack -> reason, problems)"""
    reasons, problems = {}, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if not re.match(r"A\d", line):
            continue
        entry = re.fullmatch(r"(A\d{2,3}): (\S.{9,})", line)
        if not entry or entry.group(1) not in ATTACKS or entry.group(1) in reasons:
            problems.append(f"{page.name}:{number}: not `A00: reason`, unknown, or a second time: {line!r}")
        else:
            reasons[entry.group(1)] = entry.group(2)
    return reasons, problems


def main():
    tests = pathlib.Path(sys.argv[1]) / "tests"
    found = cited(tests)
    reasons, problems = left_out(tests / "attacks-not-covered.md")
    problems += [f"{attack}: no test names it and attacks-not-covered.md says nothing"
                 for attack in sorted(ATTACKS - set(found) - set(reasons), key=lambda a: int(a[1:]))]
    problems += [f"{attack}: said to have no test, but {', '.join(sorted(found[attack]))} names it"
                 for attack in sorted(set(found) & set(reasons))]
    print("\n".join(problems) or f"{len(ATTACKS & set(found))} attacks are tested, {len(reasons)} are left out with a reason")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
