"""Attacks on a host that signs: everybody with an account would like to be somebody else.

    signing_attacks.py AUTHMILTERD [unittest arguments]
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import dkim

from harness import ran
from harness.victim import AR, SMUGGLING, Row, Victim, as_bytes, check, mc, split

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"

OURS = split("From: Alice <alice@victim.com>\r\nTo: b@other.com\r\nSubject: x\r\n"
             "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@victim.com>\r\n")
ALICE = {"auth_user": "alice", "mail_from": "<alice@victim.com>"}


def signatures(result):
    return result.inserted("DKIM-Signature")


class Signing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Victim(PROGRAM, signs_for=["victim.com", "tenant2.com"])
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def send(self, headers, body=b"Hello.\r\n", **envelope):
        result = self.daemon.deliver(headers, body, **envelope)
        self.assertTrue(result.accepted, result)
        return result

    def test_who_may_sign_what(self):
        """An unsigned message goes on: it is not ours to refuse what an authenticated user sends (contract; the rows
        would like a 550), and whoever gets it can see that nobody answers for it."""
        rows = [
            ("as it should be", OURS, ALICE, 1),
            ("A148", split("From: <alice@victim.com>\r\nFrom: <admin@victim.com>\r\n"), ALICE, 0),
            ("A149", split("From: <alice@victim.com>, <admin@tenant2.com>\r\n"), ALICE, 0),
            ("A149: of one domain, which is what a login stands for",
             split("From: <alice@victim.com>, <admin@victim.com>\r\n"), ALICE, 1),
            ("A149", split("From: admin@victim.com\\,<alice@victim.com>\r\n"), ALICE, 0),
            ("A150", split("From: <ceo@tenant2.com>\r\n"), ALICE, 0),
            ("A150: login of another", split("From: <ceo@tenant2.com>\r\n"),
             {"auth_user": "alice@victim.com", "mail_from": "<ceo@tenant2.com>"}, 0),
            ("A150: reverse-path that cannot be read", OURS, {"auth_user": "alice", "mail_from": "<(a@victim.com>"}, 0),
            ("A195: a sign at the end", OURS, {"auth_user": "mallory@tenant2.com@", "mail_from": "<a@victim.com>"}, 0),
            ("A195: a blank at the end", OURS, {"auth_user": "mallory@tenant2.com ", "mail_from": "<a@victim.com>"}, 0),
            ("A195: an instance", OURS, {"auth_user": "mallory@tenant2.com/phone", "mail_from": "<a@victim.com>"}, 0),
            ("A195: an address literal", OURS, {"auth_user": "mallory@[192.0.2.1]", "mail_from": "<a@victim.com>"}, 0),
            ("A195: no domain", OURS, {"auth_user": "mallory@", "mail_from": "<a@victim.com>"}, 0),
            ("A212: a fullwidth sign", OURS, {"auth_user": "mallory\uff20tenant2.com", "mail_from": "<a@victim.com>"}, 0),
            ("A153: no From", split("Sender: alice@victim.com\r\n"), ALICE, 0),
            ("A153: encoded", split("From: =?utf-8?B?YWxpY2VAdmljdGltLmNvbQ==?=\r\n"), ALICE, 0),
            ("A153: no domain name", split("From: alice@victim..com\r\n"), ALICE, 0),
            ("A156: a name as a path", split("From: a@../../etc/victim.com\r\n"), ALICE, 0),
            ("A156: a name as a format", split("From: a@%d%s.victim.com\r\n"), ALICE, 0),
            ("A156: NUL, which C strings lose", split("From: a@victim.com\0../x\r\n"), ALICE, 1),
            ("A157: a long local part", split(f"From: {'a' * 3900}@victim.com\r\n"), ALICE, 1),
            ("A157: a longer one", split(f"From: {'a' * 64000}@victim.com\r\n"), ALICE, 0),
            ("A158: a bounce of ours", split("From: MAILER-DAEMON@victim.com\r\n"),
             {"client": "127.0.0.1", "mail_from": "<>"}, 1),
            ("A158: local", split("From: MAILER-DAEMON@victim.com\r\n"), {"client": None, "version": "8.17.1.9", "mail_from": "<>"}, 1),
        ]
        for why, headers, envelope, count in rows:
            with self.subTest(why):
                self.assertEqual(len(signatures(self.send(headers, **envelope))), count)

    def test_no_oracle(self):
        """A151: what comes in is judged, and never signed, whosever name it bears."""
        forged = self.daemon.deliver(OURS)
        check(self, Row("", OURS, reply=r"^550 5\.7\.26 "), forged)
        self.assertEqual(signatures(forged), [])
        # A50: nor if nobody knows who the client was, since it has reset the connection.
        unknown = self.daemon.deliver(OURS, client=None, version="Postfix 3.7.11")
        check(self, Row("", OURS, reply=r"^550 5\.7\.26 "), unknown)
        genuine = self.daemon.deliver(OURS, client="198.51.100.1", mail_from="<alice@victim.com>")
        self.assertTrue(genuine.accepted)
        self.assertEqual(signatures(genuine), [])

    def test_what_comes_back(self):
        """A151: a forgery that was let through (monitor mode, a tag, p=none) and comes back by sendmail(1), from an
        alias that runs a command, by a redirect or from a list manager, is not signed, and keeps what was found."""
        def results(text, name="mx.victim.com"):
            return (AR, f" {name}; {text}")
        failed = results("spf=fail smtp.mailfrom=attack.com; dkim=none; dmarc=fail header.from=victim.com")
        passed = results("spf=pass smtp.mailfrom=victim.com; dmarc=pass header.from=victim.com")
        lost = (AR, " mx.victim.com;\n\tdmarc=permerror (judged before)")
        others = results("dmarc=fail header.from=victim.com", "mx.other.com")
        rows = [  # (why, results on top, signed, results that stay)
            ("new", [], 1, []),
            ("A151", [failed], 0, [failed]),
            ("A151: in another spelling", [(AR + " ", ' (c)"MX.victim.COM." 1 ; dmarc=fail')], 0, 1),
            ("A151: vouched for", [passed], 1, []),
            ("A151: for somebody else", [results("dmarc=pass header.from=attack.com")], 0, [lost]),
            ("A251: rewritten", [results("dmarc=fail header.from==?utf-8?q?victim=2Ecom?=")], 0, [lost]),
            ("A151: no policy", [results("dmarc=none header.from=victim.com")], 0, 1),
            ("A210: both, one below the other", [passed, failed], 0, [failed]),
            ("A210: the other way round", [failed, passed], 0, [failed]),
            ("another host's", [others], 1, [others]),
        ]
        for submission in ({"client": "127.0.0.1"}, {"client": None, "version": "8.17.1.9"}):
            for why, above, count, left in rows:
                with self.subTest(why, **submission):
                    result = self.send(above + OURS, mail_from="<any@attack.com>", **submission)
                    self.assertEqual(len(signatures(result)), count)
                    after = [f for f in mc.apply_changes(above + OURS, result.changes) if f[0].strip() == AR]
                    self.assertEqual(after, above[:1] if left == 1 else left)

    def test_signed_before(self):
        """A211: mail of ours that comes back with a signature that holds is not signed anew, with what was added."""
        signed = mc.apply_changes(OURS, self.send(OURS, **ALICE).changes)
        for submission in ({"client": "127.0.0.1", "mail_from": "<any@attack.com>"}, ALICE):
            again = self.send([("Sender", " x@attack.com")] + signed, **submission)
            self.assertEqual(signatures(again), [])
            self.assertEqual(len(signatures(self.send(signed, b"Another body.\r\n", **submission))), 1)

    def test_added_fields(self):
        """A152: nobody can add a field to what we signed. Those of which an MTA may add one where there is none (Date,
        for example) can be added once; that shows in the log where a reader is shown the field, and a receiver may be
        strict about it (A213). And none that was signed can be changed or taken away."""
        always = ["Subject", "To", "Cc", "Reply-To"]
        where_present = ["Date", "Message-ID", "Sender", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
        acted_upon = ["Content-Disposition", "In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post",
                      "Autocrypt"]
        whole = OURS + [(name, " inline") for name in acted_upon] + split("Sender: alice@victim.com\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
                             "Content-Transfer-Encoding: 7bit\r\nCc: c@other.com\r\nReply-To: alice@victim.com\r\n")
        bare = OURS[:1]
        with Victim(PROGRAM, '[verify]\nadded_fields = "not-a-pass"\n', zone=self.key_line() + "\n") as strict:
            for what, message in (("whole", whole), ("bare", bare)):
                signed = mc.apply_changes(message, self.send(message, **ALICE).changes)
                self.assertTrue(self.daemon.deliver(signed).accepted)
                self.assertTrue(strict.deliver(signed).accepted)
                for name in always + where_present + acted_upon:
                    for spelling in (name, name.upper(), name + " "):
                        with self.subTest(what, added=spelling):
                            more = [(spelling, " text/html; m@attack.com")] + signed
                            closed = what == "whole" or name in always
                            self.assertEqual(self.daemon.deliver(more).status, mc.REJECT if closed else mc.CONTINUE)
                            shows = closed or name not in acted_upon
                            self.assertEqual(strict.deliver(more).status, mc.REJECT if shows else mc.CONTINUE)
        signed = mc.apply_changes(OURS, self.send(OURS, **ALICE).changes)
        accepted = self.daemon.deliver(signed)
        self.assertIn("dmarc=pass", accepted.inserted(AR)[0])
        self.assertEqual(self.daemon.deliver([("From", " <x@victim.com>")] + signed).status, mc.REJECT)
        for name, _ in OURS:
            with self.subTest(name):
                for other in ([(n, " <x@victim.com>" if n == name else v) for n, v in signed],
                              [field for field in signed if field[0] != name]):
                    self.assertEqual(self.daemon.deliver(other).status, mc.REJECT)
        self.assertNotRegex(signatures(self.send(OURS, **ALICE))[0], r"[;\s]l=")

    def test_what_others_make_of_it(self):
        """A154, A137: whatever line ends a message has, its signature is of the octets that the MTA sends."""
        bodies = [b"", b"\r\n", b"no end", b"trailing \t \r\n\r\n\r\n", b"x" * 5000 + b"\r\n", b"\xff\xfe\r\n",
                  # A215
                  b"a \rb\r\n", b"> quoted \r\r\nb\r\n", b"\ra\r\n\r\r\n", b"a" + b"\r" * 1500 + b"b\r\n"]
        for body in bodies + [b"Hello." + sequence + b"MAIL FROM:<x@victim.com>\r\n" for sequence in SMUGGLING]:
            with self.subTest(body[:30]):
                headers = mc.apply_changes(OURS, self.send(OURS, body, **ALICE).changes)
                received = self.daemon.deliver(headers, body)
                self.assertIn("dkim=pass", received.inserted(AR)[0])
                if b"\r" in body.replace(b"\r\n", b"") or b"\n" in body.replace(b"\r\n", b""):
                    continue  # python3-dkim makes other lines of these
                text = b"".join(as_bytes(n) + b":" + as_bytes(v).replace(b"\n", b"\r\n") + b"\r\n" for n, v in headers)
                self.assertTrue(dkim.verify(text + b"\r\n" + body, dnsfunc=self.key_record))

    def key_record(self, name, timeout=5):
        assert name == b"s1._domainkey.victim.com.", name
        return "".join(self.key_line().split('"')[1::2]).encode()

    def key_line(self):
        zone = (self.daemon.dir / "zone").read_text()
        return next(one for one in zone.splitlines() if one.startswith("s1._domainkey.victim.com."))

    def test_key_files(self):
        """A155: at the start, before there is any message."""
        key = self.daemon.key_pem
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            good = folder / "good.pem"
            good.write_bytes(key)
            good.chmod(0o600)

            def made(file, octets=key, mode=0o600):
                path = folder / file
                path.write_bytes(octets)
                path.chmod(mode)
                return path
            link = folder / "link.pem"
            link.symlink_to(good)
            fifo = folder / "fifo.pem"
            subprocess.run(["mkfifo", "-m", "600", fifo], check=True)
            short = subprocess.run(["openssl", "genrsa", "512"], capture_output=True, check=False).stdout
            secret = subprocess.run(["openssl", "pkey", "-aes128", "-passout", "pass:x"], input=key,
                                    capture_output=True, check=True).stdout
            open_folder = folder / "open"
            open_folder.mkdir()
            (open_folder / "k.pem").write_bytes(key)
            (open_folder / "k.pem").chmod(0o600)
            open_folder.chmod(0o777)
            rows = [("good", good, True), ("missing", folder / "none.pem", False),
                    ("readable by all", made("644.pem", mode=0o644), False), ("symbolic link", link, False),
                    ("FIFO", fifo, False), ("512 bits", made("512.pem", short), False),
                    ("passphrase", made("aes.pem", secret), False), ("10 MB", made("big.pem", key + b"\n" * 10_000_000), False),
                    ("empty", made("empty.pem", b""), False), ("a folder that all may write", open_folder / "k.pem", False)]
            if os.geteuid() == 0:  # who can give files away
                foreign = made("foreign.pem", mode=0o640)
                os.chown(foreign, 0, 12345)
                team = folder / "team"
                team.mkdir()
                (team / "k.pem").write_bytes(key)
                (team / "k.pem").chmod(0o600)
                team.chmod(0o775)
                theirs = folder / "theirs"
                theirs.mkdir()
                (theirs / "k.pem").write_bytes(key)
                (theirs / "k.pem").chmod(0o600)
                os.chown(theirs, 12345, 0)
                rows += [("our group may read it", made("ours.pem", mode=0o640), True),
                         ("A236: another group may", foreign, False),
                         ("A236: a folder that a group may write", team / "k.pem", False),
                         ("A236: a folder of somebody else", theirs / "k.pem", False)]
            for why, path, accepted in rows:
                with self.subTest(why):
                    config = folder / "c.toml"
                    config.write_text(f'[[signing.domain]]\ndomain = "victim.com"\nkeys = [{{ selector = "s", file = "{path}" }}]\n'
                                      '[identity]\nauthserv_id = "mx.victim.com"\n')
                    done = subprocess.run([PROGRAM, "--check-config", "--config", config], capture_output=True, text=True,
                                          timeout=20, stdin=subprocess.DEVNULL)
                    self.assertEqual(done.returncode, 0 if accepted else 78, done.stderr)
                    self.assertNotIn("BEGIN", done.stderr)


if __name__ == "__main__":
    ran.main()
