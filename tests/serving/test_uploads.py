"""What is found in an uploaded file, and what is refused of it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.models.inputs import FileContent
from superion.serving import uploads
from superion.serving.limits import MAX_MATERIALS
from superion.serving.problems import Refusal
from superion.serving.uploads import items_of
from superion.training.columns import read_lines


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refusal(name: str, content: bytes) -> Refusal:
    """Return why a file is refused."""
    with pytest.raises(Refusal) as refused:
        items_of(name, content)
    assert refused.value.field == "file"
    return refused.value


@pytest.mark.parametrize("name", ["a.cif", "POSCAR", "CONTCAR_2", "x.vasp", "dir\\b.CIF", "s.json"])
def test_a_structure_is_one_material_with_the_name_of_its_file(name: str) -> None:
    (item,) = items_of(name, b"content")
    assert item == (FileContent(name.rpartition("\\")[2], b"content"), name.rpartition("\\")[2])


def test_an_archive_is_as_many_as_it_holds_with_their_paths() -> None:
    files = {"x/a.cif": b"1", "x/b.cif": b"2", "../../etc/c.cif": b"3", "notes.txt": b"4", "__MACOSX/x/._a.cif": b"5"}
    found = items_of("all.ZIP", zipped(files))
    assert [item.id for item in found] == ["x/a.cif", "x/b.cif", "../../etc/c.cif", "notes.txt"]
    assert [item.material.content for item in found] == [b"1", b"2", b"3", b"4"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "content",
    [b"no zip", zipped({}), zipped({"__MACOSX/a.cif": b""}), zipped({"a": b"x"})[:-30]],
    ids=["no zip", "empty", "resource fork", "cut off"],
)
def test_an_archive_that_holds_nothing_or_is_damaged_is_refused(content: bytes) -> None:
    assert refusal("a.zip", content).status == 400


def test_a_table_of_too_many_rows_is_refused_without_reading_them_all() -> None:
    rows = b"formula\n" + b"LiF\n" * MAX_MATERIALS
    assert len(items_of("a.csv", rows)) == MAX_MATERIALS
    assert refusal("a.csv", rows + b"LiF\n").status == 413
    assert refusal("a.csv", rows + b"LiF\n" + b'"' * 200_000).status == 413


def test_an_archive_with_a_damaged_file_is_refused_as_a_whole() -> None:
    content = bytearray(zipped({"a.cif": b"data_x " * 100, "b.cif": b"y"}))
    content[45] ^= 0xFF  # within the compressed bytes of the first
    assert "a.cif" in refusal("a.zip", bytes(content)).message


def test_an_archive_that_needs_a_password_is_refused() -> None:
    content = bytearray(zipped({"a.cif": b"data_x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    assert "encrypted" in refusal("a.zip", bytes(content)).message


def test_an_archive_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UNPACKED_BYTES", 1000)
    assert len(items_of("a.zip", zipped({"a.cif": b"x" * 500, "b.cif": b"x" * 500}))) == 2
    assert refusal("a.zip", zipped({"a.cif": b"x" * 500, "b.cif": b"x" * 501})).status == 413


def test_an_archive_of_too_many_files_is_refused() -> None:
    many = zipped({f"{n}.cif": b"" for n in range(MAX_MATERIALS + 1)})
    assert refusal("a.zip", many).status == 413


def test_a_table_is_a_material_a_row() -> None:
    table = b'\xef\xbb\xbfID,Formula,note\nx,Li6PS5Cl,"a, b"\n\n,LiF,\nz,,\n'
    assert items_of("t.csv", table) == [
        ({"formula": "Li6PS5Cl"}, "x"),
        ({"formula": "LiF"}, "line 4"),
        ({"formula": ""}, "z"),
    ]


def test_a_workbook_is_a_table() -> None:
    from openpyxl import Workbook

    book, buffer = Workbook(), io.BytesIO()
    for row in (("formula",), ("LiF",), ("LiCl",)):
        book.active.append(row)
    book.save(buffer)
    assert [item.id for item in items_of("t.xlsx", buffer.getvalue())] == ["line 2", "line 3"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.cif", b"", "is empty"),
        ("a.pdf", b"x", "no kind that is read"),
        ("", b"x", "no kind that is read"),
        ("t.csv", b"x,y\n1,2\n", "lacks the column 'formula'"),
        ("t.csv", b"formula\n", "no row"),
        ("t.csv", b"formula\n\xff\xfe\n", "not UTF-8"),
        ("t.csv", b"formula\n\0\n", "null bytes"),
        ("t.xlsx", b"PK no workbook", "cannot be read"),
        ("x" * 300 + ".cif", b"x", "longer than 256"),
        ("\ud800.cif", b"x", "not Unicode"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(name: str, content: bytes, says: str) -> None:
    assert says in refusal(name, content).message


def test_a_workbook_with_a_cell_far_out_costs_no_more_than_it_holds() -> None:
    from openpyxl import Workbook

    book, wide, buffer = Workbook(), Workbook(), io.BytesIO()
    book.active["A1"], book.active["A900000"] = "formula", "LiF"
    book.save(buffer)
    assert [item.id for item in items_of("t.xlsx", buffer.getvalue())] == ["line 900000"]
    declared = io.BytesIO()
    with zipfile.ZipFile(buffer) as original, zipfile.ZipFile(declared, "w") as copy:
        for entry in original.infolist():
            copy.writestr(entry, original.read(entry).replace(b'ref="A1:A900000"', b'ref="A1:XFD900000"'))
    assert max(len(cells) for _, cells in read_lines("t.xlsx", declared.getvalue())) == 1
    wide.active["A1"], wide.active["XFD2"] = "formula", "LiF"
    buffer = io.BytesIO()
    wide.save(buffer)
    assert "more than 200 columns" in refusal("t.xlsx", buffer.getvalue()).message


@given(st.text(max_size=30), st.sampled_from(["", ".zip", ".csv", ".xlsx", ".cif"]), st.binary(max_size=300))
def test_no_file_is_answered_by_a_fault(name: str, suffix: str, content: bytes) -> None:
    try:
        assert items_of(name + suffix, content)
    except Refusal as refused:
        assert refused.status in (400, 413)


def test_files_are_predicted_over_http(service: Any, cif: str, poscar: str, structure: Any) -> None:
    files = {
        "a/first.cif": cif.encode(),
        "POSCAR": poscar.encode(),
        "broken.cif": b"data_x",
        "s.json": json.dumps(structure).encode(),
        "readme.md": b"x",
    }
    sent = {"file": ("all.zip", zipped(files))}
    answer = service.client.post("/predict/file", files=sent, data={"temperature_C": ["25", "60"], "confidence": "0.8"})
    assert answer.status_code == 200
    document = answer.json()
    assert (document["temperature_C"], document["confidence"]) == ([25.0, 60.0], 0.8)
    found = {one["id"]: one for one in document["predictions"]}
    assert list(found) == list(files)
    asked = service.predict({"id": "a/first.cif", "cif": cif}, temperature_C=[25, 60], confidence=0.8).json()
    assert found["a/first.cif"] == asked["predictions"][0]
    assert (found["POSCAR"]["formula"], found["POSCAR"]["input"]) == ("LiF", "structure")
    assert found["broken.cif"]["error"]["code"] == "invalid_cif"
    assert found["s.json"]["formula"] == "LiF"
    assert "readme.md" in found["readme.md"]["error"]["message"]


def test_faults_of_a_file_over_http(service: Any) -> None:
    for files, data, status, field in (
        ({"file": ("a.pdf", b"x")}, {}, 400, "file"),
        ({"other": ("a.cif", b"x")}, {}, 400, "file"),
        ({"file": ("t.csv", b"formula\nLiF\n")}, {"confidence": "2"}, 400, "confidence"),
        ({"file": ("t.csv", b"formula\nLiF\n")}, {"temperature_C": "warm"}, 400, "temperature_C"),
        ({"file": ("t.csv", b"formula\nLiF\n")}, {"temperature_C": "9999"}, 400, "temperature_C"),
    ):
        answer = service.client.post("/predict/file", files=files, data=data)
        assert (answer.status_code, answer.json()["error"]["field"].partition(".")[0]) == (status, field)
    answer = service.client.post("/predict/file", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
