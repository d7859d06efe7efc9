"""Probes: whether a service is there, said in a sentence that names what is not."""

import boto3
import pytest
from moto import mock_aws

from candor.adapters import probes
from candor.adapters.sqs_depths import SqsDepths
from candor.errors import Unavailable
from candor.statistics.values import Depth
from tests.doubles import aws


@mock_aws
def test_the_queue_that_does_not_answer_is_named() -> None:
    probes._client.cache_clear()
    there = aws.create_queue()

    probes.queues_probe({"index": there, "source": there})()
    with pytest.raises(Unavailable, match="The export queue does not answer"):
        probes.queues_probe({"index": there, "export": there + "-gone"})()

    probes._client.cache_clear()


@mock_aws
def test_the_table_that_is_not_there_is_named() -> None:
    probes._client.cache_clear()
    documents, jobs = aws.create_documents_table(), aws.create_jobs_table()
    reading = probes.table_probe(documents, "document_id")

    probes.tables_probe(reading, [documents, jobs])()
    with pytest.raises(Unavailable, match=f"The table {jobs}-gone does not answer"):
        probes.tables_probe(reading, [documents, f"{jobs}-gone"])()
    with pytest.raises(Unavailable, match="The database does not answer"):
        probes.tables_probe(probes.table_probe("gone", "document_id"), [jobs])()

    probes._client.cache_clear()


@mock_aws
def test_the_depths_of_queues_are_asked_together() -> None:
    client = boto3.client("sqs")
    empty, full = aws.create_queue(), aws.create_queue()
    for number in range(5):
        client.send_message(QueueUrl=full, MessageBody=str(number), DelaySeconds=number // 4)
    client.receive_message(QueueUrl=full, MaxNumberOfMessages=2)

    assert SqsDepths({"empty": empty, "full": full}).depths() == {
        "empty": Depth(waiting=0, in_flight=0),
        "full": Depth(waiting=3, in_flight=2),
    }
    assert SqsDepths({}).depths() == {}
    with pytest.raises(Unavailable):
        SqsDepths({"empty": empty, "gone": f"{full}-gone"}).depths()
