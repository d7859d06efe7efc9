"""Queues: only what failed comes back, and what can never succeed goes where it is seen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from candor.edge.queue import consume, consume_batch
from candor.errors import Invalid, Malformed, NotFound, Unavailable
from candor.messages import DocumentToIndex


@dataclass
class Graves:
    """A `Graveyard` one can look into."""

    down: bool = False
    buried: list[tuple[str, str]] = field(default_factory=list)

    def bury(self, body: str, *, reason: str, message_id: str) -> None:
        if self.down:
            raise Unavailable("The graveyard is closed.")
        self.buried.append((message_id, reason))


def _event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{number}", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
            for number, body in enumerate(bodies)
        ]
    }


def _to_index(*ids: str) -> dict[str, Any]:
    return _event(*(json.dumps({"document_id": document_id}) for document_id in ids))


def _back(result: Mapping[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in result["batchItemFailures"]]


def test_only_the_message_that_failed_returns_to_the_queue() -> None:
    handled: list[str] = []

    def handle(message: DocumentToIndex) -> None:
        if message.document_id == "b":
            raise Unavailable("Not now.")
        handled.append(message.document_id)

    result = consume(_to_index("a", "b", "c"), None, DocumentToIndex, handle)

    assert (_back(result), handled) == (["m1"], ["a", "c"])


@pytest.mark.parametrize(
    "error", [Unavailable("Later."), NotFound("Not yet."), ZeroDivisionError(), KeyError("x")]
)
def test_what_may_succeed_later_comes_back(error: Exception) -> None:
    graves = Graves()

    def handle(message: DocumentToIndex) -> None:
        raise error

    assert _back(consume(_to_index("a"), None, DocumentToIndex, handle, graveyard=graves)) == ["m0"]
    assert graves.buried == []


@pytest.mark.parametrize("error", [Invalid("No such thing."), Malformed("Not readable.")])
def test_what_can_never_succeed_is_buried_at_once_with_its_reason(error: Exception) -> None:
    graves = Graves()

    def handle(message: DocumentToIndex) -> None:
        raise error

    assert _back(consume(_to_index("a"), None, DocumentToIndex, handle, graveyard=graves)) == []
    assert graves.buried == [("m0", str(error))]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "7", "{}", '"text"'])
def test_a_message_nobody_can_read_is_buried_without_being_handled(body: str) -> None:
    graves, handled = Graves(), list[DocumentToIndex]()

    result = consume(
        _event(body, '{"document_id": "a"}'), None, DocumentToIndex, handled.append, graveyard=graves
    )

    assert _back(result) == []
    assert [message_id for message_id, _ in graves.buried] == ["m0"]
    assert handled == [DocumentToIndex(document_id="a")]


def test_nothing_is_lost_when_the_graveyard_is_closed() -> None:
    assert _back(
        consume(_event("{"), None, DocumentToIndex, lambda _: None, graveyard=Graves(down=True))
    ) == ["m0"]
    assert _back(consume(_event("{"), None, DocumentToIndex, lambda _: None)) == ["m0"]


def test_a_batch_handled_as_one_reports_its_failures_one_by_one() -> None:
    graves = Graves()

    def handle(messages: Sequence[DocumentToIndex]) -> Mapping[int, BaseException]:
        assert [message.document_id for message in messages] == ["a", "b", "c"]
        return {0: Unavailable("Later."), 2: Invalid("Never.")}

    event = _to_index("a", "b", "c")
    event["Records"].insert(0, {"messageId": "m9", "body": "{", "attributes": {}})

    result = consume_batch(event, None, DocumentToIndex, handle, graveyard=graves)

    assert _back(result) == ["m0"]
    assert [message_id for message_id, _ in graves.buried] == ["m9", "m2"]


def test_a_batch_that_fails_as_a_whole_comes_back_whole() -> None:
    def handle(messages: Sequence[DocumentToIndex]) -> Mapping[int, BaseException]:
        raise Unavailable("Not now.")

    assert _back(consume_batch(_to_index("a", "b"), None, DocumentToIndex, handle)) == ["m0", "m1"]


def test_an_empty_batch_is_nothing_to_do() -> None:
    assert _back(consume({}, None, DocumentToIndex, lambda _: None)) == []
