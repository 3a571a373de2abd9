"""The service behind a real nginx with TLS, in the configuration that deploy/nginx.conf shows."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from superion.serving.keys import new_key
from superion.serving.limits import MAX_BODY_BYTES

from .conftest import running

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate for localhost that nobody has signed, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def proxy(url: str, certificate: tuple[Path, Path]) -> Iterator[httpx.Client]:
    """Run nginx before a service; yields a client of it."""
    program = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if program is None:
        pytest.skip("needs nginx (Debian: apt-get install nginx-light)")
    secure, plain = free_port(), free_port()
    # The sample as it is, but for ports, files and the address of the service.
    text = SAMPLE.read_text()
    for before, after in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("    listen [::]:443 ssl;\n", ""),
        ("    listen [::]:80;\n", ""),
        ("superion.example.org", "localhost"),
        ("/etc/ssl/superion/fullchain.pem", str(certificate[0])),
        ("/etc/ssl/superion/privkey.pem", str(certificate[1])),
        ("server 127.0.0.1:3000;", f"server {url.removeprefix('http://')};"),
    ):
        assert before in text, before
        text = text.replace(before, after)
    with tempfile.TemporaryDirectory(prefix="superion-nginx-") as folder, contextlib.ExitStack() as stack:
        places = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi"))
        places += "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("uwsgi", "scgi"))
        main = Path(folder) / "main.conf"
        main.write_text(
            f"pid {folder}/pid;\ndaemon off;\nerror_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{places}{text}}}\n"
        )
        tested = subprocess.run([program, "-t", "-p", folder, "-c", main], capture_output=True, text=True)
        assert tested.returncode == 0, tested.stderr
        assert "warn" not in tested.stderr
        process = subprocess.Popen([program, "-p", folder, "-c", main], stderr=subprocess.DEVNULL)
        stack.callback(process.wait, 20)
        stack.callback(process.terminate)
        trusted = ssl.create_default_context(cafile=str(certificate[0]))
        with httpx.Client(base_url=f"https://localhost:{secure}", verify=trusted, timeout=120) as client:
            for _ in range(200):
                with contextlib.suppress(httpx.TransportError):
                    client.get("/livez")
                    break
            redirected = httpx.get(f"http://localhost:{plain}/docs.json")
            assert (redirected.status_code, redirected.headers["location"]) == (308, "https://localhost/docs.json")
            yield client


@pytest.mark.check
def test_a_service_behind_a_proxy_with_tls(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with monkeypatch.context() as patch:
        patch.setenv("SUPERION_HOME", str(home))
        _, token = new_key("ada", "read")
    body = {"materials": [{"formula": "Li6PS5Cl"}]}
    with running(home, "--require-keys", "--workers", "1") as service, proxy(service.url, certificate) as client:
        assert client.post("/predict", json=body).status_code == 401
        client.headers["Authorization"] = service.client.headers["Authorization"] = f"Bearer {token}"
        answer = client.post("/predict", json=body, headers={"X-Request-Id": "through-tls"})
        assert answer.status_code == 200
        assert answer.json() == service.predict("Li6PS5Cl").json()
        assert answer.headers["x-request-id"] == "through-tls"
        assert answer.headers["strict-transport-security"]

        # It is the service that refuses what is too long, so that the error has its shape.
        for size in (MAX_BODY_BYTES + 1, 100 * 2**20):
            refused = client.post("/predict", content=b"x" * size)
            assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")
        assert client.post("/predict", content=b"{").json()["error"]["code"] == "invalid_json"
        assert client.get("/metrics").status_code == 200  # this is the machine that may collect them


@pytest.mark.check
def test_a_service_without_keys_takes_nobody_behind_a_proxy_for_its_owner(
    service: Any, certificate: tuple[Path, Path]
) -> None:
    with proxy(service.url, certificate) as client:
        assert service.predict("LiF").status_code == 200
        answer = client.post("/predict", json={"materials": [{"formula": "LiF"}]})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
