"""
Crawling: a website becomes documents, a batch of pages at a time.

Every step can be done twice. What leaves a mark is done in this order: places are claimed in the frontier,
documents are written, pages remembered, messages for new pages sent, and only then are the pages finished in
the frontier. Killed anywhere before that, their messages come back and find done what was done.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from candor.crawling.addresses import normalise
from candor.crawling.batches import ERROR_PAUSES, TRIES, Batches
from candor.crawling.crawls import Crawls, Options
from candor.crawling.finishing import Finishing
from candor.crawling.frontier import Frontier
from candor.crawling.progress import Progress
from candor.crawling.scope import Scope, origin_of, site_of
from candor.crawling.seeding import Unreachable, plan_of, seeds_of
from candor.crawling.settling import Settling
from candor.crawling.visiting import Visiting
from candor.documents import Documents
from candor.fetching import Fetcher
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import (
    MAX_DELAY_SECONDS,
    CrawlToFinish,
    Message,
    PageToCrawl,
    PageToRender,
    Queue,
    SiteToCrawl,
)

KIND: Final = "crawl_website"

WATCH_SECONDS: Final = MAX_DELAY_SECONDS


Remaining = Callable[[], float]


class Crawling:
    """Begins crawls, and works off the messages they consist of."""

    def __init__(
        self,
        *,
        crawls: Crawls,
        documents: Documents,
        jobs: Jobs,
        fetcher: Fetcher,
        visiting: Visiting,
        queue: Queue,
        render_queue: Queue | None,
        delay_seconds: float = 0.0,
        free_origins: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._crawls = crawls
        self._jobs = jobs
        self._fetcher = fetcher
        self._queue = queue
        self._delay = delay_seconds
        self._free = frozenset(origin.casefold() for origin in free_origins)
        self._clock = clock
        self._pause = pause
        self._progress = Progress(crawls=crawls, jobs=jobs, queue=queue, clock=clock, pause=pause)
        self._finishing = Finishing(
            crawls=crawls,
            documents=documents,
            jobs=jobs,
            queue=queue,
            progress=self._progress,
            clock=clock,
            pause=pause,
        )
        self._batches = Batches(
            crawls=crawls,
            documents=documents,
            visiting=visiting,
            queue=queue,
            render_queue=render_queue,
            progress=self._progress,
            clock=clock,
            pause=pause,
        )

    def begin_site(
        self, base: str, *, options: Options | None = None, created_by: str, job_id: str | None = None
    ) -> Job:
        """
        Take a crawl on. Without options, as the site was crawled last. `Malformed` for a refused address.

        With a `job_id` that is known already, that job: asked for twice, a site is crawled once.
        """
        start = normalise(self._fetcher.check(base)) or base
        if options is None:
            options = Options.of(self._crawls.site(site_of(start)).options)
        job = self._jobs.start(kind=KIND, subject=start, created_by=created_by, job_id=job_id)
        if job.status.ended:
            return job
        now = self._clock()
        # The watch first: whatever happens to the beginning, somebody will look after the job.
        self._queue.send(CrawlToFinish(job_id=job.job_id, watch=True), delay_seconds=WATCH_SECONDS)
        self._queue.send(SiteToCrawl(job_id=job.job_id, start=start, options=options.as_json(), started=now))
        return job

    def wait(self, job_id: str, *, seconds: float) -> Job:
        """The job when it ends, or as it is when the time is over."""
        until = time.monotonic() + seconds
        while not (job := self._jobs.get(job_id)).status.ended and time.monotonic() < until:
            self._pause(0.25)
        return job

    def begin(self, message: SiteToCrawl) -> None:
        """Look at the site, and send out its first pages."""
        if self._progress.running(message.job_id) is None:
            return
        options = Options.of(message.options)
        frontier = self._crawls.frontier(message.job_id)
        if frontier.seeded:
            self._progress.report(frontier)
            return
        try:
            plan = plan_of(
                self._fetcher,
                job_id=message.job_id,
                start=message.start,
                options=options,
                started=message.started,
                delay=0.0 if origin_of(message.start) in self._free else self._delay,
            )
        except Unreachable as error:
            self._give_up(message, error)
            return
        self._crawls.begin(plan)
        if options.ingest:
            for site in {site_of(message.start), plan.site}:
                about = self._crawls.site(site)
                self._crawls.keep_site(site, replace(about, options=options.as_json()))
        rules = Settling(plan, Scope(plan))
        known = list(self._crawls.known(plan.site))
        seeds = list(seeds_of(self._fetcher, plan, rules.scope, known, pause=self._pause))

        def change(fresh: Frontier) -> list[Message]:
            messages: list[Message] = []
            for seed in seeds:
                messages += rules.found(fresh, seed.url, seed.depth, listed=seed.listed, known=seed.known)
            fresh.seeded = True
            return messages

        self._progress.report(self._progress.commit(frontier, change))

    def visit_many(
        self, messages: Sequence[PageToCrawl], *, remaining: Remaining
    ) -> Mapping[int, BaseException]:
        """Work off pages of whichever crawls; the failed ones by their index, each with its error."""
        failures: dict[int, BaseException] = {}
        for job_id in dict.fromkeys(message.job_id for message in messages):
            own = [index for index, message in enumerate(messages) if message.job_id == job_id]
            try:
                self._batches.visit(job_id, [messages[index] for index in own], remaining)
            except Exception as error:  # noqa: BLE001 - reported: the pages of this crawl come back, others not
                failures.update(dict.fromkeys(own, error))
        return failures

    def render(self, message: PageToRender) -> None:
        """The same for a page that needs a browser."""
        page = PageToCrawl(
            job_id=message.job_id,
            url=message.url,
            depth=message.depth,
            round=message.round,
            alone=message.alone,
        )
        self._batches.visit(message.job_id, [page], lambda: math.inf, rendering=True)

    def finish(self, message: CrawlToFinish) -> None:
        """See whether everything is done, and end the job."""
        job = self._progress.running(message.job_id)
        if job is None:
            return
        plan = self._crawls.plan(message.job_id)
        self._finishing.look(message, job, plan)

    def _give_up(self, message: SiteToCrawl, error: Unreachable) -> None:
        if error.passing and message.attempt + 1 < TRIES:
            again = replace(message, attempt=message.attempt + 1)
            self._queue.send(again, delay_seconds=ERROR_PAUSES[message.attempt])
            return
        self._jobs.measure(
            message.job_id,
            done=1,
            total=1,
            failed=1,
            errors=[JobError(file=message.start, record=-1, reason=str(error))],
            as_of=1,
        )
        result = {
            "status": "error",
            "error": str(error),
            "pages_crawled": 0,
            "pages_ingested": 0,
            "pages": [],
        }
        self._jobs.finish(message.job_id, JobStatus.FAILED, result=result)
