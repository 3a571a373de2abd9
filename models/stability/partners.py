"""Partners of an electrolyte by name: anodes with the potential of their lithium, collectors, coatings and cathodes.

With a named anode lithium is open at its potential, and what reacts is the electrolyte at that potential and the host
of the lithium. All other partners are met as they are, unless a potential is given.
"""

# ruff: noqa: N815 # units in names keep their capitals, as in answers

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from superion.errors import InvalidFormula, NoEquilibrium
from superion.featurizers.formula import Formula
from superion.models.stability.interface import Interface, Reactant, checked_potential, electrolyte_itself, react
from superion.models.stability.phases import PhaseTable

__all__ = ["PARTNERS", "ROLES", "Meeting", "Partner", "Role", "meet", "meet_all", "partner_named"]

Role = Literal["anode", "current collector", "coating", "cathode"]
ROLES: tuple[Role, ...] = ("anode", "current collector", "coating", "cathode")


@dataclass(frozen=True)
class Partner:
    """Hold what an electrolyte meets."""

    name: str
    roles: tuple[Role, ...]
    formula: str
    """Of an anode, the host without the lithium that it takes up."""
    potential_V: float | None = None
    """Against lithium metal, at which an anode holds lithium."""
    source: str | None = None
    """Of the potential, or of the composition."""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Meeting:
    """Hold the contact with one partner."""

    table: str
    electrolyte: Reactant
    partner: Partner | None
    """None for one that is no named partner."""
    interface: Interface | None
    """None where there is a fault."""
    fault: str | None = None
    code: str | None = None
    """Of the fault, as that of an error."""


_ANODES = (
    Partner("lithium", ("anode",), "Li", 0.0, aliases=("Li metal",)),
    Partner(
        "graphite",
        ("anode",),
        "C",
        0.1,
        "plateau of LiC6: T. Ohzuku, Y. Iwakoshi, K. Sawai, J. Electrochem. Soc. 140, 2490 (1993)",
    ),
    Partner(
        "silicon",
        ("anode",),
        "Si",
        0.33,
        "Si and Li12Si7 at 415 °C: C. J. Wen, R. A. Huggins, J. Solid State Chem. 37, 271 (1981)",
    ),
    Partner(
        "Li-Al",
        ("anode",),
        "Al",
        0.38,
        "Al and LiAl: C. J. Wen, B. A. Boukamp, R. A. Huggins, W. Weppner, J. Electrochem. Soc. 126, 2258 (1979)",
    ),
    Partner(
        "Li-In",
        ("anode",),
        "In",
        0.62,
        "In and InLi: A. L. Santhosha, L. Medenbach, J. R. Buchheim, P. Adelhelm, Batter. Supercaps 2, 524 (2019)",
    ),
    Partner(
        "lithium titanate",
        ("anode",),
        "Li4Ti5O12",
        1.55,
        "Li4Ti5O12 and Li7Ti5O12: T. Ohzuku, A. Ueda, N. Yamamoto, J. Electrochem. Soc. 142, 1431 (1995)",
        aliases=("LTO",),
    ),
)
_COLLECTORS = tuple(Partner(symbol, ("current collector",), symbol) for symbol in ("Cu", "Al", "Ni", "Fe"))
_CARBON = (Partner("C", ("current collector", "coating"), "C", aliases=("carbon",)),)
_COATINGS = tuple(
    Partner(formula, ("coating",), formula)
    for formula in ("Al2O3", "LiF", "Li3N", "Li2CO3", "Li3PO4", "LiNbO3", "ZnO", "Sb")
)
_CATHODES = (
    Partner("LiCoO2", ("cathode",), "LiCoO2", aliases=("LCO",)),
    Partner("NMC811", ("cathode",), "LiNi0.8Co0.1Mn0.1O2", aliases=("NCM811",)),
    Partner("LiFePO4", ("cathode",), "LiFePO4", aliases=("LFP",)),
    Partner("S", ("cathode",), "S", aliases=("sulfur",)),
)
PARTNERS: tuple[Partner, ...] = (*_ANODES, *_COLLECTORS, *_CARBON, *_COATINGS, *_CATHODES)
"""By role."""


def partner_named(text: str) -> Partner | None:
    """Return the partner of a name, in which case matters only where the name is a formula; None for no such name."""
    for partner in PARTNERS:
        if text == partner.name:
            return partner
    wanted = text.strip().casefold()
    for partner in PARTNERS:
        names = partner.aliases if partner.name == partner.formula else (partner.name, *partner.aliases)
        if wanted in (name.casefold() for name in names):
            return partner
    return None


def meet(table: PhaseTable, electrolyte: str | Formula, partner: str, potential: float | None = None) -> Meeting:
    """Let an electrolyte meet a partner, given by name or as a formula; `potential` goes before an anode's own.

    Raises what `react` raises.
    """
    known = partner_named(partner)
    if known is None:
        try:
            theirs = Formula.parse(partner)
        except InvalidFormula as error:
            names = ", ".join(each.name for each in PARTNERS if each.name != each.formula)
            fault = f"{error.message}; the partner is a formula or one of {names}"
            raise InvalidFormula(fault, field="partner", value=partner) from error
        return _met(None, react(table, electrolyte, theirs, potential))
    open_at = known.potential_V if potential is None else potential
    return _met(known, react(table, electrolyte, Formula.parse(known.formula), open_at))


def meet_all(table: PhaseTable, electrolyte: str | Formula, potential: float | None = None) -> Iterator[Meeting]:
    """Let an electrolyte meet all named partners, in their order; `potential` is for all but the anodes.

    What the table does not know of a partner is a fault of that meeting, even where it is one of all meetings, and so
    is an equilibrium of the two that is not found. Raises what `react` raises of the electrolyte.
    """
    if potential is not None:
        checked_potential(potential)
    # Before any partner: where the table knows neither, the fault is the electrolyte's.
    own = electrolyte_itself(table, electrolyte)
    for partner in PARTNERS:
        open_at = potential if partner.potential_V is None else partner.potential_V
        try:
            found = react(table, own.formula, Formula.parse(partner.formula), open_at)
        except (InvalidFormula, NoEquilibrium) as error:
            if isinstance(error, InvalidFormula) and error.field != "partner":
                raise
            yield Meeting(table.name, own, partner, None, error.message, error.code)
        else:
            yield _met(partner, found)


def _met(partner: Partner | None, found: Interface) -> Meeting:
    return Meeting(found.table, found.electrolyte, partner, found)
