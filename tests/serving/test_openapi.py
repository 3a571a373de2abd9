"""The OpenAPI document: complete, as the table in docs/http.md, and what generated requests and clients make of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from superion.serving import openapi
from superion.serving.management.operations import operation_id

from ._answers import fault
from .conftest import Service, eventually, running

GENERATORS = ("openapi-python-client==0.29.1", "openapi-spec-validator==0.9.0")
"""In an environment of their own: the first needs an older typer."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)
"""All of Schemathesis but that every value of the right type is accepted: not every text is a formula."""

CONFIG = """
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "413", "415"]
"""


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (method, path, operation) of the document."""
    return [
        (method.upper(), path, operation)
        for path, found in openapi.document()["paths"].items()
        for method, operation in found.items()
    ]


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch("[a-z]+(_[a-z]+)*", name)] == []
    assert {"predict", "predict_file", "list_jobs", "get_job", "get_job_log", "cancel_job", "create_job"} <= set(names)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/jobs/{job_id}/log", "get_job_log"),
        ("DELETE", "/datasets/{dataset_id}", "delete_dataset"),
        ("POST", "/models/{version}/promote", "promote_model"),
        ("POST", "/predict/file", "predict_file"),
        ("PUT", "/shadow", "set_shadow"),
        ("GET", "/docs.json", "get_docs"),
        ("POST", "/campaigns", "create_campaign"),
        ("GET", "/campaigns/{name}/suggestions", "list_campaign_suggestions"),
        ("POST", "/campaigns/{name}/suggestions", "suggest_experiments"),
        ("GET", "/campaigns/{name}/report", "get_campaign_report"),
    ],
)
def test_names_of_operations(method: str, path: str, name: str) -> None:
    assert operation_id(method, path) == name


def test_every_operation_is_described() -> None:
    document = openapi.document()
    tags = {tag["name"] for tag in document["tags"]}
    for method, path, operation in operations():
        where = f"{method} {path}"
        assert operation["summary"], where
        assert len(operation["tags"]) == 1 and set(operation["tags"]) <= tags, where
        assert "x-superion" not in operation and "422" not in operation["responses"], where
        for name, schema in operation.get("requestBody", {}).get("content", {}).items():
            assert name == "multipart/form-data" or "example" in schema, where
        for status, response in operation["responses"].items():
            assert response["description"], where
            assert {"$ref": "#/components/headers/X-Request-Id"} in response["headers"].values(), where
            if status >= "400":
                assert response["content"] == {
                    "application/json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}
                }, where


def test_who_may_is_said() -> None:
    roles = {
        operation["operationId"]: next((need["key"][0] for need in operation["security"] if "key" in need), None)
        for _, _, operation in operations()
    }
    assert {name for name, role in roles.items() if role is None} == {"get_livez", "get_readyz", "get_docs"}
    assert {name for name, role in roles.items() if role == "admin"} == {
        "promote_model",
        "rollback_model",
        "set_shadow",
    }
    assert {name for name, role in roles.items() if role == "write"} == {
        "create_dataset",
        "delete_dataset",
        "create_job",
        "cancel_job",
        "gate_model",
        "create_campaign",
        "enumerate_candidates",
        "suggest_experiments",
        "record_observations",
        "withdraw_suggestions",
        "undo_step",
        "simulate_campaigns",
        "retrain_on_campaign",
    }


def test_the_table_of_routes_is_the_document(root: Path) -> None:
    text = (root / "docs" / "http.md").read_text()
    table = text.partition("| route |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([A-Z]+) (\S+)` \| (\w+) \|", table, re.MULTILINE)
    expected = {
        (method, path, next((need["key"][0] for need in operation["security"] if "key" in need), "open"))
        for method, path, operation in operations()
    }
    assert len(rows) == len(set(rows))
    assert set(rows) == expected


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service that needs no keys."""
    with running(tmp_path_factory.mktemp("openapi") / "home", "--workers", "1") as found:
        yield found


