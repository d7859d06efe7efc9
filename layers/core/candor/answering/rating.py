"""Rating: how well each unit of the evidence answers the question, and which is the best."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from candor.answering.asking import Kind
from candor.answering.data import data
from candor.answering.evidence import Inquiry, Source, narrowed
from candor.answering.holding import demands, holds_kind
from candor.answering.units import Unit
from candor.answering.words import Bag

_CONSIDERED = 12
"""Passages looked into."""

_MEASURED = 20
"""Units whose likeness is computed, some 4 ms each; 36 of them chose no better answers."""

_OFFICIAL = {"policy": 1.03, "tos": 1.03, "pricing": 1.03, "conversation": 0.93}
"""What counts more when passages disagree: a policy before a help page, a past ticket last."""

_PASSAGE, _RANK, _BESIDE = 0.5, 0.3, 0.2
"""What retrieval's score, its order and a second passage of the same page add to the best unit's score."""


@dataclass(slots=True)
class Candidate:
    source: int
    index: int
    unit: Unit
    words: float
    score: float = 0.0
    likeness: float | None = None


def candidates_of(inquiry: Inquiry) -> list[Candidate]:
    found = []
    for number, source in enumerate(inquiry.sources[:_CONSIDERED]):
        heading = Bag.of("", source.passage.language)
        asked = Bag.of("", source.passage.language)
        for index, unit in enumerate(source.units):
            bag = Bag.of(f"{unit.label} {unit.text}", source.passage.language)
            if unit.kind == "heading":
                heading = bag
                continue
            if unit.kind == "asked":
                asked = asked | bag
                continue
            if _boilerplate().match(unit.text) or len(unit.text) < 3:
                continue
            words = _words(inquiry, source, bag, heading | asked)
            found.append(Candidate(source=number, index=index, unit=unit, words=words))
    return found


def _words(inquiry: Inquiry, source: Source, bag: Bag, heading: Bag) -> float:
    """The share of the question's weight met here: fully in the unit, less in what stands around it."""
    total = found = 0.0
    for term in inquiry.terms:
        total += term.weight
        if bag.holds(term.word):
            found += term.weight
        elif heading.holds(term.word) or source.head.holds(term.word):
            found += 0.7 * term.weight
        elif source.body.holds(term.word):
            found += 0.35 * term.weight
    return found / total if total else 0.0


def rate(inquiry: Inquiry, candidates: list[Candidate]) -> None:
    top = max((source.score for source in inquiry.sources[:_CONSIDERED]), default=0.0) or 1.0
    asked = inquiry.kinds[0]
    for candidate in candidates:
        source = inquiry.sources[candidate.source]
        kind = 1.0 if demands(asked) and holds_kind(candidate.unit.text, asked) else 0.0
        candidate.score = 0.42 * candidate.words + 0.36 * source.score / top + 0.1 * kind
    candidates.sort(key=lambda candidate: -candidate.score)
    measured = candidates[:_MEASURED]
    if inquiry.likeness is not None:
        nearness = inquiry.likeness.of(
            inquiry.text,
            [narrowed(inquiry.sources[each.source].passage, each.unit.text[:400]) for each in measured],
        )
        for candidate, near in zip(measured, nearness, strict=True):
            candidate.likeness = near
    for candidate in candidates:
        source = inquiry.sources[candidate.source]
        if candidate.likeness is not None:
            near = candidate.likeness
        else:
            # Not among those measured, or nothing to measure with: the passage's own, discounted.
            near = (source.cosine if source.cosine is not None else 0.45) * (0.5 if inquiry.likeness else 0.8)
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
        candidate.score *= _OFFICIAL.get(source.passage.doc_type, 1.0)


def best_of(inquiry: Inquiry, candidates: Sequence[Candidate]) -> Candidate:
    """
    The best unit of the best passage.

    The passage first: retrieval has seen it whole. Going by the best unit alone, 60 of 99 development
    questions got their facts; by the passage first, with the pieces laid out anew, 65.
    """
    top = max((source.score for source in inquiry.sources), default=0.0) or 1.0
    tops: dict[int, Candidate] = {}
    for each in candidates:
        if each.source not in tops or each.score > tops[each.source].score:
            tops[each.source] = each

    def worth(each: Candidate) -> float:
        source = inquiry.sources[each.source]
        beside = max(
            (
                other.score
                for other in inquiry.sources[:_CONSIDERED]
                if other is not source and other.passage.document_id == source.passage.document_id
            ),
            default=0.0,
        )
        rank = 1.0 / (1.0 + each.source)
        return _PASSAGE * source.score / top + _RANK * rank + _BESIDE * beside / top + each.score

    return max(tops.values(), key=worth)


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
