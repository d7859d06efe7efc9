"""Evidence: the passages an answer may be written from, and what of the question they hold."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from operator import mul
from typing import Protocol

from candor.answering.asking import Kind, kinds
from candor.answering.layout import Layout
from candor.answering.units import Unit, sentences, units
from candor.answering.words import Bag, Term, fold, terms
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
    head: Bag
    """The words of title and headings."""
    whole: Bag
    """Those and the text's."""
    layout: Layout


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
    context: str = ""
    """The turn before, if the question leans on it."""
    added: str = ""
    """What was asked last, if the question is the one before and this behind it."""

    @property
    def told(self) -> str:
        """The question with what it leans on."""
        return f"{self.context}\n{self.text}" if self.context else self.text

    @property
    def heavy(self) -> tuple[Term, ...]:
        """The terms whose absence tells something."""
        return tuple(term for term in self.terms if term.weight >= 1.0)


class Likeness(Protocol):
    """How near short texts are to a question in meaning, 0..1."""

    def of(self, question: str, passages: Sequence[Passage]) -> Sequence[float]: ...

    def without(self, question: str, words: Sequence[str], passage: Passage) -> Mapping[str, float]:
        """
        How much nearer the passage comes when a word is left out of what is asked: below 0 for a word that
        it speaks of, in whatever words of its own, above 0 for one that it says nothing about.

        For the first few of the (folded) words that stand in the question.
        """
        ...


class EmbeddedLikeness:
    """
    Likeness by an embedder at hand: the cosine of question and text, heading included.

    Of a question that tells a story each sentence is compared as well, and the nearest counts: what is
    asked drowns in the mean of all that is told.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[tuple[str, str, str], Vector] = {}

    def of(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        if not passages:
            return []
        asked = [self._asked(part) for part in (question, *_parts(question))]
        return [max(_cosine(part, vector) for part in asked) for vector in self._vectors(passages)]

    def without(self, question: str, words: Sequence[str], passage: Passage) -> Mapping[str, float]:
        if not words:
            return {}
        vector = self._vectors([passage])[0]
        whole = _cosine(self._asked(question), vector)
        found = {}
        for word in words[:_MOST_LEFT_OUT]:
            shorter = _left_out(question, word)
            if shorter:
                found[word] = _cosine(self._asked(shorter), vector) - whole
        return found

    def _asked(self, question: str) -> Vector:
        """As a tuple, since it is compared with many: its numbers are made floats once."""
        return tuple(self._embedder.embed_question(question))

    def _vectors(self, passages: Sequence[Passage]) -> list[Vector]:
        """Embedded once, some 5 ms each: what is asked often is answered from the same few pieces."""
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        keys = [(passage.title, passage.path, passage.text) for passage in passages]
        new = {key: passage for key, passage in zip(keys, passages, strict=True) if key not in self._known}
        found = {key: self._known[key] for key in keys if key in self._known}
        found.update(zip(new, self._embedder.embed_passages(list(new.values())) if new else (), strict=True))
        self._known.update(found)
        return [found[key] for key in keys]


_REMEMBERED = 12_000
"""Vectors, some 1.5 KB each."""


def _cosine(one: Vector, other: Vector) -> float:
    """Of vectors of length 1."""
    return float(sum(map(mul, one, other)))


_MOST_LEFT_OUT = 6
"""Words, some 3 ms each."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def _left_out(text: str, word: str) -> str:
    """The text without the word wherever it stands; empty if it does not, or nothing else is there."""
    shorter = _WORD.sub(lambda match: "" if fold(match.group()) == word else match.group(), text)
    return " ".join(shorter.split()) if shorter != text and _WORD.search(shorter) else ""


_FEWEST_WORDS, _MOST_PARTS = 4, 4


def _parts(question: str) -> list[str]:
    """The sentences of a question of several, the longest of them."""
    found = [question[start:end] for start, end in sentences(question)]
    long = [part for part in found if len(part.split()) >= _FEWEST_WORDS]
    return sorted(long, key=len, reverse=True)[:_MOST_PARTS] if len(found) > 1 else []


def source(passage: Passage, *, score: float, cosine: float | None, bm25: float | None) -> Source:
    """A passage as it was found, taken apart once, for selecting, verifying and deciding alike."""
    parts, head, whole, layout = _apart(passage)
    return Source(
        passage=passage,
        score=score,
        cosine=cosine,
        bm25=bm25,
        units=parts,
        head=head,
        whole=whole,
        layout=layout,
    )


@lru_cache(maxsize=1_024)
def _apart(passage: Passage) -> tuple[tuple[Unit, ...], Bag, Bag, Layout]:
    """Once while it is asked for: a quarter of what an answer costs, some 35 KB each."""
    body = Bag.of(passage.text, passage.language)
    head = Bag.of(f"{passage.title} {passage.path}", passage.language)
    parts = tuple(units(passage.text))
    return parts, head, body | head, Layout(parts, body=body, head=head)


def inquire(
    text: str,
    *,
    language: str,
    sources: Sequence[Source],
    context: str = "",
    added: str = "",
    reply: str = "",
    degraded: bool = False,
    likeness: Likeness | None = None,
) -> Inquiry:
    """
    What is asked, beside what was found.

    `context` is the question before, if this one leans on it, and `reply` what was answered to that: it
    often names what the talk is about ("that is a snapshot") where the asker does not. `added`: the end of
    the text, if what comes before it is the question before.
    """
    own = terms(text, language=language)
    for earlier, share in ((context, _EARLIER), (reply[:_OF_REPLY], _REPLIED)):
        said = {term.word for term in own}
        own += tuple(
            dataclasses.replace(term, weight=share * term.weight, name=False)
            for term in terms(earlier, language=language)
            if term.word not in said
        )
    return Inquiry(
        text=text,
        language=language,
        context=context,
        added=added,
        terms=spelled(own, sources),
        kinds=kinds(text),
        sources=tuple(sources),
        degraded=degraded,
        likeness=likeness,
    )


_EARLIER, _REPLIED = 0.5, 0.3
"""What a word of the question before, or of its reply, weighs of what it would in the question itself."""

_OF_REPLY = 200
"""Characters: a reply begins with what it is about."""

_ALIKE, _SHORTEST = 0.86, 6
"""How much of its letters a misspelt word shares with the right one; the length from which that says much."""


def spelled(wanted: Sequence[Term], sources: Sequence[Source]) -> tuple[Term, ...]:
    """The terms, those that stand nowhere read as the word they are nearest to ("outlok", "certifcate")."""
    known: list[str] = []
    found = []
    for term in wanted:
        word = term.word
        if (
            len(word) >= _SHORTEST
            and word.isalpha()
            and not term.name
            and not any(each.layout.holds(term) for each in sources)
        ):
            known = known or sorted({stem for each in sources for stem in each.whole.stems})
            like = [other for other in known if other[:1] == word[:1] and len(other) >= _SHORTEST - 1]
            nearest = get_close_matches(word, like, n=1, cutoff=_ALIKE)
            if nearest:
                term = dataclasses.replace(term, word=nearest[0])
        found.append(term)
    return tuple(found)


def narrowed(passage: Passage, text: str) -> Passage:
    """The passage as if it held this piece alone, so that it can be embedded under its headings."""
    return dataclasses.replace(passage, text=text)
