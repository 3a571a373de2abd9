"""What can happen to worker processes, and what they must not do to the process that has them."""

from __future__ import annotations

import operator
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion.errors import InvalidValue, ItemFailed, Unavailable
from superion.featurizers import Crystal, Featuriser

from ._sources import halide

VOLUME = operator.attrgetter("volume")
CRYSTALS = [halide(k) for k in range(40)]
VOLUMES = [crystal.volume for crystal in CRYSTALS]


@pytest.fixture
def pair() -> Iterator[Featuriser]:
    with Featuriser(2) as featuriser:
        yield featuriser


def process_ids(featuriser: Featuriser) -> list[int]:
    return featuriser._pool.process_ids()


def is_running(process_id: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(process_id: int) -> None:
    deadline = time.monotonic() + 30
    while is_running(process_id):
        assert time.monotonic() < deadline, "the worker outlives the process that asked"
        time.sleep(0.02)


def run_script(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(arguments or [str(path)])]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=120)


def test_the_work_is_shared(pair: Featuriser, tasks: Any) -> None:
    assert set(pair.map(partial(tasks.slow, seconds=0.02), CRYSTALS[:8])) == set(VOLUMES[:8])
    found = set(pair.map(tasks.process_id, CRYSTALS))
    assert found == set(process_ids(pair)) and len(found) == 2


def test_one_worker_is_this_process(tasks: Any) -> None:
    with Featuriser(1) as featuriser:
        assert set(featuriser.map(tasks.process_id, CRYSTALS)) == {os.getpid()}


def test_workers_of_graphs_stay_light_and_run_one_thread(pair: Featuriser, tasks: Any) -> None:
    import torch  # what this process has imported, its workers need not

    assert all(graph.num_nodes for graph in pair.graphs(CRYSTALS))
    assert "torch" in sys.modules and torch.get_num_threads() >= 1
    assert list(pair.map(tasks.heavy_modules, CRYSTALS[:4])) == [[]] * 4
    assert list(pair.map(tasks.thread_limits, CRYSTALS[:4])) == [(1, ["1", "1", "1"])] * 4


def test_a_killed_worker_is_replaced_and_loses_nothing(pair: Featuriser) -> None:
    results = pair.map(VOLUME, (CRYSTALS[k % 40] for k in range(3000)))
    found = [next(results)]
    for k, process_id in enumerate(process_ids(pair)):
        os.kill(process_id, signal.SIGKILL)
        found += [next(results) for _ in range(100 + k)]
    found += list(results)
    assert found == [VOLUMES[k % 40] for k in range(3000)]
    assert len(process_ids(pair)) == 2


def test_a_worker_that_was_killed_while_idle_is_replaced(pair: Featuriser) -> None:
    assert list(pair.map(VOLUME, CRYSTALS)) == VOLUMES
    for process_id in process_ids(pair):
        os.kill(process_id, signal.SIGKILL)
    assert list(pair.map(VOLUME, CRYSTALS)) == VOLUMES


def test_a_source_that_kills_its_worker_alone_is_lost(pair: Featuriser, tasks: Any) -> None:
    sources = [CRYSTALS[k % 40] for k in range(300)]
    deadly = {40, 41, 250, 299}
    tame = [crystal if k in deadly or k % 4 != 1 else halide(0) for k, crystal in enumerate(sources)]
    tame = [halide(1) if k in deadly else crystal for k, crystal in enumerate(tame)]
    for k, result in enumerate(pair.map(tasks.die_of_chlorine, tame)):
        if k in deadly:
            assert type(result) is ItemFailed and result.position == k
            assert "was killed by signal 9 (Killed)" in result.message and "2 times over" in result.message
        else:
            assert result == tame[k].volume


def test_what_killed_a_worker_once_is_tried_again(pair: Featuriser, tasks: Any, tmp_path: Path) -> None:
    function = partial(tasks.die_once, marker=tmp_path / "marker")
    assert list(pair.map(function, CRYSTALS)) == VOLUMES
    assert (tmp_path / "marker").exists()


def test_a_function_that_ends_its_process_gives_errors(pair: Featuriser, tasks: Any) -> None:
    found = list(pair.map(tasks.leave, CRYSTALS[:3]))
    assert [type(result) for result in found] == [ItemFailed] * 3
    assert "ended with status 0" in found[0].message


