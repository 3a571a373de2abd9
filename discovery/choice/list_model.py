"""What is believed of a list of candidates, as BoTorch asks for it: a candidate is given by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal
from torch import Tensor

from superion.discovery.choice.listing import JITTER, Listing

if TYPE_CHECKING:
    from botorch.posteriors import Posterior


class ListModel(Model):
    """Answer for candidates by their numbers: conductivity, what else is sought, and last the latent of feasibility.

    The latent is normal with deviation 1 and positive with the chance that the conditions are met.
    """

    def __init__(self, listing: Listing, *, latent: bool = False) -> None:
        super().__init__()
        self._mean = torch.from_numpy(np.ascontiguousarray(listing.mean))
        k = len(self._mean)
        self._covariance = torch.from_numpy(np.ascontiguousarray(listing.covariance))
        means = [torch.from_numpy(np.ascontiguousarray(row)) for row in listing.others]
        variances = [torch.from_numpy(np.square(row) + JITTER) for row in listing.other_deviations]
        if latent:
            chance = torch.from_numpy(np.clip(listing.feasible, 1e-6, 1.0 - 1e-6))
            means.append(torch.special.ndtri(chance))
            variances.append(torch.ones(k, dtype=torch.float64))
        self._others = list(zip(means, variances, strict=True))

    @property
    def num_outputs(self) -> int:
        """Return how many things are answered."""
        return 1 + len(self._others)

    @property
    def batch_shape(self) -> torch.Size:
        """Return the shape of a batch of models: there is one."""
        return torch.Size()

    def posterior(
        self,
        X: Tensor,  # noqa: N803 - botorch's name
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: Any = None,
    ) -> Posterior:
        """Return the belief about candidates by their numbers, shape (..., q, 1)."""
        # For a lower bound on what is sought, botorch looks about in the space of the numbers, and beyond its ends.
        numbers = X[..., 0].round().long().clamp(0, len(self._mean) - 1)
        among = self._covariance[numbers.unsqueeze(-1), numbers.unsqueeze(-2)]
        # Added here, so that one candidate may stand twice: among those to compare with, and to be looked at.
        jitter = JITTER * torch.eye(among.shape[-1], dtype=torch.float64)
        first = MultivariateNormal(self._mean[numbers], among + jitter)
        if not self._others:
            found = GPyTorchPosterior(first)
        else:
            rest = [
                MultivariateNormal(mean[numbers], torch.diag_embed(variance[numbers]))
                for mean, variance in self._others
            ]
            found = GPyTorchPosterior(MultitaskMultivariateNormal.from_independent_mvns([first, *rest]))
        return found if posterior_transform is None else posterior_transform(found)
