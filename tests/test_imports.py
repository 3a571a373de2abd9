"""What an import may bring along: heavy packages are loaded by the part that needs them, never by the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CIF = Path(__file__).resolve().parent.parent / "examples" / "argyrodite.cif"

HEAVY = {
    "torch",
    "mlflow",
    "bentoml",
    "pymatgen",
    "torch_geometric",
    "matminer",
    "pandas",
    "sklearn",
    "scipy",
    "numpy",
    "gemmi",
    "botorch",
    "gpytorch",
    "sqlalchemy",
    "plotly",
}
TRACKING = {"mlflow", "bentoml", "pymatgen", "matminer"}

REPORT = (
    "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
)


def imported(statements: str) -> set[str]:
    """Return the top-level packages that are loaded after `statements` in a fresh interpreter."""
    command = [sys.executable, "-c", f"{statements}\n{REPORT}"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert finished.returncode == 0, finished.stderr
    return set(json.loads(finished.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    ("statements", "forbidden"),
    [
        pytest.param("import superion", HEAVY, id="superion"),
        pytest.param("import superion; superion.Client", HEAVY | {"fastapi", "starlette"}, id="client"),
        pytest.param("import superion.cli", HEAVY - {"numpy", "gemmi"}, id="command line"),
        pytest.param("import superion.featurizers", HEAVY - {"numpy", "gemmi"}, id="featurizers"),
        pytest.param("import superion.models", TRACKING | {"torch_geometric"}, id="models"),
        pytest.param("import superion.training", {"bentoml", "pymatgen"}, id="training"),
        pytest.param("import superion.serving", {"pymatgen", "matminer"}, id="serving"),
        pytest.param(
            "import superion.serving.management.app, superion.serving.campaigns",
            HEAVY - {"numpy", "gemmi"},
            id="routes of campaigns",
        ),
        # A worker listens before it has a model, and says so: what models need is not waited for.
        pytest.param("import superion.serving.service", HEAVY - {"bentoml", "numpy", "gemmi"}, id="service"),
    ],
)
def test_import_brings_no_heavy_package(statements: str, forbidden: set[str]) -> None:
    assert imported(statements) & forbidden == set()


@pytest.mark.parametrize("material", [["Li6PS5Cl"], ["--cif", str(CIF)]], ids=["formula", "crystal"])
def test_prediction_needs_neither_mlflow_nor_pymatgen_nor_torch_geometric(material: list[str]) -> None:
    predict = f"""
import sys
from superion.cli import main
sys.argv = ["superion", "predict", *{material!r}, "--json"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert imported(predict) & (TRACKING | {"torch_geometric"}) == set()