@pytest.fixture(scope="module")
def read_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """Yield a service that needs keys, and one with the role read."""
    home = tmp_path_factory.mktemp("openapi-keys") / "home"
    command = "import sys; from superion.cli import main; main()"
    made = subprocess.run(
        [sys.executable, "-c", command, "key", "new", "reader", "--role", "read", "--json"],
        env={**os.environ, "SUPERION_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    with running(home, "--workers", "1") as found:
        yield found, json.loads(made.stdout)["token"]


def test_answers_are_as_documented(served: Service, structure: dict[str, Any]) -> None:
    document = served.client.get("/docs.json").json()
    schemas = document["components"]["schemas"]

    def ask(method: str, template: str, status: int = 200, names: dict[str, str] | None = None, **content: Any) -> Any:
        answer = served.client.request(method, template.format(**(names or {})), **content)
        assert answer.status_code == status, answer.text
        found = document["paths"][template][method.lower()]["responses"][str(status)]
        assert {name.lower() for name in found["headers"]} <= set(answer.headers), template
        media_type = answer.headers.get("content-type", "").partition(";")[0]
        assert media_type in found.get("content", [""]), template
        if media_type == "application/json":
            schema = found["content"][media_type]["schema"]
            assert fault(schema, answer.json(), schemas) is None, template
            return answer.json()
        return answer.text

    assert eventually(lambda: ask("GET", "/models")["models"])
    ask("GET", "/models/{version}", names={"version": "champion"})
    for path in ("/me", "/known", "/shadow", "/drift", "/livez", "/readyz", "/metrics", "/docs.json"):
        ask("GET", path)
    ask("POST", "/structure", json={"structure": structure})
    ask("POST", "/predict/file", files={"file": ("a.csv", "formula\nLiF\n?\n")}, data={"temperature_C": [0, 25]})
    table = "id,formula,temperature_C,conductivity_S_per_cm\na,Li6PS5Cl,25,1e-3\nb,Li(,25,1e-3\n"
    dataset = {"dataset_id": ask("POST", "/datasets", 201, files={"file": ("a.csv", table)})["id"]}
    ask("GET", "/datasets")
    ask("GET", "/datasets/{dataset_id}", names=dataset)
    job = {"job_id": ask("POST", "/jobs", 202, json={"datasets": [dataset["dataset_id"]]})["id"]}
    ask("GET", "/jobs")
    ask("DELETE", "/datasets/{dataset_id}", 409, names=dataset)
    ask("POST", "/jobs/{job_id}/cancel", names=job)
    assert eventually(lambda: ask("GET", "/jobs/{job_id}", names=job)["state"] in ("cancelled", "failed"))
    ask("GET", "/jobs/{job_id}/log", names=job)
    ask("POST", "/jobs/{job_id}/cancel", 409, names=job)
    ask("DELETE", "/datasets/{dataset_id}", 204, names=dataset)


def generated_requests(service: Service, folder: Path, *options: str) -> None:
    """Send what Schemathesis makes of the document; fails with its report."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{service.url}/docs.json", "--no-color"]
    command += ["--checks", ",".join(CHECKS), "--continue-on-failure", "--generation-database", "none"]
    command += ["--request-timeout", "100", "--warnings", "off", *options]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 0, f"{finished.stdout[-20_000:]}\n{finished.stderr[-2000:]}"
    assert "Traceback" not in service.log.read_text()
    assert service.client.get("/readyz").status_code == 200


def test_generated_requests(served: Service, tmp_path: Path) -> None:
    generated_requests(served, tmp_path, "--seed", "1", "--max-examples", "3")


@pytest.mark.check
def test_generated_requests_with_a_key_that_may_read(read_key: tuple[Service, str], tmp_path: Path) -> None:
    service, key = read_key
    header = f"Authorization: Bearer {key}"
    generated_requests(
        service, tmp_path, "-H", header, "--seed", "1", "--max-examples", "1", "--phases", "examples,fuzzing"
    )


@pytest.mark.check
@pytest.mark.timeout(900)
def test_generated_requests_at_length(served: Service, tmp_path: Path) -> None:
    generated_requests(served, tmp_path, "--max-examples", "50", "--max-time", "150")


@pytest.mark.check
@pytest.mark.timeout(900)
def test_generated_requests_at_length_with_a_key(read_key: tuple[Service, str], tmp_path: Path) -> None:
    service, key = read_key
    generated_requests(service, tmp_path, "-H", f"X-API-Key: {key}", "--max-examples", "30", "--max-time", "60")


USE = """
import io, json, sys
from generated import AuthenticatedClient
from generated.api.models import get_model
from generated.api.predictions import predict, predict_file
from generated.models import Answer, BodyPredictFile, MaterialBody, PredictBody, ProblemBody
from generated.types import File

client = AuthenticatedClient(base_url=sys.argv[1], token="none is needed")
with client:
    body = PredictBody(materials=[MaterialBody(id="a", formula="Li6PS5Cl"), MaterialBody(formula="?")])
    answer = predict.sync(client=client, body=body)
    assert isinstance(answer, Answer), answer
    problem = predict.sync(client=client, body=PredictBody(materials=[], confidence=3.0))
    assert isinstance(problem, ProblemBody), problem
    file = File(payload=io.BytesIO(b"formula\\nLi6PS5Cl\\n"), file_name="a.csv", mime_type="text/csv")
    table = predict_file.sync(client=client, body=BodyPredictFile(file=file, temperature_c=[25.0]))
    model = get_model.sync("champion", client=client)
    print(json.dumps([answer.to_dict(), table.to_dict(), model.to_dict()]))
"""


@pytest.mark.check
@pytest.mark.timeout(900)
def test_a_generated_client_predicts(service: Service, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    venv.create(tmp_path / "env", with_pip=True)
    folder = tmp_path / "env" / "bin"
    environment["PATH"] = f"{folder}:{environment['PATH']}"  # where the generator looks for ruff

    def run(*command: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    installed = run(folder / "python", "-m", "pip", "install", "--quiet", *GENERATORS)
    if installed.returncode:
        pytest.skip(f"needs a package index that pip can reach: {installed.stderr[-200:]}")
    (tmp_path / "docs.json").write_text(service.client.get("/docs.json").text)
    checked = run(folder / "openapi-spec-validator", "docs.json")
    assert checked.returncode == 0, checked.stdout
    made = run(
        folder / "openapi-python-client",
        "generate",
        "--path",
        "docs.json",
        "--output-path",
        "generated",
        "--meta",
        "none",
        "--fail-on-warning",
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (tmp_path / "use.py").write_text(textwrap.dedent(USE))
    used = run(folder / "python", "use.py", service.url)
    assert used.returncode == 0, used.stderr
    answer, table, model = json.loads(used.stdout)
    expected = service.predict({"id": "a", "formula": "Li6PS5Cl"}, "?").json()
    assert answer == expected
    assert table["predictions"][0]["conductivity"] == expected["predictions"][0]["conductivity"]
    assert model["version"] == expected["model"]["version"]
