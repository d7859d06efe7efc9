"""Studying: from a question that stands alone to its evidence, and to what could be quoted of it."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from candor.answering import asking, slots, translating
from candor.answering.condensing import Condensed
from candor.answering.deciding import bounded, features, held, probability
from candor.answering.evidence import Inquiry, Likeness, inquire, source
from candor.answering.extracting import Extract, extract
from candor.answering.keeping import Run
from candor.answering.words import Term, fold, tokens
from candor.errors import CandorError
from candor.language import UNDETERMINED, detect
from candor.retrieval import Found, FoundPassage
from candor.search import Where

_PASSAGES = 20
"""Found for one question: the first few are written from, the rest tell what is known at all."""

_SEARCH_SECONDS = 3.0

_UNDERSTOOD = 0.85
"""
What the confidence in an answer found word by word is worth. Without it 20 such answers were given on two
collections, one of them wrong (what a domain's transfer costs, from how it is done); with it 16, all right.
"""

_ABOUT_IT = 0.5
"""The share of a question's weighty words from which an answer may be about it."""

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
    translated: bool = False
    """Found by the question's words in English."""
    _known: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def features(self, *, verified: float = 1.0) -> dict[str, float]:
        """Of an answer drawn from this evidence. Only `verified` differs from one such answer to another."""
        assert self.extracted is not None
        if not self._known:
            self._known.update(features(self.inquiry, self.extracted))
        return {**self._known, "verified": bounded(verified)}

    def confidence(self, values: dict[str, float], *, kind: str) -> float:
        """How probable it is that an answer of this kind, with these features, is right."""
        likely = probability(values, model=kind, measured=self.inquiry.likeness is not None)
        # A model reads the question as it was asked, and sees for itself whether that is what was found.
        return _UNDERSTOOD * likely if self.translated and kind == "extractive" else likely


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
        found, studied = self._looked_up(asked, condensed, run)
        try:
            if alone := _alone(studied.inquiry):
                elsewhere, other = self._looked_up(asked, alone, run)
                sure = _likely(other) >= run.policy.thresholds.answer
                if sure or _likely(other) > _likely(studied) or _elsewhere(studied):
                    run.notes.append("looked up without the talk")
                    found, studied, condensed = elsewhere, other, alone
            if english := self._in_english(studied, condensed, run):
                elsewhere, other = self._looked_up(asked, english, run, translated=True)
                if _likely(other) > _likely(studied):
                    run.notes.append("looked up in English")
                    found, studied = elsewhere, _as_asked(other, studied)
        except CandorError:
            pass  # What was found first stands, as little as it may be.
        run.note_found(found, studied.hits)
        return studied

    def _in_english(self, studied: Studied, condensed: Condensed, run: Run) -> Condensed | None:
        """
        The question in English, where nothing was found in its own language that one could ask back about.

        Only with an embedder at hand: a rented one knows all languages, and is paid for each question.
        """
        told = detect(condensed.text)
        language = run.language if told == UNDETERMINED else told
        if self._likeness is None or language == translating.ENGLISH:
            return None
        if _likely(studied) >= run.policy.thresholds.ask:
            return None
        text = translating.in_english(condensed.text, language=language)
        context = translating.in_english(condensed.context, language=language) if text else ""
        return Condensed(text=text, context=context) if text else None

    def _looked_up(
        self, asked: str, condensed: Condensed, run: Run, *, translated: bool = False
    ) -> tuple[Found, Studied]:
        """What is found for a question, as it was asked or `translated`, and what could be quoted of it."""
        found = self._retrieval.find(
            condensed.text,
            limit=_PASSAGES,
            where=self._where,
            deadline_seconds=self._seconds,
            previous=condensed.context or None,
        )
        hits = slots.preferred(found.hits, run.slots, run.policy.slots)
        started = time.perf_counter()
        inquiry = inquire(
            condensed.text,
            context=condensed.context,
            added=condensed.added,
            reply=asking.replied(run.history) if condensed.context and not translated else "",
            language=translating.ENGLISH if translated else run.language,
            sources=[source(hit.passage, score=hit.score, cosine=hit.cosine, bm25=hit.bm25) for hit in hits],
            degraded=bool(found.degraded),
            likeness=self._likeness,
        )
        inquiry = replace(inquiry, terms=_named(inquiry, run.policy.domain_terms))
        extracted = extract(inquiry) if hits else None
        run.spend("extract", started)
        studied = Studied(asked=asked, inquiry=inquiry, extracted=extracted, hits=hits, translated=translated)
        return found, studied


def _alone(inquiry: Inquiry) -> Condensed | None:
    """
    The question without the one before, where it may be a new one: it points nowhere, or tells enough.

    "How do I install WordPress?" after one about refunds is as short as "How many shops can I connect?" after
    one about a shop: what is found tells which of them leans on the talk.
    """
    text, own = inquiry.text, inquiry.heavy
    if not inquiry.context or asking.continues(text):
        return None
    tells = len(own) > 2 if asking.leans(text) else len(own) > 1 or any(term.name for term in own)
    return Condensed(text=text) if tells else None


def _elsewhere(studied: Studied) -> bool:
    """Whether what was found with the talk is about the talk: it has less than half of what is asked now."""
    return studied.extracted is None or held(studied.inquiry, studied.extracted) < _ABOUT_IT


def _likely(studied: Studied) -> float:
    """How probable it is that what could be quoted answers the question."""
    return studied.confidence(studied.features(), kind="extractive") if studied.extracted else 0.0


def _as_asked(english: Studied, first: Studied) -> Studied:
    """What was found in English, to be told to who asked in another language; as probable as it was."""
    asked = first.inquiry
    found = replace(
        english,
        inquiry=replace(
            english.inquiry,
            text=asked.text,
            context=asked.context,
            language=asked.language,
            kinds=asked.kinds,
        ),
    )
    # They compare English words, which the question as it was asked does not have.
    found._known.update(english.features())
    return found


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
