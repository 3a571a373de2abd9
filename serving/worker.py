"""One worker process: `python -m superion.serving.worker`, started and watched by `superion.serving.supervisor`."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import time

from superion.serving.callers import n_workers
from superion.serving.limits import BACKLOG, SHUTDOWN_SECONDS
from superion.serving.logs import configure
from superion.serving.model_host import shared
from superion.serving.probe import is_ready

COMPANION_SECONDS = 30.0
"""Longest time that a patient worker that could answer waits for another one: it may have died."""

OWN_LISTENERS = 4
"""Listening sockets of a worker beside the shared one, which then gets one connection in nine of two workers."""


def main(arguments: list[str] | None = None) -> int:
    """Serve on a listening socket that was handed down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen-fd", type=int, required=True, help="a listening socket")
    parser.add_argument("--life-fd", type=int, required=True, help="a pipe that ends when the supervisor does")
    parser.add_argument("--index", type=int, required=True, help="number of the worker, from 1")
    parser.add_argument("--patient", action="store_true", help="answer nothing before a model is loaded")
    options = parser.parse_args(arguments)
    # A tracking server is asked every few seconds: one that is down is to be said soon, not after two minutes of tries.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    threading.Thread(target=_die_with, args=(options.life_fd,), name="life", daemon=True).start()
    serve(options.listen_fd, options.index, options.patient)
    return 0


def serve(listen_fd: int, index: int, patient: bool) -> None:
    """Serve until a signal says stop.

    A patient worker takes connections only once it can answer them, and so can the one that takes them meanwhile:
    whoever was told by one of them that the service is ready must not be refused by the other.
    """
    import uvicorn

    from superion.serving.service import Superion

    configure()
    _introduce(Superion, index)
    application = Superion.to_asgi()  # type: ignore[attr-defined] # the class is a service by its decorator
    shared_listener = socket.socket(fileno=listen_fd)
    if patient:
        shared().start(seeds=False)
        shared().wait()
        deadline = time.monotonic() + COMPANION_SECONDS
        while not is_ready(shared_listener) and time.monotonic() < deadline:
            time.sleep(0.05)
    options = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is who is connected; X-Forwarded-For is whatever a client writes into it
        timeout_keep_alive=30,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    uvicorn.Server(options).run(sockets=[shared_listener, *_own_listeners(shared_listener)])


def _own_listeners(shared_listener: socket.socket) -> list[socket.socket]:
    """Return sockets of this worker alone that listen at the address of the one that all of them share.

    Of a shared one whoever wakes first takes all the connections that wait, thirty of them at times, and the other
    core idles. Among sockets of one address Linux spreads connections evenly; elsewhere there are none. Connections
    that wait in them when the worker is killed are reset, those of the shared one wait for another.
    """
    if sys.platform != "linux" or n_workers() == 1:
        return []
    own = []
    for _ in range(OWN_LISTENERS):
        listener = socket.socket(shared_listener.family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(shared_listener.getsockname())
        listener.listen(BACKLOG)
        own.append(listener)
    return own


def _introduce(service: object, index: int) -> None:
    """Tell BentoML who this worker is, as its own worker script does; its metrics are labelled with it."""
    from bentoml._internal.context import server_context

    server_context.worker_index = index
    server_context.service_type = "entry_service"
    server_context.service_name = server_context.bento_name = service.name  # type: ignore[attr-defined]
    server_context.bento_version = "not available"
    server_context.service_routes = [api.route for api in service.apis.values()]  # type: ignore[attr-defined]


def _die_with(life_fd: int) -> None:
    """End this process at once when the other end of the pipe closes: a supervisor that was killed cannot say stop."""
    while os.read(life_fd, 1):
        pass
    shared().stop()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
