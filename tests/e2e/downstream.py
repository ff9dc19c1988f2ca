"""What stands behind authmilter: the Sieve script and the rules for SpamAssassin, as shipped.

    downstream.py AUTHMILTERD

Messages go through the daemon, and what it makes of them goes to Debian's sieve-test and SpamAssassin, and what
Rspamd sees of the fields is matched against its rules. Packages that are not installed are unpacked into a cache
(root, apt's lists).
"""

import base64
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]

import dkim
from harness import milter_client as mc
from harness import ran
from harness.daemon import ZONE, Daemon, key_record, make_key
from harness.unpacked_packages import Missing, unpacked

OUR_NAME = "mx.example.net"
EXAMPLE_NAME = "mx.example.org"  # in the fragments
DOVECOT = ("dovecot-core", "dovecot-sieve", "libunwind8")
SPAMASSASSIN = ("spamassassin", "libhtml-parser-perl", "libhtml-tagset-perl", "libhttp-date-perl", "libhttp-message-perl",
                "libio-html-perl", "libencode-locale-perl", "liblwp-mediatypes-perl", "libnet-dns-perl",
                "libnetaddr-ip-perl", "libsocket6-perl", "libsys-hostname-long-perl", "libtimedate-perl", "liburi-perl",
                "libwww-perl")
MORE_ZONE = ZONE + ('none.example. IN TXT "v=spf1 -all"\n'
                    '_dmarc.none.example. IN TXT "v=DMARC1; p=none"\n'
                    'soft.example. IN TXT "v=spf1 ~all"\n'
                    '_dmarc.genuine.example. IN TXT "v=DMARC1; p=quarantine"\n'
                    'genuine.example. IN TXT "v=spf1 ip4:192.0.2.1 -all"\n')
FAIL = "dmarc=fail header.from=bank.example policy.dmarc=quarantine"
PASS = f"{OUR_NAME}; spf=pass smtp.mailfrom=a; dmarc=pass header.from=held.example"
NO_QUARANTINE = mc.ALL_ACTIONS & ~mc.QUARANTINE


@dataclass
class Row:
    why: str
    author: str
    mail_from: str
    folder: str
    rules: str = ""  # of SpamAssassin that are ours
    header: list = field(default_factory=list)
    mode: str = "enforce"
    client: str = "192.0.2.1"
    actions: int = mc.ALL_ACTIONS
    signed_by: str = ""
    helo: str = "client.example.net"
    as_it_is: bool = False  # not through the daemon: what the fragments make of it alone


