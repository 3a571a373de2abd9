"""The graph network: a trunk over the composition graph and, where there is one, the crystal graph; a head a target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from superion.featurizers import schema
from superion.featurizers.context import LOG_ATOMS_CENTRE
from superion.models.batch import MaterialBatch
from superion.models.layers import CompositionAttention, ElementEncoder, RadialBasis, SiteConvolution, weighted_mean
from superion.models.targets import TARGETS

_LOG_ATOMS = schema.CONTEXT_NAMES.index("log_atoms_per_cell")
N_ELEMENT_FEATURES = 6


@dataclass(frozen=True)
class NetworkConfig:
    """Hold the sizes of a network; saved with its weights."""

    width: int = 64
    """Length of the vectors of elements and of the trunk; accuracy is flat between 48 and 96."""
    layers: int = 3
    """Attention blocks over the composition."""
    heads: int = 4
    """Attention heads; divides `width`."""
    site_width: int = 32
    """Length of the vectors of crystal sites; the cost of a crystal grows with its square."""
    site_layers: int = 2
    """Convolutions over the crystal graph."""
    cutoff: float = 6.0
    """Farthest neighbour of a site [angstrom]."""
    neighbors: int = 12
    """Nearest neighbours that a site hears."""
    n_radial: int = 16
    """Gaussians that a distance is expanded in."""
    dropout: float = 0.1
    element_dropout: float = 0.1
    """How often the learned vector of an element is dropped in training, so that its properties must do."""
    scales: tuple[tuple[str, float, float], ...] = tuple((t.name, t.centre, t.scale) for t in TARGETS)
    """Name, centre and scale of each target, in its own unit: what a head's output of 0 and 1 stand for."""

    def __post_init__(self) -> None:
        # Configurations come back from JSON with lists in place of tuples.
        object.__setattr__(self, "scales", tuple((str(n), float(c), float(s)) for n, c, s in self.scales))


@dataclass(frozen=True)
class NetworkOutput:
    """Hold the mean and the expected absolute deviation of each target, each of shape (n_materials,), in its unit."""

    mean: dict[str, Tensor]
    deviation: dict[str, Tensor]


class SuperionNetwork(nn.Module):
    """Predict every target of a batch of materials, with or without a crystal."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        width, site_width = config.width, config.site_width
        self.elements = ElementEncoder(width, config.element_dropout)
        self.from_amounts = nn.Linear(N_ELEMENT_FEATURES, width)
        self.attention = nn.ModuleList(
            CompositionAttention(width, config.heads, config.dropout) for _ in range(config.layers)
        )
        n_context = 2 * len(schema.CONTEXT_NAMES)
        self.from_context = nn.Sequential(nn.Linear(n_context, width), nn.GELU(), nn.Linear(width, width))
        self.radial = RadialBasis(config.cutoff, config.n_radial)
        self.from_species = nn.Linear(width, site_width)
        self.from_site = nn.Linear(2, site_width)
        self.convolutions = nn.ModuleList(
            SiteConvolution(site_width, config.n_radial, config.dropout) for _ in range(config.site_layers)
        )
        self.from_crystal = nn.Sequential(nn.Linear(2 * site_width, width), nn.GELU(), nn.Linear(width, width))
        self.no_crystal = nn.Parameter(torch.zeros(width))
        self.trunk = nn.Sequential(
            nn.Linear(4 * width, 2 * width),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(2 * width, width),
            nn.GELU(),
        )
        self.means = nn.ModuleDict({name: nn.Linear(width, 1) for name, _, _ in config.scales})
        self.deviations = nn.ModuleDict({name: nn.Linear(width, 1) for name, _, _ in config.scales})

    def forward(self, batch: MaterialBatch) -> NetworkOutput:
        """Predict the targets of `batch.size` materials."""
        elements = self.elements()
        joined = torch.cat([self._composition(batch, elements), self._crystal(batch, elements)], dim=1)
        trunk = self.trunk(joined)
        mean, deviation = {}, {}
        for name, centre, scale in self.config.scales:
            mean[name] = centre + scale * self.means[name](trunk)[:, 0]
            # The trunk is left alone here: learning how wrong the mean is must not bend the mean.
            log_deviation = self.deviations[name](trunk.detach())[:, 0]
            deviation[name] = scale * torch.exp(log_deviation.clamp(-4.0, 2.0))
        return NetworkOutput(mean, deviation)

    def _composition(self, batch: MaterialBatch, elements: Tensor) -> Tensor:
        from torch_geometric.utils import scatter

        graph = batch.composition
        fraction = graph[schema.FRACTION]
        log_fraction = torch.log(fraction.clamp_min(1e-5))
        context, known = graph[schema.CONTEXT], graph[schema.CONTEXT_KNOWN]
        x = elements[graph[schema.ATOMIC_NUMBER]]
        # How many atoms of an element the cell holds: 24 and 4 tell a structure type that 0.46 and 0.08 do not.
        in_cell = known[graph.batch, _LOG_ATOMS]
        log_amount = (context[graph.batch, _LOG_ATOMS] + LOG_ATOMS_CENTRE + log_fraction - 2.0) * in_cell
        waves = (torch.sin(20.0 * fraction), torch.cos(20.0 * fraction))
        amounts = torch.stack([4.0 * fraction - 1.0, log_fraction + 2.0, log_amount, in_cell, *waves], dim=1)
        x = x + self.from_amounts(amounts)
        for block in self.attention:
            x = block(x, graph[schema.EDGE_INDEX], log_fraction)
        mean = weighted_mean(x, fraction, graph.batch, batch.size)
        largest = scatter(x, graph.batch, dim=0, dim_size=batch.size, reduce="max")
        return torch.cat([mean, largest, self.from_context(torch.cat([context * known, known], dim=1))], dim=1)

    def _crystal(self, batch: MaterialBatch, elements: Tensor) -> Tensor:
        from torch_geometric.utils import scatter

        vectors = self.no_crystal.expand(batch.size, -1)
        graph = batch.crystal
        if graph is None:
            return vectors
        occupancy, mobile = graph[schema.SITE_OCCUPANCY], graph[schema.MOBILE_OCCUPANCY]
        species = self.from_species(elements)[graph[schema.SPECIES_ATOMIC_NUMBER]]
        species = species * graph[schema.SPECIES_OCCUPANCY][:, None]
        x = scatter(species, graph[schema.SPECIES_INDEX], dim=0, dim_size=graph.num_nodes, reduce="sum")
        x = x + self.from_site(torch.stack([1.0 - occupancy, mobile], dim=1))
        radial = self.radial(graph[schema.EDGE_DISTANCE])
        for convolution in self.convolutions:
            x = convolution(x, graph[schema.EDGE_INDEX], radial, occupancy)
        n_crystals = batch.owner.shape[0]
        everywhere = weighted_mean(x, occupancy, graph.batch, n_crystals)
        where_mobile = weighted_mean(x, mobile, graph.batch, n_crystals)
        found = self.from_crystal(torch.cat([everywhere, where_mobile], dim=1))
        return vectors.index_copy(0, batch.owner, found)
