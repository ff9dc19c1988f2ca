"""The lists that tests cite by number, tests/attacks.md and tests/edge-cases.md, and which numbers have been tested.

A row of a list is one line, `NUMBER: text (source)`, or `NUMBER: text (source); not tested: reason`.

What counts is what ran. Each test that registers (tests/support/ran.cc, tests/harness/ran.py) writes the titles of what
it carried out to a file of its name in one folder; `expected` there has a line for each such test, its name and its
programs. A file that is missing, or older than one of the programs or than the tests' harness, is of a test that has
not run.
"""

import pathlib
import re
import sys

ROW = re.compile(r"(?P<number>[A-Z]?\d+b?): (?P<text>\S.*?) \((?P<source>[^()]+)\)(?:; not tested: (?P<reason>\S.{9,}))?")
# What is meant to be a row and may not be one.
LOOSE = re.compile(r"[A-Z]?\d")
SOURCES = {".cc", ".h", ".py"}
SKIPPED = 77


def read(page, number_form):
    """(number -> why it has no test, or None; problems)"""
    rows, problems = {}, []
    for line_number, line in enumerate(page.read_text().splitlines(), 1):
        where = f"{page.name}:{line_number}"
        if not LOOSE.match(line):
            continue
        row = ROW.fullmatch(line)
        if not row or not re.fullmatch(number_form, row["number"]):
            problems.append(f"{where}: not `number: text (source)`, with or without `; not tested: reason`: {line}")
        elif row["number"] in rows:
            problems.append(f"{where}: {row['number']} stands there twice")
        else:
            rows[row["number"]] = row["reason"]
    return rows, problems


def sources(tests):
    """(name, text) of each file that may cite."""
    for path in sorted(tests.rglob("*")):
        if path.suffix in SOURCES and path.parent.name != "repository":
            yield path.relative_to(tests).as_posix(), path.read_text(errors="replace")


def registered(folder):
    """(test -> the titles of what it carried out; the tests that have not run)"""
    titles, absent = {}, []
    harness = pathlib.Path(__file__).parents[1] / "harness"
    newest_of_harness = max(path.stat().st_mtime for path in harness.glob("*.py"))
    for line in (folder / "expected").read_text().splitlines():
        test, *programs = line.split("\t")
        file = folder / test
        newest = max(newest_of_harness, *(pathlib.Path(program).stat().st_mtime for program in programs))
        if file.exists() and file.stat().st_mtime >= newest:
            titles[test] = file.read_text(errors="replace").splitlines()
        else:
            absent.append(test)
    return titles, absent


def by_number(texts, numbers_of):
    """number -> the names of the texts that have it"""
    found = {}
    for name, text in texts:
        for number in numbers_of(text):
            found.setdefault(number, set()).add(name)
    return found


def in_order(numbers):
    return sorted(numbers, key=lambda number: (int(re.sub(r"\D", "", number)), number))


def names(found):
    return ", ".join(sorted(found))


def check(what, page, number_form, numbers_of):
    """`numbers_of` finds the numbers in a text. Prints what is wrong; the exit status."""
    rows, problems = read(page, number_form)
    cited = by_number(sources(page.parent), numbers_of)
    titles, absent = registered(pathlib.Path(sys.argv[2]))
    tested = by_number(((test, title) for test, all_of_it in titles.items() for title in all_of_it), numbers_of)

    problems += [f"{name}: unittest.main registers nothing: harness.ran.main()" for name, text in sources(page.parent)
                 if "unittest.main(" in text and not name.endswith("harness/ran.py")]
    untested = {number for number, reason in rows.items() if reason}
    missing = in_order(rows.keys() - tested.keys() - untested)
    problems += [f"{names(cited[number])}: {number} is not in {page.name}" for number in in_order(cited.keys() - rows.keys())]
    problems += [f"{page.name}: {number} is said to have no test, but ran in {names(tested[number])}"
                 for number in in_order(untested & tested.keys())]
    lacking = [f"{page.name}: {number} is in no row that ran" +
               (f", but in the text of {names(cited[number])}" if number in cited else "") for number in missing]
    for one in problems + lacking:
        print(one)
    print(f"{what}: {len(rows.keys() & tested.keys())} tested, {len(untested)} left out with a reason, of {len(rows)}")
    if problems or lacking and not absent:
        return 1
    if lacking:
        print(f"SKIPPED: who has them may be among those that have not run: {', '.join(absent)}")
        return SKIPPED
    return 0
