"""The page in real Chromium: what it logs, asks and shows."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # WebGL on the processor, for figures in three dimensions.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
DRIVER_NOISE = ("GPU stall", "willReadFrequently")
"""What Chromium logs of drawing on the processor; it is no fault of the page."""

SECONDS = 60.0
"""Far above what anything takes, for a machine that has much else to do."""


@dataclass
class Visit:
    """Hold one visit to the page, and what it should not do."""

    page: Any
    url: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    """Statuses of answers that the test brings about; Chromium logs each as an error."""

    def open(self, address: str = "") -> None:
        """Open the page, with what comes after its path, and wait until it knows who asks."""
        self.page.goto(f"{self.url}/{address}")
        self.page.wait_for_selector('[data-view="models"]:not([hidden])')

    def predict(self, *formulas: str, temperature: str = "25") -> None:
        """Ask for formulas and wait for the answer."""
        self.page.fill("#formulas", "\n".join(formulas))
        self.page.fill("#temperature", temperature)
        self.page.click("#go")
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is predicted any more, nor drawn."""
        self.page.wait_for_selector("#go:not([disabled])")
        self.page.wait_for_function(
            """() => {
                const one = document.getElementById("one");
                if (one.hidden) return true;
                const charts = [...one.querySelectorAll(".chart")];
                return charts.every((chart) => chart.querySelector(".main-svg, .error, .note"));
            }"""
        )

    def choose(self, *files: dict[str, Any]) -> None:
        """Choose files, each with `name`, `mimeType` and `buffer`, and predict them."""
        self.page.set_input_files("#files", list(files))
        self.page.click("#go")
        self.settle()

    def traces(self, selector: str) -> Any:
        """Return the traces of a figure, as plotly has them."""
        plain = """(node) => node.data.map((trace) => ({
            type: trace.type, mode: trace.mode, name: trace.name, visible: trace.visible ?? true,
            x: Array.from(trace.x ?? []), y: Array.from(trace.y ?? []), hovertext: trace.hovertext,
            array: trace.error_x?.array, arrayminus: trace.error_x?.arrayminus,
        }))"""
        self.page.wait_for_function("(selector) => document.querySelector(selector)?.data", arg=selector)
        return self.page.eval_on_selector(selector, plain)


def file(name: str, text: str | bytes) -> dict[str, Any]:
    """Return a file as it is handed to the page."""
    content = text.encode() if isinstance(text, str) else text
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Run Chromium; where there is none, the test says so and is skipped."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("needs Chromium, which is not installed (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visiting(browser: Any, url: str, **options: Any) -> Iterator[Visit]:
    """Visit the page; afterwards holds that it logged no error and asked nobody but its own service."""
    context = browser.new_context(**options)
    context.set_default_timeout(1e3 * SECONDS)
    page = context.new_page()
    visit = Visit(page, url)

    def logged(message: Any) -> None:
        noise = (*DRIVER_NOISE, *(f"with a status of {status} " for status in visit.refused))
        if message.type in ("error", "warning") and not any(one in message.text for one in noise):
            visit.errors.append(message.text)

    page.on("console", logged)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("request", lambda request: visit.requests.append(request.url))
    try:
        yield visit
        assert visit.errors == []
        asked = {urlsplit(request) for request in visit.requests}
        assert {one.netloc for one in asked if one.scheme.startswith("http")} == {urlsplit(url).netloc}
    finally:
        context.close()
