"""
Freshness: 500 changes of 50 documents, delivered twice and out of order, an index down in the middle.

Real tables, real indexes, the real handler. All the while somebody asks; no passage may be found, and no
answer may quote one, that had been replaced or deleted before the question began. In the end both indexes
hold exactly what the documents say, and every question is answered from the last text written.
"""

import itertools
import json
import random
import re
import threading
import time
from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from candor.adapters.dynamodb_documents import DynamoDocuments
from candor.adapters.dynamodb_jobs import DynamoJobs
from candor.adapters.embedded_keywords import EmbeddedKeywords
from candor.adapters.embedded_vectors import EmbeddedVectors
from candor.adapters.memory_answers import MemoryAnswers
from candor.adapters.memory_search import HashEmbedder
from candor.adapters.memory_storage import MemoryObjects, MemoryQueue
from candor.adapters.opensearch import OpenSearchKeywords, OpenSearchVectors
from candor.adapters.opensearch_client import OpenSearchEndpoint
from candor.adapters.pinecone import PineconeVectors
from candor.answering.service import Answering
from candor.answering.values import Question
from candor.documents import Change, Documents, Draft, document_id_of
from candor.edge.observability import metrics
from candor.errors import Unavailable
from candor.indexing.reconciling import Reconciling
from candor.indexing.service import Indexing
from candor.ingesting import Ingesting
from candor.retrieval import Retrieval
from candor.search import KeywordIndex, VectorIndex
from functions.index_document import app as index_document
from tests.doubles import aws
from tests.doubles.freshness import Deliveries, Switch, Switches, WatchedDocuments
from tests.doubles.gateway import Context
from tests.doubles.knowledge import Deferred, Graves, no_tickets
from tests.doubles.pinecone import Fail, PineconeDouble

DIMENSIONS = 256
PAGES = 50
CHANGES = 500
WRITERS = 4
WORKERS = 3
READERS = 2
DOWN_DELIVERIES = 150
"""So many deliveries fail while one index refuses everything: the minute, without the waiting."""

LAG_SECONDS = 0.2
"""Of the store that shows its writes late."""

_EDITION = re.compile(r"\bedition (\d+)-(\d+)\b")


@dataclass(kw_only=True)
class Engines:
    """The same two indexes, opened anew for everybody who uses them, as processes would."""

    keywords: Callable[[], KeywordIndex]
    vectors: Callable[[], VectorIndex]
    down: Callable[[bool], None]
    """Makes one of the two refuse everything, or work again."""
    late: bool = False
    """Vectors are shown some time after they have been written or deleted."""


