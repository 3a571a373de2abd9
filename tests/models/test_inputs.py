"""Every kind of input becomes the same material, and every fault of one is an answer, never an exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from superion.featurizers.formula import Formula
from superion.models.inputs import Named, ReadMaterial, read_input
from superion.models.material import Material
from superion.models.records import Failure

from . import _builders

# pymatgen's own modules use names that its dependencies are about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pymatgen.*")

SALT = _builders.rock_salt()


def read(item: object) -> ReadMaterial:
    found = read_input(item)
    assert isinstance(found, ReadMaterial), found
    return found


def fault(item: object) -> Failure:
    found = read_input(item)
    assert isinstance(found, Failure), found
    return found


@pytest.mark.parametrize(
    "item",
    ["LiCl", Formula.parse("LiCl"), Material(Formula.parse("LiCl")), {"formula": "LiCl"}, Named("x", "LiCl")],
    ids=lambda item: type(item).__name__,
)
def test_a_formula_is_read_from_whatever_holds_one(item: object) -> None:
    found = read(item)
    assert (found.input, str(found.material.formula), found.material.crystal) == ("formula", "LiCl", None)


@pytest.mark.parametrize(
    "kind", ["crystal", "material", "pymatgen", "dict", "poscar", "poscar text", "cif file", "cif text"]
)
def test_a_structure_is_read_from_whatever_holds_one(kind: str, tmp_path: Path) -> None:
    structure = SALT.to_pymatgen()
    (tmp_path / "salt.cif").write_text(SALT.to_cif())
    (tmp_path / "POSCAR").write_text(structure.to(fmt="poscar"))
    item: Any = {
        "crystal": SALT,
        "material": Material.from_crystal(SALT),
        "pymatgen": structure,
        "dict": {"structure": structure.as_dict()},
        "poscar": tmp_path / "POSCAR",
        "poscar text": {"poscar": structure.to(fmt="poscar")},
        "cif file": tmp_path / "salt.cif",
        "cif text": {"cif": SALT.to_cif()},
    }[kind]
    found = read(item)
    assert found.input == ("cif" if kind.startswith("cif") else "structure")
    assert str(found.material.formula) == "LiCl"
    assert found.material.crystal is not None and found.material.crystal.n_sites == 8


def test_the_formula_of_a_crystal_is_reduced() -> None:
    assert str(read(SALT).material.formula) == "LiCl"
    assert str(read(SALT.supercell((2, 1, 1))).material.formula) == "LiCl"


def test_what_the_reader_remarked_comes_along() -> None:
    text = SALT.to_cif().replace("_symmetry_space_group_name_H-M", "_unknown_tag")
    assert read({"cif": text}).notes == tuple(read({"cif": text}).material.crystal.notes)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"id": "a", "formula": "LiCl"}, "a"),
        ({"id": 7, "formula": "LiCl"}, "7"),
        ({"id": None, "formula": "LiCl"}, None),
        (Named("file.cif", "LiCl"), "file.cif"),
        (Named("outer", {"id": "inner", "formula": "LiCl"}), "outer"),
        ("LiCl", None),
        ({"id": "bad", "formula": "Xx"}, "bad"),
        (Named("bad", Path("absent.cif")), "bad"),
        ({"id": "bad"}, "bad"),
    ],
    ids=str,
)
def test_an_id_stays_with_its_answer(item: object, name: str | None) -> None:
    assert read_input(item).id == name


@pytest.mark.parametrize(
    ("item", "code", "field"),
    [
        ("", "invalid_formula", "formula"),
        ("Xx2O3", "invalid_formula", "formula"),
        ({"formula": "li"}, "invalid_formula", "formula"),
        ({"formula": 3}, "invalid_value", "formula"),
        ({"cif": b"data_"}, "invalid_value", "cif"),
        ({"cif": "nothing of the kind"}, "invalid_cif", None),
        ({"poscar": "LiCl"}, "invalid_structure", "poscar"),
        ({"poscar": 3}, "invalid_value", "poscar"),
        ({"structure": "LiCl"}, "invalid_structure", "structure"),
        ({"structure": [1, 2]}, "invalid_structure", "structure"),
        ({"structure": {}}, "invalid_structure", None),
        ({}, "invalid_value", "materials"),
        ({"id": "a"}, "invalid_value", "materials"),
        ({"formula": None}, "invalid_value", "materials"),
        ({"formula": "LiCl", "cif": "data_"}, "invalid_value", "materials"),
        (None, "invalid_value", "materials"),
        (7, "invalid_value", "materials"),
        (b"LiCl", "invalid_value", "materials"),
        (["LiCl"], "invalid_value", "materials"),
        (Path("absent.cif"), "invalid_structure", None),
        (Path("absent.xyz"), "invalid_structure", None),
    ],
    ids=str,
)
def test_a_fault_is_an_answer_with_its_code(item: object, code: str, field: str | None) -> None:
    found = fault(item)
    assert found.code == code
    assert field is None or found.field == field
    assert found.message


def test_which_kinds_clash_is_said() -> None:
    assert "formula and cif" in fault({"formula": "LiCl", "cif": "x"}).message
    assert "none of them" in fault({"structur": {}}).message


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(json_like | st.fixed_dictionaries({}, optional=dict.fromkeys(("formula", "cif", "structure", "id"), json_like)))
@settings(max_examples=150, deadline=None)
def test_nothing_that_json_can_hold_raises(item: object) -> None:
    assert isinstance(read_input(item), ReadMaterial | Failure)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_structure_with_a_part_replaced_is_read_or_refused(data: st.DataObject) -> None:
    structure: Any = SALT.to_pymatgen().as_dict()
    place = structure
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner and data.draw(st.booleans())):
            break
        place = inner
    place[key] = data.draw(json_like)
    assert isinstance(read_input({"structure": structure}), ReadMaterial | Failure)


def test_a_pymatgen_structure_and_its_dict_read_alike() -> None:
    structure = Structure([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [{"Li": 0.5}, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    assert read(structure).material.crystal == read({"structure": structure.as_dict()}).material.crystal
