"""Wiring of knowledge: documents, jobs, objects and the queues between them."""

from functools import cache
from typing import TYPE_CHECKING

from candor import settings
from candor.wiring.announcing import announced_jobs
from candor.wiring.environment import stores

if TYPE_CHECKING:
    from candor.documents import Documents
    from candor.edge.queue import Graveyard
    from candor.ingesting import Ingesting
    from candor.jobs import Jobs
    from candor.messages import Queue
    from candor.objects import Objects
    from candor.source_runs import SourceRuns
    from candor.uploading import Uploading


@cache
def objects() -> "Objects":
    from candor.adapters.s3 import S3Objects

    return S3Objects(settings.need(stores().source_bucket, "SOURCE_BUCKET"))


@cache
def documents() -> "Documents":
    from candor.adapters.dynamodb_documents import DynamoDocuments

    table = settings.need(stores().documents_table, "DOCUMENTS_TABLE")
    return DynamoDocuments(table, objects=objects(), jobs_table=stores().jobs_table)


@cache
def jobs() -> "Jobs":
    from candor.adapters.dynamodb_jobs import DynamoJobs

    return announced_jobs(DynamoJobs(settings.need(stores().jobs_table, "JOBS_TABLE")))


@cache
def index_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().index_queue_url, "INDEX_QUEUE_URL"))


@cache
def source_queue() -> "Queue":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().source_queue_url, "SOURCE_QUEUE_URL"))


@cache
def index_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().index_dlq_url, "INDEX_DLQ_URL"))


@cache
def source_graveyard() -> "Graveyard":
    from candor.adapters.sqs import SqsQueue

    return SqsQueue(settings.need(stores().source_dlq_url, "SOURCE_DLQ_URL"))


@cache
def ingesting() -> "Ingesting":
    from candor.ingesting import Ingesting
    from candor.wiring.imports import import_orders
    from candor.wiring.learning import arriving

    return Ingesting(
        documents=documents(),
        tickets=arriving,
        jobs=jobs(),
        objects=objects(),
        queue=source_queue(),
        dumps=import_orders(),
    )


@cache
def source_runs() -> "SourceRuns":
    from candor.source_runs import SourceRuns

    return SourceRuns(ingesting=ingesting(), jobs=jobs(), objects=objects())


@cache
def uploading() -> "Uploading":
    from candor.uploading import Uploading

    return Uploading(documents=documents(), objects=objects(), ingesting=ingesting())
