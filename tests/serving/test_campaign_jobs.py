"""Simulations of campaigns and retrainings on them over HTTP, as jobs: what they come to, and what interrupts them."""

from __future__ import annotations

import csv
import io
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from superion import Client
from superion.discovery.campaigns.observing import Report
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.goal import Goal
from superion.discovery.retrospective.plan import Plan
from superion.discovery.retrospective.simulation import Run, Table, replay, simulate
from superion.discovery.retrospective.summary import summary
from superion.errors import RequestFailed
from superion.serving.jobs import campaign_rows, store
from superion.serving.jobs.replay import _read
from superion.training.table import read_table

from ..discovery._campaigns import candidates
from ..training._noise import MLFLOW
from ._campaigns import begin, observe
from .conftest import Service, eventually, running
from .test_jobs import ended, process_of

pytestmark = MLFLOW

SIZES: dict[str, Any] = {"start": 6, "batch": 3, "rounds": 3, "seeds": 2, "top": 0.1}
STRATEGIES = ["superion", "random"]
QUICK = {"members": 2, "folds": 3, "epochs": 1}


@pytest.fixture(scope="module")
def table(data_mirror: Callable[[str], Path]) -> bytes:
    """Return every tenth row of the training table of OBELiX."""
    with (data_mirror("obelix") / "train.csv").open(encoding="utf-8") as file:
        lines = list(csv.reader(file))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([lines[0], *lines[1::10]])
    return text.getvalue().encode()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service of this module."""
    with running(tmp_path_factory.mktemp("campaign-jobs") / "home", "--workers", "1") as found:
        yield found


@pytest.fixture(scope="module")
def dataset(served: Service, table: bytes) -> str:
    """Return the data set that is replayed."""
    answer = served.client.post("/datasets", files={"file": ("some.csv", table)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def timeless(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document of a retrospective without how long it took."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    for told in found["strategies"].values():
        del told["seconds_a_round"]
    return found


def test_a_simulation_comes_to_what_it_does_in_a_notebook(
    served: Service, dataset: str, table: bytes, tmp_path: Path
) -> None:
    (tmp_path / "some.csv").write_bytes(table)
    rows = read_table(tmp_path / "some.csv").rows
    expected = summary(simulate(rows, Plan(**SIZES, names=tuple(STRATEGIES), hold_out="garnet", workers=1)))
    with Client(served.url) as client:
        made = client.simulate(dataset, strategies=STRATEGIES, hold_out="garnet", **SIZES)
        assert (made.kind, made.state, made.version) == ("simulation", "queued", None)
        found = client.wait(made, timeout=120)
    assert (found.state, found.reason, found.version) == ("succeeded", None, None)
    assert (found.progress.fits_done, found.progress.fits_total) == (4, 4)
    assert found.result is not None
    assert timeless(found.result) == timeless(expected)
    log = served.client.get(f"/jobs/{found.id}/log").text
    assert "random: " in log and log.rstrip().endswith("done")
    assert not (served.home / "jobs" / found.id / "replayed.jsonl").exists()


@pytest.mark.check
def test_a_simulation_that_is_killed_goes_on_with_the_next_campaign(served: Service, dataset: str) -> None:
    asked = {"datasets": [dataset], "strategies": STRATEGIES, **SIZES, "seeds": 12, "rounds": 10}
    whole = served.client.post("/campaigns/simulate", json=asked).json()
    undisturbed = ended(served, whole["id"])
    assert undisturbed["state"] == "succeeded", undisturbed["reason"]
    job_id = served.client.post("/campaigns/simulate", json=asked).json()["id"]
    kept = served.home / "jobs" / job_id / "replayed.jsonl"
    assert eventually(lambda: kept.is_file() and kept.read_bytes().count(b"\n") >= 2, 90)
    process = process_of(served.home, job_id)
    assert process is not None
    process.send_signal(signal.SIGKILL)
    found = ended(served, job_id)
    assert (found["state"], found["attempts"]) == ("succeeded", 2)
    assert "campaigns were replayed already" in served.client.get(f"/jobs/{job_id}/log").text
    assert timeless(found["result"]) == timeless(undisturbed["result"])


def test_a_line_that_was_cut_off_is_replayed_again(tmp_path: Path) -> None:
    """What is left of a file after a kill reads as the whole lines of it, and can be written on."""
    rows = small(tmp_path)
    plan = Plan(start=3, batch=2, rounds=2, seeds=2, names=("random",), workers=1)
    runs = {("random", seed): replay(Table.of(rows, plan.top), plan, "random", seed) for seed in range(2)}
    kept = tmp_path / "replayed.jsonl"
    lines = [json.dumps([*task, run.as_dict()]) + "\n" for task, run in runs.items()]
    kept.write_text(lines[0] + lines[1][:-20])
    assert list(_read(kept)) == [("random", 0)]
    assert kept.read_text() == lines[0]
    assert same(_read(kept)["random", 0], runs["random", 0])
    kept.write_text(lines[0][:40])
    assert _read(kept) == {} and kept.read_text() == ""
    assert _read(tmp_path / "absent") == {}


def small(folder: Path) -> Any:
    """Return the rows of a small table."""
    lines = [f"Li{n}PS{n + 1},{1e-3 / n}" for n in range(1, 16)]
    (folder / "small.csv").write_text("formula,conductivity_S_per_cm\n" + "\n".join(lines) + "\n")
    return read_table(folder / "small.csv").rows


def same(one: Run, other: Run) -> bool:
    """Tell whether two runs are alike to the last digit."""
    return json.dumps(one.as_dict()) == json.dumps(other.as_dict())


@pytest.mark.parametrize(
    ("changes", "status", "field", "said"),
    [
        ({"datasets": []}, 400, "datasets", "at least 1"),
        ({"datasets": ["nothing"]}, 404, "dataset", "there is no data set"),
        ({"rounds": 100}, 400, "datasets", "48 rows"),
        ({"rounds": 0}, 400, "rounds", "greater than or equal to 1"),
        ({"top": 1.0}, 400, "top", "less than 1"),
        ({"strategies": ["luck"]}, 400, "strategies.0", "'superion'"),
        ({"kappa": -1.0}, 400, "kappa", "kappa"),
        ({"most_of_a_family": 0}, 400, "most_of_a_family", "1"),
        ({"other": 1}, 400, "other", "not permitted"),
    ],
)
def test_a_simulation_that_cannot_be_is_refused_before_it_is_queued(
    served: Service, dataset: str, changes: dict[str, Any], status: int, field: str, said: str
) -> None:
    before = len(served.client.get("/jobs").json()["jobs"])
    answer = served.client.post("/campaigns/simulate", json={"datasets": [dataset], **SIZES, **changes})
    error = answer.json()["error"]
    assert (answer.status_code, error["field"]) == (status, field), answer.text
    assert said in error["message"]
    assert len(served.client.get("/jobs").json()["jobs"]) == before


def test_a_family_that_there_is_not_is_the_reason_of_the_failure(served: Service, dataset: str) -> None:
    asked = {"datasets": [dataset], **SIZES, "hold_out": "perovskites of the moon"}
    made = served.client.post("/campaigns/simulate", json=asked)
    assert made.status_code == 202
    found = ended(served, made.json()["id"])
    assert found["state"] == "failed"
    assert "no row is of the family 'perovskites of the moon'; there are " in found["reason"]


def test_no_campaign_has_the_name_of_a_path(served: Service) -> None:
    answer = served.client.post("/campaigns", json={"name": "simulate", "candidates": [{"formula": "LiF"}]})
    assert (answer.status_code, answer.json()["error"]["field"]) == (409, "name")
    assert "has a meaning of its own" in answer.json()["error"]["message"]


def test_the_champion_is_retrained_on_what_a_campaign_measured(served: Service) -> None:
    formulas = [f"Li{6 + x / 40:g}P{1 - x / 40:g}Si{x / 40:g}S5Br" for x in range(1, 31)]
    begin(served.client, "made", *formulas)
    with Client(served.url) as client:
        with pytest.raises(RequestFailed) as caught:
            client.retrain("made", force=True)
        assert (caught.value.status, caught.value.code) == (409, "nothing_measured")
        told = [{"candidate": name, "value": 1e-4 * n, "unasked": True} for n, name in enumerate(formulas, 1)]
        assert observe(served.client, "made", *told).status_code == 201
        with pytest.raises(RequestFailed, match="not retrained: ") as caught:
            client.retrain("made")
        assert (caught.value.status, caught.value.code, caught.value.field) == (409, "does_not_pay", "force")
        with pytest.raises(RequestFailed) as caught:
            client.retrain("absent", force=True)
        assert caught.value.status == 404
        made = client.retrain("made", force=True, **QUICK)
        assert (made.kind, made.request["campaign"], made.request["from"]) == ("training", "made", "champion")
        assert made.request["parent"] == client.models().champion
        found = client.wait(made, timeout=300)
        assert found.state == "succeeded", (found.reason, client.log(found).text)
        assert client.models().challenger == found.version
        last = client.events("made")[-1]
    assert (last.action, last.by) == ("retrain", "local")
    assert last.detail["version"] == found.version and last.detail["rows"] == len(formulas)
    assert last.detail["run_id"] == found.run_id
    assert "measurements of what this model predicted" in last.detail["why"]
    assert not (served.home / "jobs" / found.id / "measured").exists()


def test_an_interrupted_retraining_keeps_its_rows_and_is_noted_once(superion_home: Path) -> None:
    with CampaignStore.open() as opened:
        opened.create("lab", Goal(), candidates(), by="ada")
        opened.observe_all("lab", [Report("LiI", value="1e-7", unasked=True)], by="ada")
        request = {"campaign": "lab", "why": "it was off", "by": "grace", "datasets": []}
        made = store.create(None, "grace", request)
        first = campaign_rows.table(made)
        opened.observe_all("lab", [Report("Li3YCl6", value="0.5 mS/cm", unasked=True)], by="ada")
        again = campaign_rows.table(made)
        assert [row.id for row in first.rows] == [row.id for row in again.rows] == ["LiI"]
        assert first.digest == again.digest
        for _ in range(2):
            campaign_rows.record(made, {"run_id": "r", "version": "3", "alias": "challenger"})
        events = [event for event in opened.events("lab") if event.action == "retrain"]
    assert [(event.by, event.detail["rows"], event.detail["version"]) for event in events] == [("grace", 1, "3")]
    assert events[0].detail["why"] == "it was off"
