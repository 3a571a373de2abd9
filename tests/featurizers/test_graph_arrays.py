"""The arrays of a crystal graph: what the graph holds, without torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from superion.errors import InvalidValue
from superion.featurizers import Crystal, crystal_arrays, crystal_graph

# Half-occupied lithium, and chlorine and sulfur mixed on one site.
DISORDERED = Crystal(
    np.diag([4.0, 4.2, 4.4]),
    np.array([[0.0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0.1]]),
    ((("Li", 0.5),), (("Cl", 0.4), ("S", 0.6)), (("P", 1.0),)),
)


def test_the_graph_holds_the_arrays() -> None:
    arrays = crystal_arrays(DISORDERED, 5.0, 8, "Cl")
    graph = crystal_graph(DISORDERED, 5.0, 8, "Cl")
    assert {*arrays, "num_nodes"} == set(graph.keys())
    assert graph.num_nodes == 3
    for name, array in arrays.items():
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert torch.equal(graph[name], torch.from_numpy(array))
    assert arrays["mobile_occupancy"] == pytest.approx([0.0, 0.4, 0.0])


def test_an_ion_that_is_no_element_is_refused() -> None:
    with pytest.raises(InvalidValue, match="'Xx' is no element") as caught:
        crystal_arrays(DISORDERED, ion="Xx")
    assert caught.value.field == "ion"


def test_the_arrays_need_no_torch() -> None:
    program = """
import sys
from superion.featurizers import Crystal, crystal_arrays
crystal_arrays(Crystal([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0]], ((("Li", 1.0),),)))
assert "numpy" in sys.modules
assert "torch" not in sys.modules, "torch"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
