"""`superion.Client` against the real service; what needs a service that misbehaves is in tests/client."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from superion import Client
from superion.client import Failure, Job, Prediction
from superion.errors import RequestFailed

from ..training import _builders


@pytest.fixture(scope="module")
def client(service: Any) -> Iterator[Client]:
    """Yield a client of the shared service."""
    with Client(service.url) as found:
        yield found


def test_predictions_are_those_of_the_answer(
    service: Any, client: Client, cif: str, structure: dict[str, Any], tmp_path: Path
) -> None:
    from pymatgen.core import Structure

    found = Structure.from_dict(structure)
    (tmp_path / "Li3OCl.cif").write_text(cif)
    (tmp_path / "POSCAR").write_text(found.to(fmt="poscar"))
    materials = ["Li6PS5Cl", tmp_path / "Li3OCl.cif", tmp_path / "POSCAR", found, {"id": 7, "formula": "Li("}]
    answer = client.predict(materials, temperature_C=[25, 60], detail=["staircase"])
    assert [one.id for one in answer.predictions] == [None, "Li3OCl.cif", "POSCAR", None, 7]
    *good, bad = answer.predictions
    assert isinstance(bad, Failure)
    assert (bad.error.code, bad.error.field) == ("invalid_formula", "formula")
    document = service.predict("Li6PS5Cl", {"cif": cif}, {"structure": structure}, temperature_C=[25, 60]).json()
    for one, expected in zip(good, [*document["predictions"], document["predictions"][-1]], strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(one.conductivity, list)
        assert one.formula == expected["formula"]
        for value, known in zip(one.conductivity, expected["conductivity"], strict=True):
            assert value.log10_S_per_cm.mean == pytest.approx(known["log10_S_per_cm"]["mean"], abs=1e-5)
        assert one.li_metal.hull is not None and one.li_metal.hull.staircase


def test_an_answer_loses_nothing_as_a_typed_result(service: Any, client: Client) -> None:
    body = {"materials": [{"id": "a", "formula": "Li3PS4"}, {"formula": "?"}], "detail": ["staircase"]}
    document = service.client.post("/predict", json=body).json()
    answer = client.predict(body["materials"], detail=["staircase"])
    assert answer.model_dump(mode="json", by_alias=True, exclude_unset=True) == document


def test_one_material_and_a_named_version(client: Client) -> None:
    assert client.predict("LiF", model=1).model.version == "1"
    with pytest.raises(RequestFailed) as caught:
        client.predict("LiF", model="99")
    assert (caught.value.status, caught.value.field) == (404, "model")
    with pytest.raises(RequestFailed) as caught:
        client.predict("LiF", confidence=2.0)
    assert (caught.value.status, caught.value.code, caught.value.field) == (400, "invalid_value", "confidence")
    assert caught.value.request_id


def test_a_file_with_many(client: Client, cif: str, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/one.cif", cif)
        archive.writestr("two.cif", "no")
    (tmp_path / "all.zip").write_bytes(packed.getvalue())
    answer = client.predict_file(tmp_path / "all.zip", [25.0, 60.0], confidence=0.5)
    assert [one.id for one in answer.predictions] == ["a/one.cif", "two.cif"]
    assert isinstance(answer.predictions[1], Failure)
    assert (answer.temperature_C, answer.confidence) == ([25.0, 60.0], 0.5)


def test_what_the_hull_says(service: Any, client: Client) -> None:
    for found, route, body in (
        (client.window("Li6PS5Cl"), "/window", {"formula": "Li6PS5Cl"}),
        (client.interface("Li6PS5Cl"), "/interface", {"electrolyte": "Li6PS5Cl"}),
        (client.environment("LiCl", "gas"), "/environment", {"formula": "LiCl", "water": "gas"}),
    ):
        document = service.client.post(route, json=body).json()
        assert found.model_dump(mode="json", by_alias=True, exclude_unset=True) == document
    assert client.window_figure("LiF", "png").startswith(b"\x89PNG")


def test_who_asks_and_which_model_answers(client: Client, wait_for: Callable[..., Any]) -> None:
    assert client.ready()
    assert (client.me().name, client.me().role) == ("local", "admin")
    assert wait_for(lambda: client.models().models)
    models = client.models()
    assert models.champion == "1"
    assert [one.version for one in models.models] == ["1"]
    assert client.model("champion").card.startswith("#")
    assert client.shadow().version is None
    assert client.drift(days=3).model == "1"
    for ask in (lambda: client.model(99), lambda: client.promote("99"), lambda: client.gate(99), client.rollback):
        with pytest.raises(RequestFailed) as caught:
            ask()
        assert caught.value.status == 404
    assert client.jobs() == []
    for ask in (lambda: client.job("x"), lambda: client.cancel("x"), lambda: client.log("x"), lambda: client.wait("x")):
        with pytest.raises(RequestFailed) as caught:
            ask()
        assert (caught.value.status, caught.value.code) == (404, "not_found")


def test_a_data_set_comes_and_goes(client: Client, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("id,formula,temperature_C,conductivity_S_per_cm\na,Li6PS5Cl,25,1e-3\nb,Li(,25,1e-3\n")
    made = client.upload(table, name="mine", readers="group")
    assert (made.name, made.readers, made.purpose, made.n_rows, made.n_failed) == ("mine", "group", "training", 1, 1)
    assert [(note.line, note.id) for note in made.failed] == [(3, "b")]
    assert made.id in [one.id for one in client.datasets()]
    assert client.dataset(made).digest == made.digest
    with pytest.raises(RequestFailed) as caught:
        client.train([made, "absent"])
    assert caught.value.status == 404
    client.delete_dataset(made)
    with pytest.raises(RequestFailed) as caught:
        client.dataset(made.id)
    assert caught.value.status == 404


@pytest.mark.check
@pytest.mark.timeout(600)
def test_from_a_table_to_a_version_that_answers_and_back(
    run_service: Callable[..., Any], tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    table = _builders.synthetic_csv(tmp_path / "table.csv")
    with run_service("--workers", "1") as service, Client(service.url) as client:
        made = client.upload(table)
        started = client.train(made, members=2, folds=3, epochs=2, unlabelled=False)
        assert started.state in ("queued", "running")
        seen: list[Job] = []
        job = client.wait(started, seen.append, poll=0.5, timeout=400)
        assert (job.state, job.progress.fits_done) == ("succeeded", job.progress.fits_total)
        assert len(seen) > 2 and seen[-1] == job
        part = client.log(job)
        assert part.text and client.log(job, part.next_offset).text == ""
        assert client.models().challenger == job.version
        assert job.version is not None
        assert client.set_shadow(job.version).version == job.version
        assert client.set_shadow(None).version is None
        with pytest.raises(RequestFailed) as caught:
            client.gate(job.version)
        assert caught.value.code == "no_holdout"
        assert client.promote(job.version, force=True).champion == job.version
        assert wait_for(lambda: client.predict("LiF").model.version == job.version)
        assert client.rollback().champion == "1"
        assert job.id in [one.id for one in client.jobs()]
        with pytest.raises(RequestFailed) as caught:
            client.cancel(job)
        assert caught.value.code == "job_ended"
