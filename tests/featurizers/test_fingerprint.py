"""One structure has one fingerprint, however it is described, and others have others."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher

from superion.errors import InvalidValue
from superion.featurizers import Crystal, structure_fingerprint

CUBE = 5.1 * np.eye(3)
FACES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


@pytest.fixture(scope="module")
def crystals(data_mirror: Callable[[str], Path]) -> list[Crystal]:
    """Return the measured crystals of the training split of OBELiX, most of them with mixed and vacant sites."""
    with zipfile.ZipFile(data_mirror("obelix") / "train_cifs.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".cif"))
        return [Crystal.from_cif(archive.read(name).decode()) for name in names]


def salt(shift: float, cation: str = "Li", share: float = 1.0) -> Crystal:
    """Return rock salt for a shift of 0.5, zinc blende for 0.25."""
    species = [((cation, share),)] * 4 + [(("Cl", 1.0),)] * 4
    return Crystal(CUBE, np.concatenate([FACES, FACES + shift]) % 1.0, tuple(species))


def test_it_says_what_is_on_which_positions() -> None:
    assert structure_fingerprint(salt(0.5)) == "225 1Cl1.00@48 1Li1.00@48"
    assert structure_fingerprint(salt(0.25)) == "216 1Cl1.00@24 1Li1.00@24"
    assert structure_fingerprint(salt(0.5, share=0.875)) == "225 1Cl1.00@48 1Li0.88@48"
    assert structure_fingerprint(salt(0.5, "Na")) != structure_fingerprint(salt(0.5))


def described_otherwise(crystal: Crystal) -> dict[str, Crystal]:
    """Return the same crystal in other words."""
    drawn = np.random.default_rng(0)
    lattice, places, species = crystal.lattice, crystal.fractional_coordinates, crystal.species
    order = drawn.permutation(len(species))
    sheared = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    doubled = np.concatenate([(places + np.array([n, 0, 0])) / [2, 1, 1] for n in range(2)])
    moved = places + drawn.normal(0.0, 0.004, places.shape) @ np.linalg.inv(lattice)
    return {
        "order and origin": Crystal(
            lattice, (places[order] + drawn.random(3)) % 1.0, tuple(species[place] for place in order)
        ),
        "names of the axes": Crystal(lattice[[1, 2, 0]], places[:, [1, 2, 0]], species),
        "another cell": Crystal(sheared @ lattice, (places @ np.linalg.inv(sheared)) % 1.0, species),
        "two cells": Crystal(lattice * [[2], [1], [1]], doubled, species + species),
        "longer": Crystal(lattice * 1.03, places, species),
        "atoms that were moved a little": Crystal(lattice, moved, species),
    }


def test_a_structure_has_one_fingerprint_in_all_words(crystals: list[Crystal]) -> None:
    assert len(crystals) > 250
    for place, crystal in list(enumerate(crystals))[::6]:
        fingerprint = structure_fingerprint(crystal)
        for words, other in described_otherwise(crystal).items():
            assert structure_fingerprint(other) == fingerprint, (place, words)


def test_what_pymatgen_takes_for_one_structure_has_one(crystals: list[Crystal]) -> None:
    matcher = StructureMatcher()
    compositions: dict[str, list[Crystal]] = {}
    for crystal in crystals:
        compositions.setdefault(crystal.formula.canonical, []).append(crystal)
    pairs = [pair for alike in compositions.values() for pair in itertools.combinations(alike, 2)]
    same = [(one, other) for one, other in pairs if matcher.fit(one.to_pymatgen(), other.to_pymatgen())]
    assert len(pairs) > 20 and len(same) > 5
    assert all(structure_fingerprint(one) == structure_fingerprint(other) for one, other in same)
    assert any(structure_fingerprint(one) != structure_fingerprint(other) for one, other in pairs)


def test_no_symmetry_at_a_tolerance_that_is_none() -> None:
    with pytest.raises(InvalidValue, match="tolerance must lie between"):
        structure_fingerprint(salt(0.5), 2.0)
