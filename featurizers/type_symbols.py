"""What the names of atom types in files stand for: elements, vacancies, isotopes."""

from __future__ import annotations

import re
from functools import lru_cache

from superion.featurizers.element_data import ATOMIC_NUMBER

VACANCY = "vacancy"
"""What `read_type` returns for a name that stands for an empty site."""

_CHARGE = r"(?:[0-9]*\.?[0-9]*[+-]?[0-9]*)"
_ELEMENT = re.compile(rf"([0-9]{{0,3}})([A-Za-z]{{1,2}}){_CHARGE}")
_EMPTY = re.compile(rf"(?:va|vac|vacancy|x|xva|xvac|[□◻☐]){_CHARGE}", re.IGNORECASE)
_HYDROGEN = ("D", "T")
_SHOWN = 5


@lru_cache(maxsize=1024)
def read_type(text: str) -> str | None:
    """Return the element of a name such as `Li`, `LI`, `Li1+`, `7Li` or `D`, `VACANCY`, or None for another name.

    Vacancies are `Va`, `Vac`, `vacancy`, `X`, `Xva`, `Xvac` and an open square, with a charge or without.
    """
    if _EMPTY.fullmatch(text):
        return VACANCY
    match = _ELEMENT.fullmatch(text)
    symbol = match.group(2).capitalize() if match else ""
    if symbol in _HYDROGEN:
        return "H"
    return symbol if symbol in ATOMIC_NUMBER else None


@lru_cache(maxsize=1024)
def is_isotope(text: str) -> bool:
    """Tell whether a name that `read_type` reads is that of an isotope, such as `D` or `7Li`."""
    match = _ELEMENT.fullmatch(text)
    return match is not None and (match.group(1) != "" or match.group(2).capitalize() in _HYDROGEN)


class TypeNotes:
    """Gather what is to be said of vacancies and isotopes, so that it is said once per name and not per atom."""

    def __init__(self) -> None:
        self._vacancies: dict[str, list[str]] = {}
        self._isotopes: dict[tuple[str, str], list[str]] = {}

    def vacancy(self, name: str, atom: str) -> None:
        """Remember that `atom`, of the type `name`, is left out."""
        self._vacancies.setdefault(name, []).append(atom)

    def isotope(self, name: str, symbol: str, atom: str) -> None:
        """Remember that `atom`, of the type `name`, is read as the element `symbol`."""
        self._isotopes.setdefault((name, symbol), []).append(atom)

    def notes(self) -> list[str]:
        """Return one note per name."""
        return [
            *(f"{name!r} stands for a vacancy; left out: {_some(atoms)}" for name, atoms in self._vacancies.items()),
            *(
                f"{name!r} is an isotope and was read as {symbol}, which is all that the models know: {_some(atoms)}"
                for (name, symbol), atoms in self._isotopes.items()
            ),
        ]


def _some(atoms: list[str]) -> str:
    distinct = list(dict.fromkeys(atoms))
    more = len(distinct) - _SHOWN
    return ", ".join(distinct[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
