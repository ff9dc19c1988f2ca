"""What /metrics says, compared with what was played.

    test_metrics.py AUTHMILTERD [unittest arguments]
"""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

from harness import exposition, measured, ran
from harness.daemon import PATIENCE, ZONE, Daemon, make_key
from harness.dns_server import DnsServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "authmilterd"
GOOD = [("From", " A <a@example.org>"), ("Subject", " hello")]
HELD = [("From", " A <a@held.example>"), ("Subject", " hello")]
LOST = [("From", " A <a@list.example>"), ("Subject", " hello")]
SIGNED = [("From", " A <a@signed.example>"), ("Subject", " hello")]
FORGED = ("Authentication-Results", " mx.example.net; dmarc=pass")
# Ten includes and one more term that asks.
GREEDY = "v=spf1 " + " ".join(f"include:i{i}.example" for i in range(10)) + " a:x.example -all"
MORE_ZONE = (ZONE + f'greedy.example. IN TXT "{GREEDY}"\n'
             '_dmarc.list.example. IN TXT "v=DMARC1; p=reject"\n'
             'list.example. IN TXT "v=spf1 -all"\n'
             + "".join(f'i{i}.example. IN TXT "v=spf1 -all"\n' for i in range(10)))
OVERRIDE = '[[policy.override]]\nauthor_domain = "list.example"\ndmarc_reject = "tag"\n'
# What passes while nothing happens, or is not to be foreseen.
UNSTEADY = re.compile(r"^(authmilter_(busy|dns_wait)_seconds_total$|process_|"
                      r"authmilter_dns_questions_total$)")


def a_daemon(**options):
    return measured.Measured(PROGRAM, **options)


def signature(number):
    return ("DKIM-Signature", f" v=1; a=rsa-sha256; d=example.org; s=s{number}; h=from; bh=AAAA; b=AAAA")


def make_signing(daemon):
    make_key(daemon.dir / "e.pem", "ed25519")
    make_key(daemon.dir / "r.pem", "rsa")
    os.utime(daemon.dir / "e.pem", (1700000000, 1700000000))
    keys = ", ".join(f'{{ selector = "{s}", file = "{daemon.dir}/{s}.pem" }}' for s in "er")
    return f'[[signing.domain]]\ndomain = "signed.example"\nkeys = [{keys}]\n'


def label(name, **labels):
    return f"authmilter_{name}{{" + ",".join(f'{k}="{v}"' for k, v in sorted(labels.items())) + "}"


def judged(action, rule, spf, dmarc, policy=None, dkim=None):
    """The counters that one incoming message moves."""
    moved = {label("messages_total", action=action): 1, label("messages_by_rule_total", rule=rule): 1,
             label("policy_decisions_total", action=policy or action): 1,
             label("dmarc_results_total", result=dmarc): 1, label("arc_results_total", result="none"): 1,
             label("arc_seals_total", result="off"): 1}
    if spf:
        moved[label("spf_results_total", result=spf)] = 1
    for result, count in (dkim or {"none": 1}).items():
        moved[label("dkim_results_total", result=result)] = count
    return moved


def outgoing(reason=None, action="accept"):
    moved = {label("messages_total", action=action): 1, label("messages_by_rule_total", rule="signing"): 1}
    if reason:
        moved[label("unsigned_messages_total", reason=reason)] = 1
    return moved


