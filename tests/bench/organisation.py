"""A hundred thousand domains with two keys each: how long they take to load, their memory, the first messages, and a
reload after one of them has changed."""

import base64
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import time

import filters
from harness.file_watch import FileWatch
from harness.milter_client import MilterClient

DOMAINS, QUICK_DOMAINS = 100_000, 2_000
MESSAGES = 1_000
STARTS = 3  # of ours; the median counts
SETTLED = 3.5  # seconds until a file is known by its times
CLIENT = "192.0.2.77"  # of the internal networks of every filter
# PrivateKeyInfo of Ed25519 (RFC 8410 section 7), before the 32 octets of the secret.
ED25519 = bytes.fromhex("302e020100300506032b657004220420")

DIRECTORY = '[network]\ninternal = ["192.0.2.77"]\n[signing]\ndirectory = "{folder}/domains.d"\n'
TABLES = '[network]\ninternal = ["192.0.2.77"]\n[signing]\nkey_table = "file:{folder}/key.table"\n' \
    'signing_table = "refile:{folder}/signing.table"\nmultiple_signatures = true\n'
OPENDKIM = filters.OPENDKIM + """Mode s
KeyTable file:{tables}/key.table
SigningTable refile:{tables}/rsa.table
MultipleSignatures yes
Canonicalization relaxed/relaxed
OversignHeaders From
"""


def name(number):
    return f"d{number}.many.example"


def pem(octets):
    text = base64.b64encode(octets).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def make(folder, domains, rsa):
    """Keys, drop-ins and tables. RSA keys differ by what stands behind them: nobody makes so many."""
    shutil.rmtree(folder, ignore_errors=True)
    for each in ("keys", "domains.d"):
        (folder / each).mkdir(parents=True)
    keys, senders = [], []
    for number in range(domains):
        domain, files = name(number), {}
        for selector, text in (("r", f"{rsa}\n{number}\n"), ("e", pem(ED25519 + os.urandom(32)))):
            files[selector] = f"{folder}/keys/{number}.{selector}.pem"
            write(files[selector], text)
            keys.append(f"{number}.{selector} {domain}:{selector}:{files[selector]}\n")
            senders.append(f"*@{domain} {number}.{selector}\n")
        entries = ", ".join(f'{{ selector = "{selector}", file = "{file}" }}' for selector, file in files.items())
        write(f"{folder}/domains.d/{domain}.toml", f'[[signing.domain]]\ndomain = "{domain}"\nkeys = [{entries}]\n')
    write(folder / "key.table", "".join(keys))
    write(folder / "signing.table", "".join(senders))
    # OpenDKIM signs by one algorithm, and puts mail off whose key is of another.
    write(folder / "rsa.table", "".join(senders[::2]))


def kinds(bench, program, folder):
    """(what, filter) for each way to write it down."""
    for what, more in (("drop-in files", DIRECTORY), ("OpenDKIM's tables", TABLES)):
        yield what, filters.ours(f"many.{what[:4]}", program, more.replace("{folder}", str(folder)))
    if peer := bench.programs.get("opendkim"):
        process = filters.Process("opendkim", [peer["path"], "-f", "-x", "{config}"],
                                  OPENDKIM.replace("{tables}", str(folder)), peer["environment"])
        yield "the same tables, signing by RSA", filters.Filter("many.opendkim", {"sign": filters.SIGNATURE}, process)


def first_messages(socket, domains):
    """Milliseconds of the first message, and of the last of a thousand, each of another domain."""
    spent = []
    with MilterClient(f"unix:{socket}") as client:
        client.greet(CLIENT)
        for number in range(min(MESSAGES, domains)):
            author = f"a@{name(number)}"
            began = time.monotonic()
            result = client.deliver([("From", f" {author}"), ("Subject", " s")], mail_from=f"<{author}>")
            spent.append((time.monotonic() - began) * 1000)
            if number == 0 and not result.inserted("DKIM-Signature"):
                raise filters.NotStarted("the first message is not signed")
    return spent[0], spent[-1]


def key_octets(rsa):
    """What the two keys of a domain are in DER."""
    der = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], input=rsa.encode(), check=True,
                         capture_output=True).stdout
    return len(der) + len(ED25519) + 32


def one_start(bench, one, domains):
    """What a start shows; the filter goes on."""
    began = time.monotonic()
    one.start(bench.work)
    seconds = time.monotonic() - began
    rest = resident(one)
    first, last = first_messages(one.processes[0].socket, domains)
    return {"seconds": seconds, "rest_kb": rest, "first_ms": first, "thousandth_ms": last}


def reloads(one):
    return (one.processes[0].socket.parent / "output").read_text(errors="replace").count("configuration reloaded")


def reload_of_one(one, folder):
    """A drop-in changes: how long it takes until it counts, how long the longest message takes meanwhile, and how many
    files are opened for it."""
    write(folder / f"domains.d/{name(0)}.toml", (folder / f"domains.d/{name(0)}.toml").read_text() + "# later\n")
    before, longest = reloads(one), 0
    with MilterClient(f"unix:{one.processes[0].socket}") as client, \
            FileWatch(folder / "domains.d", folder / "keys") as watch:
        client.greet(CLIENT)
        began = time.monotonic()
        one.processes[0].child.send_signal(signal.SIGUSR1)
        while reloads(one) == before and time.monotonic() - began < 60:
            sent = time.monotonic()
            client.deliver([("From", f" a@{name(1)}"), ("Subject", " s")], mail_from=f"<a@{name(1)}>")
            longest = max(longest, time.monotonic() - sent)
        return {"reload_seconds": time.monotonic() - began, "reload_ms": longest * 1000, "opened": watch.opened()}


def measure(bench, program, domains):
    folder = bench.work / "many"
    rsa = (bench.work / "scenario/keys/rsa.pem").read_text()
    make(folder, 1, rsa)
    alone = {}
    for what, one in kinds(bench, program, folder):
        try:
            one.start(bench.work)
            alone[what] = resident(one)
        except filters.NotStarted:
            pass  # its row says so
        finally:
            one.stop()
    make(folder, domains, rsa)
    time.sleep(SETTLED)
    try:
        for what, one in kinds(bench, program, folder):
            row = {"what": what, "domains": domains, "named": one.processes[0].name, "key_octets": key_octets(rsa)}
            ours = row["named"] == "authmilterd"
            try:
                starts = []
                while len(starts) < (STARTS if ours else 1):
                    one.stop()
                    starts.append(one_start(bench, one, domains))
                row |= {key: statistics.median(start[key] for start in starts) for key in starts[0]}
                if what in alone:
                    row["domain_octets"] = (row["rest_kb"] - alone[what]) * 1024 / domains
                if what == "drop-in files":
                    row |= reload_of_one(one, folder)
                yield row
            except (filters.NotStarted, OSError) as error:
                yield row | {"problem": str(error)[-200:]}
            finally:
                one.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def resident(one):
    (process,) = one.processes
    pages = sum(int(pathlib.Path(f"/proc/{number}/statm").read_text().split()[1]) for number in process.ids())
    return pages * os.sysconf("SC_PAGE_SIZE") >> 10
