"""Queues: hand each message of a batch to its handler; only the failed ones come back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from candor.edge.observability import MetricUnit, log_failure, logger, metrics
from candor.errors import CandorError, Invalid, Malformed
from candor.messages import Message

M = TypeVar("M", bound=Message)

HOPELESS = (Malformed, Invalid)
"""What the same message will meet every time: it is buried at once instead of after its last try."""


class Graveyard(Protocol):
    """The dead-letter queue of a worker, for what can never succeed."""

    def bury(self, body: str, *, reason: str, message_id: str) -> None:
        """Keep a message with the sentence that says why. Durable on return; raises `Unavailable`."""
        ...


def consume(
    event: Mapping[str, Any],
    context: Any,
    kind: type[M],
    handle: Callable[[M], None],
    *,
    graveyard: Graveyard | None = None,
) -> dict[str, Any]:
    """
    Decode each record as `kind`, give it to `handle`, and report the failures to SQS.

    A handler that raises has its message back later. One that raises `Malformed` or `Invalid`
    never sees it again: it goes to the graveyard with its reason (and, without a graveyard or when
    that fails, the way of every failure).
    """

    def handle_many(messages: Sequence[M]) -> Mapping[int, BaseException]:
        failures: dict[int, BaseException] = {}
        for index, message in enumerate(messages):
            try:
                handle(message)
            except Exception as error:  # noqa: BLE001 - in a worker, raising is the retry: reported below
                failures[index] = error
        return failures

    return consume_batch(event, context, kind, handle_many, graveyard=graveyard)


def consume_batch(
    event: Mapping[str, Any],
    context: Any,
    kind: type[M],
    handle_many: Callable[[Sequence[M]], Mapping[int, BaseException]],
    *,
    graveyard: Graveyard | None = None,
) -> dict[str, Any]:
    """
    As `consume`, for handlers that save by doing many at once.

    `handle_many` gets the messages that could be decoded and returns the failed ones: their index
    in what it got, and the error. If it raises, all of them come back.
    """
    records: Sequence[Mapping[str, Any]] = event.get("Records", ())
    failures: list[tuple[Mapping[str, Any], BaseException]] = []
    readable: list[tuple[Mapping[str, Any], M]] = []
    for record in records:
        try:
            readable.append((record, kind.from_json(record["body"])))
        except Malformed as error:
            failures.append((record, error))
    if readable:
        messages = [message for _, message in readable]
        try:
            failed = dict(handle_many(messages))
        except Exception as error:  # noqa: BLE001 - in a worker, raising is the retry: reported below
            failed = dict.fromkeys(range(len(messages)), error)
        failures += [(readable[index][0], error) for index, error in sorted(failed.items())]
    back = [record["messageId"] for record, error in failures if not _buried(record, error, kind, graveyard)]
    logger.info("consumed", extra={"kind": kind.__name__, "messages": len(records), "back": len(back)})
    metrics.add_metric(name="Messages", unit=MetricUnit.Count, value=len(records))
    metrics.add_metric(name="MessagesBack", unit=MetricUnit.Count, value=len(back))
    # An id SQS does not get back is deleted; the whole batch is never failed for one message.
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in back]}


def _buried(
    record: Mapping[str, Any], error: BaseException, kind: type[Message], graveyard: Graveyard | None
) -> bool:
    message_id, tries = record["messageId"], record.get("attributes", {}).get("ApproximateReceiveCount", "?")
    keys = {"message_id": message_id, "kind": kind.__name__, "tries": tries}
    if isinstance(error, HOPELESS) and graveyard is not None:
        try:
            graveyard.bury(record["body"], reason=str(error), message_id=message_id)
        except CandorError as unburied:
            log_failure("not buried", unburied, **keys)
            return False
        logger.warning("buried", extra={"reason": type(error).__name__, **keys})
        return True
    if isinstance(error, CandorError):
        logger.warning("failed", extra={"reason": type(error).__name__, **keys})
    else:
        log_failure("failed", error, **keys)
    return False
