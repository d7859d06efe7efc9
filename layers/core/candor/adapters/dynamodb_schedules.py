"""Schedules in DynamoDB: rows of the configuration's table, `pk` "schedules", `sk` the name."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model

from candor.adapters.dynamodb import bound_to, is_condition, translated
from candor.errors import Conflict, NotFound
from candor.schedules.values import LEASE, Kind, Run, Schedule

_PK: Final = "schedules"


class _Row(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    kind = UnicodeAttribute()
    expression = UnicodeAttribute()
    enabled = BooleanAttribute()
    target = UnicodeAttribute()
    since = UnicodeAttribute()
    revision = NumberAttribute()
    removed = BooleanAttribute(default=False)
    last_run = UnicodeAttribute(null=True)
    last_due = UnicodeAttribute(null=True)
    last_job_id = UnicodeAttribute(null=True)
    asked_job_id = UnicodeAttribute(null=True)
    claimed_job_id = UnicodeAttribute(null=True)
    claimed_until = NumberAttribute(null=True)
    tries = NumberAttribute(default=0)
    turn = NumberAttribute(default=0)
    """Counts claims, so that of two readers of the same row one wins."""


class DynamoSchedules:
    """`Schedules` in one table. What a schedule is to do and what became of it are written separately."""

    def __init__(self, table_name: str) -> None:
        self._rows = bound_to(_Row, table_name)

    def all(self) -> Sequence[Schedule]:
        with translated():
            return [_schedule_of(row) for row in self._rows.query(_PK, consistent_read=True)]

    def find(self, name: str) -> Schedule | None:
        row = self._row(name)
        return _schedule_of(row) if row is not None else None

    def put(self, schedule: Schedule) -> Schedule:
        before = self._row(schedule.name)
        actions: list[Action] = [
            _Row.kind.set(schedule.kind.value),
            _Row.expression.set(schedule.expression),
            _Row.enabled.set(schedule.enabled),
            _Row.target.set(schedule.target),
            _Row.since.set(schedule.since.isoformat()),
            _Row.removed.set(schedule.removed),
            _Row.revision.set(schedule.revision + 1),
        ]
        if before is not None and before.removed and not schedule.removed:
            actions += [attribute.remove() for attribute in _PAST]
        unchanged = _Row.revision == schedule.revision if schedule.revision else _Row.pk.does_not_exist()
        row = self._rows(_PK, schedule.name)
        if not self._update(row, actions, unchanged):
            raise Conflict("Somebody else has changed this schedule.")
        return _schedule_of(row)

    def ask(self, name: str, job_id: str) -> None:
        if not self._update(self._rows(_PK, name), [_Row.asked_job_id.set(job_id)], _Row.pk.exists()):
            raise NotFound("There is no such schedule.")

    def forget(self, schedule: Schedule) -> None:
        same = (_Row.revision == schedule.revision) & (_Row.removed == True)  # noqa: E712 - a condition
        try:
            with translated():
                self._rows(_PK, schedule.name).delete(condition=same)
        except PynamoDBException as error:
            if not is_condition(error):
                raise

    def claim(self, run: Run, *, now: datetime) -> int:
        row = self._row(run.name)
        if row is None or row.removed or not _open(row, run):
            return 0
        if row.claimed_until is not None and row.claimed_until > now.timestamp():
            return 0
        tries = int(row.tries or 0) + 1 if row.claimed_job_id == run.job_id else 1
        actions: list[Action] = [
            _Row.claimed_job_id.set(run.job_id),
            _Row.claimed_until.set(int((now + LEASE).timestamp())),
            _Row.tries.set(tries),
            _Row.turn.set(int(row.turn or 0) + 1),
        ]
        same_turn = _Row.turn == row.turn if row.turn else _Row.turn.does_not_exist() | (_Row.turn == 0)
        return tries if self._update(self._rows(_PK, run.name), actions, _Row.pk.exists() & same_turn) else 0

    def done(self, run: Run, *, at: datetime, job_id: str) -> None:
        actions: list[Action] = [
            _Row.last_run.set(at.isoformat()),
            _Row.last_job_id.set(job_id),
            _Row.claimed_job_id.remove(),
            _Row.claimed_until.remove(),
            _Row.tries.set(0),
        ]
        if run.due is not None:
            actions.append(_Row.last_due.set(run.due.isoformat()))
        row = self._rows(_PK, run.name)
        asked = _Row.asked_job_id == run.job_id
        if self._update(row, [*actions, _Row.asked_job_id.remove()], asked):
            return
        # Another wish may have come meanwhile: it stays.
        self._update(self._rows(_PK, run.name), actions, _Row.claimed_job_id == run.job_id)

    def release(self, run: Run, *, failed: bool) -> None:
        actions: list[Action] = [_Row.claimed_until.remove()]
        if not failed:
            actions.append(_Row.tries.set(0))
        self._update(self._rows(_PK, run.name), actions, _Row.claimed_job_id == run.job_id)

    def _row(self, name: str) -> _Row | None:
        with translated():
            try:
                return self._rows.get(_PK, name, consistent_read=True)
            except DoesNotExist:
                return None

    def _update(self, row: _Row, actions: Sequence[Action], condition: Condition) -> bool:
        try:
            with translated():
                row.update(actions=list(actions), condition=condition)
            return True
        except PynamoDBException as error:
            if not is_condition(error):
                raise
            return False


_PAST = (
    _Row.last_run,
    _Row.last_due,
    _Row.last_job_id,
    _Row.asked_job_id,
    _Row.claimed_job_id,
    _Row.claimed_until,
    _Row.tries,
)
"""What became of a schedule: one that is made anew under the name of a removed one has none of it."""


def _open(row: _Row, run: Run) -> bool:
    """Whether the run is still to be done."""
    if run.due is None:
        return bool(row.asked_job_id == run.job_id)
    return row.last_due is None or datetime.fromisoformat(row.last_due) < run.due


def _schedule_of(row: _Row) -> Schedule:
    return Schedule(
        name=row.sk,
        kind=Kind(row.kind),
        expression=row.expression,
        enabled=bool(row.enabled),
        target=row.target,
        since=datetime.fromisoformat(row.since),
        revision=int(row.revision),
        removed=bool(row.removed),
        last_run=_moment(row.last_run),
        last_due=_moment(row.last_due),
        last_job_id=row.last_job_id,
        asked_job_id=row.asked_job_id,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
