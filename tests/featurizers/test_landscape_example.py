"""The example of the landscape, run as its docstring says."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "landscape.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_prints_barriers_and_writes_both_files(tmp_path):
    done = run(str(EXAMPLES / "argyrodite.cif"), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Li +1" in done.stdout and "P +5" in done.stdout
    barriers = [float(line.split(":")[1].split()[0]) for line in done.stdout.splitlines() if line.startswith("barrier")]
    assert len(barriers) == 3 and barriers == sorted(barriers)
    with (tmp_path / "argyrodite_pathway.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert max(float(row["energy_eV"]) for row in rows) == pytest.approx(barriers[0], abs=0.006)
    assert (tmp_path / "argyrodite.cube").stat().st_size > 10_000


def test_says_what_is_wrong(tmp_path):
    (tmp_path / "broken.cif").write_text("data_x\n")
    done = run("broken.cif", folder=tmp_path)
    assert done.returncode == 1 and "broken.cif: " in done.stderr and "no atoms" in done.stderr
    assert run(folder=tmp_path).returncode == 2
