"""`superion screen`: what it prints and writes, what is refused, and what is left when its processes are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest

FORMULAS = [
    f"Li{6 + x / 100:g}P{1 - x / 100:g}Si{x / 100:g}S5{halogen}" for x in range(1, 51) for halogen in ("Cl", "Br")
]


def table(folder: Path, formulas: list[str]) -> Path:
    """Write a list."""
    path = folder / "list.csv"
    path.write_text("id,formula\n" + "".join(f"m{n},{formula}\n" for n, formula in enumerate(formulas)))
    return path


def test_a_list_is_screened_and_gone_on_with(superion, tmp_path: Path) -> None:
    path, out = table(tmp_path, [*FORMULAS[:5], "Xx"]), tmp_path / "found.parquet"
    command = ("screen", path, "--out", out, "--model", "release", "--rows", 3, "--workers", 1)
    command += ("--where", "log10_sigma_lower > -9 and reaction_energy < -0.1")
    first = superion(*command, "--json")
    assert first.status == 1, first.err
    found = first.document
    assert (found["read"], found["written"], found["failed"], found["skipped"]) == (6, 5, 1, 0)
    assert (found["out"], found["not_done"]) == (str(out), [])
    assert found["rate_per_second"] > 0.0
    assert "materials: 6 of 6" in first.err and "a second, about 0 s left" in first.err
    assert pq.read_table(out)["model_version"].to_pylist() == ["4"] * 5
    assert pq.read_table(found["failures"])["id"].to_pylist() == ["m5"]
    again = superion(*command)
    assert again.status == 1
    assert "6 materials in 2 parts were screened before and are skipped" in again.err
    assert "6 materials, 5 of them in" in again.out and "1 could not be predicted" in again.out
    other = superion(*command[:-1], "log10_sigma > -3")
    assert other.status == 2 and "with another where" in other.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--where", "sigma > 3"), "no column 'sigma'"),
        (("--workers", 2, "--scheduler", "tcp://x:1"), "three places to run; give one"),
        (("--confidence", 1.5), "confidence"),
        (("--model", "99"), "99"),
        (("--rows", 0), "rows is 1 or more"),
        (("--slurm", "absent.yaml"), "absent.yaml cannot be read"),
    ],
)
def test_what_cannot_be_screened_is_refused_and_nothing_is_written(
    superion, tmp_path: Path, options: tuple[object, ...], said: str
) -> None:
    path = table(tmp_path, FORMULAS[:2])
    finished = superion("screen", path, "--out", tmp_path / "found.parquet", *options)
    assert finished.status == 2
    assert said in finished.err.replace("\n", " ")
    assert finished.out == ""
    assert not (tmp_path / "found.parquet").exists()


def rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a folder in the order of the list."""
    return sorted(pq.read_table(folder).to_pylist(), key=lambda row: row["row"])


class Running:
    """Hold a screening in processes of its own."""

    def __init__(self, path: Path, out: Path, *place: object) -> None:
        self.out = out
        command = ["screen", path, "--out", out, "--model", "release", "--rows", 100, *(place or ("--workers", 2))]
        code = "import sys; from superion.cli import main; sys.argv[0] = 'superion'; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for_parts(self, n: int) -> None:
        """Wait until so many parts are there."""
        deadline = time.monotonic() + 120.0
        while len(list(self.out.glob("part-*.parquet"))) < n:
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)

    @property
    def workers(self) -> list[psutil.Process]:
        """Return the processes of the workers."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in children if any("spawn_main" in text for text in one.cmdline())]

    def end(self) -> str:
        """Return all that was printed, once it has ended."""
        return self.process.communicate(timeout=240)[0]


@pytest.fixture(scope="module")
def long_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a list of 10,000 materials, one of them none."""
    return table(tmp_path_factory.mktemp("list"), [*FORMULAS * 50, "Xx", *FORMULAS * 50])


@pytest.fixture(scope="module")
def undisturbed(long_list: Path) -> Iterator[list[dict[str, Any]]]:
    """Return the rows that it comes to."""
    running = Running(long_list, long_list.parent / "undisturbed.parquet")
    printed = running.end()
    assert running.process.returncode == 1, printed
    found = rows(running.out)
    assert [row["row"] for row in found] == [n for n in range(10_001) if n != 5000]
    yield found


@pytest.mark.check
@pytest.mark.timeout(600)
def test_a_worker_that_is_killed_costs_its_part_and_no_more(
    long_list: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    running = Running(long_list, tmp_path / "found.parquet")
    running.wait_for_parts(4)
    victim = next(one for one in running.workers if one.cpu_times().user > 1.0)
    victim.send_signal(signal.SIGKILL)
    printed = running.end()
    assert running.process.returncode == 1, printed
    assert rows(running.out) == undisturbed


@pytest.mark.check
@pytest.mark.timeout(600)
def test_after_a_kill_of_the_scheduler_the_rerun_completes(
    long_list: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The scheduler is in the process of the command; its workers end when it is gone."""
    running = Running(long_list, tmp_path / "found.parquet")
    running.wait_for_parts(4)
    workers = running.workers
    os.kill(running.process.pid, signal.SIGKILL)
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert gone and not alive, "workers without a scheduler end"
    running.end()
    n_done = len(list(running.out.glob("part-*.parquet")))
    assert 4 <= n_done < 101
    again = Running(long_list, running.out)
    printed = again.end()
    assert again.process.returncode == 1, printed
    assert f"in {n_done} parts were screened before and are skipped" in printed
    assert rows(running.out) == undisturbed
    failures = pq.read_table(tmp_path / "found.failures.parquet").to_pylist()
    assert [(row["row"], row["id"], row["code"]) for row in failures] == [(5000, "m5000", "invalid_formula")]
    assert not list(running.out.glob(".*"))


@pytest.mark.check
@pytest.mark.timeout(600)
def test_where_a_groups_scheduler_is_killed_the_command_says_so(
    long_list: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Scheduler and worker are programs of Dask's own, as those of a group are."""
    dask = [sys.executable, "-m", "dask"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    notes = tmp_path / "scheduler.json"
    place = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(notes)]
    scheduler = subprocess.Popen([*dask, "scheduler", *place], **quiet)
    options = ["--nworkers", "1", "--nthreads", "1", "--no-dashboard", "--death-timeout", "60"]
    worker = subprocess.Popen([*dask, "worker", "--scheduler-file", str(notes), *options], **quiet)
    try:
        deadline = time.monotonic() + 60.0
        while not notes.is_file() and time.monotonic() < deadline:
            time.sleep(0.1)
        address = json.loads(notes.read_text())["address"]
        out = tmp_path / "found.parquet"
        running = Running(long_list, out, "--scheduler", address)
        running.wait_for_parts(3)
        scheduler.kill()
        printed = running.end()
        assert running.process.returncode == 2, printed
        assert "the scheduler does not answer any more; the same command goes on" in printed.rstrip().splitlines()[-1]
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
    finished = Running(long_list, out, "--workers", 2)
    assert finished.end() and finished.process.returncode == 1
    assert rows(out) == undisturbed
