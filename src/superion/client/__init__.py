"""A client of the HTTP service: `superion.Client`, and what its answers are made of.

It needs httpx and pydantic (the extra `client`), and none of what a prediction or a training on this machine needs.
"""

from __future__ import annotations

from superion.loading import missing

try:
    import httpx  # noqa: F401 - looked for before anything that needs it
    import pydantic  # noqa: F401 - the same
except ModuleNotFoundError as error:
    raise missing(error, "client") from error

from superion.client.campaign_records import (
    Campaign,
    CampaignSummary,
    Candidate,
    Event,
    NewCampaign,
    Observation,
    Series,
    Suggestion,
)
from superion.client.client import Client
from superion.client.records import (
    Dataset,
    Drift,
    Gate,
    Job,
    LogPart,
    Me,
    ModelDetail,
    Models,
    ModelVersion,
    Progress,
    Promoted,
    RowNote,
    Shadow,
)
from superion.serving.answer_schema import Answer, Failure, Prediction
from superion.serving.hull_schema import EnvironmentAnswer, InterfaceAnswer, WindowAnswer

__all__ = [
    "Answer",
    "Campaign",
    "CampaignSummary",
    "Candidate",
    "Client",
    "Dataset",
    "Drift",
    "EnvironmentAnswer",
    "Event",
    "Failure",
    "Gate",
    "InterfaceAnswer",
    "Job",
    "LogPart",
    "Me",
    "ModelDetail",
    "ModelVersion",
    "Models",
    "NewCampaign",
    "Observation",
    "Prediction",
    "Progress",
    "Promoted",
    "RowNote",
    "Series",
    "Shadow",
    "Suggestion",
    "WindowAnswer",
]
