"""What a model says of candidates: the same as when it is asked itself, kept, and named by all that it follows from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from superion.discovery.choice import forecasts as under_test
from superion.discovery.choice.forecasts import LEAST_DEVIATION, SCATTER, Forecasts, InMemory, forecasts, space_of
from superion.discovery.goal import Goal
from superion.featurizers.crystal import Crystal
from superion.featurizers.formula import Formula
from superion.models.gaussian_process import GaussianProcess
from superion.models.kernels import PLAIN_TERMS, TERMS, prior_variance, term_places
from superion.models.material import Material
from superion.models.predictor import Predictor
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.targets import CONDUCTIVITY
from superion.models.tree_ensemble import Kind
from superion.training.processes import first_hyperparameters

from ._beliefs import FORMULAS, formula_space, materials
from ._choices import Asked

MATERIALS = materials()


class Remembering(InMemory):
    """Keep arrays, and the names that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.keys.append(key)
        super().put(key, arrays)


def same(one: Forecasts, other: Forecasts, within: float = 0.0) -> bool:
    """Return whether two forecasts agree."""
    pairs = zip(asdict(one).values(), asdict(other).values(), strict=True)
    return all(np.allclose(left, right, rtol=0.0, atol=within) for left, right in pairs)


@pytest.mark.parametrize("temperature", [25.0, 60.0, -10.0])
def test_it_is_what_the_model_answers(predictor: Predictor, temperature: float) -> None:
    goal = Goal(temperature_C=temperature, confidence=0.8)
    found = forecasts(predictor, MATERIALS, goal, InMemory())
    report = predictor.predict(FORMULAS, temperature, 0.8)
    for index, answer in enumerate(report.predictions):
        estimate = answer.conductivity[0].log10  # type: ignore[union-attr]
        deviation = math.hypot(estimate.std_aleatoric, estimate.std_epistemic)
        said = (found.mean[index], found.lower[index], found.upper[index])
        assert said == pytest.approx((estimate.mean, estimate.lower, estimate.upper), abs=1e-4)
        assert found.deviation[index] == pytest.approx(deviation, abs=1e-3)
        energy = answer.activation_energy  # type: ignore[union-attr]
        assert energy is not None
        assert found.activation_energy[index] == pytest.approx(energy.mean, abs=1e-4)
    assert (found.lower <= found.mean).all() and (found.mean <= found.upper).all()


def test_the_error_is_what_is_left_without_the_scatter_of_a_measurement() -> None:
    deviation = np.array([1.0, 0.31, 0.05, 2.0])
    found = Forecasts(*(np.zeros(4) for _ in range(3)), deviation, np.zeros(4))
    expected = np.maximum(np.sqrt(np.maximum(deviation**2 - SCATTER**2, 0.0)), LEAST_DEVIATION)
    np.testing.assert_allclose(found.error, expected)
    np.testing.assert_array_equal(found.forecast.deviation, found.error)


def test_what_is_kept_is_not_asked_for_again(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, kept, told = Asked(predictor, monkeypatch), Remembering(), []

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    first = forecasts(predictor, MATERIALS, Goal(), kept, tell)
    assert asked.sizes == [len(FORMULAS)]
    assert told == [(len(FORMULAS), len(FORMULAS))]
    assert same(forecasts(predictor, MATERIALS, Goal(kappa=3.0), kept, tell), first)
    assert asked.sizes == [len(FORMULAS)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays: {},
        lambda arrays: {name: array[:-1] for name, array in arrays.items()},
        lambda arrays: {name: array for name, array in arrays.items() if name != "upper"},
        lambda arrays: {**arrays, "mean": np.where(np.arange(len(FORMULAS)) == 3, np.nan, arrays["mean"])},
        lambda arrays: {**arrays, "deviation": np.full(len(FORMULAS), np.inf)},
        lambda arrays: {**arrays, "mean": np.array(["much"] * len(FORMULAS))},
        lambda arrays: {**arrays, "mean": np.array([None] * len(FORMULAS))},
        lambda arrays: {name: array[:, None] for name, array in arrays.items()},
    ],
)
def test_damaged_arrays_count_as_none(predictor: Predictor, monkeypatch: pytest.MonkeyPatch, damage: Any) -> None:
    asked, kept = Asked(predictor, monkeypatch), Remembering()
    first = forecasts(predictor, MATERIALS, Goal(), kept)
    (key,) = kept.keys
    arrays = kept.get(key)
    assert arrays is not None
    kept.put(key, damage(arrays))
    assert same(forecasts(predictor, MATERIALS, Goal(), kept), first)
    assert len(asked.sizes) == 2
    assert set(kept.get(key) or {}) == set(arrays)


