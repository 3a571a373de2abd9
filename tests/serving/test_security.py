"""Keys on a real service: who is let in, what each role may do, and that no key or private row reaches anyone else.

One service for the module: it starts without keys, and the first one is made while it runs.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superion.serving import keys

from ..training import _builders
from ..training._noise import MLFLOW
from .conftest import Service, eventually, running

pytestmark = MLFLOW

OPEN = {"GET /livez", "GET /readyz", "GET /docs.json"}

ROLES = {
    "read": {
        "GET /me",
        "GET /metrics",
        "GET /known",
        "POST /predict",
        "POST /predict/file",
        "POST /window",
        "POST /interface",
        "POST /environment",
        "POST /structure",
        "GET /datasets",
        "GET /datasets/{dataset_id}",
        "GET /jobs",
        "GET /jobs/{job_id}",
        "GET /jobs/{job_id}/log",
        "GET /models",
        "GET /models/{version}",
        "GET /shadow",
        "GET /drift",
        "GET /campaigns",
        "GET /campaigns/{name}",
        "GET /campaigns/{name}/candidates",
        "GET /campaigns/{name}/suggestions",
        "GET /campaigns/{name}/events",
        "GET /campaigns/{name}/report",
        "GET /campaigns/{name}/export",
    },
    "write": {
        "POST /datasets",
        "DELETE /datasets/{dataset_id}",
        "POST /jobs",
        "POST /jobs/{job_id}/cancel",
        "POST /models/{version}/gate",
        "POST /candidates/enumerate",
        "POST /campaigns",
        "POST /campaigns/{name}/suggestions",
        "POST /campaigns/{name}/observations",
        "POST /campaigns/{name}/withdraw",
        "POST /campaigns/{name}/undo",
        "POST /campaigns/{name}/retrain",
        "POST /campaigns/simulate",
    },
    "admin": {"POST /models/rollback", "POST /models/{version}/promote", "PUT /shadow"},
}
"""The role that each route takes; whoever adds a route says here which."""


@dataclass
class Guarded:
    """Hold the service, the keys of its people and what was answered before there were any."""

    service: Service
    before: dict[str, httpx.Response]
    tokens: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """From the making of the first key until a request without one was refused."""
    seen: list[str] = field(default_factory=list)
    """Answers and their headers."""

    def make(self, name: str, role: str, rate: float | None = None) -> str:
        """Make a key; returns it."""
        self.tokens[name] = keys.new_key(name, role, rate)[1]
        return self.tokens[name]

    def ask(self, name: str | None, request: str, **options: Any) -> httpx.Response:
        """Send a request with someone's key."""
        method, path = request.split(" ", 1)
        headers = dict(options.pop("headers", {}))
        if name is not None:
            headers["Authorization"] = f"Bearer {self.tokens[name]}"
        answer = self.service.client.request(method, path, headers=headers, **options)
        self.seen.append(f"{answer.headers} {answer.text}")
        return answer


