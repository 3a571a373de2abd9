"""Public data sets: found in the mirror or the home, fetched when neither has them, and checked either way."""

from __future__ import annotations

import hashlib
import io
import sys
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from superion.errors import InvalidTable, MissingDependency, NotFound
from superion.training import datasets, matbench
from superion.training.datasets import DataFile, DataSet, Derivation, fetch, locate, require, unpacked

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


MADE = "formula,target\nCl1Li1,-2.1\nNaN,0.5\nLi3P1S4,-0.7000001\n"


@pytest.fixture
def made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFile:
    """Make a derived table the only data set; its original says what MADE does."""
    path = tmp_path / "right.csv"
    path.write_text(MADE)
    derivation = Derivation(
        lambda into: into.write_text(MADE.replace("-2.1", "-2.10")) and None,
        matbench.content,
        *matbench.content(path),
    )
    file = DataFile("toy/made.csv", hashlib.sha256(MADE.encode()).hexdigest(), None, derivation)
    monkeypatch.setattr(datasets, "DATA_SETS", (DataSet("made", "a toy", "CC0", (file,)),))
    return file


def test_a_table_with_a_derivation_is_derived_where_no_mirror_has_it(made_anew: DataFile, superion_home: Path) -> None:
    (path,) = fetch("made")
    assert path == superion_home / "datasets/toy/made.csv"
    assert path.read_text() != MADE and locate("made") == [path]
    path.write_text(MADE)
    assert fetch("made") == [path] and path.read_text() == MADE, "what is right is not derived again"
    assert not list(superion_home.rglob("*.part"))


@pytest.mark.parametrize(
    "same",
    [
        "formula,target\nLi3P1S4,-0.7000001\nCl1Li1,-2.1\nNaN,0.5\n",
        "formula,target\r\nLiCl,-2.1000000000000001\r\nNa1N1,0.50\r\nLi6P2S8,-0.70000012\r\n",
    ],
    ids=["order", "writing"],
)
def test_a_derived_table_is_told_by_what_it_says(
    same: str, made_anew: DataFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERION_DATA_MIRROR", str(tmp_path))
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy/made.csv").write_text(same, newline="")
    assert locate("made") == [tmp_path / "toy/made.csv"]


@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (MADE[: MADE.index("Li3P1S4")], "has 2 rows, not 3"),
        (MADE.replace("-2.1", "-2.2"), "by its rows"),
        (MADE.replace("Cl1Li1", "Br1Li1"), "by its rows"),
        (MADE.replace("NaN,0.5", "NaN,nan"), "by its rows"),
        (MADE.replace("NaN", ""), "cannot be read"),
        (MADE.replace("-2.1", ""), "cannot be read"),
        (MADE[:-13], "cannot be read"),
        (MADE.replace("target", "gap"), "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_derived_table_that_says_something_else_is_refused(
    damaged: str, says: str, made_anew: DataFile, superion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made_anew.derivation is not None
    derivation = replace(made_anew.derivation, write=lambda into: into.write_text(damaged) and None)
    file = replace(made_anew, derivation=derivation)
    monkeypatch.setattr(datasets, "DATA_SETS", (DataSet("made", "a toy", "CC0", (file,)),))
    with pytest.raises(InvalidTable, match=says) as caught:
        fetch("made")
    assert caught.value.field == "toy/made.csv"
    assert locate("made") is None


ENERGIES = matbench.Original("matbench_mp_e_form", "e_form")


class Fake:
    """Stand in for matminer's loader: a small frame, with structures as pymatgen makes them."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.asked: list[tuple[str, Path]] = []

    def __call__(self, name: str, data_home: str) -> dict[str, list[object]]:
        from pymatgen.core import Lattice, Structure

        self.asked.append((name, Path(data_home)))
        print("fetching")
        if self.fault is not None:
            raise self.fault
        spread = [[0.1 * n, 0.2 * n, 0.3 * n] for n in range(8)]
        structures = [
            Structure(Lattice.cubic(5.0), species, spread[: len(species)])
            for species in (["Li", "Cl"], ["Na", "N"], ["Li"] * 3 + ["P"] + ["S"] * 4)
        ]
        return {"structure": [*structures], "e_form": [-2.1, 0.5, -0.7000001]}


def test_formation_energies_are_derived_from_structures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load = Fake()
    into = tmp_path / "deep" / "made.csv"
    ENERGIES.derive(into, load)
    assert into.read_text() == MADE.replace("NaN", "N1Na1")
    right = tmp_path / "right.csv"
    right.write_text(MADE)
    assert matbench.content(into) == matbench.content(right)
    ((name, folder),) = load.asked
    assert name == "matbench_mp_e_form"
    assert folder.parent == into.parent and not folder.exists(), "the original is not kept"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("fault", [ConnectionResetError("reset by peer"), UserWarning("hash validation failures")])
def test_an_original_that_cannot_be_had_is_said(fault: Exception, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=f"matbench_mp_e_form could not be fetched: {fault}"):
        ENERGIES.derive(tmp_path / "made.csv", Fake(fault))
    assert list(tmp_path.iterdir()) == []


def test_a_derivation_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matminer.datasets", None)
    with pytest.raises(MissingDependency, match=r"superion\[data\]"):
        ENERGIES.derive(tmp_path / "made.csv")


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


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("mp-formation-energies", "mp_e_form"),
        ("mp-band-gaps", "mp_gap"),
        ("mp-shear-moduli", "elasticity_log10(G_VRH)"),
    ],
)
def test_the_mirrors_tables_say_what_is_asked_of_derived_ones(  # type: ignore[no-untyped-def]
    name: str, stem: str, data_mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the toy
    path = data_mirror("matbench").resolve() / f"{stem}.csv"
    assert locate(name) == [path]
    (file,) = datasets.data_set(name).files
    assert file.derivation is not None
    assert file.derivation.content(path) == (file.derivation.n_rows, file.derivation.digest)
