"""`POST /window`: the document of the command line, figures, and what is wrong with a request."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from superion.serving.problems import Refusal
from superion.serving.window import WINDOW

from ._answers import fault, refused

CLI = "from superion.cli import main; main()"


def cli(*arguments: str, **variables: str) -> Any:
    """Return what the command line prints."""
    command = [sys.executable, "-c", CLI, "window", *arguments, "--json"]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


def ask(service: Any, formula: object, **options: object) -> httpx.Response:
    found: httpx.Response = service.client.post("/window", json={"formula": formula, **options})
    return found


def test_the_answer_is_the_document_of_the_command_line(service: Any) -> None:
    answer = ask(service, "Li6PS5Cl")
    assert answer.status_code == 200
    document = answer.json()
    assert list(document)[:2] == ["table", "formula"]
    assert document == cli("Li6PS5Cl")
    assert document["table"] == "end-members"
    assert any("few phases, the shipped end members" in text for text in document["warnings"])
    given = ask(service, "Li6PS5Cl", energy_eV_per_atom=-1.2).json()
    assert given == cli("Li6PS5Cl", "--energy", "-1.2")
    assert given["energy_source"] == "given"
    assert given["reaction_energy_eV_per_atom"] != document["reaction_energy_eV_per_atom"]


def test_a_prediction_says_the_same_of_the_hull(service: Any) -> None:
    window = ask(service, "Li10GeP2S12").json()
    (prediction,) = service.predict("Li10GeP2S12", detail=["staircase"]).json()["predictions"]
    hull = prediction["li_metal"]["hull"]
    assert [product["formula"] for product in window["products"]] == hull.pop("products")
    assert hull == {name: window[name] for name in hull}


def test_every_kind_of_answer_is_as_it_is_documented(service: Any) -> None:
    schemas = service.client.get("/docs.json").json()["components"]["schemas"]
    for formula in ("Na3PS4", "La2O3", "Li", "Li3P1S2", "Li1.3Al0.3Ti1.7(PO4)3"):
        assert fault(schemas["WindowAnswer"], ask(service, formula).json(), schemas) is None, formula
    assert ask(service, "Na3PS4").json()["oxidation_limit_V"] is None
    assert ask(service, "LiF", energy_eV_per_atom=None, plot=None).json() == ask(service, "LiF").json()


def test_a_whole_number_is_an_energy(service: Any) -> None:
    assert ask(service, "LiF", energy_eV_per_atom=-3).json()["energy_eV_per_atom"] == -3.0


def test_the_figure_is_the_one_of_the_command_line(service: Any, tmp_path: Path) -> None:
    answers = {}
    for kind, media_type in (("svg", "image/svg+xml"), ("png", "image/png")):
        answers[kind] = ask(service, "Li6PS5Cl", plot=kind)
        assert (answers[kind].status_code, answers[kind].headers["content-type"]) == (200, media_type)
    ElementTree.fromstring(answers["svg"].content)
    assert "Li taken up per formula unit" in answers["svg"].text
    width, height = struct.unpack(">II", answers["png"].content[16:24])
    assert 500 < height <= width < 3000
    drawn = tmp_path / "a.svg"
    cli("Li6PS5Cl", "--plot", str(drawn))
    assert drawn.read_bytes() == answers["svg"].content


def test_figures_drawn_at_once_are_those_drawn_alone(service: Any) -> None:
    formulas = ["Li6PS5Cl", "LiF", "Li10GeP2S12", "Na3PS4"]
    alone = {formula: ask(service, formula, plot="svg").content for formula in formulas}
    together: dict[str, bytes] = {}

    def draw(formula: str) -> None:
        with httpx.Client(base_url=service.url, timeout=120) as client:
            answer = client.post("/window", json={"formula": formula, "plot": "svg"})
            together[formula] = answer.content

    threads = [threading.Thread(target=draw, args=(formula,)) for formula in formulas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


CROWD = "Li1Na1K1Mg1Ca1Al1Si1P1S1Cl1F1O1N1C1B1H1Ti1Zr1La1"

BODIES = [
    ({}, "invalid_request", "formula", "formula is missing; text is right"),
    ({"formula": 5}, "invalid_request", "formula", "formula is 5; text is right"),
    ({"formula": ["LiF"]}, "invalid_request", "formula", "formula is a list of 1; text is right"),
    ({"formula": None}, "invalid_request", "formula", "formula is null; text is right"),
    ({"formula": ""}, "invalid_formula", "formula", "the formula is empty"),
    ({"formula": "Li6PS5Xx"}, "invalid_formula", "formula", "column 7: 'Xx' is not an element symbol"),
    ({"formula": "Li6PS5Cl("}, "invalid_formula", "formula", "column 9: this bracket is never closed"),
    ({"formula": "x" * 2_000_000}, "invalid_formula", "formula", "at most 1000 are read"),
    ({"formula": "Li3PuCl6"}, "invalid_formula", "formula", "the table end-members knows no compound of Pu"),
    ({"formula": f"{CROWD}Fe1Co1"}, "invalid_formula", "formula", "a system of 21 elements"),
    ({"formula": "LiF", "energy": -1}, "invalid_request", "energy", "formula, energy_eV_per_atom, plot are"),
    ({"formula": "LiF", "table": "/etc/passwd"}, "invalid_request", "table", "table is not a known field"),
    (
        {"formula": "LiF", "energy_eV_per_atom": "-1"},
        "invalid_request",
        "energy_eV_per_atom",
        "a number of eV per atom",
    ),
    ({"formula": "LiF", "energy_eV_per_atom": True}, "invalid_request", "energy_eV_per_atom", "is true"),
    ({"formula": "LiF", "energy_eV_per_atom": 10**400}, "invalid_request", "energy_eV_per_atom", "is right"),
    ({"formula": "LiF", "energy_eV_per_atom": -300}, "invalid_value", "energy_eV_per_atom", "-300 eV/atom is no"),
    ({"formula": "LiF", "plot": "gif"}, "invalid_request", "plot", "plot is the text 'gif'; svg or png is right"),
    ({"formula": "LiF", "plot": "a.png"}, "invalid_request", "plot", "svg or png is right"),
    ({"formula": "LiF", "plot": True}, "invalid_request", "plot", "plot is true; svg or png is right"),
]


@pytest.mark.parametrize(("body", "code", "field", "says"), BODIES, ids=lambda part: json.dumps(part)[:60])
def test_what_is_wrong_is_said_of_its_field(service: Any, body: object, code: str, field: str, says: str) -> None:
    message = refused(service.client.post("/window", json=body), 400, code, field)
    assert says in message
    assert len(message) < 500


def test_a_figure_of_a_bad_formula_is_an_error_as_any_other(service: Any) -> None:
    refused(ask(service, "Li6PS5Xx", plot="png"), 400, "invalid_formula", "formula")


def test_no_formula_is_in_the_log(service: Any) -> None:
    ask(service, "Li5.4321PS5Cl")
    ask(service, "Li5.4321PS5Xq")
    ask(service, "Li5.4321PS5Cl", plot="svg")
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    assert [line for line in lines if "stack" in line] == []
    assert "5.4321" not in service.log.read_text()


def test_a_composition_of_many_elements(service: Any) -> None:
    answer = ask(service, CROWD)
    assert answer.status_code == 200
    assert len(answer.json()["staircase"]) > 5
    assert ask(service, CROWD, plot="png").status_code == 200


def reply(**body: object) -> Any:
    """Answer without a service."""
    return asyncio.run(WINDOW.reply(json.dumps(body).encode(), time.monotonic(), None))


def test_no_model_is_needed() -> None:
    assert json.loads(reply(formula="LiF").content)["reduction_limit_V"] == 0.0


def test_without_matplotlib_there_is_no_figure_and_the_document_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert reply(formula="LiF").media_type == "application/json"
    with pytest.raises(Refusal, match=r"matplotlib.* is not installed") as refusal:
        reply(formula="LiF", plot="png")
    assert (refusal.value.status, refusal.value.code, refusal.value.field) == (501, "not_available", "plot")


@pytest.mark.parametrize("content", [None, "formula,energy\nLiF,-3\n"], ids=["absent", "no table"])
def test_a_table_that_cannot_be_read_is_no_fault_of_the_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    table = tmp_path / "mine.csv"
    if content is not None:
        table.write_text(content)
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(table))
    with pytest.raises(Refusal, match=r"the table of phases cannot be read: .*mine\.csv") as refusal:
        reply(formula="LiF")
    assert (refusal.value.status, refusal.value.code, refusal.value.field) == (503, "no_table", None)
    assert str(tmp_path) not in refusal.value.message


def test_the_table_is_the_one_that_the_service_is_told_to_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("formula,formation_energy_eV_per_atom\nLiF,-3.1\n")
    monkeypatch.setenv("SUPERION_PHASE_TABLE", str(table))
    document = json.loads(reply(formula="LiF").content)
    assert (document["table"], document["warnings"]) == ("mine", [])
    assert document == cli("LiF", SUPERION_PHASE_TABLE=str(table))
    with pytest.raises(Refusal, match="the table mine knows no compound of Cl"):
        reply(formula="LiCl")
