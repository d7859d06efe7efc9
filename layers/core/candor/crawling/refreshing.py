"""
Refreshing: documents that came from the web fetched again, one by one or all of them.

Nothing is discovered here: pages that have a document are looked at, and those that are gone leave the
answers.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from urllib.parse import urljoin, urlsplit

from candor.crawling.crawls import SOURCE, Crawls, Page
from candor.crawling.frontier import Outcome, key_for
from candor.crawling.robots import Robots
from candor.crawling.scope import origin_of, site_of
from candor.crawling.visiting import MAX_PAUSE, retry_after
from candor.documents import Change, Document, Documents, Draft
from candor.errors import Conflict, Invalid, Malformed, NotFound, UpstreamFailed
from candor.fetching import Fetcher
from candor.jobs import Job, JobError, Jobs, JobStatus
from candor.messages import DocumentsToRefresh, Queue
from candor.sources.web_pages import Kind, WebPage, read_page

KIND: Final = "re_crawl_all"

STEP: Final = 40
"""Documents between two checkpoints: what a killed worker does again at most."""

FETCHERS: Final = 4
"""Requests at once, whichever sites they go to: so no site has more."""

MIN_SECONDS: Final = 60.0
"""With less than this left the rest goes to the next invocation: a step of slow pages must fit."""

PATIENCE: Final = 10.0

Remaining = Callable[[], float]

_GONE_KINDS: Final = (Kind.SOFT_404, Kind.NOINDEX, Kind.LOGIN)


class Fate(StrEnum):
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    GONE = "gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refreshed:
    """What fetching a document again came to; `document` is its row now, or the last one if it is gone."""

    fate: Fate
    document: Document


class Refreshing:
    def __init__(
        self,
        *,
        documents: Documents,
        crawls: Crawls,
        jobs: Jobs,
        fetcher: Fetcher,
        queue: Queue,
        delay_seconds: float = 0.0,
        free_origins: Sequence[str] = (),
        read: Callable[..., WebPage] = read_page,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._documents = documents
        self._crawls = crawls
        self._jobs = jobs
        self._fetcher = fetcher
        self._queue = queue
        self._delay = delay_seconds
        self._free = frozenset(origin.casefold() for origin in free_origins)
        self._read = read
        self._clock = clock
        self._pause = pause

    def begin_all(self, *, created_by: str, job_id: str | None = None) -> Job:
        """Take on all documents that came from the web. With a `job_id` that is known, that job."""
        job = self._jobs.start(kind=KIND, subject="the web", created_by=created_by, job_id=job_id)
        if not job.status.ended:
            self._queue.send(DocumentsToRefresh(job_id=job.job_id))
        return job

    def refresh(self, document_id: str) -> Refreshed:
        """
        Fetch one document's page now.

        `NotFound` without such a document, `Invalid` for one without an address that can be fetched,
        `Malformed` and `UpstreamFailed` as the fetcher; the document stays as it is then.
        """
        document = self._documents.get(document_id)
        refreshed = self._refreshed(document)
        if refreshed.fate == Fate.GONE:
            self._withdraw(document.document_id, document.version)
        return refreshed

    def go_on(self, message: DocumentsToRefresh, *, remaining: Remaining) -> None:
        """The next documents of a job, as far as the time reaches."""
        try:
            job = self._jobs.get(message.job_id)
        except NotFound:
            return  # It has aged away: nobody waits for it.
        if job.status.ended:
            return
        self._withdraw_all(job)  # What a worker before this one may have left undone.
        after = str(job.checkpoint.get("after", ""))
        rows = sorted(
            (row for row in self._documents.of_source(SOURCE) if row.document_id > after),
            key=lambda row: row.document_id,
        )
        robots: dict[str, Robots] = {}
        for start in range(0, len(rows), STEP):
            if remaining() < MIN_SECONDS:
                self._queue.send(message)
                return
            step = rows[start : start + STEP]
            total = int(job.checkpoint.get("seen", 0)) + len(rows) - start
            taken = self._take(job, step, total, robots)
            if taken is None or taken.status.ended:
                return
            job = taken
            self._withdraw_all(job)
        counts = {fate.value: int(job.checkpoint.get(fate.value, 0)) for fate in Fate}
        result = {
            "status": "ok",
            "total": int(job.checkpoint.get("seen", 0)),
            **counts,
            "error": job.failed,
            "errors": [{"url": error.file, "reason": error.reason} for error in job.errors],
        }
        status = JobStatus.FAILED if job.failed and job.failed >= job.done else JobStatus.SUCCEEDED
        self._jobs.finish(job.job_id, status, result=result)

    def _take(self, job: Job, step: Sequence[Document], total: int, robots: dict[str, Robots]) -> Job | None:
        """One step, counted by moving the checkpoint; None when another worker has done it."""
        for row in step:
            origin = urljoin(row.url, "/")
            if origin not in robots:
                robots[origin] = self._robots(origin)
        with ThreadPoolExecutor(max_workers=FETCHERS) as pool:
            fates = list(pool.map(lambda row: self._fate(row, robots[urljoin(row.url, "/")]), step))
        errors = [fate for fate in fates if isinstance(fate, JobError)]
        tally = {name: int(job.checkpoint.get(name, 0)) for name in ("seen", *(fate.value for fate in Fate))}
        for fate in fates:
            if isinstance(fate, Fate):
                tally[fate.value] += 1
        tally["seen"] += len(step)
        leaving = {
            row.document_id: row.version for row, fate in zip(step, fates, strict=True) if fate == Fate.GONE
        }
        try:
            return self._jobs.progress(
                job.job_id,
                done=len(step),
                failed=len(errors),
                total=total - job.total,
                errors=errors,
                # Named before they are withdrawn: a step done again would not find them, nor count them.
                checkpoint={**tally, "after": step[-1].document_id, "leaving": leaving},
                checkpoint_was=job.checkpoint,
            )
        except Conflict:
            return None

    def _fate(self, row: Document, robots: Robots) -> Fate | JobError:
        try:
            if not robots.reachable:
                raise UpstreamFailed("The site's robots.txt could not be fetched.")
            if not robots.allows(row.url):
                raise UpstreamFailed("robots.txt does not allow it to be fetched any more.")
            self._wait_for_turn(row.url, robots)
            return self._refreshed(row).fate
        except NotFound:
            return Fate.GONE  # Deleted meanwhile.
        except (Malformed, Invalid, UpstreamFailed) as error:
            return JobError(file=row.url, record=-1, reason=str(error))

    def _refreshed(self, document: Document) -> Refreshed:
        if urlsplit(document.url).scheme not in ("http", "https"):
            raise Invalid("The document has no http(s) address it could be fetched from.")
        page = self._page_of(document)
        fetched = self._fetcher.fetch(
            document.url,
            etag=page.etag if page else "",
            last_modified=page.last_modified if page else "",
        )
        if fetched.status == 304:
            return Refreshed(fate=Fate.UNCHANGED, document=document)
        if fetched.status in (404, 410):
            return _gone(document)
        if fetched.status in (429, 503):
            wait = math.ceil(min(retry_after(fetched.headers, self._clock()), MAX_PAUSE))
            raise UpstreamFailed(f"The site answered {fetched.status}: try again in {wait} seconds.")
        if fetched.status not in range(200, 300):
            raise UpstreamFailed(f"The site answered {fetched.status}.")
        read = self._read(fetched.body, url=fetched.url, headers=fetched.headers)
        if read.kind in _GONE_KINDS and document.source == SOURCE:
            return _gone(document)
        if read.kind in (Kind.UNREADABLE, Kind.EMPTY, Kind.REDIRECT, *_GONE_KINDS) or not read.text.strip():
            raise UpstreamFailed(read.reason or "The page holds no text that could be read.")
        if read.kind == Kind.THIN and page is not None and page.rendered:
            return Refreshed(fate=Fate.UNCHANGED, document=document)  # Its text comes from a browser.
        draft = Draft(
            url=document.url,
            title=read.title or document.title,
            text=read.text,
            # What a person has said about the document stays.
            doc_type=document.doc_type,
            effective_date=document.effective_date,
            product=document.product,
            region=document.region,
            metadata=document.metadata,
            source=document.source,
        )
        if self._says(document, read.text):
            return Refreshed(fate=Fate.UNCHANGED, document=document)
        put, change = self._documents.put(draft)
        if page is not None:
            # What is remembered holds no more: the next crawl reads the page whole.
            self._crawls.remember([replace(page, reader=0, version=put.version)])
        fate = Fate.UNCHANGED if change == Change.UNCHANGED else Fate.UPDATED
        return Refreshed(fate=fate, document=put)

    def _says(self, document: Document, text: str) -> bool:
        try:
            return self._documents.contents(document).text == text
        except NotFound:
            return False  # Replaced meanwhile: the put decides.

    def _page_of(self, document: Document) -> Page | None:
        """What a crawl remembers of it, if the document is still what that crawl made of it."""
        site, key = site_of(document.url), key_for(document.url)
        page = self._crawls.pages(site, [key]).get(key)
        if page is None or page.outcome != Outcome.KEPT or not page.document:
            return None
        same = document.source == SOURCE and document.version == page.version and document.served_version
        return page if same else replace(page, etag="", last_modified="")

    def _withdraw_all(self, job: Job) -> None:
        for document_id, version in dict(job.checkpoint.get("leaving", {})).items():
            self._withdraw(document_id, int(version))

    def _withdraw(self, document_id: str, version: int) -> None:
        """Take a document out of the answers, unless it has changed since its page was seen to be gone."""
        document = self._documents.find(document_id)
        if document is None or document.deleted or document.version != version:
            return
        page = self._page_of(document)
        with suppress(NotFound):
            self._documents.delete(document_id, source=SOURCE)
        if page is not None:
            self._crawls.forget([page])

    def _robots(self, origin: str) -> Robots:
        try:
            fetched = self._fetcher.fetch(urljoin(origin, "/robots.txt"))
        except Malformed:
            return Robots.of(404)
        except UpstreamFailed:
            return Robots.of(0)
        return Robots.of(fetched.status, fetched.body)

    def _wait_for_turn(self, url: str, robots: Robots) -> None:
        free = origin_of(url) in self._free
        delay = max(0.0 if free else self._delay, min(robots.crawl_delay, PATIENCE))
        if delay:
            for wait in self._turns(urlsplit(url).netloc, delay):
                self._pause(wait)

    def _turns(self, host: str, delay: float) -> Iterator[float]:
        while True:
            turn = self._crawls.turn(host, now=self._clock(), delay=delay, patience=math.inf)
            yield turn.wait
            if turn.granted:
                return


def _gone(document: Document) -> Refreshed:
    if document.source != SOURCE:
        raise UpstreamFailed(
            "The page is not there any more; the document was not made from it, and stays as it is."
        )
    return Refreshed(fate=Fate.GONE, document=document)
