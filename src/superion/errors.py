"""The errors of superion: each names the field at fault, the value found and, in the message, what would be right."""

from __future__ import annotations

VALUE_SHOWN = 120
"""Longest part of an offending value that an error repeats [characters]."""
MESSAGE_SHOWN = 1000
"""Longest message [characters]; whatever is repeated in one, an answer or a log line stays short."""


class SuperionError(Exception):
    """Report a fault in what superion was given.

    `code` is stable and machine-readable, `field` names the input at fault, `value` is that input, shortened.
    """

    code = "error"

    position: int | None = None
    """Place among many sources, from 0, where a batch met the error; None outside of one."""

    def __init__(self, message: str, *, field: str | None = None, value: object = None) -> None:
        message = message if len(message) <= MESSAGE_SHOWN else message[: MESSAGE_SHOWN - 3] + "..."
        super().__init__(message)
        self.message = message
        self.field = field
        self.value = shorten(value)

    def as_dict(self) -> dict[str, str]:
        """Return the error as the `{"code", "message", "field"}` that every interface answers with."""
        answer = {"code": self.code, "message": self.message}
        if self.field is not None:
            answer["field"] = self.field
        return answer


class InvalidFormula(SuperionError):
    """Report a formula that cannot be read."""

    code = "invalid_formula"


class InvalidCrystal(SuperionError):
    """Report a crystal that is not physical: coordinates, lattice or occupancies."""

    code = "invalid_structure"


class InvalidCif(InvalidCrystal):
    """Report CIF text that cannot be read, or that describes no physical crystal."""

    code = "invalid_cif"


class InvalidValue(SuperionError):
    """Report an argument outside its valid range."""

    code = "invalid_value"


class NoEquilibrium(SuperionError):
    """Report phases whose mixture of lowest energy was not found, which is a fault of superion and of no input."""

    code = "no_equilibrium"


class UnbalancedCharges(SuperionError):
    """Report a crystal of which no oxidation states known of its elements make a neutral whole.

    `best` holds the assignment that came nearest, a `superion.featurizers.oxidation.OxidationStates`, or None where an
    element has no known state.
    """

    code = "unbalanced_charges"

    def __init__(
        self, message: str, *, field: str | None = None, value: object = None, best: object | None = None
    ) -> None:
        super().__init__(message, field=field, value=value)
        self.best = best


class UnknownBondValence(SuperionError):
    """Report a pair of ions, or an element, of which no bond-valence parameters are known."""

    code = "unknown_bond_valence"


class InvalidTable(SuperionError):
    """Report a data set that cannot be learned from or scored."""

    code = "invalid_table"


class InvalidArtefact(SuperionError):
    """Report a model artefact that is damaged, of another format version, or made for another featuriser."""

    code = "invalid_artefact"


class NotFound(SuperionError):
    """Report a model, run or data set that does not exist."""

    code = "not_found"


class Unavailable(SuperionError):
    """Report something outside superion, such as a tracking server, that does not answer."""

    code = "unavailable"


class RequestFailed(SuperionError):
    """Report a request that a service answered with an error.

    `code`, `message` and `field` are those of the answer, `status` is its HTTP status, and `request_id` leads to the
    line of the request in the service's log.
    """

    code = "request_failed"

    def __init__(
        self, message: str, *, code: str, status: int, field: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.code = code
        self.status = status
        self.request_id = request_id


class ItemFailed(SuperionError):
    """Report an item of a batch that a caller's function failed on, or that killed the process it was worked on in."""

    code = "item_failed"


class MissingDependency(SuperionError):
    """Report an optional dependency that the called part needs and that is not installed."""

    code = "missing_dependency"


def shorten(value: object) -> str | None:
    """Return `value` as text of at most `VALUE_SHOWN` characters, or None for None."""
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= VALUE_SHOWN else text[:VALUE_SHOWN] + "..."
