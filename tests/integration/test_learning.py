"""Learning: a dropped file becomes an answerable document, through the real events of a real cloud."""

import json
from typing import Any

import boto3
import pytest

from candor.adapters.dynamodb_documents import DynamoDocuments
from candor.adapters.dynamodb_generations import DynamoGenerations
from candor.adapters.dynamodb_jobs import DynamoJobs
from candor.adapters.memory_search import HashEmbedder, MemoryKeywords, MemoryVectors
from candor.adapters.memory_storage import MemoryQueue
from candor.adapters.s3 import S3Objects
from candor.adapters.sqs import SqsDeferral, SqsQueue
from candor.indexing.building import IndexBuilding
from candor.indexing.generations import Generation
from candor.indexing.live import LiveIndexing
from candor.indexing.reconciling import Reconciling
from candor.indexing.shelves import Shelf, Shelves
from candor.ingesting import Ingesting
from candor.jobs import JobStatus
from functions.index_document import app as index_document
from functions.publish_changes import app as publish_changes
from functions.read_source import app as read_source
from tests.doubles import aws
from tests.doubles.gateway import Context
from tests.doubles.importing import Imports
from tests.doubles.knowledge import Graves, no_tickets
from tests.doubles.tables import create_table

KEY = "source/help pages/ціни + plans.json"
LONG = "Seven nightly copies of every site are kept, and each can be restored from the panel."


THE_ONLY_ONE = Generation(
    generation_id="1",
    words="words",
    vectors="vectors",
    analyser="1",
    embedder="hash",
    embedder_name="hash",
    dimensions=256,
)


class Cloud:
    """Services of the cloud, and the three workers moved by hand: what Lambda's pollers do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bucket, self.table, jobs_table = (
            aws.create_bucket(),
            aws.create_documents_table(),
            aws.create_jobs_table(),
        )
        self.source_url, self.index_url = aws.create_queue(), aws.create_queue()
        self._notify()
        self.objects, self.jobs = S3Objects(self.bucket), DynamoJobs(jobs_table)
        self.documents = DynamoDocuments(self.table, objects=self.objects, jobs_table=jobs_table)
        self.keywords, self.vectors = MemoryKeywords(), MemoryVectors()
        ingesting = Ingesting(
            documents=self.documents,
            tickets=no_tickets,
            jobs=self.jobs,
            objects=self.objects,
            queue=SqsQueue(self.source_url),
        )
        generations = DynamoGenerations(create_table("ConfigTable"))
        shelves = Shelves(
            generations=generations,
            default=THE_ONLY_ONE,
            open=lambda generation: Shelf(
                generation=generation,
                keywords=self.keywords,
                vectors=self.vectors,
                embedder=HashEmbedder(),
            ),
        )
        indexing = LiveIndexing(documents=self.documents, shelves=shelves)
        building = IndexBuilding(
            documents=self.documents,
            generations=generations,
            shelves=shelves,
            jobs=self.jobs,
            index_queue=SqsQueue(self.index_url),
        )
        self.reconciling = Reconciling(
            documents=self.documents,
            keywords=self.keywords,
            vectors=self.vectors,
            index_queue=SqsQueue(self.index_url),
            jobs=self.jobs,
            objects=self.objects,
            ingesting=ingesting,
            source_queue=SqsQueue(self.source_url),
        )
        graves = Graves()
        services: list[tuple[Any, object]] = [
            (
                read_source,
                read_source.Service(
                    ingesting=ingesting,
                    # No dump is dropped here.
                    importing=Imports().importing,
                    graveyard=graves,
                    deferral=SqsDeferral(),
                ),
            ),
            (
                publish_changes,
                publish_changes.Service(index_queue=SqsQueue(self.index_url), export_queue=MemoryQueue()),
            ),
            (
                index_document,
                index_document.Service(
                    indexing=indexing,
                    reconciling=self.reconciling,
                    building=building,
                    jobs=self.jobs,
                    graveyard=graves,
                    deferral=SqsDeferral(),
                ),
            ),
        ]
        for module, service in services:
            monkeypatch.setattr(module, "service", lambda service=service: service)
        self._streams = boto3.client("dynamodbstreams")
        arn = boto3.client("dynamodb").describe_table(TableName=self.table)["Table"]["LatestStreamArn"]
        shards = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._positions = [
            self._streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in shards
        ]

    def _notify(self) -> None:
        arn = boto3.client("sqs").get_queue_attributes(QueueUrl=self.source_url, AttributeNames=["QueueArn"])
        queue = {
            "QueueArn": arn["Attributes"]["QueueArn"],
            "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
            "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "source/"}]}},
        }
        boto3.client("s3").put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": [queue]}
        )

    def settle(self) -> None:
        """Move everything that waits, until nothing does."""
        moved = True
        while moved:
            moved = self._poll(self.source_url, read_source.handler)
            if records := self._changes():
                publish_changes.handler({"Records": records}, Context())
                moved = True
            moved = self._poll(self.index_url, index_document.handler) or moved

    def _poll(self, url: str, handler: Any) -> bool:
        client = boto3.client("sqs")
        messages = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            return False
        records = [{"messageId": m["MessageId"], "body": m["Body"], "attributes": {}} for m in messages]
        assert handler({"Records": records}, Context()) == {"batchItemFailures": []}
        for message in messages:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def _changes(self) -> list[Any]:
        found: list[Any] = []
        for place, position in enumerate(self._positions):
            answer = self._streams.get_records(ShardIterator=position)
            self._positions[place] = answer["NextShardIterator"]
            found += answer["Records"]
        return found

    def drop(self, *numbers: int, text: str = LONG) -> None:
        entries = [{"url": f"https://example.com/{n}", "title": f"P{n}", "text": text} for n in numbers]
        self.objects.put(KEY, json.dumps({"pages": entries}).encode())
        self.settle()

    def quotable(self, question: str) -> list[str]:
        hits = self.keywords.search(question, limit=20)
        served = self.documents.served_versions(hit.passage.document_id for hit in hits)
        return sorted(
            hit.passage.url for hit in hits if served.get(hit.passage.document_id) == hit.passage.version
        )


@pytest.fixture
def cloud(ministack: str, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setenv("AWS_ENDPOINT_URL", ministack)
    return Cloud(monkeypatch)


def test_a_dropped_file_is_learned_changed_and_forgotten(cloud: Cloud) -> None:
    cloud.drop(1, 2)

    assert cloud.quotable("nightly copies") == ["https://example.com/1", "https://example.com/2"]
    [job], _ = cloud.jobs.list(page=1, page_size=10)
    assert (job.status, job.done, job.total, job.subject) == (JobStatus.SUCCEEDED, 2, 2, KEY)

    cloud.drop(2, 3, text=LONG.replace("Seven", "Nine"))

    assert cloud.quotable("nightly copies") == ["https://example.com/2", "https://example.com/3"]
    assert cloud.quotable("seven") == []

    cloud.objects.delete(KEY)
    cloud.settle()

    assert cloud.quotable("nightly copies") == []
    assert list(cloud.keywords.stored()) == list(cloud.vectors.stored()) == []
    report = cloud.reconciling.compare()
    assert (report.documents, report.pending, report.differences) == (0, 0, [])
