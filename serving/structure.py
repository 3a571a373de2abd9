"""Answer `POST /structure`: the sites of a crystal, and the way of lithium through its bond-valence landscape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from superion.errors import InvalidCrystal, SuperionError
from superion.serving.forms import STRICT, Form
from superion.serving.problems import Refusal
from superion.serving.route import Asked, Route

if TYPE_CHECKING:
    from superion.featurizers.crystal import Crystal

KINDS = ("cif", "poscar", "structure")


class StructureBody(BaseModel):
    """One crystal: exactly one of `cif`, `poscar` and `structure`."""

    model_config = STRICT

    cif: str | None = Field(None, description="The text of a CIF file; partial occupancies are kept.")
    poscar: str | None = Field(None, description="The text of a POSCAR file.")
    structure: dict[str, Any] | None = Field(None, description="What pymatgen's `Structure.as_dict()` gives.")


EXPECTED = {
    "": "an object with one of the keys cif, poscar and structure",
    "cif": "text",
    "poscar": "text",
    "structure": "an object as pymatgen's Structure.as_dict() gives",
}

Vector = Annotated[list[float], Field(min_length=3, max_length=3)]
Indices = Annotated[list[int], Field(min_length=3, max_length=3)]


class SiteSpecies(BaseModel):
    """One element on a site."""

    element: str
    occupancy: float


class Site(BaseModel):
    """One site, within the cell."""

    label: str | None = Field(description="Its name in the file.")
    fractional: Vector
    cartesian: Vector = Field(description="In angstrom.")
    species: list[SiteSpecies] = Field(description="An occupancy below 1 in sum leaves the site partly vacant.")
    radius_angstrom: float = Field(description="Ionic radius, the mean over what is on the site.")


class Path(BaseModel):
    """The way of the lowest barrier, from the lowest place of the ion to an image of it."""

    fractional: list[Vector] = Field(description="Not wrapped into the cell.")
    distance_angstrom: list[float] = Field(description="Length of the way up to each point.")
    energy_eV: list[float] = Field(description="Above the lowest point.")  # noqa: N815 - given
    lattice_vector: Indices = Field(description="Where the way leads, in lattice vectors.")


class Surface(BaseModel):
    """The surface of one energy, as triangles."""

    energy_eV: float = Field(description="Above the lowest point.")  # noqa: N815 - given
    vertices: list[Vector] = Field(description="Cartesian, in angstrom.")
    triangles: list[Indices] = Field(description="Three vertices each, counted from 0.")


class Barriers(BaseModel):
    """The energies from which on the ion wanders in 1, 2 and 3 dimensions; null where nothing opens the way."""

    one: float | None = Field(alias="1")
    two: float | None = Field(alias="2")
    three: float | None = Field(alias="3")


class Migration(BaseModel):
    """What the bond-valence landscape says of the wandering of one ion; the framework does not relax."""

    ion: str
    resolution_angstrom: float
    barriers_eV: Barriers = Field(description="Above the lowest point.")  # noqa: N815 - given
    path: Path
    surface: Surface
    notes: list[str]


class StructureAnswer(BaseModel):
    """The crystal, and the migration of lithium in it."""

    formula: str
    space_group_number: int | None = Field(description="As the file declares it.")
    lattice: Annotated[list[Vector], Field(min_length=3, max_length=3)] = Field(
        description="Rows are the lattice vectors, in angstrom."
    )
    sites: list[Site]
    notes: list[str] = Field(description="What was assumed or changed in reading.")
    migration: Migration | None = Field(description="Null where it cannot be computed.")
    reason: str | None = Field(description="Why there is no migration.")


def answer(asked: Asked[StructureBody]) -> dict[str, Any]:
    """Return the document of a crystal."""
    from superion.serving.migration import migration, sites

    crystal = _crystal(asked.body)
    try:
        wandering, reason = migration(crystal), None
    except SuperionError as error:
        wandering, reason = None, error.message
    return {
        "formula": str(crystal.formula),
        "space_group_number": crystal.space_group_number,
        "lattice": crystal.lattice.round(6).tolist(),
        "sites": sites(crystal),
        "notes": list(crystal.notes),
        "migration": wandering,
        "reason": reason,
    }


def _crystal(body: StructureBody) -> Crystal:
    from superion.featurizers.crystal import Crystal

    given: Mapping[str, Any] = {kind: value for kind in KINDS if (value := getattr(body, kind)) is not None}
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise Refusal(400, f"exactly one of cif, poscar and structure is right; the body has {found}")
    ((kind, value),) = given.items()
    read = {"cif": Crystal.from_cif, "poscar": Crystal.from_poscar, "structure": Crystal.from_dict}[kind]
    try:
        return read(value)  # type: ignore[operator] # each is given what it reads
    except InvalidCrystal as error:
        raise Refusal(400, error.message, code=error.code, field=kind) from None


EXAMPLE = """data_Li3OCl
_cell_length_a 3.91
_cell_length_b 3.91
_cell_length_c 3.91
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_space_group_name_H-M_alt 'P m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Li1 Li 0.5 0 0
O1 O 0 0 0
Cl1 Cl 0.5 0.5 0.5
"""

STRUCTURE = Route(
    "/structure",
    Form(StructureBody, EXPECTED),
    answer,
    StructureAnswer,
    summary="The sites of a crystal, and how lithium wanders in it by bond valence.",
    description="The bond-valence landscape of softBV: barriers, the way of the lowest one and the surface around the "
    "places that lithium reaches on it. Quantities to compare crystals by, and no activation energies. No model is "
    "needed.",
    success="The crystal; the migration, or why it cannot be computed.",
    example={"cif": EXAMPLE},
)
