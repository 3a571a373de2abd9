"""The files in deploy/, held against the program that they run; no container engine and no systemd is needed."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from superion import home
from superion.cli import app
from superion.serving import callers, limits

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"

FOREIGN = {
    "MLFLOW_S3_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "POSTGRES_USER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "ROOT_ACCESS_KEY",
    "ROOT_SECRET_KEY",
    "PYTHONUNBUFFERED",
    "PATH",
    "PIP_NO_CACHE_DIR",
    "PIP_DISABLE_PIP_VERSION_CHECK",
}
"""Variables that MLflow, boto3, PostgreSQL, the object store, Python and pip read."""

OWN = {home.HOME_VARIABLE, home.TRACKING_VARIABLE, home.ARTIFACTS_VARIABLE, callers.REQUIRED_VARIABLE}


def seconds(text: str) -> float:
    """Return a time such as 30s."""
    return float(text.removesuffix("s"))


def serves(words: list[str]) -> None:
    """Hold that the command line takes a call of `superion serve`."""
    assert words[0] == "serve"
    offered = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).stdout
    for word in words[1:]:
        assert not word.startswith("--") or re.search(rf"{word}\b", offered), f"superion serve has no {word}"


@pytest.fixture(scope="module")
def unit() -> Any:
    """Return the systemd unit."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # the names are told apart by case
    parser.read(DEPLOY / "superion.service")
    return parser


def test_the_unit_starts_the_command_that_there_is(unit: Any) -> None:
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).is_absolute()
    assert Path(program).name == "superion"
    serves(words)
    assert "--require-keys" in words, "a proxy is before it"
    assert unit["Service"]["Environment"] == f"{home.HOME_VARIABLE}=/var/lib/{unit['Service']['StateDirectory']}"
    assert unit["Service"]["User"] != "root"


def test_the_unit_lets_the_supervisor_stop_its_workers(unit: Any) -> None:
    service = unit["Service"]
    assert service["KillMode"] == "mixed"
    # What the supervisor waits at most: see Supervisor._stop.
    assert float(service["TimeoutStopSec"]) > limits.SHUTDOWN_SECONDS + 2.0 + 5.0
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "2"


def test_the_unit_grants_little(unit: Any) -> None:
    service = unit["Service"]
    yes = ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID", "LockPersonality")
    assert {service[name] for name in yes} == {"yes"}
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["UMask"] == "0077"


