"""
Slots: what a support question is about in the company's own categories.

Which product, operating system, billing cycle and region there are is said by the operator; how each is
spelt in six languages is known here. A slot without values is off.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from candor.answering.data import data
from candor.answering.values import Turn
from candor.answering.words import fold
from candor.retrieval import FoundPassage

ORDER = ("product_type", "os", "billing_cycle", "region")

_ELSEWHERE = 0.8
"""What the score of a passage keeps whose heading is of another product, system, cycle or region."""

_NEARLY = 0.8
"""Share of the best passage's score from which another value's passage might as well be meant."""

_TURNS = 4

_READ = 2_000
"""Characters of a message in which values are looked for."""

Known = Mapping[str, Sequence[str]]


def heard(text: str, history: Sequence[Turn], known: Known) -> dict[str, str]:
    """The value of each slot that the asker has named: in this question, else in the latest turn with one."""
    said = [text, *(turn.content for turn in reversed(history) if turn.role == "user")][: _TURNS + 1]
    found: dict[str, str] = {}
    for slot in _on(known):
        for each in said:
            named = values_in(each, slot, known)
            if named:
                # Two values are a comparison: neither is what the asker has.
                if len(named) == 1:
                    found[slot] = named[0]
                break
    return found


def values_in(text: str, slot: str, known: Known) -> list[str]:
    """The slot's values that a text names, as the operator spells them, in the operator's order."""
    folded = fold(text[:_READ])
    return [value for value in known.get(slot, ()) if value.strip() and _spelt(slot, value).search(folded)]


def preferred(
    hits: Sequence[FoundPassage], told: Mapping[str, str], known: Known
) -> tuple[FoundPassage, ...]:
    """The passages, those under a heading of another value further down."""
    if not told:
        return tuple(hits)
    weighed = []
    for hit in hits:
        heading = _heading(hit)
        named = ((values_in(heading, slot, known), value) for slot, value in told.items())
        elsewhere = any(values and value not in values for values, value in named)
        weighed.append(replace(hit, score=hit.score * _ELSEWHERE) if elsewhere and hit.score > 0 else hit)
    return tuple(sorted(weighed, key=lambda hit: -hit.score))


def open_slot(
    hits: Sequence[FoundPassage], told: Mapping[str, str], known: Known
) -> tuple[str, tuple[str, ...]] | None:
    """
    The slot that decides between passages equally good, and its values among them; None when none does.

    The best passage must be under a heading of one value, and one of another value must come near it.
    """
    near = [hit for hit in hits if hits and hit.score >= _NEARLY * hits[0].score > 0]
    for slot in _on(known):
        if slot in told or len(near) < 2:
            continue
        named = [values_in(_heading(hit), slot, known) for hit in near]
        if len(named[0]) != 1:
            continue
        choices = dict.fromkeys(values[0] for values in named if len(values) == 1)
        if len(choices) > 1:
            return slot, tuple(choices)
    return None


def _on(known: Known) -> list[str]:
    return [slot for slot in ORDER if any(value.strip() for value in known.get(slot, ()))]


def _heading(hit: FoundPassage) -> str:
    return f"{hit.passage.title}\n{hit.passage.path}"


@lru_cache(maxsize=2_000)
def _spelt(slot: str, value: str) -> re.Pattern[str]:
    """A value as it may be spelt; one we do not know by its own letters, blanks and dashes being alike."""
    own = r"[\s_-]*".join(re.escape(part) for part in re.split(r"[\s_-]+", fold(value).strip()) if part)
    ways = [own]
    for spellings in data("slots").get(slot, {}).values():
        if any(re.fullmatch(way, fold(value).strip()) for way in spellings):
            ways += spellings
    return re.compile(rf"(?<!\w)(?:{'|'.join(ways)})(?!\w)")
