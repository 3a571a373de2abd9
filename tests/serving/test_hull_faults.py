"""A hull that cannot be computed is no fault of the request, whatever route asked for it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

import numpy as np
import pytest

from superion.featurizers._hull import follow_hull
from superion.models.stability import hull
from superion.serving.environment import ENVIRONMENT
from superion.serving.interface import INTERFACE
from superion.serving.problems import Refusal
from superion.serving.window import WINDOW


@pytest.mark.parametrize(
    ("route", "body"),
    [
        (WINDOW, {"formula": "Li6PS5Cl"}),
        (WINDOW, {"formula": "Li6PS5Cl", "plot": "svg"}),
        (INTERFACE, {"electrolyte": "Li6PS5Cl", "partner": "Cu"}),
        (INTERFACE, {"electrolyte": "Li6PS5Cl"}),
        (ENVIRONMENT, {"formula": "Li6PS5Cl"}),
    ],
    ids=lambda part: json.dumps(part) if isinstance(part, dict) else part.path,
)
def test_it_is_a_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, route: Any, body: dict[str, str]
) -> None:
    def unbounded(*_: object) -> Any:
        columns, costs = np.array([[1.0], [-1.0]]), np.array([0.0, -1.0])
        return follow_hull(columns, costs, np.zeros(2), np.ones(1), np.zeros(1, dtype=np.int64), 0.0, 0.0)

    monkeypatch.setattr(hull, "follow_hull", unbounded)
    with caplog.at_level(logging.ERROR, "superion.serving"), pytest.raises(Refusal) as refusal:
        asyncio.run(route.reply(json.dumps(body).encode(), time.monotonic(), None))
    assert (refusal.value.status, refusal.value.code, refusal.value.field) == (500, "no_equilibrium", None)
    assert "a fault of superion and of no input" in refusal.value.message
    (record,) = caplog.records
    assert record.getMessage() == "the equilibrium of phases was not found"