def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    analyse = shutil.which("systemd-analyze")
    if analyse is None:
        pytest.skip("needs systemd-analyze (Debian: apt-get install systemd)")
    text = (DEPLOY / "superion.service").read_text().replace("/opt/superion/bin/superion", sys.executable)
    (tmp_path / "superion.service").write_text(text)
    done = subprocess.run([analyse, "verify", tmp_path / "superion.service"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Return the compose file."""
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def variables(compose: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every variable that a service of the compose file is given, with its value."""
    for service in compose["services"].values():
        yield from service.get("environment", {}).items()


SERVICE_KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "entrypoint",
    "environment",
    "healthcheck",
    "image",
    "init",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "stop_grace_period",
    "tmpfs",
    "volumes",
}
"""Of the keys that the compose specification has for a service, those that are used here."""


def test_compose_is_what_the_specification_says(compose: dict[str, Any]) -> None:
    assert set(compose) == {"name", "services", "volumes"}
    conditions = {"service_started", "service_healthy", "service_completed_successfully"}
    for name, service in compose["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert "image" in service or "build" in service
        depends = service.get("depends_on", {})
        needed = depends if isinstance(depends, dict) else {each: {"condition": "service_started"} for each in depends}
        for other, how in needed.items():
            assert how["condition"] in conditions
            if how["condition"] == "service_healthy":
                assert "healthcheck" in compose["services"][other]
        for mount in service.get("volumes", []):
            source, target = mount.split(":")
            assert source in compose["volumes"]
            assert target.startswith("/")
        if "build" in service:
            context = (DEPLOY / service["build"]["context"]).resolve()
            assert context == ROOT
            assert (context / service["build"]["dockerfile"]).is_file()


def test_every_variable_of_compose_is_read_by_something(compose: dict[str, Any]) -> None:
    given = dict(variables(compose))
    assert set(given) <= OWN | FOREIGN
    assert {home.TRACKING_VARIABLE, home.ARTIFACTS_VARIABLE} <= set(given)
    assert given[home.TRACKING_VARIABLE].startswith("postgresql+psycopg://")
    # The names of hosts in the values are those of services.
    hosts = re.findall(r"@([a-z]+)/|http://([a-z]+):", " ".join(given.values()))
    assert {first or second for first, second in hosts} <= set(compose["services"])


def test_compose_has_no_password_of_its_own(compose: dict[str, Any]) -> None:
    secrets = {name: value for name, value in variables(compose) if re.search("PASSWORD|KEY", name)}
    assert len(secrets) >= 5
    for name, value in secrets.items():
        assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{name} must come from deploy/.env and have no default"
    example = dict(
        line.split("=", 1)
        for line in (DEPLOY / "env.example").read_text().splitlines()
        if line and not line.startswith("#")
    )
    assert set(example.values()) == {""}
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked == set(example)
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/.env"], cwd=ROOT)
    assert ignored.returncode in (0, 128), "deploy/.env would be committed"


def test_compose_offers_the_service_to_its_machine_alone(compose: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert ports == {"superion": ["127.0.0.1:3000:3000"]}
    assert seconds(compose["services"]["superion"]["stop_grace_period"]) > limits.SHUTDOWN_SECONDS + 2.0


def steps() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile, each with what follows it; continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Containerfile").read_text())
    return [(word, rest) for word, rest in re.findall(r"^([A-Z]+) (.+)$", text, re.MULTILINE)]


def copied() -> list[str]:
    """Return what the Containerfile takes from the checkout."""
    calls = [shlex.split(rest) for word, rest in steps() if word == "COPY" and "--from" not in rest]
    return [source for *sources, _ in calls for source in sources]


def test_the_image_is_made_of_what_there_is() -> None:
    for name in copied():
        assert (ROOT / name).exists(), name
    kept = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == set(copied())
    for folder in re.findall(r'"superion[a-z.]*": "([a-z]+)', (ROOT / "setup.py").read_text()):
        assert folder in copied(), f"the package in {folder}/ is missing from the image"


def test_the_image_serves_as_somebody_who_is_not_root() -> None:
    found = dict(steps())  # the last of each kind, which is that of the last stage
    assert found["USER"] == "superion"
    assert found["ENTRYPOINT"] == '["superion"]'
    words = [word.strip(' "') for word in found["CMD"].strip("[]").split(",")]
    serves(words)
    environment = dict(pair.split("=", 1) for pair in shlex.split(found["ENV"]))
    assert environment[home.HOME_VARIABLE] == found["VOLUME"] == found["WORKDIR"]
    assert set(environment) <= OWN | FOREIGN
    path = re.search(r"127\.0\.0\.1:3000(/\w+)", found["HEALTHCHECK"])
    assert path
    # BentoML, which the service imports, warns of its own calls.
    asked = f"from superion.serving.service import ENDPOINTS; print(ENDPOINTS.find({path[1]!r}).open)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"], "the check has no key"


def test_the_proxy_leaves_refusals_to_the_service() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    size = re.search(r"client_max_body_size (\d+)m;", text)
    wait = re.search(r"proxy_read_timeout (\d+)s;", text)
    assert size
    assert wait
    assert int(size[1]) * 2**20 > max(limits.MAX_BODY_BYTES, limits.MAX_UPLOAD_BYTES)
    assert int(wait[1]) > limits.TIMEOUT_SECONDS
    assert "proxy_set_header Connection" in text


def test_continuous_integration_installs_what_the_suite_drives() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    for package in ("chromium", "postgresql", "nginx-light"):
        assert package in script
    assert "://" not in script
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)
