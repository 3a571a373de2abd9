"""Materials that take a process with them: they are failures, and the others of their part are answered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from superion.discovery.screening import alone
from superion.discovery.screening.alone import judge_one_by_one
from superion.discovery.screening.judging import Asked, Judged, judge
from superion.discovery.screening.parts import Held, Part
from superion.discovery.screening.running import Screening, run
from superion.discovery.screening.sources import Source
from superion.errors import Unavailable
from superion.models.inputs import Named
from superion.training import clusters

from ._lists import csv_file
from .test_running import DIGITS, rows_of

FORMULAS = ("Li6PS5Cl", "Li(", "LiI", "Li3N")


def asked() -> Asked:
    """Ask the release model."""
    return Asked.of("release", 25.0, 0.9, "log10_sigma > -30")


def part_of(*formulas: str) -> Part:
    """Return a part that holds formulas, from row 40 on."""
    return Part(7, 40, len(formulas), Held(tuple(Named(f"m{n}", formula) for n, formula in enumerate(formulas))))


def same(one: Judged, other: Judged) -> None:
    """Fail unless both hold the same; in batches of another size the last digits of numbers differ."""
    assert (one.n, one.failures.to_pylist()) == (other.n, other.failures.to_pylist())
    for row, like in zip(one.results.to_pylist(), other.results.to_pylist(), strict=True):
        assert {k: pytest.approx(v, abs=DIGITS) if isinstance(v, float) else v for k, v in row.items()} == like


def test_a_part_is_judged_as_it_is_at_once() -> None:
    same(judge_one_by_one(part_of(*FORMULAS), asked()), judge(part_of(*FORMULAS), asked()))


@pytest.mark.check
def test_what_ends_the_process_is_a_failure_and_the_rest_is_answered(deadly: str) -> None:
    found = judge_one_by_one(part_of(deadly, *FORMULAS, deadly, deadly), asked())
    failures = found.failures.to_pylist()
    assert [(one["row"], one["id"], one["code"]) for one in failures] == [
        (40, "m0", "process_ended"),
        (42, "m2", "invalid_formula"),
        (45, "m5", "process_ended"),
        (46, "m6", "process_ended"),
    ]
    assert "(signal 9)" in failures[0]["message"]
    assert found.n == 7 and found.results.column("row").to_pylist() == [41, 43, 44]


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """So short a time that the process never gets to its first material, which is no fault of the material."""
    monkeypatch.setattr(alone, "SECONDS", 0.01)
    with pytest.raises(Unavailable, match="ended at once"):
        judge_one_by_one(part_of("LiI"), asked())


def test_where_no_process_can_begin_no_material_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="ended at once"):
        judge_one_by_one(part_of("LiI"), asked())


@pytest.mark.check
def test_a_material_that_kills_every_worker_stops_no_screening(deadly: str, tmp_path: Path) -> None:
    formulas = [f"Li{n}PS5Cl" for n in range(1, 13)]
    formulas[4] = deadly
    with clusters.local(1) as client:
        found = run(Screening(Source.of(csv_file(tmp_path, formulas)), asked(), tmp_path / "found", rows=3), client)
    assert (found.counts.read, found.counts.failed, found.not_done) == (12, 1, [])
    assert [row["row"] for row in rows_of(found.out)] == [n for n in range(12) if n != 4]
    assert [(row["row"], row["code"]) for row in rows_of(found.failures)] == [(4, "process_ended")]
