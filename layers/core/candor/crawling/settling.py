"""Settling: what a visit changes in the frontier."""

import sys

from candor.crawling.addresses import key_of
from candor.crawling.crawls import Plan
from candor.crawling.frontier import Entry, Frontier, Outcome, Written, key_for
from candor.crawling.scope import Scope
from candor.crawling.visiting import Visit
from candor.crawling.writing import Result
from candor.messages import Message, PageToCrawl


class Settling:
    """The rules of one crawl. Nothing here waits for anything: a change that came too late is made again."""

    def __init__(self, plan: Plan, scope: Scope) -> None:
        self.plan = plan
        self.scope = scope

    def found(
        self,
        frontier: Frontier,
        url: str,
        depth: int,
        *,
        listed: bool = False,
        wanted: bool = False,
        known: bool = False,
    ) -> list[Message]:
        """Take an address on; the message that sends somebody there, if it is to be visited."""
        new = frontier.add(
            url,
            depth=depth,
            limit=self.plan.options.max_visits,
            listed=listed,
            wanted=wanted,
            known=known,
            outcome=self.scope.judged(url),
        )
        return [PageToCrawl(job_id=self.plan.job_id, url=url, depth=depth)] if new else []

    def claimed(self, frontier: Frontier, message: PageToCrawl, visit: Visit) -> Outcome:
        """KEPT, if this page is to have the document of its text."""
        assert visit.page is not None
        entered(frontier, message)
        return frontier.claim(
            key_for(message.url),
            text=visit.page.text,
            fold=key_for(key_of(visit.url)),
            max_pages=self.plan.options.max_pages,
        )

    def settle(
        self, frontier: Frontier, message: PageToCrawl, visit: Visit, written: Result | None
    ) -> list[Message]:
        """Finish a page, and take on what it links to; the messages that are to be sent for that."""
        key, entry = key_for(message.url), entered(frontier, message)
        outcome = visit.outcome if written is None else written.outcome
        if outcome == Outcome.KEPT and not entry.text:
            outcome = self.claimed(frontier, message, visit)
        if outcome == Outcome.KEPT and self.plan.options.ingest and written is None:
            outcome = Outcome.DUPLICATE  # Not read, so not written: the end of the crawl sees to it.
        found = [(visit.target, entry.depth, outcome == Outcome.CANONICAL)] if visit.target else []
        if entry.depth < self.plan.options.max_depth:
            found += [(link, entry.depth + 1, False) for link in visit.links]
        messages: list[Message] = []
        for url, depth, wanted in found:
            messages += self.found(frontier, url, depth, wanted=wanted)
        frontier.settle(
            key,
            outcome,
            target=key_for(visit.target) if visit.target else "",
            written=written.written if written else Written.NOTHING,
            round=message.round,
        )
        frontier.fetched += visit.fetched
        frontier.received += visit.received
        frontier.rendered += visit.rendered
        frontier.cut |= outcome == Outcome.LIMIT
        if outcome == Outcome.ERROR:
            frontier.fail(visit.url, visit.reason)
        return messages


def entered(frontier: Frontier, message: PageToCrawl) -> Entry:
    """A page's entry; a message may come before the page that sent it has been saved."""
    frontier.add(message.url, depth=message.depth, limit=sys.maxsize)
    return frontier.entries[key_for(message.url)]
