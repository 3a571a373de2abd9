"""The distributions: the wheel holds what the tree holds, the sdist what a build needs, and each installs and works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

FOLDERS = {"superion": ROOT / "src" / "superion"} | {
    f"superion/{name}": ROOT / name for name in ("featurizers", "models", "training", "discovery", "serving")
}
SOURCES = {".pyx", ".pxd", ".c", ".h"}
"""What is compiled and therefore stays out of the wheel."""

LEFT_BEHIND = (
    "__pycache__",
    "*.pyc",
    "*.so",
    "*.egg-info",
    ".git",
    ".venv",
    ".venv-peers",
    "build",
    "dist",
    ".*_cache",
    ".hypothesis",
)
EXTENSION = sysconfig.get_config_var("EXT_SUFFIX")


def tree() -> set[str]:
    """Return the paths that the wheel has to hold, from the folders that are mapped into the package."""
    found = set()
    for package, folder in FOLDERS.items():
        for path in folder.rglob("*"):
            inside = path.relative_to(folder)
            if path.is_dir() or "__pycache__" in inside.parts or path.suffix in {".so", ".pyc"}:
                continue
            if path.suffix == ".pyx":
                found.add(f"{package}/{inside.with_suffix('')}{EXTENSION}")
            elif path.suffix not in SOURCES:
                found.add(f"{package}/{inside}")
    return found


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command and return its standard output; a failure shows all that it printed."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    finished = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=surroundings | environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tree, so that a build leaves nothing in the tree itself."""
    folder = tmp_path_factory.mktemp("packaging") / "tree"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    return folder


@pytest.fixture(scope="module")
def built(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the sdist, and with the wheel that was built from that sdist and nothing else."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, copy, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    """Return the source distribution."""
    (path,) = built.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """Return the wheel."""
    (path,) = built.glob("*.whl")
    return path


@pytest.mark.check
def test_wheel_holds_what_the_tree_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.startswith(f"superion-{VERSION}.dist-info/")}
    assert names == tree()


@pytest.mark.check
def test_wheel_files_are_the_files_of_the_tree(wheel: Path) -> None:
    files = {
        f"{package}/{path.relative_to(folder)}": path
        for package, folder in FOLDERS.items()
        for path in folder.rglob("*.py")
    }
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name, path in files.items() if archive.read(name) != path.read_bytes()] == []


@pytest.mark.check
def test_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"superion-{VERSION}.dist-info/METADATA").decode()
        entry_points = archive.read(f"superion-{VERSION}.dist-info/entry_points.txt").decode()
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert "License-Expression: MIT" in metadata
    assert "superion = superion.cli:main" in entry_points


@pytest.mark.check
def test_sdist_holds_all_that_a_build_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    folders = [*FOLDERS.values(), ROOT / "csrc"]
    # Left out where it was compiled or cached; all else in these folders is source or data.
    needed = {
        str(path.relative_to(ROOT))
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".so", ".pyc"}
    }
    needed |= {"setup.py", "pyproject.toml", "Makefile", "requirements.lock", "README.md", "LICENSE", "CHANGELOG.md"}
    assert needed - names == set()


@pytest.fixture(scope="module")
def package_index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where pip has nowhere to install from, as without a network."""
    folder = tmp_path_factory.mktemp("index")
    probe = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        "-c",
        str(LOCK),
        "iniconfig",
    ]
    if subprocess.run(probe, cwd=folder, capture_output=True, timeout=120).returncode:
        pytest.skip("needs a package index that pip can reach")


Installed = tuple[Path, list[str]]
"""The `bin` folder of an environment, and what was given to pip to install superion there."""


@pytest.fixture(scope="module", params=["wheel", "sdist", "editable"])
def installed(
    request: pytest.FixtureRequest, package_index: None, tmp_path_factory: pytest.TempPathFactory
) -> Installed:
    """Return a fresh environment with superion and what it cannot do without."""
    source = {"wheel": "wheel", "sdist": "sdist", "editable": "copy"}[request.param]
    path = request.getfixturevalue(source)
    what = ["-e", str(path)] if request.param == "editable" else [str(path)]
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", "-c", LOCK, *what, cwd=folder)
    return folder / "bin", what


@pytest.mark.check
@pytest.mark.timeout(900)
def test_fresh_install_imports_and_featurises(installed: Installed, tmp_path: Path) -> None:
    compiled = sorted(path.stem for path in (ROOT / "featurizers").glob("*.pyx"))
    assert compiled
    featurise = f"""
import importlib
import superion
from superion.featurizers import Formula
for name in {compiled}:
    importlib.import_module("superion.featurizers." + name)
print(superion.__version__, Formula.parse("Li6PS5Cl").reduced)
"""
    answer = run(installed[0] / "python", "-c", featurise, cwd=tmp_path)
    assert answer.split()[0] == VERSION


@pytest.mark.check
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("argument", "expected"), [("--version", VERSION), ("--help", "predict")])
def test_fresh_install_has_the_command(installed: Installed, tmp_path: Path, argument: str, expected: str) -> None:
    assert expected in run(installed[0] / "superion", argument, cwd=tmp_path)


# Before the extra is installed into the same environment, below.
@pytest.mark.check
@pytest.mark.timeout(900)
def test_prediction_says_which_extra_it_needs(installed: Installed, tmp_path: Path) -> None:
    command = [str(installed[0] / "superion"), "predict", "Li6PS5Cl"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode != 0
    assert "superion[predict]" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.check
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("installed", ["wheel", "sdist"], indirect=True)  # all else here predicts from an editable one
def test_fresh_install_predicts(installed: Installed, tmp_path: Path) -> None:
    folder, (*option, path) = installed
    run(folder / "python", "-m", "pip", "install", "--quiet", "-c", LOCK, *option, f"{path}[predict]", cwd=tmp_path)
    answer = json.loads(
        run(folder / "superion", "predict", "Li6PS5Cl", "--json", cwd=tmp_path, SUPERION_HOME=str(tmp_path))
    )
    (prediction,) = answer["predictions"]
    conductivity = prediction["conductivity"]["log10_S_per_cm"]
    assert conductivity["lower"] < conductivity["mean"] < conductivity["upper"]
    installed_here = {path.name for path in (folder.parent / "lib").glob("python*/site-packages/*")}
    assert installed_here & {"mlflow", "pymatgen"} == set()
