"""A coverage-guided engine for Python where Atheris is not at hand, as on machines for which it has no wheel.

Follows the lines that an input runs through with `sys.settrace`, which is a good ten times slower than Atheris, and
keeps the inputs that go a way not gone before. Takes what libFuzzer takes and prints the statistics that it prints.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

Edge = tuple[CodeType, int, int]
"""Two lines of one function that ran one after the other."""

CRASH = 77
"""Exit status after an exception, as libFuzzer has it."""


class Coverage:
    """Record the edges that a call runs through in the files whose paths hold one of `parts`."""

    def __init__(self, parts: tuple[str, ...]) -> None:
        self.parts = parts
        self.watched: dict[CodeType, bool] = {}
        self.edges: Counter[Edge] = Counter()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in self.watched:
            self.watched[code] = any(part in code.co_filename for part in self.parts)
        if not self.watched[code]:
            return None
        last = frame.f_lineno
        edges = self.edges

        def follow(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            if event == "line":
                edges[code, last, frame.f_lineno] += 1
                last = frame.f_lineno
            return follow

        return follow

    def of(self, call: Callable[[bytes], None], data: bytes) -> set[tuple[Edge, int]]:
        """Return the features of a call: its edges, each with the order of magnitude of its count."""
        self.edges.clear()
        sys.settrace(self)
        try:
            call(data)
        finally:
            sys.settrace(None)
        return {(edge, count.bit_length()) for edge, count in self.edges.items()}


def fuzz(
    call: Callable[[bytes], None],
    corpus: Path,
    prefix: str,
    tokens: list[bytes],
    watched: tuple[str, ...],
    *,
    seconds: float,
    runs: int,
    seed: int,
    timeout: int,
    longest: int,
) -> int:
    """Run mutated inputs until `seconds` or `runs` are over; return 0, or 77 after an exception.

    The input that raised is kept at `prefix` + `crash-HASH`. `prefix` + `running` holds the input under way, whatever
    ends the process, as an alarm does after `timeout` seconds for one input.
    """
    chance = random.Random(seed)
    coverage = Coverage(watched)
    seen: set[tuple[Edge, int]] = set()
    running = Path(f"{prefix}running")
    under_way = os.open(running, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    started, executions, added = time.monotonic(), 0, 0

    def run(data: bytes) -> bool:
        nonlocal executions
        executions += 1
        os.ftruncate(under_way, len(data))
        os.pwrite(under_way, data, 0)
        signal.alarm(timeout)  # the default action ends the process, in C code too
        try:
            features = coverage.of(call, data)
        except Exception:  # whatever a target raises is a finding
            signal.alarm(0)
            traceback.print_exc()
            crash = Path(f"{prefix}crash-{hashlib.sha1(data).hexdigest()}")
            crash.write_bytes(data)
            print(f"Test unit written to {crash}", file=sys.stderr)
            raise
        finally:
            signal.alarm(0)
        new = not features <= seen
        seen.update(features)
        return new

    try:
        known = [path.read_bytes()[:longest] for path in sorted(corpus.iterdir())] or [b""]
        for data in known:
            run(data)
        while (time.monotonic() - started < seconds or not seconds) and (executions < runs or not runs):
            data = mutated(chance, known, tokens)[:longest]
            if run(data):
                known.append(data)
                (corpus / hashlib.sha1(data).hexdigest()).write_bytes(data)
                added += 1
    except Exception:  # the finding, reported by `run`
        running.unlink()  # it is kept under another name
        return CRASH
    finally:
        os.close(under_way)
    running.unlink(missing_ok=True)
    n_edges = len({edge for edge, _ in seen})
    print(f"#{executions} DONE cov: {n_edges} ft: {len(seen)} corp: {len(known)}", file=sys.stderr)
    print(f"stat::number_of_executed_units: {executions}\nstat::new_units_added: {added}", file=sys.stderr)
    return 0


def mutated(chance: random.Random, known: list[bytes], tokens: list[bytes]) -> bytes:
    """Return one of the known inputs changed in a few places: bytes, tokens, lines, or parts of another input."""
    data = bytearray(chance.choice(known))
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        at = chance.randint(0, len(data))
        end = min(len(data), at + chance.choice((0, 1, 1, 2, 4, 8, 30)))
        way = chance.randrange(7)
        if way == 0 and data:
            data[at % len(data)] = chance.randrange(256)
        elif way == 1:
            data[at:end] = b""
        elif way == 2:
            data[at:end] = bytes(chance.choices(b"0123456789.-+()[]{}'\" \n_,", k=chance.randint(1, 4)))
        elif way in (3, 4) and tokens:
            data[at:end] = chance.choice(tokens)
        elif way == 5:
            lines = bytes(data).split(b"\n")
            place = chance.randrange(len(lines))
            lines[place : place + chance.randint(0, 1)] = [chance.choice(lines)] * chance.randint(0, 2)
            data = bytearray(b"\n".join(lines))
        else:
            donor = chance.choice(known)
            begin = chance.randint(0, len(donor))
            data[at:end] = donor[begin : begin + chance.choice((1, 4, 16, 64, 400))]
    return bytes(data)
