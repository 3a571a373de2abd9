"""Fuzz one Python target in a process of its own: `python_worker.py TARGET [FLAGS] CORPUS_FOLDER | FILE...`.

TARGET is a name in `targets.py`, or `FILE.py:FUNCTION`. FLAGS are libFuzzer's, written `-flag=value`. With Atheris the
engine is libFuzzer; without it, or with SUPERION_FUZZ_ENGINE=own, it is `tracing.py`. FILEs are run once each, which
reproduces what was found.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import seeds

MEMORY = 4 * 2**30
"""Most memory that the process may take; beyond it an allocation fails, and MemoryError is no refusal [bytes]."""
OWN_FLAGS = ("max_total_time", "runs", "seed", "timeout", "max_len", "artifact_prefix", "dict")
"""The flags that the engine of our own knows; it leaves others out of account."""


def load(name: str) -> Callable[[bytes], None]:
    """Return the target of this name."""
    file, _, function = name.rpartition(":")
    if not file:
        found: Callable[[bytes], None] = importlib.import_module("targets").TARGETS[name]
        return found
    sys.path.insert(0, str(Path(file).resolve().parent))
    found = getattr(importlib.import_module(Path(file).stem), function)
    return found


def by_atheris(name: str, arguments: list[str]) -> None:
    """Run libFuzzer in this process; it ends the process."""
    import atheris

    # The module of a target is watched too when it is not ours, so that planted faults can be found.
    own = [Path(name.rpartition(":")[0]).stem] if ":" in name else []
    with atheris.instrument_imports(include=["superion", *own]):
        target = load(name)
        for data in seeds.inputs(name):  # superion imports much of itself only when it is called
            target(data)
    warnings.simplefilter("error")
    # Atheris hands bytes over and lets exceptions that reach it end the run.
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def by_tracing(name: str, arguments: list[str]) -> int:
    """Run the engine of our own and return its exit status."""
    import tracing

    paths = [Path(argument) for argument in arguments if not argument.startswith("-")]
    given = (argument[1:].partition("=") for argument in arguments if argument.startswith("-"))
    flags = {flag: value for flag, _, value in given if flag in OWN_FLAGS}
    target = load(name)
    warnings.simplefilter("error")
    for path in (path for path in paths if path.is_file()):
        target(path.read_bytes())
        print(f"{path}: no fault", file=sys.stderr)
    for corpus in (path for path in paths if path.is_dir()):
        return tracing.fuzz(
            target,
            corpus,
            flags.get("artifact_prefix", ""),
            seeds.read_dictionary(Path(flags["dict"])) if "dict" in flags else [],
            ("superion", "/featurizers/", *([name.rpartition(":")[0]] if ":" in name else [])),
            seconds=float(flags.get("max_total_time", 0)),
            runs=int(flags.get("runs", 0)),
            seed=int(flags.get("seed", 1)),
            timeout=int(flags.get("timeout", 25)),
            longest=int(flags.get("max_len", 4096)),
        )
    return 0


def has_atheris() -> bool:
    """Tell whether Atheris is installed and wanted."""
    return os.environ.get("SUPERION_FUZZ_ENGINE") != "own" and importlib.util.find_spec("atheris") is not None


def main() -> int:
    """Fuzz or reproduce, as the command line says."""
    name, *arguments = sys.argv[1:]
    with contextlib.suppress(ValueError, OSError):  # some systems do not let it be set
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if has_atheris():
        by_atheris(name, arguments)
    return by_tracing(name, arguments)


if __name__ == "__main__":
    sys.exit(main())
