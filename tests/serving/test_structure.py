"""`POST /structure`: the sites as they are, the path that the landscape has, and why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from superion.featurizers import Crystal, bond_valence_landscape
from superion.serving import migration

from ._answers import refused


@pytest.fixture(scope="module")
def argyrodite(root_folder: Path) -> str:
    """Return the CIF of the examples, with mixed and partly filled sites."""
    return (root_folder / "examples" / "argyrodite.cif").read_text()


@pytest.fixture(scope="module")
def root_folder() -> Path:
    """Return the repository's root folder."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found(service: Any, argyrodite: str) -> Any:
    """Return the answer for it."""
    answer = service.client.post("/structure", json={"cif": argyrodite})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_sites_are_those_of_the_crystal(found: Any, argyrodite: str) -> None:
    crystal = Crystal.from_cif(argyrodite)
    assert len(found["sites"]) == crystal.n_sites == 76
    for site, species in zip(found["sites"], crystal.species, strict=True):
        assert [(one["element"], one["occupancy"]) for one in site["species"]] == list(species)
    fractional = np.array([site["fractional"] for site in found["sites"]])
    assert ((fractional >= 0.0) & (fractional < 1.0)).all()
    cartesian = np.array([site["cartesian"] for site in found["sites"]])
    assert cartesian == pytest.approx(fractional @ np.array(found["lattice"]), abs=1e-3)


def test_radii_are_ionic_and_mixed_by_occupancy(found: Any) -> None:
    by_label = {site["label"]: site["radius_angstrom"] for site in found["sites"]}
    assert by_label["Li1"] == pytest.approx(0.76, abs=0.05)
    assert by_label["S1"] == pytest.approx(1.84, abs=0.05)
    assert by_label["P1"] < by_label["Li1"] < by_label["S2/Cl2"] < by_label["S1"], "Cl is smaller than S"


def test_the_path_is_that_of_the_landscape(found: Any, argyrodite: str) -> None:
    landscape = bond_valence_landscape(Crystal.from_cif(argyrodite))
    migrating = found["migration"]
    assert found["reason"] is None
    assert migrating["barriers_eV"] == pytest.approx({str(n): b for n, b in landscape.barriers.items()}, abs=1e-5)
    path = migrating["path"]
    assert path["energy_eV"] == pytest.approx(landscape.pathway.energies, abs=1e-5)
    assert max(path["energy_eV"]) == pytest.approx(migrating["barriers_eV"]["1"], abs=1e-5)
    first, last = np.array(path["fractional"])[[0, -1]]
    assert last - first == pytest.approx(path["lattice_vector"], abs=1e-5)


def test_the_surface_lies_at_its_energy(argyrodite: str) -> None:
    crystal = Crystal.from_cif(argyrodite)
    surface = migration.migration(crystal)["surface"]
    landscape = bond_valence_landscape(crystal)
    fractional = np.array(surface["vertices"]) @ np.linalg.inv(crystal.lattice)
    shape = np.array(landscape.energies.shape)
    nearest = np.round(fractional * shape).astype(int) % shape
    energies = landscape.energies[tuple(nearest.T)] - landscape.minimum
    # The nearest point of the grid is up to 0.2 angstrom away from the surface.
    assert abs(np.median(energies) - surface["energy_eV"]) < 0.1
    assert np.max(surface["triangles"]) == len(surface["vertices"]) - 1


def test_a_surface_of_many_points_is_made_of_fewer(monkeypatch: pytest.MonkeyPatch, argyrodite: str) -> None:
    crystal = Crystal.from_cif(argyrodite)
    fine = migration.migration(crystal)["surface"]
    monkeypatch.setattr(migration, "MAX_SURFACE_POINTS", 4000)
    coarse = migration.migration(crystal)["surface"]
    assert len(coarse["triangles"]) < 0.6 * len(fine["triangles"])
    lower, upper = np.min(fine["vertices"], axis=0), np.max(fine["vertices"], axis=0)
    assert np.min(coarse["vertices"], axis=0) == pytest.approx(lower, abs=0.7)
    assert np.max(coarse["vertices"], axis=0) == pytest.approx(upper, abs=0.7)


def test_a_large_cell_gets_a_coarser_grid(monkeypatch: pytest.MonkeyPatch, argyrodite: str) -> None:
    monkeypatch.setattr(migration, "MAX_POINTS", 20_000)
    found = migration.migration(Crystal.from_cif(argyrodite))
    assert found["resolution_angstrom"] == pytest.approx((9.859**3 / 20_000) ** (1 / 3), abs=1e-3)


def test_poscar_and_structure_are_read_too(service: Any, poscar: str, structure: dict[str, Any]) -> None:
    answers = [
        service.client.post("/structure", json=body).json() for body in ({"poscar": poscar}, {"structure": structure})
    ]
    for answer in answers:
        assert answer["formula"] == "LiF"
        assert [site["cartesian"] for site in answer["sites"]] == [[0, 0, 0], [2, 2, 2]]
    assert answers[0]["migration"]["barriers_eV"] == answers[1]["migration"]["barriers_eV"]


def test_charges_that_do_not_balance_leave_the_sites(service: Any, cif: str) -> None:
    lacking = "\n".join(line for line in cif.splitlines() if not line.startswith("Cl1"))
    answer = service.client.post("/structure", json={"cif": lacking}).json()
    assert answer["migration"] is None
    assert "balance" in answer["reason"]
    assert [site["label"] for site in answer["sites"]] == ["Li1", "Li1", "Li1", "O1"]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"cif": "garbage"}, "invalid_cif", "cif"),
        ({"poscar": "garbage"}, "invalid_structure", "poscar"),
        ({"structure": {}}, "invalid_structure", "structure"),
        ({}, "invalid_request", None),
        ({"cif": "x", "poscar": "y"}, "invalid_request", None),
        ({"cif": 5}, "invalid_request", "cif"),
    ],
)
def test_what_is_no_crystal(service: Any, body: dict[str, Any], code: str, field: str | None) -> None:
    refused(service.client.post("/structure", json=body), 400, code, field)
