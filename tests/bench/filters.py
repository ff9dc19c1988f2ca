"""The filters that are measured: ours, the floor, and those of others, each in a folder of its own.

All listen on sockets that are files, ask one name server, stay in the foreground and are stopped by their ids.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

NAMESERVER = "192.0.2.53"
# The first time rspamd compiles the names of all public suffixes.
PATIENCE = 240

AUTHMILTERD = """[milter]
socket = "unix:{socket}"
socket_group = ""
[identity]
authserv_id = "mx.example.net"
[dns]
nameservers = ["{nameserver}"]
dnssec = "off"
[log]
target = "stderr"
{more}"""

SIGNING = """
[[signing.domain]]
domain = "example.com"
keys = [{{ selector = "rsa", file = "{keys}/rsa.pem" }}]
[[signing.domain]]
domain = "example.org"
keys = [{{ selector = "ed25519", file = "{keys}/ed25519.pem" }}]
[[signing.domain]]
domain = "example.net"
keys = [{{ selector = "rsa", file = "{keys}/rsa.pem" }}, {{ selector = "ed25519", file = "{keys}/ed25519.pem" }}]
"""

# Rows of reports, into a new file.
REPORTS = """
[reports]
store = "sqlite:{folder}/reports.db"
"""

OPENDKIM = """Socket local:{socket}
Background no
Syslog no
UMask 000
PidFile {folder}/pid
Nameservers {nameserver}
AuthservID mx.example.net
InternalHosts {folder}/internal
RequireSafeKeys no
"""
OPENDKIM_VERIFY = OPENDKIM + "Mode v\nAlwaysAddARHeader yes\n"
OPENDKIM_SIGN = OPENDKIM + """Mode s
Domain example.com
Selector rsa
KeyFile {keys}/rsa.pem
Canonicalization relaxed/relaxed
OversignHeaders From
"""

OPENDMARC = """Socket local:{socket}
Background false
Syslog false
UMask 000
PidFile {folder}/pid
AuthservID mx.example.net
TrustedAuthservIDs mx.example.net
SPFSelfValidate true
SPFIgnoreResults true
RejectFailures true
IgnoreAuthenticatedClients true
"""

# Only what verification and signing need: no rules, no statistics, no other module.
RSPAMD = """options {{
  pidfile = "{folder}/pid";
  filters = "dkim";
  url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  dns {{ nameserver = ["{nameserver}"]; timeout = 1s; sockets = 16; retransmits = 5; }}
  control_socket = "{folder}/control mode=0600";
  cache_file = "{folder}/symbols.cache";
  history_file = "{folder}/history";
  dynamic_conf = "{folder}/dynamic";
  stats_file = "{folder}/stats.ucl";
  hs_cache_dir = "{kept}";
  tempdir = "{folder}";
  local_addrs = ["127.0.0.0/8"];
  disable_monitoring = true;
  task_timeout = 8s;
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "error"; }}
worker "rspamd_proxy" {{
  bind_socket = "{socket} mode=0666";
  count = 1;
  milter = yes;
  timeout = 120s;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
modules {{ path = "/usr/share/rspamd/plugins"; }}
actions {{ reject = 15; }}
spf {{ spf_cache_size = 2k; spf_cache_expire = 1d; }}
dkim {{ dkim_cache_size = 2k; dkim_cache_expire = 1d; time_jitter = 6h; }}
dmarc {{ actions {{ reject = "reject"; }} }}
arc {{ sign_authenticated = false; sign_inbound = false; sign_local = false; }}
milter_headers {{ use = ["authentication-results"]; skip_local = false; skip_authenticated = false; }}
dkim_signing {{
  enabled = true;
  sign_authenticated = true;
  allow_username_mismatch = true;
  use_esld = true;
  use_redis = false;
  check_pubkey = false;
  path = "{keys}/rsa.pem";
  selector = "rsa";
}}
"""

PASSES = ("dkim=pass", "spf=pass", "dmarc=pass")
SIGNATURE = ("DKIM-Signature: v=1",)


class NotStarted(Exception):
    """A filter does not serve; the text says why."""


class Process:
    """One program. In `command` and `config` stand {socket}, {folder}, {config}, {keys}, {nameserver}
    and {kept}, a folder that is there at the next start, too."""

    def __init__(self, name, command, config="", environment=None, more=""):
        self.name, self.command, self.config, self.more = name, command, config, more
        self.environment = environment or {}
        self.nameserver = NAMESERVER
        self.child = self.socket = None

    def start(self, folder, keys, wrapper=(), environment=None):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.socket = folder / "s"
        words = {"socket": self.socket, "folder": folder, "config": folder / "config", "keys": keys,
                 "nameserver": self.nameserver, "more": self.more.format(keys=keys, folder=folder), "kept": folder.parents[1] / "kept"}
        words["kept"].mkdir(exist_ok=True)
        (folder / "internal").write_text("127.0.0.1\n192.0.2.77\n")
        words["config"].write_text(self.config.format(**words))
        with (folder / "output").open("wb") as output:
            self.child = subprocess.Popen([*wrapper, *(str(word).format(**words) for word in self.command)],
                                          stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          env={**os.environ, **self.environment, **(environment or {})})
        end = time.monotonic() + PATIENCE
        while not self._listens():
            if self.child.poll() is not None or time.monotonic() > end:
                self.stop()
                text = (folder / "output").read_text(errors="replace").strip()[-1000:]
                raise NotStarted(f"{self.name} does not start: {text}")
            time.sleep(0.02)

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
                return True
            except OSError:
                return False

    def ids(self):
        """The process and its descendants."""
        found, tasks = [], [self.child.pid]
        while tasks:
            found.append(tasks.pop())
            try:
                tasks += map(int, pathlib.Path(f"/proc/{found[-1]}/task/{found[-1]}/children").read_text().split())
            except OSError:
                pass
        return found

    def stop(self):
        if self.child is None:
            return
        if self.child.poll() is None:
            # libmilter takes seconds to hear of a SIGTERM, where nobody hurries it.
            self.child.send_signal(signal.SIGTERM if self.name in ("authmilterd", "rspamd") else signal.SIGKILL)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child = None


class Filter:
    """One process, or several that a message goes through one after another. `roles` says what must stand in what it
    adds to a good message: {"verify": texts, "sign": texts}; `loads`, if any, names the only ones that it can play."""

    def __init__(self, name, roles, *processes, loads=None):
        self.name, self.roles, self.processes, self.loads = name, roles, processes, loads

    def start(self, work, **options):
        try:
            for process in self.processes:
                process.start(work / "filters" / f"{self.name}.{process.name}", work / "scenario/keys", **options)
        except NotStarted:
            self.stop()
            raise

    def stop(self):
        for process in self.processes:
            process.stop()

    def driver_options(self):
        for process in self.processes:
            yield from ("--filter", str(process.socket))
            yield from ("--watch", f"{process.name}={','.join(map(str, process.ids()))}")


def ours(name, program, more=SIGNING, loads=None):
    command = [program, "--config", "{config}", "--allow-root"]
    return Filter(name, {"verify": PASSES, "sign": SIGNATURE}, Process("authmilterd", command, AUTHMILTERD, more=more),
                  loads=loads)


def with_reports(program):
    return ours("with-reports", program, SIGNING + REPORTS, lambda load: "reports" in load.targets)


def floors(program, negotiated):
    """What cannot be left out, with the flags that ours negotiates; and a filter that does nothing, without any."""
    flags = ["--actions", str(negotiated["actions"]), "--steps", str(negotiated["steps"])]
    for stage, names in negotiated["macros"].items():
        flags += ["--macros", stage, " ".join(names).replace("{", "{{").replace("}", "}}")]
    rsa, ed25519 = ("--rsa", "{keys}/rsa.pem"), ("--ed25519", "{keys}/ed25519.pem")

    def floor(name, work, keys, roles, loads=None):
        command = [program, "--socket", "{socket}", "--work", work, *flags, *keys]
        return Filter(name, roles, Process("floor", command), loads=loads)

    return [
        floor("floor", "verify", (*rsa, *ed25519), {"verify": ("dkim=pass",)}),
        floor("floor-rsa", "sign", rsa, {"sign": SIGNATURE}, lambda load: not load.algorithm),
        floor("floor-ed25519", "sign", ed25519, {"sign": SIGNATURE}, lambda load: load.algorithm == "ed25519"),
        floor("floor-both", "sign", (*rsa, *ed25519), {"sign": SIGNATURE}, lambda load: load.algorithm == "both"),
        Filter("nothing", {"verify": ("none",)}, Process("floor", [program, "--socket", "{socket}"])),
    ]


def peers(programs):
    """Those of others, as far as their programs are there: {"opendkim": {"path": ..., "environment": ...}}."""
    def process(name, arguments, config):
        found = programs[name]
        return Process(name, [found["path"], *arguments], config, found["environment"])

    found = []
    if {"opendkim", "opendmarc"} <= programs.keys():
        found.append(Filter("opendkim+opendmarc", {"verify": PASSES},
                            process("opendkim", ("-f", "-x", "{config}"), OPENDKIM_VERIFY),
                            process("opendmarc", ("-f", "-c", "{config}"), OPENDMARC)))
    if "opendkim" in programs:
        found.append(Filter("opendkim", {"sign": SIGNATURE}, process("opendkim", ("-f", "-x", "{config}"), OPENDKIM_SIGN),
                            loads=lambda load: not load.algorithm))
    if "rspamd" in programs:
        found.append(Filter("rspamd", {"verify": PASSES, "sign": SIGNATURE},
                            process("rspamd", ("-f", "-i", "-c", "{config}"), RSPAMD),
                            loads=lambda load: load.role == "verify" or not load.algorithm))
    return found
