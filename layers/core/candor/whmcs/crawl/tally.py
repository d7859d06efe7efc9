"""Tally: how far a crawl has come and what it has found; the job's checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Self

from candor.documents import Change
from candor.tickets.values import Ticket
from candor.whmcs.site.values import TicketRef

SHOWN: Final = 20
"""Tickets that a result names; the others are in the list of tickets."""

RECENT: Final = 1_000
"""Numbers remembered as done: a page of the list that is asked for again, or moves while one reads."""

_EVER: Final = datetime(2000, 1, 1, tzinfo=UTC)

_DATES: Final = ("started", "since", "newest", "oldest_failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    started: datetime
    since: datetime | None
    place: str = ""
    """Which helpdesk, and whose pages: a list goes on only where it began."""
    page: str = ""
    """The page of the list that is being worked on."""
    pages: int = 0
    counted: bool = False
    """Whether what this page leaves out has been counted."""
    recent: tuple[str, ...] = ()
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    gone: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    newest: datetime | None = None
    oldest_failed: datetime | None = None
    shown: tuple[Mapping[str, Any], ...] = ()
    pauses: int = 0
    """How often in a row it had to wait without having read anything."""
    not_before: float = 0.0
    """Seconds since the epoch: the site wants nothing to be asked of it until then."""

    @property
    def has_begun(self) -> bool:
        """Whether a page of the list has been seen."""
        return self.counted or self.pages > 0

    @property
    def count(self) -> int:
        """Tickets that are stored as the helpdesk has them."""
        return self.created + self.updated + self.unchanged

    @property
    def skipped(self) -> int:
        return sum(self.left_out.values())

    def as_json(self) -> dict[str, Any]:
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        dates = {name: said[name].isoformat() if said[name] else None for name in _DATES}
        return {**said, **dates, "recent": list(self.recent), "shown": [dict(one) for one in self.shown]}

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """What `as_json` gave, also by a later version."""
        known = {name: said[name] for name in cls.__dataclass_fields__ if name in said}
        for name in _DATES:
            known[name] = datetime.fromisoformat(known[name]) if known.get(name) else None
        return cls(**{**known, "recent": tuple(known["recent"]), "shown": tuple(known["shown"])})

    def listing(self, left_out: Mapping[str, int]) -> "Tally":
        """A page of the list is here; what it leaves out counts once."""
        if self.counted:
            return self
        together = {
            why: self.left_out.get(why, 0) + left_out.get(why, 0) for why in {**self.left_out, **left_out}
        }
        return replace(self, counted=True, left_out=together)

    def turned(self, page: str) -> "Tally":
        """On to the next page."""
        return replace(self, page=page, pages=self.pages + 1, counted=False)

    def read(
        self,
        done: Sequence[TicketRef],
        kept: Sequence[tuple[Ticket, Change]],
        *,
        gone: int,
        failed: Sequence[TicketRef],
    ) -> "Tally":
        """Tickets have been read and stored."""
        changes = [change for _, change in kept]
        dates = [ref.updated for ref in done if ref.updated is not None]
        bad = [ref.updated or self.since or _EVER for ref in failed]
        fresh = [_summary(ticket, change) for ticket, change in kept[: max(0, SHOWN - len(self.shown))]]
        return replace(
            self,
            recent=(*self.recent, *(ref.number for ref in done))[-RECENT:],
            created=self.created + changes.count(Change.CREATED),
            updated=self.updated + changes.count(Change.UPDATED),
            unchanged=self.unchanged + changes.count(Change.UNCHANGED),
            gone=self.gone + gone,
            newest=max([*dates, *([self.newest] if self.newest else [])], default=None),
            oldest_failed=min([*bad, *([self.oldest_failed] if self.oldest_failed else [])], default=None),
            shown=(*self.shown, *fresh),
            pauses=0 if len(done) > len(failed) else self.pauses,
            not_before=0.0,
        )

    def result(self, *, status: str, failed: int, now: datetime) -> dict[str, Any]:
        """For people and for the API."""
        return {
            "status": status,
            "count": self.count,
            "skipped": self.skipped,
            "skipped_why": dict(self.left_out),
            "saved_to": "database",
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "gone": self.gone,
            "failed": failed,
            "since": self.since.isoformat() if self.since else None,
            "seconds": round((now - self.started).total_seconds(), 1),
            "tickets": [dict(one) for one in self.shown],
        }


def _summary(ticket: Ticket, change: Change) -> Mapping[str, Any]:
    return {
        "id": ticket.ticket_id,
        "external_id": ticket.external_id,
        "subject": ticket.subject[:200],
        "status": ticket.status,
        "approval_status": ticket.approval.value,
        "change": change.value,
    }
