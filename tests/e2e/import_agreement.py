"""Imports installations of OpenDKIM and OpenDMARC, and plays the same messages to them and to authmilterd.

    import_agreement.py --programs FOLDER

Who signs with what, what the signatures and DMARC come to and what becomes of a message must agree. Where
they differ on purpose the row says so, with both outcomes and the reason. Exit status 77: the originals are
not to be had, with the reason why.
"""

import argparse
import dataclasses
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import dkim

from harness.daemon import Daemon, make_key
from harness.dns_server import DnsServer
from harness.milter_client import CONTINUE, REJECT, SKIPPED, TEMPFAIL, MilterClient, Result, apply_changes
from harness.original_milters import CACHE, NAMESERVER, PROGRAMS, OriginalMilters, unpacked
from harness.unpacked_packages import CACHE as CACHES, Missing

SKIP = 77
BODY = b"Are you hungry yet?\r\n"
OUTSIDE = "198.51.100.9"
PARTNER = "198.51.100.25"  # whom example.org's SPF record names


@dataclasses.dataclass
class Row:
    """A message, and why it is there. `differs` has (the originals' outcome, ours, the reason)."""

    why: str
    author: str | None
    client: str = OUTSIDE
    auth: bool = False
    mail_from: str = "bounce@nowhere.example"
    signer: tuple | None = None  # d= and s= of a signature that it comes with
    broken: bool = False
    spf: str = "none"            # as a policy service would find; the sender's own, not that of the HELO name
    second_from: str | None = None
    differs: tuple | None = None


@dataclasses.dataclass
class Outcome:
    action: str
    signed: frozenset = frozenset()
    dkim: str = "none"
    dmarc: str = "none"

    def __str__(self):
        if self.action in ("reject", "tempfail"):
            return self.action  # what a refused message would have had is nobody's business
        signed = ",".join(f"{d}/{s}" for d, s in sorted(self.signed)) or "nothing"
        return f"{self.action} signed={signed} dkim={self.dkim} dmarc={self.dmarc}"


class World:
    """Keys of ours and of others, and the DNS that has their records."""

    def __init__(self, folder):
        self.folder = folder
        self.remote = {}
        self.names = {
            "example.org": [("TXT", f"v=spf1 ip4:{PARTNER} -all")],
            "nowhere.example": [("TXT", "v=spf1 -all")],
            "_dmarc.example.org": [("TXT", "v=DMARC1; p=reject; sp=quarantine")],
            "_dmarc.dept.example.org": [("TXT", "v=DMARC1; p=none; psd=n")],
            "_dmarc.example.net": [("TXT", "v=DMARC1; p=quarantine")],
            "_dmarc.example.edu": [("TXT", "v=DMARC1; p=none")],
            "_dmarc.exempt.org": [("TXT", "v=DMARC1; p=reject")],
            "_dmarc.servfail.org": [("TXT", "v=DMARC1; p=reject")],
            "s._domainkey.servfail.org": [{"fault": "SERVFAIL"}],
        }
        for domain, selector in (("example.org", "s"), ("mailer.example.net", "m"), ("servfail.org", "s")):
            path = folder / f"remote.{domain}.pem"
            self.remote[domain, selector] = path
            record = f"v=DKIM1; k=rsa; p={make_key(path)}"
            self.names.setdefault(f"{selector}._domainkey.{domain}", [("TXT", record)])
        self.records = {}

    def own_key(self, name, domain, selector, algorithm="rsa"):
        public = make_key(self.folder / name, algorithm)
        for one in [domain] if isinstance(domain, str) else domain:
            record = f"v=DKIM1; k={algorithm}; p={public}"
            self.names[f"{selector}._domainkey.{one}"] = [("TXT", record)]
            self.records[f"{selector}._domainkey.{one}."] = record

    def message(self, row):
        headers = [] if row.author is None else [("From", f" Joe <{row.author}>")]
        if row.second_from:
            headers.append(("From", f" {row.second_from}"))
        headers += [("To", " suzie@example.com"), ("Subject", " dinner"),
                    ("Date", " Fri, 11 Jul 2003 21:00:37 -0700"), ("Message-ID", " <1@example.org>")]
        body = BODY
        if row.signer:
            domain, selector = (one.encode() for one in row.signer)
            signature = dkim.sign(text_of(headers, body), selector, domain,
                                  self.remote[row.signer].read_bytes(), canonicalize=(b"relaxed", b"relaxed"),
                                  include_headers=[b"from", b"to", b"subject", b"date"])
            name, _, value = signature.decode().rstrip("\r\n").partition(":")
            headers.insert(0, (name, value.replace("\r\n", "\n")))
        if row.broken:
            body += b"P.S. Visit our sponsor.\r\n"
        inside = row.client in ("127.0.0.1", "::1", "203.0.113.1", "203.0.113.7")
        if not inside and not row.auth:
            # What a policy service for SPF writes on top, in the name of the host, of mail from outside.
            headers.insert(0, ("Authentication-Results",
                               f" mx.example.net; spf={row.spf} smtp.mailfrom={row.mail_from.partition('@')[2]}"))
        return headers, body


