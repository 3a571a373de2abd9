"""`superion campaign suggest | observe | withdraw | undo`: the steps of a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from superion.cli.campaign_text import AsJson, By, Database, Name, observation_text, opened, print_suggestions, who
from superion.cli.output import complain, progress_bar, say_json, tell
from superion.errors import InvalidValue

if TYPE_CHECKING:
    from superion.discovery.campaigns.state import Observation
    from superion.discovery.campaigns.store import CampaignStore


def register(app: typer.Typer) -> None:
    """Add the commands to those of a campaign."""
    app.command()(suggest)
    # A value such as -3.2, which log10(S/cm) takes, is no option.
    app.command(context_settings={"ignore_unknown_options": True})(observe)
    app.command()(withdraw)
    app.command()(undo)


def suggest(
    name: Name,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Experiments to suggest.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn at random.")] = 0,
    model: Annotated[
        str, typer.Option(help="champion, a version, the folder of a model, or a models:/ URI.")
    ] = "champion",
    by: By = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Suggest the next experiments; they are pending until they are observed or withdrawn."""
    with opened(database) as store:
        from superion.discovery.campaigns.records import suggestion_dict
        from superion.discovery.choice.suggesting import Chooser
        from superion.loading import load_predictor

        person, predictor = who(by), load_predictor(model)
        with progress_bar("candidates") as progress:
            chooser = Chooser(predictor, number, seed=seed, kept=store.kept(name), progress=progress)
            request = {"number": number, "seed": seed, "model": model}
            made = store.suggest(name, chooser, by=person, request=request)
        if as_json:
            say_json({"name": name, "suggestions": [suggestion_dict(one) for one in made]})
        else:
            print_suggestions(made, store.state(name))
    if len(made) < number:
        tell(f"{len(made)} of {number}: no more are left that meet the conditions of the goal")


def observe(
    name: Name,
    candidate: Annotated[
        str | None, typer.Argument(help="Id of the candidate, or a formula that only one candidate has.")
    ] = None,
    value: Annotated[
        str | None, typer.Argument(help="Conductivity, such as 1.2e-3, '1.2 mS/cm' or '<1e-10'; S/cm without a unit.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="S/cm, mS/cm, µS/cm, S/m, ..., or log10(S/cm).")] = None,
    temperature: Annotated[float, typer.Option(help="Of the measurement [°C].")] = 25.0,
    activation_energy: Annotated[float | None, typer.Option(help="[eV].")] = None,
    kind: Annotated[str | None, typer.Option(help="bulk or total.")] = None,
    source: Annotated[str | None, typer.Option(help="DOI, or page of a notebook.")] = None,
    note: Annotated[str | None, typer.Option(help="Whatever is worth knowing.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="The synthesis failed: there is no value.")] = False,
    table: Annotated[
        Path | None,
        typer.Option("--from", help="Record a table of measurements, whose column id names candidates; all or none."),
    ] = None,
    unasked: Annotated[bool, typer.Option("--unasked", help="Record what was never suggested.")] = False,
    repeat: Annotated[bool, typer.Option("--repeat", help="Record it beside what it repeats or contradicts.")] = False,
    by: By = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Record what became of an experiment, or of all in a table."""
    with opened(database) as store:
        from superion.discovery.campaigns.records import observation_dict

        if table is not None:
            single = {
                "candidate": candidate,
                "value": value,
                "unit": unit,
                "activation-energy": activation_energy,
                "kind": kind,
                "source": source,
                "note": note,
                "failed": failed or None,
            }
            if any(given is not None for given in single.values()):
                what = next(word for word, given in single.items() if given is not None)
                raise InvalidValue(f"with --from the table says everything; leave out {what}", field=what)
            made = _observe_table(store, name, table, unasked, repeat, who(by))
        elif candidate is None:
            raise InvalidValue("name the candidate, or a table with --from", field="candidate")
        else:
            made = (
                store.observe(
                    name,
                    candidate=candidate,
                    value=value,
                    unit=unit,
                    temperature_C=temperature,
                    activation_energy_eV=activation_energy,
                    kind=kind,
                    source=source,
                    note=note,
                    failed=failed,
                    by=who(by),
                    unasked=unasked,
                    repeat=repeat,
                ),
            )
        if as_json:
            say_json({"name": name, "observations": [observation_dict(one) for one in made]})
            return
    for one in made:
        typer.echo(observation_text(one))


def _observe_table(
    store: CampaignStore, name: str, table: Path, unasked: bool, repeat: bool, by: str
) -> tuple[Observation, ...]:
    """Record a table; its faults are listed by line, and then there is exit status 2."""
    from superion.discovery.campaigns.reported_table import FaultyTable, read_reports
    from superion.discovery.campaigns.store import FaultyReports

    try:
        read = read_reports(table, store.state(name), unasked=unasked, repeat=repeat)
        try:
            return store.observe_all(name, read.reports, by=by)
        except FaultyReports as error:
            raise read.faults(error.faults) from error
    except FaultyTable as error:
        for fault in error.faults:
            complain(f"{table.name}, {fault}")
        complain("nothing was recorded")
        raise typer.Exit(2) from error


def withdraw(
    name: Name,
    numbers: Annotated[list[int], typer.Argument(help="Numbers of suggestions.")],
    reason: Annotated[str, typer.Option(help="Why it is not made.")] = "",
    by: By = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Take suggestions back that are pending, so that they can be suggested again."""
    with opened(database) as store:
        from superion.discovery.campaigns.records import event_dict

        event = store.withdraw(name, numbers, by=who(by), reason=reason)
        if as_json:
            say_json({"name": name, "event": event_dict(event)})
            return
    typer.echo(f"event {event.number}: withdrawn {', '.join(event.detail['candidates'])}")


def undo(
    name: Name,
    event: Annotated[
        int | None, typer.Option(help="Number of the step, as history shows it.  [default: the latest that stands]")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it is undone.")] = "",
    by: By = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Undo a step; an undo that is named brings the step back."""
    with opened(database) as store:
        from superion.discovery.campaigns.records import event_dict

        done = store.undo(name, event, by=who(by), reason=reason)
        if as_json:
            say_json({"name": name, "event": event_dict(done)})
            return
    detail = done.detail
    typer.echo(f"event {done.number}: undone event {detail['event']} ({detail['action']})")
