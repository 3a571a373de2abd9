"""`superion predict`: what it prints where, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..models import _builders as models
from .conftest import Command


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small, untrained model."""
    return models.saved(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def cif(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cif") / "salt.cif"
    path.write_text(models.rock_salt().to_cif())
    return path


def test_json_is_one_document_in_the_order_asked(superion: Command, model: Path, cif: Path) -> None:
    found = superion("predict", "Li6PS5Cl", "Li3N", "--cif", cif, "--model", model, "--json")
    assert found.status == 0
    document = found.document
    assert document["model"] == {"name": "small", "version": "3", "alias": None}
    assert (document["temperature_C"], document["confidence"]) == (25.0, 0.9)
    assert [(one["id"], one["formula"], one["input"]) for one in document["predictions"]] == [
        ("Li6PS5Cl", "Li6PS5Cl", "formula"),
        ("Li3N", "Li3N", "formula"),
        (str(cif), "LiCl", "cif"),
    ]
    assert found.err == ""


def test_the_answer_is_that_of_python(superion: Command, model: Path) -> None:
    import superion as package

    found = superion(
        "predict",
        "Li6PS5Cl",
        "--temperature",
        60,
        "--temperature",
        -20,
        "--confidence",
        0.5,
        "--model",
        model,
        "--json",
    )
    (answer,) = found.document["predictions"]
    report = package.load(model).predict(
        [{"id": "Li6PS5Cl", "formula": "Li6PS5Cl"}], temperature_C=[60, -20], confidence=0.5
    )
    assert answer == report.as_dict()["predictions"][0]
    assert found.document["temperature_C"] == [60.0, -20.0]


def test_one_temperature_is_a_number_and_several_are_a_list(superion: Command, model: Path) -> None:
    single = superion("predict", "LiCl", "--temperature", 60, "--model", model, "--json").document
    assert single["temperature_C"] == 60.0
    assert isinstance(single["predictions"][0]["conductivity"], dict)


def test_a_bad_material_is_listed_and_the_status_is_1(superion: Command, model: Path, tmp_path: Path) -> None:
    absent = tmp_path / "absent.cif"
    found = superion("predict", "LiCl", "Xx", "--cif", absent, "--model", model, "--json")
    assert found.status == 1
    good, formula, file = found.document["predictions"]
    assert "error" not in good
    assert (formula["id"], formula["error"]["code"]) == ("Xx", "invalid_formula")
    assert (file["id"], file["error"]["code"]) == (str(absent), "invalid_structure")


def test_without_json_there_is_a_table_and_faults_go_to_standard_error(
    superion: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    found = superion("predict", "Li6PS5Cl", "Li7La3Zr2O12", "Xx", "--model", model)
    assert found.status == 1
    assert "Li6PS5Cl" in found.out and "90% interval" in found.out and "in domain" in found.out
    assert "Xx" not in found.out
    assert "superion: Xx: formula" in found.err
    assert "Li7La3Zr2O12: garnets" in found.err and "garnets" not in found.out
    assert "by the hull of the table end-members" in found.out
    assert "2.18 to 2.29" in found.out and "-1.03" in found.out
    assert "LiCl, Li2S, Li3P" in found.out and "passivating" in found.out
    assert found.err.count("few phases, the shipped end members") == 1, "what is said of all is said once"


def test_learned_values_are_printed_with_their_intervals(superion: Command, model: Path) -> None:
    asked = ("predict", "Li6PS5Cl", "Al2O3", "--model", model)
    found, document = superion(*asked), superion(*asked, "--json").document
    for answer in document["predictions"]:
        metal, lines = answer["li_metal"], [line for line in found.out.splitlines() if answer["formula"] in line]
        (contact,) = (line for line in lines if "{mean:.2f} (".format(**metal["reduction_limit_V"]) in line)
        assert "{mean:.3f} ({lower:.3f} to {upper:.3f})".format(**metal["reaction_energy_eV_per_atom"]) in contact
        assert f"{metal['interphase']['class']} (" in contact
        assert ("│ -  " in contact) == (metal["oxidation_limit_V"] is None)
        (body,) = (line for line in lines if "{mean:.0f} ({lower:.0f} to".format(**answer["shear_modulus_GPa"]) in line)
        assert metal["dendrites"]["met"] in body
        assert "{mean:.1f} ({lower:.1f} to {upper:.1f})".format(**answer["band_gap_eV"]) in body
        assert "{mean:.2f} ({lower:.2f} to".format(**answer["formation_energy_eV_per_atom"]) in body


def test_a_material_without_a_hull_has_no_line_of_it(superion: Command, model: Path) -> None:
    found = superion("predict", "Li3PuCl6", "--model", model)
    assert found.status == 0
    assert "by the hull of the table" not in found.out and "as learned" in found.out
    assert "there is no hull: the table end-members knows no compound of Pu" in found.err


def test_nothing_but_faults_prints_no_table(superion: Command, model: Path) -> None:
    found = superion("predict", "Xx", "--model", model)
    assert (found.status, found.out) == (1, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["predict"], "at least one formula"),
        (["predict", "LiCl", "--confidence", "high"], "Invalid value for '--confidence'"),
        (["predict", "LiCl", "--confidence", "1.5"], "the confidence must lie between"),
        (["predict", "LiCl", "--temperature", "-300"], "the temperature must lie between"),
        (["predict", "LiCl", "--temprature", "20"], "No such option"),
        (["predict", "LiCl", "--model", "nobody"], "nobody"),
        (["predict", "LiCl", "--model", "./nowhere"], "no model artefact"),
        (["predikt"], "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_call_that_cannot_be_followed_ends_with_2_and_says_why(
    superion: Command, mlflow_home: Path, arguments: list[str], says: str
) -> None:
    needs_model = "--model" not in arguments and len(arguments) > 1
    found = superion(*arguments, *(["--model", "release"] if needs_model else []))
    assert (found.status, found.out) == (2, "")
    assert says in " ".join(found.err.split())
    assert "Traceback" not in found.err


def test_a_damaged_model_is_one_line_and_2(superion: Command, model: Path, tmp_path: Path) -> None:
    folder = models.saved(tmp_path / "damaged")
    (folder / "weights.safetensors").write_bytes(b"")
    found = superion("predict", "LiCl", "--model", folder)
    assert (found.status, found.out) == (2, "")
    assert found.err == "superion: weights.safetensors is damaged: its SHA-256 is not the one in config.json\n"


def test_the_version_is_printed(superion: Command) -> None:
    import superion as package

    assert superion("--version").out == f"superion {package.__version__}\n"


def test_help_names_every_command(superion: Command) -> None:
    found = superion("--help")
    assert found.status == 0
    for command in ("predict", "window", "train", "evaluate", "promote", "rollback", "serve", "data"):
        assert command in found.out


def test_data_sets_are_listed_with_where_they_are(superion: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPERION_DATA_MIRROR", raising=False)
    found = superion("data", "list")
    assert found.status == 0
    assert "obelix (not here)" in found.out and "CC BY 4.0" in found.out


def test_a_data_set_that_is_none_cannot_be_fetched(superion: Command) -> None:
    found = superion("data", "fetch", "everything")
    assert (found.status, found.out) == (2, "")
    assert "known are obelix" in found.err
