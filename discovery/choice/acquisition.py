"""Which candidates to choose together: BoTorch's acquisition functions over a belief about a finite list.

The candidates of a list are numbered, and a candidate is given to BoTorch by its number. The belief about the list,
joint over it, is worked out once, so that every look at it is a look into a table: mean and covariance of the
conductivity, and, each independent of it, what else is sought and how likely the conditions are to be met.

Sources: M. Balandat et al., BoTorch, NeurIPS 33 (2020); S. Ament et al., Unexpected Improvements to Expected
Improvement, NeurIPS 36 (2023), for the logarithmic forms; S. Daulton et al., NeurIPS 34 (2021), for the noisy expected
hypervolume improvement; D. A. Cohn et al., J. Artif. Intell. Res. 4, 129 (1996), for the reduction of variance.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from botorch.acquisition import (
    AcquisitionFunction,
    UpperConfidenceBound,
    qLogExpectedImprovement,
    qLogNoisyExpectedImprovement,
)
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.exceptions.warnings import BotorchWarning
from botorch.generation import MaxPosteriorSampling
from botorch.optim import optimize_acqf_discrete
from botorch.sampling import SobolQMCNormalSampler
from botorch.utils.multi_objective import infer_reference_point, is_non_dominated
from torch import Tensor

from superion.discovery.choice.list_model import ListModel
from superion.discovery.choice.listing import Listing, conditioned, removed_variance, worth
from superion.discovery.goal import Goal
from superion.training.one_thread import one_thread

N_SAMPLES, N_FRONT_SAMPLES = 256, 64
"""Draws that an expectation is taken over, of a scrambled Sobol sequence; a front, whose regions are cut into boxes for
every draw, takes fewer: with 256 the same batches came out in four times the time."""
AT_ONCE = 4096
"""Candidates that BoTorch looks at together: bounds the memory."""

# Else BoTorch looks for a compiler when a front is first sought, and builds a kernel for this machine's processor into
# the home of whoever runs it: up to a minute in which a service answers nobody else's campaigns, to save a fifth of
# each batch after, with last digits that differ from one machine to the next.
logei._load_attempted = True


@dataclass(frozen=True)
class Chosen:
    """Hold the numbers of a batch in the order in which they were chosen, and what each was worth then."""

    numbers: tuple[int, ...]
    values: tuple[float, ...]


def choose(listing: Listing, goal: Goal, n: int, seed: int) -> Chosen:
    """Choose n candidates together, one after the other, each in view of those before it and of the pending ones.

    Fewer are chosen where there are fewer. One seed gives one answer.
    """
    # The caller's own draws go on as they were.
    # In one thread: of tables as small as these, two spend their time waiting for each other, a hundred times as long
    # for a front.
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.manual_seed(seed)
        return _chosen(listing, goal, min(n, len(listing.choices)), seed)


def _chosen(listing: Listing, goal: Goal, n: int, seed: int) -> Chosen:
    worth_of = _looker(listing, goal, seed)
    left = list(map(int, listing.choices))
    chosen: list[int] = []
    values: list[float] = []
    for _ in range(n):
        allowed = _allowed(left, chosen, listing.families, goal.most_of_a_family)
        number, value = worth_of([*map(int, listing.pending), *chosen], allowed)
        chosen.append(number)
        values.append(value)
        left.remove(number)
    return Chosen(tuple(chosen), tuple(values))


def _allowed(left: Sequence[int], chosen: Sequence[int], families: Sequence[str], most: int | None) -> list[int]:
    """Return what may come next: of families that have not had their share yet, of all where there are no others."""
    if most is None:
        return list(left)
    had = Counter(families[number] for number in chosen)
    return [number for number in left if had[families[number]] < most] or list(left)


def used_acquisition(listing: Listing, goal: Goal) -> str:
    """Return what candidates are chosen by: of several goals the hypervolume, and without any measurement, where there
    is no best to improve on, the confidence bound."""
    if goal.pareto:
        return "hypervolume"
    improves = goal.acquisition in ("log_ei", "noisy_ei")
    return "ucb" if improves and not len(listing.measured) else goal.acquisition


Look = Callable[[Sequence[int], Sequence[int]], tuple[int, float]]
"""From the numbers that are taken (pending or chosen) and those allowed to the best of these, and what it is worth."""


def _looker(listing: Listing, goal: Goal, seed: int) -> Look:
    """Return how the next candidate of a batch is found."""
    n_samples = N_FRONT_SAMPLES if goal.pareto else N_SAMPLES
    sampler = SobolQMCNormalSampler(torch.Size([n_samples]), seed=seed)
    used = used_acquisition(listing, goal)
    if used == "hypervolume":
        return _in_view_of_pending(_hypervolume(listing, sampler))
    if used == "variance":
        return _after(listing, VarianceReduction)
    if used == "ucb":
        return _after(worth(listing, goal.kappa), partial(_confidence_bound, beta=goal.kappa**2))
    if used == "thompson":
        return partial(_by_draw, worth(listing, 0.0))
    return _in_view_of_pending(_improvement(listing, goal, sampler))


def _in_view_of_pending(function: AcquisitionFunction) -> Look:
    """Look with a function that integrates over what the taken experiments may come to."""

    def look(taken: Sequence[int], allowed: Sequence[int]) -> tuple[int, float]:
        function.set_X_pending(_column(taken) if taken else None)
        return _best(function, allowed)

    return look


def _after(listing: Listing, function: Callable[[Listing], AcquisitionFunction]) -> Look:
    """Look with a function of the belief as it will be when the taken experiments have come to what is expected.

    The mean stays and the covariance shrinks (T. Desautels et al., J. Mach. Learn. Res. 15, 3873 (2014)).
    """
    left, n_known = listing, 0

    def look(taken: Sequence[int], allowed: Sequence[int]) -> tuple[int, float]:
        nonlocal left, n_known
        # From one look to the next, those taken are the same and some more.
        left, n_known = conditioned(left, taken[n_known:]), len(taken)
        return _best(function(left), allowed)

    return look


def _by_draw(listing: Listing, taken: Sequence[int], allowed: Sequence[int]) -> tuple[int, float]:
    """Look at one draw of the belief; those taken need no view, as each has a draw of its own."""
    with _quiet():
        column = _column(allowed)
        number = int(MaxPosteriorSampling(ListModel(listing), replacement=False)(column, num_samples=1)[0, 0].round())
        return number, float(listing.mean[number])


def _best(function: AcquisitionFunction, allowed: Sequence[int]) -> tuple[int, float]:
    with _quiet():
        best, value = optimize_acqf_discrete(function, q=1, choices=_column(allowed), max_batch_size=AT_ONCE)
    return int(best[0, 0].round()), float(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """Work without gradients, and without advice to whoever wrote this."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", BotorchWarning)
        yield