def text_of(headers, body):
    return "".join(f"{n}:{v}\n" for n, v in headers).replace("\n", "\r\n").encode() + b"\r\n" + body


def hand_over(address, row, headers, body):
    """What one milter says to a message: its last word comes as soon as it likes."""
    with MilterClient(address) as milter:
        if milter.connect(row.client, host="[%s]" % row.client) != CONTINUE:
            return Result("a")
        milter.helo("client.example")

        def steps():
            milter.macros("M", i="4Xk2", mail_addr=row.mail_from, auth_type="PLAIN" if row.auth else None,
                          auth_authen="joe" if row.auth else None)
            yield milter.mail(f"<{row.mail_from}>")
            yield milter.rcpt("<suzie@example.com>")
            yield milter.data()
            for name, value in headers:
                yield milter.header(name, value)
            yield milter.end_of_headers()
            yield milter.body(body)

        for status in steps():
            if status not in (CONTINUE, SKIPPED):
                return Result(status)
        return milter.end_of_message(i="4Xk2")


def outcome_of(results, headers, body, records):
    """(what the milters of `results` together did, problems)."""
    before = sum(name == "DKIM-Signature" for name, _ in headers)
    action = "accept"
    for result in results:
        headers = apply_changes(headers, result.changes)
        if any(kind == "quarantine" for kind, *_ in result.changes):
            action = "quarantine"
        action = {REJECT: "reject", TEMPFAIL: "tempfail"}.get(result.status, action)
    signatures = [value for name, value in headers if name == "DKIM-Signature"]
    ours = signatures[:len(signatures) - before]
    tags = [dict(re.findall(r"(\w+)=([^;\s]+)", one)) for one in ours]
    results_fields = " ".join(value for name, value in headers if name == "Authentication-Results")
    found = {method: re.findall(rf"(?<![.\w-]){method}=(\w+)", results_fields) for method in ("dkim", "dmarc")}
    problems = []
    text = text_of(headers, body)
    for index, tag in enumerate(tags):
        verifier = dkim.DKIM(text)
        if not verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records.get(name.decode(), "").encode()):
            problems.append(f"the signature of {tag['d']}/{tag['s']} does not verify")
    names = [sorted(re.sub(r"\s", "", re.search(r"\bh=([^;]*)", one).group(1)).lower().split(":"))
             for one in ours]
    # From is always oversigned here, and two signatures of a message need not be in one order.
    names = sorted([one for one in of_one if one != "from"] for of_one in names)
    lifetimes = {int(tag["x"]) - int(tag["t"]) if "x" in tag else 0 for tag in tags}
    signed = frozenset((tag["d"], tag["s"]) for tag in tags)
    return (Outcome(action, signed, *(found[one][-1] if found[one] else "none" for one in ("dkim", "dmarc"))),
            problems, (names, lifetimes))


@dataclasses.dataclass
class Installation:
    why: str
    opendkim: str
    opendmarc: str
    files: dict
    keys: list  # (file, domain or domains, selector, algorithm)
    warnings: list  # a pattern for each warning; there are no others
    rows: list


LOCAL = "127.0.0.1"
DEBIAN_CHANGES = """
AuthservID mx.example.net
Nameservers {nameserver}
UserID root
PidFile {dir}/opendkim.pid
Socket local:{dir}/opendkim.sock
"""

