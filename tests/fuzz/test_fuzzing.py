"""Every fuzzer for a short time, and the engines on faults that were planted for them to find."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent

ENGINES = ["best", "own"]
"""The best that is installed, and those of our own, which are all that a fresh machine has."""

PLANTED_IN_PYTHON = """
def reads(data):
    if data[:1] == b"L":
        if data[1:2] == b"i":
            if len(data) > 9:
                raise ValueError("planted")
"""

PLANTED_IN_C = """
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    volatile char *copy = exact(size > 0 ? size : 1, 1);
    if (size > 8 && data[0] == 'L') {
        if (data[1] == 'i') {
            if (data[2] == 200) {
                copy[size] = 1; /* a byte beyond the end */
            }
        }
    }
    free((char *)copy);
    return 0;
}
"""


def fuzz(command: list[str], engine: str) -> subprocess.CompletedProcess[str]:
    """Run a program of this folder with the engines of this name."""
    wanted = {"SUPERION_FUZZ_ENGINE": "own" if engine == "own" else "best"}
    return subprocess.run(command, env=os.environ | wanted, capture_output=True, text=True)


@pytest.mark.check
@pytest.mark.timeout(900)
def test_every_target_holds_for_a_short_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, str(FOLDER / "run.py"), "--seconds", "15", "--folder", str(tmp_path)]
    done = fuzz([*command, "--report", str(report)], "best")
    with capsys.disabled():  # the summary, and which engines were missing
        print(f"\n{done.stdout}")
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = json.loads(report.read_text())
    harnesses = [f"c-{path.stem}" for path in sorted((FOLDER / "c").glob("*.c")) if path.stem != "loop"]
    assert [outcome["target"] for outcome in outcomes] == [
        "formula",
        "cif",
        "poscar",
        "structure",
        "phases",
        *harnesses,
    ]
    for outcome in outcomes:
        # Far fewer than any engine manages; but an engine that runs nothing finds nothing.
        assert outcome["executions"] >= 100 and outcome["coverage"] >= 20, outcome
        assert outcome["new_inputs"] > 0, f"{outcome} learned nothing from coverage"


@pytest.mark.check
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_fault_planted_in_python_is_found(engine: str, tmp_path: Path) -> None:
    target, corpus = tmp_path / "planted_target.py", tmp_path / "corpus"
    target.write_text(PLANTED_IN_PYTHON)
    corpus.mkdir()
    (corpus / "seed").write_bytes(b"Na3PS4Cl")
    command = [sys.executable, str(FOLDER / "python_worker.py"), f"{target}:reads"]
    flags = ["-seed=1", "-runs=1000000", f"-artifact_prefix={tmp_path}/", str(corpus)]
    done = fuzz([*command, *flags], engine)
    found = list(tmp_path.glob("crash-*"))
    assert done.returncode == 77 and len(found) == 1, done.stderr[-3000:]
    again = fuzz([*command, str(found[0])], engine)
    assert again.returncode != 0 and "planted" in again.stdout + again.stderr


@pytest.mark.check
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_fault_planted_in_c_is_found(engine: str, tmp_path: Path) -> None:
    harness, corpus = tmp_path / "planted.c", tmp_path / "corpus"
    harness.write_text(PLANTED_IN_C)
    corpus.mkdir()
    (corpus / "seed").write_bytes(b"Na3PS4Cl.")
    build = "import c_targets, pathlib, sys; print(c_targets.build(*map(pathlib.Path, sys.argv[1:])))"
    compiled = subprocess.run(
        [sys.executable, "-c", build, str(harness), str(tmp_path / "build")],
        env=os.environ | {"SUPERION_FUZZ_ENGINE": engine, "PYTHONPATH": str(FOLDER)},
        check=True,
        capture_output=True,
        text=True,
    )
    program = compiled.stdout.strip()
    flags = ["-seed=1", "-runs=5000000", f"-artifact_prefix={tmp_path}/", str(corpus)]
    aborts = {"ASAN_OPTIONS": "abort_on_error=1", "UBSAN_OPTIONS": "abort_on_error=1"}
    done = subprocess.run([program, *flags], env=os.environ | aborts, capture_output=True, text=True)
    found = list(tmp_path.glob("crash-*"))
    assert done.returncode != 0 and len(found) == 1, done.stderr[-3000:]
    assert "heap-buffer-overflow" in done.stderr
    again = subprocess.run([program, str(found[0])], env=os.environ | aborts, capture_output=True, text=True)
    assert again.returncode != 0 and "heap-buffer-overflow" in again.stderr


@pytest.mark.check
@pytest.mark.timeout(120)
def test_an_input_that_hangs_is_kept(tmp_path: Path) -> None:
    target, corpus = tmp_path / "hanging.py", tmp_path / "corpus"
    target.write_text("def reads(data):\n    while data[:1] == b'h':\n        pass\n")
    corpus.mkdir()
    (corpus / "seed").write_bytes(b"hang")
    command = [sys.executable, str(FOLDER / "python_worker.py"), f"{target}:reads", "-timeout=1", "-runs=10"]
    done = fuzz([*command, f"-artifact_prefix={tmp_path}/", str(corpus)], "own")
    assert done.returncode != 0
    assert (tmp_path / "running").read_bytes() == b"hang"
