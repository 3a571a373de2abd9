"""The next batch of a campaign with the model that is shipped: which candidates, and how often it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from superion.discovery.choice.forecasts import InMemory
from superion.discovery.choice.suggesting import MOST, Chooser
from superion.discovery.goal import Goal
from superion.errors import InvalidValue
from superion.models.predictor import Predictor

from ._beliefs import FORMULAS
from ._choices import FEW, Asked, chosen, said_of, state


def test_without_measurements_the_model_is_followed(predictor: Predictor) -> None:
    given = state(goal=Goal(kappa=0.0))
    said = said_of(predictor, given)
    best = [FORMULAS[place] for place in np.argsort(-said.mean)[:5]]
    choices = Chooser(predictor, 5)(given)
    assert chosen(choices) == best
    for choice in choices:
        told, place = choice.reasons, given.place[choice.candidate]
        assert told["predicted"]["log10_S_per_cm"] == pytest.approx(said.mean[place])
        assert told["predicted"]["lower"] == pytest.approx(said.lower[place])
        assert told["predicted"]["upper"] == pytest.approx(said.upper[place])
        assert (told["chance_best"], told["best_so_far"]) == (None, None)
        assert choice.model_version == predictor.model.version


@pytest.mark.parametrize("kappa", [0.3, 2.0])
@pytest.mark.parametrize("measured", [-2.2, -2.7, -4.0])
def test_what_is_surely_an_insulator_is_not_suggested_before_what_conducts(
    predictor: Predictor, measured: float, kappa: float
) -> None:
    """Conductors far below the best count as alike; that their levels are unsure makes none of them better."""
    choices = Chooser(predictor, 6)(state(("Li6PS5Cl", measured), goal=Goal(kappa=kappa)))
    assert not {"LiF", "Li2O", "LiI"} & set(chosen(choices))
    assert choices[0].reasons["chance_best"] > 0.3


def test_what_is_observed_or_in_the_furnace_is_not_suggested_again(predictor: Predictor) -> None:
    found = chosen(Chooser(predictor, 99)(state(*FEW, ("LiF", None), pending=["Li3InCl6", "LiI"])))
    assert set(found) == set(FORMULAS) - {"Li6PS5Cl", "Li7La3Zr2O12", "Li3YCl6", "LiF", "Li3InCl6", "LiI"}


def test_where_nothing_is_left_it_is_said_why(predictor: Predictor) -> None:
    three = ("Li6PS5Cl", "LiI", "LiF")
    with pytest.raises(InvalidValue, match="2 candidates were observed and 1 are pending") as caught:
        Chooser(predictor, 1)(state(("Li6PS5Cl", -3.0), ("LiI", None), pending=["LiF"], formulas=three))
    assert (caught.value.code, caught.value.field) == ("nothing_left", "name")
    with pytest.raises(InvalidValue, match=r"all 3 candidates were observed$"):
        Chooser(predictor, 1)(state(*((name, -5.0) for name in three), formulas=three))


def test_a_pool_of_one(predictor: Predictor) -> None:
    for kind in ("ucb", "log_ei", "noisy_ei", "thompson", "variance"):
        given = state(goal=Goal(acquisition=kind), formulas=["Li6PS5Cl"])
        (choice,) = Chooser(predictor, 5)(given)
        assert choice.candidate == "Li6PS5Cl"
        (other,) = Chooser(predictor, 5)(
            state(("Li6PS5Br", -3.0), goal=Goal(acquisition=kind), formulas=["Li6PS5Cl", "Li6PS5Br"])
        )
        assert other.candidate == "Li6PS5Cl"


@pytest.mark.parametrize("n", [0, -1, MOST + 1])
def test_a_batch_has_a_size(predictor: Predictor, n: int) -> None:
    with pytest.raises(InvalidValue) as caught:
        Chooser(predictor, n)
    assert caught.value.field == "number"


@pytest.mark.parametrize("kind", ["ucb", "log_ei", "noisy_ei", "thompson", "variance"])
def test_a_seed_gives_one_batch_and_all_candidates_may_be_asked_for(predictor: Predictor, kind: str) -> None:
    given = state(*FEW, goal=Goal(acquisition=kind), pending=["LiI"])
    first = Chooser(predictor, 99, seed=3)(given)
    assert len(first) == len(FORMULAS) - 4
    assert first == Chooser(predictor, 99, seed=3)(given)


def test_the_choice_does_not_depend_on_the_order_of_the_list(predictor: Predictor) -> None:
    found = chosen(Chooser(predictor, 6)(state(*FEW)))
    assert chosen(Chooser(predictor, 6)(state(*FEW, formulas=FORMULAS[::-1]))) == found


class Counting(InMemory):
    """Keep arrays and count what is asked and kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    def put(self, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.kept.append(key)
        super().put(key, arrays)


def test_the_model_is_asked_once(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(predictor, monkeypatch).sizes
    told: list[tuple[int, int]] = []
    kept = Counting()
    chooser = Chooser(predictor, 4, kept=kept, progress=lambda done, total: told.append((done, total)))
    first = chooser(state(*FEW))
    assert asked == [len(FORMULAS)]
    assert told == [(len(FORMULAS), len(FORMULAS))]
    # At the end of a batch what was asked about stability is kept, with it.
    assert sorted(key.partition("-")[0] for key in kept.kept) == ["forecast", "stability"]
    assert chooser(state(*FEW)) == first
    chooser(state(*FEW, ("LiI", -6.0)))
    assert asked == [len(FORMULAS)]
    # What another run kept is found too; what is damaged is not believed.
    assert Chooser(predictor, 4, kept=kept)(state(*FEW)) == first
    assert asked == [len(FORMULAS)]
    for key in set(kept.kept):
        arrays = kept.get(key)
        assert arrays is not None
        kept.put(key, {name: array[..., :-1] for name, array in arrays.items()})
    assert Chooser(predictor, 4, kept=kept)(state(*FEW)) == first
    assert asked == [len(FORMULAS)] * 2
    # A model of another version is asked for itself.
    other = Chooser(predictor.named("other", None), 4, kept=kept)(state(*FEW))
    assert asked == [len(FORMULAS)] * 3
    assert {choice.model_version for choice in other} == {"other"}
