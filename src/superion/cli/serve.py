"""`superion serve`: answer over HTTP."""

from __future__ import annotations

import errno
import importlib.util
import ipaddress
import os
import socket
import sys
from typing import Annotated

import typer

from superion.serving import keys, quota, state
from superion.serving.callers import REQUIRED_VARIABLE

USAGE = 2
"""Exit status of a call that cannot be followed."""

MAX_DEFAULT_WORKERS = 4

NEEDED = ("bentoml", "mlflow", "torch")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes any that is free.")] = 3000,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Processes that answer; each holds the model, about 0.6 GB.  [default: one a core, at most 4]",
        ),
    ] = None,
    require_keys: Annotated[
        bool,
        typer.Option(
            "--require-keys",
            envvar=REQUIRED_VARIABLE,
            help="Ask for an API key on this machine too, as is right behind a proxy; other machines always need one.",
        ),
    ] = False,
) -> None:
    """Answer over HTTP until stopped; prints one line when ready."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        _refuse(f"{', '.join(missing)} not installed: pip install 'superion[serve]'")
    quota.allowed_bytes()  # refused here, not at the first upload
    state.bring_up_to_date()
    require_keys = require_keys or not _is_loopback(host)
    if require_keys and all(key.revoked is not None for key in keys.list_keys()):
        why = "--require-keys is given" if _is_loopback(host) else f"--host {host} lets other machines in"
        _refuse(
            f"{why}, and there is no API key that anybody could use: "
            "make one first, with `superion key new NAME --role admin`"
        )
    from superion.serving.supervisor import Supervisor, listen

    try:
        listener = listen(host, port)
    except OSError as error:
        _refuse(_why_not(error, host, port))
    with listener:
        url = _url(host, listener.getsockname()[1])

        def announce() -> None:
            print(f"superion is ready at {url} (POST {url}/predict; stop with Ctrl-C)", flush=True)

        status = Supervisor(listener, workers or _default_workers(), announce, require_keys).run()
    raise typer.Exit(status)


def _default_workers() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_DEFAULT_WORKERS)


def _is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address; one that cannot be resolved is refused later, by name."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return True
    return all(ipaddress.ip_address(str(entry[4][0])).is_loopback for entry in found)


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use at {host}: stop what listens there, or take another one with --port {port + 1}"
    if error.errno == errno.EACCES:
        return f"port {port} needs rights that this user lacks: take one above 1023 with --port"
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine: take 127.0.0.1"
    return f"cannot listen at {host} port {port}: {os.strerror(error.errno or 0)}"


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refuse(message: str) -> None:
    print(f"superion serve: {message}", file=sys.stderr)
    raise typer.Exit(USAGE)
