"""The answers of `POST /window`, `/interface` and `/environment` as models, which document them at `/docs.json`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from superion.serving.answer_schema import Phase, Step


class WindowAnswer(BaseModel):
    """The window of potentials, the reaction with lithium metal and the staircase; energies are formation energies."""

    table: str = Field(description="Which formation energies: matbench, end-members, or a file's name.")
    formula: str
    energy_eV_per_atom: float = Field(  # noqa: N815 - given
        description="What the energies of reaction start from."
    )
    energy_source: Literal["given", "table", "hull"]
    hull_energy_eV_per_atom: float  # noqa: N815 - given
    energy_above_hull_eV_per_atom: float | None = Field(  # noqa: N815 - given
        description="Null where the table has no energy of this composition and none was given."
    )
    decomposition: list[Phase] = Field(description="The mixture on the hull, without lithium metal.")
    reaction_energy_eV_per_atom: float = Field(description="With lithium metal.")  # noqa: N815 - given
    reduction_limit_V: float  # noqa: N815 - given
    oxidation_limit_V: float | None = Field(  # noqa: N815 - given
        description="Null where there is no lithium to extract."
    )
    interphase: str = Field(alias="class", description="stable, mixed-conducting or passivating.")
    products: list[Phase] = Field(description="The mixture in equilibrium with lithium metal.")
    staircase: list[Step] = Field(description="From 0 V upward.")
    notes: list[str]
    warnings: list[str]


class Reactant(BaseModel):
    """What a reaction starts from; energies are formation energies."""

    formula: str
    energy_eV_per_atom: float  # noqa: N815 - given
    energy_source: Literal["table", "hull"]
    hull_energy_eV_per_atom: float  # noqa: N815 - given
    energy_above_hull_eV_per_atom: float | None = Field(  # noqa: N815 - given
        description="Null where the table has no energy of this composition."
    )


class PartnerReactant(Reactant):
    """The partner, with what it is known by."""

    name: str | None = Field(description="Null for a formula that is no named partner.")
    roles: list[Literal["anode", "current collector", "coating", "cathode"]]
    source: str | None = Field(description="Of an anode's potential.")


class UnknownPartner(BaseModel):
    """A named partner that could not be judged."""

    name: str
    roles: list[Literal["anode", "current collector", "coating", "cathode"]]
    source: str | None
    formula: str


class Kink(BaseModel):
    """The reaction at one ratio of the two, where the products change."""

    ratio: float = Field(description="Atoms of the electrolyte over atoms of both.")
    electrolyte_amount: float = Field(description="Formula units; with the partner's they are 1.")
    partner_amount: float
    reaction_energy_eV_per_atom: float  # noqa: N815 - given
    mutual_energy_eV_per_atom: float = Field(  # noqa: N815 - given
        description="From what each decomposes to alone."
    )
    lithium_uptake: float = Field(description="For these amounts; 0 where lithium is not open.")
    products: list[Phase]
    interphase: str = Field(alias="class", description="stable, mixed-conducting or passivating.")


class ContactFault(BaseModel):
    """Why one of all partners could not be judged."""

    code: str = Field(
        description="invalid_formula where the table does not know the partner or the elements of both are too many, "
        "no_equilibrium for a fault of superion."
    )
    message: str


class UnknownContact(BaseModel):
    """The contact with a partner that could not be judged."""

    partner: UnknownPartner
    error: ContactFault


class Contact(BaseModel):
    """The contact with one partner; energies are per atom of both."""

    partner: PartnerReactant
    potential_V: float | None = Field(  # noqa: N815 - given
        description="At which lithium is open; null where it is not."
    )
    reaction_energy_eV_per_atom: float = Field(description="At the worst ratio.")  # noqa: N815 - given
    mutual_energy_eV_per_atom: float = Field(  # noqa: N815 - given
        description="At the ratio at which the contact adds most to what each does alone."
    )
    interphase: str = Field(alias="class", description="stable, mixed-conducting or passivating.")
    worst: Kink
    worst_mutual: Kink
    electrolyte_alone: Kink
    partner_alone_eV_per_atom: float = Field(  # noqa: N815 - given
        description="Set free by the partner alone in contact with open lithium, and no part of the reaction energies."
    )
    kinks: list[Kink] = Field(description="From pure partner to pure electrolyte, with straight lines in between.")
    notes: list[str]


class InterfaceAnswer(BaseModel):
    """The contacts of an electrolyte."""

    table: str = Field(description="Which formation energies: matbench, end-members, or a file's name.")
    electrolyte: Reactant
    potential_V: float | None = Field(description="As asked for.")  # noqa: N815 - given
    contacts: list[Contact | UnknownContact] = Field(description="One, or that of each named partner, by role.")
    warnings: list[str]


class MeasuredScale(BaseModel):
    """How the table was brought to the scale of the measured phases."""

    energy_eV_per_atom: float = Field(description="What the reactions start from.")  # noqa: N815 - given
    made_of: list[str] = Field(description="The measured solids that the composition was compared with.")


class Product(Phase):
    """A phase with its state."""

    state: Literal["solid", "liquid", "gas"]


class Outcome(BaseModel):
    """One reaction, for a formula unit of the electrolyte as it was written."""

    reaction_energy_eV_per_atom: float = Field(description="Per atom of the electrolyte.")  # noqa: N815 - given
    taken_up: dict[str, float] = Field(description="Molecules of H2O and CO2.")
    energy_eV_per_molecule: float | None = Field(  # noqa: N815 - given
        description="Over the molecules taken up, of both kinds; null where there are none."
    )
    products: list[Product]
    hydrogen_sulfide_per_formula: float
    hydrogen_sulfide_cm3_per_g: float = Field(description="Of the electrolyte, at 25 degrees Celsius and 1 bar.")


class Exposure(BaseModel):
    """The reactions in one atmosphere."""

    atmosphere: Literal["water", "carbon dioxide", "moist air"]
    worst: Outcome = Field(description="At the ratio of lowest energy per atom of all that reacts.")
    in_excess: Outcome = Field(description="With as much as is taken up.")


class EnvironmentAnswer(BaseModel):
    """What can happen in water and air, by thermodynamics."""

    table: str = Field(description="Which formation energies: matbench, end-members, or a file's name.")
    electrolyte: Reactant
    thermodynamic: Literal[True]
    water: Literal["liquid", "gas"]
    measured_scale: MeasuredScale
    exposures: list[Exposure]
    notes: list[str]
