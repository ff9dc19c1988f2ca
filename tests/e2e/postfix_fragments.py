"""Loads each file of contrib/postfix/ as it is into a private Postfix, and sends mail through it.

    postfix_fragments.py --programs FOLDER

Whatever the setup: a message from outside is judged once, one of ours is signed once. Runs in a network
of its own, because the ports are those that the files say.
"""

import contextlib
import shutil
import smtplib
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from dataclasses import dataclass

from harness.bench import (OUR_DOMAIN, OUR_NAME, ROOT, STRANGER, USERS, Bench, fields_of, make_socket_folder, message,
                           options_with_postfix, skip)
from harness.network import Unavailable, own_network
from harness.other_milter import TcpMilter, UnixMilter
from harness.private_postfix import PrivatePostfix
from harness.tables import keep_table, print_row

FRAGMENTS = ROOT / "contrib/postfix"
BELOW_QUEUE = "unix:{folder}/postfix/queue/authmilter/authmilter.sock"
CLUB = ["From: Club <news@club.example>", "To: user@home.example", "Subject: Club news"]
OWN = ["From: Alice <alice@home.example>", "To: someone@away.example", "Subject: From us"]
ALICE = "alice@home.example"
SOMEONE = "someone@away.example"

SETTINGS = """\
mynetworks = 127.0.0.1/32
local_header_rewrite_clients =
smtpd_tls_cert_file = {folder}/tls.pem
smtpd_tls_key_file = {folder}/tls.pem
"""
MASTER = "tlsmgr unix - - n 1000? 1 tlsmgr\n"


@dataclass
class Setup:
    """Files of contrib/postfix/, and what goes with them."""
    what: str
    main: tuple
    master: tuple = ()
    socket: str = BELOW_QUEUE
    settings: str = ""
    submission: bool = False
    scanner: bool = False
    others: bool = False


SETUPS = (
    Setup("smtpd in its chroot", ("main.cf.authmilter",)),
    Setup("TCP", ("main.cf.tcp",), socket="inet:8891@127.0.0.1"),
    Setup("users on the submission service", ("main.cf.authmilter",), ("master.cf.submission",), submission=True),
    Setup("strangers on a service named ORIGINATING", ("main.cf.authmilter",),
          settings="milter_macro_daemon_name = ORIGINATING\n"),
    Setup("a content filter behind the queue", ("main.cf.authmilter", "main.cf.content-filter"),
          ("master.cf.content-filter",), scanner=True),
    Setup("other filters before and after", ("main.cf.other-milters",), others=True),
)


class Scanner(socketserver.StreamRequestHandler):
    """A content filter: takes mail by SMTP, puts a field on top and hands it back to Postfix."""

    def handle(self):
        with contextlib.suppress(ConnectionResetError):
            self._converse()

    def _converse(self):
        self._say("220 scanner")
        for line in self.rfile:
            words = line.decode().strip()
            verb = words.split(" ")[0].upper()
            if verb == "MAIL":
                sender, recipients = path_of(words), []
            elif verb == "RCPT":
                recipients.append(path_of(words))
            elif verb == "DATA":
                self._say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                with smtplib.SMTP("127.0.0.1", 10025) as back:
                    back.sendmail(sender, recipients, b"X-Scanned: yes\r\n" + text.replace(b"\r\n.", b"\r\n"))
            self._say("221 bye" if verb == "QUIT" else "250 fine")

    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")


class ScannerServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def path_of(command):
    return command[command.index("<") + 1:command.index(">")]


