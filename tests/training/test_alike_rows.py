"""Which rows the calibration takes for alike: those of one paper, or of one composition where folds share papers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from superion.models.calibration import Calibration
from superion.models.distribution import Spread
from superion.models.ensemble import TargetOutput
from superion.models.targets import ACTIVATION_ENERGY, CONDUCTIVITY
from superion.training.cross_validation import OutOfFold, calibrated, energy_calibration, joined, scored_conductivity
from superion.training.splits import folds_by
from superion.training.table import Measurement

from . import _builders

ROWS = [replace(row, censored=False) for row in _builders.synthetic_rows(60)]


def found(rows: list[Measurement], kind: str) -> OutOfFold:
    """Return predictions out of fold whose errors are the same for the rows of a paper."""
    random = np.random.default_rng(2)
    shift = dict(zip(sorted({str(row.doi) for row in rows}), random.normal(0.0, 1.0, len(rows)), strict=False))
    answers = []
    folds = folds_by(kind, rows, 3, 0)
    for fold in folds:
        own = [rows[index] for index in fold.test.tolist()]
        mean = np.array([row.log10_conductivity + shift[str(row.doi)] for row in own])  # type: ignore[operator]
        spread = Spread(np.full(len(own), 1.0), np.full(len(own), 0.5))
        output = TargetOutput(np.stack([mean, mean]), spread, {"networks": mean})
        answers.append(({CONDUCTIVITY: output, ACTIVATION_ENERGY: output},) * 2)
    return joined(answers, rows, folds, np.ones(len(rows), dtype=bool))


def test_rows_of_one_paper_are_alike_where_folds_keep_papers_apart() -> None:
    scored, chosen = scored_conductivity(found(ROWS, "paper"), None)
    assert scored.papers is not None
    papers = [ROWS[int(index)].doi for index in chosen]
    alike = scored.papers[:, None] == scored.papers[None, :]
    assert np.array_equal(alike, np.array(papers)[:, None] == np.array(papers)[None, :])
    assert alike.sum() == 2 * len(papers), "papers have two rows each"
    part = scored.only(np.arange(len(scored)) < 20)
    assert part.papers is not None and len(part.papers) == 20


def test_rows_of_one_composition_are_alike_where_folds_share_papers() -> None:
    rows = [replace(row, doi="10.1/one") for row in ROWS]
    repeated = [*rows, replace(rows[0], id="again"), replace(rows[0], id="and again")]
    scored, chosen = scored_conductivity(found(repeated, "composition"), None)
    assert scored.papers is not None
    compositions = [repeated[int(index)].composition for index in chosen]
    assert len(set(scored.papers.tolist())) == len(set(compositions)) == len(compositions) - 2


@pytest.mark.parametrize("kind", ["paper", "composition"])
def test_what_is_alike_tells_how_far_out_the_quantiles_lie(kind: str) -> None:
    one = found(ROWS, kind)
    scored, _ = scored_conductivity(one, None)
    groups = np.unique(scored.papers, return_counts=True)[1] if scored.papers is not None else np.array([])
    assert groups.max() == (2 if kind == "paper" else 1)
    plain = Calibration.fit(scored.measured, scored.censored, scored.mean, scored.spread)
    told = calibrated(scored)
    wider = told.quantiles[-20] > plain.quantiles[-20]
    assert wider == (kind == "paper")
    energies = energy_calibration(one)
    assert energies is not None and np.isfinite(energies.quantiles).all()
