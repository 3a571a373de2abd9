"""Write the bond-valence and oxidation-state tables of featurizers/data/ from the public tables they come from.

Run it as `python tools/make_bond_valence_tables.py BVLAIN DATABASES`, with pymatgen and ASE installed: BVLAIN is the
folder `bvlain/data` of the BVlain package (0.25.1, MIT licence), DATABASES a folder with `database_unitary.txt` and
`database_binary.txt` of softBV, as in the repository dembart/aBVff by the same author. The output is committed, so only
a change of source needs it.

The two sources are held against each other and against the relations that softBV publishes; a pair that breaks them
stops the run.
"""

from __future__ import annotations

import csv
import math
import pickle
import re
import statistics
import sys
from collections import defaultdict
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from superion.featurizers.bond_valence import MINIMUM_SCALE, SOFTNESS_WEIGHT, d0_of
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS

DATA = Path(__file__).resolve().parent.parent / "featurizers" / "data"
BLOCKS = {"0": "s", "1": "p", "2": "d", "3": "f"}
"""softBV's code of the valence shell; 1 is any main group."""
OLD_N3_SOFTNESS = 0.197
"""Softness of N3- that BVlain's table was made with; softBV's list of ions has 0.16139."""


class Ion(NamedTuple):
    block: str
    radius: float
    softness: float


class Pair(NamedTuple):
    r0: float
    b: float
    r_min: float | None
    d0: float | None


Key = tuple[str, int, str, int]


def read_ions(folder: Path) -> dict[tuple[str, int], Ion]:
    """Return softBV's ions; the noble gases, and species that are no elements (D, water, ammonium), are left out."""
    ions = {}
    for row in csv.DictReader((folder / "database_unitary.txt").read_text().splitlines(), delimiter="\t"):
        if row["ty"] in ATOMIC_NUMBER and int(row["os"]) != 0 and int(row["an"]) > 0:
            ions[row["ty"], int(row["os"])] = Ion(BLOCKS[row["b"]], float(row["rc"]), float(row["sf"]))
    return ions


def read_bvlain(folder: Path, ions: dict[tuple[str, int], Ion]) -> dict[Key, Pair]:
    """Return BVlain's pairs, checked; a negative `alpha` there leaves b positive, and no minimum and depth."""
    with (folder / "cation.pkl").open("rb") as file:
        nested = pickle.load(file)
    with (folder / "anion.pkl").open("rb") as file:
        mirrored = pickle.load(file)
    pairs = {}
    for z, charges in nested.items():
        for charge, anions in charges.items():
            for zx, anion_charges in anions.items():
                for anion_charge, found in anion_charges.items():
                    if mirrored[zx][anion_charge][z][charge] != found:
                        sys.exit(f"BVlain's two tables differ on {z} {charge} {zx} {anion_charge}")
                    key = (SYMBOLS[z - 1], int(charge), SYMBOLS[zx - 1], int(anion_charge))
                    pairs[key] = pair_of(key, {name: float(v) for name, v in found.items()}, ions)
    return pairs


def pair_of(key: Key, found: dict[str, float], ions: dict[tuple[str, int], Ion]) -> Pair:
    """Return one pair of BVlain after holding its depth against the published relation."""
    b = round(1 / found["alpha"], 3)
    if abs(1 / b - found["alpha"]) > 2e-6:
        sys.exit(f"{key}: alpha {found['alpha']} is not the inverse of a b with three decimals")
    cation, charge, anion, anion_charge = key
    depth = d0_of(cation, ions[cation, charge].block, charge, anion, anion_charge, b, found["r_min"])
    if abs(depth / found["d0"] - 1) > 2e-4:
        sys.exit(f"{key}: the depth {found['d0']} is not the {depth} of the relation")
    sound = b > 0
    return Pair(found["r0"], abs(b), found["r_min"] if sound else None, found["d0"] if sound else None)


def coordination_numbers(pairs: dict[Key, Pair], ions: dict[tuple[str, int], Ion]) -> dict[tuple[str, int], float]:
    """Return the coordination number of each cation that reproduces its tabulated minima, to three decimals."""
    implied = defaultdict(dict)
    for (cation, charge, anion, anion_charge), pair in pairs.items():
        if pair.r_min is None:
            continue
        softness = OLD_N3_SOFTNESS if anion == "N" else ions[anion, anion_charge].softness
        scale = MINIMUM_SCALE + SOFTNESS_WEIGHT * abs(ions[cation, charge].softness - softness)
        implied[cation, charge][anion] = charge * math.exp((pair.r_min - pair.r0 * scale) / pair.b)
    numbers = {}
    for ion, by_anion in implied.items():
        middle = by_anion["O"] if ion == ("Li", 1) else statistics.median(by_anion.values())
        if ion != ("Li", 1) and max(abs(n / middle - 1) for n in by_anion.values()) > 2e-3:
            sys.exit(f"the minima of {ion} need more than one coordination number: {by_anion}")
        numbers[ion] = round(middle, 3)
    numbers["H", 1] = 1.4  # in no pair of BVlain; softBV's list of pairs gives it for H-O
    return numbers


