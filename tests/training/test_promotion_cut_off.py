"""A promotion that is killed between two of its writes leaves a registry that answers and can go either way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from superion.models.predictor import RELEASE_FOLDER
from superion.training import registry, tracking

from ._noise import MLFLOW

pytestmark = MLFLOW

PROMOTE = """
import os, signal, sys
from mlflow import MlflowClient
from superion.training import registry

left = int(sys.argv[1])

def cut_off(name):
    write = getattr(MlflowClient, name)
    def counted(self, *arguments):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(self, *arguments)
    setattr(MlflowClient, name, counted)

cut_off("set_registered_model_alias")
cut_off("delete_registered_model_alias")
registry.promote("2")
"""


@pytest.mark.check
@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_promotion_that_is_killed_leaves_a_champion_and_a_way_on(mlflow_home: Path, writes: int) -> None:
    registry.seed_release()
    tracking.client().set_registered_model_alias(
        registry.MODEL_NAME, registry.CHALLENGER, tracking.log_release(RELEASE_FOLDER)
    )
    ended = subprocess.run([sys.executable, "-c", PROMOTE, str(writes)], capture_output=True, text=True, timeout=120)
    assert ended.returncode == -9, ended.stderr
    assert registry.resolve(registry.CHAMPION).version == ("2" if writes == 2 else "1")
    assert registry.promote("2").version == "2"
    assert registry.resolve(registry.CHAMPION).version == "2"
    assert registry.rollback().version == "1"
    assert registry.rollback().version == "2"
