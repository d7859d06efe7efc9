"""In-memory search: both indexes and an embedder without an engine, for tests and for small demos."""

import math
import re
import threading
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from candor.analysis import passage_terms, query_terms
from candor.errors import Unavailable
from candor.search import ANYTHING, Hit, Passage, Stored, Vector, Where, embedding_text

_K1, _B = 1.2, 0.75
"""Lucene's constants of BM25."""

_WORD = re.compile(r"\w+")

_SILENT = frozenset(
    _WORD.findall(
        "a an and are as at be but by can do does for from get has have how i if in is it its my no not of "
        "on or our so that the their there these they this to was we what when where which who why will "
        "with you your "
        "в и как к мне мой на не о по с у что это я де до з й мені мій про та це що як"
    )
)
"""Words that make every passage match every question."""


class _Shelf:
    """Passages by id, one lock, and a switch that takes the whole thing down."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`, as an engine does that cannot be reached."""
        self._lock = threading.RLock()
        self._passages: dict[str, Passage] = {}

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        with self._open():
            for passage in list(self._passages.values()):
                if passage.document_id == document_id and _older(passage, keep_version):
                    self._drop(passage.passage_id)

    def stored(self) -> Iterator[Stored]:
        with self._open():
            counts = Counter((passage.document_id, passage.version) for passage in self._passages.values())
        for (document_id, version), passages in counts.items():
            yield Stored(document_id=document_id, version=version, passages=passages)

    def drop(self) -> None:
        with self._open():
            for passage_id in list(self._passages):
                self._drop(passage_id)

    def _drop(self, passage_id: str) -> None:
        del self._passages[passage_id]

    def _open(self) -> threading.RLock:
        if self.down:
            raise Unavailable("The in-memory index has been taken down.")
        return self._lock


class MemoryKeywords(_Shelf):
    """A `KeywordIndex` in a dictionary: BM25 over headings and text, of the terms engines get too."""

    def __init__(self) -> None:
        super().__init__()
        self._terms: dict[str, tuple[Counter[str], Counter[str]]] = {}

    def put(self, passages: Sequence[Passage]) -> None:
        with self._open():
            for passage in passages:
                heading = passage_terms(f"{passage.title}\n{passage.path}", passage.language)
                body = passage_terms(passage.text, passage.language)
                self._passages[passage.passage_id] = passage
                self._terms[passage.passage_id] = (Counter(heading), Counter(body))

    def search(self, question: str, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        with self._open():
            admitted = [id_ for id_, passage in self._passages.items() if where.admits(passage)]
            scores = self._bm25(question, admitted)
            best = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
            return [Hit(passage=self._passages[id_], score=score) for id_, score in best]

    def score(self, question: str, passage_ids: Sequence[str]) -> dict[str, float]:
        with self._open():
            return self._bm25(question, self._passages.keys() & set(passage_ids))

    def _bm25(self, question: str, candidates: Collection[str]) -> dict[str, float]:
        wanted = query_terms(question)
        scores: dict[str, float] = {}
        for column in (0, 1):
            everything = [terms[column] for terms in self._terms.values()]
            average = sum(terms.total() for terms in everything) / max(1, len(everything)) or 1.0
            for word in wanted:
                holding = sum(1 for terms in everything if word in terms)
                rarity = math.log(1 + (len(everything) - holding + 0.5) / (holding + 0.5))
                for id_ in candidates:
                    terms = self._terms[id_][column]
                    if frequency := terms[word]:
                        damping = _K1 * (1 - _B + _B * terms.total() / average)
                        scores[id_] = scores.get(id_, 0.0) + rarity * frequency / (frequency + damping)
        return scores

    def _drop(self, passage_id: str) -> None:
        super()._drop(passage_id)
        del self._terms[passage_id]


class MemoryVectors(_Shelf):
    """
    A `VectorIndex` in a dictionary: the cosine to everything.

    Between `hold` and `settle` writes are taken but not seen, as in a store that catches up late.
    """

    def __init__(self) -> None:
        super().__init__()
        self._vectors: dict[str, Vector] = {}
        self._late: list[tuple[Passage, Vector]] | None = None

    def hold(self) -> None:
        """From now on `put` is not seen by reads."""
        with self._lock:
            self._late = self._late or []

    def settle(self) -> None:
        """Everything put so far is seen, and so is what comes."""
        with self._lock:
            late, self._late = self._late or [], None
            self._show(late)

    def put(self, passages: Sequence[Passage], vectors: Sequence[Vector]) -> None:
        with self._open():
            pairs = list(zip(passages, vectors, strict=True))
            if self._late is None:
                self._show(pairs)
            else:
                self._late.extend(pairs)

    def confirmed(self, document_id: str, version: int, passages: int) -> bool:
        with self._open():
            ours = (
                p for p in self._passages.values() if (p.document_id, p.version) == (document_id, version)
            )
            return sum(1 for _ in ours) >= passages

    def search(self, vector: Vector, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        with self._open():
            admitted = [id_ for id_, passage in self._passages.items() if where.admits(passage)]
            best = sorted(self.score(vector, admitted).items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
            return [Hit(passage=self._passages[id_], score=score) for id_, score in best]

    def score(self, vector: Vector, passage_ids: Sequence[str]) -> dict[str, float]:
        with self._open():
            known = [id_ for id_ in passage_ids if id_ in self._vectors]
            return {id_: _dot(vector, self._vectors[id_]) for id_ in known}

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        with self._open():
            super().forget(document_id, keep_version=keep_version)
            if self._late is not None:
                self._late = [
                    (passage, vector)
                    for passage, vector in self._late
                    if passage.document_id != document_id or not _older(passage, keep_version)
                ]

    def _show(self, pairs: Sequence[tuple[Passage, Vector]]) -> None:
        for passage, vector in pairs:
            self._passages[passage.passage_id] = passage
            self._vectors[passage.passage_id] = list(vector)

    def _drop(self, passage_id: str) -> None:
        super()._drop(passage_id)
        del self._vectors[passage_id]


class HashEmbedder:
    """
    An `Embedder` without a model: each word adds one signed unit at a place its checksum names.

    Texts that share words are near, all others are orthogonal but for collisions; the same text gives
    the same vector on every machine. Good enough to test what is done with vectors, not for answers.
    """

    def __init__(self, dimensions: int = 256) -> None:
        self._dimensions = dimensions
        self.down = False
        """Set it and every call raises `Unavailable`."""

    @property
    def name(self) -> str:
        return "hash"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        return [self._embed(embedding_text(passage)) for passage in passages]

    def embed_question(self, question: str) -> Vector:
        return self._embed(question)

    def _embed(self, text: str) -> Vector:
        if self.down:
            raise Unavailable("The hashing embedder has been taken down.")
        sums = [0.0] * self._dimensions
        for term in _terms(text):
            place = zlib.crc32(term.encode())
            sums[place % self._dimensions] += 1.0 if place & 1 << 31 else -1.0
        length = math.sqrt(sum(value * value for value in sums))
        if length == 0.0:  # No word, or all cancelled out: any direction will do.
            return [1.0] + [0.0] * (self._dimensions - 1)
        return [value / length for value in sums]


def _terms(text: str) -> list[str]:
    """Words in small letters, cut to six letters so that most inflections meet, silent ones left out."""
    words = (word.casefold() for word in _WORD.findall(text))
    return [word[:6] for word in words if word not in _SILENT]


def _older(passage: Passage, version: int | None) -> bool:
    return version is None or passage.version < version


def _dot(left: Vector, right: Vector) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
