"""What tests/platforms/run takes on its command line: it works as root and removes folders.

    arguments_test.py
"""

import pathlib
import subprocess
import sys
import tempfile

PLATFORMS = pathlib.Path(__file__).resolve().parent / "platforms.py"
# Each is refused before anything is done. FOLDER is where the roots are, OTHER a folder beside it.
ROWS = [
    ("no suite", []),
    ("a path for a suite", ["--fresh", "OTHER/kept"]),
    ("a path upwards", ["--fresh", "../other/kept"]),
    ("the folder itself", ["--fresh", "."]),
    ("nothing as a name", ["--fresh", ""]),
    ("a good suite before a path", ["--fresh", "trixie", "../other/kept"]),
    ("no time", ["--minutes", "0", "trixie"]),
    ("time that is not a number", ["--minutes", "nan", "trixie"]),
    ("time without end", ["--minutes", "inf", "trixie"]),
    ("time before now", ["--minutes", "-5", "trixie"]),
    ("a folder that is a device", ["--folder", "/dev/null/roots", "trixie"]),
    ("an option that is not there", ["--wrong", "trixie"]),
]


def problem_of(arguments):
    with tempfile.TemporaryDirectory(prefix="authmilter-") as name:
        folder = pathlib.Path(name)
        for place in ("roots/kept", "other/kept"):
            (folder / place).mkdir(parents=True)
        words = [word.replace("OTHER", str(folder / "other")) for word in arguments]
        done = subprocess.run([sys.executable, PLATFORMS, "--folder", folder / "roots", *words], capture_output=True,
                              text=True, timeout=60, check=False)
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    if left != ["other", "other/kept", "roots", "roots/kept"]:
        return f"leaves {left}"
    if done.returncode != 2 or "error:" not in done.stderr:
        return f"status {done.returncode}: {done.stderr}"
    return ""


def main():
    wrong = [f"{what}: {problem}" for what, arguments in ROWS if (problem := problem_of(arguments))]
    print("\n".join([*wrong, f"{len(ROWS) - len(wrong)} of {len(ROWS)} are refused as they should be"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
