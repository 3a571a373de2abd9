"""A PostgreSQL server of the tests' own: real, on a free port of the loopback, with a password, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

USER = "superion"
STOP_SECONDS = 30.0

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=64MB", "shared_buffers=16MB")
"""Settings of a server whose data nobody will miss."""


def program(name: str) -> str:
    """Return the path of a program of PostgreSQL's server; skips the test where it is not installed."""
    homes = Path("/usr/lib/postgresql").glob("*/bin")
    places = [*map(str, sorted(homes, key=lambda path: int(path.parent.name), reverse=True)), os.environ["PATH"]]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.skip(f"needs {name} of a PostgreSQL server (Debian: apt-get install postgresql)")
    return found


def _account() -> dict[str, Any]:
    """Return how to start a process as somebody who is not root, which the server refuses to run as."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    pytest.skip("needs an account named postgres or nobody: PostgreSQL does not run as root")


@dataclass
class Postgres:
    """Hold a server, which may be stopped and started again."""

    folder: Path
    port: int
    password: str = field(default_factory=lambda: secrets.token_hex(12))
    process: subprocess.Popen[bytes] | None = None

    def uri(self, database: str = "postgres") -> str:
        """Return what SQLAlchemy reaches a database by."""
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{database}?connect_timeout=5"

    def make(self) -> None:
        """Make the files of the server."""
        secret = self.folder / "password"
        secret.write_text(self.password)
        account = _account()
        if account:
            for path in (self.folder, secret):
                os.chown(path, account["user"], account["group"])
        options = ["--username", USER, "--pwfile", str(secret), "--auth", "scram-sha-256", "--no-sync"]
        command = [program("initdb"), "--pgdata", str(self.folder / "data"), "--encoding", "UTF8", "--locale", "C"]
        done = subprocess.run([*command, *options], cwd=self.folder, capture_output=True, text=True, **account)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        settings = [f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", *QUICK]
        command = [program("postgres"), "-D", str(self.folder / "data")]
        command += [part for setting in settings for part in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **_account()
            )
        deadline = time.monotonic() + 60.0
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, "the server did not answer in time"
            time.sleep(0.05)

    def _answers(self) -> bool:
        import psycopg

        with contextlib.suppress(psycopg.OperationalError):
            self.run("SELECT 1")
            return True
        return False

    def run(self, statement: str) -> Sequence[tuple[Any, ...]]:
        """Run one statement in the first database; returns its rows."""
        import psycopg

        address = self.uri().replace("+psycopg", "")
        with contextlib.closing(psycopg.connect(address, autocommit=True)) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload] # it takes literals only, for safety
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """Stop the server: connections are cut, as when it is restarted in the middle of the day."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """Run a server; skips the test where none is installed."""
    for name in ("initdb", "postgres"):
        program(name)
    # Not among pytest's folders, which nobody but root may look into where root runs the tests.
    with (
        tempfile.TemporaryDirectory(prefix="superion-postgres-") as folder,
        socket.create_server(("127.0.0.1", 0)) as at,
    ):
        port = at.getsockname()[1]
        at.close()
        server = Postgres(Path(folder), port)
        server.make()
        try:
            server.start()
            yield server
        finally:
            server.stop()


def let_go() -> None:
    """Close what MLflow keeps open to databases in this process; it has no call for that."""
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as RegistryStore
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as TrackingStore

    for store in (RegistryStore, TrackingStore):
        for engine in store._engine_map.values():
            engine.dispose()
