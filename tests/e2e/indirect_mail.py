"""An author with p=reject by way of others, through real Postfixes: a list that changes and seals, a forwarder that seals.

    indirect_mail.py --programs FOLDER

The list is a script with python3-dkim, as Mailman is one; the forwarder is a Postfix of its own with an authmilterd of
its own, which seals. What is accepted and what is refused, by whose word, is asked of the reply, the log, the results
field and `authmilter verify`. Exit status 77 where there is no Postfix.
"""

import re
import shutil
import signal
import subprocess
import sys
import time

from harness.bench import OUR_DOMAIN, OUR_NAME, USERS, Bench, fields_of, message, options_with_postfix
from harness.daemon import key_record, make_key
from harness.private_postfix import PrivatePostfix

import dkim

# What clients say that they are (XCLIENT); the forwarder is there.
GENUINE = "192.0.2.10"
STRANGER = "203.0.113.66"
LIST = "192.0.2.30"
FORWARDER = "127.0.1.25"
LIST_DOMAIN = "lists.example.edu"
FORWARDER_DOMAIN = "forwarder.example"
AUTHOR = ["From: Bank <info@bank.example>", f"To: user@{OUR_DOMAIN}", "Subject: Hello"]
TO_LIST = ["From: Bank <info@bank.example>", f"To: dev@{LIST_DOMAIN}", "Subject: Hello"]

TRUST = "".join(f'[[policy.trusted_sealer]]\ndomain = "{domain}"\nnetworks = "{network}"\n'
                for domain, network in ((LIST_DOMAIN, LIST), (FORWARDER_DOMAIN, FORWARDER)))
BY_LIST_ID = (f'[[policy.override]]\nlist = {{ id = "dev.{LIST_DOMAIN}", signed_by = "{LIST_DOMAIN}" }}\n'
              'dmarc_reject = "accept"\n')
LOOK_PAST = f'[[policy.forwarder]]\nnetworks = "{FORWARDER}"\nreceived_by = "mx.{FORWARDER_DOMAIN}"\n'

FORWARDER_CONFIG = """\
[milter]
socket = "unix:{folder}/milter.sock"
socket_group = ""
socket_mode = "0666"
[identity]
authserv_id = "mx.{domain}"
[network]
internal = ["127.0.0.1/32"]
[dns]
zones = ["{zone}"]
dnssec = "off"
[policy]
dmarc_reject = "tag"
[arc]
seal = true
domain = "{domain}"
selector = "arc"
file = "arc.pem"
recipient = "@{domain}"
[log]
target = "stderr"
"""


class MailingList:
    """Puts its name into the Subject, its footer below the body, and its seal on top, as Mailman 3 does."""

    def __init__(self, key, domain=LIST_DOMAIN):
        self.key, self.domain = key, domain

    def post(self, text, records, seal=True, found=None):
        """What subscribers get. `found` is what its host says of DMARC; otherwise it is asked of python3-dkim."""
        if found is None:
            genuine = dkim.DKIM(text).verify(dnsfunc=lambda name, timeout=5: records.get(name.decode(), "").encode())
            found = "pass" if genuine else "fail"
        header, body = text.split(b"\r\n\r\n", 1)
        header = re.sub(rb"(?m)^Subject: ", b"Subject: [dev] ", header)
        chain = "pass" if b"ARC-Seal:" in text else "none"
        results = f"Authentication-Results: mx.{self.domain}; dmarc={found} header.from=bank.example; arc={chain}\r\n"
        changed = (results.encode() + header + f"\r\nList-Id: <dev.{self.domain}>".encode() + b"\r\n\r\n" + body +
                   b"_______\r\nthe list\r\n")
        if not seal:
            return changed
        fields = dkim.arc_sign(changed, b"arc", self.domain.encode(), self.key.read_bytes(),
                               f"mx.{self.domain}".encode(), include_headers=[b"from", b"to", b"subject", b"date",
                                                                              b"message-id", b"list-id"])
        return b"".join(fields) + changed


    def sign(self, text, names):
        """Its host's DKIM signature, over the fields named."""
        return dkim.sign(text, b"arc", self.domain.encode(), self.key.read_bytes(), include_headers=names) + text


