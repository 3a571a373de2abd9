"""Gaussian processes: against a solve written out by hand, in their limits, and kept whole or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtr

from superion.errors import InvalidArtefact
from superion.featurizers.context import CellContext, smallest_formula_atoms
from superion.featurizers.element_data import ATOMIC_NUMBER, SYMBOLS
from superion.featurizers.formula import Formula
from superion.featurizers.magpie_statistics import magpie
from superion.featurizers.schema import LAST_GROUP
from superion.featurizers.substitution import replacements
from superion.models import gaussian_process
from superion.models.artefact import Artefact
from superion.models.gaussian_process import (
    JITTERS,
    KERNELS,
    PLAIN_TERMS,
    TERMS,
    GaussianProcess,
    Terms,
    bent,
    n_hyperparameters,
    straightened,
    term_places,
)
from superion.models.material import Material
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.process_features import MagpieScale
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.models.tree_ensemble import KINDS, Kind

from . import _builders

FORMULAS = (
    "Li6PS5Cl",
    "Li7La3Zr2O12",
    "Li10GeP2S12",
    "LiCl",
    "Li3PO4",
    "Li1.3Al0.3Ti1.7(PO4)3",
    "Li3YCl6",
    "Li",
    "Li5.5PS4.5Cl1.5",
    "Li2O",
    "LiBr",
)
GROUPS = (216, 230, 137, 225, 62, 167, 164, 229, 216, 225, 225)
MEASURED = np.array([-2.5, -4.5, -1.9, -9.0, -8.0, -3.2, -3.3, -6.0, -2.0, -11.0, -8.5])


def material(index: int) -> Material:
    a = 4.0 + index
    cell = CellContext(GROUPS[index], (a, a + 0.5, a + 1.0, 90.0, 90.0 + index, 120.0), 8.0 + index)
    return Material(Formula.parse(FORMULAS[index]), cell=cell)


MATERIALS = [material(index) for index in range(len(FORMULAS))]
ASKED = [material(3), Material(Formula.parse("Li9.54Si1.74P1.44S11.7Cl0.3"), cell=MATERIALS[2].cell), material(0)]
FAR = Material(Formula.parse("CsAu"), cell=CellContext(1, (80.0, 90.0, 99.0, 40.0, 45.0, 50.0), 900.0))


def hyperparameters(terms: Terms, noise: float = 0.3) -> np.ndarray:
    values = 0.5 * np.sin(1.0 + np.arange(n_hyperparameters(terms)))
    values[-1] = math.log(noise)
    return values


def process(
    kind: Kind = "cell",
    order: Any = slice(None),
    noise: float = 0.3,
    terms: Terms | None = None,
    **given: float,
) -> GaussianProcess:
    rows = [MATERIALS[index] for index in np.arange(len(MATERIALS))[order]]
    hyper = hyperparameters(TERMS[kind] if terms is None else terms, noise)
    return GaussianProcess.conditioned(kind, rows, MEASURED[order], hyper, -6.0, 3.0, terms=terms, **given)


def by_hand(terms: str, one: Material, other: Material) -> float:
    """Return the covariance of two materials, from the definition of the kernel alone."""
    rows = magpie([known.formula for known in MATERIALS])
    varies = rows.std(axis=0) > 1e-9
    assert varies.sum() == 100, "of 132, the others are the same in every row"

    def far(name: str) -> float:
        left, right = (dict(zip(m.formula.symbols, m.formula.fractions, strict=True)) for m in (one, other))
        symbols = set(left) | set(right)
        if name.endswith("host"):
            left, right = ({s: f / (1.0 - m.get("Li", 0.0)) for s, f in m.items() if s != "Li"} for m in (left, right))
        if name.startswith("substituted"):
            left, right = lent(left), lent(right)
            symbols = set(left) | set(right)
        if name in ("composition", "host", "substituted", "substituted_host"):
            return sum((math.sqrt(left.get(s, 0.0)) - math.sqrt(right.get(s, 0.0))) ** 2 for s in symbols)
        if name == "lithium":
            return 4.0 * (left.get("Li", 0.0) - right.get("Li", 0.0)) ** 2
        if name == "magpie":
            a, b = magpie([one.formula, other.formula])
            return float((((a - b)[varies] / rows.std(axis=0)[varies]) ** 2).sum()) / 132.0
        if name == "formula_size":
            a, b = (math.log(smallest_formula_atoms(m.formula.fractions)) for m in (one, other))
            return (a - b) ** 2 / 4.0
        n, k = one.cell.atoms_per_cell, other.cell.atoms_per_cell
        p, q = one.cell.cell_parameters, other.cell.cell_parameters
        assert n and k and p and q and one.cell.space_group_number and other.cell.space_group_number
        if name == "amounts":
            return (
                sum((math.log1p(n * left.get(s, 0.0)) - math.log1p(k * right.get(s, 0.0))) ** 2 for s in symbols) / 10
            )
        if name == "lattice":
            lengths = sum(math.log(x / y) ** 2 for x, y in zip(p[:3], q[:3], strict=True))
            return lengths + sum(((x - y) / 30.0) ** 2 for x, y in zip(p[3:], q[3:], strict=True))
        assert name == "crystal_system"
        system = [sum(m.cell.space_group_number > last for last in LAST_GROUP) for m in (one, other)]  # type: ignore[operator]
        return float(system[0] != system[1])

    split = [term.split() for term in terms.split(", ")]
    values = iter(hyperparameters(tuple(map(tuple, split))))
    total = 0.0
    for term in split:
        part = math.exp(next(values))
        for name in term:
            part *= math.exp(-math.sqrt(far(name) + 1e-10) / math.exp(next(values)))
        total += part
    return total


def lent(shares: dict[str, float]) -> dict[str, float]:
    """Return shares of elements after each has lent 0.7 of its own to those that replace it."""
    found = {symbol: 0.3 * share for symbol, share in shares.items()}
    for symbol, share in shares.items():
        for other, part in zip(SYMBOLS, replacements()[ATOMIC_NUMBER[symbol] - 1], strict=True):
            if part:
                found[other] = found.get(other, 0.0) + 0.7 * share * float(part)
    return found


@pytest.mark.parametrize(
    ("known", "kind", "terms", "firsts"),
    [
        (TERMS, "formula", "substituted formula_size, substituted_host lithium", [0, 3]),
        (TERMS, "cell", "substituted, substituted_host lattice lithium", [0, 2]),
        (PLAIN_TERMS, "formula", "composition, magpie formula_size, host lithium formula_size", [0, 2, 5]),
        (
            PLAIN_TERMS,
            "cell",
            "composition, magpie formula_size, host amounts lattice crystal_system, "
            "composition lithium formula_size crystal_system",
            [0, 2, 5, 10],
        ),
    ],
)
def test_mean_and_deviation_are_those_of_a_solve_by_hand(
    known: Mapping[Kind, Terms], kind: Kind, terms: str, firsts: list[int]
) -> None:
    covariance = np.array([[by_hand(terms, a, b) for b in MATERIALS] for a in MATERIALS])
    covariance += (0.3**2 + JITTERS[0]) * np.eye(len(MATERIALS))
    cross = np.array([[by_hand(terms, a, b) for b in MATERIALS] for a in ASKED])
    prior = np.exp(hyperparameters(known[kind]))
    assert [first for first, _ in term_places(known[kind])] == firsts
    found = process(kind, terms=known[kind]).predict(ASKED)
    assert found.mean == pytest.approx(-6.0 + cross @ np.linalg.solve(covariance, MEASURED + 6.0), abs=1e-4)
    variance = prior[firsts].sum() - (cross * np.linalg.solve(covariance, cross.T).T).sum(axis=1)
    assert found.epistemic == pytest.approx(3.0 * np.sqrt(variance), abs=1e-3)
    assert found.noise == pytest.approx(np.full(3, 0.9), rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_without_noise_the_training_values_come_back(kind: Kind) -> None:
    exact = process(kind, noise=1e-9)
    found = exact.predict(MATERIALS)
    assert found.mean == pytest.approx(MEASURED, abs=1e-2)
    assert found.epistemic.max() < 0.05
    assert exact.noise == pytest.approx(3.0 * math.sqrt(JITTERS[0]))


def test_far_from_all_rows_nothing_is_known_but_the_centre() -> None:
    short = hyperparameters(TERMS["cell"])
    short[:-1] = -3.0
    rows = GaussianProcess.conditioned("cell", MATERIALS, MEASURED, short, -6.0, 3.0)
    found = rows.predict([FAR])
    assert found.mean == pytest.approx([-6.0], abs=1e-3)
    assert found.epistemic == pytest.approx([3.0 * math.sqrt(2 * math.exp(-3.0))], rel=1e-3)


def test_a_far_composition_is_less_certain_than_a_near_one() -> None:
    found = process("formula").predict([Material(Formula.parse("Li5.9PS4.9Cl1.1")), Material(Formula.parse("CsAu"))])
    assert found.epistemic[0] < found.epistemic[1]


def test_magpie_features_are_scaled_over_the_rows_that_have_them() -> None:
    rows = np.tile(np.array([[1.0], [3.0], [np.nan]]), 132)
    rows[:, 1], rows[:, 2] = 7.0, np.nan
    scale = MagpieScale.of(rows)
    scaled = scale.scaled(rows)
    assert scaled[:, 0] * math.sqrt(132.0) == pytest.approx([-1.0, 1.0, 0.0])
    assert (scaled[:, 1:3] == 0.0).all(), "what never varies or is never known tells nothing apart"
    assert (scale.scaled(rows + 1.0)[:, 1] == 0.0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_rows_does_not_matter(kind: Kind) -> None:
    one, other = process(kind).predict(ASKED), process(kind, slice(None, None, -1)).predict(ASKED)
    assert other.mean == pytest.approx(one.mean, abs=1e-6)
    assert other.epistemic == pytest.approx(one.epistemic, abs=1e-3)


def test_answers_depend_neither_on_company_nor_on_the_scale_of_the_formula() -> None:
    one = process("formula")
    many = [Material(Formula.parse(f"Li{n}PS5Cl")) for n in range(1, 600)]
    together = one.predict([*many, Material(Formula.parse("Li12P2S10Cl2"))])
    assert one.predict([many[5]]).mean == pytest.approx(together.mean[[5]], abs=1e-9)
    assert together.mean[-1] == pytest.approx(together.mean[5], abs=1e-9)
    assert one.predict([many[598]]).epistemic == pytest.approx(together.epistemic[[598]], abs=1e-4)
    assert len(one.predict([]).mean) == 0


@pytest.mark.parametrize("known", KERNELS.values())
def test_elements_of_which_nothing_is_known_are_answered(known: Mapping[Kind, Terms]) -> None:
    rare = [Material(Formula.parse(formula)) for formula in ("LiOg", "LiHe", "Nh")]
    assert np.isfinite(process("formula", terms=known["formula"]).predict(rare).mean).all()


def test_an_element_that_replaces_another_is_nearer_than_one_that_does_not() -> None:
    found = process("formula").predict([Material(Formula.parse(f"Li7La3{x}2O12")) for x in ("Zr", "Hf", "P")])
    assert found.epistemic[0] < found.epistemic[1] < found.epistemic[2]


def test_below_the_knee_values_are_bent_and_come_back() -> None:
    values = np.array([-15.0, -9.0, -8.0, -7.99, 2.0])
    assert bent(values, -8.0) == pytest.approx([-10.1, -8.3, -8.0, -7.99, 2.0])
    assert straightened(bent(values, -8.0), -8.0) == pytest.approx(values)
    assert np.array_equal(bent(values, -math.inf), values) and np.array_equal(straightened(values, -math.inf), values)


def test_a_process_with_a_knee_answers_what_it_learned_and_leans_to_the_insulators() -> None:
    exact = process(noise=1e-9, knee=-8.0).predict(MATERIALS)
    assert exact.mean == pytest.approx(MEASURED, abs=0.05)
    found = process(knee=-8.0).predict([MATERIALS[3], MATERIALS[0]])
    low, middle, high = found.at(np.array([-2.0, 0.0, 2.0]), found.noise)
    assert np.array_equal(middle, found.mean)
    assert middle[0] - low[0] > 1.5 * (high[0] - middle[0])
    assert middle[1] - low[1] == pytest.approx(high[1] - middle[1])


def test_rows_that_are_all_alike_are_factored_all_the_same() -> None:
    hyper = hyperparameters(TERMS["formula"], noise=1e-12)
    hyper[:-1] = 27.0
    same = [Material(Formula.parse("LiCl"))] * 40
    found = GaussianProcess.conditioned("formula", same, np.full(40, -9.0), hyper, -6.0, 3.0)
    assert found.noise > 3.0 * math.sqrt(JITTERS[0])
    assert found.predict(same[:1]).mean == pytest.approx([-9.0], abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known", KERNELS.values())
@pytest.mark.parametrize("given", [{}, {"knee": -8.0}, {"reach": 0.35}])
def test_arrays_give_back_the_same_process_to_the_bit(
    known: Mapping[Kind, Terms], kind: Kind, given: dict[str, float]
) -> None:
    one = process(kind, terms=known[kind], **given)
    again = GaussianProcess.from_tensors(kind, one.tensors())
    for name in ("mean", "epistemic", "noise"):
        assert np.array_equal(getattr(again.predict(ASKED), name), getattr(one.predict(ASKED), name))


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_of_artefact_format_2_has_the_former_kernel_and_no_knee(kind: Kind) -> None:
    former = process(kind, terms=PLAIN_TERMS[kind])
    tensors = {name: array for name, array in former.tensors().items() if name not in ("kernel", "knee")}
    again = GaussianProcess.from_tensors(kind, tensors)
    assert (again.terms, again.knee) == (PLAIN_TERMS[kind], -math.inf)
    assert np.array_equal(again.predict(ASKED).mean, former.predict(ASKED).mean)


@pytest.mark.parametrize(
    "damage",
    [
        {"weights": np.zeros(3)},
        {"weights": np.zeros((11, 1))},
        {"weights": np.array([])},
        {"inverse_cholesky": np.zeros((11, 10), dtype=np.float32)},
        {"hyperparameters": np.zeros(4)},
        {"features.substituted": np.zeros((11, 117), dtype=np.float32)},
        {"kernel": np.array([1])},
        {"kernel": np.array([3])},
        {"kernel": np.array([1, 2])},
        {"knee": np.array([math.nan])},
        {"knee": np.array([1.0, 2.0])},
        {"centre_and_scale": np.array([0.0, 0.0])},
        {"centre_and_scale": np.array([0.0])},
        {"centre_and_scale": np.array(0.0)},
        {"hyperparameters": np.array(["a"] * 15)},
    ],
)
def test_damaged_arrays_are_refused(damage: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidArtefact) as caught:
        GaussianProcess.from_tensors("cell", process().tensors() | damage)
    assert caught.value.field == "weights.safetensors"


@pytest.mark.parametrize(
    "damage",
    [
        {"features.magpie": np.zeros((11, 131), dtype=np.float32)},
        {"magpie_mean": np.zeros(131)},
        {"magpie_factor": np.full(132, np.nan)},
    ],
)
def test_damaged_arrays_of_the_former_kernel_are_refused(damage: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidArtefact):
        GaussianProcess.from_tensors("cell", process(terms=PLAIN_TERMS["cell"]).tensors() | damage)


@pytest.mark.parametrize("known", KERNELS.values(), ids=["former", "present"])
def test_a_missing_array_is_refused(known: Mapping[Kind, Terms]) -> None:
    whole = process("formula", terms=known["formula"]).tensors()
    for name in whole.keys() - {"knee", "kernel" if known is PLAIN_TERMS else ""}:
        with pytest.raises(InvalidArtefact):
            GaussianProcess.from_tensors("formula", {key: whole[key] for key in whole if key != name})


def both() -> ProcessEnsemble:
    return ProcessEnsemble({(CONDUCTIVITY, kind): process(kind) for kind in KINDS})


def short_sighted() -> ProcessEnsemble:
    """Return processes to which nothing is alike but the same."""
    found = {}
    for kind in KINDS:
        hyper = hyperparameters(TERMS[kind])
        hyper[:-1] = -1.5
        found[CONDUCTIVITY, kind] = GaussianProcess.conditioned(kind, MATERIALS, MEASURED, hyper, -6.0, 3.0)
    return ProcessEnsemble(found)


def test_full_cells_are_answered_by_the_process_on_cells_and_others_by_that_on_formulas() -> None:
    bare = Material(ASKED[0].formula)
    found = both().answers(CONDUCTIVITY, [bare, *ASKED])
    assert found is not None
    assert found.mean == pytest.approx([*process("formula").predict([bare]).mean, *process().predict(ASKED).mean])
    assert found.noise.shape == found.epistemic.shape == (4,)
    only = ProcessEnsemble({(CONDUCTIVITY, "formula"): process("formula")}).answers(CONDUCTIVITY, [bare, ASKED[0]])
    assert only is not None and only.mean[0] == pytest.approx(only.mean[1])
    assert both().answers(ACTIVATION_ENERGY, ASKED) is None


def test_processes_survive_saving_and_old_artefacts_have_none(tmp_path: Path) -> None:
    small = _builders.artefact()
    small.save(tmp_path / "old")
    assert Artefact.load(tmp_path / "old").ensemble.processes.processes == {}
    replace(small, ensemble=replace(small.ensemble, processes=both())).save(tmp_path / "new")
    loaded = Artefact.load(tmp_path / "new").ensemble.processes
    assert set(loaded.processes) == {(CONDUCTIVITY, kind) for kind in KINDS}
    before, after = both().answers(CONDUCTIVITY, ASKED), loaded.answers(CONDUCTIVITY, ASKED)
    assert before is not None and after is not None
    assert np.array_equal(before.mean, after.mean) and np.array_equal(before.epistemic, after.epistemic)


@pytest.mark.parametrize("name", ["other.cell.weights", "activation_energy.sites.weights", "weights"])
def test_arrays_of_no_process_are_refused(name: str) -> None:
    with pytest.raises(InvalidArtefact, match="of no Gaussian process"):
        ProcessEnsemble.from_tensors(both().tensors() | {name: np.zeros(3)})


def test_what_is_unknown_is_reserved_for_the_measured_values_of_all_rows() -> None:
    processes = short_sighted()
    near, far = processes.answers(CONDUCTIVITY, [MATERIALS[0]]), processes.answers(CONDUCTIVITY, [FAR])
    assert near is not None and far is not None
    assert far.reserved[0] == pytest.approx(gaussian_process.RESERVED["cell"], abs=0.05)
    assert near.reserved[0] < 0.5 * far.reserved[0]
    assert far.measured[[0, -1], 0].tolist() == [MEASURED.min(), MEASURED.max()]
    bare = processes.answers(CONDUCTIVITY, [Material(FAR.formula)])
    assert bare is not None and bare.reserved[0] == gaussian_process.RESERVED["formula"] == 0.0


def test_an_ensemble_believes_in_the_reserve_far_from_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    ensemble = replace(_builders.ensemble(), processes=short_sighted())

    def belief() -> float:
        """Return how much of the belief lies where the training rows were measured."""
        found = ensemble.predict([FAR])[CONDUCTIVITY]
        low, high = (ndtr(found.spread.position(end - found.mean)[0]) for end in (MEASURED.min(), MEASURED.max()))
        return float(high - low)

    reserved = belief()
    monkeypatch.setitem(gaussian_process.RESERVED, "cell", 0.0)  # type: ignore[arg-type] # a dict below its type
    assert reserved > belief() + 0.1
