"""Ten domains change their keys twice under a stream of mail through Postfix, and no message is lost by it.

    rotation.py --programs FOLDER

The zones stand on two name servers, of which the second lags behind; records go there by nsupdate, as `authmilter key
publish` writes them. Each message is verified when it has been delivered, and again and again until three days later, at
each of the two servers with python3-dkim and through a resolver with `authmilter verify`. Days pass by --time. Exit status
77 where Postfix or Knot DNS is not to be had.
"""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from harness.bench import make_socket_folder, message, options_with_postfix, skip
from harness.network import free_port
from harness.primary_and_secondary import PRIMARY, SECONDARY, PrimaryAndSecondary, txt_records
from harness.private_postfix import PrivatePostfix
from harness.signature_check import signatures_of, verifies
from harness.unpacked_packages import Missing

MINUTE, HOUR, DAY = 60, 3600, 86400
PATIENCE = 60
DOMAINS = [f"d{number}.example" for number in range(10)]
# Its new record is deleted by hand.
CARELESS = "d3.example"
OLD = {"rsa": "old", "ed25519": "olded"}

CONFIG = """\
[milter]
socket = "unix:{folder}/run/authmilter/authmilter.sock"
socket_group = "postfix"
[identity]
authserv_id = "mx.d0.example"
[dns]
nameservers = ["127.0.0.1@{resolver}"]
dnssec = "off"
[signing]
directory = "domains.d"
state_directory = "states"
[rotation]
selector = "am%Y%m%d"
[log]
target = "stderr"
"""
DROP_IN = """\
[[signing.domain]]
domain = "{domain}"
keys = [
  {{ selector = "old", file = "{folder}/keys/{domain}.rsa.pem" }},       # since 2024
  {{ selector = "olded", file = "{folder}/keys/{domain}.ed25519.pem" }},
]
"""
# What it keeps would be of another time, and there are no other names.
UNBOUND = """\
server:
    interface: 127.0.0.1
    port: {port}
    username: ""
    chroot: ""
    pidfile: ""
    directory: "{folder}"
    use-syslog: no
    logfile: "{folder}/unbound.log"
    cache-max-ttl: 0
    cache-max-negative-ttl: 0
    module-config: "iterator"
    do-not-query-localhost: no
    local-zone: "." static
{transparent}
remote-control:
    control-enable: no
"""


class Mail:
    """A message that was delivered, and when."""

    def __init__(self, content, sent):
        self.content, self.sent, self.looked_at = content, sent, False
        self.domain = content.split(b"\nFrom: a@", 1)[1].split(b"\n", 1)[0].strip().decode()
        self.selectors = {signature.selector for signature in signatures_of(content)}


