"""Fit the Gaussian processes of the ensemble by their marginal likelihood.

Source: C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press (2006), section 5.4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from superion.models.distribution import FloatArray, thinned
from superion.models.forest import has_full_cell
from superion.models.gaussian_process import JITTERS, GaussianProcess, bent
from superion.models.hurdle import INSULATOR_BELOW, Hurdle
from superion.models.kernels import TERMS, Terms, blocks_of, n_hyperparameters, term_places, within
from superion.models.material import Material
from superion.models.meyer_neldel import FLOOR, MeyerNeldel
from superion.models.process_ensemble import ProcessEnsemble
from superion.models.process_features import distances, feature_blocks
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.models.tree_ensemble import KINDS, Kind
from superion.training.table import Measurement
from superion.training.trees import MIN_ROWS, measured_at_reference

MAX_ROWS = 1500
"""Most rows that a process is fitted to; the cost grows with their third power."""
MAX_ITERATIONS = 60
"""Of the search for the most likely hyper-parameters."""
RIDGE = 0.2
"""Weight of the squared logarithms of weights and lengths beside the likelihood: without it a term that the rows do not
need runs away."""
KNEE = -8.0
"""log10(S/cm) below which processes learn less of a distance (`superion.models.gaussian_process.BEND`)."""
FIRST_WEIGHT, FIRST_NOISE = math.exp(-1.0), 0.3
"""Where the search starts, in units of the target's scale; the lengths start at 1."""


def fit_processes(rows: Sequence[Measurement], censored_at: float) -> ProcessEnsemble:
    """Fit a process for each target and each kind of input, formulas and full cells, that has enough rows.

    As forests do, they learn the conductivity at 25 degrees Celsius. Of more than `MAX_ROWS` rows an evenly spread part
    is used; `GaussianProcess.n_rows` tells how many.
    """
    processes: dict[tuple[str, Kind], GaussianProcess] = {}
    conductivities, energies = measured_at_reference(rows, censored_at)
    full = np.array([has_full_cell(row.material) for row in rows], dtype=bool)
    for target, measured in ((CONDUCTIVITY, conductivities), (ACTIVATION_ENERGY, energies)):
        for kind in KINDS:
            usable = rows_of(kind, np.isfinite(measured), full)
            if usable:
                materials = [rows[index].material for index in usable]
                knee = KNEE if target == CONDUCTIVITY else -math.inf
                processes[target, kind] = fit_process(kind, materials, measured[usable], knee=knee)
    return ProcessEnsemble(processes, fit_hurdle(rows, conductivities))


def fit_hurdle(rows: Sequence[Measurement], conductivities: FloatArray) -> Hurdle | None:
    """Fit what tells insulators from conductors by their formulas to log10(S/cm) (n_rows,), NaN where unknown.

    A row below a limit that an insulator need not be below tells nothing. None where there are fewer than `MIN_ROWS` of
    either.
    """
    known = np.flatnonzero(np.isfinite(conductivities) & ~_unclear(rows, INSULATOR_BELOW)).tolist()
    materials, levels = [rows[index].material for index in known], conductivities[known]
    insulates = levels < INSULATOR_BELOW
    if min(insulates.sum(), (~insulates).sum()) < MIN_ROWS:
        return None
    conductors = [material for material, insulator in zip(materials, insulates, strict=True) if not insulator]
    return Hurdle(
        fit_process("formula", materials, insulates.astype(np.float64)),
        fit_process("formula", conductors, levels[~insulates]),
        thinned(levels[insulates][:, None])[:, 0],
    )


def fit_meyer_neldel(rows: Sequence[Measurement], censored_at: float) -> MeyerNeldel | None:
    """Draw the line between conductivity and activation energy, None where the rows show none.

    A row below a limit counts where the limit lies below what the line tells apart.
    """
    conductivities, energies = measured_at_reference(rows, censored_at)
    return MeyerNeldel.fit(np.where(_unclear(rows, FLOOR), np.nan, conductivities), energies)


def _unclear(rows: Sequence[Measurement], level: float) -> npt.NDArray[np.bool_]:
    """Return which rows, shape (n_rows,), are reported as below a limit that lies above a level [log10(S/cm)]."""
    limits = [row.log10_conductivity if row.censored else None for row in rows]
    return np.array([limit is not None and limit > level for limit in limits], dtype=bool)


def rows_of(kind: Kind, known: npt.NDArray[np.bool_], full: npt.NDArray[np.bool_]) -> list[int]:
    """Return the numbers of the rows that teach a process of a kind of input, none where there are too few.

    `known` (n,) says where there is a value, `full` (n,) where there is a full cell. Rows without a full cell teach the
    process on cells too, once enough others have one.
    """
    enough = int((known & (full | (kind == "formula"))).sum()) >= MIN_ROWS
    return np.flatnonzero(known).tolist() if enough else []


