"""One worker process: `python -m superion.serving.worker`, started and watched by `superion.serving.supervisor`."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading

from superion.serving.limits import SHUTDOWN_SECONDS
from superion.serving.logs import configure
from superion.serving.model_host import shared


def main(arguments: list[str] | None = None) -> int:
    """Serve on a listening socket that was handed down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen-fd", type=int, required=True, help="a listening socket")
    parser.add_argument("--life-fd", type=int, required=True, help="a pipe that ends when the supervisor does")
    parser.add_argument("--index", type=int, required=True, help="number of the worker, from 1")
    parser.add_argument("--patient", action="store_true", help="answer nothing before a model is loaded")
    options = parser.parse_args(arguments)
    threading.Thread(target=_die_with, args=(options.life_fd,), name="life", daemon=True).start()
    serve(options.listen_fd, options.index, options.patient)
    return 0


def serve(listen_fd: int, index: int, patient: bool) -> None:
    """Serve until a signal says stop.

    A patient worker takes connections only once it can answer them; another one is there to take them meanwhile.
    """
    import uvicorn

    from superion.serving.service import Superion

    configure()
    _introduce(Superion, index)
    application = Superion.to_asgi()  # type: ignore[attr-defined] # the class is a service by its decorator
    if patient:
        shared().start(seeds=False)
        shared().wait()
    options = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    uvicorn.Server(options).run(sockets=[socket.socket(fileno=listen_fd)])


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
