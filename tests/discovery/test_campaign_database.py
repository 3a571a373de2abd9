"""The database of campaigns: where it lies, how it is opened, and what is said when it cannot be."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from superion import home
from superion.discovery.campaigns import database as campaign_database
from superion.discovery.campaigns.schema import SCHEMA_VERSION
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.goal import Goal
from superion.errors import InvalidValue, MissingDependency, Unavailable

from .. import _postgres
from ._campaigns import candidates


def made(path: Path) -> str:
    """Make a database with a campaign; returns its URL."""
    with CampaignStore.open(f"sqlite:///{path}") as store:
        store.create("lab", Goal(), candidates("LiI"), by="ada")
    return f"sqlite:///{path}"


def test_it_lies_in_the_home_unless_told(superion_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with CampaignStore.open() as store:
        store.create("here", Goal(), candidates("LiI"), by="ada")
    assert (superion_home / "campaigns.db").is_file()
    monkeypatch.setenv(home.CAMPAIGNS_VARIABLE, f"sqlite:///{tmp_path}/elsewhere.db")
    with CampaignStore.open() as store:
        assert store.list() == ()
    assert (tmp_path / "elsewhere.db").is_file()
    with CampaignStore.open(f"sqlite:///{superion_home}/campaigns.db") as store:
        assert [one.name for one in store.list()] == ["here"]


def test_a_home_with_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(home.HOME_VARIABLE, str(tmp_path / "a b?c=%20#ü"))
    with CampaignStore.open() as store:
        store.create("lab", Goal(), candidates("LiI"), by="ada")
    assert (tmp_path / "a b?c=%20#ü" / "campaigns.db").is_file()


def test_it_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    with CampaignStore.open(made(tmp_path / "campaigns.db")) as store, store._database.writing() as connection:
        pragmas = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        assert pragmas == ["wal", 2]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        other = sqlite3.connect(tmp_path / "campaigns.db", timeout=0)
        # Who writes holds the lock from the beginning.
        with closing(other), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


def test_a_database_of_a_newer_superion_is_refused(tmp_path: Path) -> None:
    url = made(tmp_path / "campaigns.db")
    with closing(sqlite3.connect(tmp_path / "campaigns.db")) as connection, connection:
        connection.execute("UPDATE campaign_schema SET version = ?", (SCHEMA_VERSION + 1,))
    with pytest.raises(Unavailable, match=rf"schema version {SCHEMA_VERSION + 1}.* a newer superion made them"):
        CampaignStore.open(url)
    with closing(sqlite3.connect(tmp_path / "campaigns.db")) as connection, connection:
        connection.execute("DELETE FROM campaign_schema")
    with pytest.raises(Unavailable, match="schema version none"):
        CampaignStore.open(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("campaigns.db", "named by a URL"),
        ("mysql://root:secret@host/db", "SQLite or PostgreSQL, not 'mysql'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql+pg8000://a:secret@host/db", "SQLite or PostgreSQL"),
        ("postgresql://a:secret@host:port/db", "named by a URL"),
    ],
)
def test_urls_that_cannot_be(url: str, words: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        CampaignStore.open(url)
    assert words in caught.value.message
    assert "secret" not in f"{caught.value.message} {caught.value.value}"


def test_what_cannot_be_opened_says_which_and_why(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "text.db").write_text("this is no database, and longer than the header of one " * 40)
    (tmp_path / "file").write_text("")
    for name, words in (
        ("missing/campaigns.db", f"there is no folder {tmp_path}/missing"),
        ("file/campaigns.db", f"there is no folder {tmp_path}/file"),
        ("folder.db", "it is a folder"),
        ("text.db", "is not a database of SQLite, or is damaged"),
    ):
        with pytest.raises(Unavailable) as caught:
            CampaignStore.open(f"sqlite:///{tmp_path}/{name}")
        assert f"{tmp_path}/{name}" in caught.value.message
        assert words in caught.value.message


def test_a_home_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(home.HOME_VARIABLE, str(tmp_path / "file" / "home"))
    with pytest.raises(Unavailable, match=f"the folder of the campaigns {tmp_path}/file/home cannot be made"):
        CampaignStore.open()


WITHOUT_RIGHTS = """
import os, sys
from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.candidates import read_candidates
from superion.discovery.goal import Goal
from superion.errors import Unavailable
from pathlib import Path
candidates = read_candidates(Path(sys.argv[3]))

def make(url):
    with CampaignStore.open(url) as store:
        store.create("new", Goal(), candidates, by="ada")

make(sys.argv[2])
# All is loaded that is needed: without rights the interpreter's own files may be out of reach.
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    make(sys.argv[1])
except Unavailable as error:
    print(error.message)
