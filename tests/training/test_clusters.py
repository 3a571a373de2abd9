"""Where a screening runs: on a scheduler that is there, and in a queue that a program named sbatch stands for."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client

from superion.discovery.screening.judging import Asked
from superion.discovery.screening.running import Screening, run
from superion.discovery.screening.sources import Source
from superion.errors import InvalidValue, Unavailable
from superion.training import clusters

from ..discovery.screening._lists import csv_file

CONFIG = """\
jobs: 2
queue: batch
account: solid-state
cores: 1
processes: 1
memory: 2GB
walltime: "00:10:00"
interface: lo
job_script_prologue: ["export MINE=1"]
"""


def write(folder: Path, text: str) -> Path:
    """Write a file that says what to queue."""
    (folder / "slurm.yaml").write_text(text)
    return folder / "slurm.yaml"


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put sbatch and scancel of our own on the path, which run a job at once; yields where they note what they did."""
    programs = tmp_path / "bin"
    programs.mkdir()
    notes = tmp_path / "notes"
    notes.mkdir()
    (programs / "sbatch").write_text(
        f'#!/bin/sh\ncp "$1" {notes}/$$.sh\nsetsid sh {notes}/$$.sh >{notes}/$$.log 2>&1 &\necho $! >{notes}/$$.pid\n'
        'echo "Submitted batch job $$"\n'
    )
    (programs / "scancel").write_text(f'#!/bin/sh\nfor job in "$@"; do kill -- -$(cat {notes}/$job.pid); done\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    yield notes
    for pid in notes.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(pid.read_text()), signal.SIGKILL)


@pytest.mark.check
def test_a_screening_runs_in_the_queue_of_slurm(queue: Path, tmp_path: Path) -> None:
    screening = Screening(
        Source.of(csv_file(tmp_path)), Asked.of("release", 25.0, 0.9, None), tmp_path / "found.parquet", rows=3
    )
    with clusters.slurm(write(tmp_path, CONFIG)) as client:
        found = run(screening, client)
    assert (found.counts.read, found.counts.failed) == (9, 2)
    scripts = [path.read_text() for path in queue.glob("*.sh")]
    assert len(scripts) == 2
    for script in scripts:
        for line in ("-p batch", "-A solid-state", "--mem=2G", "-t 00:10:00", "export OMP_NUM_THREADS=1", "MINE=1"):
            assert line in script, script


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jobs: 0", "jobs is a number of 1 or more, not 0"),
        ("jobs: many", "jobs is a number of 1 or more, not 'many'"),
        ("- queue", "has no keys such as queue, cores and memory"),
        ("a: [", "cannot be read"),
        ("queue: batch", "is not what dask_jobqueue.SLURMCluster takes"),
        ("cores: 1\nmemory: 1GB\ncoffee: 3", "is not what dask_jobqueue.SLURMCluster takes: .*coffee"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*Cluster.__del__:pytest.PytestUnraisableExceptionWarning")  # of one half made
def test_a_file_that_does_not_say_what_to_queue_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        clusters.slurm_cluster(write(tmp_path, text))
    assert caught.value.field == "slurm"
    del caught
    gc.collect()


def test_ctrl_c_does_what_it_did_before(tmp_path: Path) -> None:
    """In a process of its own, which has not imported dask-jobqueue yet."""
    script = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from superion.training import clusters\n"
        "cluster, _ = clusters.slurm_cluster(Path(sys.argv[1]))\n"
        "cluster.close()\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    command = [sys.executable, "-c", script, str(write(tmp_path, CONFIG))]
    signals = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    # Whoever runs the tests may have it ignored, which a process hands on to those that it starts.
    done = subprocess.run([sys.executable, "-c", signals, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_scheduler_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 1)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(Unavailable, match="no scheduler answers at") as caught, clusters.at(address):
            pass
        assert caught.value.field == "scheduler"


def test_a_cluster_has_a_worker_or_more() -> None:
    with pytest.raises(InvalidValue, match="workers is 1 or more"), clusters.local(0):
        pass


def test_a_scheduler_that_is_there_is_worked_on(tmp_path: Path) -> None:
    with clusters.local(1) as client:
        _is_worked_on(client, tmp_path)


def _is_worked_on(client: Client, tmp_path: Path) -> None:
    with clusters.at(client.scheduler.address) as other:
        found = run(
            Screening(Source.of(csv_file(tmp_path)), Asked.of("release", 25.0, 0.9, None), tmp_path / "found"), other
        )
    assert found.counts.read == 9
    # The workers stay, as they are not ours.
    assert client.submit(int, "3").result() == 3
