"""Large messages: how much memory and time they take.

    large_faults.py AUTHMILTERD [unittest arguments]

The longest body has 128 MiB, or AUTHMILTER_TEST_BODY_MIB as the environment says: 1024 takes eight times as long.
"""

import base64
import os
import subprocess
import sys
import time

import dkim

from harness import faults, ran
from harness.daemon import key_record
from harness.faults import AR, ATTACKER, LEGIT, Victim, check, mc, split

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
MIB = 1 << 20
BODY_MIB = int(os.environ.get("AUTHMILTER_TEST_BODY_MIB", "128"))
# No line is too long for any MTA, and each kind of blank occurs that relaxed canonicalization changes.
LINES = b"".join(b"line %d \t of  the body%s\r\n" % (i, b" " * (i % 3)) for i in range(40000))
CHUNK = LINES[:65000].rpartition(b"\n")[0] + b"\n"


def stream(client, headers, octets, **envelope):
    """Delivers a message whose body is never in one piece anywhere."""
    client.begin(**envelope)
    for name, value in headers:
        client.header(name, value)
    client.end_of_headers()
    sent = 0
    while sent < octets:
        if client.body(CHUNK) == mc.SKIPPED:
            raise AssertionError(f"skipped after {sent} octets")
        sent += len(CHUNK)
    return client.end_of_message(i="large")


class Large(faults.TestCase):
    def test_a_body_in_constant_memory(self):
        """Signed and verified, with both canonicalizations."""
        with Victim(PROGRAM, signs_for=["victim.com"]) as daemon:
            self.check_judges(daemon)
            headers = split("From: a@victim.com\r\nSubject: large\r\n")
            peaks = {}
            for size in (8, BODY_MIB):
                began, used = time.monotonic(), daemon.cpu_seconds()
                with daemon.client(timeout=120) as client:
                    client.greet(ATTACKER)
                    signed = stream(client, headers, size * MIB, mail_from="<a@victim.com>", auth_user="a")
                    signature = [c for c in signed.changes if c[2] == "DKIM-Signature"]
                    self.assertEqual(len(signature), 1, signed)
                    middle = time.monotonic()
                    judged = stream(client, mc.apply_changes(headers, signed.changes), size * MIB,
                                    mail_from="<a@victim.com>")
                    self.assertIn("dkim=pass", judged.inserted(AR)[0])
                    self.assertIn("dmarc=pass", judged.inserted(AR)[0])
                peaks[size] = daemon.memory(peak=True)
                print(f"{size} MiB: signed in {middle - began:.1f} s, verified in {time.monotonic() - middle:.1f} s, "
                      f"CPU {daemon.cpu_seconds() - used:.1f} s, at most {peaks[size] / MIB:.1f} MiB", flush=True)
            self.assertLess(peaks[BODY_MIB] - peaks[8], daemon.allowed(2 * MIB))
            self.check_judges(daemon)


class ManySignatures(faults.TestCase):
    @classmethod
    def setUpClass(cls):
        made = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
                              check=True, capture_output=True).stdout
        public = subprocess.run(["openssl", "pkey", "-pubout", "-outform", "DER"], input=made, check=True,
                                capture_output=True).stdout
        cls.key = made
        cls.zone = "".join(key_record(f"big{n}._domainkey.legitimate.com.", base64.b64encode(public).decode())
                           for n in range(11))
        cls.body = LINES * (10 * MIB // len(LINES))
        # The body is canonicalized and hashed by the signer once for each.
        text = b"".join(b"%s:%s\r\n" % (n.encode(), v.encode()) for n, v in LEGIT) + b"\r\n" + cls.body
        cls.signatures = []
        for n in range(11):
            field = dkim.sign(text, b"big%d" % n, b"legitimate.com", cls.key, include_headers=[b"From", b"Subject"],
                              canonicalize=(b"relaxed", (b"simple", b"relaxed")[n % 2]))
            cls.signatures.append(("DKIM-Signature", field.decode().partition(":")[2].rstrip().replace("\r\n", "\n")))

    def test_ten_of_rsa_4096(self):
        """Ten count, the eleventh is not looked at, and the time is that of ten."""
        with Victim(PROGRAM, zone=self.zone) as daemon:
            self.check_judges(daemon)
            for count in (1, 10, 11):
                # The most that the configuration looks at is 10.
                with self.subTest(count=count):
                    began, used = time.monotonic(), daemon.cpu_seconds()
                    result = daemon.deliver(self.signatures[:count] + LEGIT, self.body)
                    print(f"{count} signatures on {len(self.body) / MIB:.1f} MiB: {time.monotonic() - began:.2f} s, "
                          f"CPU {daemon.cpu_seconds() - used:.2f} s", flush=True)
                    results = result.inserted(AR)[0]
                    self.assertIn("dmarc=pass", results)
                    self.assertEqual(results.count("dkim=pass"), min(count, 10), results)
                    self.assertEqual(results.count("dkim=policy reason=too-many-signatures"), int(count > 10), results)
            # The one that would make it pass is behind ten that do not.
            broken = [(name, value.replace("s=big", "s=none")) for name, value in self.signatures[:10]]
            check(self, faults.FORGED, daemon.deliver(broken + self.signatures[10:] + LEGIT, self.body))
            self.check_judges(daemon)


if __name__ == "__main__":
    ran.main()
