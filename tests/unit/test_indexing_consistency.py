"""
The indexes stay true, whatever happens: hundreds of simulated histories, each from its own seed.

Writers change and delete documents while three workers take ids from a queue that delivers twice and out
of order. Every call of a port is a step; between any two steps another worker may go on, a call may fail, or
a worker may be killed. All of it follows from the seed.
"""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from candor.adapters.memory_documents import MemoryDocuments
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.memory_search import HashEmbedder, MemoryKeywords, MemoryVectors
from candor.adapters.memory_storage import MemoryObjects, MemoryQueue
from candor.documents import Documents, Draft, Status
from candor.errors import NotFound, Unavailable
from candor.indexing.reconciling import Reconciling
from candor.indexing.service import Indexing
from candor.ingesting import Ingesting
from candor.jobs import JobStatus
from candor.search import KeywordIndex, VectorIndex
from tests.doubles.knowledge import no_tickets

URLS = [f"https://example.com/{number}" for number in range(4)]
SEEDS = 300
WORKERS = 3


class Killed(BaseException):
    """The worker's process is gone; nothing it would have done happens."""


class Scheduler:
    """Lets one thread at a time go one step, chosen by the seed, and checks the world between any two."""

    def __init__(self, rng: random.Random, check: Callable[[], None]) -> None:
        self._rng = rng
        self._check = check
        self._turn: dict[int, threading.Semaphore] = {}
        self._back = threading.Semaphore(0)
        self._alive: set[int] = set()
        self.problems: list[BaseException] = []
        self.calm = False

    def spawn(self, number: int, work: Callable[[], None]) -> threading.Thread:
        self._turn[number] = threading.Semaphore(0)
        self._alive.add(number)

        def run() -> None:
            self._turn[number].acquire()
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - shown by the test
                self.problems.append(error)
            finally:
                self._alive.discard(number)
                self._back.release()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def step(self, number: int) -> None:
        """Before each call of a port: give the turn away, and perhaps never get it back."""
        self._back.release()
        self._turn[number].acquire()
        if self.calm:
            return
        fate = self._rng.random()
        if fate < 0.02:
            raise Killed
        if fate < 0.06:
            raise Unavailable("The network blinked.")

    def run(self) -> None:
        while self._alive:
            chosen = self._rng.choice(sorted(self._alive))
            self._turn[chosen].release()
            self._back.acquire()
            self._check()


class Stepping:
    """A port whose every call is a step of the scheduler."""

    def __init__(self, port: Any, step: Callable[[], None]) -> None:
        self._port = port
        self._step = step

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            self._step()
            return attribute(*args, **kwargs)

        return call