def is_refused(service: Service, **headers: str) -> bool:
    return service.client.get("/me", headers=headers).status_code == 401


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Yield a service that was open to its machine until the keys of a group were made."""
    home = tmp_path_factory.mktemp("security") / "home"
    with running(home) as service, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPERION_HOME", str(home))
        asked: dict[str, Mapping[str, str]] = {
            "here": {},
            "by another name": {"Host": "evil.example"},
            "of another site": {"Origin": "http://evil.example"},
            "of its own page": {"Origin": service.url},
            "through a proxy": {"X-Forwarded-For": "127.0.0.1"},
        }
        found = Guarded(service, {what: service.client.get("/me", headers=given) for what, given in asked.items()})
        start = time.monotonic()
        found.make("root", "admin")
        assert eventually(lambda: is_refused(service), 10.0)
        found.seconds = time.monotonic() - start
        for name, role in (("ada", "write"), ("grace", "write"), ("rosa", "read")):
            found.make(name, role)
        assert eventually(lambda: found.ask("rosa", "GET /me").status_code == 200, 10.0)
        yield found


def routes(guarded: Guarded) -> list[str]:
    """Return all routes that the service documents."""
    paths = guarded.ask(None, "GET /docs.json").json()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def plain(route: str) -> tuple[str, dict[str, Any]]:
    """Return a request to a route that changes nothing, and what it brings: nothing that could be done."""
    for name in ("{dataset_id}", "{job_id}", "{version}"):
        route = route.replace(name, "none")
    if route in ("POST /predict/file", "POST /datasets"):
        return route, {"files": {"file": ("table.csv", b"")}}
    return route, {} if route.startswith(("GET", "DELETE")) else {"json": {"nothing": "known"}}


def test_the_first_key_closes_a_service_that_was_open_to_its_machine(guarded: Guarded) -> None:
    statuses = {what: answer.status_code for what, answer in guarded.before.items()}
    assert statuses == {
        "here": 200,
        "by another name": 401,
        "of another site": 403,
        "of its own page": 200,
        "through a proxy": 401,
    }
    assert guarded.before["here"].json() == {"name": "local", "role": "admin", "key": None, "keys_required": False}
    assert guarded.seconds < 3.0
    me = guarded.ask("ada", "GET /me").json()
    assert (me["name"], me["role"], me["keys_required"]) == ("ada", "write", True)
    assert me["key"] in {key.id for key in keys.list_keys()}


def test_every_route_that_is_documented_has_its_role_here(guarded: Guarded) -> None:
    assert set(routes(guarded)) == OPEN.union(*ROLES.values())


def test_no_route_but_the_open_ones_answers_without_a_key(guarded: Guarded) -> None:
    for route in [
        *routes(guarded),
        "GET /unknown",
        "GET /schema.json/x",
        "OPTIONS /predict",
        "GET /models/none/secret",
    ]:
        request, brings = plain(route)
        answer = guarded.ask(None, request, **brings)
        if route in OPEN:
            assert answer.status_code == 200, route
            continue
        assert answer.status_code == 401, (route, answer.text)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["error"]["code"] == "unauthorized"
        wrong = {"X-API-Key": guarded.tokens["root"][:-1]} if route == "GET /me" else {}
        assert guarded.ask(None, request, headers=wrong, **brings).status_code == 401


@pytest.mark.parametrize("name", ["rosa", "ada", "root"])
def test_a_role_may_do_what_it_may_and_nothing_more(guarded: Guarded, name: str) -> None:
    reach = ("read", "write", "admin")[: {"rosa": 1, "ada": 2, "root": 3}[name]]
    for role, group in ROLES.items():
        for route in sorted(group):
            request, brings = plain(route)
            answer = guarded.ask(name, request, **brings)
            if role in reach:
                assert answer.status_code in (200, 400, 404, 409), (route, answer.text)
            else:
                assert answer.status_code == 403, (route, answer.text)
                error = answer.json()["error"]
                assert error["code"] == "forbidden" and f"the role {role}" in error["message"]


def test_a_revoked_key_is_refused_within_three_seconds(guarded: Guarded) -> None:
    token = guarded.make("leaver", "admin")
    assert eventually(lambda: not is_refused(guarded.service, Authorization=f"Bearer {token}"), 3.0)
    keys.revoke("leaver")
    assert eventually(lambda: is_refused(guarded.service, Authorization=f"Bearer {token}"), 3.0)
    assert "this key is revoked" in guarded.ask("leaver", "GET /me").text
    assert guarded.ask("rosa", "GET /me").status_code == 200


def test_a_key_above_its_rate_is_told_when_to_come_back(guarded: Guarded) -> None:
    guarded.make("eager", "read", 60.0)
    assert eventually(lambda: guarded.ask("eager", "GET /me").status_code == 200, 3.0)
    granted = 1
    while (answer := guarded.ask("eager", "GET /me")).status_code == 200:
        granted += 1
        assert granted < 2000
    assert granted >= 60, "a minute's worth may come at once"
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "1"
    time.sleep(1.0)
    assert guarded.ask("eager", "GET /me").status_code == 200
    assert guarded.ask("rosa", "GET /me").status_code == 200


def test_whoever_tries_keys_is_slowed_down_and_nobody_else(guarded: Guarded) -> None:
    def wrong(number: int) -> httpx.Response:
        spoofed = {"X-API-Key": f"sup_{number}", "X-Forwarded-For": f"203.0.113.{number % 250}"}
        return guarded.ask(None, "GET /me", headers=spoofed)

    assert wrong(0).status_code == 401
    refused = next(answer for answer in map(wrong, range(500)) if answer.status_code != 401)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) >= 1
    assert guarded.ask("rosa", "GET /me").status_code == 200


def test_the_page_of_another_site_is_refused_whatever_it_knows(guarded: Guarded) -> None:
    for origin in ("http://evil.example", "null", guarded.service.url.replace("127.0.0.1", "localhost")):
        answer = guarded.ask("root", "POST /models/rollback", headers={"Origin": origin})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert guarded.ask(None, "OPTIONS /predict", headers={"Origin": origin}).status_code == 403
    own = {"Origin": guarded.service.url}
    assert (
        guarded.ask("rosa", "POST /predict", json={"materials": [{"formula": "LiF"}]}, headers=own).status_code == 200
    )


TRAVERSALS = ["..%2f..%2fservice.db", "%2e%2e%2fservice.db", "..%5c..%5cservice.db", "%2fetc%2fpasswd", "a%00b"]


def test_no_name_leads_out_of_where_it_belongs(guarded: Guarded) -> None:
    for name in TRAVERSALS:
        for path in ("/datasets/{}", "/jobs/{}", "/jobs/{}/log", "/models/{}", "/static/{}", "/static_content/{}"):
            answer = guarded.ask("root", f"GET {path.format(name)}")
            assert answer.status_code in (400, 404), (path, name, answer.text)
            assert "root:" not in answer.text and str(guarded.service.home) not in answer.text
        body = {"materials": [{"formula": "LiF"}], "model": name}
        assert guarded.ask("root", "POST /predict", json=body).status_code in (400, 404)
        assert guarded.ask("root", f"DELETE /datasets/{name}").status_code == 404
    before = {path for path in guarded.service.home.parent.rglob("*") if path.suffix in (".csv", ".cif")}
    table = b"id,formula,conductivity_S_per_cm\na,LiF,1e-9\n"
    absolute = str(guarded.service.home.parent / "escaped.csv")
    for file in ("../../../escaped.csv", absolute, "..\\escaped.csv", "a\x00.csv", "x" * 400 + ".csv"):
        answer = guarded.ask("ada", "POST /predict/file", files={"file": (file, table)})
        assert answer.status_code in (200, 400), answer.text
        answer = guarded.ask("ada", "POST /datasets", files={"file": (file, table)}, data={"name": "../../up"})
        assert answer.status_code in (201, 400), answer.text
    new = {path for path in guarded.service.home.parent.rglob("*") if path.suffix in (".csv", ".cif")} - before
    assert {path.name for path in new} == {"table.csv"}
    assert all(path.parent.parent == guarded.service.home / "uploads" for path in new)


@pytest.fixture(scope="module")
def private_version(guarded: Guarded, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a version that Ada has trained on a data set that nobody else may read."""
    table = _builders.synthetic_csv(tmp_path_factory.mktemp("table") / "own.csv").read_bytes()
    uploaded = guarded.ask("ada", "POST /datasets", files={"file": ("own.csv", table)})
    assert uploaded.status_code == 201, uploaded.text
    asked = {"datasets": [uploaded.json()["id"]], "members": 2, "folds": 2, "epochs": 1, "unlabelled": False}
    job = guarded.ask("ada", "POST /jobs", json=asked)
    assert job.status_code == 202, job.text
    path = f"GET /jobs/{job.json()['id']}"
    deadline = time.monotonic() + 300.0
    while (found := guarded.ask("ada", path).json())["state"] in ("queued", "running"):
        assert time.monotonic() < deadline, found
        time.sleep(1.0)  # a training makes way for whoever asks
    assert found["state"] == "succeeded", found
    return str(found["version"])


