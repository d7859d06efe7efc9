"""Rating: how well each unit of the evidence answers the question, and which is the best."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from candor.answering.asking import Kind
from candor.answering.data import data
from candor.answering.evidence import Inquiry, narrowed
from candor.answering.holding import demands, holds_kind
from candor.answering.layout import BODY, HEAD, Place
from candor.answering.units import Unit
from candor.search import Passage

CONSIDERED = 12
"""Passages looked into."""

_MEASURED = 14
"""Units whose likeness is computed, some 5 ms each; 20 of them chose no better answers and told no more of
the wrong ones."""

_OF_ONE_PASSAGE = 4


@dataclass(slots=True)
class Candidate:
    source: int
    index: int
    unit: Unit
    words: float
    score: float = 0.0
    likeness: float | None = None
    near: float = 0.0
    """The likeness; where that was not measured, what the passage's own cosine makes probable."""
    heading: str = ""
    """The last one above it inside its passage."""
    section: int = 0
    """How many headings stand above it there."""
    code_like: bool = False


def candidates_of(inquiry: Inquiry) -> list[Candidate]:
    found = []
    for number, source in enumerate(inquiry.sources[:CONSIDERED]):
        # Looked up once a passage, not once a unit: some eighty units stand in twelve passages.
        marks = [(source.layout.marks(term), term.weight) for term in inquiry.terms]
        for place in source.layout.places:
            found.append(
                Candidate(
                    source=number,
                    index=place.index,
                    unit=place.unit,
                    words=_words(marks, place),
                    heading=place.heading,
                    section=place.section,
                    code_like=place.code_like,
                )
            )
    return found


def _words(marks: Sequence[tuple[int, float]], place: Place) -> float:
    """The share of the question's weight met here: fully in the unit, less in what stands around it."""
    total = found = 0.0
    own, around = place.own, place.around | HEAD
    for mark, weight in marks:
        total += weight
        if mark & own:
            found += weight
        elif mark & around:
            found += 0.7 * weight
        elif mark & BODY:
            found += 0.35 * weight
    return found / total if total else 0.0


def rate(inquiry: Inquiry, candidates: list[Candidate]) -> None:
    top = max((source.score for source in inquiry.sources[:CONSIDERED]), default=0.0) or 1.0
    asked = inquiry.kinds[0]
    demanded, to_do = demands(asked), asked in (Kind.STEPS, Kind.COMMAND)
    for candidate in candidates:
        source = inquiry.sources[candidate.source]
        kind = 1.0 if demanded and holds_kind(candidate.unit.text, asked) else 0.0
        candidate.score = 0.8 * candidate.words + 0.18 * source.score / top + 0.1 * kind
    candidates.sort(key=lambda candidate: -candidate.score)
    measured = _to_measure(candidates)
    if inquiry.likeness is not None:
        nearness = inquiry.likeness.of(inquiry.told, [compared(inquiry, each) for each in measured])
        for candidate, near in zip(measured, nearness, strict=True):
            candidate.likeness = near
    for candidate in candidates:
        source = inquiry.sources[candidate.source]
        if candidate.likeness is not None:
            near = candidate.likeness
        else:
            # Not among those measured, or nothing to measure with: the passage's own, discounted.
            near = (source.cosine if source.cosine is not None else 0.45) * (0.5 if inquiry.likeness else 0.8)
        candidate.near = near
        candidate.score += 0.55 * near
        if candidate.unit.kind == "code":
            candidate.score -= 0.0 if to_do else 0.06
        if to_do:
            # What to do is asked for: instructions before the words that introduce a guide.
            candidate.score += 0.1 if candidate.unit.kind in ("step", "code", "lead") else 0.0
            candidate.score -= 0.15 if _introduces(source.passage.path, candidate.unit.text) else 0.0
        if candidate.code_like:
            candidate.score -= 0.15
        if len(candidate.unit.text) < 25 and candidate.unit.kind in ("sentence", "item"):
            candidate.score -= 0.05


def compared(inquiry: Inquiry, candidate: Candidate) -> Passage:
    """What of a passage is compared with the question: one unit under its heading."""
    passage = inquiry.sources[candidate.source].passage
    return narrowed(passage, f"{candidate.heading}\n{candidate.unit.text[:400]}".strip())


def _to_measure(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best by words, at most a few of one passage: what is asked may be told there in other words."""
    chosen: list[Candidate] = []
    taken: Counter[int] = Counter()
    for each in ranked:
        if taken[each.source] < _OF_ONE_PASSAGE:
            taken[each.source] += 1
            chosen.append(each)
            if len(chosen) == _MEASURED:
                break
    return chosen


@lru_cache(maxsize=8_192)
def _introduces(path: str, text: str) -> bool:
    """Whether a text, or the heading above it, introduces what follows."""
    return bool(_introduction().search(f"{path}\n{text}"))


@cache
def _introduction() -> re.Pattern[str]:
    return re.compile("|".join(data("patterns")["introduction"]), re.I)
