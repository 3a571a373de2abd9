"""Candidates come back from the database as they were, to the last bit."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from superion.discovery.campaigns.store import CampaignStore
from superion.discovery.campaigns.stored_materials import material_text, read_material
from superion.discovery.candidates import Candidate, CandidateList, read_candidates
from superion.discovery.goal import Goal
from superion.featurizers.context import CellContext
from superion.featurizers.crystal import Crystal
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula
from superion.models.material import Material

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"


def hold_same(found: Sequence[Candidate], given_: Sequence[Candidate]) -> None:
    """Hold that candidates are the same in all that a model or a person sees."""
    assert tuple(found) == tuple(given_)
    for one, other in zip(found, given_, strict=True):
        assert one.material.key == other.material.key
        assert one.material.formula.text == other.material.formula.text
        assert all(np.array_equal(a, b) for a, b in zip(one.material.context, other.material.context, strict=True))
        if one.material.crystal is None or other.material.crystal is None:
            assert one.material.crystal is other.material.crystal
            continue
        for name in ("labels", "notes", "space_group_number", "species", "formula"):
            assert getattr(one.material.crystal, name) == getattr(other.material.crystal, name)


def through_the_database(folder: Path, given_: CandidateList) -> tuple[Candidate, ...]:
    """Write candidates and read them with another store."""
    url = f"sqlite:///{folder}/campaigns.db"
    with CampaignStore.open(url) as store:
        store.create("lab", Goal(), given_, by="ada")
    with CampaignStore.open(url) as store:
        return store.state("lab").candidates


def test_every_structure_of_obelix(tmp_path: Path, data_mirror: Callable[[str], Path]) -> None:
    with zipfile.ZipFile(data_mirror("obelix") / "train_cifs.zip") as archive:
        archive.extractall(tmp_path / "archive")
    (tmp_path / "cifs").mkdir()
    files = list((tmp_path / "archive").rglob("*.cif"))
    for file in files:
        file.rename(tmp_path / "cifs" / file.name)
    given_ = read_candidates(tmp_path / "cifs")
    assert len(files) == 254
    assert len(given_) + len(given_.failed) == 254
    found = through_the_database(tmp_path, given_)
    hold_same(found, given_.candidates)
    # Those that are the same material as another are no candidates, but come back too.
    for file in (tmp_path / "cifs").iterdir():
        material = Material.from_crystal(Crystal.from_file(file))
        assert read_material(material_text(material)).key == material.key


def test_tables_of_every_kind(tmp_path: Path) -> None:
    (tmp_path / "candidates.csv").write_text(
        "id,formula,family,space_group_number,a,b,c,alpha,beta,gamma,cell_formula,cif\n"
        "fractional,Li6.55La3Zr1.55Ta0.45O12,garnets,230,12.9,12.9,12.9,90,90,90,Li52.4La24Zr12.4Ta3.6O96,\n"
        "third,Li0.3333333333333333La0.5566666666666666TiO3,,,,,,,,,,\n"
        "adduct,75Li2S-25P2S5,glasses,,,,,,,,,\n"
        "hydrate,Li2SO4·H2O,,14,5.45,4.87,8.17,90,107.3,90,,\n"
        "brackets,Li1.3Al0.3Ti1.7(PO4)3,,167,,,,,,,,\n"
        "subscript,Li₆PS₅Cl,,,,,,,,,,\n"
        "structure,Li6PS5Cl,,,,,,,,,,argyrodite.cif\n"
        'ünïcode/[b]\'; --,LiI,"a, b",,,,,,,,,\n',
        encoding="utf-8",
    )
    (tmp_path / "cifs").mkdir()
    (tmp_path / "cifs" / "argyrodite.cif").write_bytes(ARGYRODITE.read_bytes())
    given_ = read_candidates(tmp_path / "candidates.csv", tmp_path / "cifs")
    assert (len(given_), given_.failed) == (8, ())
    hold_same(through_the_database(tmp_path, given_), given_.candidates)


formulas = st.dictionaries(
    st.sampled_from(sorted(ATOMIC_NUMBER)), st.floats(1e-6, 1e6, allow_nan=False), min_size=1, max_size=8
)
cells = st.builds(
    CellContext,
    st.none() | st.integers(1, 230),
    st.none() | st.tuples(*[st.floats(0.5, 1000.0)] * 3, *[st.floats(80.0, 100.0)] * 3),
    st.none() | st.floats(1e-3, 1e6),
)


@given(formulas, cells)
def test_any_formula_and_cell(amounts: dict[str, float], cell: CellContext) -> None:
    material = Material(Formula.from_amounts(amounts), None, cell)
    found = read_material(material_text(material))
    assert (found, found.key, found.formula.text) == (material, material.key, material.formula.text)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(*[st.floats(-2.0, 2.0)] * 3), min_size=1, max_size=3, unique=True),
    st.floats(3.0, 50.0),
    st.floats(0.01, 0.3),
    st.none() | st.integers(1, 230),
    st.none() | st.lists(st.text(max_size=5), min_size=3, max_size=3),
)
def test_any_crystal(
    positions: list[tuple[float, ...]], length: float, occupancy: float, number: int | None, labels: list[str] | None
) -> None:
    n = len(positions)
    crystal = Crystal(
        np.diag([length, length * 1.1, -length / 3]),
        np.array(positions),
        ((("Li", occupancy), ("Na", occupancy / 3)),) * n,
        number,
        None if labels is None else tuple(labels[:n]),
        ("a note with \0 and \udc80",),
    )
    material = Material.from_crystal(crystal)
    text = material_text(material)
    assert text.isascii() and "\0" not in text
    hold_same([Candidate("x", read_material(text), "")], [Candidate("x", material, "")])