@pytest.mark.timeout(400)
def test_rows_of_a_private_data_set_are_shown_to_its_readers_alone(guarded: Guarded, private_version: str) -> None:
    formulas = {line.split(",")[1] for line in _rows(guarded) if line}
    asked = {"materials": [{"formula": formula} for formula in sorted(formulas)[:5]], "model": private_version}

    def shown(name: str, route: str = "POST /predict", **brings: Any) -> list[tuple[float, str]]:
        answer = guarded.ask(name, route, **(brings or {"json": asked}))
        assert answer.status_code == 200, answer.text
        return [
            (near["distance"], near["formula"])
            for prediction in answer.json()["predictions"]
            for near in prediction["domain"]["nearest"]
        ]

    for name in ("ada", "root"):
        assert min(shown(name))[0] == 0.0, "the material itself is among the nearest"
    own = set(shown("ada")) - set(shown("rosa"))
    assert own
    for name in ("rosa", "grace", "rosa"):
        found = shown(name)
        assert len(found) == 15 and not own & set(found), "in their place are others"
        rows = "formula\n" + "\n".join(material["formula"] for material in asked["materials"])
        uploaded = {"files": {"file": ("a.csv", rows)}, "data": {"model": private_version}}
        assert sorted(shown(name, "POST /predict/file", **uploaded)) == sorted(found)
    for route in ("GET /models", f"GET /models/{private_version}", "GET /drift", "GET /jobs", "GET /metrics"):
        answer = guarded.ask("rosa", route)
        assert answer.status_code == 200
        assert not [formula for _, formula in own if formula in answer.text], route


