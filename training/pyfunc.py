"""Superion as an MLflow pyfunc model, from code: rows with a `formula` or a `cif` in, records of answers out."""

from __future__ import annotations

from pathlib import Path

import mlflow
from mlflow.pyfunc import PythonModel, PythonModelContext

from superion.models.predictor import Predictor


class SuperionModel(PythonModel):  # type: ignore[misc] # mlflow types it as Any
    """Predict conductivity at 25 degrees Celsius with a 90 % interval."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the artefact that was logged with the model."""
        self.predictor = Predictor.from_folder(Path(context.artifacts["superion"]))

    # Without hints on purpose: MLflow reads those on `predict` as the signature and warns of any it does not know. This
    # keeps it from advising everyone who trains to add some.
    _skip_type_hint_validation = True

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return one record a row, as `POST /predict` gives them."""
        rows = model_input.to_dict("records") if hasattr(model_input, "to_dict") else list(model_input)
        # A table fills what a row lacks with NaN, which is no answer to "formula or cif?".
        rows = [{key: value for key, value in row.items() if value == value} for row in rows]
        return list(self.predictor.predict(rows, **(params or {})).as_dict()["predictions"])


mlflow.models.set_model(SuperionModel())
