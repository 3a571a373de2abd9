"""CIF text in, the block that lists atoms out, and the values that a block gives under either spelling of a tag."""

from __future__ import annotations

import re

from gemmi import cif

from superion.errors import InvalidCif
from superion.featurizers import cif2
from superion.featurizers.text_files import NotText, decode

MAX_BYTES = 8_000_000
"""Longest CIF that is read [bytes]."""
MAX_BLOCKS = 1000
"""Largest number of data blocks and save frames; the parser compares the names of all pairs of them."""

_BLOCK = re.compile(r"(?:^|\s)(?:data|save)_", re.IGNORECASE)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_SQUARES = "□◻☐"

Tags = tuple[str, ...]
"""The spellings of one tag, the most common first."""


def spellings(category: str, *names: str) -> Tags:
    """Return the spellings of the tags `names`, such as `_cell_length_a` and, in DDLm and mmCIF, `_cell.length_a`."""
    return tuple(f"{category}{joint}{name}" for name in names for joint in "_.")


FRACTIONAL = tuple(spellings("_atom_site", f"fract_{axis}") for axis in "xyz")
"""The tags of the coordinates."""


def value(block: cif.Block, tags: Tags) -> str | None:
    """Return the raw value of the first of `tags` that the block has."""
    for tag in tags:
        found: str | None = block.find_value(tag)
        if found is not None:
            return found
    return None


def text_value(block: cif.Block, tags: Tags) -> str | None:
    """Return the text of the first of `tags` whose value is neither unknown nor empty."""
    for tag in tags:
        found = block.find_value(tag)
        if found is not None and not cif.is_null(found):
            text: str = cif.as_string(found).strip()
            if text:
                return text
    return None


def column(block: cif.Block, tags: Tags) -> list[str]:
    """Return the raw values of the first of `tags` that has any."""
    for tag in tags:
        found = block.find_values(tag)
        if found:
            # By number: making an iterator costs as much as reading fifteen values.
            return [found[k] for k in range(len(found))]
    return []


def has_values(block: cif.Block, tags: Tags) -> bool:
    """Tell whether the block has a value of any of `tags`."""
    return any(bool(block.find_values(tag)) for tag in tags)


def read_block(content: str | bytes, notes: list[str]) -> cif.Block:
    """Return the first block that lists atoms; raises InvalidCif."""
    text = _characters(content, notes)
    lowered = text.lower()
    # The slow count, which leaves out what lies inside words, is for files that could be above the limit.
    if lowered.count("data_") + lowered.count("save_") > MAX_BLOCKS and len(_BLOCK.findall(text)) > MAX_BLOCKS:
        raise InvalidCif(f"the CIF has more than {MAX_BLOCKS} data blocks; give one structure at a time", field="cif")
    document = _parsed(text, notes)
    blocks = [document[k] for k in range(len(document))]
    with_atoms = [block for block in blocks if has_values(block, FRACTIONAL[0])]
    if not with_atoms:
        found = f"{len(document)} data blocks" if len(document) else "no data block"
        raise InvalidCif(f"the CIF lists no atoms: {found}, none with {FRACTIONAL[0][0]}", field="cif", value=text)
    chosen = with_atoms[0]
    if len(with_atoms) > 1:
        notes.append(f"{len(with_atoms)} data blocks list atoms; the first, {chosen.name[:60]!r}, was read")
    elif len(document) > 1:
        notes.append(f"of {len(document)} data blocks only {chosen.name[:60]!r} lists atoms; it was read")
    return chosen


def _characters(content: str | bytes, notes: list[str]) -> str:
    if not isinstance(content, str | bytes):
        raise InvalidCif(f"a CIF is text, not {type(content).__name__}", field="cif", value=content)
    if len(content) > MAX_BYTES:
        raise InvalidCif(
            f"the CIF has {len(content)} characters; at most {MAX_BYTES} are read, so keep only the structure",
            field="cif",
        )
    if isinstance(content, bytes):
        try:
            text, note = decode(content)
        except NotText as fault:
            raise InvalidCif(f"the CIF {fault}", field="cif") from fault
        if note:
            notes.append(note)
    else:
        text = content
    if "\0" in text:
        raise InvalidCif("the CIF holds NUL characters, so it is binary data and no text", field="cif")
    if not text or text.isspace():
        raise InvalidCif("the CIF is empty", field="cif")
    text = text.removeprefix("\ufeff")
    if text.startswith(cif2.MAGIC):
        text, left_out = cif2.as_cif1(text)
        if left_out:
            notes.append(f"{left_out} lists and tables of CIF 2.0 were left out of account")
    return text


def _parsed(text: str, notes: list[str]) -> cif.Document:
    try:
        return cif.read_string(text)
    except (ValueError, RuntimeError, UnicodeError) as fault:
        if text.isascii():
            raise InvalidCif(f"the text is not CIF: {fault}", field="cif", value=text) from fault
    # The parser takes other characters in quotes only, as CIF 1.1 does not have them at all.
    try:
        document = cif.read_string(_BEYOND_ASCII.sub(_in_ascii, text))
    except (ValueError, RuntimeError, UnicodeError) as fault:
        raise InvalidCif(f"the text is not CIF: {fault}", field="cif", value=text) from fault
    notes.append("names hold characters that CIF does not have; they were replaced by '_', open squares by 'Va'")
    return document


def _in_ascii(match: re.Match[str]) -> str:
    return "Va" if match.group() in _SQUARES else "_"
