"""What the tests of campaigns over HTTP have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from superion.cli import app

from ..discovery._campaigns import FORMULAS


def begin(client: httpx.Client, name: str, *formulas: str, **more: Any) -> dict[str, Any]:
    """Begin a campaign; returns the answer."""
    body = {"name": name, "candidates": [{"formula": formula} for formula in formulas or FORMULAS], **more}
    answer = client.post("/campaigns", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def suggest(client: httpx.Client, name: str, number: int = 2, seed: int = 0) -> list[dict[str, Any]]:
    """Ask for suggestions."""
    answer = client.post(f"/campaigns/{name}/suggestions", json={"number": number, "seed": seed})
    assert answer.status_code == 201, answer.text
    found: list[dict[str, Any]] = answer.json()["suggestions"]
    return found


def observe(client: httpx.Client, name: str, *observations: dict[str, Any]) -> httpx.Response:
    """Send observations."""
    return client.post(f"/campaigns/{name}/observations", json={"observations": list(observations)})


def step(client: httpx.Client, name: str, what: str, **body: Any) -> httpx.Response:
    """Withdraw or undo."""
    return client.post(f"/campaigns/{name}/{what}", json=body)


def printed(home: Path, *arguments: str) -> Any:
    """Return what a command prints as JSON that works on the state of a service."""
    done = CliRunner().invoke(app, [*arguments, "--json"], env={"SUPERION_HOME": str(home)})
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)
