#include <string>
#include <string_view>

#include "page/page_style.h"
#include "report_views/page_parts.h"

namespace authmilter {
namespace {

// Pass is blue and fail is orange, which those who see no red or green tell apart; what is refused
// is darker than what is put aside.
constexpr std::string_view kOwnStyle = R"css(
:root {
  --pass: #2a78b8; --fail: #d9822b; --aside: #e0a93b; --refused: #a8322a; --would: #9a7fc7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --pass: #4c9bd9; --fail: #e5964a; --aside: #d8b04f; --refused: #d9655c; --would: #b59be0;
  }
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .5rem; }
.filters { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: end; margin: 1rem 0 .5rem;
  padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.filters label { display: flex; flex-direction: column; font-size: .85rem; color: var(--soft); flex: 1 1 10rem; min-width: 0; }
.filters .dates { flex: 0 1 9.5rem; }
.filters input, .filters select, button { font: inherit; color: var(--ink); background: var(--page);
  border: 1px solid var(--line); border-radius: .35rem; padding: .35rem .5rem; min-height: 2.4rem; max-width: 100%; width: 100%; }
.filters div { display: flex; flex-wrap: wrap; gap: .5rem; }
button { cursor: pointer; width: auto; }
button:hover { border-color: var(--accent); }
button.pick { border: 0; background: none; padding: 0; min-height: 0; color: var(--accent); text-align: left;
  text-decoration: underline; text-underline-offset: 2px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; min-width: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 0 0 1rem; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .9rem; }
.tiles dt { font-size: .85rem; color: var(--soft); }
.tiles dd { margin: 0; font-size: 1.45rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; padding-bottom: .35rem; font-size: .85rem; }
th, td { text-align: left; padding: .35rem .6rem; border-top: 1px solid var(--line); vertical-align: top; }
thead th { border-top: 0; white-space: nowrap; font-size: .85rem; color: var(--soft); }
tbody th { font-weight: 400; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.t { unicode-bidi: isolate; overflow-wrap: anywhere; }
td.t { min-width: 8rem; }
#sources-table td:nth-child(2) { min-width: 5.5rem; }
tbody th.t { min-width: 11rem; }
#sent-table td:nth-child(3) { min-width: 14rem; }
#sent-table tbody th { min-width: 6.5rem; white-space: nowrap; }
svg { display: block; max-width: 100%; }
svg text { fill: var(--soft); font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; }
.pass { fill: var(--pass); } .fail { fill: var(--fail); } .aside { fill: var(--aside); }
.refused { fill: var(--refused); } .would { fill: var(--would); }
.rate { fill: none; stroke: var(--pass); stroke-width: 2; stroke-linejoin: round; }
.dot { fill: var(--pass); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: 0 0 .5rem; padding: 0; font-size: .85rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: .4rem; }
.bars { list-style: none; margin: 0; padding: 0; }
.bars li { margin: 0 0 .6rem; font-size: .92rem; }
.bars .row { display: flex; justify-content: space-between; gap: 1rem; }
.bars .row span:last-child { white-space: nowrap; color: var(--soft); font-variant-numeric: tabular-nums; }
details { margin-top: .5rem; } summary { cursor: pointer; color: var(--accent); }
.empty { color: var(--soft); font-style: italic; }
.more { margin-top: .5rem; }
footer { padding: 1rem 1rem 2rem; color: var(--soft); font-size: .85rem; }
[hidden] { display: none !important; }
@media print {
  :root { font-size: 11px; --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; color-scheme: light; }
  .filters, nav, .skip, .more, button:not(.pick) { display: none; }
  button.pick { color: #000; text-decoration: none; }
  thead th, thead th.n { white-space: normal; } th, td { padding: .2rem .3rem; }
  td.t { min-width: 4rem; } tbody th.t { min-width: 6rem; }
  .card, .tiles div { break-inside: avoid; } .scroll { overflow: visible; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
)css";

}  // namespace

const std::string& page_style() {
  static const std::string style = std::string(kFrameStyle) + std::string(kOwnStyle);
  return style;
}

}  // namespace authmilter
