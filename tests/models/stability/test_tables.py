"""Which table of formation energies is taken: the variable's, the fetched one, the end members; and how each fails."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from superion.errors import InvalidTable, InvalidValue, MissingDependency, NotFound, Unavailable
from superion.featurizers.formula import Formula
from superion.models.stability import PhaseTable, analyse, tables
from superion.models.stability.answers import COARSE, hull_answers
from superion.models.stability.contact_documents import interface_document
from superion.models.stability.documents import window_document
from superion.models.stability.end_members import read_end_members
from superion.models.stability.materials_project import materials_project_table
from superion.models.stability.partners import meet
from superion.models.stability.table_files import write_phase_table
from superion.models.stability.tables import (
    default_table,
    end_member_table,
    named_table,
    table_named,
)

ROWS = "formula,target\nLiCl,-2.1\nLi2S,-1.5\nLi3PS4,-0.9\nLi3P,-0.8\nP2S5,-0.4\n"
GAPS = "formula,target\nLi2S,3.4\nLi3P,0.0\n"


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have neither a mirror nor a table of one's own."""
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)
    monkeypatch.delenv("SUPERION_PHASE_TABLE", raising=False)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_end_members_are_a_table_that_is_made_once() -> None:
    table = end_member_table()
    assert table is end_member_table() is named_table("end-members") is table_named("end-members")
    assert table.name == "end-members"
    rows = read_end_members()
    row = next(row for row in rows if row.formula.text == "Li3P")
    at = table.row(row.formula)
    assert at is not None
    phase = table.phase(at)
    assert (phase.energy, phase.kind, phase.band_gap) == (row.formation_energy, row.electronic, row.band_gap)
    assert phase.source == row.source
    assert analyse(table, "Li6PS5Cl").reaction_energy_eV_per_atom < 0.0


def test_on_a_fresh_machine_the_end_members_are_taken() -> None:
    assert default_table() is end_member_table() is named_table("default")


def test_a_fetched_table_is_taken_with_its_gaps(superion_home: Path) -> None:
    written(superion_home / "datasets/matbench/mp_e_form.csv", ROWS)
    table = default_table()
    assert (table.name, table is default_table() is named_table("matbench")) == ("matbench", True)
    assert len(table) == 5 + 4
    written(superion_home / "datasets/matbench/mp_gap.csv", GAPS)
    assert gap(table, "Li2S") is None and gap(default_table(), "Li2S") == 3.4


def gap(table: PhaseTable, formula: str) -> float | None:
    row = table.row(Formula.parse(formula))
    assert row is not None
    return table.phase(row).band_gap


def test_the_mirror_goes_before_what_was_fetched(
    superion_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(superion_home / "datasets/matbench/mp_e_form.csv", ROWS)
    written(tmp_path / "matbench/mp_e_form.csv", ROWS + "LiP,-0.5\n")
    assert len(default_table()) == 9
    monkeypatch.setenv("SUPERION_DATA_MIRROR", str(tmp_path))
    assert len(default_table()) == 10


def test_the_variable_goes_before_both(tmp_path: Path, superion_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(superion_home / "datasets/matbench/mp_e_form.csv", ROWS)
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(written(tmp_path / "own.csv", ROWS)))
    assert default_table().name == "own"
    monkeypatch.setenv("SUPERION_PHASE_TABLE", "end-members")
    assert default_table() is end_member_table()
    monkeypatch.setenv("SUPERION_PHASE_TABLE", "default")
    assert default_table().name == "matbench"


def test_a_variable_that_names_nothing_is_a_fault_that_shows_no_folder(
    tmp_path: Path, superion_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(superion_home / "datasets/matbench/mp_e_form.csv", ROWS)
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(tmp_path / "absent.csv"))
    with pytest.raises(NotFound, match=r"SUPERION_PHASE_TABLE names 'absent\.csv'") as caught:
        default_table()
    assert str(tmp_path) not in caught.value.message


def test_a_users_table_with_absurd_energies_is_refused_with_its_lines(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", ROWS + "Li2O,-598\nLiF,nan\nLi3N,-0.4\nLiBr,x\n")
    for _ in range(2):
        with pytest.raises(InvalidTable, match=r"line 7: -598 eV/atom.*line 8: .*line 10: ") as caught:
            table_named(str(path))
        assert caught.value.field == "table" and "line 9" not in caught.value.message
    written(path, ROWS)
    assert table_named(str(path)).name == "own", "it is read again when it has changed"


@pytest.mark.parametrize("name", ["default", "end-members", "matbench"])
def test_a_users_file_does_not_take_the_name_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = written(tmp_path / f"{name}.csv", ROWS)
    table = table_named(str(path))
    assert table.name == f"{name}.csv" and table_named(str(path)) is table
    assert window_document(analyse(table, "Li3PS4"))["warnings"] == []
    assert interface_document([meet(table, "Li3PS4", "P2S5")], None)["warnings"] == []
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(path))
    ((found, warnings),) = hull_answers([Formula.parse("Li3PS4")])
    assert found is not None and (found.table, warnings) == (f"{name}.csv", ())
    monkeypatch.setenv("SUPERION_PHASE_TABLE", "end-members")
    assert hull_answers([Formula.parse("Li3PS4")])[0][1] == (COARSE,)


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "own.csv", ROWS)

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tables, "read_phase_table", refuse)
    with pytest.raises(InvalidTable, match=r"own\.csv cannot be read: Permission denied"):
        table_named(str(path))


