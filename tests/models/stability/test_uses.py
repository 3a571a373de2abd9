"""What the package brings along when it is imported, and that its benchmark runs."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = ("torch", "pymatgen", "scipy", "pandas", "mlflow", "matminer")


def test_import_brings_no_heavy_package():
    code = f"import sys, superion.models.stability; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_benchmark(data_mirror, root):
    command = [sys.executable, str(root / "benchmarks" / "stability.py"), "--compositions", "4", "--rounds", "1"]
    done = subprocess.run(
        [*command, "--data", str(data_mirror("matbench"))], capture_output=True, text=True, check=True, timeout=240
    )
    found = json.loads(done.stdout)
    compared = [one for one in found["comparisons"] if one["theirs"] is not None]
    assert [one["target"] for one in compared] == [10.0, 10.0]
    assert all(one["ratio"] > 0 for one in compared)
