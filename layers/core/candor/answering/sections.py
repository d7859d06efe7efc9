"""Sections: what stands under one heading of a passage, and how probably it is what answers the question."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from candor.answering import asking
from candor.answering.data import data
from candor.answering.evidence import Inquiry
from candor.answering.holding import demands, holds_kind
from candor.answering.layout import HEAD
from candor.answering.rating import Candidate

FEATURES = ("likeness", "second", "cosine", "fused", "covered", "rare", "words", "kind")
"""
What a section's share is computed from, each about 0..1:

likeness: the best unit and the question; second: the mean of its two best. cosine and fused: what retrieval,
which has seen the passage whole, thinks of it. covered: the question's weight in the section and its
headings; rare: the same with words that stand in most passages found counting for little, those of the
headings for three fifths. words: the best unit's. kind: it holds the price, duration, … that is asked for.

Left out, because cross-validated figures were no better with: the likeness of the whole section (12 ms each),
of its heading alone, its length and place, another passage of the same page that was found as well.
"""


_OFFICIAL = {"policy": 0.2, "tos": 0.2, "pricing": 0.2, "conversation": -0.6}
"""Added to the score: a policy before a help page, a past ticket last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Candidates under one heading of one passage."""

    units: tuple[Candidate, ...]
    values: Mapping[str, float]
    score: float
    """A logit: comparable within one question, and between questions to a degree."""
    share: float
    """Of the probability that one of the sections found holds the answer, all adding up to 1."""

    @property
    def source(self) -> int:
        return self.units[0].source


def sections_of(inquiry: Inquiry, candidates: Sequence[Candidate]) -> list[Section]:
    """The candidates by heading, the best section first."""
    grouped: dict[tuple[int, int], list[Candidate]] = {}
    for each in sorted(candidates, key=lambda each: (each.source, each.index)):
        grouped.setdefault((each.source, each.section), []).append(each)
    rarity = _rarity(inquiry)
    measured = any(each.likeness is not None for each in candidates)
    coefficients = data("sections")["measured" if measured else "unmeasured"]
    weights = [(term.weight, term.weight * rarity[term.word]) for term in inquiry.terms]
    marks = {
        number: [inquiry.sources[number].layout.marks(term) for term in inquiry.terms]
        for number in {number for number, _ in grouped}
    }
    wrong_way = _wrong_way(inquiry, marks)
    top = max((each.score for each in inquiry.sources), default=0.0) or 1.0
    valued = [
        (tuple(group), _values(inquiry, group, weights, marks[number], top))
        for (number, _), group in grouped.items()
    ]
    scores = [
        sum(coefficients[name] * values[name] for name in FEATURES)
        + _OFFICIAL.get(inquiry.sources[units[0].source].passage.doc_type, 0.0)
        - (_WRONG_WAY if units[0].source in wrong_way else 0.0)
        for units, values in valued
    ]
    highest = max(scores, default=0.0)
    whole = sum(math.exp(score - highest) for score in scores)
    found = [
        Section(units=units, values=values, score=score, share=math.exp(score - highest) / whole)
        for (units, values), score in zip(valued, scores, strict=True)
    ]
    return sorted(found, key=lambda section: -section.score)


def _rarity(inquiry: Inquiry) -> dict[str, float]:
    """How much each term tells the passages found apart (the idf of BM25 among them)."""
    layouts = [source.layout for source in inquiry.sources]
    found = {}
    for term in inquiry.terms:
        held = sum(layout.holds(term) for layout in layouts)
        found[term.word] = math.log(1 + (len(layouts) - held + 0.5) / (held + 0.5))
    return found


def _wrong_way(inquiry: Inquiry, numbers: Iterable[int]) -> set[int]:
    """The sources whose headings tell of moving away where moving to us is asked about, or the reverse."""
    asked = asking.direction(inquiry.told) if asking.moves(inquiry.told) else 0
    passages = {number: inquiry.sources[number].passage for number in numbers} if asked else {}
    return {
        number
        for number, passage in passages.items()
        if asked * asking.direction(f"{passage.title}\n{passage.path}") < 0
    }


_WRONG_WAY = 3.0
"""
Judged: page and question agree in every word but "to you" and "away", and what is told is done to no good.
"""

_IN_HEADING = 0.6


def _values(
    inquiry: Inquiry,
    group: Sequence[Candidate],
    weights: Sequence[tuple[float, float]],
    marks: Sequence[int],
    top: float,
) -> dict[str, float]:
    """`weights` of the terms, plain and by their rarity; `marks`: where they stand; `top`: the best score."""
    source = inquiry.sources[group[0].source]
    stretch = source.layout.sections[group[0].section]
    whole = covered = total = rare = 0.0
    for mark, (weight, rarer) in zip(marks, weights, strict=True):
        held = 1.0 if mark & stretch.marks else _IN_HEADING if mark & HEAD else 0.0
        whole, covered = whole + weight, covered + (weight if held else 0.0)
        total, rare = total + rarer, rare + held * rarer
    near = sorted((each.near for each in group), reverse=True)
    asked = [kind for kind in inquiry.kinds if demands(kind)]
    return {
        "likeness": near[0],
        "second": sum(near[:2]) / len(near[:2]),
        "cosine": source.cosine if source.cosine is not None else 0.3,
        "fused": source.score / top,
        "covered": covered / whole if whole else 1.0,
        "rare": rare / total if total else 1.0,
        "words": max(each.words for each in group),
        "kind": max((float(holds_kind(stretch.told, kind)) for kind in asked), default=0.5),
    }
