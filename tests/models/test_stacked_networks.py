"""A stack of networks answers as the networks do, and as they are at the time."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.featurizers.context import CellContext
from superion.featurizers.element_data import SYMBOLS
from superion.featurizers.formula import Formula
from superion.models.artefact import Artefact
from superion.models.ensemble import Ensemble
from superion.models.material import Material
from superion.models.network import SuperionNetwork
from superion.models.predictor import RELEASE_FOLDER
from superion.models.stacked_networks import StackedNetworks

from . import _builders

CELL = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
TOLERANCE = 1e-6
"""Of the scale of a target and of the value: what single precision is good for."""
STIRRED = 10.0
"""Untrained networks that are stirred make more of rounding."""


def by_networks(networks: Sequence[SuperionNetwork], materials: Sequence[Material]) -> tuple[np.ndarray, np.ndarray]:
    """Return what each network answers when it is called, as `StackedNetworks.predict` returns it."""
    batch = Ensemble(networks[0].config, tuple(networks)).batch(materials)
    with torch.inference_mode():
        outputs = [network(batch) for network in networks]
    names = [name for name, _, _ in networks[0].config.scales]
    means = np.stack([[output.mean[name].numpy() for output in outputs] for name in names])
    deviations = np.stack([[output.deviation[name].numpy() for output in outputs] for name in names])
    return means, deviations


def agree(
    networks: Sequence[SuperionNetwork],
    materials: Sequence[Material],
    stack: StackedNetworks,
    tolerance: float = STIRRED * TOLERANCE,
) -> bool:
    scale = np.array([scale for _, _, scale in stack.config.scales])[:, None, None]
    pairs = zip(stack.predict(materials), by_networks(networks, materials), strict=True)
    return all(
        found.shape == expected.shape and (np.abs(found - expected) < tolerance * (scale + np.abs(expected))).all()
        for found, expected in pairs
    )


def materials_of(kind: str) -> list[Material]:
    mixed = _builders.mixed_batch()
    formulas = [Material(Formula.parse(text)) for text in ("Li6PS5Cl", "Li", "Li1.3Al0.3Ti1.7(PO4)3", "UPuOg")]
    cells = [replace(CELL, atoms_per_cell=None), replace(CELL, space_group_number=None), CELL]
    return {
        "a formula": formulas[:1],
        "formulas": formulas,
        "cells": [Material(formulas[0].formula, cell=cell) for cell in cells],
        "a crystal": [mixed[1]],
        "crystals": [mixed[1], mixed[3], Material.from_crystal(_builders.argyrodite(216).supercell((2, 1, 1)))],
        "both": mixed,
    }[kind]


@pytest.mark.parametrize("kind", ["a formula", "formulas", "cells", "a crystal", "crystals", "both"])
@pytest.mark.parametrize("members", [1, 4])
def test_a_stack_answers_as_its_networks_do(kind: str, members: int) -> None:
    networks = _builders.ensemble(members).networks
    assert agree(networks, materials_of(kind), StackedNetworks.of(networks))


@pytest.mark.parametrize("kind", ["formulas", "cells", "crystals", "both"])
def test_the_shipped_networks_and_their_stack_differ_by_rounding(kind: str) -> None:
    networks = Artefact.load(RELEASE_FOLDER).ensemble.networks
    assert agree(networks, materials_of(kind), StackedNetworks.of(networks), TOLERANCE)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(SYMBOLS), st.floats(1e-3, 100.0), min_size=1, max_size=12),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=40, deadline=None)
def test_a_stack_answers_any_formulas_as_its_networks_do(networks: Ensemble, amounts: list[dict[str, float]]) -> None:
    materials = [Material(Formula.from_amounts(each)) for each in amounts]
    assert agree(networks.networks, materials, networks.stacked)


def test_a_site_without_neighbours_hears_nothing() -> None:
    networks = _builders.ensemble(config=replace(_builders.SMALL, cutoff=2.0)).networks
    assert agree(networks, materials_of("crystals"), StackedNetworks.of(networks))


def test_what_belongs_to_training_is_no_part_of_a_stack() -> None:
    networks = _builders.ensemble().networks
    expected = StackedNetworks.of(networks).predict(materials_of("both"))
    for network in networks:
        network.train()
    found = StackedNetworks.of(networks).predict(materials_of("both"))
    assert np.array_equal(found[0], expected[0]) and np.array_equal(found[1], expected[1])


@pytest.mark.parametrize("how", ["load_state_dict", "assign", "a step", "the elements", "a layer"])
def test_an_ensemble_answers_with_the_weights_that_its_networks_have_now(how: str) -> None:
    ensemble, other = _builders.ensemble(), _builders.ensemble(seed=8)
    materials = materials_of("both")
    before = ensemble.predict(materials)["log10_conductivity"].mean
    network = ensemble.networks[1]
    if how == "load_state_dict":
        network.load_state_dict(other.networks[1].state_dict())
    elif how == "assign":
        network.load_state_dict(other.networks[1].state_dict(), assign=True)
    elif how == "a step":
        network.requires_grad_(True)
        optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
        output = network(ensemble.batch(materials))
        sum(mean.sum() for mean in output.mean.values()).backward()
        optimizer.step()
        network.requires_grad_(False)
    elif how == "the elements":
        network.elements.learned.weight[3] += 1.0
    else:
        network.from_amounts = copy.deepcopy(other.networks[1].from_amounts)
    after = ensemble.predict(materials)["log10_conductivity"].mean
    assert np.abs(after - before).max() > 1e-3
    assert agree(ensemble.networks, materials, ensemble.stacked)


def test_a_stack_is_kept_while_the_weights_stay() -> None:
    ensemble = _builders.ensemble()
    assert ensemble.stacked is ensemble.stacked


def test_networks_that_were_made_in_inference_mode_are_stacked() -> None:
    with torch.inference_mode():
        ensemble = _builders.ensemble()
    assert ensemble.stacked is ensemble.stacked
    assert agree(ensemble.networks, materials_of("both"), ensemble.stacked)
