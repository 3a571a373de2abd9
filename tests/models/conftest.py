"""Fixtures of the model tests."""

from __future__ import annotations

import pytest

from superion.models.ensemble import Ensemble
from superion.models.predictor import Predictor

from . import _builders


@pytest.fixture(scope="session")
def networks() -> Ensemble:
    """Return three small, untrained networks."""
    return _builders.ensemble()


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """Return a small, untrained predictor."""
    return _builders.predictor()
