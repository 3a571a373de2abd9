"""Whether a retraining pays: what counts, and what chance alone may bring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superion.discovery.campaigns.state import CampaignState
from superion.discovery.candidates import Candidate
from superion.discovery.report.facts import facts_of
from superion.discovery.report.retraining import FEWEST, LEAST_BIAS, Retraining, retraining
from superion.discovery.report.status import status_of
from superion.featurizers.formula import Formula
from superion.models.material import Material

from ._reported import asked, campaign, events_of, observed

SAID = -5.0


def advice(state: CampaignState) -> Retraining:
    """Return whether a retraining pays."""
    return retraining(facts_of(state, events_of(state)))


def state(errors: list[float], *, half: float = 1.0, version: str = "1", censored: bool = False) -> CampaignState:
    """Return a campaign of which each candidate was predicted at `SAID`, within `half`, and measured so far off."""
    formulas = [f"Li{2 + 0.01 * place:g}S" for place in range(len(errors))]
    some = [
        Candidate(f"c{place}", Material(Formula.parse(formula)), "sulfides") for place, formula in enumerate(formulas)
    ]
    suggestions = []
    for number, one in enumerate(some, 1):
        made = asked(number, one, SAID)
        model = {"log10_S_per_cm": SAID, "lower": SAID - half, "upper": SAID + half}
        suggestions.append(replace(made, model_version=version, reasons={**made.reasons, "model": model}))
    observations = [
        replace(observed(number, one.id, 10.0 ** (SAID + error)), censored=censored)
        for number, (one, error) in enumerate(zip(some, errors, strict=True), 1)
    ]
    return campaign(some, observations, suggestions)


def test_a_few_measurements_tell_nothing() -> None:
    found = advice(state([3.0] * (FEWEST - 1)))
    assert not found.pays
    assert (found.n, found.bias, found.coverage) == (FEWEST - 1, None, None)
    assert f"from {FEWEST} on" in found.why
    assert advice(replace(state([]), suggestions=())).model_version is None


def test_a_model_that_is_off_as_a_whole_is_retrained() -> None:
    errors = (0.8 + np.random.default_rng(0).normal(0.0, 0.5, 30)).tolist()
    found = advice(state(errors, half=3.0))
    assert found.pays and "off by +0.7" in found.why and "within" not in found.why
    assert found.bias == pytest.approx(np.mean(errors)) and found.coverage == 1.0
    assert found.mean_absolute_error == pytest.approx(np.abs(errors).mean())


def test_a_model_that_is_too_sure_is_retrained() -> None:
    errors = np.random.default_rng(1).normal(0.0, 1.5, 40)
    errors -= errors.mean()
    found = advice(state(errors.tolist(), half=1.0))
    assert found.pays and "lie within its intervals at 0.9" in found.why and "off by" not in found.why


def test_a_model_that_holds_is_left_alone() -> None:
    errors = np.linspace(-0.9, 0.9, 30)
    found = advice(state(errors.tolist(), half=1.0))
    assert not found.pays and "neither off as a whole nor too sure" in found.why
    # A bias that laboratories have among each other is none to train for, however sure it is.
    small = advice(state([LEAST_BIAS - 0.05] * 40, half=1.0))
    assert not small.pays


def test_limits_and_what_another_version_predicted_do_not_count() -> None:
    assert advice(state([3.0] * 30, censored=True)).n == 0
    old, new = state([3.0] * 30, version="1"), state([3.0], version="2")
    mixed = replace(old, suggestions=(*old.suggestions, replace(new.suggestions[0], number=31, status="pending")))
    found = advice(mixed)
    assert (found.n, found.model_version, found.pays) == (0, "2", False)


def test_the_status_says_it() -> None:
    given = state([2.0] * 30)
    assert status_of(given, events_of(given))["retraining"] == advice(given).as_dict()
