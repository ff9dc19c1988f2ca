#!/usr/bin/env python3
"""Runs the authmilter command and compares exit status and JSON.

usage: command_test.py PATH-TO-AUTHMILTER
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile

ZONE = """\
$ORIGIN example.org.
@        IN TXT "v=spf1 ip4:192.0.2.0/24 include:inc.example.org -all"
inc      IN TXT "v=spf1 a:mail.example.org -all"
mail     IN A   198.51.100.1
mail     IN TXT "v=spf1 a -all"
soft     IN TXT "v=spf1 ~all"
neutral  IN TXT "v=spf1 ?all"
broken   IN TXT "v=spf1 ip4:192.0.2.300 -all"
why      IN TXT "v=spf1 -all exp=exp.example.org"
exp      IN TXT "%{i} is not ours"
byhelo   IN TXT "v=spf1 include:%{h}.allowed.example.org -all"
mail.example.org.allowed IN TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc   IN TXT "v=DMARC1; p=reject; sp=quarantine"
$ORIGIN testing.example.
_dmarc   IN TXT "v=DMARC1; p=reject; t=y"
$ORIGIN norecord.example.
@        IN TXT "v=spf1 ip4:192.0.2.0/24 -all"
"""

MESSAGE = """\
From: Joe <joe@example.org>
To: suzie@example.net
Subject: dinner
Date: Fri, 11 Jul 2003 21:00:37 -0700
Message-ID: <1@example.org>

