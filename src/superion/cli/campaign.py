"""`superion campaign`: what to make next, what became of it, and who did what when."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from superion.cli import campaign_report, campaign_retrain, campaign_simulation, campaign_work
from superion.cli.campaign_text import (
    EVENT_COLUMNS,
    AcquisitionName,
    AsJson,
    Avoid,
    By,
    Database,
    Kappa,
    Name,
    Stability,
    event_row,
    opened,
    print_status,
    print_table,
    who,
)
from superion.cli.output import complain, say_json, tell
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from superion.training.row_materials import RowNote

app = typer.Typer(
    help="Campaigns: candidates, suggested experiments, what became of them, and reports.",
    no_args_is_help=True,
)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the campaign: letters, digits, '.', '_' and '-'.")],
    candidates: Annotated[
        Path, typer.Option(help="What could be made: a table with a column formula, or a folder of structures.")
    ],
    cifs: Annotated[Path | None, typer.Option(help="Folder of the structures of the table of candidates.")] = None,
    measured: Annotated[Path | None, typer.Option(help="Table of what was measured before.")] = None,
    measured_cifs: Annotated[Path | None, typer.Option(help="Folder of the structures of that table.")] = None,
    temperature: Annotated[float | None, typer.Option(help="Where the conductivity is to be high [°C]; 25.")] = None,
    confidence: Annotated[float | None, typer.Option(help="Confidence of the intervals that are shown; 0.9.")] = None,
    acquisition: AcquisitionName = None,
    kappa: Kappa = None,
    stability: Stability = None,
    reaction_energy_above: Annotated[
        float | None, typer.Option(help="Reaction energy with lithium metal that counts as stable [eV/atom]; -0.1.")
    ] = None,
    cost: Annotated[str | None, typer.Option(help="Price of the elements: ignore, constraint or objective.")] = None,
    cost_below: Annotated[float | None, typer.Option(help="Highest price, as a constraint [USD/kg].")] = None,
    avoid: Avoid = None,
    least_chance: Annotated[
        float | None, typer.Option(help="Leave out what is less likely to meet the conditions: 0 to 1; 0.25.")
    ] = None,
    most_of_a_family: Annotated[int | None, typer.Option(help="Most suggestions of a batch from one family.")] = None,
    by: By = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Begin a campaign.

    Rows of the table of measurements that are no candidates become candidates that are measured. Exit status 1 when
    some rows or files could not be used; they are listed.
    """
    with opened(database) as store:
        from superion.discovery.candidates import read_candidates
        from superion.discovery.goal import Goal
        from superion.training.table import read_table

        # What a goal is where nothing is asked for, it says itself.
        asked = {
            "temperature_C": temperature,
            "confidence": confidence,
            "acquisition": acquisition,
            "kappa": kappa,
            "stability": stability,
            "reaction_energy_above": reaction_energy_above,
            "cost": cost,
            "cost_below": cost_below,
            "avoid": [symbol for given in avoid or () for symbol in given.replace(",", " ").split()],
            "least_chance": least_chance,
            "most_of_a_family": most_of_a_family,
        }
        goal = Goal.from_dict({field: value for field, value in asked.items() if value is not None})
        if measured is None and measured_cifs is not None:
            raise InvalidValue(
                "--measured-cifs holds structures of a table that --measured names", field="measured_cifs"
            )
        found = read_candidates(candidates, cifs)
        known = None if measured is None else read_table(measured, measured_cifs)
        made = store.create(name, goal, found, measured=known, by=who(by))
    sources = [(found.name, found.failed, found.notes)]
    sources += [] if known is None else [(known.name, known.failed, (*known.notes, *made.notes))]
    for source, failed, notes in sources:
        for note in notes:
            tell(f"{source}, {note}")
        for fault in failed:
            complain(f"{source}, {fault}")
    failed_all = [{"source": source, **_note_dict(note)} for source, failed, _ in sources for note in failed]
    if as_json:
        say_json(
            {
                "name": made.name,
                "revision": made.revision,
                "goal": made.goal.as_dict(),
                "candidates": len(made.candidates),
                "observed": len(made.observations),
                "failed": failed_all,
                "notes": [{"source": source, **_note_dict(note)} for source, _, notes in sources for note in notes],
            }
        )
    else:
        typer.echo(f"{made.name}: {len(made.candidates)} candidates, {len(made.observations)} observations")
    raise typer.Exit(1 if failed_all else 0)


@app.command("list")
def list_(database: Database = None, as_json: AsJson = False) -> None:
    """List the campaigns."""
    with opened(database) as store:
        from superion.discovery.campaigns.records import summary_dict

        found = store.list()
        if as_json:
            say_json({"campaigns": [summary_dict(one) for one in found]})
            return
    if not found:
        tell("there are no campaigns; `superion campaign new NAME --candidates TABLE` begins one")
        return
    rows = [
        (
            one.name,
            f"{one.created_at:%Y-%m-%d}",
            one.created_by,
            *map(str, (one.n_candidates, one.n_observed, one.n_pending, one.revision)),
        )
        for one in found
    ]
    print_table(("name", "begun", "by", "candidates", "observed", "pending", "revision"), rows)


@app.command()
def status(name: Name, database: Database = None, as_json: AsJson = False) -> None:
    """Say where a campaign stands: best so far, what is pending, and how the predictions held."""
    with opened(database) as store:
        from superion.discovery.report.facts import facts_of
        from superion.discovery.report.status import status_of

        state, events = store.state(name), store.events(name)
    if as_json:
        say_json(status_of(state, events))
    else:
        print_status(facts_of(state, events))


@app.command()
def history(name: Name, database: Database = None, as_json: AsJson = False) -> None:
    """List every step: who did what when, and what was undone."""
    with opened(database) as store:
        from superion.discovery.campaigns.records import event_dict

        events = store.events(name)
    if as_json:
        say_json({"name": name, "events": [event_dict(event) for event in events]})
    else:
        print_table(EVENT_COLUMNS, map(event_row, events))


@app.command()
def export(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="CSV file to write in place of standard output.")] = None,
    cifs: Annotated[Path | None, typer.Option(help="Folder for the structures, which the column cif names.")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write what was measured as a table that `superion train --data` learns from; failed syntheses have no row."""
    with opened(database) as store:
        found = store.export_rows(name)
        if cifs is not None:
            tell(f"{cifs}: {found.write_structures(cifs)} structures")
        elif found.structures:
            tell(f"{len(found.structures)} materials have a structure; --cifs FOLDER writes them")
        if out is not None:
            found.write_table(out)
    tell(f"{len(found.rows)} measurements; {len(found.failed)} failed syntheses are not among them")
    if as_json:
        say_json({"name": name, "n_failed": len(found.failed), "rows": [dict(row) for row in found.rows]})
    elif out is None:
        sys.stdout.write(found.csv_text())


campaign_work.register(app)
campaign_report.register(app)
campaign_retrain.register(app)
campaign_simulation.register(app)


def _note_dict(note: RowNote) -> dict[str, Any]:
    return {"id": note.id, "line": note.line, "reason": note.reason}
