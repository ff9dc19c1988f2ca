"""Keys in tokens: SoftHSM's, and around it a library that fails as hardware does.

    token_test.py AUTHMILTERD AUTHMILTER FAULTY_TOKEN [unittest arguments]

What must never be: mail of a domain whose token is gone that leaves unsigned, or with a signature that does not verify;
other mail that has to wait for it.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import ran, soft_token
from harness.daemon import PATIENCE, Daemon, make_key, sanitized
from harness.signature_check import signature_problems

PROGRAM, COMMAND, FAULTY = (sys.argv.pop(1) for _ in range(3))
SKIPPED = 77
CONNECTIONS = 64
ENOUGH = 50  # messages of a domain, to say that all are good
BODY = b"Hello\r\n"
SIGNATURE = "DKIM-Signature"
TIMEOUT = 1.0  # signing.token_timeout

CONFIG = """[network]
internal = ["127.0.0.0/8"]
[signing]
token_timeout = "1s"
"""
DOMAIN = """[[signing.domain]]
domain = "{domain}"
keys = [{keys}]
"""
IN_TOKEN, IN_FILE = "token.example", "file.example"


def headers(domain):
    return [("From", f" a@{domain}"), ("To", " b@example.com"), ("Subject", " s"),
            ("Date", " Sun, 29 Nov 2026 10:00:00 +0000"), ("Message-ID", f" <1@{domain}>")]


def signed(result, domain):
    """The message as it leaves, with what was put on top."""
    fields = [(SIGNATURE, value) for value in result.inserted(SIGNATURE)] + headers(domain)
    return "".join(f"{name}:{value}\r\n" for name, value in fields).encode() + b"\r\n" + BODY


class World:
    """A token with keys, and the configuration of a domain by it beside one by a file."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="authmilter-token-"))
        self.token = soft_token.SoftToken(self.folder)
        self.pem = self.folder / "r.pem"
        self.records = {f"f._domainkey.{IN_FILE}.": f"v=DKIM1; p={make_key(self.folder / 'f.pem')}"}
        make_key(self.pem)
        self.token.import_key(self.pem, "rsa", "01")
        self.token.make_key("EC:edwards25519", "ed", "02")
        self.keys = [("r", self.token.uri("object=rsa;id=%01;type=private", FAULTY)),
                     ("e", self.token.uri("object=ed", FAULTY))]
        for selector, uri in self.keys:
            self.records[f"{selector}._domainkey.{IN_TOKEN}."] = record_of(selector, uri)

    def config(self, keys=None, more=""):
        listed = [f'{{ selector = "{name}", key = "{uri}" }}' for name, uri in keys or self.keys]
        return (CONFIG + more + DOMAIN.format(domain=IN_TOKEN, keys=", ".join(listed))
                + DOMAIN.format(domain=IN_FILE, keys=f'{{ selector = "f", file = "{self.folder}/f.pem" }}'))

    def daemon(self, **options):
        return Daemon(PROGRAM, more=self.config(**options))

    def problems(self, result, domain, selectors):
        return signature_problems(signed(result, domain), selectors, self.records)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def command(*arguments, status=0):
    done = subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: {done.returncode}: {done.stdout}{done.stderr}")
    return done


def record_of(selector, uri, domain=IN_TOKEN):
    """The text of the record, put together from its strings."""
    shown = command("key", "show", "--domain", domain, "--selector", selector, uri).stdout
    return "".join(re.findall(r'"([^"]*)"', shown))


def check_config(folder, text):
    file = folder / "checked.toml"
    file.write_text(text)
    return subprocess.run([PROGRAM, "--config", str(file), "--check-config"], capture_output=True, text=True,
                          timeout=60)


@contextlib.contextmanager
def a_world():
    world = World()
    try:
        yield world
    finally:
        world.remove()


def deliver(daemon, domain):
    with daemon.client() as client:
        client.greet("127.0.0.1")
        return client.deliver(headers(domain), BODY)


