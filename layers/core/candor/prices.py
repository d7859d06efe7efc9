"""Prices: what a model's tokens cost, by its exact name and the day."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

_MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """USD per million tokens, from a day on."""

    since: date
    input: float
    output: float


Prices = Mapping[str, tuple[Price, ...]]
"""By exact model name, oldest first."""


@cache
def known_prices() -> Prices:
    """The prices in `prices.json` beside this module."""
    loaded = json.loads((Path(__file__).parent / "prices.json").read_text("utf-8"))
    return {
        name: tuple(
            Price(since=date.fromisoformat(row["from"]), input=row["input"], output=row["output"])
            for row in sorted(rows, key=lambda row: str(row["from"]))
        )
        for name, rows in loaded["models"].items()
    }


def cost(prices: Prices, model: str, *, input_tokens: int, output_tokens: int, day: date) -> float | None:
    """
    USD, or None for a model or a day without a known price.

    The name must be equal: a prefix match once billed a mini model as its big one, 27 times too much.
    """
    held = [price for price in prices.get(model, ()) if price.since <= day]
    if not held:
        return None
    return (input_tokens * held[-1].input + output_tokens * held[-1].output) / _MILLION