def fit_process(
    kind: Kind,
    materials: Sequence[Material],
    measured: FloatArray,
    centre: float | None = None,
    reach: float = math.inf,
    knee: float = -math.inf,
) -> GaussianProcess:
    """Fit a process to materials and their measured values, shape (n,); the same rows give the same process.

    Far from the rows it answers `centre`, else the most likely mean where that is None; `reach` says how far that is,
    and leaves it to the kernel where it is infinite. Below `knee` it learns less of a distance, which goes with no
    centre.

    Of more than `MAX_ROWS` rows, those at equal steps through the list are used.
    """
    if len(materials) > MAX_ROWS:
        chosen = np.linspace(0, len(materials) - 1, MAX_ROWS).round().astype(int)
        materials, measured = [materials[index] for index in chosen], measured[chosen]
    learned = bent(measured, knee)
    middle = float(np.median(learned)) if centre is None else centre
    scale = float(np.std(learned, ddof=1) if centre is None else np.sqrt(np.mean((learned - centre) ** 2)))
    if scale < 1e-12:
        # Values that are all alike have no scale of their own.
        scale = 1.0
    blocks = blocks_of(TERMS[kind])
    features = feature_blocks(("composition", *blocks), materials)
    apart = {name: torch.from_numpy(distances(features[name], features[name])) for name in blocks}
    scaled = torch.from_numpy((learned - middle) / scale)
    near = torch.from_numpy(within(distances(features["composition"], features["composition"]), reach))
    found, shift = most_likely(TERMS[kind], apart, near, scaled, shifts=centre is None)
    return GaussianProcess.conditioned(
        kind, materials, measured, found, middle + scale * shift, scale, reach, knee=knee
    )


def first_hyperparameters(terms: Terms) -> FloatArray:
    """Return where the search for the most likely hyper-parameters of a kernel starts."""
    start = np.zeros(n_hyperparameters(terms))
    start[[first for first, _ in term_places(terms)]] = math.log(FIRST_WEIGHT)
    start[-1] = math.log(FIRST_NOISE)
    return start


def most_likely(
    terms: Terms,
    apart: Mapping[str, Tensor],
    near: Tensor,
    measured: Tensor,
    *,
    shifts: bool,
    start: FloatArray | None = None,
    ridge: float = RIDGE,
    towards: FloatArray | None = None,
) -> tuple[FloatArray, float]:
    """Return the most likely hyper-parameters of a kernel, and the mean of the function with them.

    The mean is 0 unless it `shifts`. `apart` has distances (n, n) by block, `near` what the reach leaves of the
    covariance (n, n), `measured` the scaled values (n,). `ridge` weighs the squared distance of the hyper-parameters,
    but for the noise, from `towards` (zeros unless given).
    """
    n = n_hyperparameters(terms)
    sought = torch.from_numpy(np.append(first_hyperparameters(terms) if start is None else start, 0.0))
    centre = torch.zeros(n - 1, dtype=torch.float64) if towards is None else torch.from_numpy(towards[: n - 1])
    sought.requires_grad_(True)
    search = torch.optim.LBFGS([sought], lr=0.5, max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")
    best, lowest = sought.detach().clone(), math.inf

    def step() -> Tensor:
        nonlocal best, lowest
        search.zero_grad()
        loss = _loss(terms, sought, apart, near, measured) + ridge * (sought[: n - 1] - centre).square().sum()
        value = float(loss.detach())
        if value < lowest:
            best, lowest = sought.detach().clone(), value
        loss.backward()  # type: ignore[no-untyped-call] # torch does not type it
        if not shifts and sought.grad is not None:
            sought.grad[-1] = 0.0
        return loss

    search.step(step)  # type: ignore[no-untyped-call] # torch does not type it
    # The best that was seen: a line search may end on a point where the covariance could hardly be factored.
    return best[:n].numpy(), float(best[n])


def _loss(terms: Terms, sought: Tensor, apart: Mapping[str, Tensor], near: Tensor, measured: Tensor) -> Tensor:
    """Return the negative logarithm of the marginal likelihood, without its constant."""
    covariance = torch.zeros_like(near)
    for first, term in term_places(terms):
        exponent = sought[first]
        for place, name in enumerate(term, first + 1):
            exponent = exponent - apart[name] * torch.exp(-sought[place])
        covariance = covariance + torch.exp(exponent)
    factor = _factored(covariance * near, torch.exp(2.0 * sought[-2]))
    residual = (measured - sought[-1])[:, None]
    fit = 0.5 * (residual * torch.cholesky_solve(residual, factor)).sum()
    return fit + factor.diagonal().log().sum()


def _factored(covariance: Tensor, noise_variance: Tensor) -> Tensor:
    """Return the Cholesky factor with the first of `JITTERS` that allows one, as `GaussianProcess.conditioned`.

    Where none does, the last attempt is returned; the loss is then not a number, or so high that it is not chosen.
    """
    identity = torch.eye(len(covariance), dtype=covariance.dtype)
    for jitter in JITTERS:
        factor, failed = torch.linalg.cholesky_ex(covariance + (noise_variance + jitter) * identity)
        if not failed:
            break
    return factor
