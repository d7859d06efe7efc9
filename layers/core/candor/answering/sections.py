"""Sections: what stands under one heading of a passage, and how probably it is what answers the question."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from candor.answering.data import data
from candor.answering.evidence import Inquiry
from candor.answering.holding import demands, holds_kind
from candor.answering.rating import Candidate
from candor.answering.words import Bag

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
        above = inquiry.sources[each.source].units[: each.index]
        grouped.setdefault((each.source, sum(unit.kind == "heading" for unit in above)), []).append(each)
    rarity = _rarity(inquiry)
    measured = any(each.likeness is not None for each in candidates)
    coefficients = data("sections")["measured" if measured else "unmeasured"]
    valued = [(tuple(group), _values(inquiry, group, rarity)) for group in grouped.values()]
    scores = [
        sum(coefficients[name] * values[name] for name in FEATURES)
        + _OFFICIAL.get(inquiry.sources[units[0].source].passage.doc_type, 0.0)
        for units, values in valued
    ]
    top = max(scores, default=0.0)
    whole = sum(math.exp(score - top) for score in scores)
    found = [
        Section(units=units, values=values, score=score, share=math.exp(score - top) / whole)
        for (units, values), score in zip(valued, scores, strict=True)
    ]
    return sorted(found, key=lambda section: -section.score)


def _rarity(inquiry: Inquiry) -> dict[str, float]:
    """How much each term tells the passages found apart (the idf of BM25 among them)."""
    bags = [source.whole for source in inquiry.sources]
    found = {}
    for term in inquiry.terms:
        held = sum(bag.has(term) for bag in bags)
        found[term.word] = math.log(1 + (len(bags) - held + 0.5) / (held + 0.5))
    return found


_IN_HEADING = 0.6


def _values(inquiry: Inquiry, group: Sequence[Candidate], rarity: Mapping[str, float]) -> dict[str, float]:
    source = inquiry.sources[group[0].source]
    language = source.passage.language
    told = " ".join(f"{each.unit.label} {each.unit.text}" for each in group)
    bag = Bag.of(f"{group[0].heading} {told}", language)
    whole = covered = total = rare = 0.0
    for term in inquiry.terms:
        weight = term.weight * rarity[term.word]
        held = 1.0 if bag.has(term) else _IN_HEADING if source.head.has(term) else 0.0
        whole, covered = whole + term.weight, covered + (term.weight if held else 0.0)
        total, rare = total + weight, rare + held * weight
    near = sorted((each.near for each in group), reverse=True)
    top = max((each.score for each in inquiry.sources), default=0.0) or 1.0
    asked = [kind for kind in inquiry.kinds if demands(kind)]
    return {
        "likeness": near[0],
        "second": sum(near[:2]) / len(near[:2]),
        "cosine": source.cosine if source.cosine is not None else 0.3,
        "fused": source.score / top,
        "covered": covered / whole if whole else 1.0,
        "rare": rare / total if total else 1.0,
        "words": max(each.words for each in group),
        "kind": max((float(holds_kind(told, kind)) for kind in asked), default=0.5),
    }
