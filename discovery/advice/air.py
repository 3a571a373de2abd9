"""What moist air does to a material, by its class.

Sources: sulfides, H. Muramatsu et al., Solid State Ionics 182, 116 (2011); garnets, A. Sharafi et al., J. Mater. Chem.
A 5, 13475 (2017), doi:10.1039/C7TA03162A; halides, X. Li et al., Energy Environ. Sci. 13, 1429 (2020),
doi:10.1039/C9EE03828K. Hydrides, nitrides, phosphides and lithium-rich oxides behave as any textbook of inorganic
chemistry has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from superion.featurizers.formula import Formula
from superion.training.families import ANIONS, HYDRIDE_FORMERS, PNICTIDES, anion_family

__all__ = ["air_sensitivities"]

GASES = {
    "S": ("sulfide", "gives off toxic hydrogen sulfide in moist air"),
    "Se": ("selenide", "gives off very toxic hydrogen selenide in moist air"),
    "Te": ("telluride", "gives off very toxic hydrogen telluride in moist air"),
    "P": ("phosphide", "gives off toxic, flammable phosphine in moist air"),
    "As": ("arsenide", "gives off very toxic arsine in moist air"),
    "Sb": ("antimonide", "gives off toxic stibine in moist air"),
    "N": ("nitride", "gives off ammonia in moist air"),
}
"""Anions that moisture turns into a gas: class, and what is said of it."""

HALIDES = {"Cl": "chloride", "Br": "bromide", "I": "iodide"}
LEAST_OF_ANIONS = 0.5
"""Share of the anions from which on chloride, bromide and iodide make a material take up water."""

CLOSED_CAGE = 1.25
"""Hydrogen atoms per boron up to which the boron forms closed cages, as in B12H12, that water leaves alone."""

RARE_EARTHS = frozenset({"La", "Ce", "Pr", "Nd", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Y"})
GARNET_RATIO = 0.4
"""Lithium per oxygen from which on an oxide with a rare earth is a garnet: 5 to 12 in Li5La3Ta2O12."""
LITHIUM_RICH = 0.7
"""Lithium per oxygen from which on any other oxide takes up carbon dioxide: as Li4SiO4 and Li5AlO4, not Li2SiO3."""
ACIDIC = frozenset({"P", "S", "Se", "C", "N", "Cl", "Br", "I", "As", "V", "Cr", "Mo", "W"})
"""Elements whose oxoanions are too weak a base to take up carbon dioxide."""
WITHOUT_FRAMEWORK = frozenset({"Li", "Na", "K", "Mg", "Ca", "Sr", "Ba", "H"})
"""Cations of antiperovskites and hydroxide halides."""


def air_sensitivities(formula: Formula, charges: Mapping[str, float]) -> tuple[str, ...]:
    """Return what moist air does to a material, each as the class, a colon and what happens; the worst first.

    `charges` are the oxidation states of its elements, empty where they are not known: then the anion is the one that
    `anion_family` names.
    """
    return tuple(_found(formula, charges))


def _found(formula: Formula, charges: Mapping[str, float]) -> Iterator[str]:
    anions = _anions(formula, charges)
    if "C" in formula and "N" in anions and "O" not in formula:
        # In SCN and N(CN)2 neither nitrogen nor sulfur is an ion of its own.
        yield "cyanide or thiocyanate: takes up water from air"
        return
    for symbol, (name, what) in GASES.items():
        if symbol not in anions:
            continue
        if symbol == "N" and formula.amount("O") > formula.amount("N"):
            yield "oxynitride: takes up water and carbon dioxide slowly"
        else:
            yield f"{name}: {what}"
    if "H" in anions:
        yield _hydride(formula)
    if "F" in anions and "O" not in formula and any(symbol in formula for symbol in ("P", "B", "As")):
        yield "complex fluoride: moisture sets hydrogen fluoride free"
    halogens = [symbol for symbol in HALIDES if symbol in anions]
    total = sum(formula.amount(symbol) for symbol in anions)
    bare = set(formula.symbols) - anions <= WITHOUT_FRAMEWORK
    if halogens and "O" in anions and bare:
        yield "antiperovskite: takes up water and carbon dioxide, and turns into hydroxide and carbonate"
    elif halogens and sum(map(formula.amount, halogens)) >= LEAST_OF_ANIONS * total:
        name = HALIDES[max(halogens, key=formula.amount)]
        yield f"{name}: takes up water from air and hydrolyses when heated moist"
    if anions == {"O"}:
        yield from _oxide(formula)


def _anions(formula: Formula, charges: Mapping[str, float]) -> set[str]:
    family = anion_family(formula)
    # In closed borates hydrogen has no charge that a formula could tell.
    hydrides = {"H"} if family == "hydrides" else set()
    if charges:
        known = (*ANIONS, *PNICTIDES, "H")
        return {symbol for symbol in known if charges.get(symbol, 0.0) < 0} | hydrides
    names = {name: symbol for symbol, name in (*ANIONS.items(), *PNICTIDES.items())}
    return {names[family]} if family in names else hydrides


def _hydride(formula: Formula) -> str:
    hydrogen, boron = formula.amount("H"), formula.amount("B")
    if boron and "Al" not in formula and hydrogen <= CLOSED_CAGE * boron:
        return "closo-borate: takes up water, which is to be driven off before measuring"
    kind = "hydridoborate" if boron else "hydride"
    if not any(symbol in formula for symbol in HYDRIDE_FORMERS):
        kind = "hydride"
    return f"{kind}: reacts with water and gives off flammable hydrogen"


def _oxide(formula: Formula) -> Iterator[str]:
    per_oxygen = formula.amount("Li") / formula.amount("O")
    rare_earth = any(symbol in formula for symbol in RARE_EARTHS)
    if "H" in formula and set(formula.symbols) <= WITHOUT_FRAMEWORK | {"O"}:
        yield "hydroxide: takes up water and carbon dioxide from air"
    elif rare_earth and per_oxygen >= GARNET_RATIO and not any(symbol in formula for symbol in ACIDIC):
        yield "lithium garnet: exchanges lithium for protons in moist air and grows a skin of lithium carbonate"
    elif per_oxygen >= LITHIUM_RICH and not any(symbol in formula for symbol in ACIDIC):
        yield "lithium-rich oxide: turns into lithium carbonate at the surface in moist air"
