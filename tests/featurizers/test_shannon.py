"""Shannon's radii, held against pymatgen's, and ions compared by them."""

from __future__ import annotations

import pytest
from pymatgen.core import Species

from superion.featurizers.shannon import ion_radii, radii_of_both

ROMAN = {2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 8: "VIII", 12: "XII"}


@pytest.mark.parametrize(
    ("symbol", "charge"), [("Li", 1), ("P", 5), ("Sb", 5), ("Zr", 4), ("S", -2), ("O", -2), ("I", -1), ("La", 3)]
)
def test_radii_are_those_of_pymatgen(symbol: str, charge: int) -> None:
    radii = ion_radii(symbol, charge)
    assert radii
    for number in radii.keys() & ROMAN.keys():
        assert radii[number] == pytest.approx(Species(symbol, charge).get_shannon_radius(ROMAN[number]), abs=5e-4)


def test_of_two_spin_states_the_high_one_counts() -> None:
    high = Species("Fe", 2).get_shannon_radius("VI", spin="High Spin")
    assert ion_radii("Fe", 2)[6] == pytest.approx(high)
    assert Species("Fe", 2).get_shannon_radius("VI", spin="Low Spin") < high


def test_ions_are_compared_in_like_surroundings() -> None:
    assert radii_of_both(("P", 5), ("Sb", 5)) == (0.38, 0.6)  # at six neighbours, the only number of both
    four_and_six = ion_radii("Ge", 4)
    phosphorus = ion_radii("P", 5)
    expected = (phosphorus[4] + phosphorus[6]) / 2, (four_and_six[4] + four_and_six[6]) / 2
    assert radii_of_both(("P", 5), ("Ge", 4)) == pytest.approx(expected)
    assert radii_of_both(("B", 3), ("Ba", 2)) == (ion_radii("B", 3)[6], ion_radii("Ba", 2)[6])
    assert radii_of_both(("S", 6), ("I", -1)) == (ion_radii("S", 6)[6], ion_radii("I", -1)[6])
    assert radii_of_both(("N", 3), ("K", 1)) == (ion_radii("N", 3)[6], ion_radii("K", 1)[6])


def test_ions_with_no_number_in_common_are_compared_at_the_closest_ones() -> None:
    nitride, rubidium = ion_radii("N", -3), ion_radii("Rb", 1)
    assert not nitride.keys() & rubidium.keys()
    assert radii_of_both(("N", -3), ("Rb", 1)) == (nitride[4], rubidium[6])


def test_what_is_not_listed_has_no_radius() -> None:
    assert ion_radii("Li", 2) == {}
    assert radii_of_both(("Li", 2), ("Li", 1)) is None