GOOD = "SPF_PASS DMARC_PASS"
QUARANTINED = "AUTHMILTER_DMARC_FAIL DMARC_QUAR"
ROWS = [
    Row("genuine", "example.org", "example.org", "INBOX", GOOD),
    Row("genuine, with a policy of quarantine", "genuine.example", "genuine.example", "INBOX", GOOD),
    Row("SPF fails: tagged", "other.example", "held.example", "Junk",
        "AUTHMILTER_SUSPICIOUS SPF_FAIL DMARC_MISSING"),
    Row("quarantine, where the MTA holds nothing: tagged", "held.example", "example.org", "Junk",
        f"AUTHMILTER_SUSPICIOUS SPF_PASS {QUARANTINED}", actions=NO_QUARANTINE),
    Row("quarantine, released from the hold queue", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}"),
    Row("a policy that asks for nothing", "none.example", "example.org", "INBOX", "SPF_PASS DMARC_NONE"),
    Row("softfail", "other.example", "soft.example", "INBOX", "SPF_SOFTFAIL DMARC_MISSING"),
    Row("no policy, no record", "other.example", "other.example", "INBOX", "SPF_NONE DMARC_MISSING"),
    Row("monitor: what would be held", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        mode="monitor"),
    Row("monitor: what would be refused", "example.org", "held.example", "Junk",
        "SPF_FAIL AUTHMILTER_DMARC_FAIL DMARC_REJECT", mode="monitor"),
    Row("another host's results", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" evil.example; spf=fail smtp.mailfrom=a; {FAIL}")]),
    Row("a host whose name begins as ours", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" {OUR_NAME}.evil.example; spf=fail smtp.mailfrom=a; {FAIL}")]),
    Row("our name in another host's results", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" evil.example; x=y reason=\"{OUR_NAME}; {FAIL}\"")]),
    Row("A196: an encoded line in our name", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" evil.example; none =?utf-8?q?=0A{OUR_NAME};_dmarc=3Dpass?=")]),
    Row("A196: in base64, at the start of a line", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" evil.example;\n =?utf-8?b?{base64.b64encode(PASS.encode()).decode()}?= x")]),
    Row("a line in our name", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" evil.example;\n {PASS}")]),
    Row("another host's pass right below ours", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", "\tevil.example; dkim=pass header.d=held.example; dmarc=pass policy.dmarc=none")]),
    Row("another host's failure right below ours", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", "\tpolicy.dmarc=reject; dmarc=fail policy.dmarc=reject")]),
    Row("A196: nobody has removed it", "example.org", "example.org", "INBOX", "",
        [("Authentication-Results", f" evil.example; none =?utf-8?q?=0A{OUR_NAME};_spf=3Dpass_smtp.mailfrom=3Da;_dmarc=3Dpass?=")],
        as_it_is=True),
    Row("A222: HELO passes, MAIL FROM does not", "other.example", "held.example", "Junk",
        "AUTHMILTER_SUSPICIOUS SPF_FAIL DMARC_MISSING", helo="example.org"),
    Row("results forged in our name", "example.org", "example.org", "INBOX", GOOD,
        [("Authentication-Results", f" {OUR_NAME}; spf=fail smtp.mailfrom=a; {FAIL}")]),
    Row("a pass forged in our name", "held.example", "example.org", "Junk", f"SPF_PASS {QUARANTINED}",
        [("Authentication-Results", f" {OUR_NAME}; spf=pass smtp.mailfrom=a; dkim=pass header.d=b; dmarc=pass")]),
    Row("a verdict forged", "example.org", "example.org", "INBOX", GOOD,
        [("X-Authmilter-Verdict", " suspicious (me)")]),
    Row("a clean verdict forged", "other.example", "held.example", "Junk",
        "AUTHMILTER_SUSPICIOUS SPF_FAIL DMARC_MISSING", [("X-Authmilter-Verdict", " clean")]),
    Row("monitor: a verdict forged hurts its sender", "example.org", "example.org", "Junk",
        f"AUTHMILTER_SUSPICIOUS {GOOD}", [("X-Authmilter-Verdict", " suspicious (me)")], mode="monitor"),
    Row("a Subject of the kind", "example.org", "example.org", "INBOX", GOOD,
        [("X-Note", " X-Authmilter-Verdict: suspicious"), ("Comments", f" {OUR_NAME}; {FAIL}")]),
    Row("mail of ours with a verdict", "example.org", "example.org", "INBOX", "",
        [("X-Authmilter-Verdict", " suspicious (x)")], client="127.0.0.1"),
    Row("a border server's verdict", "example.org", "example.org", "Junk", "AUTHMILTER_SUSPICIOUS",
        [("X-Authmilter-Verdict", " suspicious (x)")], client="127.0.0.1", mode="behind"),
    Row("signed by the author's domain", "example.org", "example.org", "INBOX",
        f"{GOOD} DKIM_SIGNED DKIM_VALID DKIM_VALID_AU", signed_by="example.org"),
    Row("signed by a domain below the author's", "example.org", "example.org", "INBOX",
        f"{GOOD} DKIM_SIGNED DKIM_VALID", signed_by="list.example.org"),
    Row("signed by somebody else", "held.example", "example.org", "Junk",
        f"SPF_PASS DKIM_SIGNED DKIM_VALID {QUARANTINED}", signed_by="example.org"),
    Row("a signature that is none", "example.org", "example.org", "INBOX", f"{GOOD} DKIM_SIGNED DKIM_INVALID",
        [("DKIM-Signature", " v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=AAAA; b=AAAA")]),
]


def signature(domain, key, header, body):
    text = "".join(f"{name}:{value}\r\n" for name, value in header).encode() + b"\r\n" + body
    name, value = dkim.sign(text, b"s", domain.encode(), key.read_bytes()).decode().split(":", 1)
    return name, value.replace("\r\n", "\n").rstrip("\n")


def through(daemon, row, header):
    with daemon.client(actions=row.actions) as client:
        client.greet(row.client, helo=row.helo)
        result = client.deliver(header, mail_from=f"<a@{row.mail_from}>")
    assert result.accepted, f"{row.why}: {result}"
    return mc.apply_changes(header, result.changes)


def delivered(daemon, row, key):
    """The message as the MTA would deliver it, released if it was held."""
    header = [*row.header, ("From", f" A <a@{row.author}>"), ("To", " b@example.com"), ("Subject", " suspicious"),
              ("Date", " Fri, 11 Jul 2003 21:00:37 -0700"), ("Message-ID", f" <{ROWS.index(row)}@example.org>")]
    if row.signed_by:
        header.insert(0, signature(row.signed_by, key, header, b"Hello\r\n"))
    fields = header if row.as_it_is else through(daemon, row, header)
    return "".join(f"{name}:{value}\n" for name, value in fields) + "\nHello\n"


class Sieve:
    """sieve-test, which runs as nobody and gets its settings from the environment instead of doveconf."""

    def __init__(self, folder):
        place = unpacked("dovecot", DOVECOT)
        self.folder = folder / "sieve"
        self.folder.mkdir(mode=0o777)
        self.folder.chmod(0o777)
        self.script = self.folder / "authmilter.sieve"
        text = (ROOT / "contrib/dovecot/authmilter.sieve").read_text()
        assert text.count(EXAMPLE_NAME) == 1
        self.script.write_text(text.replace(EXAMPLE_NAME, OUR_NAME))
        self.programs = place / "usr/bin"
        self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        libraries = [place / "usr/lib/dovecot", *place.glob("usr/lib/*-linux-gnu")]
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "DOVECONF_ENV": "1",
                            "LD_LIBRARY_PATH": ":".join(map(str, libraries)), "BASE_DIR": str(self.folder),
                            "STATE_DIR": str(self.folder)}
        self.run("sievec", self.script)

    def run(self, program, *arguments):
        result = subprocess.run([self.programs / program, *arguments], capture_output=True, text=True, timeout=60,
                                env=self.environment, cwd=self.folder, **self.user)
        if "error while loading shared libraries" in result.stderr:
            raise Missing(result.stderr.strip())
        assert result.returncode == 0, result.stderr
        return result

    @staticmethod
    def wanted(row):
        return row.folder

    def judge(self, messages):
        return [self.folder_of(number, message) for number, message in enumerate(messages)]

    def folder_of(self, number, message):
        """Where the script files the message, in a maildir that is new each time."""
        file, mail = self.folder / f"{number}.eml", self.folder / f"mail{number}"
        file.write_text(message)
        self.run("sieve-test", "-e", "-l", f"maildir:{mail}", self.script, file)
        found = [path.relative_to(mail).parts[0] for path in mail.glob("**/new/*")]
        assert len(found) == 1, found
        return found[0].removeprefix(".") if found[0] != "new" else "INBOX"