Are you hungry yet?
"""

CONFIG = """\
[identity]
authserv_id = "mx.example.net"
[network]
internal = ["127.0.0.0/8", "203.0.113.0/24"]
[[signing.domain]]
domain = "example.org"
keys = [
  { selector = "rsa", file = "%(dir)s/example.org.rsa.pem" },
  { selector = "ed", file = "%(dir)s/ed.pem" },
]
"""

VERIFY = ["verify", "--json", "--zone", "zone"]
SPF = ["spf", "--json", "--zone", "zone"]
DMARC = ["dmarc", "--json", "--zone", "zone"]
JOE = ["--mail-from", "joe@example.org"]

# why, arguments, exit status, expected JSON: a path to a value
ROWS = [
    ("no subcommand", [], 64, None),
    ("an unknown subcommand", ["frobnicate"], 64, None),
    ("help", ["--help"], 0, None),
    ("help of a subcommand", ["verify", "--help"], 0, None),
    ("version", ["--version"], 0, None),
    ("an unknown option", ["verify", "--frobnicate", "m.eml"], 64, None),
    ("a second message", ["verify", "m.eml", "m.eml"], 64, None),
    ("no address", ["verify", "--ip", "192.0.2", "m.eml"], 64, None),
    ("no time", ["verify", "--time", "today", "m.eml"], 64, None),
    ("a time before 1970", ["verify", "--time", "-5", "m.eml"], 64, None),
    ("a hexadecimal time", ["sign", "--time", "0x10", "m.eml"], 64, None),
    ("an empty time", ["verify", "--time", "", "m.eml"], 64, None),
    ("a time that no clock will show", ["verify", "--time", "9" * 20, "m.eml"], 64, None),
    ("a missing message", ["verify", "--zone", "zone", "no.eml"], 66, None),
    ("a directory for a message", ["verify", "--zone", "zone", "/"], 66, None),
    ("a missing zone", ["verify", "--zone", "no.zone", "m.eml"], 66, None),
    ("a zone with a byte order mark", ["verify", "--zone", "bom.zone", "m.eml"], 66, None),
    ("a packed message", ["verify", "--zone", "zone", "m.eml.gz"], 66, None),
    ("a packed message to sign", ["sign", "--config", "config.toml", "m.eml.gz"], 66, None),
    ("a message in UTF-16", ["verify", "--zone", "zone", "utf16.eml"], 66, None),
    ("a message in UTF-16 without a mark", ["sign", "--config", "config.toml", "utf16le.eml"], 66, None),
    ("a zone that is none", ["verify", "--zone", "m.eml", "m.eml"], 66, None),
    ("zone and nameserver", ["verify", "--zone", "zone", "--nameserver", "127.0.0.1", "m.eml"],
     64, None),
    ("a missing configuration", ["verify", "--config", "no.toml", "m.eml"], 78, None),
    ("a bad configuration", ["--config", "bad.toml", "verify", "m.eml"], 78, None),
    ("a configuration whose key is missing", ["--config", "nokey.toml", "sign", "m.eml"], 78,
     None),

    ("SPF passes", SPF + ["--ip", "192.0.2.1"] + JOE, 0,
     {"result": "pass", "domain": "example.org", "identity": "mailfrom",
      "mechanism": "ip4:192.0.2.0/24", "explanation": "", "lookups": 0, "void_lookups": 0}),
    ("a HELO with a dot at its end is the same name in a macro (RFC 7208 section 7.2)",
     SPF + ["--ip", "192.0.2.1", "--mail-from", "a@byhelo.example.org", "--helo", "mail.example.org."], 0,
     {"result": "pass", "mechanism": "include:%{h}.allowed.example.org"}),
    ("SPF passes by an include", SPF + ["--ip", "198.51.100.1"] + JOE, 0,
     {"result": "pass", "mechanism": "include:inc.example.org", "lookups": 2}),
    ("SPF fails", SPF + ["--ip", "203.0.113.9"] + JOE, 1, {"result": "fail"}),
    ("SPF explains", SPF + ["--ip", "203.0.113.9", "--mail-from", "a@why.example.org"], 1,
     {"result": "fail", "explanation": "203.0.113.9 is not ours"}),
    ("SPF softfail", SPF + ["--ip", "203.0.113.9", "--mail-from", "a@soft.example.org"], 1,
     {"result": "softfail"}),
    ("SPF neutral", SPF + ["--ip", "203.0.113.9", "--mail-from", "a@neutral.example.org"], 1,
     {"result": "neutral"}),
    ("SPF permerror", SPF + ["--ip", "203.0.113.9", "--mail-from", "a@broken.example.org"], 1,
     {"result": "permerror"}),
    ("no SPF record", SPF + ["--ip", "203.0.113.9", "--mail-from", "a@no.example.org"], 1,
     {"result": "none"}),
    ("the null reverse-path stands for the HELO name",
     SPF + ["--ip", "198.51.100.1", "--mail-from", "<>", "--helo", "mail.example.org"], 0,
     {"result": "pass", "identity": "mailfrom", "domain": "mail.example.org"}),
    ("so does the empty one",
     SPF + ["--ip", "198.51.100.1", "--mail-from", "", "--helo", "mail.example.org"], 0,
     {"result": "pass", "domain": "mail.example.org"}),
    ("the HELO identity alone", SPF + ["--ip", "198.51.100.1", "--helo", "mail.example.org"], 0,
     {"result": "pass", "identity": "helo"}),
    ("IPv4 in IPv6", SPF + ["--ip", "::ffff:192.0.2.1"] + JOE, 0, {"result": "pass"}),
    ("SPF without a client", ["spf", "--zone", "zone"] + JOE, 64, None),
    ("SPF without an identity", ["spf", "--zone", "zone", "--ip", "192.0.2.1"], 64, None),
    ("SPF when nobody answers",
     ["spf", "--json", "--config", "impatient.toml", "--nameserver", "127.0.0.1@9", "--no-dnssec",
      "--ip", "192.0.2.1"] + JOE, 2, {"result": "temperror"}),

    ("a DMARC record", DMARC + ["example.org"], 0,
     {"author_domain": "example.org", "organizational_domain": "example.org",
      "policy_domain": "example.org", "policy": "reject", "spf_aligned": False,
      "dkim_aligned": False}),
    ("options behind the domain", ["dmarc", "example.org", "--zone", "zone", "--json"], 0,
     {"policy": "reject"}),
    ("sp= for a subdomain that exists", DMARC + ["mail.example.org"], 0,
     {"policy_domain": "example.org", "policy": "quarantine"}),
    ("t=y is one step lower", DMARC + ["testing.example"], 0, {"policy": "quarantine"}),
    ("no DMARC record", DMARC + ["norecord.example"], 1,
     {"result": "none", "policy_domain": None, "policy": "none"}),
    ("an aligned signature", DMARC + ["mail.example.org", "--dkim", "example.org"], 0,
     {"result": "pass", "dkim_aligned": True, "spf_aligned": False}),
    ("one of two aligns",
     DMARC + ["--dkim", "example.com", "--dkim", "example.org", "example.org"], 0,
     {"result": "pass"}),
    ("aligned SPF", DMARC + ["example.org", "--spf", "mail.example.org"], 0,
     {"result": "pass", "spf_aligned": True}),
    ("nothing aligned", DMARC + ["example.org", "--spf", "example.com"], 1, {"result": "fail"}),
    ("no domain", DMARC, 64, None),
    ("no domain name", DMARC + ["exa mple"], 64, None),
    ("DMARC when nobody answers",
     ["dmarc", "--json", "--config", "impatient.toml", "--nameserver", "127.0.0.1@9",
      "--no-dnssec", "example.org"], 2, {"result": "temperror"}),

    ("a good message", VERIFY + ["--ip", "192.0.2.1", "--helo", "mail.example.org"] + JOE +
     ["m.eml"], 0,
     {"spf.0.result": "pass", "spf.0.identity": "mailfrom", "spf.1.identity": "helo",
      "spf.1.domain": "mail.example.org", "dkim": [], "dmarc.result": "pass",
      "dmarc.spf_aligned": True, "disposition": "accept", "reply": None,
      "header_edits.0.action": "insert", "header_edits.0.index": 0,
      "header_edits.0.name": "Authentication-Results"}),
    ("a forged message", VERIFY + ["--ip", "198.51.100.7"] + JOE + ["m.eml"], 1,
     {"spf.0.result": "fail", "dmarc.result": "fail", "dmarc.policy": "reject",
      "disposition": "reject", "reply.code": 550, "rule": "dmarc.reject"}),
    ("without a client there is nothing for SPF to check", VERIFY + ["m.eml"], 1,
     {"spf.0.result": "none", "spf.0.reason": "no-client-address", "dmarc.result": "fail"}),
    ("standard input", VERIFY + ["-"], 1, {"dmarc.author_domain": "example.org"}),
    ("a HELO literal and recipients", VERIFY + ["--ip", "192.0.2.1", "--helo", "[192.0.2.1]",
     "--rcpt", "a@example.net", "--rcpt", "b@example.net", "m.eml"] + JOE, 0,
     {"spf.1.result": "none", "spf.1.domain": None}),
    ("neither record nor signature", VERIFY + ["--ip", "192.0.2.1", "--mail-from",
     "a@norecord.example", "norecord.eml"], 0, {"dmarc.result": "none", "spf.0.result": "pass"}),
    ("SPF fails, no DMARC record", VERIFY + ["--ip", "198.51.100.7", "--mail-from",
     "a@norecord.example", "norecord.eml"], 1, {"spf.0.result": "fail", "rule": "spf.fail"}),
    ("no From field", VERIFY + ["nofrom.eml"], 1,
     {"dmarc.result": "permerror", "dmarc.author_domain": None,
      "dmarc.reason": "no-author-domain"}),
    ("octets that are not UTF-8", VERIFY + ["--ip", "192.0.2.1", "--mail-from", b"\xff\xfe@x",
     "binary.eml"], 1, {}),
    ("an authenticated user's message is not judged",
     ["verify", "--json", "--zone", "zone", "--config", "config.toml", "--auth-user", "joe",
      "m.eml"] + JOE, 0,
     {"spf": [], "dmarc.result": "none", "disposition": "accept", "rule": "signing",
      "header_edits.0.name": "DKIM-Signature", "authentication_results": ""}),
    ("nor is an internal network's", VERIFY + ["--config", "config.toml", "--ip", "203.0.113.9",
     "m.eml"], 0, {"rule": "signing"}),
    ("when nobody answers", ["verify", "--json", "--config", "impatient.toml", "--nameserver",
     "127.0.0.1@9", "--no-dnssec", "--ip", "192.0.2.1", "m.eml"] + JOE, 2,
     {"dmarc.result": "temperror"}),

    ("published keys", ["key", "check", "--json", "--config", "config.toml", "--zone", "keys"], 0,
     {"keys.0.result": "match", "keys.0.type": "rsa", "keys.0.bits": 2048,
      "keys.1.result": "match", "keys.1.type": "ed25519"}),
    ("one of them", ["--config", "config.toml", "key", "check", "--json", "--zone", "keys",
     "--selector", "ed"], 0, {"keys.0.selector": "ed", "keys.1": None}),
    ("another's key", ["key", "check", "--json", "--zone", "keys", "--domain", "example.org",
     "--selector", "rsa", "--file", "ed.pem"], 1, {"keys.0.result": "mismatch"}),
    ("unpublished keys", ["key", "check", "--json", "--config", "config.toml", "--zone", "zone"],
     1, {"keys.0.result": "missing"}),
    ("no such key", ["key", "check", "--config", "config.toml", "--zone", "keys", "--domain",
     "example.com"], 1, None),
    ("keys when nobody answers", ["key", "check", "--json", "--config", "impatient.toml",
     "--nameserver", "127.0.0.1@9", "--no-dnssec", "--domain", "example.org", "--selector", "ed",
     "--file", "ed.pem"], 2, {"keys.0.result": "temperror"}),
    ("two keys under one name (RFC 6376 section 3.6.2.2)", ["key", "check", "--json", "--zone", "keys",
     "--zone", "twice", "--domain", "example.org", "--selector", "twice", "--file", "ed.pem"], 1,
     {"keys.0.result": "multiple", "keys.0.name": "twice._domainkey.example.org",
      "keys.0.published.0": "v=DKIM1; k=ed25519; p=AAAA", "keys.0.published.1": "v=spf1 -all",
      "keys.0.published.2": None}),
    ("a record that cannot be read is not a missing one", ["key", "check", "--json", "--zone", "twice",
     "--domain", "example.org", "--selector", "typed", "--file", "ed.pem"], 1,
     {"keys.0.result": "malformed", "keys.0.published.0": "v=DKIM1\\x5c; p=AAAA",
      "keys.0.detail": "the record cannot be used: its version (v=) is not DKIM1; backslashes have been published "
                       "with it: enter the text without them"}),
    ("a selector with what stands behind it", ["key", "check", "--domain", "example.org", "--selector",
     "s._domainkey", "--file", "ed.pem"], 64, None),
    ("a file without names", ["key", "check", "--file", "ed.pem"], 64, None),
    ("a key file that is none", ["key", "show", "--domain", "example.org", "--selector", "x",
     "m.eml"], 66, None),
    ("a key file open to others", ["key", "show", "--domain", "example.org", "--selector", "x",
     "open.pem"], 66, None),
    ("generate never overwrites", ["key", "generate", "--domain", "example.org", "--selector",
     "rsa"], 73, None),
    ("a short key", ["key", "generate", "--domain", "example.org", "--selector", "s", "--bits",
     "512", "--out", "short.pem"], 64, None),
    ("an unknown type", ["key", "generate", "--domain", "example.org", "--selector", "s",
     "--type", "dsa"], 64, None),

    ("an import of nothing", ["import"], 64, None),
    ("of another filter", ["import", "rspamd", "k.conf"], 64, None),
    ("of no file", ["import", "opendkim"], 64, None),
    ("of a missing file", ["import", "opendkim", "no.conf"], 66, None),
    ("whose table is missing", ["import", "opendkim", "notable.conf"], 66, None),
    ("behind which one is missing", ["import", "opendkim", "k.conf", "--opendmarc", "no.conf"], 66, None),
    ("of a FIFO, where nobody writes", ["import", "opendkim", "fifo"], 66, None),
    ("of a device without end", ["import", "opendkim", "/dev/zero"], 66, None),
    ("of a directory", ["import", "opendkim", "."], 66, None),
    ("of a file without measure", ["import", "opendkim", "huge.conf"], 66, None),
    ("whose table is without measure", ["import", "opendkim", "hugetable.conf"], 66, None),
    ("of a file that includes itself", ["import", "opendkim", "itself.conf"], 78, None),
    ("of files that include each other without measure", ["import", "opendkim", "includes0.conf"], 66, None),
    ("into a directory", ["import", "opendkim", "k.conf", "--out", "made"], 0, None),
    ("which has a configuration already", ["import", "opendkim", "k.conf", "--out", "made"], 73, None),
    ("of standard input", ["import", "opendkim", "--json", "-"], 0, {"warnings.0.file": "-"}),
    ("of a file in error", ["import", "opendkim", "bad.toml"], 78, None),
    ("of the other program's file", ["import", "opendmarc", "k.conf"], 78, None),
    ("of what no socket can be", ["import", "opendkim", "--json", "noport.conf"], 0,
     {"warnings.0.level": "warning", "warnings.0.line": 1, "warnings.0.setting": "Socket"}),
    ("what is lost is no error", ["import", "opendkim", "--json", "k.conf"], 0,
     {"warnings.0.level": "warning", "warnings.0.file": "k.conf", "warnings.0.line": 2,
      "warnings.0.setting": "SendReports"}),
    ("a key that is not there", ["import", "opendkim", "--json", "nokey.conf"], 0,
     {"warnings.1.level": "warning", "warnings.1.line": 3, "warnings.1.setting": "KeyFile"}),
    ("a default has no line", ["import", "opendmarc", "--json", "empty.conf"], 0,
     {"warnings.0.level": "note", "warnings.0.file": "empty.conf", "warnings.0.line": None}),
]


class Failures:
    def __init__(self):
        self.count = 0

    def check(self, why, condition, detail=""):
        if not condition:
            self.count += 1
            print(f"FAILED: {why}: {detail}")


def at_path(value, path):
    for step in path.split("."):
        try:
            value = value[int(step) if isinstance(value, list) else step]
        except (KeyError, IndexError):
            return None
    return value


class Command:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory

    def run(self, arguments, stdin=MESSAGE):
        environment = dict(os.environ, LC_ALL="C")
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        return subprocess.run([self.program, *arguments], input=data, cwd=self.directory,
                              capture_output=True, timeout=60, env=environment, check=False)

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)


def prepare(command, failures):
    command.write("zone", ZONE)
    command.write("m.eml", MESSAGE)
    command.write("norecord.eml", MESSAGE.replace("joe@example.org", "a@norecord.example"))
    command.write("nofrom.eml", MESSAGE.split("\n", 1)[1])
    command.write("binary.eml", b"From: \xff\xfe <joe@example.org>\nX: \x80\x81\n\n\xff\n")
    command.write("m.eml.gz", gzip.compress(MESSAGE.encode()))
    command.write("utf16.eml", MESSAGE.encode("utf-16"))
    command.write("utf16le.eml", MESSAGE.encode("utf-16-le"))
    command.write("bom.eml", b"\xef\xbb\xbf" + MESSAGE.encode())
    command.write("blank.eml", "\n" + MESSAGE)
    command.write("bom.zone", b"\xef\xbb\xbf" + ZONE.encode())
    command.write("twice", 'twice._domainkey.example.org. IN TXT "v=DKIM1; k=ed25519; p=AAAA"\n'
                  'twice._domainkey.example.org. IN TXT "v=spf1 -all"\n'
                  'typed._domainkey.example.org. IN TXT "v=DKIM1\\\\; p=AAAA"\n')
    command.write("wide.toml", "[verify]\nspf_lookups = 15\nspf_void_lookups = 4\n")
    command.write("bad.toml", "[identity]\nautserv_id = \"mx.example.net\"\n")
    command.write("nokey.toml", CONFIG % {"dir": "/nonexistent"})
    command.write("k.conf", "Syslog yes\nSendReports yes\n")
    command.write("empty.conf", "")
    command.write("notable.conf", "KeyTable file:no.table\nSigningTable csl:a.org=k\n")
    command.write("nokey.conf", "Domain a.org\nSelector s\nKeyFile /etc/passwd/no.pem\n"
                  "AuthservID a.org\nSocket inet:1@127.0.0.1\n")
    os.mkfifo(os.path.join(command.directory, "fifo"))
    command.write("huge.conf", "Syslog yes\n")
    command.write("hugetable.conf", "KeyTable file:huge.conf\nSigningTable csl:a.org=k\n")
    os.truncate(os.path.join(command.directory, "huge.conf"), (64 << 20) + 1)
    command.write("itself.conf", "Include itself.conf\n")
    for number in range(4):
        command.write(f"includes{number}.conf", f"Include includes{number + 1}.conf\n" * 2000)
    command.write("includes4.conf", "#" * 20000)
    command.write("noport.conf", "Socket inet:99999@localhost\n")
    command.write("seal.toml", CONFIG % {"dir": command.directory} + "[arc]\nseal = true\ndomain = \"example.org\"\n"
                  "[[policy.forwarder]]\nnetworks = \"192.0.2.25\"\nreceived_by = \"mx.f.example\"\n")
    command.write("impatient.toml", "[dns]\ntimeout = \"1s\"\nmessage_timeout = \"2s\"\n")
    command.write("config.toml", CONFIG % {"dir": command.directory})
    rsa = command.run(["key", "generate", "--domain", "example.org", "--selector", "rsa"])
    failures.check("key generate", rsa.returncode == 0, rsa.stderr)
    ed25519 = command.run(["key", "generate", "--json", "--type", "ed25519", "--domain",
                           "example.org", "--selector", "ed", "--out", "ed.pem"])
    failures.check("key generate ed25519", ed25519.returncode == 0, ed25519.stderr)
    for name in ("example.org.rsa.pem", "ed.pem"):
        mode = os.stat(os.path.join(command.directory, name)).st_mode & 0o777
        failures.check("a new key is its owner's alone", mode == 0o600, f"{name} {mode:o}")
    shown = command.run(["key", "show", "ed.pem", "--domain", "example.org", "--selector", "ed"])
    failures.check("key show", shown.returncode == 0, shown.stderr)
    failures.check("key show and generate agree",
                   json.loads(ed25519.stdout)["record"] in shown.stdout.decode(), shown.stdout)
    command.write("keys", rsa.stdout + shown.stdout)
    with open(os.path.join(command.directory, "ed.pem"), "rb") as file:
        command.write("open.pem", file.read(), 0o644)
    strings = [line.strip().rstrip(")").strip() for line in rsa.stdout.decode().splitlines()[1:]]
    failures.check("a long record is split into strings of 255 octets (RFC 1035 section 3.3)",
                   len(strings) == 2 and all(len(s) <= 257 for s in strings), rsa.stdout)


def run_rows(command, failures):
    for why, arguments, status, expected in ROWS:
        result = command.run(arguments)
        failures.check(why, result.returncode == status,
                       f"exit {result.returncode}, not {status}: {result.stderr}")
        if status >= 64:
            failures.check(why, result.stdout == b"" and result.stderr != b"",
                           "diagnostics belong on standard error")
        if expected is None:
            continue
        try:
            document = json.loads(result.stdout)
        except ValueError as error:
            failures.check(why, False, f"{error}: {result.stdout}")
            continue
        for path, value in expected.items():
            got = at_path(document, path)
            failures.check(why, got == value, f"{path} is {got!r}, not {value!r}")


def check_order(command, failures):
    """The JSON's names and their order are part of the contract."""
    def keys(arguments):
        return list(json.loads(command.run(arguments).stdout))

    verify = VERIFY + ["--ip", "198.51.100.7", *JOE, "m.eml"]
    failures.check("order of verify", keys(verify) == [
        "spf", "dkim", "dmarc", "arc", "disposition", "reply", "rule", "header_edits",
        "authentication_results"], keys(verify))
    failures.check("order of verify, of mail that is handed on", keys(
        VERIFY + ["--config", "seal.toml", "--ip", "192.0.2.25", *JOE, "m.eml"]) == [
            "spf", "dkim", "dmarc", "arc", "disposition", "rule", "forwarder", "seal", "header_edits",
            "authentication_results"], "")
    dmarc = DMARC + ["example.org"]
    failures.check("order of dmarc", keys(dmarc) == [
        "result", "author_domain", "organizational_domain", "policy_domain", "policy",
        "spf_aligned", "dkim_aligned", "reason"], keys(dmarc))
    document = json.loads(command.run(verify).stdout)
    failures.check("order of import", keys(["import", "opendkim", "--json", "k.conf"]) ==
                   ["configuration", "warnings"], "")
    failures.check("verify and dmarc have the same object", list(document["dmarc"]) == keys(dmarc))


