"""The digest of the code: what it covers and what moves it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from superion.training import tracking


def test_the_digest_covers_every_module_of_the_tree(root: Path) -> None:
    folders = {"superion": root / "src" / "superion"}
    for name in ("featurizers", "models", "training", "discovery", "serving"):
        folders[f"superion/{name}"] = root / name
    files = {
        f"{package}/{path.relative_to(folder).as_posix()}": path
        for package, folder in folders.items()
        for path in folder.rglob("*")
        if path.suffix in (".py", ".so")
    }
    assert {"superion/errors.py", "superion/cli/train.py", "superion/training/tracking.py"} <= set(files)
    assert any(name.startswith("superion/featurizers/_neighbors.") for name in files)
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + hashlib.sha256(files[name].read_bytes()).digest())
    assert tracking.code_digest() == digest.hexdigest()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder in the place of the whole package."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.py").write_text("one")
    (tmp_path / "sub" / "b.so").write_bytes(b"two")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(
        tracking.importlib.util,  # type: ignore[attr-defined]
        "find_spec",
        lambda name: spec if name == "superion" else None,
    )
    return tmp_path


@pytest.mark.parametrize("name", ["a.py", "sub/b.so", "new.py"])
def test_any_change_of_code_moves_it(package: Path, name: str) -> None:
    before = tracking.code_digest()
    (package / name).write_text("changed")
    assert tracking.code_digest() != before


def test_a_new_name_moves_it_and_other_files_do_not(package: Path) -> None:
    before = tracking.code_digest()
    (package / "notes.txt").write_text("words")
    (package / "a.pyc").write_text("cache")
    assert tracking.code_digest() == before
    (package / "a.py").rename(package / "c.py")
    assert tracking.code_digest() != before
