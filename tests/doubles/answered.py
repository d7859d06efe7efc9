"""Tickets answered for real: kept, learnt, indexed in the embedded engines, and asked without a model."""

import json
from collections.abc import Mapping
from pathlib import Path

from candor.adapters.embedded_embedder import EmbeddedEmbedder
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.memory_answers import MemoryAnswers
from candor.answering.evidence import EmbeddedLikeness
from candor.answering.service import Answering
from candor.answering.values import Answer, Question
from candor.indexing.service import Indexing
from candor.messages import DocumentToIndex
from candor.retrieval import Retrieval
from tests.doubles.knowledge import Knowledge

TICKETS = Path("tests/data/tickets/hosting.json")
QUESTIONS: Mapping[str, str] = json.loads(Path("tests/data/tickets/questions.json").read_text("utf-8"))


class Answered:
    """One company's knowledge with the embedded search, and the answering of production."""

    def __init__(self, folder: Path, embedder: EmbeddedEmbedder) -> None:
        self.knowledge = Knowledge()
        keywords = EmbeddedKeywords(folder)
        vectors = EmbeddedVectors(folder, embedder.dimensions)
        self._indexing = Indexing(
            documents=self.knowledge.documents,
            keywords=keywords,
            vectors=vectors,
            embedder=embedder,
            pause=lambda _: None,
        )
        self.answering = Answering(
            retrieval=Retrieval(
                keywords=keywords, vectors=vectors, embedder=embedder, truth=self.knowledge.documents
            ),
            snapshots=MemoryAnswers(),
            likeness=EmbeddedLikeness(embedder),
        )

    def drop(self, key: str, body: bytes) -> None:
        """A file lies in the bucket and is read."""
        self.knowledge.objects.put(key, body)
        info = self.knowledge.objects.find(key)
        assert info is not None
        self.knowledge.ingesting.queue_object(info, created_by="tester")
        for message in self.knowledge.source_queue.take():
            self.knowledge.ingesting.read(message, remaining=lambda: 1_000.0)  # type: ignore[arg-type]
        self.index()

    def index(self) -> None:
        """What the index worker does."""
        while len(self.knowledge.index_queue):
            messages = self.knowledge.index_queue.take()
            ids = [one.document_id for one in messages if isinstance(one, DocumentToIndex)]
            back = self._indexing.index_many(ids)
            self.knowledge.index_queue.send(*(DocumentToIndex(document_id=each) for each in back))

    def ask(self, text: str) -> Answer:
        return self.answering.answer(Question(text=text))
