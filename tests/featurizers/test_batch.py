"""Batches against one call after another: the same results, in order, errors in place, reading only so far ahead."""

from __future__ import annotations

import operator
import os
import pickle
import zipfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from superion import featurizers
from superion.errors import InvalidCif, InvalidCrystal, InvalidValue, ItemFailed, SuperionError
from superion.featurizers import Crystal, Featuriser, crystal_arrays, crystal_graph
from superion.featurizers.batch import WINDOW, usable_cores
from superion.featurizers.chunks import MAX_SOURCES

from ._sources import ARGYRODITE, assert_same, halide

VOLUME = operator.attrgetter("volume")


@pytest.fixture(scope="module", params=[1, 2, 3])
def featuriser(request: pytest.FixtureRequest) -> Iterator[Featuriser]:
    with Featuriser(request.param) as made:
        yield made


@pytest.fixture
def sources(tmp_path: Path) -> list[Any]:
    """Return crystals, CIF text, bytes, and files of three kinds."""
    (tmp_path / "POSCAR").write_text("one\n1.0\n4 0 0\n0 4 0\n0 0 4\nLi Cl\n1 1\nDirect\n0 0 0\n.5 .5 .5\n")
    (tmp_path / "one.cif").write_text(halide(40).to_cif())
    mixed: list[Any] = []
    for k in range(0, 36, 3):
        mixed += [halide(k), halide(k + 1).to_cif(), halide(k + 2).to_cif().encode()]
    return [*mixed, tmp_path / "POSCAR", tmp_path / "one.cif", ARGYRODITE]


def read(source: Any) -> Crystal:
    if isinstance(source, Crystal):
        return source
    return Crystal.from_file(source) if isinstance(source, Path) else Crystal.from_cif(source)


ONE_BY_ONE: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "crystals": (lambda crystal: crystal, {}),
    "graphs": (crystal_graph, {"cutoff": 5.0, "neighbors": 8, "ion": "Cl"}),
}
if "bond_valence_landscape" in featurizers.__all__:
    ONE_BY_ONE["landscapes"] = (
        lambda crystal, **how: featurizers.bond_valence_landscape(crystal, **how),
        {"ion": "Li", "resolution": 0.5, "cutoff": 6.0},
    )
if "structural_descriptors" in featurizers.__all__:
    ONE_BY_ONE["descriptors"] = (
        lambda crystal, **how: featurizers.structural_descriptors(crystal, **how),
        {"ion": "Li"},
    )


@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_batch_gives_what_the_calls_give(featuriser: Featuriser, sources: list[Any], name: str) -> None:
    function, arguments = ONE_BY_ONE[name]
    found = list(getattr(featuriser, name)(sources, **arguments))
    assert len(found) == len(sources)
    for result, source in zip(found, sources, strict=True):
        try:
            expected = function(read(source), **arguments)
        except SuperionError as error:
            assert (type(result), result.field, result.value) == (type(error), error.field, error.value)
            assert result.message.endswith(f": {error.message}")
        else:
            assert_same(result, expected)


def test_the_defaults_are_those_of_the_single_call(featuriser: Featuriser) -> None:
    (graph,) = featuriser.graphs([ARGYRODITE])
    assert_same(graph, crystal_graph(Crystal.from_file(ARGYRODITE)))
    assert graph.edge_index.is_contiguous()


@pytest.mark.parametrize("function", [VOLUME, partial(crystal_arrays, cutoff=4.0, ion="F")], ids=["volume", "arrays"])
def test_map_gives_the_function_of_every_crystal(featuriser: Featuriser, function: Callable[[Crystal], Any]) -> None:
    crystals = [halide(k) for k in range(150)]
    assert_same(list(featuriser.map(function, crystals)), [function(crystal) for crystal in crystals])


def test_the_training_sources_give_the_same_graphs(featuriser: Featuriser, data_mirror: Callable[[str], Path]) -> None:
    with zipfile.ZipFile(data_mirror("obelix") / "train_cifs.zip") as archive:
        texts = [archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".cif")]
    assert len(texts) == 254
    for text, graph in zip(texts, featuriser.graphs(texts), strict=True):
        assert_same(graph, crystal_graph(Crystal.from_cif(text)))