# Debian's signing example switched on, nothing else: with a policy service for SPF as README.Debian has it.
DEBIAN = Installation(
    "Debian's files with one domain", "Domain example.com\nSelector 2020\nKeyFile {dir}/example.private\n", "", {},
    [("example.private", "example.com", "2020", "rsa")], [],
    [
        Row("local mail of the domain", "joe@example.com", client=LOCAL),
        Row("local mail by IPv6", "joe@example.com", client="::1"),
        Row("a user that logged in", "joe@example.com", auth=True, mail_from="joe@example.com"),
        Row("a user with another return path", "joe@example.com", auth=True),
        Row("local mail of another domain", "joe@example.edu", client=LOCAL),
        Row("a subdomain without SubDomains", "joe@sub.example.com", client=LOCAL),
        Row("our domain from outside is judged", "joe@example.com"),
        Row("signed by the author's domain", "joe@example.org", signer=("example.org", "s")),
        Row("a broken signature, p=reject", "joe@example.org", signer=("example.org", "s"), broken=True,
            mail_from="x@example.org", spf="fail"),
        Row("SPF passes for the author's domain", "joe@example.org", client=PARTNER,
            mail_from="x@example.org", spf="pass"),
        Row("nothing at all, p=quarantine", "joe@example.net"),
        Row("nothing at all, no policy", "joe@no-record.org"),
    ])

SEVERAL = Installation(
    "several domains, tables, rejecting and holding",
    """# A relay for some customers
Syslog              yes
LogWhy              yes
Mode                sv
Canonicalization    relaxed/relaxed
OversignHeaders     From,To,Reply-To
SignatureTTL        864000
KeyTable            file:{dir}/key.table
SigningTable        refile:{dir}/signing.table
InternalHosts       {dir}/trusted.hosts
ExternalIgnoreList  {dir}/trusted.hosts
AuthservID          mx.example.net
Nameservers         {nameserver}
Socket              local:{dir}/opendkim.sock
""",
    """Syslog true
AuthservID HOSTNAME
TrustedAuthservIDs mx.example.net
RejectFailures true
HoldQuarantinedMessages true
RequiredHeaders true
SPFSelfValidate true
SPFIgnoreResults true
IgnoreAuthenticatedClients true
IgnoreHosts {dir}/ignored.hosts
IgnoreMailFrom exempt.org
PublicSuffixList {psl}
""",
    {"key.table": "com    example.com:2024:{dir}/com.pem\n"
                  "shared %:cust:{dir}/shared.pem   # one key for all customers\n",
     "signing.table": "*@example.com          com\n*@*.example.com        com\n"
                      "*@customer.org         shared\n*@customer.net         shared\n",
     "trusted.hosts": "127.0.0.1\n::1\nlocalhost\n203.0.113.0/24\n!203.0.113.66\n",
     "ignored.hosts": "127.0.0.1\n203.0.113.0/24\n192.0.2.77\n"},
    [("com.pem", "example.com", "2024", "rsa"), ("shared.pem", ["customer.org", "customer.net"], "cust", "rsa")],
    [r"RequiredHeaders: only the From field"],
    [
        Row("the first domain", "joe@example.com", client=LOCAL),
        Row("below it, in its name", "joe@news.example.com", client=LOCAL),
        Row("a customer, from the internal network", "joe@customer.org", client="203.0.113.7"),
        Row("another customer, with the same key", "joe@customer.net", auth=True, mail_from="joe@customer.net"),
        Row("below a customer: not signed", "joe@sub.customer.net", auth=True, mail_from="joe@customer.net"),
        Row("upper case", "Joe@Customer.NET", client=LOCAL),
        Row("excluded from the internal network", "joe@customer.org", client="203.0.113.66"),
        Row("signed by the author's domain", "joe@example.org", signer=("example.org", "s")),
        Row("signed for a subdomain of the policy", "joe@news.example.org", signer=("example.org", "s")),
        Row("p=reject", "joe@example.org"),
        Row("p=reject, SPF of another domain", "joe@example.org", mail_from="x@example.edu"),
        Row("SPF passes for the author's domain", "joe@example.org", client=PARTNER, mail_from="x@example.org"),
        Row("sp=quarantine below p=reject", "joe@news.example.org"),
        Row("p=quarantine", "joe@example.net"),
        Row("p=quarantine, signed by a name below", "joe@example.net", signer=("mailer.example.net", "m")),
        Row("p=none", "joe@example.edu"),
        Row("no policy", "joe@no-record.org"),
        Row("a broken signature, p=reject", "joe@example.org", signer=("example.org", "s"), broken=True),
        Row("IgnoreMailFrom", "joe@exempt.org",
            differs=("accept signed=nothing dkim=none dmarc=none", "accept signed=nothing dkim=none dmarc=fail",
                     "the exception accepts, and the results are still reported")),
        Row("IgnoreHosts", "joe@example.org", client="192.0.2.77",
            differs=("accept signed=nothing dkim=none dmarc=none", "accept signed=nothing dkim=none dmarc=fail",
                     "the exception accepts, and the results are still reported")),
        Row("no From field", None),
        Row("two From fields", "joe@example.edu", second_from="joe@example.org"),
        Row("the key cannot be looked up", "joe@servfail.org", signer=("servfail.org", "s"),
            differs=("reject", "tempfail", "RFC 9989 section 5.3.5: no answer is a temperror, and the sender "
                     "tries again")),
        Row("a policy between the author and the organization", "joe@host.dept.example.org",
            differs=("quarantine signed=nothing dkim=none dmarc=fail",
                     "accept signed=nothing dkim=none dmarc=fail",
                     "RFC 9989 section 4.10: the tree walk stops at psd=n; RFC 7489 knew only the Organizational "
                     "Domain by a list of suffixes")),
    ])