def check_signing(command, failures):
    sign = ["sign", "--config", "config.toml"]
    for why, line_end in (("LF", "\n"), ("CRLF", "\r\n")):
        text = MESSAGE.replace("\n", line_end)
        result = command.run(sign, text)
        signed = result.stdout.decode()
        failures.check(f"sign with {why}", result.returncode == 0, result.stderr)
        failures.check(f"{why} stay {why}", signed.endswith(text) and
                       signed.count("\n") == signed.count(line_end), signed)
        verified = command.run(["verify", "--json", "--zone", "zone", "--zone", "keys"], signed)
        document = json.loads(verified.stdout)
        failures.check(f"what {why} signs verifies", verified.returncode == 0 and
                       [s["result"] for s in document["dkim"]] == ["pass", "pass"], document)
        failures.check("key_bits", [s["key_bits"] for s in document["dkim"]] == [2048, 256],
                       document["dkim"])
    added = command.run(["verify", "--json", "--zone", "zone", "--zone", "keys"], "Sender: b@example.com\n" + signed)
    failures.check("a field on top of what a signature covers", [s["added_fields"] for s in json.loads(added.stdout)["dkim"]] ==
                   [["sender"]] * 2, added)
    added = command.run(["verify", "--zone", "zone", "--zone", "keys"], "Sender: b@example.com\n" + signed)
    failures.check("... in text", b"sender: not covered" in added.stdout, added)
    long_line = MESSAGE + "x" * 999 + "\n"
    fragile = command.run(sign, long_line)
    failures.check("a signature that may break", fragile.returncode == 0 and b"longer than MTAs send" in fragile.stderr, fragile)
    document = json.loads(command.run(sign + ["--json"], long_line).stdout)
    failures.check("... in JSON", document["signed"] and document["fragile"] == ["long-line"], document["fragile"])
    document = json.loads(command.run(sign + ["--json"], signed).stdout)
    failures.check("what is signed already", document["reason"] == "signed-before" and document["fragile"] == [], document)
    judged = "Authentication-Results: mx.example.net; dmarc=fail\n" + MESSAGE
    document = json.loads(command.run(sign + ["--json"], judged).stdout)
    failures.check("what came from outside", document["reason"] == "judged-before", document)
    receipt = command.run(sign + ["--auth-user", "joe", "--mail-from", "<>"])
    failures.check("a plain login's receipt, with one domain", receipt.returncode == 0, receipt)
    forged = "Authentication-Results: MX.example.net; dmarc=pass header.from=example.org\n" \
             "authentication-results: other.example; spf=pass\n" + MESSAGE
    text = command.run(sign, forged).stdout.decode()
    failures.check("a forged results field is taken out, another's stays",
                   "MX.example.net" not in text and "other.example" in text, text)
    for why, arguments, text in (
            ("a stranger's message", ["--ip", "192.0.2.1"], MESSAGE),
            ("another domain's user", ["--auth-user", "joe@example.com"], MESSAGE),
            ("another domain's sender", ["--auth-user", "joe", "--mail-from", "a@example.com"],
             MESSAGE),
            ("a login that cannot be read", ["--auth-user", "joe@example.org@"], MESSAGE),
            ("another domain's message", [], MESSAGE.replace("example.org", "example.com")),
            ("two From fields", [], "From: a@example.org\n" + MESSAGE),
            ("CRLF", ["--ip", "192.0.2.1"], MESSAGE.replace("\n", "\r\n"))):
        result = command.run(sign + arguments, text)
        failures.check(f"{why} is not signed", result.returncode == 1 and result.stderr != b"",
                       result)
        failures.check(f"{why} stays as it was", result.stdout == text.encode(), result.stdout)
    result = command.run(sign + ["--json", "--ip", "192.0.2.1"])
    document = json.loads(result.stdout)
    failures.check("an unsigned message in JSON", document["signed"] is False and
                   document["message"] == MESSAGE, document)


