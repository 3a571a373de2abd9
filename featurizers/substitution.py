"""Which elements take each other's place in known compounds.

Two compounds that differ in one element alone, as LiZr2(PO4)3 and LiHf2(PO4)3 do, say that the two elements substitute
for one another. Counted over all compositions of the Materials Project this tells which elements are alike in crystal
chemistry, without a structure and without a measurement. The table is described in `featurizers/data/README.md`.

Source of the idea: H. Glawe, A. Sanna, E. K. U. Gross, M. A. L. Marques, New J. Phys. 18, 093011 (2016),
doi:10.1088/1367-2630/18/9/093011, who count replacements within structure types.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS


@cache
def replacements() -> npt.NDArray[np.float64]:
    """Return how the compounds of each element are shared out among those that take its place, shape (118, 118).

    A row sums to 1 and is 0 for the element itself; an element that nothing was found to replace stands for itself.
    """
    counts = np.zeros((len(SYMBOLS), len(SYMBOLS)))
    text = resources.files("superion.featurizers").joinpath("data/substitutions.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        one, other = ATOMIC_NUMBER[row["element"]] - 1, ATOMIC_NUMBER[row["other"]] - 1
        counts[one, other] = counts[other, one] = float(row["weight"])
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.eye(len(SYMBOLS)), where=total > 0.0)
    shares.setflags(write=False)
    return shares
