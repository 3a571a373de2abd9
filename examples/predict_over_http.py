"""Ask a running service (`superion serve`) for predictions: two formulas, a CIF file, and one that cannot be read.

python examples/predict_over_http.py [URL]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.request import Request, urlopen

CIF = Path(__file__).parent / "argyrodite.cif"


def main(url: str = "http://127.0.0.1:3000") -> None:
    """Send one request and print a line for each material."""
    materials = [
        {"id": "argyrodite", "formula": "Li6PS5Cl"},
        {"id": "garnet", "formula": "Li6.4La3Zr1.4Ta0.6O12"},
        {"id": "from a CIF", "cif": CIF.read_text(encoding="utf-8")},
        {"id": "slip", "formula": "Li6PS5Cll"},
    ]
    body = json.dumps({"materials": materials, "temperature_C": 25, "confidence": 0.9}).encode()
    request = Request(f"{url}/predict", body, {"Content-Type": "application/json"})
    with urlopen(request) as answer:
        document = json.load(answer)
    print(f"model {document['model']['name']} {document['model']['version']}")
    for one in document["predictions"]:
        if "error" in one:
            print(f"{one['id']:<12} {one['error']['message']}")
            continue
        log10 = one["conductivity"]["log10_S_per_cm"]
        print(
            f"{one['id']:<12} {one['formula']:<24} {one['conductivity']['mS_per_cm']:.2g} mS/cm, "
            f"90 % between {1e3 * 10 ** log10['lower']:.1g} and {1e3 * 10 ** log10['upper']:.1g}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
