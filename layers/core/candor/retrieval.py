"""
Retrieval: a question to the passages that may answer it.

Both indexes are asked at once under one deadline, and either may be missing. Their candidates are united,
every member gets both scores, and a convex mix orders them ("exact fusion": S. Bruch et al., "An Analysis
of Fusion Functions for Hybrid Retrieval", 2023, found it ahead of reciprocal rank fusion, and so did we).
What the truth no longer serves is dropped.

No learned ranker follows: trees over a dozen features (coverage, headings, bigrams, windows, …) lost .003 to
.01 nDCG@10 against this mix on every set they were not trained on (`tests/benchmarks/train_ranker.py`).
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, Literal, TypeVar

from candor.analysis import informative_words, passage_terms, query_groups
from candor.errors import TooMany, Unavailable, UpstreamFailed
from candor.indexing.shelves import Following, Shelf, Shelves
from candor.language import refers_back
from candor.search import ANYTHING, Embedder, Hit, KeywordIndex, Passage, Truth, Vector, VectorIndex, Where

VECTOR_WEIGHT: Final = 0.6
"""α of the mix. Sets of questions and answers want more, documentation a little less."""

_COSINE_UNIT: Final = 0.3
"""
The difference in cosine that weighs as much as all of BM25's range does.

Cosines are kept on this fixed scale: stretched to 0..1 over each question's candidates, they lose what they
say by being close together, and in an index of another language, where all are noise around 0, noise becomes
an opinion. nDCG@10, against min-max in brackets: StackFAQ .943 (.929), TechQA .896 (.895), WixQA .905 (.905).
"""

_CANDIDATES: Final = 50
"""Taken from each index."""

_PREVIOUS_WEIGHT: Final = 0.3
_PREVIOUS_WORDS: Final = 6
_FEW_WORDS: Final = 2
_COVERAGE_OF: Final = 3

Index = Literal["keywords", "vectors"]
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPassage:
    """A passage that may be quoted, and why it is here."""

    passage: Passage
    score: float
    """The mix of both indexes, at most 1, relative to the other candidates of this question: the order, but
    not comparable between questions."""
    cosine: float | None
    """-1..1; None when the vector index did not tell. Comparable between questions of one embedder."""
    bm25: float | None
    """≥ 0, unbounded; None when the keyword index did not tell. Grows with the question's length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The passages, best first, and what speaks for or against answering from them."""

    hits: tuple[FoundPassage, ...]
    degraded: tuple[Index, ...] = ()
    """Indexes that failed or were late. Empty: both answered."""
    best_cosine: float | None = None
    """The highest of all candidates that may be quoted, whether among `hits` or not. With MiniLM,
    answerable questions lie above .45 (nine of ten), off-topic ones below .42 (nineteen of twenty)."""
    coverage: float = 0.0
    """Share of the question's informative words (no stop words; stems) in the first three hits together:
    0..1; 0 for a question without any."""
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """`embed`, `keywords`, `vectors` (in parallel), `scores`, `truth`, `total`."""
    generation: str = ""
    """Which index it was, and whose vectors, where it is one of several: for people who look into it."""
    embedder: str = ""


