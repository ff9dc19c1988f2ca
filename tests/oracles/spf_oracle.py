"""Random SPF records and zones, judged by `authmilter spf` and by pyspf; they must agree.

    spf_oracle.py AUTHMILTER [--cases N] [--seed N]

Where pyspf reads RFC 7208 otherwise than we do, `known_disagreement` says which line decides.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import spf

HOSTS = [f"{label}.{domain}" for domain in ("a.example", "b.example") for label in ("mail", "mx1", "mx2", "void")]
DOMAINS = ["a.example", "b.example", "c.example", "d.example", "e.example"]
ADDRESSES = [f"192.0.2.{n}" for n in range(1, 9)] + [f"2001:db8::{n}" for n in range(1, 5)]
QUALIFIERS = ["", "", "", "-", "~", "?", "+"]
MACROS = ["%{d}", "%{l}.%{d}", "%{ir}.x.%{d}", "%{d2}", "%{o}", "%{h}", "%{d1r}.example", "%{v}.%{d}", "%{l1r-}.%{d}"]


def cidr(rng):
    if rng.random() < 0.05:
        return rng.choice(["/33", "/08", "//129", "/", "//", "/24/64"])
    return rng.choice(["", "", "/32", "/24", "/29", "/0"]) + rng.choice(["", "", "", "//128", "//64", "//0"])


def term(rng):
    kind = rng.randrange(13) if rng.random() < 0.97 else 13
    qualifier = rng.choice(QUALIFIERS)
    target = rng.choice(["", ":" + rng.choice(HOSTS + DOMAINS), ":" + rng.choice(MACROS)])
    if kind < 3:
        return qualifier + f"ip4:192.0.2.{rng.randrange(10)}" + rng.choice(["", "", "", "/29", "/29", "/24", "/24", "/0", "/33"])
    if kind < 4:
        return qualifier + f"ip6:2001:db8::{rng.randrange(6)}" + rng.choice(["", "", "/64", "/0", "/129"])
    if kind < 6:
        return qualifier + "a" + target + cidr(rng)
    if kind < 8:
        return qualifier + "mx" + target + cidr(rng)
    if kind < 10:
        return qualifier + "include:" + rng.choice(DOMAINS)
    if kind < 11:
        return qualifier + "exists:" + rng.choice(HOSTS + MACROS)
    if kind < 12:
        return rng.choice(["redirect=" + rng.choice(DOMAINS), "exp=" + rng.choice(HOSTS), "unknown=x%{d}"])
    if kind < 13:
        return qualifier + "all"
    return rng.choice(["foo:bar", "a:", "ip4:", "include", "exists", "all:", "redirect=", "moo=%{x}", "ip4:1.2.3",
                       "a:%", "mx:%{d", "-", "a:b..c", "ALL", "Include:" + rng.choice(DOMAINS)])


def record(rng):
    terms = [term(rng) for _ in range(rng.randrange(1, 6))]
    return " ".join(["v=spf1", *terms, *rng.choice([[], ["-all"], ["~all"], ["?all"]])])


def make_zone(rng):
    """(name, type) -> list of data; a name may be there without the type asked for."""
    zone = {}
    for host in HOSTS:
        for address in rng.sample(ADDRESSES, rng.randrange(0, 3)):
            zone.setdefault((host, "AAAA" if ":" in address else "A"), []).append(address)
    for domain in DOMAINS:
        texts = [record(rng) for _ in range(rng.choice([0, 1, 1, 1, 1, 1, 2]))] + rng.choice([[], ["unrelated"]])
        if texts:
            zone[(domain, "TXT")] = texts
        if rng.random() < 0.6:
            zone[(domain, "MX")] = [(10 * n, host) for n, host in enumerate(rng.sample(HOSTS, rng.randrange(1, 4)))]
        if rng.random() < 0.5:
            zone.setdefault((domain, "A"), []).append(rng.choice(ADDRESSES[:8]))
    return zone


def zone_text(zone):
    lines = ["$ORIGIN .", "$TTL 60", ". SOA ns.invalid. h.invalid. 1 60 60 60 60"]
    for (name, kind), values in zone.items():
        for value in values:
            if kind == "TXT":
                value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            elif kind == "MX":
                value = f"{value[0]} {value[1]}."
            lines.append(f"{name}. {kind} {value}")
    return "\n".join(lines) + "\n"


def pyspf_lookup(zone):
    def lookup(name, qtype, strict=True, timeout=20):
        del strict, timeout
        name = name.rstrip(".").lower()
        found = []
        for value in zone.get((name, qtype), []):
            if qtype == "TXT":
                value = (value.encode(),)
            elif qtype == "AAAA":
                value = spf.ipaddress.ip_address(value).packed if hasattr(spf, "ipaddress") else value
            found.append(((name, qtype), value))
        return found
    return lookup


def ask_us(program, folder, zone, client, sender, helo):
    path = pathlib.Path(folder) / "zone"
    path.write_text(zone_text(zone))
    done = subprocess.run([program, "spf", "--json", "--zone", path, "--ip", client, "--mail-from", sender,
                           "--helo", helo], capture_output=True, text=True)
    if done.returncode not in (0, 1, 2):
        sys.exit(f"authmilter spf: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def known_disagreement(answer, text):
    """The line of a standard by which ours is right although pyspf says otherwise, or None."""
    if "Void lookup limit" in text and answer["void_lookups"] <= 2:
        return "RFC 7208 section 4.6.4 counts terms, pyspf each address lookup of a term"
    if "trivial recursion" in text:
        return "RFC 7208 section 4.6.2 evaluates terms from left to right; an include behind the match does not count"
    if "unknown= MUST appear at most once" in text:
        return "RFC 7208 section 6 forbids only a second redirect or exp"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--seed", type=int, default=7208)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    agreed, known, wrong = 0, {}, 0
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for case in range(options.cases):
            zone = make_zone(rng)
            client = rng.choice(ADDRESSES)
            sender = rng.choice(["user", "a-b.c", "x"]) + "@" + rng.choice(DOMAINS)
            spf.DNSLookup = pyspf_lookup(zone)
            theirs, _, text = spf.query(i=client, s=sender, h="helo.example", strict=True, querytime=60).check()
            answer = ask_us(options.program, folder, zone, client, sender, "helo.example")
            ours = answer["result"]
            results[ours] = results.get(ours, 0) + 1
            if ours == theirs:
                agreed += 1
            elif line := known_disagreement(answer, text):
                known[line] = known.get(line, 0) + 1
            else:
                wrong += 1
                print(f"case {case}: {client} {sender}: ours {ours} ({answer.get('reason')}), pyspf {theirs} ({text})\n"
                      + zone_text(zone))
    for line, count in known.items():
        print(f"known disagreement, {line}: {count}")
    print(f"spf oracle: {agreed} of {options.cases} agree, {sum(known.values())} known, {wrong} not; ours: {results}")
    return 1 if wrong or len(results) < 5 else 0


if __name__ == "__main__":
    sys.exit(main())
