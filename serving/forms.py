"""How the body of a request is read and checked; what is wrong is named by field, with what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, from_json

from superion.serving.problems import Refusal

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""No text is taken for a number, no unknown key for a misspelt one, and NaN for nothing."""

Body = TypeVar("Body", bound=BaseModel)

_TAG = re.compile(r"str|int|float|list\[.*\]|constrained-str|function-.*")
"""What pydantic puts into the location of an error to tell the branches of a union."""


@dataclass(frozen=True)
class Form(Generic[Body]):
    """Hold what a body is to be."""

    model: type[Body]
    expected: Mapping[str, str]
    """What would be right, by path: "" for the body, then every field, such as `materials[].formula`."""
    check_sizes: Callable[[Any], None] | None = None
    """Refuses what is well-formed but too much, before any of it is looked at."""

    def read(self, content: bytes) -> Body:
        """Read and check a body.

        Raises Refusal, 400 or 413, which names the field at fault and what would be right.
        """
        try:
            document = from_json(content, allow_inf_nan=False)
        except ValueError as error:
            nature = f"{error}" if content.strip() else "it is empty"
            if b"NaN" in content or b"Infinity" in content:
                nature += "; NaN and Infinity are no JSON numbers"
            raise Refusal(400, f"the body is not JSON: {nature}", code="invalid_json") from None
        if self.check_sizes is not None:
            self.check_sizes(document)
        try:
            return self.model.model_validate(document)
        except ValidationError as invalid:
            raise self._refusal(invalid.errors(include_url=False, include_context=False)) from None

    def _refusal(self, errors: Sequence[ErrorDetails]) -> Refusal:
        # A value that fits no branch of a union gives an error for each; the branch that came furthest says most.
        error = max((e for e in errors if e["loc"][:1] == errors[0]["loc"][:1]), key=lambda e: _depth(e["loc"]))
        if error["type"] == "extra_forbidden":
            *parent, unknown = error["loc"]
            path, general = _path(parent)
            name = f"{path}.{str(unknown)[:60]}" if path else str(unknown)[:60]
            return Refusal(400, f"{name} is not a known field; {self._known(general)}", field=name)
        path, general = _path(error["loc"])
        expected = self.expected[general]
        if error["type"] == "missing":
            return Refusal(400, f"{path} is missing; {expected} is right", field=path)
        found = _shown(error["input"])
        return Refusal(400, f"{path or 'the body'} is {found}; {expected} is right", field=path or None)

    def _known(self, parent: str) -> str:
        """Say which fields an object has; `parent` is its path without indices."""
        prefix = f"{parent}." if parent else ""
        names = [path.removeprefix(prefix) for path in self.expected if path.startswith(prefix)]
        known = [name for name in names if name and not re.search(r"[.\[]", name)]
        return f"{', '.join(known)} {'are' if len(known) > 1 else 'is'}"


def _depth(location: tuple[int | str, ...]) -> int:
    return sum(isinstance(step, int) for step in location)


def _path(location: Sequence[int | str]) -> tuple[str, str]:
    """Return the path of a field as a client writes it, and the same without its indices."""
    path = general = ""
    for step in location:
        if isinstance(step, int):
            path, general = f"{path}[{step}]", f"{general}[]"
        elif not _TAG.fullmatch(step):
            path, general = (f"{path}.{step}", f"{general}.{step}") if path else (step, step)
    return path, general


def _shown(value: Any) -> str:
    """Return what a value is, without repeating more of it than helps."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.6g}" if isinstance(value, float) or abs(value) < 1e15 else "a very large number"
    if isinstance(value, str):
        return f"the text {value!r}" if len(value) <= 40 else f"a text of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "an object" if isinstance(value, Mapping) else "of another kind"