class Retrieval:
    """
    Finds passages by words and by meaning.

    Threads are its own: a query that is late goes on in the background until its adapter gives up.
    """

    def __init__(
        self,
        *,
        keywords: KeywordIndex,
        vectors: VectorIndex,
        embedder: Embedder,
        truth: Truth,
        vector_weight: float = VECTOR_WEIGHT,
    ) -> None:
        self._keywords = keywords
        self._vectors = vectors
        self._embedder = embedder
        self._truth = truth
        self._vector_weight = vector_weight
        self._threads: ThreadPoolExecutor | None = None

    def find(
        self,
        question: str,
        *,
        limit: int = 8,
        where: Where = ANYTHING,
        deadline_seconds: float = 2.0,
        previous: str | None = None,
    ) -> Found:
        """
        The best passages for a question, at most `limit`.

        `previous` is what the asker said before. It pulls the question's vector towards itself, and
        lends its rarest words to a question that does not stand alone. (On MTRAG that equals a person's
        rewriting of the question; pasting all turns together costs four tenths of nDCG.)

        Raises `Unavailable` when neither index answers in time, or the truth does not.
        """
        clock = _Clock(deadline_seconds)
        words = _with_context(question, previous)

        asked_words = self._start(
            clock.timing("keywords"),
            lambda: self._keywords.search(words, limit=_CANDIDATES, where=where),
        )
        asked_meaning = self._start(
            clock.timing("vectors"), lambda: self._by_meaning(question, previous, where, clock)
        )
        by_words = _result(asked_words, clock)
        by_meaning = _result(asked_meaning, clock)
        if by_words is None and by_meaning is None:
            raise Unavailable("Search is not available right now.")

        vector, near = by_meaning if by_meaning is not None else (None, None)
        passages = {hit.passage.passage_id: hit.passage for hit in (*(by_words or ()), *(near or ()))}
        bm25, cosine = self._both_scores(words, vector, passages, by_words, near, clock)
        fused = fuse(passages, bm25=bm25, cosine=cosine, vector_weight=self._vector_weight)
        with clock.timing("truth"):
            served = self._served([passages[id_] for id_ in fused], limit)

        told = [cosine[p.passage_id] for p in served if cosine is not None and p.passage_id in cosine]
        missing: dict[Index, bool] = {"keywords": by_words is None, "vectors": near is None}
        return Found(
            hits=tuple(
                FoundPassage(
                    passage=passage,
                    score=fused[passage.passage_id],
                    cosine=cosine.get(passage.passage_id) if cosine is not None else None,
                    bm25=bm25.get(passage.passage_id, 0.0) if bm25 is not None else None,
                )
                for passage in served[:limit]
            ),
            degraded=tuple(name for name, is_missing in missing.items() if is_missing),
            best_cosine=max(told, default=None),
            coverage=coverage(question, served[:_COVERAGE_OF]),
            timings_ms=clock.timings(),
        )

    def _by_meaning(
        self, question: str, previous: str | None, where: Where, clock: "_Clock"
    ) -> tuple[Vector, list[Hit]]:
        with clock.timing("embed"):
            vector = self._embedder.embed_question(question)
            if previous:
                vector = _mixed(vector, self._embedder.embed_question(previous))
        return vector, self._vectors.search(vector, limit=_CANDIDATES, where=where)

    def _both_scores(
        self,
        words: str,
        vector: Vector | None,
        passages: Mapping[str, Passage],
        by_words: Sequence[Hit] | None,
        near: Sequence[Hit] | None,
        clock: "_Clock",
    ) -> tuple[dict[str, float] | None, dict[str, float] | None]:
        """The BM25 and the cosine of every candidate; None for an index that is missing."""
        bm25 = {hit.passage.passage_id: hit.score for hit in by_words} if by_words is not None else None
        cosine = {hit.passage.passage_id: hit.score for hit in near} if near is not None else None
        with clock.timing("scores"):
            pending: list[tuple[dict[str, float], Future[dict[str, float]]]] = []
            no_bm25 = [id_ for id_ in passages if bm25 is not None and id_ not in bm25]
            if bm25 is not None and no_bm25:
                asked = self._start(None, lambda: self._keywords.score(words, no_bm25))
                pending.append((bm25, asked))
            no_cosine = [id_ for id_ in passages if cosine is not None and id_ not in cosine]
            if cosine is not None and vector is not None and no_cosine:
                asked = self._start(None, lambda: self._vectors.score(vector, no_cosine))
                pending.append((cosine, asked))
            for scores, asked in pending:
                told = _result(asked, clock)
                if told is not None:
                    scores.update(told)
        return bm25, cosine

    def _served(self, ranked: Sequence[Passage], limit: int) -> list[Passage]:
        """Those of the version the truth serves now: one question to it, two if much has changed."""
        served: list[Passage] = []
        # Each row asked for costs: a few more than are wanted, for those that are out of date.
        first = limit + max(4, limit // 4)
        for some in (ranked[:first], ranked[first:]):
            if some and len(served) < limit:
                versions = self._truth.served_versions({passage.document_id for passage in some})
                served += [
                    passage for passage in some if versions.get(passage.document_id) == passage.version
                ]
        return served

    def _start(self, timing: "_Timing | None", call: Callable[[], _T]) -> "Future[_T]":
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="retrieval")

        def timed() -> _T:
            with timing or nullcontext():
                return call()

        return self._threads.submit(timed)