class Forwarder:
    """A host of its own: what comes for it goes on to ours under the reverse-path that it came with."""

    def __init__(self, bench, home, key):
        self.bench = bench
        self.folder = bench.folder / "forwarder"
        self.folder.mkdir()
        shutil.copy(key, self.folder / "arc.pem")
        (self.folder / "authmilter.toml").write_text(
            FORWARDER_CONFIG.format(folder=self.folder, domain=FORWARDER_DOMAIN, zone=bench.folder / "zone"))
        for path in (self.folder, self.folder / "arc.pem"):
            shutil.chown(path, "nobody")
        (self.folder / "postfix").mkdir()
        self.postfix = PrivatePostfix(
            self.folder / "postfix", f"mx.{FORWARDER_DOMAIN}", "unused.example", settings=(
                f"virtual_alias_domains = {FORWARDER_DOMAIN}\n"
                f"virtual_alias_maps = inline:{{ {{ user@{FORWARDER_DOMAIN} = user@{OUR_DOMAIN} }} }}\n"
                f"default_transport = smtp:[127.0.0.1]:{home.port}\nsmtp_bind_address = {FORWARDER}\n"
                f"mynetworks = 127.0.0.1/32\nsmtpd_milters = unix:{self.folder}/milter.sock\n"
                "milter_default_action = tempfail\nbounce_queue_lifetime = 0\n"))
        self.daemon = None

    def start(self):
        with open(self.folder / "log", "wb") as log:
            self.daemon = subprocess.Popen(
                ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                 self.bench.programs / "authmilterd", "--config", self.folder / "authmilter.toml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while "serving" not in self.log():
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the forwarder's authmilterd did not start:\n" + self.log())
            time.sleep(0.05)
        self.postfix.start()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self):
        self.postfix.stop()
        if self.daemon:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(60)


