"""Bringing data sets over HTTP: what is found in them, who sees them, and what is refused."""

from __future__ import annotations

import contextlib
import io
import os
import random
import subprocess
import time
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from superion.cli.serve import serve
from superion.errors import InvalidValue
from superion.featurizers.file_kinds import kind_of_file
from superion.serving import dataset_check, dataset_files, datasets, quota, state
from superion.serving.callers import ADMIN, WRITE, Caller
from superion.serving.problems import Refusal

from .conftest import Service, running

ANNA, BERT, CHIEF = Caller("k1", "anna", WRITE), Caller("k2", "bert", WRITE), Caller("k3", "chief", ADMIN)

TABLE = b"""id,formula,conductivity_S_per_cm,doi,cif
a,Li3OCl,1e-6,10.1/a,first.cif
b,Li6PS5Cl,1e-3,10.1/b,
c,no formula,1e-4,10.1/c,
d,Li3PO4,<1e-10,10.1/d,missing.cif
"""


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return an archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def keep(caller: Caller, content: bytes = TABLE, archive: bytes | None = None, **options: Any) -> datasets.Dataset:
    """Upload a data set without HTTP."""
    settings = {"name": "ours", "readers": "owner", "purpose": "training", **options}
    return datasets.upload(caller, content, archive, **settings)


