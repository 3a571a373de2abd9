"""Bond-valence parameters of cation-anion pairs: the softBV set, its relations, and estimates beyond it.

The bond valence at the distance r is `s = exp((r0 - r) / b)`; the same pair's Morse potential has its minimum at
`r_min`, the depth `d0` and the steepness `1 / b`.

Sources. [Chen2019] H. Chen, L. L. Wong, S. Adams, Acta Cryst. B 75, 18-33 (2019), doi:10.1107/S2052520618015718
(softBV: the parameters). [Adams2011] S. Adams, R. Prasada Rao, Phys. Status Solidi A 208, 1746-1753 (2011) (the
relations of minimum and depth). [Chen2017] H. Chen, S. Adams, IUCrJ 4, 614-625 (2017),
doi:10.1107/S2052252517010211 (b from softness). [OKeeffe1991] M. O'Keeffe, N. E. Brese, J. Am. Chem. Soc. 113,
3226-3229 (1991), doi:10.1021/ja00009a002 (r0 of any pair). [Cordero2008] B. Cordero et al., Dalton Trans. 2832-2838
(2008), doi:10.1039/b801115j (covalent radii).

`featurizers/data/README.md` says where the numbers were read and how far the estimates are off.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from superion.errors import InvalidValue, UnknownBondValence
from superion.featurizers.element_data import ATOMIC_NUMBER

__all__ = [
    "BondValenceParameters",
    "bond_valence_parameters",
    "covalent_radius",
    "estimated_parameters",
    "principal_quantum_number",
    "softbv_radius",
    "tabulated_charges",
]

COULOMB = 14.4
"""Energy of two unit charges at one angstrom [eV angstrom], with the digits that softBV uses."""
MINIMUM_SCALE = 0.9185
"""r_min = r0 (MINIMUM_SCALE + SOFTNESS_WEIGHT |difference of softness|) - b ln(charge / coordination) [Adams2011]."""
SOFTNESS_WEIGHT = 0.2285
"""See `MINIMUM_SCALE`."""
UNIVERSAL_B = 0.37
"""The b that [OKeeffe1991]'s r0 belong to [angstrom]."""
B_AT_EQUAL_SOFTNESS = 0.4004
"""b = B_AT_EQUAL_SOFTNESS + B_SLOPE |softness of the anion - that of the cation - offset| [angstrom], after [Chen2017];
fitted to the tabulated halides and chalcogenides by least absolute deviations (median deviation 0.0003 angstrom)."""
B_SLOPE = 1.777
"""See `B_AT_EQUAL_SOFTNESS` [angstrom]."""

NO_SOFTNESS = 0.9
"""softBV writes 0.99999 where it has no softness (Tb4+); soft ions have 0.3."""

_LAST_NOBLE_GASES = (2, 10, 18, 36, 54, 86, 118)
# Anions that softBV does not have take the softness of the tabulated anion of their period.
_LIKE = {"C": "N", "Si": "P", "Ge": "As", "Sn": "Sb", "Pb": "Sb", "Bi": "Sb"}


@dataclass(frozen=True)
class BondValenceParameters:
    """Hold the parameters of one cation-anion pair."""

    r0: float
    """Distance of bond valence one [angstrom]."""
    b: float
    """Decay length of the bond valence [angstrom], above 0; the Morse steepness alpha is its inverse."""
    r_min: float
    """Distance of the Morse minimum [angstrom]."""
    d0: float
    """Depth of the Morse potential [eV]."""
    source: str
    """"softBV" where all four are tabulated, else what they were taken or estimated from."""


@dataclass(frozen=True)
class _Ion:
    block: str
    radius: float
    softness: float
    coordination: float | None


_Key = tuple[str, int, str, int]


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("superion.featurizers").joinpath(f"data/{name}").read_text(encoding="utf-8")
    return csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


