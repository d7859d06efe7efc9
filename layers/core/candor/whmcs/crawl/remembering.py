"""Remembering: how the last crawl of a helpdesk went, and whether it lets us in."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from candor.alerts import Alerts
from candor.vault import Drawer, Drawers
from candor.whmcs.site.values import Access

LOGIN_ALERT: Final = "whmcs-login"
CRAWL_ALERT: Final = "whmcs-crawl"

OVERLAP: Final = timedelta(minutes=1)
"""Lists tell minutes: what came in the last minute that was seen is looked at again."""

UNKNOWN_CLOCK: Final = timedelta(days=1)
"""Where a list tells no dates only our own clock is known, and the site's may be in any zone."""

_LOGIN: Final = "whmcs-login"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What is known from one crawl to the next."""

    drawers: Drawers
    alerts: Alerts
    clock: Callable[[], datetime] = _now

    def last(self, access: Access) -> datetime | None:
        """From when on a crawl has to ask to miss nothing since the last one that succeeded."""
        drawer = self.drawers.get(_name(access))
        since = drawer.shown.get("since") if drawer else None
        return datetime.fromisoformat(since) if since else None

    def crawled(
        self, access: Access, *, started: datetime, newest: datetime | None, oldest_failed: datetime | None
    ) -> None:
        """
        A crawl has come to its end. `newest`: the latest change that was listed, by the site's clock;
        `oldest_failed`: that of the tickets which could not be read, for the next one to begin there.
        """
        since = started - UNKNOWN_CLOCK if newest is None else newest - OVERLAP
        if oldest_failed is not None:
            since = min(since, oldest_failed - OVERLAP)
        before = self.last(access)
        if newest is None and before is not None:
            since = max(since, before)
        shown = {"since": since.isoformat(), "at": self.clock().isoformat(), "base_url": access.base_url}
        self.drawers.put(_name(access), Drawer(shown=shown))
        self.alerts.clear(CRAWL_ALERT)

    def let_in(self, way: str) -> None:
        """The helpdesk can be read: an alert about it, if there was one, is over."""
        self._note(ok=True, message=f"The helpdesk was read over its {way}." if way else "It was read.")
        self.alerts.clear(LOGIN_ALERT)

    def turned_away(self, sentence: str) -> None:
        """The helpdesk cannot be read until somebody has looked after it."""
        self._note(ok=False, message=sentence)
        self.alerts.raise_(LOGIN_ALERT, sentence)

    def given_up(self, sentence: str) -> None:
        """A crawl has come to no end, for another reason."""
        self.alerts.raise_(CRAWL_ALERT, sentence)

    def login(self) -> Mapping[str, Any] | None:
        """`{ok, message, at}` of the last time it was tried; None before the first."""
        drawer = self.drawers.get(_LOGIN)
        return drawer.shown if drawer else None

    def _note(self, *, ok: bool, message: str) -> None:
        shown = {"ok": ok, "message": message, "at": self.clock().isoformat()}
        self.drawers.put(_LOGIN, Drawer(shown=shown))


def _name(access: Access) -> str:
    whose = access.username if access.area == "client" else ""
    said = "\n".join((access.base_url.rstrip("/").casefold(), access.area.value, whose, *access.departments))
    return f"whmcs-crawled-{hashlib.sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
