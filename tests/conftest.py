"""Shared fixtures, and the isolation that every test runs in.

No test may read or write what belongs to the person who runs it: the program's home and the state of MLflow and BentoML
are turned to a temporary folder, and telemetry is off, before anything of superion is imported.

With `SUPERION_FORBID_SKIPS=1` a skip is a failure. A skip says that something was not at hand (a data set, a package
index); where all of it is meant to be at hand, as in `.ci/run`, a skip would hide that a test no longer runs.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

# A shell starts what runs in its background with interrupts ignored, and programs that are started inherit that; the
# tests send interrupts, to themselves among others, and wait for them to be heard.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

SESSION = Path(tempfile.mkdtemp(prefix="superion-tests-"))
SESSION_HOME = SESSION / "home"
ROOT = Path(__file__).resolve().parent.parent

# Set on import, not in a fixture: numpy, torch, BentoML and MLflow read these when they are first imported.
os.environ.update(
    SUPERION_HOME=str(SESSION_HOME),
    BENTOML_HOME=str(SESSION / "bentoml"),
    BENTOML_DO_NOT_TRACK="True",
    MLFLOW_DISABLE_TELEMETRY="true",
    DO_NOT_TRACK="true",
    OMP_NUM_THREADS="1",
    MPLBACKEND="Agg",
    # Answers must not depend on which data sets are on the machine; the tests of tables take it away.
    SUPERION_PHASE_TABLE="end-members",
)
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
    os.environ.pop(name, None)
atexit.register(shutil.rmtree, SESSION, ignore_errors=True)

_homes = itertools.count(1)


@pytest.fixture
def root() -> Path:
    """Return the repository's root folder."""
    return ROOT


@pytest.fixture(autouse=True)
def superion_home(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own, not made yet; one that a wider fixture has set stays."""
    if os.environ["SUPERION_HOME"] == str(SESSION_HOME):
        monkeypatch.setenv("SUPERION_HOME", str(SESSION / f"home-{next(_homes)}"))
    return Path(os.environ["SUPERION_HOME"])


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Let torch have two threads in this process during a test."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data_mirror() -> Callable[[str], Path]:
    """Return a function from a public data set's name to its folder in the mirror; it skips the test without one."""

    def folder(name: str) -> Path:
        mirror = os.environ.get("SUPERION_DATA_MIRROR")
        if not mirror:
            pytest.skip(f"needs the data set {name}: SUPERION_DATA_MIRROR is not set")
        if not (Path(mirror) / name).is_dir():
            pytest.skip(f"needs the data set {name}: it is not in {mirror}")
        return Path(mirror) / name

    return folder


@pytest.fixture(scope="session")
def mlflow_database() -> Path:
    """Return a migrated, empty MLflow database: the first touch of one costs seconds, so tests copy this."""
    database = SESSION / "template" / "mlflow.db"
    database.parent.mkdir()
    # In a process of its own, so that neither MLflow's global state nor its import reaches the tests.
    touch = "import sys; from mlflow import MlflowClient; MlflowClient(sys.argv[1], sys.argv[1]).search_experiments()"
    command = [sys.executable, "-c", touch, f"sqlite:///{database}"]
    subprocess.run(command, check=True, cwd=database.parent, capture_output=True, timeout=120)
    return database


@pytest.fixture
def mlflow_home(superion_home: Path, mlflow_database: Path) -> Iterator[Path]:
    """Yield a home that holds a migrated `mlflow.db`; MLflow's choice of server is reset after the test."""
    superion_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(mlflow_database, superion_home / "mlflow.db")
    yield superion_home
    if "mlflow" in sys.modules:
        import mlflow

        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_tracking_uri(None)
        mlflow.set_registry_uri(None)


def _forbid_skip(report: Report) -> Report:
    """Turn a skip into a failure where skips are forbidden; an expected failure is reported as a skip too and stays."""
    if os.environ.get("SUPERION_FORBID_SKIPS") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"SUPERION_FORBID_SKIPS is set, and this would be skipped: {reason}"
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that skips, where skips are forbidden."""
    return _forbid_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skips as a whole, where skips are forbidden."""
    return _forbid_skip((yield))