def files_in(home: Path) -> list[str]:
    """Return what lies under the uploads."""
    return sorted(path.name for path in (home / "uploads").rglob("*")) if (home / "uploads").exists() else []


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service of this module."""
    with running(tmp_path_factory.mktemp("datasets") / "home") as found:
        yield found


def test_a_data_set_is_brought_shown_and_deleted(served: Service, cif: str) -> None:
    archive = zipped({"deep/../../first.cif": cif.encode(), "unused.cif": b"data_x"})
    sent = {"file": ("../../ours.csv", TABLE), "cifs": ("all.zip", archive)}
    answer = served.client.post("/datasets", files=sent)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["name"], made["owner"], made["readers"], made["purpose"]) == ("ours.csv", "local", "owner", "training")
    assert [made[key] for key in ("n_rows", "n_failed", "n_with_structure", "n_censored")] == [3, 1, 1, 1]
    assert [(note["line"], note["id"]) for note in made["failed"]] == [(4, "c")]
    assert any("missing.cif" in note["reason"] and note["line"] == 5 for note in made["notes"])
    assert {"line": 0, "id": "cifs", "reason": "1 files of the archive belong to no row: 'unused.cif'"} in made["notes"]
    assert {"failed", "notes"}.isdisjoint(made["check"])
    assert made["check"]["findings"]
    assert files_in(served.home) == sorted(
        [made["id"], "table.csv", "manifest.json", "structure-0.cif", "structure-1.cif"]
    )
    assert served.client.get(f"/datasets/{made['id']}").json() == made
    assert served.client.get("/datasets").json() == {"datasets": [made]}
    assert served.client.delete(f"/datasets/{made['id']}").status_code == 204
    assert served.client.get(f"/datasets/{made['id']}").status_code == 404
    assert files_in(served.home) == []


@pytest.mark.parametrize(
    ("files", "data", "status", "code", "field"),
    [
        ({"file": ("a.csv", b"formula\nLiF\n")}, {}, 400, "invalid_table", "file"),
        ({"file": ("a.csv", b"")}, {}, 400, "invalid_table", "file"),
        ({"file": ("a.csv", b"formula,conductivity_S_per_cm\n?,1\n")}, {}, 400, "invalid_table", "file"),
        ({"file": ("a.xlsx", b"PK no workbook")}, {}, 400, "invalid_table", "file"),
        ({"file": ("a.csv", TABLE), "cifs": ("a.zip", b"no archive")}, {}, 400, "invalid_request", "cifs"),
        (
            {"file": ("a.csv", TABLE), "cifs": ("a.zip", zipped({"x/a.cif": b"1", "y/a.cif": b"2"}))},
            {},
            400,
            "invalid_request",
            "cifs",
        ),
        ({"file": ("a.csv", TABLE)}, {"name": " "}, 400, "invalid_request", "name"),
        ({"file": ("a.csv", TABLE)}, {"name": "a\nb"}, 400, "invalid_request", "name"),
        ({"file": ("a.csv", TABLE)}, {"readers": "all"}, 400, "invalid_request", "readers"),
        ({"cifs": ("a.zip", b"")}, {}, 400, "invalid_request", "file"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_nothing(
    served: Service, files: Any, data: Any, status: int, code: str, field: str
) -> None:
    answer = served.client.post("/datasets", files=files, data=data)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["field"]) == (status, code, field)
    assert str(served.home) not in answer.text
    assert files_in(served.home) == []


def test_only_its_readers_see_a_data_set(superion_home: Path) -> None:
    mine, shared = keep(ANNA), keep(ANNA, readers="group")
    assert datasets.readable(ANNA) == {mine.id, shared.id}
    assert datasets.readable(BERT) == {shared.id}
    assert datasets.readable(CHIEF) is None
    assert datasets.find(mine.id, CHIEF).id == mine.id
    for dataset_id in (mine.id, "nothing", "../x"):
        with pytest.raises(Refusal) as refusal:
            datasets.find(dataset_id, BERT)
        assert refusal.value.status == 404
    with pytest.raises(Refusal) as refusal:
        datasets.delete(shared.id, BERT)
    assert refusal.value.status == 403
    datasets.delete(shared.id, CHIEF)
    datasets.delete(mine.id, ANNA)
    assert datasets.datasets() == []


def test_its_rows_say_which_data_set_they_are_of(superion_home: Path, cif: str) -> None:
    made = keep(ANNA, archive=zipped({"first.cif": cif.encode()}))
    table = made.table()
    assert (table.name, table.digest) == ("ours", made.digest)
    assert {row.dataset for row in table.rows} == {made.id}
    assert table.n_with_structure == 1


def archive_of(entries: list[tuple[str, bytes]]) -> bytes:
    """Return an archive whose names are taken as they are, also twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the name that comes twice
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name",
    ["../../first.cif", "/etc/first.cif", "C:\\x\\first.cif", "a/b/c/first.cif", "__MACOSX/../first.cif/../first.cif"],
)
def test_a_name_is_never_a_path(superion_home: Path, cif: str, name: str) -> None:
    before = sorted(superion_home.parent.iterdir())
    made = keep(ANNA, archive=archive_of([(name, cif.encode())]))
    inside = sorted(path.relative_to(superion_home).as_posix() for path in superion_home.rglob("*") if path.is_file())
    named = ["manifest.json", *([] if name.startswith("__MACOSX") else ["structure-0.cif"]), "table.csv"]
    assert [path for path in inside if not path.startswith("service.db")] == [f"uploads/{made.id}/{n}" for n in named]
    assert [path for path in sorted(superion_home.parent.iterdir()) if path not in before] in ([], [superion_home])
    assert made.report["n_with_structure"] == (0 if name.startswith("__MACOSX") else 1)


def test_names_of_any_kind_are_kept_as_names(superion_home: Path, cif: str) -> None:
    odd = ["\U0001f52c.cif", "a" * 300 + ".cif", "tab\there.cif", "-rf.cif", "NUL.cif", "..", ".", "notes.txt", ".cif"]
    made = keep(ANNA, archive=archive_of([(name, cif.encode()) for name in odd]))
    files = dataset_files.read(made.folder)
    assert sorted(files.structures) == sorted(name for name in odd if kind_of_file(PurePosixPath(name)) is not None)
    assert {"..", ".", "notes.txt"} <= set(files.left_out)
    assert all(path.parent == made.folder and path.is_file() for path in files.structures.values())
    assert any("are no structures by their names" in note["reason"] for note in made.report["notes"])


