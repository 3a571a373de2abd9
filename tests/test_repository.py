"""What the repository itself promises: no large or executable data, one version, a lock that is complete."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import superion

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LARGEST = 2_000_000
"""Largest file that is kept in the repository [bytes]."""

NOT_LOCKED = "materials-project"
"""Extra that is left out of the lock: 190 MB for a service that needs a key of the user's own."""

UNTRACKED = {
    ".git",
    ".venv",
    ".venv-peers",
    "build",
    "dist",
    "__pycache__",
    ".pytest_cache",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
}


def files() -> list[Path]:
    """Return the files that git tracks or would track; outside a checkout, all but what a build leaves behind."""
    try:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [
            path
            for path in ROOT.rglob("*")
            if path.is_file() and not UNTRACKED & set(path.relative_to(ROOT).parts) and path.suffix != ".so"
        ]


def lock() -> dict[str, str]:
    """Return the locked version of each package."""
    lines = [
        line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.!]+", line) for line in lines), "name==version and nothing else"
    return dict(line.split("==") for line in lines)


def test_no_file_is_large() -> None:
    # The weights of the shipped models are the large things that have to be here.
    weights = {
        ROOT / "models" / "release" / "weights.safetensors": 20_000_000,
        ROOT / "models" / "stability" / "release" / "weights.safetensors": 6_000_000,
    }
    assert all(path.stat().st_size < size for path, size in weights.items())
    assert [path.name for path in files() if path.stat().st_size > LARGEST and path not in weights] == []


def test_no_file_runs_code_when_it_is_loaded() -> None:
    unsafe = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".npy"}
    assert [path.name for path in files() if path.suffix in unsafe] == []


def test_no_build_product_is_kept() -> None:
    assert [path.name for path in files() if path.suffix in {".so", ".o", ".whl", ".pyc"}] == []


def test_no_input_of_a_fuzzing_engine_is_kept() -> None:
    named = re.compile(r"(crash|timeout|oom|slow-unit)-[0-9a-f]{8,}")
    assert [path for path in files() if named.fullmatch(path.name)] == []


def test_version_is_the_same_everywhere() -> None:
    version = PYPROJECT["project"]["version"]
    assert superion.__version__ == version
    assert re.search(rf"^## \[{re.escape(version)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_lock_names_no_single_build() -> None:
    assert "+" not in (ROOT / "requirements.lock").read_text()


def test_lock_leaves_the_cuda_packages_out() -> None:
    locked = lock()
    cuda = {name for name in locked if name.startswith(("nvidia-", "cuda-")) or "triton" in name}
    assert cuda == {"nvidia-ml-py"}, "BentoML needs nvidia-ml-py; the others are gigabytes of no use on a CPU machine"


def requirements() -> list[str]:
    """Return every requirement of pyproject.toml, superion's references to its own extras left out."""
    project = PYPROJECT["project"]
    groups = [
        PYPROJECT["build-system"]["requires"],
        project["dependencies"],
        *(lines for extra, lines in project["optional-dependencies"].items() if extra != NOT_LOCKED),
    ]
    return sorted({line for group in groups for line in group if not line.startswith("superion[")})


@pytest.mark.parametrize("line", requirements())
def test_lock_satisfies(line: str) -> None:
    requirement = Requirement(line)
    assert requirement.specifier.contains(lock()[canonicalize_name(requirement.name)])


def test_lock_is_what_is_installed() -> None:
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, timeout=120)
    assert check.returncode == 0, check.stdout


def test_no_package_index_is_named() -> None:
    named = re.compile(r"(?i)^\s*(-i|--index-url|--extra-index-url|--find-links|-f)\b|file://|\s@\s", re.MULTILINE)
    assert not named.search((ROOT / "requirements.lock").read_text())


PROBE = """
import pytest

def test_passes():
    pass

def test_skips():
    pytest.skip("no data set")

@pytest.mark.skip(reason="marked")
def test_is_marked():
    pass

@pytest.mark.xfail(strict=True)
def test_fails_as_expected():
    assert False
"""


@pytest.mark.parametrize(
    ("forbid", "summary"),
    [("0", "1 passed, 2 skipped, 1 xfailed"), ("1", "1 failed, 1 passed, 1 xfailed, 1 error")],
)
def test_a_skip_fails_where_skips_are_forbidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forbid: str, summary: str
) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_probe.py").write_text(PROBE)
    monkeypatch.setenv("SUPERION_FORBID_SKIPS", forbid)
    assert summary in run_pytest(tmp_path)


def test_a_module_that_skips_fails_where_skips_are_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_probe.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    monkeypatch.setenv("SUPERION_FORBID_SKIPS", "1")
    assert "1 error" in run_pytest(tmp_path)


def run_pytest(folder: Path) -> str:
    """Return what pytest prints for the tests in `folder`."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120).stdout
