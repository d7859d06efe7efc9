"""Dead letters: one contract, over every adapter."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from candor.dead_letters import NO_REASON, DeadLetters
from candor.edge.queue import Graveyard
from candor.errors import Conflict, NotFound, Unavailable
from tests.doubles import aws


@dataclass(frozen=True, kw_only=True)
class Cemetery:
    letters: DeadLetters
    graveyard: Graveyard
    """Of the queue `index`."""
    by_the_queue: Callable[[str], object]
    """What SQS itself moves there: a body, and no word about it."""
    arrived: Callable[[], list[str]]
    """What has come back to the queue, taken out of it."""


@pytest.fixture(params=["memory", "moto", "ministack"])
def cemetery(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cemetery]:
    from candor.adapters.memory_dead_letters import MemoryDeadLetters

    if request.param == "memory":
        sent: list[str] = []

        def arrived() -> list[str]:
            bodies = sent[:]
            sent.clear()
            return bodies

        letters = MemoryDeadLetters({"index": sent.append, "changes": None})
        yield Cemetery(
            letters=letters,
            graveyard=letters.graveyard("index"),
            by_the_queue=lambda body: letters.add("index", body),
            arrived=arrived,
        )
    elif request.param == "moto":
        with mock_aws():
            yield _in_sqs()
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("ministack"))
        yield _in_sqs()


def _in_sqs() -> Cemetery:
    from candor.adapters.sqs import SqsQueue
    from candor.adapters.sqs_dead_letters import QueuePair, SqsDeadLetters

    main, dead, changes = aws.create_queue(), aws.create_queue(), aws.create_queue()
    client = boto3.client("sqs")

    def arrived() -> list[str]:
        bodies: list[str] = []
        while batch := client.receive_message(QueueUrl=main, MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in batch]
        return bodies

    return Cemetery(
        letters=SqsDeadLetters(
            {
                "index": QueuePair(dead_url=dead, main_url=main),
                "changes": QueuePair(dead_url=changes, main_url=None),
            }
        ),
        graveyard=SqsQueue(dead),
        by_the_queue=lambda body: client.send_message(QueueUrl=dead, MessageBody=body),
        arrived=arrived,
    )


def bury(cemetery: Cemetery, *ids: str) -> None:
    for document_id in ids:
        cemetery.graveyard.bury(
            json.dumps({"document_id": document_id, "text": "a customer's words"}),
            reason="The engine refused it.",
            message_id=f"first-{document_id}",
            kind="IndexWork",
            first_received_at="2026-01-01T00:00:00+00:00",
            receive_count=10,
        )


def waiting(cemetery: Cemetery, queue: str = "index") -> int:
    return sum(count.messages for count in cemetery.letters.counts() if count.queue == queue)


def soon() -> datetime:
    """Later than anything buried so far."""
    return datetime.now(UTC) + timedelta(seconds=1)


def test_an_empty_queue_holds_nothing(cemetery: Cemetery) -> None:
    assert [(count.queue, count.messages) for count in cemetery.letters.counts()] == [
        ("index", 0),
        ("changes", 0),
    ]
    assert cemetery.letters.messages("index") == []


def test_a_dead_letter_says_why_and_about_what_and_never_what_it_said(cemetery: Cemetery) -> None:
    bury(cemetery, "d1")

    [letter] = cemetery.letters.messages("index")

    assert (letter.reason, letter.kind, letter.subject) == ("The engine refused it.", "IndexWork", "d1")
    assert (letter.receive_count, letter.first_received_at) == (10, "2026-01-01T00:00:00+00:00")
    assert "customer" not in repr(letter)


def test_what_the_queue_itself_gave_up_is_shown_without_a_reason_of_its_own(cemetery: Cemetery) -> None:
    cemetery.by_the_queue('{"document_id": "d1"}')

    [letter] = cemetery.letters.messages("index")

    assert (letter.reason, letter.kind, letter.subject) == (NO_REASON, "index", "d1")


def test_looking_takes_nothing_away(cemetery: Cemetery) -> None:
    bury(cemetery, *(f"d{number}" for number in range(23)))

    first, second = cemetery.letters.messages("index"), cemetery.letters.messages("index")

    assert sorted(letter.subject for letter in first) == sorted(f"d{number}" for number in range(23))
    assert {letter.message_id for letter in first} == {letter.message_id for letter in second}
    assert waiting(cemetery) == 23


def test_no_more_is_shown_than_was_asked_for_and_the_rest_is_not_hidden(cemetery: Cemetery) -> None:
    bury(cemetery, *(f"d{number}" for number in range(12)))

    assert len(cemetery.letters.messages("index", at_most=3)) == 3
    assert waiting(cemetery) == 12


def test_all_are_sent_again_each_once(cemetery: Cemetery) -> None:
    bury(cemetery, *(f"d{number}" for number in range(23)))

    moved = cemetery.letters.redrive("index", before=soon(), seconds=20)

    assert (len(moved.message_ids), moved.exhausted) == (23, True)
    ids = sorted(json.loads(body)["document_id"] for body in cemetery.arrived())
    assert ids == sorted(f"d{number}" for number in range(23))
    assert waiting(cemetery) == 0


def test_only_those_that_are_named_are_sent_again(cemetery: Cemetery) -> None:
    bury(cemetery, *(f"d{number}" for number in range(12)))
    chosen = {one.message_id for one in cemetery.letters.messages("index") if one.subject in ("d3", "d7")}

    moved = cemetery.letters.redrive("index", before=soon(), seconds=20, message_ids=[*chosen, "nobody"])

    assert set(moved.message_ids) == chosen
    assert sorted(json.loads(body)["document_id"] for body in cemetery.arrived()) == ["d3", "d7"]
    assert waiting(cemetery) == 10


def test_what_is_buried_after_the_redrive_began_is_not_sent_round_in_circles(cemetery: Cemetery) -> None:
    bury(cemetery, "old")
    time.sleep(0.02)
    began = datetime.now(UTC)
    time.sleep(0.02)
    bury(cemetery, "new")

    moved = cemetery.letters.redrive("index", before=began, seconds=20)

    assert (len(moved.message_ids), moved.exhausted) == (1, True)
    assert [json.loads(body)["document_id"] for body in cemetery.arrived()] == ["old"]
    assert [letter.subject for letter in cemetery.letters.messages("index")] == ["new"]


def test_what_has_been_sent_again_carries_its_own_body_alone(cemetery: Cemetery) -> None:
    cemetery.by_the_queue('{"document_id": "їжак ü 日本"}')

    cemetery.letters.redrive("index", before=soon(), seconds=20)

    assert cemetery.arrived() == ['{"document_id": "їжак ü 日本"}']


def test_large_messages_are_sent_again_too(cemetery: Cemetery) -> None:
    for number in range(4):
        cemetery.by_the_queue(json.dumps({"document_id": str(number), "more": "x" * 150_000}))

    moved = cemetery.letters.redrive("index", before=soon(), seconds=20)

    assert len(moved.message_ids) == 4
    assert sorted(json.loads(body)["document_id"] for body in cemetery.arrived()) == ["0", "1", "2", "3"]


def test_one_message_is_thrown_away_and_the_others_stay(cemetery: Cemetery) -> None:
    bury(cemetery, *(f"d{number}" for number in range(12)))
    [gone] = [one.message_id for one in cemetery.letters.messages("index") if one.subject == "d5"]

    cemetery.letters.discard("index", gone)

    assert waiting(cemetery) == 11
    assert "d5" not in {letter.subject for letter in cemetery.letters.messages("index")}
    with pytest.raises(NotFound):
        cemetery.letters.discard("index", gone)


def test_an_unknown_queue_is_not_found_and_the_known_ones_are_named(cemetery: Cemetery) -> None:
    for ask in (
        lambda: cemetery.letters.messages("indices"),
        lambda: cemetery.letters.redrive("indices", before=soon(), seconds=1),
        lambda: cemetery.letters.clear("indices", before=soon(), seconds=1),
        lambda: cemetery.letters.discard("indices", "m"),
    ):
        with pytest.raises(NotFound, match="changes, index"):
            ask()


def test_what_came_from_no_queue_is_cleared_and_not_sent_back(cemetery: Cemetery) -> None:
    with pytest.raises(Conflict):
        cemetery.letters.redrive("changes", before=soon(), seconds=1)

    assert cemetery.letters.clear("changes", before=soon(), seconds=5).exhausted


class _Refusing:
    """SQS that is there, holds one message, and takes no new ones."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.shown: list[str] = []
        self._messages = [
            {"MessageId": "m1", "ReceiptHandle": "r1", "Body": "{}", "Attributes": {"SentTimestamp": "1"}}
        ]

    def receive_message(self, **_: object) -> dict[str, Any]:
        found, self._messages = self._messages, []
        return {"Messages": found}

    def send_message_batch(self, *, Entries: list[dict[str, str]], **_: object) -> dict[str, Any]:  # noqa: N803
        return {"Failed": [{"Id": entry["Id"]} for entry in Entries]}

    def delete_message_batch(self, *, Entries: list[dict[str, str]], **_: object) -> dict[str, Any]:  # noqa: N803
        self.deleted += [entry["ReceiptHandle"] for entry in Entries]
        return {}

    def change_message_visibility_batch(self, *, Entries: list[dict[str, Any]], **_: object) -> None:  # noqa: N803
        self.shown += [entry["ReceiptHandle"] for entry in Entries if entry["VisibilityTimeout"] == 0]


def test_a_message_its_queue_does_not_take_stays_where_it_is() -> None:
    from candor.adapters.sqs_dead_letters import QueuePair, SqsDeadLetters

    client = _Refusing()
    letters = SqsDeadLetters({"index": QueuePair(dead_url="d", main_url="m")}, client=lambda: client)

    with pytest.raises(Unavailable):
        letters.redrive("index", before=soon(), seconds=5)

    assert (client.deleted, client.shown) == ([], ["r1"])


def test_a_queue_that_cannot_be_reached_is_unavailable() -> None:
    from candor.adapters.sqs_dead_letters import QueuePair, SqsDeadLetters

    class Gone:
        def __getattr__(self, name: str) -> Any:
            raise EndpointConnectionError(endpoint_url="http://queue")

    letters = SqsDeadLetters({"index": QueuePair(dead_url="d", main_url="m")}, client=Gone)

    with pytest.raises(Unavailable):
        letters.counts()
