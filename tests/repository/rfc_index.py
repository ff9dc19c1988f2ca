"""Where each section of the standards is carried out: the citations in the sources, by RFC and section.

    rfc_index.py REPOSITORY [FOLDER...]       (default: include lib milter)

A citation is `RFC 7208 section 4.6.4`, or `RFC 9989 sections 4.10 and 5.3.2`, in a comment, which may break anywhere.
Prints one line a section, and fails for a citation that is written in another way, which it would not find.
"""

import pathlib
import re
import sys

BREAK = r"(?:\s|\n\s*//+)+"  # blanks, or the next line of a comment
SECTION = r"\d+(?:\.\d+)*"
CITATION = re.compile(rf"\bRFC{BREAK}(?P<rfc>\d{{3,5}})(?:{BREAK}(?:sections?|appendix){BREAK}"
                      rf"(?P<sections>(?:{SECTION}|[A-Z](?:\.\d+)*)(?:(?:,{BREAK}|{BREAK}(?:and|to){BREAK})"
                      rf"(?:{SECTION}|[A-Z](?:\.\d+)*)\b)*))?")
OTHERWISE = re.compile(r"\bRFC-?\d{3,5}\b|\bRFC \d{3,5},? (?:§|sec\.|Section)")


def citations(path):
    """((RFC, section or nothing), line)"""
    text = path.read_text()
    for found in CITATION.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        sections = re.findall(rf"[A-Z](?:\.\d+)*|{SECTION}", re.sub(BREAK, " ", found["sections"] or "")) or [""]
        for section in sections:
            yield (int(found["rfc"]), section), line


def in_order(key):
    rfc, section = key
    return rfc, [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in section.split(".") if part]


def main():
    root = pathlib.Path(sys.argv[1])
    index, wrong = {}, []
    for folder in sys.argv[2:] or ["include", "lib", "milter"]:
        for path in sorted([*(root / folder).rglob("*.h"), *(root / folder).rglob("*.cc")]):
            name = path.relative_to(root).as_posix()
            for key, line in citations(path):
                index.setdefault(key, {}).setdefault(name, []).append(line)
            wrong += [f"{name}: \"{found}\" is not of the form `RFC 7208 section 4.6.4`"
                      for found in OTHERWISE.findall(path.read_text())]
    for key in sorted(index, key=in_order):
        rfc, section = key
        places = ", ".join(f"{name}:{','.join(map(str, lines))}" for name, lines in sorted(index[key].items()))
        print(f"RFC {rfc}{f' section {section}' if section else ''}: {places}")
    print("\n".join(wrong) or f"{len(index)} sections cited")
    return 1 if wrong or len(index) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
