"""The networks of an ensemble as a stack: what `network.SuperionNetwork` answers in eval mode, all of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, glu, layer_norm

from superion.featurizers import schema
from superion.featurizers.context import LOG_ATOMS_CENTRE
from superion.models.distribution import FloatArray
from superion.models.layers import RadialBasis, SiteConvolution
from superion.models.material import Material, contexts_of
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.padding import padded_elements
from superion.models.stacked import Composition, Linear, Perceptron, Weights, elements_of

Arrays = Mapping[str, npt.NDArray[Any]]

_LOG_ATOMS = schema.CONTEXT_NAMES.index("log_atoms_per_cell")


@dataclass(frozen=True)
class StackedNetworks:
    """Hold the networks of one ensemble, m of them; made anew when `weights` have changed."""

    config: NetworkConfig
    weights: Weights
    composition: Composition
    from_context: Perceptron
    crystal: StackedCrystal
    no_crystal: Tensor
    """Shape (m, 1, width)."""
    trunk: Perceptron
    means: Linear
    """To the targets, in their units."""
    deviations: Linear
    """To the logarithms of the expected deviations in units of the scales of the targets."""

    @classmethod
    def of(cls, networks: Sequence[SuperionNetwork]) -> StackedNetworks:
        """Stack networks of one configuration; what they were told of training or evaluating does not matter."""
        config = networks[0].config
        with torch.no_grad():
            return cls(
                config=config,
                weights=Weights(networks),
                composition=Composition.of(networks),
                from_context=Perceptron.of([n.from_context for n in networks]),
                crystal=StackedCrystal.of(networks),
                no_crystal=torch.stack([n.no_crystal.detach() for n in networks])[:, None, :],
                trunk=Perceptron.of([n.trunk for n in networks]),
                means=_heads([n.means for n in networks], config, scaled=True),
                deviations=_heads([n.deviations for n in networks], config, scaled=False),
            )

    def predict(self, materials: Sequence[Material]) -> tuple[FloatArray, FloatArray]:
        """Return means and expected absolute deviations, each of shape (n_targets, m, n), in the targets' units."""
        with torch.inference_mode():
            parts = [self._formulas(materials), self._crystals(materials)]
            trunk = gelu(self.trunk(torch.cat(parts, dim=2)))
            mean, log_deviation = self.means(trunk), self.deviations(trunk)
            deviation = log_deviation.clamp_(-4.0, 2.0).exp_() * torch.tensor([s for _, _, s in self.config.scales])
            means, deviations = (found.permute(2, 0, 1).double().numpy() for found in (mean, deviation))
            return means, deviations

    def _formulas(self, materials: Sequence[Material]) -> Tensor:
        """Return what formulas and contexts say, shape (m, n, 3 * width)."""
        numbers, fraction = padded_elements([material.formula for material in materials])
        context, known = contexts_of(materials)
        log_fraction = np.log(np.maximum(fraction, np.float32(1e-5)))
        in_cell = np.broadcast_to(known[:, [_LOG_ATOMS]], fraction.shape)
        log_amount = (context[:, [_LOG_ATOMS]] + np.float32(LOG_ATOMS_CENTRE - 2.0) + log_fraction) * in_cell
        turned = np.float32(20.0) * fraction
        amounts = (4.0 * fraction - 1.0, log_fraction + 2.0, log_amount, in_cell, np.sin(turned), np.cos(turned))
        arrays = numbers, fraction, np.stack(amounts, axis=-1), log_fraction
        pooled = self.composition(*map(torch.from_numpy, arrays))
        said = torch.from_numpy(np.concatenate([context * known, known], axis=1))
        return torch.cat([pooled, self.from_context.shared(said)], dim=2)

    def _crystals(self, materials: Sequence[Material]) -> Tensor:
        """Return what crystals say, or what stands in the place of one, shape (m, n, width)."""
        config = self.config
        arrays = [material.crystal_arrays(config.cutoff, config.neighbors) for material in materials]
        owner = [row for row, found in enumerate(arrays) if found is not None]
        vectors = self.no_crystal.expand(-1, len(materials), -1)
        if not owner:
            return vectors
        found = self.crystal([found for found in arrays if found is not None])
        return found if len(owner) == len(materials) else vectors.index_copy(1, torch.tensor(owner), found)


@dataclass(frozen=True)
class StackedConvolution:
    """Hold one convolution over sites of each network; see `layers.SiteConvolution`."""

    from_sites: Linear
    """To what a site says as the one that hears, message and gate, and then as the one that is heard."""
    from_edge: Tensor
    """Shape (m, n_radial, 2 * width): to message and gate."""
    mix: Linear

    @classmethod
    def of(cls, blocks: Sequence[SiteConvolution]) -> StackedConvolution:
        """Stack convolutions; the halves that they call gate and message change places, as `glu` wants them."""
        norms = [block.norm for block in blocks]
        hearing = Linear.of([block.from_site for block in blocks], norms)
        heard = Linear.of([block.from_neighbor for block in blocks], norms)
        return cls(
            Linear(
                torch.cat([_turned(hearing.weight), _turned(heard.weight)], dim=2),
                torch.cat([_turned(hearing.bias), _turned(heard.bias)], dim=2),
            ),
            _turned(torch.stack([block.from_edge.weight.detach().mT for block in blocks])),
            Linear.of([block.mix for block in blocks]),
        )

    def __call__(self, x: Tensor, source: Tensor, target: Tensor, radial: Tensor, share: Tensor) -> Tensor:
        """Update sites `x` (m, n_sites, width).

        `source` and `target` (m * n_edges,) are rows of the sites of all networks, one network after the other;
        `radial` (n_edges, n_radial) expands the distances, `share` (m * n_edges, 1) is how much an edge counts.
        """
        m, n_sites, width = x.shape
        both = self.from_sites(layer_norm(x, (width,))).view(m * n_sites, 4 * width)
        said = torch.matmul(radial, self.from_edge).view(-1, 2 * width)
        said += both[:, : 2 * width].index_select(0, target)
        said += both[:, 2 * width :].index_select(0, source)
        # message * sigmoid(gate), and once more sigmoid(message): the SiLU of the message, gated.
        message = glu(said, dim=1).mul_(said[:, :width].sigmoid()).mul_(share)
        heard = x.new_zeros(m * n_sites, width).index_add_(0, target, message)
        return self.mix.added_to(x, heard.view(m, n_sites, width))


