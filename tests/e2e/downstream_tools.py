"""Dovecot, SpamAssassin and Rspamd in a copy of the machine, each with what authmilter ships for it.

Each gets the machine with its package in place, and judges messages as they come from the MTA.
"""

import json
import pathlib
import re

from harness.unpacked_packages import candidate

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUR_NAME = "mx.example.net"
EXAMPLE_NAME = "mx.example.org"  # in the fragments
FOLDER = "/tmp/downstream"


def fragment(name, times):
    """What we ship, with the operator's own name in it."""
    text = (ROOT / "contrib" / name).read_text()
    for example, ours in ((EXAMPLE_NAME, OUR_NAME), (EXAMPLE_NAME.replace(".", "\\."), OUR_NAME.replace(".", "\\."))):
        text = text.replace(example, ours)
    assert text.count(OUR_NAME) + text.count(OUR_NAME.replace(".", "\\.")) >= times
    return text


def put(machine, name, text):
    path = machine.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def add_user(machine, name, *folders):
    """As the package's postinst would, with what belongs to him."""
    if not machine.succeeds("id", name):
        machine.run("useradd", "--system", "--user-group", name)
    for folder in folders:
        machine.run("install", "-d", "-o", name, "-g", name, folder)


class Tool:
    package = ""

    def __init__(self, machine):
        self.machine = machine
        machine.run("install", "-d", "-m", "1777", FOLDER)

    @classmethod
    def version(cls):
        """As Debian writes it; nothing where this release has no such package."""
        return candidate(cls.package)

    def files(self, messages):
        """The messages as files of the machine."""
        names = [f"{FOLDER}/{number}.eml" for number in range(len(messages))]
        for name, message in zip(names, messages):
            put(self.machine, name, message)
        return names


# What a mail server says beyond our lines, in the form of each version.
DOVECOT_23 = """protocols =
ssl = no
mail_location = maildir:~/mail
postmaster_address = postmaster@example.net
protocol lda {
  mail_plugins = sieve
}
"""
DOVECOT_24 = """dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols =
ssl = no
mail_driver = maildir
mail_path = ~/mail
postmaster_address = postmaster@example.net
protocol lda {
  mail_plugins {
    sieve = yes
  }
}
"""


class Sieve(Tool):
    """Dovecot's delivery agent, with the script where our lines for its configuration say."""

    package = "dovecot-core"
    SCRIPT = "/etc/dovecot/sieve/authmilter.sieve"

    def __init__(self, machine):
        super().__init__(machine)
        text = fragment("dovecot/authmilter.sieve", 1)
        put(machine, self.SCRIPT, text)
        major = re.match(r"\d+\.\d+", machine.run("dovecot", "--version"))[0]
        lines = re.search(rf"(?m)^#( +)\w+ .*\{{ +# Dovecot {re.escape(major)} (?:.*\n)+?#\1\}}$", text)[0]
        put(machine, "/etc/dovecot/dovecot.conf",
            {"2.3": DOVECOT_23, "2.4": DOVECOT_24}[major] + re.sub("(?m)^#", "", lines) + "\n")
        for user in ("dovecot", "dovenull", "reader"):
            add_user(machine, user)
        machine.run("sievec", self.SCRIPT)

    @staticmethod
    def wanted(row):
        return row.folder

    def judge(self, messages):
        return [self.folder_of(number, name) for number, name in enumerate(self.files(messages))]

    def folder_of(self, number, message):
        """Where it is delivered to, in a home that is new each time."""
        home = f"{FOLDER}/home{number}"
        self.machine.run("install", "-d", "-o", "reader", home)
        self.machine.run("setpriv", "--reuid=reader", "--regid=reader", "--clear-groups", "env", f"HOME={home}",
                         "USER=reader", "/usr/lib/dovecot/dovecot-lda", "-f", "a@example.org", "-p", message)
        mail = self.machine.path(f"{home}/mail")
        # In cur/ with a keyword from 2.4.5 on, which marks what has no attachment.
        found = [path.relative_to(mail).parts[0] for place in ("new", "cur") for path in mail.glob(f"**/{place}/*")]
        assert len(found) == 1, found
        return "INBOX" if found[0] in ("new", "cur") else found[0].removeprefix(".")