class Check:
    def __init__(self, bench, home, forwarder, keys):
        self.bench, self.home, self.forwarder, self.keys = bench, home, forwarder, keys
        self.base = (bench.folder / "authmilter.toml").read_text()
        self.wrong = 0

    def expect(self, what, good, shown):
        print(f"{'as it should be' if good else 'WRONG'}: {what}" + ("" if good else f"\n{shown}"))
        self.wrong += not good

    def configured(self, more):
        """Our daemon, from now on."""
        self.bench.stop()
        (self.bench.folder / "authmilter.toml").write_text(self.base + more)
        self.bench.start()

    def next_line(self, before):
        """What our daemon logs of the next message."""
        deadline = time.monotonic() + 60
        while len(self.bench.messages_logged()) <= before:
            if time.monotonic() > deadline:
                return "no message came\n" + self.forwarder.log() + self.forwarder.postfix.log()
            time.sleep(0.05)
        return self.bench.messages_logged()[before]

    def verify(self, text, client, mail_from):
        path = self.bench.folder / "message"
        path.write_bytes(text)
        return subprocess.run(
            [self.bench.programs / "tools/authmilter", "verify", "--config", self.bench.folder / "authmilter.toml",
             "--ip", client, "--helo", "client.example", "--mail-from", mail_from, path],
            capture_output=True, text=True, check=False, timeout=60).stdout

    def arrives(self, what, marker, line, log=(), field=()):
        """It is delivered, for reasons that the log and our results field give. The message as it is in the mailbox."""
        content = self.home.delivered("incoming", f"<{marker}@".encode(), timeout=60)
        if content is None:
            self.expect(f"{what}: arrives", False, line + self.bench.log()[-3000:] + self.home.log()[-2000:])
            return b""
        ours = [value for value in fields_of(content, "Authentication-Results") if OUR_NAME in value]
        self.expect(f"{what}: one results field of ours", len(ours) == 1, ours)
        self.expect(f"{what}: the field says why", ours and all(word in ours[0] for word in field), ours)
        self.expect(f"{what}: the log says why", all(word in line for word in (" action=accept ", *log)), line)
        return content

    def by_list(self, what, text, accepted, log, said, client=LIST):
        before = len(self.bench.messages_logged())
        sender = f"dev-bounces@{LIST_DOMAIN}"
        reply, _ = self.home.send(text, sender, f"user@{OUR_DOMAIN}", client=client, helo=f"mail.{LIST_DOMAIN}")
        line = self.next_line(before)
        self.expect(f"{what}: {reply[:40]}", reply.startswith("250 " if accepted else "550 5.7."), reply)
        self.expect(f"{what}: the log says why", all(word in line for word in log), line)
        shown = self.verify(text, client, sender)
        self.expect(f"{what}: verify says why", all(word in shown for word in said), shown)

    def by_forwarder(self, text, marker, sender="info@bank.example", client=GENUINE):
        before = len(self.bench.messages_logged())
        self.forwarder.postfix.send(text, sender, f"user@{FORWARDER_DOMAIN}", client=client, helo="mail.bank.example")
        return self.next_line(before)

    def as_it_came(self, content):
        """What the forwarder sent: without what our Postfix and daemon have put on top."""
        at = content.index(b"ARC-Seal:") if b"ARC-Seal:" in content else 0
        return content[at:].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def lists(self):
        listed = MailingList(self.keys["list"])
        stranger = MailingList(self.keys["stranger"], "stranger.example")
        signed = lambda marker: self.bench.bank_signature(message(TO_LIST, marker))  # noqa: E731
        records = self.bench.dns
        self.by_list("a list that seals, and is trusted", listed.post(signed("l1"), records), True,
                     [" dmarc=fail ", " arc=pass ", f" arc_domain={LIST_DOMAIN} ", " rule=arc.trusted "],
                     [f"the seal of {LIST_DOMAIN}", "arc.trusted", "trusted_forwarder"])
        content = self.home.delivered("incoming", b"<l1@", timeout=60) or b""
        ours = [value for value in fields_of(content, "Authentication-Results") if OUR_NAME in value]
        self.expect("its results field", len(ours) == 1 and "dmarc=fail" in ours[0] and "arc=pass" in ours[0] and
                    f"smtp.remote-ip={LIST}" in ours[0], content)
        self.by_list("without a seal", listed.post(signed("l2"), records, seal=False), False,
                     [" dmarc=fail ", " rule=dmarc.reject "], ["dmarc.reject"])
        self.by_list("from another network", listed.post(signed("l3"), records), False,
                     [" arc=pass ", " rule=dmarc.reject "], ["other-network"], client=STRANGER)
        self.by_list("a stranger's list", stranger.post(signed("l4"), records), False,
                     [" arc=pass ", " arc_domain=stranger.example ", " rule=dmarc.reject "], ["sealer-not-trusted"])
        self.by_list("a forgery to the list", listed.post(message(TO_LIST, "l5"), records, found="fail"), False,
                     [" arc=pass ", " rule=dmarc.reject "], ["author-did-not-pass"])
        changed = listed.post(signed("l6"), records).replace(b"This is the body.", b"Pay to me.")
        self.by_list("a list's seal on another body", changed, False, [" arc=fail ", " rule=dmarc.reject "],
                     ["chain-failed"])
        self.by_list("sealed again by a stranger", stranger.post(listed.post(signed("l7"), records), records, found="pass"),
                     False, [" arc=pass ", f" arc_domain={LIST_DOMAIN},stranger.example "], ["sealer-not-trusted"])

    def list_ids(self):
        """A list that signs and does not seal, and who writes its List-Id onto other mail of its host."""
        listed = MailingList(self.keys["list"])
        shown = [b"from", b"to", b"subject", b"date", b"message-id"]
        posted = lambda marker: listed.post(  # noqa: E731
            self.bench.bank_signature(message(TO_LIST, marker)), self.bench.dns, seal=False)
        name = f"list dev.{LIST_DOMAIN}"
        self.by_list("a list by its List-Id", listed.sign(posted("i1"), [*shown, b"list-id"]), True,
                     [" dmarc=fail ", " action=accept ", "override 1"], [f"{name}, signed by", "mailing_list"])
        refused = [" dmarc=fail ", " action=reject ", " rule=dmarc.reject "]
        said = [f"{name}: no signature of {LIST_DOMAIN} that passes and covers it"]
        self.by_list("a signature that leaves the List-Id out", listed.sign(posted("i2"), shown), False, refused, said)
        other = listed.sign(message(AUTHOR, "i3"), shown)
        self.by_list("its List-Id on other mail of its host",
                     f"List-Id: <dev.{LIST_DOMAIN}>\r\n".encode() + other, False, refused, said)

    def forwarded(self):
        """Without a signature of the author's, SPF alone vouches, and not for the forwarder."""
        line = self.by_forwarder(message(AUTHOR, "f1"), "f1")
        content = self.arrives("a forwarder that seals, and is trusted", "f1", line,
                               [" spf=fail ", " dmarc=fail ", " arc=pass ", " rule=arc.trusted "],
                               ["spf=fail", "dmarc=fail", "arc=pass"])
        self.expect("the forwarder's log", " dmarc=pass " in self.forwarder.log() and " seal=sealed " in
                    self.forwarder.log(), self.forwarder.log())
        came = self.as_it_came(content)
        said = self.verify(came, FORWARDER, "info@bank.example")
        self.expect("verify", f"the seal of {FORWARDER_DOMAIN}" in said, said)

        line = self.by_forwarder(message(AUTHOR, "f2"), "f2", client=STRANGER)
        self.expect("a forgery by way of the forwarder, which only marks it",
                    all(word in line for word in (" arc=pass ", " action=reject ", " rule=dmarc.reject ")), line)
        line = self.by_forwarder(self.bench.bank_signature(message(AUTHOR, "f3")), "f3")
        self.arrives("what the author signed needs nobody's word", "f3", line, [" arc=pass ", " rule=dmarc.pass "],
                     ["dkim=pass", "dmarc=pass"])
        posted = MailingList(self.keys["list"]).post(self.bench.bank_signature(message(TO_LIST, "f4")), self.bench.dns)
        line = self.by_forwarder(posted, "f4", sender=f"dev-bounces@{LIST_DOMAIN}", client=LIST)
        self.expect("from the list by way of the forwarder: it did not see the author pass",
                    all(word in line for word in (" arc=pass ", f" arc_domain={LIST_DOMAIN},{FORWARDER_DOMAIN} ",
                                                  " rule=dmarc.reject ")), line)
        return came

    def run(self):
        self.configured(TRUST)
        self.lists()
        came = self.forwarded()
        self.configured(BY_LIST_ID)
        self.list_ids()
        self.configured("")
        line = self.by_forwarder(message(AUTHOR, "f5"), "f5")
        self.expect("nobody is trusted: a chain is information",
                    all(word in line for word in (" arc=pass ", " action=reject ", " rule=dmarc.reject ")), line)
        said = self.verify(came, FORWARDER, "info@bank.example")
        self.expect("and verify says so", "dmarc.reject" in said and "the seal of" not in said, said)
        self.configured(LOOK_PAST)
        line = self.by_forwarder(message(AUTHOR, "f6"), "f6")
        self.arrives("SPF looks past the forwarder", "f6", line,
                     [" spf=pass ", f" spf_client={GENUINE} ", " rule=dmarc.pass "],
                     [f"client before the forwarder: {GENUINE}", "dmarc=pass"])
        said = self.verify(came, FORWARDER, "info@bank.example")
        self.expect("and so does verify", f"is of {GENUINE}" in said, said)
        line = self.by_forwarder(message([f"Received: from x (mail.bank.example [{GENUINE}]) by mx.{FORWARDER_DOMAIN}; x",
                                          *AUTHOR], "f7"), "f7", client=STRANGER)
        self.expect("and not by a field that a stranger wrote",
                    all(word in line for word in (" spf=fail ", f" spf_client={STRANGER} ", " action=reject ")), line)
        return self.wrong


