"""`superion window`: the staircase as a table, as JSON and as a figure, and what it says of a call it cannot follow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from superion.models.stability import analyse
from superion.models.stability.documents import window_document
from superion.models.stability.tables import end_member_table

from .conftest import Command


@pytest.fixture(autouse=True)
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the data sets, so that the table `matbench` is on no machine."""
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("formula,formation_energy_eV_per_atom,band_gap_eV\nLi2S,-1.5,3.4\nLi3P,-0.8,0.7\nP2S5,-0.4,2.0\n")
    return path


def test_json_is_the_document_of_the_analysis(superion: Command) -> None:
    found = superion("window", "Li6PS5Cl", "--json")
    assert found.status == 0
    assert found.document == window_document(analyse(end_member_table(), "Li6PS5Cl"))
    assert found.document["warnings"] == [found.err.strip()]
    assert "few phases, the shipped end members" in found.err


def test_the_table_has_a_line_for_each_step(superion: Command) -> None:
    found = superion("window", "Li6PS5Cl", "--table", "end-members")
    assert found.status == 0
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in found.out.splitlines() if line[:1] == "│"]
    assert lines == [
        ["0.00 to 0.93", "+8.00", "-1.03 to -0.46", "LiCl + 5 Li2S + Li3P", "passivating"],
        ["0.93 to 2.02", "+5.00", "-0.46 to -0.04", "LiCl + P + 5 Li2S", "passivating"],
        ["2.02 to 2.18", "+3.50", "-0.04 to 0.00", "LiCl + 4.25 Li2S + 0.25 P4S3", "passivating"],
        ["2.18 to 2.29", "+0.00", "0.00", "Li6PS5Cl", "stable"],
        ["2.29 to 3.45", "-5.00", "0.00 to -0.45", "LiCl + 0.5 P2S5 + 2.5 S", "passivating"],
        ["above 3.45", "-6.00", "-0.45", "0.333 PCl3 + 0.333 P2S5 + 3.33 S", "passivating"],
    ]
    assert "window: 2.18 to 2.29 V" in found.out
    assert "reaction with lithium metal: -1.034 eV/atom, to LiCl + 5 Li2S + Li3P: passivating" in found.out
    assert "energy above the hull: not known" in found.out
    assert "few phases, the shipped end members" in found.err and "few phases, the shipped end members" not in found.out


def test_without_lithium_there_is_a_window_without_an_upper_end(superion: Command) -> None:
    found = superion("window", "Na3PS4")
    assert found.status == 0
    (line,) = (line for line in found.out.splitlines() if line.startswith("window:"))
    assert line == "window: above 2.18 V"
    assert "note: there is no oxidation limit" in found.out
    assert superion("window", "Na3PS4", "--json").document["oxidation_limit_V"] is None


def test_no_window_is_said_to_be_none(superion: Command) -> None:
    assert "window: none, both limits are " in superion("window", "Li3P1S2").out
    assert "no phase is left" in superion("window", "Li").out


def test_a_given_energy_counts(superion: Command) -> None:
    free = superion("window", "Li6PS5Cl", "--json").document
    given = superion("window", "Li6PS5Cl", "--energy", "-1.2", "--json").document
    assert (given["energy_eV_per_atom"], given["energy_source"]) == (-1.2, "given")
    raised = -1.2 - free["hull_energy_eV_per_atom"]
    assert raised > 0.0
    assert given["energy_above_hull_eV_per_atom"] == pytest.approx(raised)
    assert given["reaction_energy_eV_per_atom"] == pytest.approx(free["reaction_energy_eV_per_atom"] - raised)
    assert "(-1.200 as given; hull: " in superion("window", "Li6PS5Cl", "--energy", "-1.2").out


