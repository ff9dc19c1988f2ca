"""Messages signed here verify in python3-dkim, and the reverse.

    dkim_oracle.py AUTHMILTER [--messages N] [--seed N] [--torture FOLDER]

Random messages with a fixed seed; with --torture also every .eml below FOLDER, its From field replaced
by one that we have a key for (the daemon signs nothing without a single Author Domain).
"""

import argparse
import base64
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import dkim

DOMAIN = "home.example"
NAMES = ["To", "Cc", "Date", "Message-ID", "X-Mailer", "Reply-To", "List-Id", "Received", "MIME-Version", "subject",
         "References", "COMMENTS"]
WORDS = [b"one", b"two ", b" ", b"\t", b"three,", b"<four@five.example>", b"=?utf-8?q?six?=", "sieb\u00e9n".encode(),
         b"8:", b";", b"  nine  ", b"a" * 70]


class Keys:
    """One RSA and one Ed25519 key made by our own command; the records for both verifiers."""

    def __init__(self, program, folder):
        self.records = {}
        zone = []
        for selector, kind in (("r", "rsa"), ("e", "ed25519")):
            record = subprocess.run(
                [program, "key", "generate", "--type", kind, "--domain", DOMAIN, "--selector", selector, "--out",
                 folder / f"{selector}.pem"], capture_output=True, text=True, check=True).stdout
            zone.append(record)
            self.records[f"{selector}._domainkey.{DOMAIN}."] = "".join(re.findall(r'"([^"]*)"', record)).encode()
        self.zone = folder / "zone"
        self.zone.write_text("$TTL 60\n. SOA ns.invalid. h.invalid. 1 60 60 60 60\n" + "".join(zone))
        self.folder = folder

    def lookup(self, name, timeout=5):
        del timeout
        return self.records.get(name.decode() if isinstance(name, bytes) else name)

    def config(self, canonicalization):
        path = self.folder / (canonicalization.replace("/", "-") + ".toml")
        path.write_text(
            f'[signing]\ncanonicalization = "{canonicalization}"\n[[signing.domain]]\ndomain = "{DOMAIN}"\nkeys = ['
            f'{{ selector = "r", file = "{self.folder}/r.pem" }}, {{ selector = "e", file = "{self.folder}/e.pem" }}]\n')
        return path


def random_message(rng):
    lines = []
    for _ in range(rng.randrange(2, 12)):
        value = b"".join(rng.choice(WORDS) for _ in range(rng.randrange(0, 6)))
        fold = rng.choice([b"", b"", b"\r\n ", b"\r\n\t"])
        if fold and value.strip():
            value += fold + b"folded" + rng.choice([b"", b" "])
        lines.append(rng.choice(NAMES).encode() + b":" + rng.choice([b" ", b"", b"\t", b"  "]) + value)
    lines.insert(rng.randrange(len(lines) + 1), f"From: Somebody <a@{DOMAIN}>".encode())
    if rng.random() < 0.9:
        lines.insert(rng.randrange(len(lines) + 1), b"Subject: " + rng.choice(WORDS))
    body = b"".join(
        rng.choice([b"text", b"", b" ", b"\t x \t", b"trailing  ", b".", "\u017elu\u0165".encode(), b"y" * 300]) + b"\r\n"
        for _ in range(rng.randrange(0, 12)))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def with_our_from(text):
    """A message as an MTA passes it on: CRLF line ends, one From field, ours."""
    text = re.sub(rb"\r\n|\r|\n", b"\r\n", text)
    header, _, body = text.partition(b"\r\n\r\n")
    fields = re.split(rb"\r\n(?![ \t])", header)
    kept = []
    for one in fields:
        if not re.match(rb"[!-9;-~]+:", one):  # not a field: an MTA ends the header here
            break
        if not re.match(rb"(?i)from:", one):
            kept.append(one)
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    return b"\r\n".join([f"From: torture@{DOMAIN}".encode(), *kept]) + b"\r\n\r\n" + body


