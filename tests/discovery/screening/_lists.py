"""The same materials in every form that a screening reads."""

from __future__ import annotations

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

FORMULAS = ("Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "Li(", "Li10GeP2S12", "LiI", "Xx3", "Li1.3Al0.3Ti1.7(PO4)3", "Li3N")
"""Two of them are none."""

Written = Callable[[Path], Path]


def csv_file(folder: Path, formulas: Sequence[str] = FORMULAS, delimiter: str = ",") -> Path:
    """Write a table with an id and a note of two lines for each."""
    path = folder / "list.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["id", "note", "formula"])
        writer.writerows([f"m{n}", f'first "line"\nof {n}', formula] for n, formula in enumerate(formulas))
    return path


def jsonl_file(folder: Path, formulas: Sequence[str] = FORMULAS) -> Path:
    """Write a line of JSON for each, with a blank one between."""
    path = folder / "list.jsonl"
    lines = [json.dumps({"id": f"m{n}", "formula": formula}) for n, formula in enumerate(formulas)]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return path


def parquet_file(folder: Path, formulas: Sequence[str] = FORMULAS) -> Path:
    """Write row groups of four."""
    path = folder / "list.parquet"
    table = pa.table({"id": [f"m{n}" for n in range(len(formulas))], "formula": list(formulas), "other": formulas})
    pq.write_table(table, path, row_group_size=4)
    return path


def json_file(folder: Path, formulas: Sequence[str] = FORMULAS) -> Path:
    """Write a list."""
    path = folder / "list.json"
    path.write_text(json.dumps([{"id": f"m{n}", "formula": formula} for n, formula in enumerate(formulas)]))
    return path


TABLES: dict[str, Written] = {
    "csv": csv_file,
    "jsonl": jsonl_file,
    "parquet": parquet_file,
    "json": json_file,
}


def structure_files(cif: str) -> dict[str, bytes]:
    """Return files of which the third is no crystal and the last two are no structures by their names."""
    names = ("a.cif", "b/c.cif", "broken.cif")
    texts = (cif, cif, "no crystal")
    files = {name: text.encode() for name, text in zip(names, texts, strict=True)}
    return files | {"readme.txt": b"none", ".hidden.cif": cif.encode()}


def folder_of(folder: Path, files: dict[str, bytes]) -> Path:
    """Write a folder."""
    for name, content in files.items():
        path = folder / "shelf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "shelf"


def zip_of(folder: Path, files: dict[str, bytes]) -> Path:
    """Write a zip archive."""
    with zipfile.ZipFile(folder / "shelf.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return folder / "shelf.zip"


def tar_of(folder: Path, files: dict[str, bytes], compression: str = "") -> Path:
    """Write a tar archive, compressed where that is said."""
    path = folder / ("shelf.tar" + (f".{compression}" if compression else ""))
    with tarfile.open(path, f"w:{compression}") as archive:  # type: ignore[call-overload] # "w:" and what follows
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


ARCHIVES: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "folder": folder_of,
    "zip": zip_of,
    "tar": tar_of,
    "tar.gz": lambda folder, files: tar_of(folder, files, "gz"),
    "tar.xz": lambda folder, files: tar_of(folder, files, "xz"),
}
