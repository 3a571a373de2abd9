"""Formula reading, against pymatgen's Composition and by property."""

from __future__ import annotations

import contextlib
import csv
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidFormula, SuperionError
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import MAX_AMOUNT, MAX_DEPTH, MAX_LENGTH, Formula, _Parser, plain_amounts


def amounts(text: str) -> dict[str, float]:
    formula = Formula.parse(text)
    return dict(zip(formula.symbols, formula.amounts, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Li6PS5Cl", {"Li": 6, "P": 1, "S": 5, "Cl": 1}),
        ("Li7.0Bi1.0O6.0", {"Li": 7, "Bi": 1, "O": 6}),
        ("La0.62 Li0.14(Mg0.5W0.5)O3", {"La": 0.62, "Li": 0.14, "Mg": 0.5, "W": 0.5, "O": 3}),
        ("Li1.4Al0.4Ti1.6 (PO4)3", {"Li": 1.4, "Al": 0.4, "Ti": 1.6, "P": 3, "O": 12}),
        (" Li6.4Al0.19La3Zr2O11.8 ", {"Li": 6.4, "Al": 0.19, "La": 3, "Zr": 2, "O": 11.8}),
        ("Li.5La.5TiO3", {"Li": 0.5, "La": 0.5, "Ti": 1, "O": 3}),
        ("Li₆PS₅Cl", {"Li": 6, "P": 1, "S": 5, "Cl": 1}),
        ("Li{[Li(PO3)2]3}2", {"Li": 7, "P": 12, "O": 36}),
        ("LiHLi2", {"Li": 3, "H": 1}),
        ("Li2SO4·H2O", {"Li": 2, "S": 1, "O": 5, "H": 2}),
        ("LiOH.H2O", {"Li": 1, "O": 2, "H": 3}),
        ("Li2SO4 * H2O", {"Li": 2, "S": 1, "O": 5, "H": 2}),
        ("LiClO4·3H2O", {"Li": 1, "Cl": 1, "O": 7, "H": 6}),
        ("0.75Li2S·0.25P2S5", {"Li": 1.5, "S": 2.0, "P": 0.5}),
        ("75Li2S-25P2S5", {"Li": 150, "S": 200, "P": 50}),
        ("50Li2S-50GeS2-25LiI", {"Li": 125, "S": 150, "Ge": 50, "I": 25}),
        ("Li2S-P2S5", {"Li": 2, "S": 6, "P": 2}),
        ("Li2S – P2S5", {"Li": 2, "S": 6, "P": 2}),
        ("0.9(0.75Li2S·0.25P2S5)·0.1LiI", {"Li": 1.45, "S": 1.8, "P": 0.45, "I": 0.1}),
    ],
)
def test_reads(text: str, expected: dict[str, float]) -> None:
    assert amounts(text) == pytest.approx(expected)
    assert list(amounts(text)) == list(expected)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", None, "empty"),
        (" \n", None, "empty"),
        ("Li7-xLa3Zr2O12", 5, "write every x out"),
        ("LixLa3", 3, "write every x out"),
        ("Li6PSxCl", 6, "write every x out"),
        ("Li6Xx", 4, "element"),
        ("Xx2", 1, "not an element"),
        ("li6PS5Cl", 1, "capital"),
        ("Li0La3Zr2O12", 3, "the amount 0 is zero; leave out what is not there, or write the letter O"),
        ("Li0.0", 3, "is zero"),
        ("Li2S0", 5, "letter O"),
        ("Li(PO4)0", 8, "is zero"),
        ("0Li2S·P2S5", 1, "is zero"),
        ("Li0.0000001", 3, "out of range"),
        ("Li-2", 5, "missing"),
        ("Li2-0.5Na", 4, "difference"),
        ("Li7La3Zr2-0.5Ta0.5O12", 10, "difference"),
        ("Li1E-3", 4, "exponent"),
        ("Li1e5", 4, "exponent"),
        ("Li2SO4.5H2O", 7, "hydrate"),
        ("LiCl2.H2O.5H2O", 10, "hydrate"),
        ("Li(PO4", 3, "never closed"),
        ("LiPO4)3", 6, "no bracket is open"),
        ("Li(PO4]3", 7, "expected ')'"),
        ("Li()2", 4, "missing"),
        ("Li2 3O", 5, "two numbers"),
        ("Li+", 3, "charges"),
        ("D2O", 1, "write H"),
        ("LiT", 3, "write H"),
        ("1.0*", 4, "none before"),
        ("Li2O*", 6, "missing"),
        ("*Li2O", 1, "none before"),
        ("Li2O··H2O", 6, "none before"),
        ("5", 2, "missing"),
        ("Li9999999", 3, "out of range"),
        ("Li" + "9" * 900, 3, "out of range"),
        ("Li٣", 3, "unexpected"),
        ("Li2O\u200b", 5, "unexpected"),
        ("Li2O?", 5, "unexpected"),
        ("(" * (MAX_DEPTH + 1) + "Li" + ")" * (MAX_DEPTH + 1), MAX_DEPTH + 1, "deeper"),
        ("Li" * (MAX_LENGTH // 2) + "O", None, "characters"),
        ("((((Li1000)1000)1000)1000)1000", None, "amount of Li"),
    ],
)
def test_refuses_with_the_column(text: str, column: int | None, says: str) -> None:
    with pytest.raises(InvalidFormula) as caught:
        Formula.parse(text)
    assert says in caught.value.message
    assert caught.value.field == "formula"
    assert caught.value.value is not None and text.startswith(caught.value.value.removesuffix("..."))
    if column is not None:
        assert f"column {column}:" in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("value", [None, 3, b"Li2O", ["Li"]])