class Load:
    """64 connections that send mail of both domains, in turn, until they are told to stop."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.results = []  # (began, took, domain, result)
        self.errors = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(number,)) for number in range(CONNECTIONS)]

    def send(self, number):
        domain = (IN_TOKEN, IN_FILE)[number % 2]
        try:
            with self.daemon.client() as client:
                client.greet("127.0.0.1")
                while not self.over.is_set():
                    began = time.monotonic()
                    result = client.deliver(headers(domain), BODY)
                    self.results.append((began, time.monotonic() - began, domain, result))
                    time.sleep(0.02)
        except Exception as error:  # noqa: BLE001: what a thread throws nobody sees
            self.errors.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def wait_for(self, what, seconds=PATIENCE):
        """Until a message that begins from now on has come out as `what` says."""
        since = time.monotonic()
        while time.monotonic() < since + seconds:
            if any(began >= since and what(domain, result) for began, _, domain, result in self.results[-2000:]):
                return
            time.sleep(0.05)
        raise AssertionError(f"did not happen in {seconds} s: {what}")

    def wait_for_enough(self, seconds=PATIENCE):
        """Until more than ENOUGH of each domain have been accepted: a sanitizer makes a signature of a token slow."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(sum(result.accepted for _, result in self.of(domain)) <= ENOUGH
                                             for domain in (IN_TOKEN, IN_FILE)):
            time.sleep(0.2)

    def of(self, domain, since=0.0, until=float("inf")):
        return [(took, result) for began, took, where, result in self.results
                if where == domain and since <= began <= until]


def is_signed(domain, result):
    return domain == IN_TOKEN and result.accepted and len(result.inserted(SIGNATURE)) == 2


def is_deferred(domain, result):
    return domain == IN_TOKEN and result.reply.startswith("451 ")


def until_accepted(send):
    """The result of a message of the token's domain, sent again for as long as it is to wait."""
    end = time.monotonic() + PATIENCE
    while is_deferred(IN_TOKEN, result := send()) and time.monotonic() < end:
        time.sleep(0.1)
    return result