class SpamAssassin:
    """Debian's program with its own rules and ours, without the plugins that ask the DNS."""

    def __init__(self, folder):
        place = pathlib.Path("/")
        self.program = [shutil.which("spamassassin")]
        if self.program == [None]:
            place = unpacked("spamassassin", SPAMASSASSIN)
            modules = [place / "usr/share/perl5", *place.glob("usr/lib/*-linux-gnu/perl5/5.*")]
            self.program = ["perl", "-T", *(f"-I{one}" for one in modules), place / "usr/bin/spamassassin",
                            "--configpath", place / "usr/share/spamassassin"]
        self.settings = folder / "spamassassin"
        shutil.copytree(place / "etc/spamassassin", self.settings)
        for file in self.settings.glob("*.pre"):
            file.write_text(re.sub(r"(?m)^(loadplugin Mail::SpamAssassin::Plugin::(SPF|DKIM|DMARC)\b)", r"#\1",
                                   file.read_text()))
        text = (ROOT / "contrib/spamassassin/authmilter.cf").read_text()
        pattern = EXAMPLE_NAME.replace(".", "\\.")
        self.names = set(re.findall(r"(?m)^(?:header|meta) +(\w+)", text))
        assert len(self.names) > 10 and text.count(pattern) > 10
        (self.settings / "authmilter.cf").write_text(text.replace(pattern, OUR_NAME.replace(".", "\\.")))
        (self.settings / "report.cf").write_text("report_safe 0\n")  # the message stays as it is
        self.environment = os.environ | {"HOME": str(folder)}
        lint = self.run("--local", "--lint")
        assert lint.returncode == 0, lint.stderr

    def run(self, *arguments, message=""):
        return subprocess.run([*self.program, "--siteconfigpath", self.settings, *arguments], input=message,
                              capture_output=True, text=True, timeout=120, env=self.environment)

    @staticmethod
    def wanted(row):
        return set(row.rules.split())

    def judge(self, messages):
        """Of each message those of our rules that it hits. It takes long to start, so it is asked once."""
        mailbox = "".join(f"From a@example.org Fri Jul 11 21:00:37 2003\n{message}\n" for message in messages)
        result = self.run("--local", "--mbox", message=mailbox)
        assert result.returncode == 0, result.stderr
        found = {}  # they come in an order of their own
        for message in re.split(r"(?m)^From a@example.org .*\n", result.stdout)[1:]:
            status = re.search(r"(?m)^X-Spam-Status: .*(?:\n[ \t].*)*", message)[0]
            tests = re.search(r"tests=([A-Z0-9_,\s]*?)(?:\s+[a-z]+=|\Z)", status)[1]
            number = int(re.search(r"(?m)^Message-ID: <(\d+)@", message)[1])
            found[number] = set(re.sub(r"\s", "", tests).split(",")) & self.names
        return [found[number] for number in range(len(messages))]


