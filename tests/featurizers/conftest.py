"""Fixtures of the featuriser tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tasks() -> Iterator[ModuleType]:
    """Yield functions that worker processes find: those of a test module have a name that only pytest knows."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    import _worker_tasks

    yield _worker_tasks
    sys.path.remove(folder)
