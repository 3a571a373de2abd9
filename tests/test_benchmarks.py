"""The benchmarks: they run end to end, what they print is what is documented, and their arithmetic is right.

The peers that need an environment of their own are left out; those of `requirements.lock` are asked here.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion.featurizers import MAGPIE_LABELS, Crystal, magpie, neighbor_list

ROOT = Path(__file__).resolve().parent.parent
BENCHMARKS = ROOT / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from featurisation import clock, machine, made_up, memory, peers, report, setting  # noqa: E402

BROKEN = "data_broken\n_cell_length_a 4\n"
ARGYRODITE = (ROOT / "examples" / "argyrodite.cif").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def cifs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an ordered CIF, a disordered one, and one that nobody can read."""
    folder = tmp_path_factory.mktemp("cifs")
    for name, text in {"salt": made_up.rock_salt(1), "argyrodite": ARGYRODITE, "broken": BROKEN}.items():
        (folder / f"{name}.cif").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def finished(cifs: Path) -> subprocess.CompletedProcess[str]:
    """Return a quick run without peers."""
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--quick", "--no-peers", "--cifs", str(cifs)]
    done = subprocess.run(
        [*command, "--output", str(cifs / "out.json")], capture_output=True, text=True, cwd=cifs, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def document(finished: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON document on its standard output."""
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


@pytest.fixture(scope="module")
def worker() -> Iterator[peers.Worker]:
    """Return a worker in this environment, which has matminer, vesin, pymatgen and ASE."""
    with peers.Worker() as started:
        yield started


def figure(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in document["figures"] if one["name"] == name]
    return found


def keys(value: Any) -> set[str]:
    """Return the keys at every level; what is below `details`, `versions` and `points_s` has names of its own."""
    if isinstance(value, list):
        return {key for each in value for key in keys(each)}
    if not isinstance(value, dict):
        return set()
    own = {"details", "versions", "points_s", "exponent"}
    return set(value) | {key for name, each in value.items() if name not in own for key in keys(each)}


def test_every_key_is_documented(document: dict[str, Any]) -> None:
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")))
    assert keys(document) - documented == set()


def test_document_is_written_to_the_file_too(cifs: Path, document: dict[str, Any]) -> None:
    assert json.loads((cifs / "out.json").read_text(encoding="utf-8")) == document


def test_every_figure_is_there_and_without_peers_no_ratio(document: dict[str, Any]) -> None:
    assert [one["name"] for one in document["figures"]] == ["magpie", "neighbors", "graphs", "landscape", "batch"]
    assert [one["name"] for one in document["figures"] if not one["comparisons"]] == []
    comparisons = {one["name"]: one["comparisons"] for one in document["figures"]}
    # The batches are compared with a loop of our own.
    assert [one for one in comparisons.pop("batch") if one["ratio"] is None or one["reached"] is None] == []
    alone = [one for each in comparisons.values() for one in each]
    assert [one for one in alone if (one["theirs"], one["ratio"], one["reached"]) != (None, None, None)] == []
    assert [one for one in alone if not 0 < one["ours"]["lowest_s"] <= one["ours"]["median_s"]] == []


def test_refused_cifs_are_counted_and_named(document: dict[str, Any]) -> None:
    for name, done in {"graphs": "converted", "landscape": "finished"}.items():
        details = figure(document, name)["details"]
        refused = details["refused by superion"]
        assert "InvalidCif" in refused["broken.cif"]
        assert details["CIFs"] == 3 == details[f"{done} by superion"] + len(refused)


def test_memory_is_counted(document: dict[str, Any]) -> None:
    factors = [one["value"] for one in figure(document, "neighbors")["bounds"] if one["at_most"] == 1.5]
    # The answer itself is allocated while it is counted: less than 1 would be a counter that does not see it.
    assert len(factors) == 3
    assert min(factors) >= 1.0


ALLOCATE = """
import ctypes
libc = ctypes.CDLL(None)
for name in ("malloc", "calloc", "realloc", "memalign"):
    getattr(libc, name).restype = ctypes.c_void_p
    getattr(libc, name).argtypes = [ctypes.c_size_t] * (1 if name == "malloc" else 2)
libc.free.argtypes = [ctypes.c_void_p]
libc.allocations_peak.restype = ctypes.c_ssize_t
libc.allocations_reset()
first = libc.malloc(1_000_000)
second = libc.calloc(1000, 2000)
print(libc.allocations_peak())
libc.free(first)
second = libc.realloc(second, 4_000_000)
print(libc.allocations_peak())
libc.free(second)
libc.memalign(64, 5_000_000)
print(libc.allocations_peak())
"""


def test_peak_is_of_what_is_held_at_once() -> None:
    peaks = [int(line) / 1e6 for line in memory.run_counted(["-c", ALLOCATE]).split()]
    # Blocks are rounded up to pages, and Python itself takes some while it runs.
    assert peaks == pytest.approx([3.0, 4.0, 5.0], abs=0.03)


def test_table_names_every_comparison(document: dict[str, Any], finished: subprocess.CompletedProcess[str]) -> None:
    jobs = [one["job"] for each in document["figures"] for one in each["comparisons"]]
    assert [job for job in jobs if job not in finished.stderr] == []


def test_without_cifs_what_needs_them_says_so(tmp_path: Path) -> None:
    surroundings = {name: value for name, value in os.environ.items() if name != "SUPERION_DATA_MIRROR"}
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--quick", "--no-peers", "--figures", "graphs", "neighbors"]
    done = subprocess.run(
        command, env=surroundings, capture_output=True, text=True, cwd=tmp_path, timeout=240, check=True
    )
    found = json.loads(done.stdout)
    assert figure(found, "graphs")["comparisons"] == []
    assert "superion data fetch obelix" in figure(found, "graphs")["not_measured"]
    assert "made up" in figure(found, "neighbors")["details"]["crystals"]
    assert figure(found, "neighbors")["comparisons"]


def test_cifs_come_from_a_zip_as_from_a_folder(cifs: Path, tmp_path: Path) -> None:
    path = tmp_path / "cifs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in cifs.glob("*.cif"):
            archive.write(file, f"inside/{file.name}")
    found = setting.read_cifs(path)
    assert found is not None
    assert set(found) == {"salt.cif", "argyrodite.cif", "broken.cif"}
    assert found == setting.read_cifs(cifs)


def test_the_obelix_cifs_are_the_default(data_mirror: Any) -> None:
    data_mirror("obelix")
    found = setting.read_cifs(None)
    assert found is not None
    assert len(found) == 254


def test_worker_answers_with_what_the_peer_computes(worker: peers.Worker) -> None:
    texts = made_up.formulas(5)
    theirs = np.array(worker.ask("magpie_values", texts=texts))
    assert theirs.shape == (5, len(MAGPIE_LABELS))
    np.testing.assert_allclose(magpie(texts, impute=True), theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("peer", ["vesin", "vesin, sorted", "pymatgen", "ASE"])
def test_worker_finds_the_pairs_that_we_find(worker: peers.Worker, peer: str) -> None:
    crystals = [made_up.crystal(size) for size in (2, 30)]
    sent = [{"lattice": c.lattice.tolist(), "fractional": c.fractional_coordinates.tolist()} for c in crystals]
    worker.ask("keep", name="test", crystals=sent)
    asked = {"peer": peer, "name": "test", "inputs": [1, 0], "cutoff": 5.0}
    assert worker.ask("neighbor_counts", **asked) == [len(neighbor_list(crystals[n], 5.0)[0]) for n in (1, 0)]
    assert [seconds > 0 for seconds in worker.ask("neighbors", **asked)] == [True, True]


def test_worker_hands_on_what_a_peer_raises_and_goes_on(worker: peers.Worker) -> None:
    with pytest.raises(peers.PeerError, match="no neighbour list of 'nobody'"):
        worker.ask("neighbors", peer="nobody", name="test", inputs=[], cutoff=1.0)
    assert peers.versions(worker, machine.LOCKED).keys() == set(machine.LOCKED)


def test_a_worker_that_ends_is_missed(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    with pytest.raises(peers.PeerLost, match="'versions' with status 3"), peers.Worker(python) as lost:
        lost.ask("versions", packages=[])


def test_contenders_take_turns() -> None:
    order = []

    def contender(name: str, seconds: float) -> clock.Contender:
        def run() -> list[float]:
            order.append(name)
            return [seconds, seconds]

        return run

    times = clock.in_turn({"a": contender("a", 1.0), "b": contender("b", 2.0)}, 3)
    assert order == ["a", "b"] * 3
    assert times["b"].totals.tolist() == [4.0, 4.0, 4.0]


@pytest.mark.parametrize(("target", "reached"), [(10.0, True), (10.5, False), (None, None)])
def test_ratio_is_of_the_median_rounds(target: float | None, reached: bool | None) -> None:
    ours, theirs = (
        report.Times(np.array([[1.0, 1], [2, 2], [9, 9]])),
        report.Times(np.array([[10.0, 20], [20, 20], [30, 30]])),
    )
    found = report.Comparison("job", "peer", 2, ours, theirs, target).as_dict()
    assert found["ratio"] == 10.0
    assert found["reached"] is reached
    assert found["ratio_of_rounds"] == {"lowest": pytest.approx(60 / 18), "highest": 15.0}
    assert found["ratio_of_inputs"] == {"lowest": 10.0, "median": 10.0, "highest": 10.0}


def test_exponent_is_that_of_a_power_law() -> None:
    sizes = [10, 100, 1000]
    times = {"square": [3e-6 * n**2 for n in sizes], "short": [2e-6 * n for n in sizes[:2]]}
    found = report.Scaling("job", "atoms", sizes, times).as_dict()
    assert found["exponent"] == {"square": pytest.approx(2.0), "short": pytest.approx(1.0)}
    assert found["points_s"][2] == {"size": 1000, "square": pytest.approx(3.0)}


@pytest.mark.parametrize("repeats", [1, 2])
def test_rock_salt_is_rock_salt(repeats: int) -> None:
    crystal = Crystal.from_cif(made_up.rock_salt(repeats))
    assert crystal.n_sites == 8 * repeats**3
    centre, neighbor, _, distance = neighbor_list(crystal, 5.13 / 2 + 0.01)
    numbers = np.asarray(crystal.species_atomic_numbers)
    assert len(centre) == 6 * crystal.n_sites
    np.testing.assert_allclose(distance, 5.13 / 2, atol=1e-6)
    assert set(numbers) == {3, 17}
    assert (numbers[centre] != numbers[neighbor]).all()


@pytest.mark.parametrize("size", [10, 300])
def test_made_up_crystals_have_one_density(size: int) -> None:
    crystal = made_up.crystal(size)
    assert size / abs(np.linalg.det(crystal.lattice)) == pytest.approx(made_up.DENSITY)
    assert neighbor_list(crystal, 10.0)[3].min() > 1.5
    read = Crystal.from_cif(made_up.cif(crystal))
    assert read.n_sites == size
    assert len(neighbor_list(read, 6.0)[0]) == len(neighbor_list(crystal, 6.0)[0])


def pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.!]+", line) for line in lines), "name==version and nothing else"
    return dict(line.split("==") for line in lines)


def test_peers_lock_agrees_with_the_lock() -> None:
    own, locked = pins(BENCHMARKS / "peers.lock"), pins(ROOT / "requirements.lock")
    assert {name: version for name, version in own.items() if locked.get(name, version) != version} == {}
    assert {"bvlain", "chgnet", "matscipy", "vesin", "pymatgen", "ase", "torch"} <= own.keys()
    assert [name for name in own if re.match(r"nvidia-(?!ml-py3$)|cuda-|triton", name)] == []


def test_the_table_of_forests_is_printed(
    data_mirror: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data_mirror("obelix")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr("superion.training.baseline.N_TREES", 5)
    importlib.import_module("forests").main(n_assignments=1, n_trees=3)
    header, seed, mean = capsys.readouterr().out.strip().splitlines()
    assert header.startswith("assignment | published")
    assert seed.startswith("0 | ") and mean.startswith("mean | ")
    assert all(1.0 < float(cell) < 2.5 for cell in mean.split(" | ")[1:])


def test_the_hull_is_measured_beside_pymatgen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from superion.models.stability.end_members import read_end_members

    rows = [f"{row.formula.text},{row.formation_energy!r}" for row in read_end_members()]
    (tmp_path / "mp_e_form.csv").write_text("\n".join(["formula,target", *rows]))
    (tmp_path / "mp_gap.csv").write_text("formula,target\nLi2O1,5.0\n")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    arguments = ["stability.py", "--compositions", "2", "--rounds", "2", "--data", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    stability = importlib.import_module("stability")
    stability.main()
    out, err = capsys.readouterr()
    document = json.loads(out)
    compared, alone = document["comparisons"][:2], document["comparisons"][2:]
    assert [comparison["n_inputs"] for comparison in compared] == [2, 2]
    assert [comparison["n_inputs"] for comparison in alone] == [len(stability.ELECTROLYTES)] * 2 + [1, 1]
    assert all(comparison["ours"]["lowest_s"] > 0.0 and comparison["theirs"] is None for comparison in alone)
    jobs = ["contact with LiCoO2", "contacts with 23 partners", "energies read", "energies and band gaps read"]
    assert [comparison["job"] for comparison in alone] == jobs
    assert [job for job in jobs if job not in err] == []
    assert document["details"]["steps"]["lowest"] > 2
    assert "staircase of five elements" in err
    monkeypatch.setattr(sys, "argv", ["stability.py", "--data", str(tmp_path / "absent")])
    with pytest.raises(SystemExit, match=r"mp_e_form\.csv and mp_gap\.csv are not here"):
        stability.main()


def test_the_next_batch_of_a_campaign_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr(sys, "argv", ["campaign.py", "--many", "120", "--few", "60", "--batch", "3"])
    importlib.import_module("campaign").main()
    out, err = capsys.readouterr()
    figures = json.loads(out)["figures"]
    assert [(one["candidates"], one["batch"], one["n"]) for one in figures] == [
        (n, batch, 3) for n in (120, 120, 60) for batch in ("first", "next")
    ]
    assert all(one["seconds"] > 0.0 for one in figures)
    assert err.count("stable against lithium") == 2


@pytest.mark.check
def test_screenings_are_timed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr(sys, "argv", ["screening.py", "--compositions", "20000", "--crystals", "300", "--workers", "1"])
    importlib.import_module("screening").main()
    out, err = capsys.readouterr()
    figures = json.loads(out)["figures"]
    assert [(kind, found["runs"][0]["materials"]) for kind, found in figures.items()] == [
        ("compositions", 20_000),
        ("compositions, conductivity alone", 20_000),
        ("crystals", 300),
    ]
    for found in figures.values():
        (run,) = found["runs"]
        assert (run["failed"], run["times_the_first"], run["efficiency"]) == (0, 1.0, 1.0)
        assert run["rate_per_second"] > 0.0 and found["without_dask_per_second"] > 0.0
        assert run["worker_MiB_peak"] >= run["worker_MiB_after_start"] > 100
    assert err.count("no Dask") == 3
