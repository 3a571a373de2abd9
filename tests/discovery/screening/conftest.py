"""A cluster for the tests of a module, as its workers take seconds to start; tests of others count processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from superion.training import clusters


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Yield a client of a cluster of one worker process."""
    with clusters.local(1) as found:
        yield found


DEADLY = "Li13Cl13"
"""A formula that ends the process that reads it, where `deadly` is."""


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have processes that are started from now on end at a formula, which is returned, as by want of memory."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import os\n"
        "from superion.featurizers.formula import Formula\n"
        "parse = Formula.parse\n"
        "def deadly(text):\n"
        f"    if text == {DEADLY!r}:\n"
        "        os.kill(os.getpid(), 9)\n"
        "    return parse(text)\n"
        "Formula.parse = staticmethod(deadly)\n"
    )
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep + before if before else ''}")
    return DEADLY