# why, client, header, options of the envelope, counters and by how much each moves
ROWS = [
    ("passes", "192.0.2.1", GOOD, {}, judged("accept", "dmarc.pass", "pass", "pass")),
    ("rejected", "192.0.2.9", GOOD, {}, judged("reject", "dmarc.reject", "fail", "fail")),
    ("held", "192.0.2.1", HELD, {}, judged("quarantine", "dmarc.quarantine", "pass", "fail")),
    ("without any policy", "192.0.2.1", [("From", " x@none.example")], {"mail_from": "<x@none.example>"},
     judged("accept", "default", "none", "none")),
    ("no author", "192.0.2.1", GOOD[1:], {}, judged("reject", "dmarc.permerror", "pass", "permerror")),
    ("an override decides", "192.0.2.1", LOST, {},
     judged("tag", "dmarc.reject", "pass", "fail") | {"authmilter_policy_overrides_total": 1}),
    ("SPF alone", "192.0.2.1", [("From", " x@none.example")], {"mail_from": "<x@held.example>"},
     judged("tag", "spf.fail", "fail", "none")),
    ("too many terms of SPF", "192.0.2.1", [("From", " x@none.example")], {"mail_from": "<x@greedy.example>"},
     judged("accept", "spf.permerror", "permerror", "none") | {label("limits_hit_total", limit="spf-lookups"): 1}),
    ("too many signatures", "192.0.2.1", GOOD + [signature(i) for i in range(12)], {},
     judged("accept", "dmarc.pass", "pass", "pass", dkim={"neutral": 10, "policy": 2})
     | {label("limits_hit_total", limit="signatures"): 1}),
    ("too many fields", "192.0.2.1", GOOD + [("X-Filler", " x")] * 1000, {},
     judged("reject", "limit.header", None, "permerror") | {label("limits_hit_total", limit="header"): 1}),
    ("too many recipients", "192.0.2.1", GOOD, {"rcpts": ["<b@example.com>"] * 1001},
     judged("accept", "dmarc.pass", "pass", "pass") | {label("limits_hit_total", limit="recipients"): 1}),
    ("signed", "192.0.2.9", SIGNED, {"auth_user": "a", "mail_from": "<a@signed.example>"},
     outgoing() | {"authmilter_signed_messages_total": 1, label("signatures_total", algorithm="rsa"): 1,
                   label("signatures_total", algorithm="ed25519"): 1}),
    ("no key", "127.0.0.1", GOOD, {}, outgoing("no-key")),
    ("somebody else's name", "192.0.2.9", SIGNED, {"auth_user": "a"}, outgoing("sender-mismatch")),
    ("came from outside before", "127.0.0.1", [("Authentication-Results", " mx.example.net; dmarc=fail")] + SIGNED, {},
     outgoing("judged-before")),
    ("signed, with a line and letters that may not survive", "127.0.0.1",
     SIGNED + [("To", " " + "x" * 1000), ("Content-Transfer-Encoding", " 8bit")], {},
     outgoing() | {"authmilter_signed_messages_total": 1, label("signatures_total", algorithm="rsa"): 1,
                   label("signatures_total", algorithm="ed25519"): 1,
                   label("fragile_messages_total", kind="long-line"): 1,
                   label("fragile_messages_total", kind="8bit"): 1}),
    ("two authors", "127.0.0.1", SIGNED + SIGNED, {}, outgoing("multiple-from-fields")),
    ("too many fields to sign", "127.0.0.1", SIGNED + [("X-Filler", " x")] * 1000, {},
     outgoing("header-limit-exceeded") | {label("limits_hit_total", limit="header"): 1}),
    ("more forged results than can be removed", "127.0.0.1", SIGNED + [FORGED] * 2001, {},
     outgoing(action="tempfail") | {label("signing_failures_total", reason="header-limit-exceeded"): 1,
                                    label("limits_hit_total", limit="header"): 1}),
]


