"""Batches: pages of one crawl worked off together, each step so that it can be done twice."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from candor.crawling.crawls import Crawls, Page
from candor.crawling.frontier import Entry, Frontier, Outcome, key_for
from candor.crawling.progress import Progress
from candor.crawling.remembering import still_true, to_remember
from candor.crawling.scope import Scope
from candor.crawling.settling import Settling
from candor.crawling.visiting import Visit, Visiting
from candor.crawling.writing import Writing
from candor.documents import Documents
from candor.errors import CandorError, Unavailable
from candor.messages import (
    MAX_DELAY_SECONDS,
    Message,
    PageToCrawl,
    PageToRender,
    Queue,
)

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

ERROR_PAUSES: Final = (1, 2)
"""Seconds before each further try: a page that is broken for good must not hold up a crawl of seconds."""

Remaining = Callable[[], float]

_log = logging.getLogger(__name__)


class Batches:
    """Asks for pages, decides what becomes of them, writes, and finishes them, in this order."""

    def __init__(
        self,
        *,
        crawls: Crawls,
        documents: Documents,
        visiting: Visiting,
        queue: Queue,
        render_queue: Queue | None,
        progress: Progress,
        clock: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        self._crawls = crawls
        self._documents = documents
        self._visiting = visiting
        self._queue = queue
        self._render_queue = render_queue
        self._progress = progress
        self._clock = clock
        self._pause = pause
        self._writing = Writing(documents)
        self._known_rules: dict[str, Settling] = {}

    def visit(
        self, job_id: str, messages: Sequence[PageToCrawl], remaining: Remaining, *, rendering: bool = False
    ) -> None:
        if self._progress.running(job_id) is None:
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
        remembered, owned = still_true(self._crawls, self._documents, plan, todo)

        def visit(key: str) -> Visit | None:
            entry = frontier.entries.get(key, Entry(depth=todo[key].depth))
            if not entry.text and not frontier.admits(entry, plan.options.max_pages):
                return Visit(url=todo[key].url, outcome=Outcome.LIMIT)
            if remaining() < MIN_SECONDS:
                self._send_back([todo[key]], 0)
                return None
            return self._asked(rules, todo[key], remembered.get(key), frontier, rendering)

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

    def _asked(
        self,
        rules: Settling,
        message: PageToCrawl,
        remembered: Page | None,
        frontier: Frontier,
        rendering: bool,
    ) -> Visit | None:
        """As `_visit`; what nobody expected of a page is that page's error, and no other's."""
        try:
            return self._visit(rules, message, remembered, frontier, rendering)
        except CandorError:
            raise
        except Exception as error:  # noqa: BLE001 - told in the job: nine other pages do not come back for it
            kind = type(error).__name__
            _log.error("page failed", extra={"job_id": message.job_id, "error": kind})
            return Visit(url=message.url, outcome=Outcome.ERROR, reason=f"It could not be read ({kind}).")

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
        wait = max(visit.again_after, ERROR_PAUSES[message.attempt] if not visit.pause else 0)
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