@cache
def _ions() -> dict[tuple[str, int], _Ion]:
    return {
        (row["symbol"], int(row["charge"])): _Ion(
            row["block"],
            float(row["radius"]),
            float(row["softness"]),
            float(row["coordination"]) if row["coordination"] else None,
        )
        for row in _rows("softbv_ions.csv")
    }


@cache
def _pairs() -> dict[_Key, BondValenceParameters]:
    pairs = {}
    for row in _rows("softbv_pairs.csv"):
        key = (row["cation"], int(row["cation_charge"]), row["anion"], int(row["anion_charge"]))
        r0, b = float(row["r0"]), float(row["b"])
        if row["r_min"]:
            pairs[key] = BondValenceParameters(r0, b, float(row["r_min"]), float(row["d0"]), "softBV")
        else:
            pairs[key] = _complete(key, r0, b, "softBV r0 and b; r_min and d0 from its relations")
    return pairs


@cache
def _radii() -> dict[str, tuple[float, float | None, float | None]]:
    return {
        row["symbol"]: (
            float(row["covalent_radius"]),
            float(row["bond_valence_r"]) if row["bond_valence_r"] else None,
            float(row["bond_valence_c"]) if row["bond_valence_c"] else None,
        )
        for row in _rows("bond_radii.csv")
    }


@cache
def bond_valence_parameters(
    cation: str, cation_charge: float, anion: str, anion_charge: float
) -> BondValenceParameters:
    """Return the parameters of one pair of ions.

    Tried in turn: the pair as softBV has it; the same cation with the same anion element in another charge (S- after
    S2-); for a cation whose charge softBV does not have, the nearest charge with that anion; `estimated_parameters`.
    `source` says which. A mean charge that is no whole number lies linearly between the neighbouring whole ones.

    Raises InvalidValue for charges of the wrong sign and symbols that are no elements, and UnknownBondValence where
    nothing is known of a pair.
    """
    _check(cation, cation_charge, anion, anion_charge)
    if cation_charge != int(cation_charge):
        return _between(cation, cation_charge, anion, anion_charge, vary="cation")
    if anion_charge != int(anion_charge):
        return _between(cation, cation_charge, anion, anion_charge, vary="anion")
    key = (cation, int(cation_charge), anion, int(anion_charge))
    if key in _pairs():
        return _pairs()[key]
    related = _related(key)
    if related is None:
        return estimated_parameters(*key)
    row = _pairs()[related]
    return _complete(key, row.r0, row.b, f"softBV r0 and b of {_name(*related)}; r_min and d0 from its relations")


def _check(cation: str, cation_charge: float, anion: str, anion_charge: float) -> None:
    for field, symbol in (("cation", cation), ("anion", anion)):
        if symbol not in ATOMIC_NUMBER:
            raise InvalidValue(f"{symbol!r} is no element; give a symbol such as Li", field=field, value=symbol)
    for field, charge in (("cation_charge", cation_charge), ("anion_charge", -anion_charge)):
        if not 0 < charge <= 9:
            raise InvalidValue(
                f"the charge {charge if field == 'cation_charge' else -charge:g} does not belong to "
                f"{'a cation' if field == 'cation_charge' else 'an anion'}; 0 to 9 with the right sign is accepted",
                field=field,
                value=charge,
            )


def _between(cation: str, cation_charge: float, anion: str, anion_charge: float, vary: str) -> BondValenceParameters:
    """Return the mean of the parameters at the whole charges around a broken one, weighted by nearness."""
    broken = cation_charge if vary == "cation" else anion_charge
    low, high = math.floor(broken), math.ceil(broken)
    low, high = (low or high, high or low)  # a charge within one unit of zero has one neighbour only
    weight = broken - math.floor(broken)
    ends = [
        bond_valence_parameters(cation, end, anion, anion_charge)
        if vary == "cation"
        else bond_valence_parameters(cation, cation_charge, anion, end)
        for end in (low, high)
    ]
    r0, b, r_min, d0 = (
        (1 - weight) * getattr(ends[0], name) + weight * getattr(ends[1], name) for name in ("r0", "b", "r_min", "d0")
    )
    return BondValenceParameters(r0, b, r_min, d0, f"between {ends[0].source} and {ends[1].source}")