def test_results_and_sources_beyond_the_size_of_a_socket_arrive(pair: Featuriser, tasks: Any) -> None:
    # Both sides would wait for the other to read, if requests were sent ahead without a bound.
    big = [
        Crystal(crystal.lattice, crystal.fractional_coordinates, crystal.species, notes=("x" * 10**6,))
        for crystal in CRYSTALS
    ]
    for crystal, found in zip(big, pair.map(partial(tasks.large, megabytes=3), big), strict=True):
        assert found.shape == (3 * 131_072,) and (found == crystal.volume).all()
    texts = [crystal.to_cif() + "#" + "x" * 20_000 + "\n" for crystal in CRYSTALS * 3]
    for text, found in zip(texts, pair.map(partial(tasks.large, megabytes=1), texts), strict=True):
        assert np.unique(found).tolist() == [Crystal.from_cif(text).volume]


def test_a_result_that_cannot_be_sent_is_an_error_in_place(pair: Featuriser, tasks: Any) -> None:
    found = list(pair.map(tasks.unpicklable, CRYSTALS[:9]))
    for k, result in enumerate(found):
        if k % 3 == 0:
            assert result == VOLUMES[k]
        else:
            assert type(result) is ItemFailed and "a lock cannot be sent from a worker" in result.message


def test_a_worker_within_a_worker_is_that_worker(pair: Featuriser, tasks: Any) -> None:
    for workers, inner in pair.map(partial(tasks.nested, workers=None), CRYSTALS[:4]):
        assert workers == 1 and len(set(inner)) == 1 and inner[0] in process_ids(pair)
    (error,) = pair.map(partial(tasks.nested, workers=2), CRYSTALS[:1])
    assert type(error) is InvalidValue and "2 workers within a worker" in error.message


