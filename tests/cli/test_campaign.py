"""`superion campaign`: from candidates to a table to learn from, and what is refused."""

from __future__ import annotations

import csv
import getpass
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from superion.discovery.campaigns.state import Choice
from superion.discovery.campaigns.store import CampaignStore
from superion.training.table import read_table

from ..training._noise import MLFLOW

ARGYRODITE = Path(__file__).resolve().parents[2] / "examples" / "argyrodite.cif"
FORMULAS = ("Li6PS5Cl", "Li6PS5Br", "Li7La3Zr2O12", "LiI", "Li3YCl6", "Li2O")


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    """Return a table of candidates, one of which cannot be read."""
    path = tmp_path / "candidates.csv"
    path.write_text("id,formula\n" + "".join(f"c{n},{formula}\n" for n, formula in enumerate(FORMULAS, 1)))
    return path


@pytest.fixture
def lab(superion, candidates: Path) -> str:
    """Return the name of a campaign with two suggestions, whose predictions are known."""
    assert superion("campaign", "new", "lab", "--candidates", candidates, "--by", "ada").status == 0
    predicted = {"log10_S_per_cm": -3.0, "lower": -4.0, "upper": -2.0, "confidence": 0.9, "temperature_C": 25.0}
    with CampaignStore.open() as store:
        store.suggest(
            "lab",
            lambda state: [
                Choice(name, {"predicted": predicted, "text": f"why {name} [/red]"}, "7") for name in ("c1", "c4")
            ],
            by="ada",
        )
    return "lab"


def test_a_campaign_begins(superion, candidates: Path, tmp_path: Path) -> None:
    with candidates.open("a") as file:
        file.write("c7,Li6PS5Xx\n")
    (tmp_path / "measured.csv").write_text(
        "id,formula,conductivity_mS_per_cm\na,Li6PS5Cl,1.5\nb,Li3N,0.3\nc,Nope,1\n", encoding="utf-8"
    )
    goal = ("--temperature", 60, "--kappa", 1, "--acquisition", "log_ei", "--confidence", 0.8)
    stability = ("--stability", "constraint", "--reaction-energy-above", -0.2)
    cost = ("--cost", "constraint", "--cost-below", 100, "--avoid", "Ge", "--avoid", "In,Te")
    last = ("--least-chance", 0.1, "--most-of-a-family", 2, "--by", "ada")
    finished = superion(
        *("campaign", "new", "lab", "--candidates", candidates, "--measured", tmp_path / "measured.csv", "--json"),
        *(*goal, *stability, *cost, *last),
    )
    assert finished.status == 1
    document = finished.document
    assert document["goal"] == {
        "temperature_C": 60.0,
        "confidence": 0.8,
        "acquisition": "log_ei",
        "kappa": 1.0,
        "stability": "constraint",
        "reaction_energy_above": -0.2,
        "cost": "constraint",
        "cost_below": 100.0,
        "avoid": ["Ge", "In", "Te"],
        "least_chance": 0.1,
        "most_of_a_family": 2,
    }
    assert (document["candidates"], document["observed"]) == (7, 2)
    assert [(one["source"], one["id"], one["line"]) for one in document["failed"]] == [
        ("candidates.csv", "c7", 8),
        ("measured.csv", "c", 4),
    ]
    assert any("is none of the candidates" in note["reason"] for note in document["notes"])
    assert "superion: candidates.csv, line 8 (c7)" in finished.err
    (listed,) = superion("campaign", "list", "--json").document["campaigns"]
    assert (listed["name"], listed["n_candidates"], listed["n_observed"], listed["created_by"]) == ("lab", 7, 2, "ada")
    assert "lab" in superion("campaign", "list").out


def test_the_login_name_is_who_does_it(superion, candidates: Path) -> None:
    superion("campaign", "new", "lab", "--candidates", candidates)
    assert superion("campaign", "history", "lab", "--json").document["events"][0]["by"] == getpass.getuser()


def test_no_campaigns(superion) -> None:
    finished = superion("campaign", "list")
    assert (finished.status, finished.out) == (0, "")
    assert "superion campaign new NAME" in finished.err
    assert superion("campaign", "list", "--json").document == {"campaigns": []}