def _related(key: _Key) -> _Key | None:
    """Return the tabulated pair of the same elements to take r0 and b from, None where estimates are nearer the truth.

    For a charge that softBV has a softness for, an estimate is: over the 300 pairs of elements tabulated with two
    charges of the cation, the bond length of the other charge is off by 0.06 angstrom (median), the estimate by 0.03.
    """
    cation, charge, anion, anion_charge = key
    candidates = [other for other in _pairs() if other[0] == cation and other[2] == anion]
    if _nearest_ion(cation, charge)[1] == charge:
        candidates = [other for other in candidates if other[1] == charge]
    return min(
        candidates,
        key=lambda other: (abs(other[1] - charge), abs(other[3] - anion_charge), -other[1]),
        default=None,
    )


def estimated_parameters(cation: str, cation_charge: int, anion: str, anion_charge: int) -> BondValenceParameters:
    """Estimate the parameters of a pair from those of the other anions of its cation, as if it were not tabulated.

    b follows from the softness of the two ions. r0 is chosen so that the bond of valence charge / coordination is as
    long as with the element parameters of [OKeeffe1991], shifted by the median difference between the two sets over the
    cation's other tabulated pairs. r_min and d0 follow from softBV's relations.

    Raises UnknownBondValence for an element without parameters.
    """
    key = (cation, cation_charge, anion, anion_charge)
    ion, kin = _nearest_ion(cation, cation_charge)
    tabulated = _universal_r0(cation, anion)
    if ion is None or kin is None or ion.coordination is None or tabulated is None:
        missing = anion if ion is not None and _radii().get(cation, (0, None, None))[1] is not None else cation
        raise UnknownBondValence(
            f"no bond-valence parameters are known of {_name(*key)}: there is nothing on {missing} to estimate from",
            field="cation" if missing == cation else "anion",
            value=missing,
        )
    spread = math.log(kin / ion.coordination)
    shifts = [
        row.r0 - row.b * spread - (universal - UNIVERSAL_B * spread)
        for other, row in _pairs().items()
        if other[:2] == (cation, kin) and other != key and (universal := _universal_r0(cation, other[2])) is not None
    ]
    b = _b_of(ion, anion, anion_charge)
    length = tabulated - UNIVERSAL_B * spread + (statistics.median(shifts) if shifts else 0.0)
    return _complete(key, length + b * spread, b, "estimated from softness and O'Keeffe-Brese radii")


def _complete(key: _Key, r0: float, b: float, source: str) -> BondValenceParameters:
    """Add the Morse minimum and depth that softBV's relations give to r0 and b."""
    cation, charge, anion, anion_charge = key
    ion, kin = _nearest_ion(cation, charge)
    if ion is None or ion.coordination is None or kin is None:
        raise UnknownBondValence(f"softBV knows no {cation}{charge}+", field="cation", value=cation)
    scale = MINIMUM_SCALE + SOFTNESS_WEIGHT * abs(ion.softness - _anion_softness(anion, anion_charge))
    r_min = r0 * scale - b * math.log(charge / ion.coordination)
    d0 = d0_of(cation, ion.block, charge, anion, anion_charge, b, r_min)
    return BondValenceParameters(r0, b, r_min, d0, source)


def d0_of(cation: str, block: str, cation_charge: int, anion: str, anion_charge: int, b: float, r_min: float) -> float:
    """Return the Morse depth [eV] of b and r_min [angstrom].

    `c k (c V_A V_X)^(1/c) b^2 / (2 r_min sqrt(n_A n_X))` with k 14.4 eV angstrom, c 1 for s- and p-block cations and 2
    for d- and f-block ones. The relation of [Adams2011] is quoted without the c inside the bracket; with it, it holds
    for all pairs that softBV tabulates.
    """
    c = 2 if block in ("d", "f") else 1
    charges = (c * cation_charge * -anion_charge) ** (1 / c)
    quantum = principal_quantum_number(cation) * principal_quantum_number(anion)
    return c * COULOMB * charges * b**2 / (2 * r_min * math.sqrt(quantum))


