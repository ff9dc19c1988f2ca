"""The same verdicts come out of the daemon as out of the command.

    through_daemon.py AUTHMILTER AUTHMILTERD TESTDATA

Runs each case of the SPF and DKIM suites twice, through `authmilter` and over the milter socket of
`authmilterd`, both asking a name server of ours, and compares the two with each other and with what the
suite expects. A few answers that the suites have not come first. Exit status: 0, all agree; 1, some do not; 77, no suite is there.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

from harness.daemon import Daemon
from harness.dns_server import DnsServer

SKIPPED = 77

# A verdict must not depend on whether the client is ours, and no message is refused, so that all have results.
CONFIG = """[milter]
socket = "{socket}"
socket_group = ""
[identity]
authserv_id = "mx.example.net"
[network]
internal = ["192.0.2.255/32"]
[dns]
nameservers = ["{nameserver}"]
timeout = "500ms"
message_timeout = "5s"
dnssec = "off"
[verify]
mode = "monitor"
[log]
target = "stderr"
"""

# As in dkim_suite.cc: the signatures carry t= of 2004 to 2025.
DKIM_NOW = 1_800_000_000
DKIM_SUITES = {"dkim-lieser": "cases-dkim-lieser.json", "dkim-mox": "cases-dkim-mox.json",
               "dkim-go-msgauth": "cases-dkim-go-msgauth.json", "dkim-dkimpy": "cases-dkim-dkimpy-static.json"}


class Programs:
    """Command and daemon with one configuration, which asks `server`."""

    def __init__(self, command, daemon, server):
        self.command = command
        self.daemon = Daemon(daemon, prepare=lambda one: one.write_config(
            text=CONFIG.format(socket=one.sockets[0], nameserver=server.address)))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.daemon.__exit__(*exc)

    def ask_command(self, subcommand, *arguments, message=b""):
        done = subprocess.run([self.command, subcommand, "--json", "--config", str(self.daemon.config), *arguments],
                              input=message, capture_output=True)
        if done.returncode not in (0, 1, 2):
            sys.exit(f"authmilter {subcommand}: exit {done.returncode}: {done.stderr.decode(errors='replace')}")
        return json.loads(done.stdout)

    def ask_daemon(self, headers, body=b"", client="192.0.2.1", helo="client.example.net", mail_from="<>"):
        """The results field that the daemon adds, split into its entries."""
        with self.daemon.client() as milter:
            milter.greet(client, helo)
            result = milter.deliver(headers, body, mail_from=mail_from)
        fields = result.inserted("Authentication-Results")
        if not result.accepted or len(fields) != 1:
            return [f"{len(fields)} fields, status {result.status} {result.reply}"]
        return [re.sub(r"\s+", " ", one).strip() for one in split_results(fields[0])][1:]


def split_results(value):
    """At the semicolons outside of comments and quoted strings."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|\((?:[^()\\]|\\.)*\)|[^;"(])+', value)


def results(entries, method, prop=""):
    """The result words of a method, of the entries that have the property."""
    return [match[1] for one in entries if (match := re.match(rf"{method}=(\w+)", one)) and prop in one]


class Score:
    def __init__(self, name):
        self.name, self.good, self.all = name, 0, 0

    def count(self, case, problem):
        self.all += 1
        self.good += not problem
        if problem:
            print(f"FAILED {case}: {problem}")

    def report(self):
        print(f"{self.name}: {self.good} of {self.all}", flush=True)
        return self.good == self.all


def spf_by_command(programs, case):
    """What is wrong, and the result."""
    answer = programs.ask_command("spf", "--ip", case["ip"], "--helo", case["helo"],
                                  "--mail-from", case["mailfrom"] or "<>")
    explanation = case.get("explanation", answer["explanation"]).replace("DEFAULT", "")
    if answer["result"] not in case["expect"]:
        return f"expected {case['expect']}, got {answer}", answer["result"]
    if answer["explanation"] != explanation:
        return f"expected explanation {explanation!r}, got {answer}", answer["result"]
    return "", answer["result"]


def spf_by_daemon(programs, case, from_command):
    entries = programs.ask_daemon([("From", " a@unrelated.example"), ("Subject", " x")], b"x\r\n", case["ip"],
                                  case["helo"], f"<{case['mailfrom']}>")
    # The MAIL FROM identity stands first. Of a null reverse-path the name in HELO is told, and nothing of a
    # name that cannot be one.
    prop = "smtp.mailfrom=" if case["mailfrom"] else "smtp.helo="
    found = results(entries[:1], "spf", "" if from_command == "none" else prop)
    if found != [from_command]:
        return f"the command says {from_command}, the daemon {entries}"
    return "" if found[0] in case["expect"] else f"expected {case['expect']}, got {entries}"


def run_spf(command, daemon, path):
    suite = json.loads(path.read_text())
    scores = Score("spf through the command"), Score("spf through the daemon")
    for name, zone in suite["zones"].items():
        cases = [one for one in suite["cases"] if one["zone"] == name]
        with DnsServer(zone) as server, Programs(command, daemon, server) as programs:
            for case in cases:
                problem, result = spf_by_command(programs, case)
                scores[0].count(case["id"], problem)
                scores[1].count(case["id"], spf_by_daemon(programs, case, result))
    return all([one.report() for one in scores])


def as_expected(expected, found):
    if expected == "none":
        return found in ([], ["none"])
    if expected == "pass":
        return found != [] and set(found) == {"pass"}
    return found not in ([], ["none"]) and "pass" not in found


