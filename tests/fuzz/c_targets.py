"""Build the harnesses in `c/`: with libFuzzer where clang has it, else with gcc and the engine in `c/loop.c`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).resolve().parent / "c"
FLAGS = ["-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-Werror"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
INCLUDES = [f"-I{ROOT / 'csrc'}", f"-I{FOLDER}"]

HARNESSES = {path.stem: path for path in sorted(FOLDER.glob("*.c")) if path.stem != "loop"}
"""Every harness by its name; a new file is a new target."""

ENVIRONMENT = {
    # Both runtimes must abort, so that the engine of our own can save the input; no input needs a gigabyte at once.
    "ASAN_OPTIONS": "abort_on_error=1:max_allocation_size_mb=1000:detect_leaks=0",
    "UBSAN_OPTIONS": "abort_on_error=1:print_stacktrace=1",
}
"""What the built programs need to be told. Leaks are looked for by the drivers in tests/csrc."""


def fuzzing_clang() -> str | None:
    """Return the path of a clang that has libFuzzer; None where there is none or it is not wanted."""
    return None if os.environ.get("SUPERION_FUZZ_ENGINE") == "own" else _fuzzing_clang()


@cache
def _fuzzing_clang() -> str | None:
    clang = shutil.which("clang")
    if clang is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "empty.c"
        source.write_text(
            "int LLVMFuzzerTestOneInput(const char *data, unsigned long size) { return data && !size; }\n"
        )
        flags = ["-fsanitize=fuzzer", *SANITIZERS, str(source), "-o", str(source.with_suffix(""))]
        return clang if subprocess.run([clang, *flags], capture_output=True).returncode == 0 else None


def engine() -> str:
    """Say in words what the harnesses are built with."""
    if fuzzing_clang():
        return "libFuzzer"
    return "gcc and c/loop.c, because clang with libFuzzer is missing"


def build(harness: Path, folder: Path) -> Path:
    """Build a harness with all of csrc/ in `folder` and return the program; raises CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / harness.stem
    sources = [str(harness), *map(str, sorted((ROOT / "csrc").glob("*.c")))]
    clang = fuzzing_clang()
    if clang:
        command = [clang, *FLAGS, "-fsanitize=fuzzer", *SANITIZERS, *INCLUDES, *sources, "-lm", "-o", str(program)]
    else:
        gcc = os.environ.get("CC", "gcc")
        loop = folder / f"{harness.stem}-loop.o"
        command = [gcc, *FLAGS, "-O2", *INCLUDES, "-c", str(FOLDER / "loop.c"), "-o", str(loop)]
        subprocess.run(command, check=True)
        traced = [*FLAGS, *SANITIZERS, "-fsanitize-coverage=trace-pc", *INCLUDES]
        command = [gcc, *traced, *sources, str(loop), "-lm", "-o", str(program)]
    subprocess.run(command, check=True)
    return program
