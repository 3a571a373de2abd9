"""Time screenings on this machine: compositions and crystals, with one worker and with two, and the memory they take.

The compositions are doping series of an argyrodite; the crystals are CIFs of a folder, the example of the repository in
distinct lattices unless one is given. Starting the workers and loading the model in each is not in the rate, which is
that of the materials after the first part of every worker; it is in `seconds`. The peer is the same prediction in one
process without Dask. Prints a JSON document, and a table on standard error.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from superion.discovery.screening.judging import Asked, judge
from superion.discovery.screening.running import Progress, Screening, run
from superion.discovery.screening.sources import Source
from superion.discovery.series import Plan, doping_series
from superion.discovery.swaps import Swap
from superion.featurizers.formula import Formula
from superion.training import clusters

SWAPS = ("S>Se,O", "Cl>Br,I", "P>Sb,Si,Ge")
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "argyrodite.cif"
MIB = 1024.0 * 1024.0
CONDUCTIVITY = "compositions, conductivity alone"


def compositions(n: int, folder: Path) -> Path:
    """Write n compositions of doping series; beyond those there are, with lithium that differs in the fifth digit."""
    plan = Plan(tuple(map(Swap.parse, SWAPS)), 0.05, "Li", at_once=3, limit=200_000)
    series = [str(one.formula) for one in doping_series(Formula.parse("Li6PS5Cl"), plan).candidates]
    path = folder / "compositions.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("id,formula\n")
        for number in range(n):
            turn, place = divmod(number, len(series))
            file.write(f"c{number},{_varied(series[place], turn)}\n")
    return path


def _varied(formula: str, turn: int) -> str:
    """Return a formula with a little more lithium in each turn."""
    return re.sub(r"^Li([\d.]+)", lambda found: f"Li{float(found[1]) + 1e-5 * turn:.5f}", formula) if turn else formula


def crystals(n: int, given: Path | None, folder: Path) -> Path:
    """Write n CIFs, distinct by their lattice, of those in a folder or of the example."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(given.glob("*.cif"))] if given else []
    texts = texts or [EXAMPLE.read_text(encoding="utf-8")]
    shelf = folder / "crystals"
    shelf.mkdir()
    for number in range(n):
        turn, place = divmod(number, len(texts))
        (shelf / f"{number:06d}.cif").write_text(_stretched(texts[place], 1.0 + 1e-5 * turn), encoding="utf-8")
    return shelf


def _stretched(cif: str, factor: float) -> str:
    """Return a CIF with longer axes."""
    length = re.compile(r"(_cell_length_[abc]\s+)([\d.]+)")
    return length.sub(lambda found: f"{found[1]}{float(found[2]) * factor:.6f}", cif)


@dataclass
class Memory:
    """Hold the resident memory of the worker processes, looked at twice a second."""

    least_after_start: float = 0.0
    """Of the fullest worker when its first part was done [MiB]."""
    peak: float = 0.0
    """Of the fullest worker [MiB]."""

    @contextmanager
    def watched(self, pids: Sequence[int]) -> Iterator[Event]:
        """Watch processes; the event that is yielded says that all have begun to work."""
        stop, begun = Event(), Event()

        def look() -> None:
            while not stop.wait(0.5):
                if begun.is_set():
                    now = max(psutil.Process(pid).memory_info().rss for pid in pids) / MIB
                    self.least_after_start = self.least_after_start or now
                    self.peak = max(self.peak, now)

        thread = Thread(target=look)
        thread.start()
        try:
            yield begun
        finally:
            stop.set()
            thread.join()


def screened(path: Path, workers: int, asked: Asked, out: Path) -> dict[str, Any]:
    """Screen a list with so many workers; returns the rate, the time and the memory."""
    begun = time.monotonic()
    told: list[tuple[float, int]] = []
    memory = Memory()
    with clusters.local(workers) as client:
        pids = [int(worker["pid"]) for worker in client.run(_facts).values()]
        with memory.watched(pids) as all_at_work:

            def progress(found: Progress) -> None:
                told.append((time.monotonic(), found.counts.read))
                if len(told) == 2 * workers:
                    all_at_work.set()

            found = run(Screening(Source.of(path), asked, out), client, progress)
    # From when every worker has done its first part, with what was done by then.
    start, before = told[min(2 * workers, len(told)) - 1]
    end, after = told[-1]
    return {
        "workers": workers,
        "materials": found.counts.read,
        "failed": found.counts.failed,
        "seconds": round(time.monotonic() - begun, 1),
        "rate_per_second": round((after - before) / (end - start), 1) if end > start else None,
        "worker_MiB_after_start": round(memory.least_after_start),
        "worker_MiB_peak": round(memory.peak),
    }


def _facts() -> dict[str, int]:
    import os

    return {"pid": os.getpid()}


def alone(path: Path, n: int, asked: Asked) -> float:
    """Return the rate of the same prediction in this process, without Dask [materials/s]."""
    source = Source.of(path)
    parts = list(source.parts(source.rows))[: max(2, n // source.rows)]
    judge(parts[0], asked)
    begun = time.monotonic()
    n_done = sum(judge(part, asked).n for part in parts[1:])
    return n_done / (time.monotonic() - begun)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compositions", type=int, default=100_000, help="how many; 0 leaves them out")
    parser.add_argument("--crystals", type=int, default=4_000, help="how many; 0 leaves them out")
    parser.add_argument("--cifs", type=Path, default=None, help="folder of CIFs that the crystals are made of")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="how many workers to try")
    return parser.parse_args()


def main() -> None:
    """Print how fast each list is screened."""
    options = arguments()
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lists = {}
        if options.compositions:
            lists["compositions"] = lists[CONDUCTIVITY] = compositions(options.compositions, folder)
        if options.crystals:
            lists["crystals"] = crystals(options.crystals, options.cifs, folder)
        for kind, path in lists.items():
            asked = Asked.of("release", 25.0, 0.9, None, stability=kind != CONDUCTIVITY)
            rate = alone(path, 500 if kind == "crystals" else 10_000, asked)
            runs = [screened(path, n, asked, folder / f"{len(figures)}-{n}.parquet") for n in options.workers]
            first = runs[0]["rate_per_second"]
            for one in runs:
                ratio = one["rate_per_second"] / first if first and one["rate_per_second"] else None
                one["times_the_first"] = None if ratio is None else round(ratio, 2)
                one["efficiency"] = None if ratio is None else round(ratio * runs[0]["workers"] / one["workers"], 2)
            figures[kind] = {"without_dask_per_second": round(rate, 1), "runs": runs}
    _print(figures)
    print(json.dumps({"figures": figures}, indent=1))


def _print(figures: dict[str, Any]) -> None:
    print(
        f"{'list':32} {'workers':>7} {'materials/s':>11} {'times':>6} {'efficiency':>10} {'MiB':>12}", file=sys.stderr
    )
    for kind, found in figures.items():
        print(f"{kind:32} {'no Dask':>11} {found['without_dask_per_second']:11.0f}", file=sys.stderr)
        for one in found["runs"]:
            memory = f"{one['worker_MiB_after_start']} to {one['worker_MiB_peak']}"
            cells = (one["workers"], one["rate_per_second"], one["times_the_first"], one["efficiency"], memory)
            shown = " ".join(f"{'-' if cell is None else cell:>11}" for cell in cells)
            print(f"{'':32} {shown}", file=sys.stderr)


if __name__ == "__main__":
    main()
