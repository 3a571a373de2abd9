"""Warnings of MLflow's own making, for the modules whose tests reach it."""

from __future__ import annotations

import pytest

MLFLOW = [
    # MLflow warns of its own classes when its pyfunc module is first imported.
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType:UserWarning"),
]
