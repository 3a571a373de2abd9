"""The inputs that fuzzing begins with and those that it has found faults with: every promise holds of each."""

from __future__ import annotations

import warnings

import pytest

from . import seeds, targets

FOUND = [
    # An amount of 1 left out after H2 made text that reads as a hydrate.
    ("formula", b".54S2-1H2O"),
    # A space group number of more than 32 bits ended in a TypeError.
    ("cif", seeds.inputs("cif")[1].replace(b"_space_group_IT_number 227", b"_space_group_IT_number 99999999999")),
    # 1.1e4000 is infinite, and its product with 0 a warning.
    ("poscar", b"Li S\n1.1e4000\n5 0 0\n0.7 6 0\n-0.4 0.9 7\nLi S\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"),
    # The volume of the cell is no number.
    ("poscar", b"Li S\n-1e308\n1e-160 0 0\n0 1e-160 0\n0 0 1e-3\nLi S\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"),
    # A coordinate of 10001 cells was written to CIF as it was, and then refused.
    ("poscar", b"Li S\n1\n5 0 0\n0 6 0\n0 0 7\nLi S\n1 1\nDirect\n10001 0 0\n.5 .5 .5\n"),
    # An angle of 0 ended in gemmi's RuntimeError.
    (
        "structure",
        b'{"lattice": {"a": 4, "b": 4, "c": 4, "alpha": 0, "beta": 90, "gamma": 90},'
        b' "sites": [{"species": [{"element": "Li", "occu": 1}], "abc": [0, 0, 0]}]}',
    ),
    # An occupancy of 1e-9 made a crystal whose formula could not be made.
    (
        "structure",
        b'{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]},'
        b' "sites": [{"species": [{"element": "Li", "occu": 1e-9}], "abc": [0, 0, 0]}]}',
    ),
    # Numbers whose products overflow gave warnings.
    (
        "structure",
        b'{"lattice_vectors": [[1e200, 0, 0], [0, 1e200, 0], [0, 0, 1e200]], "species_at_sites": ["Li"],'
        b' "cartesian_site_positions": [[0, 0, 1e308]],'
        b' "species": [{"name": "Li", "chemical_symbols": ["Li"], "concentration": [1]}]}',
    ),
    # The space group was repeated in full in the message.
    (
        "structure",
        b'{"lattice_vectors": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "species_at_sites": ["Li"],'
        b' "cartesian_site_positions": [[0, 0, 0]], "space_group_it_number": "' + 2000 * b"1" + b'",'
        b' "species": [{"name": "Li", "chemical_symbols": ["Li"], "concentration": [1]}]}',
    ),
]
"""Inputs by target, each of which broke a promise once."""


def held(target: str, data: bytes) -> None:
    """Run a target as the fuzzers do."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        targets.TARGETS[target](data)


@pytest.mark.parametrize(("target", "data"), FOUND, ids=lambda value: value if isinstance(value, str) else "")
def test_what_was_found_stays_mended(target: str, data: bytes) -> None:
    held(target, data)


@pytest.mark.parametrize("target", targets.TARGETS)
def test_the_seeds_hold(target: str) -> None:
    inputs = seeds.inputs(target)
    assert inputs and seeds.tokens(target)
    for data in inputs:
        held(target, data)


def test_most_seeds_are_read() -> None:
    # A corpus of refusals would teach the fuzzers nothing of what lies behind the readers.
    from superion.errors import SuperionError
    from superion.featurizers import Crystal, Formula

    readers = {
        "formula": lambda data: Formula.parse(data.decode()),
        "cif": Crystal.from_cif,
        "poscar": Crystal.from_poscar,
    }
    for target, read in readers.items():
        outcomes = []
        for data in seeds.inputs(target):
            try:
                read(data)
                outcomes.append(True)
            except SuperionError:
                outcomes.append(False)
        assert sum(outcomes) >= 0.3 * len(outcomes), target


def test_a_broken_promise_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from superion.featurizers import export

    right = export.to_cif
    monkeypatch.setattr(export, "to_cif", lambda crystal: right(crystal).replace(" 0.5000", " 0.5001"))
    with pytest.raises(targets.BrokenPromise, match="a site moves"):
        held("structure", b"\0")


@pytest.mark.parametrize("size", [0, 1, 5, 9, 63, 64, 200])
def test_a_document_is_edited_the_same_way_each_time(size: int) -> None:
    data = bytes(range(size))
    assert repr(targets.edited(data)) == repr(targets.edited(data))
