"""Whether a service answers, asked at the address that it listens at."""

from __future__ import annotations

import http.client
import socket

PROBE_SECONDS = 2.0


def is_ready(listener: socket.socket) -> bool:
    """Ask `/readyz` at the address of a listening socket; False too where nobody answers within `PROBE_SECONDS`."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(host, port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
