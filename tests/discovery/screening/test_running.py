"""Screenings on a real cluster: what they say is what a prediction says, and what is done is not done again."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import superion
from superion.discovery.screening import judging
from superion.discovery.screening.columns import OF_STABILITY, PREDICTED, RESULTS
from superion.discovery.screening.judging import Asked, Model, judge
from superion.discovery.screening.running import AHEAD, Progress, Screening, run
from superion.discovery.screening.sources import Source
from superion.errors import InvalidArtefact, InvalidValue, Unavailable
from superion.featurizers.crystal import Crystal
from superion.featurizers.fingerprint import structure_fingerprint
from superion.featurizers.formula import Formula
from superion.models.inputs import Named
from superion.models.predictor import RELEASE_FOLDER

from ._lists import ARCHIVES, FORMULAS, csv_file, structure_files

ARGYRODITE = (Path(__file__).resolve().parents[3] / "examples" / "argyrodite.cif").read_text(encoding="utf-8")

DIGITS = 1e-3
"""By which numbers differ that were computed in single precision in batches of another size."""


def asked(**changes: Any) -> Asked:
    """Ask the release model."""
    return Asked.of("release", **{"temperature_c": 25.0, "confidence": 0.9, "where": None, **changes})


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a folder in the order of the list."""
    return sorted(pq.read_table(folder).to_pylist(), key=lambda row: row["row"]) if folder.is_dir() else []


def test_a_list_is_predicted_as_its_materials_are(client: Any, tmp_path: Path) -> None:
    told: list[Progress] = []
    screening = Screening(
        Source.of(csv_file(tmp_path)), asked(temperature_c=60.0, confidence=0.8), tmp_path / "found.parquet", rows=4
    )
    found = run(screening, client, told.append)
    assert (found.counts.read, found.counts.written, found.counts.failed) == (9, 7, 2)
    assert (found.skipped.read, found.not_done) == (0, [])
    assert [one.counts.read for one in told][-1] == told[-1].total == 9
    assert told[-1].seconds_left == 0.0 and told[-1].rate > 0.0

    report = superion.load("release").predict([Named(f"m{n}", f) for n, f in enumerate(FORMULAS)], 60.0, 0.8).as_dict()
    rows, failures = rows_of(found.out), rows_of(found.failures)
    assert [row["row"] for row in rows + failures] == [0, 1, 2, 4, 5, 7, 8, 3, 6]
    for row in rows:
        said = report["predictions"][row["row"]]
        level = said["conductivity"]["log10_S_per_cm"]
        hull, metal, near = said["li_metal"]["hull"], said["li_metal"], said["domain"]["nearest"][0]
        expected = {
            "id": said["id"],
            "composition": Formula.parse(said["formula"]).canonical,
            "fingerprint": None,
            "formula": said["formula"],
            "input": "formula",
            "log10_sigma": level["mean"],
            "log10_sigma_lower": level["lower"],
            "log10_sigma_upper": level["upper"],
            "std_aleatoric": level["std_aleatoric"],
            "std_epistemic": level["std_epistemic"],
            "activation_energy_upper": said["activation_energy_eV"]["upper"],
            "reaction_energy": metal["reaction_energy_eV_per_atom"]["mean"],
            "reduction_limit_lower": metal["reduction_limit_V"]["lower"],
            "oxidation_limit": metal["oxidation_limit_V"]["mean"],
            "interphase": metal["interphase"]["class"],
            "hull_reaction_energy": hull["reaction_energy_eV_per_atom"],
            "hull_reduction_limit": hull["reduction_limit_V"],
            "hull_oxidation_limit": hull["oxidation_limit_V"],
            "hull_interphase": hull["class"],
            "energy_above_hull": hull["energy_above_hull_eV_per_atom"],
            "formation_energy": said["formation_energy_eV_per_atom"]["mean"],
            "shear_modulus_upper": said["shear_modulus_GPa"]["upper"],
            "band_gap": said["band_gap_eV"]["mean"],
            "in_domain": said["domain"]["in_domain"],
            "distance": said["domain"]["distance"],
            "novelty": said["domain"]["novelty"],
            "nearest": near["formula"],
            "nearest_distance": near["distance"],
            "nearest_sigma": near["measured_S_per_cm"],
            "warnings": " | ".join(said["warnings"]),
            "temperature_C": 60.0,
            "model_version": report["model"]["version"],
        }
        for name, value in expected.items():
            assert row[name] == (pytest.approx(value, abs=DIGITS) if isinstance(value, float) else value), name
    for row in failures:
        said = report["predictions"][row["row"]]
        assert (row["id"], row["code"], row["message"]) == (said["id"], said["error"]["code"], said["error"]["message"])


