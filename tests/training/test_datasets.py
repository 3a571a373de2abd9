"""Public data sets: found in the mirror or the home, fetched when neither has them, and checked either way."""

from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from superion.errors import InvalidTable, NotFound
from superion.training import datasets
from superion.training.datasets import DataFile, DataSet, fetch, locate, require, unpacked

CONTENT = {"toy/a.csv": b"formula\nLiCl\n", "toy/b.zip": b"archive"}
TOY = DataSet(
    "toy",
    "a toy",
    "CC0",
    tuple(
        DataFile(path, hashlib.sha256(content).hexdigest(), f"https://example.org/{path}")
        for path, content in CONTENT.items()
    ),
)


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the toy the only data set, without a mirror or a network."""

    def refuse(url: str, timeout: float) -> None:
        raise urllib.error.URLError("the network is unreachable")

    monkeypatch.setattr(
        datasets, "DATA_SETS", (TOY, replace(TOY, name="derived", files=(replace(TOY.files[0], url=None),)))
    )
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    monkeypatch.setenv("SUPERION_DATA_MIRROR", str(folder))
    return folder


def serve(monkeypatch: pytest.MonkeyPatch, content: dict[str, bytes]) -> list[str]:
    asked: list[str] = []

    def answer(url: str, timeout: float) -> io.BytesIO:
        asked.append(url)
        return io.BytesIO(content[url.removeprefix("https://example.org/")])

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    return asked


def test_a_data_set_is_found_in_the_mirror(mirror: Path) -> None:
    assert locate("toy") == require("toy") == [mirror / path for path in CONTENT]


def test_a_data_set_that_is_nowhere_is_said_to_be_so_with_the_way_to_get_it() -> None:
    assert locate("toy") is None
    with pytest.raises(NotFound, match="superion data fetch toy") as caught:
        require("toy")
    assert "toy/a.csv" in caught.value.message


def test_a_name_that_is_no_data_set_is_answered_with_those_that_are() -> None:
    for ask in (locate, require, fetch):
        with pytest.raises(NotFound, match="known are toy, derived"):
            ask("obelisk")


def test_a_mirror_with_half_the_files_does_not_count(mirror: Path) -> None:
    (mirror / "toy/b.zip").unlink()
    assert locate("toy") is None


def test_a_damaged_file_is_named_wherever_it_lies(mirror: Path, superion_home: Path) -> None:
    (mirror / "toy/a.csv").write_bytes(b"formula\nLiBr\n")
    for ask in (locate, require, fetch):
        with pytest.raises(InvalidTable, match=r"toy/a\.csv has SHA-256") as caught:
            ask("toy")
        assert caught.value.field == "toy/a.csv"
    assert not list(superion_home.rglob("*.csv"))


def test_fetching_copies_from_the_mirror_into_the_home(
    mirror: Path, superion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = fetch("toy")
    assert paths == [superion_home / "datasets" / path for path in CONTENT]
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    monkeypatch.delenv("SUPERION_DATA_MIRROR")
    assert locate("toy") == paths


def test_fetching_downloads_what_no_mirror_has_and_only_once(
    superion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(monkeypatch, CONTENT)
    paths = fetch("toy")
    assert asked == [file.url for file in TOY.files]
    assert [path.read_bytes() for path in paths] == list(CONTENT.values())
    assert fetch("toy") == paths and len(asked) == 2
    assert not list(superion_home.rglob("*.part"))


def test_a_download_of_something_else_is_refused_and_not_kept(
    superion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, CONTENT | {"toy/a.csv": b"<html>moved</html>"})
    with pytest.raises(InvalidTable, match=r"toy/a\.csv has SHA-256"):
        fetch("toy")
    assert locate("toy") is None
    serve(monkeypatch, CONTENT)
    assert locate("toy") is None and len(fetch("toy")) == 2


@pytest.mark.parametrize("error", [urllib.error.URLError("refused"), TimeoutError("timed out"), ConnectionResetError()])
def test_a_network_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(url: str, timeout: float) -> None:
        raise error

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(NotFound, match=r"https://example\.org/toy/a\.csv could not be fetched"):
        fetch("toy")


def test_a_connection_that_breaks_leaves_nothing_half(superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: Broken())
    with pytest.raises(NotFound, match="reset by peer"):
        fetch("toy")
    assert not (superion_home / "datasets/toy/a.csv").exists()


def test_a_derived_table_has_no_home_to_fetch_from() -> None:
    with pytest.raises(NotFound, match="SUPERION_DATA_MIRROR"):
        fetch("derived")


def test_only_structures_are_unpacked_and_all_into_the_folder(tmp_path: Path) -> None:
    archive = tmp_path / "cifs.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name in ("cifs/a.cif", "../../b.cif", "/tmp/c.cif", "cifs/readme.txt", "cifs/", "cifs/d.cif.exe"):
            made.writestr(name, f"data_{name}")
    folder = unpacked(archive, tmp_path / "deep" / "into")
    assert sorted(path.name for path in folder.iterdir()) == ["a.cif", "b.cif", "c.cif"]
    assert sorted(path.name for path in tmp_path.rglob("*.cif")) == ["a.cif", "b.cif", "c.cif"]


def test_the_mirrors_files_are_those_the_project_was_built_on(data_mirror, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.undo()  # the toy
    folder = data_mirror("obelix").resolve()
    assert locate("obelix") == [folder / "train.csv", folder / "train_cifs.zip"]
    assert locate("activation-energies") == [folder / "activation_energies.csv"]
