"""Search: what a passage is, and the ports behind which it is found by words and by meaning."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Vector = Sequence[float]
"""One embedding, L2-normalised, `dimensions` long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """
    A stretch of one version of one document, short enough to quote.

    `passage_id` holds the version (`<document_id>:<version>:<ordinal>`), so that passages of two
    versions never overwrite each other and old ones can answer until the new ones do.
    """

    document_id: str
    version: int
    ordinal: int
    title: str
    path: str
    """The headings above the passage, outermost first, joined by ` › `; empty at the top."""
    text: str
    url: str
    doc_type: str
    source: str
    """The bucket key, `api` or the crawl that brought the document."""
    language: str
    """ISO 639-1, or `und`."""
    status: str = "approved"

    @property
    def passage_id(self) -> str:
        return f"{self.document_id}:{self.version}:{self.ordinal}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Which passages count. An empty set means any."""

    doc_types: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()

    def admits(self, passage: Passage) -> bool:
        return (
            (not self.doc_types or passage.doc_type in self.doc_types)
            and (not self.sources or passage.source in self.sources)
            and (not self.statuses or passage.status in self.statuses)
        )


ANYTHING = Where()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A passage and the score its index gave it. Scores of different indexes do not compare."""

    passage: Passage
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """One version of one document that an index holds, and how many passages of it."""

    document_id: str
    version: int
    passages: int


class KeywordIndex(Protocol):
    """
    Passages found by their words (BM25 over title, path and text).

    Several processes may read and write at once. Every method raises `Unavailable` when the
    engine cannot be reached in time.
    """

    def put(self, passages: Sequence[Passage]) -> None:
        """Store passages, replacing those of the same id. Searchable on return, for every process."""
        ...

    def search(self, question: str, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        """The best passages by BM25, best first. Score > 0. No words in common: an empty list."""
        ...

    def score(self, question: str, passage_ids: Sequence[str]) -> dict[str, float]:
        """The BM25 of these passages; one without a word in common is left out."""
        ...

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        """
        Remove a document's passages: all of them, or those of versions *below* `keep_version`. Twice is once.

        Later versions stay: another worker may be putting them while this one tidies up after itself.
        """
        ...

    def stored(self) -> Iterator[Stored]:
        """Everything held, document by document in any order, for `reconcile`."""
        ...

    def drop(self) -> None:
        """The whole index is gone. Twice is once; what is put afterwards begins a new one."""
        ...


class VectorIndex(Protocol):
    """
    Passages found by meaning (cosine of normalised vectors).

    `put` may be seen late by other readers (Pinecone); `confirmed` tells when it is not.
    """

    def put(self, passages: Sequence[Passage], vectors: Sequence[Vector]) -> None:
        """Store passages under their vectors, replacing those of the same id."""
        ...

    def confirmed(self, document_id: str, version: int, passages: int) -> bool:
        """Whether a read made now would see that many passages of this version."""
        ...

    def search(self, vector: Vector, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        """The nearest passages, nearest first; the score is the cosine, -1..1."""
        ...

    def score(self, vector: Vector, passage_ids: Sequence[str]) -> dict[str, float]:
        """The cosine of these passages; unknown ids are left out."""
        ...

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        """
        Remove a document's passages: all of them, or those of versions *below* `keep_version`. Twice is once.

        Later versions stay: another worker may be putting them while this one tidies up after itself.
        """
        ...

    def stored(self) -> Iterator[Stored]:
        """Everything held, document by document in any order, for `reconcile`."""
        ...

    def drop(self) -> None:
        """The whole index is gone. Twice is once; what is put afterwards begins a new one."""
        ...


class Embedder(Protocol):
    """Turns text into vectors. `name` and `dimensions` are part of every index's name."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        """One vector for each passage, in order, of title, path and text together."""
        ...

    def embed_question(self, question: str) -> Vector: ...


class Truth(Protocol):
    """What is allowed to be quoted now, whatever an index still holds."""

    def served_versions(self, document_ids: Iterable[str]) -> Mapping[str, int]:
        """The version of each document that may be quoted; one that may not is left out."""
        ...


def embedding_text(passage: Passage) -> str:
    """What is embedded: title and heading path in front of the text (worth up to +.2 nDCG@10)."""
    return "\n".join(part for part in (passage.title, passage.path, passage.text) if part)
