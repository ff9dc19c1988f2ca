"""What is printed: tables in Markdown, with the targets beside the figures that have one."""

import statistics

import loads
import scale

FLOORS = {"verify": ("floor",), "sign": ("floor-rsa", "floor-ed25519", "floor-both")}
PEERS = {"verify": "opendkim+opendmarc", "sign": "opendkim"}

# Of scale: bytes and milliseconds that are wanted.
REST_KB, LOAD_KB, IDLE_OCTETS = 13 << 10, 24 << 10, 2 << 10
SLOW_MS = 60
# What the cache's memory may be of its limit, with what malloc() needs for itself.
CACHE_SHARE = 1.25
# A configuration ten times as large takes no longer than this, and a look-up in it no longer than that.
TEN_TIMES, LOOK_UP = 13, 1.1
LOAD_SECONDS, FIRST_MS, DOMAIN_OCTETS = 3, 5, 600  # of many domains; octets beside their keys


def whole(figures, before=None):
    parts = [heading(figures)]
    if figures["cells"]:
        parts += [load_table(figures["cells"]), reports_table(figures["cells"]), peer_table(figures["cells"]), between_loads(figures["cells"])]
    for name, make in (("counts", count_table), ("scale", scale_tables), ("parts", part_table)):
        if figures[name]:
            parts.append(make(figures[name]))
    if before:
        parts.append(comparison(figures, before))
    return "\n\n".join(part for part in parts if part)


def heading(figures):
    system = figures["system"]
    lines = [f"{system['processor']}, {system['cores']} cores, Linux {system['kernel']}; "
             f"load {system['load']:.1f} at the start."]
    lines += [f"Absent: {name}, {why}." for name, why in figures["absent"].items()]
    return "\n".join(lines)


def rows(title, head, lines):
    text = ["| " + " | ".join(map(str, one)) + " |" for one in [head, ["---"] * len(head), *lines]]
    return "\n".join([f"### {title}", "", *text])


def number(value, form="{:.0f}"):
    return "" if value is None else form.format(value)


def judged(measured, form="{:.2f}", most=None, least=None):
    """A figure, and whether it is what it shall be."""
    if measured is None:
        return ""
    text = form.format(measured)
    if most is not None:
        return f"{text} (at most {form.format(most)}: {'met' if measured <= most else '**missed**'})"
    if least is not None:
        return f"{text} (at least {form.format(least)}: {'met' if measured >= least else '**missed**'})"
    return text


def spread(cells):
    if not cells:
        return ""
    values = [cell["cpu_us"] for cell in cells if cell["cpu_us"] is not None]
    text = number(loads.middle(cells, "cpu_us"))
    if len(values) > 1:
        text += f" ({min(values):.0f}-{max(values):.0f})"
    return text + (" !" if any(cell["problem"] for cell in cells) else "")


def known(title):
    return next(load for load in loads.LOADS if load.title == title)


def floor_of(load, by_filter):
    return next((by_filter[name] for name in FLOORS[load.role] if name in by_filter), [])


def speed(cells):
    return [number(loads.middle(cells, key), form)
            for key, form in (("messages_per_second", "{:.0f}"), ("p50_ms", "{:.2f}"), ("p99_ms", "{:.2f}"))]


def load_table(cells):
    """Microseconds of processor time a message, and ratios to the others."""
    old = any(cell["filter"] == "old" for cell in cells)
    head = ["load", "authmilter", *(["old", "to old"] if old else []), "floor", "to the floor", "peer", "to the peer",
            "wanted to the peer", "messages/s", "p50 ms", "p99 ms"]
    lines = []
    for title, by_filter in loads.table(cells).items():
        load = known(title)
        mine, before = by_filter.get("authmilter", []), by_filter.get("old", [])
        floor, peer = floor_of(load, by_filter), by_filter.get(PEERS[load.role], [])
        to_peer, wanted = loads.ratio(mine, peer), load.targets.get("peer")
        verdict = "" if wanted is None else f"{wanted:.2f}" if to_peer is None else \
            f"{wanted:.2f}: {'met' if to_peer <= wanted else '**missed**'}"
        to_old = [spread(before), judged(loads.ratio(mine, before))] if old else []
        lines.append([title, spread(mine), *to_old, spread(floor),
                      judged(loads.ratio(mine, floor), most=load.targets.get("floor")), spread(peer), judged(to_peer),
                      verdict, *speed(mine)])
    problems = {f"{cell['filter']}, {cell['load']}: {cell['problem']}" for cell in cells if cell["problem"]}
    return rows("Processor time of a message, microseconds (median, lowest-highest)", head, lines) + \
        "\n\nThe peer is OpenDKIM, with OpenDMARC behind it to verify. Ratios are medians of those within a " \
        "repetition." + \
        "".join(f"\n! {one}" for one in sorted(problems))