def test_a_table_of_ones_own(superion: Command, table: Path) -> None:
    found = superion("window", "Li3PS4", "--table", table, "--json")
    assert (found.status, found.err) == (0, ""), "only the shipped table is coarse"
    assert found.document["table"] == "mine"
    assert {p["formula"] for step in found.document["staircase"] for p in step["products"]} == {
        "Li2S",
        "Li3P",
        "P",
        "Li3PS4",
        "P2S5",
        "S",
    }


def test_the_table_that_the_variable_names_is_the_default(
    superion: Command, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(table))
    assert superion("window", "Li3PS4", "--json").document["table"] == "mine"
    assert superion("window", "Li3PS4", "--table", "end-members", "--json").document["table"] == "end-members"


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")])
def test_the_staircase_is_drawn_beside_what_is_printed(
    superion: Command, tmp_path: Path, name: str, start: bytes
) -> None:
    found = superion("window", "Li6PS5Cl", "--plot", tmp_path / name, "--json")
    assert found.status == 0
    assert found.document["formula"] == "Li6PS5Cl"
    assert (tmp_path / name).read_bytes().startswith(start)


BAD = """formula,formation_energy_eV_per_atom
Li2S,-1.5
Xx2S,-1.0
Li3P,much
P2S5,-99
"""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Missing argument"),
        (["Li6PS5Cl", "Li3N"], "unexpected extra argument"),
        (["Li6PS5Xx"], "formula: column 7: 'Xx' is not an element symbol"),
        (["Li6PS5Cl("], "formula: column 9: this bracket is never closed"),
        ([""], "the formula is empty"),
        (["Li3PuCl6"], "the table end-members knows no compound of Pu"),
        (["NaKRbCsMgCaSrBaScYTiZrHfVNbTaCrMoWMnFeO"], "a system of 23 elements"),
        (["LiF", "--table", "nowhere.csv"], "there is no table and no file 'nowhere.csv'; the tables are default"),
        (["LiF", "--table", "matbench"], "superion data fetch mp-formation-energies"),
        (["LiF", "--table", "."], "there is no table and no file"),
        (["LiF", "--table", "empty.csv"], "empty.csv is empty"),
        (["LiF", "--table", "header.csv"], "needed is formula,formation_energy_eV_per_atom"),
        (["LiF", "--table", "bad.csv"], "bad.csv: line 3: formula: column 1: 'Xx'"),
        (["LiF", "--table", "bad.csv"], "line 4: could not convert string to float: 'much'; line 5: -99 eV/atom"),
        (["LiF", "--energy", "nan"], "energy: the formation energy is not finite"),
        (["LiF", "--energy", "inf"], "energy: the formation energy is not finite"),
        (["LiF", "--energy", "-300"], "energy: -300 eV/atom is no formation energy per atom"),
        (["LiF", "--energy", "low"], "Invalid value for '--energy'"),
        (["LiF", "--plot", "a.jpg"], ".png, .svg, .pdf"),
        (["LiF", "--plot", "absent/a.png"], "does not exist"),
        (["LiF", "--plot", "folder.png"], "cannot write"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_call_that_cannot_be_followed_ends_with_2_and_says_why(
    superion: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("a,b\n1,2\n")
    (tmp_path / "bad.csv").write_text(BAD)
    (tmp_path / "folder.png").mkdir()
    found = superion("window", *arguments)
    assert (found.status, found.out) == (2, "")
    assert says in " ".join(found.err.split())
    assert "Traceback" not in found.err


def without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where a module is not installed."""
    script = f"import sys; sys.modules[{module!r}] = None; from superion.cli import main; main()"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_printing_it_needs_no_torch_and_drawing_it_needs_matplotlib(tmp_path: Path) -> None:
    done = without("torch", "window", "LiF", "--json")
    assert done.returncode == 0, done.stderr
    assert '"reduction_limit_V": 0.0' in done.stdout
    done = without("matplotlib", "window", "LiF", "--plot", str(tmp_path / "a.png"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("superion: matplotlib")
    assert done.stderr.endswith(" is not installed: pip install 'superion[train]'\n")
