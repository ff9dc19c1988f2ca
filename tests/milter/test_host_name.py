"""The daemon and the command give the host the same name, which is the default authserv-id.

    test_host_name.py AUTHMILTERD [unittest arguments]

Hosts with names of their own are made in namespaces, which takes root.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

from harness import ran

PROGRAM = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd").resolve()
COMMAND = PROGRAM.parent / "tools" / "authmilter"
SKIPPED = 77

MESSAGE = "From: a@example.org\nAuthentication-Results: mail.example.org; dmarc=pass\n\nx\n"


class HostName(unittest.TestCase):
    def on_host(self, name, hosts, *arguments):
        """Runs a program on a host of that name whose /etc/hosts is `hosts`."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "hosts").write_text(hosts)
            (path / "authmilter.toml").write_text("")
            (path / "zone").write_text(". IN SOA . . 1 3600 600 86400 300\n")
            script = 'printf %s "$1" > /proc/sys/kernel/hostname; mount --bind hosts /etc/hosts; shift; exec "$@"'
            return subprocess.run(["unshare", "--uts", "--mount", "sh", "-ec", script, "sh", name, *arguments],
                                  cwd=folder, input=MESSAGE, capture_output=True, text=True, timeout=60, check=False)

    def test_both_take_the_full_name(self):
        """A host with a short name: what comes in its full name is forged, and both programs see that."""
        rows = [
            ("a short name with a full one", "mail", "127.0.1.1 Mail.Example.org mail\n", "mail.example.org"),
            ("a full name", "mail.example.org", "", "mail.example.org"),
            ("a full name that the resolver calls otherwise", "mail.example.org",
             "127.0.1.1 other.example mail.example.org\n", "mail.example.org"),
        ]
        for why, name, hosts, wanted in rows:
            with self.subTest(why):
                daemon = self.on_host(name, hosts, str(PROGRAM), "--config", "authmilter.toml", "--print-config")
                self.assertEqual(re.findall(r'(?m)^authserv_id = "(.*)"$', daemon.stdout), [wanted], daemon)
                command = self.on_host(name, hosts, str(COMMAND), "verify", "--config", "authmilter.toml", "--json",
                                       "--zone", "zone")
                verdict = json.loads(command.stdout)
                self.assertTrue(verdict["authentication_results"].startswith(wanted + ";"), verdict)
                removed = [edit for edit in verdict["header_edits"] if edit["action"] == "remove"]
                self.assertEqual(len(removed), 1, "the forged results field")

    def test_a_name_that_is_none(self):
        """Both say that it is not a domain name, and which setting helps."""
        for arguments in ([str(PROGRAM), "--config", "authmilter.toml", "--check-config"],
                          [str(COMMAND), "verify", "--config", "authmilter.toml", "--zone", "zone"]):
            result = self.on_host("mail!.example", "", *arguments)
            self.assertEqual(result.returncode, 78, result)
            self.assertIn("identity.authserv_id", result.stderr)


if __name__ == "__main__":
    if subprocess.run(["unshare", "--uts", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        print("skipped: no namespaces can be made")
        sys.exit(SKIPPED)
    ran.main()
