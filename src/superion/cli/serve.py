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

USAGE = 2
"""Exit status of a call that cannot be followed."""

NEEDED = ("bentoml", "mlflow", "torch")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 takes any that is free.")] = 3000,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that answer; each holds the model, about 0.6 GB.")
    ] = 1,
    allow_remote_without_keys: Annotated[
        bool,
        typer.Option("--allow-remote-without-keys", help="Listen to other machines although there are no API keys."),
    ] = False,
) -> None:
    """Answer predictions over HTTP until stopped; prints one line when ready."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        _refuse(f"{', '.join(missing)} not installed: pip install 'superion[serve]'")
    if not allow_remote_without_keys and not _is_loopback(host):
        _refuse(
            f"--host {host} would let every machine that reaches this one use the service, and this version has no "
            "API keys to say who may. Keep the default host and put a proxy that asks for a password before it, or "
            "add --allow-remote-without-keys if everyone who can reach this machine may use it"
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

        status = Supervisor(listener, workers, announce).run()
    raise typer.Exit(status)


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
