"""The Gaussian processes of an ensemble, for bare formulas and for full cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidArtefact
from superion.models.described import Described
from superion.models.distribution import N_DRAWS
from superion.models.gaussian_process import GaussianProcess, ProcessOutput
from superion.models.material import Material
from superion.models.targets import TARGETS
from superion.models.tree_ensemble import KINDS, Kind


@dataclass(frozen=True)
class ProcessEnsemble:
    """Hold a process for each target and kind of input that has one."""

    processes: Mapping[tuple[str, Kind], GaussianProcess]

    def answers(self, target: str, materials: Sequence[Material]) -> ProcessOutput | None:
        """Return what the processes say of a target for n materials.

        A material with a full cell is answered by the process on cells, any other by the process on formulas. None
        when there is no process for the target.
        """
        on_formula = self.processes.get((target, "formula"))
        if on_formula is None:
            return None
        described, on_cell = Described.of(materials), self.processes.get((target, "cell"))
        if on_cell is None:
            return on_formula.predict(described)
        full, bare, cells = described.parted()
        if not (bare and cells):
            return on_formula.predict(bare) if bare or not cells else on_cell.predict(cells)
        n = len(materials)
        output = ProcessOutput(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty((N_DRAWS, n)), np.empty(n))
        for found, chosen in ((on_formula.predict(bare), ~full), (on_cell.predict(cells), full)):
            for field in fields(ProcessOutput):
                getattr(output, field.name)[..., chosen] = getattr(found, field.name)
        return output

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays to keep, named `target.kind.name`."""
        return {
            f"{target}.{kind}.{name}": array
            for (target, kind), process in self.processes.items()
            for name, array in process.tensors().items()
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, npt.NDArray[Any]]) -> ProcessEnsemble:
        """Put the processes together from their arrays; raises InvalidArtefact for arrays that belong to none."""
        processes: dict[tuple[str, Kind], GaussianProcess] = {}
        left = set(tensors)
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
        return cls(processes)
