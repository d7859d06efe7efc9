"""
HTTP fetcher: the door itself. Each address is checked, and so is each one that a redirect leads to.

No proxy, no cookie and no credential of the environment is used: a request holds what the caller gave.
"""

import ssl
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from candor.adapters import http_exchange as exchange
from candor.adapters.http_connections import Connections, Dial, Resolve, dial, look_up
from candor.adapters.http_exchange import Dead, Head, Wire
from candor.addresses import Address, join, origin_of, parse
from candor.errors import Malformed, UpstreamFailed
from candor.fetching import (
    CONNECT_SECONDS,
    MAX_BYTES,
    MAX_REDIRECTS,
    TOTAL_SECONDS,
    USER_AGENT,
    Fetched,
    is_wanted,
)

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_ACCEPT: Final = (
    "text/html,application/xhtml+xml,application/pdf;q=0.9,text/*;q=0.9,application/xml;q=0.8,*/*;q=0.5"
)
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM: Final = 100_000
_OURS: Final = frozenset(
    (
        "connection", "content-length", "expect", "host", "keep-alive", "accept-encoding",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    )
)  # fmt: skip
"""Headers that are about the connection, which is not the caller's."""
_HARMLESS: Final = frozenset(
    ("accept", "accept-language", "if-modified-since", "if-none-match", "user-agent")
)
"""What a redirect to somebody else's server takes along."""


class HttpFetcher:
    """
    `Fetcher` over plain sockets. Connections are kept for a few seconds, so that a crawl of one host
    does not open hundreds. Safe to share between threads.
    """

    def __init__(
        self,
        *,
        version: str,
        allowed_origins: Collection[str] = (),
        connect_seconds: float = CONNECT_SECONDS,
        resolve: Resolve = look_up,
        dial: Dial = dial,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allowed_origins` as `FETCH_ALLOWED_ORIGINS` holds them; `ValueError` for one that is none."""
        self._allowed = frozenset(map(origin_of, allowed_origins))
        self._agent = f"{USER_AGENT}/{version} (+support assistant)"
        self._connections = Connections(connect_seconds=connect_seconds, resolve=resolve, dial=dial, tls=tls)

    def check(self, url: str) -> str:
        address = parse(url, allowed=self._allowed)
        self._connections.check(address)
        return address.url

    def fetch(
        self,
        url: str,
        *,
        follow: bool = True,
        etag: str = "",
        last_modified: str = "",
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        reads: bool = True,
        max_bytes: int = MAX_BYTES,
        total_seconds: float = TOTAL_SECONDS,
    ) -> Fetched:
        deadline = time.monotonic() + total_seconds
        address = parse(url, allowed=self._allowed)
        conditions = {"if-none-match": etag, "if-modified-since": last_modified}
        wished = _wished({**(headers or {}), **{name: value for name, value in conditions.items() if value}})
        if form is not None:
            content, wished = _encoded(form), {**wished, "content-type": _FORM}
        # What was posted to one address is never posted on to another.
        follow = follow and content is None
        passed: list[str] = []
        while True:
            head, body = self._exchange(
                address, wished, content, follow, max_bytes if reads else None, deadline
            )
            location = _utf8(head.headers.get("location", ""))
            if not (follow and head.status in _REDIRECTS and location):
                return Fetched(
                    url=address.url,
                    status=head.status,
                    headers=head.headers,
                    body=body,
                    redirects=tuple(passed),
                )
            passed.append(address.url)
            next_address = self._redirected(address, location, passed)
            if not _is_same_server(address, next_address):
                wished = {name: value for name, value in wished.items() if name in _HARMLESS}
            address = next_address

    def _redirected(self, address: Address, location: str, passed: Sequence[str]) -> Address:
        try:
            target = join(address, location, allowed=self._allowed)
        except Malformed as error:
            raise Malformed(f"The page redirects to an address we may not fetch. {error}") from None
        if target.url in passed:
            raise UpstreamFailed("The page redirects in a circle.")
        if len(passed) > MAX_REDIRECTS:
            raise UpstreamFailed(f"The page redirects more than {MAX_REDIRECTS} times.")
        return target

    def _exchange(
        self,
        address: Address,
        wished: Mapping[str, str],
        content: bytes | None,
        follow: bool,
        max_bytes: int | None,
        deadline: float,
    ) -> tuple[Head, bytes]:
        """One request and its answer, without following anything."""
        headers = {
            "host": address.authority,
            "user-agent": self._agent,
            "accept": _ACCEPT,
            "accept-encoding": "gzip, deflate",
            "connection": "keep-alive",
            **wished,
        }
        if content is not None:
            headers["content-length"] = str(len(content))
        # A connection that was kept may have been closed meanwhile. A GET can be sent again, a form cannot.
        wire = self._connections.kept(address) if content is None else None
        if wire is not None:
            try:
                return self._ask(wire, address, headers, None, follow, max_bytes, deadline)
            except Dead:
                pass
        try:
            wire = self._connections.open(address, deadline)
            return self._ask(wire, address, headers, content, follow, max_bytes, deadline)
        except Dead:
            raise UpstreamFailed("The server closed the connection without an answer.") from None

    def _ask(
        self,
        wire: Wire,
        address: Address,
        headers: Mapping[str, str],
        content: bytes | None,
        follow: bool,
        max_bytes: int | None,
        deadline: float,
    ) -> tuple[Head, bytes]:
        wire.deadline = deadline
        kept = False
        try:
            head = exchange.request(wire, target=address.target, headers=headers, content=content)
            redirects = follow and head.status in _REDIRECTS and "location" in head.headers
            unread = redirects or not is_wanted(head.headers.get("content-type", ""))
            if max_bytes is None or unread:
                unread, body = True, b""
            else:
                body = exchange.body(wire, head, max_bytes=max_bytes)
            # With a body left in it, a connection is of no further use.
            kept = head.persistent and (not unread or exchange.is_bare(head)) and not wire.unread
            return head, body
        finally:
            if kept:
                self._connections.keep(address, wire)
            else:
                wire.close()


def _is_same_server(one: Address, other: Address) -> bool:
    """The same server, or the same one grown secure: what was meant for the one may be told to the other."""
    if one.host != other.host:
        return False
    before, after = (one.scheme, one.port), (other.scheme, other.port)
    return before == after or (before, after) == (("http", 80), ("https", 443))


def _wished(headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers, names in small letters; `Malformed` for one that would be more than a header."""
    wished = {name.strip().lower(): value.strip() for name, value in headers.items()}
    for name, value in wished.items():
        sane = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
        if not sane or any(ord(letter) < 32 or not 127 != ord(letter) < 256 for letter in value):
            raise Malformed("A header cannot be sent as it is written.")
    return {name: value for name, value in wished.items() if name not in _OURS}


def _encoded(form: Mapping[str, str]) -> bytes:
    """The body a browser would send; `Malformed` for more than any form holds."""
    content = urlencode(form, errors="replace").encode("ascii")
    if len(content) > _MAX_FORM:
        raise Malformed("The form is larger than any that is sent.")
    return content


def _utf8(value: str) -> str:
    """A header's text; servers that write Locations in plain UTF-8 are many."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
