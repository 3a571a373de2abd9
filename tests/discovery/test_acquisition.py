"""Acquisitions, each against what it is defined as, worked out once more by numpy or by brute force."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from superion.discovery.choice.acquisition import choose
from superion.discovery.choice.listing import JITTER, Listing, conditioned, removed_variance
from superion.discovery.goal import Goal

from ._beliefs import Array, listing

IMPROVEMENTS = ("log_ei", "noisy_ei")


def conditioned_by_hand(covariance: Array, noise: Array, number: int) -> Array:
    """Return the covariance once a candidate was measured, by the formula of a normal distribution."""
    precision = np.zeros_like(covariance)
    precision[number, number] = 1.0 / (noise[number] ** 2 + JITTER)
    return np.linalg.inv(np.linalg.inv(covariance) + precision)


@pytest.mark.parametrize("kappa", [0.0, 0.3, 2.0])
def test_the_upper_confidence_bound_of_a_batch_is_that_of_numpy(kappa: float) -> None:
    given_listing = listing(12, seed=3, choices=range(10), pending=[10], measured=[11])
    found = choose(given_listing, Goal(kappa=kappa), 5, 0)
    covariance, taken = given_listing.covariance, []
    covariance = conditioned_by_hand(covariance, given_listing.noise, 10)
    for number, value in zip(found.numbers, found.values, strict=True):
        bound = given_listing.mean + kappa * np.sqrt(np.diag(covariance) + JITTER)
        left = np.setdiff1d(given_listing.choices, taken)
        assert number == left[bound[left].argmax()]
        assert value == pytest.approx(bound[number], abs=1e-6)
        taken.append(number)
        covariance = conditioned_by_hand(covariance, given_listing.noise, number)


def test_what_is_taken_conditions_the_covariance_and_leaves_the_mean() -> None:
    given_listing = listing(6, seed=1)
    found = conditioned(given_listing, [4, 1, 4])
    expected = given_listing.covariance
    for number in (4, 1, 4):
        expected = conditioned_by_hand(expected, given_listing.noise, number)
    np.testing.assert_allclose(found.covariance, expected, atol=1e-8)
    np.testing.assert_array_equal(found.mean, given_listing.mean)


def test_removed_variance_is_that_of_brute_force() -> None:
    given_listing = listing(9, seed=5, noise=np.linspace(0.1, 0.9, 9))
    before = np.trace(given_listing.covariance)
    removed = [
        (before - np.trace(conditioned_by_hand(given_listing.covariance, given_listing.noise, number))) / before
        for number in range(9)
    ]
    np.testing.assert_allclose(removed_variance(given_listing), removed, atol=1e-6)


def test_variance_chooses_what_teaches_most_in_view_of_what_was_chosen() -> None:
    given_listing = listing(9, seed=6)
    found = choose(given_listing, Goal(acquisition="variance"), 4, 0)
    covariance = given_listing.covariance
    for place, (number, value) in enumerate(zip(found.numbers, found.values, strict=True)):
        before = np.trace(covariance)
        after = [conditioned_by_hand(covariance, given_listing.noise, other) for other in range(9)]
        removed = np.array([(before - np.trace(one)) / before for one in after])
        removed[list(found.numbers[:place])] = -1.0
        assert number == removed.argmax()
        assert value == pytest.approx(removed[number], abs=1e-5)
        covariance = after[number]


def test_variance_is_that_of_botorch() -> None:
    from botorch.acquisition.active_learning import qNegIntegratedPosteriorVariance
    from botorch.exceptions import InputDataWarning
    from botorch.models import SingleTaskGP
    from gpytorch.kernels import Kernel
    from gpytorch.likelihoods import GaussianLikelihood

    given_listing = listing(7, seed=8)
    table = torch.from_numpy(given_listing.covariance)

    class Looked(Kernel):  # type: ignore[misc]
        def forward(self, x1: torch.Tensor, x2: torch.Tensor, diag: bool = False, **_: object) -> torch.Tensor:
            rows, columns = x1[..., 0].round().long(), x2[..., 0].round().long()
            found = table[rows.unsqueeze(-1), columns.unsqueeze(-2)]
            return found.diagonal(dim1=-2, dim2=-1) if diag else found

    # A process that has seen candidate 2, with the noise of the listing.
    likelihood = GaussianLikelihood().double()
    likelihood.noise = given_listing.noise[0] ** 2
    numbers = torch.arange(7, dtype=torch.float64)[:, None]
    nothing = torch.zeros(1, 1, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InputDataWarning)  # of values that are not standardised
        model = SingleTaskGP(
            numbers[2:3], nothing, likelihood=likelihood, covar_module=Looked(), outcome_transform=None
        ).eval()
        before = float(model.posterior(numbers).variance.mean())
        with torch.no_grad():
            left = -qNegIntegratedPosteriorVariance(model, mc_points=numbers)(numbers[:, None, :]).numpy()
    seen = conditioned(given_listing, [2])
    assert np.trace(seen.covariance) / 7 == pytest.approx(before, abs=1e-5)
    np.testing.assert_allclose(removed_variance(seen), 1.0 - left / before, atol=1e-5)


@pytest.mark.parametrize("kind", IMPROVEMENTS)
def test_expected_improvement_of_one_is_the_closed_form(kind: str) -> None:
    for apart, variance in ((-1.0, 1.0), (0.0, 0.5), (1.5, 2.0), (-0.5, 0.09)):
        # What was measured is known without doubt: then the two are one.
        covariance = np.diag([variance, 1e-10])
        given_listing = listing(2, mean=np.array([apart - 4.0, -4.0]), covariance=covariance, choices=[0], measured=[1])
        (value,) = choose(given_listing, Goal(acquisition=kind), 1, 0).values
        deviation = math.sqrt(variance)
        expected = deviation * (norm.pdf(apart / deviation) + apart / deviation * norm.cdf(apart / deviation))
        assert value == pytest.approx(math.log(expected), abs=0.05)


def sampled_improvement(given_listing: Listing, against: str, batch: list[int], draws: Array) -> float:
    """Return the expected improvement of a batch from draws of the belief."""
    measured = given_listing.measured
    best = given_listing.mean[measured].max() if against == "log_ei" else draws[:, measured].max(axis=1)
    return float(np.maximum(draws[:, batch].max(axis=1) - best, 0.0).mean())


@pytest.mark.parametrize("kind", IMPROVEMENTS)
@pytest.mark.parametrize("seed", range(3))
def test_expected_improvement_is_that_of_brute_force(kind: str, seed: int) -> None:
    given_listing = listing(9, seed, choices=range(6), measured=[6, 7, 8])
    draws = np.random.default_rng(0).multivariate_normal(given_listing.mean, given_listing.covariance, 100_000)
    found = choose(given_listing, Goal(acquisition=kind), 3, 0)
    for place, number in enumerate(found.numbers):
        had = list(found.numbers[:place])
        worth = {
            other: sampled_improvement(given_listing, kind, [*had, other], draws)
            for other in range(6)
            if other not in had
        }
        # 256 draws tell candidates apart that differ by more than some percent.
        assert worth[number] > 0.93 * max(worth.values())
    worth = sampled_improvement(given_listing, kind, [found.numbers[0]], draws)
    assert found.values[0] == pytest.approx(math.log(worth), abs=0.12)


def test_thompson_chooses_as_often_as_a_candidate_is_best() -> None:
    given_listing = listing(6, seed=2, mean=np.array([-5.0, -5.2, -4.9, -6.0, -5.5, -4.7]))
    draws = np.random.default_rng(1).multivariate_normal(given_listing.mean, given_listing.covariance, 400_000)
    chance = np.bincount(draws.argmax(axis=1), minlength=6) / len(draws)
    n = 1500
    goal = Goal(acquisition="thompson")
    chosen = np.bincount([choose(given_listing, goal, 1, seed).numbers[0] for seed in range(n)], minlength=6)
    bound = 5.0 * np.sqrt(n * chance * (1.0 - chance)) + 1.0
    assert (np.abs(chosen - n * chance) < bound).all(), (chosen, n * chance)


def test_each_place_in_a_batch_of_thompson_has_a_draw_of_its_own() -> None:
    alike = listing(40, mean=np.zeros(40), covariance=np.eye(40))
    goal = Goal(acquisition="thompson")
    second = {choose(alike, goal, 2, seed).numbers[1] for seed in range(40)}
    assert len(second) > 15
    assert len({choose(alike, goal, 2, seed).numbers for seed in range(40)}) > 30


@pytest.mark.parametrize("kind", ["ucb", *IMPROVEMENTS, "variance"])
def test_the_twin_of_a_pending_candidate_waits(kind: str) -> None:
    mean = np.array([-3.0, -3.05, -4.0, -3.0])  # 0 is the twin of 3, which is in the furnace; 4 was measured
    covariance = np.diag([1.0, 0.95, 1.0, 1.0])
    covariance[0, 3] = covariance[3, 0] = 0.999
    fields = {"mean": np.append(mean, -3.5), "noise": np.full(5, 0.05), "choices": [0, 1, 2], "measured": [4]}
    fields["covariance"] = np.pad(covariance, (0, 1)) + np.diag([0.0, 0.0, 0.0, 0.0, 1e-6])
    goal = Goal(acquisition=kind, kappa=1.0)
    assert choose(listing(5, **fields), goal, 1, 0).numbers == (0,)
    # Of the others, one conducts better and of the other less is known.
    assert choose(listing(5, **fields, pending=[3]), goal, 1, 0).numbers == ((2,) if kind == "variance" else (1,))


@pytest.mark.parametrize("kind", ["ucb", "thompson", *IMPROVEMENTS])
def test_what_can_hardly_meet_the_conditions_is_avoided(kind: str) -> None:
    feasible = np.array([1e-6, 1.0, 0.9, 1e-6, 1.0, 1.0])
    mean = np.array([-3.0, -3.5, -3.2, -2.8, -4.0, -4.5])
    given_listing = listing(6, mean=mean, covariance=0.2 * np.eye(6), feasible=feasible, choices=range(5), measured=[5])
    for seed in range(5):
        assert set(choose(given_listing, Goal(acquisition=kind), 3, seed).numbers) == {1, 2, 4}


def test_the_bound_is_weighed_by_the_chance_to_meet_the_conditions() -> None:
    feasible = np.array([0.3, 0.8, 1.0, 0.5])
    given_listing = listing(4, mean=np.array([-3.0, -4.0, -5.0, -3.5]), covariance=0.25 * np.eye(4), feasible=feasible)
    kappa = 1.0
    lowest = (given_listing.mean - kappa * 0.5).min()
    worth = feasible * (given_listing.mean - lowest + kappa * 0.5)
    found = choose(given_listing, Goal(kappa=kappa), 4, 0)
    assert found.numbers == tuple(np.argsort(-worth))
    assert found.values[0] == pytest.approx(worth.max(), abs=1e-4)


def test_improvement_is_weighed_by_the_chance_to_meet_the_conditions() -> None:
    for chance in (0.25, 0.5, 0.9):
        given_listing = listing(
            2,
            mean=np.array([-3.0, -4.0]),
            covariance=np.diag([0.5, 1e-8]),
            feasible=np.array([chance, 1.0]),
            choices=[0],
            measured=[1],
        )
        sure = choose(replace(given_listing, feasible=np.ones(2)), Goal(acquisition="log_ei"), 1, 0).values[0]
        unsure = choose(given_listing, Goal(acquisition="log_ei"), 1, 0).values[0]
        assert unsure - sure == pytest.approx(math.log(chance), abs=0.1)


@pytest.mark.parametrize("kind", IMPROVEMENTS)
def test_without_a_measurement_improvement_is_the_upper_bound(kind: str) -> None:
    given_listing = listing(8, seed=9)
    assert choose(given_listing, Goal(acquisition=kind), 4, 0) == choose(given_listing, Goal(), 4, 0)


def test_pairs_of_a_batch_are_chosen_for_what_they_tell_together() -> None:
    """Two twins teach no more than one: the second of a batch is another."""
    covariance = np.eye(4)
    covariance[0, 1] = covariance[1, 0] = 0.98
    given_listing = listing(4, mean=np.zeros(4), covariance=covariance, noise=np.full(4, 0.1))
    for kind in ("variance", "ucb"):
        numbers = choose(given_listing, Goal(acquisition=kind, kappa=1.0), 3, 0).numbers
        assert not any({0, 1} <= set(some) for some in itertools.pairwise(numbers[:2]))
        assert len({0, 1} & set(numbers)) == 1
