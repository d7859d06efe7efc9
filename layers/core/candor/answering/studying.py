"""Studying: from a question that stands alone to its evidence, and to what could be quoted of it."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from candor.answering import asking, slots
from candor.answering.condensing import Condensed
from candor.answering.deciding import bounded, features, probability
from candor.answering.evidence import Inquiry, Likeness, inquire, source
from candor.answering.extracting import Extract, extract
from candor.answering.keeping import Run
from candor.answering.words import Term, fold, tokens
from candor.retrieval import Found, FoundPassage
from candor.search import Where

_PASSAGES = 20
"""Found for one question: the first few are written from, the rest tell what is known at all."""

_SEARCH_SECONDS = 3.0

_NAME = 1.6
"""What a name weighs among the terms of a question."""


class Finding(Protocol):
    """What `candor.retrieval.Retrieval` does."""

    def find(
        self,
        question: str,
        *,
        limit: int = ...,
        where: Where = ...,
        deadline_seconds: float = ...,
        previous: str | None = ...,
    ) -> Found: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Studied:
    """A question with its evidence. `extracted` is None where nothing found shares anything with it."""

    asked: str
    """In the asker's words."""
    inquiry: Inquiry
    extracted: Extract | None
    hits: tuple[FoundPassage, ...]
    _known: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def features(self, *, verified: float = 1.0) -> dict[str, float]:
        """Of an answer drawn from this evidence. Only `verified` differs from one such answer to another."""
        assert self.extracted is not None
        if not self._known:
            self._known.update(features(self.inquiry, self.extracted))
        return {**self._known, "verified": bounded(verified)}

    def confidence(self, values: dict[str, float], *, kind: str) -> float:
        """How probable it is that an answer of this kind, with these features, is right."""
        return probability(values, model=kind, measured=self.inquiry.likeness is not None)


class Studying:
    """Looks questions up. Raises what `Finding` does."""

    def __init__(
        self, *, retrieval: Finding, likeness: Likeness | None, where: Where, seconds: float
    ) -> None:
        self._retrieval = retrieval
        self._likeness = likeness
        self._where = where
        self._seconds = min(_SEARCH_SECONDS, seconds / 3)

    def study(self, asked: str, condensed: Condensed, run: Run) -> Studied:
        """What there is to answer one question from; noted in the run. Raises `CandorError`."""
        found = self._retrieval.find(
            condensed.text,
            limit=_PASSAGES,
            where=self._where,
            deadline_seconds=self._seconds,
            previous=condensed.context or None,
        )
        hits = slots.preferred(found.hits, run.slots, run.policy.slots)
        run.note_found(found, hits)
        started = time.perf_counter()
        inquiry = inquire(
            condensed.text,
            context=condensed.context,
            reply=asking.replied(run.history) if condensed.context else "",
            language=run.language,
            sources=[source(hit.passage, score=hit.score, cosine=hit.cosine, bm25=hit.bm25) for hit in hits],
            degraded=bool(found.degraded),
            likeness=self._likeness,
        )
        inquiry = replace(inquiry, terms=_named(inquiry, run.policy.domain_terms))
        extracted = extract(inquiry) if hits else None
        run.spend("extract", started)
        return Studied(asked=asked, inquiry=inquiry, extracted=extracted, hits=hits)


_ENDING = re.compile(r"(?<![\w.])\.([^\W\d_]{2,12})\b")
"""Of a domain: "a .io" is a name, as short as it is."""


def _named(inquiry: Inquiry, domain_terms: Sequence[str]) -> tuple[Term, ...]:
    """The question's terms. Endings of domains and words of the trade are names: nothing else will do."""
    text = fold(inquiry.text)
    endings = set(_ENDING.findall(text))
    # "shop" stands on many pages that know nothing of ".shop".
    held = [fold(source.passage.text) for source in inquiry.sources] if endings else []
    unknown = {ending for ending in endings if not any(f".{ending}" in each for each in held)}
    names = set(endings)
    said = f" {' '.join(tokens(text))} "
    for term in domain_terms:
        words = tokens(term)
        if words and f" {' '.join(words)} " in said:
            names.update(words)
    return tuple(
        replace(
            term,
            word=f".{term.word}" if term.word in unknown else term.word,
            name=True,
            weight=max(term.weight, _NAME),
        )
        if term.word in names
        else term
        for term in inquiry.terms
    )
