"""What the client sends, how it splits and joins, and how it waits; the real service is asked in tests/serving."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion import Client
from superion.client import Job
from superion.client import client as client_module
from superion.client import materials as materials_module
from superion.client.materials import BYTES_A_REQUEST, MATERIALS_A_REQUEST, encoded, requests
from superion.errors import InvalidValue, RequestFailed
from superion.serving.limits import MAX_BODY_BYTES, MAX_MATERIALS, MAX_PREDICTIONS

from .conftest import JOB, Says, Script, refusal


def answered(body: Any, version: str = "1") -> Says:
    """Return an answer in which every material has failed, which is the shortest."""
    error = {"code": "invalid_formula", "message": "no", "field": "formula"}
    predictions = [
        {"id": material.get("id", material.get("formula")), "error": error} for material in body["materials"]
    ]
    model = {"name": "superion", "version": body.get("model", version), "alias": None}
    options = {"temperature_C": body["temperature_C"], "confidence": body["confidence"]}
    return Says(document={"model": model, **options, "predictions": predictions})


def sent(script: Script) -> list[Any]:
    """Return the bodies that were sent."""
    return [json.loads(content) for _, _, content in script.asked]


def test_a_long_list_goes_out_in_parts_and_comes_back_in_order(script: Script) -> None:
    script.answers = [answered]
    names = [f"x{n}" for n in range(2 * MATERIALS_A_REQUEST + 1)]
    answer = script.client().predict(names, temperature_C=[0, 25.0], confidence=0.5, detail=["staircase"])
    assert [len(body["materials"]) for body in sent(script)] == [MATERIALS_A_REQUEST, MATERIALS_A_REQUEST, 1]
    assert [one.id for one in answer.predictions] == names
    (options,) = {json.dumps({key: body[key] for key in body if key != "materials"}) for body in sent(script)}
    assert json.loads(options) == {"temperature_C": [0.0, 25.0], "confidence": 0.5, "detail": ["staircase"]}


@pytest.mark.parametrize("n_temperatures", [1, 100, 10_000_000])
@pytest.mark.parametrize("size", [10, 4_000, 3_000_000, BYTES_A_REQUEST])
def test_parts_are_within_the_limits(n_temperatures: int, size: int) -> None:
    materials = [bytes(size)] * (2500 if size < 10_000 else 12)
    parts = list(requests(materials, n_temperatures))
    assert sum(map(len, parts)) == len(materials)
    for part in parts:
        assert 1 <= len(part) <= MAX_MATERIALS
        assert len(part) == 1 or len(part) * n_temperatures <= MAX_PREDICTIONS
        assert len(b",".join(part)) <= MAX_BODY_BYTES - 1000


def test_all_are_answered_by_one_model(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materials_module, "MATERIALS_A_REQUEST", 1)
    script.answers = [answered, lambda body: answered(body, "2"), answered, answered]
    answer = script.client().predict(["a", "b", "c"])
    assert [body.get("model") for body in sent(script)] == [None, None, "1", None]
    assert (answer.model.version, [one.id for one in answer.predictions]) == ("1", ["a", "b", "c"])


def test_a_model_that_is_named(script: Script) -> None:
    script.answers = [answered]
    assert script.client().predict("LiF", model=3).model.version == "3"


@pytest.mark.parametrize("status", [413, 504])
def test_too_much_at_a_time_is_asked_for_in_halves(script: Script, status: int) -> None:
    script.answers = [lambda body: answered(body) if len(body["materials"]) < 3 else refusal(status)]
    answer = script.client().predict(list("abcdefg"))
    assert [one.id for one in answer.predictions] == list("abcdefg")
    assert [len(body["materials"]) for body in sent(script)] == [7, 3, 1, 2, 4, 2, 2]
    # All but those from the left end inward are asked of the model that has answered the first.
    assert [body.get("model") for body in sent(script)] == [None, None, None, "1", "1", "1", "1"]
    script.answers = [refusal(status)]
    with pytest.raises(RequestFailed):
        script.client().predict("a")


def test_files_are_sent_as_text_under_their_names(script: Script, root: Path, tmp_path: Path) -> None:
    (tmp_path / "POSCAR-1").write_bytes("J\xfclich\n1.0".encode("latin-1"))
    (tmp_path / "a.json").write_text('{"sites": []}')
    (tmp_path / "b.cif").write_text("\ufeffdata_", "utf-8")
    script.answers = [answered]
    paths = [tmp_path / "POSCAR-1", tmp_path / "a.json", tmp_path / "b.cif"]
    assert [one.id for one in script.client().predict(paths).predictions] == ["POSCAR-1", "a.json", "b.cif"]
    assert sent(script)[0]["materials"] == [
        {"id": "POSCAR-1", "poscar": "Jülich\n1.0"},
        {"id": "a.json", "structure": {"sites": []}},
        {"id": "b.cif", "cif": "data_"},
    ]


def test_a_structure_of_pymatgen_is_sent_as_its_dict() -> None:
    from pymatgen.core import Lattice, Structure

    structure = Structure(Lattice.cubic(4.0), ["Li", "F"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    structure.add_site_property("magmom", [np.float64(1.0), np.int64(0)])
    material = json.loads(encoded(structure, 0))
    assert Structure.from_dict(material["structure"]) == structure


@pytest.mark.parametrize(
    ("material", "what"),
    [
        (3, "int"),
        (None, "NoneType"),
        (b"LiF", "bytes"),
        (Path("absent.cif"), "cannot be read"),
        (Path("table.csv"), ".poscar"),
        ({"structure": {"a": float("nan")}}, "JSON"),
        ({"structure": {"a": object()}}, "JSON"),
        ({"cif": "x" * BYTES_A_REQUEST}, "bytes"),
    ],
    ids=["number", "none", "bytes", "no file", "no structure", "nan", "object", "too long"],
)
def test_what_is_no_material_is_named_before_anything_is_sent(script: Script, material: Any, what: str) -> None:
    with pytest.raises(InvalidValue, match=what) as caught:
        script.client().predict(["LiF", material])
    assert caught.value.field == "materials[1]"
    assert script.asked == []


def test_a_file_that_is_no_json(script: Script, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InvalidValue, match=r"a\.json is not JSON"):
        script.client().predict(tmp_path / "a.json")


def test_nothing_to_predict(script: Script) -> None:
    with pytest.raises(InvalidValue, match="empty"):
        script.client().predict([])


def test_waiting_tells_of_each_change(script: Script, pauses: list[float]) -> None:
    running = {**JOB, "state": "running", "progress": {"fits_done": 1, "fits_total": 3, "seconds_left": 2.0}}
    states = [JOB, JOB, running, running, {**JOB, "state": "failed", "reason": "the disk is full"}]
    script.answers = [Says(document=state) for state in states]
    seen: list[Job] = []
    job = script.client().wait("a", seen.append, poll=5.0)
    assert (job.state, job.reason, job.finished) == ("failed", "the disk is full", True)
    assert [one.state for one in seen] == ["queued", "running", "failed"]
    assert pauses == [5.0] * 4


def test_waiting_has_an_end(script: Script, pauses: list[float]) -> None:
    script.answers = [Says(document=JOB)]
    with pytest.raises(TimeoutError, match="queued"):
        script.client().wait("a", timeout=0.5, poll=1.0)


@pytest.mark.parametrize("name", ["../me", "a/b", "a?b=c", "a#b", "ä", "%2e"])
def test_an_identifier_is_one_segment_of_the_path(script: Script, name: str) -> None:
    script.answers = [Says(document=JOB)]
    script.client().job(name)
    path = script.asked[-1][1]
    assert path.startswith("/jobs/")
    assert not set(path.removeprefix("/jobs/")) & set("/?#")


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_an_identifier_that_is_no_segment(script: Script, name: str) -> None:
    with pytest.raises(InvalidValue):
        script.client().job(name)
    assert script.asked == []


def test_a_file_is_sent_with_its_fields(script: Script, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("formula\nLiF\n")
    script.answers = [refusal(400)]
    for ask in (
        lambda client: client.predict_file(tmp_path / "a.csv", [0, 25], model=2),
        lambda client: client.upload(tmp_path / "a.csv", name="mine", readers="group"),
    ):
        with pytest.raises(RequestFailed):
            ask(script.client())
    (_, path, predicted), (_, _, uploaded) = script.asked
    assert path == "/predict/file"
    assert predicted.count(b'name="temperature_C"') == 2
    assert b'filename="a.csv"' in predicted and b'name="model"' in predicted
    assert b"group" in uploaded and b"mine" in uploaded
    with pytest.raises(InvalidValue, match="cannot be read"):
        script.client().upload(tmp_path / "absent.csv")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    command = "import sys; sys.modules['httpx'] = None\nimport superion\nassert superion.load\nsuperion.Client"
    finished = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=60)
    assert "MissingDependency: httpx is not installed: pip install 'superion[client]'" in finished.stderr


def test_the_package_has_no_other_late_names() -> None:
    import superion

    assert superion.Client is Client
    with pytest.raises(AttributeError, match="has no attribute 'Cleint'"):
        superion.Cleint  # type: ignore[attr-defined] # noqa: B018
    assert client_module.KEY_VARIABLE == "SUPERION_KEY"