def check_text(command, failures):
    """What is written for people: escaped, explained and not coloured in a pipe."""
    result = command.run(["verify", "--zone", "zone", "--ip", "198.51.100.7", "--helo",
                          "\x1b[31mred", *JOE, "m.eml"])
    text = result.stdout.decode()
    failures.check("escape sequences do not reach the terminal", "\x1b" not in text and
                   "\\x1b[31mred" in text, text)
    for words in ("ip4:192.0.2.0/24 -> no match", "_dmarc.example.org -> ", "dmarc.reject",
                  "550 5.7", "policy          reject (from p=)"):
        failures.check("the explanation", words in text, f"{words!r} is missing in {text}")
    for arguments, words in (
            (["verify", "--zone", "zone", "m.eml.gz"], "m.eml.gz: is not a message: it is packed with gzip"),
            (["sign", "--config", "config.toml", "utf16.eml"], "utf16.eml: is not a message: it is in UTF-16"),
            (["verify", "--zone", "zone", "bom.eml"], "bom.eml: begins with a byte order mark"),
            (["sign", "--config", "config.toml", "blank.eml"], "blank.eml: begins with an empty line"),
            (["verify", "--zone", "bom.zone", "m.eml"], "bom.zone:1: the file begins with a byte order mark")):
        told = command.run(arguments).stderr.decode()
        failures.check("what is wrong with a file is said", words in told, f"{words!r} is missing in {told!r}")
    for program, arguments in (("spf", []), ("verify", ["m.eml"])):
        wide = command.run([program, "--config", "wide.toml", "--zone", "zone", "--ip", "192.0.2.1", *JOE, *arguments])
        failures.check("the limits are those of the configuration",
                       "0 of 15, 0 of 4 without an answer" in wide.stdout.decode(), wide.stdout)
    with open("/dev/full", "wb") as full:
        status = subprocess.run([command.program, "verify", "--zone", "zone", "m.eml"],
                                cwd=command.directory, stdout=full, stderr=subprocess.DEVNULL,
                                timeout=60, check=False).returncode
    failures.check("a full disk is noticed", status == 74, status)
    replaced = command.run(["key", "generate", "--force", "--domain", "example.org", "--selector",
                            "rsa"])
    failures.check("--force replaces", replaced.returncode == 0, replaced.stderr)
    check = command.run(["key", "check", "--json", "--config", "config.toml", "--zone", "keys"])
    failures.check("the replaced key is no longer the published one", check.returncode == 1 and
                   json.loads(check.stdout)["keys"][0]["result"] == "mismatch", check.stdout)


def main():
    failures = Failures()
    with tempfile.TemporaryDirectory() as directory:
        command = Command(os.path.abspath(sys.argv[1]), directory)
        prepare(command, failures)
        run_rows(command, failures)
        check_order(command, failures)
        check_signing(command, failures)
        check_text(command, failures)
    print(f"{len(ROWS)} rows, {failures.count} failures")
    return 1 if failures.count else 0


if __name__ == "__main__":
    sys.exit(main())