def test_observe_status_history_and_undo(superion, lab: str) -> None:
    observed = superion("campaign", "observe", lab, "c1", "1.2 mS/cm", "--source", "page 3", "--by", "bob", "--json")
    (observation,) = observed.document["observations"]
    assert (observation["S_per_cm"], observation["candidate"], observation["by"]) == (
        pytest.approx(1.2e-3),
        "c1",
        "bob",
    )
    assert superion("campaign", "observe", lab, "LiI", "-6.5", "--unit", "log10(S/cm)").status == 0
    document = superion("campaign", "status", lab, "--json").document
    assert (document["candidates"], document["measured"], document["pending"], document["left"]) == (6, 2, 0, 4)
    assert document["best"]["candidate"] == "c1"
    held = document["predictions"]
    assert (held["n"], held["covered"], held["coverage"]) == (2, 1, 0.5)
    assert held["mean_absolute_error"] == pytest.approx((0.0792 + 3.5) / 2, abs=1e-3)
    shown = superion("campaign", "status", lab)
    assert "best so far: c1, 1.2 mS/cm at 25 °C" in shown.out
    assert "1 within the interval (50%, 90% was said)" in shown.out
    undone = superion("campaign", "undo", lab, "--reason", "wrong cell")
    assert (undone.status, undone.out) == (0, "event 5: undone event 4 (observe)\n")
    history = superion("campaign", "history", lab, "--json").document["events"]
    assert [(event["action"], event["undone_by"]) for event in history] == [
        ("new", None),
        ("suggest", None),
        ("observe", None),
        ("observe", 5),
        ("undo", None),
    ]
    text = superion("campaign", "history", lab).out
    assert "undid step 4" in text and "wrong cell" in text and "undone by step 5" in text
    assert superion("campaign", "undo", lab, "--event", 5, "--json").document["event"]["action"] == "undo"
    assert superion("campaign", "status", lab, "--json").document["measured"] == 2


def test_what_is_pending_is_shown_as_it_is(superion, lab: str) -> None:
    document = superion("campaign", "status", lab, "--json").document
    assert [one["reasons"]["text"] for one in document["pending_suggestions"]] == ["why c1 [/red]", "why c4 [/red]"]
    assert [event["action"] for event in document["last_events"]] == ["new", "suggest"]
    text = superion("campaign", "status", lab).out
    assert "6 candidates: 0 measured, 0 failed, 2 pending, 4 left" in text
    assert "1 mS/cm (90%: 0.1 to 10 mS/cm)" in text


def test_withdraw(superion, lab: str) -> None:
    finished = superion("campaign", "withdraw", lab, 1, 2, "--reason", "the furnace broke", "--by", "eve")
    assert (finished.status, finished.out) == (0, "event 3: withdrawn c1, c4\n")
    assert superion("campaign", "status", lab, "--json").document["pending"] == 0
    assert "the furnace broke" in superion("campaign", "history", lab).out


def test_a_failed_synthesis(superion, lab: str) -> None:
    finished = superion("campaign", "observe", lab, "c1", "--failed", "--note", "it melted")
    assert finished.out == "observation 1: c1, a failed synthesis\n"
    assert superion("campaign", "status", lab, "--json").document["failed"] == 1


