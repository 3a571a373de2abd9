"""What deploy/Containerfile does, done without a container: its installation in a fresh environment, its command."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from .test_deploy import ROOT, copied, steps

LEFT_BEHIND = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info")


@pytest.fixture(scope="module")
def image() -> Iterator[tuple[Path, Path]]:
    """Yield an environment that is made by the Containerfile's calls of pip, in a folder of what it copies alone."""
    with tempfile.TemporaryDirectory(prefix="superion-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # another user is to run what is installed
        probe = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", name, "iniconfig"]
        if subprocess.run(probe, cwd=name, capture_output=True, timeout=120).returncode:
            pytest.skip("needs a package index that pip can reach")
        source, environment = folder / "src", folder / "superion"
        source.mkdir()
        for part in copied():
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, source / part, ignore=LEFT_BEHIND)
            else:
                shutil.copy2(ROOT / part, source / part)
        venv.create(environment, with_pip=True)
        calls = [rest for word, rest in steps() if word == "RUN" and rest.startswith("pip ")]
        assert len(calls) == 3
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL"))}
        surroundings["PATH"] = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
        for call in calls:
            done = subprocess.run(["sh", "-ec", call], cwd=source, env=surroundings, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        shutil.rmtree(source)
        yield folder, environment


@pytest.mark.check
@pytest.mark.timeout(1500)
def test_the_command_of_the_image_serves(image: tuple[Path, Path]) -> None:
    folder, environment = image
    found = dict(steps())
    state = folder / "state"
    state.mkdir()
    account = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    if account:
        os.chown(state, 65534, 65534)
    program = str(environment / "bin" / "superion")
    surroundings = {"PATH": os.environ["PATH"], "SUPERION_HOME": str(state), "HOME": str(state)}

    command = [program, "serve", "--help"]
    subprocess.run(command, env=surroundings, cwd=state, check=True, capture_output=True, **account)
    command = [program, "key", "new", "ada", "--role", "admin"]
    subprocess.run(command, env=surroundings, cwd=state, check=True, capture_output=True, **account)

    words = [word.strip(' "') for word in found["CMD"].strip("[]").split(",")]
    # The port of the image may be in use here, and no other machine is to reach a test.
    words[words.index("0.0.0.0")] = "127.0.0.1"
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [program, *words, "--port", "0"],
        env=surroundings,
        cwd=state,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        **account,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "ready at" in line, (folder / "log").read_text()
        port = re.search(r":(\d+) ", line)
        assert port
        check = shlex.split(found["HEALTHCHECK"].partition("CMD ")[2].strip("[]").replace(",", " ", 2))
        check = [sys.executable, "-c", check[2].replace("127.0.0.1:3000", f"127.0.0.1:{port[1]}")]
        subprocess.run(check, check=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0  # what compose grants before it kills
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        log.close()
    assert (state / "service.db").exists()