def reports_table(cells):
    """What it costs to keep rows for reports: the same daemon with its store."""
    lines = []
    for title, by_filter in loads.table(cells).items():
        if keeping := by_filter.get("with-reports"):
            plain = by_filter.get("authmilter", [])
            lines.append([title, spread(plain), spread(keeping),
                          judged(loads.ratio(keeping, plain), most=known(title).targets["reports"])])
    return rows("With reports.store", ["load", "without", "with", "ratio"], lines) if lines else ""


def peer_table(cells):
    """Every filter beside the others: to the one that the targets are set against, processor time and speed."""
    found = loads.table(cells)
    names = list(dict.fromkeys(cell["filter"] for cell in cells))
    lines = []
    for title, by_filter in found.items():
        peer = by_filter.get(PEERS[known(title).role], [])
        for name in names:
            if mine := by_filter.get(name):
                lines.append([title, name, spread(mine), judged(loads.ratio(mine, peer)), *speed(mine),
                              number(loads.middle(mine, "driver_cpu_us"))])
    head = ["load", "filter", "us", "to the peer", "messages/s", "p50 ms", "p99 ms", "the driver's own us"]
    return rows("All filters", head, lines)


def within(cells, other, key):
    """The median ratio of a figure of some cells to that of others, within a repetition."""
    theirs = {cell["repetition"]: cell[key] for cell in other if not cell["problem"]}
    return middle_of(cell[key] / theirs[cell["repetition"]] for cell in cells
                     if not cell["problem"] and theirs.get(cell["repetition"]))


def middle_of(values):
    values = list(values)
    return statistics.median(values) if values else None


def between_loads(cells):
    """One load against another, for ours."""
    found = loads.table(cells)
    lines = []
    for name in ("authmilter", "old"):
        def of(title):
            return found.get(title, {}).get(name, [])
        many, few = of("verify 10 kB c=64"), of("verify 10 kB c=8")
        if many and few:
            more = within(many, few, "messages_per_second")
            lines.append([name, "messages a second at 64 connections to 8", judged(more, least=1.0)])
        if many:
            tail = middle_of(cell["p99_ms"] / cell["p50_ms"] for cell in many if not cell["problem"])
            lines.append([name, "p99 to p50 at 64 connections", judged(tail, most=5.0)])
        sealed = of("verify 10 kB, three ARC Sets")
        if sealed and few:
            lines.append([name, "verify: three ARC Sets to one signature", judged(loads.ratio(sealed, few), most=2.5)])
        for role, one in (("verify", "verify 10 kB c=8"), ("sign", "sign 10 kB c=8")):
            both, rsa = of(f"{role} 10 kB RSA+Ed25519"), of(one)
            if both and rsa:
                lines.append([name, f"{role}: RSA and Ed25519 to RSA alone", judged(loads.ratio(both, rsa), most=1.2)])
    return rows("One load to another", ["filter", "ratio of", "measured"], lines) if lines else ""


def count_table(counts):
    lines = [[one["load"], one["filter"], number(one.get("allocations")),
              number(one.get("octets") and one["octets"] / 1024), number(one.get("system_calls")), one["problem"]]
             for one in sorted(counts, key=lambda one: one["load"])]
    return rows("Counted, for one message", ["load", "filter", "allocations", "allocated kB", "system calls", ""], lines)


def scale_tables(found):
    by_row = {}
    for one in found:
        by_row.setdefault(one["row"], []).append(one)
    makers = {scale.MEMORY: memory_table, scale.SLOW: slow_table, scale.CACHE: cache_table,
              scale.CONFIGURATIONS: configuration_table, scale.LOOK_UPS: look_up_table,
              scale.ORGANISATION: organisation_table}
    return "\n\n".join(makers[name](some) for name, some in by_row.items())


def memory_table(some):
    lines = []
    for one in some:
        wanted = one["filter"] in ("authmilter", "old")
        limits = (REST_KB / 1024, LOAD_KB / 1024, IDLE_OCTETS) if wanted else (None, None, None)
        lines.append([one["filter"], one["problem"]] if "problem" in one else
                     [one["filter"], judged(one["rest_kb"] / 1024, "{:.1f}", limits[0]),
                      judged(one["load_kb"] / 1024, "{:.1f}", limits[1]), judged(one["idle_octets"], "{:.0f}", limits[2])])
    head = ["filter", "at rest, MB", "most at 64 connections, MB", f"of one of {scale.IDLE} idle connections, bytes"]
    return rows("Memory (RSS)", head, lines)


def slow_table(some):
    lines = [[one["filter"], one["problem"]] if "problem" in one else
             [one["filter"], judged(one["after_end_p50_ms"], "{:.1f}", SLOW_MS),
              number(one["after_end_most_ms"], "{:.1f}")] for one in some]
    return rows("Key, SPF and DMARC answers take 50 ms each, names new each time: judged after the last byte, ms",
                ["filter", "p50", "most"], lines)


def cache_table(some):
    lines = []
    for one in some:
        if "problem" in one:
            lines.append([one["filter"], "", "", one["problem"]])
            continue
        limit, memory = one["cache_octets"], one["memory_kb"]
        grown = (memory[-1] - memory[0]) * 1024 / limit
        steps = ", ".join(f"{kb / 1024:.1f}" for kb in memory)
        lines.append([one["filter"], limit >> 20, one["messages"], steps, judged(grown, most=CACHE_SHARE)])
    head = ["filter", "dns.cache_octets, MB", "messages", "RSS before, and after each third, MB", "growth to the limit"]
    return rows("Answers for names that are new each time (eleven or so a message)", head, lines)