def test_errors_come_in_place_and_stop_nothing(featuriser: Featuriser, tmp_path: Path) -> None:
    (tmp_path / "broken.cif").write_text("data_x\n_cell_length_a 5\n")
    bad = {
        3: ("data_nothing", InvalidCif, "lists no atoms"),
        4: (tmp_path / "missing.cif", InvalidCrystal, r"source 4 \(missing.cif\): missing.cif cannot be read"),
        5: (tmp_path / "broken.cif", InvalidCif, r"source 5 \(broken.cif\): the CIF lists no atoms"),
        17: (42, InvalidValue, "a source is CIF text, a pathlib.Path or a Crystal, not int"),
        18: (None, InvalidValue, "not NoneType"),
        # glob.glob gives names as text, which is the likeliest slip.
        19: (str(ARGYRODITE), InvalidCif, r"give a file as a pathlib\.Path"),
        39: (b"\xff\xfe", InvalidCif, "not CIF"),
    }
    sources = [bad[k][0] if k in bad else halide(k) for k in range(40)]
    found = list(featuriser.map(VOLUME, sources))
    assert len(found) == 40
    for k, result in enumerate(found):
        if k not in bad:
            assert result == halide(k).volume
            continue
        _, kind, message = bad[k]
        assert type(result) is kind and result.position == k
        with pytest.raises(kind, match=message):
            raise result
        assert str(result) == result.message and result.message.startswith(f"source {k}")


def test_an_error_is_passed_on_as_it_is(featuriser: Featuriser) -> None:
    crystals = featuriser.crystals([halide(0), "data_nothing", halide(2)])
    first, error, last = featuriser.graphs(crystals)
    assert first.num_nodes == 2 and last.num_nodes == 6
    assert type(error) is InvalidCif and error.position == 1
    assert error.message.count("source 1") == 1


def test_a_function_that_fails_gives_errors_in_place(featuriser: Featuriser, tasks: Any) -> None:
    found = list(featuriser.map(tasks.fail_on_chlorine, [halide(k) for k in range(12)]))
    for k, result in enumerate(found):
        if k % 4 == 1:
            assert type(result) is ItemFailed and result.position == k
            assert result.message == f"source {k}: ZeroDivisionError: no chlorine, please"
            assert "in fail_on_chlorine" in result.__notes__[0]
        elif k % 4 == 2:
            assert type(result) is InvalidCrystal and result.field == "species" and result.value == "Br"
        else:
            assert result == halide(k).volume


def test_an_error_that_is_kept_keeps_no_frames(featuriser: Featuriser, tasks: Any) -> None:
    import distributed  # noqa: F401 # with which copies of errors keep their tracebacks

    chlorine, bromine, unread = featuriser.map(tasks.fail_on_chlorine, [halide(1), halide(2), "no CIF"])
    for error in (chlorine, bromine, unread):
        assert error.__traceback__ is None and error.__cause__ is None and error.__context__ is None


@pytest.mark.parametrize("n_sources", [0, 1, 2, 5])
def test_a_batch_may_be_small(featuriser: Featuriser, n_sources: int) -> None:
    volumes = [halide(k).volume for k in range(n_sources)]
    assert list(featuriser.map(VOLUME, (halide(k) for k in range(n_sources)))) == volumes


def counted(n_sources: int, read: list[int]) -> Iterator[Crystal]:
    for k in range(n_sources):
        read.append(k)
        yield halide(k % 8)


def test_sources_are_read_as_results_are_taken(featuriser: Featuriser) -> None:
    read: list[int] = []
    results = featuriser.map(VOLUME, counted(10**9, read))
    assert read == []
    next(results)
    # Before anything is known of the time they take, chunks hold one source.
    assert len(read) == (1 if featuriser.workers == 1 else WINDOW * featuriser.workers)
    ahead = []
    for k in range(2, 4000):
        assert next(results) == halide((k - 1) % 8).volume
        ahead.append(len(read) - k)
    assert max(ahead) <= (0 if featuriser.workers == 1 else WINDOW * featuriser.workers * MAX_SOURCES)
    # Chunks have grown: a message for each source would be slower than one process.
    assert featuriser.workers == 1 or max(ahead) > 2 * WINDOW * featuriser.workers
    results.close()  # type: ignore[attr-defined]
    assert list(featuriser.map(VOLUME, [halide(1)])) == [halide(1).volume]