def test_it_is_named_by_all_that_it_follows_from(predictor: Predictor) -> None:
    kept = Remembering()
    some = MATERIALS[:3]
    other_training = replace(
        predictor, artefact=replace(predictor.artefact, training={**predictor.artefact.training, "seed": "other"})
    )
    for model, listed, goal in (
        (predictor, some, Goal()),
        (predictor.named("another", None), some, Goal()),
        (other_training, some, Goal()),
        (predictor, some[::-1], Goal()),
        (predictor, some[:2], Goal()),
        (predictor, some, Goal(temperature_C=26.0)),
        (predictor, some, Goal(confidence=0.8)),
    ):
        forecasts(model, listed, goal, kept)
    assert len(set(kept.keys)) == len(kept.keys) == 7
    # What only the choice depends on is not part of the name; neither is what the model is called beside its version.
    forecasts(predictor, some, Goal(acquisition="thompson", avoid=("Ge",), kappa=2.0), kept)
    forecasts(predictor.named(predictor.model.version, "champion"), some, Goal(), kept)
    assert len(kept.keys) == 7


def test_long_lists_are_answered_in_parts(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = forecasts(predictor, MATERIALS, Goal(), InMemory())
    monkeypatch.setattr(under_test, "AT_ONCE", 7)
    asked, told = Asked(predictor, monkeypatch), []
    parts = forecasts(predictor, MATERIALS, Goal(), InMemory(), lambda done, total: told.append((done, total)))
    assert asked.sizes == [7, 7, 7, 3]
    assert told == [(7, 24), (14, 24), (21, 24), (24, 24)]
    assert same(parts, whole, 1e-4)


def test_likeness_is_what_a_model_has_learned_that_compares_as_campaigns_do(predictor: Predictor) -> None:
    terms = PLAIN_TERMS["formula"]
    known, values = MATERIALS[::3], np.linspace(-9.0, -3.0, len(MATERIALS[::3]))
    hyperparameters = 0.3 * np.sin(np.arange(len(first_hyperparameters(terms))))
    learned = GaussianProcess.conditioned("formula", known, values, hyperparameters, -6.0, 2.0, terms=terms)
    error = np.linspace(0.3, 1.3, len(FORMULAS))
    space, start = space_of(with_process(predictor, {(CONDUCTIVITY, "formula"): learned}), MATERIALS, error)
    assert space.terms == terms
    assert prior_variance(terms, start) == pytest.approx(1.0)
    assert math.exp(start[-1]) == pytest.approx(SCATTER / np.median(error))
    firsts = [first for first, _ in term_places(terms)]
    lengths = np.setdiff1d(np.arange(len(start) - 1), firsts)
    np.testing.assert_allclose(start[lengths], hyperparameters[lengths])
    # The terms keep their shares.
    weights = hyperparameters[firsts]
    np.testing.assert_allclose(start[firsts] - start[firsts[0]], weights - weights[0], atol=1e-12)
    # Magpie features are on the scale of the model, not on that of the list.
    assert not np.allclose(space.features["magpie"], formula_space().features["magpie"])
    np.testing.assert_allclose(space.features["composition"], formula_space().features["composition"])


def with_process(predictor: Predictor, processes: Mapping[tuple[str, Kind], GaussianProcess]) -> Predictor:
    """Return a model with other Gaussian processes."""
    ensemble = replace(predictor.artefact.ensemble, processes=ProcessEnsemble(processes))
    return replace(predictor, artefact=replace(predictor.artefact, ensemble=ensemble))


@pytest.mark.parametrize("process", [False, True], ids=["none", "of another kernel"])
def test_another_model_has_the_usual_likeness(predictor: Predictor, process: bool) -> None:
    values = np.linspace(-9.0, -3.0, 8)
    start_ = first_hyperparameters(TERMS["formula"])
    other = GaussianProcess.conditioned("formula", MATERIALS[::3], values, start_, -6.0, 2.0)
    asked = with_process(predictor, {(CONDUCTIVITY, "formula"): other} if process else {})
    space, start = space_of(asked, MATERIALS, np.full(len(FORMULAS), 0.6))
    assert space.terms == PLAIN_TERMS["formula"]
    assert prior_variance(space.terms, start) == pytest.approx(1.0)
    np.testing.assert_allclose(space.features["magpie"], formula_space().features["magpie"])


def test_no_candidate_keeps_its_graphs(predictor: Predictor) -> None:
    """Those of a campaign live as long as a service does, and graphs are most of what a material takes."""
    example = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"
    some = [Material.from_crystal(Crystal.from_file(example)), Material(Formula.parse("Li6PS5Cl"))]
    forecasts(predictor, some, Goal(), InMemory())
    config = predictor.artefact.ensemble.config
    for material in some:
        assert not {"composition_graph", "_crystal_arrays", "_crystal_graphs"} & set(vars(material))
    # They are made again where they are asked for.
    assert some[0].crystal_arrays(config.cutoff, config.neighbors) is not None
