"""Early stopping: a network learns from most papers of its rows, and stops once it gets no better on the others.

What is judged and kept is the average of the weights over the last passes (Polyak and Juditsky 1992,
doi:10.1137/0330046); those of single passes are too noisy to be told apart by a few dozen rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from superion.errors import InvalidTable, InvalidValue
from superion.models.network import SuperionNetwork
from superion.training.splits import scoring_folds
from superion.training.table import Measurement

HELD_OUT = 8
"""One in so many rows is held out, in whole papers; more where there are fewer papers or compositions than this."""
AVERAGED_PASSES = 6
"""Passes that the average of the weights reaches back over."""


def parted(rows: Sequence[Measurement], seed: int) -> tuple[list[Measurement], list[Measurement]]:
    """Return the rows to learn from and those to judge by, which share no paper and no composition.

    Of so many seeds that follow one another each holds out other papers (the first being 0, or a multiple of their
    number), so that what one network of an ensemble does not learn from others do.
    Where papers do not allow it the rows are parted by composition. Raises InvalidValue where that does not go either.
    """
    try:
        folds = scoring_folds(rows, HELD_OUT, seed // HELD_OUT)[1]
    except InvalidTable as error:
        raise InvalidValue(
            f"with a patience, one in {HELD_OUT} rows is held out in whole papers; {len(rows)} rows are too few for "
            "that: train without a patience",
            field="data",
            value=len(rows),
        ) from error
    fold = folds[seed % len(folds)]
    return [rows[index] for index in fold.train], [rows[index] for index in fold.test]


class EarlyStopping:
    """Follow a network that learns, and keep its averaged weights of when they were best."""

    def __init__(
        self, network: SuperionNetwork, patience: int, steps_a_pass: int, error: Callable[[SuperionNetwork], float]
    ) -> None:
        """Begin with the network as it is, which is best until a pass is better; `error` judges weights."""
        average = get_ema_multi_avg_fn(1.0 - 1.0 / (AVERAGED_PASSES * steps_a_pass))  # type: ignore[no-untyped-call] # torch does not type it
        self._average = AveragedModel(network, multi_avg_fn=average)
        self._error = error
        self._patience = patience
        self._lowest, self._since = math.inf, 0
        self.best: dict[str, Tensor] = {}
        """Weights of the best pass."""
        self._judge()

    def step(self, network: SuperionNetwork) -> None:
        """Take the weights after a step into the average."""
        self._average.update_parameters(network)

    def is_over(self) -> bool:
        """Judge the average after a pass; tell whether `patience` passes have brought nothing."""
        self._judge()
        return self._since >= self._patience

    def _judge(self) -> None:
        averaged = self._average.module.eval()
        assert isinstance(averaged, SuperionNetwork)
        with torch.no_grad():
            error = self._error(averaged)
        if error < self._lowest:
            self._lowest, self._since = error, 0
            self.best = {name: tensor.detach().clone() for name, tensor in averaged.state_dict().items()}
        else:
            self._since += 1