def test_what_is_done_is_skipped_and_what_is_not_is_done(client: Any, tmp_path: Path) -> None:
    screening = Screening(Source.of(csv_file(tmp_path)), asked(), tmp_path / "found.parquet", rows=2)
    whole = run(screening, client)
    before = {path.name: path.read_bytes() for path in whole.out.iterdir()}
    (whole.out / "part-000001.parquet").unlink()  # with a failure
    (whole.out / "part-000004.parquet").unlink()
    stayed = {path: path.stat().st_mtime_ns for path in whole.out.iterdir()}
    told: list[str] = []
    again = run(screening, client, tell=told.append)
    assert told == ["6 materials in 3 parts were screened before and are skipped"]
    assert (again.skipped.read, again.counts) == (6, whole.counts)
    assert {path.name: path.read_bytes() for path in whole.out.iterdir()} == before
    assert all(path.stat().st_mtime_ns == time for path, time in stayed.items())
    once_more = run(screening, client)
    assert once_more.skipped == once_more.counts == whole.counts


def test_few_parts_are_on_their_way_at_a_time(client: Any, tmp_path: Path) -> None:
    taken: list[int] = []

    class Watched(Source):
        @property
        def travels(self) -> bool:
            return True  # so that parts are made as they are sent

        def parts(self, rows: int) -> Any:
            for part in super().parts(rows):
                taken.append(part.number)
                yield part

    done: list[int] = []
    screening = Screening(Watched(csv_file(tmp_path), "csv"), asked(), tmp_path / "found.parquet", rows=1)
    found = run(screening, client, lambda progress: done.append(len(taken)))
    assert found.counts.read == len(taken) == 9
    assert all(ahead - place <= AHEAD for place, ahead in enumerate(done)), done


def test_a_condition_keeps_rows_and_failures_stay(client: Any, tmp_path: Path) -> None:
    source = Source.of(csv_file(tmp_path))
    everything = run(Screening(source, asked(), tmp_path / "all.parquet"), client)
    where = "log10_sigma > -4 and hull_reaction_energy < -0.1"
    some = run(Screening(source, asked(where=where), tmp_path / "some.parquet"), client)
    rows = rows_of(everything.out)
    kept = [row for row in rows if row["log10_sigma"] > -4 and row["hull_reaction_energy"] < -0.1]
    assert 0 < len(kept) < len(rows)
    assert rows_of(some.out) == kept
    assert (some.counts.written, some.counts.failed) == (len(kept), 2)
    nothing = run(Screening(source, asked(where="log10_sigma > 5"), tmp_path / "none.parquet"), client)
    assert rows_of(nothing.out) == [] and nothing.counts.read == 9
    assert pq.read_table(nothing.out).schema.remove_metadata() == RESULTS.remove_metadata()


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
def test_structures_are_predicted_from_where_they_lie(client: Any, tmp_path: Path, kind: str) -> None:
    files = structure_files(ARGYRODITE)
    source = Source.of(ARCHIVES[kind](tmp_path, files))
    found = run(Screening(source, asked(), tmp_path / "found.parquet", rows=2), client)
    assert found.not_done == []
    rows = rows_of(found.out)
    assert [row["id"] for row in rows] == ["a.cif", "b/c.cif"]
    (said,) = superion.load("release").predict([{"cif": ARGYRODITE}]).as_dict()["predictions"]
    for row in rows:
        assert row["input"] == "cif"
        assert row["fingerprint"] == structure_fingerprint(Crystal.from_cif(ARGYRODITE))
        assert row["log10_sigma"] == pytest.approx(said["conductivity"]["log10_S_per_cm"]["mean"], abs=DIGITS)
    assert [(row["id"], row["code"]) for row in rows_of(found.failures)] == [("broken.cif", "invalid_cif")]


