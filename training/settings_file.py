"""Settings of a training run in a file: those that differ from the defaults, as a search has found them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from superion.errors import InvalidValue
from superion.training.settings import TrainingSettings

FORMAT = "superion_settings"
FORMAT_VERSION = 1

LIMITS: Mapping[str, tuple[float, float]] = {
    "fit.epochs": (1, 100_000),
    "fit.batch_size": (1, 100_000),
    "fit.learning_rate": (1e-7, 1.0),
    "fit.weight_decay": (0.0, 10.0),
    "fit.censored_at": (-30.0, 0.0),
    "fit.energy_weight": (0.0, 100.0),
    "fit.hide_cell": (0.0, 1.0),
    "fit.hide_atoms": (0.0, 1.0),
    "fit.hide_crystal": (0.0, 1.0),
    "fit.jitter": (0.0, 10.0),
    "fit.unlabelled_per_step": (0, 10_000),
    "fit.unlabelled_weight": (0.0, 100.0),
    "fit.unlabelled_at": (-30.0, 0.0),
    "trees.n_trees": (2, 100_000),
    "trees.feature_share": (0.001, 1.0),
    "network.width": (8, 1024),
    "network.layers": (1, 12),
    "network.heads": (1, 64),
    "network.site_width": (8, 1024),
    "network.site_layers": (1, 12),
    "network.neighbors": (1, 100),
    "network.cutoff": (1.0, 12.0),
    "network.n_radial": (2, 128),
    "network.dropout": (0.0, 0.9),
    "network.element_dropout": (0.0, 0.9),
}
"""What may be set, by part and name, and between what it lies."""


def with_values(base: TrainingSettings, values: Mapping[str, Any]) -> TrainingSettings:
    """Return settings with values of `LIMITS` in place of their own.

    Raises InvalidValue for a name that there is not, and for a value of another kind or outside its limits.
    """
    parts: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        part, _, key = name.partition(".")
        parts.setdefault(part, {})[key] = _checked(name, value, base)
    changed = {part: replace(getattr(base, part), **found) for part, found in parts.items()}
    settings = replace(base, **changed)
    if settings.network.width % settings.network.heads:
        raise InvalidValue(
            f"network.width, {settings.network.width}, has to be a multiple of network.heads, {settings.network.heads}",
            field="network.width",
            value=settings.network.width,
        )
    return settings


def _checked(name: str, value: Any, base: TrainingSettings) -> int | float:
    if name not in LIMITS:
        raise InvalidValue(
            f"there is no setting {name!r}; those that may be set are {', '.join(LIMITS)}", field=name, value=value
        )
    part, _, key = name.partition(".")
    whole = isinstance(getattr(getattr(base, part), key), int)
    low, high = LIMITS[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        raise InvalidValue(f"{name} is {kind} from {low:g} to {high:g}, not {value!r}", field=name, value=value)
    return int(value) if whole else float(value)


def values_of(settings: TrainingSettings) -> dict[str, int | float]:
    """Return every value of `LIMITS` that settings have."""
    parts = asdict(settings)
    return {name: parts[name.partition(".")[0]][name.partition(".")[2]] for name in LIMITS}


def write_settings(settings: TrainingSettings, path: Path, found: Mapping[str, Any]) -> None:
    """Write the settings that differ from the defaults, with where they were `found`."""
    defaults = values_of(TrainingSettings())
    values = {name: value for name, value in values_of(settings).items() if value != defaults[name]}
    document = {FORMAT: FORMAT_VERSION, "found": dict(found), "values": values}
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def read_settings(path: Path) -> TrainingSettings:
    """Read the settings of a file, the defaults where it says nothing; raises InvalidValue for what is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidValue(f"{path} cannot be read as settings: {error}", field="settings", value=str(path)) from error
    values = document.get("values") if isinstance(document, dict) else None
    version = document.get(FORMAT) if isinstance(document, dict) else None
    if not isinstance(values, dict) or version != FORMAT_VERSION or isinstance(version, bool):
        raise InvalidValue(
            f"{path.name} holds no settings: {{{FORMAT!r}: {FORMAT_VERSION}, 'values': {{'fit.epochs': 100}}}} is what "
            "`superion tune --out` writes",
            field="settings",
            value=str(path),
        )
    return with_values(TrainingSettings(), values)
