"""`POST /interface` and `POST /environment`: the documents of the command line, and what is wrong with a request."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from superion.serving import interface
from superion.serving.environment import ENVIRONMENT
from superion.serving.interface import INTERFACE
from superion.serving.problems import Refusal

from ._answers import fault, refused

CLI = "from superion.cli import main; main()"


def cli(*arguments: str) -> Any:
    """Return what the command line prints."""
    command = [sys.executable, "-c", CLI, *arguments, "--json"]
    done = subprocess.run(command, env=os.environ.copy(), capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def meet(service: Any, electrolyte: object, **options: object) -> httpx.Response:
    found: httpx.Response = service.client.post("/interface", json={"electrolyte": electrolyte, **options})
    return found


def expose(service: Any, formula: object, **options: object) -> httpx.Response:
    found: httpx.Response = service.client.post("/environment", json={"formula": formula, **options})
    return found


def test_one_contact_is_the_document_of_the_command_line(service: Any) -> None:
    answer = meet(service, "Li6PS5Cl", partner="LiCoO2", potential_V=4.2)
    assert answer.status_code == 200
    document = answer.json()
    assert document == cli("interface", "Li6PS5Cl", "LiCoO2", "--potential", "4.2")
    assert (document["table"], len(document["contacts"])) == ("end-members", 1)
    anode = meet(service, "Li6PS5Cl", partner="graphite").json()
    assert anode["contacts"][0]["potential_V"] == 0.1
    assert anode["potential_V"] is None


def test_all_contacts_are_those_of_the_command_line(service: Any) -> None:
    document = meet(service, "Li7La3Zr2O12").json()
    assert document == cli("interface", "Li7La3Zr2O12", "--all")
    assert len(document["contacts"]) > 20
    one = meet(service, "Li7La3Zr2O12", partner="NMC811").json()["contacts"][0]
    assert one in document["contacts"]


def test_the_environment_is_the_document_of_the_command_line(service: Any) -> None:
    document = expose(service, "Li6PS5Cl").json()
    assert document == cli("environment", "Li6PS5Cl")
    assert document["thermodynamic"] is True
    assert expose(service, "Li6PS5Cl", water="gas").json() == cli("environment", "Li6PS5Cl", "--vapour")


def test_every_kind_of_answer_is_as_it_is_documented(service: Any) -> None:
    schemas = service.client.get("/docs.json").json()["components"]["schemas"]
    for asked in ({"partner": "Li2SiO3"}, {"partner": "lithium"}, {"potential_V": 4}, {"partner": None}):
        for electrolyte in ("Li6PS5Cl", "Na3PS4"):
            document = meet(service, electrolyte, **asked).json()
            assert fault(schemas["InterfaceAnswer"], document, schemas) is None, asked
    for formula in ("Li6PS5Cl", "Li3PO4", "Li3N", "Li"):
        assert fault(schemas["EnvironmentAnswer"], expose(service, formula).json(), schemas) is None, formula


CROWD = "Li1Na1K1Mg1Ca1Al1Si1P1S1Cl1F1O1N1C1B1H1Ti1Zr1La1"
TOO_MANY = f"{CROWD}Fe1Co1Ni1"

CONTACTS = [
    ({}, "invalid_request", "electrolyte", "electrolyte is missing; text is right"),
    ({"electrolyte": 5}, "invalid_request", "electrolyte", "electrolyte is 5; text is right"),
    ({"electrolyte": "LiF", "partner": 5}, "invalid_request", "partner", "partner is 5; text or null is right"),
    ({"electrolyte": "Li6PS5Xx", "partner": "Cu"}, "invalid_formula", "electrolyte", "'Xx' is not an element"),
    ({"electrolyte": "LiF", "partner": "steel"}, "invalid_formula", "partner", "a formula or one of lithium, graphite"),
    ({"electrolyte": "LiF", "partner": "PuO2"}, "invalid_formula", "partner", "knows no compound of Pu"),
    ({"electrolyte": "Li3PuCl6"}, "invalid_formula", "electrolyte", "knows no compound of Pu"),
    ({"electrolyte": TOO_MANY}, "invalid_formula", "electrolyte", "a system of 22 elements"),
    ({"electrolyte": TOO_MANY, "partner": "Cu"}, "invalid_formula", "electrolyte", "a system of 23 elements"),
    ({"electrolyte": "LiF", "partner": TOO_MANY}, "invalid_formula", "partner", "a system of 22 elements"),
    ({"electrolyte": "LiF", "partner": "x" * 2_000_000}, "invalid_formula", "partner", "at most 1000 are read"),
    ({"electrolyte": "LiF", "partner": "Cu", "potential_V": "4"}, "invalid_request", "potential_V", "0 to 10, or null"),
    ({"electrolyte": "LiF", "partner": "Cu", "potential_V": 11}, "invalid_value", "potential_V", "0 to 10 V"),
    ({"electrolyte": "LiF", "potential_V": -1}, "invalid_value", "potential_V", "0 to 10 V"),
    ({"electrolyte": "LiF", "table": "/etc/passwd"}, "invalid_request", "table", "table is not a known field"),
]
EXPOSURES = [
    ({}, "invalid_request", "formula", "formula is missing; text is right"),
    ({"formula": "Li6PS5Xx"}, "invalid_formula", "formula", "'Xx' is not an element"),
    ({"formula": "Li3PuCl6"}, "invalid_formula", "formula", "knows no compound of Pu"),
    ({"formula": TOO_MANY}, "invalid_formula", "formula", "a system of 22 elements"),
    ({"formula": "H2O"}, "invalid_formula", "formula", "no electrolyte"),
    ({"formula": "LiF", "water": "ice"}, "invalid_request", "water", "liquid or gas is right"),
    ({"formula": "LiF", "table": "mine.csv"}, "invalid_request", "table", "table is not a known field"),
]


@pytest.mark.parametrize(
    ("path", "body", "code", "field", "says"),
    [("/interface", *each) for each in CONTACTS] + [("/environment", *each) for each in EXPOSURES],
    ids=lambda part: json.dumps(part)[:60],
)
def test_what_is_wrong_is_said_of_its_field(
    service: Any, path: str, body: object, code: str, field: str, says: str
) -> None:
    message = refused(service.client.post(path, json=body), 400, code, field)
    assert says in message
    assert len(message) < 500


def test_no_formula_is_in_the_log(service: Any) -> None:
    meet(service, "Li5.4321PS5Cl", partner="LiCoO2")
    meet(service, "Li5.4321PS5Xq", partner="Cu5.4321")
    expose(service, "Li5.4321PS5Cl")
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert [line for line in lines if "stack" in line] == []
    assert "5.4321" not in service.log.read_text()


def test_a_composition_of_many_elements(service: Any) -> None:
    assert meet(service, CROWD).status_code == 200
    assert expose(service, CROWD).status_code == 200


def test_the_deadline_is_looked_at_between_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface, "DEADLINE_SECONDS", 0.0)
    content = json.dumps({"electrolyte": "LiF"}).encode()
    with pytest.raises(Refusal) as refusal:
        asyncio.run(INTERFACE.reply(content, time.monotonic(), None))
    assert refusal.value.status == 504


def test_a_table_that_knows_no_partner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tmp_path / "na.csv"
    table.write_text("formula,formation_energy_eV_per_atom\nNaCl,-2.1\nNa2O,-1.4\n")
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(table))
    content = json.dumps({"electrolyte": "NaCl"}).encode()
    document = json.loads(asyncio.run(INTERFACE.reply(content, time.monotonic(), None)).content)
    assert (document["table"], document["electrolyte"]["formula"], document["warnings"]) == ("na", "NaCl", [])
    assert {contact["error"]["code"] for contact in document["contacts"]} == {"invalid_formula"}


@pytest.mark.parametrize(
    ("route", "body"), [(INTERFACE, {"electrolyte": "LiF", "partner": "Cu"}), (ENVIRONMENT, {"formula": "LiF"})]
)
def test_no_model_is_needed_but_the_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, route: Any, body: dict[str, str]
) -> None:
    content = json.dumps(body).encode()
    assert json.loads(asyncio.run(route.reply(content, time.monotonic(), None)).content)["table"] == "end-members"
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(tmp_path / "mine.csv"))
    with pytest.raises(Refusal, match=r"the table of phases cannot be read: .*mine\.csv") as refusal:
        asyncio.run(route.reply(content, time.monotonic(), None))
    assert (refusal.value.status, refusal.value.code) == (503, "no_table")
