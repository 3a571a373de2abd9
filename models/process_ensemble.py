"""The Gaussian processes of an ensemble, for bare formulas and for full cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from superion.errors import InvalidArtefact
from superion.models.distribution import N_DRAWS
from superion.models.forest import has_full_cell
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
        on_cell = self.processes.get((target, "cell"))
        full = np.array([on_cell is not None and has_full_cell(material) for material in materials], dtype=bool)
        n = len(materials)
        output = ProcessOutput(np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty((N_DRAWS, n)))
        for process, chosen in ((on_formula, ~full), (on_cell, full)):
            if process is not None and chosen.any():
                found = process.predict([m for m, wanted in zip(materials, chosen, strict=True) if wanted])
                for whole, part in (
                    (output.mean, found.mean),
                    (output.epistemic, found.epistemic),
                    (output.noise, found.noise),
                    (output.reserved, found.reserved),
                ):
                    whole[chosen] = part
                output.measured[:, chosen] = found.measured
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
