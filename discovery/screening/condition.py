"""Conditions on the rows of a screening, such as `log10_sigma_lower > -4 and reaction_energy > -0.1`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from superion.discovery.screening.columns import RESULTS
from superion.errors import InvalidValue

_PARTS = (
    *(ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.In, ast.NotIn),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow),
    *(ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple),
)
"""What a condition may be made of: comparisons, and, or, not, arithmetic, lists of constants."""
_ANY = pa.table(
    {field.name: pa.array(["x" if pa.types.is_string(field.type) else 1]).cast(field.type) for field in RESULTS}
)
"""A row on which a condition is tried: text and numbers are not compared with each other."""


@dataclass(frozen=True)
class Condition:
    """Hold a condition that was checked; raises InvalidValue for text that is none, or names no column."""

    text: str

    def __post_init__(self) -> None:
        try:
            tree = ast.parse(self.text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise self._fault(f"it cannot be read: {getattr(error, 'msg', error)}") from error
        for node in ast.walk(tree):
            if not isinstance(node, _PARTS):
                raise self._fault(
                    f"{ast.unparse(node)!r} is no part of a condition; comparisons, and, or, not, + - * / ** and lists "
                    "are"
                )
            if isinstance(node, ast.Name) and node.id not in RESULTS.names:
                raise self._fault(f"there is no column {node.id!r}; there are {', '.join(RESULTS.names)}")
        try:
            self.holds(_ANY)
        except InvalidValue:
            raise
        except Exception as error:  # whatever pandas makes of numbers beside text
            raise self._fault(str(error)) from error

    def holds(self, table: pa.Table) -> list[bool]:
        """Tell of each row whether the condition holds; an unknown value is neither above, below nor equal to any.

        Raises InvalidValue for a condition that is neither true nor false.
        """
        frame = table.select(self.columns).to_pandas()
        found: Any = frame.eval(self.text.strip(), engine="python")
        if getattr(found, "dtype", None) != np.dtype(bool):
            raise self._fault("it is neither true nor false of a row; a comparison is, such as log10_sigma > -4")
        return [bool(one) for one in found]

    @property
    def columns(self) -> list[str]:
        """Return the columns that it names, in the order of the table."""
        named = {node.id for node in ast.walk(ast.parse(self.text.strip(), mode="eval")) if isinstance(node, ast.Name)}
        return [name for name in RESULTS.names if name in named]

    def _fault(self, reason: str) -> InvalidValue:
        return InvalidValue(f"where: {reason}", field="where", value=self.text)
