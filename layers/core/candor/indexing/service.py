"""
Indexing: each document's current version made findable, old ones until then, deleted ones never.

The message is an id; what is done follows from the row as it is now. A hit counts only if its version is
the row's `served_version`, so `mark_served` switches both indexes at once. Whatever is killed, doubled or
reordered, what remains to be done can be read from the row and is done by the next message.

While another index is being built, changes are written to it too, after the live one and as well as it
goes: the build compares it with the documents before it goes live.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from candor.chunking import chunk
from candor.documents import Document, Documents
from candor.errors import CandorError, Invalid, NotFound, Unavailable
from candor.search import Embedder, KeywordIndex, Passage, VectorIndex

Remaining = Callable[[], float]
"""Seconds until this invocation is ended from outside."""

MIN_SECONDS: Final = 5.0
"""With less than this left nothing is begun: what is cut off in the middle is done twice."""

MAX_PASSAGES_AT_ONCE: Final = 256
"""Embedded in one call: enough to sort by length and fill both cores, little to lose when time runs out."""

_READ_AT_ONCE: Final = 50
"""Rows read in one request, with their texts."""

_CONFIRMATIONS: Final = (0.1, 0.3, 0.6, 1.0)
"""Pauses, in seconds, in which a vector store may catch up before the message goes back to the queue."""


def unlimited() -> float:
    return math.inf


class Moved(Unavailable):
    """What was written to is not, or not all, that counts now."""


class Beside(Protocol):
    """An index that is being built: written to as well as it goes. Nothing raises."""

    def put_words(self, passages: Sequence[Passage]) -> None: ...

    def put_vectors(self, passages: Sequence[Passage], remaining: Remaining) -> None: ...

    def tidy(self, document: Document) -> None:
        """What lies there of older versions is forgotten; of a deleted document, everything."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    document: Document
    passages: tuple[Passage, ...]


