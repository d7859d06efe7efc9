"""
Finishing: a crawl whose pages are all done is closed, and what is no longer there leaves the answers.

Nothing is withdrawn before the last page is done: only then is it known which of two pages that say the same
stays, and whether the site as a whole was well.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from candor.crawling.crawls import SOURCE, Crawls, Page, Plan
from candor.crawling.frontier import Entry, Frontier, Outcome, Written, key_for
from candor.crawling.progress import Progress
from candor.crawling.scope import Scope
from candor.documents import Documents, Status, document_id_of
from candor.errors import NotFound
from candor.jobs import Job, Jobs, JobStatus
from candor.messages import MAX_DELAY_SECONDS, CrawlToFinish, Message, PageToCrawl, Queue

MAX_ROUNDS: Final = 5
MAX_LISTED: Final = 500
MAX_LISTED_BYTES: Final = 120_000
"""Of the pages named in a result: it shares a row of 400 KB with a hundred errors."""

SERVED_WITHIN: Final = 3.0
"""Seconds the end of a crawl waits for its documents to be findable; what is not by then is told."""

GLANCE_SECONDS: Final = 0.25
"""Between two looks: a message sent for the next one would come a second late."""

FEW: Final = 20
"""Of so many missing documents each is looked at: one that can never be indexed is not waited for."""

HALTED_AFTER: Final = 3_000.0
"""Seconds without any progress after which a crawl will not go on by itself: the queue has given it up."""

_WITHDRAWN: Final = frozenset(Outcome) - {
    Outcome.WAITING,
    Outcome.KEPT,
    Outcome.ERROR,
    Outcome.LIMIT,
    Outcome.OTHER_SOURCE,
}
_SOFT: Final = (Outcome.DUPLICATE, Outcome.SOFT_404, Outcome.LOGIN, Outcome.EMPTY)
"""What a page also looks like while its site is being repaired."""

_FORGOTTEN: Final = (Outcome.GONE, Outcome.REDIRECT, Outcome.OFF_SITE, Outcome.DISALLOWED, Outcome.TRAP)
_SUSPICIOUS: Final = 10


class Finishing:
    def __init__(
        self,
        *,
        crawls: Crawls,
        documents: Documents,
        jobs: Jobs,
        queue: Queue,
        progress: Progress,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._crawls = crawls
        self._documents = documents
        self._jobs = jobs
        self._queue = queue
        self._progress = progress
        self._clock = clock
        self._pause = pause

    def look(self, message: CrawlToFinish, job: Job, plan: Plan | None) -> None:
        """End the job if all is done; see to it that somebody looks again if not."""
        frontier = self._crawls.frontier(job.job_id)
        if plan is None or not frontier.complete:
            if message.watch:
                self._watch(message, job, frontier)
            return
        known = {page.key: page for page in self._crawls.known(plan.site)}
        frontier = self._once_more(frontier, known)
        if not frontier.complete:
            return
        if plan.options.ingest:
            frontier = self._close(frontier, plan, known)
            self._withdraw(frontier, plan, known)
        unserved = self._unserved_soon(frontier, known)
        failed = not frontier.count(Outcome.KEPT) and frontier.count(Outcome.ERROR) > 0
        status = JobStatus.FAILED if failed else JobStatus.SUCCEEDED
        result = {**self._result(frontier, plan, known), "not_yet_searchable": len(unserved)}
        self._jobs.finish(job.job_id, status, result=result)

    def _once_more(self, frontier: Frontier, known: Mapping[str, Page]) -> Frontier:
        """
        Open the pages again that gave way to another, where that other has not taken their place.

        A page that called a missing one canonical stands for itself; of pages that say the same, one that has
        turned out the best since is read again to become the document.
        """

        def change(fresh: Frontier) -> list[Message]:
            if not fresh.complete or fresh.closing or fresh.rounds >= MAX_ROUNDS:
                return []
            alone = [
                key
                for key, entry in fresh.entries.items()
                if entry.outcome == Outcome.CANONICAL and not fresh.leads_somewhere(key)
            ]
            better = [key for key in fresh.winners() if fresh.entries[key].outcome == Outcome.DUPLICATE]
            again = [key for key in (*alone, *better) if key in known]
            if not again:
                return []
            fresh.rounds += 1
            messages: list[Message] = []
            for key in again:
                entry = fresh.entries[key]
                fresh.reopen(key)
                messages.append(
                    PageToCrawl(
                        job_id=fresh.job_id,
                        url=known[key].url,
                        depth=entry.depth,
                        round=fresh.rounds,
                        alone=key in alone,
                    )
                )
            return messages

        probe = Frontier.from_bytes(frontier.to_bytes(), revision=frontier.revision)
        return self._progress.commit(frontier, change) if change(probe) else frontier

    def _close(self, frontier: Frontier, plan: Plan, known: Mapping[str, Page]) -> Frontier:
        """Decide, once, what is to be withdrawn: a second look counts nothing again."""
        if frontier.closing:
            return frontier
        suspected_by = self._crawls.site(plan.site).suspected_by
        scope = Scope(plan)

        def change(fresh: Frontier) -> list[Message]:
            if fresh.closing:
                return []
            leaving = _leaving(fresh, known, scope)
            # What this very crawl brought, and a better address has made up for since, nobody has missed.
            old = {key: outcome for key, outcome in leaving.items() if not _brought(known[key], fresh.job_id)}
            documents = sum(page.document and page.key in fresh.entries for page in known.values())
            soft = sum(outcome in _SOFT for outcome in old.values())
            held = soft >= _SUSPICIOUS and 2 * soft > documents and suspected_by in ("", fresh.job_id)
            fresh.held = soft if held else 0
            fresh.withdrawn = {}
            for outcome in old.values():
                if not (held and outcome in _SOFT):
                    fresh.withdrawn[outcome.value] = fresh.withdrawn.get(outcome.value, 0) + 1
            fresh.closing = True
            return []

        frontier = self._progress.commit(frontier, change)
        suspected = plan.job_id if frontier.held else ""
        if suspected != suspected_by:
            self._crawls.keep_site(plan.site, replace(self._crawls.site(plan.site), suspected_by=suspected))
        return frontier

    def _withdraw(self, frontier: Frontier, plan: Plan, known: Mapping[str, Page]) -> None:
        forgotten: list[Page] = []
        changed: list[Page] = []
        for key, outcome in _leaving(frontier, known, Scope(plan)).items():
            page = known[key]
            if frontier.held and outcome in _SOFT and not _brought(page, plan.job_id):
                continue
            with suppress(NotFound):  # Gone already, or somebody else's now.
                self._documents.delete(document_id_of(page.url), source=SOURCE)
            if outcome in _FORGOTTEN:
                forgotten.append(page)
            else:
                changed.append(replace(page, document=False))
        self._crawls.remember(changed)
        self._crawls.forget(forgotten)

    def _unserved_soon(self, frontier: Frontier, known: Mapping[str, Page]) -> list[str]:
        until = frontier.completed_at + SERVED_WITHIN
        while (unserved := self._unserved(frontier, known)) and self._clock() < until:
            self._pause(GLANCE_SECONDS)
        return unserved

    def _unserved(self, frontier: Frontier, known: Mapping[str, Page]) -> list[str]:
        """Ids of the documents this crawl wrote that cannot be found yet, and will be."""
        wanted = {
            document_id_of(known[key].url): known[key].version
            for key, entry in frontier.entries.items()
            if _wrote(entry) and entry.outcome == Outcome.KEPT and key in known and known[key].document
        }
        served = self._documents.served_versions(wanted)
        missing = [one for one, version in wanted.items() if served.get(one, 0) < version]
        if len(missing) > FEW:
            return missing
        rows = {document_id: self._documents.find(document_id) for document_id in missing}
        return [one for one, row in rows.items() if row and not row.deleted and row.status != Status.FAILED]

    def _watch(self, message: CrawlToFinish, job: Job, frontier: Frontier) -> None:
        moved = max(frontier.moved_at, job.created_at.timestamp())
        if self._clock() - moved < HALTED_AFTER:
            self._queue.send(message, delay_seconds=MAX_DELAY_SECONDS)
            return
        if not frontier.seeded:
            sentence = "The crawl could not be begun: see the dead letters of the crawl queue."
            self._jobs.finish(job.job_id, JobStatus.FAILED, result={"status": "error", "error": sentence})
            return

        def change(fresh: Frontier) -> list[Message]:
            if lost := fresh.waiting:
                fresh.fail(
                    job.subject, f"{lost} pages were given up: see the dead letters of the crawl queue."
                )
            for key, entry in fresh.entries.items():
                if not entry.outcome:
                    fresh.settle(key, Outcome.ERROR)
            return []

        self._progress.report(self._progress.commit(frontier, change))

    def _result(self, frontier: Frontier, plan: Plan, known: Mapping[str, Page]) -> dict[str, Any]:
        winners = frontier.winners()
        kept = [key for key in winners if frontier.entries[key].outcome == Outcome.KEPT]
        wrote = [frontier.entries[key].written for key in kept]
        counts = {written.value: wrote.count(written) for written in Written if written}
        duplicates = sum(
            entry.outcome in (Outcome.DUPLICATE, Outcome.CANONICAL)
            or (entry.outcome == Outcome.KEPT and key not in winners)
            for key, entry in frontier.entries.items()
        )
        told = (Outcome.WAITING, Outcome.KEPT, Outcome.DUPLICATE, Outcome.CANONICAL, Outcome.ERROR)
        skipped = {outcome.value: frontier.count(outcome) for outcome in Outcome if outcome not in told}
        seconds = max(frontier.completed_at - plan.started, 0.001)
        result = {
            "status": "ok",
            "pages_crawled": len(kept),
            "pages_ingested": sum(counts.values()),
            "pages_fetched": frontier.fetched,
            "bytes": frontier.received,
            **counts,
            "gone": sum(frontier.withdrawn.values()),
            "withdrawn": frontier.withdrawn,
            "duplicates": duplicates,
            "skipped": {reason: count for reason, count in skipped.items() if count},
            "errors": frontier.count(Outcome.ERROR),
            "rendered": frontier.rendered,
            "limit_reached": frontier.cut,
            "seconds": round(seconds, 2),
            "pages_per_second": round(frontier.fetched / seconds, 1),
            "pages": _listed([known[key] for key in kept if key in known]),
        }
        if frontier.held:
            result["warning"] = (
                f"{frontier.held} pages seem to say nothing of their own any more, more than half of those "
                "known: they stay in the answers unless the next crawl finds the same."
            )
        return result


def _leaving(frontier: Frontier, known: Mapping[str, Page], scope: Scope) -> Mapping[str, Outcome]:
    """Pages that have a document and are not to have one any more, each with the reason."""
    winners = frontier.winners()
    leaving: dict[str, Outcome] = {}
    for key, page in known.items():
        entry = frontier.entries.get(key)
        if not page.document:
            continue
        if entry is None:
            # The site answers under another scheme or name by now: its pages are found there.
            moved = frontier.entries.get(key_for(scope.home(page.url)))
            if moved is not None and moved.outcome in (Outcome.KEPT, Outcome.DUPLICATE, Outcome.CANONICAL):
                leaving[key] = Outcome.REDIRECT
        elif entry.outcome in _WITHDRAWN:
            leaving[key] = entry.outcome
        elif entry.outcome == Outcome.KEPT and key not in winners:
            leaving[key] = Outcome.DUPLICATE
    return leaving


def _brought(page: Page, job_id: str) -> bool:
    """Whether the page's document did not exist before this crawl."""
    return page.job_id == job_id and page.written == Written.CREATED


def _wrote(entry: Entry) -> bool:
    return entry.written in (Written.CREATED, Written.UPDATED)


def _listed(pages: list[Page]) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = []
    left = MAX_LISTED_BYTES
    for page in sorted(pages, key=lambda page: (page.depth, page.url))[:MAX_LISTED]:
        left -= len(page.url.encode()) + len(page.title[:200].encode()) + 60
        if left < 0:
            break
        listed.append({"url": page.url, "title": page.title[:200], "doc_type": page.doc_type})
    return listed
