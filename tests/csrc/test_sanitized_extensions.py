"""Build the extensions with the address and undefined-behaviour sanitizers and run the tests of the core on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SUITE = ["tests/featurizers", "tests/fuzz"]
"""Folders of tests that reach the C core through Python."""
LEFT_OUT = "not TestMemory and not fork_in_the_midst and not test_workers and not test_batch"
"""Tests that measure memory, of which the address sanitizer takes far more; the one that forks while threads allocate:
the sanitizer's own allocator may then be locked in the child for good; and those of processes that share the work,
which start many interpreters to call what the others call."""

PROCESSES = 2
"""In which the suite runs, file by file: it is the longest of the checks, and this halves it."""

PLUGIN = """
import os
from pathlib import Path
import hypothesis

# Under the sanitizers everything is slower, so only a hang counts, which the time limit of each test sees.
hypothesis.settings.register_profile("sanitized", deadline=None)
hypothesis.settings.load_profile("sanitized")

def pytest_sessionfinish(session):
    import sys
    if not hasattr(session.config, "workerinput"):
        return  # the process that hands the tests out runs none
    used = [m.__file__ for name, m in sys.modules.items() if name.startswith("superion.featurizers._")]
    used = [path for path in used if path.endswith(".so")]
    assert used and all(Path({library!r}) in Path(path).parents for path in used), used
    (Path({library!r}) / f"used.{{os.getpid()}}").touch()
"""

OVERFLOW = """
import ctypes, sys
import superion.featurizers._neighbors as extension

core = ctypes.CDLL(extension.__file__)
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
class Options(ctypes.Structure):
    _fields_ = [("cutoff", ctypes.c_double), ("max_neighbors", ctypes.c_size_t), ("max_pairs", ctypes.c_size_t)]
lattice = (ctypes.c_double * 9)(3, 0, 0, 0, 3, 0, 0, 0, 3)
one_site = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(24)))
ctypes.memset(one_site, 0, 24)
answer = (ctypes.c_char * 64)()
n_sites = ctypes.c_size_t(int(sys.argv[1]))
core.superion_find_neighbors(lattice, one_site, n_sites, ctypes.byref(Options(3.0, 0, 0)), answer)
print("survived")
"""
"""A search that is told of as many sites as its argument says, in memory that holds one."""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Return the folder that holds the package with sanitized extensions, built apart from the tree."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    if not Path(runtime("libasan.so")).is_absolute():
        pytest.skip("this gcc has no address sanitizer")
    # A copy, because a build leaves its intermediate files beside setup.py.
    tree = tmp_path_factory.mktemp("sanitized") / "tree"
    left_out = shutil.ignore_patterns(
        ".git", ".venv", "build", "dist", "*.so", "__pycache__", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, tree, ignore=left_out)
    environment = os.environ | {"SUPERION_SANITIZE": "address,undefined", "CC": "gcc"}
    command = [sys.executable, "setup.py", "-q", "build", "--build-base", "out"]
    built = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return next((tree / "out").glob("lib*"))


def runtime(name: str) -> str:
    """Return the path of a library of gcc's, or its bare name where gcc has none."""
    return subprocess.run(
        ["gcc", f"-print-file-name={name}"], check=True, capture_output=True, text=True
    ).stdout.strip()


def run(library: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the sanitized package."""
    environment = os.environ | {
        # libstdc++ as well, or else a C++ exception of another library finds no one to throw it.
        "LD_PRELOAD": f"{runtime('libasan.so')} {runtime('libstdc++.so')}",
        # Python frees little when it ends, so leaks are looked for by the drivers in C.
        # To files, because pytest holds what a test prints and loses it where the process ends.
        "ASAN_OPTIONS": f"detect_leaks=0:log_path={library}/report",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={library}/report",
        # Python's own pools would hide where an array ends.
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(library),
    }
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def reports(library: Path) -> str:
    """Return what the sanitizers wrote since they were asked last."""
    found = sorted(library.glob("report.*"))
    text = "".join(path.read_text(errors="replace") for path in found)
    for path in found:
        path.unlink()
    return text


@pytest.mark.check
@pytest.mark.timeout(1200)
def test_the_core_suite_runs_clean(library):
    (library / "sanitized_plugin.py").write_text(PLUGIN.format(library=str(library)))
    done = run(
        library,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        str(PROCESSES),
        "--dist",
        "loadfile",
        "-p",
        "sanitized_plugin",
        "-m",
        "not check",
        "-k",
        LEFT_OUT,
        *SUITE,
    )
    if done.returncode != 0:
        pytest.fail(reports(library) + done.stdout[-5_000:] + done.stderr[-5_000:], pytrace=False)
    assert len(list(library.glob("used.*"))) == PROCESSES, "of the processes, not all had the sanitized extensions"
    assert reports(library) == ""


@pytest.mark.check
@pytest.mark.timeout(900)
def test_the_sanitizers_see_a_read_beyond_an_array(library):
    right = run(library, "-c", OVERFLOW, "1")
    assert right.returncode == 0 and "survived" in right.stdout, right.stderr
    wrong = run(library, "-c", OVERFLOW, "2")
    found = reports(library)
    assert wrong.returncode != 0 and "heap-buffer-overflow" in found and "images.c" in found


@pytest.mark.check
@pytest.mark.parametrize("command", [["build_ext", "--inplace"], ["editable_wheel"]])
def test_sanitized_extensions_never_lie_in_the_tree(command, tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "build", "*.so", "tests", "release"))
    environment = os.environ | {"SUPERION_SANITIZE": "address"}
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", *command], cwd=tree, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0 and "build into a folder of its own" in done.stdout + done.stderr
    assert not list((tree / "featurizers").glob("*.so"))
