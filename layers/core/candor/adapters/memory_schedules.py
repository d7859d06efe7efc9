"""In-memory schedules: rows in a dictionary and a timetable that remembers its rings, for tests and demos."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from candor.errors import Conflict, NotFound
from candor.schedules.values import LEASE, Entry, Run, Schedule


class MemorySchedules:
    """`Schedules` in a dictionary."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: dict[str, Schedule] = {}
        self._claims: dict[str, tuple[str, datetime | None, int]] = {}
        """The job, until when, and how many tries; of each schedule."""

    def all(self) -> Sequence[Schedule]:
        with self._lock:
            return [self._rows[name] for name in sorted(self._rows)]

    def find(self, name: str) -> Schedule | None:
        return self._rows.get(name)

    def put(self, schedule: Schedule) -> Schedule:
        with self._lock:
            row = self._rows.get(schedule.name)
            if (row.revision if row else 0) != schedule.revision:
                raise Conflict("Somebody else has changed this schedule.")
            kept = row
            if row is None or (row.removed and not schedule.removed):
                kept = None
                self._claims.pop(schedule.name, None)
            stored = replace(
                schedule,
                revision=schedule.revision + 1,
                last_run=kept.last_run if kept else None,
                last_due=kept.last_due if kept else None,
                last_job_id=kept.last_job_id if kept else None,
                asked_job_id=kept.asked_job_id if kept else None,
            )
            self._rows[schedule.name] = stored
            return stored

    def ask(self, name: str, job_id: str) -> None:
        with self._lock:
            if name not in self._rows:
                raise NotFound("There is no such schedule.")
            self._rows[name] = replace(self._rows[name], asked_job_id=job_id)

    def forget(self, schedule: Schedule) -> None:
        with self._lock:
            row = self._rows.get(schedule.name)
            if row is not None and row.removed and row.revision == schedule.revision:
                del self._rows[schedule.name]
                self._claims.pop(schedule.name, None)

    def claim(self, run: Run, *, now: datetime) -> int:
        with self._lock:
            row = self._rows.get(run.name)
            if row is None or row.removed or not _open(row, run):
                return 0
            job_id, until, tries = self._claims.get(run.name, ("", None, 0))
            if until is not None and until > now:
                return 0
            attempt = tries + 1 if job_id == run.job_id else 1
            self._claims[run.name] = (run.job_id, now + LEASE, attempt)
            return attempt

    def done(self, run: Run, *, at: datetime, job_id: str) -> None:
        with self._lock:
            row = self._rows.get(run.name)
            asked = row is not None and row.asked_job_id == run.job_id
            if row is None or not (asked or self._claims.get(run.name, ("",))[0] == run.job_id):
                return
            self._rows[run.name] = replace(
                row,
                last_run=at,
                last_due=run.due or row.last_due,
                last_job_id=job_id,
                asked_job_id=None if asked else row.asked_job_id,
            )
            self._claims.pop(run.name, None)

    def release(self, run: Run, *, failed: bool) -> None:
        with self._lock:
            job_id, _, tries = self._claims.get(run.name, ("", None, 0))
            if job_id == run.job_id:
                self._claims[run.name] = (job_id, None, tries if failed else 0)


def _open(row: Schedule, run: Run) -> bool:
    if run.due is None:
        return row.asked_job_id == run.job_id
    return row.last_due is None or row.last_due < run.due


class MemoryTimetable:
    """A `Timetable` that rings only when told to; `called` gets the names."""

    def __init__(self, called: Callable[[str], object] | None = None) -> None:
        self._called = called
        self._entries: dict[str, Entry] = {}
        self.rings: list[str] = []

    def find(self, name: str) -> Entry | None:
        return self._entries.get(name)

    def set(self, entry: Entry) -> None:
        self._entries[entry.name] = entry

    def remove(self, name: str) -> None:
        self._entries.pop(name, None)

    def ring(self, name: str) -> None:
        self.rings.append(name)
        if self._called is not None:
            self._called(name)