class World:
    def __init__(self, seed: int, *, loses_messages: bool) -> None:
        self.rng = random.Random(seed)
        self.loses_messages = loses_messages
        self.queue: list[str] = []
        self.jobs = MemoryJobs()
        self.documents = MemoryDocuments(jobs=self.jobs, changed=self.publish)
        self.keywords = MemoryKeywords()
        self.vectors = MemoryVectors()
        self.served: dict[str, int] = {}
        self.stale = 0
        self.scheduler = Scheduler(self.rng, self.check)

    def publish(self, document_id: str) -> None:
        if self.loses_messages and not self.scheduler.calm and self.rng.random() < 0.3:
            return
        self.queue += [document_id] * self.rng.choice((1, 1, 2))
        self.rng.shuffle(self.queue)

    def check(self) -> None:
        """What a reader may quote now: never a deleted or older text, and never a gap once it was there."""
        for row in self.documents.all():
            held = {
                passage.passage_id: passage
                for index in (self.keywords, self.vectors)
                for passage in index._passages.values()  # type: ignore[attr-defined]
                if passage.document_id == row.document_id
            }
            may = self.documents.served_versions([row.document_id]).get(row.document_id)
            quoted = [passage for passage in held.values() if passage.version == may]
            if row.deleted and quoted:
                self.stale += 1
            if may is not None:
                self.stale += sum(f"version {may} " not in passage.text for passage in quoted)
                self.stale += may < self.served.get(row.document_id, 0)
                self.served[row.document_id] = may
                words = [p for p in self.keywords._passages.values() if p.document_id == row.document_id]
                assert sum(p.version == may for p in words) == row.chunks_count

    def write(self) -> None:
        """A writer at work: creations, changes, deletions, with pauses in which others go on."""
        versions: dict[str, int] = {}
        jobs = [self.jobs.start(kind="t", subject="t", created_by="t").job_id for _ in range(3)]
        for job_id in jobs:
            self.jobs.progress(job_id, total=0)
        for _ in range(14):
            self.scheduler._back.release()
            self.scheduler._turn[0].acquire()
            url = self.rng.choice(URLS)
            if versions.get(url, 0) and self.rng.random() < 0.25:
                try:
                    self.documents.delete(self.id_of(url))
                except NotFound:
                    continue
                versions[url] += 1
                continue
            version = versions.get(url, 0) + 1
            long = self.rng.random() < 0.3
            text = f"This is version {version} of it. " + " ".join(
                f"Sentence {n} speaks of version {version} at length and of nothing else."
                for n in range(30 * long)
            )
            job_id = self.rng.choice(jobs)
            self.jobs.progress(job_id, total=1)
            row, _ = self.documents.put(Draft(url=url, title="T", text=text), job_id=job_id)
            versions[url] = version
            assert row.version == version
        for job_id in jobs:
            self.jobs.seal(job_id, result={})

    def id_of(self, url: str) -> str:
        from candor.documents import document_id_of

        return document_id_of(url)

    def work(self, number: int) -> None:
        """A worker whose invocations take a few messages each; what fails or is killed goes back."""

        def step() -> None:
            self.scheduler.step(number)

        indexing = self.indexing(step)
        for _ in range(12):
            self.scheduler._back.release()
            self.scheduler._turn[number].acquire()
            size = self.rng.randint(1, 3)
            batch, self.queue = self.queue[:size], self.queue[size:]
            try:
                back: Sequence[str] = list(indexing.index_many(batch))
            except Killed:
                back = batch
            self.queue += back
            self.rng.shuffle(self.queue)

    def indexing(self, step: Callable[[], None]) -> Indexing:
        documents: Documents = Stepping(self.documents, step)  # type: ignore[assignment]
        keywords: KeywordIndex = Stepping(self.keywords, step)  # type: ignore[assignment]
        vectors: VectorIndex = Stepping(self.vectors, step)  # type: ignore[assignment]
        return Indexing(
            documents=documents,
            keywords=keywords,
            vectors=vectors,
            embedder=HashEmbedder(32),
            pause=lambda _: None,
        )

    def live(self) -> None:
        threads = [self.scheduler.spawn(0, self.write)]
        threads += [self.scheduler.spawn(n, lambda n=n: self.work(n)) for n in range(1, WORKERS + 1)]  # type: ignore[misc]
        self.scheduler.run()
        for thread in threads:
            thread.join(5)
        assert not self.scheduler.problems
        self.scheduler.calm = True

    def drain(self) -> None:
        """No more faults: every message that is left is worked off."""
        indexing = self.indexing(lambda: None)
        while self.queue:
            batch, self.queue = self.queue[:10], self.queue[10:]
            self.queue += indexing.index_many(batch)
            self.check()

    def reconcile(self) -> dict[str, Any]:
        index_queue = MemoryQueue()
        ingesting = Ingesting(
            documents=self.documents,
            tickets=no_tickets,
            jobs=self.jobs,
            objects=MemoryObjects(),
            queue=MemoryQueue(),
        )
        reconciling = Reconciling(
            documents=self.documents,
            keywords=self.keywords,
            vectors=self.vectors,
            index_queue=index_queue,
            jobs=self.jobs,
            objects=MemoryObjects(),
            ingesting=ingesting,
            source_queue=MemoryQueue(),
        )
        job = self.jobs.start(kind="reconcile", subject="all", created_by="test")
        reconciling.run(job.job_id)
        self.queue += [message.document_id for message in index_queue.take(1_000)]  # type: ignore[attr-defined]
        return dict(self.jobs.get(job.job_id).result)

    def wrong(self) -> int:
        """Documents of which an index holds something other than exactly the current version."""
        count = 0
        for row in self.documents.all():
            expected = set() if row.deleted else {(row.version, row.chunks_count)}
            for index in (self.keywords, self.vectors):
                held = {(s.version, s.passages) for s in index.stored() if s.document_id == row.document_id}
                count += held != expected
            count += row.pending
            if not row.deleted:
                count += row.served_version != row.version or row.status != Status.INDEXED
        return count


@pytest.mark.parametrize("start", range(0, SEEDS, 50))
def test_nothing_is_wrong_at_rest_and_nothing_stale_is_ever_quoted(start: int) -> None:
    for seed in range(start, start + 50):
        world = World(seed, loses_messages=False)

        world.live()
        world.drain()

        assert (seed, world.wrong(), world.stale) == (seed, 0, 0)
        jobs, _ = world.jobs.list(page=1, page_size=10)
        assert {(job.status, job.done) for job in jobs} == {(JobStatus.SUCCEEDED, job.total) for job in jobs}


def test_reconcile_finds_and_repairs_what_lost_messages_left_behind() -> None:
    repaired = 0
    for seed in range(1_000, 1_060):
        world = World(seed, loses_messages=True)
        world.live()
        world.drain()
        repaired += world.wrong() > 0

        world.reconcile()
        world.drain()

        assert (seed, world.wrong(), world.stale) == (seed, 0, 0)
        report = world.reconcile()
        assert [report[kind] for kind in ("missing", "stale", "extra", "pending")] == [0, 0, 0, 0]
    assert repaired > 10
