"""The Magpie features against matminer, which defines them."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from superion.errors import InvalidFormula
from superion.featurizers.element_data import ATOMIC_MASS, ATOMIC_NUMBER, SYMBOLS, magpie_table
from superion.featurizers.magpie_statistics import MAGPIE_LABELS, magpie

_FORMULAS = """
Li Fe H2O NaCl LiF LiCl LiBr LiI Li2O Li2S Li3N Li3P Li2O2 LiOH Li2CO3 Li3PO4 LiAlO2 Li2SiO3 Li4SiO4 LiNbO3 LiTaO3
Li7La3Zr2O12 Li6.25Al0.25La3Zr2O12 Li6.4La3Zr1.4Ta0.6O12 Li6.55Ga0.15La3Zr2O12 Li5La3Nb2O12 Li3Nd3Te2O12
Li10GeP2S12 Li10SnP2S12 Li9.54Si1.74P1.44S11.7Cl0.3 Li9.6P3S12 Li3PS4 Li7P3S11 Li4P2S6 Li6PS5Cl Li6PS5Br Li6PS5I
Li5.5PS4.5Cl1.5 Li6.6P0.4Ge0.6S5I Li5.35Ca0.1PS4.5Cl1.55 Li4SnS4 Li3.833Sn0.833As0.166S4 Li3InCl6 Li3YCl6 Li3YBr6
Li3ErCl6 Li3ScCl6 Li2.5Y0.5Zr0.5Cl6 Li2ZrCl6 Li3HoBr6 LiAlCl4 Li1.3Al0.3Ti1.7P3O12 Li1.5Al0.5Ge1.5P3O12 LiZr2P3O12
LiTi2P3O12 Li0.33La0.557TiO3 Li3.5Ge0.5V0.5O4 Li14ZnGe4O16 LiBH4 Li4B7O12Cl Li2B12H12 Li3OCl Li2.99Ba0.005ClO
LiPr9Si6O26 LiPuO2 Cs2NaBiCl6
"""
FORMULAS = _FORMULAS.split()


@dataclass(frozen=True)
class Amounts:
    """The least that `magpie` asks of a formula."""

    symbols: tuple[str, ...]
    amounts: tuple[float, ...]


@cache
def preset(impute: bool):
    """Return matminer's preset; imported here because it takes seconds."""
    composition = pytest.importorskip("matminer.featurizers.composition", exc_type=ImportError)
    return composition.ElementProperty.from_preset("magpie", impute_nan=impute)


def features_of_matminer(compositions, impute: bool) -> np.ndarray:
    """Compute the features of pymatgen compositions with matminer."""
    return np.array([preset(impute).featurize(composition) for composition in compositions], dtype=float)


def amounts_of(composition) -> Amounts:
    """Return the elements and amounts of a pymatgen composition."""
    return Amounts(tuple(str(element) for element in composition), tuple(map(float, composition.values())))


def test_labels():
    assert tuple(preset(False).feature_labels()) == MAGPIE_LABELS
    assert len(set(MAGPIE_LABELS)) == 132


@pytest.mark.parametrize("impute", [False, True])
def test_agrees_with_matminer(impute):
    from pymatgen.core import Composition

    compositions = [Composition(formula) for formula in FORMULAS]
    ours = magpie([amounts_of(composition) for composition in compositions], impute=impute)
    np.testing.assert_allclose(ours, features_of_matminer(compositions, impute), rtol=1e-9, atol=1e-9)


def test_takes_strings():
    from pymatgen.core import Composition

    expected = features_of_matminer([Composition(formula) for formula in FORMULAS], False)
    np.testing.assert_allclose(magpie(FORMULAS), expected, rtol=1e-9, atol=1e-9)


def test_agrees_on_measured_materials(data_mirror):
    """Every formula of the training split that pymatgen reads, which is all without a stray character."""
    from pymatgen.core import Composition

    with (data_mirror("obelix") / "train.csv").open(encoding="utf-8", newline="") as file:
        texts = sorted({row["Reduced Composition"].strip(" *") for row in csv.DictReader(file)})
    assert len(texts) > 350
    expected = features_of_matminer([Composition(text) for text in texts], False)
    np.testing.assert_allclose(magpie(texts), expected, rtol=1e-9, atol=1e-9)


