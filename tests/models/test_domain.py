"""The applicability domain: distances worked by hand, elements not seen, the threshold, the nearest known materials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from superion.featurizers.formula import Formula
from superion.models import domain as domain_module
from superion.models.domain import INSIDE_QUANTILE, N_NEAREST, NOVELTY_QUANTILE, Domain, KnownMaterial, fraction_vectors


def of(text: str) -> Formula:
    return Formula.parse(text)


def domain(*trained: str, groups: list[str] | None = None, known: tuple[KnownMaterial, ...] = ()) -> Domain:
    return Domain.fit([of(text) for text in trained], groups or list(trained), known)


@pytest.mark.parametrize(
    ("trained", "asked", "distance"),
    [
        ("LiCl", "LiCl", 0.0),
        ("LiCl", "Li2Cl2", 0.0),
        ("LiCl", "LiBr", 0.5),
        ("LiCl", "NaBr", 1.0),
        ("Li6PS5Cl", "Li6PS5Br", 1 / 13),
        # Li 6/13 to 3/8, P 1/13 to 1/8, S 5/13 to 4/8, Cl 1/13 to 0: what is lost is 0.0865 + 0.0769.
        ("Li6PS5Cl", "Li3PS4", (6 / 13 - 3 / 8) + 1 / 13),
    ],
)
def test_the_distance_is_the_share_of_atoms_to_exchange(trained: str, asked: str, distance: float) -> None:
    assert domain(trained).distance(of(asked)) == pytest.approx(distance, abs=1e-6)


def test_the_nearest_training_composition_counts() -> None:
    assert domain("NaBr", "LiBr", "Li3PS4").distance(of("LiCl")) == pytest.approx(0.5)


amounts = st.dictionaries(st.sampled_from(["Li", "Na", "P", "S", "Cl", "O"]), st.integers(1, 9), min_size=1)


@given(amounts, amounts, amounts)
def test_the_distance_is_a_metric_between_0_and_1(a: dict[str, int], b: dict[str, int], c: dict[str, int]) -> None:
    one, two, three = (Formula.from_amounts(part) for part in (a, b, c))

    def between(left: Formula, right: Formula) -> float:
        return Domain(fraction_vectors([left]), 0.0).distance(right)

    assert between(one, two) == pytest.approx(between(two, one), abs=1e-6)
    assert -1e-6 <= between(one, two) <= 1.0 + 1e-6
    assert between(one, one) == 0.0
    assert between(one, three) <= between(one, two) + between(two, three) + 1e-6


near_one_another = st.lists(st.floats(0.9, 1.1) | st.integers(1, 9), min_size=4, max_size=4)


@given(st.lists(near_one_another, min_size=1, max_size=30), near_one_another)
def test_the_distance_is_to_the_last_bit_the_least_of_all(trained: list[list[float]], asked: list[float]) -> None:
    elements = ("Li", "P", "S", "Cl")
    formulas = [Formula(elements, tuple(map(float, amounts))) for amounts in trained]
    formula = Formula(("Li", "O", "S", "Cl"), tuple(map(float, asked)))
    vectors = fraction_vectors(formulas)
    full = 0.5 * np.abs(vectors - fraction_vectors([formula])).sum(axis=1)
    assert Domain(vectors, 0.0).distance(formula) == float(full.min())


def test_no_formulas_have_no_vectors() -> None:
    assert fraction_vectors([]).shape == (0, 118)


def test_elements_that_no_training_composition_holds_are_named_in_order() -> None:
    found = domain("LiCl", "Li3PS4")
    assert found.unseen_elements(of("Li6PS5Cl")) == ()
    assert found.unseen_elements(of("BiLiScF6")) == ("Bi", "Sc", "F")


def test_the_threshold_is_a_quantile_of_distances_to_other_papers() -> None:
    texts = ["LiCl", "LiBr", "Li2S", "Li3PS4", "Li6PS5Cl", "Li2O"]
    groups = ["a", "a", "b", "b", "c", "c"]
    vectors = fraction_vectors([of(text) for text in texts]).astype(float)
    nearest = [
        min(0.5 * np.abs(vectors[i] - vectors[j]).sum() for j in range(6) if groups[j] != groups[i]) for i in range(6)
    ]
    assert domain(*texts, groups=groups).threshold == pytest.approx(np.quantile(nearest, INSIDE_QUANTILE), abs=1e-6)


def test_a_domain_of_one_paper_has_no_slack() -> None:
    assert domain("LiCl", "LiBr", groups=["a", "a"]).threshold == 0.0


def test_repeated_compositions_are_kept_once() -> None:
    assert domain("LiCl", "Li2Cl2", "LiBr").fractions.shape[0] == 2


def test_the_nearest_known_materials_come_nearest_first() -> None:
    texts = ("NaBr", "Li6PS5Br", "Li3PS4", "Li6PS5Cl", "LiCl")
    known = tuple(KnownMaterial(text, 1e-3, text) for text in texts)
    found = domain("LiCl", known=known).nearest(of("Li12P2S10Cl2"))
    assert len(found) == N_NEAREST
    assert [near.known.formula for near in found] == ["Li6PS5Cl", "Li6PS5Br", "Li3PS4"]
    assert [near.distance for near in found] == pytest.approx([0.0, 1 / 13, 6 / 13 - 3 / 8 + 1 / 13], abs=1e-6)


def test_a_composition_is_shown_once_however_it_is_written() -> None:
    texts = ("Li6PS5Cl", "Li12P2S10Cl2", "ClS5PLi6", "LiCl")
    known = tuple(KnownMaterial(text, 1e-3, str(index)) for index, text in enumerate(texts))
    found = domain("LiCl", known=known).nearest(of("Li6PS5Cl"))
    assert [near.known.source for near in found] == ["0", "3"]


def test_a_domain_without_known_materials_shows_none() -> None:
    assert domain("LiCl").nearest(of("LiCl")) == ()


MIXED = (
    KnownMaterial("Li6PS5Cl", 1e-3, "paper"),
    KnownMaterial("Li3PS4", 2e-4, "our notebook", "a1"),
    KnownMaterial("Li6PS5Br", 1e-3, "our notebook", "b2"),
    KnownMaterial("LiCl", 1e-9, "a table"),
    KnownMaterial("NaBr", None, "a table"),
)


@pytest.mark.parametrize(
    ("readable", "shown"),
    [
        (None, ["Li3PS4", "Li6PS5Cl", "Li6PS5Br"]),
        (frozenset({"a1", "b2", "other"}), ["Li3PS4", "Li6PS5Cl", "Li6PS5Br"]),
        (frozenset({"a1"}), ["Li3PS4", "Li6PS5Cl", "LiCl"]),
        (frozenset({"b2"}), ["Li6PS5Cl", "Li6PS5Br", "LiCl"]),
        (frozenset(), ["Li6PS5Cl", "LiCl", "NaBr"]),
    ],
)
def test_materials_of_a_data_set_are_shown_to_its_readers_and_take_no_place_of_others(
    readable: frozenset[str] | None, shown: list[str]
) -> None:
    found = domain("LiCl", known=MIXED).nearest(of("Li3PS4"), readable)
    assert [near.known.formula for near in found] == shown


def test_a_public_measurement_is_shown_where_a_private_one_of_the_same_composition_lies_before_it() -> None:
    known = (KnownMaterial("Li12P2S10Cl2", 1e-2, "ours", "a1"), KnownMaterial("Li6PS5Cl", 1e-3, "paper"))
    trained = domain("LiCl", known=known)
    assert [near.known.source for near in trained.nearest(of("Li6PS5Cl"))] == ["ours"]
    assert [near.known.source for near in trained.nearest(of("Li6PS5Cl"), frozenset())] == ["paper"]


def test_nothing_is_shown_where_all_is_private() -> None:
    private = domain("LiCl", known=tuple(replace(known, dataset="a1") for known in MIXED))
    assert private.nearest(of("LiCl"), frozenset()) == ()
    assert private.datasets == {"a1"}


def test_a_joined_domain_keeps_whose_its_materials_are() -> None:
    mine, parent = domain("LiCl", known=MIXED), domain("Li2S", known=(KnownMaterial("Li2S", 1e-9, "theirs", "c3"),))
    assert mine.joined(parent).known == MIXED
    assert mine.joined(parent).datasets == {"a1", "b2"}


def test_joined_domains_hold_what_either_holds() -> None:
    one, other = Domain.fit([Formula.parse("LiCl")], ["a"], ()), Domain.fit([Formula.parse("Li2S")], ["b"], ())
    both = replace(one, threshold=0.1).joined(replace(other, threshold=0.2))
    assert both.threshold == 0.2
    assert one.joined(None) is one
    for text, held in (("LiCl", True), ("Li2S", True), ("Li2.2S", True), ("LiBr", False), ("LiCl4", False)):
        assert both.holds(Formula.parse(text)) is held
    assert not one.holds(Formula.parse("Li2S"))


@pytest.mark.parametrize("readable", [None, frozenset[str]()])
def test_many_formulas_are_placed_as_one_by_one(
    readable: frozenset[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = domain("LiCl", "Li3PS4", "Li7La3Zr2O12", known=MIXED)
    formulas = [
        of(text) for text in ("Li6PS5Cl", "LiCl", "Li10GeP2S12", "Ag", "NaCl", "Li3PS4", "Li6.4La3Zr1.4Ta0.6O12")
    ]
    # Two formulas at a time, which seven do not fill.
    monkeypatch.setattr(domain_module, "_NUMBERS_AT_ONCE", 2 * 118 * len(MIXED))
    assert trained.nearest_of(formulas, readable) == [trained.nearest(formula, readable) for formula in formulas]
    assert trained.distances(formulas) == [trained.distance(formula) for formula in formulas]
    vectors = fraction_vectors(formulas)
    for vector, near in zip(vectors, trained.nearest_of(formulas, readable), strict=True):
        for one in near:
            expected = 0.5 * np.abs(vector - fraction_vectors([of(one.known.formula)])[0]).sum()
            assert one.distance == float(expected), "to the last bit"
    assert domain("LiCl").nearest_of(formulas) == [()] * 7


def test_novelty_decides_where_the_domain_has_a_threshold_for_it() -> None:
    by_distance = replace(domain("LiCl"), threshold=0.1)
    by_novelty = replace(by_distance, novelty_threshold=0.4)
    assert (by_distance.inside_share, by_novelty.inside_share) == (INSIDE_QUANTILE, NOVELTY_QUANTILE)
    for text in ("LiCl", "LiCl2", "LiBr", "Na2O"):
        # Neither its distance nor a new element counts.
        assert by_novelty.holds(of(text), 0.4) and not by_novelty.holds(of(text), 0.41)
    for one, novelty in ((by_distance, None), (by_distance, 0.1), (by_novelty, None)):
        assert one.holds(of("LiCl"), novelty)
        assert not one.holds(of("LiCl2"), novelty), "its distance is 0.17"
        assert not replace(one, threshold=1.0).holds(of("LiBr"), novelty), "no training material holds bromine"


def test_an_element_that_nothing_known_replaces_is_outside_however_little_of_it_there_is() -> None:
    by_novelty = replace(domain("LiCl"), novelty_threshold=0.4)
    assert by_novelty.holds(of("LiCl0.99Br0.01"), 0.1)
    assert not by_novelty.holds(of("LiCl0.99He0.01"), 0.1)
    assert replace(domain("LiCl", "HeLi"), novelty_threshold=0.4).holds(of("LiCl0.99He0.01"), 0.1)


def test_many_are_judged_as_one_by_one_and_a_distance_that_is_known_is_not_sought() -> None:
    one = replace(domain("LiCl", "Li2S"), threshold=0.1, novelty_threshold=0.4)
    formulas, novelties = [of("LiCl"), of("LiCl2"), of("LiCl2")], [0.5, None, 0.1]
    assert one.inside(formulas, novelties) == [False, False, True]
    assert one.holds(of("LiCl2"), None, 0.05) and not one.holds(of("LiCl"), None, 0.2)


@pytest.mark.parametrize(
    ("own", "parent", "both"), [(0.2, 0.4, 0.4), (0.8, 0.4, 0.4), (None, 0.4, None), (0.2, None, None)]
)
def test_joined_domains_are_judged_by_the_novelty_of_the_parent_where_both_have_one(
    own: float | None, parent: float | None, both: float | None
) -> None:
    one = replace(domain("LiCl"), novelty_threshold=own)
    assert one.joined(replace(domain("Li2S"), novelty_threshold=parent)).novelty_threshold == both
    assert one.joined(None).novelty_threshold == own
