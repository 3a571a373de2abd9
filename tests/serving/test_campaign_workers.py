"""Campaigns of several workers and keys, without a model, and where the database is at fault."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from superion.discovery.campaigns import creation as campaign_creation
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, NotFound
from superion.models.domain import KnownMaterial
from superion.models.predictor import RELEASE_FOLDER, Predictor
from superion.serving import campaigns, limits
from superion.serving.callers import LOCAL, READ, WRITE, Caller
from superion.serving.campaign_bodies import NAME_PATTERN, CandidateBody, GoalBody
from superion.serving.campaign_items import ItemNote, Items, shown
from superion.serving.endpoints import Endpoints
from superion.serving.guard import Guard
from superion.serving.management import app, campaign_steps
from superion.serving.problems import Refusal

from ._answers import refused
from ._campaigns import FORMULAS, begin, observe, step, suggest
from .conftest import eventually, running


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Let go of the campaigns of a test, which has a home of its own."""
    campaigns.close()
    yield
    campaigns.close()


@pytest.fixture(scope="module")
def release() -> Predictor:
    """Return the release model."""
    return Predictor.from_folder(RELEASE_FOLDER)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Callable[[Predictor | None], None]:
    """Return a function that sets the model which answers in this process."""

    class Host:
        predictor: Predictor | None = None

    host = Host()
    monkeypatch.setattr(campaign_steps.model_host, "shared", lambda: host)
    return lambda predictor: setattr(host, "predictor", predictor)


@pytest.fixture
def here() -> Callable[[Caller], httpx.Client]:
    """Return a function that makes a client of the application in this process, for a caller."""
    endpoints = Endpoints(app.endpoints())

    def client(caller: Caller = LOCAL) -> Any:
        from starlette.testclient import TestClient

        return TestClient(Guard(app.create(), endpoints, lambda *_: caller))

    return client


@pytest.mark.check
def test_two_workers_never_suggest_one_candidate_twice_and_forget_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "home", "--workers", "2") as service:
        names = [f"Li{n}PS{m}Cl{k}" for n in (3, 5, 6) for m in (4, 5) for k in (1, 2, 3)]
        begin(service.client, "shared", *names)

        def ask(seed: int) -> tuple[int, list[str]]:
            # A connection of its own, which either worker may get.
            with httpx.Client(base_url=service.url, timeout=120.0) as client:
                answer = client.post("/campaigns/shared/suggestions", json={"number": 2, "seed": seed})
                found = [one["candidate"] for one in answer.json().get("suggestions", ())]
                return answer.status_code, found

        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(ask, range(10)))
        given = [candidate for _, found in answers for candidate in found]
        assert sorted(given) == sorted(names)
        # The tenth found nothing left.
        assert sorted(status for status, _ in answers) == [201] * 9 + [409]
        asked = {json.loads(line)["pid"] for line in service.log.read_text().splitlines() if "suggestions" in line}
        assert len(asked) == 2, "both workers were asked"

        before = service.client.get("/campaigns/shared").json()
        for worker in service.workers():
            worker.kill()
            psutil.wait_procs([worker], 10)
        assert eventually(lambda: _status(service.url) == before)


def _status(url: str) -> Any:
    try:
        return httpx.get(f"{url}/campaigns/shared", timeout=60).json()
    except httpx.TransportError:
        return None


def test_who_may_read_may_not_write_and_who_writes_is_named(here: Any, model: Any, release: Predictor) -> None:
    model(release)
    ada, rosa = here(Caller("k1", "ada", WRITE)), here(Caller("k2", "rosa", READ))
    assert begin(ada, "keys")["status"]["last_events"][0]["by"] == "ada"
    assert {one["by"] for one in suggest(ada, "keys")} == {"ada"}
    for path in ("", "/candidates", "/suggestions", "/events", "/report", "/export"):
        assert rosa.get(f"/campaigns/keys{path}").status_code == 200
    assert [one["created_by"] for one in rosa.get("/campaigns").json()["campaigns"]] == ["ada"]
    bodies = {
        "/campaigns": {"name": "x", "candidates": [{"formula": "LiF"}]},
        "/campaigns/keys/suggestions": {},
        "/campaigns/keys/observations": {"observations": [{"candidate": "LiI", "failed": True}]},
        "/campaigns/keys/withdraw": {"suggestions": [1]},
        "/campaigns/keys/undo": {},
        "/candidates/enumerate": {"parent": "LiF", "swaps": ["F>Cl"]},
    }
    for path, body in bodies.items():
        assert "the role write" in refused(rosa.post(path, json=body), 403, "forbidden")
    assert [one["action"] for one in rosa.get("/campaigns/keys/events").json()["events"]] == ["new", "suggest"]


def test_rows_of_uploaded_data_sets_are_shown_to_nobody(here: Any, model: Any, release: Predictor) -> None:
    secret = KnownMaterial("Li5.3PS4.1Cl1.9Br0.2", 4.2e-3, "the secret notebook", "mine")
    domain = release.artefact.domain
    learned = replace(domain, known=(*domain.known, secret))
    model(replace(release, artefact=replace(release.artefact, domain=learned)))
    client = here()
    begin(client, "private", secret.formula)
    (one,) = suggest(client, "private", 1)
    assert one["reasons"]["nearest"], "there is something to be shown"
    for path in ("", "/suggestions", "/events", "/report", "/export"):
        assert "secret notebook" not in client.get(f"/campaigns/private{path}").text