def main():
    options = options_with_postfix(__doc__)
    bench = Bench(options.programs)
    keys = {}
    zone_file = bench.folder / "zone"
    zone_file.write_text(zone_file.read_text().replace('"v=spf1 ip4:127.0.1.10 -all"', f'"v=spf1 ip4:{GENUINE} -all"'))
    with open(zone_file, "a", encoding="ascii") as zone:
        for name, domain in (("list", LIST_DOMAIN), ("forwarder", FORWARDER_DOMAIN), ("stranger", "stranger.example")):
            keys[name] = bench.folder / f"{name}.pem"
            zone.write(key_record(f"arc._domainkey.{domain}", make_key(keys[name], "rsa"), "rsa"))
    (bench.folder / "postfix").mkdir()
    home = PrivatePostfix(bench.folder / "postfix", OUR_NAME, OUR_DOMAIN, users=USERS, settings=(
        f"mynetworks = 127.0.0.1/32\nsmtpd_milters = {bench.socket}\nmilter_default_action = tempfail\n"))
    forwarder = Forwarder(bench, home, keys["forwarder"])
    try:
        bench.start()
        home.start()
        forwarder.start()
        return 1 if Check(bench, home, forwarder, keys).run() else 0
    finally:
        forwarder.stop()
        home.stop()
        bench.remove()


if __name__ == "__main__":
    sys.exit(main())
