"""The Gaussian processes of an ensemble, for bare formulas and for full cells, and the hurdle before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidArtefact
from superion.models.described import Described
from superion.models.distribution import Belief
from superion.models.gaussian_process import GaussianProcess, ProcessOutput
from superion.models.hurdle import Hurdle
from superion.models.material import Material
from superion.models.targets import CONDUCTIVITY, TARGETS
from superion.models.tree_ensemble import KINDS, Kind

_HURDLE = "hurdle."
"""What the names of the hurdle's arrays begin with."""


@dataclass(frozen=True)
class ProcessAnswers:
    """Hold what processes say of n materials, by all that is known of each and by its formula alone."""

    known: ProcessOutput
    """By the process on cells where a material has a full cell and there is such a process, else as `formula`."""
    formula: ProcessOutput
    on_cell: npt.NDArray[np.bool_]
    """Shape (n,): whether the process on cells answered `known`."""


@dataclass(frozen=True)
class ProcessEnsemble:
    """Hold a process for each target and kind of input that has one."""

    processes: Mapping[tuple[str, Kind], GaussianProcess]
    hurdle: Hurdle | None = None
    """Of the conductivity; None where the rows held too few insulators, or too few others, and in corrections."""

    def answers(self, target: str, materials: Sequence[Material]) -> ProcessAnswers | None:
        """Return what the processes say of a target for n materials; None when there is no process for the target."""
        on_formula = self.processes.get((target, "formula"))
        if on_formula is None:
            return None
        described, on_cell = Described.of(materials), self.processes.get((target, "cell"))
        formula = on_formula.predict(described)
        full, _, cells = described.parted()
        if on_cell is None or not cells:
            return ProcessAnswers(formula, formula, np.zeros(len(described), dtype=bool))
        found = on_cell.predict(cells)
        if len(cells) < len(described):
            found = _placed(found, full, formula)
        return ProcessAnswers(found, formula, full)

    def over_hurdle(self, target: str, materials: Sequence[Material], n_members: int) -> Belief | None:
        """Return what the hurdle says of materials; None for another target than its own, and where there is none."""
        return None if self.hurdle is None or target != CONDUCTIVITY else self.hurdle.predict(materials, n_members)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays to keep, named `target.kind.name`, and `hurdle.name` those of the hurdle."""
        arrays = {
            f"{target}.{kind}.{name}": array
            for (target, kind), process in self.processes.items()
            for name, array in process.tensors().items()
        }
        of_hurdle = {} if self.hurdle is None else self.hurdle.tensors()
        return arrays | {_HURDLE + name: array for name, array in of_hurdle.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, npt.NDArray[Any]]) -> ProcessEnsemble:
        """Put the processes together from their arrays; raises InvalidArtefact for arrays that belong to none."""
        processes: dict[tuple[str, Kind], GaussianProcess] = {}
        of_hurdle = {name.removeprefix(_HURDLE): tensors[name] for name in tensors if name.startswith(_HURDLE)}
        left = {name for name in tensors if not name.startswith(_HURDLE)}
        for target in (target.name for target in TARGETS):
            for kind in KINDS:
                prefix = f"{target}.{kind}."
                own = {key.removeprefix(prefix): tensors[key] for key in tensors if key.startswith(prefix)}
                if own:
                    processes[target, kind] = GaussianProcess.from_tensors(kind, own)
                    left -= {prefix + name for name in own}
        if left:
            raise InvalidArtefact(
                f"arrays of no Gaussian process: {', '.join(sorted(left))}", field="weights.safetensors"
            )
        return cls(processes, Hurdle.from_tensors(of_hurdle) if of_hurdle else None)


def _placed(found: ProcessOutput, chosen: npt.NDArray[np.bool_], others: ProcessOutput) -> ProcessOutput:
    """Return `others`, of n materials, with what was found of the chosen ones (n,) in their places."""
    joined = {field.name: getattr(others, field.name).copy() for field in fields(ProcessOutput)}
    for name, values in joined.items():
        values[..., chosen] = getattr(found, name)
    return ProcessOutput(**joined)