def read_rest(folder: Path, known: dict[Key, Pair], ions: dict[tuple[str, int], Ion]) -> dict[Key, Pair]:
    """Return the pairs of softBV's own list that BVlain leaves out, such as those of P3- and H-."""
    pairs = {}
    for row in csv.DictReader((folder / "database_binary.txt").read_text().splitlines(), delimiter="\t"):
        key = (row["Type+"], int(row["os+"]), row["Type-"], int(row["os-"]))
        if key not in known and key[:2] in ions and key[2:] in ions:
            pairs[key] = Pair(float(row["R0(A)"]), float(row["b"]), None, None)
    return pairs


def states_of_icsd() -> list[tuple[str, int, int]]:
    """Return element, oxidation state and number of ICSD entries; common states count once where there is no number."""
    import yaml
    from pymatgen import core

    icsd = yaml.safe_load((Path(core.__file__).parent / "icsd_bv.yaml").read_text())
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for species, count in icsd["occurrence"].items():
        symbol, size, sign = re.fullmatch(r"([A-Z][a-z]?)(\d*)([+-])", species).groups()
        state = int(size or 1) * (1 if sign == "+" else -1)
        if state:
            counts[symbol][state] = count
    for symbol in SYMBOLS[:103]:
        if symbol not in counts:
            counts[symbol] = {int(state): 1 for state in core.Element(symbol).common_oxidation_states}
    return [(s, q, counts[s][q]) for s in sorted(counts, key=ATOMIC_NUMBER.get) for q in sorted(counts[s])]


def radii() -> list[tuple[str, str, str, str]]:
    """Return the covalent radius and the two bond-valence parameters of each element, empty where there is none."""
    import yaml
    from ase.data import covalent_radii
    from pymatgen import core

    okeeffe = yaml.safe_load((Path(core.__file__).parent / "bvparam_1991.yaml").read_text())
    rows = []
    for symbol in SYMBOLS[:96]:  # Cordero's radii end with curium; ASE fills in 0.2 beyond
        found = okeeffe.get(symbol, {"r": "", "c": ""})
        rows.append((symbol, f"{covalent_radii[ATOMIC_NUMBER[symbol]]:g}", str(found["r"]), str(found["c"])))
    return rows


def write(name: str, says: str, header: list[str], rows: list[tuple[object, ...]]) -> None:
    """Write one table with a line on what it is."""
    with (DATA / name).open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {says} See README.md in this folder.\n")
        file.write("# Written by tools/make_bond_valence_tables.py: do not edit.\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def main(bvlain: Path, databases: Path) -> None:
    """Write the tables."""
    ions = read_ions(databases)
    tabulated = read_bvlain(bvlain, ions)
    numbers = coordination_numbers(tabulated, ions)
    pairs = {**tabulated, **read_rest(databases, tabulated, ions)}
    in_order = sorted(pairs, key=lambda key: (ATOMIC_NUMBER[key[0]], key[1], ATOMIC_NUMBER[key[2]], key[3]))
    write(
        "softbv_pairs.csv",
        "Bond-valence parameters of softBV; r_min and d0 are empty where its relations give them.",
        ["cation", "cation_charge", "anion", "anion_charge", "r0", "b", "r_min", "d0"],
        [(*key, *("" if value is None else value for value in pairs[key])) for key in in_order],
    )
    write(
        "softbv_ions.csv",
        "Ions of softBV: valence block, covalent radius, softness, coordination number (cations).",
        ["symbol", "charge", "block", "radius", "softness", "coordination"],
        [
            (*ion, *ions[ion], numbers.get(ion, ""))
            for ion in sorted(ions, key=lambda ion: (ATOMIC_NUMBER[ion[0]], ion[1]))
        ],
    )
    version = metadata.version("pymatgen")
    write(
        "bond_radii.csv",
        f"Covalent radii (Cordero) and bond-valence parameters (O'Keeffe and Brese; pymatgen {version}) of elements.",
        ["symbol", "covalent_radius", "bond_valence_r", "bond_valence_c"],
        radii(),
    )
    write(
        "oxidation_states.csv",
        f"How often each element occurs in each oxidation state in the ICSD (pymatgen {version}).",
        ["symbol", "state", "count"],
        states_of_icsd(),
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
