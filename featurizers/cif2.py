"""CIF 2.0 rewritten in the CIF 1.1 that the parser reads: lists and tables left out, triple quotes as text fields."""

from __future__ import annotations

import re

from superion.errors import InvalidCif

MAGIC = "#\\#CIF_2.0"
"""First characters of every CIF 2.0 file."""

_TOKEN = re.compile(
    r"""(?P<comment>(?<!\S)\#[^\n]*)
    |(?P<field>(?:^|(?<=\n));.*?\n;)
    |(?P<triple>'''.*?'''|\"\"\".*?\"\"\")
    |(?P<quoted>'[^'\n]*'|"[^"\n]*")
    |(?P<bracket>[\[\]{}])
    |(?P<space>\s+)
    |(?P<word>[^\s\[\]{}]+)""",
    re.DOTALL | re.VERBOSE,
)
_OPEN = {"[": "]", "{": "}"}


def as_cif1(text: str) -> tuple[str, int]:
    """Return CIF 2.0 text as CIF 1.1, a `?` in place of each list and table, and how many those are.

    No value that is read is a list or a table.
    Raises InvalidCif for brackets that do not match. Source: Bernstein et al. 2016, doi:10.1107/S1600576715021871.
    """
    written: list[str] = []
    expected: list[str] = []
    left_out = 0
    for token in _TOKEN.finditer(text):
        kind, part = token.lastgroup, token.group()
        if kind == "bracket" and part in _OPEN:
            if not expected:
                written.append(" ? ")
                left_out += 1
            expected.append(_OPEN[part])
        elif kind == "bracket":
            if not expected or expected.pop() != part:
                raise InvalidCif(f"the text is not CIF 2.0: {part!r} closes no bracket", field="cif", value=text)
        elif not expected:
            written.append(_as_field(part[3:-3]) if kind == "triple" else part)
    if expected:
        raise InvalidCif(f"the text is not CIF 2.0: {expected[-1]!r} is missing", field="cif", value=text)
    return "".join(written), left_out


def _as_field(content: str) -> str:
    # A line that begins with a semicolon would end the field.
    return "\n;" + content.replace("\n;", "\n ;") + "\n;\n"
