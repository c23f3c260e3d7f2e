"""A report as one HTML page that needs nothing beside it: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from table_rewards._version import __version__
from table_rewards.commands.pages.svg import dots, histogram, stacked
from table_rewards.commands.pages.terminal import number, share
from table_rewards.evaluation.scores.distribution import Distribution
from table_rewards.evaluation.scores.pairing import Pairing
from table_rewards.evaluation.scores.score_files import ScoreFile

BINS: Final = 20
MAX_GROUPS: Final = 24
MAX_NOTES: Final = 8

STYLE: Final = """
:root { --ground:#fff; --card:#f7f7f5; --ink:#1c1d1f; --soft:#6a6d73; --line:#dddcd8; --bad:#b42318;
        --c0:#2f6bd0; --c1:#d9772b; --c2:#2a8f7f; --c3:#8a5bd1; --c4:#c43d5a; --c5:#6b7280; }
@media (prefers-color-scheme: dark) {
  :root { --ground:#141518; --card:#1d1f23; --ink:#e8e8e6; --soft:#9b9ea6; --line:#33363c; --bad:#f97066;
          --c0:#6d9ef0; --c1:#f0a05e; --c2:#5cc2b1; --c3:#b491f0; --c4:#ee7b93; --c5:#a3a8b3; } }
* { box-sizing:border-box }
body { margin:0; background:var(--ground); color:var(--ink);
       font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif }
main { max-width:960px; margin:0 auto; padding:40px 24px 64px }
h1 { font-size:26px; line-height:1.25; margin:0 0 4px; overflow-wrap:anywhere }
h2 { font-size:17px; margin:40px 0 12px }
p { margin:6px 0; color:var(--soft); max-width:72ch }
code { font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; overflow-wrap:anywhere }
.cards { display:grid; gap:16px; grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr)); margin-top:20px }
.card { background:var(--card); border-radius:10px; padding:18px 20px }
.card h3 { margin:0; font-size:14px; font-weight:600; display:flex; gap:8px; align-items:baseline;
           overflow-wrap:anywhere }
.key { display:inline-block; width:10px; height:10px; border-radius:50%; flex:none }
.big { font-size:38px; font-weight:650; letter-spacing:-.02em; line-height:1.2; margin-top:6px }
.big small { font-size:14px; font-weight:400; letter-spacing:0; color:var(--soft); margin-left:8px }
.facts { display:flex; flex-wrap:wrap; gap:2px 20px; margin:6px 0 12px; color:var(--soft); font-size:13.5px }
.facts b { color:var(--ink); font-weight:600 }
.facts .bad, .bad { color:var(--bad) }
.scroll { overflow-x:auto }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums; font-size:14px }
th { text-align:left; font-weight:600; color:var(--soft); font-size:12.5px }
th,td { padding:6px 12px 6px 0; border-bottom:1px solid var(--line); vertical-align:middle }
td.n, th.n { text-align:right }
th,td { white-space:nowrap } td:last-child { white-space:normal }
td.bar { width:34%; min-width:140px; padding-right:0 }
svg { display:block; overflow:visible }
svg text { font:12px system-ui,sans-serif; fill:var(--soft) }
svg .value { fill:var(--ink); text-anchor:middle; font-size:11.5px } svg .value.end { text-anchor:end }
svg .label { fill:var(--ink); text-anchor:end; font-size:13px }
svg .axis { stroke:var(--soft) } svg .grid { stroke:var(--line) } svg .rail { stroke:var(--line); stroke-dasharray:1 3 }
svg .link { stroke:var(--soft); stroke-width:1.5 }
.s0 { fill:var(--c0) } .s1 { fill:var(--c1) } .s2 { fill:var(--c2) } .s3 { fill:var(--c3) }
.s4 { fill:var(--c4) } .s5 { fill:var(--c5) } .scored { fill:var(--c2) } .unparsed { fill:var(--c5) }
.unscored { fill:var(--bad) } .rest { fill:var(--line) } .alive { fill:var(--c2) } .dead-high { fill:var(--c5) }
.dead-low { fill:var(--c4) } .dead { fill:var(--c3) }
footer { margin-top:48px; padding-top:14px; border-top:1px solid var(--line); color:var(--soft); font-size:13px }
@media print { .card { break-inside:avoid } }
"""


def page(files: Sequence[ScoreFile], pairings: Sequence[Pairing], title: str) -> str:
    """The whole page."""
    signatures = dict.fromkeys(signature for file in files for signature in file.statistics.signatures if signature)
    body = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p><code>{escape(signature)}</code></p>" for signature in signatures),
        _warning(len(signatures)),
        '<div class="cards">',
        *(_card(file, series, alone=len(files) == 1) for series, file in enumerate(files)),
        "</div>",
        _pairs(pairings),
        _parts(files),
        _groups(files),
        _prompts(files),
        _status(files),
        _notes(files),
        f"<footer>table-rewards {escape(__version__)}. Unscored completions are in no mean.</footer>",
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _warning(signatures: int) -> str:
    if signatures < 2:
        return ""
    return '<p class="bad">Made in different ways: only within one signature do numbers compare.</p>'


def _card(file: ScoreFile, series: int, *, alone: bool) -> str:
    statistics = file.statistics
    values, groups = statistics.values, statistics.groups
    facts = [f"<span><b>{statistics.count:,}</b> completions</span>"]
    if values.missing:
        facts.append(f'<span class="bad"><b class="bad">{values.missing:,}</b> unscored</span>')
    if values.count:
        facts += [
            f"<span>{name} <b>{number(values.quantile(at), 3)}</b></span>"
            for name, at in (("p10", 0.1), ("median", 0.5), ("p90", 0.9))
        ]
    if statistics.length.notable:
        facts.append(f"<span>length correlation <b>{statistics.length.value:+.2f}</b></span>")
    if groups.several:
        facts.append(f"<span><b>{share(groups.dead, groups.several)}</b> of prompts without variance</span>")
    wide = 860 if alone else 420
    chart = (
        histogram(*values.histogram(BINS), series=_series(series), wide=wide)
        if values.count
        else "<p>Nothing was scored.</p>"
    )
    return (
        f'<section class="card"><h3>{_key(series)}{escape(file.name)}</h3>'
        f'<div class="big">{number(values.mean)}<small>± {number(values.deviation)}</small></div>'
        f'<div class="facts">{"".join(facts)}</div>{chart}</section>'
    )


def _pairs(pairings: Sequence[Pairing]) -> str:
    rows = [
        [
            escape(f"{one.second} − {one.first}"),
            f"{one.difference:+.4f}",
            f"± {2 * one.error:.4f}",
            f"{one.higher:,}",
            f"{one.equal:,}",
            f"{one.lower:,}",
            "clear" if one.clear else "within noise",
        ]
        for one in pairings
    ]
    return _section(
        "Row by row",
        _table(["the same rows", "difference", "two std errors", "higher", "equal", "lower", ""], rows, range(1, 6)),
        bool(rows),
    )


def _parts(files: Sequence[ScoreFile]) -> str:
    rows = []
    for name in dict.fromkeys(name for file in files for name in file.statistics.parts):
        for series, file in enumerate(files):
            part = file.statistics.parts.get(name)
            if part is None or not part.count:
                continue
            low, high = _span([part])
            filled = max(0.0, part.mean - low) / ((high - low) or 1.0)
            chart = stacked([(name, filled, f"s{_series(series)}"), ("", 1 - filled, "rest")], wide=300, tall=10)
            rows.append([
                _key(series) + " " + escape(name), number(part.mean), number(part.deviation),
                number(part.lowest, 3), number(part.highest, 3), chart,
            ])  # fmt: skip
    head = ["part", "mean", "std", "min", "max", "mean within its range"]
    return _section("Parts", _table(head, rows, range(1, 5), bar=5), bool(rows))


def _groups(files: Sequence[ScoreFile]) -> str:
    by = files[0].statistics.by
    counts: dict[str, int] = {}
    for file in files:
        for name, bucket in file.statistics.buckets.items():
            counts[name] = counts.get(name, 0) + bucket.count + bucket.missing
    if by is None or not counts or set(counts) == {"(none)"}:
        return ""
    names = sorted(counts, key=lambda name: -counts[name])[:MAX_GROUPS]
    found = {name: [file.statistics.buckets.get(name) for file in files] for name in names}
    low, high = _span([bucket for buckets in found.values() for bucket in buckets if bucket is not None])
    rows = [
        (
            f"{name if len(name) <= 26 else name[:25] + '…'} ({counts[name]:,})",
            [None if bucket is None else (bucket.mean, bucket.count) for bucket in buckets],
        )
        for name, buckets in found.items()
    ]
    hidden = len(counts) - len(names)
    more = f"<p>The {MAX_GROUPS} largest; {hidden:,} more are not shown.</p>" if hidden else ""
    return _section(f"Mean by {escape(by)}", _keys(files) + dots(rows, low, high) + more, True)


def _prompts(files: Sequence[ScoreFile]) -> str:
    rows = []
    for series, file in enumerate(files):
        groups = file.statistics.groups
        if not groups.several:
            continue
        dead = groups.dead_at()
        top = max(file.statistics.values.highest, 0.0)
        at_top = sum(count for value, count in dead.items() if abs(value - top) < 1e-4)
        at_low = sum(count for value, count in dead.items() if abs(value - file.statistics.values.lowest) < 1e-4)
        at_low = 0 if top == file.statistics.values.lowest else at_low
        chart = stacked([
            ("with variance", groups.several - groups.dead, "alive"),
            ("all at the highest score", at_top, "dead-high"),
            ("all at the lowest score", at_low, "dead-low"),
            ("all equal elsewhere", groups.dead - at_top - at_low, "dead"),
        ], wide=300)  # fmt: skip
        rows.append([
            _key(series) + " " + escape(file.name), f"{groups.several:,}", f"{groups.dead:,}",
            share(groups.dead, groups.several), number(groups.deviations().mean, 3), chart,
        ])  # fmt: skip
    head = [
        "scores",
        "prompts",
        "without variance",
        "share",
        "std within",
        _legend(("var(--c2)", "alive"), ("var(--c5)", "all highest"), ("var(--c4)", "all lowest")),
    ]
    told = "<p>A prompt whose completions all score the same has no advantage and teaches nothing in GRPO.</p>"
    return _section("Prompts", told + _table(head, rows, range(1, 5), bar=5), bool(rows))


def _status(files: Sequence[ScoreFile]) -> str:
    rows = []
    for series, file in enumerate(files):
        status = file.statistics.status
        chart = stacked([(name, status.get(name, 0), name) for name in ("scored", "unparsed", "unscored")], wide=300)
        shown = [f"{status.get(name, 0):,}" for name in ("scored", "unparsed", "unscored")]
        rows.append([_key(series) + " " + escape(file.name), *shown, chart])
    legend = _legend(("var(--c2)", "scored"), ("var(--c5)", "unparsed"), ("var(--bad)", "unscored"))
    return _section(
        "Status", _table(["scores", "scored", "unparsed", "unscored", legend], rows, range(1, 4), bar=4), True
    )


def _notes(files: Sequence[ScoreFile]) -> str:
    rows = [
        [_key(series), f"{count:,}", escape(text[:300])]
        for series, file in enumerate(files)
        for text, count in file.statistics.notes.most_common(MAX_NOTES)
    ]
    return _section("Notes", _table(["", "rows", "note"], rows, [1]), bool(rows))


def _section(title: str, inside: str, wanted: bool) -> str:
    return f"<section><h2>{title}</h2>{inside}</section>" if wanted else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int], *, bar: int = -1) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        kinds = ["n" if i in right else "bar" if i == bar else "" for i in range(len(cells))]
        return "<tr>" + "".join(
            f'<{tag} class="{kind}">{cell}</{tag}>' if kind else f"<{tag}>{cell}</{tag}>"
            for kind, cell in zip(kinds, cells, strict=True)
        ) + "</tr>"  # fmt: skip

    return f'<div class="scroll"><table>{row(head, "th")}{"".join(row(cells, "td") for cells in rows)}</table></div>'


def _series(number: int) -> int:
    return number % 6


def _key(series: int) -> str:
    return f'<span class="key" style="background:var(--c{_series(series)})"></span>'


def _legend(*colours: tuple[str, str]) -> str:
    return " &nbsp; ".join(f'<span class="key" style="background:{colour}"></span> {name}' for colour, name in colours)


def _keys(files: Sequence[ScoreFile]) -> str:
    if len(files) < 2:
        return ""
    shown = "".join(f"<span>{_key(series)} {escape(file.name)}</span>" for series, file in enumerate(files))
    return f'<div class="facts">{shown}</div>'


def _span(columns: Sequence[Distribution]) -> tuple[float, float]:
    known = [column for column in columns if column.count]
    low = min((column.lowest for column in known), default=0.0)
    high = max((column.highest for column in known), default=1.0)
    return (0.0, 1.0) if low >= 0 and high <= 1 else (min(low, 0.0), high)
