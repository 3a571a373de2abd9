"""What is held of answers: the one shape of errors, and that a document is as it is documented."""

from __future__ import annotations

from typing import Any

import httpx


def refused(answer: httpx.Response, status: int, code: str, field: str | None = None) -> str:
    """Hold that an answer is an error in the one shape; returns its message."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "field"}
    assert (document["error"]["code"], document["error"]["field"]) == (code, field)
    message = document["error"]["message"]
    assert isinstance(message, str)
    assert not {"Traceback", "pydantic", "bentoml", ".py"} & set(message.replace(":", " ").split())
    return message


TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}


def fault(schema: dict[str, Any], value: Any, schemas: dict[str, Any], at: str = "") -> str | None:
    """Say where a value is not as a JSON schema has it, with the keywords that pydantic writes; None where it is.

    A property that an object has and the schema has not is a fault too: it is not documented.
    """
    if "$ref" in schema:
        return fault(schemas[schema["$ref"].removeprefix("#/components/schemas/")], value, schemas, at)
    if "anyOf" in schema:
        faults = [fault(branch, value, schemas, at) for branch in schema["anyOf"]]
        return None if None in faults else f"{at}: {' and '.join(map(str, faults))}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} is {value!r}"
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return f"{at} is {value!r}, no {kind}"
    if kind == "array":
        found = (fault(schema["items"], one, schemas, f"{at}[{n}]") for n, one in enumerate(value))
        return next((one for one in found if one), None)
    if kind == "object" and "properties" in schema:
        known = schema["properties"]
        if lacking := set(schema.get("required", ())) - set(value):
            return f"{at} lacks {lacking}"
        if more := set(value) - set(known):
            return f"{at} has {more}"
        found = (fault(known[name], one, schemas, f"{at}.{name}") for name, one in value.items())
        return next((one for one in found if one), None)
    return None