class Laboratory:
    """One setup, running."""

    def __init__(self, bench, setup):
        self.bench = bench
        self.setup = setup
        folder = bench.folder / "postfix"
        folder.mkdir()
        bench.serve_on(setup.socket.format(folder=bench.folder))
        self.postfix = PrivatePostfix(
            folder, OUR_NAME, OUR_DOMAIN, users=USERS,
            settings=SETTINGS.format(folder=bench.folder) + setup.settings + texts(setup.main),
            master=MASTER + texts(setup.master))
        for service in (f"127.0.0.1:{self.postfix.port}/inet", "cleanup/unix"):
            subprocess.run(["postconf", "-c", folder / "etc", "-F", service + "/chroot=y"], check=True)
        for name in ("authmilter", "before"):
            make_socket_folder(folder / "queue" / name)
        self._servers = []

    def start(self):
        queue = self.postfix.folder / "queue"
        if self.setup.scanner:
            self._serve(ScannerServer(("127.0.0.1", 10024), Scanner))
        if self.setup.others:
            self.before = self._serve(UnixMilter(str(queue / "before/before.sock"), "X-Before"))
            self.after = self._serve(TcpMilter(("127.0.0.1", 11332), "X-After"))
            (queue / "before/before.sock").chmod(0o666)
        self.bench.start()
        self.postfix.start()

    def _serve(self, server):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)
        return server

    def stop(self):
        self.postfix.stop()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self.bench.stop()
        shutil.rmtree(self.postfix.folder)

    def submit(self, text):
        """By a user at another place."""
        if not self.setup.submission:
            return self.postfix.send(text, ALICE, SOMEONE, client=STRANGER, login=ALICE)[0]
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP("127.0.0.1", 587, source_address=(STRANGER, 0)) as smtp:
            smtp.starttls(context=trusting)
            smtp.login(ALICE, USERS[ALICE])
            smtp.sendmail(ALICE, [SOMEONE], text)
        return "250 sent"

    def make_here(self, text):
        """By a program on this machine."""
        subprocess.run(["sendmail", "-C", self.postfix.folder / "etc", "-i", "-f", ALICE, SOMEONE],
                       input=text.replace(b"\r\n", b"\n"), check=True, capture_output=True)
        return "250 taken"

    def check(self, how):
        """What is wrong with a message that goes this way."""
        ways = {
            "judged": (CLUB, "incoming", lambda text: self.postfix.send(text, "news@club.example",
                                                                       "user@home.example", client=STRANGER)[0]),
            "submitted": (OWN, "outgoing", self.submit),
            "made here": (OWN, "outgoing", self.make_here),
        }
        headers, mailbox, send = ways[how]
        marker = how.replace(" ", "-")
        logged = len(self.bench.messages_logged())
        reply = send(message(headers, marker))
        content = self.postfix.delivered(mailbox, marker.encode())
        if content is None:
            return [f"not delivered: {reply}"]
        lines = self.bench.messages_logged()[logged:]
        problems = [] if len(lines) == 1 else [f"authmilter had it {len(lines)} times"]
        ours = [value for value in fields_of(content, "Authentication-Results") if OUR_NAME in value]
        if how == "judged":
            if len(ours) != 1 or "spf=fail" not in ours[0] or " action=tag " not in lines[0]:
                problems.append(f"results: {ours}")
            if fields_of(content, "Subject") != [" [suspicious] Club news"]:
                problems.append(f"Subject: {fields_of(content, 'Subject')}")
            if fields_of(content, "DKIM-Signature"):
                problems.append("signed")
        else:
            problems += self.bench.signature_problems(content)
            if ours:
                problems.append("judged")
        if self.setup.scanner and fields_of(content, "X-Scanned") != [" yes"]:
            problems.append("it has not been in the content filter")
        if self.setup.others and how != "made here":
            problems += self.problems_with_others("DKIM-Signature" if how == "submitted" else "Authentication-Results")
        return problems

    def problems_with_others(self, our_field):
        """Each filter must see what those before it have added, and no more."""
        before, after = ((other.seen or [[]])[-1] for other in (self.before, self.after))
        problems = []
        if our_field in before or "X-Before" not in after or our_field not in after:
            problems.append(f"the filter before saw {before}, the one after {after}")
        return problems


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + OUR_NAME,
                    "-keyout", folder / "tls.pem", "-out", folder / "certificate"], check=True, capture_output=True)
    with open(folder / "tls.pem", "a") as out:
        out.write((folder / "certificate").read_text())


def texts(names):
    return "".join((FRAGMENTS / name).read_text() for name in names)


def run(bench, setup):
    """(whether something is wrong, Postfix's version, what came of each way in)."""
    laboratory = Laboratory(bench, setup)
    wrong = True
    try:
        laboratory.start()
        found = {how: laboratory.check(how) for how in ("judged", "submitted", "made here")}
        wrong = any(found.values())
    finally:
        if wrong:
            print(bench.log(), laboratory.postfix.log(), sep="\n", file=sys.stderr)
        laboratory.stop()
    ways = [f"{how}: " + ("; ".join(problems) or "once") for how, problems in found.items()]
    print_row((setup.what, *ways), (40, 24, 24, 24))
    return wrong, laboratory.postfix.version(), ", ".join(ways)


def main():
    options = options_with_postfix(__doc__)
    try:
        own_network()
    except Unavailable as reason:
        skip(reason)

    bench = Bench(options.programs)
    try:
        make_certificate(bench.folder)
        found = [run(bench, setup) for setup in SETUPS]
    finally:
        bench.remove()
    failed = sum(wrong for wrong, _, _ in found)
    keep_table("postfix_fragments", {f"Postfix {found[0][1]}": [
        (setup.what, ways) for setup, (_, _, ways) in zip(SETUPS, found)]})
    print(f"{len(SETUPS) - failed} of {len(SETUPS)} setups are as they should be.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
