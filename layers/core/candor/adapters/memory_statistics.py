"""In-memory statistics and spending: counts in dictionaries, for tests and for small demos."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from candor.errors import Unavailable
from candor.spending import Standing
from candor.statistics.values import Counts, Entry, summed


class MemoryStatistics:
    """`Statistics` in dictionaries."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self.writes = 0
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}

    def add(self, entry: Entry) -> None:
        with self._open():
            self.writes += 1
            self._entries.setdefault(entry.entry_id, entry)

    def hours(self, hours: Sequence[datetime]) -> Mapping[datetime, Counts]:
        found: dict[datetime, list[Counts]] = {}
        for entry in self._all():
            hour = entry.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
            if hour in hours:
                found.setdefault(hour, []).append(entry.counts)
        return {hour: summed(counts) for hour, counts in found.items()}

    def days(self, days: Sequence[date]) -> Mapping[date, Counts]:
        found: dict[date, list[Counts]] = {}
        for entry in self._all():
            day = entry.at.astimezone(UTC).date()
            if day in days:
                found.setdefault(day, []).append(entry.counts)
        return {day: summed(counts) for day, counts in found.items()}

    def total(self) -> Counts:
        return summed(entry.counts for entry in self._all())

    def details(self, topics: Sequence[str]) -> Mapping[str, Counts]:
        found: dict[str, list[Counts]] = {}
        for entry in self._all():
            for topic in entry.details.keys() & set(topics):
                found.setdefault(topic, []).append(entry.details[topic])
        return {topic: summed(counts) for topic, counts in found.items()}

    def _all(self) -> list[Entry]:
        with self._open():
            return list(self._entries.values())

    def _open(self) -> threading.Lock:
        if self.down:
            raise Unavailable("The in-memory statistics have been taken down.")
        return self._lock


class MemorySpent:
    """`Spent` in a dictionary."""

    def __init__(self) -> None:
        self.down = False
        """Set it and every call raises `Unavailable`."""
        self.reads = 0
        self._lock = threading.Lock()
        self._days: dict[date, Standing] = {}

    def add(self, day: date, tokens: int) -> Standing:
        with self._open():
            before = self._days.get(day, Standing())
            self._days[day] = Standing(tokens=before.tokens + tokens, told=before.told)
            return self._days[day]

    def read(self, day: date) -> Standing:
        with self._open():
            self.reads += 1
            return self._days.get(day, Standing())

    def tell(self, day: date, *, told: str, instead_of: str) -> bool:
        with self._open():
            before = self._days.get(day, Standing())
            if before.told != instead_of:
                return False
            self._days[day] = Standing(tokens=before.tokens, told=told)
            return True

    def _open(self) -> threading.Lock:
        if self.down:
            raise Unavailable("The in-memory budget has been taken down.")
        return self._lock
