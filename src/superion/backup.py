"""A copy of the home that fits together, made while the service and training go on.

The databases are copied by SQLite itself, which yields one moment of each. What they name (artefacts, data sets) is
written before it is named and does not change, so that it is copied after them: a copy may hold a file too many, and
lacks one only of a data set that is deleted meanwhile. The others name versions and runs of `mlflow.db`, so that it
comes last.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from superion import home
from superion.errors import InvalidValue, NotFound, Unavailable

DATABASES = ("service.db", "campaigns.db", "optuna.db", "mlflow.db")
"""In the order in which they are copied."""

MADE_AGAIN = (
    "bentoml",
    "champion.json",  # which a superion of before may have left
    "fetched-*",
    "matplotlib",
    "models",
    "*.db-journal",
    "*.db-shm",
    "*.db-wal",
    "*.lock",
    "*.tmp",
)
"""Names directly in the home that are left out: what is made again when missed, and what running processes use."""


@dataclass
class Backup:
    """Hold what was copied."""

    folder: Path
    databases: list[str] = field(default_factory=list)
    n_files: int = 0
    n_bytes: int = 0
    elsewhere: list[str] = field(default_factory=list)
    """What of the state does not lie under the home, so that it is not in the copy."""


def back_up(folder: Path) -> Backup:
    """Copy the home to `folder`, which is made, for the eyes of its owner alone.

    Raises NotFound without a home, InvalidValue for a folder that is there already or lies in the home, Unavailable
    when something cannot be read or written, or a copied database is damaged; then nothing is left of the copy.
    """
    source, folder = home.home(), folder.resolve()
    if not source.is_dir():
        raise NotFound(f"there is nothing to back up: no folder at {home.HOME_VARIABLE}", field=home.HOME_VARIABLE)
    if folder.exists():
        raise InvalidValue(f"{folder} is there already; name a folder that is not", field="to", value=str(folder))
    if folder.is_relative_to(source):
        raise InvalidValue(f"{folder} lies in the home; name a folder outside", field="to", value=str(folder))
    draft = folder.with_name(f"{folder.name}.{os.getpid()}.unfinished")
    try:
        draft.mkdir(parents=True, mode=0o700)
        done = Backup(folder, elsewhere=_elsewhere())
        for name in DATABASES:
            if (source / name).is_file():
                _copy_database(source / name, draft / name)
                done.databases.append(name)
        _copy_files(source, draft, done)
        draft.rename(folder)
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"the backup was not made: {error}", field="to", value=str(folder)) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return done


def _elsewhere() -> list[str]:
    found = []
    if os.environ.get(home.TRACKING_VARIABLE):
        found.append(f"the registry, which {home.TRACKING_VARIABLE} names")
    if home.artifact_place() is not None:
        found.append(f"the artefacts, which {home.ARTIFACTS_VARIABLE} names")
    if home.campaigns_url() is not None:
        found.append(f"the campaigns, which {home.CAMPAIGNS_VARIABLE} names")
    if home.tuning_url() is not None:
        found.append(f"the trials of searches, which {home.TUNING_VARIABLE} names")
    return found


def _copy_database(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=rw", uri=True, timeout=60.0)) as original,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, whatever mode the original is in
        found = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"{source.name} is damaged: {found}")
    target.chmod(0o600)


def _copy_files(source: Path, draft: Path, done: Backup) -> None:
    for path in _files(source):
        target = draft / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(path, target)
        except FileNotFoundError:
            # It has ended meanwhile: a checkpoint of a run that is finished, a data set that was deleted.
            continue
        done.n_files += 1
        done.n_bytes += target.stat().st_size


def _files(source: Path) -> Iterator[Path]:
    seen = set()
    for folder, folders, names in os.walk(source, followlinks=True):
        here = Path(folder)
        # A folder may be a link to a larger disk, whose files belong to the copy; one that leads to itself does not.
        if here.resolve() in seen:
            folders.clear()
            continue
        seen.add(here.resolve())
        left_out = (*MADE_AGAIN, *DATABASES) if here == source else ("*.tmp",)
        folders[:] = [name for name in sorted(folders) if not _matches(name, left_out)]
        for name in sorted(names):
            if not _matches(name, left_out) and (here / name).is_file():
                yield here / name


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