class World:
    def __init__(self, engines: Engines, monkeypatch: pytest.MonkeyPatch, *, seed: int) -> None:
        self.rng = random.Random(seed)
        self.engines = engines
        self.deliveries = Deliveries(seed)
        self.switches = Switches()
        self.problems: list[str] = []
        self.asked = self.found = self.quoted = 0
        self.last: dict[int, int | None] = {}
        """The edition each page was last given; None where it was last deleted."""
        self.editions: dict[tuple[str, int], int] = {}
        """What text a version has. One writer a page: its next version is known before it is written."""
        self.graves = Graves()
        self.calm = threading.Event()
        self.broken = threading.Event()
        jobs_table = aws.create_jobs_table()
        objects, jobs = MemoryObjects(), DynamoJobs(jobs_table)
        self.documents = DynamoDocuments(aws.create_documents_table(), objects=objects, jobs_table=jobs_table)
        embedder = HashEmbedder(DIMENSIONS)
        self.retrieval = Retrieval(
            keywords=engines.keywords(), vectors=engines.vectors(), embedder=embedder, truth=self.documents
        )
        self.answering = Answering(retrieval=self.retrieval, snapshots=MemoryAnswers())
        keywords, vectors = engines.keywords(), engines.vectors()
        watched = cast(Documents, WatchedDocuments(self.documents, self.switches))
        self.jobs = jobs
        self.reconciling = Reconciling(
            documents=self.documents,
            keywords=keywords,
            vectors=vectors,
            index_queue=MemoryQueue(),
            jobs=jobs,
            objects=objects,
            ingesting=Ingesting(
                documents=self.documents, tickets=no_tickets, jobs=jobs, objects=objects, queue=MemoryQueue()
            ),
            source_queue=MemoryQueue(),
        )
        service = index_document.Service(
            indexing=Indexing(documents=watched, keywords=keywords, vectors=vectors, embedder=embedder),
            reconciling=self.reconciling,
            building=None,  # type: ignore[arg-type]  # No message here asks for one.
            jobs=jobs,
            graveyard=self.graves,
            deferral=Deferred(),
        )
        monkeypatch.setattr(index_document, "service", lambda: service)

    # Writers

    def write(self, writer: int) -> None:
        rng = random.Random(self.rng.random() + writer)
        versions: dict[int, int] = defaultdict(int)
        pages = range(writer, PAGES, WRITERS)
        for edition in range(CHANGES // WRITERS):
            page = rng.choice(pages) if edition >= len(pages) else pages[edition]
            document_id = document_id_of(url_of(page))
            while self.deliveries.left > 60 and not self.broken.is_set():
                time.sleep(0.01)  # A queue that only grows would join all changes of a page to one.
            versions[page] += 1
            if self.last.get(page) is not None and rng.random() < 0.15:
                self.documents.delete(document_id)
                insort(self.switches.over[document_id], (versions[page], time.monotonic()))
                self.last[page] = None
            else:
                self.editions[document_id, versions[page]] = edition
                document, change = self.documents.put(draft_of(page, edition, long=rng.random() < 0.3))
                if change == Change.UNCHANGED or document.version != versions[page]:
                    self.problems.append(f"page {page}: {change} to version {document.version}")
                self.last[page] = edition
            self.deliveries.add(document_id)

    # Workers

    def work(self, _: int) -> None:
        numbers = itertools.count()
        while not self.broken.is_set() and not (self.calm.is_set() and self.deliveries.left == 0):
            taken = self.deliveries.take()
            if not taken:
                time.sleep(0.005)
                continue
            records = [
                {
                    "messageId": f"{next(numbers)}",
                    "receiptHandle": "none",
                    "body": json.dumps({"document_id": document_id}),
                    "attributes": {"ApproximateReceiveCount": "1"},
                }
                for document_id in taken
            ]
            # Without what is around it: the metrics of a process are not made for three handlers at once.
            answer = index_document.index_document({"Records": records}, Context())
            metrics.clear_metrics()
            back = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            failed = [i for i, record in zip(taken, records, strict=True) if record["messageId"] in back]
            self.deliveries.done(taken, failed)

    def fail_for_a_while(self) -> None:
        while len(self.editions) < CHANGES // 4:
            time.sleep(0.01)
        self.engines.down(True)
        goal = self.deliveries.failed + DOWN_DELIVERIES
        while self.deliveries.failed < goal and not self.calm.is_set():
            time.sleep(0.01)
        self.engines.down(False)

    # Readers

    def read(self, reader: int) -> None:
        rng = random.Random(reader)
        while not self.broken.is_set() and (not self.calm.is_set() or self.deliveries.left):
            time.sleep(0.02)  # Questions of people, and not a share of the one interpreter.
            page = rng.randrange(PAGES)
            (self.ask if rng.random() < 0.5 else self.ask_for_an_answer)(page)

    def ask(self, page: int) -> None:
        began = time.monotonic()
        try:
            found = self.retrieval.find(question_about(page), limit=8)
        except Unavailable:
            return
        ended = time.monotonic()
        self.asked += 1
        for hit in found.hits:
            self.found += 1
            self.check(hit.passage.document_id, hit.passage.version, hit.passage.text, began, ended)

    def ask_for_an_answer(self, page: int) -> None:
        began = time.monotonic()
        answer = self.answering.answer(Question(text=question_about(page), principal="test"))
        ended = time.monotonic()
        self.asked += 1
        for citation in answer.citations:
            self.quoted += 1
            version = int(citation.chunk_id.split(":")[1])
            self.check(citation.document_id, version, citation.quote, began, ended)

    def check(self, document_id: str, version: int, text: str, began: float, ended: float) -> None:
        if self.switches.replaced_before(document_id, version, began):
            self.problems.append(f"{document_id}: version {version} had been replaced: {text}")
        if not self.switches.may_have_been_served(document_id, version, ended):
            self.problems.append(f"{document_id}: version {version} was not served yet: {text}")
        for _, edition in _EDITION.findall(text):
            if int(edition) != self.editions[document_id, version]:
                self.problems.append(f"{document_id}: version {version} has the text {text}")

    def live(self) -> None:
        with ThreadPoolExecutor(WORKERS + READERS + 1) as others:
            futures = [others.submit(self.safely, self.work, number) for number in range(WORKERS)]
            futures += [others.submit(self.safely, self.read, number) for number in range(READERS)]
            failing = others.submit(self.fail_for_a_while)
            with ThreadPoolExecutor(WRITERS) as writers:
                for number in range(WRITERS):
                    writers.submit(self.safely, self.write, number)
            failing.result()
            self.calm.set()
            for future in futures:
                future.exception()  # It is among the problems.

    def safely(self, work: Callable[[int], None], number: int) -> None:
        """A thread that fails ends all: nobody waits for what it would have done."""
        try:
            work(number)
        except BaseException as error:
            self.problems.append(f"{work.__name__}: {error!r}")
            self.broken.set()
            self.calm.set()
            raise


def url_of(page: int) -> str:
    return f"https://example.com/halls/{page}"


def question_about(page: int) -> str:
    return f"Which code opens hall Kalmar{page:02}?"


def draft_of(page: int, edition: int, *, long: bool) -> Draft:
    sentence = f"Hall Kalmar{page:02} is opened with the code {edition * 7919 % 9000 + 1000}"
    text = f"{sentence}, says edition {page}-{edition} of this page."
    if long:
        more = (
            f"Rule {n} of hall Kalmar{page:02} is as edition {page}-{edition} has it, and no other way."
            for n in range(40)
        )
        text = "\n\n".join([text, *more])
    return Draft(url=url_of(page), title=f"Hall Kalmar{page:02}", text=text)


@pytest.fixture(
    params=[
        "embedded, words down",
        "embedded, meaning down",
        "embedded on AWS's own engine",
        "opensearch and pinecone",
        "opensearch alone",
    ]
)
def engines(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engines]:
    own_engine = "own engine" in request.param
    cloud = request.getfixturevalue("dynamodb_local" if own_engine else "ministack")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud)
    with ExitStack() as stack:
        switch = Switch()
        if request.param.startswith("embedded"):
            words_down = "words" in request.param

            def words() -> KeywordIndex:
                index = EmbeddedKeywords(tmp_path / "words")
                return cast(KeywordIndex, switch.before(index) if words_down else index)

            def meaning() -> VectorIndex:
                index = EmbeddedVectors(tmp_path / "vectors", DIMENSIONS)
                return cast(VectorIndex, index if words_down else switch.before(index))

            yield Engines(keywords=words, vectors=meaning, down=switch)
            return

        endpoint = OpenSearchEndpoint(url=request.getfixturevalue("opensearch_2"), timeout_seconds=10)
        name = f"freshness-{time.time_ns()}"
        server = stack.enter_context(PineconeDouble(dimensions=DIMENSIONS))
        server.lag = LAG_SECONDS

        def opensearch_words() -> KeywordIndex:
            index = OpenSearchKeywords(endpoint, index_name=f"{name}-words")
            stack.callback(index.close)
            return cast(KeywordIndex, switch.before(index))

        def opensearch_meaning() -> VectorIndex:
            index = OpenSearchVectors(endpoint, index_name=f"{name}-vectors", dimensions=DIMENSIONS)
            stack.callback(index.close)
            return index

        def pinecone() -> VectorIndex:
            index = PineconeVectors(
                host=server.url, api_key=server.api_key, namespace="fresh", dimensions=DIMENSIONS
            )
            stack.callback(index.close)
            return index

        def pinecone_down(down: bool) -> None:
            server.fail = Fail(verb="*", status=503, times=10**9) if down else None

        if "pinecone" in request.param:
            yield Engines(keywords=opensearch_words, vectors=pinecone, down=pinecone_down, late=True)
        else:
            yield Engines(keywords=opensearch_words, vectors=opensearch_meaning, down=switch)