def _column(numbers: Sequence[int]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)[:, None]


def _confidence_bound(listing: Listing, beta: float) -> AcquisitionFunction:
    return UpperConfidenceBound(ListModel(listing), beta=beta)


def _improvement(listing: Listing, goal: Goal, sampler: SobolQMCNormalSampler) -> AcquisitionFunction:
    conditions = bool((listing.feasible < 1.0).any())
    model = ListModel(listing, latent=conditions)
    objective = GenericMCObjective(_conductivity)
    constraints = [lambda samples: -samples[..., -1]] if conditions else None
    if goal.acquisition == "log_ei":
        meeting = listing.measured[listing.feasible[listing.measured] >= goal.least_chance]
        # Where nothing that was measured meets the conditions, anything that does is an improvement.
        best = float(listing.mean[meeting].max() if len(meeting) else listing.mean.min())
        return qLogExpectedImprovement(model, best, sampler, objective=objective, constraints=constraints)
    with _quiet():
        return qLogNoisyExpectedImprovement(
            model,
            _column(list(map(int, listing.measured))),
            sampler,
            objective=objective,
            constraints=constraints,
            prune_baseline=True,
        )


def _conductivity(samples: Tensor, X: Tensor | None = None) -> Tensor:  # noqa: N803 - botorch's name
    return samples[..., 0]


def _hypervolume(listing: Listing, sampler: SobolQMCNormalSampler) -> AcquisitionFunction:
    """Return the growth of the region that is dominated, from the reference point that the means imply."""
    conditions = bool((listing.feasible < 1.0).any())
    n_sought = 1 + len(listing.others)
    means = torch.from_numpy(np.stack([listing.mean, *listing.others], axis=1))
    # No better than the middle of all: below the nadir of a front of few, what it leaves would be worth nothing.
    reference = infer_reference_point(means[is_non_dominated(means)]).minimum(means.median(dim=0).values)
    # Where nothing was measured, what is dominated by all others stands for it: it adds nothing to the region.
    known = list(map(int, listing.measured)) or [_dominated(means)]
    with _quiet():
        return qLogNoisyExpectedHypervolumeImprovement(
            ListModel(listing, latent=conditions),
            reference,
            _column(known),
            sampler=sampler,
            objective=IdentityMCMultiOutputObjective(
                outcomes=list(range(n_sought)), num_outcomes=n_sought + conditions
            ),
            constraints=[lambda samples: -samples[..., -1]] if conditions else None,
            prune_baseline=True,
        )


def _dominated(means: Tensor) -> int:
    """Return the number of the candidate that is worst in all that is sought together, each in units of its spread."""
    spread = means.std(0, correction=0)
    return int(means.sub(means.mean(0)).div(spread.where(spread > 0.0, 1.0)).sum(1).argmin())


class VarianceReduction(AcquisitionFunction):
    """Value a candidate by the share of the variance over the choices that measuring it would remove, 0 to 1."""

    def __init__(self, listing: Listing) -> None:
        super().__init__(ListModel(listing))
        self._removed = torch.from_numpy(removed_variance(listing))

    def forward(self, X: Tensor) -> Tensor:  # noqa: N803 - botorch's name
        """Return the value of each candidate of X, shape (b, 1, 1)."""
        return self._removed[X[:, 0, 0].round().long()]
