"""Zone files that are signed with ldns, and NSD's configuration to serve them."""

import pathlib
import subprocess


class SignedZones:
    """In `folder`, a file NAMEzone for each zone; names end with a dot, and the root's is the dot alone."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def run(self, *command):
        """What `command` says, in the folder."""
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}"
        return done.stdout.strip()

    def path(self, zone):
        return self.folder / f"{zone}zone"

    def write(self, zone, text):
        self.path(zone).write_text(text)

    def make_key(self, zone, algorithm="ECDSAP256SHA256"):
        """The file with its DNSKEY; that with the private key has another ending."""
        name = self.run("ldns-keygen", "-a", algorithm, "-k", zone)
        return self.folder / f"{name}.key"

    def ds(self, key):
        """What stands in the zone above for a key."""
        return self.run("ldns-key2ds", "-n", "-2", key)

    def sign(self, zone, text, nsec3=False, expired=False, algorithm="ECDSAP256SHA256"):
        """Writes the zone with its signatures; the file with its key."""
        self.write(zone, text)
        key = self.make_key(zone, algorithm)
        # RFC 9276 section 3.1: no further iterations, no salt.
        proofs = ("-n", "-t", "0") if nsec3 else ()
        times = ("-i", "20200101", "-e", "20200201") if expired else ()
        path = self.path(zone)
        self.run("ldns-signzone", *proofs, *times, "-f", f"{path}.signed", "-o", zone, path, key.with_suffix(""))
        path.with_name(f"{path.name}.signed").rename(path)
        return key

    def nsd_configuration(self, name, addresses, zones):
        """The file for an NSD that serves `zones` at `addresses`, each "ADDRESS" or "ADDRESS@PORT"."""
        listen = "".join(f"  ip-address: {address}\n" for address in addresses)
        path = self.folder / f"{name}.conf"
        path.write_text(f"""\
server:
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "{self.folder}"
  pidfile: ""
  xfrdfile: ""
  zonelistfile: ""
  xfrdir: "{self.folder}"
  database: ""
  rrl-ratelimit: 0
{listen}remote-control:
  control-enable: no
""" + "".join(f'zone:\n  name: "{zone}"\n  zonefile: "{zone}zone"\n' for zone in zones))
        return path
