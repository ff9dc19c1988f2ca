#!/usr/bin/env python3
"""The dashboard and the alerts that are offered ask only for what the daemon says, and for all of it.

usage: monitoring.py AUTHMILTERD

The expressions are compared with the metrics of a daemon that runs: names, labels and the values that
labels can have. Where promtool is installed it checks the alerts too.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys

from harness.daemon import make_key
from harness.measured import Measured, exposition

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "contrib/grafana/authmilter.json"
RULES = ROOT / "contrib/prometheus/authmilter.rules.yml"
ADDED_BY_PROMETHEUS = {"instance", "job"}
KEYWORDS = {"by", "without", "and", "or", "unless", "bool", "on", "ignoring"}
MATCHER = re.compile(r'\s*([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*(?:,|$)')
# Labels of which each value is there from the start.
COMPLETE = {"action", "fate", "rule", "result", "reason", "kind", "limit", "algorithm"}


class Problems(list):
    def check(self, condition, text):
        if not condition:
            self.append(text)


def labels_of(families):
    """Of each sample: its labels, and of each label the values."""
    found = {"up": {}}
    for family in families.values():
        for name, labels in family.samples:
            values = found.setdefault(name, {})
            for label, value in labels:
                values.setdefault(label, set()).add(value)
    return found


def check_expression(where, expression, known, problems):
    """The metrics that an expression names and the labels that its result may have."""
    groups = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"\b(?:by|without) \(([^)]*)\)", expression))))
    text = re.sub(r"\b(?:by|without) \([^)]*\)", " ", expression)
    metrics, labels = set(), set()
    for name, selector in re.findall(r"\b([a-z_]+)\b(?!\s*\()(?:\{([^}]*)\})?", re.sub(r"\[[^\]]*\]", " ", text)):
        if name in KEYWORDS or not selector and name not in known and "_" not in name:
            problems.check(name in KEYWORDS or name in ("s", "m", "h", "d"), f"{where}: what is {name}?")
            continue
        problems.check(name in known, f"{where}: there is no metric {name}")
        metrics.add(name)
        values = known.get(name, {})
        labels |= set(values) | ADDED_BY_PROMETHEUS
        at = 0
        while selector and at < len(selector):
            match = MATCHER.match(selector, at)
            if not match:
                problems.append(f"{where}: cannot read {selector}")
                break
            at = match.end()
            label, kind, value = match.groups()
            problems.check(label in set(values) | ADDED_BY_PROMETHEUS, f"{where}: {name} has no label {label}")
            if label in COMPLETE:
                for one in value.split("|") if "~" in kind else [value]:
                    problems.check(one in values.get(label, ()), f'{where}: no {name} has {label}="{one}"')
    problems.check(metrics, f"{where}: asks for nothing")
    problems.check(groups <= labels, f"{where}: no label {groups - labels}")
    return metrics, groups or labels


def expand_variables(expression):
    return expression.replace("$__rate_interval", "5m").replace("$instance", "x").replace("$job", "authmilter")


def check_places(panels, problems):
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        problems.check(place["x"] + place["w"] <= 24, f"{panel['title']}: beyond the right edge")
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                problems.check(other == panel["title"], f"{panel['title']}: over {other}")


def check_dashboard(known, problems):
    dashboard = json.loads(DASHBOARD.read_text())
    used = set()
    for key in ("uid", "title", "schemaVersion", "panels", "templating", "time"):
        problems.check(dashboard.get(key), f"dashboard: no {key}")
    source, = dashboard["__inputs"]
    problems.check((source["name"], source["type"], source["pluginId"])
                   == ("DS_PROMETHEUS", "datasource", "prometheus"), "dashboard: which data source?")
    panels = dashboard["panels"]
    problems.check(len({panel["id"] for panel in panels}) == len(panels), "dashboard: an id twice")
    required = {one["id"] for one in dashboard["__requires"] if one["type"] == "panel"}
    check_places(panels, problems)
    for variable in dashboard["templating"]["list"]:
        problems.check(variable["datasource"]["uid"] == "${DS_PROMETHEUS}", f"{variable['name']}: data source")
        match = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
        problems.check(match and match[1] in known and match[2] in ADDED_BY_PROMETHEUS, f"{variable['name']}: query")
    for panel in panels:
        if panel["type"] == "row":
            continue
        title = panel["title"]
        problems.check(panel["type"] in required, f"{title}: {panel['type']} is not under __requires")
        problems.check(panel["datasource"]["uid"] == "${DS_PROMETHEUS}", f"{title}: data source")
        problems.check(panel["fieldConfig"]["defaults"].get("unit"), f"{title}: no unit")
        targets = panel["targets"]
        problems.check(targets and len({t["refId"] for t in targets}) == len(targets), f"{title}: targets")
        for target in targets:
            metrics, labels = check_expression(title, expand_variables(target["expr"]), known, problems)
            used |= metrics
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                problems.check(label in labels, f"{title}: the legend has no label {label}")
    return used


def read_rules(text):
    """The alerts: dictionaries of what they say. Understands the little of YAML that the file uses."""
    alerts, key = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"( *)(- )?(\w+):(?: (.*))?", line)
        depth = len(line) - len(line.lstrip())
        if key and depth > key[1]:
            alerts[-1][key[0]] += " " + line.strip()
            continue
        assert match, f"{RULES.name}:{number}: {line}"
        key, (name, value) = None, match.group(3, 4)
        if name == "alert":
            alerts.append({"alert": value})
        elif value == "|":
            alerts[-1][name], key = "", (name, depth)
        elif value is not None and alerts:
            assert not value.startswith('"') or value.endswith('"'), f"{RULES.name}:{number}"
            alerts[-1][name] = value.strip('"')
    return alerts


def check_rules(known, problems):
    alerts = read_rules(RULES.read_text())
    used = set()
    problems.check(len(alerts) >= 6, f"only {len(alerts)} alerts were read")
    problems.check(len({one["alert"] for one in alerts}) == len(alerts), "an alert twice")
    for alert in alerts:
        name = alert["alert"]
        problems.check(re.fullmatch("Authmilter[A-Za-z]+", name), f"{name}: a name")
        for key in ("expr", "severity", "summary", "description"):
            problems.check(alert.get(key), f"{name}: no {key}")
        metrics, labels = check_expression(name, alert["expr"], known, problems)
        used |= metrics
        for label in re.findall(r"\$labels\.(\w+)", alert["summary"] + alert["description"]):
            problems.check(label in labels, f"{name}: no label {label}")
    promtool = shutil.which("promtool")
    if promtool:
        check = subprocess.run([promtool, "check", "rules", str(RULES)], capture_output=True, text=True)
        problems.check(check.returncode == 0, check.stderr)
    else:
        print("promtool is not installed, so it was not asked")
    return used


def with_key(daemon):
    make_key(daemon.dir / "key.pem", "ed25519")
    daemon.write_config('[[signing.domain]]\ndomain = "example.org"\nkeys = [{ selector = "s", '
                        f'file = "{daemon.dir}/key.pem" }}]\n' + daemon.more)


def main():
    problems = Problems()
    with Measured(sys.argv[1], prepare=with_key) as daemon:
        families = exposition.read(daemon.address)
    known = labels_of(families)
    used = check_dashboard(known, problems) | check_rules(known, problems)
    for name, family in families.items():
        problems.check(used & {sample for sample, _ in family.samples}, f"nobody looks at {name}")
    print("\n".join(problems) or f"the dashboard and the alerts use {len(used)} metrics, as they are")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
