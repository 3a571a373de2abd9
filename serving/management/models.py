"""`/models`: the versions of the model, the gate between them, and which one answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from superion.errors import InvalidArtefact, NotFound, Unavailable
from superion.serving import datasets, model_host, state
from superion.serving.access import Admin, Reader, Writer
from superion.serving.callers import Caller
from superion.serving.forms import STRICT
from superion.serving.problems import Refusal
from superion.serving.times import moment

if TYPE_CHECKING:
    from superion.training.registry import VersionRecord
    from superion.training.tracking import RunRecord

router = APIRouter()

SEED = 0
"""Of the bootstrap between two models."""

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such version."}}
_DAMAGED: dict[int | str, dict[str, Any]] = {409: {"description": "Its artefact is damaged, or the gate refuses it."}}


class LearnedFrom(BaseModel):
    """What a version learned from."""

    name: str | None
    digest: str | None
    n_rows: int | None


class ModelAnswer(BaseModel):
    """A version of the model."""

    version: str
    aliases: list[str]
    created: str
    run_id: str | None = Field(description="Of MLflow.")
    name: str | None
    data: LearnedFrom = Field(description="As MLflow has it; null where it has nothing.")
    parent: str | None = Field(description="What it was fine-tuned from, or scratch.")
    metrics: dict[str, float] = Field(description="Of its cross-validation, as MLflow has them.")
    gate: dict[str, str] | None = Field(description="What it was compared with when it was trained, and the verdict.")


class ModelDetail(ModelAnswer):
    """A version of the model with its card."""

    card: str = Field(description="Markdown.")
    training: dict[str, Any] = Field(description="How it was trained, and its figures.")


class ModelList(BaseModel):
    """The versions, newest first, and what each alias stands for."""

    models: list[ModelAnswer]
    champion: str | None
    challenger: str | None
    rollback: str | None
    shadow: str | None


class GateAnswer(BaseModel):
    """How a version compares with the champion on the frozen holdout; below zero the version is the better."""

    gate: dict[str, Any]


class PromoteBody(BaseModel):
    """Whether to promote a version that the gate says is worse."""

    model_config = STRICT

    force: bool = False


class Promoted(BaseModel):
    """Which version answers now, and which did before."""

    champion: str
    rollback: str | None
    gate: dict[str, Any] | None


@router.get("/models", response_model=ModelList, summary="The versions of the model.")
def list_models(caller: Reader) -> Any:
    """Return them, newest first."""
    from superion.training import registry

    found = _versions()
    by_alias = {alias: record.version for record in found for alias in record.aliases}
    names = ("champion", "challenger", "rollback", "shadow")
    if not found:
        # The release model answers as version 1 before it is registered.
        by_alias = {registry.CHAMPION: registry.FIRST_VERSION}
    return {"models": _documents(found), **{name: by_alias.get(name) for name in names}}


@router.get("/models/{version}", response_model=ModelDetail, responses={**_NOT_FOUND, **_DAMAGED}, summary="A version.")
def model(caller: Reader, version: str) -> Any:
    """Return a version, by number or alias, with its card."""
    from superion.models.artefact import Artefact
    from superion.training import registry

    record = _record(version)
    try:
        artefact = Artefact.load(registry.resolve(record.version).folder)
    except InvalidArtefact:
        raise _damaged(record.version) from None
    (document,) = _documents([record])
    return {**document, "card": artefact.card, "training": dict(artefact.training)}


@router.post("/models/{version}/gate", response_model=GateAnswer, responses={**_NOT_FOUND, **_DAMAGED}, summary="Gate.")
def gate(caller: Writer, version: str) -> Any:
    """Compare a version with the champion on the frozen holdout; takes seconds."""
    found = _gate(_record(version))
    if found is None:
        message = "no data set of the purpose holdout was uploaded, so there is nothing to compare on"
        raise Refusal(409, message, code="no_holdout")
    return {"gate": found}


@router.post(
    "/models/rollback", response_model=Promoted, responses={**_NOT_FOUND, **_DAMAGED}, summary="Back to the one before."
)
def rollback(caller: Admin) -> Any:
    """Make the champion before this one the champion again; the two change places."""
    from superion.training import registry

    before = _record(registry.ROLLBACK).version
    _noted(caller, "model.rollback", {"version": before})
    try:
        champion = registry.rollback()
    except InvalidArtefact:
        raise _damaged(before) from None
    return _promoted(champion.version, None)


@router.post(
    "/models/{version}/promote",
    openapi_extra={"x-superion": {"takes": "json"}},
    response_model=Promoted,
    responses={**_NOT_FOUND, **_DAMAGED},
    summary="Make a version the champion.",
)
def promote(caller: Admin, version: str, body: PromoteBody | None = None) -> Any:
    """Have a version answer; every worker follows within seconds, once it has answered for a canned material there.

    A version that the gate says is worse than the champion is refused, unless force says otherwise.
    """
    from superion.training import gate as gates
    from superion.training import registry

    record, force = _record(version), body is not None and body.force
    found: dict[str, Any] | None = None
    if registry.CHAMPION not in record.aliases:
        found = _gate(record) or _stored_gate(record)
    if found is not None and found["verdict"] == gates.WORSE and not force:
        message = f"version {record.version} is worse than {found['champion']}; with force it is promoted all the same"
        raise Refusal(409, message, code="gate_refused")
    _noted(caller, "model.promote", {"version": record.version, "gate": found, "force": force})
    try:
        champion = registry.promote(record.version)
    except InvalidArtefact:
        raise _damaged(record.version) from None
    return _promoted(champion.version, found)


def _noted(caller: Caller, action: str, detail: dict[str, Any]) -> None:
    # Before it is done: what cannot be written down is not done.
    with state.connection() as opened:
        state.note_event(opened, caller.name, action, detail)


def _promoted(champion: str, found: dict[str, Any] | None) -> dict[str, Any]:
    from superion.training import registry

    before = next((one.version for one in registry.versions() if registry.ROLLBACK in one.aliases), None)
    return {"champion": champion, "rollback": before, "gate": found}


def _versions() -> list[VersionRecord]:
    """Return what the registry holds; a database that is gone is not made anew by looking."""
    from superion.training import registry

    host = model_host.shared()
    if not registry.registry_is_new():
        found = registry.versions()
        host.see_registry()
        return found
    if host.registry_seen:
        raise Unavailable("MLflow's database is gone; restore it", field="MLFLOW_TRACKING_URI")
    return []


def _record(version: str) -> VersionRecord:
    found = next((one for one in _versions() if version == one.version or version in one.aliases), None)
    if found is None:
        raise Refusal(404, f"the registry holds no version {version[:40]!r}", field="version")
    return found


def _gate(record: VersionRecord) -> dict[str, Any] | None:
    """Compare a version with the champion on the holdout now, None where there is no holdout."""
    from superion.serving.versions import versions
    from superion.training import gate as gates

    rows = [row for one in datasets.holdout() for row in one.table().rows]
    if not rows:
        return None
    try:
        return gates.on_holdout(versions().get(record.version), rows, SEED).as_dict()
    except NotFound:
        raise _damaged(record.version) from None


def _stored_gate(record: VersionRecord) -> dict[str, str] | None:
    """Return what a version was compared with when it was trained, and the verdict."""
    from superion.training import registry

    verdict = record.tags.get(registry.GATE_VERDICT)
    if verdict is None:
        return None
    return {"champion": record.tags.get(registry.GATE_CHAMPION, "the champion"), "verdict": verdict}


def _documents(records: Sequence[VersionRecord]) -> list[dict[str, Any]]:
    from superion.training import tracking

    runs = tracking.run_records({record.run_id for record in records if record.run_id is not None}) if records else {}
    return [_document(record, runs.get(record.run_id or "")) for record in records]


def _document(record: VersionRecord, run: RunRecord | None) -> dict[str, Any]:
    parameters, metrics, name = ({}, {}, None) if run is None else (run.parameters, run.metrics, run.name)
    n_rows = parameters.get("n_rows", "")
    return {
        "version": record.version,
        "aliases": list(record.aliases),
        "created": moment(record.created),
        "run_id": record.run_id,
        "name": name,
        "data": {
            "name": parameters.get("data"),
            "digest": parameters.get("data_digest"),
            "n_rows": int(n_rows) if n_rows.isdecimal() else None,
        },
        "parent": parameters.get("parent"),
        "metrics": metrics,
        "gate": _stored_gate(record),
    }


def _damaged(version: str) -> Refusal:
    message = f"the artefact of version {version} is damaged or of another format; the model stays as it is"
    return Refusal(409, message, code="invalid_artefact")
