"""Replacements of elements: chemically right, counted as is said, and the table that comes of its source."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.formula import Formula
from superion.featurizers.substitution import replacements

TOOL = Path(__file__).resolve().parents[2] / "tools" / "make_substitution_table.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Return the program that writes the table."""
    spec = importlib.util.spec_from_file_location("make_substitution_table", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def first(symbol: str, n: int = 1) -> list[str]:
    """Return the elements that replace one most often."""
    return [SYMBOLS[place] for place in np.argsort(-replacements()[ATOMIC_NUMBER[symbol] - 1])[:n]]


def test_every_row_is_shared_out_and_nothing_replaces_itself() -> None:
    shares = replacements()
    assert shares.shape == (118, 118) and (shares >= 0.0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    alone = np.flatnonzero(np.diag(shares))
    assert {SYMBOLS[place] for place in alone} >= {"Og", "Rn"}
    assert (np.diag(shares)[alone] == 1.0).all(), "of which nothing is known stands for itself"
    with pytest.raises(ValueError, match="read-only"):
        shares[0, 0] = 2.0


@pytest.mark.parametrize(
    ("element", "other"),
    [("Zr", "Hf"), ("Hf", "Zr"), ("S", "Se"), ("Br", "Cl"), ("Ta", "Nb"), ("Rb", "K"), ("As", "P")],
)
def test_chemists_agree(element: str, other: str) -> None:
    assert first(element) == [other]


def test_lithium_is_replaced_by_sodium_first_and_lanthanides_by_lanthanides() -> None:
    assert first("Li") == ["Na"]
    lanthanides = set(SYMBOLS[ATOMIC_NUMBER["La"] - 1 : ATOMIC_NUMBER["Lu"]])
    assert set(first("Er", 5)) <= {*lanthanides, "Y"}, "yttrium is of their size"


def test_pairs_are_counted_by_place(tool: ModuleType) -> None:
    texts = ["LiZr2(PO4)3", "LiHf2(PO4)3", "LiTi2(PO4)3", "NaCl", "KCl", "NaF", "LiTi2(AsO4)2", "Fe"]
    found = tool.weights(map(Formula.parse, texts))
    # Three share one place, where each of the three has a weight of 1 in all.
    assert found == pytest.approx(
        {("Ti", "Zr"): 0.5, ("Ti", "Hf"): 0.5, ("Zr", "Hf"): 0.5, ("Na", "K"): 1.0, ("F", "Cl"): 1.0}
    )


@pytest.mark.check
def test_the_table_comes_of_its_source(
    tool: ModuleType, data_mirror: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_mirror("matbench")
    monkeypatch.setattr(tool, "OUTPUT", tmp_path / "substitutions.csv")
    kept = TOOL.parents[1] / "featurizers" / "data" / "substitutions.csv"
    tool.main()
    assert read(tmp_path / "substitutions.csv") == pytest.approx(read(kept), abs=0.0011)


def read(path: Path) -> dict[tuple[str, str], float]:
    """Return the weights of a table."""
    lines = (line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {(row["element"], row["other"]): float(row["weight"]) for row in csv.DictReader(lines)}
