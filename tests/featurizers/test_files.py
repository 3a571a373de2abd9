"""Structure files: which names are read and written, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from superion.errors import InvalidCif, InvalidCrystal
from superion.featurizers.crystal import Crystal

from ._structures import DISORDERED, ORDERED, POSCAR, assert_close


def test_files(tmp_path: Path) -> None:
    contents = {"a.cif": ORDERED.to_cif(), "a.json": json.dumps(ORDERED.to_dict())}
    contents |= dict.fromkeys(("a.vasp", "POSCAR", "CONTCAR_final", "b.POSCAR"), POSCAR)
    for name, content in contents.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert_close(Crystal.from_file(tmp_path / name), ORDERED, same_orientation=False)
        assert Crystal.from_file(str(tmp_path / name)).n_sites == 3
    for name, says in (
        ("a.xyz", "is read"),
        ("missing.cif", "cannot be read"),
        ("bad.json", "not JSON"),
        ("", "is read"),
    ):
        if name in ("a.xyz", "bad.json"):
            (tmp_path / name).write_text("[" * 100_000, encoding="utf-8")
        with pytest.raises(InvalidCrystal, match=says):
            Crystal.from_file(tmp_path / name)
    (tmp_path / "large.cif").write_bytes(b"#" * 8_000_001)
    with pytest.raises(InvalidCrystal, match="larger"):
        Crystal.from_file(tmp_path / "large.cif")
    (tmp_path / "broken.cif").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidCif):
        Crystal.from_file(tmp_path / "broken.cif")


@pytest.mark.parametrize("name", ["a.cif", "A.CIF", "a.json", "a.vasp", "POSCAR", "CONTCAR_2", "b.poscar"])
def test_written_files_are_read_back(tmp_path: Path, name: str) -> None:
    ORDERED.to_file(tmp_path / name)
    assert_close(Crystal.from_file(tmp_path / name), ORDERED, same_orientation=False)
    ORDERED.to_file(str(tmp_path / name))  # over what is there
    if name.lower().endswith((".cif", ".json")):
        DISORDERED.to_file(tmp_path / name)
        assert_close(Crystal.from_file(tmp_path / name), DISORDERED, same_orientation=False)
    else:
        with pytest.raises(InvalidCrystal, match="disordered"):
            DISORDERED.to_file(tmp_path / name)
        assert_close(Crystal.from_file(tmp_path / name), ORDERED)  # what was there is untouched


def test_files_that_cannot_be_written(tmp_path: Path) -> None:
    for name, says in (("a.xyz", "is written"), ("", "is written"), ("nowhere/a.cif", "cannot be written")):
        with pytest.raises(InvalidCrystal, match=says) as caught:
            ORDERED.to_file(tmp_path / name)
        assert caught.value.field == "file"
    assert list(tmp_path.iterdir()) == []
