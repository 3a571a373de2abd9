"""`superion evaluate`: score a model on a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from superion.cli.output import complain, say_json, tell


def evaluate(
    data: Annotated[Path, typer.Option("--data", help="Table of measurements (CSV or xlsx).")],
    cifs: Annotated[
        Path | None, typer.Option(help="Folder of structures named by the column cif, or <id>.cif.")
    ] = None,
    model: Annotated[str, typer.Option(help="champion, release, a version, a models:/ URI or a folder.")] = "champion",
    confidence: Annotated[float, typer.Option(help="Confidence of the intervals that are scored.")] = 0.9,
    plot: Annotated[
        Path | None, typer.Option(help="Draw parity, residuals, reliability and spread into a png, svg or pdf file.")
    ] = None,
    rows: Annotated[Path | None, typer.Option(help="Write the prediction of every row into a csv file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Report error, coverage and width on a table; rows that cannot be scored are listed."""
    from superion.loading import load_predictor, missing

    try:
        from superion.training.evaluate import check_rows_file, predicted
        from superion.training.table import read_table

        if plot is not None:
            from superion.training import drawing, figures

            drawing.check_file(plot)
    except ModuleNotFoundError as error:
        raise missing(error, "train") from error
    if rows is not None:
        check_rows_file(rows)
    table = read_table(data, cifs)
    for note in table.notes:
        tell(f"{data.name}, {note}")
    evaluation = predicted(load_predictor(model), table, confidence)
    for fault in evaluation.failed:
        complain(f"{data.name}, {fault}")
    if rows is not None:
        evaluation.write_rows(rows)
    if plot is not None:
        drawing.save(figures.of_evaluation(evaluation), plot)
    report = evaluation.report()
    if as_json:
        say_json(report)
    else:
        _print(report)
    raise typer.Exit(1 if report["failed"] else 0)


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{report['n']} rows, {report['n_censored']} below a limit, {report['n_with_structure']} with a structure"
    )
    for column in ("rows", "MAE", "RMSE", "R2", "Spearman"):
        table.add_column(column)
    parts = {
        "censored at -15": report["censored_at_-15"],
        "censored at -10": report["censored_at_-10"],
        "uncensored": report["uncensored"],
        "with structure, at -15": report["with_structure"]["censored_at_-15"],
        "with structure, at -10": report["with_structure"]["censored_at_-10"],
    }
    for label, part in parts.items():
        table.add_row(label, *("-" if value is None else f"{value:.3f}" for value in part.values()))
    console = Console()
    console.print(table)
    interval = report["interval"]
    console.print(
        f"interval at {interval['confidence']:g}: coverage {interval['coverage']:.3f}, mean width "
        f"{interval['mean_width']:.2f}, NLL {interval['nll']:.2f}, "
        f"miscalibration area {interval['miscalibration_area']:.3f}",
        highlight=False,
    )
    insulators = report["insulators"]
    if insulators["roc_auc"] is not None:
        console.print(
            f"{insulators['n_insulators']} of {insulators['n']} rows below 1e{insulators['threshold_log10']:g} S/cm: "
            f"ROC AUC {insulators['roc_auc']:.3f}, average precision {insulators['average_precision']:.3f}",
            highlight=False,
        )
