"""Whose signatures a message gets and how they are made, as an independent verifier (python3-dkim) sees them.

    test_signatures.py AUTHMILTERD [unittest arguments]
"""

import sys
import unittest

from harness import ran
from harness.daemon import Daemon, make_key
from harness.milter_client import TEMPFAIL, apply_changes
from harness.signature_check import signatures_of, verifies

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"

HOSTING = '[signing]\ndirectory = "domains.d"\nalso = ["provider.example"]\n'
# What each says of its signatures.
DOMAINS = {
    "provider.example": "",
    "one.example": "",
    "two.example": 'also = []\norder = "ed25519-on-top"\nlifetime = "7d"\ncanonicalization = "simple/simple"\n'
                   'oversign = ["from", "autocrypt"]\noversign_present = []\n',
}
BODY = b"Hello.\r\n"


class Signatures(unittest.TestCase):
    def setUp(self):
        self.records = {}

    def prepare(self, daemon):
        (daemon.dir / "domains.d").mkdir()
        for domain, more in DOMAINS.items():
            keys = []
            for selector, algorithm in (("e", "ed25519"), ("r", "rsa")):
                path = daemon.dir / f"{domain}.{selector}.pem"
                text = f"v=DKIM1; k={algorithm}; p={make_key(path, algorithm)}"
                self.records[f"{selector}._domainkey.{domain}.".encode()] = text.encode()
                keys.append(f'{{ selector = "{selector}", file = "{path}" }}')
            self.write(daemon, domain, f'[[signing.domain]]\ndomain = "{domain}"\nkeys = [{", ".join(keys)}]\n{more}')

    def write(self, daemon, domain, text):
        (daemon.dir / "domains.d" / f"{domain}.toml").write_text(text)

    def send(self, daemon, domain, fields=(), earlier=()):
        """The answer, and the message as the MTA sends it on."""
        header = [*earlier, ("From", f" a@{domain}"), ("Subject", " s"), ("To", " b@away.example"), *fields]
        with daemon.client() as client:
            client.greet("127.0.0.1")
            result = client.deliver(header, BODY, mail_from=f"<a@{domain}>")
        return result, apply_changes(header, result.changes)

    def text(self, header):
        fields = "".join(f"{name}:{value}\n" for name, value in header)
        return fields.replace("\n", "\r\n").encode() + b"\r\n" + BODY

    def assert_signed_by(self, header, wanted):
        """Signatures from the top, each of which verifies."""
        content = self.text(header)
        found = signatures_of(content)
        self.assertEqual([f"{one.domain}/{one.selector}" for one in found], wanted)
        for one in found:
            self.assertTrue(verifies(content, one, self.look_up), (one, content))

    def look_up(self, name, timeout=5):
        return self.records.get(name, b"")

    def holding(self, header):
        content = self.text(header)
        return [one.selector for one in signatures_of(content) if verifies(content, one, self.look_up)]

    def test_a_provider_signs_beside_its_customers(self):
        rows = [  # author's domain, signatures from the top
            ("one.example", ["one.example/r", "one.example/e", "provider.example/r", "provider.example/e"]),
            ("two.example", ["two.example/e", "two.example/r"]),
            ("provider.example", ["provider.example/r", "provider.example/e"]),
            ("away.example", []),
        ]
        with Daemon(PROGRAM, more=HOSTING, prepare=self.prepare) as daemon:
            for domain, wanted in rows:
                with self.subTest(domain):
                    result, header = self.send(daemon, domain)
                    self.assertTrue(result.accepted, result)
                    self.assert_signed_by(header, wanted)
                    # What comes by once more stays as it is.
                    signed = [field for field in header if field[0] == "DKIM-Signature"]
                    _, again = self.send(daemon, domain, earlier=signed)
                    self.assertEqual(again, header)
            daemon.wait_for(r"keys=.?r\._domainkey\.one\.example,e\._domainkey\.one\.example,"
                            r"r\._domainkey\.provider\.example,e\._domainkey\.provider\.example")

    def test_what_one_domain_says_of_its_signatures(self):
        with Daemon(PROGRAM, more=HOSTING, prepare=self.prepare) as daemon:
            values = {}
            for domain in ("one.example", "two.example"):
                result, header = self.send(daemon, domain, [("Date", " d")])
                values[domain] = result.inserted("DKIM-Signature")
                with self.subTest(domain):
                    self.assertEqual(len(self.holding(header)), len(values[domain]))
                    # Nobody can add what was not there, where the domain says so.
                    key = [("Autocrypt", " addr=a@one.example; keydata=AAAA")]
                    left = self.holding(key + header)
                    self.assertEqual(len(left), 0 if domain == "two.example" else 4)
            for value in values["two.example"]:
                self.assertIn("c=simple/simple;", value)
                self.assertRegex(value, r"t=(\d+); x=(\d+);")
            for value in values["one.example"]:
                self.assertIn("c=relaxed/relaxed;", value)
                self.assertNotIn(" x=", value)

    def test_a_provider_whose_keys_cannot_be_had_holds_back_what_it_should_sign(self):
        rows = [  # why, the provider's file
            ("a file that cannot be read", "[["),
            ("a key that is not there", '[[signing.domain]]\ndomain = "provider.example"\n'
                                        'keys = [{ selector = "r", file = "none.pem" }]\n'),
        ]
        for why, text in rows:
            def broken(daemon):
                self.prepare(daemon)
                self.write(daemon, "provider.example", text)

            with self.subTest(why), Daemon(PROGRAM, more=HOSTING, prepare=broken) as daemon:
                result, _ = self.send(daemon, "one.example")
                self.assertEqual(result.status, TEMPFAIL, result)
                daemon.wait_for(r"sign=.?keys-unusable \(provider\.example: .*action=tempfail")
                # Mail that it does not sign, and mail of others.
                for domain in ("two.example", "away.example"):
                    result, _ = self.send(daemon, domain)
                    self.assertTrue(result.accepted, result)


if __name__ == "__main__":
    ran.main()