def test_a_list_that_is_gone_is_said_part_by_part_and_can_be_done_later(client: Any, tmp_path: Path) -> None:
    shelf = csv_file(tmp_path)
    screening = Screening(Source.of(shelf), asked(), tmp_path / "found.parquet", rows=5)
    content = shelf.read_bytes()

    class Gone(Source):
        def parts(self, rows: int) -> Any:
            yield from super().parts(rows)
            shelf.unlink()

    told: list[str] = []
    found = run(replace(screening, source=Gone(shelf, "csv")), client, tell=told.append)
    assert [text.partition(":")[0] for text in sorted(found.not_done)] == [
        "part 0, from row 0 on",
        "part 1, from row 5 on",
    ]
    assert sorted(told) == sorted(found.not_done)
    shelf.write_bytes(content)
    assert run(screening, client).counts.read == 9


def test_a_worker_that_cannot_have_the_model_says_so(tmp_path: Path, client: Any) -> None:
    source = Source.of(csv_file(tmp_path))
    given = asked()
    other = replace(given, model=replace(given.model, digest="0" * 64))
    with pytest.raises(Unavailable, match="another model"):
        run(Screening(source, other, tmp_path / "a.parquet"), client)
    gone = replace(given, model=replace(given.model, folder=tmp_path / "gone"))
    with pytest.raises(Unavailable, match=r"no model in .*gone: it has to be on a disk that all workers see"):
        run(Screening(source, gone, tmp_path / "b.parquet"), client)
    with pytest.raises(InvalidArtefact, match="holds no model"):
        Model.of(tmp_path, None, None)


@pytest.mark.parametrize(
    ("changes", "field"), [({"confidence": 1.0}, "confidence"), ({"temperature_c": -300.0}, "temperature_C")]
)
def test_what_cannot_be_asked_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        asked(**changes)
    assert caught.value.field == field


def test_what_is_not_asked_about_is_no_condition() -> None:
    with pytest.raises(InvalidValue, match="without stability nothing is known of reaction_energy, hull_interphase"):
        asked(where="reaction_energy > -0.1 or hull_interphase == 'stable'", stability=False)
    assert asked(where="log10_sigma > -4", stability=False).where


def test_parts_have_a_material_or_more(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="rows is 1 or more"):
        Screening(Source.of(csv_file(tmp_path)), asked(), tmp_path / "out", rows=0)


def test_a_process_loads_the_model_once_and_has_one_thread(tmp_path: Path, client: Any) -> None:
    def seen(model: Model) -> tuple[bool, int, str | None]:
        import torch

        return model.load() is model.load(), torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")

    assert client.submit(seen, asked().model).result() == (True, 1, "1")


def test_without_stability_the_rest_is_the_same(tmp_path: Path) -> None:
    (part,) = Source.of(csv_file(tmp_path)).parts(100)
    whole, some = judge(part, asked()), judge(part, asked(stability=False))
    asked_about = [name for name in RESULTS.names if name not in {*OF_STABILITY, "warnings"}]
    assert some.results.select(asked_about).equals(whole.results.select(asked_about))
    for name in RESULTS.names:
        if name in OF_STABILITY:
            assert some.results[name].null_count == len(some.results) > whole.results[name].null_count, name
    for short, long in zip(some.results["warnings"].to_pylist(), whole.results["warnings"].to_pylist(), strict=True):
        assert set(filter(None, short.split(" | "))) <= set(long.split(" | "))
    assert "lithium" not in " ".join(some.results["warnings"].to_pylist())
    assert some.failures == whole.failures


def test_large_parts_are_predicted_in_bounded_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may hold few materials of many atoms, or many of few."""
    source = Source.of(csv_file(tmp_path))
    (part,) = source.parts(100)
    whole = judge(part, asked())
    monkeypatch.setattr(judging, "BATCH", 2)
    pieces = judge(part, asked())
    assert pieces.results.drop_columns(_NUMBERS).equals(whole.results.drop_columns(_NUMBERS))
    for name in _NUMBERS:
        for one, other in zip(pieces.results[name].to_pylist(), whole.results[name].to_pylist(), strict=True):
            assert (one is None and other is None) or math.isclose(one, other, abs_tol=DIGITS)
    assert pieces.failures == whole.failures


_NUMBERS = [column.name for column in PREDICTED if column.type == pa.float64()]


def test_the_release_model_is_the_one_of_the_worker() -> None:
    model = asked().model
    assert model.folder is None and Model.of(RELEASE_FOLDER, None, "release") == model
