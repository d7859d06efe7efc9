"""Metering: what one process has counted, on its way to where all count together."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from candor.errors import Unavailable
from candor.statistics.values import Counts, Entry, Statistics, bucket, key, summed

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 10.0
"""What may wait is written no more often than this."""

_REST_SECONDS: Final = 15.0
"""After a failure: a store that is down must not cost every answer its time-out."""


def _now() -> datetime:
    return datetime.now(UTC)


class Meter:
    """
    Counts in memory until they are written, all together, in one request.

    What was counted with `count` is written before the request ends, requests themselves every ten seconds.
    A store that fails costs nobody an answer: what it did not take is offered to it again, as the same entry,
    so that one it had taken after all counts once. What a killed process had not written is lost: at most
    ten seconds of requests, and nothing that anybody was told was done.
    """

    def __init__(
        self,
        statistics: Statistics,
        *,
        clock: Callable[[], datetime] = _now,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._statistics = statistics
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: dict[str, int] = {}
        self._details: dict[str, dict[str, int]] = {}
        self._owed = False
        self._refused: Entry | None = None
        self._written = float("-inf")
        self._rests_until = float("-inf")

    def count(self, counts: Counts) -> None:
        """Count what must not be lost: written by `store`, or by `end` at the latest."""
        with self._lock:
            self._add(self._counts, counts)
            self._owed = True

    def request(self, *, function: str, method: str, route: str, status: int, milliseconds: float) -> None:
        """Count one HTTP request."""
        times = {bucket("request", milliseconds): 1, "request_ms": round(milliseconds)}
        with self._lock:
            self._add(self._counts, {"requests": 1, **({"server_errors": 1} if status >= 500 else {})})
            details = self._details.setdefault(function, {})
            self._add(details, {key("route", method, route, f"{status // 100}xx"): 1, **times})

    def end(self) -> None:
        """An invocation ends: write what is owed, and everything once in ten seconds."""
        if self._owed or self._ticks() - self._written >= EVERY_SECONDS:
            self.store()

    def store(self) -> None:
        """Write everything now. Raises nothing."""
        if self._ticks() < self._rests_until:
            return
        with self._writing:
            try:
                if (refused := self._refused) is not None:
                    self._statistics.add(refused)
                    self._refused = None
                self._refused = self._taken()
                if self._refused is not None:
                    self._statistics.add(self._refused)
                    self._refused = None
            except Unavailable:
                self._rests_until = self._ticks() + _REST_SECONDS
                logger.warning("statistics not written")

    def store_with(self, counts: Counts, write: Callable[[Entry | None], bool]) -> bool:
        """
        Write everything now, these counts too, in a write of somebody else's.

        `write` adds the entry it is given together with what it writes itself: both, or neither and `False`
        because that had been there already. Without an entry it writes its own alone, which is asked of it
        where counting fails: what was counted is owed then. Its answer is returned, its errors are raised.
        """
        if self._ticks() < self._rests_until or self._refused is not None:
            self.store()  # What was refused has to go first, under the id it was refused under.
            new = write(None)
            if new:
                self.count(counts)
                self.store()
            return new
        with self._writing:
            owed = self._taken()
            entry = self._entry(
                summed((owed.counts, counts)) if owed else counts, owed.details if owed else {}
            )
            try:
                new = write(entry)
                added = new
            except Unavailable:
                # Either its answer was lost, or it did nothing: then it has still to be written.
                self._rests_until = self._ticks() + _REST_SECONDS
                logger.warning("statistics not written")
                try:
                    new = write(None)
                except Unavailable:
                    self._give_back(owed)
                    raise
                added = not new
                if new:
                    self.count(counts)
            if not added:
                self._give_back(owed)
            return new

    def _give_back(self, owed: Entry | None) -> None:
        if owed is not None:
            with self._lock:
                self._add(self._counts, owed.counts)
                for topic, counts in owed.details.items():
                    self._add(self._details.setdefault(topic, {}), counts)
                self._owed = True

    def _entry(self, counts: Counts, details: Mapping[str, Counts]) -> Entry:
        return Entry(entry_id=uuid.uuid4().hex, at=self._clock(), counts=counts, details=details)

    def _taken(self) -> Entry | None:
        with self._lock:
            counts, details, self._counts, self._details = self._counts, self._details, {}, {}
            self._owed, self._written = False, self._ticks()
        if not counts and not details:
            return None
        return self._entry(counts, details)

    @staticmethod
    def _add(to: dict[str, int], counts: Counts) -> None:
        for name, count in counts.items():
            if count:
                to[name] = to.get(name, 0) + count
