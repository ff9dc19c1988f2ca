"""Each option and each configuration key stands in its manual page, and mandoc likes the pages.

    manual_pages.py REPOSITORY PROGRAM_FOLDER

Options are read from the programs' own --help, keys from the library (the config_keys program prints
them), so none can be forgotten.
"""

import pathlib
import re
import subprocess
import sys


def help_of(*command):
    return subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout


def options_in(text):
    """Long options that a help text offers."""
    return set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text))


def options_of_page(page):
    """Names of long options in .Fl macros: `.It Fl Fl config Ar file` or `Fl -json`."""
    return set(re.findall(r"\bFl\s+(?:Fl\s+|-)([a-z][a-z-]+)", page))


def subcommands(text):
    """Words that begin a line of the help's list of subcommands."""
    block = re.search(r"(?ms)^Subcommands:\n(.*)", text)
    return re.findall(r"(?m)^  ([a-z]+)\s", block.group(1)) if block else []


def check_program(program, page_path, problems):
    page = page_path.read_text()
    documented = options_of_page(page)
    todo = [[str(program)]]
    while todo:
        command = todo.pop()
        text = help_of(*command)
        for option in sorted(options_in(text) - documented):
            problems.append(f"{page_path.name}: --{option} of `{' '.join(command[1:]) or program.name}` is missing")
        for word in subcommands(text):
            if not re.search(rf"\bCm\b[^\n]*\b{word}\b", page):
                problems.append(f"{page_path.name}: subcommand {word} is missing")
            todo.append([*command, word])


def check_keys(lister, page_path, problems):
    keys = subprocess.run([str(lister)], capture_output=True, text=True, check=True).stdout.split()
    page = page_path.read_text()
    if len(keys) < 20:
        problems.append(f"only {len(keys)} configuration keys listed")
    for key in keys:
        if not re.search(rf"(?<![\w.]){re.escape(key)}(?![\w.])", page):
            problems.append(f"{page_path.name}: key {key} is missing")


def main():
    root, programs = map(pathlib.Path, sys.argv[1:3])
    problems = []
    check_program(programs / "milter/authmilterd", root / "man/authmilterd.8", problems)
    check_program(programs / "milter/tools/authmilter", root / "man/authmilter.1", problems)
    check_keys(programs / "tests/config_keys", root / "man/authmilter.toml.5", problems)
    for page in sorted((root / "man").glob("*.[1-8]")):
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(page)], capture_output=True, text=True)
        problems += lint.stdout.splitlines()
    print("\n".join(problems) or "every option and key is documented")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
