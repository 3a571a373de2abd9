"""From a table to a version that answers, by the page alone, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ..training import _builders
from ..training._noise import MLFLOW
from ._browser import file, visiting
from .conftest import Service, running

pytestmark = MLFLOW

TRAINING_SECONDS = 300.0
"""Ten times what it takes, for a machine that has much else to do."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service of this module, whose registry is changed."""
    with running(tmp_path_factory.mktemp("training") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a table that a model is trained on in seconds, with a row that cannot be read."""
    text = _builders.synthetic_csv(tmp_path_factory.mktemp("table") / "table.csv").read_text()
    header = text.splitlines()[0].split(",")
    broken = ["Xx9" if name == "formula" else "broken" if name == "id" else "1e-4" for name in header]
    return text.rstrip("\n") + "\n" + ",".join(broken) + "\n"


def bring(page: Any, table: str) -> None:
    """Bring a table and wait for its report."""
    page.set_input_files("#dataset-file", [file("measured.csv", table)])
    page.click("text=Bring data")
    page.wait_for_selector("#training .good:has-text('is kept')")


def confirm(page: Any, answer: str = "yes") -> None:
    """Answer the question that is asked."""
    page.wait_for_selector("#confirm-dialog[open]")
    assert page.evaluate("document.activeElement.id") == "confirm-no", "nothing happens by a careless Enter"
    page.click(f"#confirm-{answer}")


@pytest.mark.check
@pytest.mark.timeout(600)
def test_from_a_table_to_a_version_that_answers(browser: Any, served: Service, table: str) -> None:
    with visiting(browser, served.url) as visit:
        page = visit.page
        visit.open("#view=training")
        bring(page, table)
        report = page.inner_text("#training form [role=status]")
        (kept,) = served.client.get("/datasets").json()["datasets"]
        assert f"{kept['n_rows']} rows that can be used, 1 that cannot" in report
        assert kept["failed"][0]["reason"] in report

        page.check("#training .checks input")
        for name, value in (("members", "2"), ("folds", "3"), ("epochs", "2")):
            page.fill(f"#job-{name}", value)
        page.uncheck("label.check input")
        page.click("text=Start training")
        page.wait_for_selector("#training .open:has-text('superion')")
        page.click("#training .open:has-text('superion')")
        page.wait_for_selector("#training .badge:has-text('succeeded')", timeout=1e3 * TRAINING_SECONDS)
        page.wait_for_function("() => document.querySelector('#training .log[role=log]').textContent.includes('gate')")
        (job,) = served.client.get("/jobs").json()["jobs"]
        assert job["request"]["datasets"] == [kept["id"]]
        assert job["request"]["unlabelled"] is False
        log = served.client.get(f"/jobs/{job['id']}/log").text
        assert page.text_content("#training .log[role=log]") == log

        page.click('[data-view="models"]')
        row = page.locator("#models tr", has=page.get_by_role("button", name=job["version"], exact=True))
        assert "challenger" in row.inner_text()
        row.get_by_role("button", name=job["version"], exact=True).click()
        page.wait_for_selector("#models details:has-text('Card')")
        visit.refused = {409}
        row.get_by_role("button", name="Compare").click()
        page.wait_for_selector("#models .error")
        compared = served.client.post(f"/models/{job['version']}/gate").json()
        assert page.inner_text("#models .error") == compared["error"]["message"]

        row.get_by_role("button", name="Promote").click()
        confirm(page, "no")
        assert served.client.get("/models").json()["champion"] == "1"
        row.get_by_role("button", name="Promote").click()
        confirm(page)
        page.wait_for_selector(f"#models .good:has-text('Version {job['version']} answers')")
        assert served.client.get("/models").json()["champion"] == job["version"]
        page.get_by_role("button", name="Roll back").click()
        confirm(page)
        page.wait_for_selector("#models .good:has-text('Version 1 answers')")
        assert served.client.get("/models").json()["champion"] == "1"

        visit.open()
        page.wait_for_selector("#model-field:not([hidden])")
        page.select_option("#model", job["version"])
        visit.predict("Li6PS5Cl")
        assert f"model {job['version']}" in page.inner_text("#one .head")


@pytest.mark.check
def test_a_job_is_cancelled_and_a_data_set_deleted(browser: Any, served: Service, table: str) -> None:
    with visiting(browser, served.url) as visit:
        page = visit.page
        visit.open("#view=training")
        bring(page, table.replace("Li", "Na", 1) if "Na" not in table else table)
        before = len(served.client.get("/datasets").json()["datasets"])
        page.locator("#training .checks input").last.check()
        page.fill("#job-name", "to be stopped")
        page.fill("#job-epochs", "4000")
        page.click("text=Start training")
        page.wait_for_selector("#training .good:has-text('waits for its turn')")
        row = page.locator("#training tr", has=page.get_by_role("button", name="to be stopped"))
        row.get_by_role("button", name="Cancel").click()
        confirm(page)
        row.locator(".badge:has-text('cancelled')").wait_for()
        page.get_by_role("button", name="Delete").last.click()
        confirm(page)
        page.wait_for_function(
            "(n) => document.querySelectorAll('#training [aria-label^=Delete]').length === n", arg=before - 1
        )
        assert len(served.client.get("/datasets").json()["datasets"]) == before - 1
