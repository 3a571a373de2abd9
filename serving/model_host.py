"""The model of one process: loaded in the background, checked, and replaced when the registry names another champion.

Requests read one reference, which is only ever replaced by that of a model that has answered for a canned material.
Whatever fails on the way (a registry that is locked or gone, an artefact that is damaged) leaves the old model in
place and is logged once.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from superion.errors import NotFound
from superion.serving import metrics
from superion.serving.limits import POLL_SECONDS, RETRY_SECONDS
from superion.serving.logs import event

if TYPE_CHECKING:
    from superion.models.predictor import Predictor
    from superion.training.registry import RegisteredModel


STOP_SECONDS = 3.0
"""Time that the making of a new registry has to clean up after itself."""


class ModelHost:
    """Hold the model that answers, and the thread that keeps it the champion."""

    def __init__(self, *, poll_seconds: float = POLL_SECONDS, retry_seconds: float = RETRY_SECONDS) -> None:
        self._poll_seconds = poll_seconds
        self._retry_seconds = retry_seconds
        self._predictor: Predictor | None = None
        self._ready = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._seeder: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._registry_seen = False
        self._refused: tuple[str, Path, float] | None = None
        self._complaint: str | None = None
        self._followers: tuple[Callable[[], None], ...] = ()

    @property
    def predictor(self) -> Predictor | None:
        """The model that answers now, None when there is none yet; take it once for a request."""
        return self._predictor

    @property
    def registry_seen(self) -> bool:
        """Whether the registry was there, so that a database which is not there has been lost."""
        return self._registry_seen

    def see_registry(self) -> None:
        """Note that the registry is there, which somebody has found before the next look."""
        self._registry_seen = True

    def start(self, *, seeds: bool = True) -> None:
        """Start loading, in a thread; a second call does nothing.

        `seeds` says whether this process registers the release model where the registry is empty.
        """
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(seeds,), name="model-host", daemon=True)
                self._thread.start()

    def follow(self, look: Callable[[], None]) -> None:
        """Have a function called after every look but the first, in the thread that looks; it must not raise."""
        self._followers = (*self._followers, look)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is a model; returns whether there is one."""
        return self._ready.wait(timeout)

    def stop(self) -> None:
        """Stop looking for new versions; the model keeps answering."""
        self._stopped.set()
        if self._seeder is not None and self._seeder.poll() is None:
            self._seeder.terminate()
            try:
                self._seeder.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._seeder.kill()

    def _run(self, seeds: bool) -> None:
        with _without_collector():
            self._look()
        gc.freeze()  # what is loaded by now stays; looking through it at every collection would cost 0.1 s each time
        while True:
            if seeds and self._predictor is not None:
                self._seed()
                seeds = False
            if self._stopped.wait(self._poll_seconds):
                return
            # What the seeder is about to say is known, and finding it out here would import MLflow.
            if self._seeder is None or self._seeder.poll() is not None:
                self._look()
                for follow in self._followers:
                    follow()

    def _look(self) -> None:
        """Look which version is champion, and take it when it is another one."""
        try:
            from superion.training import registry

            new = registry.registry_is_new()
            if new and self._predictor is not None:
                # Version 1 stands for the release model as long as nothing is registered. A database that is gone
                # says nothing of the sort: the champion from before goes on.
                if self._registry_seen:
                    self._complain("the registry's database is gone; the model stays")
                return
            champion = self._champion()
            self._registry_seen = not new
            if not self._is_current(champion) and (self._is_refused(champion) or not self._take(champion)):
                return
            if self._complaint is not None:
                event("the registry and its champion are well again")
                self._complaint = None
        except Exception as error:
            self._complain("the champion was not looked up; the model stays, if there is one", error)

    def _champion(self) -> RegisteredModel:
        from superion.training import registry

        try:
            return registry.resolve(registry.CHAMPION)
        except NotFound:
            if self._predictor is not None:
                raise
            # A database without a version: made by something else, or by a start that was interrupted.
            return registry.seed_release()

    def _is_current(self, champion: RegisteredModel) -> bool:
        """Tell whether the champion is the model that answers, if need be under a new name."""
        predictor = self._predictor
        if predictor is None or self._folder is None:
            return False
        if (champion.version, champion.folder) == (predictor.model.version, self._folder):
            return True
        if _digests(champion.folder) != _digests(self._folder):
            return False
        self._predictor = predictor.named(champion.version, champion.alias)
        self._folder = champion.folder
        metrics.model(champion.version, champion.folder)
        return True

    def _is_refused(self, champion: RegisteredModel) -> bool:
        if self._refused is None or self._refused[:2] != (champion.version, champion.folder):
            return False
        return time.monotonic() < self._refused[2]

    def _take(self, champion: RegisteredModel) -> bool:
        start = time.monotonic()
        try:
            loaded = load(champion)
        except Exception as error:
            self._refused = (champion.version, champion.folder, time.monotonic() + self._retry_seconds)
            self._complain(f"version {champion.version} was not taken; the model stays, if there is one", error)
            return False
        before = None if self._predictor is None else self._predictor.model.version
        self._predictor, self._folder, self._refused = loaded, champion.folder, None
        metrics.model(champion.version, champion.folder)
        self._ready.set()
        seconds = round(time.monotonic() - start, 3)
        event("model loaded", version=champion.version, before=before, seconds=seconds)
        return True

    def _complain(self, message: str, error: Exception | None = None) -> None:
        """Log a failure once, not at every look."""
        complaint = f"{message}: {type(error).__name__}: {error}"
        if complaint != self._complaint:
            event(message, logging.ERROR, failure=error)
            self._complaint = complaint

    def _seed(self) -> None:
        """Register the release model in a new registry.

        In a process of its own: MLflow's import and the making of its database are four seconds of work that would
        hold the interpreter lock against the first requests.
        """
        from superion.training import registry

        if registry.registry_is_new() and not self._stopped.is_set():
            command = [sys.executable, "-m", "superion.serving.seed"]
            self._seeder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def load(registered: RegisteredModel) -> Predictor:
    """Load a registered model and have it answer for a canned material.

    Raises InvalidArtefact when it does not, NotFound or InvalidArtefact when it cannot be loaded.
    """
    import torch

    from superion.models.predictor import Predictor

    torch.set_num_threads(1)  # the graphs are small; several requests at a time would only fight over the cores
    predictor = Predictor.from_folder(registered.folder, version=registered.version, alias=registered.alias)
    return predictor.check()


def _digests(folder: Path) -> bytes | None:
    """Return the configuration of an artefact, which holds the digests of its other files."""
    try:
        return (folder / "config.json").read_bytes()
    except OSError:
        return None


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Keep the garbage collector off: half a million objects are made by the imports, and none is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


_shared: ModelHost | None = None
_shared_lock = threading.Lock()


def shared() -> ModelHost:
    """Return the model host of this process."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = ModelHost()
        return _shared
