"""The parts that the networks are made of: element encoding, attention over a composition, convolution over sites.

torch-geometric is imported where something is scattered, not above: its import takes seconds, and a model that only
answers (`models.stacked`) needs none of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from superion.featurizers.element_data import SYMBOLS, magpie_table

N_ELEMENTS = len(SYMBOLS)


class ElementEncoder(nn.Module):
    """Encode elements by a learned vector plus a learned function of their tabulated properties.

    In training the learned vector of a whole element is dropped now and then, so that the properties alone must do:
    they are all there is for an element that no training row holds. A property without a value counts as unknown, by a
    flag of its own.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        properties, known = _standardised_properties()
        self.properties: Tensor
        self.register_buffer("properties", torch.cat([properties, known], dim=1), persistent=False)
        self.learned = nn.Embedding(N_ELEMENTS + 1, width)
        self.from_properties = nn.Linear(2 * properties.shape[1], width)
        self.dropout = dropout
        nn.init.normal_(self.learned.weight, 0.0, 0.3)

    def forward(self) -> Tensor:
        """Return a vector for every atomic number, shape (n_elements + 1, width); row 0 is no element."""
        learned = self.learned.weight
        if self.training and self.dropout > 0.0:
            kept = torch.rand(learned.shape[0], 1, device=learned.device) >= self.dropout
            learned = learned * kept
        return self.encoded(learned)

    def encoded(self, learned: Tensor) -> Tensor:
        """Return the vectors with these learned parts, both of shape (n_elements + 1, width)."""
        encoded: Tensor = learned + self.from_properties(self.properties)
        return encoded


class CompositionAttention(nn.Module):
    """Let the elements of a composition attend to one another, each heard in proportion to its fraction.

    Weighting the softmax by fractions is what Goodall and Lee do in Roost (doi:10.1038/s41467-020-19964-7); the block
    around it is the pre-normed transformer's.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.fraction_power = nn.Parameter(torch.zeros(heads))
        self.mix = nn.Linear(width, width)
        self.norm_update = nn.LayerNorm(width)
        self.update = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, edge_index: Tensor, log_fraction: Tensor) -> Tensor:
        """Update elements `x` (n_elements, width) over ordered pairs (2, n_edges)."""
        from torch_geometric.utils import scatter, softmax

        source, target = edge_index
        query, key, value = self.query_key_value(self.norm_attention(x)).chunk(3, dim=-1)
        shape = (-1, self.heads, x.shape[1] // self.heads)
        query, key, value = query.view(shape), key.view(shape), value.view(shape)
        score = (query[target] * key[source]).sum(-1) / shape[2] ** 0.5
        score = score + self.fraction_power * log_fraction[source, None]
        weight = self.dropout(softmax(score, target, num_nodes=x.shape[0]))
        heard = scatter(weight[..., None] * value[source], target, dim=0, dim_size=x.shape[0], reduce="sum")
        x = x + self.dropout(self.mix(heard.flatten(1)))
        updated: Tensor = x + self.dropout(self.update(self.norm_update(x)))
        return updated


class SiteConvolution(nn.Module):
    """Update the sites of a crystal by gated messages from their neighbours, weighted by the neighbour's occupancy.

    The gate is that of Xie and Grossman's CGCNN (doi:10.1103/PhysRevLett.120.145301); the occupancy weighting is what
    lets a site that is half empty speak half as loud.
    """

    def __init__(self, width: int, n_radial: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        # One linear map of (site, neighbour, edge) is the sum of three; two of them need no copy per edge.
        self.from_site = nn.Linear(width, 2 * width)
        self.from_neighbor = nn.Linear(width, 2 * width, bias=False)
        self.from_edge = nn.Linear(n_radial, 2 * width, bias=False)
        self.mix = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, edge_index: Tensor, radial: Tensor, occupancy: Tensor) -> Tensor:
        """Update sites `x` (n_sites, width); `radial` (n_edges, n_radial), `occupancy` (n_sites,)."""
        from torch_geometric.utils import scatter

        source, target = edge_index
        normed = self.norm(x)
        both = self.from_site(normed)[target] + self.from_neighbor(normed)[source] + self.from_edge(radial)
        gate, message = both.chunk(2, dim=-1)
        weight = occupancy[source, None]
        message = torch.sigmoid(gate) * nn.functional.silu(message) * weight
        heard = scatter(message, target, dim=0, dim_size=x.shape[0], reduce="sum")
        total = scatter(weight, target, dim=0, dim_size=x.shape[0], reduce="sum").clamp_min(1e-3)
        updated: Tensor = x + self.dropout(self.mix(heard / total))
        return updated


class RadialBasis(nn.Module):
    """Expand distances in Gaussians spread evenly from 0 to the cutoff [angstrom]."""

    def __init__(self, cutoff: float, count: int) -> None:
        super().__init__()
        self.centres: Tensor
        self.register_buffer("centres", torch.linspace(0.0, cutoff, count), persistent=False)
        self.width = cutoff / (count - 1)

    def forward(self, distance: Tensor) -> Tensor:
        """Return shape (n_edges, count) for distances (n_edges,) [angstrom]."""
        return torch.exp(-0.5 * ((distance[:, None] - self.centres) / self.width) ** 2)


def weighted_mean(x: Tensor, weight: Tensor, index: Tensor, size: int) -> Tensor:
    """Average rows of `x` (n, width) by `weight` (n,) within each of `size` groups; a group without weight is zero."""
    from torch_geometric.utils import scatter

    total = scatter(weight, index, dim=0, dim_size=size, reduce="sum").clamp_min(1e-6)
    return scatter(x * weight[:, None], index, dim=0, dim_size=size, reduce="sum") / total[:, None]


def _standardised_properties() -> tuple[Tensor, Tensor]:
    values = torch.tensor(magpie_table().values, dtype=torch.float32)
    known = torch.isfinite(values)
    count = known.sum(0)
    filled = torch.where(known, values, 0.0)
    mean = filled.sum(0) / count
    spread = (torch.where(known, (values - mean) ** 2, 0.0).sum(0) / count).sqrt().clamp_min(1e-6)
    scaled = torch.where(known, (values - mean) / spread, 0.0)
    no_element = torch.zeros(1, values.shape[1])
    return torch.cat([no_element, scaled]), torch.cat([no_element, known.float()])
