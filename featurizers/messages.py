"""Messages between a process and its workers: pickles over a socket, with large arrays beside them.

Protocol 5 of pickle (PEP 574) hands arrays out as buffers; those of `BESIDE` bytes or more are sent as they lie in
memory and received where they stay, so that they are copied neither into a pickle nor out of it.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

BESIDE = 4096
"""Size from which a buffer travels beside the pickle [bytes]; below, a copy costs less than a system call."""

_COUNT = struct.Struct("<Q")


def encode(message: object) -> list[Any]:
    """Return the buffers that `send` takes; raises what pickle raises for an object that it cannot take."""
    beside: list[memoryview] = []

    def stays_inside(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < BESIDE:
            return True
        beside.append(view)
        return False

    body = pickle.dumps(message, 5, buffer_callback=stays_inside)
    sizes = (len(body), *(view.nbytes for view in beside))
    return [struct.pack(f"<{1 + len(sizes)}Q", len(sizes), *sizes) + body, *beside]


def send(connection: socket.socket, encoded: list[Any]) -> None:
    """Send what `encode` returned; raises OSError where the other side has ended."""
    for buffer in encoded:
        connection.sendall(buffer)


def receive(connection: socket.socket) -> Any:
    """Wait for one message and return it; raises EOFError or OSError where the other side has ended."""
    (count,) = _COUNT.unpack(_read(connection, _COUNT.size))
    sizes = struct.unpack(f"<{count}Q", _read(connection, count * _COUNT.size))
    body, *beside = [_read(connection, size) for size in sizes]
    return pickle.loads(body, buffers=beside)


def _read(connection: socket.socket, size: int) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        n_read = connection.recv_into(view, 0, socket.MSG_WAITALL)
        if n_read == 0:
            raise EOFError("the connection was closed")
        view = view[n_read:]
    return buffer


class Bundle:
    """Send the named arrays of one structure as one buffer; they arrive as a dict of views of it.

    A graph is nine arrays, most of them small: a pickle of each would cost more than the bytes do. The buffer is that
    of one structure, not of a whole chunk, so that who keeps one structure keeps no other in memory.
    """

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        # Widest numbers first: every array then begins at a multiple of its own width.
        offsets, end = {}, 0
        pieces: list[Any] = []
        for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
            offsets[name] = end
            end += array.nbytes
            pieces.append(array if array.flags.c_contiguous else array.tobytes())
        # Joined at once and not when it is sent, so that the arrays of a whole chunk do not pile up.
        self._buffer = bytearray().join(pieces)
        self._layout = [(name, array.shape, array.dtype, offsets[name]) for name, array in arrays.items()]

    @staticmethod
    def takes(result: object) -> bool:
        """Tell whether `result` is a dict of plain arrays of numbers."""
        return type(result) is dict and all(
            type(array) is np.ndarray and array.dtype.kind in "biufc" for array in result.values()
        )

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _unbundled, (self._layout, pickle.PickleBuffer(self._buffer))


def _unbundled(layout: list[tuple[str, tuple[int, ...], np.dtype[Any], int]], buffer: Any) -> dict[str, Any]:
    return {name: np.ndarray(shape, dtype, buffer, offset) for name, shape, dtype, offset in layout}
