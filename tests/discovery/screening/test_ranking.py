"""The best of a screening: against pandas, against brute force, and against the choice from the whole list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import superion
from superion.discovery import CampaignState, Candidate, Chooser, Goal
from superion.discovery.screening import ranking
from superion.discovery.screening.judging import Asked, judge
from superion.discovery.screening.ranking import best, distinct, pareto
from superion.discovery.screening.results import Results
from superion.discovery.screening.sources import Source
from superion.errors import InvalidTable, InvalidValue
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.material import Material
from superion.training.families import anion_family

from ._lists import csv_file, folder_of
from .test_running import ARGYRODITE

SERIES = [f"Li{6 - x / 20:g}PS{5 - x / 20:g}Cl{1 + x / 20:g}" for x in range(20)] + [f"Li3Y{h}6" for h in ("Cl", "Br")]

HERE = {"scheduler": "synchronous", "dataframe.shuffle.method": "tasks"}


@pytest.fixture(autouse=True)
def at_once() -> Any:
    """Compute in this thread, also where a client is there."""
    with dask.config.set(**HERE):
        yield


def screened(path: Path, out: Path, rows: int = 7) -> dd.DataFrame:
    """Screen a list with the release model, in this process; returns what was written."""
    asked, results = Asked.of("release", 25.0, 0.9, None), Results(out)
    results.open({})
    for part in Source.of(path).parts(rows):
        results.write(part.number, judge(part, asked))
    return dd.read_parquet(out)


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> dd.DataFrame:
    """Return a screening in which some compositions stand twice."""
    folder = tmp_path_factory.mktemp("ranking")
    formulas = [*SERIES, "Li6S5PCl", "Li12P2S10Cl2", "Li(", "Li3N"]
    return screened(csv_file(folder, formulas), folder / "found.parquet")


def test_each_material_stands_once(frame: dd.DataFrame) -> None:
    whole = frame.compute()
    found = distinct(frame).compute().sort_values("row")
    assert found.formula.tolist() == [*SERIES, "Li3N"]
    assert len(whole) == len(found) + 2
    assert found.row.is_unique


def test_each_material_stands_once_on_a_cluster(client: Any, frame: dd.DataFrame) -> None:
    with dask.config.set({"scheduler": client, "dataframe.shuffle.method": None}):
        assert sorted(distinct(frame).compute().formula) == sorted([*SERIES, "Li3N"])


keys = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y", None])), min_size=1, max_size=25)


@settings(max_examples=40, deadline=None)
@given(rows=keys, partitions=st.integers(1, 4))
def test_what_is_kept_is_what_pandas_keeps(rows: list[tuple[str, str | None]], partitions: int) -> None:
    table = pd.DataFrame(rows, columns=["composition", "fingerprint"]).astype("string[pyarrow]")
    table["row"] = range(len(rows))
    expected = table.drop_duplicates(["composition", "fingerprint"])
    with dask.config.set(**HERE):
        found = distinct(dd.from_pandas(table, npartitions=partitions)).compute()
    assert sorted(found.row) == expected.row.tolist()


numbers = st.floats(-3, 3) | st.sampled_from([0.0, 1.0]) | st.none()


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=25),
    senses=st.tuples(*[st.sampled_from(["max", "min"])] * 3),
    partitions=st.integers(1, 4),
)
def test_a_front_is_what_brute_force_finds(values: list[Any], senses: Any, partitions: int) -> None:
    names = ("log10_sigma", "reaction_energy", "distance")
    table = pd.DataFrame(values, columns=names).astype(float).assign(row=range(len(values)))
    signed = table[list(names)].to_numpy() * [1.0 if sense == "max" else -1.0 for sense in senses]
    known = ~np.isnan(signed).any(axis=1)
    front = [
        place
        for place in np.flatnonzero(known)
        if not any((other >= signed[place]).all() and (other > signed[place]).any() for other in signed[known])
    ]
    with dask.config.set(**HERE):
        found = pareto(dd.from_pandas(table, npartitions=partitions), dict(zip(names, senses, strict=True)))
    assert found.row.tolist() == front


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        ({}, "an objective or more"),
        ({"sigma": "max"}, "'sigma' is no column of numbers"),
        ({"interphase": "max"}, "'interphase' is no column of numbers"),
        ({"log10_sigma": "up"}, "log10_sigma is max or min, not 'up'"),
    ],
)
def test_a_front_of_nothing_is_refused(frame: dd.DataFrame, objectives: Any, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        pareto(frame, objectives)
    assert caught.value.field == "objectives"


@pytest.mark.parametrize("acquisition", ["ucb", "log_ei", "thompson", "variance"])
def test_the_best_are_those_of_a_campaign_of_all(frame: dd.DataFrame, acquisition: Any) -> None:
    goal, predictor = Goal(acquisition=acquisition, avoid=("Y",)), superion.load("release")
    found = best(frame, 4, predictor, goal, seed=3)
    rows = distinct(frame).compute()
    spread = 2.0 * np.hypot(rows.std_aleatoric, rows.std_epistemic)
    rows = rows.iloc[np.argsort(-(rows.log10_sigma + spread), kind="stable")]
    candidates = tuple(
        Candidate(str(row), Material(Formula.parse(formula)), anion_family(Formula.parse(formula)))
        for row, formula in zip(rows.row, rows.formula, strict=True)
    )
    chosen = Chooser(predictor, 4, seed=3)(CampaignState("all", goal, 1, candidates))
    assert [str(row) for row in found.row] == [one.candidate for one in chosen]
    assert found.reasons.tolist() == [one.reasons["text"] for one in chosen]
    assert not found.formula.str.contains("Y").any()


def test_only_the_highest_bounds_are_looked_at(frame: dd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "LISTED", 3)
    found = best(frame, 10, superion.load("release"))
    whole = distinct(frame).compute().reset_index(drop=True)
    bounds = whole.log10_sigma + 2.0 * np.hypot(whole.std_aleatoric, whole.std_epistemic)
    assert set(found.row) == set(whole.row[bounds.sort_values(ascending=False).index[:3]])


def test_crystals_are_read_again_from_their_list(tmp_path: Path) -> None:
    bromide = ARGYRODITE.replace("Cl", "Br")
    files = {"a.cif": ARGYRODITE.encode(), "b.cif": bromide.encode(), "c.cif": ARGYRODITE.encode()}
    shelf = folder_of(tmp_path, files)
    frame = screened(shelf, tmp_path / "found.parquet", rows=2)
    assert distinct(frame).compute().id.tolist() == ["a.cif", "b.cif"]
    predictor = superion.load("release")
    with pytest.raises(InvalidValue, match="name the list that they are in"):
        best(frame, 2, predictor)
    found = best(frame, 2, predictor, path=shelf)
    candidates = tuple(
        Candidate(name, Material.from_crystal(Crystal.from_cif(text)), "sulfide")
        for name, text in (("0", ARGYRODITE), ("1", bromide))
    )
    chosen = Chooser(predictor, 2)(CampaignState("all", Goal(), 1, candidates))
    assert [str(row) for row in found.row] == [one.candidate for one in chosen]
    (shelf / "a.cif").write_text(bromide)
    with pytest.raises(InvalidTable, match="is not the list of the screening: row 0 differs"):
        best(frame, 2, predictor, path=shelf)


def test_another_temperature_or_model_is_refused(frame: dd.DataFrame) -> None:
    predictor = superion.load("release")
    with pytest.raises(InvalidValue, match="of 25 degrees Celsius, the goal of 60"):
        best(frame, 2, predictor, Goal(temperature_C=60.0))
    with pytest.raises(InvalidValue, match="of version 4 of the model, not of 7"):
        best(frame, 2, predictor.named("7", None))
    with pytest.raises(InvalidValue, match="a batch has 1 to 1000"):
        best(frame, 0, predictor)
    with pytest.raises(InvalidValue, match="no rows"):
        best(frame[frame.log10_sigma > 5], 2, predictor)
