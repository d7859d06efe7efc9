"""
Live indexing: into the index that answers, and into the one that is being built beside it.

What the second one misses is found when it is compared with the documents, before it goes live and after.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from candor.documents import Document, Documents
from candor.errors import CandorError, Unavailable
from candor.indexing.service import MAX_PASSAGES_AT_ONCE, MIN_SECONDS, Indexing, Moved, Remaining, unlimited
from candor.indexing.shelves import Plan, Shelf, Shelves
from candor.search import Passage

_MOVES: Final = 3
"""How often one call begins again because another index went live under it."""

logger = logging.getLogger(__name__)


class Building:
    """
    The index that is being built, as a worker writes to it: what goes wrong there is logged and left.

    A half it shares with the live index is not written to twice. After a failure its embedder is left alone
    for a while, so that one that is down does not hold up what the live index waits for.
    """

    def __init__(
        self, shelf: Shelf, *, live: Shelf, clock: Callable[[], float] = time.monotonic, rest: float = 60.0
    ) -> None:
        self._shelf = shelf
        self._words = shelf.generation.words != live.generation.words
        self._vectors = shelf.generation.vectors != live.generation.vectors
        self._clock = clock
        self._rest = rest
        self._resting_until = float("-inf")

    def put_words(self, passages: Sequence[Passage]) -> None:
        if passages and self._words:
            self._attempt(lambda: self._shelf.keywords.put(passages))

    def put_vectors(self, passages: Sequence[Passage], remaining: Remaining) -> None:
        if not self._vectors or self._clock() < self._resting_until:
            return
        for start in range(0, len(passages), MAX_PASSAGES_AT_ONCE):
            if remaining() < MIN_SECONDS:
                return
            part = passages[start : start + MAX_PASSAGES_AT_ONCE]
            if not self._attempt(
                lambda part=part: self._shelf.vectors.put(part, self._shelf.embedder.embed_passages(part))  # type: ignore[misc]
            ):
                self._resting_until = self._clock() + self._rest
                return

    def tidy(self, document: Document) -> None:
        keep = document.version if document.deleted else document.served_version
        if keep > 1 or document.deleted:
            for written, index in ((self._words, self._shelf.keywords), (self._vectors, self._shelf.vectors)):
                if written:
                    self._attempt(
                        lambda index=index: index.forget(document.document_id, keep_version=keep)  # type: ignore[misc]
                    )

    def _attempt(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except CandorError as error:
            logger.warning("building index not written", extra={"reason": type(error).__name__})
            return False
        return True


class LiveIndexing:
    """`Indexing` into whatever is live, and into what is being built beside it."""

    def __init__(
        self, *, documents: Documents, shelves: Shelves, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._documents = documents
        self._shelves = shelves
        self._pause = pause
        self._building: tuple[Shelf, Building] | None = None

    def index_many(
        self, document_ids: Sequence[str], *, remaining: Remaining = unlimited
    ) -> Mapping[str, CandorError]:
        """
        As `Indexing`. A document is done only when all indexes that count at that moment have been written
        to: before it is marked the record is read again, and where it has moved, so is the work.
        """
        failures: dict[str, CandorError] = {}
        waiting: Sequence[str] = list(dict.fromkeys(document_ids))
        for _ in range(_MOVES):
            try:
                plan = self._shelves.for_writing()
            except Unavailable as error:
                return failures | dict.fromkeys(waiting, error)
            back = self._indexing(plan).index_many(waiting, remaining=remaining)
            failures |= back
            waiting = [document_id for document_id, error in back.items() if isinstance(error, Moved)]
            if not waiting:
                break
            for document_id in waiting:
                del failures[document_id]
        else:
            failures |= dict.fromkeys(waiting, Unavailable("The index is being switched."))
        return failures

    def _indexing(self, plan: Plan) -> Indexing:
        building = None
        if plan.building is not None:
            if self._building is None or self._building[0] is not plan.building:
                self._building = (plan.building, Building(plan.building, live=plan.live))
            building = self._building[1]
        return Indexing(
            documents=self._documents,
            keywords=plan.live.keywords,
            vectors=plan.live.vectors,
            embedder=plan.live.embedder,
            building=building,
            unmoved=lambda: plan.covers(self._shelves.plan(fresh=True)),
            pause=self._pause,
        )
