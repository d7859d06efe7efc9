"""Progress: a crawl's frontier saved step by step, and its job told how far it is."""

import time
from collections.abc import Callable
from typing import Final

from candor.crawling.crawls import Crawls
from candor.crawling.frontier import Frontier, Outcome
from candor.errors import NotFound, Unavailable
from candor.jobs import Job, JobError, Jobs
from candor.messages import CrawlToFinish, Message, Queue

Change = Callable[[Frontier], list[Message]]
"""Changes a frontier, and returns what must be sent before that is saved."""

_ATTEMPTS: Final = 40


class Progress:
    def __init__(
        self,
        *,
        crawls: Crawls,
        jobs: Jobs,
        queue: Queue,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._crawls = crawls
        self._jobs = jobs
        self._queue = queue
        self._clock = clock
        self._pause = pause

    def running(self, job_id: str) -> Job | None:
        """The job, unless it has ended or aged away: then nobody waits for it."""
        try:
            job = self._jobs.get(job_id)
        except NotFound:
            return None
        return None if job.status.ended else job

    def commit(self, frontier: Frontier, change: Change) -> Frontier:
        """
        Save what `change` does to the frontier, after sending the messages it asks for.

        Sent first: a page that is in the frontier has a message, whatever is killed. One sent in vain finds
        its page done, or does it. If somebody else was quicker, `change` is applied to what they have left.
        """
        sent: set[Message] = set()
        for attempt in range(_ATTEMPTS):
            messages = [message for message in change(frontier) if message not in sent]
            self._queue.send(*messages)
            sent.update(messages)
            frontier.moved_at = self._clock()
            if frontier.complete and not frontier.completed_at:
                frontier.completed_at = frontier.moved_at
            if self._crawls.save(frontier):
                return frontier
            self._pause(0.002 * attempt)
            frontier = self._crawls.frontier(frontier.job_id)
        raise Unavailable("Too many workers are busy with this crawl at once.")

    def report(self, frontier: Frontier) -> None:
        """Tell the job; and when its last page is done, have it finished."""
        errors = [JobError(file=url, record=-1, reason=reason) for url, reason in frontier.errors.items()]
        self._jobs.measure(
            frontier.job_id,
            done=len(frontier.entries) - frontier.waiting,
            total=len(frontier.entries),
            failed=frontier.count(Outcome.ERROR),
            errors=errors,
            as_of=frontier.revision,
        )
        if frontier.complete:
            self._queue.send(CrawlToFinish(job_id=frontier.job_id))
