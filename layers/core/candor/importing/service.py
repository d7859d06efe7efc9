"""
Importing: the worker that takes a dump from its files to tickets and documents.

First the files are read and what is wanted of them is spilled by ticket; then each part is joined and stored;
then the documents. Every step moves the job's checkpoint, so a step that is done twice counts once, and a
worker that is killed anywhere leaves to the next one exactly what is left.
"""

import time
import uuid
from collections.abc import Callable
from typing import Final

from candor.errors import Conflict, Invalid, NotFound
from candor.importing.orders import ImportOrder, Orders
from candor.importing.results import TOGETHER
from candor.importing.run import MIN_SECONDS, Replaced, Run, Stopped, Tools
from candor.jobs import Job, JobError, JobStatus
from candor.objects import SOURCE_PREFIX

TURN_SECONDS: Final = 120.0
"""Then an import queues up again: files that were dropped meanwhile are not to wait for its end."""

_NAMESPACE: Final = uuid.UUID("3e0c7a52-9d0b-5b0e-8a6f-6f1d2b9c4e11")

Remaining = Callable[[], float]


class Importing:
    """Goes on with imports, each by its job."""

    def __init__(self, *, orders: Orders, tools: Tools) -> None:
        self._orders = orders
        self._tools = tools
        self._jobs = tools.jobs

    def go_on(self, job_id: str, *, remaining: Remaining) -> None:
        """As far as the time reaches; the rest by a message of its own."""
        try:
            job = self._jobs.get(job_id)
        except NotFound:
            self._orders.clear(job_id)
            return
        if job.status.ended:
            self._orders.clear(job_id)
            return
        try:
            order = self._orders.read(job_id)
        except NotFound:
            self._refuse(job, "", "What was to be imported has aged away: import it again.")
            return
        run = Run(tools=self._tools, job=job, order=order, remaining=_in_turn(remaining))
        try:
            finished = run.work()
        except Stopped:
            # Cancelled; or another worker is ahead, and clears up when it is done.
            if self._jobs.get(job_id).status.ended:
                self._orders.clear(job_id)
            return
        except Replaced:
            self._give_way(run, order)
            return
        except Invalid as error:
            advice = f" {TOGETHER}" if order.dropped and TOGETHER not in str(error) else ""
            self._refuse(run.job, order.key, f"{error}{advice}")
            return
        if finished:
            self._orders.clear(job_id)
        else:
            self._orders.go_on_later(job_id)

    def _refuse(self, job: Job, key: str, reason: str) -> None:
        """What as a whole cannot be imported. What an earlier import brought stays."""
        try:
            self._jobs.progress(
                job.job_id,
                failed=1,
                errors=[JobError(file=key, record=-1, reason=reason)],
                checkpoint={"stage": "refused"},
                checkpoint_was=job.checkpoint,
            )
        except Conflict:
            return
        result = {"status": "error", "ok": 0, "skipped": 0, "error": 1, "tickets": 0, "detail": reason}
        self._jobs.finish(job.job_id, JobStatus.FAILED, result=result)
        self._orders.clear(job.job_id)

    def _give_way(self, run: Run, order: ImportOrder) -> None:
        """The files are no longer what was to be imported: what lies there now has an import of its own."""
        job_id, key = run.job.job_id, order.key
        detail = "The dump was replaced or removed while it was being imported."
        self._jobs.finish(job_id, JobStatus.CANCELLED, result={"status": "replaced", "detail": detail})
        self._orders.clear(job_id)
        if not key.startswith(SOURCE_PREFIX) or order.dry_run:
            return
        info = self._tools.objects.find(key)
        if info is None:
            if not self._orders.retired(key):
                run.storing.withdraw(keep=frozenset())
        elif run.has_stored:
            # The newer import may have stored a ticket before our last step stored what it was earlier.
            again = str(uuid.uuid5(_NAMESPACE, job_id))
            self._orders.of_drop(info, job_id=again, created_by=run.job.created_by)


def _in_turn(remaining: Remaining) -> Remaining:
    """The time that is left, or that of the turn, whichever is over first."""
    ends = time.monotonic() + TURN_SECONDS + MIN_SECONDS
    return lambda: min(remaining(), ends - time.monotonic())
