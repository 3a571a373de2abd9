"""Versions of the model beside the champion, loaded when somebody asks for one by its name."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from superion.errors import InvalidArtefact, NotFound, Unavailable
from superion.serving.limits import POLL_SECONDS
from superion.serving.logs import event
from superion.serving.model_host import ModelHost, load, shared
from superion.serving.problems import Refusal

if TYPE_CHECKING:
    from superion.models.predictor import Predictor
    from superion.training.registry import RegisteredModel

MAX_LOADED = 2
"""Versions that a worker keeps beside the champion, some 20 MB each; the one that was not asked for the longest goes
first."""
MAX_REMEMBERED = 1000
"""Names whose version is remembered."""


class Versions:
    """Load versions of the registry by number or alias; threads may share it."""

    def __init__(self, host: ModelHost, size: int = MAX_LOADED) -> None:
        self._host = host
        self._size = size
        self._loaded: OrderedDict[Path, Predictor] = OrderedDict()
        self._found: dict[str, tuple[float, RegisteredModel]] = {}
        self._lock = threading.Lock()
        """Held for a moment."""
        self._loading = threading.Lock()
        """Held while one is loaded, so that it is not loaded twice and memory does not hold many."""

    def get(self, name: str) -> Predictor:
        """Return a version, from memory when it is there; may take seconds.

        An alias may be as old as the champion of a worker: what it stood for some seconds ago. Raises Refusal: 404 for
        one that the registry does not hold, 409 for one that is damaged, 503 before there is any model or when the
        registry cannot be asked.
        """
        champion = self._host.predictor
        if champion is None:
            raise Refusal(503)
        if name in (champion.model.version, "champion"):
            return champion
        found = self._resolved(name)
        if found.version == champion.model.version:
            return champion.named(found.version, found.alias)
        predictor = self._remembered(found)
        if predictor is None:
            with self._loading:
                predictor = self._remembered(found) or self._load(found)
        return predictor.named(found.version, found.alias)

    def _resolved(self, name: str) -> RegisteredModel:
        from superion.training import registry

        now = time.monotonic()
        known = self._found.get(name)
        # A number always stands for the same version, as long as its files are there.
        if known is not None and (now - known[0] < POLL_SECONDS or (name.isdecimal() and known[1].folder.is_dir())):
            return known[1]
        try:
            found = registry.resolve(name)
        except NotFound:
            message = f"the registry holds no version {name[:40]!r}; GET /models lists those that it has"
            raise Refusal(404, message, field="model") from None
        except InvalidArtefact:
            raise _damaged(name) from None
        except Unavailable as error:
            event("a version was not looked up", logging.ERROR, failure=error)
            reason = "the registry of models cannot be asked; the log of the service says why"
            raise Refusal(503, reason, code=error.code, field="model") from None
        with self._lock:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            self._found[name] = (now, found)
        return found

    def _remembered(self, found: RegisteredModel) -> Predictor | None:
        with self._lock:
            predictor = self._loaded.get(found.folder)
            if predictor is not None:
                self._loaded.move_to_end(found.folder)
            return predictor

    def _load(self, found: RegisteredModel) -> Predictor:
        try:
            predictor = load(found)
        except (InvalidArtefact, NotFound):
            raise _damaged(found.version) from None
        with self._lock:
            self._loaded[found.folder] = predictor
            while len(self._loaded) > self._size:
                self._loaded.popitem(last=False)
        return predictor


def _damaged(name: str) -> Refusal:
    message = f"version {name} cannot be loaded: its artefact is damaged or of another format"
    return Refusal(409, message, code=InvalidArtefact.code, field="model")


@functools.cache
def versions() -> Versions:
    """Return the versions of this process."""
    return Versions(shared())
