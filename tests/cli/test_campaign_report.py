"""`superion campaign report` on a campaign of the real store: on the terminal, as JSON and as a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from superion.cli.campaign_report import register
from superion.discovery.campaigns.state import CampaignState, Choice
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.candidates import CandidateList
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, NotFound

from ..discovery._reported import candidates, reasons


def choose(state: CampaignState) -> list[Choice]:
    found = []
    for place in state.left[:3]:
        one = state.candidates[place]
        found.append(Choice(one.id, reasons(one.material.formula.text, -3.0).as_dict(), "release"))
    return found


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Return the address of a store with a campaign: one measured, one failed, one withdrawn, three asked for."""
    url = f"sqlite:///{tmp_path / 'campaigns.db'}"
    with CampaignStore.open(url) as store:
        store.create("spring", Goal(), CandidateList("list.csv", candidates(), digest="0" * 64), by="Ada")
        store.suggest("spring", choose, by="Ada")
        store.observe("spring", candidate="c1", value="1.2 mS/cm", note="[b]<b>", by="Bo")
        store.observe("spring", candidate="c2", value=None, failed=True, note="[b]<b>molten", by="Bo")
        store.withdraw("spring", [3], by="Bo", reason="no time")
        store.suggest("spring", choose, by="Cy")
    return url


def report(*arguments: str) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return CliRunner().invoke(app, ["report", *arguments], catch_exceptions=True)


def test_the_terminal_shows_what_the_page_says(database: str, tmp_path: Path) -> None:
    found = report("spring", "--database", database)
    assert found.exit_code == 0, found.output
    for words in (
        "20 candidates: 1 measured, 1 that could not be made, 3 under way, 15 left.",
        "The best so far is Li6PS5Cl (c1) with 1.2 mS/cm at 25 °C (sulfides).",
        "Of 1 measurement that was predicted beforehand, 1 was within the interval",
        "[b]<b>molten",
        "observed c1: 1.2 mS/cm",
        "withdrew c3: no time",
        "Sulfide: handle dry.",
    ):
        assert words in " ".join(found.stdout.split()), words
    path = tmp_path / "report.html"
    written = report("spring", "--database", database, "--html", str(path))
    assert (written.exit_code, written.stdout) == (0, "")
    page = path.read_text(encoding="utf-8")
    assert "The best so far is Li6PS5Cl (c1) with 1.2" in page and "[b]&lt;b&gt;molten" in page
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_json_is_one_document(database: str) -> None:
    found = report("spring", "--database", database, "--json")
    document = json.loads(found.stdout)
    assert (document["candidates"], document["measured"], document["failed"], document["pending"]) == (20, 1, 1, 3)
    assert document["best"]["candidate"] == "c1"
    assert [one["reasons"]["family"] for one in document["next"]] == ["sulfides"] * 3
    assert [event["action"] for event in document["history"]][-2:] == ["withdraw", "suggest"]


def test_a_campaign_that_is_not_there_is_named(database: str) -> None:
    found = report("sprong", "--database", database)
    assert isinstance(found.exception, NotFound) and "spring" in str(found.exception)


def test_a_page_that_cannot_be_written_is_said(database: str, tmp_path: Path) -> None:
    path = tmp_path / "no" / "report.html"
    found = report("spring", "--database", database, "--html", str(path))
    assert isinstance(found.exception, InvalidValue) and found.exception.field == "html"
    (tmp_path / "folder").mkdir()
    onto = report("spring", "--database", database, "--html", str(tmp_path / "folder"))
    assert isinstance(onto.exception, InvalidValue)
    assert sorted(one.name for one in tmp_path.glob("*.part")) == []
