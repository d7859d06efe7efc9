"""Queues: only what failed comes back, and what can never succeed goes where it is seen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from candor.edge.queue import BACK_OFF, TRIES, TRIES_OF_A_DEFECT, consume, consume_batch
from candor.errors import Invalid, Malformed, NotFound, Unavailable
from candor.messages import DocumentToIndex


@dataclass
class Graves:
    """A `Graveyard` one can look into."""

    down: bool = False
    buried: list[tuple[str, str]] = field(default_factory=list)
    about: list[Mapping[str, object]] = field(default_factory=list)

    def bury(self, body: str, *, reason: str, message_id: str, **about: object) -> None:
        if self.down:
            raise Unavailable("The graveyard is closed.")
        self.buried.append((message_id, reason))
        self.about.append(about)


@dataclass
class Pauses:
    """A `Deferral` one can look into."""

    down: bool = False
    of_queue: dict[str, dict[str, int]] = field(default_factory=dict)

    def defer(self, queue_arn: str, pauses: Mapping[str, int]) -> None:
        if self.down:
            raise Unavailable("The queue does not answer.")
        self.of_queue.setdefault(queue_arn, {}).update(pauses)


def _event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{number}", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}
            for number, body in enumerate(bodies)
        ]
    }


def _tried(times: int, *ids: str, queue: str = "index") -> dict[str, Any]:
    """Messages as they come after so many deliveries."""
    event = _to_index(*ids)
    for number, record in enumerate(event["Records"]):
        record |= {"receiptHandle": f"r{number}", "eventSourceARN": f"arn:aws:sqs:us-east-1:1:{queue}"}
        record["attributes"] = {
            "ApproximateReceiveCount": str(times),
            "ApproximateFirstReceiveTimestamp": "1767225600000",
        }
    return event


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


def _failing(error: Exception) -> Any:
    def handle(message: DocumentToIndex) -> None:
        raise error

    return handle


@pytest.mark.parametrize(("times", "pause"), [(1, 2), (2, 5), (3, 15), (9, 900)])
def test_each_failure_waits_longer_than_the_one_before(times: int, pause: int) -> None:
    pauses = Pauses()
    failing = _failing(NotFound("Not yet."))

    assert _back(consume(_tried(times, "a"), None, DocumentToIndex, failing, deferral=pauses)) == ["m0"]
    assert pauses.of_queue == {"arn:aws:sqs:us-east-1:1:index": {"r0": pause}}


@pytest.mark.parametrize(("asked", "pause"), [(0, 2), (1, 2), (40, 40), (100_000, BACK_OFF[-1])])
def test_who_says_how_long_it_will_take_is_not_asked_before(asked: int, pause: int) -> None:
    pauses = Pauses()
    failing = _failing(Unavailable("Busy.", retry_after=asked))

    consume(_tried(1, "a"), None, DocumentToIndex, failing, deferral=pauses)

    assert pauses.of_queue["arn:aws:sqs:us-east-1:1:index"] == {"r0": pause}


def test_only_what_comes_back_is_deferred() -> None:
    graves, pauses = Graves(), Pauses()

    def handle(messages: Sequence[DocumentToIndex]) -> Mapping[int, BaseException]:
        return {1: Unavailable("Later."), 2: Invalid("Never.")}

    consume_batch(_tried(1, "a", "b", "c"), None, DocumentToIndex, handle, graveyard=graves, deferral=pauses)

    assert pauses.of_queue["arn:aws:sqs:us-east-1:1:index"].keys() == {"r1"}


def test_a_message_comes_back_all_the_same_when_its_pause_cannot_be_set() -> None:
    failing = _failing(Unavailable("Later."))

    result = consume(_tried(1, "a"), None, DocumentToIndex, failing, deferral=Pauses(down=True))

    assert _back(result) == ["m0"]


def test_the_last_try_ends_in_the_graveyard_with_the_real_reason() -> None:
    graves = Graves()
    failing = _failing(Unavailable("The engine is down."))

    before = consume(_tried(TRIES - 1, "a"), None, DocumentToIndex, failing, graveyard=graves)
    last = consume(_tried(TRIES, "a"), None, DocumentToIndex, failing, graveyard=graves)

    assert (_back(before), _back(last)) == (["m0"], [])
    assert graves.buried == [("m0", f"The engine is down. Given up after {TRIES} tries.")]
    assert graves.about == [
        {
            "kind": "DocumentToIndex",
            "first_received_at": "2026-01-01T00:00:00+00:00",
            "receive_count": TRIES,
        }
    ]


def test_a_defect_is_seen_within_a_minute_and_says_only_its_kind() -> None:
    graves = Graves()
    failing = _failing(ZeroDivisionError("a customer's words"))

    before = consume(_tried(TRIES_OF_A_DEFECT - 1, "a"), None, DocumentToIndex, failing, graveyard=graves)
    last = consume(_tried(TRIES_OF_A_DEFECT, "a"), None, DocumentToIndex, failing, graveyard=graves)

    assert (_back(before), _back(last)) == (["m0"], [])
    assert graves.buried == [
        ("m0", f"Failed with ZeroDivisionError. Given up after {TRIES_OF_A_DEFECT} tries.")
    ]
    assert sum(BACK_OFF[: TRIES_OF_A_DEFECT - 1]) < 60


def test_a_queue_with_fewer_tries_buries_earlier() -> None:
    graves = Graves()
    failing = _failing(Unavailable("Later."))

    consume(_tried(3, "a"), None, DocumentToIndex, failing, graveyard=graves, tries=3)

    assert graves.buried == [("m0", "Later. Given up after 3 tries.")]


def test_without_a_graveyard_the_queue_itself_gives_up() -> None:
    assert _back(consume(_tried(99, "a"), None, DocumentToIndex, _failing(Invalid("x")))) == ["m0"]
