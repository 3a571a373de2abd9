"""Bodies that nobody thought of: whatever is sent, the answer is 200 or an error in the one shape, and never a 500."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.serving.routes import ROUTES

FIELDS = [
    "materials",
    "temperature_C",
    "confidence",
    "detail",
    "id",
    "formula",
    "cif",
    "structure",
    "lattice",
    "matrix",
]
FIELDS += ["sites", "species", "element", "occu", "abc", "xyz", "label", "properties"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**310)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["Li6PS5Cl", "LiF", "Li", "landscape", "data_x", "Li1.5(Al0.5Ti1.5)(PO4)3", "(", "-1", "1e9", ""])
    | st.text(max_size=20)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner),
    max_leaves=25,
)
formulas = st.text(alphabet="LiPSClOZrNa0123456789.()[]x-·*+ ", max_size=30)
lattices = st.lists(st.lists(st.floats(-1e3, 1e3) | scalars, min_size=3, max_size=3), min_size=3, max_size=3)
sites = st.lists(
    st.fixed_dictionaries(
        {
            "species": st.lists(
                st.fixed_dictionaries(
                    {
                        "element": st.sampled_from(["Li", "O", "Cl", "X", "D"]) | scalars,
                        "occu": st.floats(-1, 2) | scalars,
                    }
                ),
                max_size=3,
            ),
            "abc": st.lists(st.floats(-10, 10) | scalars, min_size=2, max_size=4),
        }
    ),
    max_size=6,
)
structures = st.fixed_dictionaries({"lattice": st.fixed_dictionaries({"matrix": lattices}), "sites": sites})
materials = st.fixed_dictionaries(
    {}, optional={"id": scalars, "formula": formulas, "structure": structures}
) | st.builds(lambda formula: {"formula": formula}, formulas)
bodies = anything | st.fixed_dictionaries(
    {"materials": st.lists(materials | anything, max_size=4)},
    optional={"temperature_C": anything, "confidence": anything, "detail": anything},
)
near = st.fixed_dictionaries(
    {"materials": st.lists(materials, min_size=1, max_size=4)},
    optional={
        "temperature_C": st.floats(-300, 2000) | st.lists(st.floats(-160, 1010), max_size=4),
        "confidence": st.floats(-0.1, 1.1),
    },
)


def hold(service: Any, content: bytes) -> None:
    """Send a body and hold what is promised of any."""
    with httpx.Client(base_url=service.url, timeout=60) as client:
        answer = client.post("/predict", content=content)
    document = answer.json()
    assert answer.status_code in (200, 400, 413), document
    if answer.status_code == 200:
        sent = json.loads(content)["materials"]
        assert len(document["predictions"]) == len(sent)
        for material, one in zip(sent, document["predictions"], strict=True):
            assert one.get("id") == material.get("id")
            assert ("error" in one) != ("conductivity" in one)
            assert one.get("error", {}).get("code") != "internal_error", (material, one)
    else:
        assert set(document["error"]) == {"code", "message", "field"}


QUICK = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(body=bodies | near)
def test_any_json(service: Any, body: object) -> None:
    hold(service, json.dumps(body).encode())


@QUICK
@given(content=st.binary(max_size=200))
def test_any_bytes(service: Any, content: bytes) -> None:
    hold(service, content)


@QUICK
@given(text=st.text(max_size=200), start=st.integers(0, 500), length=st.integers(0, 50))
def test_any_cif(service: Any, cif: str, text: str, start: int, length: int) -> None:
    spoilt = cif[:start] + text + cif[start + length :]
    hold(service, json.dumps({"materials": [{"cif": spoilt}]}).encode("utf-8", "replace"))


def bodies_near(example: Mapping[str, Any], fields: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies that differ from one that is answered in some of its fields."""
    value = formulas | st.floats(-10.0, 10.0) | anything
    changes = st.dictionaries(st.sampled_from(fields), value, max_size=2) | st.dictionaries(st.text(), anything)
    return changes.map(lambda changed: {**example, **changed})


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
@QUICK
@given(data=st.data())
def test_any_json_near_the_example_of_a_route(service: Any, route: Any, data: st.DataObject) -> None:
    body = data.draw(bodies_near(route.example, list(route.form.model.model_fields)))
    with httpx.Client(base_url=service.url, timeout=60) as client:
        answer = client.post(route.path, content=json.dumps(body).encode())
    # A model that is not there is not found.
    expected = {200, 400, 413} | ({404} if "model" in body else set())
    assert answer.status_code in expected, answer.text
    assert answer.status_code == 200 or set(answer.json()["error"]) == {"code", "message", "field"}


@pytest.mark.check
@pytest.mark.timeout(900)
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=bodies | near)
def test_any_json_at_length(service: Any, body: object) -> None:
    hold(service, json.dumps(body).encode())


@pytest.mark.check
@pytest.mark.timeout(900)
@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=40) | st.sampled_from(["nan", "1e400", "-1", "loop_", "'", ";", "?"]), data=st.data())
def test_any_cif_at_length(service: Any, cif: str, text: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(cif)), st.integers(0, len(cif)))))
    spoilt = cif[:start] + text + cif[end:]
    hold(service, json.dumps({"materials": [{"cif": spoilt}]}).encode("utf-8", "replace"))
