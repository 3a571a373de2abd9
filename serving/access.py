"""What a route says of who may use it; who there is, is in `superion.serving.callers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from superion.serving.callers import ADMIN, CALLER, READ, WRITE, Caller
from superion.serving.problems import Refusal


def needs(role: str) -> Any:
    """Return the dependency of a route on a role; its value is the `Caller`."""
    return Annotated[Caller, Depends(Need(role))]


@dataclass(frozen=True)
class Need:
    """Find the caller of a request; raises Refusal for one that has not the role."""

    role: str

    def __call__(self, request: Request) -> Caller:
        """Return the caller."""
        caller: Caller = request.scope[CALLER]
        if not caller.may(self.role):
            message = f"this takes a key with the role {self.role}; {caller.name!r} has the role {caller.role}"
            raise Refusal(403, message)
        return caller


Reader = needs(READ)
Writer = needs(WRITE)
Admin = needs(ADMIN)
