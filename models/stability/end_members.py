"""The end members: phases with enthalpies of formation, measured but for six; see docs/end-members.md."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

from superion.errors import InvalidFormula, InvalidTable
from superion.featurizers.formula import Formula

END_MEMBERS = Path(__file__).parent / "data" / "end_members.csv"
KJ_PER_MOL = 96.485
"""One eV per particle [kJ/mol]."""
RED_PHOSPHORUS = -17.46
"""Enthalpy of formation of red phosphorus from the white one that the compilations refer to [kJ/mol] (JANAF)."""
CALCULATED = "calculated"
"""How the note of a row begins whose enthalpy nobody has measured."""
SOURCES: dict[str, str] = {
    "avdeev1996": "Avdeev et al., J. Phys. Chem. Solids 57 (1996) 947, doi:10.1016/0022-3697(95)00380-0",
    "barin": "Barin, Thermochemical Data of Pure Substances, 3rd ed., VCH 1995",
    "bennington1976": "Bennington, US Bureau of Mines RI 8187 (1976)",
    "crc": "CRC Handbook of Chemistry and Physics, Standard Thermodynamic Properties of Chemical Substances",
    "debski2012": "Dębski, Gąsior, Góral, Intermetallics 26 (2012) 157",
    "debski2013": "Dębski et al., Thermochim. Acta 551 (2013) 53",
    "gavritchev2003": "Gavritchev et al., J. Therm. Anal. Calorim. 73 (2003) 71",
    "iyer2006": "Iyer, Delacourt, Masquelier, Tarascon, Navrotsky, Electrochem. Solid-State Lett. 9 (2006) A46",
    "janaf": "Chase, NIST-JANAF Thermochemical Tables, 4th ed., J. Phys. Chem. Ref. Data Monograph 9 (1998)",
    "kim2017": "Kim, Meschel, Nash, Chen, Sci. Data 4 (2017) 170162, doi:10.1038/sdata.2017.162",
    "kubaschewski": "Kubaschewski, Alcock, Spencer, Materials Thermochemistry, 6th ed., Pergamon 1993",
    "lial2014": "Calorimetry of AlLi, Al2Li3 and Al4Li9, J. Alloys Compd. 586 (2014) 703",
    "liga2018": "Calorimetry of Ga9Li5, GaLi and Ga2Li3, J. Chem. Thermodyn. (2018), doi:10.1016/j.jct.2018.05.009",
    "lisb2016": "Enthalpy of formation of Li2Sb and Li3Sb and mixing enthalpy of liquid Li-Sb alloys (2016)",
    "lizn2016": "Calorimetric study of the Li-Zn system, J. Chem. Thermodyn. 103 (2016) 374",
    "mp": "Materials Project (doi:10.1063/1.4812323) in matbench v0.1 (doi:10.1038/s41524-020-00406-3); calculated",
    "nbs": "Wagman et al., NBS Tables of Chemical Thermodynamic Properties, J. Phys. Chem. Ref. Data 11 S2 (1982)",
    "radha2009": "Radha, Ushakov, Navrotsky, J. Mater. Res. 24 (2009) 3350, doi:10.1557/JMR.2009.0401",
    "sgte": "SGTE, Thermodynamic Properties of Inorganic Materials, Landolt-Börnstein IV/19, Springer 1999",
    "ushakov2001": "Ushakov, Helean, Navrotsky, Boatner, J. Mater. Res. 16 (2001) 2623",
    "wang2004": "Wang, Navrotsky, Solid State Ionics 166 (2004) 167",
    "wang2005": "Wang, Navrotsky, J. Solid State Chem. 178 (2005) 1182",
}

_HEADER = ["formula", "dHf_kJ_per_mol_formula", "electronic", "band_gap_eV", "source", "note"]


@dataclass(frozen=True)
class EndMember:
    """Hold one row of the table."""

    formula: Formula
    enthalpy: float
    """Standard enthalpy of formation at 298.15 K [kJ per mole of the formula as written], from white phosphorus."""
    electronic: Literal["metal", "insulator"]
    band_gap: float | None
    """Measured [eV]; None where none is given."""
    source: str
    """Key of `SOURCES`."""
    note: str

    @cached_property
    def formation_energy(self) -> float:
        """Return the enthalpy of formation from the elements, phosphorus red [eV/atom]."""
        from_red = self.enthalpy - RED_PHOSPHORUS * self.formula.amount("P")
        return from_red / self.formula.n_atoms / KJ_PER_MOL

    @property
    def measured(self) -> bool:
        """Tell whether the enthalpy was measured; a few are calculated, because the table is of no use without them."""
        return not self.note.startswith(CALCULATED)


def read_end_members(path: Path = END_MEMBERS) -> list[EndMember]:
    """Return the rows of the table in its order; raises InvalidTable for a file that is no such table."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if header != _HEADER:
            raise ValueError(f"its header is {','.join(header)[:80]!r}")
        return [_end_member(row) for row in rows]
    except (InvalidFormula, ValueError, csv.Error) as error:
        fault = f"{path.name} is no table of end members: {error}"
        raise InvalidTable(fault, field="path", value=path.name) from error


def _end_member(row: list[str]) -> EndMember:
    if len(row) != len(_HEADER):
        raise ValueError(f"{','.join(row)[:80]!r} has {len(row)} cells, the header has {len(_HEADER)}")
    formula, enthalpy, electronic, band_gap, source, note = row
    if not all(math.isfinite(float(number)) for number in (enthalpy, band_gap or "0")):
        raise ValueError(f"the numbers of {formula} are not finite")
    if electronic not in ("metal", "insulator"):
        raise ValueError(f"{formula} is {electronic!r}, neither metal nor insulator")
    if source not in SOURCES:
        raise ValueError(f"{formula} has the unknown source {source!r}")
    return EndMember(
        formula=Formula.parse(formula),
        enthalpy=float(enthalpy),
        electronic=cast(Literal["metal", "insulator"], electronic),
        band_gap=float(band_gap) if band_gap else None,
        source=source,
        note=note,
    )