class Indexing:
    """
    Keeps both indexes true to the documents, and the one that is being built as well as it goes.

    `unmoved` says whether these are still the indexes that count; what is not done by then is done again.
    """

    def __init__(
        self,
        *,
        documents: Documents,
        keywords: KeywordIndex,
        vectors: VectorIndex,
        embedder: Embedder,
        building: "Beside | None" = None,
        unmoved: Callable[[], bool] = lambda: True,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._documents = documents
        self._keywords = keywords
        self._vectors = vectors
        self._embedder = embedder
        self._building = building
        self._unmoved = unmoved
        self._pause = pause

    def index_many(
        self, document_ids: Sequence[str], *, remaining: Remaining = unlimited
    ) -> Mapping[str, CandorError]:
        """
        Make these documents searchable, or gone. Returns those to be tried again, each with the reason.

        A document that can never be indexed is marked failed and does not come back.
        """
        failures: dict[str, CandorError] = {}
        works: list[_Work] = []
        wanted = list(dict.fromkeys(document_ids))
        for start in range(0, len(wanted), _READ_AT_ONCE):
            portion = wanted[start : start + _READ_AT_ONCE]
            try:
                found = self._documents.find_many(portion)
            except Unavailable as error:
                failures.update(dict.fromkeys(portion, error))
                continue
            # A row that never was is left out: `reconcile` clears what an index may hold of it.
            for document_id, document in found.items():
                if remaining() < MIN_SECONDS:
                    failures[document_id] = Unavailable("There was no time left in this invocation.")
                    continue
                try:
                    if work := self._work(document):
                        works.append(work)
                except Unavailable as error:
                    failures[document_id] = error

        served = self._serve(works, failures)
        for batch in _batches(served):
            self._embed(batch, remaining, failures)
        return failures

    def _work(self, document: Document) -> _Work | None:
        """What there is to index; a deleted document, or one that is done, is tidied up here and now."""
        if document.deleted:
            self._keywords.forget(document.document_id, keep_version=document.version)
            self._vectors.forget(document.document_id, keep_version=document.version)
            if self._building is not None:
                self._building.tidy(document)
            self._documents.mark_indexed([document], confirmed=True)
            return None
        if not document.pending:
            self._tidy(document, self._keywords)
            self._tidy(document, self._vectors)
            if self._building is not None:
                self._building.tidy(document)
            return None
        try:
            contents = self._documents.contents(document)
        except NotFound:
            self._documents.mark_failed(document, "The stored text of this version is missing.")
            return None
        return _Work(document=document, passages=tuple(chunk(document, contents.text)))

    def _serve(self, works: Sequence[_Work], failures: dict[str, CandorError]) -> list[_Work]:
        """Words first: all that are now findable by them, whose vectors are to follow."""
        written: list[_Work] = []
        self._each_or_all(works, failures, self._put_words, written)
        if self._building is not None:
            # Before they are served: should it go live at this moment, they are findable there too.
            self._building.put_words([passage for work in written for passage in work.passages])
        try:
            current = self._documents.mark_served([(work.document, len(work.passages)) for work in written])
        except Unavailable as error:
            failures.update({work.document.document_id: error for work in written})
            return []
        served: list[_Work] = []
        for work in written:
            document = work.document
            try:
                if document.document_id in current:
                    served.append(work)
                    if document.version > 1:
                        self._keywords.forget(document.document_id, keep_version=document.version)
                else:
                    self._retreat(document.document_id, self._keywords)
            except Unavailable as error:
                failures[document.document_id] = error
        return [work for work in served if work.document.document_id not in failures]

    def _put_words(self, works: Sequence[_Work]) -> None:
        if passages := [passage for work in works for passage in work.passages]:
            self._keywords.put(passages)

    def _embed(self, works: Sequence[_Work], remaining: Remaining, failures: dict[str, CandorError]) -> None:
        embedded: list[_Work] = []

        def put_vectors(some: Sequence[_Work]) -> None:
            passages = [passage for work in some for passage in work.passages]
            for start in range(0, len(passages), MAX_PASSAGES_AT_ONCE):
                if remaining() < MIN_SECONDS:
                    raise Unavailable("There was no time left in this invocation.")
                part = passages[start : start + MAX_PASSAGES_AT_ONCE]
                self._vectors.put(part, self._embedder.embed_passages(part))

        try:
            # A message that comes again after its vectors were written costs no second embedding.
            fresh = [work for work in works if not self._had_vectors(work)]
        except Unavailable as error:
            failures.update({work.document.document_id: error for work in works})
            return
        self._each_or_all(fresh, failures, put_vectors, embedded)
        done = {work.document.document_id for work in embedded}
        done |= {work.document.document_id for work in works} - {work.document.document_id for work in fresh}
        try:
            if done and not self._unmoved():
                raise Moved("Another index has gone live.")
        except Unavailable as error:
            failures.update(dict.fromkeys(done, error))
            return
        finished = self._finished([work for work in works if work.document.document_id in done], failures)
        for document, is_current in finished:
            try:
                if not is_current:
                    self._retreat(document.document_id, self._vectors)
                elif document.version > 1:
                    self._vectors.forget(document.document_id, keep_version=document.version)
            except Unavailable as error:
                failures[document.document_id] = error
        if self._building is not None:
            # Last of all: an embedder that is slow there keeps nobody waiting here.
            self._building.put_vectors([passage for work in works for passage in work.passages], remaining)
            for work in works:
                with suppress(Unavailable):
                    if (now := self._documents.find(work.document.document_id)) is not None:
                        self._building.tidy(now)

    def _finished(
        self, works: Sequence[_Work], failures: dict[str, CandorError]
    ) -> Sequence[tuple[Document, bool]]:
        """Those whose vectors show are marked; each with whether its version still counts."""
        shown: list[Document] = []
        for work in works:
            document = work.document
            try:
                if not self._confirmed(work):
                    raise Unavailable("The vector index does not show what was written yet.")
                shown.append(document)
            except Unavailable as error:
                failures[document.document_id] = error
        try:
            current = self._documents.mark_indexed(shown, confirmed=True)
        except Unavailable as error:
            failures.update({document.document_id: error for document in shown})
            return []
        return [(document, document.document_id in current) for document in shown]

    def _had_vectors(self, work: _Work) -> bool:
        """Only a version served before this message came can have its vectors already."""
        document = work.document
        return document.served_version == document.version and self._vectors.confirmed(
            document.document_id, document.version, len(work.passages)
        )

    def _confirmed(self, work: _Work) -> bool:
        key = (work.document.document_id, work.document.version, len(work.passages))
        for seconds in _CONFIRMATIONS:
            if self._vectors.confirmed(*key):
                return True
            self._pause(seconds)
        return self._vectors.confirmed(*key)

    def _each_or_all(
        self,
        works: Sequence[_Work],
        failures: dict[str, CandorError],
        write: Callable[[Sequence[_Work]], None],
        written: list[_Work],
    ) -> None:
        """All in one write; where one document spoils it, each by itself, so that only that one fails."""
        if not works:
            return
        try:
            write(works)
        except Unavailable as error:
            failures.update({work.document.document_id: error for work in works})
        except Invalid as error:
            if len(works) > 1:
                for work in works:
                    self._each_or_all([work], failures, write, written)
                return
            try:
                self._documents.mark_failed(works[0].document, str(error))
            except Unavailable as unmarked:
                failures[works[0].document.document_id] = unmarked
        else:
            written.extend(works)

    def _retreat(self, document_id: str, index: KeywordIndex | VectorIndex) -> None:
        """What was just written is no longer wanted; a later version may have tidied up before it came."""
        document = self._documents.find(document_id)
        if document is None:
            index.forget(document_id)
        else:
            self._tidy(document, index)

    def _tidy(self, document: Document, index: KeywordIndex | VectorIndex) -> None:
        keep = document.version if document.deleted else document.served_version
        if keep > 1:
            index.forget(document.document_id, keep_version=keep)


def _batches(works: Sequence[_Work]) -> Iterator[list[_Work]]:
    held: list[_Work] = []
    size = 0
    for work in works:
        if held and size + len(work.passages) > MAX_PASSAGES_AT_ONCE:
            yield held
            held, size = [], 0
        held.append(work)
        size += len(work.passages)
    if held:
        yield held