@dataclass(frozen=True)
class StackedCrystal:
    """Hold what the networks do with the sites of crystals."""

    species: Tensor
    """Shape (m, 119, width): what each element says on a site."""
    from_site: Linear
    radial: RadialBasis
    convolutions: tuple[StackedConvolution, ...]
    from_crystal: Perceptron

    @classmethod
    def of(cls, networks: Sequence[SuperionNetwork]) -> StackedCrystal:
        """Stack the parts that read crystals."""
        levels = zip(*(list(n.convolutions) for n in networks), strict=True)
        blocks = [[block for block in level if isinstance(block, SiteConvolution)] for level in levels]
        return cls(
            species=Linear.of([n.from_species for n in networks])(elements_of(networks)),
            from_site=Linear.of([n.from_site for n in networks]),
            radial=networks[0].radial,
            convolutions=tuple(StackedConvolution.of(level) for level in blocks),
            from_crystal=Perceptron.of([n.from_crystal for n in networks]),
        )

    def __call__(self, crystals: Sequence[Arrays]) -> Tensor:
        """Read crystals by their arrays, named as in `featurizers.schema`; shape (m, n_crystals, width)."""
        m, _, width = self.species.shape
        sizes = [len(arrays[schema.SITE_OCCUPANCY]) for arrays in crystals]
        first = np.concatenate([[0], np.cumsum(sizes)])
        n_sites = int(first[-1])
        occupancy = _joined(crystals, schema.SITE_OCCUPANCY)
        mobile = _joined(crystals, schema.MOBILE_OCCUPANCY)
        source, target = _joined(crystals, schema.EDGE_INDEX, first)
        heard = np.bincount(target, occupancy[source], n_sites)
        share = occupancy[source] / np.maximum(heard, 1e-3)[target]
        network = torch.arange(m)[:, None] * n_sites

        said = self.species.index_select(1, torch.from_numpy(_joined(crystals, schema.SPECIES_ATOMIC_NUMBER)))
        said = said * torch.from_numpy(_joined(crystals, schema.SPECIES_OCCUPANCY))[:, None]
        site = (torch.from_numpy(_joined(crystals, schema.SPECIES_INDEX, first)) + network).flatten()
        x = self.from_site.shared(torch.from_numpy(np.stack([1.0 - occupancy, mobile], axis=1)))
        x = x.view(m * n_sites, width).index_add_(0, site, said.view(-1, width)).view(m, n_sites, width)
        from_row, to_row = ((torch.from_numpy(ends) + network).flatten() for ends in (source, target))
        radial = self.radial(torch.from_numpy(_joined(crystals, schema.EDGE_DISTANCE)))
        shares = torch.from_numpy(share.astype(np.float32)).repeat(m)[:, None]
        for convolution in self.convolutions:
            x = convolution(x, from_row, to_row, radial, shares)

        crystal = np.repeat(np.arange(len(crystals)), sizes)
        means = [_mean(x, weight, crystal, len(crystals)) for weight in (occupancy, mobile)]
        return self.from_crystal(torch.cat(means, dim=2))


def _mean(x: Tensor, weight: npt.NDArray[np.float32], group: npt.NDArray[np.int64], n_groups: int) -> Tensor:
    """Average sites `x` (m, n_sites, width) by `weight` (n_sites,) within groups, as `layers.weighted_mean` does."""
    share = weight / np.maximum(np.bincount(group, weight, n_groups), 1e-6)[group]
    weighted = x * torch.from_numpy(share.astype(np.float32))[:, None]
    return x.new_zeros(x.shape[0], n_groups, x.shape[2]).index_add_(1, torch.from_numpy(group), weighted)


def _joined(crystals: Sequence[Arrays], name: str, first: npt.NDArray[np.int64] | None = None) -> npt.NDArray[Any]:
    """Put an array of all crystals together along its last axis; site numbers begin at `first` for each crystal."""
    if first is None:
        return np.concatenate([arrays[name] for arrays in crystals], axis=-1)
    return np.concatenate([arrays[name] + start for arrays, start in zip(crystals, first[:-1], strict=True)], axis=-1)


def _turned(halves: Tensor) -> Tensor:
    return torch.cat(halves.chunk(2, dim=-1)[::-1], dim=-1)


def _heads(heads: Sequence[nn.ModuleDict], config: NetworkConfig, *, scaled: bool) -> Linear:
    """Stack the heads of the targets side by side."""
    maps = []
    for name, centre, scale in config.scales:
        layers = [head[name] for head in heads]
        linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        maps.append(Linear.of(linear, scale=scale, shift=centre) if scaled else Linear.of(linear))
    return Linear(torch.cat([one.weight for one in maps], dim=2), torch.cat([one.bias for one in maps], dim=2))
