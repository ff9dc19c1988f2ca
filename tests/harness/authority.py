"""An authority of the test's own, and certificates of hosts."""

import hashlib
import subprocess


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
        return self._with_key(certificate, chain)

    def expired(self, name):
        """One by the authority that was good until yesterday."""
        asked, certificate, chain = (self.folder / f"{name}.{kind}" for kind in ("csr", "crt", "pem"))
        self._openssl("req", "-new", "-key", self.folder / "host.key", "-subj", f"/CN={name}", "-out", asked,
                      "-addext", f"subjectAltName=DNS:{name}")
        self._openssl("x509", "-req", "-in", asked, "-copy_extensions", "copy", "-CA", self.authorities,
                      "-CAkey", self.folder / "ca.key", "-days", "-1", "-out", certificate)
        return self._with_key(certificate, chain)

    def _with_key(self, certificate, chain):
        chain.write_text((self.folder / "host.key").read_text() + certificate.read_text())
        return chain

    def key_digest(self, chain):
        """What a TLSA record 3 1 1 has (RFC 7672 section 3.1.1): SHA-256 of the public key."""
        return hashlib.sha256(self._openssl("pkey", "-in", chain, "-pubout", "-outform", "DER")).hexdigest()
