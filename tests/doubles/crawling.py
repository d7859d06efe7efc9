"""Crawling in memory: a crawl's queues worked off as the workers would, in any order, some of it twice."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from candor.adapters.memory_crawls import MemoryCrawls
from candor.crawling.crawls import Options
from candor.crawling.refreshing import Refreshing
from candor.crawling.service import Crawling
from candor.crawling.visiting import Visiting
from candor.fetching import Browser
from candor.jobs import Job
from candor.messages import CrawlToFinish, DocumentsToRefresh, Message, PageToCrawl, PageToRender, SiteToCrawl
from tests.doubles.knowledge import Knowledge
from tests.doubles.web import Web, read


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def today(self) -> datetime:
        """The date; never the same twice, so that what was written later sorts later."""
        self.now += 1e-5
        return datetime.fromtimestamp(self.now, UTC)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class TimedQueue:
    """A `Queue` whose delays pass on a clock of ours."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.messages: list[tuple[float, Message]] = []

    def send(self, *messages: Message, delay_seconds: int = 0) -> None:
        self.messages += [(self._clock() + delay_seconds, message) for message in messages]

    def take(self, at_most: int = 10) -> list[Message]:
        due = [pair for pair in self.messages if pair[0] <= self._clock()][:at_most]
        self.messages = [pair for pair in self.messages if not any(pair is one for one in due)]
        return [message for _, message in due]

    def next_at(self) -> float | None:
        return min((at for at, _ in self.messages), default=None)


@dataclass(kw_only=True)
class Crawl:
    """Everything a crawl needs, on a `Web`. `work` runs it to its end."""

    web: Web = field(default_factory=Web)
    knowledge: Knowledge = field(default_factory=Knowledge)
    crawls: MemoryCrawls = field(default_factory=MemoryCrawls)
    clock: Clock = field(default_factory=Clock)
    browser: Browser | None = None
    delay_seconds: float = 0.0
    reader: Callable[..., Any] = read
    delivering: bool = False
    """A worker is at work."""

    def __post_init__(self) -> None:
        # One time for all: what was written when tells whose work it was.
        self.knowledge.documents._clock = self.knowledge.jobs._clock = self.clock.today
        self.queue = TimedQueue(self.clock)
        self.render_queue = TimedQueue(self.clock)
        self.crawling = Crawling(
            crawls=self.crawls,
            documents=self.knowledge.documents,
            jobs=self.knowledge.jobs,
            fetcher=self.web,
            visiting=Visiting(fetcher=self.web, browser=self.browser, read=self.reader, clock=self.clock),
            queue=self.queue,
            render_queue=self.render_queue,
            delay_seconds=self.delay_seconds,
            clock=self.clock,
            pause=self.clock.sleep,
        )

        self.refreshing = Refreshing(
            documents=self.knowledge.documents,
            crawls=self.crawls,
            jobs=self.knowledge.jobs,
            fetcher=self.web,
            queue=self.queue,
            delay_seconds=self.delay_seconds,
            read=self.reader,
            clock=self.clock,
            pause=self.clock.sleep,
        )

    def begin(self, base: str, **options: Any) -> Job:
        return self.crawling.begin_site(base, options=Options(**options), created_by="tests")

    def run(self, base: str, **options: Any) -> Job:
        """Crawl a site and return its job when it has ended."""
        job = self.begin(base, **options)
        self.work(job)
        return self.knowledge.jobs.get(job.job_id)

    def work(
        self,
        job: Job,
        *,
        chaos: random.Random | None = None,
        batch: int = 10,
        each: Callable[[], None] = lambda: None,
    ) -> None:
        """Until the job has ended. With `chaos` messages come in any order, and some of them twice."""
        for _ in range(5_000):
            if self.knowledge.jobs.get(job.job_id).status.ended:
                return
            each()
            messages = self.queue.take(10**6 if chaos else batch)
            if chaos:
                chaos.shuffle(messages)
                again, messages = messages[batch:], messages[:batch]
                self.queue.send(*again)
                self.queue.send(*(message for message in messages if chaos.random() < 0.3))
            self.deliver(*messages)
            for message in self.render_queue.take(1):
                assert isinstance(message, PageToRender)
                self.crawling.render(message)
            self.knowledge.work()
            if not messages:
                times = [at for at in (self.queue.next_at(), self.render_queue.next_at()) if at is not None]
                assert times, "the job has not ended, and nothing is left to be done"
                self.clock.now = max(self.clock.now, min(times))
        raise AssertionError("the job does not end")

    def deliver(self, *messages: Message, seconds: float = 1_000.0) -> None:
        """As `functions/crawl_page` would."""
        before, self.delivering = self.delivering, True
        try:
            self._deliver(messages, seconds)
        finally:
            self.delivering = before

    def _deliver(self, messages: Sequence[Message], seconds: float) -> None:
        for message in messages:
            if isinstance(message, SiteToCrawl):
                self.crawling.begin(message)
        pages = [message for message in messages if isinstance(message, PageToCrawl)]
        if failures := self.crawling.visit_many(pages, remaining=lambda: seconds):
            raise next(iter(failures.values()))
        for message in messages:
            if isinstance(message, CrawlToFinish):
                self.crawling.finish(message)
            elif isinstance(message, DocumentsToRefresh):
                self.refreshing.go_on(message, remaining=lambda: seconds)

    def urls(self) -> list[str]:
        return list(self.knowledge.urls())
