"""What `POST /predict` answers to requests of the right form, asked of a running service."""

from __future__ import annotations

import copy
import math
import threading
from typing import Any

import httpx
import pytest

RESULT = {
    "formula",
    "input",
    "conductivity",
    "activation_energy_eV",
    "li_metal",
    "formation_energy_eV_per_atom",
    "shear_modulus_GPa",
    "band_gap_eV",
    "domain",
    "warnings",
}


def test_a_formula(service: Any) -> None:
    answer = service.predict({"id": "a", "formula": "Li6PS5Cl"}, temperature_C=25, confidence=0.9)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert list(document) == ["model", "temperature_C", "confidence", "predictions"]
    assert document["model"] == {"name": "superion", "version": "1", "alias": "champion"}
    assert (document["temperature_C"], document["confidence"]) == (25, 0.9)
    (prediction,) = document["predictions"]
    assert set(prediction) == RESULT | {"id"}
    assert (prediction["id"], prediction["formula"], prediction["input"]) == ("a", "Li6PS5Cl", "formula")
    conductivity = prediction["conductivity"]
    log10 = conductivity["log10_S_per_cm"]
    assert set(log10) == {"mean", "lower", "upper", "std_aleatoric", "std_epistemic"}
    assert log10["lower"] <= log10["mean"] <= log10["upper"]
    assert conductivity["S_per_cm"] == pytest.approx(10 ** log10["mean"])
    assert conductivity["mS_per_cm"] == pytest.approx(1e3 * conductivity["S_per_cm"])
    assert set(prediction["domain"]) == {"in_domain", "distance", "novelty", "nearest"}
    metal = prediction["li_metal"]
    for estimate in (metal["reaction_energy_eV_per_atom"], metal["reduction_limit_V"], metal["oxidation_limit_V"]):
        assert estimate["lower"] <= estimate["mean"] <= estimate["upper"]
    assert sum(metal["interphase"]["probabilities"].values()) == pytest.approx(1.0)
    assert metal["interphase"]["class"] in metal["interphase"]["probabilities"]
    assert metal["dendrites"]["met"] in {"yes", "no", "uncertain"}
    assert prediction["band_gap_eV"]["functional"] == "PBE"
    hull = prediction["li_metal"]["hull"]
    assert (hull["table"], hull["products"], "staircase" in hull) == ("end-members", ["LiCl", "Li2S", "Li3P"], False)
    assert 0.0 < hull["reduction_limit_V"] < hull["oxidation_limit_V"]
    assert any("few phases, the shipped end members" in text for text in prediction["warnings"])


def test_defaults(service: Any) -> None:
    document = service.predict("Li6PS5Cl").json()
    assert (document["temperature_C"], document["confidence"]) == (25.0, 0.9)
    assert "id" not in document["predictions"][0]


def test_every_kind_of_input(service: Any, cif: str, structure: dict[str, Any]) -> None:
    answers = service.predict("Li3OCl", {"cif": cif}, {"structure": structure}).json()["predictions"]
    assert [answer["input"] for answer in answers] == ["formula", "cif", "structure"]
    assert [answer["formula"] for answer in answers] == ["Li3OCl", "Li3OCl", "LiF"]


def test_a_list_of_temperatures(service: Any) -> None:
    document = service.predict("Li6PS5Cl", temperature_C=[0, 25, 60.5]).json()
    assert document["temperature_C"] == [0, 25, 60.5]
    conductivity = document["predictions"][0]["conductivity"]
    assert [one["temperature_C"] for one in conductivity] == [0, 25, 60.5]
    alone = service.predict("Li6PS5Cl", temperature_C=25).json()["predictions"][0]["conductivity"]
    assert conductivity[1]["log10_S_per_cm"]["mean"] == pytest.approx(alone["log10_S_per_cm"]["mean"], abs=1e-5)


def test_a_list_of_one_temperature_gives_a_list(service: Any) -> None:
    assert len(service.predict("Li6PS5Cl", temperature_C=[25]).json()["predictions"][0]["conductivity"]) == 1


def test_more_confidence_gives_wider_intervals(service: Any) -> None:
    widths = []
    for confidence in (0.5, 0.9, 0.99):
        answer = service.predict("Li6PS5Cl", confidence=confidence).json()
        log10 = answer["predictions"][0]["conductivity"]["log10_S_per_cm"]
        widths.append(log10["upper"] - log10["lower"])
    assert widths == sorted(widths)


def test_identifiers_come_back_as_given(service: Any) -> None:
    given = ["a", 7, "", "a", 'Ω\n"', -(10**30)]
    answers = service.predict(*({"id": one, "formula": "LiF"} for one in given)).json()["predictions"]
    assert [answer["id"] for answer in answers] == given
    (failed,) = service.predict({"id": 7, "formula": "?"}).json()["predictions"]
    assert (failed["id"], list(failed)) == (7, ["id", "error"])


