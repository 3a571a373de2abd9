"""Messages to and from workers: what is sent arrives, whatever its shape and size."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from superion.featurizers.messages import BESIDE, Bundle, encode, receive, send

NUMBERS = st.sampled_from([np.bool_, np.int8, np.uint16, np.int32, np.float32, np.int64, np.float64, np.complex128])
ARRAYS = arrays_of.arrays(NUMBERS, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7))


def sent(message: Any) -> Any:
    """Return what arrives of a message."""
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(1) as executor:
        sending = executor.submit(send, ours, encode(message))
        arrived = receive(theirs)
        sending.result(timeout=10)
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):  # nothing is left over
            theirs.recv(1)
    return arrived


def assert_same(found: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> None:
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), ARRAYS, max_size=9))
def test_a_bundle_arrives_as_the_dict_that_was_sent(arrays: dict[str, np.ndarray[Any, Any]]) -> None:
    found = sent(Bundle(arrays))
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert_same(found[name], array)
        assert found[name].flags.aligned and found[name].flags.writeable and found[name].flags.c_contiguous


@pytest.mark.parametrize("n_bytes", [0, 1, BESIDE - 1, BESIDE, 3_000_000])
@pytest.mark.parametrize("writeable", [True, False])
def test_arrays_of_any_size_arrive(n_bytes: int, writeable: bool) -> None:
    array = np.random.default_rng(0).integers(0, 255, n_bytes, dtype=np.uint8)
    array.setflags(write=writeable)
    text, found, again = sent(("text", array, [array]))
    assert text == "text"
    assert_same(found, array)
    assert found.flags.writeable == writeable
    assert again[0] is found


def test_strided_arrays_arrive() -> None:
    array = np.arange(60.0).reshape(5, 12)
    assert_same(sent(Bundle({"strided": array[:, ::3]}))["strided"], array[:, ::3])
    assert_same(sent(Bundle({"columns": np.asfortranarray(array)}))["columns"], array)
    assert_same(sent(array[::2, 1:]), array[::2, 1:])


def test_arrays_of_one_structure_share_no_memory_with_another() -> None:
    first, second = sent([Bundle({"a": np.zeros(BESIDE)}), Bundle({"a": np.zeros(BESIDE)})])
    first["a"][:] = 1
    assert not second["a"].any()
    assert not np.may_share_memory(first["a"], second["a"])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"a": np.zeros(2), "b": np.zeros((0, 3), np.int32)}, True),
        ({}, True),
        ({"a": np.zeros(2), "b": 1.0}, False),
        ({"a": np.array(["text"])}, False),
        ({"a": np.array([None])}, False),
        ({"a": np.ma.masked_array([1.0], [True])}, False),
        ([np.zeros(2)], False),
    ],
)
def test_only_dicts_of_plain_arrays_are_bundled(result: Any, expected: bool) -> None:
    assert Bundle.takes(result) is expected


def test_the_end_of_the_other_side_is_seen_within_a_message() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(encode(np.zeros(10))[0][:40])
        with pytest.raises(EOFError, match="closed"):
            receive(theirs)
