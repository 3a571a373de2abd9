"""Lists in every form: the same materials in the same places, however they are cut into parts."""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.discovery.screening import parts as parts_module
from superion.discovery.screening.parts import Item, Part
from superion.discovery.screening.sources import Source
from superion.errors import InvalidTable, InvalidValue
from superion.models.inputs import FileContent, Named
from superion.models.records import Failure

from ._lists import ARCHIVES, FORMULAS, TABLES, csv_file, structure_files


def read(source: Source, rows: int) -> list[Item]:
    """Return all materials, each in its place; parts travel as they do to a worker."""
    found: list[Item] = []
    for number, part in enumerate(source.parts(rows)):
        arrived: Part = pickle.loads(pickle.dumps(part))
        items = arrived.read()
        assert (arrived.number, arrived.first, arrived.n) == (number, len(found), len(items))
        assert len(items) <= rows
        found += items
    return found


def formula_of(item: Item) -> str:
    """Return the formula that an item is, or holds."""
    assert isinstance(item, Named)
    return str(item.item["formula"] if isinstance(item.item, dict) else item.item)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 9, 100])
@pytest.mark.parametrize("kind", TABLES)
def test_a_table_has_its_rows_whatever_the_parts(tmp_path: Path, kind: str, rows: int) -> None:
    found = read(Source.of(TABLES[kind](tmp_path)), rows)
    assert [item.id for item in found] == [f"m{n}" for n in range(len(FORMULAS))]
    assert tuple(map(formula_of, found)) == FORMULAS


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_has_its_structure_files(tmp_path: Path, kind: str, rows: int) -> None:
    files = structure_files("data_x")
    found = read(Source.of(ARCHIVES[kind](tmp_path, files)), rows)
    assert {item.id for item in found} == {"a.cif", "b/c.cif", "broken.cif"}
    for item in found:
        assert isinstance(item, Named) and isinstance(item.item, FileContent)
        assert item.item.content == files[item.id]
        assert item.id.endswith(item.item.name)


cells = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00\r"), max_size=12)


@settings(max_examples=60, deadline=None)
@given(notes=st.lists(cells, min_size=1, max_size=12), rows=st.integers(1, 5), end=st.sampled_from(["\n", "\r\n"]))
def test_any_csv_that_python_writes_is_read_in_parts(
    tmp_path_factory: pytest.TempPathFactory, notes: list[str], rows: int, end: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "any.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(["note", "formula", "id"])
    writer.writerows([note, f"Li{n + 1}N", note] for n, note in enumerate(notes))
    path.write_bytes(text.getvalue().encode("utf-8"))
    found = read(Source.of(path), rows)
    assert [(formula_of(item), item.id) for item in found] == [(f"Li{n + 1}N", note) for n, note in enumerate(notes)]


def test_other_delimiters_a_mark_and_capitals_are_understood(tmp_path: Path) -> None:
    for delimiter in (";", "\t"):
        assert len(read(Source.of(csv_file(tmp_path, delimiter=delimiter)), 4)) == len(FORMULAS)
    path = tmp_path / "marked.csv"
    path.write_bytes("\ufeffFormula,ID\nLiF,a\n\nLiCl\n".encode())
    assert read(Source.of(path), 10) == [Named("a", "LiF"), Named("", "LiCl")]


def test_a_table_may_hold_files(tmp_path: Path) -> None:
    path = tmp_path / "cifs.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ["id", "cif", "formula"],
                ["a", "data_\nx", ""],
                ["b", "", "LiF"],
                ["c", "data_\nx", "LiF"],
                ["d", "d.cif", "LiCl"],
            ]
        )
    assert read(Source.of(path), 2) == [
        Named("a", {"cif": "data_\nx"}),
        Named("b", "LiF"),
        Named("c", {"formula": "LiF", "cif": "data_\nx"}),  # of which the reader says that one of them is right
        Named("d", "LiCl"),  # beside which the name of a file stands, as in a table of doping series
    ]
    pq.write_table(pa.table({"ID": [1, 2], "Formula": ["LiF", None]}), tmp_path / "typed.parquet")
    assert read(Source.of(tmp_path / "typed.parquet"), 2) == [Named("1", "LiF"), Named("2", {})]


