"""The Python client on campaigns of a real service: from a series to a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from superion import Client
from superion.errors import RequestFailed

from .conftest import Service


def test_the_client_goes_from_a_series_to_a_report(service: Service, tmp_path: Path) -> None:
    with Client(service.url) as client:
        series = client.enumerate("Li6PS5Cl", ["S>Se,O", "Cl>Br"], step=0.5)
        made = client.new_campaign(
            "client", series, measured=[{"formula": "Li6PS5Cl", "conductivity": "1.3 mS/cm"}], avoid=["Se"]
        )
        assert (made.status.candidates, made.status.goal.avoid, made.left_out) == (series.n + 1, ("Se",), ())
        first, second, third = client.suggest(made, 3)
        assert "Se" not in first.candidate and first.reasons.predicted.lower < first.reasons.predicted.upper
        assert client.observe(made, first, "0.4 mS/cm", kind="total").S_per_cm == pytest.approx(4e-4)
        assert client.observe(made, second, failed=True).failed
        event = client.withdraw(made, third, "no time")
        assert client.suggestions(made, "pending") == []
        client.undo(made, event)
        assert [one.number for one in client.suggestions(made, "pending")] == [third.number]
        status = client.campaign("client")
        assert status.best is not None and status.best.candidate == "Li6PS5Cl"
        assert status.predictions is not None and status.predictions.n == 1
        assert [one.status for one in client.candidates(status) if one.status != "left"].count("pending") == 1
        assert [one.action for one in client.events(status)] == ["new", "suggest", *["observe"] * 2, "withdraw", "undo"]
        assert "client" in [one.name for one in client.campaigns()]
        assert client.report(status, tmp_path / "report.html").startswith("<!DOCTYPE html>")
        assert client.export(status).count("\n") == 3
        with pytest.raises(RequestFailed) as caught:
            client.observe(status, first, 1e-9)
        assert (caught.value.status, caught.value.code) == (409, "contradiction")
        assert caught.value.field == "observations.0.value"
