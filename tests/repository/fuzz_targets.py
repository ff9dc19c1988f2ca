"""Every fuzz target has its line in tests/fuzz/README.md and its seeds in make_corpus.py, and nothing else has.

    fuzz_targets.py SOURCE-DIRECTORY
"""

import pathlib
import re
import subprocess
import sys


def problems(fuzz):
    targets = {path.name.removesuffix("_fuzz.cc") for path in fuzz.glob("*_fuzz.cc")}
    table = [line.split("|")[1] for line in (fuzz / "README.md").read_text().splitlines() if line.startswith("|")]
    listed = set(re.findall(r"`(\w+)`", " ".join(table)))
    seeded = set(subprocess.run([sys.executable, fuzz / "make_corpus.py", "--list"], capture_output=True, text=True,
                                check=True).stdout.split())
    for name in sorted(targets ^ listed):
        yield f"{name}: a target without a line in README.md, or a line without a target"
    for name in sorted(targets ^ seeded):
        yield f"{name}: a target without seeds in make_corpus.py, or seeds without a target"
    for name in sorted(path.name for path in (fuzz / "regressions").iterdir()):
        if name not in targets:
            yield f"{name}: regressions without a target"
    if (fuzz / "corpus").exists():
        yield "corpus: seeds are rows of make_corpus.py, written into the build tree"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]) / "tests" / "fuzz"))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