def test_archives_that_are_bombs_are_refused(superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive_of([("a.cif", b"0" * (20 * 1024 * 1024))])
    assert len(bomb) < 100_000
    many = archive_of([(f"{number}.cif", b"") for number in range(10_001)])
    for archive, said in ((bomb, "200 times"), (many, "10001 files")):
        with pytest.raises(Refusal, match=said) as refusal:
            keep(ANNA, archive=archive)
        assert (refusal.value.status, refusal.value.field) == (413, "cifs")
    monkeypatch.setattr(dataset_files, "MAX_UNPACKED_UPLOAD_BYTES", 1000)
    with pytest.raises(Refusal, match="1000 bytes") as refusal:
        keep(ANNA, archive=archive_of([("a.cif", b"0" * 600), ("b.cif", b"0" * 600)]))
    assert refusal.value.status == 413
    assert files_in(superion_home) == []


def test_an_archive_that_lies_of_its_length_gives_no_more_than_it_says(superion_home: Path) -> None:
    honest = archive_of([("a.cif", b"0" * 100_000)])
    lying = honest.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != honest
    with pytest.raises(Refusal, match="cannot be read") as refusal:
        keep(ANNA, archive=lying)
    assert (refusal.value.status, files_in(superion_home)) == (400, [])


@pytest.mark.parametrize("cut", [1, 30, 60, -20, -1])
def test_a_truncated_archive_is_refused(superion_home: Path, cif: str, cut: int) -> None:
    with pytest.raises(Refusal) as refusal:
        keep(ANNA, archive=archive_of([("first.cif", cif.encode())])[:cut])
    assert (refusal.value.status, refusal.value.field, files_in(superion_home)) == (400, "cifs", [])


def test_a_large_data_set_is_read_in_a_process_of_its_own_with_the_same_result(
    superion_home: Path, cif: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped({"first.cif": cif.encode()})
    here = keep(ANNA, archive=archive)
    monkeypatch.setattr(dataset_check, "SMALL_STRUCTURES", 0)
    apart = keep(ANNA, archive=archive)
    by_id = {one.id: one for one in datasets.datasets()}
    assert apart.digest == here.digest
    assert by_id[apart.id].report == by_id[here.id].report
    with pytest.raises(Refusal) as refusal:
        keep(ANNA, b"formula,conductivity_S_per_cm\n?,1\n", archive)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_table")
    monkeypatch.setattr(dataset_check, "CHECK_SECONDS", 0.01)
    with pytest.raises(Refusal, match="too long") as refusal:
        keep(ANNA, archive=archive)
    assert refusal.value.status == 413
    assert {one.id for one in datasets.datasets()} == {here.id, apart.id}


def test_a_report_names_a_thousand_rows_and_counts_the_others(superion_home: Path) -> None:
    bad = b"".join(b"b%d,no formula,1e-4,10.1/c,\n" % number for number in range(1200))
    made = keep(ANNA, TABLE + bad)
    assert (made.report["n_failed"], len(made.report["failed"])) == (1201, 1001)
    assert made.report["failed"][-1] == {"line": 0, "id": "table", "reason": "and 201 rows more"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a file system of its own, of 3 MB, which takes the right to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_said_and_nothing_is_half_kept(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERION_HOME", str(small_disk))
    first = keep(ANNA)
    noise = zipped({f"{number}.cif": random.Random(number).randbytes(400_000) for number in range(10)})
    (small_disk / "filler").write_bytes(b"0" * 500_000)
    with pytest.raises(Refusal) as refusal:
        keep(ANNA, archive=noise)
    assert (refusal.value.status, refusal.value.code) == (503, "storage_full")
    assert [one.id for one in datasets.datasets()] == [first.id]
    assert [path.name for path in (small_disk / "uploads").iterdir()] == [first.id]
    assert keep(ANNA).id in {one.id for one in datasets.datasets()}


def test_a_disk_that_is_full_to_the_last_page_is_said(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERION_HOME", str(small_disk))
    first = keep(ANNA)
    with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"0" * 4096):
            pass
    with pytest.raises(Refusal) as refusal:
        keep(ANNA)
    assert (refusal.value.status, refusal.value.code) == (503, "storage_full")
    (small_disk / "filler").unlink()
    assert [one.id for one in datasets.datasets()] == [first.id]
    assert [path.name for path in (small_disk / "uploads").iterdir()] == [first.id]


def test_what_was_cut_off_is_swept_away_after_an_hour(superion_home: Path) -> None:
    made = keep(ANNA)
    for name, age in (("old", 4000), ("new", 10)):
        folder = superion_home / "uploads" / f"{dataset_files.DRAFT}{name}"
        folder.mkdir()
        (folder / "table.csv").write_bytes(TABLE)
        os.utime(folder, (time.time() - age,) * 2)
    dataset_files.sweep()
    assert sorted(path.name for path in (superion_home / "uploads").iterdir()) == [".draft-new", made.id]


def structures_of(n_bytes: int) -> bytes:
    """Return an archive of one file of so many bytes, which is no structure."""
    return zipped({"first.cif": b"#" * n_bytes})


class TestQuota:
    @pytest.fixture(autouse=True)
    def one_megabyte(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(quota.VARIABLE, "1")

    def test_a_key_that_keeps_too_much_is_refused_and_nothing_is_left(self, superion_home: Path) -> None:
        first = keep(ANNA, archive=structures_of(700_000))
        before = files_in(superion_home)
        with pytest.raises(Refusal, match=r"take 0\.7 MB and this one 0\.5; 1 MB are allowed: delete some") as caught:
            keep(ANNA, archive=structures_of(500_000))
        assert (caught.value.status, caught.value.code) == (413, "quota_exceeded")
        assert files_in(superion_home) == before
        assert [one.id for one in datasets.datasets()] == [first.id]
        keep(BERT, archive=structures_of(500_000))
        keep(ANNA, archive=structures_of(200_000))
        datasets.delete(first.id, ANNA)
        keep(ANNA, archive=structures_of(500_000))

    def test_of_a_schema_without_sizes_the_files_count(self) -> None:
        keep(ANNA, archive=structures_of(700_000))
        with state.connection() as opened:
            opened.execute("UPDATE datasets SET n_bytes = NULL")
        with pytest.raises(Refusal, match=r"take 0\.7 MB"):
            keep(ANNA, archive=structures_of(500_000))

    def test_of_those_that_come_at_once_as_many_are_kept_as_there_is_room_for(self) -> None:
        def tried(_: int) -> bool:
            try:
                keep(ANNA, archive=structures_of(300_000))
            except Refusal as refusal:
                assert refusal.code == "quota_exceeded"
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(tried, range(6))) == 3

    def test_a_key_keeps_so_many_however_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quota, "MAX_DATASETS", 2)
        for _ in range(2):
            keep(ANNA)
        with pytest.raises(Refusal, match="keeps 2 data sets, which is as many as it may"):
            keep(ANNA)
        keep(BERT)

    @pytest.mark.parametrize("given", ["0", "-1", "much", "1.5"])
    def test_a_size_that_is_none_is_refused_at_the_start(self, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
        monkeypatch.setenv(quota.VARIABLE, given)
        with pytest.raises(InvalidValue, match=f"SUPERION_UPLOAD_QUOTA_MB is {given!r}; a whole number of MB above 0"):
            serve()


def test_the_quota_is_told_over_http(tmp_path: Path) -> None:
    with running(tmp_path / "home", SUPERION_UPLOAD_QUOTA_MB="1") as found:
        files = {"file": ("a.csv", TABLE), "cifs": ("a.zip", structures_of(700_000))}
        assert found.client.post("/datasets", files=files).status_code == 201
        refused = found.client.post("/datasets", files=files)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "quota_exceeded")
    assert refused.json()["error"]["field"] == "file"
