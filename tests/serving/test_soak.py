"""Minutes of mixed load: no answer is wrong and no memory is lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

SECONDS = 180.0
WARM_SECONDS = 45.0
ALLOWED_MEGABYTES = 30.0
"""Growth of the worker from the end of the warm-up to the end of the load; the allocator's arenas account for it."""


def send(service_url: str, cif: str, seed: int, until: float, seen: Counter[str]) -> None:
    """Send requests of every kind until the time is over, counting answers that are not as they should be."""
    dice = random.Random(seed)
    with httpx.Client(base_url=service_url, timeout=120) as client:
        while time.monotonic() < until:
            formula = {"formula": f"Li{dice.uniform(1, 9):.3f}P{dice.uniform(0.1, 2):.3f}S5Cl"}
            kind, status, n_failed, body = dice.choice(
                [
                    ("formula", 200, 0, {"materials": [formula]}),
                    ("temperatures", 200, 0, {"materials": [formula], "temperature_C": [0, 25, 60]}),
                    ("structure", 200, 0, {"materials": [{"cif": cif}]}),
                    ("batch", 200, 10, {"materials": [formula] * 90 + [{"formula": "?"}] * 10}),
                    ("unreadable", 200, 2, {"materials": [{"cif": "x" * 100_000}, {"formula": "(" * 9000}]}),
                    ("body", 400, 0, {"materials": [{"formula": 5}]}),
                    ("size", 413, 0, {"materials": [{}] * 10_001}),
                ]
            )
            answer = client.post("/predict", json=body)
            failed = sum("error" in one for one in answer.json().get("predictions", []))
            seen[kind] += 1
            seen["wrong"] += (answer.status_code, failed) != (status, n_failed)
            seen["wrong"] += client.get(f"/{dice.random()}").status_code != 404


@pytest.mark.check
@pytest.mark.timeout(600)
def test_minutes_of_mixed_load(run_service: Callable[..., Any], cif: str) -> None:
    with run_service() as service:
        (worker,) = service.workers()
        counts = [Counter[str]() for _ in range(4)]
        until = time.monotonic() + SECONDS
        pairs = list(enumerate(counts))
        threads = [threading.Thread(target=send, args=(service.url, cif, seed, until, seen)) for seed, seen in pairs]
        for thread in threads:
            thread.start()
        time.sleep(WARM_SECONDS)
        before = worker.memory_info().rss
        for thread in threads:
            thread.join()
        seen = sum(counts, Counter[str]())
        growth = (worker.memory_info().rss - before) / 1e6
        print(f"{dict(seen)}; {before / 1e6:.0f} MB, {growth:+.1f} MB")
        assert seen["wrong"] == 0
        assert min(seen[kind] for kind in ("formula", "structure", "batch", "body")) > 50
        assert growth < ALLOWED_MEGABYTES
        assert [one.pid for one in service.workers()] == [worker.pid]
        assert worker.num_fds() < 64
        assert '"stack"' not in service.log.read_text()