def _nearest_ion(symbol: str, charge: int) -> tuple[_Ion | None, int | None]:
    """Return the cation of softBV whose charge is nearest, the higher one of two, and that charge."""
    charges = [
        q
        for q in tabulated_charges(symbol)
        if q > 0 and _ions()[symbol, q].coordination is not None and _ions()[symbol, q].softness < NO_SOFTNESS
    ]
    if not charges:
        return None, None
    nearest = min(charges, key=lambda q: (abs(q - charge), -q))
    return _ions()[symbol, nearest], nearest


def _anion_softness(symbol: str, charge: int) -> float:
    symbol = _LIKE.get(symbol, symbol)
    charges = [q for q in tabulated_charges(symbol) if q < 0]
    if not charges:
        raise UnknownBondValence(f"softBV knows no anion of {symbol}", field="anion", value=symbol)
    return _ions()[symbol, min(charges, key=lambda q: abs(q - charge))].softness


def _b_of(cation: _Ion, anion: str, anion_charge: int) -> float:
    """Return b [angstrom] from the difference of softness; the offset of the minimum depends on the kind of anion."""
    offset = 0.148 if anion == "H" else 0.054 if anion_charge > -3 else 0.030
    difference = _anion_softness(anion, anion_charge) - cation.softness
    return B_AT_EQUAL_SOFTNESS + B_SLOPE * abs(difference - offset)


def _universal_r0(first: str, second: str) -> float | None:
    """Return r0 [angstrom] for b of 0.37 angstrom from the element parameters of [OKeeffe1991], None without them."""
    _, r1, c1 = _radii().get(first, (0.0, None, None))
    _, r2, c2 = _radii().get(second, (0.0, None, None))
    if r1 is None or r2 is None or c1 is None or c2 is None:
        return None
    return r1 + r2 - r1 * r2 * (math.sqrt(c1) - math.sqrt(c2)) ** 2 / (c1 * r1 + c2 * r2)


def _name(cation: str, charge: int, anion: str, anion_charge: int) -> str:
    return f"{cation}{charge}+ {anion}{-anion_charge}-"


@cache
def tabulated_charges(symbol: str) -> tuple[int, ...]:
    """Return the charges of an element that softBV has, ascending; none for an element that it does not have."""
    return tuple(sorted(charge for element, charge in _ions() if element == symbol))


def principal_quantum_number(symbol: str) -> int:
    """Return the principal quantum number of the valence shell, which is the element's period.

    Raises InvalidValue for what is no element.
    """
    if symbol not in ATOMIC_NUMBER:
        raise InvalidValue(f"{symbol!r} is no element; give a symbol such as Li", field="symbol", value=symbol)
    return 1 + sum(ATOMIC_NUMBER[symbol] > last for last in _LAST_NOBLE_GASES)


def softbv_radius(symbol: str, charge: float) -> float:
    """Return softBV's covalent radius of an ion [angstrom]; of a charge that it lacks, the nearest one of that sign.

    Raises UnknownBondValence for an ion of which softBV has no charge of that sign.
    """
    charges = [q for q in tabulated_charges(symbol) if q * charge > 0]
    if not charges:
        sign = "cation" if charge > 0 else "anion"
        raise UnknownBondValence(f"softBV has no radius of a {symbol} {sign}", field="symbol", value=symbol)
    return _ions()[symbol, min(charges, key=lambda q: (abs(q - charge), -q))].radius


def covalent_radius(symbol: str) -> float:
    """Return the covalent radius of an element [angstrom] [Cordero2008].

    Raises UnknownBondValence beyond curium.
    """
    if symbol not in _radii():
        raise UnknownBondValence(f"no covalent radius is known of {symbol!r}", field="symbol", value=symbol)
    return _radii()[symbol][0]