LISTS = Installation(
    "lists in place of files, rejecting only",
    """Mode sv
Canonicalization relaxed
KeyTable {dir}/keys
SigningTable csl:example.com=rsa,.example.com=rsa,example.net=rsa-net
InternalHosts 127.0.0.1, 203.0.113.0/24
SignHeaders *,+X-Mailer
AuthservID mx.example.net
Nameservers {nameserver}
Socket local:{dir}/opendkim.sock
UMask 007
""",
    """RejectFailures yes
SPFSelfValidate yes
AuthservID mx.example.net
PublicSuffixList {psl}
""",
    {"keys": "rsa example.com:r:{dir}/rsa.pem\nrsa-net example.net:r:{dir}/net.pem\n"},
    [("rsa.pem", "example.com", "r", "rsa"), ("net.pem", "example.net", "r", "rsa")],
    [],
    [
        Row("the domain", "joe@example.com", client=LOCAL),
        Row("below it", "joe@a.b.example.com", client="203.0.113.1"),
        Row("the other domain", "joe@example.net", client=LOCAL),
        Row("below the other domain", "joe@x.example.net", client=LOCAL),
        Row("internal, but not in IgnoreHosts", "joe@example.net", client="203.0.113.1",
            differs=("accept signed=example.net/r dkim=none dmarc=fail",
                     "accept signed=example.net/r dkim=none dmarc=none",
                     "nothing from network.internal is judged; the import says so in a note")),
        Row("p=quarantine without holding", "joe@example.net"),
        Row("p=reject", "joe@example.org"),
        Row("two From fields, the first one's policy is reject", "joe@example.org", second_from="joe@example.edu",
            differs=("reject", "accept signed=nothing dkim=none dmarc=permerror",
                     "RFC 9989 section 11.5: two authors are a permerror, and policy.dmarc_permerror says what "
                     "becomes of it; the import says so in a note")),
    ])


TWO_KEYS = Installation(
    "two keys a domain, reporting only",
    """Canonicalization relaxed/relaxed
OversignHeaders From
MultipleSignatures yes
KeyTable {dir}/keys
SigningTable refile:{dir}/signers
SenderHeaders From
AuthservID mx.example.net
Nameservers {nameserver}
Socket {dir}/opendkim.sock
""",
    "AuthservID mx.example.net\nRejectFailures no\nHoldQuarantinedMessages yes\nSPFSelfValidate yes\n"
    "PublicSuffixList {psl}\n",
    {"keys": "r example.com:r:{dir}/first.pem\ne example.com:e:{dir}/second.pem\n",
     "signers": "joe@example.com e\n*@example.com r\n*@example.com e\n*@*.example.com r\n"},
    [("first.pem", "example.com", "r", "rsa"), ("second.pem", "example.com", "e", "rsa")],
    [r"signers:1: .*\"joe@example.com\" had a key of its own",
     r"signers:4: .*domains below example.com was signed with d=example.com s=r and is now with"],
    [
        Row("both keys", "jane@example.com", client=LOCAL),
        Row("one user's own key", "joe@example.com", client=LOCAL,
            differs=("accept signed=example.com/e dkim=none dmarc=none",
                     "accept signed=example.com/e,example.com/r dkim=none dmarc=none",
                     "keys belong to domains; the import warns of it")),
        Row("one key below", "jane@sub.example.com", client=LOCAL,
            differs=("accept signed=example.com/r dkim=none dmarc=none",
                     "accept signed=example.com/e,example.com/r dkim=none dmarc=none",
                     "a [[signing.domain]] has one list of keys; the import warns of it")),
        Row("p=quarantine, held by nobody", "joe@example.net"),
        Row("p=reject", "joe@example.org"),
    ])

