"""Rating: how well each unit of the evidence answers the question, and which is the best."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from candor.answering.asking import Kind
from candor.answering.data import data
from candor.answering.evidence import Inquiry, narrowed
from candor.answering.holding import demands, holds_kind
from candor.answering.units import Unit
from candor.answering.words import Bag
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


def candidates_of(inquiry: Inquiry) -> list[Candidate]:
    found = []
    for number, source in enumerate(inquiry.sources[:CONSIDERED]):
        heading, said = Bag.of("", source.passage.language), ""
        asked = Bag.of("", source.passage.language)
        # Looked up once a passage, not once a unit: some eighty units stand in twelve passages.
        head = frozenset(term.word for term in inquiry.terms if source.head.has(term))
        body = frozenset(term.word for term in inquiry.terms if source.body.has(term))
        for index, unit in enumerate(source.units):
            bag = Bag.of(f"{unit.label} {unit.text}", source.passage.language)
            if unit.kind == "heading":
                heading, said = bag, unit.text
                continue
            if unit.kind == "asked":
                asked = asked | bag
                continue
            if _boilerplate().match(unit.text) or len(unit.text) < 3:
                continue
            words = _words(inquiry, bag, heading | asked, head, body)
            found.append(Candidate(source=number, index=index, unit=unit, words=words, heading=said))
    return found


def _words(inquiry: Inquiry, bag: Bag, heading: Bag, head: Collection[str], body: Collection[str]) -> float:
    """The share of the question's weight met here: fully in the unit, less in what stands around it."""
    total = found = 0.0
    for term in inquiry.terms:
        total += term.weight
        if bag.has(term):
            found += term.weight
        elif term.word in head or heading.has(term):
            found += 0.7 * term.weight
        elif term.word in body:
            found += 0.35 * term.weight
    return found / total if total else 0.0


def rate(inquiry: Inquiry, candidates: list[Candidate]) -> None:
    top = max((source.score for source in inquiry.sources[:CONSIDERED]), default=0.0) or 1.0
    asked = inquiry.kinds[0]
    for candidate in candidates:
        source = inquiry.sources[candidate.source]
        kind = 1.0 if demands(asked) and holds_kind(candidate.unit.text, asked) else 0.0
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
            candidate.score -= 0.0 if asked in (Kind.COMMAND, Kind.STEPS) else 0.06
        if asked in (Kind.STEPS, Kind.COMMAND):
            # What to do is asked for: instructions before the words that introduce a guide.
            candidate.score += 0.1 if candidate.unit.kind in ("step", "code", "lead") else 0.0
            introduces = _introduction().search(f"{source.passage.path}\n{candidate.unit.text}")
            candidate.score -= 0.15 if introduces else 0.0
        if _is_code_like(candidate.unit.text) and candidate.unit.kind != "code":
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


def _is_code_like(text: str) -> bool:
    """Code that lost its fence: more signs than words."""
    signs = sum(not character.isalnum() and not character.isspace() for character in text)
    return len(text) > 20 and signs > 0.22 * len(text) and text.count("`") < 2


@cache
def _introduction() -> re.Pattern[str]:
    return re.compile("|".join(data("patterns")["introduction"]), re.I)


@cache
def _boilerplate() -> re.Pattern[str]:
    return re.compile("|".join(data("patterns")["boilerplate"]), re.I | re.S)
