"""The lists that tests cite by number: tests/attacks.md and tests/edge-cases.md.

A row is one line, `NUMBER: text (source)`, or `NUMBER: text (source); not tested: reason`.
"""

import re

ROW = re.compile(r"(?P<number>[A-Z]?\d+b?): (?P<text>\S.*?) \((?P<source>[^()]+)\)(?:; not tested: (?P<reason>\S.{9,}))?")
# What is meant to be a row and may not be one.
LOOSE = re.compile(r"[A-Z]?\d")


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


def compare(page, rows, cited):
    """The problems between the rows of a list and the numbers that tests cite (number -> the files that do)."""
    def files(number):
        return ", ".join(sorted(cited[number]))

    def in_order(numbers):
        return sorted(numbers, key=lambda number: (int(re.sub(r"\D", "", number)), number))

    untested = {number for number, reason in rows.items() if reason}
    return ([f"{page.name}: {number} has neither a test nor a reason"
             for number in in_order(rows.keys() - cited.keys() - untested)] +
            [f"{page.name}: {number} is said to have no test, but has one in {files(number)}"
             for number in in_order(untested & cited.keys())] +
            [f"{files(number)}: {number} is not in {page.name}"
             for number in in_order(cited.keys() - rows.keys())])
