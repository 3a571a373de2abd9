"""Formation energies of a chemical system from the Materials Project, by the user's own key."""

from __future__ import annotations

import itertools
import os
from typing import Any

from superion.errors import InvalidValue, MissingDependency, NotFound, Unavailable
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula
from superion.models.stability.phases import Phase, PhaseTable

__all__ = ["materials_project_table"]

KEY_VARIABLE = "MP_API_KEY"
MAX_ELEMENTS = 8
"""Most elements of a chemical system that is asked of the Materials Project, as 2^n - 1 systems are."""


def materials_project_table(chemical_system: str, key: str | None = None) -> PhaseTable:
    """Ask the Materials Project for the phases of a chemical system such as `Li-P-S`, with the caller's own key.

    The key is `MP_API_KEY` unless one is given; the package `mp-api` comes with the extra `materials-project`. Energies
    are the Project's corrected formation energies, gaps those of its summaries. This talks to a service that the tests
    of the project cannot reach: they hold what is done with its answers, not that it still answers so. The client
    mp-api 0.46.5 was tried against a stand-in of the service.

    Raises MissingDependency without the package, InvalidValue for a system that is none or without a key, Unavailable
    where the service does not answer, NotFound where it knows no phase.
    """
    elements = _elements(chemical_system)
    key = key or os.environ.get(KEY_VARIABLE)
    if not key:
        fault = f"set {KEY_VARIABLE} to your key of the Materials Project, https://materialsproject.org/api"
        raise InvalidValue(fault, field=KEY_VARIABLE)
    try:
        from mp_api.client import MPRester
    except ModuleNotFoundError as error:
        fault = f"{error.name} is not installed: pip install 'superion[materials-project]'"
        raise MissingDependency(fault, field="install", value=error.name) from error
    sizes = range(1, len(elements) + 1)
    systems = ["-".join(part) for size in sizes for part in itertools.combinations(elements, size)]
    fields = ["material_id", "formula_pretty", "formation_energy_per_atom", "band_gap"]
    try:
        with MPRester(key) as client:
            found = client.materials.summary.search(chemsys=systems, fields=fields)
    except Exception as error:  # whatever the client raises, of several packages
        fault = f"the Materials Project did not answer: {type(error).__name__}"
        raise Unavailable(fault, field="chemical_system", value=chemical_system) from error
    phases = [_phase(document) for document in found if document.formation_energy_per_atom is not None]
    if not phases:
        fault = f"the Materials Project knows no phase of {chemical_system}"
        raise NotFound(fault, field="chemical_system", value=chemical_system)
    return PhaseTable.from_phases(f"materials-project {'-'.join(elements)}", phases)


def _phase(document: Any) -> Phase:
    energy, gap = float(document.formation_energy_per_atom), document.band_gap
    formula = Formula.parse(document.formula_pretty)
    if len(formula.symbols) == 1:
        # The ground state of an element is at 0, give or take the rounding of what was sent.
        energy = max(energy, 0.0)
    gap = None if gap is None else max(0.0, float(gap))
    return Phase(formula, energy, gap, source=f"Materials Project {document.material_id}")


def _elements(chemical_system: str) -> list[str]:
    elements = sorted(set(chemical_system.split("-")))
    if not 1 <= len(elements) <= MAX_ELEMENTS or not set(elements) <= set(ATOMIC_NUMBER):
        fault = f"{chemical_system!r} is no chemical system of 1 to {MAX_ELEMENTS} elements such as Li-P-S"
        raise InvalidValue(fault, field="chemical_system", value=chemical_system)
    return elements
