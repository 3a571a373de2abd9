"""The page at `/` with what it loads, and the documentation of the interface at `/docs`."""

from __future__ import annotations

import functools
import gzip
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from superion.serving.problems import Refusal

router = APIRouter()

EMPTY = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""Hash of no text at all: of the style element that plotly makes empty and fills by rules."""

POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self' {EMPTY}; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may do: load and ask what lies on this service, and nothing else. Figures are saved from blobs."""

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The same for the documentation, whose library writes styles into the page."""

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}

# BentoML's own page calls an analytics service from the visitor's browser.
DOCS = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Superion: interface</title>
<link rel="stylesheet" href="static_content/swagger-ui.css"><link rel="stylesheet" href="static_content/index.css">
<link rel="icon" href="static/icon.svg"></head>
<body><div id="swagger-ui"></div>
<script src="static_content/swagger-ui-bundle.js"></script>
<script src="static_content/swagger-ui-standalone-preset.js"></script>
<script src="static_content/swagger-initializer.js"></script>
</body></html>
"""

_MAP_STYLES = re.compile(rb'getElementById\("([0-9a-f]{64})"\)\)\{var \w+=document\.createElement\("style"\)')

_OPEN: dict[str, Any] = {"x-superion": {"open": True}}


@dataclass(frozen=True)
class Asset:
    """Hold a file as it goes out."""

    content: bytes
    compressed: bytes
    media_type: str
    etag: str

    @classmethod
    def of(cls, file: Traversable) -> Asset:
        """Read a file."""
        content = file.read_bytes()
        media_type = {".js": "text/javascript"}.get(file.name[-3:]) or mimetypes.guess_type(file.name)[0]
        digest = hashlib.sha256(content).hexdigest()[:32]
        return cls(content, gzip.compress(content, 6, mtime=0), media_type or "application/octet-stream", f'"{digest}"')

    def response(self, request: Request, cache: str = "no-cache", **headers: str) -> Response:
        """Return the answer: nothing where the browser has the file already, compressed where it takes that."""
        headers |= ALWAYS | {"ETag": self.etag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.compressed, headers=headers | {"Content-Encoding": "gzip"}, media_type=self.media_type)
        return Response(self.content, headers=headers, media_type=self.media_type)


@functools.cache
def _files() -> dict[str, Asset]:
    folder = resources.files("superion.serving") / "static"
    return {file.name: Asset.of(file) for file in folder.iterdir() if not file.name.startswith(".")}


def _plotly_file() -> Traversable:
    return resources.files("plotly") / "package_data" / "plotly.min.js"


@functools.cache
def _plotly() -> Asset:
    return Asset.of(_plotly_file())


@functools.cache
def _plotly_version() -> str:
    return metadata.version("plotly")


@functools.cache
def _page() -> Asset:
    """Return the page, in which the address of plotly names its version, so that browsers may keep it."""
    content = _files()["index.html"].content.replace(b"{plotly_version}", _plotly_version().encode())
    # The library of maps within plotly adds a style sheet, which the policy forbids, unless an element has this name.
    found = _MAP_STYLES.search(_plotly_file().read_bytes())
    content = content.replace(b"{map_styles}", found[1] if found else b"map-styles")
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Asset(content, gzip.compress(content, 6, mtime=0), "text/html", etag)


@router.get("/", include_in_schema=False, openapi_extra=_OPEN)
def page(request: Request) -> Response:
    """Return the page."""
    return _page().response(request, **{"Content-Security-Policy": POLICY})


@router.get("/static/{name}", include_in_schema=False, openapi_extra=_OPEN)
def static(request: Request, name: str) -> Response:
    """Return a file that the page loads."""
    asset = _files().get(name)
    if asset is None or name == "index.html":
        raise Refusal(404)
    return asset.response(request)


@router.get("/vendor/plotly.min.js", include_in_schema=False, openapi_extra=_OPEN)
def plotly(request: Request) -> Response:
    """Return plotly's library out of the installed package."""
    asked = request.query_params.get("v") == _plotly_version()
    return _plotly().response(request, "public, max-age=31536000, immutable" if asked else "no-cache")


@router.get("/docs", include_in_schema=False, openapi_extra=_OPEN)
def docs() -> Response:
    """Return the page that documents the interface."""
    return HTMLResponse(DOCS, headers=ALWAYS | {"Content-Security-Policy": DOCS_POLICY})