def test_a_table_is_recorded_all_or_none(superion, lab: str, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text(
        "id,formula,conductivity (mS/cm),temperature_C\n"
        "c1,Li6PS5Cl,1.2,25\n"
        "c1,,3.4,60\n"
        "c4,LiBr,0.001,25\n"
        "c9,,1,25\n"
        "c4,,high,25\n"
        "c4,,,25\n"
    )
    finished = superion("campaign", "observe", lab, "--from", path)
    assert (finished.status, finished.out) == (2, "")
    for words in (
        "line 4 (c4): the formula LiBr is not that of the candidate, LiI",
        "line 6 (c4): the value is 'high'",
        "line 7 (c4): the row has no conductivity",
        "nothing was recorded",
    ):
        assert words in finished.err
    path.write_text("id,conductivity (mS/cm),temperature_C\nc1,1.2,25\nc9,1,25\nc2,1,25\nc1,0.001,25\n")
    finished = superion("campaign", "observe", lab, "--from", path)
    assert finished.status == 2
    for words in (
        "line 3 (c9): 'c9' is no candidate",
        "line 4 (c2): 'c2' was never suggested",
        "line 5 (c1): observation 1",
    ):
        assert words in finished.err
    assert superion("campaign", "status", lab, "--json").document["measured"] == 0
    path.write_text("id,conductivity (mS/cm),temperature_C\nc1,1.2,25\nc1,3.4,60\nc2,1 µS/cm,\n")
    document = superion("campaign", "observe", lab, "--from", path, "--unasked", "--json").document
    assert [(one["candidate"], one["given"]) for one in document["observations"]] == [
        ("c1", "1.2 mS/cm"),
        ("c1", "3.4 mS/cm"),
        ("c2", "1 µS/cm"),
    ]
    assert len(superion("campaign", "history", lab, "--json").document["events"]) == 3


def test_export_is_a_table_to_learn_from(superion, tmp_path: Path) -> None:
    folder = tmp_path / "structures"
    folder.mkdir()
    shutil.copy(ARGYRODITE, folder / "a.cif")
    superion("campaign", "new", "lab", "--candidates", folder)
    superion("campaign", "observe", "lab", "a", "1.2e-3", "--unasked")
    finished = superion("campaign", "export", "lab", "--out", tmp_path / "table.csv", "--cifs", tmp_path / "cifs")
    assert (finished.status, finished.out) == (0, "")
    (row,) = read_table(tmp_path / "table.csv", tmp_path / "cifs").rows
    assert row.material.crystal is not None
    (row,) = csv.DictReader(io.StringIO(superion("campaign", "export", "lab").out))
    assert (row["id"], row["conductivity_S_per_cm"], row["cif"]) == ("a", "1.2e-03", "a.json")
    assert superion("campaign", "export", "lab", "--json").document["rows"] == [row]


def test_another_database(superion, candidates: Path, tmp_path: Path, superion_home: Path) -> None:
    url = f"sqlite:///{tmp_path}/ours.db"
    assert superion("campaign", "new", "lab", "--candidates", candidates, "--database", url).status == 0
    assert not (superion_home / "campaigns.db").exists()
    assert superion("campaign", "list", "--database", url, "--json").document["campaigns"][0]["name"] == "lab"
    assert superion("campaign", "status", "lab").status == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("observe", "lab", "c1", "1.2"), "was mS/cm meant?"),
        (("observe", "lab", "c1", "-3"), "name the unit log10(S/cm)"),
        (("observe", "lab", "c2", "1e-3"), "--unasked"),
        (("observe", "lab", "c1"), "give the value that was measured"),
        (("observe", "lab", "c1", "1e-3", "--failed"), "a failed synthesis has no value"),
        (("observe", "lab"), "name the candidate, or a table with --from"),
        (("observe", "lab", "c11", "1e-3"), "'c11' is no candidate of lab; near it: 'c1'"),
        (("observe", "lab", "--from", "missing.csv"), "there is no table 'missing.csv'"),
        (
            ("observe", "lab", "c1", "--from", "missing.csv"),
            "with --from the table says everything; leave out candidate",
        ),
        (("observe", "lab", "c1", "--unti", "mS/cm"), "unexpected extra argument"),
        (("status", "lib"), "there is no campaign 'lib'; near it: 'lab'"),
        (("withdraw", "lab", "3"), "lab has no suggestion 3"),
        (("undo", "lab", "--event", "1"), "cannot be undone"),
        (("new", "lab", "--candidates", "{candidates}"), "there is a campaign 'lab' already"),
        (("new", "a b", "--candidates", "{candidates}"), "a campaign's name has 1 to 64"),
        (("new", "b", "--candidates", "missing.csv"), "there is no table 'missing.csv'"),
        (("new", "b", "--candidates", "{candidates}", "--avoid", "Xx"), "'Xx', which is no element"),
        (("new", "b", "--candidates", "{candidates}", "--kappa", "-1"), "kappa lies from 0 to 100"),
        (("new", "b", "--candidates", "{candidates}", "--measured-cifs", "x"), "a table that --measured names"),
        (("list", "--database", "mysql://a:secret@b/c"), "SQLite or PostgreSQL"),
        (("list", "--database", "sqlite:////missing/folder/x.db"), "there is no folder /missing/folder"),
        (("export", "lab", "--out", "no/such/folder.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_says_why(
    superion, lab: str, candidates: Path, arguments: tuple[str, ...], words: str
) -> None:
    finished = superion("campaign", *(part.format(candidates=candidates) for part in arguments))
    assert (finished.status, finished.out) == (2, "")
    assert words in " ".join(finished.err.split())
    assert "Traceback" not in finished.err and "secret" not in finished.err


def test_suggest_with_the_release_model(superion, candidates: Path) -> None:
    superion("campaign", "new", "lab", "--candidates", candidates)
    superion("campaign", "observe", "lab", "c4", "1e-7", "--unasked")
    finished = superion("campaign", "suggest", "lab", "-n", 2, "--model", "release", "--by", "ada", "--json")
    assert finished.status == 0
    made = finished.document["suggestions"]
    assert [(one["number"], one["batch"], one["status"], one["by"]) for one in made] == [
        (1, 1, "pending", "ada"),
        (2, 1, "pending", "ada"),
    ]
    assert "c4" not in {one["candidate"] for one in made}
    assert all(one["reasons"]["predicted"]["lower"] < one["reasons"]["predicted"]["upper"] for one in made)
    event = superion("campaign", "history", "lab", "--json").document["events"][-1]
    assert event["detail"]["request"] == {"number": 2, "seed": 0, "model": "release"}
    text = superion("campaign", "suggest", "lab", "--number", 9, "--model", "release")
    assert text.out.startswith("3. c")
    assert "3 of 9: no more are left" in text.err
    done = superion("campaign", "suggest", "lab", "--model", "release")
    assert (done.status, done.out) == (2, "")
    assert "1 candidates were observed and 5 are pending" in done.err


def test_one_document_on_standard_output(superion, lab: str) -> None:
    for command in ("list", "status", "history", "export", "observe", "withdraw", "undo"):
        arguments = {"observe": (lab, "c1", "1e-3"), "withdraw": (lab, "2"), "list": ()}.get(command, (lab,))
        finished = superion("campaign", command, *arguments, "--json")
        assert finished.status == 0
        assert isinstance(json.loads(finished.out), dict)


def test_other_commands_do_without_the_database() -> None:
    check = "import sys, superion.cli, superion.discovery; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


@MLFLOW[0]
def test_a_retraining_is_done_where_it_pays_or_is_forced(superion, tmp_path: Path) -> None:
    """Through the real training, with two networks and one pass, on what the campaign measured."""
    formulas = [f"Li{6 + x / 40:g}P{1 - x / 40:g}Si{x / 40:g}S5Br" for x in range(1, 31)]
    table = tmp_path / "made.csv"
    table.write_text("formula\n" + "\n".join(formulas) + "\n", encoding="utf-8")
    assert superion("campaign", "new", "made", "--candidates", table, "--by", "ada").status == 0
    measured = tmp_path / "measured.csv"
    rows = [f"line-{line},{formula},{1e-4 * line}" for line, formula in enumerate(formulas, 2)]
    measured.write_text("id,formula,conductivity_S_per_cm\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert superion("campaign", "observe", "made", "--from", measured, "--unasked").status == 0
    refused = superion("campaign", "retrain", "made", "--json")
    assert refused.status == 0 and "--force does it all the same" in refused.err
    assert refused.document["training"] is None and not refused.document["advice"]["pays"]
    few = ("--members", 2, "--folds", 3, "--epochs", 1, "--workers", 1)
    trained = superion("campaign", "retrain", "made", "--force", "--json", "--by", "ada", *few)
    assert trained.status == 0, trained.err
    last = superion("campaign", "history", "made", "--json").document["events"][-1]
    assert (last["action"], last["by"], last["detail"]["rows"]) == ("retrain", "ada", len(formulas))
    assert last["detail"]["version"] == trained.document["training"]["version"]
    assert f"trained version {last['detail']['version']}" in superion("campaign", "history", "made").out
    undone = superion("campaign", "undo", "made", "--event", last["number"])
    assert undone.status == 2 and "superion rollback" in undone.err
