"""Published figures beside ours: as a table for a terminal, for programs, and as a page of the documentation."""

from __future__ import annotations

from typing import Any, get_args

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.files.text import printable
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.json import encode
from accelerator_sim.report.numbers import si
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import rows_text
from accelerator_sim.validation.validate import Judgement, Scorecard, ScoreRow
from accelerator_sim.version import __version__

SCHEMA = "accelerator-sim/validation/1"
COLUMNS = (
    "status", "publication", "figure", "layer", "quantity", "unit", "published", "ours", "spread", "error",
    "least", "most", "where", "read", "tolerance_because", "cause",
)  # fmt: skip
_STYLES = {"miss": "red", "ok": "", "construction": "dim", "input": "dim", "fitted": "dim"}
_ORDER: tuple[Judgement, ...] = get_args(Judgement)


def ordered(card: Scorecard) -> list[ScoreRow]:
    """All figures, misses first, the largest error first among them; those that are not judged last."""
    return sorted(card.rows, key=lambda row: (_ORDER.index(row.status), -abs(row.error or 0.0)))


def summary(card: Scorecard) -> str:
    """How many figures there are of each status: predictions first, then what does not count as one."""
    judged = card.count("miss") + card.count("ok")
    text = f"{card.count('ok')} of {judged} predictions within their tolerance, {card.count('miss')} not"
    if card.count("construction"):
        text += f"; {card.count('construction')} hold by construction and do not count"
    if card.count("input"):
        text += f"; {card.count('input')} gave inputs and do not count"
    if card.count("fitted"):
        text += f"; {card.count('fitted')} were fitted to and do not count"
    if card.left_out:
        text += f"; {card.left_out} of slow runs were left out"
    return text


def render(card: Scorecard, width: int = 80, color: bool = False) -> str:
    """Return the figures as a table, misses first, and how many hold."""
    rows = ordered(card)
    columns = [
        Column("figure", _name, 0, left=True),
        Column("", lambda row: row.status, 2),
        Column("published", _published, 3),
        Column("ours", lambda row: _number(row.ours), 1),
        Column("error", _error, 4),
        Column("allowed", _allowed, 5),
        Column("unit", lambda row: row.unit, EXTRA, left=True),
        Column("of", lambda row: row.publication, EXTRA + 1, left=True),
        Column("where", lambda row: row.figure.where, EXTRA + 2, left=True),
        Column("read", lambda row: row.figure.read, EXTRA + 3, left=True),
    ]
    parts: list[RenderableType] = [table(fitted(columns, rows, width), [_STYLES[row.status] for row in rows]), Text()]
    return paint([*parts, Text(summary(card))], width, color)


def dumps_json(card: Scorecard) -> str:
    """Return the figures as one JSON object."""
    sources = {name: {"title": p.title, "source": p.source} for name, p in card.publications.items()}
    content = {
        "schema": SCHEMA,
        "version": __version__,
        "figures": {status: card.count(status) for status in _ORDER} | {"left_out": card.left_out},
        "publications": sources,
        "rows": [_record(row) for row in ordered(card)],
    }
    return encode(content)


def dumps_rows(card: Scorecard, delimiter: str = "\t") -> str:
    """Return one line per figure."""
    return rows_text(map(_record, ordered(card)), delimiter, COLUMNS)


def markdown(card: Scorecard) -> str:
    """Return the figures as tables of a documentation page: all misses with their causes, then each publication."""
    lines = [f"{summary(card)}.", ""]
    lines += [
        "## Misses",
        "",
        "| figure | published | ours | error | allowed | thought to be the cause |",
        "|---" * 6 + "|",
    ]
    for row in ordered(card):
        if row.status == "miss":
            lines.append(_line(*_numbers(row), _allowed(row), row.figure.cause))
    for name, publication in card.publications.items():
        lines += ["", f"## {publication.title}", "", f"{publication.source}.", ""]
        noted = [f"- `{case}`: {entry.note}" for case, entry in publication.cases.items() if entry.note]
        if noted:
            lines += ["Assumed, because it is not published:", "", *noted, ""]
        lines += ["| figure | published | ours | error | allowed, because | | where | read |", "|---" * 8 + "|"]
        for row in card.rows:
            if row.publication == name:
                f = row.figure
                allowed = ": ".join(filter(None, (_allowed(row), f.why)))
                if f.fitted:
                    allowed = f"fitted ({f.fitted})"
                elif f.follows:
                    allowed += f"; follows from {f.follows}"
                elif f.gave:
                    allowed = f"gave {f.gave}; {f.why}"
                lines.append(_line(*_numbers(row), allowed, row.status, f.where, f.read))
    return "\n".join(lines) + "\n"


def _record(row: ScoreRow) -> dict[str, Any]:
    f = row.figure
    values = (
        row.status, row.publication, f.name, row.layer, f.quantity, row.unit, row.published, row.ours, row.spread,
        row.error, row.least, row.most, f.where, f.read, f.why, f.cause if row.status == "miss" else "",
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _name(row: ScoreRow) -> str:
    return f"{row.figure.name}: {row.layer}" if row.layer else row.figure.name


def _number(value: float) -> str:
    if abs(value) >= 1e6:
        return si(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _published(row: ScoreRow) -> str:
    if row.published is not None:
        return _number(row.published)
    if row.least is not None and row.most is not None:
        return f"{_number(row.least)} to {_number(row.most)}"
    return f">= {_number(row.least)}" if row.least is not None else f"<= {_number(row.most or 0.0)}"


def _error(row: ScoreRow) -> str:
    error = row.error
    if error is None or (row.published is None and error == 0.0):
        return "-"
    seeds = f" ±{50.0 * row.spread:.1f}" if row.spread else ""
    return f"{100.0 * error:+.1f}%{seeds}"


def _allowed(row: ScoreRow) -> str:
    if row.status in ("fitted", "input"):
        return row.status
    if row.published is None or row.most is None:
        return ""
    margin = row.most - row.published
    return f"{_number(margin)}" if row.figure.margin else f"{100.0 * margin / abs(row.published):.3g}%"


def _numbers(row: ScoreRow) -> tuple[str, ...]:
    name = f"{_name(row)}, {row.unit}" if row.unit else _name(row)
    return name, _published(row), _number(row.ours), _error(row)


def _line(*cells: str) -> str:
    return "| " + " | ".join(printable(cell).replace("|", "/").replace("<", "&lt;") for cell in cells) + " |"
