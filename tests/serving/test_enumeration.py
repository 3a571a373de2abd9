"""`/candidates/enumerate`: the series of the command line, and what is wrong with a request for one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ._answers import refused
from ._campaigns import printed
from .conftest import Service


@pytest.mark.parametrize("of_structure", [False, True], ids=["formula", "structure"])
def test_a_series_is_that_of_the_command_line(service: Service, cif: str, tmp_path: Path, of_structure: bool) -> None:
    (tmp_path / "parent.cif").write_text(cif)
    parent, given = (str(tmp_path / "parent.cif"), {"cif": cif}) if of_structure else ("Li3OCl", "Li3OCl")
    asked = {"step": 0.25, "up_to": 0.5, "at_once": 1, "vary": "Li", "charges": {"Br": -1}, "plausible": 0.3}
    body = {"parent": given, "swaps": ["Cl>Br,I", "O>S"], **asked}
    options = ["--swap", "Cl>Br,I", "--swap", "O>S", "--step", "0.25", "--up-to", "0.5", "--at-once", "1"]
    options += ["--vary", "Li", "--charge", "Br=-1", "--plausible", "0.3"]
    answer = service.client.post("/candidates/enumerate", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == printed(service.home, "enumerate", "--parent", parent, *options)
    assert answer.json()["n"] > 2
    assert all((one["cif"] is not None) == of_structure for one in answer.json()["candidates"])


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"parent": "LiF", "swaps": []}, 400, "invalid_request", "swaps"),
        ({"parent": "LiF", "swaps": ["F"]}, 400, "invalid_value", "swaps"),
        ({"parent": "LiF", "swaps": ["O>S"]}, 400, "invalid_value", "swaps"),
        ({"parent": "Li(", "swaps": ["F>Cl"]}, 400, "invalid_formula", "parent"),
        ({"parent": 5, "swaps": ["F>Cl"]}, 400, "invalid_request", "parent"),
        ({"parent": {}, "swaps": ["F>Cl"]}, 400, "invalid_value", "parent"),
        ({"parent": {"cif": "no"}, "swaps": ["F>Cl"]}, 400, "invalid_cif", "parent.cif"),
        ({"parent": "LiF", "swaps": ["F>Cl"], "step": 0.5, "up_to": 0.1}, 400, "invalid_value", "up_to"),
        ({"parent": "LiF", "swaps": ["F>Cl"], "step": 0.01, "limit": 3}, 400, "invalid_value", "limit"),
        ({"parent": "LiF", "swaps": ["F>Na"]}, 400, "unbalanced_charges", "swaps"),
        ({"parent": "LiF", "swaps": ["F>Cl"], "charges": {"Na": 1}}, 400, "invalid_value", "charges"),
        ({"parent": "LiF", "swaps": ["F>Cl"], "vary": "O"}, 400, "invalid_value", "vary"),
    ],
)
def test_what_is_wrong_is_named(service: Service, body: Any, status: int, code: str, field: str) -> None:
    refused(service.client.post("/candidates/enumerate", json=body), status, code, field)