class LiveRetrieval:
    """`Retrieval` from whatever is live, one and the same for the whole of a question."""

    def __init__(self, *, shelves: Shelves, truth: Truth) -> None:
        def over(shelf: Shelf) -> Retrieval:
            return Retrieval(
                keywords=shelf.keywords, vectors=shelf.vectors, embedder=shelf.embedder, truth=truth
            )

        self._following = Following(shelves, over)

    def find(
        self,
        question: str,
        *,
        limit: int = 8,
        where: Where = ANYTHING,
        deadline_seconds: float = 2.0,
        previous: str | None = None,
    ) -> Found:
        """As `Retrieval.find`; raises `Unavailable` also when nobody can say which index is live."""
        shelf, retrieval = self._following.with_shelf()
        found = retrieval.find(
            question, limit=limit, where=where, deadline_seconds=deadline_seconds, previous=previous
        )
        made = shelf.generation
        return replace(found, generation=made.generation_id, embedder=made.embedder_name)


def fuse(
    candidates: Collection[str],
    *,
    bm25: Mapping[str, float] | None,
    cosine: Mapping[str, float] | None,
    vector_weight: float = VECTOR_WEIGHT,
) -> dict[str, float]:
    """
    Passage ids with their mixed score, best first; 1 is the best there can be, and far ones fall below 0.

    BM25 counts by its share of the candidates' highest, the cosine by its distance from their highest.
    One unknown to BM25 shares no word: 0. One whose cosine is unknown is taken for the farthest known.
    With one index missing the other decides alone.
    """
    words = bm25 or {}
    most = max(words.values(), default=0.0) or 1.0
    nearness = cosine or {}
    nearest, farthest = max(nearness.values(), default=0.0), min(nearness.values(), default=0.0)
    weight = vector_weight if bm25 is not None and cosine is not None else float(bm25 is None)
    mixed = {
        id_: weight * (1 - (nearest - nearness.get(id_, farthest)) / _COSINE_UNIT)
        + (1 - weight) * words.get(id_, 0.0) / most
        for id_ in candidates
    }
    return dict(sorted(mixed.items(), key=lambda pair: (-pair[1], pair[0])))


def coverage(question: str, passages: Sequence[Passage]) -> float:
    """Share of the question's informative words that the passages hold together; 0 if it has none."""
    groups = query_groups(question)
    held = frozenset().union(*(_held(f"{p.title}\n{p.path}\n{p.text}", p.language) for p in passages))
    return sum(any(term in held for term in group) for group in groups) / len(groups) if groups else 0.0


@lru_cache(maxsize=512)
def _held(text: str, language: str) -> frozenset[str]:
    """Of popular passages, which are the best of many questions."""
    return frozenset(passage_terms(text, language))


def _with_context(question: str, previous: str | None) -> str:
    """The question, with the rarest words of an earlier turn if it does not stand alone."""
    if not previous:
        return question
    own = informative_words(question)
    refers = refers_back(question)
    if len(own) > _FEW_WORDS and not refers:
        return question
    # BM25 weighs a word by its rarity in the corpus; long words and those with digits are rare anywhere.
    rare = sorted(
        (word for word in informative_words(previous) if word not in own),
        key=lambda word: (not any(letter.isdigit() for letter in word), -len(word)),
    )
    return " ".join([question, *rare[:_PREVIOUS_WORDS]])


def _mixed(vector: Vector, previous: Vector) -> Vector:
    """Both directions, the question's first, of length 1 again."""
    mixed = [float(a) + _PREVIOUS_WEIGHT * float(b) for a, b in zip(vector, previous, strict=True)]
    length = math.sqrt(sum(value * value for value in mixed)) or 1.0
    return [value / length for value in mixed]


def _result(asked: "Future[_T]", clock: "_Clock") -> _T | None:
    """What was asked for, or None if it failed as services do, or is late."""
    try:
        return asked.result(timeout=clock.left())
    except (Unavailable, UpstreamFailed, TooMany, Late):
        return None


class _Clock:
    """How long is left, and where the time went."""

    def __init__(self, seconds: float) -> None:
        self._started = time.perf_counter()
        self._seconds = seconds
        self._spent: dict[str, float] = {}

    def left(self) -> float:
        return max(0.0, self._started + self._seconds - time.perf_counter())

    def timing(self, name: str) -> "_Timing":
        return _Timing(self._spent, name)

    def timings(self) -> dict[str, float]:
        total = time.perf_counter() - self._started
        return {name: round(1000 * spent, 2) for name, spent in [*self._spent.items(), ("total", total)]}


class _Timing:
    def __init__(self, spent: dict[str, float], name: str) -> None:
        self._spent = spent
        self._name = name

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._spent[self._name] = time.perf_counter() - self._started
