"""What a prediction may not depend on: order, scale, orientation, cell choice, and the company in a batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from superion.featurizers import schema
from superion.featurizers.context import CellContext
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import SYMBOLS, magpie_table
from superion.featurizers.formula import Formula
from superion.models import ensemble as ensemble_module
from superion.models.batch import MaterialBatch
from superion.models.ensemble import KIND_BLOCKS, Ensemble
from superion.models.layers import weighted_mean
from superion.models.material import Material
from superion.models.network import NetworkConfig, SuperionNetwork
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY, TARGETS

from . import _builders

CELL = CellContext(216, (9.85, 9.85, 9.85, 90.0, 90.0, 90.0), 52.0)
"""One context for several crystals, so that only the crystal graph can tell them apart."""


def answers(networks: Ensemble, *materials: Material) -> np.ndarray:
    """Return means and deviations of every target, shape (n_materials, n_values)."""
    output = networks.predict(materials)
    parts = [np.vstack([found.members, found.spread.aleatoric, found.spread.epistemic]) for found in output.values()]
    return np.vstack(parts).T


def same(left: np.ndarray, right: np.ndarray, tolerance: float = 1e-4) -> bool:
    return bool(np.allclose(left, right, rtol=0, atol=tolerance))


def with_cell(crystal: Crystal) -> Material:
    return Material(_builders.argyrodite().formula, crystal, CELL)


def of(text: str) -> Material:
    return Material(Formula.parse(text))


@given(st.permutations(["Li6", "P", "S5", "Cl0.6", "Br0.4"]))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_elements_does_not_matter(networks: Ensemble, parts: list[str]) -> None:
    assert same(answers(networks, of("".join(parts))), answers(networks, of("Li6PS5Cl0.6Br0.4")))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Li6PS5Cl", "Li12P2S10Cl2"),
        ("Li1.3Al0.3Ti1.7(PO4)3", "Li13Al3Ti17(PO4)30"),
        ("Li0.5La0.5TiO3", "LiLaTi2O6"),
        ("75Li2S-25P2S5", "Li3PS4"),
    ],
)
def test_the_scale_of_a_formula_does_not_matter(networks: Ensemble, one: str, other: str) -> None:
    assert same(answers(networks, of(one)), answers(networks, of(other)))


def test_another_composition_gets_another_answer(networks: Ensemble) -> None:
    assert not same(answers(networks, of("Li6PS5Cl")), answers(networks, of("Li6PS5Br")), 1e-1)
    assert not same(answers(networks, of("Li6PS5Cl")), answers(networks, of("Li5.9PS5Cl")), 1e-2)


def test_what_is_known_of_the_cell_is_heard(networks: Ensemble) -> None:
    formula = Formula.parse("Li6PS5Cl")
    bare, known = Material(formula), Material(formula, cell=CELL)
    assert not same(answers(networks, bare), answers(networks, known), 1e-1)
    other = Material(formula, cell=replace(CELL, space_group_number=1))
    assert not same(answers(networks, known), answers(networks, other), 1e-1)


def test_a_crystal_is_heard_apart_from_its_formula_and_cell(networks: Ensemble) -> None:
    crystal = _builders.argyrodite()
    moved = crystal.perturb(0.3, seed=1)
    alone = Material(crystal.formula, cell=CELL)
    assert not same(answers(networks, alone), answers(networks, with_cell(crystal)), 1e-1)
    assert not same(answers(networks, with_cell(crystal)), answers(networks, with_cell(moved)), 1e-2)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=15, deadline=None)
def test_rotating_or_mirroring_a_crystal_does_not_matter(networks: Ensemble, seed: int, mirror: bool) -> None:
    crystal = _builders.argyrodite()
    turn = Rotation.random(random_state=np.random.RandomState(seed)).as_matrix() * (-1 if mirror else 1)
    turned = Crystal(crystal.lattice @ turn, crystal.fractional_coordinates, crystal.species)
    assert same(answers(networks, with_cell(turned)), answers(networks, with_cell(crystal)))


@given(st.lists(st.floats(-3.0, 3.0), min_size=3, max_size=3))
@settings(max_examples=15, deadline=None)
def test_moving_the_origin_does_not_matter(networks: Ensemble, shift: list[float]) -> None:
    crystal = _builders.argyrodite()
    moved = Crystal(crystal.lattice, crystal.fractional_coordinates + np.array(shift), crystal.species)
    assert same(answers(networks, with_cell(moved)), answers(networks, with_cell(crystal)))


@given(st.permutations(range(7)), st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_sites_and_the_cell_they_are_in_do_not_matter(
    networks: Ensemble, order: list[int], seed: int
) -> None:
    crystal = _builders.argyrodite()
    wrap = np.random.default_rng(seed).integers(-2, 3, crystal.fractional_coordinates.shape)
    shuffled = Crystal(
        crystal.lattice,
        (crystal.fractional_coordinates + wrap)[order],
        tuple(crystal.species[index][::-1] for index in order),
    )
    assert same(answers(networks, with_cell(shuffled)), answers(networks, with_cell(crystal)))


@pytest.mark.parametrize("repeats", [(2, 1, 1), (1, 2, 3), (2, 2, 2)])
@pytest.mark.parametrize("crystal", [_builders.argyrodite(), _builders.rock_salt()], ids=["argyrodite", "rock salt"])
def test_a_supercell_is_the_same_crystal(networks: Ensemble, crystal: Crystal, repeats: tuple[int, int, int]) -> None:
    larger = crystal.supercell(repeats)
    assert same(answers(networks, with_cell(larger)), answers(networks, with_cell(crystal)))


def test_another_choice_of_lattice_vectors_does_not_matter(networks: Ensemble) -> None:
    crystal = _builders.argyrodite()
    change = np.array([[1, 0, 0], [1, 1, 0], [-1, 2, 1]])
    positions = crystal.fractional_coordinates @ np.linalg.inv(change)
    sheared = Crystal(change @ crystal.lattice, positions, crystal.species)
    assert same(answers(networks, with_cell(sheared)), answers(networks, with_cell(crystal)))


def test_one_species_is_the_same_as_two_halves_of_it_on_one_position(networks: Ensemble) -> None:
    crystal = _builders.rock_salt()
    halves = tuple(((symbol, 0.5), (symbol, 0.5)) for ((symbol, _),) in crystal.species)
    split = Crystal(crystal.lattice, crystal.fractional_coordinates, halves, 225)
    assert same(answers(networks, with_cell(split)), answers(networks, with_cell(crystal)))


def test_a_disordered_site_goes_to_the_ordered_one_as_its_minority_goes_to_nothing(networks: Ensemble) -> None:
    crystal = _builders.rock_salt()
    ordered = answers(networks, with_cell(crystal))

    def doped(share: float) -> float:
        species = (*crystal.species[:4], *((("Cl", 1.0 - share), ("Br", share)),) * 4)
        mixed = Crystal(crystal.lattice, crystal.fractional_coordinates, species, 225)
        return float(np.abs(answers(networks, with_cell(mixed)) - ordered).max())

    assert doped(0.4) > doped(0.01) > doped(1e-5)
    assert doped(1e-5) < 1e-3


def test_a_site_that_is_almost_always_empty_says_almost_nothing() -> None:
    # Every neighbour within the cutoff is heard, so that the site takes no other's place among the nearest.
    networks = _builders.ensemble(config=replace(_builders.SMALL, neighbors=500, cutoff=5.0))
    crystal = _builders.argyrodite()
    alone = answers(networks, with_cell(crystal))

    def moved(occupancy: float) -> float:
        positions = np.vstack([crystal.fractional_coordinates, [0.5, 0.2, 0.9]])
        more = Crystal(crystal.lattice, positions, (*crystal.species, (("I", occupancy),)))
        return float(np.abs(answers(networks, with_cell(more)) - alone).max())

    assert moved(1.0) > 0.01 > 1e-3 > moved(1e-5)


def test_a_material_gets_the_same_answer_alone_and_in_any_company(networks: Ensemble) -> None:
    batch = _builders.mixed_batch()
    together = answers(networks, *batch)
    for index, material in enumerate(batch):
        assert same(answers(networks, material), together[[index]]), index


@given(st.permutations(range(5)))
@settings(max_examples=10, deadline=None)
def test_answers_follow_the_order_of_the_batch(networks: Ensemble, order: list[int]) -> None:
    batch = _builders.mixed_batch()
    assert same(answers(networks, *(batch[index] for index in order)), answers(networks, *batch)[order])


def test_every_element_gets_a_finite_answer_though_properties_are_missing(networks: Ensemble) -> None:
    assert np.isnan(magpie_table().values).any(), "the table has no gaps left to test"
    found = answers(networks, *(of(f"Li{symbol}" if symbol != "Li" else "Li") for symbol in SYMBOLS))
    assert np.isfinite(found).all()
    assert len(np.unique(found.round(6), axis=0)) == len(SYMBOLS)


def test_an_absent_property_counts_as_unknown_not_as_an_average_value() -> None:
    encoder = _builders.ensemble(1).networks[0].elements
    known = np.isfinite(magpie_table().values)
    flags = encoder.properties[1:, known.shape[1] :].numpy()
    assert np.array_equal(flags, known.astype(np.float32))


def test_deviations_are_positive_and_within_their_bounds(networks: Ensemble) -> None:
    output = networks.predict(_builders.mixed_batch())
    for target in TARGETS:
        deviation = output[target.name].spread.aleatoric
        assert (deviation >= target.scale * np.exp(-4.0) * 0.999).all()
        assert (deviation <= target.scale * np.exp(2.0) * 1.001).all()


def test_targets_are_answered_in_their_own_unit() -> None:
    config = replace(_builders.SMALL, scales=((CONDUCTIVITY, -6.0, 3.0), (ACTIVATION_ENERGY, 0.45, 0.2)))
    shifted = replace(config, scales=((CONDUCTIVITY, 4.0, 6.0), (ACTIVATION_ENERGY, 0.45, 0.2)))
    torch.manual_seed(0)
    one = SuperionNetwork(config).eval()
    other = SuperionNetwork(shifted).eval()
    other.load_state_dict(one.state_dict())
    batch = _builders.ensemble(1).batch(_builders.mixed_batch())
    with torch.inference_mode():
        left, right = one(batch), other(batch)
    assert torch.allclose((left.mean[CONDUCTIVITY] + 6.0) / 3.0, (right.mean[CONDUCTIVITY] - 4.0) / 6.0, atol=1e-5)
    assert torch.equal(left.mean[ACTIVATION_ENERGY], right.mean[ACTIVATION_ENERGY])


def test_learning_the_deviation_does_not_move_the_trunk() -> None:
    network = SuperionNetwork(_builders.SMALL)
    batch = _builders.ensemble(1).batch(_builders.mixed_batch())
    sum(deviation.sum() for deviation in network(batch).deviation.values()).backward()
    moved = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert moved and all(name.startswith("deviations.") for name in moved)


def test_weighted_mean_matches_numpy_and_gives_zero_to_a_group_without_weight() -> None:
    random = np.random.default_rng(0)
    x, weight, index = random.normal(size=(9, 4)), random.random(9), np.array([0, 0, 0, 2, 2, 2, 2, 3, 3])
    weight[7:] = 0.0
    found = weighted_mean(*(torch.tensor(array) for array in (x, weight, index)), size=4).numpy()
    for group in (0, 2):
        inside = index == group
        assert found[group] == pytest.approx(np.average(x[inside], axis=0, weights=weight[inside]))
    assert (found[[1, 3]] == 0).all()


def test_crystals_in_a_batch_know_their_owners() -> None:
    batch = _builders.ensemble(1).batch(_builders.mixed_batch())
    assert batch.size == 5
    assert batch.owner.tolist() == [1, 3]
    assert batch.crystal is not None
    assert batch.crystal.num_graphs == 2
    assert int(batch.crystal[schema.SPECIES_INDEX].max()) == batch.crystal.num_nodes - 1


def test_a_batch_without_crystals_has_none() -> None:
    graphs = [of("LiCl").composition_graph, of("LiF").composition_graph]
    batch = MaterialBatch.from_graphs(graphs, [None, None])
    assert batch.crystal is None and batch.owner.shape == (0,)


@pytest.mark.parametrize(("materials", "sites"), [(1, 10**6), (2, 10**6), (256, 8), (256, 20), (3, 9)])
def test_chunks_change_no_answer(
    networks: Ensemble, monkeypatch: pytest.MonkeyPatch, materials: int, sites: int
) -> None:
    batch = _builders.mixed_batch() * 2
    whole = answers(networks, *batch)
    monkeypatch.setattr(ensemble_module, "MAX_BATCH_MATERIALS", materials)
    monkeypatch.setattr(ensemble_module, "MAX_BATCH_SITES", sites)
    chunks = list(ensemble_module._chunks(batch))
    assert sorted(row for chunk in chunks for row in chunk) == list(range(len(batch)))
    assert len(chunks) > 1
    for chunk in chunks:
        crystals = [batch[row].crystal for row in chunk]
        held = sum(crystal.n_sites for crystal in crystals if crystal is not None)
        assert len(chunk) <= materials and (held <= sites or len(chunk) == 1)
    assert same(answers(networks, *batch), whole)


def test_the_epistemic_part_is_the_deviation_of_the_members(networks: Ensemble) -> None:
    found = networks.predict(_builders.mixed_batch())[CONDUCTIVITY]
    # One kind fills all blocks of members with its three.
    assert found.members.shape == (3 * KIND_BLOCKS, 5)
    assert found.mean == pytest.approx(found.members[:3].mean(axis=0))
    assert found.spread.epistemic == pytest.approx(np.std(found.members[:3], axis=0))
    assert found.spread.total == pytest.approx(np.hypot(found.spread.aleatoric, found.spread.epistemic))


def test_a_single_network_has_no_epistemic_part() -> None:
    found = _builders.ensemble(1).predict([of("LiCl")])[CONDUCTIVITY]
    assert found.spread.epistemic == pytest.approx([0.0], abs=1e-12)


def test_a_configuration_survives_json_lists() -> None:
    assert NetworkConfig(scales=[["log10_conductivity", -6, 3]]).scales == (("log10_conductivity", -6.0, 3.0),)  # type: ignore[arg-type]


def test_graphs_are_built_once_and_kept_by_their_settings() -> None:
    material = Material.from_crystal(_builders.argyrodite())
    assert material.composition_graph is material.composition_graph
    assert material.crystal_graph(5.0, 8) is material.crystal_graph(5.0, 8)
    assert material.crystal_graph(5.0, 8) is not material.crystal_graph(5.0, 4)


def test_a_material_takes_its_cell_from_a_crystal_with_a_space_group_only() -> None:
    assert Material.from_crystal(_builders.rock_salt()).cell.atoms_per_cell == 8
    assert Material.from_crystal(_builders.argyrodite()).cell == CellContext()
    given_cell = Material(Formula.parse("LiCl"), _builders.rock_salt(), CELL)
    assert given_cell.cell is CELL