"""


@pytest.mark.parametrize(
    ("of_folder", "of_file", "words"),
    [
        (0o777, 0o000, "cannot be opened: its permissions do not let it be read"),
        (0o777, 0o444, "cannot be written: its permissions do not allow it"),
        (0o555, 0o666, "cannot be written: the permissions of the folder"),
    ],
)
def test_permissions_that_are_missing(tmp_path: Path, of_folder: int, of_file: int, words: str) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    (tmp_path / "candidates.csv").write_text("formula\nLiI\n")
    # Not among pytest's folders, which nobody but root may look into where root runs the tests.
    with tempfile.TemporaryDirectory(prefix="superion-campaigns-") as name:
        folder = Path(name) / "home"
        folder.mkdir()
        url = made(folder / "campaigns.db")
        Path(name).chmod(0o755)
        (folder / "campaigns.db").chmod(of_file)
        folder.chmod(of_folder)
        command = [sys.executable, "-c", WITHOUT_RIGHTS, url, other, tmp_path / "candidates.csv"]
        try:
            done = subprocess.run(command, capture_output=True, text=True)
        finally:
            folder.chmod(0o755)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout
    assert url.removeprefix("sqlite:///") in done.stdout


def test_a_full_disk(tmp_path: Path) -> None:
    with CampaignStore.open(made(tmp_path / "campaigns.db")) as store:
        state = store.state("lab")
        with store._database._engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

        from sqlalchemy import event

        @event.listens_for(store._database._engine, "connect")
        def bound(connection, _record) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

        with pytest.raises(Unavailable, match="cannot be written: the disk is full"):
            store.create("large", Goal(), candidates(*(f"Li{n}I" for n in range(1, 2000))), by="ada")
        assert [one.name for one in store.list()] == ["lab"]
        assert store.state("lab") == state


LIMITED = """
import resource, sys
from superion.discovery.campaigns.store import CampaignStore
from superion.errors import Unavailable
with CampaignStore.open(sys.argv[1]) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        for number in range(1000):
            store.observe("lab", candidate="LiI", value=1e-6, note="x" * 1000, by="ada", unasked=True, repeat=True)
    except Unavailable as error:
        print(number, error.message)
"""


def test_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    url = made(tmp_path / "campaigns.db")
    done = subprocess.run([sys.executable, "-c", LIMITED, url], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    number, _, message = done.stdout.partition(" ")
    assert "campaigns.db" in message
    with CampaignStore.open(url) as store:
        assert len(store.state("lab").observations) == int(number)


def test_a_database_that_another_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_database, "BUSY_SECONDS", 0.1)
    url = made(tmp_path / "campaigns.db")
    with CampaignStore.open(url) as store, closing(sqlite3.connect(tmp_path / "campaigns.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=r"is held by another program for longer than 0\.1 s"):
            store.create("other", Goal(), candidates("LiI"), by="ada")
        # Who reads does not wait.
        assert store.state("lab").revision == 1


def test_a_damaged_candidate_is_named(tmp_path: Path) -> None:
    url = made(tmp_path / "campaigns.db")
    for damaged in ("{", "{}", '{"formula": ["LiI", ["Xx"], [1.0]]}', '{"formula": [1, 2]}', "[]"):
        with closing(sqlite3.connect(tmp_path / "campaigns.db")) as connection, connection:
            connection.execute("UPDATE campaign_candidates SET material = ?", (damaged,))
        with CampaignStore.open(url) as store, pytest.raises(Unavailable, match="the candidate 'LiI' is damaged"):
            store.state("lab")


def test_tables_that_somebody_took_away(tmp_path: Path) -> None:
    url = made(tmp_path / "campaigns.db")
    with closing(sqlite3.connect(tmp_path / "campaigns.db")) as connection, connection:
        connection.execute("DROP TABLE campaign_events")
    with CampaignStore.open(url) as store, pytest.raises(Unavailable, match="campaign_events"):
        store.events("lab")


def test_a_child_that_forks_does_not_share_a_connection(tmp_path: Path) -> None:
    with CampaignStore.open(made(tmp_path / "campaigns.db")) as store:
        store.state("lab")
        assert not [link for link in Path("/proc/self/fd").iterdir() if _leads_to(link, tmp_path / "campaigns.db")]


def _leads_to(link: Path, file: Path) -> bool:
    try:
        return link.readlink() == file
    except OSError:
        return False  # that of the folder itself, which is closed by now


def test_postgresql_that_stops_and_comes_back() -> None:
    with _postgres.running() as server:
        url = server.uri().replace("postgresql+psycopg", "postgresql")
        with CampaignStore.open(url) as store:
            store.create("lab", Goal(), candidates("LiI"), by="ada")
            server.stop()
            with pytest.raises(Unavailable, match="does not answer") as caught:
                store.state("lab")
            assert server.password not in caught.value.message
            with pytest.raises(Unavailable, match="does not answer"):
                CampaignStore.open(url)
            server.start()
            assert store.state("lab").revision == 1
            with store._database.reading() as connection:
                assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"


def test_postgresql_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependency, match=r"superion\[group\]"):
        CampaignStore.open("postgresql://a@host/db")


class Locked:
    """A cursor of a database that others are turning the log on of: SQLite refuses so often, and does not wait."""

    def __init__(self, times: int, message: str = "database is locked") -> None:
        self.times, self.message = times, message
        self.asked: list[str] = []

    def execute(self, statement: str) -> Locked:
        self.asked.append(statement)
        if statement.endswith("WAL") and self.times > 0:
            self.times -= 1
            raise sqlite3.OperationalError(self.message)
        return self

    def fetchone(self) -> tuple[str]:
        return ("delete",)


def test_who_turns_the_log_on_waits_for_others_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor: Any = Locked(3)
    campaign_database._write_ahead(cursor)
    assert cursor.asked.count("PRAGMA journal_mode = WAL") == 4
    monkeypatch.setattr(campaign_database, "BUSY_SECONDS", 0.05)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        campaign_database._write_ahead(cast(Any, Locked(10**6)))
    other: Any = Locked(1, "disk I/O error")
    with pytest.raises(sqlite3.OperationalError, match="disk"):
        campaign_database._write_ahead(other)
    assert other.times == 0
