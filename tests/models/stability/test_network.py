"""The network: a formula is a set of elements with fractions, whatever the order, the batch and the padding."""

from __future__ import annotations

import pytest
import torch

from superion.featurizers.formula import Formula
from superion.models.stability.inputs import END_MEMBER_NAMES, StabilityInputs, end_members_say
from superion.models.stability.network import CLASSES, TARGETS, NetworkOutput, StabilityConfig, StabilityNetwork


@pytest.fixture(scope="module")
def network() -> StabilityNetwork:
    torch.manual_seed(5)
    return StabilityNetwork(StabilityConfig(width=32, layers=2, heads=4)).eval()


def answers(network: StabilityNetwork, inputs: StabilityInputs) -> NetworkOutput:
    with torch.inference_mode():
        return network(inputs)


def close(one: NetworkOutput, other: NetworkOutput) -> bool:
    pairs = ((one.mean, other.mean), (one.deviation, other.deviation), (one.logits, other.logits))
    return all(torch.allclose(a, b, atol=1e-5) for a, b in pairs)


def test_shapes_and_signs(network: StabilityNetwork) -> None:
    found = answers(network, StabilityInputs.of([Formula.parse(text) for text in ("Li6PS5Cl", "Li", "NaCl")]))
    assert found.mean.shape == found.deviation.shape == (3, len(TARGETS))
    assert found.logits.shape == (3, len(CLASSES))
    assert (found.deviation > 0.0).all()


@pytest.mark.parametrize(("one", "other"), [("Li6PS5Cl", "ClS5PLi6"), ("Li6PS5Cl", "Li12P2S10Cl2"), ("Li2O", "LiO0.5")])
def test_order_and_scale_do_not_matter(network: StabilityNetwork, one: str, other: str) -> None:
    first, second = (answers(network, StabilityInputs.of([Formula.parse(text)])) for text in (one, other))
    assert close(first, second)


def test_neighbours_and_padding_change_nothing(network: StabilityNetwork) -> None:
    alone = answers(network, StabilityInputs.of([Formula.parse("Li2O")]))
    formulas = [Formula.parse(text) for text in ("Li6.4La3Zr1.4Ta0.6O12", "Li2O", "Li1.3Al0.3Ti1.7P3O12")]
    among = answers(network, StabilityInputs.of(formulas))
    row = NetworkOutput(among.mean[1:2], among.deviation[1:2], among.logits[1:2])
    assert close(alone, row)


def test_amounts_matter(network: StabilityNetwork) -> None:
    one, other = (answers(network, StabilityInputs.of([Formula.parse(text)])) for text in ("Li2S", "Li2S4"))
    assert not close(one, other)


def test_what_end_members_do_not_know_is_not_read(network: StabilityNetwork) -> None:
    formulas = [Formula.parse("Li2S")]
    silent = StabilityInputs.joined(formulas, [None])
    noise = StabilityInputs(
        silent.atomic_number, silent.fraction, torch.full_like(silent.end_members, 99.0), silent.known
    )
    assert close(answers(network, silent), answers(network, noise))
    said = StabilityInputs.of(formulas)
    assert said.known.item() == 1.0
    assert not close(answers(network, silent), answers(network, said))


def test_end_members_say_what_the_engine_finds() -> None:
    said = dict(zip(END_MEMBER_NAMES, end_members_say(Formula.parse("Li3PS4")) or (), strict=True))
    assert said["reaction_energy_of_the_hull_eV_per_atom"] < -0.8
    assert 1.5 < said["reduction_limit_V"] <= said["oxidation_limit_V"] < 2.6
    assert (said["has_oxidation_limit"], said["n_products"]) == (1.0, 2.0)
    # Li3P and Li2S: eight lithium atoms for each phosphorus atom.
    assert said["lithium_uptake_per_atom"] == pytest.approx(8.0 / 8.0)
    doubled = end_members_say(Formula.parse("Li6P2S8"))
    assert doubled == pytest.approx(tuple(said.values()))


def test_end_members_say_nothing_of_an_element_without_one() -> None:
    assert end_members_say(Formula.parse("LiTcO4")) is None
    assert end_members_say(Formula.parse("NaCl")) is not None


def test_an_element_without_end_members_is_answered(network: StabilityNetwork) -> None:
    inputs = StabilityInputs.of([Formula.parse("LiTcO4"), Formula.parse("Li2O")])
    assert inputs.known.tolist() == [0.0, 1.0]
    assert torch.isfinite(answers(network, inputs).mean).all()
