"""A zone at two name servers, Knot DNS both: a primary that takes updates, and a secondary that lags behind until it is told
to catch up.

    with PrimaryAndSecondary(folder, {"example.org": RECORDS}) as zone:
        zone.update(text)       # what nsupdate reads, without its server and send lines
        zone.catch_up()         # the secondary has what the primary has

Both answer on one port, at two addresses of the loopback network. Unpacked from Debian's packages, for which apt is needed
the first time.
"""

import os
import pathlib
import subprocess
import time

import dns.message
import dns.query
import dns.rdatatype

from .network import free_port
from .unpacked_packages import unpacked_list

PRIMARY, SECONDARY = "127.0.1.53", "127.0.1.54"
KEY = "c2VjcmV0IG9mIGEgdGVzdCwgbm90IG9mIGFueWJvZHk="
PATIENCE = 60

# Times of the SOA that let nothing happen by itself while a test runs.
SOA = "@ {ttl} SOA ns1.{zone}. hostmaster.{zone}. 1 86400 86400 604800 {minimum}\n"
SERVERS = f"@ NS ns1\n@ NS ns2\nns1 A {PRIMARY}\nns2 A {SECONDARY}\n"

CONFIG = """\
server:
    listen: {address}@{port}
    rundir: {folder}
    user: root:root
database:
    storage: {folder}
log:
  - target: stderr
    any: info
key:
  - id: test
    algorithm: hmac-sha256
    secret: {key}
remote:
  - id: other
    address: {other}@{port}
    via: {address}
acl:
  - id: transfer
    address: {other}
    action: transfer
  - id: update
    key: test
    action: update
template:
  - id: default
    storage: {folder}
    file: "%s.zone"
    journal-content: {journal}
{template}
zone:
{zones}
"""


def txt_records(name, address, port):
    """The texts (bytes) that a server has under a name, over TCP where the answer does not fit."""
    query = dns.message.make_query(name, "TXT", use_edns=0, payload=1232)
    answer, _ = dns.query.udp_with_fallback(query, address, timeout=PATIENCE, port=port)
    return [b"".join(one.strings) for entry in answer.answer if entry.rdtype == dns.rdatatype.TXT for one in entry]


class Knot:
    def __init__(self, place, folder, address, other, port, zones, template):
        self.place, self.folder, self.address, self.port = place, folder, address, port
        folder.mkdir()
        self.config = folder / "knot.conf"
        self.config.write_text(CONFIG.format(
            address=address, other=other, port=port, folder=folder, key=KEY, journal="all", template=template,
            zones="".join(f"  - domain: {zone}\n" for zone in zones)))
        self.process = None

    def environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, self.place.glob("usr/lib/*-linux-gnu")))}

    def start(self):
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([self.place / "usr/sbin/knotd", "-c", self.config], env=self.environment(),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def control(self, *words):
        return subprocess.run([self.place / "usr/sbin/knotc", "-c", self.config, *words], env=self.environment(),
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def serial(self, zone):
        """Nothing while it has none."""
        read = self.control("zone-read", zone, "@", "SOA")
        return int(read.stdout.split()[-5]) if read.returncode == 0 and read.stdout.strip() else None

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)


class PrimaryAndSecondary:
    def __init__(self, folder, zones, ttl=3600, minimum=3600):
        """`zones`: name -> records in zone-file form, below the zone's name."""
        self.place = unpacked_list("rotation")
        self.zones = list(zones)
        self.port = free_port()
        folder = pathlib.Path(folder)
        self.primary = Knot(self.place, folder / "primary", PRIMARY, SECONDARY, self.port, zones,
                            "    acl: [transfer, update]\n    zonefile-sync: -1\n    zonefile-load: difference-no-serial\n")
        # Nobody tells it that there is something new.
        self.secondary = Knot(self.place, folder / "secondary", SECONDARY, PRIMARY, self.port, zones,
                              "    master: other\n    zonefile-sync: -1\n    zonefile-load: none\n")
        for zone, records in zones.items():
            text = f"$ORIGIN {zone}.\n$TTL {ttl}\n" + SOA.format(zone=zone, ttl=ttl, minimum=minimum) + SERVERS + records
            (folder / f"primary/{zone}.zone").write_text(text)

    def __enter__(self):
        self.primary.start()
        self._wait(lambda: all(self.primary.serial(zone) for zone in self.zones), self.primary)
        self.secondary.start()
        self._wait(lambda: all(self.secondary.serial(zone) for zone in self.zones), self.secondary)
        return self

    def __exit__(self, *_):
        self.secondary.stop()
        self.primary.stop()

    def _wait(self, done, server):
        deadline = time.monotonic() + PATIENCE
        while not done():
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("knotd: " + (server.folder / "log").read_text())
            time.sleep(0.05)

    def update(self, text):
        """Runs nsupdate, as an administrator or a timer does: the daemon has no key of the DNS."""
        key = self.primary.folder / "update.key"
        key.write_text(f'key "test" {{ algorithm hmac-sha256; secret "{KEY}"; }};\n')
        lines = f"server {PRIMARY} {self.port}\n{text}\nsend\n"
        done = subprocess.run([self.place / "usr/bin/nsupdate", "-k", key], input=lines, text=True, capture_output=True,
                              env=self.primary.environment(), timeout=PATIENCE, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"nsupdate: {done.stdout}{done.stderr}\n{lines}")

    def behind(self):
        """The zones of which the secondary has not the newest."""
        return [zone for zone in self.zones if self.secondary.serial(zone) != self.primary.serial(zone)]

    def catch_up(self):
        self.secondary.control("zone-refresh")
        self._wait(lambda: not self.behind(), self.secondary)
