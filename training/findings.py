"""What a check of a table found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from superion.training.row_materials import RowNote

NOTE = "note"
"""Severity of what is good to know."""
WARNING = "warning"
"""Severity of what is probably wrong and should be looked at before a model learns it."""

ROWS_SHOWN = 8
"""How many rows of one finding are shown as text; all of them are in the document."""


@dataclass(frozen=True)
class Finding:
    """Hold one thing that was found in a table."""

    code: str
    """Stable and machine-readable."""
    severity: str
    """`NOTE` or `WARNING`."""
    message: str
    """What was found."""
    advice: str
    """What can be done about it, or still be done in spite of it."""
    rows: tuple[RowNote, ...] = ()
    """The rows concerned, each with what is of interest in it; none where it is the whole table."""

    def lines(self, *, advise: bool = True) -> Iterator[str]:
        """Yield the finding as lines of text, with its advice unless that was given before."""
        yield f"{self.severity}: {self.message}" + (f"; {self.advice}" if advise else "")
        for row in self.rows[:ROWS_SHOWN]:
            yield f"  {row}"
        if len(self.rows) > ROWS_SHOWN:
            yield f"  and {len(self.rows) - ROWS_SHOWN} rows more"


@dataclass(frozen=True)
class DataCheck:
    """Hold everything that a check has to say of a table."""

    table: str
    digest: str
    counts: Mapping[str, int]
    folds_by: str | None
    """What the folds follow that training would be scored in: paper or composition; None where there can be none."""
    findings: tuple[Finding, ...]
    failed: tuple[RowNote, ...]
    """Rows that cannot be used."""
    notes: tuple[RowNote, ...]
    """What was read otherwise than it was written."""

    @property
    def is_clean(self) -> bool:
        """Whether every row can be used and nothing is probably wrong."""
        return not self.failed and all(finding.severity == NOTE for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the check as a document of JSON."""
        return {**asdict(self), "counts": dict(self.counts)}

    def lines(self) -> Iterator[str]:
        """Yield the findings as lines of text, warnings first."""
        advised: set[str] = set()
        for severity in (WARNING, NOTE):
            for finding in self.findings:
                if finding.severity == severity:
                    yield from finding.lines(advise=finding.advice not in advised)
                    advised.add(finding.advice)

    def text(self) -> str:
        """Return the whole check as text: counts, rows that failed, findings, and what was read otherwise."""
        n, counts = self.counts["rows"], self.counts
        shares = ", ".join(
            f"{counts[name]} {label} ({100 * counts[name] / n:.0f} %)"
            for name, label in (
                ("censored", "below a limit"),
                ("without_doi", "without a DOI"),
                ("without_structure", "without a structure"),
            )
        )
        lines = [
            f"{self.table}: {n} rows can be used, {counts['failed']} cannot; {counts['with_conductivity']} with a "
            f"conductivity, {counts['with_activation_energy']} with an activation energy; {shares}; "
            f"{counts['papers']} papers, {counts['compositions']} compositions, {counts['families']} families",
            *(f"failed: {note}" for note in self.failed),
            *self.lines(),
            *(f"read otherwise: {note}" for note in self.notes),
        ]
        return "\n".join(lines)
