"""One source in, one result or error out; and the worker process that does so for chunks of sources.

A worker imports numpy, gemmi and what the function needs, never torch: graphs travel as arrays and are wrapped by the
process that asked.
"""

from __future__ import annotations

import pickle
import socket
import sys
import time
import traceback
from collections.abc import Callable
from functools import cache, lru_cache
from multiprocessing import spawn
from pathlib import Path
from typing import Any

from superion.errors import InvalidCif, InvalidValue, ItemFailed, SuperionError
from superion.featurizers.crystal import Crystal
from superion.featurizers.messages import Bundle, encode, receive, send

Source = str | bytes | Path | Crystal | SuperionError
"""CIF text, a file, a crystal, or the error that an earlier batch met in its place."""

_state = {"in a worker": False, "running the script": False}


def in_worker() -> bool:
    """Tell whether this process is a worker."""
    return _state["in a worker"]


def running_script() -> bool:
    """Tell whether this worker is running the caller's script, to find a function in it."""
    return _state["running the script"]


def attempt(function: Callable[[Crystal], Any], source: Source) -> Any:
    """Return `function` of the crystal of a source, or the SuperionError that says why not.

    Any other exception becomes an ItemFailed with its traceback in the notes.
    """
    if isinstance(source, SuperionError):
        return source
    try:
        return function(_crystal(source))
    except SuperionError as fault:
        return fault
    except Exception as fault:  # a user's function may raise anything, and stops nothing but its own item
        failed = ItemFailed(f"{type(fault).__name__}: {fault}", field="function", value=fault)
        failed.add_note(traceback.format_exc())
        return failed


def _crystal(source: str | bytes | Path | Crystal) -> Crystal:
    if isinstance(source, Crystal):
        return source
    if isinstance(source, Path):
        return Crystal.from_file(source)
    try:
        return Crystal.from_cif(source)
    except InvalidCif as fault:
        if isinstance(source, str) and "\n" not in source and len(source) < 1000:
            message = f"{fault.message}; text is read as CIF, so give a file as a pathlib.Path"
            raise InvalidCif(message, field=fault.field, value=source) from fault
        raise


def serve(descriptor: int) -> None:
    """Answer chunks that come over an open socket until it closes: the main function of a worker process."""
    _state["in a worker"] = True
    connection = socket.socket(fileno=descriptor)
    # A program that the function starts must not hold the socket open when this process is killed.
    connection.set_inheritable(False)
    try:
        send(connection, encode("ready"))
        while True:
            send(connection, _answer(*receive(connection)))
    except (EOFError, ConnectionError):
        return  # the process that asked has closed the socket, or has ended


def _answer(job: bytes, sources: list[Source]) -> list[Any]:
    """Return the encoded reply: seconds taken and the results, or an error of the job as a whole."""
    started = time.perf_counter()
    try:
        function = _function(job)
    except SuperionError as fault:
        return encode((0.0, fault))
    results = []
    for source in sources:
        result = attempt(function, source)
        results.append(Bundle(result) if Bundle.takes(result) else result)
    elapsed = time.perf_counter() - started
    try:
        return encode((elapsed, results))
    except Exception:  # pickling runs the code of whatever the user's function returned; one at a time tells which
        return encode((elapsed, [_sendable(result) for result in results]))


def _sendable(result: Any) -> Any:
    try:
        encode(result)
    except Exception as fault:
        message = f"a {type(result).__name__} cannot be sent from a worker: {fault}"
        return ItemFailed(message, field="function", value=type(result).__name__)
    return result


def pickled_job(function: Callable[[Crystal], Any]) -> bytes:
    """Pickle a function together with what a worker needs to find it.

    Raises InvalidValue for one that cannot be pickled, as a lambda, or that lies in an interactive session.
    """
    try:
        pickled = pickle.dumps(function, 5)
    except Exception as fault:
        message = f"the function cannot be sent to a worker ({fault}); define it at the top level of a module"
        raise InvalidValue(message, field="function", value=function) from fault
    script = None
    if b"__main__" in pickled or b"__mp_main__" in pickled:
        main = sys.modules["__main__"]
        name, path = getattr(main.__spec__, "name", None), getattr(main, "__file__", None)
        if name is None and path is None:
            message = "the function is defined in an interactive session, where no worker finds it; put it in a module"
            raise InvalidValue(message, field="function", value=function)
        where = ("init_main_from_name", name) if name else ("init_main_from_path", str(Path(str(path)).absolute()))
        script = (*where, tuple(sys.argv))
    return pickle.dumps((pickled, script), 5)


@lru_cache(maxsize=16)
def _function(job: bytes) -> Callable[[Crystal], Any]:
    """Load the function of a job; raises InvalidValue where it cannot be found."""
    pickled, script = pickle.loads(job)
    try:
        if script:
            _run_script(*script)
        return pickle.loads(pickled)
    except SuperionError:
        raise
    except (Exception, SystemExit) as fault:
        message = f"a worker cannot load the function ({type(fault).__name__}: {fault})"
        raise InvalidValue(message, field="function") from fault


@cache
def _run_script(key: str, where: str, arguments: tuple[str, ...]) -> None:
    """Run the caller's script again, under the name __mp_main__, as the workers of the standard library do."""
    _state["running the script"] = True
    try:
        spawn.prepare({"sys_argv": list(arguments), key: where})
    finally:
        _state["running the script"] = False
