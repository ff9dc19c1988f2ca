"""What independent programs make of reports: Debian's dmarc-cat and Mail::DMARC, unpacked into a cache
(contrib/packages/report-readers), and Python's own parsers."""

import email
import email.policy
import gzip
import os
import re
import sqlite3
import subprocess
import xml.etree.ElementTree

from .unpacked_packages import unpacked_list

NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"


class Check:
    def __init__(self):
        self.wrong = 0

    def expect(self, what, found, wanted):
        good = found == wanted
        print(f"{'as it should be' if good else 'WRONG'}: {what}" + ("" if good else f"\n  {found!r}\n  not {wanted!r}"))
        self.wrong += not good


def attachment(octets):
    """File name and file of a report's mail."""
    for part in email.message_from_bytes(octets, policy=email.policy.default).walk():
        if part.get_content_type() == "application/gzip":
            return part.get_filename(), part.get_content()
    return None, b""


def texts(root, path, space=NAMESPACE):
    return [found.text for found in root.findall("/".join(space + name for name in path.split("/")))]


def rows_of(file, space=NAMESPACE):
    """(address, count, disposition) of each record."""
    root = xml.etree.ElementTree.fromstring(gzip.decompress(file))
    return sorted(zip(texts(root, "record/row/source_ip", space), map(int, texts(root, "record/row/count", space)),
                      texts(root, "record/row/policy_evaluated/disposition", space)))


def reasons_of(file):
    return texts(xml.etree.ElementTree.fromstring(gzip.decompress(file)), "record/row/policy_evaluated/reason/type")


def mail_dmarc_environment(packages, folder):
    """What Mail::DMARC's programs need to run in `folder`, where their configuration says store.sqlite from now on."""
    share = next(packages.glob("usr/share/perl5/auto/share/dist/Mail-DMARC"))
    (folder / "mail-dmarc.ini").write_text(
        "[organization]\ndomain = home.example\norg_name = x\nemail = x@home.example\n"
        f"[dns]\npublic_suffix_list = {share}/public_suffix_list\n"
        f"[report_store]\nbackend = SQL\ndsn = dbi:SQLite:dbname={folder}/store.sqlite\nuser =\npass =\n"
        "[report_sign]\n[imap]\n[http]\n[https]\n[smtp]\nhostname = x\n[report_sending]\n")
    libraries = [packages / "usr/share/perl5", *packages.glob("usr/lib/*/perl5/5.*")]
    return {"PERL5LIB": ":".join(map(str, libraries)), "PATH": os.environ["PATH"], "HOME": str(folder)}


class Readers:
    """Debian's."""

    def __init__(self, folder):
        self.packages = unpacked_list("report-readers")
        self.folder = folder
        folder.mkdir()

    def dmarc_cat(self, name, file):
        """The addresses and counts that it shows of a file."""
        path = self.folder / name
        path.write_bytes(file)
        result = subprocess.run([self.packages / "usr/bin/dmarc-cat", "-N", path], capture_output=True, text=True, timeout=60,
                                check=False, env={"HOME": str(self.folder), "PATH": os.environ["PATH"]})
        rows = re.findall(r"(?m)^\s*(127\.0\.1\.\d+)\S*\s+(\d+)\s", result.stdout)
        return sorted((address, int(count)) for address, count in rows) or result.stdout + result.stderr

    def mail_dmarc(self, octets):
        """(organization, domain, number of messages) of what it has stored of a mail; or its complaint."""
        folder = self.folder / f"dmarc{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        environment = mail_dmarc_environment(self.packages, folder)
        (folder / "mail").write_bytes(octets)
        result = subprocess.run(["perl", self.packages / "usr/bin/dmarc_receive", "--file", folder / "mail"], cwd=folder,
                                capture_output=True, text=True, timeout=60, check=False, env=environment)
        if result.returncode != 0 or not (folder / "store.sqlite").exists():
            return result.stderr.strip().splitlines()[:1]
        with sqlite3.connect(folder / "store.sqlite") as store:
            return store.execute("SELECT a.org_name, d.domain, SUM(rr.count) FROM report r JOIN author a ON a.id = r.author_id "
                                 "JOIN domain d ON d.id = r.from_domain_id JOIN report_record rr ON rr.report_id = r.id "
                                 "GROUP BY r.id").fetchall()
