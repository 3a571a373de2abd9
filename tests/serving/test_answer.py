"""What becomes of a request for predictions as a whole, without a process."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest

import superion
from superion.models.predictor import Predictor
from superion.serving.answer import PREDICT
from superion.serving.limits import DEADLINE_SECONDS
from superion.serving.problems import Refusal
from superion.serving.route import Lane, in_thread


@pytest.fixture(scope="module")
def release() -> Predictor:
    """Return the release model under a name of the registry."""
    return superion.load("release").named("9", "champion")


def ask(predictor: Any, materials: list[dict[str, Any]], arrival: float | None = None, **options: Any) -> Any:
    """Return the parsed answer."""
    content = json.dumps({"materials": materials, **options}).encode()
    asked = PREDICT.reply(content, time.monotonic() if arrival is None else arrival, predictor)
    return json.loads(asyncio.run(asked).content)


def test_without_a_model_a_request_is_refused_before_it_is_read() -> None:
    with pytest.raises(Refusal) as refusal:
        asyncio.run(PREDICT.reply(b"not even JSON", time.monotonic(), None))
    assert (refusal.value.status, refusal.value.code) == (503, "not_ready")


def test_the_document_is_that_of_the_model(release: Predictor) -> None:
    materials = [{"id": 3, "formula": "LiF"}, {"formula": "?"}]
    document = ask(release, materials, temperature_C=[25, 60], confidence=0.5)
    expected = release.predict(materials, [25, 60], 0.5).as_dict()
    expected["predictions"][0]["id"] = 3
    assert document == expected
    assert document["model"] == {"name": "superion", "version": "9", "alias": "champion"}


def test_a_request_that_waited_too_long_is_given_up(release: Predictor) -> None:
    with pytest.raises(Refusal) as refusal:
        ask(release, [{"formula": "LiF"}], arrival=time.monotonic() - DEADLINE_SECONDS - 1)
    assert refusal.value.status == 504


@pytest.mark.parametrize(
    ("options", "field"), [({"confidence": 2}, "confidence"), ({"temperature_C": 5000}, "temperature_C")]
)
def test_an_argument_out_of_range_is_the_fault_of_the_request(
    release: Predictor, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refusal) as refusal:
        ask(release, [{"formula": "LiF"}], **options)
    assert (refusal.value.status, refusal.value.field) == (400, field)


def test_a_long_body_is_read_too(release: Predictor) -> None:
    materials = [{"id": "x" * 200, "formula": "LiF"}] * 500
    assert {one["id"] for one in ask(release, materials)["predictions"]} == {"x" * 200}


def test_slow_work_of_one_kind_holds_up_no_other() -> None:
    async def run() -> bool:
        begun, done = threading.Event(), threading.Event()

        def slow() -> None:
            begun.set()
            assert done.wait(30)

        uploads = [asyncio.ensure_future(in_thread(slow, lane=Lane.UPLOAD)) for _ in range(8)]
        while not begun.is_set():
            await asyncio.sleep(0.001)
        quick = await asyncio.wait_for(in_thread(lambda: True), 10)
        done.set()
        await asyncio.gather(*uploads)
        return quick

    assert asyncio.run(run())
