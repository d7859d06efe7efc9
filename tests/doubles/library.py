"""A library in memory: documents, several generations of indexes, and workers that go by their own record."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from candor.adapters.memory_documents import MemoryDocuments
from candor.adapters.memory_generations import MemoryGenerations
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.memory_search import HashEmbedder, MemoryKeywords, MemoryVectors
from candor.documents import Document, Draft
from candor.errors import Invalid, Unavailable
from candor.indexing.building import IndexBuilding
from candor.indexing.generations import Generation
from candor.indexing.live import LiveIndexing
from candor.indexing.reindexing import Choice, Reindexing
from candor.indexing.shelves import Shelf, Shelves
from candor.messages import DocumentToIndex, IndexToBuild, IndexToDrop, Message
from candor.retrieval import LiveRetrieval
from candor.search import Passage, Vector

Wrapping = Callable[[Any], Any]


class TimedQueue:
    """A queue that keeps to delays, on a clock of its own."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._numbers = itertools.count()
        self._waiting: list[tuple[float, int, Message]] = []

    def send(self, *messages: Message, delay_seconds: int = 0) -> None:
        for message in messages:
            heapq.heappush(self._waiting, (self.now + delay_seconds, next(self._numbers), message))

    def take(self) -> Message | None:
        """The next message, when its time has come: the clock goes on to it."""
        if not self._waiting:
            return None
        due, _, message = heapq.heappop(self._waiting)
        self.now = max(self.now, due)
        return message

    def take_due(self) -> Message | None:
        """The next message whose time has come already."""
        return self.take() if self._waiting and self._waiting[0][0] <= self.now else None

    def __len__(self) -> int:
        return len(self._waiting)


class NamedEmbedder(HashEmbedder):
    """The hashing embedder under another name; it can be told what to refuse."""

    def __init__(self, name: str, dimensions: int) -> None:
        super().__init__(dimensions)
        self._name = name
        self.refuses = ""
        self.embedded = 0
        self.meanwhile: Callable[[], object] | None = None
        """What happens, once, while it thinks about passages."""

    @property
    def name(self) -> str:
        return self._name

    def embed_passages(self, passages: Sequence[Passage]) -> list[Vector]:
        if self.refuses and any(self.refuses in passage.text for passage in passages):
            raise Invalid("The model refuses this text.")
        vectors = super().embed_passages(passages)
        self.embedded += len(passages)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return vectors


def _untouched(port: Any) -> Any:
    return port


