"""In-memory dead letters: queues of what was given up, for tests and for small demos."""

import itertools
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from candor.dead_letters import AT_MOST, NO_REASON, Count, DeadLetter, Moved, check_known, subject_of
from candor.errors import Conflict, NotFound


@dataclass(frozen=True, kw_only=True, slots=True)
class _Grave:
    letter: DeadLetter
    body: str
    buried_at: datetime


class MemoryDeadLetters:
    """`DeadLetters` in dictionaries. `onward` takes a body back to the queue it came from, if it did."""

    def __init__(
        self,
        onward: Mapping[str, Callable[[str], object] | None],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._onward = dict(onward)
        self._clock = clock
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._graves: dict[str, dict[str, _Grave]] = {queue: {} for queue in onward}

    def graveyard(self, queue: str) -> "_MemoryGraveyard":
        """Where a worker buries what it gives up."""
        return _MemoryGraveyard(self, queue)

    def add(self, queue: str, body: str, **said: str | int) -> str:
        """The new message's id; without `said`, as SQS itself moves one."""
        with self._lock:
            message_id = f"dead-{next(self._numbers)}"
            letter = DeadLetter(
                message_id=message_id,
                reason=str(said.get("reason") or NO_REASON),
                kind=str(said.get("kind") or queue),
                first_received_at=str(said.get("first_received_at") or self._clock().isoformat()),
                receive_count=int(said.get("receive_count") or 1),
                subject=subject_of(body),
            )
            self._graves[queue][message_id] = _Grave(letter=letter, body=body, buried_at=self._clock())
            return message_id

    def counts(self) -> Sequence[Count]:
        return [
            Count(queue=queue, messages=len(graves), in_flight=0) for queue, graves in self._graves.items()
        ]

    def messages(self, queue: str, *, at_most: int = AT_MOST) -> Sequence[DeadLetter]:
        return [grave.letter for grave in list(self._of(queue).values())[:at_most]]

    def redrive(
        self,
        queue: str,
        *,
        before: datetime,
        seconds: float,
        message_ids: Collection[str] | None = None,
    ) -> Moved:
        self._of(queue)
        onward = self._onward[queue]
        if onward is None:
            raise Conflict(f"Messages of {queue} came from no queue and cannot be sent back to one.")
        return self._moved(queue, onward, before, message_ids)

    def clear(self, queue: str, *, before: datetime, seconds: float) -> Moved:
        return self._moved(queue, lambda _: None, before, None)

    def discard(self, queue: str, message_id: str) -> None:
        if self._of(queue).pop(message_id, None) is None:
            raise NotFound("There is no such message in this queue.")

    def _moved(
        self, queue: str, onward: Callable[[str], object], before: datetime, wanted: Collection[str] | None
    ) -> Moved:
        graves = self._of(queue)
        chosen = [
            grave
            for message_id, grave in list(graves.items())
            if grave.buried_at < before and (wanted is None or message_id in wanted)
        ]
        for grave in chosen:
            onward(grave.body)
            graves.pop(grave.letter.message_id, None)
        return Moved(message_ids=tuple(grave.letter.message_id for grave in chosen), exhausted=True)

    def _of(self, queue: str) -> dict[str, _Grave]:
        check_known(queue, self._graves)
        return self._graves[queue]


class _MemoryGraveyard:
    def __init__(self, letters: MemoryDeadLetters, queue: str) -> None:
        self._letters = letters
        self._queue = queue

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
        self._letters.add(
            self._queue,
            body,
            reason=reason,
            kind=kind,
            first_received_at=first_received_at,
            receive_count=receive_count,
        )
