"""Mail from outside that comes back through a real Postfix is not signed as mail made here.

    returning_mail.py --programs FOLDER

In monitor mode a forgery in our own name is let through. It comes back by an alias that runs a command, which sends it
on to 127.0.0.1 as a list manager does, or by sendmail(1). Exit status 77 where there is no Postfix.
"""

import subprocess
import sys

from harness.bench import OUR_DOMAIN, OUR_NAME, STRANGER, USERS, Bench, fields_of, message, options_with_postfix
from harness.private_postfix import PrivatePostfix

AWAY = "someone@away.example"
REDIRECT = "redirect@alias.home.example"
RESULTS = "Authentication-Results"
OWN = ["From: Alice <alice@home.example>", f"To: {AWAY}", "Subject: Pay now"]

# What a list manager or a redirect does: the message goes on as it came, under another envelope.
COMMAND = """\
#!/usr/bin/python3
import smtplib, sys
text = sys.stdin.buffer.read()
if text.startswith(b"From "):  # local(8) begins as a mailbox does
    text = text.split(b"\\n", 1)[1]
with smtplib.SMTP("127.0.0.1", {port}, local_hostname="localhost", timeout=60) as smtp:
    smtp.sendmail("owner@{domain}", ["{away}"], text)
"""


class Postfix(PrivatePostfix):
    def __init__(self, bench):
        folder = bench.folder / "postfix"
        folder.mkdir()
        command = bench.folder / "redirect"
        super().__init__(folder, OUR_NAME, OUR_DOMAIN, users=USERS, settings=(
            "mynetworks = 127.0.0.1/32\nlocal_header_rewrite_clients =\n"
            f"mydestination = {REDIRECT.partition('@')[2]}\nlocal_transport = local\nlocal_recipient_maps =\n"
            f"alias_maps = inline:{{ {{ {REDIRECT.partition('@')[0]} = |{command} }} }}\n"
            f"smtpd_milters = {bench.socket}\nnon_smtpd_milters = {bench.socket}\nmilter_default_action = tempfail\n"),
            master="local     unix  - n n - - local\n")
        command.write_text(COMMAND.format(port=self.port, domain=OUR_DOMAIN, away=AWAY))
        command.chmod(0o755)

    def sendmail(self, text):
        """As a program on the host hands a message over."""
        subprocess.run(["/usr/sbin/sendmail", "-C", str(self.folder / "etc"), "-i", "-f", f"owner@{OUR_DOMAIN}", AWAY],
                       input=text.replace(b"\r\n", b"\n"), check=True, capture_output=True, timeout=60)


class Check:
    def __init__(self, bench, postfix):
        self.bench, self.postfix = bench, postfix
        self.wrong = 0

    def expect(self, what, good, shown):
        print(f"{'as it should be' if good else 'WRONG'}: {what}" + ("" if good else f"\n{shown}"))
        self.wrong += not good

    def arrives(self, marker, mailbox="outgoing"):
        content = self.postfix.delivered(mailbox, f"<{marker}@".encode(), timeout=60)
        if content is None:
            self.expect(f"{marker} arrives", False, self.bench.log() + self.postfix.log())
        return content

    def last(self):
        return self.bench.messages_logged()[-1]

    def not_signed(self, what, content):
        self.expect(f"{what}: no signature", fields_of(content, "DKIM-Signature") == [], content)
        ours = [value for value in fields_of(content, RESULTS) if OUR_NAME in value]
        self.expect(f"{what}: what was found stays", len(ours) == 1 and "dmarc=fail" in ours[0], ours)
        self.expect(f"{what}: the log says why", " sign=judged-before " in self.last(), self.last())

    def run(self):
        send = self.postfix.send
        send(message(OWN, "alias"), "x@attack.example", REDIRECT, client=STRANGER)
        self.not_signed("by an alias that runs a command", self.arrives("alias"))

        send(message(OWN, "mailbox"), "x@attack.example", f"user@{OUR_DOMAIN}", client=STRANGER)
        kept = self.arrives("mailbox", "incoming")
        self.postfix.sendmail(kept)
        self.not_signed("by sendmail(1)", self.arrives("mailbox"))

        self.postfix.sendmail(message(OWN, "fresh"))
        new = self.arrives("fresh")
        self.expect("new mail from sendmail(1) is signed", self.bench.signature_problems(new) == [], new)
        # ... and comes back by a list that has left it as it was.
        for path in (self.postfix.folder / "mail/outgoing/new").glob("*"):
            path.unlink()
        send(new, "list@attack.example", REDIRECT, client=STRANGER)
        again = self.arrives("fresh")
        self.expect("with its signatures it is vouched for, and not signed again",
                    self.bench.signature_problems(again) == [] and " sign=signed-before " in self.last(), self.last())
        return self.wrong


def main():
    options = options_with_postfix(__doc__)
    bench = Bench(options.programs)
    config = bench.folder / "authmilter.toml"
    config.write_text(config.read_text().replace("[policy]", '[verify]\nmode = "monitor"\n[policy]'))
    postfix = Postfix(bench)
    try:
        bench.start()
        postfix.start()
        return 1 if Check(bench, postfix).run() else 0
    finally:
        postfix.stop()
        bench.remove()


if __name__ == "__main__":
    sys.exit(main())
