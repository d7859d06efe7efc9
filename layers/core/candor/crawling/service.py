"""
Crawling: a website becomes documents, a batch of pages at a time.

Every step can be done twice. What leaves a mark is done in this order: places are claimed in the frontier,
documents are written, pages remembered, messages for new pages sent, and only then are the pages finished in
the frontier. Killed anywhere before that, their messages come back and find done what was done.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from candor.crawling.addresses import normalise
from candor.crawling.crawls import SOURCE, Crawls, Options, Page, Plan
from candor.crawling.finishing import Finishing
from candor.crawling.frontier import Entry, Frontier, Outcome, key_for
from candor.crawling.progress import Progress
from candor.crawling.scope import Scope, site_of
from candor.crawling.seeding import Unreachable, plan_of, seeds_of
from candor.crawling.settling import Settling
from candor.crawling.visiting import Visit, Visiting
from candor.crawling.writing import Writing, to_remember
from candor.documents import Documents, document_id_of
from candor.errors import NotFound, Unavailable
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

FETCHERS: Final = 2
"""Pages asked for at once by one worker. There are two workers at most: four requests at once for a site."""

MAX_RENDERED: Final = 50
"""Pages looked at in a browser in one crawl: each takes seconds where others take milliseconds."""

TRIES: Final = 3
"""Of a page that answers that it cannot answer now."""

PATIENCE: Final = 5.0
"""Seconds a worker waits for its turn at a site; for longer waits the message goes back to the queue."""

MIN_SECONDS: Final = 25.0
"""With less than this left of an invocation no page is begun: it may take 15, and its writing some."""

WATCH_SECONDS: Final = MAX_DELAY_SECONDS

_ERROR_PAUSES: Final = (2, 10, 30)

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
        self._documents = documents
        self._jobs = jobs
        self._fetcher = fetcher
        self._visiting = visiting
        self._queue = queue
        self._render_queue = render_queue
        self._delay = delay_seconds
        self._free = frozenset(site_of(f"http://{origin}") for origin in free_origins)
        self._clock = clock
        self._pause = pause
        self._writing = Writing(documents)
        self._progress = Progress(crawls=crawls, jobs=jobs, queue=queue, clock=clock, pause=pause)
        self._finishing = Finishing(
            crawls=crawls, documents=documents, jobs=jobs, queue=queue, progress=self._progress, clock=clock
        )
        self._known_rules: dict[str, Settling] = {}

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
        if self._running(message.job_id) is None:
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
                delay=0.0 if site_of(message.start) in self._free else self._delay,
            )
        except Unreachable as error:
            self._give_up(message, error)
            return
        self._crawls.begin(plan)
        self._known_rules.pop(message.job_id, None)
        if options.ingest:
            for site in {site_of(message.start), plan.site}:
                about = self._crawls.site(site)
                self._crawls.keep_site(site, replace(about, options=options.as_json()))
        rules = Settling(plan, Scope(plan))
        seeds = list(seeds_of(self._fetcher, plan, rules.scope, list(self._crawls.known(plan.site))))

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
                self._visit_batch(job_id, [messages[index] for index in own], remaining)
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
        self._visit_batch(message.job_id, [page], lambda: math.inf, rendering=True)

    def finish(self, message: CrawlToFinish) -> None:
        """See whether everything is done, and end the job."""
        job = self._running(message.job_id)
        if job is None:
            return
        plan = self._crawls.plan(message.job_id)
        self._finishing.look(message, job, plan)

    # ------------------------------------------------------------------ a batch of pages

    def _visit_batch(
        self, job_id: str, messages: Sequence[PageToCrawl], remaining: Remaining, *, rendering: bool = False
    ) -> None:
        if self._running(job_id) is None:
            return
        rules = self._rules(job_id)
        frontier = self._crawls.frontier(job_id)
        todo = {
            key_for(message.url): message
            for message in messages
            if not frontier.is_done(key_for(message.url), depth=message.depth, round=message.round)
        }
        if todo and (wait := frontier.paused_until - self._clock()) > 0:
            self._send_back(todo.values(), wait)
            return
        if todo:
            frontier = self._work_off(frontier, rules, todo, remaining, rendering)
        self._progress.report(frontier)

    def _work_off(
        self,
        frontier: Frontier,
        rules: Settling,
        todo: Mapping[str, PageToCrawl],
        remaining: Remaining,
        rendering: bool,
    ) -> Frontier:
        plan = rules.plan
        remembered, owned = self._remembered(plan, todo)

        def visit(key: str) -> Visit | None:
            entry = frontier.entries.get(key, Entry(depth=todo[key].depth))
            if not entry.text and not frontier.admits(entry, plan.options.max_pages):
                return Visit(url=todo[key].url, outcome=Outcome.LIMIT)
            if remaining() < MIN_SECONDS:
                self._send_back([todo[key]], 0)
                return None
            return self._visit(rules, todo[key], remembered.get(key), frontier, rendering)

        with ThreadPoolExecutor(max_workers=FETCHERS) as pool:
            found = dict(zip(todo, pool.map(visit, todo), strict=True))
        visits = {key: visit for key, visit in found.items() if visit is not None}
        for key in owned & visits.keys():
            visits[key] = replace(visits[key], outcome=Outcome.OTHER_SOURCE, draft=None)
        pause = max((visit.pause for visit in visits.values()), default=0.0)
        settled = {
            key: visit for key, visit in visits.items() if not self._later(todo[key], visit, rendering)
        }
        frontier, decided = self._claim(frontier, rules, todo, settled)
        written = self._writing.write(plan, decided, remembered)
        self._crawls.remember(to_remember(plan, decided, written, remembered))

        def change(fresh: Frontier) -> list[Message]:
            messages: list[Message] = []
            for key, visit in decided.items():
                if not fresh.is_done(key, depth=todo[key].depth, round=todo[key].round):
                    messages += rules.settle(fresh, todo[key], visit, written.get(key))
            if pause:
                fresh.paused_until = max(fresh.paused_until, self._clock() + pause)
            return messages

        return self._progress.commit(frontier, change)

    def _visit(
        self,
        rules: Settling,
        message: PageToCrawl,
        remembered: Page | None,
        frontier: Frontier,
        rendering: bool,
    ) -> Visit | None:
        plan, scope = rules.plan, rules.scope
        if plan.delay:
            turn = self._crawls.turn(plan.host, now=self._clock(), delay=plan.delay, patience=PATIENCE)
            if not turn.granted:
                self._send_back([message], turn.wait)
                return None
            self._pause(turn.wait)
        visit = self._visiting.visit(
            message.url,
            plan=plan,
            scope=scope,
            remembered=None if message.round or rendering else remembered,
            depth=message.depth,
            alone=message.alone,
        )
        if visit.thin and (self._render_queue is None or frontier.rendered >= MAX_RENDERED):
            return replace(visit, thin=False)
        if visit.thin and rendering:
            return self._visiting.render(visit, scope=scope, alone=message.alone)
        return visit

    def _remembered(self, plan: Plan, todo: Mapping[str, PageToCrawl]) -> tuple[Mapping[str, Page], set[str]]:
        """
        What still holds of what is remembered, and which pages' documents belong to somebody else.

        A page whose document is not there any more is read whole again.
        """
        pages = dict(self._crawls.pages(plan.site, todo))
        ours = {key: document_id_of(page.url) for key, page in pages.items() if page.document}
        served = self._documents.served_versions(ours.values())
        owned: set[str] = set()
        for key, document_id in ours.items():
            if served.get(document_id) == pages[key].version:
                continue
            document = self._documents.find(document_id)
            if document is not None and not document.deleted and document.source != SOURCE:
                owned.add(key)
            elif document_id not in served:
                pages[key] = replace(pages[key], reader=0)
        return pages, owned

    def _later(self, message: PageToCrawl, visit: Visit, rendering: bool) -> bool:
        """Send it on where it is not to be settled now: to be tried again, or looked at in a browser."""
        if visit.thin and self._render_queue is not None:
            self._render_queue.send(
                PageToRender(
                    job_id=message.job_id,
                    url=message.url,
                    depth=message.depth,
                    round=message.round,
                    alone=message.alone,
                )
            )
            return True
        if visit.again_after is None or message.attempt + 1 >= TRIES or visit.outcome != Outcome.ERROR:
            return False
        wait = max(visit.again_after, _ERROR_PAUSES[message.attempt] if not visit.pause else 0)
        self._queue.send(replace(message, attempt=message.attempt + 1), delay_seconds=math.ceil(wait))
        return True

    def _claim(
        self,
        frontier: Frontier,
        rules: Settling,
        todo: Mapping[str, PageToCrawl],
        visits: Mapping[str, Visit],
    ) -> tuple[Frontier, Mapping[str, Visit]]:
        """The visits, those with text to be written decided: kept, a duplicate, or one too many."""
        decided = dict(visits)
        if not any(visit.draft for visit in visits.values()):
            return frontier, decided  # Nothing is to be written: claimed and finished in one.

        def change(fresh: Frontier) -> list[Message]:
            decided.clear()
            for key, visit in visits.items():
                if fresh.is_done(key, depth=todo[key].depth, round=todo[key].round):
                    continue
                decided[key] = visit
                if visit.outcome == Outcome.KEPT:
                    decided[key] = replace(visit, outcome=rules.claimed(fresh, todo[key], visit))
            return []

        return self._progress.commit(frontier, change), decided

    # ------------------------------------------------------------------ the job as a whole

    def _give_up(self, message: SiteToCrawl, error: Unreachable) -> None:
        if error.passing and message.attempt + 1 < TRIES:
            again = replace(message, attempt=message.attempt + 1)
            self._queue.send(again, delay_seconds=_ERROR_PAUSES[message.attempt])
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

    def _running(self, job_id: str) -> Job | None:
        try:
            job = self._jobs.get(job_id)
        except NotFound:
            return None  # It has aged away: nobody waits for it.
        return None if job.status.ended else job

    def _rules(self, job_id: str) -> Settling:
        """Of a crawl that has been begun; kept, for they do not change any more."""
        if job_id not in self._known_rules:
            plan = self._crawls.plan(job_id)
            if plan is None:
                raise Unavailable("The crawl's plan is not there yet.")
            if len(self._known_rules) > 20:
                self._known_rules.clear()
            self._known_rules[job_id] = Settling(plan, Scope(plan))
        return self._known_rules[job_id]

    def _send_back(self, messages: Iterable[PageToCrawl], wait: float) -> None:
        self._queue.send(*messages, delay_seconds=min(math.ceil(wait), MAX_DELAY_SECONDS))
