"""Conflicts: where two pages say the same thing with other numbers, the more official one leads."""

from collections.abc import Sequence
from functools import lru_cache

from candor.answering import facts
from candor.answering.evidence import Inquiry
from candor.answering.extracting import Extract, Piece
from candor.answering.words import Bag

_ALIKE = 0.6
"""Share of all words of two sentences that both have, numbers left out."""

_TELLING = 0.5
"""The weight of a term from which it is part of the subject."""

_ORDER = {"policy": 0, "tos": 0, "pricing": 0, "conversation": 2}


def official(doc_type: str) -> int:
    """Policies, terms and prices before other pages; past talks last."""
    return _ORDER.get(doc_type, 1)


def conflict(inquiry: Inquiry, extract: Extract) -> Piece | None:
    """
    A sentence of another page that is like the best one, of the answer's, but for its numbers.

    The other page has to speak of the same thing: it holds all that the question and our page share.
    """
    best = inquiry.sources[extract.best.source].passage
    claim = extract.best.unit.text
    ours = facts.digits(claim)
    if not ours or extract.best.unit.kind == "code":
        return None
    words = _bare(claim, best.language)
    held = inquiry.sources[extract.best.source].layout
    # Words of any question ("how many") tell nothing of what it is about.
    subject = [term for term in inquiry.terms if term.weight >= _TELLING and held.holds(term)]
    for number, source in enumerate(inquiry.sources[:8]):
        passage = source.passage
        if passage.document_id == best.document_id or passage.language != best.language:
            continue
        if not all(source.layout.holds(term) for term in subject):
            continue
        for unit in source.units:
            if unit.kind not in ("sentence", "item", "row"):
                continue
            theirs = facts.digits(unit.text)
            if not theirs:
                continue
            other = _bare(unit.text, passage.language)
            alike = len(words & other) / max(1, len(words | other))
            if alike >= _ALIKE and _disagree(ours, theirs):
                return Piece(source=number, unit=unit, score=extract.best.score)
    return None


@lru_cache(maxsize=4_096)
def _bare(text: str, language: str) -> frozenset[str]:
    """Its words without those that hold a digit."""
    return frozenset(
        word for word in Bag.of(text, language).stems if not any(letter.isdigit() for letter in word)
    )


def _disagree(ours: Sequence[facts.Number], theirs: Sequence[facts.Number]) -> bool:
    """Numbers of one unit on both sides, and none in common."""
    shared = {each.unit for each in ours} & {each.unit for each in theirs}
    return any(
        not any(
            one.agrees(other) for one in ours if one.unit == unit for other in theirs if other.unit == unit
        )
        for unit in shared
    )
