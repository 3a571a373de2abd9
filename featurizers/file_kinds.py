"""The kinds of structure files, told by their names."""

from __future__ import annotations

from pathlib import PurePath

CIF = "cif"
JSON = "json"
POSCAR = "poscar"


def kind_of_file(path: PurePath) -> str | None:
    """Return `CIF`, `JSON` or `POSCAR` by the name of a file, None for another name."""
    suffix, name = path.suffix.lower(), path.name.upper()
    if suffix in (".cif", ".mcif"):
        return CIF
    if suffix == ".json":
        return JSON
    if suffix in (".vasp", ".poscar", ".contcar") or name.startswith(("POSCAR", "CONTCAR")):
        return POSCAR
    return None
