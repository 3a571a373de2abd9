"""The price of the elements of a material, held against pymatgen's way of working it out and against its own prices."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.analysis.cost import CostAnalyzer, CostDBCSV, CostDBElements
from pymatgen.core import Composition, Element
from scipy.stats import spearmanr

from superion.discovery.advice.element_supply import supply_of
from superion.discovery.advice.prices import price_of, unpriced
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import Formula

PRICED = [symbol for symbol in SYMBOLS if supply_of(symbol).price is not None]
NOBLE = {"He", "Ne", "Ar", "Kr", "Xe"}
"""Elements of which pymatgen warns that they have no electronegativity."""
MATERIALS = ("Li6PS5Cl", "Li10GeP2S12", "Li6.4La3Zr1.4Ta0.6O12", "Li3InCl6", "Li1.3Al0.3Ti1.7(PO4)3", "LiB(C2O4)2")


@pytest.fixture(scope="module")
def analyzer(tmp_path_factory: pytest.TempPathFactory) -> CostAnalyzer:
    """Return pymatgen's analyzer over the prices of superion."""
    path: Path = tmp_path_factory.mktemp("prices") / "prices.csv"
    path.write_text("".join(f"{symbol},{supply_of(symbol).price},,\n" for symbol in PRICED if symbol not in NOBLE))
    return CostAnalyzer(CostDBCSV(str(path)))


@pytest.mark.parametrize("text", MATERIALS)
def test_the_price_is_what_pymatgen_works_out(analyzer: CostAnalyzer, text: str) -> None:
    price = price_of(Formula.parse(text))
    assert price is not None
    # Their atomic masses are of another year.
    assert price.usd_per_kg == pytest.approx(analyzer.get_cost_per_kg(Composition(text)), rel=1e-3)


@pytest.mark.filterwarnings("ignore:No Pauling electronegativity")  # pymatgen's table holds noble gases
def test_the_prices_rank_as_those_of_pymatgen() -> None:
    theirs = {}
    for symbol in PRICED:
        for entry in CostDBElements().get_entries([Element(symbol)]):
            theirs[symbol] = entry.energy / Element(symbol).atomic_mass
    ours = [supply_of(symbol).price for symbol in theirs]
    assert len(theirs) > 70
    assert spearmanr(ours, list(theirs.values())).statistic > 0.75


@given(
    st.dictionaries(st.sampled_from(PRICED), st.floats(0.01, 100.0), min_size=1, max_size=6),
    st.floats(0.1, 50.0),
)
def test_the_price_lies_between_its_elements_and_does_not_depend_on_scale(
    amounts: dict[str, float], scale: float
) -> None:
    price = price_of(Formula.from_amounts(amounts))
    scaled = price_of(Formula.from_amounts({symbol: amount * scale for symbol, amount in amounts.items()}))
    assert price is not None and scaled is not None
    parts = [supply_of(symbol).price or 0.0 for symbol in amounts]
    assert min(parts) * (1 - 1e-9) <= price.usd_per_kg <= max(parts) * (1 + 1e-9)
    assert scaled.usd_per_kg == pytest.approx(price.usd_per_kg)
    assert sum(price.shares.values()) == pytest.approx(1.0)


def test_the_dearest_element_is_named() -> None:
    price = price_of(Formula.parse("Li10GeP2S12"))
    assert price is not None and price.dearest == "Ge"


def test_an_element_without_a_price_is_named() -> None:
    formula = Formula.parse("LiTcPoO4")
    assert price_of(formula) is None
    assert unpriced(formula) == ("Tc", "Po")
    assert unpriced(Formula.parse("LiF")) == ()


def test_every_element_of_known_electrolytes_has_a_price_and_an_abundance() -> None:
    common = "Li Na K B C N O F Mg Al Si P S Cl Ca Ti V Zn Ga Ge Se Br Y Zr Nb In Sn Sb Te I La Ce Nd Gd Er Yb Hf Ta W"
    supplies = {symbol: supply_of(symbol) for symbol in common.split()}
    assert [symbol for symbol, supply in supplies.items() if not (supply.price and supply.abundance)] == []
