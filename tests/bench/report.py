"""What is printed: tables in Markdown."""

import loads

FLOORS = {"verify": ("floor",), "sign": ("floor-rsa", "floor-ed25519", "floor-both")}
PEERS = {"verify": "opendkim+opendmarc", "sign": "opendkim"}


def whole(figures, options):
    parts = [heading(figures)]
    if figures["cells"]:
        parts.append(load_table(figures["cells"]))
    if figures["parts"]:
        parts.append(part_table(figures["parts"]))
    return "\n\n".join(parts)


def heading(figures):
    system = figures["system"]
    lines = [f"{system['processor']}, {system['cores']} cores, Linux {system['kernel']}; load {system['load']:.1f} at the start."]
    lines += [f"Absent: {name}, {why}." for name, why in figures["absent"].items()]
    return "\n".join(lines)


def rows(head, lines):
    return "\n".join("| " + " | ".join(map(str, one)) + " |" for one in [head, ["---"] * len(head), *lines])


def number(value, form="{:.0f}"):
    return "" if value is None else form.format(value)


def against(measured, limit):
    if measured is None:
        return ""
    if limit is None:
        return f"{measured:.2f}"
    return f"{measured:.2f} (at most {limit:.2f}: {'met' if measured <= limit else '**missed**'})"


def spread(cells):
    values = [cell["cpu_us"] for cell in cells if cell["cpu_us"] is not None]
    text = number(loads.middle(cells, "cpu_us"))
    if len(values) > 1:
        text += f" ({min(values):.0f}-{max(values):.0f})"
    return text + (" !" if any(cell["problem"] for cell in cells) else "")


def load_table(cells):
    """Microseconds of processor time a message, and ratios to the others."""
    found = loads.table(cells)
    known = {load.title: load for load in loads.LOADS}
    every = {cell["filter"] for cell in cells}
    old, rspamd = "old" in every, "rspamd" in every
    head = ["load", "authmilter", *(["old"] if old else []), "floor", "nothing", "OpenDKIM (+OpenDMARC)",
            *(["rspamd"] if rspamd else []), "to the peers", "to the floor", *(["to old"] if old else []),
            "messages/s", "p50 ms", "p99 ms"]
    lines = []
    for title, by_filter in found.items():
        load = known[title]
        mine = by_filter.get("authmilter", [])
        floor = next((by_filter[name] for name in FLOORS[load.role] if name in by_filter), [])
        peer = by_filter.get(PEERS[load.role], [])
        lines.append([title, spread(mine), *([spread(by_filter.get("old", []))] if old else []), spread(floor),
                      spread(by_filter.get("nothing", [])), spread(peer), *([spread(by_filter.get("rspamd", []))] if rspamd else []),
                      against(loads.ratio(mine, peer), load.targets.get("peer")),
                      against(loads.ratio(mine, floor), load.targets.get("floor")),
                      *([against(loads.ratio(mine, by_filter.get("old", [])), None)] if old else []),
                      number(loads.middle(mine, "messages_per_second")), number(loads.middle(mine, "p50_ms"), "{:.2f}"),
                      number(loads.middle(mine, "p99_ms"), "{:.2f}")])
    text = "Processor time of the filters, microseconds a message: median (lowest-highest); ratios are medians of those within a repetition.\n\n"
    problems = {f"{cell['filter']}, {cell['load']}: {cell['problem']}" for cell in cells if cell["problem"]}
    return text + rows(head, lines) + "".join(f"\n! {one}" for one in sorted(problems))


def part_table(parts):
    floors = {one["name"].removesuffix("/floor"): one for one in parts if one["name"].endswith("/floor")}
    lines = []
    for one in parts:
        if one["name"].endswith("/floor"):
            continue
        floor = floors.get(one["name"])
        rate = one["octets_per_second"]
        lines.append([one["name"], number(one["cpu_ns"] / 1000, "{:.2f}"), number(rate and rate / 1e6),
                      number(floor and floor["cpu_ns"] / 1000, "{:.2f}"), number(floor and one["cpu_ns"] / floor["cpu_ns"], "{:.2f}")])
    return "Parts, in memory.\n\n" + rows(["part", "us", "MB/s", "bare cryptography, us", "ratio"], lines)
