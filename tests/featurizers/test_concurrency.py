"""The core in threads, in children of a fork, and within the memory that it states."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from superion.featurizers import Crystal, Formula, magpie, nearest_neighbors, neighbor_list
from superion.featurizers._composition import composition_statistics
from superion.featurizers.neighbors import BYTES_PER_IMAGE, BYTES_PER_PAIR

LATTICE = np.array([[9.0, 0.3, 0.0], [0.5, 8.0, 0.2], [-0.4, 0.9, 10.0]])
N_TASKS = 48


def crystal(n_sites: int) -> Crystal:
    """Return a crystal on a grid of its own, so that no two sites come close."""
    side = int(np.ceil(n_sites ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side) / side] * 3, indexing="ij"), axis=-1).reshape(-1, 3)[:n_sites]
    moves = np.random.default_rng(n_sites).uniform(-0.1, 0.1, grid.shape) / side
    species = [((("Li", 0.6), ("Na", 0.4)), (("O", 1.0),))[n % 2] for n in range(n_sites)]
    return Crystal(LATTICE * side / 4, grid + moves, tuple(species))


def task(number: int) -> list[np.ndarray]:
    """Return what one of several kinds of work gives, as arrays."""
    sites = crystal(20 + 7 * (number % 5))
    if number % 4 == 0:
        return list(neighbor_list(sites, 3.0 + number % 3))
    if number % 4 == 1:
        return list(nearest_neighbors(sites, 6.0, 12))
    if number % 4 == 2:
        return [magpie([f"Li{1 + number}PS{k}Cl" for k in range(1, 30)])]
    again = Crystal.from_cif(sites.to_cif())
    amounts = Formula.parse(f"Li{1 + number}(PO4)3·2H2O").amounts
    return [again.lattice, again.fractional_coordinates, np.array(amounts)]


def assert_same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    """Compare arrays bit for bit."""
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_many_threads_give_what_one_gives() -> None:
    alone = [task(number) for number in range(N_TASKS)]
    start = threading.Barrier(8)

    def work(worker: int) -> list[tuple[int, list[np.ndarray]]]:
        start.wait(timeout=60)  # all at once, or the first would be done before the last began
        return [(number, task(number)) for number in np.roll(range(N_TASKS), 5 * worker)]

    with ThreadPoolExecutor(8) as pool:
        for results in pool.map(work, range(8)):
            for number, result in results:
                assert_same(result, alone[number])


def put_tasks(queue: multiprocessing.SimpleQueue) -> None:
    """Do every kind of work in a child process, in threads of its own too."""
    with ThreadPoolExecutor(2) as pool:
        queue.put([*map(task, range(8)), *pool.map(task, range(8))])


def test_a_fork_in_the_midst_of_work_works_in_the_child() -> None:
    expected = [task(number) for number in range(8)] * 2
    context = multiprocessing.get_context("fork")
    stop = threading.Event()

    def keep_busy() -> None:
        while not stop.is_set():
            neighbor_list(crystal(200), 5.0)

    # The hazard is a lock or a pool of threads that is in use when the process is copied.
    busy = [threading.Thread(target=keep_busy) for _ in range(2)]
    for thread in busy:
        thread.start()
    try:
        for _ in range(3):
            queue = context.SimpleQueue()
            child = context.Process(target=put_tasks, args=(queue,))
            with warnings.catch_warnings():
                # Python 3.12 warns of every fork while threads run, which is what is tested here.
                warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
                child.start()
            results = receive(queue, child)
            child.join(timeout=60)
            assert child.exitcode == 0
            for ours, theirs in zip(results, expected, strict=True):
                assert_same(ours, theirs)
    finally:
        stop.set()
        for thread in busy:
            thread.join()


def receive(queue: multiprocessing.SimpleQueue, child: multiprocessing.Process) -> list[list[np.ndarray]]:
    """Return what the child sends; fail when it ends or hangs without sending anything."""
    for _ in range(600):
        if not queue.empty():
            return queue.get()
        if not child.is_alive():
            break
        time.sleep(0.1)
    child.kill()
    pytest.fail(f"the child of a fork sent nothing (exit code {child.exitcode})")


ONE_SITE = crystal(1)
"""Made beforehand, because numpy gives the lock up now and then."""


def long_search() -> None:
    neighbor_list(ONE_SITE, 120.0)


def long_statistics() -> None:
    # Long enough to count to a hundred beside it where handing the processor over takes 0.1 ms.
    n = 200_000
    rows = np.arange(4 * n, dtype=np.int64) % 90
    composition_statistics(np.ones((100, 22)), np.arange(n + 1, dtype=np.int64) * 4, rows, np.ones(4 * n))


def hold_the_lock() -> None:
    sum(range(2_000_000))


@pytest.mark.parametrize(
    ("work", "releases"),
    [(long_search, True), (long_statistics, True), (hold_the_lock, False)],
    ids=["search", "statistics", "holding"],
)
def test_other_threads_run_meanwhile(work, releases) -> None:
    # With so long an interval Python takes the lock from no thread: another one runs only when it is given up.
    interval = sys.getswitchinterval()
    count, stop, started = 0, threading.Event(), threading.Event()

    def keep_counting() -> None:
        nonlocal count
        while not stop.is_set():
            count += 1
            started.set()
            time.sleep(0)  # gives the lock up

    counter = threading.Thread(target=keep_counting)
    sys.setswitchinterval(1000.0)
    try:
        counter.start()
        assert started.wait(timeout=60)
        before = count
        work()
        counted = count - before
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        counter.join()
    assert counted > 100 if releases else counted == 0


BOUND = """
import resource, sys
import numpy as np
from superion.errors import InvalidValue
from superion.featurizers.neighbors import nearest_neighbors, neighbor_list

