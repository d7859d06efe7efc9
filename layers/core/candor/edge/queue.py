"""
Queues: hand each message of a batch to its handler; only the failed ones come back, each after its own pause.

A failure that may pass is tried again after seconds, then minutes; what can never succeed is buried at
once, and what has used up its tries is buried by us and not by the queue: every dead letter has its reason.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from candor.edge.observability import MetricUnit, log_failure, logger, metrics
from candor.errors import CandorError, Invalid, Malformed
from candor.messages import Message

M = TypeVar("M", bound=Message)

HOPELESS = (Malformed, Invalid)
"""What the same message will meet every time: it is buried at once instead of after its last try."""

BACK_OFF: Final = (2, 5, 15, 30, 60, 120, 300, 600, 900)
"""
Seconds before the next try, by how often a message has been received. Together 34 minutes: an engine that is
restarted is back within a pause or two, and one that is down for half an hour costs no dead letter.
"""

TRIES: Final = len(BACK_OFF) + 1
"""
As `maxReceiveCount` of every queue in the template (a test compares): after the last one the queue itself
would move the message, without a reason. It still does so with one whose worker dies each time.
"""

TRIES_OF_A_DEFECT: Final = 4
"""Of an error nobody raised on purpose: waiting does not mend it, and within a minute somebody sees it."""


class Graveyard(Protocol):
    """The dead-letter queue of a worker, for what is given up."""

    def bury(
        self,
        body: str,
        *,
        reason: str,
        message_id: str,
        kind: str = "",
        first_received_at: str = "",
        receive_count: int = 0,
    ) -> None:
        """Keep a message with the sentence that says why. Durable on return; raises `Unavailable`."""
        ...


class Deferral(Protocol):
    """The queue a message came from, told when to hand it out again."""

    def defer(self, queue_arn: str, pauses: Mapping[str, int]) -> None:
        """
        Hide each message, named by its receipt, for so many seconds from now. Raises `Unavailable`.

        A receipt that is no longer valid is passed over: its message has been taken back already.
        """
        ...


def consume(
    event: Mapping[str, Any],
    context: Any,
    kind: type[M],
    handle: Callable[[M], None],
    *,
    graveyard: Graveyard | None = None,
    deferral: Deferral | None = None,
    tries: int = TRIES,
) -> dict[str, Any]:
    """
    Decode each record as `kind`, give it to `handle`, and report the failures to SQS.

    A handler that raises has its message back after a pause (without a deferral: after the queue's whole
    visibility time-out), `tries` times in all. One that raises `Malformed` or `Invalid` never sees it again:
    it goes to the graveyard with its reason (and, without a graveyard or when that fails, the way of every
    failure).
    """

    def handle_many(messages: Sequence[M]) -> Mapping[int, BaseException]:
        failures: dict[int, BaseException] = {}
        for index, message in enumerate(messages):
            try:
                handle(message)
            except Exception as error:  # noqa: BLE001 - in a worker, raising is the retry: reported below
                failures[index] = error
        return failures

    return consume_batch(
        event, context, kind, handle_many, graveyard=graveyard, deferral=deferral, tries=tries
    )


def consume_batch(
    event: Mapping[str, Any],
    context: Any,
    kind: type[M],
    handle_many: Callable[[Sequence[M]], Mapping[int, BaseException]],
    *,
    graveyard: Graveyard | None = None,
    deferral: Deferral | None = None,
    tries: int = TRIES,
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
    back = [
        (record, error)
        for record, error in failures
        if not _buried(record, error, kind, graveyard, tries=tries)
    ]
    if deferral is not None:
        _defer(back, deferral)
    logger.info("consumed", extra={"kind": kind.__name__, "messages": len(records), "back": len(back)})
    metrics.add_metric(name="Messages", unit=MetricUnit.Count, value=len(records))
    metrics.add_metric(name="MessagesBack", unit=MetricUnit.Count, value=len(back))
    # An id SQS does not get back is deleted; the whole batch is never failed for one message.
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record, _ in back]}


def pause_after(receives: int, error: BaseException) -> int:
    """Seconds until the next try: by how often it has been tried, and no less than the error asks for."""
    own = BACK_OFF[min(max(receives, 1), len(BACK_OFF)) - 1]
    asked = getattr(error, "retry_after", None)
    return min(max(own, asked if isinstance(asked, int) else 0), BACK_OFF[-1])


def _buried(
    record: Mapping[str, Any],
    error: BaseException,
    kind: type[Message],
    graveyard: Graveyard | None,
    *,
    tries: int,
) -> bool:
    message_id, receives = record["messageId"], _receives(record)
    expected = isinstance(error, CandorError)
    keys = {"message_id": message_id, "kind": kind.__name__, "tries": receives}
    hopeless = isinstance(error, HOPELESS)
    allowed = tries if expected else min(tries, TRIES_OF_A_DEFECT)
    if not expected:
        log_failure("failed", error, **keys)
    if graveyard is not None and (hopeless or receives >= allowed):
        # Of an unexpected error only its kind: its words may be a customer's.
        why = str(error) if expected else f"Failed with {type(error).__name__}."
        reason = why if hopeless else f"{why} Given up after {receives} tries."
        try:
            graveyard.bury(
                record["body"],
                reason=reason,
                message_id=message_id,
                kind=kind.__name__,
                first_received_at=_first_received(record),
                receive_count=receives,
            )
        except CandorError as unburied:
            log_failure("not buried", unburied, **keys)
            return False
        logger.warning("buried", extra={"reason": type(error).__name__, **keys})
        return True
    if expected:
        logger.warning("failed", extra={"reason": type(error).__name__, **keys})
    return False


def _defer(back: Sequence[tuple[Mapping[str, Any], BaseException]], deferral: Deferral) -> None:
    pauses: dict[str, dict[str, int]] = defaultdict(dict)
    for record, error in back:
        if (receipt := record.get("receiptHandle")) and (arn := record.get("eventSourceARN")):
            pauses[arn][receipt] = pause_after(_receives(record), error)
    for arn, of_queue in pauses.items():
        try:
            deferral.defer(arn, of_queue)
        except CandorError as error:
            # They come back all the same, only later: when the queue's own time-out ends.
            log_failure("not deferred", error, messages=len(of_queue))


def _receives(record: Mapping[str, Any]) -> int:
    try:
        return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    except ValueError:
        return 1


def _first_received(record: Mapping[str, Any]) -> str:
    try:
        milliseconds = int(record.get("attributes", {})["ApproximateFirstReceiveTimestamp"])
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    except (KeyError, ValueError, OverflowError, OSError):
        return ""
