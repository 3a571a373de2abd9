"""The 132 Magpie features of a composition: six statistics of 22 element properties.

Columns and definitions are those of matminer's `ElementProperty.from_preset("magpie")`; `csrc/composition.h` writes the
statistics out. Source: L. Ward, A. Agrawal, A. Choudhary, C. Wolverton, npj Comput. Mater. 2, 16028 (2016).

Missing values. Magpie has no melting point for helium, no electronegativity for neon and so on. A feature that needs
such a value is NaN: it is neither zero nor taken over the other elements. With `impute=True` a missing value is the
mean of its property over the elements that have one, which is what matminer 0.10 does by default (`impute_nan=True`).
The elements 113 to 118 are in no Magpie table at all and are refused by name, either way.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidFormula
from superion.featurizers._composition import composition_statistics, read_compositions
from superion.featurizers.element_data import SYMBOLS, magpie_table

__all__ = ["MAGPIE_LABELS", "HasElements", "magpie"]

PROPERTIES = (
    "Number",
    "MendeleevNumber",
    "AtomicWeight",
    "MeltingT",
    "Column",
    "Row",
    "CovalentRadius",
    "Electronegativity",
    "NsValence",
    "NpValence",
    "NdValence",
    "NfValence",
    "NValence",
    "NsUnfilled",
    "NpUnfilled",
    "NdUnfilled",
    "NfUnfilled",
    "NUnfilled",
    "GSvolume_pa",
    "GSbandgap",
    "GSmagmom",
    "SpaceGroupNumber",
)
"""The element properties, in the order of the table and of matminer's preset."""

STATISTICS = ("minimum", "maximum", "range", "mean", "avg_dev", "mode")
"""The statistics of each property, in the order of the C core."""

MAGPIE_LABELS: tuple[str, ...] = tuple(
    f"MagpieData {statistic} {name}" for name in PROPERTIES for statistic in STATISTICS
)
"""Names of the 132 columns, as matminer gives them."""


class HasElements(Protocol):
    """Anything with elements and their amounts."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Chemical symbols, each once."""

    @property
    def amounts(self) -> tuple[float, ...]:
        """Amount of each, above 0, on any scale."""


def magpie(formulas: Iterable[HasElements | str], *, impute: bool = False) -> npt.NDArray[np.float64]:
    """Compute the Magpie features of each formula.

    Returns shape (n_formulas, 132), float64, columns `MAGPIE_LABELS`. The units are those of the properties (see
    `featurizers/data/README.md`). NaN stands for what needs a value that Magpie does not have, unless `impute`.

    Raises InvalidFormula for a string that is no formula, a formula without elements, an amount that is not above zero,
    and an element of which Magpie knows nothing.
    """
    if isinstance(formulas, str):
        raise InvalidFormula("a list of formulas is needed; put the one into a list", field="formulas", value=formulas)
    offsets, numbers, amounts = read_compositions(list(formulas), _parse)
    rows = numbers - 1
    unknown = rows[~_known()[rows]]
    if unknown.size:
        symbol = SYMBOLS[unknown[0]]
        raise InvalidFormula(f"Magpie has no data on {symbol}", field="symbols", value=symbol)
    statistics = composition_statistics(_table(impute), offsets, rows, amounts)
    return statistics.reshape(len(offsets) - 1, len(MAGPIE_LABELS))


def _parse(text: str) -> HasElements:
    # Here and not above: plain formulas and amounts at hand need no full parser.
    from superion.featurizers.formula import Formula

    return Formula.parse(text)


@cache
def _known() -> npt.NDArray[np.bool_]:
    """Tell of which elements Magpie knows anything, shape (118,)."""
    return ~np.isnan(magpie_table().values).all(axis=1)


@cache
def _table(impute: bool) -> npt.NDArray[np.float64]:
    """Return the property table, shape (118, 22), in the order of `PROPERTIES`."""
    table = magpie_table()
    if table.properties != PROPERTIES:
        raise RuntimeError("featurizers/data/magpie.csv is damaged: its columns are not those of the Magpie preset")
    if not impute:
        return table.values
    return np.where(np.isnan(table.values), np.nanmean(table.values, axis=0), table.values)
