"""In-memory answers: snapshots without a database."""

import threading
from collections.abc import Sequence
from datetime import UTC, date

from candor.adapters.memory_statistics import MemoryStatistics
from candor.answering.snapshots import Snapshot
from candor.answering.values import Decision
from candor.errors import NotFound, Unavailable
from candor.sessions import customer_key
from candor.statistics.values import Entry, Statistics


class MemoryAnswers:
    """`Answers` in a dictionary, counted in statistics that are given."""

    def __init__(self, statistics: Statistics | None = None) -> None:
        self._statistics = statistics or MemoryStatistics()
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self._kept: dict[str, Snapshot] = {}
        self._lock = threading.Lock()

    def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
        with self._open():
            if snapshot.answer_id in self._kept:
                return False
            if counted is not None:
                self._statistics.add(counted)
            self._kept[snapshot.answer_id] = snapshot
            return True

    def get(self, answer_id: str) -> Snapshot:
        with self._open():
            found = self._kept.get(answer_id)
        if found is None:
            raise NotFound("There is no such answer.")
        return found

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        with self._open():
            kept = list(self._kept.values())
        return [
            each.answer_id
            for each in kept
            if each.external_user_id and customer_key(each.external_user_id) == customer
        ][:limit]

    def erase(self, answer_ids: Sequence[str]) -> int:
        with self._open():
            return sum(self._kept.pop(answer_id, None) is not None for answer_id in answer_ids)

    def page(
        self, day: date, *, decision: Decision | None = None, page: int, page_size: int
    ) -> tuple[Sequence[Snapshot], int]:
        with self._open():
            kept = list(self._kept.values())
        found = [
            each
            for each in kept
            if each.created_at.astimezone(UTC).date() == day and decision in (None, each.decision)
        ]
        newest = sorted(found, key=lambda each: (each.created_at, each.answer_id), reverse=True)
        return newest[(page - 1) * page_size : page * page_size], len(newest)

    def _open(self) -> threading.Lock:
        if self.down:
            raise Unavailable("The in-memory answers have been taken down.")
        return self._lock
