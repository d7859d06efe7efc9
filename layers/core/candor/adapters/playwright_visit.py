"""
Playwright visit: one page in one fresh profile, every request of it answered through the fetcher's door.

Only what a text may depend on is fetched, and only by GET. Whatever becomes of a request, the browser is
never told to send it itself.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from candor.errors import CandorError, UpstreamFailed
from candor.fetching import MAX_BYTES, Fetched, Fetcher

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Request, Route, WebSocketRoute

MAX_REQUESTS: Final = 120
"""Of one page, its own address included."""
MAX_PAGE_BYTES: Final = 20_000_000
"""Of everything one page asks for."""
_SUB_SECONDS: Final = 10.0
_AT_ONCE: Final = 8
_QUIET_SECONDS: Final = 0.5
_SLOWNESS: Final = 10
"""So many times as long as a question to the page takes, it has to be quiet."""
_SETTLE_SECONDS: Final = 8.0
_ANSWER_SECONDS: Final = 3.0
_POLL_SECONDS: Final = 0.1

_NEEDED: Final = frozenset(("document", "script", "xhr", "fetch", "stylesheet", "manifest", "other"))
"""Kinds of request that a text may depend on. Pictures, films, fonts and pings are none."""
_TOLD_ON: Final = frozenset(("accept", "accept-language", "authorization", "origin", "referer"))
_DROPPED: Final = frozenset(
    (
        "alt-svc", "connection", "content-disposition", "content-encoding", "content-length", "keep-alive",
        "link", "location", "nel", "proxy-authenticate", "refresh", "report-to", "reporting-endpoints",
        "set-cookie", "speculation-rules", "strict-transport-security", "trailer", "transfer-encoding",
        "upgrade",
    )
)  # fmt: skip
"""Headers that speak of a connection the browser does not have, or would make it open one."""

_FORGET: Final = """
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'RTCDataChannel', 'WebTransport',
                    'WebSocketStream', 'SharedWorker', 'EventSource', 'Notification']) {
  try { Object.defineProperty(window, name, {value: undefined}) } catch {}
}
navigator.sendBeacon && (navigator.sendBeacon = () => false)
window.open = () => null
"""
"""Ways to the network that no interception sees. A second lock: the first is that none of them gets out."""

_SIZE: Final = "document.readyState === 'complete' ? document.body?.innerText.length ?? 0 : -1"
"""Only a page that has loaded, its scripts included, can have come to rest."""

_FORWARD: Final = "<!doctype html><script>location.replace({})</script>"

DEAD: Final = "The browser stopped while it rendered the page."
LATE: Final = "The page did not become still in time."

PAGE_TYPES: Final = ("", "text/html", "application/xhtml+xml")


@dataclass(kw_only=True)
class Visit:
    """One page in one fresh profile: what it asked for, and what became of it."""

    fetcher: Fetcher
    first: Fetched
    deadline: float
    headers: Mapping[str, str] = field(default_factory=dict)
    """For every request to the page's own server, and to no other."""
    allows: Callable[[str], bool] | None = None
    """What may be asked of that server; None: anything."""
    requests: int = 0
    received: int = 0
    in_flight: int = 0
    failure: CandorError | None = None
    """Why the page itself, not one of its parts, could not be had."""
    documents: dict[str, Fetched] = field(default_factory=dict)
    """Pages fetched already under other addresses, which the browser is about to ask for."""
    page: "Page | None" = None
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    def again(self) -> "Visit":
        """The same, as if nothing had been asked for yet."""
        return Visit(
            fetcher=self.fetcher,
            first=self.first,
            deadline=self.deadline,
            headers=self.headers,
            allows=self.allows,
        )

    async def run(self, context: "BrowserContext") -> Fetched:
        self.documents[self.first.url] = self.first
        self.received = len(self.first.body)
        await context.add_init_script(_FORGET)
        await context.route_web_socket("**/*", self._hang_up)
        await context.route("**/*", self._route)
        self.page = page = await context.new_page()
        context.on("page", lambda other: asyncio.ensure_future(_quietly(other.close())))
        page.on("dialog", lambda dialog: asyncio.ensure_future(_quietly(dialog.dismiss())))
        page.on("download", lambda download: asyncio.ensure_future(_quietly(download.cancel())))
        crashed = asyncio.Event()
        page.on("crash", lambda _: crashed.set())
        await page.goto(self.first.url, wait_until="commit", timeout=self._left() * 1000)
        await self._settled(page, crashed)
        if self.failure is not None:
            raise self.failure
        url = page.url.partition("#")[0]
        if not url.startswith(("http://", "https://")):
            raise UpstreamFailed("The page left for something that is no website.")
        html = await page.content()
        body = html.encode("utf-8", "replace")
        if len(body) > MAX_BYTES:
            raise UpstreamFailed(f"The page is larger than the {MAX_BYTES / 1e6:g} MB we take.")
        headers = {name: value for name, value in self.first.headers.items() if name not in _DROPPED}
        headers["content-type"] = "text/html; charset=utf-8"
        passed = [*self.first.redirects, *([self.first.url] if url != self.first.url else [])]
        return Fetched(url=url, status=self.first.status, headers=headers, body=body, redirects=tuple(passed))

    def _left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.001)

    async def _settled(self, page: "Page", crashed: asyncio.Event) -> None:
        """Until nothing is on its way and the text has stopped changing, or enough time has gone."""
        from playwright.async_api import Error as PlaywrightError

        # A second is kept for reading the page.
        until = min(time.monotonic() + _SETTLE_SECONDS, self.deadline - 1)
        seen, since = -1, time.monotonic()
        while (asked := time.monotonic()) < until and self.failure is None:
            if crashed.is_set():
                raise UpstreamFailed(DEAD)
            try:
                # A script that never yields would let us wait for good; one that is merely busy answers soon.
                async with asyncio.timeout(max(until - asked, _ANSWER_SECONDS)):
                    size = await page.evaluate(_SIZE)
            except PlaywrightError:
                if page.is_closed():
                    raise
                size = -1  # On its way to another page.
            now = time.monotonic()
            if size != seen or self.in_flight or size < 0:
                seen, since = size, now
            # A machine under load takes longer between one step of a page and the next.
            if now - since >= max(_QUIET_SECONDS, _SLOWNESS * (now - asked)):
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _route(self, route: "Route") -> None:
        """Answer one request of the page through the door, or not at all."""
        self.in_flight += 1
        try:
            answer = await self._answered(route)
            if answer is None:
                await route.abort("blockedbyclient")
            else:
                await route.fulfill(status=answer.status, headers=_told(answer), body=answer.body)
        except CandorError:
            await _quietly(route.abort("failed"))
        except Exception:  # noqa: BLE001 - the page may be gone already; a request must never hang
            await _quietly(route.abort("failed"))
        finally:
            self.in_flight -= 1

    async def _answered(self, route: "Route") -> Fetched | None:
        request = route.request
        self.requests += 1
        is_page = request.is_navigation_request()
        # What frames and other windows show is not part of the page's own text.
        is_elsewhere = is_page and (request.frame.page is not self.page or request.frame.parent_frame)
        if (
            request.method != "GET"
            or request.resource_type not in _NEEDED
            or not request.url.startswith(("http://", "https://"))
            or self.requests > MAX_REQUESTS
            or self.received > MAX_PAGE_BYTES
            or is_elsewhere
        ):
            return None
        if self.allows is not None and self._is_at_home(request.url) and not self.allows(request.url):
            return None
        if is_page and (known := self.documents.pop(request.url.partition("#")[0], None)) is not None:
            return known
        try:
            fetched = await self._fetched(request)
            if is_page and fetched.content_type not in PAGE_TYPES:
                raise UpstreamFailed("The page forwards to something that is no page.")
        except CandorError as error:
            if is_page:
                self.failure = error
            raise
        self.received += len(fetched.body)
        if is_page and fetched.url != request.url.partition("#")[0]:
            # The browser has to know under which address the page really lies.
            self.documents[fetched.url] = fetched
            return Fetched(
                url=request.url,
                status=200,
                headers={"content-type": "text/html"},
                body=_FORWARD.format(json.dumps(fetched.url)).encode(),
            )
        return fetched

    async def _fetched(self, request: "Request") -> Fetched:
        headers = {name: value for name, value in request.headers.items() if _is_told_on(name)}
        if self._is_at_home(request.url):
            headers |= self.headers
        async with self.slots:
            seconds = min(_SUB_SECONDS, self._left())
            left = max(MAX_PAGE_BYTES - self.received, 1)
            return await asyncio.to_thread(
                self.fetcher.fetch,
                request.url,
                follow=self.allows is None,
                headers=headers,
                total_seconds=seconds,
                max_bytes=min(MAX_BYTES, left),
            )

    def _is_at_home(self, url: str) -> bool:
        here, there = urlsplit(self.first.url), urlsplit(url)
        return (here.scheme, here.netloc.lower()) == (there.scheme, there.netloc.lower())

    async def _hang_up(self, socket: "WebSocketRoute") -> None:
        await socket.close(code=1013)


def _told(answer: Fetched) -> dict[str, str]:
    """The headers the browser is shown."""
    return {name: value for name, value in answer.headers.items() if name not in _DROPPED}


def _is_told_on(name: str) -> bool:
    """Whether a server learns of this header of the page's own request. Cookies are none: there are none."""
    return name in _TOLD_ON or name.startswith("x-")


async def _quietly(step: Awaitable[object]) -> None:
    with contextlib.suppress(Exception):
        await step