class SpamAssassin(Tool):
    """With its own rules and ours, without the plugins that ask the DNS."""

    package = "spamassassin"
    SETTINGS = "/etc/spamassassin"

    def __init__(self, machine):
        super().__init__(machine)
        text = fragment("spamassassin/authmilter.cf", 10)
        for plugin in re.findall(r"(?m)^# +/etc/spamassassin/(\S+) +(loadplugin \S+)$", text):
            file = machine.path(f"{self.SETTINGS}/{plugin[0]}")
            assert plugin[1] in file.read_text(), plugin
            file.write_text(re.sub(rf"(?m)^({plugin[1]})\b", r"#\1", file.read_text()))
        self.names = set(re.findall(r"(?m)^(?:header|meta) +(\w+)", text))
        assert len(self.names) > 10
        put(machine, f"{self.SETTINGS}/authmilter.cf", text)
        put(machine, f"{self.SETTINGS}/report.cf", "report_safe 0\n")  # the message stays as it is
        machine.run("spamassassin", "--local", "--lint")

    @staticmethod
    def wanted(row):
        return set(row.rules.split())

    def judge(self, messages):
        """Of each message those of our rules that it hits. It takes long to start, so it is asked once."""
        put(self.machine, f"{FOLDER}/mbox",
            "".join(f"From a@example.org Fri Jul 11 21:00:37 2003\n{message}\n" for message in messages))
        said = self.machine.run("sh", "-c", f"spamassassin --local --mbox <{FOLDER}/mbox")
        found = {}  # they come in an order of their own
        for message in re.split(r"(?m)^From a@example.org .*\n", said)[1:]:
            status = re.search(r"(?m)^X-Spam-Status: .*(?:\n[ \t].*)*", message)[0]
            tests = re.search(r"tests=([A-Z0-9_,\s]*?)(?:\s+[a-z]+=|\Z)", status)[1]
            number = int(re.search(r"(?m)^Message-ID: <(\d+)@", message)[1])
            found[number] = set(re.sub(r"\s", "", tests).split(",")) & self.names
        return [found[number] for number in range(len(messages))]


class Rspamd(Tool):
    """With the rules of its package and ours, without its modules for SPF, DKIM and DMARC, and without any DNS."""

    package = "rspamd"
    NAMES = {"AUTHMILTER_SUSPICIOUS": "AUTHMILTER_SUSPICIOUS", "AUTHMILTER_DMARC_FAIL": "AUTHMILTER_DMARC_FAIL",
             "DMARC_PASS": "AUTHMILTER_DMARC_PASS", "SPF_FAIL": "AUTHMILTER_SPF_FAIL", "DKIM_VALID": "AUTHMILTER_DKIM_PASS"}
    # What needs a network or a minute to start: it is about our rules here.
    OPTIONS = ('disable_hyperscan = true;\nurl_tld = "/dev/null";\n'
               'dns {\n  nameserver = ["127.0.0.1"];\n  timeout = 0.05s;\n  retransmits = 1;\n}\n')

    def __init__(self, machine):
        super().__init__(machine)
        text = fragment("rspamd/local.d/regexp.conf", 4)
        assert set(re.findall(r"(?m)^(\w+) \{$", text)) == set(self.NAMES.values())
        put(machine, "/etc/rspamd/local.d/regexp.conf", text)
        for module in re.findall(r"local\.d/(\w+)\.conf", "".join(re.findall("(?m)^#.*", text))):
            if module != "regexp":
                put(machine, f"/etc/rspamd/local.d/{module}.conf", "enabled = false;\n")
        put(machine, "/etc/rspamd/local.d/options.inc", self.OPTIONS)
        add_user(machine, "_rspamd", "/var/lib/rspamd", "/run/rspamd", "/var/log/rspamd")
        machine.run("rspamadm", "configtest")
        machine.run("sh", "-c", "rspamd -f -u _rspamd -g _rspamd >/dev/null 2>&1 &")

    def wanted(self, row):
        return {self.NAMES[name] for name in row.rules.split() if name in self.NAMES}

    def judge(self, messages):
        files = self.files(messages)
        self.machine.wait_for(lambda: self.machine.succeeds("rspamc", "--json", files[0]), "Rspamd")
        return [self.symbols(name) for name in files]

    def symbols(self, message):
        said = json.loads(self.machine.run("rspamc", "--json", message))
        return set(said["symbols"]) & set(self.NAMES.values())