def test_an_interrupt_ends_the_wait_and_the_next_call_works(pair: Featuriser, tasks: Any) -> None:
    assert list(pair.map(VOLUME, CRYSTALS)) == VOLUMES
    before = process_ids(pair)
    beside = pair.map(VOLUME, CRYSTALS)
    assert next(beside) == VOLUMES[0]
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.5, signal.pthread_kill, [main, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        list(pair.map(partial(tasks.slow, seconds=600), CRYSTALS))
    assert not any(map(is_running, before))
    assert list(pair.map(VOLUME, CRYSTALS)) == VOLUMES
    assert list(beside) == VOLUMES[1:]  # a batch that was under way elsewhere loses nothing


def test_ctrl_c_is_heard_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    script = tmp_path / "interrupted.py"
    script.write_text(
        "import itertools, operator\n"
        "from superion.featurizers import Crystal, Featuriser\n"
        "crystal = Crystal([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0]], ((('Li', 1.0),),))\n"
        "with Featuriser(2) as featuriser:\n"
        "    for k, _ in enumerate(featuriser.map(operator.attrgetter('volume'), itertools.repeat(crystal))):\n"
        "        if k == 500:\n"
        "            print(*featuriser._pool.process_ids(), flush=True)\n"
    )
    command = [sys.executable, str(script)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        workers = [int(word) for word in process.stdout.readline().split()]
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does
        _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1 and errors.splitlines()[-1] == "KeyboardInterrupt"
    assert len(workers) == 2 and not any(map(is_running, workers))


@pytest.mark.parametrize("seconds", [0.05, 0.5], ids=["starting", "working"])
def test_closing_does_not_wait_for_work(tasks: Any, seconds: float) -> None:
    with Featuriser(2) as featuriser:
        if seconds > 0.1:
            assert list(featuriser.map(VOLUME, CRYSTALS)) == VOLUMES
        results = featuriser.map(partial(tasks.slow, seconds=600), CRYSTALS)
        closer = threading.Timer(seconds, featuriser.close)
        closer.start()
        with pytest.raises(InvalidValue, match="closed"):
            next(results)
        closer.join()
        assert process_ids(featuriser) == []


def test_a_featuriser_that_is_dropped_ends_its_workers() -> None:
    featuriser = Featuriser(2)
    assert list(featuriser.map(VOLUME, CRYSTALS)) == VOLUMES
    workers = process_ids(featuriser)
    del featuriser
    assert not any(map(is_running, workers))


def test_threads_may_share_a_featuriser(pair: Featuriser) -> None:
    found: dict[int, list[Any]] = {}
    threads = [
        threading.Thread(target=lambda k=k: found.update({k: list(pair.map(VOLUME, CRYSTALS * 10))})) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == dict.fromkeys(range(4), VOLUMES * 10)


def test_a_fork_leaves_the_workers_alone(pair: Featuriser) -> None:
    assert list(pair.map(VOLUME, CRYSTALS)) == VOLUMES
    workers = process_ids(pair)
    child = os.fork()
    if child == 0:
        try:
            pair.map(VOLUME, CRYSTALS)
            next(pair.map(VOLUME, CRYSTALS))
        except InvalidValue as error:
            pair.close()
            pair._pool._finalizer()  # as when it is collected, or at the end of the child
            os._exit(0 if "forked" in error.message else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(pair.map(VOLUME, CRYSTALS)) == VOLUMES
    assert process_ids(pair) == workers


def test_workers_end_with_the_process_that_asked(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import operator, os, signal\n"
        "from superion.featurizers import Crystal, Featuriser\n"
        "featuriser = Featuriser(2)\n"
        "crystals = [Crystal([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0]], ((('Li', 1.0),),))] * 20\n"
        "assert len(list(featuriser.map(operator.attrgetter('volume'), crystals))) == 20\n"
        "print(*featuriser._pool.process_ids(), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = run_script(script)
    assert done.returncode == -signal.SIGKILL
    for process_id in done.stdout.split():
        wait_until_gone(int(process_id))


def test_a_worker_that_cannot_start_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    with Featuriser(2) as featuriser, pytest.raises(Unavailable, match="ended with status 1 before it was ready"):
        list(featuriser.map(VOLUME, CRYSTALS))
    assert "ModuleNotFoundError" in capfd.readouterr().err
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Featuriser(2) as featuriser, pytest.raises(Unavailable, match="cannot be started"):
        list(featuriser.map(VOLUME, CRYSTALS))


SCRIPT = """
import sys
{before}
from superion.featurizers import Crystal, Featuriser

def sites(crystal):
    return crystal.n_sites, [name for name in ("torch", "__mp_main__") if name in sys.modules]

def work():
    crystals = [Crystal([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0]], ((("Li", 1.0),),))] * 6
    with Featuriser(2) as featuriser:
        print({call})

{start}
"""
GUARDED = 'if __name__ == "__main__":\n    work()'


def test_a_script_needs_no_guard_for_what_superion_does_and_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        SCRIPT.format(before="print('began')", call="len(list(featuriser.crystals(crystals)))", start="work()")
    )
    done = run_script(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["began", "6"]
    assert done.stderr == ""


def test_a_guarded_script_may_hand_over_its_own_function(tmp_path: Path) -> None:
    script = tmp_path / "guarded.py"
    script.write_text(SCRIPT.format(before="", call="list(featuriser.map(sites, crystals))", start=GUARDED))
    for arguments in ([str(script)], ["-m", "guarded"]):
        done = run_script(script, *arguments)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == str([(1, ["__mp_main__"])] * 6)


def test_an_unguarded_script_that_hands_over_its_own_function_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(SCRIPT.format(before="", call="list(featuriser.map(sites, crystals))", start="work()"))
    done = run_script(script)
    assert done.returncode == 1
    assert 'put what the script does under if __name__ == "__main__":' in done.stderr.splitlines()[-1]
    assert done.stdout == ""


def test_a_function_of_an_interactive_session_is_refused(tmp_path: Path) -> None:
    text = SCRIPT.format(before="", call="list(featuriser.map(sites, crystals))", start="work()")
    done = run_script(tmp_path / "none.py", "-c", text)
    assert done.returncode == 1
    assert "interactive session" in done.stderr.splitlines()[-1] and "put it in a module" in done.stderr


def test_a_process_that_has_run_openmp_can_have_workers_that_do(tasks: Any, two_threads: None) -> None:
    # A forked worker would wait for ever for the threads of a pool that only its parent has.
    expected = tasks.parallel_sum(CRYSTALS[0])
    with Featuriser(2) as featuriser:
        assert list(featuriser.map(tasks.parallel_sum, CRYSTALS[:2])) == [expected] * 2


def test_a_daemonic_process_can_have_workers(tmp_path: Path) -> None:
    # The workers of Dask are daemonic, and multiprocessing lets those have no children.
    script = tmp_path / "daemon.py"
    text = SCRIPT.format(before="import multiprocessing", call="list(featuriser.map(sites, crystals))", start="")
    text += """
if __name__ == "__main__":
    process = multiprocessing.get_context("spawn").Process(target=work, daemon=True)
    process.start()
    process.join(60)
    sys.exit(process.exitcode)
"""
    script.write_text(text)
    done = run_script(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str([(1, ["__mp_main__"])] * 6)
