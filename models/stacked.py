"""What the weights of several networks of one configuration become, so that one pass answers for all of them.

A forward pass over one formula is a hundred small steps, and nearly all of its time goes into taking them: the calls of
modules, the building of graphs, the scattering over a handful of nodes. Here the weights of the networks are stacked,
so that each step is taken once for all; formulas are padded rows in place of graphs; and what depends on the weights
alone (the vectors of the elements, the affine part of a normalisation before a linear map) is worked out beforehand.
Nothing can be learned through a stack: it has no gradients and no dropout. Training and stacks are held together by
tests that compare the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter, is_

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, layer_norm

from superion.models.layers import ElementEncoder

FAR = -1e9
"""Stands for minus infinity where an element is padding."""

_VERSION = attrgetter("_version")
"""How often a tensor was written to."""


@dataclass(frozen=True)
class Linear:
    """Hold a linear map of each of m networks."""

    weight: Tensor
    """Shape (m, n_in, n_out)."""
    bias: Tensor
    """Shape (m, 1, n_out)."""

    @classmethod
    def of(
        cls,
        layers: Sequence[nn.Linear],
        after: Sequence[nn.LayerNorm] | None = None,
        scale: Tensor | float = 1.0,
        shift: Tensor | float = 0.0,
    ) -> Linear:
        """Stack maps; what comes out is multiplied by `scale` and added to `shift`, each for n_out numbers.

        With `after`, a normalisation before each map, the affine part of it is taken into the map.
        """
        # In double precision, so that what is worked out beforehand is rounded once.
        weight = torch.stack([layer.weight.detach().double().mT for layer in layers])
        bias = torch.stack([_bias(layer) for layer in layers])[:, None, :]
        if after is not None:
            bias = bias + torch.stack([norm.bias.detach().double() for norm in after])[:, None, :] @ weight
            weight = weight * torch.stack([norm.weight.detach().double() for norm in after])[:, :, None]
        return cls((weight * scale).float(), (bias * scale + shift).float())

    def __call__(self, x: Tensor) -> Tensor:
        """Map `x` (m, n, n_in) to shape (m, n, n_out)."""
        return torch.baddbmm(self.bias, x, self.weight)

    def added_to(self, x: Tensor, y: Tensor) -> Tensor:
        """Return `x` (m, n, n_out) plus the map of `y` (m, n, n_in)."""
        return torch.baddbmm(x + self.bias, y, self.weight)

    def shared(self, x: Tensor) -> Tensor:
        """Map one `x` (n, n_in), the same for every network, to shape (m, n, n_out)."""
        return torch.baddbmm(self.bias, x.expand(len(self.weight), -1, -1), self.weight)


@dataclass(frozen=True)
class Perceptron:
    """Hold two linear maps with a GELU between them."""

    first: Linear
    second: Linear

    @classmethod
    def of(cls, blocks: Sequence[nn.Module], after: Sequence[nn.LayerNorm] | None = None) -> Perceptron:
        """Stack `nn.Sequential`s whose first and last modules are linear, with a GELU and perhaps dropout between."""
        maps = [[layer for layer in block.children() if isinstance(layer, nn.Linear)] for block in blocks]
        return cls(Linear.of([first for first, _ in maps], after), Linear.of([second for _, second in maps]))

    def __call__(self, x: Tensor) -> Tensor:
        """Map `x` (m, n, n_in) to shape (m, n, n_out)."""
        return self.second(gelu(self.first(x)))

    def shared(self, x: Tensor) -> Tensor:
        """Map one `x` (n, n_in), the same for every network, to shape (m, n, n_out)."""
        return self.second(gelu(self.first.shared(x)))


@dataclass(frozen=True)
class Attention:
    """Hold one block of attention over the elements of each network; see `layers.CompositionAttention`."""

    query_key_value: Linear
    fraction_power: Tensor
    """Shape (m, 1, heads, 1, 1)."""
    mix: Linear
    update: Perceptron

    @classmethod
    def of(cls, blocks: Sequence[nn.Module]) -> Attention:
        """Stack blocks of the conductivity networks or of the stability networks, whose parts have the same names."""
        parts: list[dict[str, nn.Module]] = [dict(block.named_children()) for block in blocks]
        power = torch.stack([block.get_parameter("fraction_power").detach() for block in blocks])
        width, heads = _linear(parts[0], "mix").in_features, power.shape[1]
        # The score of a pair is divided by the root of the length of a head; so is the query instead.
        scale = torch.ones(3 * width, dtype=torch.float64)
        scale[:width] /= math.sqrt(width / heads)
        return cls(
            Linear.of(
                [_linear(p, "query_key_value") for p in parts], [_norm(p, "norm_attention") for p in parts], scale
            ),
            power[:, None, :, None, None],
            Linear.of([_linear(p, "mix") for p in parts]),
            Perceptron.of([p["update"] for p in parts], [_norm(p, "norm_update") for p in parts]),
        )

    def __call__(self, x: Tensor, log_fraction: Tensor, padding: Tensor | None) -> Tensor:
        """Update elements `x` (m, n * n_elements, width); `log_fraction` and `padding` are (n, n_elements)."""
        m, _, width = x.shape
        n, count = log_fraction.shape
        heads = self.fraction_power.shape[2]
        parts = self.query_key_value(_normed(x)).view(m, n, count, 3, heads, width // heads)
        query, key, value = parts.permute(3, 0, 1, 4, 2, 5).unbind()
        score = query @ key.mT
        score += self.fraction_power * log_fraction[:, None, None, :]
        if padding is not None:
            score.masked_fill_(padding[:, None, None, :], FAR)
        heard = (score.softmax(-1) @ value).transpose(2, 3).reshape(m, n * count, width)
        x = self.mix.added_to(x, heard)
        return self.update.second.added_to(x, gelu(self.update.first(_normed(x))))


@dataclass(frozen=True)
class Composition:
    """Hold what the networks do with the elements of a formula."""

    elements: Tensor
    """Shape (m, 119, width): the vector of each element, with the bias of the map of the amounts."""
    from_amounts: Tensor
    """Shape (m, n_amounts, width)."""
    attention: tuple[Attention, ...]

    @classmethod
    def of(cls, networks: Sequence[nn.Module]) -> Composition:
        """Stack the parts `elements`, `from_amounts` and `attention` of networks."""
        parts = [dict(network.named_children()) for network in networks]
        amounts = Linear.of([_linear(p, "from_amounts") for p in parts])
        blocks = [list(p["attention"].children()) for p in parts]
        return cls(
            elements_of(networks) + amounts.bias,
            amounts.weight,
            tuple(Attention.of(level) for level in zip(*blocks, strict=True)),
        )

    def __call__(self, numbers: Tensor, fraction: Tensor, amounts: Tensor, log_fraction: Tensor) -> Tensor:
        """Return the mean of the elements and their largest values, shape (m, n, 2 * width).

        `numbers` (n, n_elements) are 0 in padding, as are `fraction` and `log_fraction`; `amounts` is what is said of
        an element beside its number, shape (n, n_elements, n_amounts).
        """
        m, (n, count) = len(self.elements), numbers.shape
        vectors = self.elements.index_select(1, numbers.flatten())
        said = amounts.view(1, n * count, -1).expand(m, -1, -1)
        x = torch.baddbmm(vectors, said, self.from_amounts)
        padding = numbers == 0
        absent = padding if bool(padding.any()) else None
        for block in self.attention:
            x = block(x, log_fraction, absent)
        x = x.view(m, n, count, -1)
        mean = (x * fraction[..., None]).sum(2)
        if absent is not None:
            x = x.masked_fill(absent[..., None], FAR)
        return torch.cat([mean, x.amax(2)], dim=2)


class Weights:
    """Remember networks and their weights as they are, so that a stack can be told to be out of date."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        modules = [module for network in networks for module in network.modules()]
        stores = [store for m in modules for store in (m._parameters, m._buffers, m._modules) if store]
        self._stores = [(store, tuple(store.values())) for store in stores]
        # Tensors of inference mode do not count how often they were written to.
        held = [part for _, parts in self._stores for part in parts if isinstance(part, Tensor)]
        self._counting = [tensor for tensor in held if not tensor.is_inference()]
        self._versions = list(map(_VERSION, self._counting))

    def unchanged(self) -> bool:
        """Tell whether no part was replaced or written to since, as training and `load_state_dict` do."""
        # Asked before every answer, of hundreds of parts.
        for store, held in self._stores:
            if len(store) != len(held) or not all(map(is_, store.values(), held)):
                return False
        return list(map(_VERSION, self._counting)) == self._versions


def elements_of(networks: Sequence[nn.Module]) -> Tensor:
    """Return the vectors that networks have of the elements, shape (m, 119, width), without their dropout."""
    vectors = []
    for network in networks:
        encoder = network.get_submodule("elements")
        assert isinstance(encoder, ElementEncoder)
        vectors.append(encoder.encoded(encoder.learned.weight).detach())
    return torch.stack(vectors)


def _normed(x: Tensor) -> Tensor:
    """Normalise without the affine part, which is in the map that follows."""
    return layer_norm(x, x.shape[-1:])


def _bias(layer: nn.Linear) -> Tensor:
    if layer.bias is None:
        return torch.zeros(layer.out_features, dtype=torch.float64)
    return layer.bias.detach().double()


def _linear(parts: dict[str, nn.Module], name: str) -> nn.Linear:
    found = parts[name]
    assert isinstance(found, nn.Linear)
    return found


def _norm(parts: dict[str, nn.Module], name: str) -> nn.LayerNorm:
    found = parts[name]
    assert isinstance(found, nn.LayerNorm)
    return found
