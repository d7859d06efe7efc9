"""Scheduling: schedules are looked at, changed, and kept in step with what rings."""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from candor.errors import CandorError, Conflict, Fault, Invalid, NotFound
from candor.jobs import Job, Jobs, JobStatus
from candor.schedules.timing import parse
from candor.schedules.values import (
    ALL,
    BUILT_IN,
    NAME,
    Entry,
    Kind,
    Schedule,
    Schedules,
    Timetable,
    under_way,
)

MOST: Final = 50
"""Schedules one installation may have: each heartbeat looks at all of them."""

SHORTEST: Final = timedelta(minutes=5)
"""Between two crawls of other people's servers."""

_CRAWLS = (Kind.RE_CRAWL, Kind.CRAWL_TICKETS)

_ROUNDS = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What somebody wants to be different. None: as it is."""

    kind: Kind | None = None
    expression: str | None = None
    enabled: bool | None = None
    target: str | None = None


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


class Scheduling:
    """Writes the row first, then what rings: a failure between the two is put right by `repair`."""

    def __init__(
        self,
        *,
        schedules: Schedules,
        timetable: Timetable,
        jobs: Jobs,
        check_address: Callable[[str], str],
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """`check_address`: the door of `fetching.Fetcher`; raises `Malformed` for what nobody may fetch."""
        self._schedules = schedules
        self._timetable = timetable
        self._jobs = jobs
        self._check_address = check_address
        self._clock = clock

    def list(self) -> Sequence[Schedule]:
        """By name; the built-in ones are there before anybody has stored them."""
        stored = {schedule.name: schedule for schedule in self._schedules.all()}
        present = {**BUILT_IN, **stored}
        return [present[name] for name in sorted(present) if not present[name].removed]

    def get(self, name: str) -> Schedule:
        """`NotFound` for one that does not exist."""
        schedule = self._find(name)
        if schedule is None or schedule.removed:
            raise NotFound("There is no such schedule.")
        return schedule

    def put(self, name: str, change: Change) -> Schedule:
        """
        Create it, or change what is given of it.

        `Invalid` for what cannot be meant, `Malformed` for an address nobody may fetch.
        """
        if not NAME.fullmatch(name):
            raise Invalid("A schedule's name is 1 to 40 small letters, digits and dashes.")
        for _ in range(_ROUNDS):
            current = self._find(name)
            alive = current if current is not None and not current.removed else None
            wanted = self._changed(name, alive, change)
            if alive is not None and _definition(wanted) == _definition(alive) and alive.revision:
                stored = alive
            else:
                if alive is None and len(self.list()) >= MOST:
                    raise Conflict(f"There are {MOST} schedules already: delete or change one of them.")
                try:
                    stored = self._schedules.put(replace(wanted, revision=current.revision if current else 0))
                except Conflict:
                    continue
            try:
                self._align(stored)
            except Invalid:
                # What the service does not take would never ring: it is as it was before.
                self._put_back(stored, alive)
                raise
            return self.get(name)
        raise Conflict("Somebody else is changing this schedule. Try again.", retry_after=1)

    def _put_back(self, refused: Schedule, before: Schedule | None) -> None:
        earlier = replace(refused, removed=True, enabled=False) if before is None else before
        try:
            self._align(self._schedules.put(replace(earlier, revision=refused.revision)))
        except Conflict:
            return  # Somebody has changed it again, and answers for that.

    def delete(self, name: str) -> None:
        """`NotFound` for one that does not exist, `Conflict` for a built-in one."""
        for _ in range(_ROUNDS):
            schedule = self.get(name)
            if schedule.built_in:
                raise Conflict(
                    "This schedule belongs to every installation: switch it off with enabled:false."
                )
            try:
                self._align(self._schedules.put(replace(schedule, removed=True, enabled=False)))
                return
            except Conflict:
                continue
        raise Conflict("Somebody else is changing this schedule. Try again.", retry_after=1)

    def run_now(self, name: str, *, created_by: str) -> Job:
        """
        Have it carried out at once, whether it is on or off; while it is being carried out, that run's job.

        The job is durable before this returns.
        """
        schedule = self.get(name)
        if schedule.asked_job_id is not None:
            try:
                waiting = self._jobs.get(schedule.asked_job_id)
            except NotFound:
                waiting = None
            if waiting is not None and not waiting.status.ended:
                self._ring(name)
                return waiting
        if (running := under_way(schedule, self._jobs, self._clock())) is not None:
            return running
        if not schedule.revision:
            schedule = self._seeded(schedule)
        job = self._jobs.start(
            kind=schedule.job_kind,
            subject=schedule.subject,
            created_by=created_by,
            job_id=str(uuid.uuid4()),
        )
        self._schedules.ask(name, job.job_id)
        self._ring(name)
        return job

    def last_status(self, schedule: Schedule) -> JobStatus | None:
        """How the last run went, or goes; None when there was none, or its job has aged away."""
        if schedule.last_job_id is None:
            return None
        try:
            return self._jobs.get(schedule.last_job_id).status
        except NotFound:
            return None

    def repair(self) -> int:
        """
        Store the built-in ones, and put right whatever rings differently from its row; how many those were.

        One that cannot be put right does not keep the others from it; the first such error is raised at the
        end.
        """
        stored = {schedule.name for schedule in self._schedules.all()}
        for name in BUILT_IN.keys() - stored:
            self._seeded(BUILT_IN[name])
        repaired, failure = 0, None
        for schedule in self._schedules.all():
            try:
                repaired += self._align(schedule)
            except CandorError as error:
                _log.warning("not aligned", extra={"schedule": schedule.name, "error": type(error).__name__})
                failure = failure or error
        if failure is not None:
            raise failure
        return repaired

    def hush(self, name: str) -> None:
        """Let one that rang although there is no such schedule ring no more."""
        if self._find(name) is None:
            self._timetable.remove(name)

    def _ring(self, name: str) -> None:
        try:
            self._timetable.ring(name)
        except CandorError:
            # The wish is stored: the next heartbeat finds it.
            _log.warning("not rung", extra={"schedule": name})

    def _find(self, name: str) -> Schedule | None:
        return self._schedules.find(name) or BUILT_IN.get(name)

    def _seeded(self, schedule: Schedule) -> Schedule:
        """A built-in one as a row. What it would have done before now is not made up for."""
        try:
            return self._schedules.put(replace(schedule, since=self._clock()))
        except Conflict:
            return self.get(schedule.name)  # Somebody else has just stored it.

    def _changed(self, name: str, current: Schedule | None, change: Change) -> Schedule:
        now = self._clock()
        if current is None:
            if change.kind is None or change.expression is None:
                lacking = [n for n in ("kind", "expression") if getattr(change, n) is None]
                faults = [Fault(loc=("body", n), msg="is needed to make a schedule") for n in lacking]
                raise Invalid(
                    "There is no such schedule yet: to make one, say its kind and expression.", faults
                )
            base = Schedule(name=name, kind=change.kind, expression=change.expression, since=now)
        else:
            base = current
        kind = change.kind or base.kind
        if base.built_in and kind != BUILT_IN[name].kind:
            raise Conflict("A built-in schedule keeps its kind: make one of your own under another name.")
        target = base.target if change.target is None else change.target
        if change.kind not in (None, base.kind) and change.target is None:
            target = ALL  # What the other kind worked on means nothing to this one.
        wanted = replace(
            base,
            kind=kind,
            expression=base.expression if change.expression is None else change.expression.strip(),
            enabled=base.enabled if change.enabled is None else change.enabled,
            target=target,
        )
        self._check(wanted, now)
        if wanted.target != base.target or current is None:
            wanted = replace(wanted, target=self._checked_target(wanted))
        if (wanted.expression, wanted.enabled) != (base.expression, base.enabled) or not base.revision:
            wanted = replace(wanted, since=now)
        return wanted

    def _check(self, schedule: Schedule, now: datetime) -> None:
        try:
            timing = parse(schedule.expression)
            if timing.after(now, since=now) is None:
                raise Invalid("This expression never comes due: its last time has passed.")
            if schedule.kind in _CRAWLS and timing.shortest < SHORTEST:
                minutes = SHORTEST // timedelta(minutes=1)
                raise Invalid(f"A crawl may come every {minutes} minutes and no oftener.")
        except Invalid as error:
            raise _invalid("expression", str(error)) from None

    def _checked_target(self, schedule: Schedule) -> str:
        target = schedule.target
        if target == ALL:
            return target
        if schedule.kind != Kind.RE_CRAWL:
            raise _invalid("target", f'The target of {schedule.kind.value} is always "all".')
        if not target.casefold().startswith(("http://", "https://")):
            raise _invalid("target", 'The target of re_crawl is "all", or the address of a site: https://….')
        return self._check_address(target)

    def _align(self, schedule: Schedule) -> bool:
        """Make it ring as its row says; again if the row has changed meanwhile. Whether it rang otherwise."""
        changed, name = False, schedule.name
        row: Schedule | None = schedule
        for _ in range(_ROUNDS):
            if row is None or row.removed:
                self._timetable.remove(name)
                if row is not None:
                    self._schedules.forget(row)
            else:
                entry = Entry(name=name, expression=row.expression, enabled=row.enabled)
                if self._timetable.find(name) != entry:
                    self._timetable.set(entry)
                    changed = True
            now = self._schedules.find(name)
            if _rings_alike(now, row):
                return changed
            row = now
        return changed


def _rings_alike(one: Schedule | None, other: Schedule | None) -> bool:
    """Not by the revision: one that was deleted and made again counts from 1 again."""
    first, second = (row if row is not None and not row.removed else None for row in (one, other))
    if first is None or second is None:
        return first is second
    return (first.expression, first.enabled) == (second.expression, second.enabled)


def _definition(schedule: Schedule) -> tuple[object, ...]:
    return schedule.kind, schedule.expression, schedule.enabled, schedule.target


def _invalid(field: str, sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(loc=("body", field), msg=sentence)])