class Counting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = a_daemon(zone=MORE_ZONE, prepare=lambda daemon: daemon.write_config(
            OVERRIDE + make_signing(daemon) + daemon.more))
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)

    def moved(self, play):
        """What `play` changes, apart from what cannot be foreseen."""
        before = self.daemon.series()
        play()
        self.daemon.wait_for_series("authmilter_open_connections", 0)
        after = self.daemon.series()
        self.assertEqual(set(before), set(after), "a counter that begins later misses its first event")
        return {name: after[name] - before[name] for name in after
                if after[name] != before[name] and not UNSTEADY.match(name)}

    def deliver(self, client_address, header, **envelope):
        with self.daemon.client() as client:
            client.greet(client_address)
            client.deliver(header, **envelope)

    def test_each_message_moves_what_it_should_and_nothing_else(self):
        for why, client, header, envelope, wanted in ROWS:
            with self.subTest(why=why):
                moved = self.moved(lambda: self.deliver(client, header, **envelope))
                self.assertEqual(moved, wanted | {"authmilter_connections_total": 1})

    def test_messages_that_are_given_up(self):
        def abort(client):
            client.abort()

        def begin_again(client):
            client.abort()
            client.begin()
            client.silent()  # libmilter does not read what comes with the end of the connection
            client.abort()

        def leave(client):
            client.sock.shutdown(socket.SHUT_RDWR)

        def nothing(client):
            client.end_of_message()
            client.abort()

        for way, aborted in ((abort, 1), (begin_again, 2), (leave, 1), (nothing, 0)):
            with self.subTest(way=way.__name__):
                def play():
                    with self.daemon.client() as client:
                        client.greet()
                        client.begin()
                        client.content(GOOD)
                        way(client)
                self.assertEqual(self.moved(play).get("authmilter_aborted_messages_total", 0), aborted)

    def test_what_is_open_now(self):
        with self.daemon.client() as client:
            client.greet()
            client.begin()
            self.daemon.wait_for_series("authmilter_messages_in_hand", 1)
            self.daemon.wait_for_series("authmilter_open_connections", 1)
        self.daemon.wait_for_series("authmilter_messages_in_hand", 0)

    def test_no_label_is_of_a_sender_s_making(self):
        before = set(self.daemon.series())
        evil = 'evil"} 1\nauthmilter_evil{x="'
        with self.daemon.client() as client:
            client.connect("192.0.2.1", host=evil)
            client.helo(evil)
            for mail_from in ("<a@evil.example>", f"<{evil}@evil.example>"):
                client.deliver([("From", " a@evil.example"), signature(evil), (evil, evil)],
                               mail_from=mail_from, queue_id=evil)
        self.assertEqual(set(self.daemon.series()), before)

    def test_times_of_the_keys(self):
        series = self.daemon.series()
        self.assertEqual(series[label("signing_key_timestamp_seconds", domain="signed.example", selector="e")],
                         1700000000)
        written = series[label("signing_key_timestamp_seconds", domain="signed.example", selector="r")]
        self.assertLess(abs(time.time() - written), 300)

    def test_the_process(self):
        series = self.daemon.series()
        self.assertLess(abs(time.time() - series["process_start_time_seconds"]), 300)
        place = f'{{socket="{self.daemon.sockets[0]}"}}'
        self.assertGreater(series["process_open_fds" + place], 5)
        self.assertGreater(series["process_max_fds" + place], series["process_open_fds" + place])
        self.assertEqual(series["authmilter_monitor_mode" + place], 0)
        version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(series[label("build_info", version=version.split()[1])], 1)

    def test_names_and_kinds_are_prometheus_s(self):
        for name, family in exposition.read(self.daemon.address).items():
            with self.subTest(name=name):
                self.assertTrue(family.help and family.samples)
                self.assertRegex(name, "^(authmilter|process)_[a-z_]+$")
                self.assertEqual(name.endswith("_total"), family.kind == "counter")
                if family.kind == "histogram":
                    buckets = [value for (sample, _), value in family.samples.items() if sample.endswith("_bucket")]
                    self.assertEqual(buckets, sorted(buckets))
                    self.assertEqual(buckets[-1], family.samples[(name + "_count", ())])

    def test_the_manual_names_every_metric_and_no_other(self):
        page = (ROOT / "man/authmilterd.8").read_text()
        documented = {name.replace("\\&", "") for name in
                      re.findall(r"(?m)^\.It (?:Ic|Li) ((?:authmilter|process)_\S+)", page)}
        self.assertEqual(documented, set(exposition.read(self.daemon.address)))

    def test_the_manual_names_every_value_of_a_label(self):
        page = (ROOT / "man/authmilterd.8").read_text().replace("\\-", "-")
        for family in exposition.read(self.daemon.address).values():
            for _, labels in family.samples:
                for name, value in labels:
                    if name in ("rule", "limit", "reason", "kind", "algorithm"):
                        self.assertRegex(page, rf"(?<![\w.-]){re.escape(value)}(?![\w-])", f"{name}={value}")