def test_agrees_on_computed_materials(data_mirror):
    from pymatgen.core import Composition

    with (data_mirror("matbench") / "mp_e_form.csv").open(encoding="utf-8", newline="") as file:
        texts = sorted({row["formula"] for row in csv.DictReader(file)})
    texts = np.random.default_rng(0).choice(texts, size=2000, replace=False).tolist()
    expected = features_of_matminer([Composition(text) for text in texts], False)
    np.testing.assert_allclose(magpie(texts), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("impute", [False, True])
@pytest.mark.parametrize(("symbol", "partner"), [("He", "Li"), ("Ne", "F"), ("Bk", "O"), ("At", "Li"), ("Rf", "Cl")])
def test_missing_values(symbol, partner, impute):
    from pymatgen.core import Composition

    compositions = [
        Composition({symbol: 1, partner: 2}),
        Composition({symbol: 2, partner: 1}),
        Composition({symbol: 1}),
    ]
    ours = magpie([amounts_of(composition) for composition in compositions], impute=impute)
    np.testing.assert_allclose(ours, features_of_matminer(compositions, impute), rtol=1e-9, atol=1e-9)
    assert np.isnan(ours).any() == (not impute)


def test_mode_of_a_tie_is_the_smallest():
    column = MAGPIE_LABELS.index("MagpieData mode Number")
    values = magpie([Amounts(("F", "Li"), (1.0, 1.0)), Amounts(("F", "Li"), (1.0 + 1e-7, 1.0))])
    assert values[:, column].tolist() == [3.0, 3.0]


def test_scale_and_order_do_not_matter():
    one = magpie([Amounts(("Li", "P", "S"), (3.0, 1.0, 4.0))])
    other = magpie([Amounts(("S", "Li", "P"), (1.0, 0.75, 0.25))])
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("formula", "field", "named"),
    [
        (Amounts(("Li", "Xx"), (1.0, 1.0)), "symbols", "Xx"),
        (Amounts(("Li", "Og"), (1.0, 1.0)), "symbols", "Og"),
        (Amounts(("Li",), (0.0,)), "amounts", "above zero"),
        (Amounts(("Li",), (-1.0,)), "amounts", "above zero"),
        (Amounts(("Li",), (np.nan,)), "amounts", "above zero"),
        (Amounts(("Li", "F"), (1e308, 1e308)), "amounts", "above zero"),
        (Amounts((), ()), "formulas", "elements"),
        (Amounts(("Li", "F"), (1.0,)), "formulas", "one amount each"),
    ],
)
def test_refuses(formula, field, named):
    with pytest.raises(InvalidFormula, match=named) as caught:
        magpie([Amounts(("Li",), (1.0,)), formula])
    assert caught.value.field == field


def test_one_string_is_no_list_of_its_letters():
    with pytest.raises(InvalidFormula, match="list"):
        magpie("CO")


def test_no_formulas():
    assert magpie([]).shape == (0, 132)


def test_element_data():
    assert len(SYMBOLS) == len(set(SYMBOLS)) == len(ATOMIC_MASS) == 118
    assert (ATOMIC_NUMBER["H"], ATOMIC_NUMBER["Li"], ATOMIC_NUMBER["Og"]) == (1, 3, 118)
    table = magpie_table()
    assert table.values.shape == (118, 22)
    assert not table.values.flags.writeable
    known = ~np.isnan(table.values[:, 2])
    masses = np.array([ATOMIC_MASS[symbol] for symbol in SYMBOLS])
    np.testing.assert_allclose(masses[known][:83], table.values[known, 2][:83], rtol=2e-3)


def test_symbols_are_cheap_to_import():
    code = "import sys, superion.featurizers.element_data as data; assert data.SYMBOLS; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
