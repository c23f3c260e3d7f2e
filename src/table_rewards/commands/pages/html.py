"""A report as one HTML page that needs nothing beside it: charts, samples and scripts are all inside.

jinja2 renders the page, Vega-Lite draws the charts in the reader's browser; vl-convert carries both scripts.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from table_rewards._version import __version__
from table_rewards.commands.pages.charts import charts
from table_rewards.commands.pages.sample_views import Shown, sample_data
from table_rewards.commands.pages.terminal import note, number, share
from table_rewards.core.errors import ConfigurationError
from table_rewards.core.explanation.html import STYLE
from table_rewards.datasets.files import UnusableFile
from table_rewards.evaluation.scores.pairing import Pairing
from table_rewards.evaluation.scores.samples import VIEWS
from table_rewards.evaluation.scores.score_files import ScoreFile

MAX_NOTES: Final = 12
TEMPLATES: Final = Path(__file__).parent / "templates"


def need_report() -> None:
    """Raise :class:`ConfigurationError` with the command that would help, when a page cannot be made here.

    Raises:
        ConfigurationError: a library of the extra ``report`` is not installed.
    """
    missing = [name for name in ("jinja2", "vl_convert") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"--html needs {' and '.join(missing)}: pip install 'table-rewards[report]'")


def page(
    files: Sequence[ScoreFile],
    pairings: Sequence[Pairing],
    title: str,
    shown: Sequence[Shown] = (),
    advice: Sequence[str] = (),
) -> str:
    """The whole page.

    Args:
        files: the score files, the first of them in front.
        pairings: what the others say beside the first.
        title: the page's title.
        shown: the samples of each file.
        advice: what the numbers mean, one sentence each.

    Raises:
        ConfigurationError: jinja2 or vl-convert is not installed.
    """
    need_report()
    import vl_convert
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    bundle = vl_convert.javascript_bundle(None)  # type: ignore[arg-type]  # None: vega, vega-lite, vega-embed
    drawn = charts(files)
    samples = sample_data(shown)
    signatures = dict.fromkeys(signature for file in files for signature in file.statistics.signatures if signature)
    return environment.get_template("report.html").render(
        title=title,
        version=__version__,
        nonce=secrets.token_urlsafe(12),
        signatures=list(signatures),
        style=(TEMPLATES / "report.css").read_text("utf-8") + STYLE,
        script=(TEMPLATES / "report.js").read_text("utf-8"),
        library=_inside_script(bundle),
        data=_json({"charts": {chart.name: chart.spec for chart in drawn}, "samples": samples, "views": VIEWS}),
        cards=[_card(file) for file in files],
        charts=drawn,
        advice=list(advice),
        pairings=[_pairing(one) for one in pairings],
        apart=[file.name for file in files[1:] if file.name not in {one.second for one in pairings}],
        first=files[0].name,
        status=[_states(file) for file in files],
        notes=_notes(files),
        samples=len(samples),
        several=len(files) > 1,
    )  # fmt: skip


def write_page(path: Path, text: str) -> None:
    """Write a page and say so.

    Raises:
        UnusableFile: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", errors="replace")
    except OSError as error:
        raise UnusableFile(path, f"cannot be written: {error.strerror or error}") from None
    note(f"wrote {path}")


def _json(value: Any) -> str:
    """JSON that a script element may hold."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
    return text.replace("<", "\\u003c")


def _inside_script(text: str) -> str:
    """A script that an element may hold: nothing in it ends the element."""
    return re.sub(r"<(/script|!--)", r"<\\\1", text, flags=re.IGNORECASE)


def _card(file: ScoreFile) -> dict[str, Any]:
    statistics = file.statistics
    values, groups, length = statistics.values, statistics.groups, statistics.length_within
    facts = [("completions", f"{statistics.count:,}")]
    if values.count:
        facts.append(("standard deviation", number(values.deviation, 3)))
        facts += [(name, number(values.quantile(at), 3)) for name, at in (("p10", 0.1), ("median", 0.5), ("p90", 0.9))]
    facts.append(("prompts", f"{groups.prompts:,}"))
    if groups.several:
        facts.append(("give a gradient", share(groups.several - groups.dead, groups.several)))
        facts.append(("std within a prompt", number(groups.deviations().mean, 3)))
    if not math.isnan(length.value):
        facts.append(("length within prompts", f"{length.value:+.2f}"))
    unparsed = statistics.status.get("unparsed", 0)
    return {
        "name": file.name,
        "mean": number(values.mean),
        "facts": facts,
        "unparsed": share(unparsed, statistics.count) if unparsed else "",
        "unscored": share(statistics.unscored, statistics.count) if statistics.unscored else "",
    }


def _pairing(one: Pairing) -> dict[str, Any]:
    return {
        "first": one.first,
        "second": one.second,
        "difference": f"{one.difference:+.4f}",
        "error": f"{2 * one.error:.4f}",
        "beyond_noise": one.clear,
        "rows": f"{one.rows:,}",
        "prompts": f"{one.prompts:,}",
        "only_first": f"{one.only_first:,}" if one.only_first else "",
        "only_second": f"{one.only_second:,}" if one.only_second else "",
        "bars": [(name, count, 100 * count / one.rows) for name, count in
                 (("lower", one.lower), ("equal", one.equal), ("higher", one.higher))],
        "flips": f"{one.flips:,} of {one.comparable:,} ({share(one.flips, one.comparable)})" if one.comparable else "",
        "changed": [
            {"prompt": change.prompt, "sample": change.sample, "first": number(change.first),
             "second": number(change.second), "difference": f"{change.second - change.first:+.3f}"}
            for change in one.changed
        ],
    }  # fmt: skip


def _states(file: ScoreFile) -> dict[str, Any]:
    statistics = file.statistics
    counts = [(name, statistics.status.get(name, 0)) for name in statistics.states]
    whole = sum(count for _, count in counts) or 1
    return {"name": file.name, "counts": [(name, f"{count:,}", 100 * count / whole) for name, count in counts]}


def _notes(files: Sequence[ScoreFile]) -> list[tuple[str, str, str]]:
    return [
        (file.name, f"{count:,}", text[:400])
        for file in files
        for text, count in file.statistics.notes.most_common(MAX_NOTES)
    ]
