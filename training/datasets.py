"""Public data sets: what they are, where they live, and how they are fetched and checked.

None of them is part of the project. A data set is read from the folder that `SUPERION_DATA_MIRROR` names, else from
`datasets/` under the home, where `superion data fetch NAME` puts it. Content is checked either way: by SHA-256, and
where that differs and the table can be derived anew from its public original, by what the rows say.
"""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from superion import home
from superion.errors import InvalidTable, NotFound
from superion.training import matbench

OBELIX_HOME = "https://raw.githubusercontent.com/NRC-Mila/OBELiX/main/data/downloads"
TIMEOUT = 60.0
"""[s]"""


@dataclass(frozen=True)
class Derivation:
    """Hold how a table is derived from its public original, and what it says, whatever its bytes."""

    write: Callable[[Path], None]
    content: Callable[[Path], tuple[int, str]]
    """Gives the number of rows and a digest that neither their order nor the way numbers are written changes."""
    n_rows: int
    digest: str


@dataclass(frozen=True)
class DataFile:
    """Hold one file of a data set."""

    path: str
    """Relative to the mirror."""
    sha256: str
    url: str | None
    """None for a table that was derived from public ones and has no home of its own."""
    derivation: Derivation | None = None
    """How a user derives it too; None where only a mirror can have it."""


@dataclass(frozen=True)
class DataSet:
    """Hold a data set."""

    name: str
    about: str
    licence: str
    files: tuple[DataFile, ...]


_MATERIALS_PROJECT = (
    "CC BY 4.0, Materials Project, doi:10.1063/1.4812323, through matbench v0.1 (MIT), doi:10.1038/s41524-020-00406-3"
)

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
    DataSet(
        "mp-formation-energies",
        "formulas and DFT formation energies of the Materials Project, one row a polymorph: the phases that a material "
        "is compared with; its lithium compounds are shown in training without a label",
        _MATERIALS_PROJECT,
        (
            DataFile(
                "matbench/mp_e_form.csv",
                "90e895635c96447c5be4e9070d26f26e1b4d17925102a6597ae3c4d79c32555b",
                None,
                Derivation(
                    matbench.Original("matbench_mp_e_form", "e_form").derive,
                    matbench.content,
                    132_752,
                    "1edbf3dd01d46fddfbb62ef4e178d7ed45da9c28916451e33089d29cf8c1a326",
                ),
            ),
        ),
    ),
    DataSet(
        "mp-band-gaps",
        "formulas and DFT band gaps of the Materials Project, one row a polymorph: they tell which phases conduct "
        "electrons",
        _MATERIALS_PROJECT,
        (
            DataFile(
                "matbench/mp_gap.csv",
                "4084e584467e6f81ec8bf12c438eeb2c049ae39e11401bae694ef6a9983b9d9f",
                None,
                Derivation(
                    matbench.Original("matbench_mp_gap", "gap pbe").derive,
                    matbench.content,
                    106_113,
                    "7194ad2faa96eac2b1579c9c95c2ba809fc14fce926f91f9c53f9f592a729186",
                ),
            ),
        ),
    ),
    DataSet(
        "mp-shear-moduli",
        "formulas and DFT shear moduli of the Materials Project, log10 of GPa, one row a crystal",
        _MATERIALS_PROJECT,
        (
            DataFile(
                "matbench/elasticity_log10(G_VRH).csv",
                "6eda504f98a3b98308bb4f1353810f2703475daa85540b15aebe1fedf313304a",
                None,
                Derivation(
                    matbench.Original("matbench_log_gvrh", "log10(G_VRH)").derive,
                    matbench.content,
                    10_987,
                    "82b8d2c062f072aeb503fafc9f0c268b1ee22c2526897fed4ef7537120c5fc86",
                ),
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
    paths = home.data_files([file.path for file in wanted])
    if paths is not None:
        for path, file in zip(paths, wanted, strict=True):
            _check(path, file)
    return paths


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
    """Bring a data set under the home: from the mirror where it is there, else from its public home or original.

    Raises NotFound when it cannot be had, MissingDependency when a package that derives it is not installed,
    InvalidTable when what came is not what was expected.
    """
    folder = home.data_folder()
    mirrored = locate(name)
    paths = []
    for number, file in enumerate(data_set(name).files):
        path = folder / file.path
        paths.append(path)
        if path.is_file() and _fault(path, file) is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".part")
        if mirrored is not None:
            shutil.copyfile(mirrored[number], draft)
        else:
            _bring(file, draft)
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


def _bring(file: DataFile, into: Path) -> None:
    if file.derivation is not None:
        file.derivation.write(into)
        return
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
    fault = _fault(path, file)
    if fault is not None:
        raise InvalidTable(
            f"{file.path} {fault}: it is damaged or another version", field=file.path, value=_digest(path)
        )


def _fault(path: Path, file: DataFile) -> str | None:
    """Say in what a file is not what it should be, None where nothing is wrong with it."""
    found = _digest(path)
    if found == file.sha256:
        return None
    wanted = file.derivation
    if wanted is None:
        return f"has SHA-256 {found[:16]}..., not {file.sha256[:16]}..."
    try:
        n_rows, digest = wanted.content(path)
    except InvalidTable as error:
        return f"cannot be read: {error.message}"
    if n_rows != wanted.n_rows:
        return f"has {n_rows} rows, not {wanted.n_rows}"
    return None if digest == wanted.digest else f"says {digest[:16]}... by its rows, not {wanted.digest[:16]}..."


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
