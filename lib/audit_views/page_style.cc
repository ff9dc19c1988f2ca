#include "audit_views/page_style.h"

#include <string>
#include <string_view>

#include "page/page_style.h"

namespace authmilter {
namespace {

// The colours are those of the page of reports. Each status has its word and its sign too: some
// people tell no red from green, and paper has neither.
constexpr std::string_view kOwnStyle = R"css(
:root {
  --pass: #1f6aa5; --warn: #8a5a00; --fail: #a8322a; --unknown: #6b4fa0; --info: #57606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --pass: #6fb4ea; --warn: #e0a93b; --fail: #ee8078; --unknown: #b59be0; --info: #a0a9b4;
  }
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.4rem; margin: 2.5rem 0 .5rem; overflow-wrap: anywhere; }
h3 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h4 { font-size: 1rem; margin: 0 0 .25rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 0 0 1rem; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .9rem; }
.tiles dt { font-size: .85rem; color: var(--soft); }
.tiles dd { margin: 0; font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; background: var(--card);
  border: 1px solid var(--line); margin: 0 0 1rem; }
caption { text-align: left; padding-bottom: .35rem; font-size: .85rem; }
th, td { text-align: left; padding: .4rem .6rem; border-top: 1px solid var(--line); vertical-align: top; }
thead th { white-space: nowrap; font-size: .85rem; color: var(--soft); }
tbody th { font-weight: 400; }
tbody th.group { font-weight: 600; background: var(--page); }
.seen { unicode-bidi: isolate; overflow-wrap: anywhere; white-space: pre-line; }
.status { white-space: nowrap; font-weight: 600; width: 9rem; }
.point { width: 4rem; font-variant-numeric: tabular-nums; }
.what { width: 34%; }
.id { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .85em; color: var(--soft); }
.s-pass { color: var(--pass); } .s-fail { color: var(--fail); } .s-warn { color: var(--warn); }
.s-unknown { color: var(--unknown); } .s-info { color: var(--info); }
.todo { list-style: none; counter-reset: todo; margin: 0; padding: 0; }
.todo > li { counter-increment: todo; background: var(--card); border: 1px solid var(--line);
  border-left: .35rem solid var(--info); border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 .75rem; }
.todo > li.b-fail { border-left-color: var(--fail); } .todo > li.b-warn { border-left-color: var(--warn); }
.todo > li.b-unknown { border-left-color: var(--unknown); }
.todo h4::before { content: counter(todo) ". "; }
.todo dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem .75rem; margin: .25rem 0 0; }
.todo dt { color: var(--soft); } .todo dd { margin: 0; min-width: 0; }
.do { font-weight: 500; }
footer { padding: 1rem 1rem 2rem; color: var(--soft); font-size: .85rem; }
footer dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 1rem 0 0; }
footer dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
@media screen and (max-width: 44rem) {
  table, caption, thead, tbody, tr, th, td { display: block; width: auto !important; }
  caption { padding: .35rem .6rem; }
  thead { position: absolute; left: -100rem; }
  tr { border-top: 1px solid var(--line); padding: .35rem 0; }
  th, td { border: 0; padding: .1rem .6rem; white-space: normal; }
  .todo dl, footer dl { grid-template-columns: 1fr; }
  footer dd, .todo dd { margin-bottom: .35rem; }
}
@page { size: A4; margin: 16mm 14mm 18mm; }
@media print {
  :root { font-size: 10.5px; color-scheme: light; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #aaa;
    --pass: #14507f; --warn: #6f4800; --fail: #8d231c; --unknown: #503a80; --info: #444; }
  header, main, footer { max-width: none; padding: 0; }
  nav, .skip { display: none; }
  h2, h3, h4 { break-after: avoid; }
  section.domain + section.domain { break-before: page; }
  thead { display: table-header-group; }
  tr, .todo > li, .tiles div { break-inside: avoid; }
  .tiles { grid-template-columns: repeat(5, 1fr); }
  footer { break-inside: avoid; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
)css";

}  // namespace

const std::string& audit_style() {
  static const std::string style = std::string(kFrameStyle) + std::string(kOwnStyle);
  return style;
}

}  // namespace authmilter
