"""Orders: a crawl is asked for, and whatever opens the helpdesk for it is kept sealed until it ends."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from candor.errors import Fault, Invalid
from candor.jobs import Job, Jobs
from candor.messages import Queue, TicketsToCrawl
from candor.vault import Safe
from candor.whmcs.crawl.opening import Opening, checked_base

KIND: Final = "crawl_tickets"

LAST: Final = "last"
"""`since` the last crawl that succeeded."""

KEPT_SECONDS: Final = 7 * 24 * 3600
"""What was sent for one crawl is forgotten then, whatever became of it; otherwise when the crawl ends."""


_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any helpdesk of this kind; dates at the calendar's own end cannot be reckoned with."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What was sent for one crawl, and the session it has by now."""

    sent: Mapping[str, Any]
    session: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Orders:
    opening: Opening
    safe: Safe
    jobs: Jobs
    queue: Queue
    check_address: Callable[[str], str]
    clock: Callable[[], datetime] = _now
    pause: Callable[[float], None] = time.sleep

    def begin(
        self, sent: Mapping[str, Any], *, since: str = "", created_by: str, job_id: str | None = None
    ) -> Job:
        """
        Take a crawl on. With a `job_id` that is known already, that job: asked for twice, it is done once.

        `Invalid` where there is no address or nothing to open it with, `Malformed` for an address nobody may
        fetch. Nothing that was sent appears in the job or the queue.
        """
        given = {name: value for name, value in sent.items() if value not in (None, "", (), [])}
        since = self._since(since)
        if given.get("base_url"):
            given["base_url"] = checked_base(str(given["base_url"]), self.check_address)
        access = self.opening.rehearse(given)
        job = self.jobs.start(kind=KIND, subject=access.base_url, created_by=created_by, job_id=job_id)
        if job.status.ended:
            return job
        if given:
            self.keep(job.job_id, Order(sent=given))
        self.queue.send(TicketsToCrawl(job_id=job.job_id, since=since))
        return job

    def wait(self, job_id: str, *, seconds: float) -> Job:
        """The job when it ends, or as it is when the time is over."""
        until = time.monotonic() + seconds
        while not (job := self.jobs.get(job_id)).status.ended and time.monotonic() < until:
            self.pause(0.25)
        return job

    def keep(self, job_id: str, order: Order) -> None:
        self.safe.keep(
            _drawer(job_id), {"sent": dict(order.sent), "session": order.session}, seconds=KEPT_SECONDS
        )

    def of(self, job_id: str) -> Order:
        """What was sent for it; an empty one where nothing was."""
        kept = self.safe.opened(_drawer(job_id)) or {}
        return Order(sent=kept.get("sent") or {}, session=str(kept.get("session") or ""))

    def forget(self, job_id: str) -> None:
        self.safe.forget(_drawer(job_id))

    def _since(self, said: str) -> str:
        if said in ("", LAST):
            return said
        try:
            moment = datetime.fromisoformat(said)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise _invalid('since is a date such as 2026-11-01 or 2026-11-01T08:00:00Z, or "last".') from None
        if moment > self.clock():
            raise _invalid("since lies in the future: nothing can have changed since then.")
        return max(moment, _EARLIEST).isoformat()


def _drawer(job_id: str) -> str:
    return f"whmcs-crawl-{job_id}"


def _invalid(sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(loc=("body", "since"), msg=sentence)])