@pytest.mark.slow
def test_no_replaced_text_is_ever_found_and_nothing_differs_in_the_end(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(engines, monkeypatch, seed=20)

    world.live()

    assert (world.problems, world.graves.buried) == ([], [])
    # It was a test: things failed, came twice, were asked for and found.
    assert world.deliveries.failed >= DOWN_DELIVERIES
    assert world.deliveries.delivered > CHANGES + DOWN_DELIVERIES
    assert min(world.asked, world.found, world.quoted) > 20
    assert sum(len(switches) for switches in world.switches.over.values()) > CHANGES / 4
    report = world.reconciling.compare()
    if engines.late:
        # What the store did not show yet could not be tidied away with the rest. Nobody quotes it (see
        # above), and reconciling, which runs every night, removes it.
        assert {(each.kind, each.index) for each in report.differences} <= {("stale", "vectors")}
        world.reconciling.run(world.jobs.start(kind="reconcile", subject="", created_by="test").job_id)
        time.sleep(2 * LAG_SECONDS)
        report = world.reconciling.compare()
    assert (report.pending, report.differences) == (0, [])
    assert report.documents == sum(edition is not None for edition in world.last.values())
    for page, edition in world.last.items():
        document_id = document_id_of(url_of(page))
        hits = world.retrieval.find(question_about(page), limit=50).hits
        own = [hit.passage.text for hit in hits if hit.passage.document_id == document_id]
        told = {int(number) for text in own for _, number in _EDITION.findall(text)}
        assert told == ({edition} if edition is not None else set())


def test_the_watch_sees_what_a_reader_that_trusts_the_indexes_would_quote() -> None:
    switches = Switches()
    switches.begun["d"] = {1: 1.0, 2: 5.0}
    switches.over["d"] = [(1, 1.1), (2, 5.1)]

    assert not switches.replaced_before("d", 1, moment=5.0)
    assert switches.replaced_before("d", 1, moment=5.2)
    assert not switches.replaced_before("d", 2, moment=9.0)
    assert switches.may_have_been_served("d", 2, moment=5.05)
    assert not switches.may_have_been_served("d", 3, moment=9.0)