def test_without_a_model_nothing_is_suggested(here: Any, model: Any) -> None:
    model(None)
    client = here()
    begin(client, "early")
    answer = client.post("/campaigns/early/suggestions", json={})
    refused(answer, 503, "not_ready")
    assert int(answer.headers["retry-after"]) >= 1
    assert observe(client, "early", {"candidate": "LiI", "value": 1e-7, "unasked": True}).status_code == 201
    assert step(client, "early", "undo").status_code == 200


def test_who_waits_for_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "SUGGEST_WAIT_SECONDS", 0.05)

    async def take_turn() -> None:
        async with campaigns.turn():
            pass

    async def wait_in_line() -> Refusal:
        async with campaigns.turn():
            with pytest.raises(Refusal) as caught:
                await asyncio.create_task(take_turn())
        await asyncio.create_task(take_turn())  # it is free again
        return caught.value

    campaigns._turn.cache_clear()
    refusal = asyncio.run(wait_in_line())
    campaigns._turn.cache_clear()
    assert (refusal.status, refusal.code) == (503, "busy")
    assert int(refusal.headers["Retry-After"]) >= 1


def test_one_batch_is_chosen_at_a_time(
    here: Any, model: Any, release: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model(release)
    at_work, most = [0], [0]
    real = campaigns.suggest

    def counted(*arguments: Any, **options: Any) -> Any:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        time.sleep(0.1)
        try:
            return real(*arguments, **options)
        finally:
            at_work[0] -= 1

    monkeypatch.setattr(campaigns, "suggest", counted)
    campaigns._turn.cache_clear()
    with here() as client:  # one event loop for all
        begin(client, "turns")
        threads = [threading.Thread(target=suggest, args=(client, "turns", 1)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(client.get("/campaigns/turns/suggestions").json()["suggestions"]) == 4
    campaigns._turn.cache_clear()
    assert most == [1]


def test_a_request_that_has_become_too_old_is_given_up(release: Predictor, here: Any) -> None:
    begin(here(), "late")
    old = time.monotonic() - limits.DEADLINE_SECONDS - 1.0
    with pytest.raises(Refusal) as caught:
        campaigns.suggest("late", release, 1, 0, by="ada", arrival=old)
    assert caught.value.status == 504
    assert campaigns.store().state("late").suggestions == ()
    with pytest.raises(Refusal) as caught:
        Items(old).candidates([CandidateBody(formula="LiF")])
    assert caught.value.status == 504


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/campaigns.db", "mysql://ada:secret@host/campaigns", "no url"]
)
def test_a_database_that_is_at_fault_is_not_told_of(
    here: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str
) -> None:
    monkeypatch.setenv("SUPERION_CAMPAIGNS", url)
    with caplog.at_level(logging.INFO, "superion.serving"):
        answers = [
            here().get("/campaigns"),
            here().get("/campaigns/x/report"),
            here().post("/campaigns", json={"name": "x", "candidates": [{"formula": "LiF"}]}),
            here().post("/campaigns/x/undo", json={}),
        ]
    for answer in answers:
        message = refused(answer, 503, "unavailable")
        assert not {"nowhere", "secret", "SUPERION"} & set(message.replace("/", " ").split())
        assert "retry-after" in answer.headers
    # The log has the reason.
    assert "campaigns" in str([record.exc_info for record in caplog.records if record.exc_info])
    # It is tried again with the next request.
    monkeypatch.delenv("SUPERION_CAMPAIGNS")
    assert here().get("/campaigns").json() == {"campaigns": []}


def test_a_database_that_is_damaged_while_the_service_runs(here: Any, superion_home: Path) -> None:
    client = here()
    begin(client, "x", *FORMULAS)
    for file in superion_home.glob("campaigns.db*"):
        file.unlink()
    (superion_home / "campaigns.db").write_bytes(b"no database" * 1000)
    message = refused(client.get("/campaigns/x"), 503, "unavailable")
    assert str(superion_home) not in message


def test_the_bodies_are_of_the_domain() -> None:
    assert set(GoalBody.model_fields) == set(Goal().as_dict())
    assert f"^{campaign_creation._NAME.pattern}$" == NAME_PATTERN


def test_more_notes_than_an_answer_holds() -> None:
    notes = [ItemNote(f"candidates.{n}", "x", "no") for n in range(1005)]
    assert shown(notes[:1000]) == notes[:1000]
    assert shown(notes)[1000:] == [ItemNote("", "", "and 5 more")]


def test_a_fault_of_the_choice_is_not_the_callers(
    here: Any, model: Any, release: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from superion.discovery.choice import suggesting

    def at_fault(chooser: Any, state: Any) -> Any:
        raise InvalidValue("predicted is a finite number, not nan", field="predicted")

    monkeypatch.setattr(suggesting.Chooser, "__call__", at_fault)
    model(release)
    client = here()
    begin(client, "at-fault")
    refused(client.post("/campaigns/at-fault/suggestions", json={}), 500, "internal_error")
    assert client.get("/campaigns/at-fault").json()["pending"] == 0


def test_what_names_no_campaign_is_not_found(release: Predictor) -> None:
    with pytest.raises(NotFound):
        campaigns.suggest("none", release, 1, 0, by="ada", arrival=time.monotonic())