class Hosting:
    def __init__(self, programs):
        self.programs = pathlib.Path(programs).resolve()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-rotation.", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self.now = int(time.time())
        self.wrong, self.alive, self.seen, self.count = 0, [], set(), itertools.count()
        self.messages = self.verifications = 0
        self.stop_stream = threading.Event()
        self.stream = threading.Thread(target=self._stream)
        self.records = self._make_keys()
        self.zones = PrimaryAndSecondary(self.folder, {domain: self.records[domain] for domain in DOMAINS})
        self.resolver = free_port()
        config = CONFIG.format(folder=self.folder, resolver=self.resolver)
        (self.folder / "authmilter.toml").write_text(config)
        (self.folder / "run").mkdir()
        make_socket_folder(self.folder / "run/authmilter")
        mail = self.folder / "postfix"
        mail.mkdir()
        self.postfix = PrivatePostfix(mail, "mx.d0.example", "inside.example", settings=(
            f"smtpd_milters = unix:{self.folder}/run/authmilter/authmilter.sock\nmilter_default_action = tempfail\n"))

    def _make_keys(self):
        for name in ("keys", "states", "domains.d"):
            (self.folder / name).mkdir()
        records = {}
        for domain in DOMAINS:
            made = [self.command("key", "generate", "--type", kind, "--domain", domain, "--selector", selector, "--out",
                                 f"keys/{domain}.{kind}.pem").stdout for kind, selector in OLD.items()]
            records[domain] = "".join(made)
            (self.folder / f"domains.d/{domain}.toml").write_text(DROP_IN.format(domain=domain, folder=self.folder))
        for path in (self.folder / "keys", *(self.folder / "keys").iterdir(), self.folder / "states"):
            shutil.chown(path, "nobody")
        return records

    def command(self, *arguments, given=None, good=(0,)):
        done = subprocess.run([self.programs / "tools/authmilter", *arguments], cwd=self.folder, input=given,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode not in good:
            raise RuntimeError(f"authmilter {' '.join(map(str, arguments))}: {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def key(self, action, *arguments, good=(0,)):
        at = [] if action == "publish" else ["--time", str(self.now)]
        return self.command("key", action, "--config", "authmilter.toml", *at, *arguments, good=good)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            stack.enter_context(self.zones)
            self._start_resolver(stack)
            self._start_daemon(stack)
            stack.callback(self.postfix.stop)
            self.postfix.start()
            stack.callback(self._end_stream)
            self.stream.start()
            self.ends = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self.ends.__exit__(*exception)

    def _end_stream(self):
        self.stop_stream.set()
        self.stream.join(PATIENCE)

    def _start(self, stack, command, **options):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
        stack.callback(process.wait, PATIENCE)
        stack.callback(process.terminate)
        return process

    def _start_resolver(self, stack):
        config = self.folder / "unbound.conf"
        config.write_text(UNBOUND.format(
            port=self.resolver, folder=self.folder,
            transparent="".join(f'    local-zone: "{domain}." transparent\n' for domain in DOMAINS)) + "".join(
            f"stub-zone:\n    name: {domain}\n    stub-no-cache: yes\n    stub-addr: {PRIMARY}@{self.zones.port}\n"
            f"    stub-addr: {SECONDARY}@{self.zones.port}\n" for domain in DOMAINS))
        self._start(stack, ["unbound", "-d", "-c", config],
                    env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin"})

    def _start_daemon(self, stack):
        with open(self.folder / "log", "ab") as log:
            self.daemon = self._start(
                stack, ["setpriv", "--reuid=nobody", "--regid=postfix", "--clear-groups", self.programs / "authmilterd",
                        "--config", self.folder / "authmilter.toml"], stdout=log, stderr=log)
        self.wait_for(lambda: "serving" in self.log(), "authmilterd serves")

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def wait_for(self, happened, what):
        deadline = time.monotonic() + PATIENCE
        while not happened():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: not within {PATIENCE} s\n{self.log()[-4000:]}{self.postfix.log()[-1000:]}")
            time.sleep(0.1)

    def expect(self, what, good, shown=""):
        print(f"{'as it should be' if good else 'WRONG'}: {what}" + ("" if good else f"\n{shown}"), flush=True)
        self.wrong += not good

    def reload(self):
        """As `systemctl reload` does."""
        before = self.log().count("configuration reloaded")
        self.daemon.send_signal(signal.SIGHUP)
        self.wait_for(lambda: self.log().count("configuration reloaded") > before, "the configuration is read again")

    # mail

    def send(self, domain):
        text = message([f"From: a@{domain}", "To: b@away.example", "Subject: s"], f"m{next(self.count)}")
        reply, _ = self.postfix.send(text, f"a@{domain}", "b@away.example")
        if not reply.startswith("250 "):
            self.expect(f"Postfix takes mail of {domain}", False, reply + self.log()[-2000:])

    def _stream(self):
        for domain in itertools.cycle(DOMAINS):
            if self.stop_stream.wait(1):
                return
            self.send(domain)

    def collect(self):
        """What has been delivered since the last time."""
        fresh = []
        for path in sorted((self.postfix.folder / "mail/outgoing/new").glob("*")):
            if path.name not in self.seen:
                self.seen.add(path.name)
                fresh.append(Mail(path.read_bytes(), self.now))
        self.messages += len(fresh)
        self.alive += fresh
        return fresh

    def signers(self, what):
        """The selectors that have signed a message of each domain."""
        self.collect()
        for domain in DOMAINS:
            self.send(domain)
        found = {}

        def all_came():
            for mail in self.collect():
                found[mail.domain] = mail.selectors
            return len(found) == len(DOMAINS)

        self.wait_for(all_came, what)
        return found

    def round(self, what):
        """The same, and all that is under way is verified."""
        found = self.signers(what)
        self.verify(what)
        return found

    def verify(self, what):
        """Whatever is under way can be verified now, whoever is asked."""
        problems = [f"{mail.domain} {mail.selectors}, {(self.now - mail.sent) / HOUR:.0f} hours old: {problem}"
                    for mail in self.alive for problem in self.problems_of(mail)]
        self.verifications += len(self.alive)
        self.expect(f"{what}: {len(self.alive)} messages verify", not problems, "\n".join(problems[:10]))
        self.alive = [mail for mail in self.alive if self.now - mail.sent < 3 * DAY]

    def problems_of(self, mail):
        for address in (PRIMARY, SECONDARY):
            texts = lambda name, timeout=5: b"".join(txt_records(name.decode(), address, self.zones.port)[:1])
            if not any(verifies(mail.content, signature, texts) for signature in signatures_of(mail.content)):
                yield f"by python3-dkim at {address}"
        # A program for each takes its time: at the delivery, and three days later.
        if mail.looked_at and self.now - mail.sent < 3 * DAY:
            return
        mail.looked_at = True
        done = self.command("verify", "--config", "authmilter.toml", "--ip", "192.0.2.1", "--mail-from", f"a@{mail.domain}",
                            "--time", str(self.now), "--json", given=mail.content.decode(), good=(0, 1))
        if "pass" not in [one["result"] for one in json.loads(done.stdout)["dkim"]]:
            yield f"by authmilter: {done.stdout}"

    def wait_for_signers(self, what, wanted):
        """Until the mail of each domain is signed by those that `wanted` names for it."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.signers(what)) != wanted and time.monotonic() < deadline:
            time.sleep(0.5)
        self.verify(what)
        self.expect(f"{what}: signed by the right keys", found == wanted, f"{found}\nnot {wanted}\n{self.log()[-2000:]}")

    # the change

    def watch(self, seconds=0, alarm=False):
        self.now += seconds
        done = self.key("watch", "--server-port", str(self.zones.port), "--no-pause", "--write", good=(0, 1))
        self.expect(f"key watch ends with {int(alarm)}", done.returncode == alarm, done.stdout + done.stderr)
        return done.stdout

    def publish(self):
        """What `key publish` says; nothing when there is nothing to do."""
        changes = self.key("publish", "--format", "nsupdate").stdout
        self.zones.update(changes)
        return changes

    def states(self, good=(0, 1)):
        rows = json.loads(self.key("status", "--json", good=good).stdout)
        return {(row["domain"], row["selector"]): row["state"] for row in rows}

    def everywhere(self, selectors, state):
        found = self.states()
        wrong = {name: found.get(name) for name in itertools.product(DOMAINS, selectors) if found.get(name) != state}
        self.expect(f"{' and '.join(sorted(selectors))} are {state}", not wrong, wrong)

    def cycle(self, old, mistake):
        """From `old`, a set of selectors, to the next ones, which it gives back."""
        everybody = lambda selectors: {domain: set(selectors) for domain in DOMAINS}
        self.expect("before", self.round("before") == everybody(old))
        self.zones.update(self.key("rotate", "--format", "nsupdate").stdout)
        new = {selector for _, selector in self.states()} - old
        self.expect("each domain has two new keys", len(new) == 2, new)
        self.reload()
        self.watch()
        self.expect("pending", self.round("pending") == everybody(old))

        for _ in range(2):
            self.watch(13 * HOUR)
        self.expect("the second server lags", self.zones.behind() == DOMAINS, self.zones.behind())
        self.everywhere(new, "pending")
        self.zones.catch_up()
        self.watch()
        self.watch(50 * MINUTE)
        self.everywhere(new, "pending")
        self.expect("caches may deny the names yet", self.round("waiting") == everybody(old))
        self.watch(HOUR)
        self.everywhere(new, "active")
        self.everywhere(old, "retiring")
        self.wait_for_signers("both sign", everybody(old | new))
        if mistake:
            self.delete_by_hand(old, new)
        self.watch(3 * DAY)
        self.wait_for_signers("the new keys sign", everybody(new))

        for _ in range(7):
            self.watch(DAY)
            self.verify("days pass")
        self.everywhere(old, "retired")
        self.end(old)
        self.expect("after", self.round("after") == everybody(new))
        return new

    def delete_by_hand(self, old, new):
        rsa = min(new, key=len) if len({len(name) for name in new}) > 1 else sorted(new)[0]
        name = f"{rsa}._domainkey.{CARELESS}."
        self.zones.update(f"zone {CARELESS}\nupdate delete {name} TXT")
        self.zones.catch_up()
        self.round("deleted")
        said = self.watch(10 * MINUTE, alarm=True)
        self.expect("key watch names it", f"{CARELESS} {rsa}: record-lost" in said, said)
        self.key("status", good=(1,))
        kept = (old | new) - {rsa}
        self.wait_for_signers("without the key whose record is lost", {
            domain: kept if domain == CARELESS else old | new for domain in DOMAINS})
        self.expect("the log has the alarm", "is not in the DNS" in self.log(), self.log()[-2000:])
        self.expect("the record is to be published again", name.rstrip(".") in self.publish())
        self.zones.catch_up()
        self.watch(10 * MINUTE)
        self.watch(2 * HOUR)
        self.wait_for_signers("the record is back", {domain: old | new for domain in DOMAINS})

    def end(self, old):
        """The records of the past go: first they are empty, then there are none."""
        self.expect("an empty p= is to be published", self.publish().count("p=\"") == 2 * len(DOMAINS))
        self.zones.catch_up()
        self.watch()
        self.watch(DAY)
        self.expect("then the record is to be removed", "delete" in self.publish())
        self.zones.catch_up()
        self.watch()
        for domain, selector in itertools.product(DOMAINS, sorted(old)):
            self.key("retire", domain, selector)
        self.reload()
        self.expect("nothing of them is left", not old & {selector for _, selector in self.states(good=(0,))})

    def run(self):
        first = self.cycle(set(OLD.values()), mistake=True)
        self.now += 40 * DAY
        self.cycle(first, mistake=False)
        print(f"{self.messages} messages, {self.verifications} times verified; {self.wrong} wrong")
        return 1 if self.wrong else 0


def main():
    options = options_with_postfix(__doc__)
    try:
        hosting = Hosting(options.programs)
    except Missing as error:
        skip(str(error))
    with hosting:
        return hosting.run()


if __name__ == "__main__":
    sys.exit(main())
