"""From fields as other readers read them: none may see an address of a domain that is not the Author Domain.

    author_oracle.py AUTHOR_DOMAINS [--fields N] [--seed N] [--suite FOLDER]

Random fields (fixed seed) of pieces that readers disagree about, the attack rows of this repository and the
addresses of the isemail suite. The readers are Python's three, before and after decoding RFC 2047 words, and
sloppy ones as mail programs have them: the first and the last angle brackets, the pieces between commas, every
word with an '@'. What a grammar hides from an honest reader, quoted strings and comments, is taken out before the
sloppy ones look, but only from fields that RFC 5322 allows as they stand; to what is taken beyond it every reader
has access to everything.
"""

import argparse
import email.header
import email.policy
import email.utils
import json
import pathlib
import random
import re
import runpy
import subprocess
import sys
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS, OTHER = "legitimate.example", "attack.example"

ADDRESSES = [f"{local}@{domain}" for local in ("a", "b.c", '"d e"', "f+g", "'h") for domain in (OURS, OTHER)]
BRACKETED = [f"<{address}>" for address in ADDRESSES] + [f"< a@{OURS} >", f"<@{OTHER}:a@{OURS}>", f"<a@{OURS}", f"a@{OURS}>", "<>"]
NAMES = ["Doe", "John", "Doe, John", "Doe,John", "J. Doe", "Dr.", "O'Brien", '"Doe, John"', f'"a@{OTHER}"', f"'a@{OTHER}'", f"'a@{OURS}'",
         "Dvo\u0159\u00e1k", "a\uff20attack.example", f"{OTHER}!a", f"a%{OTHER}", "=?utf-8?q?J=C3=B6rg?=",
         f"=?utf-8?q?a=40{OTHER}?=", "=?utf-8?b?PGFAYXR0YWNrLmV4YW1wbGU+LA==?=", "(x)", f"(a@{OTHER})", "(", ")", '"', "[x]", "g:", ";"]
GLUE = [" ", " ", " ", "", ",", ", ", " ,", ",,", ";", " : ", "\\", "\r\n ", "\t"]


def random_field(rng):
    pieces = []
    for _ in range(rng.randrange(1, 6)):
        pieces.append(rng.choice(rng.choice((ADDRESSES, BRACKETED, BRACKETED, NAMES, NAMES))))
        pieces.append(rng.choice(GLUE))
    text = "".join(pieces)
    if rng.random() < 0.3:  # the common shapes
        text = f"{rng.choice(NAMES)}{rng.choice(GLUE)}{rng.choice(NAMES)} {rng.choice(BRACKETED)}{rng.choice(['', ',', ', ', ' x'])}"
    return " " + text.strip("\r\n")


def attack_rows():
    table = runpy.run_path(str(ROOT / "tests/attacks/attack_table.py"))
    for row in table["ADDRESS_ROWS"] + table["HEADER_ROWS"]:
        for name, value in row.headers:
            if name == "From" and len(value) < 5000:
                yield value.replace("\n", "\r\n")


def domains(addresses):
    return {unicodedata.normalize("NFKC", address.rpartition("@")[2]).replace("\u3002", ".").strip().rstrip(".").lower()
            for address in addresses if "@" in address}


def modern(text):
    """The parser of Python's email.policy.default. It fails on some input, which is no reading."""
    try:
        header = email.policy.default.header_factory("From", text)
        return [address.addr_spec for address in header.addresses]
    except Exception:  # noqa: BLE001
        return []


def decoded(text):
    try:
        return str(email.header.make_header(email.header.decode_header(text)))
    except Exception:  # noqa: BLE001
        return text


def scan(text):
    """(text without comments, text without comments and quoted strings); nothing where one does not end."""
    plain, bare, depth, quoted, at = [], [], 0, False, 0
    while at < len(text):
        piece = text[at:at + 2] if text[at] == "\\" and (quoted or depth) else text[at]
        at += len(piece)
        if quoted:
            plain.append(piece)
            quoted = piece != '"'
        elif piece == "(" or depth:
            depth += {"(": 1, ")": -1}.get(piece, 0)
            if not depth:
                plain.append(" ")
                bare.append(" ")
        elif piece == '"':
            plain.append(piece)
            quoted = True
        else:
            plain.append(piece)
            bare.append(piece)
    return None if quoted or depth else ("".join(plain), "".join(bare))