def sign_here(program, config, message):
    done = subprocess.run([program, "sign", "--config", config, "-"], input=message, capture_output=True)
    if done.returncode != 0:
        return None, f"sign: exit {done.returncode}: {done.stderr.decode(errors='replace').strip()}"
    return done.stdout, None


def verify_here(program, config, zone, message):
    done = subprocess.run([program, "verify", "--json", "--config", config, "--zone", zone, "--ip", "192.0.2.1",
                           "--mail-from", f"a@{DOMAIN}", "-"], input=message, capture_output=True)
    if done.returncode not in (0, 1, 2):
        return [f"verify: exit {done.returncode}: {done.stderr.decode(errors='replace').strip()}"]
    return [(one["selector"], one["result"], one["reason"]) for one in json.loads(done.stdout)["dkim"]]


def verify_there(keys, message):
    problems = []
    for index in (0, 1):
        try:
            if not dkim.DKIM(message).verify(idx=index, dnsfunc=keys.lookup):
                problems.append(f"python3-dkim refuses signature {index}")
        except Exception as error:  # whatever it raises is its verdict on the message
            problems.append(f"python3-dkim: {type(error).__name__}: {error}")
    return problems


def check_ours(program, keys, config, message):
    signed, problem = sign_here(program, config, message)
    if problem:
        return [problem]
    verdicts = verify_here(program, config, keys.zone, signed)
    # Ours stand on top; the message may have brought others.
    problems = [f"here: {one}" for one in verdicts[:2] if one[1] != "pass"]
    if [one[0] for one in verdicts[:2]] != ["r", "e"]:
        problems.append(f"here: signatures {verdicts}")
    return problems + verify_there(keys, signed)


def check_theirs(program, keys, config, message, rng):
    header, body = rng.choice([b"simple", b"relaxed"]), rng.choice([b"simple", b"relaxed"])
    selector, algorithm = rng.choice([("r", b"rsa-sha256"), ("e", b"ed25519-sha256")])
    pem = (keys.folder / f"{selector}.pem").read_bytes()
    if selector == "e":  # python3-dkim wants the bare seed in base64
        der = subprocess.run(["openssl", "pkey", "-outform", "DER"], input=pem, capture_output=True, check=True).stdout
        pem = base64.b64encode(der[-32:])
    signature = dkim.sign(message, selector.encode(), DOMAIN.encode(), pem, canonicalize=(header, body),
                          signature_algorithm=algorithm)
    verdicts = verify_here(program, config, keys.zone, signature + message)
    wanted = [(selector, "pass")]
    return [] if [one[:2] for one in verdicts] == wanted else [f"theirs, {header}/{body} {algorithm}: {verdicts}"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--messages", type=int, default=150)
    parser.add_argument("--seed", type=int, default=6376)
    parser.add_argument("--torture", type=pathlib.Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    failed = done = 0
    with tempfile.TemporaryDirectory() as name:
        keys = Keys(options.program, pathlib.Path(name))
        configs = [keys.config(one) for one in ("relaxed/relaxed", "simple/simple", "relaxed/simple", "simple/relaxed")]
        for number in range(options.messages):
            message = random_message(rng)
            config = rng.choice(configs)
            problems = check_ours(options.program, keys, config, message)
            problems += check_theirs(options.program, keys, config, message, rng)
            done += 1
            failed += bool(problems)
            if problems:
                print(f"random message {number}, {config.stem}: {problems}\n{message!r}")
        for path in sorted(options.torture.rglob("*.eml")) if options.torture else []:
            problems = check_ours(options.program, keys, configs[0], with_our_from(path.read_bytes()))
            done += 1
            failed += bool(problems)
            if problems:
                print(f"{path.name}: {problems}")
    print(f"dkim oracle: {done - failed} of {done} messages agree")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
