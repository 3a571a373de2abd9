"""POSCAR reading against ASE and pymatgen, dialects, faults, and what is written."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidCrystal, SuperionError
from superion.featurizers.crystal import Crystal
from superion.featurizers.neighbors import neighbor_list

from ._structures import DISORDERED, ORDERED, POSCAR, assert_close


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
    # A form feed or a line separator of Unicode inside a comment ends no line; a byte order mark is no part of a name.
    assert_close(Crystal.from_poscar(poscar(line1="a\x0cb\u2028c")), ORDERED)
    assert_close(Crystal.from_poscar(("\ufeff" + "\n".join(lines[:5] + lines[6:])).encode()), ORDERED)
    assert_close(Crystal.from_poscar(POSCAR.replace("\n", "\r\n")), ORDERED)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 lines"),
        (b"\xff\x00" * 40, "UTF-8"),
        (3, "is text"),
        ("x" * 8_000_001, "characters"),
        (poscar(line2="0"), "scale"),
        (poscar(line2="1 -1 1"), "scale"),
        (poscar(line2="nan"), "NaN"),
        (poscar(line2="1 2"), "one scale factor or three"),
        (poscar(line2="1e400"), "line 2 holds '1e400'"),
        (poscar(line2="1_0"), "line 2 is '1_0'"),
        (poscar(line2="١"), "line 2 is '١'"),
        (poscar(line3="1e10 0 0"), "above 1e\\+09"),
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


def test_isotopes_vacancies_and_names_outside_utf_8() -> None:
    crystal = Crystal.from_poscar(poscar(line1="Müller", line6="D X P").encode("latin-1"))
    assert crystal.species == ((("H", 1.0),), (("P", 1.0),))
    assert [note.partition(" ")[0] for note in crystal.notes] == ["the", "'X'", "'D'", "1"]


def random_crystal(seed: int, handedness: int) -> Crystal:
    """Return an ordered crystal of 12 sites, its elements mixed up and its numbers with all their digits."""
    random = np.random.default_rng(seed)
    lattice = 12 * np.eye(3) + random.uniform(-2, 2, (3, 3))
    grid = np.stack(np.meshgrid([0, 0.5], [0, 0.5], [0, 1 / 3, 2 / 3], indexing="ij"), axis=-1).reshape(-1, 3)
    symbols = random.permutation(["Li"] * 6 + ["S"] * 4 + ["Ge"] * 2).tolist()
    coordinates = grid + random.uniform(-0.05, 0.05, grid.shape)
    return Crystal(lattice[:: 1 if handedness > 0 else -1], coordinates, tuple(((symbol, 1.0),) for symbol in symbols))


@pytest.mark.parametrize("seed", range(5))
def test_written_poscars_are_read_back_to_the_last_bit(seed: int) -> None:
    crystal = random_crystal(seed, 1)
    back = Crystal.from_poscar(crystal.to_poscar())
    order = sorted(range(12), key=lambda site: list(crystal.formula.symbols).index(crystal.species[site][0][0]))
    expected = Crystal(
        crystal.lattice, crystal.fractional_coordinates[order], [crystal.species[site] for site in order]
    )
    assert back == expected and back.notes == ()
    assert Crystal.from_poscar(back.to_poscar()) == back


@pytest.mark.parametrize("handedness", [1, -1])
def test_written_poscars_as_ase_and_pymatgen_read_them(handedness: int) -> None:
    from ase.io import read
    from pymatgen.io.vasp import Poscar

    crystal = random_crystal(0, handedness)
    text = crystal.to_poscar()
    assert ("exchanged" in text) == (handedness < 0)
    theirs = Crystal.from_ase(read(io.StringIO(text), format="vasp"))
    assert np.linalg.det(theirs.lattice) > 0
    assert_close(Crystal.from_pymatgen(Poscar.from_str(text).structure), theirs)
    # Distances between elements tell one crystal from another, whatever describes it.
    assert sorted_distances(theirs) == pytest.approx(sorted_distances(crystal), abs=1e-9)


def sorted_distances(crystal: Crystal) -> list[float]:
    i, j, _, distance = neighbor_list(crystal, 6.0)
    numbers = crystal.species_atomic_numbers
    kinds = zip(numbers[i].tolist(), numbers[j].tolist(), distance.tolist(), strict=True)
    return [value for pair in sorted(kinds) for value in pair]


def test_disordered_crystals_are_no_poscar() -> None:
    with pytest.raises(InvalidCrystal, match=r"a POSCAR holds one element per site .* Li1 \(site 0\) holds 0\.4 Li"):
        DISORDERED.to_poscar()