BY_NAME = Installation(
    "keys by the names of domains",
    """Canonicalization relaxed/relaxed
OversignHeaders From
KeyTable refile:{dir}/keys
SigningTable refile:{dir}/signers
AuthservID mx.example.net
Nameservers {nameserver}
Socket local:{dir}/opendkim.sock
UMask 007
""",
    "AuthservID mx.example.net\n",
    {"keys": "customer.org %:k:{dir}/%.pem\ncustomer.net %:k:{dir}/%.pem\n", "signers": "*@customer.* %\n* %\n"},
    [("customer.org.pem", "customer.org", "k", "rsa"), ("customer.net.pem", "customer.net", "k", "rsa")],
    [],
    [
        Row("a customer", "joe@customer.org", client=LOCAL),
        Row("another one", "joe@customer.net", auth=True, mail_from="joe@customer.net"),
    ])

INSTALLATIONS = (DEBIAN, SEVERAL, LISTS, TWO_KEYS, BY_NAME)


def write(folder, name, text):
    path = folder / name
    path.write_text(text.format(dir=folder, nameserver=NAMESERVER,
                                psl=CACHE / "usr/share/publicsuffix/public_suffix_list.dat"))
    return path


def debian_text(name):
    """The shipped file, but for the trust anchor: the DNS here is not signed."""
    text = (CACHE / "etc" / name).read_text()
    return re.sub(r"(?m)^TrustAnchorFile", "#TrustAnchorFile", text).replace("{", "{{").replace("}", "}}")


def configurations(folder, installation):
    opendkim, opendmarc = installation.opendkim, installation.opendmarc
    if installation is DEBIAN:
        opendkim = debian_text("opendkim.conf") + opendkim + DEBIAN_CHANGES
        opendmarc = (debian_text("opendmarc.conf") + "AuthservID mx.example.net\nUserID root\n"
                     "PublicSuffixList {psl}\nPidFile {dir}/opendmarc.pid\n")
    for name, text in installation.files.items():
        write(folder, name, text)
    return {"opendkim": write(folder, "opendkim.conf", opendkim),
            "opendmarc": write(folder, "opendmarc.conf", opendmarc + "Socket local:{dir}/opendmarc.sock\n")}


def imported(program, files, folder):
    """(the configuration, the warnings)."""
    run = subprocess.run([program, "import", "opendkim", files["opendkim"], "--opendmarc", files["opendmarc"]],
                         capture_output=True, text=True)
    if run.returncode != 0:
        raise AssertionError(f"import: {run.returncode} {run.stderr}")
    (folder / "imported.toml").write_text(run.stdout)
    return run.stdout, re.findall(r"(?m)^authmilter: warning: (.*)$", run.stderr)


class ImportedDaemon(Daemon):
    """authmilterd with an imported configuration, but for what another machine has: the socket, which is the
    original's, and the name server, whose port is not 53."""

    def __init__(self, program, text, folder, dns):
        self._text = (text.replace(f"{folder}/opendkim.sock", f"{folder}/authmilter.sock")
                      .replace(f'"{NAMESERVER}"', f'"{dns.address}"')
                      .replace('target = "journal"', 'target = "stderr"'))
        if "[log]" not in self._text:
            self._text += '[log]\ntarget = "stderr"\n'
        self.address = f"unix:{folder}/authmilter.sock"
        super().__init__(program)

    def write_config(self, more=None, text=None):
        super().write_config(text=self._text)


def unexpected_warnings(warnings, patterns):
    odd = [one for one in warnings if not any(re.search(pattern, one) for pattern in patterns)]
    missing = [one for one in patterns if not any(re.search(one, warning) for warning in warnings)]
    return [f"unexpected: {one}" for one in odd] + [f"not warned of: {one}" for one in missing]


