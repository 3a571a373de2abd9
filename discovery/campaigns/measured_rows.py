"""A table of measurements beside the candidates of a new campaign: which of them it measured, what else is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from superion.discovery.campaigns.observing import shortest_conductivity
from superion.discovery.campaigns.state import Observation
from superion.discovery.candidates import Candidate
from superion.models.material import Material
from superion.training.families import families_of
from superion.training.row_materials import RowNote
from superion.training.table import Measurement


@dataclass
class Known:
    """Gather the candidates of a campaign, those that rows of a table add, and the observations that they are."""

    candidates: list[Candidate]
    observed: list[tuple[int, Observation]] = field(default_factory=list)
    """Each with the place of its candidate."""
    notes: list[RowNote] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = {candidate.id for candidate in self.candidates}
        self._by_composition: dict[str, list[int]] = {}
        for place, candidate in enumerate(self.candidates):
            self._by_composition.setdefault(candidate.material.formula.canonical, []).append(place)

    def add(self, rows: Sequence[Measurement], by: str, at: datetime) -> None:
        """Take the rows of a table: what is measured of a candidate, and what is not a candidate yet."""
        for row, family in zip(rows, families_of(rows), strict=True):
            if row.log10_conductivity is None:
                self._note(row, "has no conductivity, and a campaign keeps no activation energy alone")
                continue
            if row.std_log10 is not None:
                self._note(row, f"its standard deviation of {row.std_log10:g} decades is not kept")
            place = self._place_of(row)
            if place is None:
                place = self._new_candidate(row, family)
            self.observed.append((place, self._observation(row, self.candidates[place].id, by, at)))

    def _observation(self, row: Measurement, candidate: str, by: str, at: datetime) -> Observation:
        assert row.log10_conductivity is not None
        below = "<" if row.censored else ""
        return Observation(
            number=len(self.observed) + 1,
            candidate=candidate,
            log10_conductivity=row.log10_conductivity,
            censored=row.censored,
            temperature_c=row.temperature_c,
            activation_energy=row.activation_energy,
            kind=row.kind,
            source=row.doi or row.source,
            given=f"{below}{shortest_conductivity(row.log10_conductivity)} S/cm",
            by=by,
            at=at,
        )

    def _place_of(self, row: Measurement) -> int | None:
        """Return the place of the candidate that a row measured, None where it is of none, or of which is not told."""
        same = self._by_composition.get(row.composition, [])
        for place in same:
            if self.candidates[place].material.key == row.material.key:
                return place
        # Two structures of one composition are two materials; one of which no structure is known may be either.
        open_ = [place for place in same if not _both_have_crystals(self.candidates[place].material, row.material)]
        formulas = [place for place in open_ if self.candidates[place].material.crystal is None]
        if formulas or len(open_) == 1:
            return (formulas or open_)[0]
        if len(open_) > 1:
            names = ", ".join(repr(self.candidates[place].id) for place in open_[:5])
            self._note(row, f"has the composition of {names}, and does not tell which structure was measured")
        return None

    def _new_candidate(self, row: Measurement, family: str) -> int:
        name, number = row.id, 1
        while name in self._ids:
            number += 1
            name = f"{row.id} ({number})"
        called = "" if name == row.id else f", called {name!r}"
        self._note(row, f"is none of the candidates, and was added to them as measured{called}")
        place = len(self.candidates)
        self.candidates.append(Candidate(name, row.material, family))
        self._ids.add(name)
        self._by_composition.setdefault(row.composition, []).append(place)
        return place

    def _note(self, row: Measurement, text: str) -> None:
        self.notes.append(RowNote(row.id, row.line, text))


def _both_have_crystals(one: Material, other: Material) -> bool:
    return one.crystal is not None and other.crystal is not None