class Sites:
    def __init__(self, n_sites, stretch):
        self.lattice = np.diag([3.0, 3.0 * stretch, 3.0 / stretch]) * n_sites ** (1 / 3)
        self.fractional_coordinates = np.random.default_rng(n_sites).random((n_sites, 3))

def nearest_eight(sites, cutoff, *, max_pairs):
    return nearest_neighbors(sites, cutoff, 8, max_pairs=max_pairs)

def is_found(find, sites, cutoff):
    try:
        find(sites, cutoff, max_pairs=max_pairs)
    except InvalidValue as fault:
        assert fault.field == "cutoff", fault
        return False
    return True

max_pairs, extra, low, high = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
crystals = [Sites(n, stretch) for n in (1, 5) for stretch in (1.0, 20.0)]
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + extra, used + extra))
outcomes = [0, 0]
for sites in crystals:
    for find in (neighbor_list, nearest_eight):
        short, long = low, high
        for _ in range(14):  # close in on the longest cutoff that is not refused, where most is held
            middle = (short * long) ** 0.5
            found = is_found(find, sites, middle)
            outcomes[not found] += 1
            short, long = (middle, long) if found else (short, middle)
print(*outcomes)
"""
"""Search with ever longer cutoffs in a process that may take only so much memory; MemoryError ends it."""


def search_within(max_pairs: int, memory: float, *cutoffs: float) -> tuple[int, int]:
    """Return how many searches gave a list and how many were refused within `memory` [bytes]."""
    numbers = [str(max_pairs), str(int(memory)), *map(str, cutoffs)]
    done = subprocess.run([sys.executable, "-c", BOUND, *numbers], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found, refused = map(int, done.stdout.split())
    return found, refused


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems do not hold a process to its limit")
class TestMemory:
    """Memory, by running out of it."""

    margin = 16e6  # what Python and malloc take by the way

    def test_stays_within_the_stated_bound(self) -> None:
        max_pairs = 2_000_000
        bound = BYTES_PER_IMAGE * (1_000_000 + 8 * 5 + 2 * max_pairs) + BYTES_PER_PAIR * max_pairs
        found, refused = search_within(max_pairs, bound + self.margin, 1.0, 1000.0)
        assert found > 20 and refused > 20

    def test_what_is_far_too_much_is_refused_before_it_is_held(self) -> None:
        found, refused = search_within(20_000_000, self.margin, 1e4, 1e9)
        # The nearest few are looked for within spheres that grow, so that a long cutoff costs them nothing.
        assert found == refused == 4 * 14

    def test_a_search_does_take_memory(self) -> None:
        # Else the two tests above would say nothing.
        with pytest.raises(AssertionError, match="MemoryError"):
            search_within(20_000_000, self.margin, 60.0, 100.0)
