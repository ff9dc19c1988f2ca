"""An authority of the test's own, and certificates of hosts."""

import hashlib
import subprocess
import time

# `openssl ca`, since it alone takes dates that are over.
CA_CONFIGURATION = """\
[ca]
default_ca = this
[this]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
policy = names
unique_subject = no
copy_extensions = copy
[names]
commonName = supplied
"""


class Authority:
    """Makes certificates: its own, and of others by it or by themselves."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "certs").mkdir()
        self.authorities = folder / "certs/ca-certificates.crt"
        for name in ("ca", "host"):
            self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                          "-out", folder / f"{name}.key")
        # RFC 5280 section 4.2.1.3: Python 3.13 is strict about it.
        self._openssl("req", "-x509", "-key", folder / "ca.key", "-days", "2", "-subj", "/CN=Authority",
                      "-out", self.authorities, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def _openssl(self, *arguments):
        return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout

    def certificate(self, name, by_authority):
        """The file with key and certificate for the host `name`. All have one key: to make one takes longest."""
        certificate, chain = self.folder / f"{name}.crt", self.folder / f"{name}.pem"
        signer = ("-CA", self.authorities, "-CAkey", self.folder / "ca.key") if by_authority else ()
        self._openssl("req", "-x509", "-key", self.folder / "host.key", "-days", "2", *signer,
                      "-subj", f"/CN={name}", "-out", certificate, "-addext", f"subjectAltName=DNS:{name}",
                      "-addext", "basicConstraints=CA:FALSE")
        chain.write_text((self.folder / "host.key").read_text() + certificate.read_text())
        return chain

    def expired(self, name):
        """One by the authority that was good until yesterday."""
        return self.issue(name, days=(-3, -1))

    def key(self, kind):
        """The file with a key, "rsa1024" or a curve's name; all certificates that have such a key have this one."""
        path = self.folder / f"{kind}.key"
        if not path.exists():
            options = ("RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[3:]}") if kind.startswith("rsa") else \
                      ("EC", "-pkeyopt", f"ec_paramgen_curve:{kind}")
            self._openssl("genpkey", "-algorithm", *options, "-out", path)
        return path

    def issue(self, name, also=(), key="P-256", days=(-1, 60), digest="sha256", issuer="authority", file=""):
        """The file with key and certificate for the host `name` and those in `also`. The issuer is this authority, an
        "intermediate" one that it made, or "self". The certificate is valid from and to `days` from now."""
        file = file or name
        if issuer == "intermediate" and not (self.folder / "intermediate.crt").exists():
            self.issue("Intermediate", key="P-384", file="intermediate")
        chain, certificate, request = (self.folder / f"{file}.{ending}" for ending in ("pem", "crt", "csr"))
        names = ",".join(f"DNS:{one}" for one in (name, *also))
        extensions = ("basicConstraints=critical,CA:TRUE",) if file == "intermediate" else \
                     ("basicConstraints=CA:FALSE", f"subjectAltName={names}")
        asked = [word for extension in extensions for word in ("-addext", extension)]
        self._openssl("req", "-new", "-key", self.key(key), "-subj", f"/CN={name}", "-out", request, *asked)
        start, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * day)) for day in days)
        signer = {"self": ("-selfsign", "-keyfile", self.key(key)),
                  "authority": ("-cert", self.authorities, "-keyfile", self.folder / "ca.key"),
                  "intermediate": ("-cert", self.folder / "intermediate.crt", "-keyfile", self.key("P-384"))}[issuer]
        (self.folder / "index").touch()
        (self.folder / "ca.cnf").write_text(CA_CONFIGURATION.format(folder=self.folder))
        self._openssl("ca", "-batch", "-notext", "-config", self.folder / "ca.cnf", *signer, "-in", request,
                      "-out", certificate, "-startdate", start, "-enddate", end, "-md", digest)
        chain.write_text(self.key(key).read_text() + certificate.read_text())
        return chain

    def key_digest(self, chain):
        """What a TLSA record 3 1 1 has (RFC 7672 section 3.1.1): SHA-256 of the public key."""
        return hashlib.sha256(self._openssl("pkey", "-in", chain, "-pubout", "-outform", "DER")).hexdigest()
