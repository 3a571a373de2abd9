"""Whose rows a caller may see: remembered for a moment, asked for only where a model has private rows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from superion.errors import Unavailable
from superion.models.domain import Domain, KnownMaterial
from superion.models.predictor import RELEASE_FOLDER, Predictor
from superion.serving import datasets, readers, state
from superion.serving.callers import LOCAL, Caller

ADA, GRACE, ROSA = Caller("k1", "ada", "write"), Caller("k2", "grace", "write"), Caller("k3", "rosa", "read")


@pytest.fixture(scope="module")
def public() -> Predictor:
    return Predictor.from_folder(RELEASE_FOLDER)


@pytest.fixture(scope="module")
def private(public: Predictor) -> Predictor:
    """Return a model that has learned from a data set of Ada's, one of her group's, and one that is deleted."""
    known = [KnownMaterial("Li6PS5Cl", 1e-3, "ours", name) for name in ("mine", "shared", "deleted")]
    domain = replace(public.artefact.domain, known=(*public.artefact.domain.known, *known))
    return replace(public, artefact=replace(public.artefact, domain=domain))


@pytest.fixture(autouse=True)
def uploaded() -> Iterator[None]:
    """Keep four data sets, and forget afterwards what was remembered."""
    rows = [("mine", "k1", "owner", None), ("shared", "k1", "group", None)]
    rows += [("deleted", "k1", "group", 1.0), ("elsewhere", "k2", "owner", None)]
    with state.connection() as opened:
        for name, owner, who, deleted in rows:
            opened.execute(
                "INSERT INTO datasets (id, name, owner, readers, purpose, digest, created, deleted, report) "
                "VALUES (?, ?, ?, ?, 'training', '', 0, ?, '{}')",
                (name, name, owner, who, deleted),
            )
    yield
    readers._remembered.clear()


def readable(caller: Caller, predictor: Predictor) -> frozenset[str] | None:
    return asyncio.run(readers.readable(caller, predictor))


def test_of_what_a_model_has_learned_each_may_see_what_it_may_read(private: Predictor) -> None:
    assert readable(ADA, private) == {"mine", "shared"}
    assert readable(GRACE, private) == readable(ROSA, private) == {"shared"}
    assert readable(LOCAL, private) is None


def test_nothing_is_looked_up_for_a_model_that_learned_nothing_private(
    public: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "readable", None)
    assert readable(ROSA, public) is None


def test_the_nearest_materials_follow(private: Predictor) -> None:
    own = replace(private, artefact=replace(private.artefact, domain=_only_private(private)))
    shown = []
    for caller in (ADA, ROSA, LOCAL):
        (answer,) = own.predict(["Li6PS5Cl"], readable=readable(caller, own)).predictions
        shown.append([near.known.dataset for near in answer.domain.nearest])  # type: ignore[union-attr]
    assert shown == [["mine"], ["shared"], ["mine"]]


def _only_private(predictor: Predictor) -> Domain:
    domain = predictor.artefact.domain
    return replace(domain, known=tuple(known for known in domain.known if known.dataset is not None))


def test_what_was_found_is_remembered_for_a_moment(private: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert readable(ROSA, private) == {"shared"}
    with state.connection() as opened:
        opened.execute("UPDATE datasets SET readers = 'owner'")
    assert readable(ROSA, private) == {"shared"}
    monkeypatch.setattr(readers, "MEMORY_SECONDS", 0.0)
    assert readable(ROSA, private) == frozenset()


def test_records_that_cannot_be_read_show_nothing_new(private: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert readable(ADA, private) == {"mine", "shared"}
    monkeypatch.setattr(readers, "MEMORY_SECONDS", 0.0)

    def fail(caller: Caller) -> None:
        raise Unavailable("no")

    monkeypatch.setattr(datasets, "readable", fail)
    assert readable(ADA, private) == {"mine", "shared"}
    assert readable(ROSA, private) == frozenset()


def test_not_every_key_ever_seen_is_remembered(private: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "MAX_REMEMBERED", 10)
    for number in range(25):
        assert readable(Caller(f"k{100 + number}", "x", "read"), private) == {"shared"}
    assert len(readers._remembered) <= 10
