"""Reads the text that Prometheus reads, strictly: what it does not understand is an AssertionError.

    families = parse(text)
    families["up"].kind, families["up"].help
    families["up"].samples[("up", (("label", "value"),))]
"""

import dataclasses
import re
import time
import urllib.error
import urllib.request

from .daemon import PATIENCE

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


@dataclasses.dataclass
class Family:
    kind: str = ""
    help: str = ""
    samples: dict = dataclasses.field(default_factory=dict)


def labels_of(text):
    labels, at = [], 0
    while at < len(text or ""):
        match = LABEL.match(text, at)
        assert match, text
        labels.append((match[1], re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], match[2])))
        at = match.end()
    return tuple(sorted(labels))


def family_of(name, families):
    for base in (name, re.sub(r"_(bucket|sum|count)$", "", name)):
        if base in families:
            return families[base]
    raise AssertionError(f"a sample of {name} without # TYPE")


def parse(text):
    families = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            families.setdefault(name, Family()).help = words
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            families.setdefault(name, Family()).kind = kind
        else:
            match = SAMPLE.match(line)
            assert match, line
            key = (match[1], labels_of(match[2]))
            samples = family_of(match[1], families).samples
            assert key not in samples, f"twice: {line}"
            samples[key] = float(match[3])
    return families


def text(address, seconds=PATIENCE):
    """What a daemon says at "ADDRESS:PORT". One with several sockets serves them a moment before it listens there."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=seconds) as answer:
                return answer.read().decode()
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError) or time.monotonic() > end:
                raise
        time.sleep(0.02)


def read(address):
    """The families of a daemon at "ADDRESS:PORT"."""
    return parse(text(address))


def series(families):
    """Every sample as {'name{label="value"}': number}."""
    found = {}
    for family in families.values():
        for (name, labels), value in family.samples.items():
            text = ",".join(f'{label}="{content}"' for label, content in labels)
            found[f"{name}{{{text}}}" if text else name] = value
    return found
