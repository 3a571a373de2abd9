"""Bytes of a text file in, characters out: UTF-8, else Windows-1252, else refused."""

from __future__ import annotations

import re

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")


class NotText(ValueError):
    """Say that bytes are no text; the message says why and what would be right."""


def decode(content: bytes) -> tuple[str, str | None]:
    """Return the characters of a text file, and a note where they had to be guessed.

    A file that is not UTF-8 is read as Windows-1252, which Latin-1 is part of, unless it holds control characters, as
    binary data does. What is read from such files is written in ASCII, so that only names can be misread.

    Raises NotText.
    """
    try:
        return content.decode("utf-8"), None
    except UnicodeDecodeError as fault:
        at = fault.start
    control = _CONTROL.search(content)
    if control is not None:
        raise NotText(
            f"is not UTF-8 text (byte {at}) and holds the control character 0x{control.group()[0]:02x} "
            f"(byte {control.start()}), so it is binary data or UTF-16; save it as UTF-8 or plain ASCII"
        )
    # Windows-1252 leaves five bytes without a character; Latin-1 has one for each.
    text = content.decode("cp1252", errors="replace")
    return text, f"the file is not UTF-8 (byte {at}); it was read as Windows-1252, so names may be misspelt"
