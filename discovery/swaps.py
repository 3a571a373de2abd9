"""Which elements may take the place of which, as a chemist writes it: `S>Se,O`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from superion.errors import InvalidValue
from superion.featurizers.element_data import ATOMIC_NUMBER
from superion.featurizers.formula import Formula

_SWAP = re.compile(r"\s*([A-Za-z]+)\s*>\s*([A-Za-z]+(?:\s*,\s*[A-Za-z]+)*)\s*")


@dataclass(frozen=True)
class Swap:
    """Hold an element of the parent and what may take its place."""

    host: str
    dopants: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Swap:
        """Read `S>Se,O`: sulfur, in whose place selenium or oxygen may be; raises InvalidValue."""
        match = _SWAP.fullmatch(text)
        if match is None:
            raise InvalidValue(f"the swap {text!r} cannot be read; write for example S>Se,O", field="swap", value=text)
        host, dopants = match[1], tuple(part.strip() for part in match[2].split(","))
        for symbol in (host, *dopants):
            if symbol not in ATOMIC_NUMBER:
                raise InvalidValue(f"{symbol!r} in the swap {text!r} is not an element", field="swap", value=text)
        if host in dopants or len(set(dopants)) < len(dopants):
            raise InvalidValue(
                f"the swap {text!r} names an element twice; name each substituent once, and none that is there already",
                field="swap",
                value=text,
            )
        return cls(host, dopants)

    def __str__(self) -> str:
        return f"{self.host}>{','.join(self.dopants)}"


def check_swaps(swaps: Sequence[Swap], parent: Formula) -> None:
    """Check swaps against the parent; raises InvalidValue where one names nothing of it, or two name the same."""
    if not swaps:
        raise InvalidValue("at least one swap is needed, such as S>Se,O", field="swap")
    for place, swap in enumerate(swaps):
        if swap.host not in parent:
            raise InvalidValue(
                f"{parent.text} holds no {swap.host} that could be replaced ({swap}); it holds "
                f"{', '.join(parent.symbols)}",
                field="swap",
                value=str(swap),
            )
        if swap.host in {other.host for other in swaps[:place]}:
            raise InvalidValue(
                f"{swap.host} is replaced in two swaps; write all that may take its place in one, as in S>Se,O",
                field="swap",
                value=str(swap),
            )
