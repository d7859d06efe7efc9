"""Dead letters in SQS: received to be looked at, given back at once; sent on before they are removed."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from candor.dead_letters import AT_MOST, NO_REASON, Count, DeadLetter, Moved, check_known, subject_of
from candor.errors import Conflict, NotFound, Unavailable

_AT_ONCE: Final = 10
_HIDDEN_SECONDS: Final = 60
"""How long a message stays hidden when whoever looks at it is killed. Longer than any look takes."""

_MAX_BYTES: Final = 200_000
"""Of one batch to be sent. SQS takes 256 KiB with everything around it."""

_SEARCH_SECONDS: Final = 10.0


def _client() -> Any:
    return boto3.client(
        "sqs",
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2, "mode": "standard"}),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuePair:
    """A dead-letter queue, and the queue whose messages end there (none: they came from elsewhere)."""

    dead_url: str
    main_url: str | None


class SqsDeadLetters:
    """`DeadLetters` in these queues. Connects at the first call."""

    def __init__(self, queues: Mapping[str, QueuePair], *, client: Callable[[], Any] = _client) -> None:
        self._queues = dict(queues)
        self._make_client = client
        self._made: Any = None

    def counts(self) -> Sequence[Count]:
        with _translated():
            return [self._count(queue) for queue in self._queues]

    def messages(self, queue: str, *, at_most: int = AT_MOST) -> Sequence[DeadLetter]:
        url = self._pair(queue).dead_url
        found: dict[str, DeadLetter] = {}
        with _translated(), self._held(url) as held:
            enough = min(at_most, self._count(queue).messages)
            if not enough:
                return []
            for message in self._received(url, time.monotonic() + _SEARCH_SECONDS, held):
                found.setdefault(message["MessageId"], _letter_of(queue, message))
                if len(found) >= enough:
                    break
        return list(found.values())

    def redrive(
        self,
        queue: str,
        *,
        before: datetime,
        seconds: float,
        message_ids: Collection[str] | None = None,
    ) -> Moved:
        pair = self._pair(queue)
        if pair.main_url is None:
            raise Conflict(f"Messages of {queue} came from no queue and cannot be sent back to one.")
        return self._moved(pair.dead_url, pair.main_url, before, seconds, message_ids)

    def clear(self, queue: str, *, before: datetime, seconds: float) -> Moved:
        return self._moved(self._pair(queue).dead_url, None, before, seconds, None)

    def discard(self, queue: str, message_id: str) -> None:
        url = self._pair(queue).dead_url
        ends = time.monotonic() + _SEARCH_SECONDS
        with _translated(), self._held(url) as held:
            for message in self._received(url, ends, held):
                if message["MessageId"] == message_id:
                    self._client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    del held[message["ReceiptHandle"]]
                    return
        if time.monotonic() >= ends:
            raise Unavailable("There are too many messages to find that one among them in time.")
        raise NotFound("There is no such message in this queue.")

    def _moved(
        self, url: str, to: str | None, before: datetime, seconds: float, wanted: Collection[str] | None
    ) -> Moved:
        """Take out what is wanted. The rest stays hidden until the end: it is met once."""
        ends = time.monotonic() + seconds
        moved: list[str] = []
        batch: list[Mapping[str, Any]] = []
        with _translated(), self._held(url) as held:
            for message in self._received(url, ends, held):
                if _sent_at(message) < before and (wanted is None or message["MessageId"] in wanted):
                    batch.append(message)
                if len(batch) == _AT_ONCE:
                    moved += self._move(url, to, batch, held)
                    batch = []
                if wanted is not None and len(moved) + len(batch) >= len(wanted):
                    break
            moved += self._move(url, to, batch, held)
        found_all = wanted is not None and len(set(moved)) >= len(wanted)
        return Moved(message_ids=tuple(moved), exhausted=found_all or time.monotonic() < ends)

    def _move(
        self, url: str, to: str | None, batch: Sequence[Mapping[str, Any]], held: dict[str, Mapping[str, Any]]
    ) -> list[str]:
        """Send these on, then remove those that were taken; the ids of the ones removed."""
        gone = list(batch) if to is None else [m for part in _parts(batch) for m in self._sent(to, part)]
        for start in range(0, len(gone), _AT_ONCE):
            part = gone[start : start + _AT_ONCE]
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(part)]
            self._client.delete_message_batch(QueueUrl=url, Entries=entries)
            for message in part:
                del held[message["ReceiptHandle"]]
        if len(gone) < len(batch):
            raise Unavailable("The queue did not take every message.")
        return [message["MessageId"] for message in gone]

    def _sent(self, to: str, part: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        entries = [{"Id": str(n), "MessageBody": message["Body"]} for n, message in enumerate(part)]
        answer = self._client.send_message_batch(QueueUrl=to, Entries=entries)
        refused = {entry["Id"] for entry in answer.get("Failed", ())}
        return [message for n, message in enumerate(part) if str(n) not in refused]

    def _received(
        self, url: str, ends: float, held: dict[str, Mapping[str, Any]]
    ) -> Iterator[Mapping[str, Any]]:
        """Every message that is visible, until the time is over; all that was received is `held`."""
        seen: set[str] = set()
        patient = 0
        while time.monotonic() < ends:
            answer = self._client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=_AT_ONCE,
                VisibilityTimeout=_HIDDEN_SECONDS,
                # A short poll asks only some of SQS's servers: nothing there is said by a long one alone.
                WaitTimeSeconds=patient,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            batch = answer.get("Messages", ())
            if not batch and patient:
                return
            patient = 0 if batch else 1
            held.update((message["ReceiptHandle"], message) for message in batch)
            new = [message for message in batch if message["MessageId"] not in seen]
            if batch and not new:
                return  # Only what has been seen: it became visible again while we were looking.
            seen.update(message["MessageId"] for message in new)
            yield from new

    @contextmanager
    def _held(self, url: str) -> Iterator[dict[str, Mapping[str, Any]]]:
        """Messages by their receipts; what is in it at the end is given back, whatever happens."""
        held: dict[str, Mapping[str, Any]] = {}
        try:
            yield held
        finally:
            receipts = list(held)
            for start in range(0, len(receipts), _AT_ONCE):
                entries = [
                    {"Id": str(n), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                    for n, receipt in enumerate(receipts[start : start + _AT_ONCE])
                ]
                self._client.change_message_visibility_batch(QueueUrl=url, Entries=entries)

    def _count(self, queue: str) -> Count:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._client.get_queue_attributes(QueueUrl=self._pair(queue).dead_url, AttributeNames=names)
        visible, hidden = (int(answer.get("Attributes", {}).get(name, 0)) for name in names)
        return Count(queue=queue, messages=visible, in_flight=hidden)

    def _pair(self, queue: str) -> QueuePair:
        check_known(queue, self._queues)
        return self._queues[queue]

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = self._make_client()
        return self._made


def _letter_of(queue: str, message: Mapping[str, Any]) -> DeadLetter:
    own = {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
    system = message.get("Attributes", {})
    # What SQS counts goes on counting here, with every look; what the worker noted does not.
    receives = own.get("ReceiveCount") or system.get("ApproximateReceiveCount", "0")
    first = (
        own.get("FirstReceivedAt") or _time(system.get("ApproximateFirstReceiveTimestamp", "0")).isoformat()
    )
    return DeadLetter(
        message_id=message["MessageId"],
        reason=own.get("Reason") or NO_REASON,
        kind=own.get("Kind") or queue,
        first_received_at=first,
        receive_count=int(receives) if receives.isdecimal() else 0,
        subject=subject_of(message["Body"]),
    )


def _sent_at(message: Mapping[str, Any]) -> datetime:
    return _time(message.get("Attributes", {}).get("SentTimestamp", "0"))


def _time(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _parts(batch: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """As many messages as one request may carry."""
    part: list[Mapping[str, Any]] = []
    size = 0
    for message in batch:
        length = len(message["Body"].encode())
        if part and size + length > _MAX_BYTES:
            yield part
            part, size = [], 0
        part.append(message)
        size += length
    if part:
        yield part


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("The queue is not available right now.") from error
