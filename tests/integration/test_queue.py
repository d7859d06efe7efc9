"""Queues: one contract, over every adapter."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from candor.errors import Unavailable
from candor.messages import DocumentToIndex, Queue, SourceToRead
from tests.doubles import aws
from tests.waiting import until

Received = Callable[[], list[str]]


@pytest.fixture(params=["memory", "moto", "ministack"])
def queue(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Queue, Received]]:
    from candor.adapters.memory_storage import MemoryQueue
    from candor.adapters.sqs import SqsQueue

    if request.param == "memory":
        memory = MemoryQueue()
        yield memory, lambda: [message.to_json() for message in memory.take(1_000)]
    elif request.param == "moto":
        with mock_aws():
            url = aws.create_queue()
            yield SqsQueue(url), lambda: _received(url)
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
        url = aws.create_queue()
        yield SqsQueue(url), lambda: _received(url)


def _received(url: str) -> list[str]:
    client = boto3.client("sqs")
    bodies: list[str] = []
    while batch := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in batch]
    return bodies


def test_nothing_sent_is_nothing_waiting(queue: tuple[Queue, Received]) -> None:
    to, received = queue

    to.send()

    assert received() == []


def test_every_message_arrives_whole_however_many(queue: tuple[Queue, Received]) -> None:
    to, received = queue

    to.send(*(DocumentToIndex(document_id=f"d{number}") for number in range(37)))

    assert sorted(json.loads(body)["document_id"] for body in received()) == sorted(
        f"d{n}" for n in range(37)
    )


def test_letters_of_every_script_survive(queue: tuple[Queue, Received]) -> None:
    to, received = queue
    message = SourceToRead(key="source/їжак ü 日本.json", job_id="j", start=7)

    to.send(message)

    assert [SourceToRead.from_json(body) for body in received()] == [message]


class _Flaky:
    """A client that refuses a part of each batch a few times."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.taken: list[str] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        refused = Entries[::2] if self.refusals > 0 else []
        self.refusals -= 1
        self.taken += [entry["MessageBody"] for entry in Entries if entry not in refused]
        return {"Failed": [{"Id": entry["Id"]} for entry in refused]}


def test_only_the_refused_part_of_a_batch_is_sent_again() -> None:
    from candor.adapters.sqs import SqsQueue

    client = _Flaky(refusals=2)

    SqsQueue("http://queue", client=lambda: client).send(
        *(DocumentToIndex(document_id=str(n)) for n in range(10))
    )

    assert sorted(json.loads(body)["document_id"] for body in client.taken) == [str(n) for n in range(10)]


def test_a_queue_that_keeps_refusing_is_unavailable() -> None:
    from candor.adapters.sqs import SqsQueue

    client = _Flaky(refusals=1_000)

    with pytest.raises(Unavailable):
        SqsQueue("http://queue", client=lambda: client).send(DocumentToIndex(document_id="d"))


def test_a_queue_that_cannot_be_reached_is_unavailable() -> None:
    from candor.adapters.sqs import SqsQueue

    class Gone:
        def send_message_batch(self, **_: object) -> None:
            raise EndpointConnectionError(endpoint_url="http://queue")

    with pytest.raises(Unavailable):
        SqsQueue("http://queue", client=Gone).send(DocumentToIndex(document_id="d"))


@mock_aws
def test_a_buried_message_keeps_its_reason() -> None:
    from candor.adapters.sqs import SqsQueue

    url = aws.create_queue()

    SqsQueue(url).bury('{"nonsense":1}', reason="The message is not a DocumentToIndex.", message_id="m-1")

    answer = boto3.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"][0]
    assert answer["Body"] == '{"nonsense":1}'
    assert answer["MessageAttributes"]["Reason"]["StringValue"] == "The message is not a DocumentToIndex."


@pytest.fixture(params=["moto", "ministack"])
def somewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "moto":
        with mock_aws():
            yield
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
        yield


def _taken(url: str, wait: int = 0) -> list[dict[str, Any]]:
    client = boto3.client("sqs")
    answer = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def _arn(url: str) -> str:
    client = boto3.client("sqs")
    attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return str(attributes["QueueArn"])


def test_a_deferred_message_comes_back_after_its_own_pause(somewhere: None) -> None:
    from candor.adapters.sqs import SqsDeferral, SqsQueue

    url = aws.create_queue()
    SqsQueue(url).send(DocumentToIndex(document_id="soon"), DocumentToIndex(document_id="late"))
    receipts = {json.loads(m["Body"])["document_id"]: m["ReceiptHandle"] for m in _taken(url)}

    arn, back = _arn(url), list[dict[str, Any]]()
    began = time.monotonic()
    SqsDeferral().defer(arn, {receipts["soon"]: 1, receipts["late"]: 600})

    until(lambda: back.extend(_taken(url)) or back)
    assert time.monotonic() - began > 0.9
    assert [json.loads(message["Body"]) for message in back] == [{"document_id": "soon"}]


def test_many_messages_are_deferred_and_a_stale_receipt_harms_none(somewhere: None) -> None:
    from candor.adapters.sqs import SqsDeferral, SqsQueue

    url = aws.create_queue()
    SqsQueue(url).send(*(DocumentToIndex(document_id=str(n)) for n in range(23)))
    receipts = [message["ReceiptHandle"] for _ in range(5) for message in _taken(url)]
    assert len(receipts) == 23
    boto3.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=receipts[0])

    SqsDeferral().defer(_arn(url), dict.fromkeys(receipts, 0))

    back = [message["MessageId"] for _ in range(5) for message in _taken(url)]
    assert len(set(back)) == 22


def test_a_queue_that_is_not_there_cannot_be_deferred_to(somewhere: None) -> None:
    from candor.adapters.sqs import SqsDeferral

    with pytest.raises(Unavailable):
        SqsDeferral().defer("arn:aws:sqs:us-east-1:000000000000:nowhere", {"r": 1})


@pytest.mark.parametrize("reason", ["\x00\x1b[31mred\ud800", "", "ї" * 5_000])
def test_whatever_the_reason_it_is_buried(somewhere: None, reason: str) -> None:
    from candor.adapters.sqs import SqsQueue

    url = aws.create_queue()

    SqsQueue(url).bury("{}", reason=reason, message_id="m-1", kind="IndexWork", receive_count=3)

    client = boto3.client("sqs")
    [found] = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    attributes = found["MessageAttributes"]
    assert attributes["Reason"]["StringValue"]
    assert (attributes["Kind"]["StringValue"], attributes["ReceiveCount"]["StringValue"]) == (
        "IndexWork",
        "3",
    )
    assert "FirstReceivedAt" not in attributes
