"""`superion rank`: the same as the functions of the package say, and clear answers where there is nothing to rank."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dask
import dask.dataframe as dd
import pandas as pd
import pytest

from superion import load
from superion.discovery import Goal, best, distinct, pareto

FORMULAS = [
    "Li6PS5Cl",
    "Li12P2S10Cl2",
    "Li5.5PS4.5Cl1.5",
    "Li3YCl6",
    "Li3N",
    "LiI",
    "Li10GeP2S12",
    "Li7La3Zr2O12",
    "LiF",
]


@pytest.fixture(scope="module")
def screening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a screening in which one composition stands twice."""
    from superion.discovery.screening.judging import Asked, judge
    from superion.discovery.screening.results import Results
    from superion.discovery.screening.sources import Source

    folder = tmp_path_factory.mktemp("rank")
    path = folder / "list.csv"
    path.write_text("id,formula\n" + "".join(f"m{n},{formula}\n" for n, formula in enumerate(FORMULAS)))
    results = Results(folder / "found.parquet")
    results.open({})
    for part in Source.of(path).parts(4):
        results.write(part.number, judge(part, Asked.of("release", 60.0, 0.9, None)))
    return folder / "found.parquet"


@pytest.fixture(autouse=True)
def here() -> Iterator[None]:
    """Compute in this thread."""
    with dask.config.set(**{"scheduler": "synchronous", "dataframe.shuffle.method": "tasks"}):
        yield


def test_the_first_batch_of_a_campaign_has_reasons(superion, screening: Path) -> None:
    done = superion("rank", screening, "--model", "release", "--number", 3, "--avoid", "Ge", "--json")
    assert done.status == 0, done.err
    rows = done.document["materials"]
    model = load("release")
    expected = best(dd.read_parquet(screening), 3, model, Goal(temperature_C=60.0, avoid=("Ge",)))
    assert [row["id"] for row in rows] == expected.id.tolist()
    assert [row["reasons"] for row in rows] == expected.reasons.tolist()
    assert not any("Ge" in row["composition"] for row in rows)


def test_a_front_is_that_of_the_package(superion, screening: Path, tmp_path: Path) -> None:
    objectives = {"log10_sigma": "max", "hull_reaction_energy": "max"}
    out = tmp_path / "front.csv"
    text = ",".join(f"{name}:{sense}" for name, sense in objectives.items())
    done = superion("rank", screening, "--front", text, "--out", out)
    assert done.status == 0, done.err
    expected = pareto(distinct(dd.read_parquet(screening)), objectives)  # type: ignore[arg-type] # words, not literals
    assert pd.read_csv(out).id.tolist() == expected.id.tolist()
    assert all(identifier in done.out for identifier in expected.id)


def test_the_highest_stand_once_unless_asked(superion, screening: Path) -> None:
    frame = dd.read_parquet(screening).compute()
    ordered = frame.sort_values("log10_sigma", ascending=False)
    twice = superion("rank", screening, "--highest", "log10_sigma", "--number", 9, "--repeats", "--json").document
    assert sorted(row["id"] for row in twice["materials"]) == sorted(frame.id)
    once = superion("rank", screening, "--highest", "log10_sigma", "--number", 4, "--json").document
    assert [row["id"] for row in once["materials"]] == ordered[ordered.id != "m1"].id.head(4).tolist()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--front", "log10_sigma"), "log10_sigma is max or min"),
        (("--front", "sigma:max"), "'sigma' is no column of numbers"),
        (("--highest", "composition"), "'composition' is no column of numbers"),
        (("--highest", "log10_sigma", "--avoid", "Ge"), "three ways; take one"),
        (("--avoid", "Xx"), "Xx"),
        (("--out", "best.xlsx"), ".csv or .parquet"),
        (("--number", 0), "--number"),
    ],
)
def test_what_cannot_be_ranked_is_refused(superion, screening: Path, options: tuple[object, ...], said: str) -> None:
    done = superion("rank", screening, "--model", "release", *options)
    assert done.status == 2
    assert said in " ".join(done.err.split())


def test_a_folder_without_results_is_said(superion, tmp_path: Path) -> None:
    done = superion("rank", tmp_path)
    assert done.status == 2 and "holds no results; `superion screen INPUT" in " ".join(done.err.split())
