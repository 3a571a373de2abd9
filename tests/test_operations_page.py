"""docs/operations.md: its commands, variables, metrics and numbers are those of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from superion import backup, home
from superion.cli import app
from superion.models import artefact
from superion.serving import callers, limits, quota
from superion.training import places

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
VARIABLES = {
    home.HOME_VARIABLE,
    home.TRACKING_VARIABLE,
    home.ARTIFACTS_VARIABLE,
    home.CAMPAIGNS_VARIABLE,
    home.TUNING_VARIABLE,
    home.MIRROR_VARIABLE,
    home.PHASE_TABLE_VARIABLE,
    callers.REQUIRED_VARIABLE,
    quota.VARIABLE,
    "MLFLOW_S3_ENDPOINT_URL",
}


def calls() -> list[list[str]]:
    """Return every call of superion in the page, in blocks and in sentences."""
    blocks = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL))
    called = (_call(shlex.split(line)) for line in lines)
    return [words for words in called if words]


def _call(words: list[str]) -> list[str]:
    """Return what follows the last `superion` of a line, nothing where that is no command."""
    at = [n for n, word in enumerate(words) if word == "superion" or word.endswith("/bin/superion")]
    following = words[at[-1] + 1 :] if at and "systemctl" not in words else []
    # "superion at s3://..." is the name of an experiment.
    return following if following and re.fullmatch(r"(?!at$)[a-z]+", following[0]) else []


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_a_command_is_one_that_there_is(words: list[str]) -> None:
    names = [word for word in words[:2] if re.fullmatch("[a-z]+", word)] if words[0] in ("key", "data") else words[:1]
    offered = CliRunner().invoke(app, [*names, "--help"], env={"COLUMNS": "200"})
    assert offered.exit_code == 0, names
    for word in words:
        assert not word.startswith("--") or re.search(rf"{word}\b", offered.stdout), word


def test_there_are_commands() -> None:
    found = {words[0] for words in calls()}
    assert {"key", "backup", "serve", "rollback", "promote"} <= found


def test_variables_are_those_that_are_read() -> None:
    assert set(re.findall(r"\b(?:SUPERION|MLFLOW)_[A-Z0-9_]+", TEXT)) == VARIABLES


def test_metrics_are_those_that_are_counted() -> None:
    sources = "".join((ROOT / "serving" / name).read_text() for name in ("metrics.py", "record_metrics.py"))
    named = set(re.findall(r"`(superion_[a-z_]+)`", TEXT))
    assert len(named) >= 6
    for name in named:
        assert f'"{name.removesuffix("_total")}"' in sources, name


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (ROOT / "docs" / target).is_file(), target
    for name in re.findall(r"`(deploy/[\w.]+)`", TEXT):
        assert (ROOT / name).is_file() or name == "deploy/.env", name


def test_numbers_are_those_of_the_program() -> None:
    for said in (
        f"format versions {artefact.OLDEST_FORMAT} to {artefact.FORMAT_VERSION} are read",
        f"at most {places.LONGEST_PLACE} characters",
        f"the service's own {limits.TIMEOUT_SECONDS:.0f} s",
        f"within {limits.SHUTDOWN_SECONDS + 2} seconds",
        f"near {limits.MAX_WAITING_MATERIALS:,} a worker",
        f"every {limits.POLL_SECONDS:.0f} seconds".replace("5", "five"),
    ):
        assert said in " ".join(TEXT.split()), said


def test_what_a_copy_leaves_out_is_said() -> None:
    (row,) = (line for line in TEXT.splitlines() if line.startswith("| copies of models"))
    for name in ("models", "bentoml", "matplotlib", "*.lock"):
        assert name in backup.MADE_AGAIN
        assert f"`{name}" in row
