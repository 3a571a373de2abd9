"""Round trips through CIF, dicts, pymatgen and ASE, and what each reader refuses."""

from __future__ import annotations

import copy
import io
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidCrystal, MissingDependency, SuperionError
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import SYMBOLS

from ._structures import DISORDERED, LATTICE, ORDERED, POSCAR, assert_close

GRID = [[i / 2, j / 2, k / 2] for i in range(2) for j in range(2) for k in range(2)]
OCCUPANCY = st.floats(0.05, 0.5).map(lambda value: round(value, 4))
SITE = st.lists(st.tuples(st.sampled_from(SYMBOLS), OCCUPANCY), min_size=1, max_size=2, unique_by=lambda pair: pair[0])


@st.composite
def crystals(draw: st.DrawFn) -> Crystal:
    """Draw a crystal whose sites are displaced from a grid, so that none come close."""
    n_sites = draw(st.integers(1, 8))
    moves = draw(st.lists(st.tuples(*[st.floats(-0.1, 0.1)] * 3), min_size=n_sites, max_size=n_sites))
    species = tuple(tuple(draw(SITE)) for _ in range(n_sites))
    return Crystal(LATTICE * draw(st.floats(0.8, 1.5)), np.array(GRID[:n_sites]) + np.array(moves), species)


@settings(max_examples=40)
@given(crystals())
def test_round_trips(crystal: Crystal) -> None:
    assert_close(Crystal.from_dict(crystal.to_dict()), crystal)
    assert_close(Crystal.from_dict(json.loads(json.dumps(crystal.to_dict()))), crystal)
    assert_close(Crystal.from_pymatgen(crystal.to_pymatgen()), crystal)
    assert_close(Crystal.from_cif(crystal.to_cif()), crystal, same_orientation=False)
    assert Crystal.from_cif(crystal.to_cif()).notes == ()


def test_dict_is_the_one_of_pymatgen() -> None:
    from pymatgen.core import Structure

    for crystal in (ORDERED, DISORDERED):
        assert_close(Crystal.from_pymatgen(Structure.from_dict(crystal.to_dict())), crystal)
        theirs = crystal.to_pymatgen().as_dict()
        ours = crystal.to_dict()
        assert theirs.keys() == ours.keys()
        assert theirs["sites"][0].keys() == ours["sites"][0].keys()
        assert_close(Crystal.from_dict(theirs), crystal)
        assert Crystal.from_dict(theirs).labels == (crystal.labels or ("Li", "S", "P"))
        assert crystal.formula.weight == pytest.approx(crystal.to_pymatgen().composition.weight, rel=1e-3)
        assert crystal.density == pytest.approx(crystal.to_pymatgen().density, rel=1e-3)


def test_oxidation_states_are_left_out() -> None:
    structure = ORDERED.to_pymatgen()
    structure.add_oxidation_state_by_element({"Li": 1, "S": -2, "P": 5})
    assert_close(Crystal.from_pymatgen(structure), ORDERED)
    assert_close(Crystal.from_dict(structure.as_dict()), ORDERED)


def test_ase_round_trip() -> None:
    atoms = ORDERED.to_ase()
    assert_close(Crystal.from_ase(atoms), ORDERED)
    with pytest.raises(InvalidCrystal, match="disordered"):
        DISORDERED.to_ase()
    with pytest.raises(InvalidCrystal, match="disordered"):
        Crystal(LATTICE, [[0, 0, 0]], ((("Li", 0.9),),)).to_ase()
    atoms.pbc = [True, True, False]
    with pytest.raises(InvalidCrystal, match="not periodic"):
        Crystal.from_ase(atoms)
    atoms.pbc = True
    atoms.cell[:] = 0
    with pytest.raises(InvalidCrystal, match="volume"):
        Crystal.from_ase(atoms)
    dummy = ORDERED.to_ase()
    dummy.numbers[0] = 0
    crystal = Crystal.from_ase(dummy)
    assert [site[0][0] for site in crystal.species] == ["S", "P"]
    assert crystal.notes[0] == "'X' stands for a vacancy; left out: site 0"
    dummy.numbers[0] = 119
    with pytest.raises(InvalidCrystal, match="atomic number"):
        Crystal.from_ase(dummy)


def test_ase_keeps_the_occupancies_of_a_disordered_cif() -> None:
    from ase.io import read

    atoms = read(io.StringIO(DISORDERED.to_cif()), format="cif")
    assert_close(Crystal.from_ase(atoms), DISORDERED, same_orientation=False)


@pytest.mark.parametrize("thing", [None, 3, "Li", object()])
def test_conversion_of_something_else(thing: Any) -> None:
    for convert in (Crystal.from_pymatgen, Crystal.from_ase, Crystal.from_dict):
        with pytest.raises(InvalidCrystal):
            convert(thing)


