"""One batch of materials: read, predicted together or remembered, and written as JSON, each with a fault of its own."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from superion.serving.logs import fault
from superion.serving.route import encoded

if TYPE_CHECKING:
    from superion.models.artefact import Artefact
    from superion.models.inputs import ReadMaterial
    from superion.models.predictor import Predictor
    from superion.models.records import Failure, Prediction

MAX_MODELS = 4
"""Models whose predictions are remembered, and which therefore stay in memory."""

BROKEN = "the service failed on this material; the log has the reason under the X-Request-Id of this answer"


class Options(NamedTuple):
    """Hold what is the same for all materials of a request, and for all of a batch."""

    temperature_c: float | tuple[float, ...] = 25.0
    """One, or several, with which each answer has a list."""
    confidence: float = 0.9
    detail: tuple[str, ...] = ()
    readable: frozenset[str] | None = None
    """Uploaded data sets whose rows may be shown as nearest materials; None for all."""


class Item(NamedTuple):
    """Hold one material of a request as it was sent."""

    material: object
    """Whatever `superion.models.inputs.read_input` reads."""
    id: str | int | None = None


@dataclass(frozen=True)
class Answered:
    """Hold materials that were answered, for those who watch; nothing of it may be kept on disk."""

    predictor: Predictor
    options: Options
    read: Sequence[ReadMaterial | Failure]
    predictions: Sequence[Prediction | Failure]
    """Without the phases that a material forms with lithium."""

    @property
    def n_atoms(self) -> int:
        """Atoms in the cells of the batch."""
        return sum(map(n_atoms, self.read))


class Place(NamedTuple):
    """Hold one material of a batch."""

    item: Item
    read: ReadMaterial | Failure
    context: Context
    """Of its request, so that what is logged of a fault names it."""


class Answer(NamedTuple):
    """Hold what is said of one material, for any request that asks for it."""

    prediction: Prediction
    """For those who watch; without the phases it forms with lithium, which are most of its objects: the collector of
    garbage looks through all that is remembered, and stops the worker meanwhile."""
    content: bytes
    """JSON of all of it but the identifier and the formula, which are written as the request has them."""


class Cache:
    """Remember answers by model, options and the key of the material; the least used go first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[tuple[int, Options, bytes], Answer] = OrderedDict()
        self._models: OrderedDict[int, Artefact] = OrderedDict()
        """What they are of: while it is here, no other can come to have its number."""
        self.hits = self.misses = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, predictor: Predictor, options: Options, key: bytes) -> Answer | None:
        """Return what was answered, None when it is not remembered."""
        place = id(predictor.artefact), options, key
        found = self._kept.get(place)
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        self._kept.move_to_end(place)
        return found

    def put(self, predictor: Predictor, options: Options, key: bytes, answer: Answer) -> None:
        """Remember an answer."""
        model = id(predictor.artefact)
        self._models[model] = predictor.artefact
        self._models.move_to_end(model)
        if len(self._models) > MAX_MODELS:
            gone, _ = self._models.popitem(last=False)
            self._kept = OrderedDict((place, kept) for place, kept in self._kept.items() if place[0] != gone)
        self._kept[model, options, key] = answer
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)


def read_item(predictor: Predictor, item: Item) -> ReadMaterial | Failure:
    """Read one material; never raises."""
    try:
        (read,) = predictor.read([item.material])
    except Exception as error:
        # A fault of the program, met with one material: it is that material's answer.
        return _broken(error)
    return read


def n_atoms(read: ReadMaterial | Failure) -> int:
    """Return the number of sites in the cell of a material, 0 without one."""
    from superion.models.records import Failure

    return 0 if isinstance(read, Failure) or read.material.crystal is None else read.material.crystal.n_sites


def answers(predictor: Predictor, options: Options, places: Sequence[Place], cache: Cache) -> list[Answer | Failure]:
    """Return the answer of each place: remembered, or computed once for equal materials."""
    from superion.models.records import Failure

    found: dict[bytes, Answer | Failure] = {}
    missing: dict[bytes, Place] = {}
    for place in places:
        if isinstance(place.read, Failure) or (key := place.read.key) in found or key in missing:
            continue
        remembered = cache.get(predictor, options, key)
        if remembered is None:
            missing[key] = place
        else:
            found[key] = remembered
    computed = _computed(predictor, options, list(missing.values())) if missing else []
    for (key, place), prediction in zip(missing.items(), computed, strict=True):
        answer = place.context.run(_answer, prediction, options)
        found[key] = answer
        if isinstance(answer, Answer):
            cache.put(predictor, options, key, answer)
    return [place.read if isinstance(place.read, Failure) else found[place.read.key] for place in places]


def _computed(predictor: Predictor, options: Options, places: Sequence[Place]) -> Sequence[Prediction | Failure]:
    """Predict materials together, or one by one where one of them has met a fault of the program."""
    try:
        return _ask(predictor, options, [place.read for place in places])
    except Exception as error:
        fault("a batch of materials failed; its materials are tried one by one", error)
    found: list[Prediction | Failure] = []
    for place in places:
        try:
            found += _ask(predictor, options, [place.read])
        except Exception as error:
            found.append(place.context.run(_broken, error))
    return found


def _ask(
    predictor: Predictor, options: Options, read: Sequence[ReadMaterial | Failure]
) -> Sequence[Prediction | Failure]:
    asked = (options.temperature_c, options.confidence, options.detail)
    return predictor.answer(read, *asked, readable=options.readable).predictions


def _answer(prediction: Prediction | Failure, options: Options) -> Answer | Failure:
    from superion.models.records import Failure, LithiumMetal

    if isinstance(prediction, Failure):
        return prediction
    document = prediction.as_dict(several_temperatures=isinstance(options.temperature_c, tuple))
    del document["formula"]
    try:
        content = encoded(document)
    except ValueError as error:  # a number that is not finite
        return _broken(error)
    return Answer(replace(prediction, lithium_metal=LithiumMetal()), content)


def written(place: Place, answer: Answer | Failure) -> bytes:
    """Return the JSON of one answer with the identifier and the formula of the request."""
    from superion.models.records import Failure

    named: dict[str, Any] = {} if place.item.id is None else {"id": place.item.id}
    if isinstance(answer, Failure):
        return encoded(named | answer.as_dict())
    assert not isinstance(place.read, Failure)  # which would be its answer
    named["formula"] = str(place.read.material.formula)
    return encoded(named)[:-1] + b"," + answer.content[1:]


def _broken(error: Exception) -> Failure:
    from superion.models.records import Failure

    fault("a material failed", error)
    return Failure("internal_error", BROKEN)
