"""Saved cookies: a browser's session with the helpdesk, kept sealed and never given out again."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from candor.errors import Fault, Invalid
from candor.vault import Safe
from candor.whmcs.site.session import cookies_of
from candor.whmcs.site.values import Cookie

DRAWER: Final = "whmcs-cookies"

_SESSION: Final = re.compile(r"WHMCS[A-Za-z0-9]{6,40}|WHMCSUser|WHMCSAdmin\w*", re.IGNORECASE)
"""What WHMCS calls its own: the session, and what keeps one logged in."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedCookies:
    """Cookies in their drawer of the safe."""

    safe: Safe
    clock: Callable[[], datetime] = _now

    def save(self, exported: Sequence[Any], *, by: str) -> Mapping[str, Any]:
        """
        In place of those saved before; what `state` shows from now on.

        `Invalid` for what are no cookies, and for cookies that have expired already.
        """
        cookies = cookies_of(exported)
        if not cookies:
            raise _invalid("There are no cookies in it: export them from a browser that is logged in.")
        expires = expiry_of(cookies)
        now = self.clock()
        if expires is not None and expires <= now:
            raise _invalid("These cookies have expired: log in again, then export them.")
        shown = {
            "count": len(cookies),
            "names": [cookie.name for cookie in cookies],
            "expires_at": expires.isoformat() if expires else None,
            "saved_at": now.isoformat(),
            "saved_by": by,
        }
        # As they came, for their reader is stricter than any form of our own would be.
        self.safe.keep(DRAWER, {"session_cookies": list(exported)}, shown=shown)
        return shown

    def state(self) -> Mapping[str, Any] | None:
        """How many there are, their names, and until when they hold; None when there are none."""
        return self.safe.shown(DRAWER)

    def opened(self) -> list[Any]:
        """As they were saved; nothing when there are none."""
        secret = self.safe.opened(DRAWER)
        return list(secret["session_cookies"]) if secret else []

    def forget(self) -> None:
        self.safe.forget(DRAWER)


def expiry_of(cookies: Sequence[Cookie]) -> datetime | None:
    """
    When the first of WHMCS's own cookies ends, of all when there is none of its own; None: with the session,
    whenever the site ends that.
    """
    own = [cookie for cookie in cookies if _SESSION.fullmatch(cookie.name)] or list(cookies)
    return min((cookie.expires for cookie in own if cookie.expires is not None), default=None)


def _invalid(sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(loc=("body", "session_cookies"), msg=sentence)])
