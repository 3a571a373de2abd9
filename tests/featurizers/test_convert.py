"""Round trips through CIF, dicts, pymatgen, ASE and POSCAR, and what each reader refuses."""

from __future__ import annotations

import copy
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidCif, InvalidCrystal, MissingDependency, SuperionError
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import SYMBOLS

LATTICE = np.array([[5.0, 0, 0], [0.7, 6.0, 0], [-0.4, 0.9, 7.0]])
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


DISORDERED = Crystal(
    LATTICE,
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.1, 0.9]],
    ((("Li", 0.4),), (("S", 0.6), ("Cl", 0.4)), (("P", 1.0),)),
    labels=("Li1", "X1", "P1"),
)
ORDERED = Crystal(
    LATTICE, [[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.1, 0.9]], ((("Li", 1.0),), (("S", 1.0),), (("P", 1.0),))
)


def assert_close(one: Crystal, other: Crystal, same_orientation: bool = True) -> None:
    if same_orientation:
        assert one.lattice == pytest.approx(other.lattice, abs=1e-9)
    assert one.lattice @ one.lattice.T == pytest.approx(other.lattice @ other.lattice.T, abs=1e-6)
    difference = one.fractional_coordinates - other.fractional_coordinates
    assert np.abs(difference - np.round(difference)).max() < 1e-9
    for site, match in zip(one.species, other.species, strict=True):
        assert dict(site) == pytest.approx(dict(match), abs=1e-9)


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
    with pytest.raises(InvalidCrystal, match="dummy"):
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


def test_dummy_species_of_pymatgen_are_refused() -> None:
    from pymatgen.core import DummySpecies, Structure

    with pytest.raises(InvalidCrystal, match="'X' is no element"):
        Crystal.from_pymatgen(Structure(LATTICE, [DummySpecies("X")], [[0, 0, 0]]))
    data = ORDERED.to_dict()
    data["sites"][0]["species"][0]["element"] = "D"
    with pytest.raises(InvalidCrystal, match="write H"):
        Crystal.from_dict(data)


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
        (changed(("sites", 0, "species", 0, "element"), "Vac"), "'Vac' is no element"),
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
    assert empty.n_sites == 2 and "1 sites hold nothing but vacancies" in empty.notes[0]


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("dimension_types", [1, 1, 0], "not periodic"),
        ("structure_features", ["implicit_atoms"], "implicit_atoms"),
        ("species_at_sites", ["Li", "mix", "Q"], "'Q'"),
        ("species_at_sites", ["Li"], "one row per site"),
        ("lattice_vectors", [[0, 0, 0]] * 3, "volume"),
        ("lattice_vectors", [[None, None, None]] * 3, "form|volume"),
        ("species", [], "not among the species"),
        ("species", [{"name": "Li", "chemical_symbols": ["X"], "concentration": [1.0]}], "'X' is no element"),
        ("species", [{"name": "Li", "chemical_symbols": ["Li", "Na"], "concentration": [1.0]}], "form"),
    ],
)
def test_damaged_optimade(key: str, value: Any, says: str) -> None:
    data = optimade()
    data["attributes"][key] = value
    with pytest.raises(InvalidCrystal, match=says):
        Crystal.from_dict(data)


POSCAR = """Li P S
1.0
5.0 0.0 0.0
0.7 6.0 0.0
-0.4 0.9 7.0
Li S P
1 1 1
Direct
0.00 0.00 0.00
0.50 0.50 0.50
0.25 0.10 0.90 P
"""


def poscar(**lines: str) -> str:
    """Return `POSCAR` with lines replaced, as in `line2="1.5"`."""
    rows = POSCAR.splitlines()
    for name, text in lines.items():
        rows[int(name.removeprefix("line")) - 1] = text
    return "\n".join(rows)


CARTESIAN = {f"line{9 + k}": " ".join(map(str, row)) for k, row in enumerate(ORDERED.cartesian_coordinates.tolist())}
READ = {
    "direct": POSCAR,
    "scaled": poscar(line2="1.1"),
    "volume": poscar(line2="-250"),
    "cartesian": poscar(line8="Cartesian", **CARTESIAN),
    "cartesian scaled": poscar(line2="1.1", line8="k", **CARTESIAN),
    "selective": poscar(
        line8="Selective\nDirect", line9="0 0 0 T T F", line10=".5 .5 .5 T T T", line11=".25 .1 .9 F F F"
    ),
    "repeated": poscar(line6="Li S Li", line7="1 1 1"),
    "velocities": POSCAR + "\n0 0 0\n0 0 0\n0 0 0\n",
}


