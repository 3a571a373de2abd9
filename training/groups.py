"""What rows belong together: papers, compositions, families and chemical systems."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from superion.training.table import Measurement

_DOI_PREFIX = re.compile(r"^(https?://(dx\.)?doi\.org/|doi:\s*)")


def paper_groups(rows: Sequence[Measurement]) -> list[str]:
    """Return the group of every row: the first of the DOIs that it is linked with, else its composition."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    papers = [[_paper(part) for part in (row.doi or "").split("|") if part.strip()] for row in rows]
    for names in papers:
        for other in names[1:]:
            first, second = sorted((find(names[0]), find(other)))
            leader[second] = first
    by_composition: dict[str, str] = {}
    for row, names in zip(rows, papers, strict=True):
        if names:
            by_composition.setdefault(row.composition, find(names[0]))
    return [
        find(names[0]) if names else by_composition.get(row.composition, _own_group(row))
        for row, names in zip(rows, papers, strict=True)
    ]


def composition_groups(rows: Sequence[Measurement]) -> list[str]:
    """Return the group of every row: its composition."""
    return [_own_group(row) for row in rows]


def system_groups(rows: Sequence[Measurement]) -> list[str]:
    """Return the group of every row: its chemical system, such as `Cl-Li-P-S`."""
    return ["-".join(sorted(row.material.formula.symbols)) for row in rows]


def family_groups(rows: Sequence[Measurement]) -> list[str]:
    """Return the group of every row: its family, else that of the first row of its composition that has one, else its
    composition.

    Families are compared without regard to case and spaces, and otherwise as the table writes them: `nitride` and
    `nitrides` are two.
    """
    by_composition: dict[str, str] = {}
    for row in rows:
        if (name := family(row)) is not None:
            by_composition.setdefault(row.composition, name)
    return [family(row) or by_composition.get(row.composition, _own_group(row)) for row in rows]


def family(row: Measurement) -> str | None:
    """Return the family that the table gives a row, in one way of writing; None where it gives none."""
    return " ".join((row.family or "").casefold().split()) or None


def has_paper(row: Measurement) -> bool:
    """Tell whether a row names a paper."""
    return any(part.strip() for part in (row.doi or "").split("|"))


GROUPINGS: Mapping[str, Callable[[Sequence[Measurement]], list[str]]] = {
    "paper": paper_groups,
    "composition": composition_groups,
    "family": family_groups,
    "chemical_system": system_groups,
}
"""By what rows can be kept together."""


def _paper(doi: str) -> str:
    """Write a DOI one way, however it was given: bare, with `doi:` or as a link."""
    return _DOI_PREFIX.sub("", doi.strip().lower())


def _own_group(row: Measurement) -> str:
    return f"composition {row.composition}"
