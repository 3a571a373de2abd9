"""`superion campaign simulate`: the document, the table, the figure, and what is refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

STRATEGIES = ("--strategy", "random", "--strategy", "nearest_neighbour")
SIZES = ("--start", 6, "--batch", 3, "--rounds", 3, "--seeds", 2, "--top", 0.1, "--workers", 1)


@pytest.fixture
def table(tmp_path: Path, data_mirror: Callable[[str], Path]) -> Path:
    """Return every tenth row of the training table of OBELiX as a file."""
    with (data_mirror("obelix") / "train.csv").open(encoding="utf-8") as file:
        lines = list(csv.reader(file))
    path = tmp_path / "some.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([lines[0], *lines[1::10]])
    return path


def test_a_retrospective_is_one_document(superion, table: Path, tmp_path: Path) -> None:
    names = ("superion", "random", "greedy", "nearest_neighbour", "magpie_forest")
    command = ("campaign", "simulate", "--data", table, *SIZES, "--hold-out", "garnet", "--kappa", 1.5, "--json")
    finished = superion(*command, "--plot", tmp_path / "hits.svg")
    found = finished.document
    assert finished.status == 0
    assert list(found["strategies"]) == list(names)
    assert (found["n"], found["n_hits"], found["held_out"], found["seeds"]) == (48, 5, "garnet", 2)
    assert (found["goal"]["kappa"], found["goal"]["acquisition"]) == (1.5, "ucb")
    assert found["experiments"] == [6, 9, 12, 15]
    assert found["failed"] == []
    starts = {told["hits"][0] for told in found["strategies"].values()}
    assert len(starts) == 1
    assert (tmp_path / "hits.svg").read_text(encoding="utf-8").startswith("<?xml")
    again = superion(*command, *STRATEGIES).document["strategies"]
    for name, told in again.items():
        assert told["hits"] == found["strategies"][name]["hits"]
        assert told["regret_decades"] == found["strategies"][name]["regret_decades"]
    assert set(again) == {"random", "nearest_neighbour"}


def test_a_retrospective_is_a_table(superion, table: Path) -> None:
    finished = superion("campaign", "simulate", "--data", table, *SIZES, *STRATEGIES)
    assert finished.status == 0
    assert "48 materials, 5 hits" in finished.out
    assert "2 campaigns of 15 experiments" in " ".join(finished.out.split())
    lines = [line for line in finished.out.splitlines() if "random" in line or "nearest_neighbour" in line]
    assert len(lines) == 2
    assert "superion" not in finished.out
    for heading in ("strategy", "10 to 90 %", "to half", "acceleration", "enhancement"):
        assert heading in finished.out


def test_what_was_not_reached_is_a_dash(superion, table: Path) -> None:
    finished = superion(
        "campaign", "simulate", "--data", table, "--start", 1, "--batch", 1, "--rounds", 1, "--seeds", 2, "--top", 0.2,
        "--workers", 1, "--strategy", "random",
    )  # fmt: skip
    (line,) = [line for line in finished.out.splitlines() if "random" in line]
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[4:6] == ["-", "-"]


def test_rows_that_cannot_be_used_are_listed(superion, table: Path) -> None:
    with table.open("a", encoding="utf-8") as file:
        file.write("bad,Xx,1,Xx,1e-5" + "," * 17 + "\n")
    finished = superion("campaign", "simulate", "--data", table, *SIZES, *STRATEGIES, "--json")
    assert finished.status == 1
    assert [fault["id"] for fault in finished.document["failed"]] == ["bad"]
    assert "some.csv, line 50 (bad): formula" in finished.err


def test_rows_without_a_conductivity_are_counted(superion, tmp_path: Path) -> None:
    halides = [f"Li{n}LaCl{n + 3},1e-{n}," for n in range(3, 15)]
    path = tmp_path / "own.csv"
    path.write_text("\n".join(["formula,conductivity_S_per_cm,activation_energy_eV", *halides, "LiI,,0.4"]) + "\n")
    finished = superion("campaign", "simulate", "--data", path, *SIZES[:2], "--batch", 1, "--rounds", 2, "--seeds", 1,
                        "--workers", 1, *STRATEGIES, "--json")  # fmt: skip
    assert finished.status == 0
    assert finished.document["n"] == 12
    assert "own.csv: 1 rows have no conductivity" in finished.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--strategy", "oracle"), "strategies are superion, random"),
        (("--hold-out", "fullerenes"), "no row is of the family 'fullerenes'"),
        (("--rounds", 99), "are too few for 6 experiments"),
        (("--rounds", 0), "rounds is 1 or more"),
        (("--top", 1.5), "top is a share"),
        (("--kappa", -1.0), "kappa lies from 0"),
        (("--acquisition", "ei"), "acquisition is one of"),
        (("--most-of-a-family", 0), "most_of_a_family"),
        (("--plot", "hits.xyz"), "hits.xyz"),
    ],
)
def test_what_cannot_be_is_refused(superion, table: Path, options: tuple[object, ...], told: str) -> None:
    finished = superion("campaign", "simulate", "--data", table, *SIZES, *options)
    assert finished.status != 0
    assert finished.out == ""
    assert told in finished.err
    assert "Traceback" not in finished.err


def test_a_table_that_is_not_there_is_refused(superion, tmp_path: Path) -> None:
    finished = superion("campaign", "simulate", "--data", tmp_path / "none.csv")
    assert finished.status != 0
    assert "none.csv" in finished.err
    assert "Traceback" not in finished.err
