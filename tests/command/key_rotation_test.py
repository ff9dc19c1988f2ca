#!/usr/bin/env python3
"""`authmilter key rotate`, `watch`, `status`, `publish` and `retire`, with a zone on two servers.

usage: key_rotation_test.py AUTHMILTER

The servers answer on loopback addresses; time is simulated (--time).
"""

import csv
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from harness.dns_server import DnsServer, Zone

START = 1_796_000_000
HOUR, DAY = 3600, 86400
SERVERS = ("127.0.0.2", "127.0.0.3")

CONFIG = """# mine
[signing]
state_directory = "state"   # here

[[signing.domain]]
domain = "example.org"
keys = [
  { selector = "old", file = "keys/old.pem" },  # since 2024
  { selector = "olded", file = "keys/olded.pem" },
]
"""


class Failures:
    def __init__(self):
        self.count = self.checks = 0

    def check(self, why, good, detail=""):
        self.checks += 1
        if not good:
            self.count += 1
            print(f"FAIL {why}: {detail}")


class House:
    """A configuration with its keys, the zone's servers and the resolver."""

    def __init__(self, program, folder, failures, more=""):
        self.program, self.folder, self.failures = program, pathlib.Path(folder), failures
        self.now = START
        self.records = {}   # name -> text, published at all servers
        self.lagging = {}   # the same at the second one alone, while it lags; None: as the first
        for name in ("state", "keys"):
            (self.folder / name).mkdir()
        for selector, kind in (("old", "rsa"), ("olded", "ed25519")):
            made = self.run("key", "generate", "--json", "--type", kind, "--domain", "example.org", "--selector",
                            selector, "--out", f"keys/{selector}.pem")
            document = json.loads(made.stdout)
            self.records[document["name"]] = document["record"]
        self.config = self.folder / "c.toml"
        self.config.write_text(CONFIG + more)
        self.resolver = DnsServer({})
        self.first = DnsServer({}, host=SERVERS[0], authority=True)
        self.second = DnsServer({}, host=SERVERS[1], port=self.first.port, authority=True)

    def __enter__(self):
        for server in (self.resolver, self.first, self.second):
            server.__enter__()
        self.serve()
        return self

    def __exit__(self, *exc):
        for server in (self.resolver, self.first, self.second):
            server.__exit__(*exc)

    def serve(self, second=None, seen=None):
        """Puts the records on the servers; `second` and `seen` (by the resolver) may have others."""
        self.first.zone = Zone(self.names(self.records))
        self.second.zone = Zone(self.names(self.records if second is None else second))
        self.resolver.zone = Zone(self.names(self.records if seen is None else seen))

    @staticmethod
    def names(records):
        names = {name: [("TXT", text)] if not text.startswith("CNAME ") else [("CNAME", text[6:])]
                 for name, text in records.items()}
        for apex in ("example.org", "dkim.example.net"):
            names[apex] = [("SOA", (f"ns1.{apex}", f"h.{apex}", 1, 3600, 600, 86400, 60)),
                           ("NS", "ns1.example.org"), ("NS", "ns2.example.org")]
        names["ns1.example.org"] = [("A", SERVERS[0])]
        names["ns2.example.org"] = [("A", SERVERS[1])]
        return names

    def run(self, *arguments, given=None):
        return subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=120,
                              input=given, check=False)

    def key(self, action, *arguments, dns=False):
        at = ["--time", str(self.now)] if action != "publish" else []
        ask = ["--nameserver", self.resolver.address, "--no-dnssec"] if dns else []
        if action == "watch":
            ask += ["--server-port", str(self.first.port), "--no-pause", "--write"]
        return self.run("key", action, "--config", "c.toml", *at, *ask, *arguments)

    def rotate(self, *arguments):
        return self.key("rotate", *arguments)

    def watch(self, seconds=0, *arguments):
        self.now += seconds
        return self.key("watch", *arguments, dns=True)

    def watch_for(self, seconds, each=6 * HOUR):
        """Until so much has passed; what was said."""
        said = ""
        for _ in range(seconds // each):
            said += self.watch(each).stdout
        return said

    def rows(self):
        done = self.key("status", "--json", dns=True)
        return {row["selector"]: row for row in json.loads(done.stdout)}, done.returncode

    def states(self):
        return {name: row["state"] for name, row in self.rows()[0].items()}

    def publish(self):
        """Does what `key publish` says."""
        for change in json.loads(self.key("publish", "--format", "json").stdout):
            if change["action"] == "remove":
                self.records.pop(change["name"], None)
            elif change["action"] == "alias":
                self.records[change["name"]] = "CNAME " + change["record"]
            else:
                self.records[change["name"]] = change["record"]
        self.serve()

    def signers(self):
        """The selectors that sign a message now, and how each verifies at this moment."""
        message = "From: a@example.org\r\nSubject: s\r\n\r\nbody\r\n"
        signed = self.run("sign", "--config", "c.toml", "--time", str(self.now), given=message)
        verified = self.run("verify", "--json", "--nameserver", self.resolver.address, "--no-dnssec", "--time",
                            str(self.now), given=signed.stdout)
        return sorted((one["selector"], one["result"]) for one in json.loads(verified.stdout)["dkim"])


def whole_life(house, check):
    before = house.config.read_text()
    made = house.rotate()
    check("rotate", made.returncode == 0, made.stderr)
    check("two records", made.stdout.count(" IN TXT") == 2 and "am202611._domainkey.example.org. 3600" in made.stdout
          and "am202611b._domainkey" in made.stdout, made.stdout)
    check("configuration", house.config.read_text() == before.replace(
        'keys/olded.pem" },\n', 'keys/olded.pem" },\n'
        f'  {{ selector = "am202611", file = "{house.folder}/keys/example.org.am202611.pem" }},\n'
        f'  {{ selector = "am202611b", file = "{house.folder}/keys/example.org.am202611b.pem" }},\n'),
        house.config.read_text())
    for name in ("am202611", "am202611b"):
        mode = (house.folder / f"keys/example.org.{name}.pem").stat().st_mode & 0o777
        check("mode of a new key", mode == 0o600, oct(mode))
    again = house.rotate()
    check("a second time nothing is made", again.returncode == 0 and "pending already" in again.stderr, again.stderr)
    check("the old ones sign", [name for name, _ in house.signers()] == ["old", "olded"], house.signers())

    rows, status = house.rows()
    check("what to do", rows["am202611"]["next"] == "publish the record" and status == 1, rows)
    house.watch()
    rows, status = house.rows()
    check("seen to be missing", rows["am202611"]["published"] == "missing" and rows["am202611"]["servers"] == 2, rows)

    old = dict(house.records)
    house.publish()
    house.serve(second=old)
    house.watch(HOUR)
    rows, status = house.rows()
    check("a lagging server", rows["am202611"]["published"] == "missing" and
          rows["am202611"]["next"] == "publish the record: ns2.example.org has no record", rows["am202611"])
    house.watch(5 * HOUR)
    check("waits for it", house.states()["am202611"] == "pending", house.states())
    house.serve()
    house.watch(HOUR)
    house.watch(HOUR // 2)
    check("waits for the caches", house.states()["am202611"] == "pending" and house.rows()[1] == 0, house.rows())
    done = house.watch(HOUR)
    check("takes over", done.stdout.count("activated") == 2 and done.stdout.count("retiring") == 2, done)
    check("all four sign, and verify", house.signers() == [(name, "pass") for name in
          ("am202611", "am202611b", "old", "olded")], house.signers())

    # Deleted by hand, in the time of both.
    kept = house.records.pop("am202611._domainkey.example.org")
    house.serve()
    check("a message verifies before anybody has noticed", ("old", "pass") in house.signers(), house.signers())
    done = house.watch(HOUR)
    check("noticed", done.returncode == 1 and "record-lost" in done.stdout, done)
    check("the old one goes on", house.signers() == [(name, "pass") for name in ("am202611b", "old", "olded")],
          house.signers())
    house.records["am202611._domainkey.example.org"] = kept
    house.serve()
    house.watch(HOUR)
    house.watch(2 * HOUR)
    check("comes back", ("am202611", "pass") in house.signers(), house.signers())

    house.watch_for(3 * DAY)
    check("the new ones alone", [name for name, _ in house.signers()] == ["am202611", "am202611b"], house.signers())
    said = house.watch_for(7 * DAY)
    check("retired", said.count("retired") == 2, said)
    rows, status = house.rows()
    check("to be emptied", rows["old"]["next"] == "publish the record with an empty p=" and status == 1, rows["old"])
    refused = house.key("retire", "example.org", "old")
    check("not taken away before", refused.returncode == 1, refused)
    house.publish()
    check("emptied", house.records["old._domainkey.example.org"] == "v=DKIM1; k=rsa; p=", house.records)
    house.watch(HOUR)
    house.watch(2 * HOUR)
    check("to be removed", house.rows()[0]["old"]["next"] == "remove the record", house.rows()[0]["old"])
    house.publish()
    house.watch(HOUR)
    check("to be taken away", house.rows()[0]["old"]["next"] == "authmilter key retire example.org old", house.rows())
    for name in ("old", "olded"):
        done = house.key("retire", "example.org", name)
        check("taken away", done.returncode == 0, done.stderr)
        check("its file too", not (house.folder / f"keys/{name}.pem").exists())
    text = house.config.read_text()
    check("out of the configuration", '"old"' not in text and "# here" in text and text.startswith("# mine"), text)
    check("nothing to do", house.rows()[1] == 0, house.rows())
    table = list(csv.DictReader(io.StringIO(house.key("status", "--format", "csv", dns=True).stdout)))
    check("as CSV", [row["selector"] for row in table] == ["am202611", "am202611b"] and table[0]["bits"] == "2048", table)
    check("as text", house.key("status", dns=True).stdout.startswith("domain"), house.key("status", dns=True).stdout)


def accidents(house, check):
    house.rotate("--type", "rsa")
    state = house.folder / "state/example.org.toml"
    whole = state.read_text()
    house.publish()

    state.write_text(whole[:len(whole) // 2])
    check("a state that was cut off stops rotate", house.rotate().returncode == 1, "")
    check("and status says so", house.key("status", dns=True).returncode == 1, "")
    check("all keys sign", len(house.signers()) == 3, house.signers())
    done = house.watch()
    check("it is made anew", done.returncode == 1 and "made anew" in done.stderr, done)
    check("from what is published, and a new record waits from the beginning", house.states() ==
          {"old": "active", "olded": "active", "am202611": "pending"}, house.states())
    check("nothing signs before caches can know it", [name for name, _ in house.signers()] == ["old", "olded"],
          house.signers())
    house.records.pop("am202611._domainkey.example.org")
    house.serve()
    state.write_text(whole[:-3])
    house.watch(HOUR)
    check("what is not published waits", house.states() ==
          {"old": "active", "olded": "active", "am202611": "pending"}, house.states())
    check("and does not sign", [name for name, _ in house.signers()] == ["old", "olded"], house.signers())

    # Two at once: one makes keys, the other finds them made.
    dropped = house.key("retire", "example.org", "am202611")
    check("a pending key can be given up", dropped.returncode == 0 and "am202611" not in house.config.read_text(), dropped)
    both = [subprocess.Popen([house.program, "key", "rotate", "--config", "c.toml", "--type", "both", "--time", str(house.now)],
                             cwd=house.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=120) for one in both]
    check("two rotate at once", [one.returncode for one in both] == [0, 0] and
          sum("pending already" in errors for _, errors in said) == 1, said)
    check("made once", len(house.states()) == 4, house.states())

    # Nothing is left of what cannot be finished.
    for name in ("am202611", "am202611b"):
        house.key("retire", "example.org", name)
    text, files = house.config.read_text(), sorted(os.listdir(house.folder / "keys"))
    house.config.write_text(text.replace("keys = [", "keys = [  # ]\n").replace("[[signing.domain]]\n", "[[signing.domain]]\n# x\n"))
    check("comments in the list", house.rotate().returncode == 0, "")
    for name in ("am202611", "am202611b"):
        house.key("retire", "example.org", name)
    before = state.read_text()
    house.config.write_text(CONFIG.split("keys = [")[0] +
                            '[[signing.domain.keys]]\nselector = "old"\nfile = "keys/old.pem"\n')
    refused = house.rotate()
    check("a list that cannot be edited", refused.returncode == 1 and "by hand" in refused.stderr, refused.stderr)
    check("leaves no key behind", sorted(os.listdir(house.folder / "keys")) == files, os.listdir(house.folder / "keys"))
    check("nor a state", state.read_text() == before, state.read_text())


def lost_state_of_a_retired_key(house, check):
    """The daemon has noted who signed last."""
    house.rotate("--type", "rsa")
    house.publish()
    house.watch()
    house.watch(2 * HOUR)
    house.watch_for(10 * DAY, DAY)
    check("retired", house.states() == {"old": "retired", "olded": "active", "am202611": "active"}, house.states())
    state = house.folder / "state/example.org.toml"
    day = house.now // DAY
    (house.folder / "state/.used.0").write_text(f"example.org old {day - 9}\nexample.org am202611 {day}\nexample.org olded {day}\n")
    state.write_text(state.read_text()[:-4])
    for server in (house.first, house.second, house.resolver):
        server.zone = Zone({name: [{"fault": "SERVFAIL"}] for name in ("example.org", "_domainkey.example.org", *house.records)})
    before = state.read_text()
    done = house.watch(60)
    check("it is not made anew by silence", done.returncode == 1 and "not made anew yet" in done.stderr
          and state.read_text() == before, done)
    house.serve()
    house.watch(60)
    check("who signed last goes on", [name for name, _ in house.signers()] == ["am202611", "olded"], house.signers())
    house.records["old._domainkey.example.org"] = "v=DKIM1; k=rsa; p="
    house.serve()
    state.write_text(state.read_text()[:-4])
    house.watch(60)
    check("an emptied record is a retired key's", house.states()["old"] == "retired", house.states())


def another_zone_lags(house, check):
    """The domain's own servers serve the zone of the records too, and its third server is late."""
    with DnsServer({}, host="127.0.0.4", port=house.first.port, authority=True) as third:
        def serve(lagging):
            house.serve()
            for server in (house.first, house.second, house.resolver, third):
                names = house.names(house.records)
                names["dkim.example.net"].append(("NS", "ns3.example.org"))
                names["ns3.example.org"] = [("A", "127.0.0.4")]
                if server is third and lagging:
                    names = {name: records for name, records in names.items() if not name.endswith(".dkim.example.net")}
                server.zone = Zone(names)
        house.rotate("--type", "rsa")
        house.publish()
        serve(lagging=True)
        house.watch()
        row = house.rows()[0]["am202611"]
        check("the third is asked", row["servers"] == 3 and "ns3.example.org has no record" in row["next"], row)
        house.watch_for(5 * HOUR, HOUR)
        check("and waited for", house.states()["am202611"] == "pending", house.states())
        serve(lagging=False)
        house.watch_for(3 * HOUR, HOUR)
        check("until it has it", house.states()["am202611"] == "active", house.states())


def given_up(house, check):
    """A kind of key that nobody wants any more."""
    house.rotate("--type", "rsa")
    house.publish()
    house.watch()
    house.watch(2 * HOUR)
    refused = house.key("retire", "example.org", "olded")
    check("the last of its kind stays", refused.returncode == 1 and "--last-of-its-kind" in refused.stderr, refused)
    text = house.config.read_text()
    house.config.write_text("".join(line for line in text.splitlines(True) if "olded" not in line))
    house.records.pop("olded._domainkey.example.org")
    house.serve()
    done = house.watch(HOUR)
    check("taken out by hand it makes way", done.returncode == 0 and "olded: retiring" in done.stdout, done)
    said = house.watch_for(10 * DAY, DAY)
    check("and is retired", "olded: retired" in said, said)
    done = house.key("retire", "example.org", "olded")
    check("and can be taken away", done.returncode == 0 and "olded" not in house.states(), done)
    house.config.write_text(text)
    house.records["olded._domainkey.example.org"] = "x"


def pretended(house, check):
    house.rotate("--type", "rsa")
    house.publish()
    house.watch()
    state = house.folder / "state/example.org.toml"
    before = state.read_text()
    done = house.run("key", "watch", "--config", "c.toml", "--time", str(house.now + 2 * HOUR), "--nameserver",
                     house.resolver.address, "--no-dnssec", "--server-port", str(house.first.port), "--no-pause")
    check("a time that is tried out says what would happen", "am202611: activated" in done.stdout, done)
    check("and changes nothing", state.read_text() == before, state.read_text())
    rows, status = house.rows()
    check("a look lately", status == 0, rows)
    house.now += 4 * HOUR
    rows, status = house.rows()
    check("nobody looks", status == 1 and all("authmilter-keys.timer" in row["next"] for row in rows.values()), rows)


def strange_files(house, check):
    """What somebody may put where a state is."""
    house.rotate("--type", "rsa")
    state = house.folder / "state/example.org.toml"
    whole = state.read_text()
    elsewhere = house.folder / "elsewhere"
    elsewhere.write_text(whole)
    for why, make, said in (
            ("a link", lambda: state.symlink_to(elsewhere), "is a symbolic link, which is not followed"),
            ("a link to nothing", lambda: state.symlink_to("gone"), "is a symbolic link, which is not followed"),
            ("a pipe", lambda: os.mkfifo(state), "is not a regular file"),
            ("an unknown name", lambda: state.write_text(whole.replace("bits", "bitz")), "key.bitz: is not known"),
            ("a huge number", lambda: state.write_text(whole.replace("bits = 2048", "bits = 99999999999")), "must not be more"),
            ("a number without an end", lambda: state.write_text(whole.replace(
                "servers = 0", "servers = 0\nstood_seconds = 9223372036854775807")), "must not be more")):
        state.unlink()
        make()
        done = house.key("status", dns=True)
        check(why, done.returncode == 1 and said in done.stderr, done)
    state.unlink()
    state.write_text(whole)
    os.mkfifo(house.folder / "state/.used.0")
    check("a pipe of uses", house.watch().returncode in (0, 1) and house.rows()[0], "")


def full_disk(house, check):
    """A file system that is full: the old keys stay in use, and it is said."""
    house.rotate()
    house.publish()
    state = house.folder / "state/example.org.toml"
    before = state.read_text()
    # As much as may be written of a file: fsync and rename never come.
    done = subprocess.run(["sh", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "sh", house.program, "key", "watch", "--config", "c.toml",
                           "--time", str(house.now + HOUR), "--nameserver", house.resolver.address, "--no-dnssec",
                           "--server-port", str(house.first.port), "--no-pause", "--write"], cwd=house.folder, capture_output=True,
                          text=True, timeout=120, check=False)
    check("a full disk is said", done.returncode == 1 and "File too large" in done.stderr, done)
    check("and changes nothing", state.read_text() == before and
          [name for name, _ in house.signers()] == ["old", "olded"], house.signers())


def ring(house, check):
    """Names that come again, in a zone of ours to which CNAME records lead once and for ever."""
    names = []
    aliases = None
    for cycle in range(4):
        made = house.rotate("--type", "rsa", "--json")
        check(f"cycle {cycle}", made.returncode == 0, made.stderr)
        changes = json.loads(made.stdout)
        names += [change["selector"] for change in changes if change["action"] == "publish"]
        check("in our zone", all(change["name"].endswith(".example.org.dkim.example.net") for change in changes
                                 if change["action"] == "publish"), changes)
        house.publish()
        house.watch()
        house.watch(HOUR)
        said = house.watch(HOUR)
        check("signs", (names[-1], "pass") in house.signers(), (said, house.signers(), house.rows()))
        house.watch_for(12 * DAY, DAY)
        house.publish()
        house.watch(HOUR)
        house.watch(2 * HOUR)
        if cycle == 3:
            now = {name for name, text in house.records.items() if text.startswith("CNAME")}
            check("no alias is new the second time round", now == aliases, (now, aliases))
        aliases = {name for name, text in house.records.items() if text.startswith("CNAME")}
    check("the names come again", names == ["r1", "r2", "r3", "r1"], names)
    configured = house.config.read_text()
    check("no private key is left that nothing names", all(name in configured for name in os.listdir(house.folder / "keys")),
          (os.listdir(house.folder / "keys"), configured))


def edited_state(house, check):
    """Whoever may write a state may not change the DNS."""
    house.rotate("--type", "rsa")
    state = house.folder / "state/example.org.toml"
    whole = state.read_text()
    record = next(line for line in whole.splitlines() if line.startswith("record") and "am202611" in whole)
    place = "dnssec = false\n"

    def published(text, form="nsupdate"):
        state.write_text(text)
        return house.key("publish", "--format", form)

    for why, text in (
            ("lines in a record", whole.replace(record, 'record = "v=DKIM1; k=rsa; p=A\\"\\nsend\\nserver 192.0.2.66\\n"')),
            ("another text", whole.replace(record, 'record = "token"')),
            ("lines in a place", whole.replace(place, place + 'place = "a b\\nsend"\n')),
            ("another place", whole.replace(place, place + 'place = "_acme-challenge.example.org"\n'))):
        for form in ("nsupdate", "zone", "json"):
            done = published(text, form)
            check(f"{why}, {form}", done.returncode == 1 and "am202611._domainkey" not in done.stdout
                  and not any(word in done.stdout for word in ("server", "token", "_acme", "a b")), done)
    own = [change["record"] for change in json.loads(published(whole, "json").stdout)]
    other = whole.replace(own[0], "v=DKIM1; k=rsa; p=AAAA")
    done = published(other, "json")
    check("the key's own record counts", done.returncode == 1 and own[0] in done.stdout
          and "another record" in done.stderr, done)
    done = published(whole.replace('"am202611"', '"google"').replace('"pending"', '"retired"').replace(
        '"temperror"', '"match"', 1).replace('"temperror"', '"match"'))
    check("a key that is not configured", done.returncode == 1 and "google" not in done.stdout
          and "not in the configuration" in done.stderr, done)


def laid_open(house, check):
    """A private key is laid open when nobody can have its record any more."""
    laid = house.folder / "laid"
    laid.mkdir()
    house.rotate("--type", "rsa")
    house.publish()
    house.watch()
    done = house.key("retire", "example.org", "am202611")
    check("a pending one is deleted", done.returncode == 0 and not list(laid.iterdir()) and
          not (house.folder / "keys/example.org.am202611.pem").exists(), done)
    house.records.pop("am202611._domainkey.example.org")
    house.rotate("--type", "rsa")
    house.publish()
    house.watch()
    house.watch(2 * HOUR)
    house.watch_for(11 * DAY, DAY)
    check("retired", house.states()["old"] == "retired", house.rows())
    without = {name: text for name, text in house.records.items() if not name.startswith("old.")}
    house.serve(second=without)
    for _ in range(3):
        house.watch(2 * HOUR)
    refused = house.key("retire", "example.org", "old")
    check("one server has it yet", refused.returncode == 1 and not list(laid.iterdir()), refused)
    house.records = without
    house.serve()
    house.watch(HOUR)
    refused = house.key("retire", "example.org", "old")
    check("a cache may have it yet", refused.returncode == 1 and not list(laid.iterdir()), refused)
    house.watch(2 * HOUR)
    laid.rename(house.folder / "away")
    before = house.config.read_text()
    refused = house.key("retire", "example.org", "old")
    check("no directory for it", refused.returncode == 73 and "publish_retired" in refused.stderr
          and house.config.read_text() == before and "old" in house.states(), refused)
    (house.folder / "away").rename(laid)
    done = house.key("retire", "example.org", "old")
    check("laid open", done.returncode == 0 and os.listdir(laid) == ["example.org.old.pem"], (done, os.listdir(laid)))


def cut_off(house, check):
    """What a power cut in rotate leaves."""
    orphan = house.folder / "keys/example.org.am202611.pem"
    shutil.copy(house.folder / "keys/old.pem", orphan)
    done = house.rotate("--type", "rsa")
    check("a file without a state", done.returncode == 0 and "passed over" in done.stderr
          and "am202611b" in house.config.read_text(), done)

    # The state is there, the configuration is not.
    named = house.config.read_text()
    unnamed = "".join(line for line in named.splitlines(True) if "am202611b" not in line)
    house.config.write_text(unnamed)
    rows, status = house.rows()
    check("status says so", status == 1 and rows["am202611b"]["next"].startswith("not in the configuration"), rows)
    check("it is not told", "am202611b" not in house.key("publish").stdout)
    house.config.write_text(named)
    house.publish()
    house.config.write_text(unnamed)
    house.watch()
    done = house.watch(2 * HOUR)
    check("it does not take over", done.returncode == 1 and "not in the configuration" in done.stderr
          and house.states()["old"] == "active", done)
    check("mail is signed", ("old", "pass") in house.signers(), house.signers())
    done = house.rotate("--type", "rsa")
    check("rotate puts it in", done.returncode == 0 and house.config.read_text().count("am202611b") == 2, done)
    house.watch()
    house.watch(2 * HOUR)
    check("and it takes over", house.states()["am202611b"] == "active", house.rows())

    # The same with a file that rotate would not have made.
    house.key("retire", "example.org", "am202611b")
    house.rotate("--type", "ed25519")
    house.config.write_text("".join(line for line in house.config.read_text().splitlines(True) if "am202611c" not in line))
    state = house.folder / "state/example.org.toml"
    state.write_text(state.read_text().replace("example.org.am202611c.pem", "../keys/old.pem"))
    done = house.rotate("--type", "ed25519")
    check("another file is not taken in", "is forgotten" in done.stderr and "../keys" not in house.config.read_text(), done)


def shared_file(house, check):
    """A file that other keys use, by whatever name, stays."""
    house.rotate("--type", "rsa")
    made = house.folder / "keys/example.org.am202611.pem"
    (house.folder / "link").symlink_to("keys")
    text = house.config.read_text()
    others = {
        "another domain": text + '\n[[signing.domain]]\ndomain = "other.example"\n'
                                 f'keys = [{{ selector = "o", file = "link/{made.name}" }}]\n',
        "a table": text.replace("[signing]\n", '[signing]\nkey_table = "refile:kt"\nsigning_table = "refile:st"\n'),
        "a table for all": text.replace("[signing]\n", '[signing]\nkey_table = "refile:ktall"\nsigning_table = "refile:st"\n'),
    }
    (house.folder / "kt").write_text(f"k1 prov.example:s1:{house.folder}/link/{made.name}\n")
    (house.folder / "ktall").write_text(f"k1 %:s1:{house.folder}/keys/%.am202611.pem\n")
    (house.folder / "st").write_text("* k1\n")
    state = house.folder / "state/example.org.toml"
    before = state.read_text()
    for why, config in others.items():
        house.config.write_text(config)
        state.write_text(before)
        done = house.key("retire", "example.org", "am202611")
        check(why, done.returncode == 0 and "stays" in done.stderr and made.exists(), done)
    done = house.rotate("--type", "rsa")
    check("tables are left out, and it is said", "signing.key_table" in done.stderr, done)


def drop_ins(house, check):
    (house.folder / "d").mkdir()
    (house.folder / "d/x.toml").write_text("[[signing.domain]]\ndomain = 1\n")
    house.config.write_text(house.config.read_text().replace("[signing]\n", '[signing]\ndirectory = "d"\n'))
    for action in ("rotate", "publish", "watch", "status"):
        done = house.key(action, dns=action in ("watch", "status"))
        check(f"a broken one, {action}", done.returncode == 1 and "x.toml:2" in done.stderr, done)
    check("no port", house.key("watch", "--server-port", "99999999").returncode == 64)


def many(house, check):
    """One file with many domains is changed in time that grows as it does."""
    count = 150
    house.config.write_text("[signing]\nstate_directory = 'state'\n" + "".join(
        f'\n[[signing.domain]]\ndomain = "d{i}.example"\nkeys = [{{ selector = "e", file = "keys/olded.pem" }}]\n'
        for i in range(count)))
    done = house.rotate()
    check("all", done.returncode == 0 and done.stdout.count(" IN TXT") == count, done.stderr)
    check("each once", house.config.read_text().count("am202611") == 2 * count)
    again = house.rotate()
    check("no second time", again.stderr.count("pending already") == count, again.stderr)

def hook(house, check):
    script = house.folder / "hook"
    script.write_text('#!/bin/sh\necho "$@" >> told\ncat >> stdin\n[ ! -e fails ]\n')
    script.chmod(0o755)
    house.config.write_text(house.config.read_text() + f'\n[rotation]\nhook = ["{script}", "a b; c"]\n')
    house.rotate("--type", "rsa")
    told = (house.folder / "told").read_text()
    check("told", told == "a b; c publish example.org am202611 am202611._domainkey.example.org\n", told)
    check("as JSON", json.loads((house.folder / "stdin").read_text())["action"] == "publish")
    (house.folder / "fails").touch()
    done = house.watch()
    check("a hook that fails is an alarm", done.returncode == 1 and "ended with status 1" in done.stderr, done)
    check("until it is seen", (house.folder / "told").read_text().count("publish") == 2)
    (house.folder / "fails").unlink()
    script.write_text('#!/bin/sh\ncat > /dev/null\necho "said $*"\n"$0.lock" || exit 3\n[ "$4" != am202611b ]\n')
    (house.folder / "hook.lock").write_text(f'#!/bin/sh\nexec flock -n "{house.folder}/state" true\n')
    (house.folder / "hook.lock").chmod(0o755)
    script.chmod(0o755)
    house.key("retire", "example.org", "am202611")
    done = house.rotate("--type", "both")
    check("a failure leaves the others alone, the output is ours", done.returncode == 1 and "said" not in done.stdout
          and done.stderr.count("said") == 2 and done.stderr.count("ended with status") == 1, done)
    check("without the lock", "status 3" not in done.stderr, done)
    check("nor in watch", "status 3" not in house.watch().stderr)


def forms(house, check):
    made = house.rotate("--type", "rsa", "--format", "nsupdate")
    lines = made.stdout.splitlines()
    check("for nsupdate", lines[0] == "update delete am202611._domainkey.example.org. TXT" and
          lines[1].startswith('update add am202611._domainkey.example.org. 3600 TXT "v=DKIM1; k=rsa; p=') and
          lines[2:] == ["send"], lines)
    check("strings have room", all(len(part) <= 255 for part in lines[1].split('"')[1::2]), lines[1])
    check("an unknown domain", house.rotate("other.example").returncode == 1)
    # A directory that is not there is no reason to make keys.
    (house.folder / "state").rename(house.folder / "gone")
    done = house.rotate("--type", "ed25519")
    check("no directory for states", done.returncode == 73 and "state_directory" in done.stderr, done)


def main():
    program = os.path.abspath(sys.argv[1])
    failures = Failures()
    rings = '\n[rotation]\nring = ["r1", "r2", "r3"]\ndelegated_to = "dkim.example.net"\n'
    laid = '\n[rotation]\npublish_retired = "laid"\n'
    for part, more in ((whole_life, ""), (accidents, ""), (lost_state_of_a_retired_key, ""),
                       (another_zone_lags, '\n[rotation]\ndelegated_to = "dkim.example.net"\n'), (given_up, ""),
                       (pretended, ""), (strange_files, ""), (full_disk, ""), (ring, rings), (hook, ""), (forms, ""),
                       (edited_state, ""), (laid_open, laid), (cut_off, ""), (shared_file, ""), (drop_ins, ""),
                       (many, "")):
        with tempfile.TemporaryDirectory() as folder, House(program, folder, failures, more) as house:
            began = time.monotonic()
            part(house, lambda why, good, detail="", part=part: failures.check(f"{part.__name__}: {why}", good, detail))
            print(f"{part.__name__}: {time.monotonic() - began:.1f} s")
    print(f"{failures.checks} checks, {failures.count} failures")
    return 1 if failures.count else 0


if __name__ == "__main__":
    sys.exit(main())