class UnderLoad(unittest.TestCase):
    """A token that goes and comes back under 64 connections."""

    def test_trouble(self):
        troubles = {
            "a call that hangs": ["C_Sign hang"],
            "A340: the device was removed": ["C_Sign 0x32", "C_OpenSession 0x32", "C_GetSlotList 0x32"],
            "the sessions are gone": ["C_SignInit 0xb3"],
            "a handle that is not valid": ["C_SignInit 0x82"],
            "signatures that are wrong": ["C_Sign flip"],
        }
        with a_world() as world, world.daemon() as daemon, Load(daemon) as load:
            load.wait_for(is_signed)
            for why, orders in troubles.items():
                with self.subTest(why=why):
                    world.token.order(*orders)
                    began = time.monotonic()
                    load.wait_for(is_deferred)
                    time.sleep(2)  # for the numbers below
                    ended = time.monotonic()
                    world.token.order()
                    load.wait_for(is_signed)
                    self.check(load, began, ended)
            with self.subTest(why="A341: the token's store is moved away, and back"):
                world.token.take_away()
                began = time.monotonic()
                load.wait_for(is_deferred)
                time.sleep(2)
                ended = time.monotonic()
                world.token.bring_back()
                load.wait_for(is_signed)
                self.check(load, began, ended)
            load.wait_for_enough()
            load.__exit__()
            self.assertEqual(load.errors, [])
            self.all_good(world, load)
            self.assertEqual(world.token.calls("C_Logout"), 0)
            log = daemon.log()
            self.assertRegex(log, r"(?m)^error: .*token mail.*")
            self.assertNotIn(soft_token.PIN, log)

    def check(self, load, began, ended):
        """Other mail was signed as ever, and nobody waited longer than the limit."""
        others = load.of(IN_FILE, began, ended)
        self.assertGreater(len(others), 20)
        slack = 20 if sanitized(PROGRAM) else 5
        self.assertLess(statistics.median(took for took, _ in others), 0.5)
        for took, result in load.of(IN_TOKEN, began, ended):
            # Two signatures, and a machine that has much else to do.
            self.assertLess(took, 2 * TIMEOUT + slack)

    def all_good(self, world, load):
        """Each message of the token's domain has both signatures or waits; a part of them is verified."""
        for domain, selectors in ((IN_TOKEN, ["e", "r"]), (IN_FILE, ["f"])):
            accepted = []
            for _, result in load.of(domain):
                if result.accepted:
                    self.assertEqual(len(result.inserted(SIGNATURE)), len(selectors), domain)
                    accepted.append(result)
                else:
                    self.assertTrue(is_deferred(IN_TOKEN, result), result)
                    self.assertEqual(domain, IN_TOKEN, "mail that needs no token")
            self.assertGreater(len(accepted), ENOUGH)
            step = max(1, len(accepted) // 200)
            for result in accepted[::step]:
                self.assertEqual(world.problems(result, domain, selectors), [])


class AtTheStart(unittest.TestCase):
    def test_a_token_that_is_away(self):
        """A342: a token that is away when the daemon starts"""
        with a_world() as world:
            world.token.take_away()
            checked = check_config(world.folder, world.config())
            self.assertEqual(checked.returncode, 0, checked.stderr)
            self.assertRegex(checked.stderr, r"warning: .*token mail: ")
            with world.daemon() as daemon:
                daemon.wait_for(r"^error: .*token mail")
                self.assertTrue(deliver(daemon, IN_TOKEN).reply.startswith("451 "))
                self.assertTrue(deliver(daemon, IN_FILE).inserted(SIGNATURE))
                world.token.bring_back()
                daemon.wait_for("a signing key can be had again")
                result = until_accepted(lambda: deliver(daemon, IN_TOKEN))
                self.assertEqual(world.problems(result, IN_TOKEN, ["e", "r"]), [])

    def test_a_token_that_hangs(self):
        """a library that never returns from its start holds up neither the daemon's start nor its end"""
        with a_world() as world:
            world.token.order("C_Initialize hang")
            with world.daemon() as daemon:
                self.assertTrue(deliver(daemon, IN_TOKEN).reply.startswith("451 "))
                self.assertTrue(deliver(daemon, IN_FILE).inserted(SIGNATURE))
                self.assertEqual(daemon.stop(), 0)
            world.token.order()

    def test_a_token_of_what_signs_beside_others(self):
        """mail of a domain by a file waits for the token of the one that signs beside it, and bears both then"""
        with a_world() as world:
            world.token.take_away()
            with world.daemon(more=f'also = ["{IN_TOKEN}"]\n') as daemon:
                daemon.wait_for(r"^error: .*token mail")
                self.assertTrue(deliver(daemon, IN_FILE).reply.startswith("451 "))
                world.token.bring_back()
                daemon.wait_for("a signing key can be had again")
                result = until_accepted(lambda: deliver(daemon, IN_FILE))
                self.assertEqual(world.problems(result, IN_FILE, ["f", "r", "e"]), [])

    def test_several_sockets(self):
        """each process begins with the library by itself, after the last fork"""
        with a_world() as world, Daemon(PROGRAM, more=world.config(), sockets=2) as daemon:
            for number in range(2):
                with daemon.client(number) as client:
                    client.greet("127.0.0.1")
                    result = until_accepted(lambda: client.deliver(headers(IN_TOKEN), BODY))
                    self.assertEqual(world.problems(result, IN_TOKEN, ["e", "r"]), [])


class TheEnd(unittest.TestCase):
    def test_calls_that_outlast_the_command(self):
        """the last calls into a library: slower than is waited for, or without an end"""
        with a_world() as world:
            pem = command("key", "show", "--domain", IN_TOKEN, "--selector", "r", world.pem).stdout
            for order in ("", "C_CloseSession slow 700", "C_CloseSession hang", "C_Finalize slow 700", "C_Finalize hang"):
                world.token.order(order)
                for _ in range(5):
                    with self.subTest(order=order):
                        began = time.monotonic()
                        shown = command("key", "show", "--domain", IN_TOKEN, "--selector", "r", world.keys[0][1]).stdout
                        self.assertEqual(shown, pem)
                        self.assertLess(time.monotonic() - began, PATIENCE)
                        self.assertEqual(check_config(world.folder, world.config()).returncode, 0)
            world.token.order()


class Keys(unittest.TestCase):
    def test_the_record(self):
        """the record of a key in a token is that of the same key in a file"""
        with a_world() as world:
            as_file = command("key", "show", "--domain", IN_TOKEN, "--selector", "r", world.pem).stdout
            in_token = command("key", "show", "--domain", IN_TOKEN, "--selector", "r", world.keys[0][1]).stdout
            self.assertEqual(in_token, as_file)
            self.assertIn("k=ed25519", world.records[f"e._domainkey.{IN_TOKEN}."])

    def test_a_key_that_is_replaced(self):
        """a key that another process has put in again signs; another one under its name does not before a reload"""
        with a_world() as world, world.daemon() as daemon:
            self.assertTrue(is_signed(IN_TOKEN, deliver(daemon, IN_TOKEN)))
            world.token.delete_key("01")
            world.token.import_key(world.pem, "rsa", "01")
            result = deliver(daemon, IN_TOKEN)
            self.assertEqual(world.problems(result, IN_TOKEN, ["e", "r"]), [])
            world.token.delete_key("01")
            world.token.make_key("rsa:2048", "rsa", "01")
            self.assertTrue(is_deferred(IN_TOKEN, deliver(daemon, IN_TOKEN)))
            daemon.wait_for("another key stands in the token under this name")
            world.records[f"r._domainkey.{IN_TOKEN}."] = record_of(*world.keys[0])
            daemon.send_signal(signal.SIGUSR1)
            daemon.wait_for("configuration reloaded")
            result = deliver(daemon, IN_TOKEN)
            self.assertEqual(world.problems(result, IN_TOKEN, ["e", "r"]), [])

    def test_a_credential(self):
        """a PIN and a key that the service manager hands over"""
        with a_world() as world:
            folder = world.folder / "credentials"
            folder.mkdir(mode=0o500)
            for name, content in (("pin", soft_token.PIN), ("key", (world.folder / "f.pem").read_text())):
                (folder / name).write_text(content)
                (folder / name).chmod(0o400)
            os.environ["CREDENTIALS_DIRECTORY"] = str(folder)
            try:
                uri = world.token.uri("object=rsa", FAULTY).replace(f"file:{world.token.pin_file}", "credential:pin")
                with world.daemon(keys=[("r", uri), ("f", "credential:key")]) as daemon:
                    world.records[f"f._domainkey.{IN_TOKEN}."] = world.records[f"f._domainkey.{IN_FILE}."]
                    self.assertEqual(world.problems(deliver(daemon, IN_TOKEN), IN_TOKEN, ["f", "r"]), [])
            finally:
                del os.environ["CREDENTIALS_DIRECTORY"]


class Mistakes(unittest.TestCase):
    """What people have to mend is an error with its place, and a PIN is in none."""

    def test_mistakes(self):
        with a_world() as world:
            token, uri = world.token, world.token.uri
            token.make_key("rsa:1024", "short", "05")
            token.make_key("EC:prime256v1", "p256", "06")
            token.make_key("rsa:2048", "twice", "07")
            token.make_key("rsa:2048", "twice", "08")
            token.init("second")
            token.init("second")
            readable = world.folder / "readable"
            readable.write_text(soft_token.PIN)
            readable.chmod(0o644)
            wrong = world.folder / "wrong"
            wrong.write_text("9999-wrong")
            wrong.chmod(0o600)
            rows = [
                ("A343: no such object", uri("object=rs", FAULTY), "no private key with the label of the URI"),
                ("label and id of two keys", uri("object=rsa;id=%02", FAULTY), "no private key"),
                ("two keys of one label", uri("object=twice", FAULTY), "several private keys"),
                ("a short key", uri("object=short", FAULTY), "signing.minimum_rsa_bits is 2048"),
                ("a key on another curve", uri("object=p256", FAULTY), "neither an RSA nor an Ed25519 key"),
                ("two tokens of one name", uri("object=rsa", FAULTY, token="second"), "several tokens fit"),
                ("no PIN", f"pkcs11:token=mail;object=rsa?module-path={FAULTY}", "pin-source"),
                ("A344: a PIN that others can read", uri("object=rsa", FAULTY, pin=readable), "open to others"),
                ("no file with a PIN", uri("object=rsa", FAULTY, pin=world.folder / "none"), "No such file"),
                ("A345: the wrong PIN", uri("object=rsa", FAULTY, pin=wrong), "0xa0"),
                ("A346: the PIN itself", f"pkcs11:token=mail;object=rsa?pin-value={soft_token.PIN}", "pin-value"),
                ("a scheme with a slip", f"pkcs11;object=rsa?pin-value={soft_token.PIN}", "is not a key"),
                ("a misspelt attribute", f"pkcs11:object=rsa?pin-valeu={soft_token.PIN}", "none of module-path"),
                ("the PIN as its own place", uri("object=rsa", FAULTY).replace(
                    f"file:{token.pin_file}", soft_token.PIN), "file:/PATH"),
                ("no module", uri("object=rsa", "/usr/lib/none.so"), "module-path: No such file"),
                ("a file that is no module", uri("object=rsa", "/etc/passwd"), "module-path: cannot be loaded"),
                ("a module of no name", f"pkcs11:object=rsa?module-name=none&pin-source=file:{token.pin_file}",
                 "module-name: it is not registered"),
            ]
            for why, key, says in rows:
                with self.subTest(why=why):
                    checked = check_config(world.folder, world.config([("r", key)]))
                    self.assertEqual(checked.returncode, 78, checked.stderr)
                    self.assertRegex(checked.stderr, r"^\S+:\d+:\d+: ")
                    self.assertIn(says, checked.stderr)
                    self.assertNotIn(soft_token.PIN, checked.stderr + checked.stdout)
            with self.subTest(why="a wrong PIN is tried once, though it is wanted for several keys"):
                before = token.calls("C_Login")
                keys = [(f"s{number}", uri(f"object={label}", FAULTY, pin=wrong))
                        for number, label in enumerate(["rsa", "ed"])]
                self.assertEqual(check_config(world.folder, world.config(keys)).returncode, 78)
                self.assertEqual(token.calls("C_Login"), before + 1)

    def test_the_pin_is_nowhere(self):
        """A347: a PIN is in no output, and neither in the log"""
        with a_world() as world, world.daemon() as daemon:
            self.assertTrue(is_signed(IN_TOKEN, deliver(daemon, IN_TOKEN)))
            printed = subprocess.run([PROGRAM, "--config", str(daemon.config), "--print-config"], check=True,
                                     capture_output=True, text=True).stdout
            self.assertIn("pin-source=file:", printed)
            for text in (printed, daemon.log(), check_config(world.folder, world.config()).stderr,
                         pathlib.Path(f"/proc/{daemon.process.pid}/cmdline").read_text(),
                         pathlib.Path(f"/proc/{daemon.process.pid}/environ").read_text()):
                self.assertNotIn(soft_token.PIN, text)

    def test_a_reload_with_a_mistake(self):
        """a reload that names a key that is not there leaves the old configuration in force"""
        with a_world() as world, world.daemon() as daemon:
            daemon.write_config(more=world.config([("r", world.token.uri("object=none", FAULTY))]))
            daemon.send_signal(signal.SIGUSR1)
            daemon.wait_for("cannot reload")
            self.assertTrue(is_signed(IN_TOKEN, deliver(daemon, IN_TOKEN)))


if __name__ == "__main__":
    if why := soft_token.missing():
        print(f"skipped: {why}")
        sys.exit(SKIPPED)
    ran.main()
