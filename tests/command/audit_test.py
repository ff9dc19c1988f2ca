#!/usr/bin/env python3
"""`authmilter audit`: its options, exit statuses and forms, of domains in zone files; what it does with wrong input; and
the script that mails what became worse.

usage: audit_test.py AUTHMILTER [unittest arguments]
"""

import csv
import hashlib
import html.parser
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from harness import ran

COMMAND = sys.argv.pop(1)
MAILER = pathlib.Path(__file__).parents[2] / "contrib/audit/audit-and-mail"
POINTS = ("1.1 1.2.1 1.2.2 1.2.3 1.2.4 1.3 1.4 1.5 1.6 1.7 1.8 2.1 2.2.1 2.2.2 2.2.3 2.2.4 2.3 2.4 2.5 2.6 2.7 "
          "3.1 3.2 3.3 3.4 3.5 3.6").split()
STATUSES = {"pass", "info", "warn", "fail", "unknown"}

ZONE = """\
$ORIGIN .
$TTL 3600
. SOA ns.invalid. host.invalid. 1 60 60 60 60
good.example SOA ns.invalid. host.invalid. 1 60 60 60 60
good.example TXT "v=spf1 mx -all"
good.example MX 10 mx.good.example.
mx.good.example A 192.0.2.1
_dmarc.good.example TXT "v=DMARC1; p=reject; rua=mailto:d@good.example"
_smtp._tls.good.example TXT "v=TLSRPTv1; rua=mailto:t@good.example"
bad.example SOA ns.invalid. host.invalid. 1 60 60 60 60
bad.example TXT "v=spf1 +all"
bad.example MX 10 mx.bad.example.
mx.bad.example A 192.0.2.2
_dmarc.bad.example TXT "v=DMARC1; p=none"
"""
# What postconf(1) prints, with arguments as it takes them.
POSTCONF = """\
#!/bin/sh
[ "$1" = -M ] && {{ cat {folder}/services; exit; }}
cat {folder}/settings
"""


def run(*arguments, **more):
    return subprocess.run([COMMAND, "audit", *map(str, arguments)], capture_output=True, timeout=120, check=False, **more)


def on_one_line(text):
    """Lines are broken to fit a terminal."""
    return " ".join(text.split())


