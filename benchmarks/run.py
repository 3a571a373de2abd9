"""Measure the featurisation core beside its peers, in turn in the same run.

Prints one JSON document on standard output, and progress and a table on standard error; `docs/benchmarks.md` says what
is measured and what the keys of the document are. `make bench` makes the peers' environment first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from featurisation import batch, graphs, landscape, machine, magpie, neighbors
from featurisation.peers import Worker
from featurisation.report import Figure, table
from featurisation.setting import Setting, read_cifs

FIGURES: dict[str, Callable[[Setting], Figure]] = {
    "magpie": magpie.measure,
    "neighbors": neighbors.measure,
    "graphs": graphs.measure,
    "landscape": landscape.measure,
    "batch": batch.measure,
}

ROOT = Path(__file__).resolve().parent.parent
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
OTHERS = ("service.py", "forests.py", "stability.py", "campaign.py", "screening.py")
"""Benchmarks of the rest, which print tables of their own."""


def main() -> None:
    """Measure and print."""
    options = arguments()
    start = time.monotonic()
    with ExitStack() as stack:
        locked = apart = None
        if not options.no_peers:
            if not options.peers_python.is_file():
                sys.exit(f"there is no {options.peers_python}: `make bench` makes it; --no-peers does without peers")
            locked = stack.enter_context(Worker(sys.executable))
            apart = stack.enter_context(Worker(options.peers_python))
        setting = Setting(options.quick, read_cifs(options.cifs), locked, apart)
        facts = machine.facts(setting)
        figures = []
        for name in options.figures:
            print(f"{time.monotonic() - start:5.0f} s  {name}", file=sys.stderr, flush=True)
            figures.append(FIGURES[name](setting))
    facts["load_at_end"] = os.getloadavg()[0]
    if facts["load_at_start"] > facts["cores"] / 2:
        # Long calls lose more time to other programs than short ones do, so it is the ratios that are wrong.
        remark = f"the load at the start was {facts['load_at_start']:.1f} on {facts['cores']} cores"
        print(f"{remark}: no figures to quote, as ratios need an idle machine", file=sys.stderr)
    document = {
        "quick": options.quick,
        "seconds": time.monotonic() - start,
        "machine": facts,
        "figures": [figure.as_dict() for figure in figures],
    }
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    print(table(figures), file=sys.stderr, flush=True)
    print(text, flush=True)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    if options.all:
        failed = []
        for script in OTHERS:
            print(f"\n{script}", file=sys.stderr, flush=True)
            if subprocess.run([sys.executable, ROOT / "benchmarks" / script], stdout=sys.stderr).returncode:
                failed.append(script)
        if failed:
            # One that lacks its data set is no reason not to run the next.
            sys.exit(f"{' and '.join(failed)} did not run to the end; see above")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes, for a look")
    parser.add_argument("--figures", nargs="+", choices=FIGURES, default=list(FIGURES), help="by default all of them")
    parser.add_argument("--no-peers", action="store_true", help="ours alone: the ratios are null")
    parser.add_argument("--peers-python", type=Path, default=PEERS_PYTHON, help="Python of the peers' environment")
    parser.add_argument("--cifs", type=Path, help="folder or zip of CIFs, by default the data set obelix")
    parser.add_argument("--output", type=Path, help="write the JSON document here too")
    parser.add_argument("--all", action="store_true", help=f"run {', '.join(OTHERS)} too, tables on standard error")
    return parser.parse_args()


if __name__ == "__main__":
    main()
