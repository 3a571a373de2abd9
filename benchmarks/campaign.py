"""Time a campaign's next batch: from 100,000 candidates that the model has not seen, and from 1,000.

The candidates are doping series of an argyrodite. The first batch asks the model about every candidate, the next one
finds that kept. Imports and the first passes of the networks, which a process does once, are not in it; nor is there a
peer that would answer the same. Prints a JSON document, and a table on standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

import numpy as np

from superion.discovery.campaigns.state import CampaignState, Observation
from superion.discovery.candidates import Candidate
from superion.discovery.choice.forecasts import InMemory
from superion.discovery.choice.suggesting import Chooser
from superion.discovery.goal import Goal
from superion.discovery.series import Plan, doping_series
from superion.discovery.swaps import Swap
from superion.featurizers.formula import Formula
from superion.loading import load_predictor
from superion.models.material import Material
from superion.training.families import anion_family

N_MEASURED = 30
SWAPS = ("S>Se,O", "Cl>Br,I", "P>Sb,Si,Ge")
REACTION_ENERGY = -0.6
"""Limit of the condition [eV/atom], which argyrodites with much oxygen meet."""


def candidates(n: int) -> tuple[Candidate, ...]:
    """Return n compositions of doping series of an argyrodite, drawn with a fixed seed."""
    # 1,895 compositions, or 188,230 where the first are too few.
    step, at_once = (0.1, 2) if n < 1_500 else (0.05, 3)
    plan = Plan(tuple(map(Swap.parse, SWAPS)), step, "Li", at_once=at_once, limit=200_000)
    series = doping_series(Formula.parse("Li6PS5Cl"), plan).candidates
    chosen = np.random.default_rng(0).choice(len(series), n, replace=False)
    formulas = [Formula.parse(str(series[place].formula)) for place in chosen]
    return tuple(
        Candidate(f"c{place}", Material(formula), anion_family(formula)) for place, formula in enumerate(formulas)
    )


def state(some: Sequence[Candidate], goal: Goal) -> CampaignState:
    """Return a campaign of candidates, some of which were measured at values that follow no rule."""
    drawn = np.random.default_rng(1).uniform(-5.0, -2.5, N_MEASURED)
    measured = tuple(
        Observation(number + 1, some[number].id, float(value), False, 25.0) for number, value in enumerate(drawn)
    )
    # Materials without what an earlier run kept with them.
    fresh = tuple(Candidate(one.id, Material(one.material.formula), one.family) for one in some)
    return CampaignState("benchmark", goal, 1, fresh, measured)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--many", type=int, default=100_000, help="candidates of the large campaign")
    parser.add_argument("--few", type=int, default=1_000, help="candidates of the small one")
    parser.add_argument("--batch", type=int, default=10, help="suggestions of a batch")
    return parser.parse_args()


def main() -> None:
    """Print how long each batch takes."""
    options = arguments()
    predictor = load_predictor("release")
    every = candidates(options.many)
    Chooser(predictor, options.batch)(state(every[-N_MEASURED - 20 :], Goal()))
    stable = Goal(stability="constraint", reaction_energy_above=REACTION_ENERGY)
    figures = []
    for n, label, goal in (
        (options.many, "conductivity", Goal()),
        (options.many, "conductivity, stable against lithium", stable),
        (options.few, "conductivity", Goal()),
    ):
        campaign, kept = state(every[:n], goal), InMemory()
        for batch in ("first", "next"):
            begun = time.perf_counter()
            chosen = Chooser(predictor, options.batch, kept=kept)(campaign)
            seconds = time.perf_counter() - begun
            figures.append({"candidates": n, "goal": label, "batch": batch, "n": len(chosen), "seconds": seconds})
            print(f"{n:>7} candidates  {label:37} {batch:5} batch  {seconds:7.2f} s", file=sys.stderr, flush=True)
    print(json.dumps({"figures": figures}, indent=1))


if __name__ == "__main__":
    main()
