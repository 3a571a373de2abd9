"""The routes that take a body, in the order of the documentation; all that the service does per route follows this."""

from __future__ import annotations

from typing import Any

from superion.serving.answer import PREDICT
from superion.serving.environment import ENVIRONMENT
from superion.serving.interface import INTERFACE
from superion.serving.route import Route
from superion.serving.structure import STRUCTURE
from superion.serving.window import WINDOW

ROUTES: tuple[Route[Any], ...] = (PREDICT, WINDOW, INTERFACE, ENVIRONMENT, STRUCTURE)