class Dns(unittest.TestCase):
    ZONE = {"good.example": [("TXT", "v=spf1 -all")], "_dmarc.good.example": [("TXT", "v=DMARC1; p=none")],
            # What is not asked for in advance has less than its own time left.
            "chain.example": [("TXT", "v=spf1 include:silent.example -all")],
            "silent.example": [{"fault": "TIMEOUT"}], "_dmarc.silent.example": [("TXT", "v=DMARC1; p=none")],
            "broken.example": [{"fault": "SERVFAIL"}], "_dmarc.broken.example": [("TXT", "v=DMARC1; p=none")]}

    def test_queries_and_their_failures(self):
        with DnsServer(self.ZONE) as server:
            def prepare(daemon):
                text = re.sub(r"zones = .*\n", "", daemon.config.read_text())
                daemon.write_config(text=text.replace("127.0.0.1@9", server.address))
            with a_daemon(prepare=prepare) as daemon, daemon.client() as client:
                def deliver(domain):
                    client.greet("192.0.2.1", helo="[192.0.2.1]")
                    client.deliver([("From", f" a@{domain}")], mail_from=f"<a@{domain}>")
                    client.quit_new_connection()
                    return daemon.series()

                duration = "authmilter_dns_query_duration_seconds"
                for _ in range(2):  # the second time nothing is asked
                    series = deliver("good.example")
                    self.assertEqual(series[f"{duration}_count"], len(set(server.queries)))
                self.assertEqual(series["authmilter_dns_questions_total"], 2 * len(set(server.queries)))
                self.assertEqual(series[f'{duration}_bucket{{le="5"}}'], series[f"{duration}_count"])
                self.assertGreater(series[f"{duration}_sum"], 0)
                fast = series[f"{duration}_sum"]
                self.assertEqual(sum(v for k, v in series.items() if "dns_failures" in k), 0)

                series = deliver("broken.example")
                self.assertEqual(series[label("dns_failures_total", kind="servfail")], 1)
                series = deliver("silent.example")
                self.assertEqual(series[label("dns_failures_total", kind="timeout")], 1)
                self.assertEqual(series[label("spf_results_total", result="temperror")], 2)
                # dns.timeout is one second, and a whole one was waited for.
                self.assertGreater(series[f"{duration}_sum"], fast + 1)
                self.assertGreater(series["authmilter_dns_wait_seconds_total"], 1)

    def test_a_message_that_asks_too_much(self):
        rows = (("queries", "message_queries = 2", "dns-queries"),
                ("time", 'message_timeout = "1s"', "dns-time"))
        for why, setting, limit in rows:
            with self.subTest(why=why), DnsServer(self.ZONE) as server:
                def prepare(daemon):
                    text = daemon.config.read_text().replace(f'zones = ["{daemon.dir}/zone"]', setting)
                    daemon.write_config(text=text.replace("127.0.0.1@9", server.address))
                with a_daemon(prepare=prepare) as daemon, daemon.client() as client:
                    client.greet("192.0.2.1")
                    client.deliver([("From", " a@good.example")], mail_from="<a@chain.example>")
                    hit = {name: value for name, value in daemon.series().items()
                           if value and "limits_hit" in name}
                    self.assertEqual(hit, {label("limits_hit_total", limit=limit): 1})


