"""A TPM 2.0 in software (swtpm), with a token of tpm2-pkcs11 in it."""

import glob
import os
import pathlib
import shutil
import socket
import subprocess
import time

from .soft_token import PIN, SO_PIN, run

TOOLS = {"swtpm": "swtpm", "tpm2_ptool": "libtpm2-pkcs11-tools", "tpm2_flushcontext": "tpm2-tools"}
LIBRARY = "/usr/lib/*/pkcs11/libtpm2_pkcs11.so"
CONNECTION = "/usr/lib/*/libtss2-tcti-swtpm.so*"


def missing():
    absent = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    absent += [package for pattern, package in ((LIBRARY, "libtpm2-pkcs11-1"), (CONNECTION, "libtss2-tcti-swtpm0"))
               if not glob.glob(pattern)]
    return f"not installed: {', '.join(absent)}" if absent else ""


def two_free_ports():
    """One behind the other, as swtpm's clients expect them: commands, then control."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                return port
            except OSError:
                continue


class TpmToken:
    def __init__(self, folder, label="tpm"):
        self.folder = pathlib.Path(folder)
        self.label = label
        self.library = glob.glob(LIBRARY)[0]
        self.pin_file = self.folder / "tpm.pin"
        self.pin_file.write_text(PIN)
        self.pin_file.chmod(0o600)
        store, state = self.folder / "store", self.folder / "state"
        store.mkdir()
        state.mkdir()
        port = two_free_ports()
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--flags", "not-need-init,startup-clear",
             "--server", f"type=tcp,port={port},bindaddr=127.0.0.1",
             "--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        connection = f"swtpm:host=127.0.0.1,port={port}"
        os.environ.update({"TPM2TOOLS_TCTI": connection, "TPM2_PKCS11_TCTI": connection,
                           "TPM2_PKCS11_STORE": str(store)})
        self.own_tools()
        end = time.monotonic() + 30
        while True:
            try:
                run("tpm2_flushcontext", "-t")
                break
            except AssertionError:
                assert time.monotonic() < end and self.process.poll() is None, "swtpm does not serve"
                time.sleep(0.2)
        run("tpm2_ptool", "init", f"--path={store}")
        run("tpm2_ptool", "addtoken", "--pid=1", f"--sopin={SO_PIN}", f"--userpin={PIN}", f"--label={label}",
            f"--path={store}")

    def own_tools(self):
        """No kernel takes away here what the tools leave in the TPM, which has room for three objects."""
        tools = self.folder / "bin"
        tools.mkdir()
        flush = shutil.which("tpm2_flushcontext")
        for tool in glob.glob("/usr/bin/tpm2_*") + ["/usr/bin/tpm2"]:
            name = pathlib.Path(tool).name
            if name in ("tpm2_ptool", "tpm2_flushcontext"):
                continue
            (tools / name).write_text(f'#!/bin/sh\n{tool} "$@"; s=$?\n{flush} -t >/dev/null 2>&1\nexit $s\n')
            (tools / name).chmod(0o755)
        os.environ["PATH"] = f"{tools}:{os.environ['PATH']}"

    def make_key(self, label):
        run("tpm2_ptool", "addkey", "--algorithm=rsa2048", f"--label={self.label}", f"--key-label={label}",
            f"--userpin={PIN}", f"--path={os.environ['TPM2_PKCS11_STORE']}")

    def uri(self, label):
        return f"pkcs11:token={self.label};object={label}?module-path={self.library}&pin-source=file:{self.pin_file}"

    def close(self):
        self.process.terminate()
        self.process.wait()