def brackets(text):
    found = re.findall(r"<([^<>]*)>", text)
    return found[:1] + found[-1:]


def between_commas(text):
    return [(re.findall(r"<([^<>]*)>", piece) or [piece.strip()])[-1] for piece in re.split("[,;]", text)]


def words(text):
    return re.findall(r"[^\s<>,;:\"()\[\]]+@[^\s<>,;:\"()\[\]]+", text)


GRAMMARS = {"getaddresses": lambda text: [address for _, address in email.utils.getaddresses([text])],
            "parseaddr": lambda text: [email.utils.parseaddr(text)[1]], "email.policy": modern}
SLOPPY = {"brackets": brackets, "between commas": between_commas, "words": words}
UUCP_OR_PERCENT = re.compile(r"(?i)\battack\.example!|%attack\.example")


def is_strict(text):
    """One mailbox of RFC 5322 section 3.4, whose phrase may have dots and 8-bit octets."""
    atom = r"[^\s()<>\[\]:;@\\,\".]+"
    quoted = r'"(?:[^"\\]|\\.)*"'
    dotted = rf"{atom}(?:\.{atom})*"
    spec = rf"\s*(?:{dotted}|{quoted})\s*@\s*{dotted}\.?\s*"
    phrase = rf"(?:[^()<>\[\]:;@\\,\"]|{quoted})*"
    scanned = scan(text)
    return scanned is not None and re.fullmatch(rf"{spec}|{phrase}<{spec}>\s*", scanned[0], re.S) is not None


def other_readings(text, domain):
    """(reader, domain) where one sees another domain."""
    text = re.sub(r"\r\n(?=[ \t])", "", text).strip()
    if is_strict(text):
        # An honest field: grammars read it as it stands, the sloppy ones what is no string and no comment.
        readings = {name: reader(text) for name, reader in GRAMMARS.items()}
        readings.update((name, reader(scan(text)[1])) for name, reader in SLOPPY.items())
    else:
        wide = unicodedata.normalize("NFKC", text)
        readings = {f"{name}, {how}": reader(form) for how, form in (("raw", wide), ("decoded", decoded(wide)))
                    for name, reader in (GRAMMARS | SLOPPY).items()}
        if UUCP_OR_PERCENT.search(text):
            readings["routes of old"] = [f"a@{OTHER}"]
    for name, addresses in readings.items():
        for other in domains(addresses) - {domain, ""}:
            if other.strip("'\"") != domain:  # marks around an address are no part of it to anybody
                yield name, other


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--fields", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=5322)
    parser.add_argument("--suite", type=pathlib.Path)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    fields = [random_field(rng) for _ in range(arguments.fields)] + list(attack_rows())
    if arguments.suite and (arguments.suite / "cases.json").exists():
        cases = json.loads((arguments.suite / "cases.json").read_text())["cases"]
        fields += [f"{name}{case['address']}{end}" for case in cases for name, end in (("", ""), ("Doe, John <", ">"), ("", ","))]
    octets = [field.encode("utf-8", "surrogateescape") for field in fields]
    told = subprocess.run([arguments.program], input="\n".join(one.hex() for one in octets) + "\n", capture_output=True,
                          text=True, check=True).stdout.splitlines()
    assert len(told) == len(fields), len(told)
    failures = accepted = beyond = 0
    for field, domain in zip(fields, told):
        if domain.startswith("["):
            continue
        accepted += 1
        beyond += not is_strict(re.sub(r"\r\n(?=[ \t])", "", field).strip())
        if not field.isascii() and "xn--" in domain:
            continue  # Python's readers keep U-labels
        for reader, other in other_readings(field, domain):
            failures += 1
            print(f"{field!r}: {domain}, but {reader}: {other}")
    print(f"{len(fields)} fields, {accepted} with an author, {beyond} of these beyond RFC 5322; {failures} other readings")
    return 1 if failures or beyond < arguments.fields // 200 else 0


if __name__ == "__main__":
    sys.exit(main())