def test_what_a_simulation_tells_of_its_rows_is_for_its_owner(guarded: Guarded, private_version: str) -> None:
    dataset = next(one["id"] for one in guarded.ask("ada", "GET /datasets").json()["datasets"] if one["n_rows"] > 20)
    asked = {"datasets": [dataset], "strategies": ["random"], "start": 5, "rounds": 2, "seeds": 1, "top": 0.1}
    assert guarded.ask("grace", "POST /campaigns/simulate", json=asked).status_code == 404
    job = guarded.ask("ada", "POST /campaigns/simulate", json=asked)
    assert job.status_code == 202, job.text
    path = f"GET /jobs/{job.json()['id']}"
    assert eventually(lambda: guarded.ask("ada", path).json()["state"] == "succeeded", 90)
    for name in ("ada", "root"):
        assert guarded.ask(name, path).json()["result"]["n_hits"] > 0
    for name in ("rosa", "grace"):
        listed = guarded.ask(name, "GET /jobs").json()["jobs"]
        found = [guarded.ask(name, path).json(), next(one for one in listed if one["id"] == job.json()["id"])]
        assert [(one["state"], one["result"]) for one in found] == [("succeeded", None)] * 2
        assert guarded.ask(name, path + "/log").status_code == 403


def _rows(guarded: Guarded) -> list[str]:
    (table,) = [
        path
        for path in (guarded.service.home / "uploads").glob("*/table.csv")
        if len(path.read_text().splitlines()) > 20
    ]
    return table.read_text().splitlines()[1:]


headers_given = st.dictionaries(
    st.sampled_from([b"Host", b"Origin", b"Authorization", b"X-API-Key", b"Forwarded", b"X-Request-Id", b"Expect"]),
    st.binary(max_size=60)
    | st.sampled_from([b"Bearer ", b"http://[::", b"sup_", b"null", b"\xff\xfe", b"Bearer \x00"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(headers=headers_given)
def test_no_header_makes_the_service_fail(guarded: Guarded, headers: dict[bytes, bytes]) -> None:
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers.items())
    host, port = guarded.service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"GET /me HTTP/1.1\r\nConnection: close\r\n" + lines + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
    if answer:  # what is no HTTP may be hung up on
        assert answer.split(b" ")[1] in (b"400", b"401", b"403", b"429"), answer


def test_no_key_is_in_the_log_or_in_an_answer(guarded: Guarded, wait_for: Callable[..., Any]) -> None:
    guarded.ask("grace", "GET /me")
    assert wait_for(lambda: '"caller": "grace"' in guarded.service.log.read_text(), 10.0)
    log = guarded.service.log.read_text()
    assert '"status": 500' not in log
    assert len(guarded.seen) > 200
    written = [log, *guarded.seen]
    files = [path for path in guarded.service.home.rglob("*") if path.is_file() and path.stat().st_size < 10**6]
    written += [path.read_bytes().decode("latin-1") for path in files]
    for token in guarded.tokens.values():
        assert not [text[:200] for text in written if token in text or token.removeprefix("sup_") in text]
