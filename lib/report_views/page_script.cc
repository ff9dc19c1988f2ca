#include "report_views/page_parts.h"

namespace authmilter {

// Everything goes into the page as text: nothing here makes markup of a string.
const std::string_view kPageScript = R"js(
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";
const DAY = 86400000;
const ROWS = 25;
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const count = (n) => number.format(n);
const dayText = (day) => new Date((data.first + day) * DAY).toISOString().slice(0, 10);
const percent = (part, all) => {
  if (all === 0) return "";
  const p = 100 * part / all;
  if (part === 0) return "0 %";
  if (part >= all) return "100 %";
  return p < 0.1 ? "<0.1 %" : p > 99.9 ? ">99.9 %" : p.toFixed(1) + " %";
};

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  for (const child of children) element.append(child);
  return element;
}
function draw(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return element;
}

// ---- what is chosen

const state = {domain: "", source: "", from: 0, to: data.days - 1};
const open = new Set();  // tables that show all of their rows

const add = (into, cell, size) => { for (let i = 0; i < size; ++i) into[i] += cell[i + 1] || 0; };
const zeros = (size) => new Array(size).fill(0);
const inPeriod = (day) => day >= state.from && day <= state.to;

/// Sums [messages, failed, no DKIM, no SPF, quarantined, rejected], by day, source and domain.
function sums() {
  const days = Array.from({length: data.days}, () => zeros(6));
  const sources = new Map(), domains = new Map(), total = zeros(6);
  const sought = state.source.toLowerCase();
  for (const [domain, source, cells] of data.series) {
    if (state.domain !== "" && data.domains[domain] !== state.domain) continue;
    if (sought !== "" && !data.sources[source][1].toLowerCase().includes(sought)) continue;
    for (const cell of cells) {
      if (!inPeriod(cell[0])) continue;
      add(days[cell[0]], cell, 6);
      add(total, cell, 6);
      if (!sources.has(source)) sources.set(source, zeros(6));
      add(sources.get(source), cell, 6);
      if (!domains.has(domain)) domains.set(domain, zeros(6));
      add(domains.get(domain), cell, 6);
    }
  }
  const sorted = (map) => [...map].sort((a, b) => b[1][0] - a[1][0]);
  return {days, total, sources: sorted(sources), domains: sorted(domains)};
}

/// Sums [messages, failed, quarantined, rejected] of organizations.
function receivers() {
  const all = new Map();
  for (const [domain, organization, cells] of data.receivers) {
    if (state.domain !== "" && data.domains[domain] !== state.domain) continue;
    for (const cell of cells) {
      const first = cell[0] * data.bucket;
      if (first + data.bucket - 1 < state.from || first > state.to) continue;
      if (!all.has(organization)) all.set(organization, zeros(4));
      add(all.get(organization), cell, 4);
    }
  }
  return [...all].sort((a, b) => b[1][0] - a[1][0]);
}

/// Sums [messages, failed, quarantined, rejected, would be quarantined, would be rejected].
function own() {
  const days = Array.from({length: data.days}, () => zeros(6));
  const domains = new Map(), total = zeros(6);
  for (const [domain, cells] of data.own) {
    if (state.domain !== "" && data.ownDomains[domain] !== state.domain) continue;
    for (const cell of cells) {
      if (!inPeriod(cell[0])) continue;
      add(days[cell[0]], cell, 6);
      add(total, cell, 6);
      if (!domains.has(domain)) domains.set(domain, zeros(6));
      add(domains.get(domain), cell, 6);
    }
  }
  return {days, total, domains: [...domains].sort((a, b) => b[1][0] - a[1][0])};
}

// ---- tables

