"""`superion campaign retrain`: the champion fine-tuned on what a campaign measured, when it pays."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from superion.cli.campaign_text import AsJson, By, Database, Name, opened, who
from superion.cli.output import progress_bar, say_json, tell
from superion.cli.train import Device, Epochs, Folds, Members, Seed, Workers


def retrain(
    name: Name,
    force: Annotated[bool, typer.Option("--force", help="Retrain whether it pays or not.")] = False,
    seed: Seed = 0,
    device: Device = "cpu",
    members: Members = 4,
    folds: Folds = 5,
    epochs: Epochs = None,
    workers: Workers = None,
    by: By = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Fine-tune the champion on what was measured, where the model was off by more than chance explains.

    The new version is registered as challenger with its comparison; `superion promote` lets it answer.
    """
    with opened(database) as store:
        from superion.discovery.report.facts import facts_of
        from superion.discovery.report.retraining import retraining

        person = who(by)
        advice = retraining(facts_of(store.state(name), store.events(name)))
        if not (advice.pays or force):
            tell(f"not retrained: {advice.why}; --force does it all the same")
            if as_json:
                say_json({"name": name, "advice": advice.as_dict(), "training": None})
            return
        tell(advice.why)
        found = store.export_rows(name)
        with tempfile.TemporaryDirectory() as folder:
            table, cifs = Path(folder) / f"{name}.csv", Path(folder) / "structures"
            found.write_table(table)
            found.write_structures(cifs)
            from superion.training.runs import Request, run

            request = Request(
                data=[table],
                cifs=cifs,
                name=f"campaign {name}",
                start="champion",
                seed=seed,
                device=device,
                members=members,
                folds=folds,
                epochs=epochs,
                workers=workers,
            )
            with progress_bar("fits") as progress:
                finished = run(request, progress=progress, tell=tell)
        detail = {"run_id": finished["run_id"], "version": finished["version"], "alias": finished["alias"]}
        store.record_retraining(name, {**detail, "rows": len(found.rows), "why": advice.why}, by=person)
    if as_json:
        say_json({"name": name, "advice": advice.as_dict(), "training": finished})
    else:
        typer.echo(f"run {detail['run_id']}: registered as version {detail['version']} ({detail['alias']})")


def register(app: typer.Typer) -> None:
    """Add the command to the group `campaign`."""
    app.command()(retrain)