def test_refuses_what_is_no_text(value: object) -> None:
    with pytest.raises(InvalidFormula, match="is text"):
        Formula.parse(value)  # type: ignore[arg-type]


def test_refuses_inconsistent_fields() -> None:
    for symbols, values in (((), ()), (("Li",), (1.0, 2.0)), (("Li", "Li"), (1.0, 1.0))):
        with pytest.raises(InvalidFormula, match="each once"):
            Formula(symbols, values)
    for amount in (0.0, -1.0, math.nan, math.inf, 2 * MAX_AMOUNT):
        with pytest.raises(InvalidFormula, match="amount of Li"):
            Formula(("Li",), (amount,))


def test_long_input_is_refused_at_once() -> None:
    """A quadratic or recursive reader would take minutes, or the stack, for these."""
    for text in ("(" * 10_000_000, "Li" * 5_000_000, "Li2." * 2_000_000):
        with pytest.raises(InvalidFormula):
            Formula.parse(text)


def test_properties() -> None:
    formula = Formula.parse("Li6PS5Cl")
    assert formula.n_atoms == 13
    assert formula.weight == pytest.approx(268.4, abs=0.1)
    assert formula.fractions.sum() == pytest.approx(1, abs=1e-15)
    assert not formula.fractions.flags.writeable
    assert "Li" in formula and "Na" not in formula
    assert (formula.amount("S"), formula.amount("Na")) == (5, 0)
    assert formula == Formula.parse("Li6 P S5 Cl1.0") and hash(formula) == hash(Formula.parse("Li6 P S5 Cl1.0"))
    assert str(formula) == "Li6PS5Cl"


def test_scale_and_order_do_not_change_the_key() -> None:
    same = [Formula.parse(t) for t in ("Li6PS5Cl", "Li12P2S10Cl2", "Li24P4S20Cl4", "ClPLi6S5", "Li0.6P.1S0.5Cl0.1")]
    assert {f.canonical for f in same} == {"Cl0.0769Li0.4615P0.0769S0.3846"}
    assert [f.reduced.text for f in same[:3]] == ["Li6PS5Cl"] * 3
    assert Formula.parse("Li6PS5Br").canonical != same[0].canonical


def test_reduced_keeps_fractional_formulas() -> None:
    assert Formula.parse("Li1.3Al0.3Ti1.7(PO4)3").reduced.text == "Li1.3Al0.3Ti1.7P3O12"
    assert Formula.parse("Li19.99999Sn2P4S24").reduced.text == "Li10SnP2S12"
    assert Formula.parse("Li20.064Sn2P4S24").reduced.text == "Li20.064Sn2P4S24"


