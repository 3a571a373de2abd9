"""A stack of stability networks answers as the networks do."""

from __future__ import annotations

import random

import pytest
import torch

from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import Formula
from superion.models.stability import stacked
from superion.models.stability.inputs import StabilityInputs
from superion.models.stability.learned import StabilityModel
from superion.models.stability.network import StabilityConfig, StabilityNetwork
from superion.models.stability.stacked import StackedStability


@pytest.fixture
def networks() -> tuple[StabilityNetwork, ...]:
    """Return small networks, stirred so that every input moves the answer."""
    torch.manual_seed(5)
    config = StabilityConfig(width=32, layers=2, heads=4)
    made = tuple(StabilityNetwork(config).eval().requires_grad_(False) for _ in range(3))
    for network in made:
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
        for buffer in (network.centre, network.end_member_centre):
            buffer.copy_(torch.randn_like(buffer))
        for buffer in (network.scale, network.end_member_scale):
            buffer.copy_(0.5 + torch.rand_like(buffer))
    return made


def inputs(count: int, seed: int = 3) -> StabilityInputs:
    chosen = random.Random(seed)
    amounts = [
        {symbol: chosen.uniform(0.1, 12.0) for symbol in chosen.sample(SYMBOLS[:94], chosen.randint(1, 9))}
        for _ in range(count)
    ]
    return StabilityInputs.of([Formula.from_amounts(each) for each in amounts])


def agree(networks: tuple[StabilityNetwork, ...], asked: StabilityInputs, stack: StackedStability) -> bool:
    found = stack.predict(asked)
    with torch.inference_mode():
        outputs = [network(asked) for network in networks]
    return all(
        torch.allclose(getattr(found, name), torch.stack([getattr(one, name) for one in outputs]), atol=5e-6, rtol=2e-6)
        for name in ("mean", "deviation", "logits")
    )


@pytest.mark.parametrize("count", [1, 2, 20])
def test_a_stack_answers_as_its_networks_do(networks: tuple[StabilityNetwork, ...], count: int) -> None:
    assert agree(networks, inputs(count), StackedStability.of(networks))


def test_many_formulas_are_answered_in_their_order(
    networks: tuple[StabilityNetwork, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacked, "BATCH", 7)
    assert agree(networks, inputs(40), StackedStability.of(networks))


def test_a_model_answers_with_the_weights_that_its_networks_have_now(networks: tuple[StabilityNetwork, ...]) -> None:
    model = StabilityModel(networks, {})
    assert model.stacked is model.stacked
    before = model.stacked.predict(inputs(3)).mean
    networks[0].load_state_dict(networks[1].state_dict())
    assert not torch.equal(model.stacked.predict(inputs(3)).mean, before)
    assert agree(networks, inputs(3), model.stacked)
