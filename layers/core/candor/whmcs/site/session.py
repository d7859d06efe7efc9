"""Session: the cookies of a logged-in browser or login, kept as a browser keeps them."""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from candor.errors import Invalid
from candor.whmcs.site.values import Cookie

MAX_COOKIES: Final = 200
_MAX_VALUE: Final = 4_096
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_VALUE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e\" ,]*")
"""What RFC 6265 allows, and the quotes, commas and blanks that PHP sends and browsers take."""
_LARGEST: Final = 32_503_680_000
"""The year 3000. Browsers write an expiry in seconds; one tool does so in milliseconds."""


def cookies_of(exported: Sequence[Any]) -> tuple[Cookie, ...]:
    """
    Cookies as a browser's extension, its developer tools or Playwright export them.

    `Invalid`, naming its index, for an entry that is none. What says nothing to us (`sameSite`, whichever
    way it is spelt, `storeId`, `httpOnly`) may be there or not.
    """
    if len(exported) > MAX_COOKIES:
        raise Invalid(f"These are more than {MAX_COOKIES} cookies: export those of the WHMCS site alone.")
    return tuple(_cookie(entry, index) for index, entry in enumerate(exported))


def _cookie(entry: Any, index: int) -> Cookie:
    if not isinstance(entry, Mapping):
        raise Invalid(f"Cookie {index} is no object with a name and a value.")
    name, value = entry.get("name"), entry.get("value")
    if not isinstance(name, str) or not _NAME.fullmatch(name.strip()):
        raise Invalid(f"Cookie {index} has no name that a cookie can have.")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Invalid(f"Cookie {index} has no value.")
    value = str(value).strip()
    if len(value) > _MAX_VALUE or not _VALUE.fullmatch(value):
        raise Invalid(f"The value of cookie {index} holds what no cookie holds: export it again.")
    domain = str(entry.get("domain") or "").strip().lower()
    host_only = entry.get("hostOnly")
    path = entry.get("path")
    return Cookie(
        name=name.strip(),
        value=value,
        domain=domain.lstrip("."),
        path=path if isinstance(path, str) and path.startswith("/") else "/",
        host_only=host_only if isinstance(host_only, bool) else not domain.startswith("."),
        secure=entry.get("secure") is True,
        expires=_moment(next((entry[key] for key in ("expirationDate", "expires") if entry.get(key)), None)),
    )


def _moment(value: Any) -> datetime | None:
    """Seconds since 1970 (-1: with the session), or a date as text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _date(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    seconds = value / 1000 if value > _LARGEST else value
    return datetime.fromtimestamp(seconds, UTC) if seconds < _LARGEST else None


def _date(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text.strip())
        except (ValueError, TypeError, IndexError):
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None


class Jar:
    """Cookies of one crawl. Each goes where a browser would send it, and nowhere else. Thread-safe."""

    def __init__(self, cookies: Sequence[Cookie] = (), *, host: str = "") -> None:
        """`host` is what a cookie without a domain belongs to."""
        self._lock = threading.Lock()
        self._cookies = {
            (one.name, one.domain or host, one.path): one for one in cookies if _VALUE.fullmatch(one.value)
        }

    def header(self, url: str, *, now: datetime) -> str:
        """The Cookie header for a request; blank when there is nothing to send."""
        parts = urlsplit(url)
        host, path = (parts.hostname or "").lower(), parts.path or "/"
        with self._lock:
            held = list(self._cookies.items())
        sent = [
            (one.path, f"{one.name}={one.value}")
            for (_, domain, _), one in held
            if (host == domain or (not one.host_only and host.endswith(f".{domain}")))
            and _is_within(path, one.path)
            and (parts.scheme == "https" or not one.secure)
            and (one.expires is None or one.expires > now)
        ]
        # The longest path first, as RFC 6265 has it: servers take the first of two with one name.
        return "; ".join(pair for _, pair in sorted(sent, key=lambda pair: -len(pair[0])))

    def take(self, url: str, header: str, *, now: datetime) -> None:
        """Keep what an answer's `set-cookie` lines ask for; what they may not ask for is passed over."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        for line in header.splitlines():
            found = _set_cookie(line, host, parts.path or "/", now)
            if found is None:
                continue
            key = (found.name, found.domain, found.path)
            with self._lock:
                if found.expires is not None and found.expires <= now:
                    self._cookies.pop(key, None)
                elif len(self._cookies) < MAX_COOKIES or key in self._cookies:
                    self._cookies[key] = found

    def without_session(self) -> "Jar":
        """What a login begins with: all that is not WHMCS's own, such as the pass of a guard before it."""
        fresh = Jar()
        with self._lock:
            fresh._cookies = {
                key: one for key, one in self._cookies.items() if not one.name.lower().startswith("whmcs")
            }
        return fresh

    def as_json(self) -> list[dict[str, Any]]:
        """For `cookies_of`."""
        with self._lock:
            return [
                {
                    "name": one.name,
                    "value": one.value,
                    "domain": domain,
                    "path": one.path,
                    "hostOnly": one.host_only,
                    "secure": one.secure,
                    "expirationDate": one.expires.timestamp() if one.expires else None,
                }
                for (_, domain, _), one in self._cookies.items()
            ]

    def __len__(self) -> int:
        return len(self._cookies)


def _set_cookie(line: str, host: str, path: str, now: datetime) -> Cookie | None:
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or len(value) > _MAX_VALUE:
        return None
    said = {key.strip().lower(): text.strip() for key, _, text in (one.partition("=") for one in attributes)}
    domain = said.get("domain", "").lower().lstrip(".")
    # A server speaks for itself and those below it; never for a whole `com`, nor for its neighbours.
    if domain and domain != host and not (host.endswith(f".{domain}") and "." in domain):
        return None
    expires = _date(said["expires"]) if said.get("expires") else None
    if re.fullmatch(r"-?\d{1,10}", said.get("max-age", "")):
        expires = now + timedelta(seconds=int(said["max-age"]))
    own = said.get("path", "")
    return Cookie(
        name=name,
        value=value,
        domain=domain or host,
        path=own if own.startswith("/") else path.rpartition("/")[0] or "/",
        host_only=not domain,
        secure="secure" in said,
        expires=expires,
    )


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def dumped(jar: Jar, **more: Any) -> str:
    """A session as text: its cookies and what else is to be remembered."""
    return json.dumps({"cookies": jar.as_json(), **more}, separators=(",", ":"))


def loaded(text: str) -> tuple[tuple[Cookie, ...], Mapping[str, Any]]:
    """What `dumped` wrote; nothing for a text that it did not write."""
    try:
        said = json.loads(text) if text else {}
        return cookies_of(said["cookies"]), said
    except (ValueError, KeyError, TypeError, RecursionError, Invalid):
        return (), {}
