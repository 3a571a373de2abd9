"""What is best of a screening: without what stands twice, by an acquisition, or as a Pareto front.

Each is done partition by partition on Dask, and what a partition keeps is small, so that the list is never in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from superion.discovery.campaigns.state import CampaignState
from superion.discovery.candidates import Candidate
from superion.discovery.choice.suggesting import MOST, Chooser
from superion.discovery.goal import Goal
from superion.discovery.screening.columns import RESULTS
from superion.discovery.screening.sources import Source
from superion.errors import InvalidTable, InvalidValue
from superion.featurizers.formula import Formula
from superion.models.inputs import ReadMaterial, read_input
from superion.models.material import Material
from superion.models.records import Failure
from superion.training.families import anion_family

if TYPE_CHECKING:
    from dask.dataframe import DataFrame

    from superion.models.predictor import Predictor

KEYS = ("composition", "fingerprint")
LISTED = 5 * MOST
"""Rows that an acquisition looks at: those with the highest bounds."""
OPTIMISM = 2.0
"""Standard deviations above the mean by which these are told."""

Sense = Literal["max", "min"]


def distinct(frame: DataFrame) -> DataFrame:
    """Return a screening without what stands in it twice, of which the first is kept.

    A material stands twice that has the `composition` and, where it is a crystal, the `fingerprint` of another one; a
    formula is no crystal.
    """
    first = frame.groupby(list(KEYS), dropna=False, sort=False).agg({"row": "min"}, split_out=frame.npartitions)
    return frame.merge(first.reset_index(drop=True)[["row"]], on="row", how="inner")


def pareto(frame: DataFrame, objectives: Mapping[str, Sense]) -> pd.DataFrame:
    """Return the rows that no other row is better than in one of the objectives without being worse in another.

    `objectives` are columns with whether they are to be high or low, such as {"log10_sigma": "max"}. Rows in which one
    of them is unknown are no part of it. Raises InvalidValue for what is no column of numbers, or neither max nor min.
    """
    for name, sense in objectives.items():
        if name not in RESULTS.names or str(RESULTS.field(name).type) != "double":
            raise InvalidValue(f"{name!r} is no column of numbers", field="objectives", value=name)
        if sense not in ("max", "min"):
            raise InvalidValue(f"{name} is max or min, not {sense!r}", field="objectives", value=sense)
    if not objectives:
        raise InvalidValue("a front has an objective or more", field="objectives", value={})
    fronts = frame.map_partitions(_front, dict(objectives), meta=frame._meta)
    return _front(fronts.compute(), dict(objectives)).sort_values("row", ignore_index=True)


def _front(frame: pd.DataFrame, objectives: Mapping[str, Sense]) -> pd.DataFrame:
    """Return the rows of one table that no other of it is better than."""
    import torch
    from botorch.utils.multi_objective.pareto import is_non_dominated

    known = frame.dropna(subset=list(objectives))
    signs = np.array([1.0 if sense == "max" else -1.0 for sense in objectives.values()])
    values = torch.from_numpy(known[list(objectives)].to_numpy(dtype=np.float64) * signs)
    return known[is_non_dominated(values, deduplicate=False).numpy()] if len(known) else known


def best(
    frame: DataFrame,
    number: int,
    predictor: Predictor,
    goal: Goal | None = None,
    seed: int = 0,
    path: Path | str | None = None,
) -> pd.DataFrame:
    """Return the rows of a screening that a campaign of all of it would suggest first, each with `reasons`.

    The acquisition and the conditions are those of the goal, at the temperature of the screening. The materials with
    the highest bounds are looked at, each once. Crystals are read again from the list, which `path` names.

    Raises InvalidValue for a number out of range, a goal at another temperature, another version of the model than that
    of the screening and crystals without their list; InvalidTable for a list that is not the one; NothingLeft where
    nothing meets the conditions.
    """
    sought = Goal() if goal is None else goal
    chooser = Chooser(predictor, number, seed=seed)
    listed = _listed(frame)
    _check(listed, sought, predictor)
    candidates = tuple(
        Candidate(str(row), material, anion_family(material.formula))
        for row, material in zip(listed.row, _materials(listed, path), strict=True)
    )
    chosen = chooser(CampaignState("screening", sought, 1, candidates))
    rows = listed.set_index(listed.row.astype(str)).loc[[one.candidate for one in chosen]]
    return rows.assign(reasons=[str(one.reasons["text"]) for one in chosen]).reset_index(drop=True)


def _listed(frame: DataFrame) -> pd.DataFrame:
    """Return the rows with the highest bounds, each material once."""

    def highest(part: pd.DataFrame) -> pd.DataFrame:
        spread = np.hypot(part.std_aleatoric.astype(float), part.std_epistemic.astype(float))
        bound = part.log10_sigma.astype(float) + OPTIMISM * spread
        return (
            part.iloc[np.argsort(-bound, kind="stable")]
            .drop_duplicates(list(KEYS))
            .dropna(subset=["log10_sigma"])
            .head(LISTED)
        )

    return highest(frame.map_partitions(highest, meta=frame._meta).compute().reset_index(drop=True))


def _materials(listed: pd.DataFrame, path: Path | str | None) -> list[Material]:
    """Return the materials of rows, in their order."""
    if (listed.input == "formula").all():
        return [Material(Formula.parse(formula)) for formula in listed.formula]
    if path is None:
        raise InvalidValue("there are crystals in the screening: name the list that they are in", field="path")
    source = Source.of(Path(path))
    wanted = {int(row) for row in listed.row}
    found: dict[int, Material] = {}
    for part in source.parts(source.rows):
        places = [row for row in range(part.first, part.first + part.n) if row in wanted]
        if places:
            items = part.read()
            for row in places:
                item = items[row - part.first]
                read = item if isinstance(item, Failure) else read_input(item)
                if isinstance(read, ReadMaterial):
                    found[row] = read.material
    for row, composition in zip(listed.row, listed.composition, strict=True):
        if row not in found or found[row].formula.canonical != composition:
            raise InvalidTable(f"{source.path.name} is not the list of the screening: row {row} differs", field="path")
    return [found[int(row)] for row in listed.row]


def _check(listed: pd.DataFrame, goal: Goal, predictor: Predictor) -> None:
    if not len(listed):
        raise InvalidValue("the screening has no rows", field="frame", value=0)
    temperatures: Any = listed.temperature_C.unique()
    if list(temperatures) != [goal.temperature_C]:
        raise InvalidValue(
            f"the screening is of {temperatures[0]:g} degrees Celsius, the goal of {goal.temperature_C:g}",
            field="temperature_C",
            value=goal.temperature_C,
        )
    versions = sorted(listed.model_version.astype(str).unique())
    if versions != [predictor.model.version]:
        raise InvalidValue(
            f"the screening is of version {', '.join(versions)} of the model, not of {predictor.model.version}",
            field="model",
            value=predictor.model.version,
        )
