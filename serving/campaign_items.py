"""What a request for a campaign holds, item by item, as candidates and as measurements."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from superion.discovery.campaigns.creation import LONGEST_ID
from superion.discovery.campaigns.observing import Report
from superion.discovery.campaigns.rows import plain_text
from superion.discovery.candidates import Candidate, CandidateList
from superion.errors import InvalidValue, SuperionError
from superion.models.inputs import ReadMaterial, read_input
from superion.models.records import Failure
from superion.serving.campaign_bodies import CandidateBody, GivenMaterial, MeasuredBody
from superion.serving.limits import DEADLINE_SECONDS
from superion.serving.problems import Refusal
from superion.training.families import anion_family
from superion.training.table import Measurement, MeasurementTable

if TYPE_CHECKING:
    from superion.models.material import Material

SOURCE = "HTTP"
"""What the audit calls the place that candidates and measurements came from."""
KEPT_NOTES = 1000
"""Items that an answer names of each kind; of more it says how many they are."""


@dataclass(frozen=True)
class ItemNote:
    """Say something about one item of a request."""

    item: str
    """Such as `candidates.3`, counted from 0."""
    id: str
    reason: str


@dataclass
class Items:
    """Read the items of a request; what cannot be used is left out with a note, and nothing in silence.

    `arrival` is when the request arrived [seconds of time.monotonic()]. Raises Refusal where reading takes too long.
    """

    arrival: float
    left_out: list[ItemNote] = field(default_factory=list)
    notes: list[ItemNote] = field(default_factory=list)

    def candidates(self, bodies: Sequence[CandidateBody]) -> CandidateList:
        """Return the candidates, each material once.

        Raises InvalidValue for an id that is given twice or cannot be kept, and where no candidate is left.
        """
        found: list[Candidate] = []
        first: dict[bytes, str] = {}
        ids: dict[str, int] = {}
        digest = hashlib.sha256()
        for place, body in enumerate(bodies):
            item = f"candidates.{place}"
            read = self._read(item, body)
            if read is None:
                continue
            material = read.material
            name = _id(item, body.id, material)
            if name in ids:
                raise InvalidValue(
                    f"candidates.{ids[name]} and {item} have the id {name!r}; ids must be unique",
                    field=f"{item}.id",
                    value=name,
                )
            ids[name] = place
            same = first.setdefault(material.key, name)
            if same != name:
                text = f"the same material as {same!r}: one of them is a candidate"
                self.left_out.append(ItemNote(item, name, text))
                continue
            self.notes += [ItemNote(item, name, text) for text in read.notes]
            digest.update(f"{len(name.encode())} {name}".encode() + material.key)
            found.append(Candidate(name, material, _family(item, body.family) or anion_family(material.formula)))
        if not found:
            raise InvalidValue(
                f"none of the {len(bodies)} candidates can be used; the first: {self.left_out[0].reason}",
                field="candidates.0",
            )
        return CandidateList(SOURCE, tuple(found), digest=digest.hexdigest())

    def measured(self, bodies: Sequence[MeasuredBody]) -> MeasurementTable | None:
        """Return the measurements; the line of a row is its place, from 0. None where none is given."""
        if not bodies:
            return None
        rows: list[Measurement] = []
        digest = hashlib.sha256()
        for place, body in enumerate(bodies):
            item = f"measured.{place}"
            read = self._read(item, body)
            if read is None:
                continue
            name = _id(item, body.id, read.material)
            try:
                row = replace(_measurement(body, read.material), id=name, line=place)
            except SuperionError as error:
                self.left_out.append(ItemNote(item, name, error.message))
                continue
            self.notes += [ItemNote(item, name, text) for text in read.notes]
            digest.update(body.model_dump_json().encode())
            rows.append(row)
        return MeasurementTable(SOURCE, tuple(rows), digest=digest.hexdigest())

    def _read(self, item: str, body: GivenMaterial) -> ReadMaterial | None:
        if time.monotonic() - self.arrival > DEADLINE_SECONDS:
            raise Refusal(504)
        found = read_input(body.given())
        if isinstance(found, Failure):
            name = getattr(body, "id", None) or body.formula or ""
            self.left_out.append(ItemNote(item, name[:LONGEST_ID], found.message))
            return None
        return found


def shown(notes: Iterable[ItemNote]) -> list[ItemNote]:
    """Return notes as an answer has them: no more than it can hold."""
    found = list(notes)
    more = len(found) - KEPT_NOTES
    return [*found[:KEPT_NOTES], ItemNote("", "", f"and {more} more")] if more > 0 else found


def _measurement(body: MeasuredBody, material: Material) -> Measurement:
    """Return a measurement without id and line; raises InvalidValue for what cannot be one."""
    observed = Report(
        candidate="",
        value=body.conductivity,
        unit=body.unit,
        temperature_C=body.temperature_C,
        activation_energy_eV=body.activation_energy_eV,
        kind=body.kind,
        source=body.source,
    ).checked()
    return Measurement(
        id="",
        line=0,
        material=material,
        temperature_c=observed.temperature_c,
        log10_conductivity=observed.log10_conductivity,
        censored=observed.censored,
        activation_energy=observed.activation_energy,
        kind=observed.kind,
        family=_family("", body.family) or None,
        source=observed.source,
    )


def _id(item: str, given: str | None, material: Material) -> str:
    try:
        return plain_text("id", material.formula.text if given is None else given, LONGEST_ID)
    except InvalidValue as error:
        raise InvalidValue(error.message, field=f"{item}.id", value=error.value) from None


def _family(item: str, given: str | None) -> str:
    try:
        return " ".join(plain_text("family", given or "", LONGEST_ID, empty=True).split())
    except InvalidValue as error:
        raise InvalidValue(error.message, field=f"{item}.family", value=error.value) from None