/// `rows` are lists of texts, numbers and nodes, the first the row's header. `numbers` is the first
/// column of numbers, up to `texts`.
function fill(id, rows, numbers, texts = 99) {
  const table = byId(id);
  const body = table.tBodies[0];
  const shown = open.has(id) ? rows : rows.slice(0, ROWS);
  body.replaceChildren(...shown.map((row) => {
    const line = make("tr", {});
    row.forEach((value, i) => {
      const right = i >= numbers && i < texts;
      const cell = make(i === 0 ? "th" : "td", {class: right ? "n" : "t"});
      if (i === 0) cell.setAttribute("scope", "row");
      cell.append(typeof value === "number" ? count(value) : value);
      line.append(cell);
    });
    return line;
  }));
  if (rows.length === 0) {
    const cell = make("td", {class: "empty", colspan: table.tHead.rows[0].cells.length});
    cell.textContent = "Nothing in this choice.";
    body.append(make("tr", {}, cell));
  }
  let more = byId(id + "-more");
  if (!more) {
    more = make("p", {id: id + "-more", class: "more"});
    table.parentNode.after(more);
  }
  more.replaceChildren();
  if (rows.length > ROWS) {
    const button = make("button", {type: "button"});
    button.textContent = open.has(id) ? "Show the first " + ROWS : "Show all " + count(rows.length);
    button.addEventListener("click", () => {
      if (!open.delete(id)) open.add(id);
      update();
      byId(id + "-more").querySelector("button").focus();
    });
    more.append(button);
  }
}

/// A name that narrows the choice to itself.
function pick(text, label, chosen) {
  const button = make("button", {type: "button", class: "pick t"});
  button.textContent = text === "" ? "(none)" : text;
  button.title = label;
  button.addEventListener("click", () => { chosen(); showState(); update(); });
  return button;
}
const pickDomain = (name) => {
  if (![...byId("domain").options].some((option) => option.value === name)) return name;
  return pick(name, "Only this domain", () => { state.domain = name; });
};
const pickSource = (name) => pick(name, "Only this source", () => { state.source = name; });

function tiles(id, values) {
  byId(id).replaceChildren(...values.map(([name, value]) => {
    const term = make("dt", {}), text = make("dd", {});
    term.textContent = name;
    text.textContent = value;
    return make("div", {}, term, text);
  }));
}

// ---- charts

function ceiling(most) {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  for (const step of [1, 2, 4, 5, 8, 10]) if (step * power >= most) return step * power;
  return most;
}
const short = (n) => n >= 1e9 ? n / 1e9 + " G" : n >= 1e6 ? n / 1e6 + " M" : n >= 1e4 ? n / 1e3 + " k" : count(n);

