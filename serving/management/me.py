"""`/me`: who asks, as the service sees it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from superion.serving.access import Reader

router = APIRouter()


class Me(BaseModel):
    """Who asks, and what they may do."""

    name: str
    role: str = Field(description="read, write or admin.")
    key: str | None = Field(description="Identifier of the key, null where none is needed.")
    keys_required: bool


@router.get("/me", response_model=Me, summary="Who asks.")
def me(caller: Reader) -> Any:
    """Return the name and the role of the key."""
    return {"name": caller.name, "role": caller.role, "key": caller.key, "keys_required": caller.key is not None}