@pytest.mark.parametrize("name", ["X", "Xvac"])
def test_dummy_species_of_pymatgen_are_vacancies(name: str) -> None:
    from pymatgen.core import DummySpecies, Structure

    vacancy = DummySpecies(name, 0)
    structure = Structure(
        LATTICE, [{"Li": 0.4, vacancy: 0.6}, {vacancy: 1}, "P"], [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]]
    )
    for crystal in (Crystal.from_pymatgen(structure), Crystal.from_dict(structure.as_dict())):
        assert crystal.species == ((("Li", 0.4),), (("P", 1.0),))
        assert crystal.fractional_coordinates.tolist() == [[0, 0, 0], [0, 0.5, 0]]
        assert crystal.labels is not None and len(crystal.labels) == 2 and crystal.labels[1] == "P"
        assert f"'{name}' stands for a vacancy" in crystal.notes[0]
        assert crystal.notes[1] == "1 sites hold nothing but vacancies and were left out"
    with pytest.raises(InvalidCrystal, match="nothing but vacancies"):
        Crystal.from_pymatgen(Structure(LATTICE, [vacancy], [[0, 0, 0]]))
    with pytest.raises(InvalidCrystal, match="'Q' is no element"):  # stands for anything
        Crystal.from_pymatgen(Structure(LATTICE, [DummySpecies("Q")], [[0, 0, 0]]))


def test_deuterium_becomes_hydrogen() -> None:
    data = ORDERED.to_dict()
    data["sites"][0]["species"][0]["element"] = "D"
    crystal = Crystal.from_dict(data)
    assert crystal.species[0] == (("H", 1.0),)
    assert crystal.notes == ("'D' is an isotope and was read as H, which is all that the models know: Li",)


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    data: Any = copy.deepcopy(DISORDERED.to_dict())
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return data  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "neither"),
        ([], "object, not list"),
        (changed(("lattice",), KeyError), "neither"),
        (changed(("lattice", "matrix"), [[1, 2], [3, 4]]), "shape"),
        (changed(("lattice", "pbc"), [True, True, False]), "not periodic"),
        (changed(("lattice",), {"a": 1}), "lacks 'b'"),
        (changed(("lattice",), 5), "form"),
        (changed(("sites",), []), "shape|sites"),
        (changed(("sites",), 5), "form"),
        (changed(("sites",), [{}] * 10_001), "10001 sites"),
        (changed(("sites", 0, "species"), KeyError), "lacks 'species'"),
        (changed(("sites", 0, "species"), []), "no element"),
        (changed(("sites", 0, "species", 0, "element"), "Wat"), "'Wat' is no element"),
        (changed(("sites", 0, "species", 0, "element"), "li"), "'li' is no element"),
        (changed(("sites", 0, "species", 0, "element"), "Li1"), "'Li1' is no element"),
        (changed(("sites", 0, "species", 0, "element"), 3), "form"),
        (changed(("sites", 0, "species", 0, "occu"), KeyError), "lacks 'occu'"),
        (changed(("sites", 0, "species", 0, "occu"), 2.0), "occupancy of Li is 2"),
        (changed(("sites", 0, "species", 0, "occu"), None), "form"),
        (changed(("sites", 0, "abc"), KeyError), "lacks 'abc'"),
        (changed(("sites", 0, "abc"), [0, 0]), "coordinates"),
        (changed(("sites", 0, "abc"), [0, 0, float("nan")]), "NaN"),
    ],
)
def test_damaged_dicts(data: Any, says: str) -> None:
    with pytest.raises(InvalidCrystal, match=says) as caught:
        Crystal.from_dict(data)
    assert caught.value.field


def test_dict_with_cell_parameters_only() -> None:
    data = DISORDERED.to_dict()
    del data["lattice"]["matrix"]
    assert_close(Crystal.from_dict(data), DISORDERED, same_orientation=False)


@pytest.mark.parametrize("angle", [0, 180, -90, 360, float("nan")])
@pytest.mark.parametrize("name", ["alpha", "beta", "gamma"])
def test_dict_with_an_angle_that_no_cell_has(name: str, angle: float) -> None:
    # gemmi takes a gamma of 0 for a cell that is not known, and makes it a cube of 1 angstrom.
    data = DISORDERED.to_dict()
    del data["lattice"]["matrix"]
    data["lattice"][name] = angle
    with pytest.raises(InvalidCrystal, match="cell angles") as caught:
        Crystal.from_dict(data)
    assert caught.value.field == "lattice"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=6,
)
WHERE = (
    "lattice",
    "lattice.matrix",
    "lattice.pbc",
    "sites",
    "sites.0",
    "sites.0.species",
    "sites.0.label",
    "sites.0.abc",
)
PATHS = st.sampled_from([*WHERE, "sites.0.species.0", "sites.0.species.0.element", "sites.0.species.0.occu"]).map(
    lambda dotted: tuple(int(key) if key.isdigit() else key for key in dotted.split("."))
)


