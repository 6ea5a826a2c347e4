import { Markup } from './markup.ts'

/** Light and dark by what the reader prefers; on paper everything is unfolded. */
export const style = new Markup(`
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1c2126; --soft: #59636e; --rule: #d4d9df; --shade: #f4f6f8;
  --first: #0b57b8; --second: #0a7d6c; --wanted: #a34700; --bad: #b3122d; --good: #17692f; --doubt: #855a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161b; --ink: #e6e9ed; --soft: #a0aab5; --rule: #343c46; --shade: #1b2128;
    --first: #79b4ff; --second: #5fd1bd; --wanted: #f5a45d; --bad: #ff8593; --good: #74d48c; --doubt: #e8bd5c;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 80rem; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.15rem; margin: 0 0 .75rem; font-weight: 600; color: var(--soft); }
h2 { font-size: 1.35rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1.1rem; margin: 0; }
a { color: var(--first); }
.place, .note, figcaption, caption { color: var(--soft); }
p.place { margin: 0 0 .75rem; }
.note { font-size: .85rem; margin: .25rem 0 1rem; }
.sentence { font-size: 1.25rem; margin: 0 0 .5rem; padding: .6rem .9rem; border-left: .4rem solid var(--doubt); background: var(--shade); }
.sentence strong { text-transform: uppercase; font-size: .8em; letter-spacing: .04em; margin-right: .4rem; color: var(--doubt); }
.sentence.passed { border-color: var(--good); } .sentence.passed strong { color: var(--good); }
.sentence.failed { border-color: var(--bad); } .sentence.failed strong { color: var(--bad); }
.findings { list-style: none; padding: 0; } .findings > li { padding: .6rem 0; border-top: 1px solid var(--rule); }
.findings dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 .9rem; margin: .3rem 0 0; }
dt { color: var(--soft); } dd { margin: 0; }
article { border-top: 2px solid var(--rule); padding-top: 1.1rem; margin-top: 2rem; }
.conditions { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 0 1rem; }
.conditions dt { font-size: .8rem; }
.wide { overflow-x: auto; margin: 0 0 .75rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
caption { text-align: left; padding-bottom: .25rem; font-size: .85rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--rule); min-width: 3.2rem; }
thead th { font-weight: 500; color: var(--soft); } tbody th { font-weight: 600; }
td:has(> data), td > div { white-space: nowrap; }
summary { cursor: pointer; padding: .45rem 0; }
.series { border-top: 1px solid var(--rule); }
.seconds summary { font-size: .875rem; color: var(--soft); }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: .5rem 1rem; }
figure { margin: 0; break-inside: avoid; } figcaption { font-size: .8rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 10.5px system-ui, sans-serif; fill: var(--soft); stroke: none; }
svg text.head { font-size: 12px; font-weight: 600; fill: var(--ink); }
.grid { stroke: var(--rule); stroke-width: .6; fill: none; } .axis { stroke: var(--soft); fill: none; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
path.p99 { stroke: var(--first); } circle.p99, svg text.p99 { fill: var(--first); }
path.p50 { stroke: var(--second); stroke-dasharray: 5 2.5; stroke-width: 1.4; } circle.p50, svg text.p50 { fill: var(--second); }
path.wanted { stroke: var(--wanted); stroke-dasharray: 8 4; stroke-width: 1.2; fill: none; } svg text.wanted { fill: var(--wanted); }
rect.phase { fill: var(--soft); fill-opacity: .13; stroke: var(--soft); stroke-opacity: .5; stroke-width: .5; } svg text.phase { font-size: 9.5px; }
.error { stroke: var(--bad); stroke-width: 1.8; fill: none; } .refusal { stroke: var(--wanted); stroke-width: 1.5; fill: none; }
.cell { fill: var(--first); } .cell:hover { stroke: var(--ink); }
.pointer { fill: transparent; } .pointer:hover { fill: var(--soft); fill-opacity: .15; }
@media print {
  body { max-width: none; padding: 0; font-size: 11px; }
  details::details-content { content-visibility: visible; display: block; }
  .wide { overflow: visible; }
  .seconds { display: none; }
}
`)
