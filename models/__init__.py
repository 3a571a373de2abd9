"""Graph networks, ensembles, calibration, applicability domain, the saved artefact and predictions from it.

Names are imported when they are first used, because they need torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from superion.lazy import lazy_names

if TYPE_CHECKING:
    from superion.models.artefact import Artefact
    from superion.models.material import Material
    from superion.models.predictor import RELEASE_FOLDER, Predictor
    from superion.models.records import Failure, Prediction, Report

__all__ = ["RELEASE_FOLDER", "Artefact", "Failure", "Material", "Prediction", "Predictor", "Report"]

_HOME = {
    "RELEASE_FOLDER": "predictor",
    "Artefact": "artefact",
    "Failure": "records",
    "Material": "material",
    "Prediction": "records",
    "Predictor": "predictor",
    "Report": "records",
}


__getattr__ = lazy_names(__name__, _HOME)
