"""The page on a service with keys, in Chromium, and what all readers need of it: names for fields, contrast, quiet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ._browser import visiting
from .conftest import running

FIELDS = "input, select, textarea, button, [role=img], [role=region], table, fieldset, progress"

UNNAMED = """(selector) => [...document.querySelectorAll(selector)].filter((one) => {
    if (one.closest("[hidden]") || one.closest("dialog:not([open])")) return false;
    const ids = (one.getAttribute("aria-labelledby") ?? "").split(" ");
    const by = ids.map((id) => document.getElementById(id)?.textContent);
    const inside = one.closest("[role=region]")?.getAttribute("aria-label");
    const names = [one.getAttribute("aria-label"), ...by, ...[...(one.labels ?? [])].map((label) => label.textContent)];
    if (one.tagName === "BUTTON") names.push(one.textContent);
    if (one.tagName === "TABLE") names.push(one.caption?.textContent, inside);
    if (one.tagName === "FIELDSET") names.push(one.querySelector("legend")?.textContent);
    return !names.some((name) => name?.trim());
}).map((one) => one.outerHTML.slice(0, 120))"""

CONTRASTS = """() => {
    const parsed = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const luminance = (rgb) => {
        const [r, g, b] = rgb.slice(0, 3).map((one) => one / 255).map((one) =>
            one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const rgba = parsed(getComputedStyle(at).backgroundColor);
            if (rgba.length === 3 || rgba[3] === 1) return rgba;
        }
        return [255, 255, 255];
    };
    const poor = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walk.nextNode(); text; text = walk.nextNode()) {
        const node = text.parentElement;
        if (!text.textContent.trim() || !node.offsetParent || node.closest("svg, noscript, :disabled")) continue;
        const [a, b] = [luminance(parsed(getComputedStyle(node).color)), luminance(behind(node))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) poor.push(`${ratio.toFixed(2)}: ${text.textContent.trim().slice(0, 40)}`);
    }
    return poor;
}"""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, dict[str, str]]]:
    """Yield a service that has keys, and a key of each role."""
    home = tmp_path_factory.mktemp("keyed") / "home"
    tokens = {role: new_key(home, role) for role in ("read", "write", "admin")}
    with running(home) as found:
        yield found, tokens


def new_key(home: Path, role: str) -> str:
    """Make a key as an operator would."""
    command = [sys.executable, "-m", "superion.cli", "key", "new", f"a-{role}", "--role", role]
    environment = {**os.environ, "SUPERION_HOME": str(home)}
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return made.stdout.strip()


def give(page: Any, token: str) -> None:
    """Type a key and hand it over by keyboard."""
    page.wait_for_selector("#key-dialog[open]")
    assert page.evaluate("document.activeElement.id") == "key"
    page.keyboard.type(token)
    page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("role", "pages"),
    [("read", ["predict", "models"]), ("write", ["predict", "training", "models"])],
)
def test_a_key_is_asked_for_and_opens_what_its_role_may(
    browser: Any, keyed: tuple[Any, dict[str, str]], role: str, pages: list[str]
) -> None:
    service, tokens = keyed
    with visiting(browser, service.url) as visit:
        visit.refused = {401}
        page = visit.page
        page.goto(f"{service.url}/#f=Li3N&t=25&c=90")
        give(page, "wrong")
        page.wait_for_function("() => document.getElementById('key-fault').textContent")
        give(page, tokens[role])
        page.wait_for_selector("#one:not([hidden])")
        visit.settle()
        assert page.inner_text("#who") == f"a-{role} ({role})"
        assert page.locator("[data-view]:visible").evaluate_all("(all) => all.map((one) => one.dataset.view)") == pages
        assert tokens[role] not in page.url
        kept = page.evaluate("[JSON.stringify(localStorage), document.cookie, document.body.innerHTML]")
        assert not any(tokens[role] in text for text in kept)
        page.reload()
        page.wait_for_selector("#one:not([hidden])")
        page.click("#forget")
        page.wait_for_selector("#key-dialog[open]")
        assert page.evaluate("sessionStorage.length") == 0


def test_who_may_not_train_sees_nothing_of_it(browser: Any, keyed: tuple[Any, dict[str, str]]) -> None:
    service, tokens = keyed
    with visiting(browser, service.url) as visit:
        visit.refused = {401}
        visit.page.goto(f"{service.url}/#view=training")
        give(visit.page, tokens["read"])
        visit.page.wait_for_selector('[data-view="models"]:not([hidden])')
        assert visit.page.is_visible("#predict")
        assert visit.page.is_hidden("#training")
        visit.page.click('[data-view="models"]')
        visit.page.wait_for_selector("#models tbody tr")
        assert visit.page.locator("#models button", has_text="Promote").count() == 0
        assert visit.page.locator("#models button", has_text="Roll back").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_field_has_a_name_and_every_text_is_read_with_ease(
    browser: Any, service: Any, cif: str, scheme: str
) -> None:
    with visiting(browser, service.url, color_scheme=scheme) as visit:
        page = visit.page
        visit.open("#view=training")
        page.wait_for_selector("#training table, #training .note")
        assert page.evaluate(UNNAMED, FIELDS) == []
        assert page.evaluate(CONTRASTS) == []
        page.click('[data-view="models"]')
        page.wait_for_selector("#models tbody tr")
        assert page.evaluate(UNNAMED, FIELDS) == []
        assert page.evaluate(CONTRASTS) == []
        page.click('[data-view="predict"]')
        page.set_input_files("#files", [{"name": "one.cif", "mimeType": "chemical/x-cif", "buffer": cif.encode()}])
        visit.predict("Li6PS5Cl", "Xx9")
        page.locator("#many .open").nth(1).click()
        visit.traces("#one .chart.high")
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => (one.open = true))")
        assert page.evaluate(UNNAMED, FIELDS) == []
        assert page.evaluate(CONTRASTS) == []
        headings = page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3')].filter((h) => h.offsetParent).map((h) => +h.tagName[1])"
        )
        assert headings[0] == 1
        assert all(later - earlier <= 1 for earlier, later in pairwise(headings))


def test_figures_follow_the_colours_of_the_page(browser: Any, service: Any) -> None:
    with visiting(browser, service.url, color_scheme="light") as visit:
        visit.open()
        visit.predict("Li3N")
        colour = "document.querySelector('#one .chart').layout.font.color"
        light = visit.page.evaluate(colour)
        visit.page.emulate_media(color_scheme="dark")
        visit.page.wait_for_function(f"(light) => {colour} !== light", arg=light)


def test_a_service_that_is_gone_is_said(browser: Any, service: Any) -> None:
    with visiting(browser, service.url) as visit:
        visit.open()
        visit.page.context.set_offline(True)
        visit.page.fill("#formulas", "Li3N")
        visit.page.click("#go")
        visit.page.wait_for_selector("#trouble .error")
        assert "does not answer" in visit.page.inner_text("#trouble")
        assert visit.page.get_attribute("#trouble", "role") == "alert"
        visit.errors[:] = [one for one in visit.errors if "ERR_INTERNET_DISCONNECTED" not in one]
