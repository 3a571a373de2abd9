"""What the service says of data sets, jobs and models, with the names that it has in the HTTP answer.

A field that a newer service adds is kept, and can be read by its name.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

FINISHED = frozenset({"succeeded", "failed", "cancelled"})
"""States that a job does not leave."""


class Record(BaseModel):
    """Hold a part of an answer."""

    # Nothing of pydantic's is meant by names that begin with "model".
    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class Me(Record):
    """Who asks, as the service sees it."""

    name: str
    role: str
    """read, write or admin."""
    key: str | None
    """Identifier of the key, None where none is needed."""
    keys_required: bool


class RowNote(Record):
    """What is to be said of one row of a data set."""

    line: int
    """In the file, the header being line 1."""
    id: str | None
    reason: str


class Dataset(Record):
    """An uploaded data set."""

    id: str
    name: str
    owner: str | None
    readers: str
    """owner or group."""
    purpose: str
    """training or holdout."""
    digest: str
    created: datetime
    n_rows: int
    n_failed: int
    n_with_structure: int
    n_censored: int
    failed: tuple[RowNote, ...]
    """Rows that cannot be used, each with the reason."""
    notes: tuple[RowNote, ...]
    """What was read in place of what stood there."""
    check: dict[str, Any]
    """As `superion data check --json` prints it."""


class Progress(Record):
    """How far a job is."""

    fits_done: int
    fits_total: int | None
    seconds_left: float | None


class Job(Record):
    """A job: a training, or a simulation of campaigns."""

    id: str
    kind: str = "training"
    """training or simulation."""
    state: str
    """queued, running, cancelling, succeeded, failed or cancelled."""
    reason: str | None
    owner: str | None
    request: dict[str, Any]
    created: datetime
    started: datetime | None
    ended: datetime | None
    progress: Progress
    attempts: int
    run_id: str | None
    run_url: str | None
    version: str | None
    """Of the model that came of it."""
    result: dict[str, Any] | None

    @property
    def finished(self) -> bool:
        """Tell whether the job has ended, well or not."""
        return self.state in FINISHED


class LogPart(NamedTuple):
    """Hold a part of a job's log."""

    text: str
    next_offset: int
    """Where the next part begins [bytes]."""


class Gate(Record):
    """How a version compares with the champion on the frozen holdout."""

    champion: str
    verdict: str


class ModelVersion(Record):
    """A version of the model."""

    version: str
    aliases: tuple[str, ...]
    created: datetime
    run_id: str | None
    name: str | None
    data: dict[str, Any]
    parent: str | None
    metrics: dict[str, float]
    gate: Gate | None


class ModelDetail(ModelVersion):
    """A version of the model with its card."""

    card: str
    """Markdown."""


class Models(Record):
    """The versions, and what each alias stands for."""

    models: tuple[ModelVersion, ...]
    champion: str | None
    challenger: str | None
    rollback: str | None
    shadow: str | None


class Promoted(Record):
    """Which version answers now, and which did before."""

    champion: str
    rollback: str | None
    gate: Gate | None


class Shadow(Record):
    """How the version that is asked beside the champion compares with it."""

    version: str | None
    champion: str | None
    n: int
    mean_difference: float | None
    """Of log10(S/cm), shadow minus champion."""
    mean_absolute_difference: float | None
    share_outside_interval: float | None
    n_failed: int
    since: datetime | None


class Drift(Record):
    """What was asked for lately, beside what the model was trained on."""

    model: str
    n_training: int
    periods: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