ELEMENT = st.sampled_from(SYMBOLS)
AMOUNT = st.one_of(st.integers(1, 200).map(float), st.integers(1, 99_999).map(lambda n: n / 1000))
AMOUNTS = st.dictionaries(ELEMENT, AMOUNT, min_size=1, max_size=8)


@given(AMOUNTS)
def test_round_trip(given_amounts: dict[str, float]) -> None:
    formula = Formula.from_amounts(given_amounts)
    again = Formula.parse(formula.text)
    assert again.symbols == formula.symbols
    assert again.amounts == pytest.approx(formula.amounts, rel=1e-9)
    assert again.canonical == formula.canonical
    assert formula.fractions.sum() == pytest.approx(1, abs=1e-12)


@given(AMOUNTS, st.integers(1, 60))
def test_key_ignores_scale(given_amounts: dict[str, float], times: int) -> None:
    scaled = {symbol: amount * times / 7 for symbol, amount in given_amounts.items()}
    assert Formula.from_amounts(scaled).canonical == Formula.from_amounts(given_amounts).canonical


GROUP = st.recursive(
    st.tuples(ELEMENT, st.sampled_from(["", "2", "0.5", "12", "1.25"])).map("".join),
    lambda inner: st.tuples(
        st.lists(inner, min_size=1, max_size=3).map("".join), st.sampled_from(["", "2", "0.5"])
    ).map(lambda pair: f"({pair[0]}){pair[1]}"),
    max_leaves=6,
)


@given(st.lists(GROUP, min_size=1, max_size=5).map("".join))
def test_agrees_with_pymatgen(text: str) -> None:
    from pymatgen.core import Composition

    assert amounts(text) == pytest.approx(Composition(text).get_el_amt_dict(), abs=1e-7)


@settings(max_examples=400)
@given(st.text(alphabet="LiOPSClZrx0123456789.·*-+()[]{} eE₂\t", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        formula = Formula.parse(text)
    except InvalidFormula as fault:
        assert fault.field == "formula" and fault.message
    else:
        assert np.isfinite(formula.fractions).all()
        assert Formula.parse(str(formula)) == formula


@given(st.text(max_size=60))
def test_unicode_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(SuperionError):
        Formula.parse(text)


def test_reads_the_whole_obelix_table_as_pymatgen_does() -> None:
    from pymatgen.core import Composition

    mirror = os.environ.get("SUPERION_DATA_MIRROR")
    if not mirror:
        pytest.skip("needs the data set OBELiX (obelix/train.csv) under SUPERION_DATA_MIRROR")
    with (Path(mirror) / "obelix" / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = {row[column] for row in rows for column in ("True Composition", "Reduced Composition")}
    assert len(texts) > 700
    for text in texts:
        assert amounts(text) == pytest.approx(Composition(text.strip()).get_el_amt_dict(), abs=1e-7), text


PARTS = st.lists(
    st.tuples(
        st.sampled_from(["Li", "O", "S", "Cl", "Co", "C", "Xx", "l"]),
        st.from_regex(r"[0-9]{0,2}\.?[0-9]{0,2} ?", fullmatch=True),
    ),
    min_size=1,
    max_size=6,
).map(lambda parts: "".join(symbol + number for symbol, number in parts))


@settings(max_examples=500)
@given(PARTS)
def test_plain_formulas_are_read_as_the_parser_reads_them(text: str) -> None:
    amounts = plain_amounts(text)
    if amounts is None:
        return
    assert list(amounts.items()) == list(_Parser(text).parse().items())


def test_plain_formulas_are_most_formulas() -> None:
    for text in ("Li6PS5Cl", "Li6.4La3Zr1.4Ta0.6O12", "Li24 P4 S20 Cl4", "LiOLi.5"):
        assert plain_amounts(text) is not None
    for text in ("Li2SO4.5H2O", "Li2.H2O", "Li2 3O", "Li(PO4)", "Li0", "Xx", "D2O", "", "2Li"):
        assert plain_amounts(text) is None