@settings(max_examples=200)
@given(PATHS, JSON)
def test_any_json_is_read_or_refused(path: tuple[Any, ...], value: Any) -> None:
    for data in (value, changed(path, value)):
        try:
            Crystal.from_dict(data)
        except SuperionError as fault:
            assert isinstance(fault, InvalidCrystal)


def optimade() -> dict[str, Any]:
    return {
        "id": "1",
        "type": "structures",
        "attributes": {
            "lattice_vectors": LATTICE.tolist(),
            "cartesian_site_positions": DISORDERED.cartesian_coordinates.tolist(),
            "dimension_types": [1, 1, 1],
            "species_at_sites": ["Li", "mix", "P"],
            "species": [
                {"name": "Li", "chemical_symbols": ["Li", "vacancy"], "concentration": [0.4, 0.6]},
                {"name": "mix", "chemical_symbols": ["S", "Cl"], "concentration": [0.6, 0.4]},
                {"name": "P", "chemical_symbols": ["P"], "concentration": [1.0]},
            ],
            "structure_features": ["disorder"],
        },
    }


def test_optimade() -> None:
    data = optimade()
    for form in (data, {"data": data}, data["attributes"]):
        crystal = Crystal.from_dict(form)
        assert_close(crystal, DISORDERED)
        assert crystal.labels == ("Li", "mix", "P") and crystal.notes == ()
    data["attributes"]["species"][2] = {"name": "P", "chemical_symbols": ["vacancy"], "concentration": [1.0]}
    empty = Crystal.from_dict(data)
    assert empty.n_sites == 2 and empty.notes == ("1 sites hold nothing but vacancies and were left out",)
    data["attributes"]["species"][2] = {"name": "P", "chemical_symbols": ["X"], "concentration": [1.0]}
    dummy = Crystal.from_dict(data)
    assert dummy == empty and dummy.notes == ("'X' stands for a vacancy; left out: P", *empty.notes)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("dimension_types", [1, 1, 0], "not periodic"),
        ("structure_features", ["implicit_atoms"], "implicit_atoms"),
        ("species_at_sites", ["Li", "mix", "Q"], "'Q'"),
        ("species_at_sites", ["Li"], "one row per site"),
        ("lattice_vectors", [[0, 0, 0]] * 3, "volume"),
        ("lattice_vectors", [[None, None, None]] * 3, "NaN"),
        ("species", [], "not among the species"),
        (
            "species",
            [{"name": n, "chemical_symbols": ["Q"], "concentration": [1]} for n in ("Li", "mix", "P")],
            "'Q' is no element",
        ),
        ("species", [{"name": "Li", "chemical_symbols": ["Li", "Na"], "concentration": [1.0]}], "form"),
    ],
)
def test_damaged_optimade(key: str, value: Any, says: str) -> None:
    data = optimade()
    data["attributes"][key] = value
    with pytest.raises(InvalidCrystal, match=says):
        Crystal.from_dict(data)


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("pymatgen", "pymatgen.core", "pymatgen.core.structure", "ase"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependency, match="pymatgen is not installed"):
        ORDERED.to_pymatgen()
    with pytest.raises(MissingDependency, match="ASE is not installed"):
        ORDERED.to_ase()


def test_reading_imports_neither_pymatgen_nor_ase() -> None:
    code = (
        "import sys; from superion.featurizers.crystal import Crystal\n"
        f"crystal = Crystal.from_cif({ORDERED.to_cif()!r}); Crystal.from_dict(crystal.to_dict())\n"
        f"Crystal.from_poscar({POSCAR!r})\n"
        "heavy = {'pymatgen', 'ase', 'pandas', 'scipy', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_occupancy_slightly_above_one_is_read_as_one_and_said() -> None:
    given_dict = ORDERED.to_dict()
    given_dict["sites"][0]["species"][0]["occu"] = 1.0001
    read = Crystal.from_dict(given_dict)
    symbol = read.species[0][0][0]
    assert read.species[0] == ((symbol, 1.0),)
    assert [note for note in read.notes if "1.0001" in note and "was read as 1" in note]
    given_dict["sites"][0]["species"][0]["occu"] = 1.06
    with pytest.raises(InvalidCrystal, match=r"1\.06"):
        Crystal.from_dict(given_dict)