def test_a_source_that_raises_comes_after_the_results_before_it(featuriser: Featuriser) -> None:
    def broken() -> Iterator[Crystal]:
        yield from (halide(k) for k in range(30))
        raise FileNotFoundError("the disk is gone")

    found = []
    with pytest.raises(FileNotFoundError, match="the disk is gone"):
        found.extend(featuriser.map(VOLUME, broken()))
    taken: list[Any] = []
    results = featuriser.map(VOLUME, broken())
    with pytest.raises(FileNotFoundError):
        while True:
            taken.append(next(results))
    assert taken == [halide(k).volume for k in range(30)]


def test_batches_may_run_beside_each_other(featuriser: Featuriser) -> None:
    crystals = [halide(k) for k in range(60)]
    for crystal, one, other in zip(
        crystals, featuriser.map(VOLUME, crystals), featuriser.crystals(iter(crystals)), strict=True
    ):
        assert one == crystal.volume
        assert_same(other, crystal)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda f: f.graphs([], cutoff=-1.0), "cutoff"),
        (lambda f: f.graphs([], neighbors=0), "count"),
        *((operator.methodcaller(name, [], ion="lithium"), "ion") for name in ONE_BY_ONE if name != "crystals"),
        (lambda f: f.map(None, []), "function"),
        (lambda f: f.map(lambda crystal: crystal, []), "function"),
        (lambda f: f.map(VOLUME, "folder"), "sources"),
        (lambda f: f.map(VOLUME, Path("folder")), "sources"),
        (lambda f: f.crystals(halide(0)), "sources"),
        (lambda f: f.crystals(None), "sources"),
    ],
)
def test_bad_arguments_are_refused_at_once(
    featuriser: Featuriser, call: Callable[[Featuriser], Iterable[Any]], field: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        call(featuriser)
    assert caught.value.field == field


@pytest.mark.parametrize("workers", [0, -2, 1.5, True, "two"])
def test_workers_are_a_whole_number(workers: Any) -> None:
    with pytest.raises(InvalidValue, match="whole number") as caught:
        Featuriser(workers)
    assert caught.value.field == "workers"


def test_all_usable_cores_work_unless_told_otherwise() -> None:
    with Featuriser() as featuriser:
        assert featuriser.workers == usable_cores() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("workers", [1, 2])
def test_closing_ends_everything(workers: int) -> None:
    featuriser = Featuriser(workers)
    with featuriser as entered:
        assert entered is featuriser
        begun = featuriser.map(VOLUME, counted(10_000, []))
        next(begun)
        process_ids = featuriser._pool.process_ids()
        assert len(process_ids) == (0 if workers == 1 else workers)
    featuriser.close()
    for process_id in process_ids:
        with pytest.raises(ProcessLookupError):
            os.kill(process_id, 0)
    for use in (lambda: next(begun), lambda: featuriser.crystals([]), featuriser.__enter__):
        with pytest.raises(InvalidValue, match="closed"):
            for _ in range(10_000):
                use()


def test_workers_stay_warm_between_calls() -> None:
    with Featuriser(2) as featuriser:
        assert featuriser._pool.process_ids() == []  # they start when there is work
        list(featuriser.crystals([halide(k) for k in range(8)]))
        started = featuriser._pool.process_ids()
        assert len(started) == 2
        list(featuriser.graphs([halide(k) for k in range(8)]))
        assert featuriser._pool.process_ids() == started


def test_errors_survive_pickling() -> None:
    with Featuriser(1) as featuriser:
        (error,) = featuriser.crystals(["data_nothing"])
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.position, again.as_dict()) == (InvalidCif, str(error), 0, error.as_dict())
