"""Small crystals of many kinds, as the sources of batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from superion.featurizers import Crystal

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"
HALIDES = ("F", "Cl", "Br", "I")


def halide(k: int) -> Crystal:
    """Return the k-th of a series of distorted lithium halides, every third one disordered."""
    random = np.random.default_rng(k)
    n_pairs = 1 + k % 5
    lattice = np.diag([4.0, 4.2, 4.0 * n_pairs]) + random.uniform(-0.3, 0.3, (3, 3))
    coordinates = np.zeros((2 * n_pairs, 3))
    coordinates[:n_pairs, 2] = np.arange(n_pairs) / n_pairs
    coordinates[n_pairs:] = coordinates[:n_pairs] + np.array([0.5, 0.5, 0.5 / n_pairs])
    coordinates += random.uniform(-0.02, 0.02, coordinates.shape)
    lithium = ("Li", 0.75 if k % 3 == 0 else 1.0)
    anion = (HALIDES[k % 4], 1.0)
    return Crystal(lattice, coordinates, ((lithium,),) * n_pairs + ((anion,),) * n_pairs, notes=(f"halide {k}",))


def assert_same(found: Any, expected: Any) -> None:
    """Hold that two results are the same, bit for bit, down to the arrays they hold."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
        assert found.flags.writeable == expected.flags.writeable
    elif isinstance(expected, torch.Tensor):
        assert found.is_contiguous() == expected.is_contiguous()
        assert_same(found.numpy(), expected.numpy())
    elif isinstance(expected, Data):
        assert set(found.keys()) == set(expected.keys())
        for key in expected.keys():  # noqa: SIM118 # a graph is no mapping
            assert_same(found[key], expected[key])
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    elif hasattr(expected, "__dataclass_fields__"):
        for name in expected.__dataclass_fields__:
            assert_same(getattr(found, name), getattr(expected, name))
    else:
        assert found == expected