def fields_and_body(text):
    """As an MTA hands them over: a fold is a line feed."""
    header, _, body = text.partition(b"\r\n\r\n")
    fields = []
    for one in re.split(rb"\r\n(?![ \t])", header):
        name, _, value = one.partition(b":")
        fields.append((name, value.replace(b"\r\n", b"\n")))
    return fields, body


def dkim_by_command(programs, text, now):
    answer = programs.ask_command("verify", "--ip", "192.0.2.1", "--time", str(now), "-", message=text)
    return [one["result"] for one in answer["dkim"]]


def run_dkim(command, daemon, folder, case_file):
    """Counts the cases by command, by daemon, and those that only the command can judge."""
    suite = json.loads((folder / case_file).read_text())
    scores = Score(f"{folder.name} through the command"), Score(f"{folder.name} through the daemon")
    for name, zone in suite["zones"].items():
        records = {owner: [("TXT", text.encode())] for owner, text in zone.items()}
        with DnsServer(records) as server, Programs(command, daemon, server) as programs:
            for case in (one for one in suite["cases"] if one["zone"] == name):
                text = (folder / case["message"]).read_bytes()
                if case.get("eol") == "lf":
                    text = re.sub(rb"(?<!\r)\n", b"\r\n", text)
                now = case.get("time", case.get("now", DKIM_NOW))
                found = dkim_by_command(programs, text, now)
                good = as_expected(case["expect"], found)
                scores[0].count(case["id"], "" if good else f"expected {case['expect']}, got {found}")
                if dkim_by_command(programs, text, int(time.time())) != found:
                    print(f"{case['id']}: not through the daemon, its verdict depends on the clock")
                    continue
                entries = programs.ask_daemon(*fields_and_body(text))
                same = results(entries, "dkim") == (found or ["none"])
                scores[1].count(case["id"], "" if same else f"the command says {found}, the daemon {entries}")
    return all([one.report() for one in scores])


# What a resolver makes of a name server's answers, beyond what the suites have: name, its records, result.
ANSWERS = [
    ("a record that needs TCP", [("TXT", "v=spf1 " + "ip4:198.51.100.1 " * 200 + "ip4:192.0.2.1 -all")], "pass"),
    ("SERVFAIL", [{"fault": "SERVFAIL"}], "temperror"),
    ("REFUSED", [{"fault": "REFUSED"}], "temperror"),
    ("NXDOMAIN", [{"fault": "NXDOMAIN"}], "none"),
    ("no data", [("A", "192.0.2.1")], "none"),
    ("an alias", [("CNAME", "target.example")], "fail"),
    ("an alias that leads nowhere", [("CNAME", "nowhere.example")], "none"),
    ("an alias of itself", [("CNAME", "d7.example")], "temperror"),
    ("an include that cannot be had", [("TXT", "v=spf1 include:d1.example -all")], "temperror"),
    ("a type that cannot be had", [("TXT", "v=spf1 mx -all"), {"type": "MX", "fault": "SERVFAIL"}], "temperror"),
]


def run_answers(command, daemon):
    zone = {f"d{i}.example": records for i, (_, records, _) in enumerate(ANSWERS)}
    zone["target.example"] = [("TXT", "v=spf1 -all")]
    score = Score("answers of a name server")
    with DnsServer(zone) as server, Programs(command, daemon, server) as programs:
        for i, (why, _, expected) in enumerate(ANSWERS):
            case = {"ip": "192.0.2.1", "helo": "client.test", "mailfrom": f"a@d{i}.example", "expect": [expected]}
            problem, result = spf_by_command(programs, case)
            score.count(why, problem or spf_by_daemon(programs, case, result))
        if not server.tcp_queries:
            score.count("a record that needs TCP", "nobody came over TCP")
    return score.report()


def run_policy_for_missing_names(command, daemon):
    """RFC 9989 section 4.7: np is for names that do not exist; one that has others below it does."""
    zone = {"_dmarc.home.example": [("TXT", "v=DMARC1; p=none; sp=quarantine; np=reject")],
            "x.empty.home.example": [("A", "192.0.2.1")]}
    score = Score("names that exist")
    with DnsServer(zone) as server, Programs(command, daemon, server) as programs:
        for name, policy in (("missing.home.example", "reject"), ("empty.home.example", "quarantine"),
                             ("x.empty.home.example", "quarantine"), ("home.example", "none")):
            entries = programs.ask_daemon([("From", f" a@{name}"), ("Subject", " x")], b"x\r\n")
            wanted = f"policy.dmarc={policy}"
            score.count(name, "" if any(wanted in one for one in entries) else f"expected {wanted}, got {entries}")
    return score.report()


def main():
    command, daemon, testdata = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    spf = testdata / "spf-rfc7208" / "cases-spf-rfc7208.json"
    own = [run_answers(command, daemon), run_policy_for_missing_names(command, daemon)]
    ran = []
    if spf.exists():
        ran.append(run_spf(command, daemon, spf))
    for folder, case_file in DKIM_SUITES.items():
        if (testdata / folder / case_file).exists():
            ran.append(run_dkim(command, daemon, testdata / folder, case_file))
    if not ran:
        print(f"skipped: there are no suites in {testdata}")
        return SKIPPED if all(own) else 1
    return 0 if all(own + ran) else 1


if __name__ == "__main__":
    sys.exit(main())
