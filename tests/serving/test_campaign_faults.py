"""What is wrong with a request about campaigns: named by its field, in the one shape, and nothing of it done."""

from __future__ import annotations

from typing import Any

import pytest

from superion.serving.limits import MAX_CAMPAIGN_CANDIDATES, MAX_OBSERVATIONS

from ._answers import refused
from ._campaigns import FORMULAS, begin, observe, step, suggest
from .conftest import Service

ONE = [{"formula": "LiF"}]
A_STEP = {"suggestions": [1]}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("POST", "/campaigns", {"candidates": ONE}, 400, "invalid_request", "name"),
        ("POST", "/campaigns", {"name": "-x", "candidates": ONE}, 400, "invalid_request", "name"),
        ("POST", "/campaigns", {"name": "x" * 65, "candidates": ONE}, 400, "invalid_request", "name"),
        ("POST", "/campaigns", {"name": "x\n", "candidates": ONE}, 400, "invalid_request", "name"),
        ("POST", "/campaigns", {"name": "faults", "candidates": ONE}, 409, "name_taken", "name"),
        ("POST", "/campaigns", {"name": "x", "candidates": []}, 400, "invalid_request", "candidates"),
        ("POST", "/campaigns", {"name": "x", "candidates": [{"formula": "?"}]}, 400, "invalid_value", "candidates.0"),
        ("POST", "/campaigns", {"name": "x", "candidates": ONE, "other": 1}, 400, "invalid_request", "other"),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": [{"id": "a", "formula": "LiF"}, {"id": "a", "formula": "LiI"}]},
            400,
            "invalid_value",
            "candidates.1.id",
        ),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": [{"id": "a\0", "formula": "LiF"}]},
            400,
            "invalid_value",
            "candidates.0.id",
        ),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": [{"formula": "LiF", "family": "y" * 501}]},
            400,
            "invalid_value",
            "candidates.0.family",
        ),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": ONE, "goal": {"temperature_C": -500}},
            400,
            "invalid_value",
            "goal.temperature_C",
        ),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": ONE, "goal": {"cost": "constraint"}},
            400,
            "invalid_value",
            "goal.cost_below",
        ),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": ONE, "goal": {"kappa": "1"}},
            400,
            "invalid_request",
            "goal.kappa",
        ),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": ONE, "measured": [{"formula": "LiF", "conductivity": True}]},
            400,
            "invalid_request",
            "measured.0.conductivity",
        ),
        (
            "POST",
            "/campaigns",
            {"name": "x", "candidates": ONE * (MAX_CAMPAIGN_CANDIDATES + 1)},
            413,
            "too_large",
            "candidates",
        ),
        ("GET", "/campaigns/none", None, 404, "not_found", "name"),
        ("GET", "/campaigns/fault", None, 404, "not_found", "name"),
        ("GET", "/campaigns/none/candidates", None, 404, "not_found", "name"),
        ("GET", "/campaigns/faults/candidates?limit=0", None, 400, "invalid_request", "limit"),
        ("GET", "/campaigns/faults/candidates?offset=-1", None, 400, "invalid_request", "offset"),
        ("GET", "/campaigns/faults/candidates?Limit=5", None, 400, "invalid_request", "Limit"),
        ("GET", "/campaigns/none/suggestions", None, 404, "not_found", "name"),
        ("GET", "/campaigns/faults/suggestions?status=lost", None, 400, "invalid_request", "status"),
        ("GET", "/campaigns/none/events", None, 404, "not_found", "name"),
        ("GET", "/campaigns/none/report", None, 404, "not_found", "name"),
        ("GET", "/campaigns/none/export", None, 404, "not_found", "name"),
        ("GET", "/campaigns/%00", None, 404, "not_found", "name"),
        ("POST", "/campaigns/none/suggestions", {}, 404, "not_found", "name"),
        ("POST", "/campaigns/faults/suggestions", {"number": 0}, 400, "invalid_request", "number"),
        ("POST", "/campaigns/faults/suggestions", {"number": 201}, 400, "invalid_request", "number"),
        ("POST", "/campaigns/faults/suggestions", {"seed": -1}, 400, "invalid_request", "seed"),
        (
            "POST",
            "/campaigns/none/observations",
            {"observations": [{"candidate": "x", "failed": True}]},
            404,
            "not_found",
            "name",
        ),
        ("POST", "/campaigns/none/withdraw", A_STEP, 404, "not_found", "name"),
        ("POST", "/campaigns/none/undo", {}, 404, "not_found", "name"),
        ("POST", "/campaigns/faults/withdraw", {"suggestions": []}, 400, "invalid_request", "suggestions"),
        ("POST", "/campaigns/faults/withdraw", {"suggestions": [1, 1]}, 400, "invalid_request", "suggestions"),
        ("POST", "/campaigns/faults/withdraw", {"suggestions": [99]}, 404, "not_found", "suggestions"),
        (
            "POST",
            "/campaigns/faults/withdraw",
            {"suggestions": [1], "reason": "a\0"},
            400,
            "invalid_value",
            "reason",
        ),
        ("POST", "/campaigns/faults/undo", {"event": 99}, 404, "not_found", "event"),
        ("POST", "/campaigns/faults/undo", {"event": 1}, 409, "cannot_undo", "event"),
        ("POST", "/campaigns/faults/undo", {"event": 0}, 400, "invalid_request", "event"),
    ],
)
def test_what_is_wrong_is_named(
    service: Service, faults: str, method: str, path: str, body: Any, status: int, code: str, field: str
) -> None:
    answer = service.client.request(method, path, json=body)
    message = refused(answer, status, code, field)
    assert str(service.home) not in message
    if path == "/campaigns/fault":
        assert f"near it: {faults!r}" in message


