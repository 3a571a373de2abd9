"""Sites whose contents are names in, a `Crystal` out: vacancies left out, isotopes read as their elements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from superion.errors import InvalidCrystal
from superion.featurizers.crystal import Crystal
from superion.featurizers.crystal_checks import MAX_OCCUPANCY, Species
from superion.featurizers.type_symbols import VACANCY, TypeNotes, is_isotope, read_type

_CHARGE = re.compile(r"(?:[0-9]*\.?[0-9]*[+-])$")
_HYDROGEN = ("D", "T")


def crystal_of_sites(
    lattice: ArrayLike,
    fractional: Sequence[Any] | NDArray[np.float64],
    held: Sequence[Iterable[tuple[str, Any]]],
    labels: Sequence[str] | None = None,
    number: int | None = None,
    notes: Sequence[str] = (),
) -> Crystal:
    """Return the crystal of sites that hold (name, occupancy) pairs, such as `Li`, `Li+`, `D`, `X` or `vacancy`.

    `lattice` has shape (3, 3) [angstrom], `fractional` (n_sites, 3). A vacancy under the name `vacancy` is the rest of
    its site and needs no note; others, such as dummies, are left out with a note, and so are sites that hold no more.
    An occupancy that a refinement left slightly above 1 is read as 1 with a note, as from a CIF.

    Raises InvalidCrystal, for a name that is no element among others.
    """
    remarks = TypeNotes()
    rounded: list[str] = []
    species: list[Species] = []
    kept: list[int] = []
    for k, given in enumerate(held):
        place = labels[k] if labels else f"site {k}"
        pairs = [(_symbol(name, place, remarks), share) for name, share in given]
        site = tuple([(symbol, float(share)) for symbol, share in pairs if symbol != VACANCY])
        if any(share > 1.0 for _, share in site):
            site = tuple([(symbol, _at_most_one(share, symbol, place, rounded)) for symbol, share in site])
        if site or not pairs:  # a site without pairs is for `Crystal` to refuse
            kept.append(k)
            species.append(site)
    said = [*notes, *remarks.notes(), *rounded]
    if len(kept) < len(held):
        if not kept:
            raise InvalidCrystal("every site holds nothing but vacancies", field="species")
        said.append(f"{len(held) - len(kept)} sites hold nothing but vacancies and were left out")
        fractional = [fractional[k] for k in kept]
        labels = None if labels is None else [labels[k] for k in kept]
    return Crystal(
        lattice=lattice,  # type: ignore[arg-type]
        fractional_coordinates=fractional,  # type: ignore[arg-type]
        species=tuple(species),
        space_group_number=number,
        labels=None if labels is None else tuple(labels),
        notes=tuple(said),
    )


def _at_most_one(share: float, symbol: str, place: str, rounded: list[str]) -> float:
    if not 1.0 < share <= MAX_OCCUPANCY:
        return share
    rounded.append(f"the occupancy {share:.6g} of {symbol} on {place} was read as 1")
    return 1.0


def _symbol(name: str, site: str, remarks: TypeNotes) -> str:
    """Return the element of `Li` or `Li+`, or `VACANCY`; `remarks` hears of dummies and isotopes."""
    kind = read_type(name)
    plain = _CHARGE.sub("", name)
    if kind == VACANCY:
        if name != VACANCY:
            remarks.vacancy(plain, site)
        return kind
    if kind is None or plain not in (kind, *_HYDROGEN):
        raise InvalidCrystal(f"{name[:40]!r} is no element", field="species", value=name)
    if is_isotope(name):
        remarks.isotope(plain, kind, site)
    return kind
