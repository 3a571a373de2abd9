"""Measure the staircase of five-element compositions beside pymatgen, then contacts and the reading of the tables.

Needs the data sets `mp-formation-energies` and `mp-band-gaps`. Both sides have read the table. There are two of
pymatgen: with the phase diagram of the system built in advance, and with it built for every composition, as where
systems change from one to the next. Ours stands beside the first with its system kept from an earlier call, beside the
second with it cut from the table anew. Contenders take turns in one process and one thread. Hull energies and numbers
of steps must be equal.

What pymatgen is not timed at stands without a peer: one contact of an electrolyte, the same with all named partners,
both with their systems kept from an earlier call, and the reading of the two files.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from featurisation.clock import Contender, in_turn, timed
from featurisation.report import Comparison, Figure, table

from superion import home
from superion.featurizers import Formula
from superion.models.stability import PhaseTable, analyse, read_phase_table
from superion.models.stability.interface import react
from superion.models.stability.partners import PARTNERS, meet_all

TARGET = 10.0
ELECTROLYTES = ("Li3PS4", "Li10GeP2S12", "Li6PS5Cl", "Li3YCl6", "Li1.3Al0.3Ti1.7(PO4)3", "Li7La3Zr2O12")
"""That meet partners."""
CATHODE = "LiCoO2"
"""The partner of the one contact."""
OTHERS = (
    "B",
    "N",
    "O",
    "Mg",
    "Al",
    "Si",
    "P",
    "S",
    "Cl",
    "Ti",
    "Ga",
    "Ge",
    "Br",
    "Y",
    "Zr",
    "In",
    "Sn",
    "I",
    "La",
    "Ta",
)


def main() -> None:
    """Measure and print a table, and one JSON document."""
    options = arguments()
    names = ("mp_e_form.csv", "mp_gap.csv")
    if options.data is None:
        files = home.data_files([f"matbench/{name}" for name in names])
    else:
        files = [options.data / name for name in names]
    if files is None or not all(file.is_file() for file in files):
        sys.exit(f"{' and '.join(names)} are not here: fetch mp-formation-energies and mp-band-gaps, or give --data")
    phases = read_phase_table(files[0], "matbench", files[1])
    figure = measure(phases, formulas(options.compositions), options.rounds)
    figure = replace(
        figure,
        comparisons=[
            *figure.comparisons,
            *contacts(phases, options.rounds),
            *reading(files[0], files[1], options.rounds),
        ],
    )
    print(table([figure]), file=sys.stderr, flush=True)
    print(json.dumps(figure.as_dict(), indent=1, allow_nan=False))


def formulas(count: int) -> list[Formula]:
    """Return `count` compositions of lithium and four more elements."""
    rng = np.random.default_rng(0)
    found = [Formula.parse(text) for text in ("Li1.3Al0.3Ti1.7P3O12", "Li1.5Al0.5Ge1.5P3O12", "Li6.25Al0.25La3Zr2O12")]
    while len(found) < count:
        elements = ["Li", *rng.choice(OTHERS, size=4, replace=False).tolist()]
        found.append(Formula.from_amounts({symbol: float(rng.integers(1, 13)) for symbol in elements}))
    return found[:count]


def measure(phases: PhaseTable, asked: list[Formula], rounds: int) -> Figure:
    """Compare with both of pymatgen's; raises AssertionError where the answers differ."""
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition, Element

    lithium, compositions, entries, sizes = Element("Li"), [], [], []
    for formula in asked:
        system = phases.system({*formula.symbols, "Li"})
        sizes.append(len(system.rows))
        compositions.append(Composition(dict(zip(formula.symbols, formula.amounts, strict=True))))
        texts = [phases.formula(row).text for row in system.rows.tolist()]
        pairs = zip(map(Composition, texts), system.energies.tolist(), strict=True)
        entries.append([PDEntry(composition, energy * composition.num_atoms) for composition, energy in pairs])
    diagrams = [PhaseDiagram(each) for each in entries]

    def theirs(diagram: Any, composition: Any) -> tuple[float, int]:
        return diagram.get_hull_energy_per_atom(composition), len(diagram.get_element_profile(lithium, composition))

    steps = []
    for formula, diagram, composition in zip(asked, diagrams, compositions, strict=True):
        found, expected = analyse(phases, formula), theirs(diagram, composition)
        assert abs(found.hull_energy_eV_per_atom - expected[0]) < 1e-6, formula
        assert len(found.staircase) == expected[1], formula
        steps.append(expected[1])

    def anew(formula: Formula) -> object:
        phases.forget_systems()
        return analyse(phases, formula)

    places = range(len(asked))
    contenders: dict[str, Contender] = {
        "kept": contender(lambda n: analyse(phases, asked[n]), places, 20),
        "built": contender(lambda n: theirs(diagrams[n], compositions[n]), places, 3),
        "anew": contender(lambda n: anew(asked[n]), places, 20),
        "building": contender(lambda n: theirs(PhaseDiagram(entries[n]), compositions[n]), places, 1),
    }
    times = in_turn(contenders, rounds)
    job = "staircase of five elements"
    return Figure(
        "stability",
        [
            Comparison(f"{job}, system kept", "pymatgen, built", len(asked), times["kept"], times["built"], TARGET),
            Comparison(f"{job}, system anew", "pymatgen", len(asked), times["anew"], times["building"], TARGET),
        ],
        details={
            "phases in a system": {"lowest": min(sizes), "median": float(np.median(sizes)), "highest": max(sizes)},
            "steps": {"lowest": min(steps), "median": float(np.median(steps)), "highest": max(steps)},
        },
    )


def contacts(phases: PhaseTable, rounds: int) -> list[Comparison]:
    """Time one contact of every electrolyte, and its contacts with all named partners."""
    times = in_turn(
        {
            "one": lambda: timed(lambda electrolyte: react(phases, electrolyte, CATHODE), ELECTROLYTES, 20),
            "all": lambda: timed(lambda electrolyte: list(meet_all(phases, electrolyte)), ELECTROLYTES, 3),
        },
        rounds,
    )
    jobs = {"one": f"contact with {CATHODE}", "all": f"contacts with {len(PARTNERS)} partners"}
    return [Comparison(job, "", len(ELECTROLYTES), times[name], None, None) for name, job in jobs.items()]


def reading(energies: Path, gaps: Path, rounds: int) -> list[Comparison]:
    """Time the reading of the energies, alone and with the band gaps."""
    jobs = {"energies read": [None], "energies and band gaps read": [gaps]}
    contenders: dict[str, Contender] = {
        job: partial(timed, lambda path: read_phase_table(energies, "matbench", path), paths)
        for job, paths in jobs.items()
    }
    times = in_turn(contenders, rounds)
    return [Comparison(job, "", 1, times[job], None, None) for job in jobs]


def contender(job: Callable[[int], object], places: range, repeats: int) -> Contender:
    """Return a contender that does every composition."""
    return lambda: timed(job, places, repeats)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--compositions", type=int, default=30, help="how many")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--data", type=Path, help="folder of the two files, by default that of the data sets")
    return parser.parse_args()


if __name__ == "__main__":
    main()
