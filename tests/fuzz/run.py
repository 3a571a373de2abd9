"""Fuzz the entry points for text and the C core, and print what came of it: `make fuzz ARGS="--seconds 600"`.

Each target runs in a process of its own. Its inputs are kept in build/fuzz/TARGET/corpus and are where the next run
begins; an input that broke something is kept beside them, and the exit status is then 1. Make such an input a
regression test: `tests/fuzz/test_targets.py` has a list.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import c_targets
import python_worker
import seeds

ROOT = Path(__file__).resolve().parents[2]
PYTHON_TARGETS = ("formula", "cif", "poscar", "structure", "phases")
TARGETS = (*PYTHON_TARGETS, *(f"c-{name}" for name in c_targets.HARNESSES))

TIMEOUT = 20
"""Longest time for one input; a hang is a fault [s]."""
LONGEST = 4096
"""Longest input that the engines make [bytes]."""
ALLOWANCE = 120
"""Time beyond what was asked for, to start and to run the corpus, after which a process is ended [s]."""
LEFT_BEHIND = ("crash-*", "timeout-*", "oom-*", "slow-unit-*", "running")
"""How the engines name the inputs that they leave behind after a fault."""


@dataclass(frozen=True)
class Outcome:
    """Hold what came of one target."""

    target: str
    status: int
    """Exit status of the engine, 0 when no promise was broken, -1 when it had to be ended."""
    executions: int
    coverage: int
    """Edges of the code that ran."""
    features: int
    """Edges, each counted once per order of magnitude of its count."""
    new_inputs: int
    corpus: int
    crashes: tuple[str, ...]
    """Files that reproduce what was found."""


def main() -> int:
    """Run the targets named on the command line; return 1 when one broke a promise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="time per target (60)")
    parser.add_argument(
        "--targets", nargs="+", choices=TARGETS, default=TARGETS, metavar="TARGET", help=", ".join(TARGETS)
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="targets that run at once (one per core)")
    parser.add_argument("--seed", type=int, default=1, help="of the engines' chance (1)")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "fuzz", help="where inputs are kept (build/fuzz)"
    )
    parser.add_argument(
        "--engine", choices=("best", "own"), default="best", help="'own' leaves clang and Atheris aside"
    )
    parser.add_argument("--report", type=Path, help="write the outcomes there as JSON too")
    arguments = parser.parse_args()
    if arguments.engine == "own":
        os.environ["SUPERION_FUZZ_ENGINE"] = "own"
    atheris = "Atheris" if python_worker.has_atheris() else "tracing.py, because Atheris is not installed or not wanted"
    print(f"Python targets run with {atheris}; C targets with {c_targets.engine()}.", flush=True)

    def run(target: str) -> Outcome:
        return run_target(target, arguments.folder.resolve() / target, arguments.seconds, arguments.seed)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = list(pool.map(run, arguments.targets))
    print(table(outcomes))
    if arguments.report:
        arguments.report.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))
    return int(any(outcome.status != 0 for outcome in outcomes))


def run_target(target: str, folder: Path, seconds: int, seed: int) -> Outcome:
    """Run one target for `seconds` and return what came of it; its output is kept in `folder`/log."""
    corpus, dictionary, log = folder / "corpus", folder / "dictionary", folder / "log"
    seeds.write_corpus(target, corpus)
    seeds.write_dictionary(target, dictionary)
    began = time.time()
    before = len(list(corpus.iterdir()))
    command = [*program(target, folder), f"-max_total_time={seconds}", f"-seed={seed}", f"-timeout={TIMEOUT}"]
    command += [f"-max_len={LONGEST}", f"-dict={dictionary}", f"-artifact_prefix={folder}/", "-print_final_stats=1"]
    environment = os.environ | c_targets.ENVIRONMENT
    with log.open("wb") as output:
        try:
            status = subprocess.run(
                [*command, str(corpus)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,
                timeout=seconds + ALLOWANCE,
            ).returncode
        except subprocess.TimeoutExpired:
            status = -1
    text = log.read_text(encoding="utf-8", errors="replace")
    left = (path for pattern in LEFT_BEHIND for path in sorted(folder.glob(pattern)))
    crashes = tuple(str(path) for path in left if path.stat().st_mtime >= began)
    if status != 0:
        print(f"== {target}: status {status}\n{excerpt(text)}", flush=True)
    return Outcome(
        target=target,
        status=status,
        executions=number(text, r"stat::number_of_executed_units:\s*(\d+)"),
        coverage=number(text, r"\bcov: (\d+)"),
        features=number(text, r"\bft: (\d+)"),
        new_inputs=number(text, r"stat::new_units_added:\s*(\d+)"),
        corpus=before,
        crashes=crashes,
    )


def program(target: str, folder: Path) -> list[str]:
    """Return the command that runs a target, built where need be."""
    if target in PYTHON_TARGETS:
        return [sys.executable, str(Path(__file__).with_name("python_worker.py")), target]
    return [str(c_targets.build(c_targets.HARNESSES[target.removeprefix("c-")], folder / "build"))]


def number(text: str, pattern: str) -> int:
    """Return the last number that `pattern` finds, 0 when there is none."""
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def excerpt(log: str) -> str:
    """Return the part of a log that tells what went wrong."""
    lines = log.splitlines()
    telling = r"Traceback|Uncaught|does not hold|runtime error|ERROR: |ALARM"
    first = next((n for n, line in enumerate(lines) if re.search(telling, line)), max(0, len(lines) - 40))
    return "\n".join(line[:300] for line in lines[first : first + 40])


def table(outcomes: Iterable[Outcome]) -> str:
    """Lay the outcomes out as text."""
    rows = [f"{'target':16}{'executions':>12}{'edges':>8}{'features':>10}{'begun with':>12}{'new inputs':>12}  found"]
    for one in outcomes:
        counts = f"{one.executions:12}{one.coverage:8}{one.features:10}{one.corpus:12}{one.new_inputs:12}"
        found = " ".join(one.crashes) or ("nothing" if one.status == 0 else f"status {one.status}, see the log")
        rows.append(f"{one.target:16}{counts}  {found}")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
