"""What the elements cost and how much of them there is; see `data/README.md` for sources and dates."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["Supply", "supply_of"]


@dataclass(frozen=True)
class Supply:
    """Hold what is known of an element's supply; None is not known."""

    price: float | None = None
    """[US dollars per kg]."""
    abundance: float | None = None
    """In the continental crust [mg/kg]."""


def supply_of(symbol: str) -> Supply:
    """Return price and abundance of an element."""
    return _table().get(symbol, Supply())


@cache
def _table() -> Mapping[str, Supply]:
    text = resources.files("superion.discovery").joinpath("data/element_supply.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["symbol"]: Supply(_number(row["price"]), _number(row["abundance"])) for row in rows}


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
