"""Superion as an MLflow pyfunc model, from code: rows with a `formula` or a `cif` in, records of answers out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext

from superion.models.predictor import Predictor


class SuperionModel(PythonModel):  # type: ignore[misc] # mlflow is not typed
    """Predict conductivity at 25 degrees Celsius with a 90 % interval."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the artefact that was logged with the model."""
        self.predictor = Predictor.from_folder(Path(context.artifacts["superion"]))

    def predict(self, context: PythonModelContext, model_input: Any, params: dict[str, Any] | None = None) -> list[Any]:
        """Return one record a row, as `POST /predict` gives them."""
        rows = model_input.to_dict("records") if hasattr(model_input, "to_dict") else list(model_input)
        return list(self.predictor.predict(rows, **(params or {})).as_dict()["predictions"])


mlflow.models.set_model(SuperionModel())
