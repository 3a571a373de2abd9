"""Lay symlinks so that `build/typing/superion/` looks as the installed package does.

setup.py maps top-level folders into the package `superion`; mypy does not follow that mapping and needs the tree on its
path.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "build" / "typing" / "superion"
MAPPED = ("featurizers", "models", "training", "discovery", "serving")


def main() -> None:
    """Make the tree anew, so that a file or folder that is gone leaves no link behind."""
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    sources = [*(ROOT / "src" / "superion").iterdir(), *(ROOT / name for name in MAPPED)]
    for source in sources:
        if source.exists() and source.name != "__pycache__":
            (TREE / source.name).symlink_to(os.path.relpath(source, TREE))


if __name__ == "__main__":
    main()
