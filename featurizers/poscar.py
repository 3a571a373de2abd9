"""POSCAR and CONTCAR text in, a `Crystal` out; a reader of our own, as prediction must not need ASE or pymatgen."""

from __future__ import annotations

import re

import numpy as np

from superion.errors import InvalidCrystal
from superion.featurizers.crystal import Crystal
from superion.featurizers.crystal_checks import MAX_SITES
from superion.featurizers.named_sites import crystal_of_sites
from superion.featurizers.text_files import NotText, decode
from superion.featurizers.type_symbols import read_type

MAX_BYTES = 8_000_000
"""Longest POSCAR that is read [bytes]."""
MAX_NUMBER = 1e9
"""Largest number that is read; no crystal has one, and products of larger ones overflow."""

_SYMBOL = re.compile(r"([A-Z][a-z]?)(?:_\w+)?(?:/\w*)?")  # `Li`, `Li_sv`, and `Li/1a2b3c4d` as VASP 6 writes it

_COMMENT = re.compile("[!#]")
_LINE_END = re.compile(r"\r\n|\n|\r")  # and not the dozen others of `str.splitlines`, at which no editor breaks a line


def read_poscar(text: str | bytes) -> Crystal:
    """Read POSCAR text with one or three scale factors, direct or Cartesian, with or without selective dynamics.

    Files of VASP 4, which name no elements on line 6, are read when their comment line names them; the notes say so.
    Deuterium and tritium become H and sites called `X` or `Va` are left out, both with a note.
    Velocities and whatever else follows the positions are ignored. Raises InvalidCrystal.
    """
    notes: list[str] = []
    content = _decoded(text, notes).removeprefix("\ufeff").rstrip()
    lines = _LINE_END.split(content) if content else []
    if len(lines) < 8:
        raise _fault(
            f"the POSCAR has {len(lines)} lines; a comment, a scale, a lattice, counts and positions are needed"
        )
    scale = _numbers(lines, 1, (1, 2, 3))
    if len(scale) == 2:
        raise _fault(f"line 2 is {lines[1][:60]!r}; one scale factor or three are read")
    lattice = np.array([_numbers(lines, k, (3,))[:3] for k in (2, 3, 4)])
    if len(scale) == 1 and scale[0] < 0:  # a negative scale is the volume of the cell
        volume = abs(np.linalg.det(lattice))
        if volume < 1e-9:
            raise _fault("lines 3 to 5 span no volume")
        scale = [float(np.cbrt(-scale[0] / volume))]
    if min(scale) <= 0:
        raise _fault("line 2: a scale of 0, or a negative one of three, is not read")
    factors = np.array(scale)  # three factors scale x, y and z
    at = 5
    names = _COMMENT.split(lines[at])[0].split()
    if names and not names[0].isdigit():
        at += 1
    else:
        names = lines[0].split()[: len(names)]
        notes.append("the file names no elements (VASP 4); they were taken from the comment line")
    counts = _counts(lines, at)
    if len(names) != len(counts):
        raise _fault(f"{len(counts)} counts for {len(names)} elements; name one element per count")
    symbols = [_symbol(name) for name in names]
    at += 1
    if lines[at].strip()[:1] in tuple("sS") and at + 1 < len(lines):
        at += 1
    mode = lines[at].strip()[:1]
    if mode not in tuple("dDcCkK"):
        raise _fault(f"line {at + 1} is {lines[at][:40]!r}; Direct or Cartesian is right")
    n_sites = sum(counts)
    if len(lines) < at + 1 + n_sites:
        raise _fault(f"{n_sites} positions are announced and {len(lines) - at - 1} lines follow")
    positions = np.array([_numbers(lines, at + 1 + k, (3,))[:3] for k in range(n_sites)])
    scaled = lattice * factors
    if mode in tuple("cCkK"):
        if abs(np.linalg.det(scaled)) < 1e-6:
            raise _fault("lines 3 to 5 span no volume")
        positions = positions * factors @ np.linalg.inv(scaled)
    held = [[(symbol, 1.0)] for symbol, count in zip(symbols, counts, strict=True) for _ in range(count)]
    return crystal_of_sites(scaled, positions, held, notes=notes)


def _decoded(text: str | bytes, notes: list[str]) -> str:
    if not isinstance(text, str | bytes):
        raise _fault(f"a POSCAR is text, not {type(text).__name__}")
    if len(text) > MAX_BYTES:
        raise _fault(f"the POSCAR has {len(text)} characters; at most {MAX_BYTES} are read")
    if isinstance(text, str):
        return text
    try:
        characters, note = decode(text)
    except NotText as fault:
        raise _fault(f"the POSCAR {fault}") from fault
    if note:
        notes.append(note)
    return characters


def _numbers(lines: list[str], at: int, lengths: tuple[int, ...]) -> list[float]:
    """Return the leading numbers of a line, the longest of `lengths` that the line has."""
    numbers: list[float] = []
    for word in lines[at].split()[: max(lengths)]:
        try:
            number = float(word)
        except ValueError:
            break
        if not word.isascii() or "_" in word:  # Python reads `1_0` and the digits of every script
            break
        if not abs(number) <= MAX_NUMBER:
            raise _fault(
                f"line {at + 1} holds {word[:40]!r}; NaN, infinity and numbers above {MAX_NUMBER:g} are no lengths"
            )
        numbers.append(number)
    fitting = [length for length in lengths if length <= len(numbers)]
    if not fitting:
        raise _fault(f"line {at + 1} is {lines[at][:60]!r}; {lengths[0]} numbers are needed")
    return numbers[: max(fitting)]


def _counts(lines: list[str], at: int) -> list[int]:
    words = _COMMENT.split(lines[at])[0].split()
    plain = all(word.isascii() and word.isdigit() for word in words)
    counts = [int(word[:9]) for word in words] if plain else []
    if not 1 <= sum(counts) <= MAX_SITES:
        raise _fault(
            f"line {at + 1} is {lines[at][:60]!r}; the number of atoms per element is needed, {MAX_SITES} in all"
        )
    return counts


def _symbol(name: str) -> str:
    match = _SYMBOL.fullmatch(name)
    if match is None or read_type(match.group(1)) is None:
        raise _fault(f"{name[:40]!r} is no element; line 6 names the elements in the order of the positions")
    return match.group(1)


def _fault(message: str) -> InvalidCrystal:
    return InvalidCrystal(message, field="poscar")
