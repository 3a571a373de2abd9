"""The example that turns a folder of CIFs into arrays."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from superion.featurizers import Crystal, crystal_arrays

from ._sources import ARGYRODITE, halide


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_example_writes_the_arrays_of_every_file_that_can_be_read(root: Path, tmp_path: Path, workers: str) -> None:
    folder, output = tmp_path / "cifs", tmp_path / "arrays"
    folder.mkdir()
    shutil.copy(ARGYRODITE, folder)
    for k in range(5):
        (folder / f"halide{k}.cif").write_text(halide(k).to_cif())
    (folder / "broken.cif").write_text("data_broken")
    command = [sys.executable, str(root / "examples" / "featurise_folder.py"), str(folder), str(output), workers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("source 1 (broken.cif): the CIF lists no atoms") and done.stderr.count("\n") == 1
    edges = 0
    for file in sorted(folder.glob("*.cif")):
        written = output / file.with_suffix(".npz").name
        if file.name == "broken.cif":
            assert not written.exists()
            continue
        expected = crystal_arrays(Crystal.from_file(file), cutoff=6.0, neighbors=12)
        with np.load(written) as arrays:
            assert set(arrays) == set(expected)
            for name, array in expected.items():
                np.testing.assert_array_equal(arrays[name], array)
        edges += expected["edge_index"].shape[1]
    assert done.stdout == f"6 of 7 files written, {edges} edges, {workers} workers\n"