@pytest.mark.parametrize("text", READ.values(), ids=READ)
def test_poscar_as_ase_and_pymatgen_read_it(text: str) -> None:
    from ase.io import read
    from pymatgen.io.vasp import Poscar

    ours = Crystal.from_poscar(text)
    assert_close(ours, Crystal.from_ase(read(io.StringIO(text), format="vasp")))
    assert_close(ours, Crystal.from_pymatgen(Poscar.from_str(text, read_velocities=False).structure))
    assert_close(ours, Crystal.from_poscar(text.encode()))


def test_poscar_dialects() -> None:
    assert_close(Crystal.from_poscar(poscar(line6="Li_sv S/1a2b P_pv")), ORDERED)
    assert_close(Crystal.from_poscar(poscar(line2="1 1 1", line6=" Li S P", line7="1 1 1 ! comment")), ORDERED)
    lines = poscar(line1="Li S P").splitlines()
    old = Crystal.from_poscar("\n".join(lines[:5] + lines[6:]))
    assert_close(old, ORDERED)
    assert "VASP 4" in old.notes[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 lines"),
        (b"\xff\xfe" * 40, "UTF-8"),
        (3, "is text"),
        ("x" * 8_000_001, "characters"),
        (poscar(line2="0"), "scale"),
        (poscar(line2="1 -1 1"), "scale"),
        (poscar(line2="nan"), "NaN"),
        (poscar(line2="a"), "line 2"),
        (poscar(line3="5 0"), "line 3 is '5 0'; 3 numbers"),
        (poscar(line3="0 0 0"), "volume"),
        (poscar(line2="-3", line3="0 0 0"), "no volume"),
        (poscar(line3="0 0 0", line8="Cartesian"), "no volume"),
        (poscar(line6="Li S Xx"), "'Xx' is no element"),
        (poscar(line6="Li S"), "3 counts for 2 elements"),
        (poscar(line7="1 1 x"), "line 7 is '1 1 x'"),
        (poscar(line7="0 0 0"), "line 7"),
        (poscar(line7="1 1 99999999999999"), "line 7"),
        (poscar(line7="1 1 2"), "4 positions are announced"),
        (poscar(line8="Fractional"), "Direct or Cartesian"),
        (poscar(line9="0 0"), "line 9"),
        (poscar(line9="0 0 nan"), "NaN"),
        (poscar(line9="0.5 0.5 0.5"), "sum to 2 on one position"),
    ],
)
def test_poscar_faults(text: Any, says: str) -> None:
    with pytest.raises(InvalidCrystal, match=says):
        Crystal.from_poscar(text)


@settings(max_examples=200)
@given(st.floats(0, 1), st.integers(0, 20), st.text(alphabet="0123456789.-+ \nDCSLi", max_size=6))
def test_mutated_poscar_is_read_or_refused(where: float, length: int, inserted: str) -> None:
    at = int(where * len(POSCAR))
    try:
        Crystal.from_poscar(POSCAR[:at] + inserted + POSCAR[at + length :])
    except SuperionError as fault:
        assert isinstance(fault, InvalidCrystal)


def test_files(tmp_path: Path) -> None:
    contents = {"a.cif": ORDERED.to_cif(), "a.json": json.dumps(ORDERED.to_dict())}
    contents |= dict.fromkeys(("a.vasp", "POSCAR", "CONTCAR_final", "b.POSCAR"), POSCAR)
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert_close(Crystal.from_file(tmp_path / name), ORDERED, same_orientation=False)
        assert Crystal.from_file(str(tmp_path / name)).n_sites == 3
    for name, says in (
        ("a.xyz", "is read"),
        ("missing.cif", "cannot be read"),
        ("bad.json", "not JSON"),
        ("", "cannot be"),
    ):
        if name in ("a.xyz", "bad.json"):
            (tmp_path / name).write_text("[" * 100_000, encoding="utf-8")
        with pytest.raises(InvalidCrystal, match=says):
            Crystal.from_file(tmp_path / name)
    (tmp_path / "large.cif").write_bytes(b"#" * 8_000_001)
    with pytest.raises(InvalidCrystal, match="larger"):
        Crystal.from_file(tmp_path / "large.cif")
    (tmp_path / "broken.cif").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidCif):
        Crystal.from_file(tmp_path / "broken.cif")


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