def configuration_table(some):
    lines = []
    seconds = {(one["filter"], one["kind"], one["size"]): one.get("cpu_seconds") for one in some if "kind" in one}
    for one in some:
        if "kind" not in one:
            lines.append([one["filter"], "", "", one["problem"], ""])
            continue
        smaller = seconds.get((one["filter"], one["kind"], one["size"] // 10))
        taken = one.get("cpu_seconds")
        growth = taken / smaller if taken and smaller else None
        lines.append([one["filter"], one["kind"], one["size"], one.get("problem") or number(taken, "{:.2f}"),
                      judged(growth, "{:.1f}", TEN_TIMES) if taken else "**missed**"])
    head = ["filter", "what", "how many", "CPU seconds", "to a tenth of them"]
    return rows("Time of authmilterd --check-config", head, lines)


def look_up_table(some):
    lines = [[one["filter"], one["kind"], one["size"], one.get("problem") or judged(one["ratio"], most=LOOK_UP)]
             for one in some]
    head = ["filter", "what", "how many", "ratio"]
    return rows("Processor time of a message with a large configuration to that with a small one", head, lines)


def organisation_table(some):
    lines = []
    for one in some:
        if "problem" in one:
            lines.append([one.get("named", one["filter"]), one.get("what", ""), one.get("domains", ""), one["problem"]])
            continue
        ours = one["named"] == "authmilterd"
        late = one["first_ms"] - one["thousandth_ms"]
        beside = one["domain_octets"] - one["key_octets"] if "domain_octets" in one else None
        lines.append([one["named"], one["what"], one["domains"],
                      judged(one["seconds"], "{:.2f}", LOAD_SECONDS if ours else None),
                      number(one["rest_kb"] / 1024, "{:.1f}"), number(one["key_octets"], "{:.0f}"),
                      judged(beside, "{:.0f}", DOMAIN_OCTETS if ours else None), number(one["first_ms"], "{:.1f}"),
                      judged(late, "{:.1f}", FIRST_MS if ours else None)])
    head = ["filter", "what it reads", "domains, two keys each", "s until it serves", "RSS, MB", "octets of a domain's keys",
            "octets a domain beside", "first message, ms", "more than the thousandth, ms"]
    text = rows("An organisation with many domains", head, lines)
    changed = [[one["what"], one["domains"], number(one["reload_seconds"], "{:.2f}"), number(one["reload_ms"], "{:.1f}"),
                one["opened"]] for one in some if "reload_seconds" in one]
    if not changed:
        return text
    head = ["what it reads", "domains", "s until the change counts", "longest message meanwhile, ms", "files opened"]
    return text + "\n\n" + rows("A reload after one file has changed", head, changed)


def part_table(parts):
    floors = {one["name"].removesuffix("/floor"): one for one in parts if one["name"].endswith("/floor")}
    lines = []
    for one in parts:
        if one["name"].endswith("/floor"):
            continue
        floor, rate = floors.get(one["name"]), one["octets_per_second"]
        bare = floor and floor["cpu_ns"]
        lines.append([one["name"], number(one["cpu_ns"] / 1000, "{:.2f}"), number(rate and rate / 1e6),
                      number(bare and bare / 1000, "{:.2f}"), judged(bare and one["cpu_ns"] / bare)])
    return rows("Parts, in memory", ["part", "us", "MB/s", "bare cryptography, us", "ratio"], lines)


def comparison(figures, before):
    """This run against one that was kept: by the ratio to the floor, which a busier machine moves less than the time."""
    lines = []
    now, then = loads.table(figures["cells"]), loads.table(before["cells"])
    for title in now:
        if title not in then:
            continue
        mine, theirs = now[title].get("authmilter", []), then[title].get("authmilter", [])
        load = known(title)
        floors = loads.ratio(mine, floor_of(load, now[title])), loads.ratio(theirs, floor_of(load, then[title]))
        times = loads.middle(mine, "cpu_us"), loads.middle(theirs, "cpu_us")
        lines.append([title, number(times[1]), number(times[0]), number(floors[1], "{:.2f}"), number(floors[0], "{:.2f}"),
                      number(floors[0] / floors[1] if all(floors) else None, "{:.2f}")])
    parts = {one["name"]: one["cpu_ns"] for one in before["parts"]}
    for one in figures["parts"]:
        if past := parts.get(one["name"]):
            then, now = number(past / 1000, "{:.2f}"), number(one["cpu_ns"] / 1000, "{:.2f}")
            lines.append([f"part {one['name']}", then, now, "", "", number(one["cpu_ns"] / past, "{:.2f}")])
    head = ["row", "then, us", "now, us", "then to the floor", "now to the floor", "now to then"]
    return rows("Against the run that was kept", head, lines)
