"""Ask a running service (`superion serve`) for predictions: two formulas, a CIF file, and one that cannot be read.

python examples/predict_over_http.py [URL]
"""

from __future__ import annotations

import sys
from pathlib import Path

import superion
from superion.client import Failure

CIF = Path(__file__).parent / "argyrodite.cif"


def main(url: str = "http://127.0.0.1:3000") -> None:
    """Send one request and print a line for each material."""
    materials = [
        {"id": "argyrodite", "formula": "Li6PS5Cl"},
        {"id": "garnet", "formula": "Li6.4La3Zr1.4Ta0.6O12"},
        CIF,
        {"id": "slip", "formula": "Li6PS5Cll"},
    ]
    with superion.Client(url) as client:
        answer = client.predict(materials, temperature_C=25, confidence=0.9)
    print(f"model {answer.model.name} {answer.model.version}")
    for one in answer.predictions:
        if isinstance(one, Failure):
            print(f"{one.id:<14} {one.error.message}")
            continue
        log10 = one.conductivity.log10_S_per_cm
        print(
            f"{one.id:<14} {one.formula:<24} {one.conductivity.mS_per_cm:.2g} mS/cm, "
            f"90 % between {1e3 * 10**log10.lower:.1g} and {1e3 * 10**log10.upper:.1g}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
