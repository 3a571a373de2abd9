"""The client of the HTTP service."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast
from urllib.parse import quote

from pydantic import BaseModel

from superion.client.campaigns import CampaignCalls
from superion.client.materials import Material, encoded, listed, requests
from superion.client.records import (
    Dataset,
    Drift,
    Gate,
    Job,
    LogPart,
    Me,
    ModelDetail,
    Models,
    Promoted,
    Shadow,
)
from superion.client.transport import JSON, Transport, as_json
from superion.errors import InvalidValue, RequestFailed
from superion.serving.answer_schema import Answer
from superion.serving.hull_schema import EnvironmentAnswer, InterfaceAnswer, WindowAnswer

KEY_VARIABLE = "SUPERION_KEY"
TIMEOUT_SECONDS = 300.0
"""A little more than the service works on one request."""
POLL_SECONDS = 2.0


class _Datasets(BaseModel):
    datasets: list[Dataset]


class _Jobs(BaseModel):
    jobs: list[Job]


class _Gated(BaseModel):
    gate: Gate


class Client(CampaignCalls):
    """Ask a running service.

    What it raises is RequestFailed for an answer that is an error, Unavailable where there is no answer, InvalidValue
    for what cannot be sent. A client may be used by several threads.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:3000",
        key: str | None = None,
        *,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = 4,
    ) -> None:
        """Prepare to ask the service at `url`; nothing is sent yet.

        The key is that of `SUPERION_KEY` unless given. `timeout` [s] is for one answer, `retries` the number of further
        attempts after a lost connection and after 429 and 503, ever later and no sooner than the service asks.
        """
        self.url = url
        self._transport = Transport(url, key or os.environ.get(KEY_VARIABLE) or None, timeout, retries)

    def __repr__(self) -> str:
        return f"Client({self.url!r})"  # without the key

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def ready(self) -> bool:
        """Tell whether the service answers predictions now; never raises for one that does not."""
        return self._transport.answers("/readyz")

    def me(self) -> Me:
        """Return who asks, as the service sees it."""
        return self._transport.read(Me, "GET", "/me", repeatable=True)

    # Predictions ------------------------------------------------------------------------------------------------------

    def predict(
        self,
        materials: Material | Iterable[Material],
        temperature_C: float | Sequence[float] = 25.0,  # noqa: N803 - given
        confidence: float = 0.9,
        detail: Sequence[str] = (),
        model: str | int | None = None,
    ) -> Answer:
        """Predict materials: formulas, paths to CIF or POSCAR files, structures of pymatgen, or mappings.

        `predictions` of the answer has a Prediction or a Failure for each, in order; a file's name is its id. A long
        list goes out in several requests, and is answered by one model. `model` names a version or an alias other than
        the champion.
        """
        temperatures = _temperatures(temperature_C)
        options: dict[str, Any] = {
            "temperature_C": temperatures[0] if isinstance(temperature_C, Real) else temperatures,
            "confidence": confidence,
            "detail": list(detail),
        }
        if model is not None:
            options["model"] = str(model)
        documents = [encoded(material, place) for place, material in enumerate(listed(materials))]
        if not documents:
            raise InvalidValue("materials is empty; at least one is right", field="materials")
        answer: Answer | None = None
        for part in requests(documents, len(temperatures)):
            found = self._predict(part, options)
            if answer is None:
                answer = found
                continue
            if found.model.version != answer.model.version:
                # Another version was promoted meanwhile.
                found = self._predict(part, {**options, "model": answer.model.version})
            answer.predictions += found.predictions
        assert answer is not None
        return answer

    def _predict(self, part: Sequence[bytes], options: Mapping[str, Any]) -> Answer:
        content = b'{"materials":[' + b",".join(part) + b"]," + as_json(options)[1:]
        try:
            return self._transport.read(Answer, "POST", "/predict", repeatable=True, content=content, headers=JSON)
        except RequestFailed as failure:
            # Too much at a time for the service, or for a proxy before it.
            if failure.status not in (413, 504) or len(part) == 1:
                raise
        half = len(part) // 2
        first = self._predict(part[:half], options)
        # By its number: another version may be promoted meanwhile.
        first.predictions += self._predict(part[half:], {**options, "model": first.model.version}).predictions
        return first

    def predict_file(
        self,
        file: Path,
        temperature_C: float | Sequence[float] = 25.0,  # noqa: N803 - given
        confidence: float = 0.9,
        model: str | int | None = None,
    ) -> Answer:
        """Predict what a file holds: a CIF, a POSCAR, a table with the column formula, or a zip of structures."""
        fields: dict[str, Any] = {"temperature_C": _temperatures(temperature_C), "confidence": confidence}
        if model is not None:
            fields["model"] = str(model)
        files = {"file": _file(file)}
        return self._transport.read(Answer, "POST", "/predict/file", repeatable=True, data=fields, files=files)

    def window(self, formula: str, energy_eV_per_atom: float | None = None) -> WindowAnswer:  # noqa: N803 - given
        """Return what a composition turns into at every potential against lithium metal."""
        body = {"formula": formula, "energy_eV_per_atom": energy_eV_per_atom}
        return self._transport.read(WindowAnswer, "POST", "/window", repeatable=True, document=body)

    def window_figure(self, formula: str, kind: Literal["svg", "png"] = "svg") -> bytes:
        """Return the figure of a composition's window, as a file of the kind."""
        return self._transport.send(
            "POST", "/window", repeatable=True, document={"formula": formula, "plot": kind}
        ).content

    def interface(
        self,
        electrolyte: str,
        partner: str | None = None,
        potential_V: float | None = None,  # noqa: N803 - given
    ) -> InterfaceAnswer:
        """Return what an electrolyte and a partner, or all partners that have a name, react to."""
        body = {"electrolyte": electrolyte, "partner": partner, "potential_V": potential_V}
        return self._transport.read(InterfaceAnswer, "POST", "/interface", repeatable=True, document=body)

    def environment(self, formula: str, water: Literal["liquid", "gas"] = "liquid") -> EnvironmentAnswer:
        """Return what an electrolyte can turn into in water, carbon dioxide and moist air."""
        body = {"formula": formula, "water": water}
        return self._transport.read(EnvironmentAnswer, "POST", "/environment", repeatable=True, document=body)

    # Data sets --------------------------------------------------------------------------------------------------------

    def upload(
        self,
        file: Path,
        cifs: Path | None = None,
        *,
        name: str | None = None,
        readers: Literal["owner", "group"] = "owner",
        purpose: Literal["training", "holdout"] = "training",
    ) -> Dataset:
        """Bring a table of measurements (CSV or xlsx), with a zip of its structures where it has some.

        The data set says which rows cannot be used, and why.
        """
        files = {"file": _file(file)} | ({} if cifs is None else {"cifs": _file(cifs)})
        fields = {"readers": readers, "purpose": purpose} | ({} if name is None else {"name": name})
        return self._transport.read(Dataset, "POST", "/datasets", data=fields, files=files)

    def datasets(self) -> list[Dataset]:
        """Return the data sets that this key may read."""
        return self._transport.read(_Datasets, "GET", "/datasets", repeatable=True).datasets

    def dataset(self, dataset: Dataset | str) -> Dataset:
        """Return one data set."""
        return self._transport.read(Dataset, "GET", f"/datasets/{_id(dataset)}", repeatable=True)

    def delete_dataset(self, dataset: Dataset | str) -> None:
        """Delete a data set; what models have learned from it stays learned."""
        self._transport.send("DELETE", f"/datasets/{_id(dataset)}")

    # Jobs -------------------------------------------------------------------------------------------------------------

    def train(
        self,
        datasets: Dataset | str | Iterable[Dataset | str],
        *,
        start: Literal["scratch", "champion"] = "scratch",
        name: str | None = None,
        promote: Literal["never", "if_better"] = "never",
        **settings: Any,
    ) -> Job:
        """Start a training on uploaded data sets and return its job; `start="champion"` fine-tunes the champion.

        `settings` are the further fields of `POST /jobs`: seed, members, folds, epochs.
        """
        several = [datasets] if isinstance(datasets, Dataset | str) else list(datasets)
        body = {"datasets": [_name(one) for one in several], "from": start, "promote": promote, **settings}
        if name is not None:
            body["name"] = name
        return self._transport.read(Job, "POST", "/jobs", document=body)

    def jobs(self) -> list[Job]:
        """Return all jobs, the newest first."""
        return self._transport.read(_Jobs, "GET", "/jobs", repeatable=True).jobs

    def job(self, job: Job | str) -> Job:
        """Return one job as it is now."""
        return self._transport.read(Job, "GET", f"/jobs/{_id(job)}", repeatable=True)

    def wait(
        self,
        job: Job | str,
        on_progress: Callable[[Job], None] | None = None,
        *,
        poll: float = POLL_SECONDS,
        timeout: float | None = None,
    ) -> Job:
        """Wait until a job has ended, well or not, and return it; its `state` and `reason` say how.

        `on_progress` is called with the job at first and whenever it has changed. The service is asked every `poll`
        seconds. Raises TimeoutError after `timeout` [s]; the job goes on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        seen: Job | None = None
        while True:
            found = self.job(job)
            if on_progress is not None and found != seen:
                on_progress(found)
            seen = found
            if found.finished:
                return found
            if end is not None and time.monotonic() + poll > end:
                raise TimeoutError(f"the job {found.id} is {found.state} after {timeout} seconds")
            time.sleep(poll)

    def cancel(self, job: Job | str) -> Job:
        """Cancel a job."""
        return self._transport.read(Job, "POST", f"/jobs/{_id(job)}/cancel")

    def log(self, job: Job | str, offset: int = 0) -> LogPart:
        """Return the log of a job from a byte on, and where the next part begins."""
        path = f"/jobs/{_id(job)}/log"
        answer = self._transport.send("GET", path, repeatable=True, params={"offset": offset})
        return LogPart(answer.text, int(answer.headers["x-next-offset"]))

    # Models -----------------------------------------------------------------------------------------------------------

    def models(self) -> Models:
        """Return the versions of the model, and what each alias stands for."""
        return self._transport.read(Models, "GET", "/models", repeatable=True)

    def model(self, version: str | int) -> ModelDetail:
        """Return a version with its card."""
        return self._transport.read(ModelDetail, "GET", f"/models/{_id(version)}", repeatable=True)

    def gate(self, version: str | int) -> Gate:
        """Compare a version with the champion on the frozen holdout, now."""
        return self._transport.read(_Gated, "POST", f"/models/{_id(version)}/gate", repeatable=True).gate

    def promote(self, version: str | int, *, force: bool = False) -> Promoted:
        """Make a version the champion; `force` does so where the gate says worse."""
        return self._transport.read(Promoted, "POST", f"/models/{_id(version)}/promote", document={"force": force})

    def rollback(self) -> Promoted:
        """Make the champion before this one the champion again."""
        return self._transport.read(Promoted, "POST", "/models/rollback")

    def shadow(self) -> Shadow:
        """Return how the shadow compares with the champion."""
        return self._transport.read(Shadow, "GET", "/shadow", repeatable=True)

    def set_shadow(self, version: str | int | None) -> Shadow:
        """Have a version asked beside the champion without answering from it, or none."""
        body = {"version": None if version is None else str(version)}
        return self._transport.read(Shadow, "PUT", "/shadow", repeatable=True, document=body)

    def drift(self, days: int | None = None) -> Drift:
        """Return how what was asked for lately compares with what the model was trained on."""
        asked = {} if days is None else {"days": days}
        return self._transport.read(Drift, "GET", "/drift", repeatable=True, params=asked)


def _temperatures(given: float | Sequence[float]) -> list[float]:
    if isinstance(given, Real):
        return [float(given)]
    return [float(one) for one in cast("Iterable[float]", given)]


def _name(record: Dataset | Job | str | int) -> str:
    return record.id if isinstance(record, Dataset | Job) else str(record)


def _id(record: Dataset | Job | str | int) -> str:
    """Return an identifier as a segment of a path; raises InvalidValue for one that can be none."""
    name = _name(record)
    if name in ("", ".", ".."):
        raise InvalidValue(f"{name!r} is no identifier", field="id", value=name)
    return quote(name, safe="")


def _file(path: Path) -> tuple[str, bytes]:
    """Return a file as it is sent, which may be more than once."""
    try:
        return path.name, path.read_bytes()
    except OSError as error:
        raise InvalidValue(f"{path.name} cannot be read: {error}", field="file", value=path) from error
