"""Scraping: one page of everything counted, and of how queues, jobs, budget and alerts stand now."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from candor.alerts import Alert, Alerts
from candor.errors import Unavailable
from candor.jobs import Jobs
from candor.spending import Allowance
from candor.statistics.prometheus import Family, counted, gauge, rendered
from candor.statistics.values import Depths, Statistics

logger = logging.getLogger(__name__)

_JOBS_SINCE: Final = timedelta(hours=24)


class Spending(Protocol):
    """What `candor.spending.DayBudget` knows."""

    def standing(self) -> tuple[int, Allowance]: ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scraping:
    """
    Where the numbers come from.

    Only the statistics must be there. Of the rest, what does not answer is left out and named in
    `support_ai_scrape_failures`: half a page is better than none in the very hour when something is down.
    """

    statistics: Statistics
    queues: Depths
    given_up: Depths
    """The dead-letter queues."""
    jobs: Jobs
    spending: Spending
    alerts: Alerts
    topics: Sequence[str]
    """The functions whose requests are counted."""
    clock: Callable[[], datetime] = _now

    def page(self) -> str:
        """The text for Prometheus. Raises `Unavailable` without the statistics."""
        parts: Mapping[str, Callable[[], list[Family]]] = {
            "queues": lambda: list(self._queues()),
            "jobs": lambda: list(self._jobs()),
            "budget": lambda: list(self._budget()),
            "alerts": lambda: [_alerts(self.alerts.list())],
        }
        with ThreadPoolExecutor(len(parts)) as threads:
            asked = {name: threads.submit(ask) for name, ask in parts.items()}
            families = list(counted(self.statistics.total(), self.statistics.details(self.topics)))
            failures: dict[str, int] = {}
            for name, answer in asked.items():
                try:
                    families += answer.result()
                    failures[name] = 0
                except Unavailable:
                    logger.warning("not scraped", extra={"part": name})
                    failures[name] = 1
        about = "1: this part did not answer, and its numbers are left out."
        families.append(
            gauge("scrape_failures", about, [({"part": name}, failed) for name, failed in failures.items()])
        )
        return rendered(families)

    def _queues(self) -> Iterator[Family]:
        waiting = self.queues.depths()
        yield gauge(
            "queue_messages",
            "Messages in a queue: waiting, or with a worker. Approximate.",
            [
                ({"queue": name, "state": state}, count)
                for name, depth in waiting.items()
                for state, count in (("waiting", depth.waiting), ("in_flight", depth.in_flight))
            ],
        )
        yield gauge(
            "dead_letters",
            "Messages that were given up.",
            [
                ({"queue": name}, depth.waiting + depth.in_flight)
                for name, depth in self.given_up.depths().items()
            ],
        )

    def _jobs(self) -> Iterator[Family]:
        since = self.clock() - _JOBS_SINCE
        yield gauge(
            "jobs",
            "Jobs begun in the last 24 hours, by kind and by how they stand.",
            [
                ({"kind": kind, "status": status.value}, count)
                for (kind, status), count in sorted(self.jobs.count(since).items())
            ],
        )

    def _budget(self) -> Iterator[Family]:
        used, allowed = self.spending.standing()
        yield gauge("llm_tokens_today", "Tokens of language models spent this UTC day.", [({}, used)])
        yield gauge(
            "llm_tokens_per_day_limit",
            "Tokens a UTC day may cost; 0: no limit.",
            [({}, allowed.tokens_per_day)],
        )


def _alerts(alerts: Sequence[Alert]) -> Family:
    return gauge("alerts", "Things to look after now, 1 each.", [({"alert": a.alert_id}, 1) for a in alerts])
