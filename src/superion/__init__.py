"""Superion predicts lithium-ion conductivity of solid electrolytes, from a formula or a crystal, with an error bar.

Importing this module imports neither torch nor MLflow, BentoML or pymatgen; `load` does what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from superion.errors import SuperionError

if TYPE_CHECKING:
    from superion.models.predictor import Predictor

__all__ = ["SuperionError", "__version__", "load"]

__version__ = "0.1.0"


def load(model: str | Path = "champion") -> Predictor:
    """Load a model to predict with: an alias ("champion"), a version number, a `models:/` URI, "release" or a folder.

    Raises NotFound for a model that is not there, InvalidArtefact for one that is damaged or of another version,
    MissingDependency when the extra that loading needs is not installed.
    """
    from superion.loading import load_predictor

    return load_predictor(model)