class Page(html.parser.HTMLParser):
    """A page's tags and texts, each that is opened closed again."""

    VOID = {"meta", "link", "br"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.texts.append(data)


class Audit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.zone = self.folder / "zone"
        self.zone.write_text(ZONE)
        self.usual = ("--zone", self.zone, "--dns-only", "--no-host")

    def json(self, *arguments):
        result = run("--json", *arguments)
        self.assertIn(result.returncode, (0, 1), result.stderr)
        return json.loads(result.stdout)

    def check(self, domain, wanted):
        return next((check for check in domain["checks"] if check["id"] == wanted), None)

    def test_json_is_as_the_contract_says(self):
        """audit --json has the members of the contract, for each domain in the order given"""
        domains = self.json(*self.usual, "bad.example", "good.example")
        self.assertEqual([domain["domain"] for domain in domains], ["bad.example", "good.example"])
        for domain in domains:
            self.assertEqual([point["point"] for point in domain["points"]], POINTS)
            self.assertGreater(len(domain["checks"]), 5)
            for check in domain["checks"]:
                self.assertIn(check["status"], STATUSES)
                self.assertLessEqual({"id", "status", "points", "evidence", "remedy", "verdicts"}, set(check))
                self.assertLessEqual(set(check["points"]), set(POINTS))
        bad, good = domains
        self.assertEqual(self.check(bad, "dmarc.policy")["status"], "fail")
        self.assertEqual(self.check(good, "dmarc.policy")["status"], "pass")
        self.assertEqual(self.check(bad, "spf.all")["status"], "fail")
        self.assertIn("v=spf1", self.check(bad, "spf.all")["evidence"] + self.check(bad, "spf.exists")["evidence"])

    def test_exit_status(self):
        """audit exits with 1 when a check failed, and 0 otherwise"""
        self.assertEqual(run(*self.usual, "bad.example").returncode, 1)
        facts = self.folder / "facts"
        run(*self.usual, "good.example", "--facts-out", facts)
        failed = [check["id"] for check in self.json("--facts", facts)[0]["checks"] if check["status"] == "fail"]
        self.assertEqual(run(*self.usual, "good.example").returncode, 1 if failed else 0)

    def test_wrong_input(self):
        facts = self.folder / "facts"
        run(*self.usual, "good.example", "--facts-out", facts)
        whole = facts.read_bytes()
        (self.folder / "broken").write_bytes(b"{" + whole)
        (self.folder / "empty").write_bytes(b"")
        (self.folder / "cut").write_bytes(whole[:-20])
        (self.folder / "list").write_text("good.example\n# a comment\n\nnot a domain\n")
        (self.folder / "profile.toml").write_text("[dkim]\nrsa_bit = 1\n")
        rows = (
            ("no domain", [], 64, "no domain is named"),
            ("not a domain", ["a..b"], 64, "is not a domain name"),
            ("no such format", ["good.example", "--format", "pdf"], 64, "pdf"),
            ("two formats", ["good.example", "--json", "--format", "csv"], 64, "--format csv"),
            ("no such rule", ["--explain", "spf.nothing"], 64, "spf.nothing"),
            ("no such profile", ["good.example", "--profile", self.folder / "none"], 78, "none"),
            ("no such name of a profile", ["good.example", "--profile", "nope"], 78, "default, strict, nukib"),
            ("a profile with a mistake", ["good.example", "--profile", self.folder / "profile.toml"], 78,
             'profile.toml:2:1: unknown key "dkim.rsa_bit"'),
            ("no such zone", ["good.example", "--zone", self.folder / "none"], 66, "none"),
            ("no such list", ["--domains-file", self.folder / "none"], 66, "none"),
            ("a list with a mistake", ["--domains-file", self.folder / "list"], 66, 'list:4: "not a domain"'),
            ("no such facts", ["--facts", self.folder / "none"], 66, "none"),
            ("facts that are none", ["--facts", self.folder / "broken"], 66, "broken:1: "),
            ("empty facts", ["--facts", self.folder / "empty"], 66, "empty"),
            ("facts of which only the head is whole", ["--facts", self.folder / "cut"], 66, "facts of no domain"),
            ("facts of others", ["--facts", facts, "bad.example"], 66, "knows nothing of bad.example"),
            ("no such earlier facts", ["good.example", "--since", self.folder / "none"], 66, "none"),
            ("a folder that is not there", ["good.example", *self.usual, "--out", self.folder / "a/b"], 73, "a/b"),
            ("no jobs", ["good.example", "--jobs", "0"], 64, "not a number from 1 to"),
            ("a detour without a port", ["good.example", "--connect", "mx.good.example=127.0.0.1"], 64, "HOST=ADDRESS@PORT"),
            ("a page without TLS", ["good.example", "--webmail", "http://good.example/"], 64, "https://"),
            ("authorities that are not there", ["good.example", *self.usual, "--tls-ca", self.folder / "none"], 66, "none"),
            ("a wrong configuration", ["good.example", "--config", self.folder / "profile.toml"], 78, "dkim"),
        )
        for why, arguments, status, words in rows:
            with self.subTest(why=why):
                result = run(*arguments)
                self.assertEqual((result.returncode, result.stdout), (status, b""), result.stderr)
                self.assertIn(words, result.stderr.decode())

    def test_domains_of_a_file(self):
        (self.folder / "list").write_text("# ours\ngood.example\r\n bad.example # theirs\n\ngood.example\n")
        domains = self.json(*self.usual, "--domains-file", self.folder / "list", "bad.example", "--jobs", "3")
        self.assertEqual([domain["domain"] for domain in domains], ["bad.example", "good.example"])
        result = run("--json", *self.usual, "--domains-file", "-", input=b"good.example\n")
        self.assertEqual([domain["domain"] for domain in json.loads(result.stdout)], ["good.example"])

    def test_facts_are_judged_again(self):
        """audit --facts says the same as the run that kept them, without the zone, and names their SHA-256"""
        facts = self.folder / "facts"
        first = self.json(*self.usual, "good.example", "bad.example", "--facts-out", facts)
        self.zone.unlink()
        again = self.json("--facts", facts)
        self.assertEqual(first, again)
        self.assertEqual(again[0]["facts_sha256"], hashlib.sha256(facts.read_bytes()).hexdigest())
        one = self.json("--facts", facts, "bad.example")
        self.assertEqual([domain["domain"] for domain in one], ["bad.example"])
        # A run that was killed leaves a line without its end.
        facts.write_bytes(facts.read_bytes()[:-20])
        result = run("--json", "--facts", facts)
        self.assertEqual([domain["domain"] for domain in json.loads(result.stdout)], ["good.example"])
        self.assertIn(b"facts:3: the line has no end", result.stderr)

    def test_what_has_changed(self):
        """audit --since exits with 1 only where something became worse, and every form says what"""
        facts, later = self.folder / "facts", self.folder / "later"
        run(*self.usual, "good.example", "bad.example", "--facts-out", facts)
        same = run(*self.usual, "bad.example", "--since", facts, "--json")
        self.assertEqual((same.returncode, json.loads(same.stdout)[0]["changes"]), (0, []))
        self.zone.write_text(ZONE.replace("p=reject", "p=none").replace("+all", "-all"))
        worse = run(*self.usual, "good.example", "--since", facts, "--facts-out", later, "--json")
        self.assertEqual(worse.returncode, 1)
        changes = {change["id"]: change for change in json.loads(worse.stdout)[0]["changes"]}
        self.assertEqual((changes["dmarc.policy"]["change"], changes["dmarc.policy"]["before"]), ("worse", "pass"))
        self.assertTrue(changes["dmarc.policy"]["is_worse"])
        run(*self.usual, "good.example", "--facts-out", self.folder / "one")
        new = run(*self.usual, "bad.example", "--since", self.folder / "one", "--json")
        self.assertIn(b"was not looked at then", new.stderr)
        self.assertTrue(all(change["is_worse"] for change in json.loads(new.stdout)[0]["changes"]))
        better = run(*self.usual, "bad.example", "--since", facts, "--json")
        self.assertEqual(better.returncode, 0)
        self.assertIn(("spf.all", "better"), [(change["id"], change["change"])
                                              for change in json.loads(better.stdout)[0]["changes"]])
        for form, words in (("text", "worse: was in order, is to mend"), ("csv", '"worse"'), ("html", "What has changed")):
            with self.subTest(form=form):
                self.assertIn(words, on_one_line(run("--facts", later, "--since", facts, "--format", form).stdout.decode()))

    def test_the_first_run_of_a_timer(self):
        facts = self.folder / "facts"
        for _ in range(2):
            result = run(*self.usual, "good.example", "--since", facts, "--facts-out", facts)
            self.assertTrue(facts.exists())
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_text_says_what_to_do(self):
        text = run(*self.usual, "bad.example").stdout.decode()
        self.assertRegex(text, r"\Abad\.example: \d+ to mend")
        self.assertLess(text.index("What to do"), text.index("All that was looked at"))
        self.assertNotIn("\x1b", text)
        self.assertIn("SHA-256 of the facts", text)

    def test_the_measure(self):
        """audit --profile nukib has each point, with how it is shown"""
        text = run(*self.usual, "bad.example", "--profile", "nukib").stdout.decode()
        for point in POINTS:
            self.assertRegex(text, rf"(?m)^{re.escape(point)} +(fulfilled|not fulfilled|not testable from here): ")
        self.assertRegex(text, r"(?m)^3\.3 +not fulfilled: ")
        self.assertRegex(text, r"(?m)^1\.8 +not testable from here: ")
        points = {point["point"]: point for point in self.json(*self.usual, "bad.example")[0]["points"]}
        self.assertEqual(points["3.3"]["status"], "not-fulfilled")
        self.assertTrue(points["1.8"]["how_to_show"])

    def test_csv(self):
        result = run(*self.usual, "good.example", "bad.example", "--format", "csv", "--profile", "nukib")
        rows = list(csv.DictReader(io.StringIO(result.stdout.decode(), newline="")))
        self.assertEqual({row["domain"] for row in rows}, {"good.example", "bad.example"})
        self.assertEqual(sum(row["kind"] == "point" for row in rows), 2 * len(POINTS))
        self.assertIn(("bad.example", "dmarc.policy", "fail"), [(row["domain"], row["id"], row["status"]) for row in rows])

    def test_the_page(self):
        """audit --format html is one page that fetches nothing and takes nothing for markup"""
        hostile = '<script>alert(1)</script><img src=x onerror=alert(2)>'
        self.zone.write_text(ZONE + f'evil.example SOA ns.invalid. host.invalid. 1 60 60 60 60\n'
                             f'evil.example TXT "v=spf1 {hostile} -all"\n_dmarc.evil.example TXT "v=DMARC1; p={hostile}"\n')
        out = self.folder / "page.html"
        result = run(*self.usual, "good.example", "evil.example", "--format", "html", "--profile", "nukib", "--out", out)
        self.assertEqual(result.stdout, b"")
        page = Page(out.read_text())
        self.assertEqual(page.open, [])
        self.assertFalse([tag for tag, _ in page.tags if tag in ("script", "img", "iframe")])
        for tag, attributes in page.tags:
            self.assertNotIn("onerror", attributes)
            for name in ("src", "href"):
                self.assertRegex(attributes.get(name, "#"), r"^(#|data:,)", tag)
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        self.assertEqual(len(ids), len(set(ids)))
        for _, attributes in page.tags:
            if attributes.get("href", "").startswith("#"):
                self.assertIn(attributes["href"][1:], ids)
        text = " ".join(page.texts)
        self.assertIn("The measure, point by point", text)
        self.assertIn("<script>alert(1)", text)
        self.assertIn("SHA-256 of the facts", text)

    def test_rules_explain_themselves(self):
        every = json.loads(run("--explain", "all", "--json").stdout)
        ids = [rule["id"] for rule in every]
        self.assertEqual(len(ids), len(set(ids)))
        for wanted in ("spf.lookups", "postfix.dane", "resolver.validates"):
            self.assertIn(wanted, ids)
        for rule in every:
            with self.subTest(rule=rule["id"]):
                self.assertTrue(rule["title"] and rule["looked_at"] and rule["page"])
        self.assertIn("postfix.dane\n", run("--explain", "postfix.dane").stdout.decode())

    def host(self, settings, services=""):
        """Options for a host whose Postfix has these settings."""
        (self.folder / "settings").write_text(settings)
        (self.folder / "services").write_text(services)
        program = self.folder / "postconf"
        program.write_text(POSTCONF.format(folder=self.folder))
        program.chmod(0o755)
        config = self.folder / "authmilter.toml"
        config.write_text('[milter]\nsocket = "unix:/run/a.sock"\n[identity]\nauthserv_id = "mx.good.example"\n'
                          '[policy]\nspf_fail = "accept"\n')
        return ("--zone", self.zone, "--dns-only", "--config", config, "--postconf", program)

    def test_the_mail_server_itself(self):
        """audit on a mail server looks at Postfix and at authmilter's own settings"""
        options = self.host("mail_version = 3.7.11\nsmtp_tls_security_level = may\nsmtpd_milters = unix:/run/a.sock\n")
        domain = self.json(*options, "good.example")[0]
        self.assertEqual(self.check(domain, "postfix.dane")["status"], "fail")
        self.assertEqual(self.check(domain, "postfix.tls_out")["status"], "pass")
        self.assertEqual(self.check(domain, "authmilter.spf")["status"], "fail")
        # Zone files are all the DNS there is: nobody else is asked.
        self.assertIsNone(self.check(domain, "resolver.validates"))
        self.assertIsNone(self.check(self.json(*options, "good.example", "--no-host")[0], "postfix.dane"))

    def test_postconf_that_does_not_end(self):
        options = self.host("")
        (self.folder / "postconf").write_text("#!/bin/sh\nsleep 60\n")
        domain = self.json(*options, "good.example")[0]
        self.assertEqual(self.check(domain, "postfix.dane")["status"], "unknown")

    def test_postconf_that_prints_without_end(self):
        options = self.host("")
        (self.folder / "postconf").write_text("#!/bin/sh\nexec yes a = b\n")
        domain = self.json(*options, "good.example")[0]
        self.assertEqual(self.check(domain, "postfix.dane")["status"], "unknown")

    def test_no_postfix(self):
        options = self.host("")
        (self.folder / "postconf").unlink()
        self.assertIsNone(self.check(self.json(*options, "good.example")[0], "postfix.dane"))

    def test_mail_of_what_became_worse(self):
        """audit-and-mail sends a mail when something became worse, and none otherwise"""
        state, sent = self.folder / "state", self.folder / "sent"
        state.mkdir()
        (self.folder / "list").write_text("good.example\n")
        sendmail = self.folder / "sendmail"
        sendmail.write_text(f"#!/bin/sh\ncat > {sent}\n")
        sendmail.chmod(0o755)
        environment = {**os.environ, "AUTHMILTER": COMMAND, "SENDMAIL": str(sendmail), "AUDIT_MAIL_TO": "joe@good.example"}

        def mail(*more):
            return subprocess.run(["sh", str(MAILER), str(state), str(self.folder / "list"), *map(str, self.usual), *more],
                                  env=environment, capture_output=True, timeout=120, check=False)

        first = mail()
        # The first run compares with nothing, and says what fails, if anything does.
        self.assertEqual(first.returncode, 0, first.stderr)
        sent.unlink(missing_ok=True)
        self.assertEqual((mail().returncode, sent.exists()), (0, False))
        self.zone.write_text(ZONE.replace("p=reject", "p=none"))
        self.assertEqual(mail().returncode, 0)
        self.assertIn("To: joe@good.example\n", sent.read_text())
        self.assertIn("worse: was in order, is to mend", on_one_line(sent.read_text()))
        wrong = mail("--profile", "/none")
        self.assertEqual(wrong.returncode, 78)


if __name__ == "__main__":
    ran.main()
