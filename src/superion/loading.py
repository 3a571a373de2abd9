"""Find the model that a name stands for, and load it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from superion.errors import MissingDependency

if TYPE_CHECKING:
    from superion.models.predictor import Predictor

RELEASE = "release"


def load_predictor(model: str | Path = "champion") -> Predictor:
    """Load the model that `model` names; see `superion.load`."""
    try:
        from superion.models.predictor import RELEASE_FOLDER, Predictor
    except ModuleNotFoundError as error:
        raise missing(error, "predict") from error
    if isinstance(model, Path):
        return Predictor.from_folder(model)
    if model == RELEASE:
        return Predictor.from_folder(RELEASE_FOLDER, alias=RELEASE)
    if not model.startswith("models:/") and ("/" in model or Path(model).is_dir()):
        return Predictor.from_folder(Path(model))
    from superion.training.registry import resolve_or_release

    registered = resolve_or_release(model)
    return Predictor.from_folder(registered.folder, version=registered.version, alias=registered.alias)


def missing(error: ModuleNotFoundError, extra: str) -> MissingDependency:
    """Say which extra brings the module that could not be imported."""
    return MissingDependency(
        f"{error.name} is not installed: pip install 'superion[{extra}]'", field="install", value=error.name
    )
