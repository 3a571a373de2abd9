"""What the page is served with: a policy that lets nothing in, tags by which browsers keep files, and no other file."""

from __future__ import annotations

import csv
import gzip
import re
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pytest

from ._answers import refused

STATIC = Path(__file__).resolve().parents[2] / "serving" / "static"
FILES = sorted(path.name for path in STATIC.iterdir() if path.name != "index.html")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_may_load_from_this_service_only(service: Any, path: str) -> None:
    page = service.client.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
    assert not re.search(r"https?:|\*", policy)
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"


def test_the_page_has_no_script_of_its_own_and_names_nobody(service: Any) -> None:
    page = service.client.get("/").text
    assert "//" not in page
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=|javascript:", page)
    assert "{" not in page, "every place in it is filled"


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_what_a_page_names_is_there(service: Any, path: str) -> None:
    names = re.findall(r'(?:src|href|content)="([\w./?=-]+/[\w./?=-]+)"', service.client.get(path).text)
    assert len(names) > 3
    for name in names:
        assert service.client.get(f"/{name}").status_code == 200, name


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_page_is_answered_as_it_is_and_kept_by_its_tag(service: Any, name: str) -> None:
    answer = service.client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert answer.content == (STATIC / name).read_bytes()
    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert answer.headers["content-type"].startswith(kinds[Path(name).suffix])
    again = service.client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = service.client.get(f"/static/{name}", headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    assert "content-encoding" not in plain.headers


def test_every_module_that_is_imported_is_there() -> None:
    for path in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([\w-]+\.js)"', path.read_text()):
            assert name in FILES, f"{path.name} imports {name}"


def test_nothing_turns_text_into_markup() -> None:
    for path in STATIC.glob("*.js"):
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", path.read_text()), path


def test_plotly_comes_out_of_its_package(service: Any) -> None:
    (address,) = re.findall(r'content="(vendor/[^"]+)"', service.client.get("/").text)
    assert address == f"vendor/plotly.min.js?v={metadata.version('plotly')}"
    with service.client.stream("GET", f"/{address}") as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert gzip.decompress(sent) == (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    # Under an address that a later version shares it is asked for again.
    for query in ("", "?v=0"):
        assert service.client.get(f"/vendor/plotly.min.js{query}").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/none.js",
        "/static/index.html",
        "/static/..%2fweb.py",
        "/static/%2e%2e%2fpy.typed",
        "/vendor/x",
    ],
)
def test_there_is_no_other_file(service: Any, path: str) -> None:
    refused(service.client.get(path), 404, "not_found")


def test_known_electrolytes_are_those_of_the_table(service: Any) -> None:
    known = service.client.get("/known").json()["known"]
    with (STATIC.parents[1] / "training" / "data" / "electrolytes.csv").open(encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file) if row["sigma_S_per_cm"]}
    assert {one["name"] for one in known} == set(rows)
    for one in known:
        row = rows[one["name"]]
        assert one["S_per_cm"] == pytest.approx(float(row["sigma_S_per_cm"]))
        assert one["temperature_C"] == float(row["temperature_C"])
        assert (one["formula"], one["family"], one["source"]) == (row["formula"], row["family"], row["source"])
    values = [one["S_per_cm"] for one in known]
    assert values == sorted(values, reverse=True)
