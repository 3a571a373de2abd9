"""A real service for the tests: `superion serve` in a process of its own, with a home and a port of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from ._browser import chromium, visiting
from ._desk import Desk

SERVE = "import sys; from superion.cli import main; sys.argv.insert(1, 'serve'); main()"
READY_SECONDS = 120.0
"""Far above what a start takes, for a machine that has much else to do."""

CIF = """data_Li3OCl
_cell_length_a 3.91
_cell_length_b 3.91
_cell_length_c 3.91
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P m -3 m'
_symmetry_Int_Tables_number 221
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0.5 0 0 1.0
O1 O 0 0 0 1.0
Cl1 Cl 0.5 0.5 0.5 1.0
"""

POSCAR = """LiF
1.0
4.0 0 0
0 4.0 0
0 0 4.0
Li F
1 1
Direct
0 0 0
0.5 0.5 0.5
"""

STRUCTURE = {
    "@module": "pymatgen.core.structure",
    "@class": "Structure",
    "charge": 0,
    "lattice": {"matrix": [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]], "pbc": [True, True, True]},
    "sites": [
        {"species": [{"element": "Li", "occu": 1}], "abc": [0, 0, 0], "properties": {}, "label": "Li"},
        {"species": [{"element": "F", "occu": 1}], "abc": [0.5, 0.5, 0.5], "properties": {}, "label": "F"},
    ],
}


@dataclass
class Service:
    """Hold a running service."""

    process: subprocess.Popen[str]
    url: str
    home: Path
    log: Path
    client: httpx.Client

    def predict(self, *materials: Any, **options: Any) -> httpx.Response:
        """Ask for predictions; text is taken for a formula."""
        body = {"materials": [{"formula": m} if isinstance(m, str) else m for m in materials], **options}
        return self.client.post("/predict", json=body)

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes, without what they started."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if "superion.serving.worker" in " ".join(child.cmdline())]

    def stop(self) -> int:
        """Stop the service as an operator would; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextlib.contextmanager
def running(home: Path, *options: str, **variables: str) -> Iterator[Service]:
    """Run the service with `home` as its home, with one worker unless told otherwise; nothing of it is left after."""
    options = options if "--workers" in options else (*options, "--workers", "1")
    home.mkdir(parents=True, exist_ok=True)
    # A job that stays back is not done in time on a machine with much else to do.
    environment = {**os.environ, "SUPERION_HOME": str(home), "SUPERION_JOB_NICE": "0", **variables}
    log = home.parent / f"{home.name}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "--port", "0", *options],
            env=environment,
            cwd=home.parent,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    kill = threading.Timer(READY_SECONDS, process.kill)
    kill.start()
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        kill.cancel()
        assert "ready at" in line, f"the service did not start: {log.read_text()}"
        url = line.split("ready at ")[1].split()[0]
        with httpx.Client(base_url=url, timeout=120.0) as client:
            yield Service(process, url, home, log, client)
    finally:
        kill.cancel()
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    family = []
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
    if process.stdout is not None:
        process.stdout.close()


def eventually(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Return the first true value of `found`, asked again until the time is over; then the last value."""
    deadline = time.monotonic() + seconds
    while not (value := found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return value


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service that all tests of the session share; none may stop it or change its registry."""
    with running(tmp_path_factory.mktemp("service") / "home") as found:
        yield found


@pytest.fixture
def run_service(tmp_path: Path) -> Callable[..., contextlib.AbstractContextManager[Service]]:
    """Return a function that runs a service of the test's own, as a context manager."""

    def run(*options: str, home: str = "home", **variables: str) -> contextlib.AbstractContextManager[Service]:
        return running(tmp_path / home, *options, **variables)

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield Chromium, closed after the module: its driver's event loop would be in the way of other tests."""
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Any, service: Service) -> Iterator[Any]:
    """Yield a visit to the page of the shared service."""
    with visiting(browser, service.url) as found:
        found.open()
        yield found


@pytest.fixture(scope="session")
def cif() -> str:
    """Return the CIF of an ordered anti-perovskite, Li3OCl."""
    return CIF


@pytest.fixture(scope="session")
def poscar() -> str:
    """Return LiF as a POSCAR."""
    return POSCAR


@pytest.fixture(scope="session")
def structure() -> dict[str, Any]:
    """Return LiF as pymatgen writes a structure."""
    return STRUCTURE


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., Any]:
    """Return `eventually`."""
    return eventually


@pytest.fixture
def desk() -> Iterator[Callable[..., Desk]]:
    """Return a function that makes a desk; their threads end with the test."""
    made: list[Desk] = []

    def make(**options: Any) -> Desk:
        made.append(Desk(**options))
        return made[-1]

    yield make
    for one in made:
        one.known.stop()