def test_good_and_bad_materials_keep_their_order(service: Any, cif: str) -> None:
    materials = [
        {"id": 0, "formula": "Li6PS5Cl"},
        {"id": 1, "formula": "Li6PS5Qq"},
        {"id": 2, "cif": cif},
        {"id": 3, "cif": "data_x\n_cell_length_a nonsense"},
        {"id": 4},
        {"id": 5, "formula": "Li7La3Zr2O12"},
        {"id": 6, "formula": "LiF", "cif": cif},
        {"id": 7, "structure": {}},
        {"id": 8, "formula": "LiF"},
    ]
    answer = service.predict(*materials)
    assert answer.status_code == 200
    answers = answer.json()["predictions"]
    assert [one["id"] for one in answers] == list(range(9))
    codes = [one.get("error", {}).get("code") for one in answers]
    assert codes[0] is codes[2] is codes[5] is codes[8] is None
    assert codes[1] == "invalid_formula"
    assert codes[3] == "invalid_cif"
    assert codes[7] == "invalid_structure"
    assert codes[4] == codes[6] == "invalid_value"
    assert all(one["error"]["message"] for one in answers if "error" in one)


def broken_structures(structure: dict[str, Any]) -> list[dict[str, Any]]:
    """Return structures that are no physical crystal."""
    flat, crowded, lost, unknown, empty = (copy.deepcopy(structure) for _ in range(5))
    flat["lattice"]["matrix"][2] = [0, 0, 0]
    crowded["sites"][0]["species"] = [{"element": "Li", "occu": 0.9}, {"element": "Na", "occu": 0.9}]
    lost["sites"][0]["abc"] = [1e308, 0, 0]
    unknown["sites"][0]["species"][0]["element"] = "Qq"
    empty["sites"] = []
    shapeless = {"lattice": "a", "sites": 5}
    return [flat, crowded, lost, unknown, empty, shapeless, {"sites": [structure["sites"][0]]}]


def test_materials_that_are_no_crystal(service: Any, cif: str, structure: dict[str, Any]) -> None:
    texts = [
        cif.replace("0.5 0.5 0.5 1.0", "0.5 0.5 nan 1.0"),
        cif.replace("O1 O 0 0 0 1.0", "O1 O 0 0 0 1.9"),
        cif.replace("_cell_length_a 3.91", "_cell_length_a 0"),
        cif.replace("alpha 90", "alpha 180"),
        "",
        "garbage",
        "\x00\x01\x02",
        "data_",
        "data_x loop_ _a",
    ]
    materials = [{"cif": text} for text in texts] + [{"structure": one} for one in broken_structures(structure)]
    answer = service.predict(*materials, "LiF")
    assert answer.status_code == 200
    *bad, good = answer.json()["predictions"]
    assert "error" not in good
    assert [one["error"]["code"] for one in bad] == ["invalid_cif"] * len(texts) + ["invalid_structure"] * 7


@pytest.mark.parametrize(
    "formula",
    [
        "",
        " ",
        "Li" * 5_000_000,
        "(" * 100_000,
        "9" * 1000,
        "Li1e400",
        "Li0",
        "Li-1",
        "Li6PS5Cl" + "\u0000",
        "💥",
        "x=0.5",
    ],
    ids=lambda formula: formula[:12].encode("ascii", "backslashreplace").decode(),
)
def test_formulas_that_cannot_be_read(service: Any, formula: str) -> None:
    answer = service.predict(formula, "LiF")
    assert answer.status_code == 200
    bad, good = answer.json()["predictions"]
    assert bad["error"]["code"] == "invalid_formula"
    assert len(bad["error"]["message"]) < 1000
    assert "error" not in good


def test_a_thousand_materials(service: Any) -> None:
    materials = [{"id": i, "formula": f"Li{6 - i / 1000:.3f}PS5Cl" if i % 10 else "?"} for i in range(1000)]
    answers = service.predict(*materials).json()["predictions"]
    assert [one["id"] for one in answers] == list(range(1000))
    assert [i for i, one in enumerate(answers) if "error" in one] == list(range(0, 1000, 10))
    alone = service.predict(materials[777]).json()["predictions"][0]
    mean = alone["conductivity"]["log10_S_per_cm"]["mean"]
    assert answers[777]["conductivity"]["log10_S_per_cm"]["mean"] == pytest.approx(mean, abs=1e-4)


def test_thirty_two_megabytes(service: Any, cif: str) -> None:
    padding = "#" + "x" * 1_999_000 + "\n"
    answer = service.predict(*({"cif": cif + padding} for _ in range(16)))
    assert len(answer.request.content) > 32_000_000 - 50_000
    assert answer.status_code == 200
    assert all("error" not in one for one in answer.json()["predictions"])


def test_detail_is_taken(service: Any) -> None:
    assert service.predict("LiF", detail=["landscape", "staircase"]).status_code == 200


def test_numbers_are_finite_in_every_corner(service: Any) -> None:
    formulas = ["Li", "H", "Li0.000001O1000000", "U", "Li6PS5Cl", "He", "LiLiLiLi"]
    answers = service.predict(*formulas, temperature_C=[-150, 1000], confidence=0.99).json()["predictions"]
    for answer in answers:
        for one in answer.get("conductivity", []):
            assert all(math.isfinite(value) for value in one["log10_S_per_cm"].values())


def test_many_clients_at_once_get_their_own_answers(service: Any) -> None:
    failures: list[object] = []

    def ask(number: int) -> None:
        with httpx.Client(base_url=service.url, timeout=120) as client:
            for turn in range(5):
                formula = f"Li{1 + number}PS{4 + turn}"
                answer = client.post("/predict", json={"materials": [{"id": number, "formula": formula}]})
                (one,) = answer.json()["predictions"]
                if (answer.status_code, one["id"], one["formula"]) != (200, number, formula):
                    failures.append(one)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
