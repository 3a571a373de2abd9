"""Campaigns over HTTP on a real service with the release model: every route, and that it says what the CLI says."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from superion.training.table import read_table

from ._answers import fault
from ._browser import visiting
from ._campaigns import FORMULAS, begin, observe, printed, suggest
from .conftest import Service


def test_from_the_first_candidate_to_the_report_as_documented(service: Service) -> None:
    document = service.client.get("/docs.json").json()
    schemas = document["components"]["schemas"]

    def ask(method: str, template: str, status: int = 200, **content: Any) -> Any:
        answer = service.client.request(method, template.format(name="whole"), **content)
        assert answer.status_code == status, answer.text
        described = document["paths"][template][method.lower()]["responses"][str(status)]
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in described["content"], template
        if media_type != "application/json":
            return answer.text
        assert fault(described["content"][media_type]["schema"], answer.json(), schemas) is None, template
        return answer.json()

    candidates = [{"formula": formula} for formula in FORMULAS]
    measured = [{"formula": "Li3PS4", "conductivity": "0.16 mS/cm", "source": "10.1021/ja3110895"}]
    goal = {"acquisition": "ucb", "avoid": ["Ge"], "most_of_a_family": 2}
    body = {"name": "whole", "goal": goal, "candidates": candidates, "measured": measured}
    made = ask("POST", "/campaigns", 201, json=body)["status"]
    assert (made["candidates"], made["measured"], made["left"], made["goal"]["avoid"]) == (9, 1, 8, ["Ge"])
    assert "whole" in [one["name"] for one in ask("GET", "/campaigns")["campaigns"]]
    ask("GET", "/campaigns/{name}")

    first = ask("POST", "/campaigns/{name}/suggestions", 201, json={"number": 3})["suggestions"]
    assert [one["number"] for one in first] == [1, 2, 3]
    assert len({one["candidate"] for one in first}) == 3
    for one in first:
        reasons = one["reasons"]
        assert reasons["predicted"]["lower"] < reasons["predicted"]["log10_S_per_cm"] < reasons["predicted"]["upper"]
        assert reasons["best_so_far"]["candidate"] == "Li3PS4"
        assert reasons["text"].startswith("Predicted ")
        assert (one["by"], one["model_version"]) == ("local", "1")
    assert ask("GET", "/campaigns/{name}/suggestions", params={"status": "pending"})["suggestions"] == first
    page = ask("GET", "/campaigns/{name}/candidates", params={"offset": 1, "limit": 3})
    assert (page["n"], [one["id"] for one in page["candidates"]]) == (9, list(FORMULAS[1:4]))

    reports = [
        {"candidate": first[0]["candidate"], "value": 0.0012, "kind": "total", "note": "pellet 3"},
        {"candidate": first[1]["candidate"], "failed": True, "note": "melted"},
    ]
    seen = ask("POST", "/campaigns/{name}/observations", 201, json={"observations": reports})["observations"]
    assert [one["S_per_cm"] for one in seen] == [pytest.approx(0.0012), None]
    withdrawn = ask("POST", "/campaigns/{name}/withdraw", json={"suggestions": [3], "reason": "no time"})["event"]
    assert withdrawn["detail"]["reason"] == "no time"
    states = {one["id"]: one["status"] for one in ask("GET", "/campaigns/{name}/candidates")["candidates"]}
    assert [states[one["candidate"]] for one in first] == ["measured", "failed", "left"]
    status = ask("GET", "/campaigns/{name}")
    assert (status["best"]["candidate"], status["failed"], status["pending"]) == (first[0]["candidate"], 1, 0)
    assert status["predictions"]["n"] == 1
    undone = ask("POST", "/campaigns/{name}/undo", json={"reason": "there is time"})["event"]
    assert undone["detail"]["event"] == withdrawn["number"]
    assert [one["number"] for one in ask("GET", "/campaigns/{name}")["pending_suggestions"]] == [3]
    # Without a body it is the latest step that stands.
    assert ask("POST", "/campaigns/{name}/undo")["event"]["detail"]["action"] == "observe"
    ask("POST", "/campaigns/{name}/undo", json={"event": undone["number"] + 1})
    actions = [one["action"] for one in ask("GET", "/campaigns/{name}/events")["events"]]
    assert actions == ["new", "suggest", "observe", "withdraw", "undo", "undo", "undo"]

    rows = list(csv.DictReader(io.StringIO(ask("GET", "/campaigns/{name}/export"))))
    assert [row["id"] for row in rows] == ["Li3PS4", first[0]["candidate"]]
    assert "melted" in ask("GET", "/campaigns/{name}/report")


def test_the_command_line_and_http_say_the_same_of_one_campaign(service: Service, tmp_path: Path) -> None:
    begin(service.client, "both", measured=[{"formula": "Li6PS5Cl", "conductivity": 1.3e-3}])
    suggest(service.client, "both")
    printed(service.home, "campaign", "suggest", "both", "--number", "1", "--by", "ada")
    pending = service.client.get("/campaigns/both").json()["pending_suggestions"]
    assert [one["by"] for one in pending] == ["local", "local", "ada"]
    observe(service.client, "both", {"candidate": pending[0]["candidate"], "value": "<1e-9"})
    assert printed(service.home, "campaign", "status", "both") == service.client.get("/campaigns/both").json()
    assert printed(service.home, "campaign", "history", "both") == service.client.get("/campaigns/both/events").json()
    assert printed(service.home, "campaign", "list") == service.client.get("/campaigns").json()
    table = tmp_path / "export.csv"
    text = service.client.get("/campaigns/both/export").text
    table.write_text(text)
    assert list(csv.DictReader(io.StringIO(text))) == printed(service.home, "campaign", "export", "both")["rows"]
    assert len(read_table(table)) == 2
    printed(service.home, "campaign", "report", "both", "--html", str(tmp_path / "report.html"))
    page = service.client.get("/campaigns/both/report").text
    assert "What is believed of the candidates that are left" in page
    assert page == (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_is_left_out_is_named_item_by_item(service: Service, cif: str, poscar: str, structure: Any) -> None:
    candidates = [
        {"id": "a", "formula": "Li6PS5Cl", "family": " argyrodites "},
        {"id": "b", "formula": "Li6PS5Cl"},
        {"id": "c", "formula": "Li("},
        {"id": "d", "cif": cif},
        {"id": "e", "cif": "no"},
        {"id": "f", "poscar": poscar},
        {"id": "g", "structure": structure},
        {"id": "h"},
        {"id": "i", "formula": "LiF", "cif": cif},
        {"formula": "Li3PS4"},
    ]
    measured = [
        {"formula": "Li6PS5Cl", "conductivity": "1.3 mS/cm", "temperature_C": 30, "kind": "total"},
        {"id": "m", "formula": "Li3YCl6", "conductivity": 5},
        {"id": "n", "formula": "Li3InCl6", "conductivity": 1.5, "unit": "mS/cm", "activation_energy_eV": 0.34},
        {"id": "o", "formula": "LiI", "conductivity": "<1e-10", "temperature_C": 5000},
    ]
    answer = service.client.post("/campaigns", json={"name": "items", "candidates": candidates, "measured": measured})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    left_out = {note["item"]: (note["id"], note["reason"]) for note in made["left_out"]}
    # LiF as POSCAR and as pymatgen has it is one material.
    assert list(left_out) == [f"candidates.{n}" for n in (1, 2, 4, 6, 7, 8)] + ["measured.1", "measured.3"]
    assert left_out["candidates.1"] == ("b", "the same material as 'a': one of them is a candidate")
    assert left_out["candidates.6"] == ("g", "the same material as 'f': one of them is a candidate")
    assert "none of them" in left_out["candidates.7"][1]
    assert "mS/cm" in left_out["measured.1"][1]
    assert [note["item"] for note in made["notes"]] == ["candidates.3", "measured.2"]
    assert "is none of the candidates" in made["notes"][1]["reason"]
    assert (made["status"]["candidates"], made["status"]["measured"]) == (5, 2)
    found = service.client.get("/campaigns/items/candidates").json()["candidates"]
    assert [one["id"] for one in found] == ["a", "d", "f", "Li3PS4", "n"]
    assert [one["has_structure"] for one in found] == [False, True, True, False, False]
    assert [one["family"] for one in found[:2]] == ["argyrodites", "oxides"]
    assert service.client.get("/campaigns/items/events").json()["events"][0]["detail"]["source"] == "HTTP"


def test_equal_seeds_make_equal_batches(service: Service) -> None:
    goal = {"acquisition": "thompson"}
    batches = []
    for name, seed in (("seed-a", 7), ("seed-b", 7), ("seed-c", 8), ("seed-d", 9)):
        begin(service.client, name, goal=goal)
        batches.append([one["candidate"] for one in suggest(service.client, name, 4, seed)])
    assert batches[0] == batches[1]
    assert len({tuple(batch) for batch in batches}) > 1


def test_the_report_may_run_its_own_scripts_and_nothing_else(service: Service, browser: Any) -> None:
    begin(service.client, "shown", measured=[{"formula": "Li6PS5Cl", "conductivity": 1.3e-3}])
    suggest(service.client, "shown")
    answer = service.client.get("/campaigns/shown/report")
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert set(policy["sandbox"].split()) == {"allow-scripts", "allow-downloads"}
    assert "unsafe" not in policy["script-src"] and "self" not in policy["script-src"]
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    with visiting(browser, service.url) as visit:
        visit.page.goto(f"{service.url}/campaigns/shown/report")
        visit.page.wait_for_selector(".chart .main-svg")
        assert visit.page.evaluate("origin") == "null"
