"""The formula reader of the C core against `Formula.parse`, which it must repeat bit for bit wherever it answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from superion.errors import InvalidFormula
from superion.featurizers import Formula
from superion.featurizers._composition import read_compositions
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS

AMOUNTS = st.one_of(
    st.just(""),
    st.integers(1, 30).map(str),
    st.decimals("0.001", "99", places=4).map(str),
    st.from_regex(r"\A[0-9]{0,17}\.?[0-9]{0,17}\Z"),
)


def _groups(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    inner = st.lists(part, min_size=1, max_size=4).map("".join)
    return st.tuples(st.sampled_from(["()", "[]", "{}"]), inner, AMOUNTS).map(lambda g: g[0][0] + g[1] + g[0][1] + g[2])


FORMULAS = st.lists(
    st.recursive(st.tuples(st.sampled_from(SYMBOLS), AMOUNTS).map("".join), _groups, max_leaves=8),
    min_size=1,
    max_size=6,
).map("".join)


class LeftToPython(Exception):
    """Tell that the C reader did not answer."""


def leave(text: str) -> Formula:
    raise LeftToPython(text)


def read(text: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    _, numbers, amounts = read_compositions([text], leave)
    return tuple(SYMBOLS[number - 1] for number in numbers), tuple(amounts.tolist())


def check(text: str) -> None:
    try:
        symbols, amounts = read(text)
    except LeftToPython:
        return
    formula = Formula.parse(text)
    assert (symbols, amounts) == (formula.symbols, formula.amounts)


@given(text=FORMULAS)
@settings(max_examples=250, deadline=None)
@example("Li6.25Al0.25La3Zr2O12")
@example("CuSO4.5H2O")
@example("Mg3.5(H2O)")
@example("(NH4)2[PO4]0.1{Fe(CN)6}2.3Fe0.7")
@example("Li0.1Li0.2Li0.3")
@example("Li0.3000000000000000000004")
def test_generated_formulas(text):
    check(text)


@given(text=FORMULAS, data=st.data())
@settings(max_examples=250, deadline=None)
def test_mutated_formulas(text, data):
    at = data.draw(st.integers(0, len(text)))
    change = data.draw(st.one_of(st.sampled_from(list("()[]{}.·*- 0129abeEHOLx₂\0")), st.characters()))
    check(text[:at] + change + text[at + data.draw(st.integers(0, 2)) :])


@given(text=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text(text):
    check(text)


def test_usual_formulas_are_answered_in_c():
    for symbol in SYMBOLS:
        assert read(f"{symbol}2") == ((symbol,), (2.0,))
    texts = [
        "Li6PS5Cl",
        "Li6.25Al0.25La3Zr2O12",
        "Li1.3Al0.3Ti1.7(PO4)3",
        "Li2B12H12",
        "(Li0.5Na0.5)[Fe(CN)6]",
        "Li.5TiO2",
    ]
    for text in texts:
        assert read(text) == (Formula.parse(text).symbols, Formula.parse(text).amounts)


def test_strings_and_objects_and_what_is_left_mix():
    texts = ["Li6PS5Cl", "75Li2S-25P2S5", "Li2O"]
    items = [texts[0], texts[1], Formula.parse(texts[2]), "Li₂O"]
    offsets, numbers, amounts = read_compositions(items, Formula.parse)
    assert offsets.tolist() == [0, 4, 7, 9, 11]
    assert [SYMBOLS[n - 1] for n in numbers[4:7]] == list(Formula.parse(texts[1]).symbols)
    assert amounts[4:7].tolist() == list(Formula.parse(texts[1]).amounts)
    assert np.array_equal(amounts[7:9], amounts[9:11])


def test_many_elements_outgrow_the_first_buffers():
    every = Formula.from_amounts(dict.fromkeys(SYMBOLS, 1.0))
    offsets, numbers, _ = read_compositions([every] * 50, Formula.parse)
    assert offsets[-1] == len(numbers) == 50 * 118
    assert numbers[-118:].tolist() == [ATOMIC_NUMBER[symbol] for symbol in SYMBOLS]


@pytest.mark.parametrize("text", ["\ud800", "", "Xx2", "Li(", "Li0", "Li1e5", "5"])
def test_faults_are_the_parsers(text):
    with pytest.raises(InvalidFormula) as caught:
        read_compositions(["Li", text], Formula.parse)
    with pytest.raises(InvalidFormula) as expected:
        Formula.parse(text)
    assert caught.value.message == f"formulas[1]: {expected.value.message}"