def judge(row, world, folder, daemon):
    headers, body = world.message(row)
    first = hand_over(f"unix:{folder}/opendkim.sock", row, headers, body)
    results = [first]
    if first.accepted:
        results.append(hand_over(f"unix:{folder}/opendmarc.sock", row, apply_changes(headers, first.changes), body))
    original, problems, signed_there = outcome_of(results, headers, body, world.records)
    ours, more, signed_here = outcome_of([hand_over(daemon.address, row, headers, body)], headers, body,
                                         world.records)
    problems = [f"original: {one}" for one in problems] + [f"imported: {one}" for one in more]
    if not row.differs:
        if str(original) != str(ours):
            problems.append(f"original: {original}; imported: {ours}")
        # From and Subject are signed in any case; no row is without them.
        if signed_there != signed_here:
            problems.append(f"fields signed: {signed_there} and {signed_here}")
    else:
        for side, wanted, found in zip(("original", "imported"), row.differs, (original, ours)):
            if wanted != str(found):
                problems.append(f"{side}: {found} instead of {wanted}")
    return problems


def check(installation, folder, programs):
    world = World(folder)
    for key in installation.keys:
        world.own_key(*key)
    files = configurations(folder, installation)
    text, warnings = imported(programs / "tools/authmilter", files, folder)
    problems = unexpected_warnings(warnings, installation.warnings)
    accepted = subprocess.run([programs / "authmilterd", "--check-config", "--config", folder / "imported.toml"],
                              capture_output=True, text=True)
    if accepted.returncode != 0:
        return [*problems, f"--check-config: {accepted.stderr}{text}"]
    sockets = [folder / "opendkim.sock", folder / "opendmarc.sock"]
    with DnsServer(world.names) as dns, OriginalMilters(folder, files, sockets, world.names), \
            ImportedDaemon(programs / "authmilterd", text, folder, dns) as daemon:
        for row in installation.rows:
            problems += [f"{row.why}: {one}" for one in judge(row, world, folder, daemon)]
    return problems


def manual_settings(program):
    """(name, type) of every setting of a manual page."""
    page = gzip.open(CACHE / f"usr/share/man/man5/{program}.conf.5.gz", "rt").read().replace("\\-", "-")
    return re.findall(r"(?m)^\.I ([A-Z][\w-]+) \((\w+(?: \w+)?)\)", page)


def check_manual(program, folder, command):
    """Each setting of the manual page is known, and one that is none is not."""
    values = {"boolean": "yes", "integer": "5"}
    settings = [(name, values.get(kind.lower(), "/nowhere")) for name, kind in manual_settings(program)
                if name != "Include"]
    problems = [] if len(settings) > 40 else [f"only {len(settings)} settings found in the manual page"]
    path = folder / f"{program}.conf"
    # Files that are named may be missing; one setting at a time, the others are still known.
    for name, value in [*settings, ("Frobnicate", "yes")]:
        path.write_text(f"{name} {value}\n")
        run = subprocess.run([command, "import", program, path], capture_output=True, text=True)
        unknown = "unknown setting" in run.stderr
        if run.returncode not in (0, 66) or unknown != (name == "Frobnicate"):
            problems.append(f"{name}: {run.returncode} {run.stderr.strip()}")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    programs = parser.parse_args().programs
    try:
        unpacked()
    except Missing as missing:
        print(f"skipped: {missing}")
        return SKIP
    os.umask(0o022)
    failures = 0
    rows = 0
    for program in PROGRAMS:
        with tempfile.TemporaryDirectory() as name:
            problems = check_manual(program, pathlib.Path(name), programs / "tools/authmilter")
        for problem in problems:
            print(f"FAIL {program}.conf(5): {problem}")
        failures += len(problems)
    for installation in INSTALLATIONS:
        # OpenDKIM takes no key below a folder that others may write to, as /tmp is. A folder of this name is its own,
        # so that its socket is kept.
        with tempfile.TemporaryDirectory(prefix="opendkim-", dir=CACHES) as name:
            problems = check(installation, pathlib.Path(name), programs)
        for problem in problems:
            print(f"FAIL {installation.why}: {problem}")
        failures += len(problems)
        rows += len(installation.rows)
    print(f"{rows} messages to {len(INSTALLATIONS)} installations, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