class Rspamd:
    """Its rules, matched as Rspamd does it: against each field of the name by itself, unfolded. What `raw_header` reads
    is not decoded (as task:get_header_full() of Rspamd 3.4 shows)."""

    NAMES = {"AUTHMILTER_SUSPICIOUS": "AUTHMILTER_SUSPICIOUS", "AUTHMILTER_DMARC_FAIL": "AUTHMILTER_DMARC_FAIL",
             "DMARC_PASS": "AUTHMILTER_DMARC_PASS", "SPF_FAIL": "AUTHMILTER_SPF_FAIL", "DKIM_VALID": "AUTHMILTER_DKIM_PASS"}

    def __init__(self, _folder):
        text = (ROOT / "contrib/rspamd/local.d/regexp.conf").read_text()
        rules = re.findall(r"(?m)^(\w+) \{\n  re = '([\w-]+)=/(.*)/\{(\w+)\}';$", text)
        assert {rule[0] for rule in rules} == set(self.NAMES.values())
        assert all(kind == "raw_header" for _, name, _, kind in rules if name == "Authentication-Results")
        pattern = EXAMPLE_NAME.replace(".", "\\.")
        self.rules = [(symbol, name.lower(), re.compile(expression.replace(pattern, OUR_NAME.replace(".", "\\."))))
                      for symbol, name, expression, _ in rules]

    def wanted(self, row):
        return {self.NAMES[name] for name in row.rules.split() if name in self.NAMES}

    def judge(self, messages):
        return [self.symbols(re.sub(r"\n[ \t]+", " ", message.partition("\n\n")[0])) for message in messages]

    def symbols(self, header):
        fields = [line.partition(":") for line in header.split("\n")]
        return {symbol for symbol, name, expression in self.rules
                if any(n.strip().lower() == name and expression.search(value.strip()) for n, _, value in fields)}


def behind_a_border_server(daemon):
    text = daemon.config.read_text()
    daemon.write_config(text=text.replace(
        "[identity]\n", '[identity]\ntrusted_authserv_ids = ["border.example.net"]\n'))


def deliver_all(folder):
    key = folder / "key.pem"
    public = make_key(key)
    zone = MORE_ZONE + "".join(key_record(f"s._domainkey.{domain}.", public)
                               for domain in ("example.org", "list.example.org"))
    modes = {"enforce": {}, "monitor": {"more": '[verify]\nmode = "monitor"\n'},
             "behind": {"prepare": behind_a_border_server}}
    with contextlib.ExitStack() as stack:
        daemons = {mode: stack.enter_context(Daemon(sys.argv[1], zone=zone, **options))
                   for mode, options in modes.items()}
        return [delivered(daemons[row.mode], row, key) for row in ROWS]


def available_tools(folder):
    tools = []
    for make in (Sieve, SpamAssassin, Rspamd):
        try:
            tools.append(make(folder))
        except Missing as reason:
            print(f"without {make.__name__}: {reason}")
    return tools


def main():
    failures = 0
    with tempfile.TemporaryDirectory(prefix="authmilter-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        tools = available_tools(folder)
        if not tools:
            return 77
        messages = deliver_all(folder)
        for tool in tools:
            for row, message, found in zip(ROWS, messages, tool.judge(messages), strict=True):
                if found == tool.wanted(row):
                    ran.title(row.why)
                else:
                    failures += 1
                    print(f"{row.why}: {type(tool).__name__} says {found}, not {tool.wanted(row)}\n{message}")
    print(f"{len(ROWS)} messages, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
