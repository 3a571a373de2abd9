"""Measure the service under load, beside a plain service around the same model and one that does nothing.

Everything runs on this machine: the services, one after the other, and the clients share its cores. Every material is
another one, so that nothing is answered from memory.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
from load_client import Measured, closed_loop, open_loop
from peer_services import THREADS, WORKERS, body
from service import CIF, SERVE

ROOT = Path(__file__).resolve().parent.parent

ROUNDS = 3
"""Times that the services and their peers are measured in turn."""


def formulas() -> Iterator[bytes]:
    """Yield bodies with one formula each, all different."""
    for number in itertools.count():
        lithium, sulfur = 3 + (number % 3001) / 1000, 2 + (number // 3001) / 1000
        yield body([{"formula": f"Li{lithium:.3f}PS{sulfur:.3f}Cl"}])


def cifs(count: int, start: int) -> bytes:
    """Return a body of CIFs with 56 sites each, all different."""
    cells = [9.5 + (start + number) / 10_000 for number in range(count)]
    return body([{"cif": CIF.replace("9.859", f"{cell:.4f}")} for cell in cells])


def is_answer(content: bytes) -> bool:
    """Tell whether an answer holds predictions and no error."""
    return b'"predictions"' in content and b'"error"' not in content


@contextlib.contextmanager
def service(home: Path, *command: str) -> Iterator[tuple[tuple[str, int], dict[str, float], psutil.Process]]:
    """Run a service; yields its address, the time to /livez and /readyz [s] and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command, "--port", str(port)],
        cwd=ROOT,
        env={
            **os.environ,
            "SUPERION_HOME": str(home),
            "BENTOML_HOME": str(home / "bentoml"),
            "OMP_NUM_THREADS": "1",
            "SUPERION_PHASE_TABLE": "end-members",
            "BENTOML_DO_NOT_TRACK": "True",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        times = {path: _until(f"http://127.0.0.1:{port}{path}", start) for path in ("/livez", "/readyz")}
        yield ("127.0.0.1", port), times, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _until(url: str, start: float) -> float:
    while time.perf_counter() - start < 120:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return time.perf_counter() - start
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"{url} does not answer")


def resident(process: psutil.Process) -> float:
    """Return the memory of a process and of all that it has started [MB]."""
    return sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 1e6


def say(name: str, measured: Measured, more: str = "") -> dict[str, object]:
    """Print one line of the table, and return it."""
    latency = f"median {measured.percentile(0.5):7.1f}  p99 {measured.percentile(0.99):7.1f} ms"
    print(f"{name:<34} {measured.rate:8.1f} /s  {latency}  {len(measured.failures)} failed  {more}", flush=True)
    for failure in measured.failures[:3]:
        print(f"    {failure}")
    return {
        "name": name,
        "per_second": measured.rate,
        "median_ms": measured.percentile(0.5),
        "p99_ms": measured.percentile(0.99),
        "answered": len(measured.latencies),
        "failed": len(measured.failures),
    }


def main() -> None:
    """Run the measurements that were asked for and print them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of the steady load")
    parser.add_argument("--peer-seconds", type=float, default=20.0, help="of each load of 32 clients")
    parser.add_argument("--memory", type=int, default=0, help="requests over which memory is followed; 100000, say")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {WORKERS} workers")
    found: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        serve = ("-c", SERVE, "--workers", str(WORKERS))
        with service(home, *serve):
            time.sleep(10)  # the registry is made after the first start; what follows is a warm one
        with service(home, *serve) as (address, times, process):
            print("warm start: " + ", ".join(f"{path} after {seconds:.1f} s" for path, seconds in times.items()))
            found.append({"name": "start", **times})
            time.sleep(5)
            bodies = formulas()
            closed_loop(address, bodies, 4, requests=200, check=is_answer)
            idle = closed_loop(address, bodies, 1, requests=1000, check=is_answer)
            found.append(say("one formula at a time", idle))
            steady = open_loop(address, bodies, 200, options.seconds, check=is_answer)
            found.append(say("200 formulas a second", steady))
            batches = iter([cifs(100, 100 * number) for number in range(5)])
            crystals = closed_loop(address, batches, 1, requests=5, check=is_answer)
            rate = 100 / statistics.median(crystals.latencies)
            found.append(say("100 CIFs of 56 sites a request", crystals, f"{rate:.0f} structures a second"))
            if options.memory:
                found.append(_memory(address, bodies, process, options.memory))
        found += _beside_peers(home, serve, options.peer_seconds)
    print(f"peers: plain BentoML services of {WORKERS} workers with {THREADS} threads, one thread of torch")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


def _beside_peers(home: Path, serve: tuple[str, ...], seconds: float) -> list[dict[str, object]]:
    """Put 32 clients on each service in turn, again and again: what else the machine does then meets all of them."""
    commands = {
        "one formula each": serve,
        "one request, one forward pass": ("-m", "bentoml", "serve", "benchmarks.peer_services:Plain"),
        "no model at all": ("-m", "bentoml", "serve", "benchmarks.peer_services:Empty"),
    }
    rounds: list[dict[str, float]] = []
    found = []
    with contextlib.ExitStack() as services:
        addresses = {name: services.enter_context(service(home, *command))[0] for name, command in commands.items()}
        time.sleep(10)  # each worker of the peers loads the model
        bodies = formulas()
        for address in addresses.values():
            closed_loop(address, bodies, 4, requests=200, check=is_answer)
        for _ in range(ROUNDS):
            rates = {}
            for name, address in addresses.items():
                measured = closed_loop(address, bodies, 32, seconds=seconds, check=is_answer)
                found.append(say(f"32 clients, {name}", measured))
                rates[name] = measured.rate
            rounds.append(rates)
    batched, plain, _ = commands
    ratios = sorted(rates[batched] / rates[plain] for rates in rounds)
    print(f"in batches: {statistics.median(ratios):.2f} times as many ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return [*found, {"name": "in batches to plain", "ratios": ratios}]


def _memory(
    address: tuple[str, int], bodies: Iterator[bytes], process: psutil.Process, requests: int
) -> dict[str, object]:
    closed_loop(address, bodies, 8, requests=requests // 10, check=is_answer)
    before = resident(process)
    measured = closed_loop(address, bodies, 8, requests=requests, check=is_answer)
    after = resident(process)
    change = f"{before:.0f} to {after:.0f} MB ({100 * (after / before - 1):+.1f} %)"
    return {**say(f"{requests} formulas", measured, change), "before_MB": before, "after_MB": after}


if __name__ == "__main__":
    main()