@dataclass(kw_only=True)
class Library:
    """`wrap` stands around every port the builder and the workers use, for tests that make them fail."""

    analyser: str = "1"
    wrap: Wrapping = _untouched
    opens: Callable[[Generation], Shelf] | None = None
    """Where the engines come from, if not from memory."""
    queue: TimedQueue = field(default_factory=TimedQueue)
    generations: MemoryGenerations = field(default_factory=MemoryGenerations)

    def __post_init__(self) -> None:
        self.jobs = MemoryJobs(clock=lambda: datetime.fromtimestamp(self.queue.now, UTC))
        self.documents = MemoryDocuments(
            jobs=self.jobs,
            changed=lambda document_id: self.queue.send(DocumentToIndex(document_id=document_id)),
        )
        self.embedders = {name: NamedEmbedder(name, size) for name, size in (("old", 64), ("new", 32))}
        self.words: dict[str, MemoryKeywords] = {}
        self.vectors: dict[str, MemoryVectors] = {}
        self.default = Generation(
            generation_id="1",
            words=f"words-{self.analyser}",
            vectors="old-64",
            analyser=self.analyser,
            embedder="old",
            embedder_name="old",
            dimensions=64,
            settings="old-64",
        )
        self.shelves = self.new_shelves()
        self.indexing = self.new_worker()
        self.building = IndexBuilding(
            documents=self.wrap(self.documents),
            generations=self.wrap(self.generations),
            shelves=self.new_shelves(),
            jobs=self.wrap(self.jobs),
            index_queue=self.wrap(self.queue),
            clock=lambda: self.queue.now,
        )
        self.reindexing = self.new_reindexing()

    def new_shelves(self) -> Shelves:
        """What another process has: its own view of the record."""
        return Shelves(
            generations=self.wrap(self.generations),
            default=self.default,
            open=self.open,
            clock=lambda: self.queue.now,
            wall_clock=lambda: self.queue.now,
        )

    def new_worker(self) -> LiveIndexing:
        return LiveIndexing(
            documents=self.wrap(self.documents), shelves=self.new_shelves(), pause=lambda _: None
        )

    def new_reindexing(self) -> Reindexing:
        return Reindexing(
            generations=self.generations,
            shelves=self.shelves,
            embedders=self,
            building=self.building,
            jobs=self.jobs,
            analyser=self.analyser,
            clock=lambda: self.queue.now,
        )

    def choose(self, embedder: str | None, dimensions: int | None) -> Choice:
        made = self.embedders.get(embedder or "old")
        if made is None:
            raise Invalid("There is no such embedder.")
        made.embed_question("probe")
        return Choice(embedder=embedder or "old", name=made.name, dimensions=made.dimensions)

    def open(self, generation: Generation) -> Shelf:
        if self.opens is not None:
            return self.opens(generation)
        return Shelf(
            generation=generation,
            keywords=self.wrap(self.words.setdefault(generation.words, MemoryKeywords())),
            vectors=self.wrap(self.vectors.setdefault(generation.vectors, MemoryVectors())),
            embedder=self.wrap(self.embedders[generation.embedder]),
        )

    def put(self, number: int, text: str = "") -> str:
        """A document, or its next version."""
        draft = Draft(
            url=f"https://example.com/{number}",
            title=f"Page {number}",
            text=text or f"Page {number} tells of matter {number} and of hosting.",
        )
        return self.documents.put(draft)[0].document_id

    def filled(self, count: int) -> "Library":
        for number in range(count):
            self.put(number)
        self.work()
        return self

    def handle(self, message: Message) -> None:
        match message:
            case DocumentToIndex(document_id=document_id):
                if self.indexing.index_many([document_id]):
                    self.queue.send(message, delay_seconds=5)
            case IndexToBuild(build=job_id):
                self.building.work(job_id, remaining=lambda: 100.0)
            case IndexToDrop(drop=generation_id):
                self.building.drop(generation_id)

    def work(self, *, at_most: int = 5_000) -> None:
        """Everything that is queued, in the order of its time; what fails comes again a little later."""
        for _ in range(at_most):
            if (message := self.queue.take()) is None:
                return
            try:
                self.handle(message)
            except Unavailable:
                self.queue.send(message, delay_seconds=5)
        raise AssertionError("the queue does not become empty")

    def work_until(self, true: Callable[[], bool]) -> None:
        """Everything that is queued, until something has happened."""
        while not true():
            message = self.queue.take()
            assert message is not None, "nothing is left to do, and it has not happened"
            try:
                self.handle(message)
            except Unavailable:
                self.queue.send(message, delay_seconds=5)

    def retrieval(self) -> LiveRetrieval:
        return LiveRetrieval(shelves=self.new_shelves(), truth=self.documents)

    def live(self) -> Generation:
        live = self.generations.read().live
        assert live is not None
        return live

    def wrong(self) -> list[str]:
        """What the live index has otherwise than the documents."""
        wrong: list[str] = []
        live = self.live()
        for name, index in (("words", self.words[live.words]), ("vectors", self.vectors[live.vectors])):
            held: dict[str, dict[int, int]] = {}
            for one in index.stored():
                held.setdefault(one.document_id, {})[one.version] = one.passages
            for row in self.documents.all():
                expected = _expected(row)
                if held.pop(row.document_id, {}) != expected:
                    wrong.append(f"{name} of {row.url}: {held.get(row.document_id)} instead of {expected}")
            wrong += [f"{name} of nobody: {document_id}" for document_id in held]
        return wrong

    def left_over(self) -> list[str]:
        """Indexes that hold something and belong to no generation in force."""
        live = self.live()
        kept = {live.words, live.vectors}
        return [
            name
            for shelf in (self.words, self.vectors)
            for name, index in shelf.items()  # type: ignore[attr-defined]
            if name not in kept and list(index.stored())
        ]


def _expected(row: Document) -> dict[int, int]:
    if row.deleted or not row.chunks_count:
        return {}
    return {row.served_version: row.chunks_count}
