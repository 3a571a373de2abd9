"""The work of a job that replays campaigns on uploaded data sets, as `superion campaign simulate` does.

Each campaign that was replayed is a line of a file in the folder of the job, so that a job that was interrupted goes on
with the next.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from superion.discovery.retrospective.simulation import Run, Task, simulate
from superion.discovery.retrospective.summary import summary
from superion.serving.jobs.replay_plan import plan_of
from superion.serving.jobs.store import Job
from superion.serving.jobs.work import Progress, Tell, named


def replay(job: Job, tell: Tell) -> dict[str, Any]:
    """Replay what a job asks for, or go on with it; returns the document of the retrospective.

    Raises NotFound for a data set that was deleted, InvalidTable or InvalidValue for what cannot be replayed.
    """
    rows = [row for one in named(job.request["datasets"]) for row in one.table().rows]
    job.folder.mkdir(parents=True, exist_ok=True)
    kept = job.replayed
    done = _read(kept)
    if done:
        tell(f"{len(done)} campaigns were replayed already")
    progress = Progress(job.id)
    progress.start(len(done))
    with kept.open("a", encoding="utf-8") as file:

        def keep(task: Task, run: Run) -> None:
            file.write(json.dumps([*task, run.as_dict()]) + "\n")
            file.flush()

        found = simulate(rows, plan_of(job.request), progress, done=done, keep=keep)
    for name, runs in found.runs.items():
        tell(f"{name}: {sum(int(run.hits[-1]) for run in runs) / len(runs):.1f} of {found.n_hits} hits in the mean")
    return summary(found)


def _read(kept: Path) -> dict[Task, Run]:
    """Return the campaigns that were replayed; a line that was cut off with the process ends the file before it."""
    if not kept.is_file():
        return {}
    found: dict[Task, Run] = {}
    whole = kept.read_bytes().rpartition(b"\n")[0]
    for line in whole.splitlines():
        name, seed, run = json.loads(line)
        found[name, seed] = Run.from_dict(run)
    os.truncate(kept, len(whole) + bool(whole))
    return found
