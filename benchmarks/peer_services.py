"""What the service is compared with: the same model behind a plain BentoML service, and a service that does nothing.

`bentoml serve benchmarks.peer_services:Plain` answers each request by one forward pass of its own, in as many workers
and threads as the service; `Empty` returns a document of the same length without a model.
"""

from __future__ import annotations

import json
from typing import Any

import bentoml

WORKERS, THREADS = 2, 4


def _predictor() -> Any:
    import torch

    from superion.models.predictor import RELEASE_FOLDER, Predictor

    torch.set_num_threads(1)
    return Predictor.from_folder(RELEASE_FOLDER).check()


@bentoml.service(workers=WORKERS, threads=THREADS, logging={"access": {"enabled": False}})
class Plain:
    """Answer one request by one forward pass."""

    def __init__(self) -> None:
        self.predictor = _predictor()

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, materials: list[dict[str, str]]) -> dict[str, Any]:
        """Return the answers as plain values."""
        return self.predictor.predict(materials).as_dict()


@bentoml.service(workers=WORKERS, threads=THREADS, logging={"access": {"enabled": False}})
class Empty:
    """Answer every request alike."""

    def __init__(self) -> None:
        self.answer = _predictor().predict(["Li6PS5Cl"]).as_dict()

    @bentoml.api  # type: ignore[untyped-decorator]
    async def predict(self, materials: list[dict[str, str]]) -> dict[str, Any]:
        """Return the one answer."""
        return self.answer


def body(materials: list[dict[str, str]]) -> bytes:
    """Return the body that all of them take."""
    return json.dumps({"materials": materials}).encode()
