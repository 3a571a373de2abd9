"""The report of a campaign for a group meeting: one HTML file that needs nothing beside it, on a screen or on paper."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING

from superion import __version__
from superion.discovery.campaigns.state import CampaignState, Event
from superion.discovery.report.facts import Facts, facts_of
from superion.discovery.report.figures import figures_of
from superion.discovery.report.outlook import Outlook
from superion.discovery.report.style import DARK
from superion.discovery.report.text import Column, Section, Table, sections_of
from superion.errors import MissingDependency

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = ["Outlook", "html_report"]

SUBSCRIPT = re.compile(r"(?<=[A-Za-z)\]}])[0-9]+(?:\.[0-9]+)?|(?<=[A-Za-z)\]}])\.[0-9]+")
"""Amounts in a formula."""
UNIT = re.compile(r"(?<=[0-9⁰¹²³⁴⁵⁶⁷⁸⁹]) (?=%|°C|[mµ]?S/cm)")
"""The space between a number and its unit."""
DESCRIPTIONS: Mapping[str, str] = {
    "progress": "Each experiment with what was predicted before it and what was measured, and the best so far.",
    "parity": "Measured against predicted conductivity, with the predicted intervals.",
    "families": "Candidates of each family: tried, with hits, and left.",
    "outlook": "What is believed of the candidates that are left, with intervals.",
}


def html_report(state: CampaignState, events: Sequence[Event], *, outlook: Outlook | None) -> str:
    """Return the report of a campaign as one HTML document, with plotly in it.

    The document loads nothing and sends nothing: its own policy forbids both, and lets only its own scripts run.

    Raises MissingDependency where plotly is not installed.
    """
    facts = facts_of(state, events)
    library = _plotly_script()
    figures = figures_of(facts, outlook)
    drawing = resources.files("superion.discovery").joinpath("data/report.js").read_text(encoding="utf-8")
    style = resources.files("superion.discovery").joinpath("data/report.css").read_text(encoding="utf-8")
    sections = "\n".join(_section(section, figures) for section in sections_of(facts, outlook=outlook is not None))
    name = html.escape(state.name)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(library, drawing)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}: report of a campaign</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<p class="muted">{html.escape(_standing_at(facts))}</p>
</header>
<main>
{sections}
</main>
<footer><p class="muted">Written by superion {html.escape(__version__)}.</p></footer>
<script type="application/json" id="dark">{json.dumps(dict(DARK))}</script>
<script>{library}</script>
<script>{drawing}</script>
</body>
</html>
"""


def _standing_at(facts: Facts) -> str:
    state = facts.state
    parts = [f"Campaign at revision {state.revision}"]
    if facts.events:
        parts.append(f"last step {facts.events[-1].at:%Y-%m-%d %H:%M}")
    if state.created_at is not None:
        by = f" by {state.created_by}" if state.created_by else ""
        parts.append(f"begun {state.created_at:%Y-%m-%d}{by}")
    return ", ".join(parts) + "."


def _section(section: Section, figures: Mapping[str, Figure]) -> str:
    parts = [f"<section>\n<h2>{html.escape(section.title)}</h2>"]
    parts += [f"<p>{_text(text)}</p>" for text in section.paragraphs]
    if section.figure is not None and section.figure in figures:
        parts.append(_figure(section.figure, figures[section.figure]))
    if section.table is not None:
        parts.append(_table(section.table))
    return "\n".join([*parts, "</section>"])


def _figure(name: str, figure: Figure) -> str:
    # In a script nothing but "</" and "<!--" ends or changes the text; without "<" there is neither.
    data = json.dumps(json.loads(figure.to_json()), separators=(",", ":")).replace("<", "\\u003c")
    height = figure.layout.height or 400
    text = html.escape(DESCRIPTIONS[name])
    return (
        f'<figure>\n<div class="chart" id="{name}" role="img" aria-label="{text}" style="height:{height:g}px"></div>\n'
        f'<script type="application/json" data-for="{name}">{data}</script>\n'
        f"<figcaption>{text}</figcaption>\n</figure>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col" class="{column.kind}">{html.escape(column.name)}</th>' for column in table.columns)
    # On a phone a row with prose becomes a block, with the heads before its cells.
    kind = "cards" if any(column.kind == "prose" for column in table.columns) else "plain"
    rows = "\n".join(
        "<tr>" + "".join(_cell(column, text) for column, text in zip(table.columns, row, strict=True)) + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="wide" tabindex="0"><table class="{kind}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _cell(column: Column, text: str) -> str:
    shown = _formula(text) if column.kind == "formula" else _text(text)
    return f'<td class="{column.kind}" data-head="{html.escape(column.name)}">{shown}</td>'


def _text(text: str) -> str:
    """Return text with numbers kept together with their units."""
    return UNIT.sub("\u00a0", html.escape(text))


def _formula(text: str) -> str:
    """Return a formula with its amounts set low."""
    parts, at = [], 0
    for found in SUBSCRIPT.finditer(text):
        parts += [html.escape(text[at : found.start()]), f"<sub>{html.escape(found.group())}</sub>"]
        at = found.end()
    return "".join([*parts, html.escape(text[at:])])


def _policy(*scripts: str) -> str:
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{one}'" for one in hashes)
    # plotly writes rules into a style sheet, and makes images out of what it draws.
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def _plotly_script() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ModuleNotFoundError as error:
        raise MissingDependency(
            "a report is drawn with plotly, which is not installed: pip install 'superion[discover]'",
            field="plotly",
        ) from error
    # A browser hashes a script as it reads it, with line ends made one.
    return str(get_plotlyjs()).replace("\r\n", "\n").replace("\r", "\n")
