"""Chemical formulas: text in, element amounts out; what cannot be read is refused with the position of the fault."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from superion.errors import InvalidFormula
from superion.featurizers.element_data import ATOMIC_MASS, ATOMIC_NUMBER

MAX_LENGTH = 1000
"""Longest formula that is read [characters]."""
MAX_DEPTH = 50
"""Deepest nesting of brackets that is read."""
MAX_AMOUNT = 1e6
"""Largest amount, of a token or summed per element."""
MIN_AMOUNT = 1e-6
"""Smallest amount, of a token or summed per element."""
INTEGER_TOLERANCE = 1e-4
"""Distance from a whole number within which an amount counts as whole in `Formula.reduced`."""
CANONICAL_DECIMALS = 4
"""Decimals of the atomic fractions in `Formula.canonical`."""

_OPEN = {"(": ")", "[": "]", "{": "}"}
_CLOSE = frozenset(_OPEN.values())
_ASCII = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")  # one to one, so that columns stay those of the text given
_DASHES = "-‐‑–—−"
_SEPARATORS = "·•⋅∙*." + _DASHES
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_SYMBOL = re.compile(r"[A-Z][a-z]?")
_EXPONENT = re.compile(r"[eE][+-]?[0-9]")
_PLAIN = re.compile(r"(?:[A-Z][a-z]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)?[ ]*)+")
_PLAIN_PART = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
_DOTTED_HYDRATE = re.compile(r"\.[0-9]+\s*\(?H2O\)?\s*$")


@dataclass(frozen=True)
class Formula:
    """Hold the amounts of the elements of one substance, as written.

    Two formulas are equal when symbols, amounts and their order are; compare `canonical` to ignore order and scale.
    """

    symbols: tuple[str, ...]
    """Element symbols in order of first appearance."""
    amounts: tuple[float, ...]
    """Amount per symbol, as written and summed; not normalised."""
    text: str = field(default="", compare=False)
    """The text read, or one written from the amounts."""

    def __post_init__(self) -> None:
        if not self.symbols or len(self.symbols) != len(self.amounts) or len(set(self.symbols)) != len(self.symbols):
            raise _fault("the formula needs at least one element, each once and with one amount", self.text)
        for symbol, amount in zip(self.symbols, self.amounts, strict=True):
            if symbol not in ATOMIC_NUMBER:
                raise _fault(f"{symbol!r} is not an element", self.text)
            if not MIN_AMOUNT <= amount <= MAX_AMOUNT:  # also False for NaN
                raise _fault(
                    f"the amount of {symbol} is {amount:g}; amounts lie from {MIN_AMOUNT:g} to {MAX_AMOUNT:g}",
                    self.text,
                )
        if not self.text:
            object.__setattr__(self, "text", _write(self.symbols, self.amounts))

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Read `text` as a formula.

        Understood are element symbols, decimal amounts (`0.5`, `.5`), nested `()`, `[]` and `{}` with multipliers,
        unicode subscripts, white space between tokens, and adducts joined by `·`, `*`, `.` or `-` whose parts may
        begin with a multiplier (`Li2SO4·H2O`, `75Li2S-25P2S5`).

        A `.` directly before a digit is a decimal point, any other `.` joins an adduct; `CuSO4.5H2O` could be either
        and is refused. A `-` before a number joins an adduct unless an amount precedes it in a formula that does not
        begin with a multiplier: `Zr2-0.5Ta0.5` could mean 1.5 and is refused. So is an amount of zero, which may be the
        end of a series or a mistyped oxygen (`Li20` is as far from `Li2O` as `Li0` is from `LiO`).

        Raises InvalidFormula with the column (from 1) of the fault.
        """
        if not isinstance(text, str):
            raise _fault(f"a formula is text, not {type(text).__name__}", text)
        if len(text) > MAX_LENGTH:
            raise _fault(f"the formula has {len(text)} characters; at most {MAX_LENGTH} are read", text)
        if not text.strip():
            raise _fault("the formula is empty; write for example Li6PS5Cl", text)
        amounts = plain_amounts(text) or _Parser(text).parse()
        return cls(tuple(amounts), tuple(amounts.values()), text.strip())

    @classmethod
    def from_amounts(cls, amounts: Mapping[str, float]) -> Formula:
        """Return the formula with these amounts per symbol; raises InvalidFormula."""
        return cls(tuple(amounts), tuple(float(amount) for amount in amounts.values()))

    def __str__(self) -> str:
        return self.text

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.symbols

    def amount(self, symbol: str) -> float:
        """Return the amount of `symbol`, 0 when the formula has none."""
        return self.amounts[self.symbols.index(symbol)] if symbol in self.symbols else 0.0

    @cached_property
    def n_atoms(self) -> float:
        """Return the summed amounts [atoms per formula unit as written]."""
        return math.fsum(self.amounts)

    @cached_property
    def fractions(self) -> NDArray[np.float64]:
        """Return the atomic fractions `(n_elements,)`, read-only, in the order of `symbols`; they sum to 1."""
        fractions = np.asarray(self.amounts, dtype=np.float64) / self.n_atoms
        fractions.setflags(write=False)
        return fractions

    @property
    def weight(self) -> float:
        """Return the mass of one formula unit as written [g/mol]."""
        return math.fsum(ATOMIC_MASS[s] * a for s, a in zip(self.symbols, self.amounts, strict=True))

    @cached_property
    def reduced(self) -> Formula:
        """Return the formula over the greatest common divisor of its amounts.

        Where an amount is further than `INTEGER_TOLERANCE` from a whole number the formula is returned as it is.
        """
        whole = [round(amount) for amount in self.amounts]
        near = all(n > 0 and abs(a - n) <= INTEGER_TOLERANCE for a, n in zip(self.amounts, whole, strict=True))
        divisor = math.gcd(*whole) if near else 1
        amounts = tuple(float(n // divisor) for n in whole) if near else self.amounts
        return Formula(self.symbols, amounts)

    @cached_property
    def canonical(self) -> str:
        """Return a key that ignores order and scale: sorted symbols, each with its atomic fraction in 4 decimals."""
        scale = 10**CANONICAL_DECIMALS
        # A fraction such as 1/32 lies on a rounding boundary, where the last bit would decide; 1e-6 moves the boundary.
        steps = np.floor(self.fractions * scale + 0.5 + 1e-6) / scale
        return "".join(f"{s}{f:.{CANONICAL_DECIMALS}f}" for s, f in sorted(zip(self.symbols, steps, strict=True)))


def plain_amounts(text: str) -> dict[str, float] | None:
    """Read a formula without brackets and adducts, as most are, or return None for the parser to read or to refuse."""
    if not _PLAIN.fullmatch(text) or _DOTTED_HYDRATE.search(text):
        return None
    amounts: dict[str, float] = {}
    for symbol, number in _PLAIN_PART.findall(text):
        amount = float(number) if number else 1.0
        if symbol not in ATOMIC_NUMBER or not MIN_AMOUNT <= amount <= MAX_AMOUNT:
            return None
        amounts[symbol] = amounts.get(symbol, 0.0) + amount
    return amounts


class _Parser:
    """Read one formula in a single pass with an explicit stack, so that neither length nor depth can exhaust it."""

    def __init__(self, text: str) -> None:
        self.given = text
        self.text = text.translate(_ASCII)
        self.at = 0
        hydrate = _DOTTED_HYDRATE.search(self.text)
        if hydrate:
            raise self.fault(
                "a '.' before the number of a hydrate reads as a decimal point; write '·' or '*' for the hydrate",
                hydrate.start(),
            )
        self.leads_with_multiplier = self.text.lstrip()[0] in "0123456789."

    def fault(self, message: str, at: int | None = None) -> InvalidFormula:
        return _fault(f"column {(self.at if at is None else at) + 1}: {message}", self.given)

    def parse(self) -> dict[str, float]:
        stack = [_Frame("", 0)]
        while True:
            self.skip_space()
            frame = stack[-1]
            if self.at == len(self.text):
                break
            char = self.text[self.at]
            if char in _OPEN:
                if len(stack) > MAX_DEPTH:
                    raise self.fault(f"brackets are nested deeper than {MAX_DEPTH}")
                stack.append(_Frame(_OPEN[char], self.at))
                self.at += 1
            elif char in _CLOSE:
                if char != frame.closes_with:
                    expected = f"expected {frame.closes_with!r}" if frame.closes_with else "no bracket is open"
                    raise self.fault(f"{char!r} does not match: {expected}")
                self.end_part(frame)
                stack.pop()
                self.at += 1
                stack[-1].add(frame.total, self.amount())
            elif (number := _NUMBER.match(self.text, self.at)) is not None:
                if frame.part or frame.multiplier is not None:
                    raise self.fault("two numbers in a row; put an element or a bracket between them")
                frame.multiplier = self.number(number)
            elif char in _SEPARATORS:
                self.check_separator(frame, char)
                self.end_part(frame)
                self.at += 1
            else:
                symbol = self.symbol()
                frame.add({symbol: 1.0}, self.amount())
        if len(stack) > 1:
            raise self.fault(f"this bracket is never closed; add {frame.closes_with!r}", frame.opened_at)
        self.end_part(frame)
        return frame.total

    def skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def symbol(self) -> str:
        match = _SYMBOL.match(self.text, self.at)
        if match is None:
            raise self.fault(self.unexpected(self.text[self.at]))
        symbol = match.group()
        if symbol not in ATOMIC_NUMBER and symbol[0] in ATOMIC_NUMBER:  # such as the x of `Ox`
            raise self.fault(self.unexpected(symbol[1]), self.at + 1)
        if symbol in ("D", "T"):
            raise self.fault(f"{symbol!r} is an isotope; write H for hydrogen")
        if symbol not in ATOMIC_NUMBER:
            raise self.fault(f"{symbol!r} is not an element symbol")
        self.at = match.end()
        return symbol

    def unexpected(self, char: str) -> str:
        if char.isalpha():
            return (
                f"unexpected {char!r}; element symbols begin with a capital and amounts are numbers, "
                "so write every x out, as in Li6.5La3Zr1.5Ta0.5O12"
            )
        if char == "+":
            return "unexpected '+'; leave charges out and join adducts with '·'"
        return f"unexpected {char!r}; only elements, amounts, brackets and adducts joined with '·' are read"

    def amount(self) -> float:
        """Read the amount after an element or a bracket, 1 when there is none."""
        self.skip_space()
        match = _NUMBER.match(self.text, self.at)
        return 1.0 if match is None else self.number(match)

    def number(self, match: re.Match[str]) -> float:
        value = float(match.group())
        if value == 0.0:
            raise self.fault(
                f"the amount {_short(match.group())} is zero; leave out what is not there, "
                "or write the letter O for oxygen"
            )
        if not MIN_AMOUNT <= value <= MAX_AMOUNT:
            raise self.fault(
                f"the amount {_short(match.group())} is out of range; amounts lie from {MIN_AMOUNT:g} to {MAX_AMOUNT:g}"
            )
        if _EXPONENT.match(self.text, match.end()):
            raise self.fault("exponents are not read, write the amount as a decimal", match.end())
        self.at = match.end()
        return value

    def check_separator(self, frame: _Frame, char: str) -> None:
        if not frame.part:
            raise self.fault(f"{char!r} joins two formulas and there is none before it")
        if char not in _DASHES:
            return
        rest = self.text[self.at + 1 :].lstrip()
        if rest[:1].islower():
            raise self.fault(
                "amounts are numbers; write every x out, as in Li6.5La3Zr1.5Ta0.5O12",
                len(self.text) - len(rest),
            )
        after_amount = self.text[: self.at].rstrip()[-1] in "0123456789"
        if after_amount and rest[:1] in tuple("0123456789.") and not self.leads_with_multiplier:
            raise self.fault(f"{char!r} between two numbers could be a difference; write the amount out or use '·'")

    def end_part(self, frame: _Frame) -> None:
        if not frame.part:
            raise self.fault("an element or a bracket is missing here")
        frame.end_part()


class _Frame:
    """Hold what one bracket, or the whole formula, has summed so far."""

    def __init__(self, closes_with: str, opened_at: int) -> None:
        self.closes_with = closes_with
        self.opened_at = opened_at
        self.multiplier: float | None = None
        self.part: dict[str, float] = {}
        self.total: dict[str, float] = {}

    def add(self, amounts: dict[str, float], times: float) -> None:
        for symbol, amount in amounts.items():
            self.part[symbol] = self.part.get(symbol, 0.0) + amount * times

    def end_part(self) -> None:
        times = 1.0 if self.multiplier is None else self.multiplier
        for symbol, amount in self.part.items():
            self.total[symbol] = self.total.get(symbol, 0.0) + amount * times
        self.part, self.multiplier = {}, None


def _fault(message: str, value: object) -> InvalidFormula:
    return InvalidFormula(f"formula: {message}", field="formula", value=value)


def _short(number: str) -> str:
    return number if len(number) <= 20 else number[:20] + "..."


def _write(symbols: tuple[str, ...], amounts: tuple[float, ...]) -> str:
    """Write amounts with ten significant digits at most, no exponent, and leave 1 out.

    Except that the 1 of a last oxygen stays in `Li0.5H2O1`, which without it could be read as a hydrate.
    """
    parts = []
    for symbol, amount in zip(symbols, amounts, strict=True):
        number = np.format_float_positional(amount, precision=10, fractional=False, trim="-")
        parts.append(symbol + ("" if number == "1" else number))
    text = "".join(parts)
    return f"{text}1" if _DOTTED_HYDRATE.search(text) else text
