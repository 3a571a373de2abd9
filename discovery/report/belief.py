"""What a model, updated by the campaign, believes of the candidates that are left: for the report."""

from __future__ import annotations

import numpy as np

from superion.discovery.campaigns.state import CampaignState
from superion.discovery.choice.forecasts import Kept, Progress
from superion.discovery.choice.present import Present
from superion.discovery.report.outlook import Outlook
from superion.models.predictor import Predictor


def outlook_of(
    state: CampaignState, predictor: Predictor, kept: Kept, progress: Progress = lambda done, total: None
) -> Outlook | None:
    """Return what is believed of the candidates that are left, None where none is.

    What the model says of them is taken from `kept` where it is there.
    """
    left = np.array(state.left, dtype=np.intp)
    if not len(left):
        return None
    believed = Present.of(state, predictor, kept, progress).believed(left)
    ids = [state.candidates[place].id for place in left]
    return Outlook(ids, believed.mean.tolist(), believed.lower.tolist(), believed.upper.tolist(), state.goal.confidence)