@pytest.fixture(scope="module")
def faults(service: Service) -> str:
    """Return the name of a campaign with two pending suggestions."""
    begin(service.client, "faults")
    assert len(suggest(service.client, "faults")) == 2
    return "faults"


def test_too_many_observations(service: Service, faults: str) -> None:
    many = [{"candidate": "LiI", "value": 1e-6}] * (MAX_OBSERVATIONS + 1)
    refused(observe(service.client, faults, *many), 413, "too_large", "observations")


def test_observations_are_recorded_all_or_none(service: Service) -> None:
    begin(service.client, "batch")
    first, second = (one["candidate"] for one in suggest(service.client, "batch"))
    other = next(formula for formula in FORMULAS if formula not in (first, second))
    good = {"candidate": first, "value": "1 mS/cm"}
    bad: list[tuple[dict[str, Any], int, str, str]] = [
        ({"candidate": second, "value": "5"}, 400, "invalid_value", "value"),
        ({"candidate": second, "value": "much"}, 400, "invalid_value", "value"),
        ({"candidate": second, "value": None}, 400, "invalid_value", "value"),
        ({"candidate": second, "value": 1e-3, "failed": True}, 400, "invalid_value", "value"),
        ({"candidate": second, "value": 1e-3, "unit": "furlong"}, 400, "invalid_value", "unit"),
        ({"candidate": second, "value": 1e-3, "temperature_C": -300}, 400, "invalid_value", "temperature_C"),
        ({"candidate": second, "value": 1e-3, "activation_energy_eV": 9}, 400, "invalid_value", "activation_energy_eV"),
        ({"candidate": second, "value": 1e-3, "kind": "grain"}, 400, "invalid_value", "kind"),
        ({"candidate": second, "value": 1e-3, "note": "\0"}, 400, "invalid_value", "note"),
        ({"candidate": second, "value": []}, 400, "invalid_request", "value"),
        ({"candidate": second, "value": 1e-3, "colour": 1}, 400, "invalid_request", "colour"),
        ({"value": 1e-3}, 400, "invalid_request", "candidate"),
        ({"candidate": "Li6PS5Clx", "value": 1e-3}, 404, "not_found", "candidate"),
        ({"candidate": other, "value": 1e-3}, 409, "not_suggested", "unasked"),
        ({"candidate": first, "value": 1e-9}, 409, "contradiction", "value"),
        ({"candidate": first, "value": 1e-3}, 409, "contradiction", "value"),
        ({"candidate": first, "failed": True}, 409, "contradiction", "value"),
    ]
    revision = service.client.get("/campaigns/batch").json()["revision"]
    for report, status, code, field in bad:
        refused(observe(service.client, "batch", good, report), status, code, f"observations.1.{field}")
    assert service.client.get("/campaigns/batch").json()["revision"] == revision
    fitting = [{"candidate": other, "value": "-3.2", "unit": "log10(S/cm)", "unasked": True}]
    fitting += [{"candidate": first, "value": 1e-9, "repeat": True}]
    assert observe(service.client, "batch", good, *fitting).status_code == 201
    # Alone, a report is told of without a count.
    message = refused(observe(service.client, "batch", good), 409, "contradiction", "observations.0.value")
    assert message.startswith("0.001 S/cm at 25 °C is already recorded")
    assert service.client.get("/campaigns/batch").json()["measured"] == 2


def test_steps_that_do_not_fit_how_the_campaign_stands(service: Service) -> None:
    begin(service.client, "steps", "LiF", "LiI", goal={"avoid": ["I"]})
    (only,) = suggest(service.client, "steps", 5)
    assert only["candidate"] == "LiF"
    answer = service.client.post("/campaigns/steps/suggestions", json={})
    assert "avoid" in refused(answer, 409, "nothing_left")
    assert observe(service.client, "steps", {"candidate": "LiF", "value": "<1e-10"}).status_code == 201
    refused(step(service.client, "steps", "withdraw", suggestions=[1]), 409, "not_pending", "suggestions")
    message = refused(step(service.client, "steps", "undo", event=2), 409, "cannot_undo", "event")
    assert "while event 3 (observe, by local) stands" in message
    for _ in range(2):
        assert step(service.client, "steps", "undo").status_code == 200
    refused(step(service.client, "steps", "undo"), 409, "cannot_undo", "event")
    assert observe(service.client, "steps", {"candidate": "LiF", "failed": True, "unasked": True}).status_code == 201
    begin(service.client, "done", "LiF", measured=[{"formula": "LiF", "conductivity": 1e-9}])
    answer = service.client.post("/campaigns/done/suggestions", json={})
    assert "all 1 candidates were observed" in refused(answer, 409, "nothing_left")
