"""Public data sets: what they are, where they live, and how they are fetched and checked.

None of them is part of the project. A data set is read from the folder that `SUPERION_DATA_MIRROR` names, else from
`datasets/` under the home, where `superion data fetch NAME` puts it. Content is checked by SHA-256 either way.
"""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from superion import home
from superion.errors import InvalidTable, NotFound

OBELIX_HOME = "https://raw.githubusercontent.com/NRC-Mila/OBELiX/main/data/downloads"
TIMEOUT = 60.0
"""[s]"""


@dataclass(frozen=True)
class DataFile:
    """Hold one file of a data set."""

    path: str
    """Relative to the mirror."""
    sha256: str
    url: str | None
    """None for a table that was derived from public ones and has no home of its own."""


@dataclass(frozen=True)
class DataSet:
    """Hold a data set."""

    name: str
    about: str
    licence: str
    files: tuple[DataFile, ...]


DATA_SETS = (
    DataSet(
        "obelix",
        "measured room-temperature conductivity, composition, lattice and (254 of 478) structures: the training split",
        "CC BY 4.0, NRC-Mila/OBELiX, doi:10.1039/D5DD00441A",
        (
            DataFile(
                "obelix/train.csv",
                "01d87779862807e24bc45bb2c759852f892390b99f9340f13906c54805aa8776",
                f"{OBELIX_HOME}/train.csv",
            ),
            DataFile(
                "obelix/train_cifs.zip",
                "b6f6e6a75dbee9b449c185c9b7d906f3885d6ba53f49c93733a6971f2cbeb751",
                f"{OBELIX_HOME}/train_cifs.zip",
            ),
        ),
    ),
    DataSet(
        "activation-energies",
        "activation energies and conductivities, from the table of Laskowski et al. in the OBELiX repository; rows "
        "that match a composition of the OBELiX test split removed",
        "CC BY 4.0, NRC-Mila/OBELiX, doi:10.1039/D2EE03499A",
        (
            DataFile(
                "obelix/activation_energies.csv",
                "f52b56b30a94dcda7782a92580dd541b813176f36c8f70ed98986c7fb51c3e9b",
                None,
            ),
        ),
    ),
)


def data_set(name: str) -> DataSet:
    """Return a data set by name; raises NotFound for one that is not known."""
    for found in DATA_SETS:
        if found.name == name:
            return found
    known = ", ".join(found.name for found in DATA_SETS)
    raise NotFound(f"there is no data set {name!r}; known are {known}", field="name", value=name)


def locate(name: str) -> list[Path] | None:
    """Return the files of a data set, None when they are neither in the mirror nor fetched.

    Raises InvalidTable for a file whose content is not what it was when the project was built on it.
    """
    wanted = data_set(name).files
    for folder in (home.data_mirror(), home.home() / "datasets"):
        if folder is None:
            continue
        paths = [folder / file.path for file in wanted]
        if all(path.is_file() for path in paths):
            for path, file in zip(paths, wanted, strict=True):
                _check(path, file)
            return paths
    return None


def require(name: str) -> list[Path]:
    """Return the files of a data set; raises NotFound, saying how to get it, when they are not on this machine."""
    found = locate(name)
    if found is None:
        raise NotFound(
            f"the data set {name!r} is not on this machine: run `superion data fetch {name}`, or set "
            f"{home.MIRROR_VARIABLE} to a folder that holds {', '.join(file.path for file in data_set(name).files)}",
            field="name",
            value=name,
        )
    return found


def fetch(name: str) -> list[Path]:
    """Bring a data set under the home: copied from the mirror where it is there, else from its public home.

    Raises NotFound when it cannot be had, InvalidTable when what came is not what was expected.
    """
    folder = home.home() / "datasets"
    mirrored = locate(name)
    paths = []
    for number, file in enumerate(data_set(name).files):
        path = folder / file.path
        paths.append(path)
        if path.is_file() and _digest(path) == file.sha256:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".part")
        if mirrored is not None:
            shutil.copyfile(mirrored[number], draft)
        else:
            _download(file, draft)
        _check(draft, file)
        draft.replace(path)
    return paths


def unpacked(archive: Path, into: Path) -> Path:
    """Unpack the CIFs of a zip archive, flat, into a folder; entries of other kinds and paths are left out."""
    into.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            name = Path(entry.filename).name
            if not entry.is_dir() and name.endswith(".cif"):
                (into / name).write_bytes(opened.read(entry))
    return into


def _download(file: DataFile, into: Path) -> None:
    if file.url is None:
        raise NotFound(
            f"{file.path} was derived from public tables and has no public home of its own; set {home.MIRROR_VARIABLE} "
            "to a folder that holds it",
            field="name",
            value=file.path,
        )
    try:
        with urllib.request.urlopen(file.url, timeout=TIMEOUT) as answer, into.open("wb") as out:
            shutil.copyfileobj(answer, out)
    except (urllib.error.URLError, OSError) as error:
        raise NotFound(f"{file.url} could not be fetched: {error}", field="name", value=file.url) from error


def _check(path: Path, file: DataFile) -> None:
    found = _digest(path)
    if found != file.sha256:
        raise InvalidTable(
            f"{file.path} has SHA-256 {found[:16]}..., not {file.sha256[:16]}...: it is damaged or another version",
            field=file.path,
            value=found,
        )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
