"""Clients over HTTP/1.1 on kept connections, as light as they can be: they share two cores with what they measure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import uvloop


@dataclass
class Measured:
    """Hold what came of many requests."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """[s], of those that were answered well."""
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Return a latency [ms]."""
        ordered = sorted(self.latencies)
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection:
    """One connection to a service."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send a document; returns the status and the content of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=2**26)
        reader, writer = self._streams
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: application/json\r\n"
        writer.write(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answered = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(answered[9:12])
        if b"transfer-encoding: chunked" in answered:
            raise ValueError("a chunked answer is not read here")
        length = int(answered.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return status, await reader.readexactly(length)

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()


Bodies = Iterator[bytes]
Check = Callable[[bytes], bool]


async def _one(connection: Connection, bodies: Bodies, measured: Measured, check: Check, start: float) -> None:
    try:
        status, content = await connection.post("/predict", next(bodies))
    except (OSError, asyncio.IncompleteReadError) as error:
        measured.failures.append(f"{type(error).__name__}: {error}")
        return
    if status == 200 and check(content):
        measured.latencies.append(time.perf_counter() - start)
    else:
        measured.failures.append(f"{status}: {content[:200]!r}")


def closed_loop(
    address: tuple[str, int], bodies: Bodies, clients: int, *, seconds: float = 1e9, requests: int = 10**9, check: Check
) -> Measured:
    """Keep `clients` busy for a time or a number of requests, each sending its next request when it has its answer."""

    async def run() -> Measured:
        measured, start = Measured(), time.perf_counter()
        left = requests

        async def client() -> None:
            nonlocal left
            connection = Connection(*address)
            while left > 0 and time.perf_counter() - start < seconds:
                left -= 1
                await _one(connection, bodies, measured, check, time.perf_counter())
            connection.close()

        await asyncio.gather(*(client() for _ in range(clients)))
        measured.seconds = time.perf_counter() - start
        return measured

    return _run(run)


def open_loop(
    address: tuple[str, int], bodies: Bodies, rate: float, seconds: float, *, clients: int = 64, check: Check
) -> Measured:
    """Send requests at a rate whatever becomes of them; a latency counts from when its request was due."""

    async def run() -> Measured:
        measured, start = Measured(), time.perf_counter()
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(clients):
            free.put_nowait(Connection(*address))
        tasks: set[asyncio.Task[None]] = set()

        async def send(due: float) -> None:
            connection = await free.get()
            await _one(connection, bodies, measured, check, due)
            free.put_nowait(connection)

        for number in range(int(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            task = asyncio.ensure_future(send(due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
        measured.seconds = time.perf_counter() - start
        while not free.empty():
            free.get_nowait().close()
        return measured

    return _run(run)


def _run(work: Callable[[], Awaitable[Measured]]) -> Measured:
    async def main() -> Measured:
        return await work()

    return uvloop.run(main())
