"""The page for files and for many materials, in Chromium: structures, the table, what is saved of it, hostile names."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from superion.featurizers import Crystal

from ._browser import file

HOSTILE = "<img/src=x/onerror=alert(1)>"
HOSTILE_NAME = "<img src=x onerror=alert(1)>.cif"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def argyrodite() -> str:
    """Return the CIF of the examples, with mixed and partly filled sites."""
    return (ROOT / "examples" / "argyrodite.cif").read_text()


def atoms(traces: Any) -> list[Any]:
    """Return the traces of atoms among those of a structure."""
    return [trace for trace in traces if trace["type"] == "scatter3d" and trace["mode"] == "markers"]


def test_a_structure_that_is_dropped_is_drawn_with_its_path(visit: Any, service: Any, argyrodite: str) -> None:
    drop = """([name, text]) => {
        const carried = new DataTransfer();
        carried.items.add(new File([text], name));
        for (const kind of ["dragenter", "dragover", "drop"]) {
            document.getElementById("drop").dispatchEvent(
                new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried }));
        }
    }"""
    visit.page.evaluate(drop, ["argyrodite.cif", argyrodite])
    assert visit.page.inner_text("#chosen span") == "argyrodite.cif"
    visit.page.click("#go")
    traces = visit.traces("#one .chart.high")
    crystal = Crystal.from_cif(argyrodite)
    drawn = {trace["name"]: len(trace["x"]) for trace in atoms(traces)}
    assert sum(drawn.values()) == crystal.n_sites
    assert drawn == Counter(max(site, key=lambda one: one[1])[0] for site in crystal.species)
    others = [trace["name"] for trace in traces if trace not in atoms(traces)]
    assert others == ["cell", "path", "surface"]
    found = service.client.post("/structure", json={"cif": argyrodite}).json()["migration"]
    (profile,) = visit.traces("#one .split .chart.low[aria-label^=Energy]")
    assert profile["y"] == pytest.approx(found["path"]["energy_eV"])
    assert f"{found['barriers_eV']['1']:.3f}" in visit.page.inner_text("#one table:has-text('Barriers of Li')")
    visit.page.get_by_label("surface", exact=True).uncheck()
    hidden = [trace["name"] for trace in visit.traces("#one .chart.high") if trace["visible"] is False]
    assert hidden == ["surface"]
    assert "argyrodite" not in visit.page.url


def test_a_structure_without_a_path_says_why(visit: Any, cif: str) -> None:
    lacking = "\n".join(line for line in cif.splitlines() if not line.startswith("Cl1"))
    visit.choose(file("lacking.cif", lacking))
    visit.page.wait_for_selector("text=No path of lithium")
    assert len(atoms(visit.traces("#one .chart.high"))) == 2


def test_nothing_of_a_file_runs(visit: Any, cif: str) -> None:
    hostile = cif.replace("data_Li3OCl", f"data_{HOSTILE}").replace("Li1 Li", f"'{HOSTILE}' Li")
    visit.page.evaluate("() => { window.alert = () => { window.ran = true; }; }")
    visit.choose(file(HOSTILE_NAME, hostile))
    visit.traces("#one .chart.high")
    assert HOSTILE_NAME in visit.page.inner_text("#one .head")
    visit.page.click("#one details:has-text('sites') summary")
    assert HOSTILE in visit.page.inner_text("#one table:has-text('Sites of the cell')")
    assert visit.page.locator("img:not(header img)").count() == 0
    visit.page.fill("#formulas", f"{HOSTILE}\n=1+1\nLi3N")
    visit.page.click("#go")
    visit.page.wait_for_selector("#many table")
    assert HOSTILE in visit.page.inner_text("#many")
    assert visit.page.locator("img:not(header img)").count() == 0
    assert visit.page.evaluate("window.ran") is None


def saved(visit: Any) -> list[dict[str, str]]:
    """Save the table and read it as a program would."""
    with visit.page.expect_download() as download:
        visit.page.click("text=Save as CSV")
    assert download.value.suggested_filename == "superion.csv"
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_table_of_many_and_what_is_saved_of_it(visit: Any, service: Any) -> None:
    formulas = ["Li6PS5Cl", "Xx9", "Li7La3Zr2O12", "=cmd|' /C calc'!A0", "Li3N"]
    visit.predict(*formulas)
    answers = service.predict(*formulas).json()["predictions"]
    rows = visit.page.locator("#many tbody tr")
    assert rows.count() == 5
    assert visit.page.inner_text("#status") == "3 materials predicted, 2 failed."
    for n in (1, 3):
        assert answers[n]["error"]["message"] in rows.nth(n).inner_text()
    lines = saved(visit)
    assert [line["formula"] for line in lines] == [*formulas[:3], "'" + formulas[3], formulas[4]]
    for line, answer in zip(lines, answers, strict=True):
        if "error" in answer:
            assert line["error"] == answer["error"]["message"]
            assert line["S_per_cm"] == ""
            continue
        assert float(line["S_per_cm"]) == answer["conductivity"]["S_per_cm"]
        assert float(line["log10_S_per_cm_lower"]) == answer["conductivity"]["log10_S_per_cm"]["lower"]
        assert line["warnings"] == "; ".join(answer["warnings"])
        assert line["in_domain"] == str(answer["domain"]["in_domain"]).lower()
    # What was saved can be brought back as a table.
    again = service.client.post("/predict/file", files={"file": ("superion.csv", "\n".join(["formula", "Li3N"]))})
    assert again.status_code == 200


def test_a_table_is_sorted_by_a_column_and_opens_a_material(visit: Any) -> None:
    visit.predict("Li3N", "Xx9", "Li10GeP2S12", "NaCl", "Li6PS5Cl")
    page = visit.page

    def order() -> list[str]:
        return [text.replace("\n", "") for text in page.locator("#many tbody th").all_inner_texts()]

    assert order() == ["Li3N", "Xx9", "Li10GeP2S12", "NaCl", "Li6PS5Cl"]
    column = page.get_by_role("button", name="S/cm at 25 °C")
    column.focus()
    page.keyboard.press("Enter")
    assert order() == ["Li10GeP2S12", "Li6PS5Cl", "Li3N", "NaCl", "Xx9"]
    assert page.get_attribute("#many th[aria-sort]", "aria-sort") == "descending"
    assert page.evaluate("document.activeElement.dataset.name") == "S/cm at 25 °C", "the focus stays where it was"
    page.keyboard.press("Enter")
    assert order() == ["NaCl", "Li3N", "Li6PS5Cl", "Li10GeP2S12", "Xx9"], "what failed is last either way"
    page.get_by_role("button", name="Li3N").focus()
    page.keyboard.press("Enter")
    visit.settle()
    assert page.inner_text("#one-title") == "Li3N"
    assert page.evaluate("document.activeElement.id") == "one-title"


def test_many_materials_come_in_pages(visit: Any) -> None:
    visit.predict(*(f"Li{n}PS5Cl" for n in range(1, 131)))
    page = visit.page
    assert page.locator("#many tbody tr").count() == 100
    page.get_by_role("button", name="Next").click()
    assert page.locator("#many tbody tr").count() == 30
    assert page.inner_text("#many .pager").endswith("101 to 130 of 130")
    assert len(saved(visit)) == 130, "all pages are saved"


def test_files_of_every_kind_in_one_question(visit: Any, cif: str, argyrodite: str, poscar: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/argyrodite.cif", argyrodite)
        archive.writestr("inner/broken.cif", "garbage")
    visit.refused = {400}
    visit.page.fill("#formulas", "Li3N")
    visit.choose(
        file("one.cif", cif),
        file("POSCAR", poscar),
        file("table.csv", "id,formula\nfirst,Li2S\nsecond,Qq\n"),
        file("all.zip", packed.getvalue()),
        file("broken.zip", b"no archive"),
    )
    page = visit.page
    names = page.locator("#many tbody tr > td:nth-child(2)").all_inner_texts()
    assert names == [
        *("", "one.cif", "POSCAR", "first", "second"),
        *("inner/argyrodite.cif", "inner/broken.cif", "broken.zip"),
    ]
    assert page.inner_text("#status") == "5 materials predicted, 3 failed."
    page.locator("#many tr", has_text="inner/argyrodite.cif").locator("button").click()
    assert sum(len(trace["x"]) for trace in atoms(visit.traces("#one .chart.high"))) == 76
    page.locator("#many tr", has_text="POSCAR").locator("button").click()
    page.wait_for_function("() => document.querySelector('#one-title').textContent === 'LiF'")
    assert sum(len(trace["x"]) for trace in atoms(visit.traces("#one .chart.high"))) == 2


def test_a_file_of_another_kind_is_refused_by_name(visit: Any) -> None:
    visit.page.set_input_files("#files", [file("notes.docx", "x")])
    assert "notes.docx" in visit.page.inner_text("#files-fault")
    assert visit.page.locator("#chosen li").count() == 0


def test_the_landscape_comes_after_the_prediction(visit: Any, cif: str) -> None:
    visit.choose(file("one.cif", cif))
    visit.traces("#one .chart.high")
    paths = [
        one.rsplit("/", 1)[-1] for one in visit.requests if one.endswith(("predict", "file", "window", "structure"))
    ]
    assert paths[0] == "predict"
    assert paths[-1] == "structure"
