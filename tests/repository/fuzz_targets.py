"""Every fuzz target has its line in tests/fuzz/README.md and its seeds, and the seeds are those of
make_corpus.py.

    fuzz_targets.py SOURCE-DIRECTORY
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True


def problems(fuzz):
    sys.path.insert(0, str(fuzz))
    import make_corpus  # pylint: disable=import-outside-toplevel

    targets = {path.name.removesuffix("_fuzz.cc") for path in fuzz.glob("*_fuzz.cc")}
    table = [line.split("|")[1] for line in (fuzz / "README.md").read_text().splitlines() if line.startswith("|")]
    listed = set(re.findall(r"`(\w+)`", " ".join(table)))
    for name in sorted(targets ^ listed):
        yield f"{name}: a target without a line in README.md, or a line without a target"
    for name in sorted(targets - set(make_corpus.SEEDS)):
        yield f"{name}: no seeds in make_corpus.py"
    for name in sorted(path.name for folder in ("corpus", "regressions") for path in (fuzz / folder).iterdir()):
        if name not in targets:
            yield f"{name}: inputs without a target"
    for name, rows in make_corpus.SEEDS.items():
        kept = [path.read_bytes() for path in sorted((fuzz / "corpus" / name).glob("*"))]
        if kept != rows:
            yield f"{name}: corpus/{name} is not what make_corpus.py writes"


def main():
    found = list(problems(pathlib.Path(sys.argv[1]) / "tests" / "fuzz"))
    print(*found, sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
