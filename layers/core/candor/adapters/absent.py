"""Absent: what stands behind a port when nothing is configured for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NoReturn

from candor.errors import Unavailable
from candor.search import ANYTHING, Hit, Passage, Stored, Vector, Where
from candor.tickets.store import Entry
from candor.tickets.values import Approval, Order, Ticket, Wanted


class _Absent:
    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        self._refuse()

    def stored(self) -> Iterator[Stored]:
        self._refuse()

    def drop(self) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Unavailable(self._sentence, retry_after=60)


class AbsentKeywords(_Absent):
    """A `KeywordIndex` that is always unavailable."""

    def put(self, passages: Sequence[Passage]) -> None:
        self._refuse()

    def search(self, question: str, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        self._refuse()

    def score(self, question: str, passage_ids: Sequence[str]) -> dict[str, float]:
        self._refuse()


class AbsentVectors(_Absent):
    """A `VectorIndex` that is always unavailable."""

    def put(self, passages: Sequence[Passage], vectors: Sequence[Vector]) -> None:
        self._refuse()

    def confirmed(self, document_id: str, version: int, passages: int) -> bool:
        self._refuse()

    def search(self, vector: Vector, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        self._refuse()

    def score(self, vector: Vector, passage_ids: Sequence[str]) -> dict[str, float]:
        self._refuse()


class AbsentEmbedder:
    """An `Embedder` that is always unavailable."""

    name = "none"

    def __init__(self, sentence: str, *, dimensions: int = 1) -> None:
        self._sentence = sentence
        self.dimensions = dimensions
        """Of the index that was made by the one that is missing."""

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        raise Unavailable(self._sentence, retry_after=60)

    def embed_question(self, question: str) -> Vector:
        raise Unavailable(self._sentence, retry_after=60)


class NoVectors:
    """A `VectorIndex` that holds nothing, where search by words is all that was asked for."""

    def put(self, passages: Sequence[Passage], vectors: Sequence[Vector]) -> None:
        """There is nowhere to put them."""

    def confirmed(self, document_id: str, version: int, passages: int) -> bool:
        return True

    def search(self, vector: Vector, *, limit: int, where: Where = ANYTHING) -> list[Hit]:
        return []

    def score(self, vector: Vector, passage_ids: Sequence[str]) -> dict[str, float]:
        return {}

    def forget(self, document_id: str, *, keep_version: int | None = None) -> None:
        """There is nothing to forget."""

    def stored(self) -> Iterator[Stored]:
        return iter(())

    def drop(self) -> None:
        """There is nothing to drop."""


class NoEmbedder:
    """The `Embedder` beside `NoVectors`: its vectors say nothing and go nowhere."""

    name = "none"
    dimensions = 1

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        return [(1.0,)] * len(passages)

    def embed_question(self, question: str) -> Vector:
        return (1.0,)


class AbsentTicketDirectory:
    """A `TicketDirectory` that is always unavailable."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def put(self, entries: Sequence[Entry]) -> None:
        self._refuse()

    def revise(self, tickets: Sequence[Ticket]) -> Sequence[str]:
        self._refuse()

    def remove(self, ticket_ids: Iterable[str]) -> None:
        self._refuse()

    def page(
        self, wanted: Wanted, *, page: int, page_size: int, order: Order = Order.NEWEST
    ) -> tuple[Sequence[str], int]:
        self._refuse()

    def count(self, wanted: Wanted) -> int:
        self._refuse()

    def after(self, wanted: Wanted, ticket_id: str, *, limit: int) -> Sequence[str]:
        self._refuse()

    def entries_after(self, ticket_id: str, *, limit: int) -> Sequence[tuple[str, int, Approval]]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Unavailable(self._sentence, retry_after=60)


class AbsentVault:
    """A `Vault` for functions that were given no key: they read settings, and open no secret."""

    def seal(self, secret: bytes, context: Mapping[str, str]) -> str:
        raise Unavailable("This function seals no secrets: CONFIG_KEY_ID is not set.", retry_after=60)

    def open(self, sealed: str, context: Mapping[str, str]) -> bytes:
        raise Unavailable("This function opens no secrets: CONFIG_KEY_ID is not set.", retry_after=60)