class Served(unittest.TestCase):
    """What the HTTP server answers."""

    def ask(self, address, method, path):
        connection = http.client.HTTPConnection(address, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_accept_encoding=True)
            connection.endheaders()
            answer = connection.getresponse()
            return answer, answer.read().decode()
        finally:
            connection.close()

    def test_two_paths_and_nothing_else(self):
        with a_daemon() as daemon:
            # A file in the folder that the server runs in, and of any other.
            files = [str(daemon.config), "/etc/passwd", "/proc/self/environ"]
            folders = ["/", "/.", "//", "/etc", "/etc/", "/tmp/"]
            ways = ["/..{0}", "/../../../../..{0}", "/%2e%2e/%2e%2e/%2e%2e{0}", "/metrics/../..{0}", "/..%5c..{0}"]
            paths = [*files, *folders, *(way.format(file) for file in files for way in ways), "/metrics/", "/metrics/x",
                     "/metrics.cgi", "/metrics.shtml", "/METRICS", "/status/", "/statuses", "/favicon.ico", "/%00/metrics"]
            rows = [*(("GET", path, {404, 400}) for path in paths),
                    *(("GET", path, {200}) for path in ("/metrics", "/status", "/metrics?a=b", "/status?", "/%6detrics")),
                    *(("HEAD", path, {200}) for path in ("/metrics", "/status")), ("HEAD", "/", {404}),
                    *((method, "/metrics", {405}) for method in ("POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "MKCOL")),
                    *((method, "/x", {404}) for method in ("PUT", "DELETE", "MKCOL")), ("NONSENSE", "/metrics", {400, 405})]
            for method, path, wanted in rows:
                with self.subTest(method=method, path=path):
                    answer, body = self.ask(daemon.address, method, path)
                    self.assertIn(answer.status, wanted)
                    self.assertIsNone(answer.getheader("Server"))
                    self.assertNotIn("root:", body)
                    if method == "HEAD":
                        self.assertEqual(body, "")
                    if wanted == {200}:
                        self.assertGreater(int(answer.getheader("Content-Length")), 1000)
                    if wanted == {405}:
                        self.assertEqual(answer.getheader("Allow"), "GET, HEAD")

    def test_types(self):
        with a_daemon(sockets=2) as daemon:
            answer, body = self.ask(daemon.address, "GET", "/metrics")
            self.assertEqual(answer.getheader("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
            exposition.parse(body)
            answer, body = self.ask(daemon.address, "GET", "/status")
            self.assertEqual(answer.getheader("Content-Type"), "application/json")
            self.assertEqual([process["socket"] for process in json.loads(body)["processes"]], daemon.sockets)

    def test_the_first_answer_is_a_good_one(self):
        for sockets in (1, 2):
            with self.subTest(sockets=sockets):
                self.first_answers(sockets)

    def first_answers(self, sockets):
        """Those to a client that asks from before the daemon's start on."""
        address, found, end = measured.free_address(), [], time.monotonic() + PATIENCE

        def ask():
            while not found and time.monotonic() < end:
                try:
                    found.append(self.ask(address, "GET", "/metrics")[0].status)
                except ConnectionRefusedError:
                    pass

        asking = threading.Thread(target=ask)
        asking.start()
        with Daemon(PROGRAM, sockets=sockets, more=f'[metrics]\nlisten = "{address}"\n'):
            asking.join()
        self.assertEqual(found, [200])


class Configurations(unittest.TestCase):
    def test_several_sockets_are_counted_together_and_reload_each_for_itself(self):
        with a_daemon(sockets=2) as daemon:
            for number in (0, 1, 1):
                with daemon.client(number) as client:
                    client.greet()
                    client.deliver(GOOD)
            series = daemon.series()
            self.assertEqual(series[label("messages_total", action="accept")], 3)
            self.assertEqual(series["authmilter_connections_total"], 3)
            good = daemon.config.read_text()
            states = (("bad", good + "[nonsense]\n", {"good": 0, "bad": 1}, 0, 0),
                      ("good", good + '[verify]\nmode = "monitor"\n', {"good": 1, "bad": 1}, 1, 1))
            for why, text, reloads, successful, monitor in states:
                daemon.write_config(text=text)
                daemon.send_signal(signal.SIGUSR1)
                for where in daemon.sockets:
                    with self.subTest(why=why, socket=where):
                        for result, count in reloads.items():
                            daemon.wait_for_series(label("reloads_total", result=result, socket=where), count)
                        series = daemon.series()
                        self.assertEqual(series[label("config_last_reload_successful", socket=where)], successful)
                        self.assertEqual(series[label("monitor_mode", socket=where)], monitor)
                        self.assertGreater(series[f'process_open_fds{{socket="{where}"}}'], 5)

    def test_the_time_of_the_configuration_in_force(self):
        with a_daemon() as daemon:
            name = label("config_last_reload_success_timestamp_seconds", socket=daemon.sockets[0])
            loaded = daemon.series()[name]
            self.assertLess(abs(time.time() - loaded), 300)
            time.sleep(max(0, loaded + 1.1 - time.time()))
            good = daemon.config.read_text()
            daemon.write_config(text="nonsense")
            daemon.send_signal(signal.SIGUSR1)
            daemon.wait_for("cannot reload")
            self.assertEqual(daemon.series()[name], loaded)
            daemon.write_config(text=good)
            daemon.send_signal(signal.SIGUSR1)
            daemon.wait_for("configuration reloaded")
            self.assertGreater(daemon.series()[name], loaded)

    def test_a_key_that_a_reload_brings(self):
        with a_daemon() as daemon:
            self.assertFalse([name for name in daemon.series() if "signing_key" in name])
            daemon.write_config(make_signing(daemon) + daemon.more)
            daemon.send_signal(signal.SIGUSR1)
            daemon.wait_for_series(
                label("signing_key_timestamp_seconds", domain="signed.example", selector="e"), 1700000000)

    def test_who_can_reach_the_metrics(self):
        rows = (("127.0.0.1:9253", False), ("127.1.2.3:9253", False), ("[::1]:9253", False), ("", False),
                ("0.0.0.0:9253", True), ("192.0.2.1:9253", True), ("[::]:9253", True), ("[2001:db8::1]:9253", True))
        with Daemon(PROGRAM) as daemon:
            for listen, warned in rows:
                with self.subTest(listen=listen):
                    daemon.write_config(f'[metrics]\nlisten = "{listen}"\n')
                    check = subprocess.run([PROGRAM, "--check-config", "--config", str(daemon.config)],
                                           capture_output=True, text=True, timeout=20, check=True)
                    self.assertEqual("warning: metrics.listen" in check.stderr, warned, check.stderr)


if __name__ == "__main__":
    ran.main()
