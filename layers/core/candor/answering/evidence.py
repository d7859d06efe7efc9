"""Evidence: the passages an answer may be written from, and what of the question they hold."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from candor.answering.asking import Kind, kinds
from candor.answering.units import Unit, sentences, units
from candor.answering.words import Bag, Term, terms
from candor.search import Embedder, Passage, Vector


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One passage found, with what its indexes thought of it. None: that index was not heard."""

    passage: Passage
    score: float
    """Fused, higher is better; compares within one search only."""
    cosine: float | None
    bm25: float | None
    units: tuple[Unit, ...]
    body: Bag
    head: Bag
    """The words of title and headings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inquiry:
    """A question made ready to be answered."""

    text: str
    language: str
    terms: tuple[Term, ...]
    kinds: tuple[Kind, ...]
    sources: tuple[Source, ...]
    """Best first."""
    degraded: bool = False
    likeness: "Likeness | None" = field(default=None)

    @property
    def heavy(self) -> tuple[Term, ...]:
        """The terms whose absence tells something."""
        return tuple(term for term in self.terms if term.weight >= 1.0)


class Likeness(Protocol):
    """How near short texts are to a question in meaning, 0..1."""

    def of(self, question: str, passages: Sequence[Passage]) -> Sequence[float]: ...


class EmbeddedLikeness:
    """
    Likeness by an embedder at hand: the cosine of question and text, heading included.

    Of a question that tells a story each sentence is compared as well, and the nearest counts: what is
    asked drowns in the mean of all that is told.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def of(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        if not passages:
            return []
        asked = [self._embedder.embed_question(part) for part in (question, *_parts(question))]
        return [
            max(_cosine(part, vector) for part in asked) for vector in self._embedder.embed_passages(passages)
        ]


def _cosine(one: Vector, other: Vector) -> float:
    return sum(float(left) * float(right) for left, right in zip(one, other, strict=True))


_FEWEST_WORDS, _MOST_PARTS = 4, 4


def _parts(question: str) -> list[str]:
    """The sentences of a question of several, the longest of them."""
    found = [question[start:end] for start, end in sentences(question)]
    long = [part for part in found if len(part.split()) >= _FEWEST_WORDS]
    return sorted(long, key=len, reverse=True)[:_MOST_PARTS] if len(found) > 1 else []


def source(passage: Passage, *, score: float, cosine: float | None, bm25: float | None) -> Source:
    """A passage taken apart once, for selecting, verifying and deciding alike."""
    return Source(
        passage=passage,
        score=score,
        cosine=cosine,
        bm25=bm25,
        units=tuple(units(passage.text)),
        body=Bag.of(passage.text, passage.language),
        head=Bag.of(f"{passage.title} {passage.path}", passage.language),
    )


def inquire(
    text: str,
    *,
    language: str,
    sources: Sequence[Source],
    context: str = "",
    degraded: bool = False,
    likeness: Likeness | None = None,
) -> Inquiry:
    """What is asked, beside what was found. `context` is the turn before, if the question leans on it."""
    return Inquiry(
        text=text,
        language=language,
        terms=terms(text, language=language),
        kinds=kinds(text),
        sources=tuple(sources),
        degraded=degraded,
        likeness=likeness,
    )


def narrowed(passage: Passage, text: str) -> Passage:
    """The passage as if it held this piece alone, so that it can be embedded under its headings."""
    return dataclasses.replace(passage, text=text)
