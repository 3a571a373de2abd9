"""Superion predicts lithium-ion conductivity of solid electrolytes, from a formula or a crystal, with an error bar.

Importing this module imports neither torch nor MLflow, BentoML or pymatgen; `load` does what it needs. `Client` asks a
running service instead, and is imported when it is first named.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from superion.errors import SuperionError

if TYPE_CHECKING:
    from superion.client import Client
    from superion.models.predictor import Predictor

__all__ = ["Client", "SuperionError", "__version__", "load"]

__version__ = "0.1.0"


def load(model: str | Path = "champion") -> Predictor:
    """Load a model to predict with: an alias ("champion"), a version number, a `models:/` URI, "release" or a folder.

    Raises NotFound for a model that is not there, InvalidArtefact for one that is damaged or of another version,
    MissingDependency when the extra that loading needs is not installed.
    """
    from superion.loading import load_predictor

    return load_predictor(model)


def __getattr__(name: str) -> object:
    """Import `Client`; raises MissingDependency where the extra that it needs is not installed."""
    if name == "Client":
        from superion.client import Client

        return Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
