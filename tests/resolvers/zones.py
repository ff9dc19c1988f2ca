"""A DNS of its own: a signed root, a top-level domain, and zones of every kind below, served by nsd.

The servers of the root have the addresses that every resolver knows; those of the zones are in a network that no
resolver leaves out (RFC 2544). So resolvers need no other setting than the root's key.
"""

import pathlib
import re
import textwrap

from harness.signed_zones import SignedZones

HINTS = pathlib.Path("/usr/share/dns/root.hints")
SERVER = "198.18.0.1"
CLIENT = "198.18.7.7"

SIGNED = ("nsec", "nsec3")
LEAVES = (*SIGNED, "unsigned", "bogus", "expired")
# A record as long as one can be without a name server that refuses it as an attack.
LONG_TEXT = 4000


def quoted(text):
    """Character-strings of at most 255 octets."""
    return " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))


def long_spf():
    networks = (f"ip4:198.51.{number >> 8 & 255}.{number & 255}" for number in range(1000))
    text = "v=spf1"
    while len(text) < LONG_TEXT - 50:
        text += f" {next(networks)}"
    ending = f" ip4:{CLIENT} -all"
    return text + " " * (LONG_TEXT - len(text) - len(ending)) + ending


def long_key(key):
    start = "v=DKIM1; n="
    ending = f"; p={key}"
    return start + "x" * (LONG_TEXT - len(start) - len(ending)) + ending


def leaf_zone(name, key):
    """What a domain publishes that sends mail. `key` is the p= of its signing key."""
    other = SIGNED[1] if name == SIGNED[0] else SIGNED[0]
    return textwrap.dedent(f"""\
        $ORIGIN {name}.example.
        $TTL 300
        @              SOA   ns hostmaster 1 3600 600 86400 60
        @              NS    ns
        ns             A     {SERVER}
        @              TXT   "v=spf1 a:sender.{name}.example -all"
        sender         A     {CLIENT}
        _dmarc         TXT   "v=DMARC1; p=reject; sp=none; np=quarantine"
        s._domainkey   TXT   {quoted(f"v=DKIM1; p={key}")}
        ; As providers of mail have their customers publish keys.
        alias._domainkey      CNAME  s._domainkey.unsigned.example.
        across._domainkey     CNAME  s._domainkey.{other}.example.
        _domainkey.dname      DNAME  _domainkey.{other}.example.
        dangling._domainkey   CNAME  gone.{other}.example.
        ; Long, wild, in between.
        long           TXT   {quoted(long_spf())}
        long._domainkey.long  TXT   {quoted(long_key(key))}
        *.wild         TXT   "v=spf1 ip4:{CLIENT} -all"
        deep.between   TXT   "v=spf1 -all"
        void           A     {CLIENT}
        ; An inner host, as split horizons have them.
        inner          TXT   "v=spf1 a:host.inner.{name}.example -all"
        host.inner     A     10.1.2.3
        """)


class Tree(SignedZones):
    """The zones in files of `folder`; `anchor` is the DS, `key_anchor` the DNSKEY of the root."""

    def __init__(self, folder, key):
        super().__init__(folder)
        leaves = {f"{name}.example.": leaf_zone(name, key) for name in LEAVES}
        delegations = []
        for zone, text in leaves.items():
            name = zone.split(".")[0]
            if name == "unsigned":
                self.write(zone, text)
            else:
                delegations.append(self.delegation(zone, text, nsec3=name == "nsec3", expired=name == "expired"))
        # The parent names a key that the child does not have.
        stranger = self.ds(self.make_key("bogus.example."))
        delegations = [stranger if line.startswith("bogus.") else line for line in delegations]
        top = textwrap.dedent(f"""\
            $ORIGIN example.
            $TTL 300
            @   SOA  ns hostmaster 1 3600 600 86400 60
            @   NS   ns
            ns  A    {SERVER}
            """) + "".join(f"{zone} NS ns.{zone}\nns.{zone} A {SERVER}\n" for zone in leaves)
        # As on the Internet, where resolvers and clients try whether they can validate.
        com = f"$TTL 300\ncom. SOA ns.example. hostmaster.example. 1 3600 600 86400 60\ncom. NS ns.example.\n"
        com_anchor = self.delegation("com.", com)
        top_anchor = self.delegation("example.", top + "\n".join(delegations) + "\n", nsec3=True)

        self.root_servers = dict(re.findall(r"(?m)^(\S+)\s+\d+\s+A\s+(\S+)$", HINTS.read_text()))
        root = "$TTL 86400\n. SOA a.root-servers.net. hostmaster. 1 1800 900 604800 300\n" + "".join(
            f". NS {name}\n{name} A {address}\n" for name, address in self.root_servers.items())
        root += f"example. NS ns.example.\nns.example. A {SERVER}\n{top_anchor}\ncom. NS ns.example.\n{com_anchor}\n"
        key = self.sign(".", root)
        self.anchor, self.key_anchor = self.ds(key), key.read_text().strip()
        self.zones = ["com.", "example.", *leaves]

    def delegation(self, zone, text, **how):
        """Signs a zone; the DS for the zone above."""
        return self.ds(self.sign(zone, text, **how))

    def addresses(self):
        return [*self.root_servers.values(), SERVER]

    def nsd_configurations(self):
        """One for the root, one for the rest."""
        return [self.nsd_configuration("nsd-root", self.root_servers.values(), ["."]),
                self.nsd_configuration("nsd-zones", [SERVER], self.zones)]
