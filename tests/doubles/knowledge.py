"""Knowledge in memory: documents, jobs, bucket, queues and both indexes, wired as on AWS."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from candor.adapters.memory_dead_letters import MemoryDeadLetters
from candor.adapters.memory_documents import MemoryDocuments
from candor.adapters.memory_folds import MemoryFolds
from candor.adapters.memory_jobs import MemoryJobs
from candor.adapters.memory_search import HashEmbedder, MemoryKeywords, MemoryVectors
from candor.adapters.memory_storage import MemoryObjects, MemoryQueue
from candor.adapters.memory_tickets import MemoryTicketDirectory, MemoryTickets
from candor.dead_letters import Redriving
from candor.importing.orders import Orders
from candor.indexing.reconciling import Reconciling
from candor.indexing.service import Indexing
from candor.ingesting import Ingesting
from candor.jobs import Job
from candor.messages import DocumentToIndex, DumpToImport, SourceToRead
from candor.source_runs import SourceRuns
from candor.tickets.arriving import Arriving
from candor.tickets.exporting import TicketExporting
from candor.tickets.folding import Folding
from candor.tickets.keeping import Keeping
from candor.tickets.learning import Learning
from candor.tickets.reconciling import TicketReconciling
from candor.tickets.reviewing import Reviewing
from candor.uploading import Uploading


class Graves:
    """A dead-letter queue one can look into."""

    def __init__(self) -> None:
        self.buried: list[tuple[str, str]] = []

    def bury(self, body: str, *, reason: str, message_id: str, **about: object) -> None:
        self.buried.append((body, reason))


def no_tickets() -> Arriving:
    """For tests without one, which have nothing to keep them in."""
    return Knowledge().arriving


class Deferred:
    """A queue one can ask how long it was told to wait."""

    def __init__(self) -> None:
        self.pauses: dict[str, int] = {}

    def defer(self, queue_arn: str, pauses: Mapping[str, int]) -> None:
        self.pauses |= pauses


@dataclass(kw_only=True)
class Knowledge:
    jobs: MemoryJobs = field(default_factory=MemoryJobs)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    source_queue: MemoryQueue = field(default_factory=MemoryQueue)
    index_queue: MemoryQueue = field(default_factory=MemoryQueue)
    export_queue: MemoryQueue = field(default_factory=MemoryQueue)
    keywords: MemoryKeywords = field(default_factory=MemoryKeywords)
    vectors: MemoryVectors = field(default_factory=MemoryVectors)
    embedder: HashEmbedder = field(default_factory=HashEmbedder)
    tickets: MemoryTickets = field(default_factory=MemoryTickets)
    directory: MemoryTicketDirectory = field(default_factory=MemoryTicketDirectory)
    folds: MemoryFolds = field(default_factory=MemoryFolds)
    graves: Graves = field(default_factory=Graves)
    deferred: Deferred = field(default_factory=Deferred)

    def __post_init__(self) -> None:
        self.documents = MemoryDocuments(
            jobs=self.jobs,
            changed=lambda document_id: self.index_queue.send(DocumentToIndex(document_id=document_id)),
        )
        self.imports = Orders(jobs=self.jobs, objects=self.objects, queue=self.source_queue)
        self.folding = Folding(self.folds)
        self.learning = Learning(tickets=self.tickets, documents=self.documents, folding=self.folding)
        self.keeping = Keeping(tickets=self.tickets, directory=self.directory, learning=self.learning)
        self.reviewing = Reviewing(
            tickets=self.tickets,
            directory=self.directory,
            keeping=self.keeping,
            learning=self.learning,
            jobs=self.jobs,
            queue=self.export_queue,
        )
        self.ticket_exporting = TicketExporting(
            tickets=self.tickets,
            directory=self.directory,
            learning=self.learning,
            objects=self.objects,
            jobs=self.jobs,
            queue=self.export_queue,
        )
        self.ticket_reconciling = TicketReconciling(
            tickets=self.tickets,
            directory=self.directory,
            keeping=self.keeping,
            learning=self.learning,
            documents=self.documents,
            jobs=self.jobs,
            queue=self.export_queue,
        )
        self.arriving = Arriving(tickets=self.tickets, keeping=self.keeping, learning=self.learning)
        self.ingesting = Ingesting(
            documents=self.documents,
            tickets=lambda: self.arriving,
            jobs=self.jobs,
            objects=self.objects,
            queue=self.source_queue,
            dumps=self.imports,
        )
        self.go_on_importing: Callable[[str, Callable[[], float]], None] | None = None
        """What takes an import's messages; without it they stay on the queue's floor."""
        self.indexing = Indexing(
            documents=self.documents,
            keywords=self.keywords,
            vectors=self.vectors,
            embedder=self.embedder,
            pause=lambda _: None,
        )
        self.reconciling = Reconciling(
            documents=self.documents,
            keywords=self.keywords,
            vectors=self.vectors,
            index_queue=self.index_queue,
            jobs=self.jobs,
            objects=self.objects,
            ingesting=self.ingesting,
            source_queue=self.source_queue,
        )
        self.uploading = Uploading(documents=self.documents, objects=self.objects, ingesting=self.ingesting)
        self.redriven: list[str] = []
        self.letters = MemoryDeadLetters(
            {"index": self.redriven.append, "changes": None},
            # A moment ago: what is buried and redriven within one tick of the clock was there before.
            clock=lambda: datetime.now(UTC) - timedelta(seconds=1),
        )
        self.redriving = Redriving(
            letters=self.letters,
            jobs=self.jobs,
            index_queue=self.index_queue,
            export_queue=self.export_queue,
        )
        self.source_runs = SourceRuns(
            ingesting=self.ingesting, jobs=self.jobs, objects=self.objects, pause=lambda _: self.work()
        )

    def drop(self, key: str, content: Any) -> None:
        """Put an object; something that is not bytes becomes JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
        self.objects.put(key, body)

    def work(self, *, seconds: float = 1_000.0) -> None:
        """Work off both queues, as the workers would."""
        while len(self.source_queue) or len(self.index_queue):
            for message in self.source_queue.take():
                if isinstance(message, DumpToImport):
                    if self.go_on_importing is not None:
                        self.go_on_importing(message.job_id, lambda: seconds)
                    continue
                assert isinstance(message, SourceToRead)
                self.ingesting.read(message, remaining=lambda: seconds)
            ids = [m.document_id for m in self.index_queue.take() if isinstance(m, DocumentToIndex)]
            back = self.indexing.index_many(ids)
            self.index_queue.send(*(DocumentToIndex(document_id=document_id) for document_id in back))

    def job(self) -> Job:
        """The newest job."""
        jobs, _ = self.jobs.list(page=1, page_size=1)
        return jobs[0]

    def quotable(self, question: str) -> list[str]:
        """Urls of what may be quoted, by words, checked against the documents."""
        hits = self.keywords.search(question, limit=20)
        served = self.documents.served_versions(hit.passage.document_id for hit in hits)
        return [hit.passage.url for hit in hits if served.get(hit.passage.document_id) == hit.passage.version]

    def urls(self) -> Sequence[str]:
        return sorted(row.url for row in self.documents.all() if not row.deleted)
