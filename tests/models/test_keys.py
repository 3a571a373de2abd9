"""The keys of materials: the same for one material however it is written, another for another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.featurizers.context import CellContext
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import Formula
from superion.models.inputs import ReadMaterial, read_input
from superion.models.material import Material
from superion.models.predictor import Predictor

from . import _builders

AMOUNTS = st.dictionaries(
    st.sampled_from(SYMBOLS[:60]), st.integers(1, 400).map(lambda n: n / 20), min_size=1, max_size=6
)


def key(item: object) -> bytes:
    found = read_input(item)
    assert isinstance(found, ReadMaterial), found
    return found.key


def text(amounts: list[tuple[str, float]]) -> str:
    return " ".join(f"{symbol}{amount}" for symbol, amount in amounts)


@settings(deadline=None)
@given(AMOUNTS, st.randoms())
def test_the_order_of_the_elements_does_not_matter(amounts: dict[str, float], random: Any) -> None:
    listed = list(amounts.items())
    shuffled = random.sample(listed, len(listed))
    assert key(text(listed)) == key(text(shuffled)) == key(Formula.from_amounts(dict(shuffled)))


@settings(deadline=None)
@given(AMOUNTS, st.data())
def test_another_amount_or_element_does(amounts: dict[str, float], data: st.DataObject) -> None:
    changed = dict(amounts)
    symbol = data.draw(st.sampled_from(sorted(amounts)))
    if data.draw(st.booleans()):
        changed[symbol] += 1e-9
    else:
        other = data.draw(st.sampled_from([other for other in SYMBOLS if other not in amounts]))
        changed[other] = changed.pop(symbol)
    assert key(Formula.from_amounts(changed)) != key(Formula.from_amounts(amounts))


def test_what_an_answer_does_not_repeat_does_not_matter() -> None:
    assert key({"id": "a", "formula": "Li6PS5Cl"}) == key(" Cl S5 P Li6 ") == key("Li6(PS4)SCl")
    labelled = replace(_builders.argyrodite(), labels=tuple("abcdefg"))
    assert key(labelled) == key(_builders.argyrodite())


def test_a_mixture_is_warned_of_and_so_is_no_compound() -> None:
    assert key("75Li2S-25P2S5") != key("Li150S200P50") == key("Li150P50S200")


def test_two_readings_of_one_structure_differ_by_what_is_said_of_them() -> None:
    crystal = _builders.rock_salt()
    as_file = {"cif": crystal.to_cif()}
    assert key(crystal) == key(_builders.rock_salt()) != key(as_file)
    assert key(replace(crystal, notes=("read with care",))) != key(crystal)
    assert key(crystal) != key("LiCl")


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_change_of_a_crystal_matters(data: st.DataObject) -> None:
    crystal = _builders.argyrodite()
    what = data.draw(st.sampled_from(["lattice", "coordinates", "occupancy", "element", "space group"]))
    small = data.draw(st.floats(1e-9, 1e-3))
    site = data.draw(st.integers(0, crystal.n_sites - 1))
    axis = data.draw(st.integers(0, 2))
    lattice, positions = crystal.lattice.copy(), crystal.fractional_coordinates.copy()
    species, number = list(crystal.species), crystal.space_group_number
    (symbol, occupancy), *others = species[site]
    if what == "lattice":
        lattice[axis, data.draw(st.integers(0, 2))] += small
    elif what == "coordinates":
        positions[site, axis] += small
    elif what == "occupancy":
        species[site] = ((symbol, occupancy - small), *others)
    elif what == "element":
        species[site] = (("Se" if symbol != "Se" else "Te", occupancy), *others)
    else:
        number = data.draw(st.integers(1, 230))
    changed = Crystal(lattice, positions, tuple(species), number)
    assert Material.from_crystal(changed).key != Material.from_crystal(crystal).key
    assert key(changed) != key(crystal)


@pytest.mark.parametrize("part", ["space_group_number", "cell_parameters", "atoms_per_cell"])
def test_what_is_known_of_the_cell_matters(part: str) -> None:
    cell = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
    formula = Formula.parse("Li6PS5Cl")
    assert key(Material(formula, cell=cell)) != key(Material(formula, cell=replace(cell, **{part: None})))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Li6PS5Cl", "ClS5PLi6"), ("BiLiScF6", "F6ScBiLi"), ("TcOsLi", "OsLiTc"), ("Li7La3Zr2O12", "O12 Zr2 La3 Li7")],
)
def test_equal_keys_have_equal_answers(predictor: Predictor, one: str, other: str) -> None:
    assert key(one) == key(other)
    documents = [predictor.predict([item], detail=["staircase"]).as_dict()["predictions"][0] for item in (one, other)]
    found, expected = ({**document, "formula": None} for document in documents)
    assert_close(found, expected)


def assert_close(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
    elif isinstance(expected, float):
        assert np.isclose(found, expected, rtol=1e-4, atol=1e-5)
    else:
        assert found == expected
