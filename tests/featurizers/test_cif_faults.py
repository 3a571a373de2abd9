"""CIF text with every fault that was thought of, and text damaged by chance: read, or refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.errors import InvalidCif, SuperionError
from superion.featurizers.cif_text import MAX_BYTES
from superion.featurizers.crystal import Crystal

from ._cifs import ARGYRODITE, GOOD, LGPS, cif, listed


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("_cell_length_a 5.13\n", "", "_cell_length_a is missing"),
        ("_cell_length_a 5.13", "_cell_length_a ?", r"_cell_length_a is \?"),
        ("_cell_length_a 5.13", "_cell_length_a nan", "_cell_length_a is nan"),
        ("_cell_length_a 5.13", "_cell_length_a 0", "above 0"),
        ("_cell_length_a 5.13", "_cell_length_a -3", "above 0"),
        ("_cell_length_a 5.13", "_cell_length_a 1e9", "below 10000"),
        ("_cell_length_a 5.13", "_cell_length_a 1e-6", "above 0.5"),
        ("_cell_angle_gamma 90", "_cell_angle_gamma 180", "below 180"),
        ("_cell_angle_gamma 90", "_cell_angle_gamma 1e-9", "span no volume"),
        ("_cell_angle_alpha 90\n_cell_angle_beta 90", "_cell_angle_alpha 20\n_cell_angle_beta 20", "span no volume"),
        ("_atom_site_fract_x", "_atom_site_x", "lists no atoms"),
        ("_atom_site_fract_z", "_atom_site_z", "_atom_site_fract_z is missing"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 ? 0 1", r"a coordinate of Li0 is \?"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 1/3 0 1", "a coordinate of Li0 is 1/3"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 nan 0 1", "a coordinate of Li0 is nan"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 1e30 0 1", "a coordinate of Li0"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0 1.5", "the occupancy of Li0 is 1.5"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0 -1", "the occupancy of Li0 is -1"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0 all", "the occupancy of Li0 is all"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0", "wrong number of values|not CIF"),
        ("Li0 Li 0 0 0 1", "W1 Wat 0 0 0 1", "W1 has the type 'Wat'"),
        ("Li0 Li 0 0 0 1", "O1 OH 0 0 0 1", "O1 has the type 'OH'"),
        ("Li0 Li 0 0 0 1", "Q1 Q 0 0 0 1", "Q1 has the type 'Q'"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0 1\nLi1 Li 0 0 0 1", r"sum to 2 on one position \(Li0/Li1\)"),
        ("Li0 Li 0 0 0 1", "Li0 Li 0 0 0 1\nNa1 Na 0.001 0 0 0.1", "sum to 1.1 on one position .*Li0/Na1"),
        ("'x,y,z'", "'x,y'", "symmetry operation 'x,y' cannot be read"),
        ("'x,y,z'", "'x,x,x'", "do not form a group"),
        ("'-x,-y,z'", "'-x,-y,z+1/3'", "do not form a group"),
        ("0 1\nCl1 Cl 0.5 0.5 0.5 1", "0 0", "occupancy 0"),
        ("data_test", "", "not CIF"),
        ("data_test", "data_test\n_cell_length_a 4", "not CIF"),
        ("data_test", "data_test\n_x 'open", "not CIF"),
        ("data_test", "data_test\0", "NUL"),
    ],
)
def test_faults(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(InvalidCif, match=says) as caught:
        Crystal.from_cif(GOOD.replace(old, new))
    assert caught.value.field == "cif" and caught.value.code == "invalid_cif"
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("not a cif", "not CIF"),
        ("data_\n", "lists no atoms"),
        ("# only a comment\n", "no data block"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "binary"),
        (b"\x1f\x8b\x08\x00\xff" + GOOD.encode(), "not UTF-8 text .byte 1. and holds the control character 0x1f"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le"), "UTF-16"),
        (bytes(100), "NUL"),
        ("#" * (MAX_BYTES + 1), "characters"),
        (b"#" * (MAX_BYTES + 1), "characters"),
        (7, "is text, not int"),
        (None, "is text"),
        ("data_a\n" + "loop_\n" * 100_000, "not CIF"),
        ("".join(f"data_{k}\n" for k in range(100_000)), "more than 1000 data blocks"),
        ("data_a\n" + "".join(f"save_{k}\nsave_\n" for k in range(100_000)), "more than 1000 data blocks"),
        ("data_a\n_x " + "[" * 100_000, "no atoms|not CIF"),
    ],
)
def test_what_is_no_cif(content: object, says: str) -> None:
    with pytest.raises(InvalidCif, match=says) as caught:
        Crystal.from_cif(content)  # type: ignore[arg-type]
    assert caught.value.field == "cif"


def test_too_many_atoms() -> None:
    many = cif("90 90 90 90 90 90", listed("P 1"), [("Li", k / 10_001, 0, 0, 1) for k in range(10_001)])
    with pytest.raises(InvalidCif, match="10001 atoms are listed"):
        Crystal.from_cif(many)
    images = cif("90 90 90 90 90 90", listed("F m -3 m"), [("Li", k / 6000, 0, 0, 1) for k in range(6000)])
    with pytest.raises(InvalidCif, match="images"):
        Crystal.from_cif(images)


def test_bytes_with_a_byte_order_mark() -> None:
    assert Crystal.from_cif(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()) == Crystal.from_cif(GOOD)


BASES = [GOOD, cif(*ARGYRODITE), cif(LGPS[0], listed(LGPS[1]), LGPS[2])]
CUT = st.tuples(
    st.floats(0, 1), st.integers(0, 30), st.text(alphabet="0123456789.-+?'\"\n _loopdataxyz,/#;Li()\0é", max_size=8)
)


@settings(max_examples=300)
@given(st.sampled_from(BASES), st.lists(CUT, min_size=1, max_size=4))
def test_mutated_text_is_read_or_refused(base: str, cuts: list[tuple[float, int, str]]) -> None:
    for where, length, inserted in cuts:
        at = int(where * len(base))
        base = base[:at] + inserted + base[at + length :]
    try:
        crystal = Crystal.from_cif(base)
    except SuperionError as fault:
        assert isinstance(fault, InvalidCif) and fault.field == "cif"
    else:
        assert np.isfinite(crystal.density)


@settings(max_examples=150)
@given(st.sampled_from(BASES), st.randoms(use_true_random=False))
def test_shuffled_lines_are_read_or_refused(base: str, random: object) -> None:
    lines = base.splitlines()
    first, second = sorted(random.randrange(len(lines)) for _ in range(2))  # type: ignore[attr-defined]
    part = lines[first : second + 1]
    random.shuffle(part)  # type: ignore[attr-defined]
    try:
        Crystal.from_cif("\n".join(lines[:first] + part + lines[second + 1 :]))
    except SuperionError as fault:
        assert isinstance(fault, InvalidCif) and fault.field == "cif"


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_garbage_is_refused(content: str | bytes) -> None:
    with pytest.raises(InvalidCif):
        Crystal.from_cif(content)


def test_chains_of_atoms_are_no_one_site() -> None:
    """Each atom lies on the next, so they would all be one site, of any extent."""
    atoms = [("Li", k / 1000, 0, 0, 1e-3) for k in range(1000)]
    with pytest.raises(InvalidCif, match=r"form a chain of 22\.50 angstrom"):
        Crystal.from_cif(cif("45 5 5 90 90 90", listed("P 1"), atoms))
    short = Crystal.from_cif(cif("45 5 5 90 90 90", listed("P 1"), atoms[:5]))
    assert short.n_sites == 1 and "within 0.180 angstrom and were read as one site" in short.notes[0]


@pytest.mark.parametrize("edge", [1, 2, 4, 8])
@pytest.mark.parametrize("name", ["P 1", "F m -3 m"])
def test_thousands_of_atoms_in_no_space_are_read_or_refused(edge: int, name: str) -> None:
    random = np.random.default_rng(edge)
    atoms = [("Li", *random.random(3).round(5).tolist(), 1e-4) for _ in range(1000)]
    try:
        crystal = Crystal.from_cif(cif(f"{edge} {edge} {edge} 90 90 90", listed(name), atoms))
    except InvalidCif:
        return
    assert crystal.volume / crystal.n_sites >= 0.2
