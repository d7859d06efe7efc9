"""
Document writes: changes of rows, each refused if its row has moved on, many of them in one request.

A job that waits for a version is told in the same transaction that ends the waiting: told once, whatever
crashes. Ten rows in one transaction cost the table what ten cost, and their writer, and the job's row that
all of them count on, a tenth.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from candor.adapters.document_rows import DocumentRow
from candor.adapters.dynamodb import failed_conditions, is_condition, translated
from candor.adapters.dynamodb_jobs import JobRow, told
from candor.adapters.dynamodb_lists import persistently
from candor.errors import Unavailable

_AT_ONCE = 25
"""Rows of one transaction, which takes 100 items, the jobs among them, and 4 MB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """One row's change, and the condition it stands under: both ways of saying it."""

    within: Callable[[TransactWrite], object]
    alone: Callable[[], object]
    jobs: Sequence[str] = ()
    """Those whose waiting it ends."""


def update_of(
    row: DocumentRow, actions: Sequence[Action], condition: Condition, jobs: Sequence[str] = ()
) -> Write:
    counted = [*actions, DocumentRow.revision.add(1)]
    return Write(
        within=lambda transaction: transaction.update(row, actions=counted, condition=condition),
        alone=lambda: row.update(actions=counted, condition=condition),
        jobs=jobs,
    )


def save_of(row: DocumentRow, condition: Condition, jobs: Sequence[str] = ()) -> Write:
    return Write(
        within=lambda transaction: transaction.save(row, condition=condition),
        alone=lambda: row.save(condition=condition),
        jobs=jobs,
    )


class DocumentWrites:
    """Writes rows of one table, and counts on the jobs' rows of another."""

    def __init__(
        self, rows: type[DocumentRow], job_rows: type[JobRow] | None, now: Callable[[], str]
    ) -> None:
        self._rows = rows
        self._job_rows = job_rows
        self._now = now

    def commit(self, writes: Sequence[Write], *, failed: int = 0) -> list[bool]:
        """Which of them were done, each with its jobs' counters; the rows of the others have moved on."""
        done: list[bool] = []
        for start in range(0, len(writes), _AT_ONCE):
            done.extend(self._commit(writes[start : start + _AT_ONCE], failed))
        return done

    def _commit(self, writes: Sequence[Write], failed: int) -> list[bool]:
        places = list(range(len(writes)))
        aged: set[str] = set()
        while places:
            left = [writes[place] for place in places]
            jobs = Counter(job for write in left for job in write.jobs if job not in aged)
            alone = len(left) == 1 and not jobs
            try:
                with translated():
                    persistently(left[0].alone if alone else partial(self._transact, left, jobs, failed))
                break
            except PynamoDBException as error:
                if not is_condition(error):
                    raise
                broken = (0,) if alone else failed_conditions(error)
                # Jobs that have aged away wait for nothing.
                aged |= {job for number, job in enumerate(jobs, start=len(places)) if number in broken}
                places = [place for number, place in enumerate(places) if number not in broken]
        return [place in places for place in range(len(writes))]

    def _transact(self, writes: Sequence[Write], jobs: Counter[str], failed: int) -> None:
        connection: Connection = self._rows._get_connection().connection
        now = self._now()
        with TransactWrite(connection=connection) as transaction:
            for write in writes:
                write.within(transaction)
            if jobs and self._job_rows is None:
                raise Unavailable("A job waits for this document, and the jobs' table is not known here.")
            for job_id, count in jobs.items():
                assert self._job_rows is not None
                row, actions, exists = told(
                    self._job_rows, job_id, done=count, failed=failed * count, now=now
                )
                transaction.update(row, actions=actions, condition=exists)
