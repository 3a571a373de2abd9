"""`/datasets`: bring a table of measurements, see what was found in it, take it away."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import Response

from superion.serving import datasets
from superion.serving.access import Reader, Writer
from superion.serving.callers import ADMIN
from superion.serving.limits import MAX_UPLOAD_BYTES
from superion.serving.problems import Refusal
from superion.serving.route import Lane, in_thread

router = APIRouter()

LIMITS = {"takes": "upload", "max_bytes": MAX_UPLOAD_BYTES}


class RowNoteAnswer(BaseModel):
    """What is to be said of one row."""

    id: str
    line: int = Field(description="In the file, the header being line 1; 0 where it is of no one line.")
    reason: str


class DatasetAnswer(BaseModel):
    """An uploaded data set, and what was found in it row by row."""

    id: str
    name: str
    owner: str = Field(description="Name of the key that brought it.")
    readers: str = Field(description="owner or group: who may see its rows as nearest materials, and train on it.")
    purpose: str = Field(description="training, or holdout: never learned from, and what models are compared on.")
    digest: str = Field(description="SHA-256 of the table and the structures.")
    created: str
    n_rows: int
    n_failed: int
    n_with_structure: int
    n_censored: int
    failed: list[RowNoteAnswer] = Field(
        description="Rows that cannot be used, each with the reason; the first thousand, and how many more there are."
    )
    notes: list[RowNoteAnswer] = Field(description="What was read in place of what stood there; as many.")
    check: dict[str, Any] = Field(description="As `superion data check --json` prints it, but for these two.")


class DatasetList(BaseModel):
    """The data sets that a key may read."""

    datasets: list[DatasetAnswer]


_Name = Annotated[str | None, Form(description="What to call it; the file's name unless given.")]
_Readers = Annotated[Literal["owner", "group"], Form(description="Who may see its rows and train on it.")]
_Purpose = Annotated[Literal["training", "holdout"], Form(description="holdout takes a key with the role admin.")]


@router.post(
    "/datasets",
    status_code=201,
    openapi_extra={"x-superion": LIMITS},
    responses={
        413: {"description": "The files are longer, or unpack to more, than is taken, or the key keeps too much."}
    },
    response_model=DatasetAnswer,
    summary="Bring a table of measurements.",
)
async def upload(
    caller: Writer,
    file: UploadFile,
    cifs: UploadFile | None = None,
    name: _Name = None,
    readers: _Readers = "owner",
    purpose: _Purpose = "training",
) -> Any:
    """Keep a table (CSV or xlsx), with a zip of structures where it has some; every bad row is named with its line."""
    if purpose == datasets.HOLDOUT and not caller.may(ADMIN):
        raise Refusal(403, "a holdout, on which models are compared, takes a key with the role admin", field="purpose")
    content, archive = await file.read(), None if cifs is None else await cifs.read()
    shown = name if name is not None else (file.filename or "table").replace("\\", "/").rpartition("/")[2]

    def keep() -> dict[str, Any]:
        made = datasets.upload(caller, content, archive, name=shown, readers=readers, purpose=purpose)
        return made.as_dict(datasets.key_names())

    return await in_thread(keep, lane=Lane.UPLOAD)


@router.get("/datasets", response_model=DatasetList, summary="The data sets that this key may read.")
def list_datasets(caller: Reader) -> Any:
    """Return them, oldest first."""
    names = datasets.key_names()
    return {"datasets": [one.as_dict(names) for one in datasets.datasets() if one.is_readable_by(caller)]}


_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is none that this key may read."}}


@router.get("/datasets/{dataset_id}", response_model=DatasetAnswer, responses=_NOT_FOUND, summary="One data set.")
def dataset(caller: Reader, dataset_id: str) -> Any:
    """Return it with what was found in it."""
    return datasets.find(dataset_id, caller).as_dict(datasets.key_names())


@router.delete(
    "/datasets/{dataset_id}",
    status_code=204,
    response_class=Response,  # JSON would be declared for a body that is not there
    responses={**_NOT_FOUND, 409: {"description": "A job that is not finished needs it."}},
    summary="Delete a data set.",
)
def delete(caller: Writer, dataset_id: str) -> None:
    """Delete it; what models have learned from it stays learned."""
    datasets.delete(dataset_id, caller)
