"""`superion rank`: what is best of a screening."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superion.cli.campaign_text import AcquisitionName, Avoid, Kappa, Stability, print_table
from superion.cli.output import say_json
from superion.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from dask.dataframe import DataFrame as LongFrame
    from pandas import DataFrame

SHOWN = ("row", "id", "composition", "log10_sigma", "log10_sigma_lower", "log10_sigma_upper", "reaction_energy")
"""Columns that are printed."""


def rank(
    screening: Annotated[Path, typer.Argument(help="Folder that `superion screen` wrote.")],
    number: Annotated[int, typer.Option(min=1, help="Materials to name; a front has as many as it has.")] = 20,
    front: Annotated[
        str | None, typer.Option(help="A Pareto front instead, such as log10_sigma:max,hull_reaction_energy:max.")
    ] = None,
    highest: Annotated[str | None, typer.Option(help="Those with the highest values of a column instead.")] = None,
    acquisition: AcquisitionName = None,
    kappa: Kappa = None,
    stability: Stability = None,
    avoid: Avoid = None,
    source: Annotated[
        Path | None, typer.Option("--list", help="The list that was screened, where it has crystals.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model that the screening is of.")] = "champion",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    repeats: Annotated[bool, typer.Option(help="Keep what stands in a front or a list of the highest twice.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write them, with all columns, as CSV or Parquet.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them, with all columns, as JSON.")] = False,
) -> None:
    """Name the best of a screening: the first batch of a campaign of all of it, a Pareto front, or the highest values.

    A campaign's batch has the reasons with each; its acquisition and conditions are those of `superion campaign new`.
    """
    from superion.loading import find_model, missing

    goal = {"acquisition": acquisition, "kappa": kappa, "stability": stability, "avoid": avoid}
    given = {name: value for name, value in goal.items() if value is not None}
    _check(front, highest, given, out)
    try:
        import dask.dataframe as dd

        from superion.discovery import Goal, best, distinct, pareto
    except ModuleNotFoundError as error:
        raise missing(error, "screen") from error
    if not list(screening.glob("part-*.parquet")):
        raise NotFound(
            f"{screening} holds no results; `superion screen INPUT --out {screening}` makes them",
            field="screening",
            value=str(screening),
        )
    frame = dd.read_parquet(screening)
    if front is not None:
        found = pareto(frame if repeats else distinct(frame), _objectives(front))
    elif highest is not None:
        _check_column(frame, highest)
        once = frame if repeats else distinct(frame)
        found = once.nlargest(number, highest).compute().reset_index(drop=True)
    else:
        temperature = float(frame.temperature_C.head(1, npartitions=-1).iloc[0])
        asked = Goal.from_dict({"temperature_C": temperature, **given})
        found = best(frame, number, find_model(model).load(), asked, seed, source)
    if out is not None:
        found.to_csv(out, index=False) if out.suffix.lower() == ".csv" else found.to_parquet(out, index=False)
    if as_json:
        say_json({"screening": str(screening), "materials": _plain(found)})
    else:
        _print(found)


def _check(front: str | None, highest: str | None, goal: Mapping[str, Any], out: Path | None) -> None:
    if (front is not None) + (highest is not None) + bool(goal) > 1:
        raise typer.BadParameter("--front, --highest and the acquisition with its conditions are three ways; take one")
    if out is not None and out.suffix.lower() not in (".csv", ".parquet"):
        raise InvalidValue(f"{out.name} is to end in .csv or .parquet", field="out", value=out.name)


def _objectives(text: str) -> dict[str, Any]:
    """Return the objectives of a text such as `log10_sigma:max,reaction_energy:max`."""
    found = {}
    for part in text.split(","):
        name, _, sense = part.strip().partition(":")
        found[name] = sense
    return found


def _check_column(frame: LongFrame, name: str) -> None:
    from pandas.api.types import is_numeric_dtype

    if name not in frame.columns or not is_numeric_dtype(frame.dtypes[name]):
        raise InvalidValue(f"{name!r} is no column of numbers", field="highest", value=name)


def _plain(found: DataFrame) -> list[dict[str, Any]]:
    rows = found.astype(object).where(found.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _print(found: DataFrame) -> None:
    columns = [name for name in SHOWN if name in found.columns]
    print_table(columns, ([_cell(row[name]) for name in columns] for row in _plain(found)))
    for number, reasons in enumerate(found.get("reasons", ()), 1):
        typer.echo(f"{number}. {reasons}")


def _cell(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "" if value is None else str(value)
