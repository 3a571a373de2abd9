"""What the client sends of campaigns, and what it makes of the answers; the real service is asked in tests/serving."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion import Client
from superion.client import campaigns as campaigns_module
from superion.client.campaign_records import Campaign, CampaignSummary, Series, Suggestion
from superion.client.records import Dataset
from superion.errors import InvalidValue, RequestFailed

from .conftest import JOB, Says, Script, refusal

GOAL = {
    "temperature_C": 25.0,
    "confidence": 0.9,
    "acquisition": "ucb",
    "kappa": 0.3,
    "stability": "ignore",
    "reaction_energy_above": -0.1,
    "cost": "ignore",
    "cost_below": None,
    "avoid": ["Ge"],
    "least_chance": 0.25,
    "most_of_a_family": None,
}
EVENT = {"number": 2, "action": "undo", "by": "a", "at": "2026-01-01T00:00:00Z", "detail": {}, "undone_by": None}
REASONS = {
    "text": "Predicted 1 mS/cm.",
    "predicted": {"log10_S_per_cm": -3.0, "lower": -4.0, "upper": -2.0, "confidence": 0.9, "temperature_C": 25.0},
    "chance_best": None,
    "chance_stable": 0.1,
    "chance_synthesis": 0.9,
    "chance_feasible": 0.9,
    "teaches": 0.2,
    "price_USD_per_kg": None,
    "family": "sulfides",
    "in_domain": True,
    "nearest": [{"formula": "Li6PS5Br"}],
}
SUGGESTION = {
    "number": 7,
    "batch": 1,
    "candidate": "x",
    "status": "pending",
    "model_version": "1",
    "reasons": REASONS,
    "by": "ada",
    "at": "2026-01-01T00:00:00Z",
}
STATUS = {
    "name": "a",
    "revision": 1,
    "goal": GOAL,
    "candidates": 1,
    "measured": 0,
    "failed": 0,
    "pending": 1,
    "left": 0,
    "best": None,
    "predictions": None,
    "retraining": {
        "pays": False,
        "why": "few",
        "n": 0,
        "model_version": None,
        "bias": None,
        "mean_absolute_error": None,
        "coverage": None,
    },
    "pending_suggestions": [SUGGESTION],
    "last_events": [EVENT],
}
OBSERVATION = {
    "number": 1,
    "candidate": "x",
    "failed": False,
    "log10_S_per_cm": -3.0,
    "S_per_cm": 1e-3,
    "censored": False,
    "temperature_C": 25.0,
    "activation_energy_eV": None,
    "kind": None,
    "source": None,
    "given": "1 mS/cm",
    "note": None,
    "by": "ada",
    "at": "2026-01-01T00:00:00Z",
}
SERIES = {
    "parent": "LiF",
    "charges": {"Li": 1.0},
    "n": 1,
    "n_implausible": 0,
    "refused": {},
    "candidates": [
        {
            "id": "LiCl",
            "formula": "LiCl",
            "parent": "LiF",
            "substitutions": [],
            "varied": 0.0,
            "plausibility": 1.0,
            "bond_misfit": None,
            "cif": None,
            "note": None,
        }
    ],
}


def last(script: Script) -> tuple[str, str, Any]:
    """Return what was asked last: method, path and document."""
    method, path, content = script.asked[-1]
    return method, path, json.loads(content) if content else None


def test_a_campaign_is_made_of_materials_of_every_kind(script: Script, tmp_path: Path) -> None:
    (tmp_path / "b.cif").write_text("data_")

    class Structure:
        lattice = None

        def as_dict(self) -> dict[str, Any]:
            return {"sites": [np.int64(1)]}

    script.answers = [Says(201, {"status": STATUS, "left_out": [], "notes": []})]
    materials = ["LiF", tmp_path / "b.cif", Structure(), {"id": "c", "formula": "LiI", "family": "iodides"}]
    measured = [{"formula": "LiBr", "conductivity": "<1e-9"}]
    made = script.client().new_campaign("a", materials, measured=measured, avoid=["Ge"], kappa=1.0)
    assert last(script) == (
        "POST",
        "/campaigns",
        {
            "name": "a",
            "goal": {"avoid": ["Ge"], "kappa": 1.0},
            "candidates": [
                {"formula": "LiF"},
                {"id": "b.cif", "cif": "data_"},
                {"structure": {"sites": [1]}},
                {"id": "c", "formula": "LiI", "family": "iodides"},
            ],
            "measured": measured,
        },
    )
    assert (made.status.goal.avoid, made.status.pending_suggestions[0].reasons.chance_stable) == (("Ge",), 0.1)
    assert made.status.last_events[0].at.year == 2026


def test_a_series_becomes_the_candidates(script: Script) -> None:
    script.answers = [Says(document=SERIES), Says(201, {"status": STATUS, "left_out": [], "notes": []})]
    client = script.client()
    series = client.enumerate("LiF", "F>Cl", step=0.5)
    assert last(script)[2] == {"parent": "LiF", "swaps": ["F>Cl"], "step": 0.5}
    client.new_campaign("a", series)
    assert last(script)[2]["candidates"] == [{"id": "LiCl", "formula": "LiCl"}]


def test_the_parent_of_a_series_may_be_a_file(script: Script, tmp_path: Path) -> None:
    (tmp_path / "parent.cif").write_text("data_")
    script.answers = [Says(document=SERIES)]
    script.client().enumerate(tmp_path / "parent.cif", ["F>Cl", "Li>Na"])
    assert last(script)[2] == {"parent": {"cif": "data_"}, "swaps": ["F>Cl", "Li>Na"]}
    with pytest.raises(InvalidValue, match="cannot be read") as caught:
        script.client().enumerate(tmp_path / "absent.cif", "F>Cl")
    assert caught.value.field == "parent"


CALLS: list[tuple[Callable[[Client, Any], Any], Any, tuple[str, str, Any]]] = [
    (lambda c, n: c.campaign(n), STATUS, ("GET", "", None)),
    (lambda c, n: c.suggest(n, 3, seed=4), {"suggestions": []}, ("POST", "/suggestions", {"number": 3, "seed": 4})),
    (lambda c, n: c.suggestions(n), {"suggestions": [SUGGESTION]}, ("GET", "/suggestions", None)),
    (
        lambda c, n: c.suggestions(n, "observed"),
        {"suggestions": []},
        ("GET", "/suggestions?status=observed", None),
    ),
    (
        lambda c, n: c.observe(n, Suggestion.model_validate(SUGGESTION), "1 mS/cm", note="n"),
        {"observations": [OBSERVATION]},
        ("POST", "/observations", {"observations": [{"candidate": "x", "value": "1 mS/cm", "note": "n"}]}),
    ),
    (
        lambda c, n: c.observe(n, "x", failed=True),
        {"observations": [OBSERVATION]},
        ("POST", "/observations", {"observations": [{"candidate": "x", "value": None, "failed": True}]}),
    ),
    (
        lambda c, n: c.withdraw(n, [Suggestion.model_validate(SUGGESTION), 8], "why"),
        {"event": EVENT},
        ("POST", "/withdraw", {"suggestions": [7, 8], "reason": "why"}),
    ),
    (
        lambda c, n: c.withdraw(n, 8),
        {"event": EVENT},
        ("POST", "/withdraw", {"suggestions": [8], "reason": ""}),
    ),
    (lambda c, n: c.undo(n), {"event": EVENT}, ("POST", "/undo", {"event": None, "reason": ""})),
    (lambda c, n: c.undo(n, 3, "why"), {"event": EVENT}, ("POST", "/undo", {"event": 3, "reason": "why"})),
    (lambda c, n: c.events(n), {"events": [EVENT]}, ("GET", "/events", None)),
    (lambda c, n: c.retrain(n, epochs=3), JOB, ("POST", "/retrain", {"force": False, "epochs": 3})),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[2][0]} {call[2][1]}")
def test_what_each_call_sends(script: Script, call: Any) -> None:
    ask, answer, (method, path, document) = call
    script.answers = [Says(document=answer)]
    ask(script.client(), "a")
    assert last(script) == (method, f"/campaigns/a{path}", document)
    # Where a name will do, a record will.
    ask(script.client(), Campaign.model_validate(STATUS))
    assert last(script) == (method, f"/campaigns/a{path}", document)
    with pytest.raises(InvalidValue):
        ask(script.client(), "..")
    ask(script.client(), "b/../c")
    assert last(script)[1].startswith("/campaigns/b%2F..%2Fc")


def test_what_is_replayed_may_be_records_or_names(script: Script) -> None:
    script.answers = [Says(document={**JOB, "kind": "simulation"})]
    assert script.client().simulate("d", seeds=3).kind == "simulation"
    assert last(script) == ("POST", "/campaigns/simulate", {"datasets": ["d"], "seeds": 3})
    script.client().simulate([Dataset.model_construct(id="d2"), "e"])
    assert last(script)[2] == {"datasets": ["d2", "e"]}


def test_all_candidates_are_read_page_by_page(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns_module, "CANDIDATES_A_PAGE", 2)
    one = {"formula": "LiF", "family": "f", "has_structure": False, "status": "left"}
    pages = [[{"id": f"{n}", **one} for n in range(2)], [{"id": "2", **one}]]
    script.answers = [Says(document={"n": 3, "candidates": page}) for page in pages]
    assert [found.id for found in script.client().candidates("a")] == ["0", "1", "2"]
    assert [path for _, path, _ in script.asked] == [
        "/campaigns/a/candidates?offset=0&limit=2",
        "/campaigns/a/candidates?offset=2&limit=2",
    ]


def test_a_report_is_written_as_it_came(script: Script, tmp_path: Path) -> None:
    page = "<html>\nµ</html>"
    script.answers = [Says(document=page.encode(), headers={"Content-Type": "text/html; charset=utf-8"})]
    assert script.client().report("a", tmp_path / "a.html") == page
    assert (tmp_path / "a.html").read_bytes() == page.encode()
    with pytest.raises(InvalidValue, match="cannot be written") as caught:
        script.client().report("a", tmp_path / "no" / "a.html")
    assert caught.value.field == "file"


def test_a_service_that_is_busy_is_asked_again_and_one_that_failed_is_not(script: Script, pauses: list[float]) -> None:
    script.answers = [refusal(503, "busy", retry_after="3"), Says(201, {"suggestions": []})]
    assert script.client().suggest("a") == []
    assert len(pauses) == 1 and pauses[0] > 3.0
    # Whether anything was done is not known: it must not be done twice.
    script.answers = [refusal(503, "unavailable")]
    for ask in (
        lambda client: client.suggest("a"),
        lambda client: client.observe("a", "x", 1.0),
        lambda client: client.undo("a"),
    ):
        before = len(script.asked)
        with pytest.raises(RequestFailed):
            ask(script.client())
        assert len(script.asked) == before + 1


def test_what_a_newer_service_adds_can_be_read() -> None:
    assert Series.model_validate({**SERIES, "more": 1}).more == 1  # type: ignore[attr-defined]
    assert CampaignSummary.model_fields.keys() >= {"name", "n_pending"}