@pytest.mark.parametrize("text", ["nothing", "", "./matbench", "\0"])
def test_a_name_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(NotFound, match="the tables are default, end-members, matbench"):
        table_named(text)


def test_only_names_are_names() -> None:
    with pytest.raises(InvalidValue, match="the tables are") as caught:
        named_table("/etc/passwd")
    assert caught.value.field == "table"


def test_a_table_that_is_not_at_hand_says_how_it_is_fetched() -> None:
    with pytest.raises(NotFound, match="superion data fetch mp-formation-energies"):
        named_table("matbench")


def test_many_threads_read_a_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "own.csv", ROWS)
    read, calls = tables.read_phase_table, []

    def counted(*arguments: Any) -> PhaseTable:
        calls.append(arguments)
        return read(*arguments)

    monkeypatch.setattr(tables, "read_phase_table", counted)
    threads = [threading.Thread(target=table_named, args=[str(path)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_few_files_are_kept(tmp_path: Path) -> None:
    for number in range(10):
        table_named(str(written(tmp_path / f"{number}.csv", ROWS)))
    assert len(tables._read) <= 4


class Client:
    """Stand in for the client of the Materials Project."""

    asked: Any = None
    found: Any = ()
    fault: Exception | None = None

    def __init__(self, key: str) -> None:
        assert key == "a key"
        self.materials = SimpleNamespace(summary=self)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *fault: object) -> None: ...

    def search(self, chemsys: list[str], fields: list[str]) -> Any:
        if Client.fault is not None:
            raise Client.fault
        Client.asked = chemsys
        return Client.found


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    """Install a client, and a key."""
    monkeypatch.setitem(sys.modules, "mp_api", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mp_api.client", SimpleNamespace(MPRester=Client))
    monkeypatch.setenv("MP_API_KEY", "a key")
    return Client


def entry(number: int, formula: str, energy: float | None, band_gap: float | None) -> SimpleNamespace:
    return SimpleNamespace(
        material_id=f"mp-{number}", formula_pretty=formula, formation_energy_per_atom=energy, band_gap=band_gap
    )


def test_answers_of_the_materials_project_become_a_table(client: type[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        entry(1, "Li", -1e-3, 0.0),
        entry(2, "Li2S", -1.5, 3.4),
        entry(3, "S8", 0.0, 2.0),
        entry(4, "LiS", None, 1),
    ]
    monkeypatch.setattr(client, "found", found)
    table = materials_project_table("S-Li")
    assert client.asked == ["Li", "S", "Li-S"]
    assert (table.name, len(table), gap(table, "Li2S")) == ("materials-project Li-S", 3, 3.4)
    assert "Materials Project mp-2" in table.sources.values()


def test_a_written_table_reads_as_itself(client: type[Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = [
        entry(1, "Li", 0.0, 0.0),
        entry(2, "Li2S", -1.5, 3.4),
        entry(3, "LiS4", -0.7, None),
        entry(4, "S", 0.0, 2.0),
    ]
    monkeypatch.setattr(client, "found", found)
    table, path = materials_project_table("Li-S"), tmp_path / "li-s.csv"
    write_phase_table(table, path)
    again = table_named(str(path))
    assert (again.name, again.digest) == ("li-s", table.digest)
    assert sorted(again.sources.values()) == sorted(table.sources.values())
    assert analyse(again, "Li2S").oxidation_limit_V == analyse(table, "Li2S").oxidation_limit_V
    with pytest.raises(InvalidValue, match=r"li-s\.csv cannot be written: File exists"):
        write_phase_table(table, path)


@pytest.mark.parametrize("system", ["", "Xx-Li", "Li--S", "-".join(["Li", "P", "S", "Cl", "Br", "I", "F", "O", "N"])])
def test_a_system_that_is_none_is_refused(system: str) -> None:
    with pytest.raises(InvalidValue, match="no chemical system"):
        materials_project_table(system)


def test_what_the_materials_project_does_not_give_is_said(
    client: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match="knows no phase of Li-S"):
        materials_project_table("Li-S")
    monkeypatch.setattr(client, "fault", ConnectionError("a key"))
    with pytest.raises(Unavailable, match=r"ConnectionError$"):
        materials_project_table("Li-S")
    monkeypatch.delenv("MP_API_KEY")
    with pytest.raises(InvalidValue, match="set MP_API_KEY"):
        materials_project_table("Li-S")


def test_without_its_package_the_materials_project_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mp_api", None)
    monkeypatch.setenv("MP_API_KEY", "a key")
    with pytest.raises(MissingDependency, match=r"pip install 'superion\[materials-project\]'"):
        materials_project_table("Li-S")


def test_the_mirrors_table_is_the_one_of_the_tests(computed: PhaseTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.delenv("SUPERION_PHASE_TABLE", raising=False)
    assert named_table("matbench").digest == computed.digest
