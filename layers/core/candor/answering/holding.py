"""Holding: whether a text holds the kind of thing that is asked for."""

import re
from functools import cache, lru_cache

from candor.answering import facts
from candor.answering.asking import Kind
from candor.answering.data import data

_SHAPED = frozenset(
    {Kind.PRICE, Kind.DURATION, Kind.AMOUNT, Kind.PORT, Kind.PLACE, Kind.STEPS, Kind.COMMAND, Kind.REASON}
)


@cache
def _needed(kind: Kind) -> re.Pattern[str] | None:
    if kind not in _SHAPED:
        return None
    # Commands are told by their capitals among other things; everything else in any case.
    flags = re.M if kind is Kind.COMMAND else re.I
    return re.compile("|".join(data("patterns")[f"holds_{kind.value}"]), flags)


@lru_cache(maxsize=8_192)
def holds_kind(text: str, kind: Kind) -> bool:
    """Whether the text could answer a question of this kind at all; kinds without a shape always can."""
    # Kept: what is asked often is answered from the same few passages; a pattern takes 10 to 50 µs of each.
    pattern = _needed(kind)
    return pattern is None or bool(pattern.search(text))


def priced(text: str) -> bool:
    """Whether a text says what something costs: money, a share of it, or that it is free."""
    return any(
        number.unit in facts.strict_units() for number in facts.numbers(_ALL_IN.sub("", text))
    ) or bool(_free().search(text))


_ALL_IN = re.compile(
    r"\b(?:at|above|below|over|under|bei|über|unter|от|до|при)\s\d{1,3}(?:[.,]\d+)?\s?%", re.I
)
"""A level ("at 90 % you get a warning"), not a price."""


@cache
def _free() -> re.Pattern[str]:
    return re.compile(data("patterns")["holds_price"][-1], re.I)


def demands(kind: Kind) -> bool:
    """Whether the kind asks for something with a shape of its own."""
    return _needed(kind) is not None
