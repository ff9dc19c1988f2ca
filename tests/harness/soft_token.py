"""Tokens of SoftHSM in a folder of a test's own, and the faulty library around them (tests/token/faulty_token.cc)."""

import os
import pathlib
import shutil
import subprocess

# Debian's places, of all its architectures.
SOFTHSM = ["/usr/lib/softhsm/libsofthsm2.so"]
TOOLS = {"softhsm2-util": "softhsm2", "pkcs11-tool": "opensc", "openssl": "openssl"}
PIN = "4711-99-secret"
SO_PIN = "8888-secret"


def missing():
    """What these tests need and is not on this machine, in words; empty when all is there."""
    absent = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if not any(os.path.exists(path) for path in SOFTHSM):
        absent.append("softhsm2")
    return f"not installed: {', '.join(sorted(set(absent)))}" if absent else ""


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class SoftToken:
    """A store of SoftHSM's below `folder`, with a token `label`. Whatever is started afterwards finds it."""

    def __init__(self, folder, label="mail"):
        self.folder = pathlib.Path(folder)
        self.label = label
        self.store = self.folder / "tokens"
        self.store.mkdir(parents=True)
        self.orders = self.folder / "orders"
        self.orders.write_text("")
        conf = self.folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {self.store}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.library = next(path for path in SOFTHSM if os.path.exists(path))
        os.environ["SOFTHSM2_CONF"] = str(conf)
        os.environ["FAULTY_TOKEN_LIBRARY"] = self.library
        os.environ["FAULTY_TOKEN_ORDERS"] = str(self.orders)
        if "ASAN_OPTIONS" in os.environ:  # libcrypto and SoftHSM are built without frame pointers
            os.environ["ASAN_OPTIONS"] += ":fast_unwind_on_malloc=0"
        self.pin_file = self.folder / "pin"
        self.pin_file.write_text(PIN + "\n")
        self.pin_file.chmod(0o600)
        self.init(label)

    def init(self, label):
        run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", SO_PIN)

    def tool(self, *arguments, label=None):
        return run("pkcs11-tool", "--module", self.library, "--token-label", label or self.label, "--login", "--pin",
                   PIN, *arguments)

    def make_key(self, kind, label, number, token=None):
        """`kind` as pkcs11-tool has it: rsa:2048, EC:edwards25519."""
        self.tool("--keypairgen", "--key-type", kind, "--label", label, "--id", number, label=token)

    def import_key(self, pem, label, number):
        run("softhsm2-util", "--import", pem, "--token", self.label, "--label", label, "--id", number, "--pin", PIN)

    def delete_key(self, number):
        for kind in ("privkey", "pubkey"):
            self.tool("--delete-object", "--type", kind, "--id", number)

    def uri(self, more, module, pin=None, token=None):
        pin = f"&pin-source=file:{pin or self.pin_file}"
        return f"pkcs11:token={token or self.label};{more}?module-path={module}{pin}"

    def order(self, *lines):
        """What the faulty library shall do from now on; nothing: work."""
        fresh = self.orders.with_name("orders.new")
        fresh.write_text("".join(f"{line}\n" for line in lines))
        fresh.replace(self.orders)

    def calls(self, name):
        try:
            return (self.folder / "orders.calls").read_text().split().count(name)
        except FileNotFoundError:
            return 0

    def take_away(self):
        self.store.rename(self.folder / "elsewhere")

    def bring_back(self):
        (self.folder / "elsewhere").rename(self.store)
