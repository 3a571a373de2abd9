"""`superion data phases`: the Materials Project's phases in a file that `--table` takes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from .conftest import Command

FOUND = (("Li", 0.0, 0.0), ("S", 0.0, 2.0), ("Li2S", -1.5, 3.4))


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the client of the Materials Project."""

    def search(chemsys: list[str], fields: list[str]) -> list[SimpleNamespace]:
        rows = (dict(zip(fields, ("mp-1", *row), strict=True)) for row in FOUND)
        return [SimpleNamespace(**row) for row in rows]

    class Client:
        materials = SimpleNamespace(summary=SimpleNamespace(search=search))

        def __init__(self, key: str) -> None: ...

        def __enter__(self) -> Client:
            return self

        def __exit__(self, *fault: object) -> None: ...

    monkeypatch.setitem(sys.modules, "mp_api", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mp_api.client", SimpleNamespace(MPRester=Client))
    monkeypatch.setenv("MP_API_KEY", "a key")


def test_what_is_written_is_taken_by_the_window(project: Any, superion: Command, tmp_path: Path) -> None:
    path = tmp_path / "li-s.csv"
    found = superion("data", "phases", "Li-S", "--output", path)
    assert (found.status, found.out) == (0, f"{path}: 3 phases\n")
    window = superion("window", "Li2S", "--table", path, "--json").document
    # Half of the enthalpy of a formula unit, as two electrons are taken from it.
    assert (window["table"], window["oxidation_limit_V"]) == ("li-s", pytest.approx(3 * 1.5 / 2))


def test_no_file_is_overwritten(project: Any, superion: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("mine")
    found = superion("data", "phases", "Li-S", "--output", path)
    assert found.status == 2 and "mine.csv cannot be written: File exists" in found.err
    assert path.read_text() == "mine"


def test_without_a_key_it_is_said_what_to_set(
    project: Any, superion: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MP_API_KEY")
    found = superion("data", "phases", "Li-S", "--output", tmp_path / "li-s.csv")
    assert found.status == 2 and "set MP_API_KEY" in found.err
    assert list(tmp_path.iterdir()) == []
