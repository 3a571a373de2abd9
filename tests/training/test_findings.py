"""What a check says, as text and as a document."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from superion.training.checks import check_table
from superion.training.findings import NOTE, ROWS_SHOWN, WARNING, DataCheck, Finding
from superion.training.row_materials import RowNote

from . import _builders

ROWS = tuple(RowNote(f"r{number}", number + 2, f"reason {number}") for number in range(ROWS_SHOWN + 3))
SOME = Finding("some", WARNING, "something is wrong", "mend it", ROWS[:2])
MANY = Finding("many", NOTE, "much is odd", "look at it", ROWS)


def check(*findings: Finding, failed: tuple[RowNote, ...] = ()) -> DataCheck:
    return replace(check_table(_builders.table()), findings=findings, failed=failed)


def test_a_finding_is_told_with_its_advice_and_its_rows() -> None:
    assert list(SOME.lines()) == [
        "warning: something is wrong; mend it",
        "  line 2 (r0): reason 0",
        "  line 3 (r1): reason 1",
    ]


def test_the_rows_of_a_long_finding_are_counted() -> None:
    lines = list(MANY.lines())
    assert len(lines) == 1 + ROWS_SHOWN + 1
    assert lines[-1] == "  and 3 rows more"


def test_warnings_come_first_and_advice_is_given_once() -> None:
    lines = [line for line in check(MANY, SOME, replace(SOME, message="and again")).lines() if line[0] != " "]
    assert lines == [
        "warning: something is wrong; mend it",
        "warning: and again",
        "note: much is odd; look at it",
    ]


@pytest.mark.parametrize(
    ("found", "clean"),
    [(check(), True), (check(MANY), True), (check(MANY, SOME), False), (check(failed=ROWS[:1]), False)],
    ids=["nothing", "a note", "a warning", "a failed row"],
)
def test_a_table_is_clean_when_nothing_failed_and_nothing_is_probably_wrong(found: DataCheck, clean: bool) -> None:
    assert found.is_clean is clean


def test_the_document_holds_everything_and_is_json() -> None:
    found = replace(check(MANY, SOME, failed=ROWS[:1]), notes=ROWS[1:2])
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert set(document) == {"table", "digest", "counts", "folds_by", "findings", "failed", "notes"}
    assert document["findings"][1] == {
        "code": "some",
        "severity": "warning",
        "message": "something is wrong",
        "advice": "mend it",
        "rows": [{"id": "r0", "line": 2, "reason": "reason 0"}, {"id": "r1", "line": 3, "reason": "reason 1"}],
    }
    assert len(document["findings"][0]["rows"]) == len(ROWS)
    assert document["failed"] == [{"id": "r0", "line": 2, "reason": "reason 0"}]
    assert document["notes"] == [{"id": "r1", "line": 3, "reason": "reason 1"}]


def test_the_text_begins_with_the_counts_and_names_what_failed_and_what_was_read_otherwise() -> None:
    lines = replace(check(SOME, failed=ROWS[:1]), notes=ROWS[1:2]).text().splitlines()
    assert lines[0] == (
        "synthetic.csv: 36 rows can be used, 0 cannot; 36 with a conductivity, 18 with an activation energy; 1 below a "
        "limit (3 %), 0 without a DOI (0 %), 36 without a structure (100 %); 18 papers, 36 compositions, 0 families"
    )
    assert lines[1] == "failed: line 2 (r0): reason 0"
    assert lines[2] == "warning: something is wrong; mend it"
    assert lines[-1] == "read otherwise: line 3 (r1): reason 1"