def test_json_may_be_text_structures_and_the_response_of_a_server(tmp_path: Path) -> None:
    structure = {"id": "s", "attributes": {"lattice_vectors": []}}
    bare = {"id": "b", "lattice": {}, "sites": []}
    lines: list[Any] = ["LiF", {"id": 3, "formula": "LiCl"}, structure, bare, 5, {}]
    expected = [
        Named("", "LiF"),
        Named("3", {"formula": "LiCl"}),
        Named("s", {"structure": structure}),
        Named("b", {"structure": bare}),
        Named("", 5),
        Named("", {}),
    ]
    (tmp_path / "l.jsonl").write_text("\n".join([*map(json.dumps, lines), "{broken"]))
    *found, broken = read(Source.of(tmp_path / "l.jsonl"), 4)
    assert found == expected
    assert isinstance(broken, Failure) and broken.code == "invalid_json"
    (tmp_path / "optimade.json").write_text(json.dumps({"data": [structure], "meta": {}}))
    assert read(Source.of(tmp_path / "optimade.json"), 4) == [Named("s", {"structure": structure})]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"name,value\n1,2\n", "no column formula, cif or poscar"),
        ("a.csv", b"", "no column formula"),
        ("a.csv", b"formula\n", "holds no material"),
        ("a.csv", b"formula\nLiF\nLi\rCl\nLiBr\n", "line 3 cannot be read: new-line character"),
        ("a.jsonl", b"\n\n", "holds no material"),
        ("a.parquet", b"formula", "is no Parquet file"),
        ("a.json", b"{", "is no JSON"),
        ("a.json", b'{"meta": 1}', "neither a list of materials nor the response"),
        ("a.json", b"[]", "holds no material"),
        ("a.zip", b"none", "is no zip archive"),
        ("a.tar", b"none", "is no tar archive"),
        ("a.tar.gz", b"none", "is no tar archive"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidTable, match=said) as caught:
        read(Source.of(tmp_path / name), 5)
    assert caught.value.field == "input"


def test_what_is_no_list_by_its_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidTable, match="no file or folder"):
        Source.of(tmp_path / "absent.csv")
    (tmp_path / "a.xlsx").touch()
    with pytest.raises(InvalidValue, match=r"none of \.csv"):
        Source.of(tmp_path / "a.xlsx")
    pq.write_table(pa.table({"name": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(InvalidTable, match="no column formula, cif or poscar, but name"):
        read(Source.of(tmp_path / "a.parquet"), 5)
    (tmp_path / "none").mkdir()
    with pytest.raises(InvalidTable, match="holds no material"):
        read(Source.of(tmp_path / "none"), 5)


def test_a_compressed_archive_that_is_cut_off_says_so(tmp_path: Path) -> None:
    path = ARCHIVES["tar.gz"](tmp_path, {f"{n}.cif": os.urandom(5000) for n in range(20)})
    path.write_bytes(path.read_bytes()[:-40_000])
    with pytest.raises(InvalidTable, match="is cut off"):
        read(Source.of(path), 5)


def test_files_that_cannot_be_had_are_failures_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "MAX_FILE_BYTES", 1000)
    files = {"a.cif": b"data_", "long.cif": b"x" * 2000, "z.cif": b"data_"}
    for kind in ("folder", "zip", "tar", "tar.gz"):
        source = Source.of(ARCHIVES[kind](tmp_path, files))
        parts = list(source.parts(10))
        if kind == "folder":
            (tmp_path / "shelf" / "z.cif").unlink()
        found = {item.id: item for part in parts for item in part.read()}
        assert isinstance(found["a.cif"], Named)
        assert isinstance(found["long.cif"], Failure) and found["long.cif"].code == "too_large"
        assert isinstance(found["z.cif"], Failure if kind == "folder" else Named)
    broken = bytearray((tmp_path / "shelf.zip").read_bytes())
    with zipfile.ZipFile(tmp_path / "shelf.zip") as archive:
        place = archive.getinfo("a.cif").header_offset
    broken[place + 30 + len("a.cif")] ^= 0xFF
    (tmp_path / "broken.zip").write_bytes(broken)
    first = read(Source.of(tmp_path / "broken.zip"), 10)[0]
    assert isinstance(first, Failure) and first.code == "unreadable"


def test_a_tar_that_is_cut_off_is_told_of(tmp_path: Path) -> None:
    """Within a file it is a failure of that file, within what says which file comes next there is no list."""
    path = ARCHIVES["tar"](tmp_path, {"a.cif": b"data_a", "b.cif": b"x" * 3000})
    whole = path.read_bytes()
    source = Source.of(path)
    parts = list(source.parts(1))
    path.write_bytes(whole[: 512 + 512 + 512 + 1000])
    (good,), (bad,) = (part.read() for part in parts)
    assert isinstance(good, Named) and isinstance(bad, Failure)
    assert (bad.id, bad.code) == ("b.cif", "unreadable")
    path.write_bytes(whole[: 512 + 512 + 100])
    with pytest.raises(InvalidTable, match="is cut off"):
        read(source, 5)


def test_a_zip_of_which_a_file_ends_too_early_fails_for_that_file(tmp_path: Path) -> None:
    path = ARCHIVES["zip"](tmp_path, {"a.cif": os.urandom(4000), "b.cif": b"data_"})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    # The list of files says that the first is packed into fewer bytes than it is.
    content[at + 20 : at + 24] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    first, second = read(Source.of(path), 10)
    assert isinstance(first, Failure) and first.code == "unreadable"
    assert isinstance(second, Named)


def test_a_list_that_is_changed_has_another_digest(tmp_path: Path) -> None:
    path = csv_file(tmp_path)
    before = Source.of(path).digest()
    assert Source.of(path).digest() == before
    path.write_bytes(path.read_bytes() + b"x,y,LiF\n")
    assert Source.of(path).digest() != before
    shelf = ARCHIVES["folder"](tmp_path, structure_files("data_x"))
    before = Source.of(shelf).digest()
    (shelf / "readme.txt").write_text("longer")
    assert Source.of(shelf).digest() == before
    (shelf / "a.cif").write_text("data_xy")
    assert Source.of(shelf).digest() != before
