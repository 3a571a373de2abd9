"""Build the C core with the address, undefined-behaviour and leak sanitizers and run its own test drivers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "-std=c11",
    "-g",
    "-O1",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    "-Wall",
    "-Wextra",
    "-Werror",
]
FAILING_ALLOCATIONS = ["-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc"]
DRIVERS = {
    "test_neighbors": FAILING_ALLOCATIONS,
    "test_clearance": FAILING_ALLOCATIONS,
    "test_composition": [],
    "test_forest": FAILING_ALLOCATIONS,  # for what the drivers share
    "test_hull": FAILING_ALLOCATIONS,
    "test_orbits": FAILING_ALLOCATIONS,
    "test_formula_text": FAILING_ALLOCATIONS,  # for what the drivers share
    "test_landscape": FAILING_ALLOCATIONS,
    "test_percolation": FAILING_ALLOCATIONS,
}
"""The drivers and what each needs to link."""
LONG_ROUNDS = {"test_landscape": 2_000}
"""Rounds of a long run, 6,000 unless given here."""
LEAK = "#include <stdlib.h>\nint main(void) { volatile char *p = malloc(10); p = 0; return p != 0; }\n"


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Return a function that builds a driver, each once, and gives its path."""
    compiler = shutil.which(os.environ.get("CC", "gcc"))
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("sanitizers")
    compile_ = [compiler, *FLAGS, f"-I{ROOT / 'csrc'}"]
    core = sorted((ROOT / "csrc").glob("*.c"))
    subprocess.run([*compile_, "-c", *map(str, core)], check=True, cwd=folder)
    objects = [str(folder / f"{source.stem}.o") for source in core]
    built: dict[str, Path] = {}

    def build_driver(name: str) -> Path:
        if name not in built:
            source, program = ROOT / "tests" / "csrc" / f"{name}.c", folder / name
            subprocess.run([*compile_, str(source), *objects, *DRIVERS[name], "-lm", "-o", str(program)], check=True)
            built[name] = program
        return built[name]

    return build_driver


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return the environment to run in: with leak detection, unless the leak sanitizer cannot work here.

    It stops the process through ptrace, which some sandboxes forbid; a program that leaks on purpose tells.
    """
    folder = tmp_path_factory.mktemp("leak")
    (folder / "leak.c").write_text(LEAK)
    compiler = os.environ.get("CC", "gcc")
    built = subprocess.run([compiler, "-fsanitize=address", str(folder / "leak.c"), "-o", str(folder / "leak")])
    if built.returncode != 0:
        pytest.skip("this compiler has no address sanitizer")
    run = subprocess.run([str(folder / "leak")], env={"ASAN_OPTIONS": "detect_leaks=1"}, capture_output=True, text=True)
    detects = run.returncode != 0 and "detected memory leaks" in run.stderr
    if not detects:
        print("leaks are NOT checked: the leak sanitizer does not work here (ptrace forbidden?)")
    return {"ASAN_OPTIONS": f"detect_leaks={int(detects)}", "UBSAN_OPTIONS": "print_stacktrace=1"}


def run(driver: Path, rounds: int, environment: dict[str, str]) -> None:
    """Run a driver and show what it printed if it failed."""
    done = subprocess.run([str(driver), str(rounds)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", DRIVERS)
def test_short(name, build, environment):
    run(build(name), 150, environment)


@pytest.mark.check
@pytest.mark.parametrize("name", DRIVERS)
def test_long(name, build, environment):
    run(build(name), LONG_ROUNDS.get(name, 6_000), environment)
