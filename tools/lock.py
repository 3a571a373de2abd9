"""Write `requirements.lock`: every package that superion, its extras and its build need, each at one version.

Asks pip for the resolution without installing anything. Present pins are kept unless `--upgrade` is given, so that
adding one requirement changes one line. With `--peers` it writes `benchmarks/peers.lock` instead, for the programs that
the benchmarks compare with: what both locks hold is at the version of `requirements.lock`. Standard library only,
because it must run before there is an environment.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PEERS_LOCK = ROOT / "benchmarks" / "peers.lock"

PEERS = ("ase", "bvlain==0.25.1", "chgnet==0.4.2", "matscipy==1.3.1", "pymatgen", "vesin")
"""What the benchmarks compare with. CHGNet's `nvidia-ml-py3` and BentoML's `nvidia-ml-py` are two packages of one
module, so they cannot share an environment."""

PEERS_HEADER = """\
# The programs that the benchmarks compare with, for an environment of their own; `make lock ARGS=--peers` writes this.
"""

HEADER = """\
# Every package of superion's environment at one version; `make lock` writes this file, `make install` installs from it.
# torch's CUDA packages are left out: a machine that needs them gets them through torch's own requirements.
"""

NOT_LOCKED = "materials-project"
"""Extra that is left out: 190 MB for a service that needs a key of the user's own."""

CUDA = re.compile(r"(nvidia-(?!ml-py3?$)|cuda-|triton$|pytorch-triton$)")
"""Packages left out: a CPU machine would download gigabytes of them. BentoML needs `nvidia-ml-py` and CHGNet
`nvidia-ml-py3`, small modules, which stay."""


def main() -> None:
    """Resolve the requirements of pyproject.toml and write the lock."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--upgrade", action="store_true", help="resolve afresh instead of keeping the present pins")
    either.add_argument("--peers", action="store_true", help="lock what the benchmarks compare with")
    arguments = parser.parse_args()
    if arguments.peers:
        pins, path, header = resolve(list(PEERS), keep=True), PEERS_LOCK, PEERS_HEADER
    else:
        pins, path, header = resolve(requirements(), keep=LOCK.exists() and not arguments.upgrade), LOCK, HEADER
    path.write_text(header + "".join(f"{name}=={version}\n" for name, version in pins))
    print(f"{len(pins)} packages locked", file=sys.stderr)


def requirements() -> list[str]:
    """Return what pyproject.toml asks for to build superion and to run it with every extra but `NOT_LOCKED`."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = pyproject["project"]
    groups = [
        pyproject["build-system"]["requires"],
        project["dependencies"],
        *(lines for extra, lines in project["optional-dependencies"].items() if extra != NOT_LOCKED),
    ]
    # An extra that names superion's own extras adds nothing here, where all of them are taken.
    return sorted({line for group in groups for line in group if not line.startswith(f"{project['name']}[")})


def resolve(wanted: list[str], *, keep: bool) -> list[tuple[str, str]]:
    """Return (name, version) of `wanted` and all that it pulls in, sorted by name; `keep` holds to the present lock."""
    constraints = ["--constraint", str(LOCK)] if keep else []
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--dry-run"]
        subprocess.run(
            [*pip, "--ignore-installed", "--report", str(report), *constraints, *wanted], check=True, cwd=folder
        )
        chosen = [package["metadata"] for package in json.loads(report.read_text())["install"]]
    # A local label such as +cpu names one build of a version: the lock must fit every build.
    pins = {normal(package["name"]): package["version"].split("+")[0] for package in chosen}
    return sorted((name, version) for name, version in pins.items() if not CUDA.match(name))


def normal(name: str) -> str:
    """Return a package's name in the one spelling that package indexes compare by."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
