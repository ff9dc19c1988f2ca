"""The rules of the house, read from the sources: who may include what.

    include_rules.py REPOSITORY

1. lib/ never includes libmilter; milter/ includes of this project only <authmilter/...> and its own files.
2. Protocol directories of lib/ do not include each other; they meet in verify/.
3. Each C library's header is included in exactly one directory.
4. Public headers include nothing but the standard library and each other.
5. The daemon never answers "accept" (A250): after it an MTA shows a milter nothing more, of a message or of a
   whole connection.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
LIBRARY_HOME = {
    "libmilter/": "milter",
    "spf2/": "lib/spf",
    "opendkim/": "lib/dkim",
    "opendmarc/": "lib/dmarc",
    "openssl/": "lib/crypto",
    "unbound": "lib/dns",
    "idn2.h": "lib/base",
    "toml++/": "lib/config",
}
# What a directory of lib/ may include of the others, below the arrows of the picture.
BELOW = {
    "base": set(),
    "dns": {"base"},
    "message": {"base"},
    "crypto": {"base"},
    "spf": {"base", "dns", "message"},
    "dkim": {"base", "dns", "message", "crypto"},
    "dmarc": {"base", "dns", "message"},
    "results": {"base", "message"},
    "policy": {"base", "message", "results"},
    "config": {"base", "dns", "message", "policy"},
    "verify": {"base", "dns", "message", "crypto", "spf", "dkim", "dmarc", "results", "policy", "config"},
    "sign": {"base", "dns", "message", "crypto", "dkim", "config", "verify"},
}


def includes(path):
    return [(kind == '"', name) for kind, name in INCLUDE.findall(path.read_text())]


def problems(root):
    for path in sorted(root.glob("lib/*/*.[ch]*")):
        directory = path.parent.name
        for own, name in includes(path):
            if name.startswith("libmilter"):
                yield f"{path}: lib/ includes <{name}>"
            if own and name.split("/")[0] != directory and name.split("/")[0] not in BELOW[directory]:
                yield f'{path}: {directory}/ includes "{name}"'
    for path in sorted([*root.glob("milter/**/*.cc"), *root.glob("milter/**/*.h")]):
        for own, name in includes(path):
            if own and not any((base / name).exists() for base in (path.parent, root / "milter")):
                yield f'{path}: includes "{name}", which is not in milter/'
            if name.startswith("libmilter") and "tools" in path.parts:
                yield f"{path}: the command includes <{name}>"
    for path in sorted([*root.glob("lib/**/*.[ch]*"), *root.glob("milter/**/*.[ch]*")]):
        place = path.parent.relative_to(root).as_posix()
        for _, name in includes(path):
            for prefix, home in LIBRARY_HOME.items():
                if name.startswith(prefix) and place != home:
                    yield f"{path}: <{name}> belongs to {home}/"
    for path in sorted([*root.glob("milter/**/*.cc"), *root.glob("milter/**/*.h")]):
        if "SMFIS_ACCEPT" in path.read_text():
            yield f"{path}: answers accept"
    for path in sorted(root.glob("include/authmilter/*.h")):
        for _, name in includes(path):
            if "/" in name and not name.startswith("authmilter/") or name.endswith(".h") and "/" not in name:
                yield f"{path}: a public header includes <{name}>"


def main():
    root = pathlib.Path(sys.argv[1])
    count = len([*root.glob("lib/**/*.cc"), *root.glob("milter/**/*.cc"), *root.glob("include/**/*.h")])
    if count < 30:
        sys.exit(f"only {count} sources found below {root}: wrong folder?")
    found = [str(problem).replace(f"{root}/", "") for problem in problems(root)]
    print("\n".join(found) or f"{count} sources keep the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
