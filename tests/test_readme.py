"""Every command of the README is run here, and the answers it shows are the ones that come."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(sh|json|python)\n(.*?)```", re.DOTALL)
BIN = Path(sys.executable).parent

RUN_ELSEWHERE = {
    "make serve": "test_make_serve_answers, below, on a port of its own",
    "make test": "it is what is running; .ci/run calls it",
}
"""Commands that this file does not run as they stand, and what does."""


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README) if found == kind]


def commands() -> list[str]:
    """Return the shell commands of the README, continuation lines joined."""
    text = "\n".join(blocks("sh")).replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_until_ready(port: int, process: subprocess.Popen[str], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service ended before it was ready"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("the service was not ready in time")


def stop(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to run the commands in, with what the README calls yours: a table and a folder of CIFs."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copyfile(ROOT / "training" / "data" / "electrolytes.csv", folder / "measurements.csv")
    (folder / "cifs").mkdir()
    return folder


CURL = """\
#!{python}
import sys, urllib.request
words = sys.argv[1:]
body = words[words.index("-d") + 1]
data = sys.stdin.buffer.read() if body == "@-" else body.encode()
name, value = words[words.index("-H") + 1].split(": ")
request = urllib.request.Request(next(w for w in words if w.startswith("http")), data, {{name: value}})
sys.stdout.buffer.write(urllib.request.urlopen(request).read())
"""
"""Stands in for curl on a machine without it, for the options that the README uses."""


@pytest.fixture(scope="module")
def environment(place: Path) -> dict[str, str]:
    tools = place / "tools"
    tools.mkdir()
    if shutil.which("curl") is None:
        (tools / "curl").write_text(CURL.format(python=sys.executable))
        (tools / "curl").chmod(0o755)
    path = os.pathsep.join([str(BIN), str(tools), os.environ["PATH"]])
    return {**os.environ, "SUPERION_HOME": str(place / "home"), "PATH": path}


@pytest.fixture(scope="module")
def port(place: Path, environment: dict[str, str]) -> Iterator[int]:
    """The service, on a free port."""
    number = free_port()
    process = subprocess.Popen(
        [str(BIN / "superion"), "serve", "--port", str(number)],
        env=environment,
        cwd=place,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_ready(number, process)
        yield number
    finally:
        stop(process)


def run(command: str, place: Path, environment: dict[str, str], port: int) -> subprocess.CompletedProcess[str]:
    here = command.replace("localhost:3000", f"localhost:{port}")
    # Training as a user would takes minutes; the machinery is the same with two networks and one pass.
    if here.startswith("superion train"):
        here += " --members 2 --folds 3 --epochs 1"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here],
        env=environment,
        cwd=place,
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_the_two_commands_lead() -> None:
    assert commands()[:2] == ["make serve", "make test"]


def close(shown: object, found: object, where: str = "") -> None:
    """Hold that what the README shows is what came; numbers to the digits that are shown."""
    if isinstance(shown, dict):
        assert isinstance(found, dict), where
        assert set(shown) == set(found), where
        for key in shown:
            close(shown[key], found[key], f"{where}.{key}")
    elif isinstance(shown, list):
        assert isinstance(found, list), where
        assert len(shown) == len(found), where
        for index, (one, other) in enumerate(zip(shown, found, strict=True)):
            close(one, other, f"{where}[{index}]")
    elif isinstance(shown, float):
        last_digit = 10.0 ** int(Decimal(repr(shown)).as_tuple().exponent)
        assert found == pytest.approx(shown, rel=1e-9, abs=0.6 * last_digit), where
    else:
        assert shown == found, where


def test_the_answers_shown_are_the_answers_given(place: Path, environment: dict[str, str], port: int) -> None:
    # Before the commands below train and promote: the answers shown are those of the model that is shipped.
    asked = [command for command in commands() if command.startswith(("curl", "python3 -c"))]
    shown = [json.loads(text) for text in blocks("json")]
    assert len(asked) >= len(shown) >= 2
    for command, answer in zip(asked, shown, strict=False):
        close(answer, json.loads(run(command, place, environment, port).stdout))


def test_the_window_shown_is_the_one_printed(place: Path, environment: dict[str, str]) -> None:
    (shown,) = (text for text in README.split("```\n") if text.startswith("Li6PS5Cl against lithium metal"))
    done = subprocess.run(
        [str(BIN / "superion"), "window", "Li6PS5Cl"], env=environment, cwd=place, capture_output=True, text=True
    )
    assert [line.rstrip() for line in done.stdout.splitlines()] == shown.splitlines()


@pytest.mark.parametrize("command", [c for c in commands() if c not in RUN_ELSEWHERE])
def test_command_of_the_readme_works(command: str, place: Path, environment: dict[str, str], port: int) -> None:
    done = run(command, place, environment, port)
    # Our literature table has rows without a conductivity, which are reported with status 1.
    reads_table = shlex.split(command)[:2] in (["superion", "evaluate"], ["superion", "train"])
    assert done.returncode == (1 if reads_table else 0), done.stderr


@pytest.mark.parametrize("text", blocks("python"), ids=["predict", "featurise"])
def test_the_python_of_the_readme_runs(text: str, place: Path, environment: dict[str, str]) -> None:
    done = subprocess.run([sys.executable, "-c", text], env=environment, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.check
@pytest.mark.timeout(900)
def test_make_serve_answers(tmp_path: Path) -> None:
    number = free_port()
    process = subprocess.Popen(
        ["make", "serve", f"ARGS=--port {number}"],
        env={**os.environ, "SUPERION_HOME": str(tmp_path)},
        cwd=ROOT,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        # On a fresh checkout this installs first.
        wait_until_ready(number, process, 800)
        request = urllib.request.Request(
            f"http://127.0.0.1:{number}/predict",
            data=json.dumps({"materials": [{"formula": "Li6PS5Cl"}]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            (prediction,) = json.load(answer)["predictions"]
        assert prediction["conductivity"]["log10_S_per_cm"]["lower"] < -2
    finally:
        stop(process)


def test_continuous_integration_runs_both_suites() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make .*\btest$", script, re.MULTILINE)
    assert re.search(r"^make .*\bcheck$", script, re.MULTILINE)
