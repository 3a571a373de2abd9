"""Grouped cross-validation of the forests alone, beside the published one, on five assignments of folds.

The networks take an hour and are reported by `make release-model`; the forests take two minutes. Needs the data set
`obelix`. Errors are MAE in log10(S/cm) with censored rows at -15.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from superion.errors import NotFound
from superion.models.material import Material
from superion.models.targets import CONDUCTIVITY
from superion.training.baseline import CENSORED_AT, forest_predictions, paired_difference
from superion.training.datasets import require, unpacked
from superion.training.settings import TreeSettings
from superion.training.splits import grouped_folds, paper_groups
from superion.training.table import read_table
from superion.training.trees import grow_trees

N_ASSIGNMENTS = 5


def main(n_assignments: int = N_ASSIGNMENTS, n_trees: int = 100) -> None:
    """Print the table."""
    try:
        train_csv, train_cifs = require("obelix")
    except NotFound as error:
        sys.exit(f"not run: {error.message}")
    with tempfile.TemporaryDirectory() as scratch:
        rows = read_table(train_csv, unpacked(train_cifs, Path(scratch))).rows
    measured = np.array([CENSORED_AT if row.censored else row.log10_conductivity for row in rows], dtype=np.float64)
    groups = paper_groups(rows)
    settings = {"all features": 1.0, "a third": 0.3, "a tenth": 0.1}
    print("assignment | published | " + " | ".join(f"ours, {name}" for name in settings) + " | a tenth, bare formulas")
    columns = []
    for seed in range(n_assignments):
        folds = grouped_folds(rows, 5, seed)
        errors = [np.abs(forest_predictions(rows, folds, seed=0) - measured)]
        for share in settings.values():
            predicted = np.zeros((2, len(rows)))
            for fold in folds:
                trees = grow_trees(
                    [rows[int(i)] for i in fold.train], TreeSettings(n_trees, share), CENSORED_AT, seed=0
                )
                held_out = [rows[int(i)].material for i in fold.test]
                for line, materials in enumerate((held_out, [Material(m.formula) for m in held_out])):
                    by_tree = trees.by_tree(CONDUCTIVITY, materials)
                    assert by_tree is not None
                    predicted[line, fold.test] = by_tree.mean(axis=0)
            errors.append(np.abs(predicted[0] - measured))
        errors.append(np.abs(predicted[1] - measured))
        columns.append([error.mean() for error in errors])
        difference = paired_difference(errors[3], errors[0], groups, seed=0)
        print(
            f"{seed} | " + " | ".join(f"{error.mean():.3f}" for error in errors) + f" | a tenth minus published "
            f"{difference.mean:+.3f} ({difference.lower:+.3f} to {difference.upper:+.3f})",
            flush=True,
        )
    print("mean | " + " | ".join(f"{value:.3f}" for value in np.mean(columns, axis=0)))


if __name__ == "__main__":
    main()
