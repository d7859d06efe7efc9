"""In-memory inbox: messages of other systems without a database."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from candor.answering.values import Decision
from candor.errors import NotFound, Unavailable
from candor.inbox.store import LEASE_SECONDS
from candor.inbox.values import Claim, Incoming, State


class MemoryInbox:
    """`Inbox` in dictionaries."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self._clock = clock
        self._kept: dict[str, Incoming] = {}
        self._places: dict[tuple[str, int], tuple[str, str | None]] = {}
        self._claims: dict[tuple[str, str], float] = {}
        """Until when a part is somebody's to tell; for good once it is told."""
        self._lock = threading.Lock()

    def accept(self, incoming: Incoming) -> tuple[Incoming, bool]:
        with self._open():
            known = self._kept.get(incoming.inbox_id)
            if known is not None and known.expires_at.timestamp() > self._clock():
                return known, False
            self._kept[incoming.inbox_id] = incoming
            return incoming, True

    def get(self, inbox_id: str) -> Incoming:
        with self._open():
            found = self._kept.get(inbox_id)
            if found is None or found.expires_at.timestamp() <= self._clock():
                raise NotFound("There is no such message.")
            return found

    def heard(self, incoming: Incoming, *, conversation_id: str, number: int) -> None:
        with self._open():
            if (kept := self._kept.get(incoming.inbox_id)) is not None:
                self._kept[incoming.inbox_id] = replace(kept, conversation_id=conversation_id)
                self._places[conversation_id, number] = (incoming.message_id, incoming.customer)

    def settle(
        self, inbox_id: str, state: State, *, answer_id: str = "", decision: Decision | None = None
    ) -> None:
        with self._open():
            if (kept := self._kept.get(inbox_id)) is None:
                return
            after = replace(kept, state=state, answer_id=answer_id, decision=decision)
            if state.settled:
                after = replace(after, text="", sealed="", details={})
            self._kept[inbox_id] = after

    def message_ids(self, conversation_id: str, *, first: int, last: int) -> Sequence[str]:
        with self._open():
            found = sorted(
                (number, ids[0])
                for (talk, number), ids in self._places.items()
                if talk == conversation_id and first <= number <= last
            )
        return [message_id for _, message_id in found]

    def claim(self, answer_id: str, part: str) -> Claim:
        with self._open():
            until, now = self._claims.get((answer_id, part)), self._clock()
            if until == float("inf"):
                return Claim.DONE
            if until is not None and until > now:
                return Claim.TAKEN
            self._claims[answer_id, part] = now + LEASE_SECONDS
            return Claim.FIRST if until is None else Claim.AGAIN

    def told(self, answer_id: str, part: str) -> None:
        with self._open():
            self._claims[answer_id, part] = float("inf")

    def release(self, answer_id: str, part: str) -> None:
        with self._open():
            self._claims[answer_id, part] = 0.0

    def forget_customer(self, customer: str) -> int:
        with self._open():
            gone = [key for key, kept in self._kept.items() if kept.customer == customer]
            for key in gone:
                del self._kept[key]
            places = [place for place, ids in self._places.items() if ids[1] == customer]
            for place in places:
                del self._places[place]
            return len(gone)

    def _open(self) -> threading.Lock:
        if self.down:
            raise Unavailable("The in-memory inbox has been taken down.")
        return self._lock
