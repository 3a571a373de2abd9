"""The page for one material, in Chromium: its numbers are the service's; by keyboard alone, and on a phone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from ._browser import visiting

TEMPERATURES = [25.0, 60.0]


def numbers(text: str) -> list[float]:
    """Return the numbers in a text of the page."""
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


@pytest.fixture(scope="module")
def answered(browser: Any, service: Any) -> Iterator[Any]:
    """Yield a visit that has asked for one material at two temperatures; tests only look at it."""
    with visiting(browser, service.url) as found:
        found.open()
        found.predict("Li6PS5Cl", temperature="25, 60")
        yield found


@pytest.fixture(scope="module")
def prediction(service: Any) -> Any:
    """Return what the service answers to the same."""
    (found,) = service.predict("Li6PS5Cl", temperature_C=TEMPERATURES).json()["predictions"]
    return found


def test_the_figures_are_those_of_the_service(answered: Any, prediction: Any) -> None:
    page = answered.page
    assert page.inner_text("#one-title") == "Li6PS5Cl"
    figures = page.locator("#one .figures > div")
    for n, conductivity in enumerate(prediction["conductivity"]):
        value, spread = (figures.nth(n).locator(part).inner_text() for part in (".value", ".range"))
        assert numbers(value)[0] == pytest.approx(conductivity["mS_per_cm"], rel=0.02)
        log10 = conductivity["log10_S_per_cm"]
        low, high, *logarithms = numbers(spread)
        assert [low, high] == pytest.approx([1e3 * 10 ** log10["lower"], 1e3 * 10 ** log10["upper"]], rel=0.05)
        assert logarithms == pytest.approx([log10["mean"], log10["lower"], log10["upper"]], abs=0.006)
    energy = prediction["activation_energy_eV"]
    shown = numbers(figures.nth(2).inner_text())
    assert shown == pytest.approx([energy["mean"], energy["lower"], energy["upper"]], abs=0.006)
    assert prediction["li_metal"]["interphase"]["class"] in figures.nth(3).inner_text()
    assert page.locator("#one .warnings li").count() == len(prediction["warnings"])
    (near, *_) = prediction["domain"]["nearest"]
    assert near["formula"] in page.inner_text("#one").replace("\n", "")


def test_beside_known_electrolytes_on_a_logarithmic_axis(answered: Any, service: Any, prediction: Any) -> None:
    found = prediction["conductivity"]
    known, predicted = answered.traces("#one .charts > section:nth-child(1) .chart")
    measured = [one for one in service.client.get("/known").json()["known"] if one["temperature_C"] < 40]
    assert 10.0 ** -abs(min(known["x"])) == pytest.approx(min(one["S_per_cm"] for one in measured))
    assert len(known["x"]) == len(measured)
    assert predicted["x"] == pytest.approx([one["log10_S_per_cm"]["mean"] for one in found])
    reach = [one["log10_S_per_cm"]["upper"] - one["log10_S_per_cm"]["mean"] for one in found]
    assert predicted["array"] == pytest.approx(reach)


def test_the_arrhenius_line_and_its_band(answered: Any, service: Any) -> None:
    lower, upper, mean, asked, _ = answered.traces("#one .charts > section:nth-child(2) .chart")
    celsius = [1000 / x - 273.15 for x in mean["x"]]
    assert min(celsius) == pytest.approx(-20)
    assert max(celsius) == pytest.approx(120)
    answer = service.predict("Li6PS5Cl", temperature_C=[round(one, 6) for one in celsius])
    line = [one["log10_S_per_cm"] for one in answer.json()["predictions"][0]["conductivity"]]
    for trace, name in ((lower, "lower"), (upper, "upper"), (mean, "mean")):
        assert trace["y"] == pytest.approx([one[name] for one in line], abs=1e-6)
    assert [1000 / x - 273.15 for x in asked["x"]] == pytest.approx(TEMPERATURES)


def test_the_staircase_and_its_phases(answered: Any, service: Any) -> None:
    window = service.client.post("/window", json={"formula": "Li6PS5Cl"}).json()
    (stairs,) = answered.traces("#one .chart.low")
    assert stairs["y"][::2] == pytest.approx([step["lithium_uptake"] for step in window["staircase"]])
    rows = answered.page.locator("table", has_text="Phases in equilibrium").locator("tbody tr")
    assert rows.count() == len(window["staircase"])
    first = rows.nth(0).inner_text().replace("\n", "")
    assert all(product["formula"] in first for product in window["staircase"][0]["products"])


def test_a_formula_that_cannot_be_read_is_said_at_its_field(visit: Any, service: Any) -> None:
    visit.predict("Xx9")
    (found,) = service.predict("Xx9").json()["predictions"]
    assert visit.page.inner_text("#formulas-fault") == found["error"]["message"]
    assert visit.page.get_attribute("#formulas", "aria-invalid") == "true"
    assert visit.page.evaluate("document.activeElement.id") == "formulas"
    visit.predict("Li3N")
    assert visit.page.get_attribute("#formulas", "aria-invalid") is None


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("temperature", "hot", "Numbers of degrees Celsius"),
        ("temperature", "5000", "temperature"),
        ("confidence", "120", "A number from 5 to 99"),
    ],
)
def test_options_that_are_wrong_are_said_at_their_field(visit: Any, field: str, value: str, fault: str) -> None:
    visit.refused = {400}
    visit.page.fill(f"#{field}", value)
    visit.page.fill("#formulas", "Li3N")
    visit.page.click("#go")
    visit.page.wait_for_function("(id) => document.getElementById(id).textContent", arg=f"{field}-fault")
    assert fault in visit.page.inner_text(f"#{field}-fault")
    assert visit.page.is_hidden("#one")


def test_an_address_holds_the_question_and_answers_it(visit: Any, browser: Any, service: Any) -> None:
    visit.predict("Li6PS5Cl", temperature="25, 60")
    address = visit.page.url.removeprefix(service.url + "/")
    with visiting(browser, service.url) as other:
        other.open(address)
        other.settle()
        assert other.page.input_value("#formulas") == "Li6PS5Cl"
        assert other.page.locator("#one .figures dt").all_inner_texts()[:2] == [
            "Conductivity at 25 °C",
            "Conductivity at 60 °C",
        ]
        other.page.click("#clear")
        assert "#" not in other.page.url
        assert other.page.is_hidden("#one")


def test_by_keyboard_alone(visit: Any) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "formulas"
    page.keyboard.type("Li6PS5Cl")
    order = []
    while page.evaluate("document.activeElement.id") != "go":
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id"))
        assert len(order) < 10
    assert order == ["files", "temperature", "confidence", "go"]
    ring = page.evaluate(
        "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
    )
    assert ring == "solid2px"
    page.keyboard.press("Enter")
    visit.settle()
    assert page.inner_text("#status") == "1 material predicted."
    assert page.get_attribute("#status", "role") == "status"
    for _ in range(4):
        page.keyboard.press("Tab")
    names = [page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")]
    for _ in range(12):
        page.keyboard.press("Tab")
        names.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
        )
    assert "Save figure: Arrhenius line" in names


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any, service: Any, scheme: str) -> None:
    with visiting(
        browser, service.url, viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True
    ) as phone:
        phone.open()
        phone.predict("Li6PS5Cl")
        phone.predict("Li6PS5Cl", "Li7La3Zr2O12", "Xx9")
        phone.page.click("#many .open")
        phone.settle()
        assert phone.page.evaluate("document.documentElement.scrollWidth") == 360
        small = phone.page.evaluate(
            """() => [...document.querySelectorAll("button, select, input:not([type=checkbox])")]
                .filter((one) => one.offsetParent && one.offsetHeight < 24).map((one) => one.textContent)"""
        )
        assert [one for one in small if one] == [], "what a finger has to meet is 24 pixels high at least"
