"""What the routes that start jobs are sent, and what a job is answered as."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from superion.serving.forms import STRICT
from superion.serving.limits import MAX_BATCH_SUGGESTIONS

DataSets = Annotated[list[str], Field(min_length=1, max_length=20)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class TrainingBody(BaseModel):
    """How a model is trained."""

    model_config = STRICT

    seed: Seed = 0
    members: Annotated[int, Field(ge=2, le=50)] = Field(4, description="Networks in the ensemble.")
    folds: Annotated[int, Field(ge=2, le=100)] = Field(5, description="Folds of the cross-validation.")
    epochs: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        None, description="As the release model unless given."
    )
    promote: Literal["never", "if_better"] = Field(
        "never",
        description="if_better, which takes the role admin: the new version answers where the gate says better.",
    )


class JobBody(TrainingBody):
    """What to train, on what, and how."""

    datasets: DataSets = Field(description="Uploaded data sets.")
    start: Literal["scratch", "champion"] = Field("scratch", alias="from", description="champion fine-tunes it.")
    name: Annotated[str, Field(min_length=1, max_length=120)] = "superion"
    unlabelled: bool = Field(True, description="Show compounds without a label, where they are at hand.")


class RetrainBody(TrainingBody):
    """How the champion is fine-tuned on what a campaign measured."""

    force: bool = Field(False, description="Retrain whether it pays or not.")


class SimulateBody(BaseModel):
    """Which measurements are replayed, and how."""

    model_config = STRICT

    datasets: DataSets = Field(description="Uploaded data sets, which are the pool together.")
    batch: Annotated[int, Field(ge=1, le=MAX_BATCH_SUGGESTIONS)] = Field(5, description="Experiments a round.")
    rounds: Annotated[int, Field(ge=1, le=200)] = Field(18, description="Rounds after the start.")
    start: Annotated[int, Field(ge=1, le=1000)] = Field(10, description="Experiments at random before the first round.")
    seeds: Annotated[int, Field(ge=1, le=100)] = Field(20, description="Repetitions, each with a start of its own.")
    top: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.05, description="Share of the pool that counts as hits.")
    hold_out: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Family of which the start holds none."
    )
    strategies: Annotated[
        list[Literal["superion", "random", "greedy", "nearest_neighbour", "magpie_forest"]],
        Field(min_length=1, max_length=10),
    ] = Field(["superion", "random", "greedy", "nearest_neighbour", "magpie_forest"], description="What is compared.")
    acquisition: Literal["ucb", "log_ei", "noisy_ei", "thompson", "variance"] = Field(
        "ucb", description="How superion chooses."
    )
    kappa: float | None = Field(None, description="Standard deviations that ucb adds to the mean.")
    most_of_a_family: int | None = Field(None, description="Most of a batch from one family.")


class Progress(BaseModel):
    """How far a job is."""

    fits_done: int = Field(description="Of a simulation, campaigns that were replayed.")
    fits_total: int | None = Field(description="Null before it is known.")
    seconds_left: float | None = Field(description="At the rate so far; null before there is one.")


class JobAnswer(BaseModel):
    """A job."""

    id: str
    kind: str = Field(description="training or simulation.")
    state: str = Field(description="queued, running, cancelling, succeeded, failed or cancelled.")
    reason: str | None = Field(description="Why it is in this state, where there is something to say.")
    owner: str
    request: dict[str, Any] = Field(
        description="What was asked for, with the version that it starts from and the holdout that it may not learn."
    )
    created: str
    started: str | None
    ended: str | None
    progress: Progress
    attempts: int
    run_id: str | None = Field(description="Of MLflow.")
    run_url: str | None = Field(description="Of the run's page, where MLFLOW_TRACKING_URI names a server with pages.")
    version: str | None = Field(description="Of the model that came of it.")
    result: dict[str, Any] | None = Field(
        description="Of a training: cross-validation, gate, and what was left out. Of a simulation: what "
        "`superion campaign simulate --json` prints, for its owner and admins."
    )


class JobList(BaseModel):
    """The jobs, newest first."""

    jobs: list[JobAnswer]
