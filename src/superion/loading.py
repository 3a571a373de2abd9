"""Find the model that a name stands for, and load it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from superion.errors import MissingDependency

if TYPE_CHECKING:
    from superion.models.predictor import Predictor

RELEASE = "release"


@dataclass(frozen=True)
class FoundModel:
    """Hold where a model lies, and what the registry calls it."""

    folder: Path
    version: str | None = None
    alias: str | None = None

    def load(self) -> Predictor:
        """Load it."""
        from superion.models.predictor import Predictor

        return Predictor.from_folder(self.folder, version=self.version, alias=self.alias)


def load_predictor(model: str | Path = "champion") -> Predictor:
    """Load the model that `model` names; see `superion.load`."""
    return find_model(model).load()


def find_model(model: str | Path = "champion") -> FoundModel:
    """Return where the model lies that `model` names; see `superion.load`."""
    try:
        from superion.models.predictor import RELEASE_FOLDER
    except ModuleNotFoundError as error:
        raise missing(error, "predict") from error
    if isinstance(model, Path):
        return FoundModel(model)
    if model == RELEASE:
        return FoundModel(RELEASE_FOLDER, alias=RELEASE)
    if not model.startswith("models:/") and ("/" in model or Path(model).is_dir()):
        return FoundModel(Path(model))
    from superion.training.registry import resolve_or_release

    registered = resolve_or_release(model)
    return FoundModel(registered.folder, registered.version, registered.alias)


def missing(error: ModuleNotFoundError, extra: str) -> MissingDependency:
    """Say which extra brings the module that could not be imported."""
    return MissingDependency(
        f"{error.name} is not installed: pip install 'superion[{extra}]'", field="install", value=error.name
    )
