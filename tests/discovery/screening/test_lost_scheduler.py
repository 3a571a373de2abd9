"""A group's scheduler that goes while a screening is on its way: said at once, whatever the client was doing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from superion.discovery.screening.judging import Asked
from superion.discovery.screening.running import Screened, Screening, run
from superion.discovery.screening.sources import Source
from superion.errors import Unavailable
from superion.training import clusters

from ._lists import csv_file

pytestmark = [pytest.mark.check, pytest.mark.timeout(180)]
SAID = "the scheduler does not answer any more; the same command goes on"


class Group:
    """Hold a scheduler in a process of its own, and the workers that were started for it."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "scheduler.json"
        place = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
        self.processes = [self._start("scheduler", *place)]
        self.address = self._address()

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *command, "--scheduler-file", str(self.notes)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _address(self) -> str:
        deadline = time.monotonic() + 60.0
        while time.monotonic() < deadline:
            try:
                return str(json.loads(self.notes.read_text())["address"])
            except (OSError, ValueError):
                time.sleep(0.1)
        raise TimeoutError("the scheduler did not start")

    def start_worker(self) -> None:
        self.processes.append(self._start("worker", "--no-nanny", "--nthreads", "1", "--no-dashboard"))

    def kill(self) -> None:
        """Kill the scheduler."""
        self.processes[0].kill()
        self.processes[0].wait()

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    started = Group(tmp_path)
    try:
        yield started
    finally:
        started.end()


def screen(client: Any, folder: Path, told: list[str] | None = None) -> Screened:
    """Screen nine materials in five parts."""
    screening = Screening(
        Source.of(csv_file(folder)), Asked.of("release", 25.0, 0.9, None), folder / "found.parquet", rows=2
    )
    return run(screening, client, tell=(told if told is not None else []).append)


def test_it_goes_between_the_end_of_a_part_and_what_came_of_it(
    group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Future

    group.start_worker()
    whole = Future.exception

    def and_kill(future: Any, *arguments: Any) -> Any:
        found = whole(future, *arguments)
        group.kill()
        while future.client.status == "running":
            time.sleep(0.01)
        return found

    monkeypatch.setattr(Future, "exception", and_kill)
    with clusters.at(group.address) as client, pytest.raises(Unavailable, match=SAID):
        screen(client, tmp_path)
    assert len(list((tmp_path / "found.parquet").glob("part-*.parquet"))) >= 1


def test_it_goes_while_no_worker_has_come(group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import Client

    told: list[str] = []
    whole = Client.submit

    def and_kill(client: Any, *arguments: Any, **named: Any) -> Any:
        """What is sent next reaches a client that connects anew, and with it nobody."""
        future = whole(client, *arguments, **named)
        if group.processes[0].poll() is None:
            group.kill()
            while client.status == "running":
                time.sleep(0.01)
        return future

    monkeypatch.setattr(Client, "submit", and_kill)
    with clusters.at(group.address) as client, pytest.raises(Unavailable, match=SAID):
        screen(client, tmp_path, told)
    assert told == ["no worker is there yet; waiting for the first"]


def test_it_was_gone_before(group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 2)
    with clusters.at(group.address) as client:
        group.kill()
        while client.status != "closed":
            time.sleep(0.05)
        with pytest.raises(Unavailable, match=SAID):
            screen(client, tmp_path)