function frame(id, label, top, text) {
  const place = byId(id);
  const width = Math.max(280, place.clientWidth), height = 200;
  const box = {left: 48, right: width - 6, top: 10, bottom: height - 24};
  const svg = draw("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label});
  for (const part of [0, 0.5, 1]) {
    const y = box.bottom - part * (box.bottom - box.top);
    svg.append(draw("line", {x1: box.left, x2: box.right, y1: y, y2: y, class: "grid"}));
    svg.append(draw("text", {x: box.left - 6, y: y + 4, "text-anchor": "end"}, text(part * top)));
  }
  const size = state.to - state.from + 1;
  const step = (box.right - box.left) / size;
  const every = Math.max(1, Math.ceil(78 / step));
  for (let i = 0; i < size; i += every) {
    const x = box.left + (i + 0.5) * step;
    if (x > box.right - 30 && i > 0) break;
    const anchor = x - box.left < 34 ? "start" : "middle";
    svg.append(draw("text", {x: anchor === "start" ? box.left : x, y: height - 6, "text-anchor": anchor}, dayText(state.from + i).slice(size > 366 ? 0 : 5)));
  }
  place.replaceChildren(svg);
  return {svg, box, step};
}

/// Stacked columns, one a day; `layers` are [class, name, function of the day's numbers].
function columns(id, label, days, layers) {
  const stacks = days.slice(state.from, state.to + 1).map((day) => layers.map((layer) => layer[2](day)));
  const heights = stacks.map((stack) => stack.reduce((a, b) => a + b, 0));
  const most = Math.max(0, ...heights);
  const all = layers.map((layer, i) => layer[1] + " " + count(stacks.reduce((sum, stack) => sum + stack[i], 0)));
  const top = ceiling(most);
  const {svg, box, step} = frame(id, label + ", by day: " + all.join(", ") + ". The table below has the numbers.", top, short);
  stacks.forEach((stack, i) => {
    if (heights[i] === 0) return;
    const group = draw("g", {});
    group.append(draw("title", {}, dayText(state.from + i) + ": " + layers.map((layer, k) => layer[1] + " " + count(stack[k])).join(", ")));
    let y = box.bottom;
    stack.forEach((value, k) => {
      const height = value / top * (box.bottom - box.top);
      if (value === 0) return;
      y -= height;
      group.append(draw("rect", {x: box.left + (i + 0.1) * step, y, width: Math.max(0.5, step * 0.8), height: Math.max(0.75, height), class: layers[k][0]}));
    });
    svg.append(group);
  });
}

function rates(id, days) {
  const points = [];
  days.slice(state.from, state.to + 1).forEach((day, i) => { if (day[0] > 0) points.push([i, (day[0] - day[1]) / day[0]]); });
  const lowest = points.reduce((least, point) => Math.min(least, point[1]), 1);
  const {svg, box, step} = frame(id, "Share of messages that pass DMARC, by day" + (points.length ? "; lowest " + percent(lowest, 1) : ""), 1, (part) => Math.round(part * 100) + " %");
  const place = ([i, rate]) => [box.left + (i + 0.5) * step, box.bottom - rate * (box.bottom - box.top)];
  svg.append(draw("polyline", {class: "rate", points: points.map((point) => place(point).map((v) => v.toFixed(1)).join(",")).join(" ")}));
  for (const point of points) {
    const [cx, cy] = place(point);
    const dot = draw("circle", {cx, cy, r: points.length > 60 ? 1.5 : 3, class: "dot"});
    dot.append(draw("title", {}, dayText(state.from + point[0]) + ": " + percent(point[1], 1)));
    svg.append(dot);
  }
}

/// Bars from left to right; `rows` are [name, [[class, name, number]...]].
function bars(id, rows) {
  const place = byId(id);
  const most = Math.max(1, ...rows.map((row) => row[1].reduce((sum, part) => sum + part[2], 0)));
  const width = Math.max(200, place.clientWidth);
  const list = make("ul", {class: "bars"});
  for (const [name, parts] of rows) {
    const all = parts.reduce((sum, part) => sum + part[2], 0);
    const title = make("span", {class: "t"});
    title.textContent = name === "" ? "(none)" : name;
    const value = make("span", {});
    value.textContent = count(all);
    const svg = draw("svg", {width, height: 12, viewBox: `0 0 ${width} 12`, role: "img", "aria-label": parts.map((part) => part[1] + " " + count(part[2])).join(", ")});
    let x = 0;
    for (const [style, label, n] of parts) {
      if (n === 0) continue;
      const size = Math.max(1, n / most * (width - 3));
      const bar = draw("rect", {x, y: 1, width: size, height: 10, class: style});
      bar.append(draw("title", {}, label + " " + count(n)));
      svg.append(bar);
      x += size;
    }
    list.append(make("li", {}, make("div", {class: "row"}, title, value), svg));
  }
  if (rows.length === 0) {
    const none = make("li", {class: "empty"});
    none.textContent = "Nothing in this choice.";
    list.append(none);
  }
  place.replaceChildren(list);
}

function legend(id, layers) {
  byId(id).replaceChildren(...layers.map((layer) => {
    const swatch = draw("svg", {width: 12, height: 12, "aria-hidden": "true"});
    swatch.append(draw("rect", {width: 12, height: 12, rx: 2, class: layer[0]}));
    return make("li", {}, swatch, layer[1]);
  }));
}

// ---- the sections

const passing = [["pass", "pass", (day) => day[0] - day[1]], ["fail", "fail", (day) => day[1]]];
const happened = [
  ["pass", "delivered", (day) => day[0] - day[2] - day[3] - day[4] - day[5]],
  ["would", "would have been quarantined or rejected", (day) => day[4] + day[5]],
  ["aside", "quarantined", (day) => day[2]],
  ["refused", "rejected", (day) => day[3]],
];
const sessions = [["pass", "secured", (day) => day[0] - day[1]], ["fail", "failed", (day) => day[1]]];

function showReceived() {
  const all = sums();
  const [messages, failed, , , quarantined, rejected] = all.total;
  tiles("received-tiles", [
    ["Messages", count(messages)], ["Pass DMARC", percent(messages - failed, messages) || "–"],
    ["Fail", count(failed)], ["Quarantined", count(quarantined)], ["Rejected", count(rejected)],
  ]);
  columns("volume", "Messages in your name", all.days, passing);
  rates("rate", all.days);
  fill("days-table", all.days.map((day, i) => [dayText(i), day[0], day[0] - day[1], day[1], percent(day[0] - day[1], day[0])]).filter((row, i) => inPeriod(i) && row[1] > 0).reverse(), 1);
  bars("source-bars", all.sources.slice(0, 8).map(([source, n]) => [data.sources[source][1], [["pass", "pass", n[0] - n[1]], ["fail", "fail", n[1]]]]));
  fill("sources-table", all.sources.map(([source, n]) => [pickSource(data.sources[source][1]), data.sources[source][0], n[0], percent(n[0] - n[1], n[0]), percent(n[0] - n[2], n[0]), percent(n[0] - n[3], n[0]), n[4], n[5]]), 2);
  fill("domains-table", all.domains.map(([domain, n]) => [pickDomain(data.domains[domain]), n[0], percent(n[0] - n[1], n[0]), n[1], n[4], n[5]]), 1);
  const receiving = receivers();
  bars("receiver-bars", receiving.slice(0, 8).map(([organization, n]) => [data.organizations[organization], [["pass", "left alone", n[0] - n[2] - n[3]], ["aside", "quarantined", n[2]], ["refused", "rejected", n[3]]]]));
  fill("receivers-table", receiving.map(([organization, n]) => [data.organizations[organization], n[0], percent(n[0] - n[1], n[0]), n[0] - n[2] - n[3], n[2], n[3]]), 1);
  return all;
}

function showTls() {
  const days = Array.from({length: data.days}, () => zeros(2));
  const rows = new Map();
  for (const [day, domain, organization, policy, result, host, detail, n] of data.tls) {
    if (!inPeriod(day) || state.domain !== "" && domain !== state.domain) continue;
    days[day][0] += n;
    if (result !== "") days[day][1] += n;
    const row = [domain, organization, policy, result || "secured", host, detail];
    const key = JSON.stringify(row);
    if (!rows.has(key)) rows.set(key, [...row, 0]);
    rows.get(key)[6] += n;
  }
  const total = days.reduce((sum, day) => [sum[0] + day[0], sum[1] + day[1]], [0, 0]);
  tiles("tls-tiles", [["Sessions", count(total[0])], ["Failed", count(total[1])], ["Secured", percent(total[0] - total[1], total[0]) || "–"]]);
  columns("tls-chart", "Sessions to your hosts", days, sessions);
  const failures = [...rows.values()].sort((a, b) => (a[3] === "secured") - (b[3] === "secured") || b[6] - a[6]);
  fill("tls-table", failures, 6);
}

function showOwn() {
  const all = own();
  const [messages, failed, quarantined, rejected, wouldQuarantine, wouldReject] = all.total;
  tiles("own-tiles", [
    ["Messages", count(messages)], ["Pass DMARC", percent(messages - failed, messages) || "–"],
    ["Quarantined", count(quarantined)], ["Rejected", count(rejected)],
    ["Would be quarantined", count(wouldQuarantine)], ["Would be rejected", count(wouldReject)],
  ]);
  columns("own-chart", "Messages that came in here", all.days, happened);
  fill("own-table", all.domains.map(([domain, n]) => [pickDomain(data.ownDomains[domain]), n[0], percent(n[0] - n[1], n[0]), n[2], n[3], n[4], n[5]]), 1);
  fill("rules-table", data.rules, 1);
}

function showTold() {
  const sent = data.sent.filter((row) => (inPeriod(row[0]) || row[0] < 0 && state.from === 0) && (state.domain === "" || row[1] === state.domain));
  fill("sent-table", sent.map((row) => [dayText(row[0]), row[1], row[2], row[3], row[4], row[5]]), 4, 5);
  fill("senders-table", data.senders.map((row) => [row[0], row[1], row[2], row[3], row[4], row[5]]), 2, 5);
}

function showState() {
  byId("domain").value = state.domain;
  byId("source").value = state.source;
  byId("from").value = dayText(state.from);
  byId("to").value = dayText(state.to);
}

function update() {
  const all = showReceived();
  showTls();
  showOwn();
  showTold();
  byId("said").textContent = `${count(all.total[0])} messages in your name, of ${count(all.domains.length)} domain${all.domains.length === 1 ? "" : "s"} and ${count(all.sources.length)} source${all.sources.length === 1 ? "" : "s"}, from ${dayText(state.from)} to ${dayText(state.to)}; ${percent(all.total[0] - all.total[1], all.total[0]) || "none"} pass.`;
}

// ---- the filters

function start() {
  const select = byId("domain");
  const group = (label, names) => {
    const list = make("optgroup", {label});
    for (const name of names) {
      const option = make("option", {value: name});
      option.textContent = name;
      list.append(option);
    }
    if (names.length) select.append(list);
  };
  const sorted = (names) => names.filter((name) => name !== "" && name !== "(others)").sort();
  group("Yours", sorted([...data.domains]));
  group("Of those who write to you", sorted(data.ownDomains.filter((name) => !data.domains.includes(name))));
  for (const id of ["from", "to"]) {
    byId(id).min = dayText(0);
    byId(id).max = dayText(data.days - 1);
  }
  const day = (text, otherwise) => {
    const at = Date.parse(text) / DAY - data.first;
    return Number.isFinite(at) ? Math.min(Math.max(Math.round(at), 0), data.days - 1) : otherwise;
  };
  const period = (changed) => {
    state.from = day(byId("from").value, 0);
    state.to = day(byId("to").value, data.days - 1);
    if (state.from > state.to) state[changed === "from" ? "to" : "from"] = state[changed];
    showState();
    update();
  };
  select.addEventListener("change", () => { state.domain = select.value; update(); });
  byId("source").addEventListener("input", () => { state.source = byId("source").value.trim(); update(); });
  byId("from").addEventListener("change", () => period("from"));
  byId("to").addEventListener("change", () => period("to"));
  for (const button of document.querySelectorAll("button[data-days]")) {
    button.addEventListener("click", () => {
      const days = Number(button.dataset.days);
      state.to = data.days - 1;
      state.from = days === 0 ? 0 : Math.max(0, data.days - days);
      if (days === 0) { state.domain = ""; state.source = ""; }
      showState();
      update();
    });
  }
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  legend("volume-legend", passing);
  legend("receiver-legend", [["pass", "left alone"], ["aside", "quarantined"], ["refused", "rejected"]]);
  legend("source-legend", passing);
  legend("tls-legend", sessions);
  legend("own-legend", happened);
  for (const element of document.querySelectorAll("[data-script]")) element.hidden = false;
  showState();
  update();
  let width = document.documentElement.clientWidth, timer = 0;
  window.addEventListener("resize", () => {
    if (document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    clearTimeout(timer);
    timer = setTimeout(update, 100);
  });
}
start();
})();
)js";

}  // namespace authmilter
