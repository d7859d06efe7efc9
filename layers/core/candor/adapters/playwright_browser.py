"""
Playwright browser: a real Chromium whose every request goes through the fetcher's door.

The browser opens no connection of its own. Requests are caught and answered from `Fetcher`; what could
slip past the net (a socket, a worker, a prefetch, WebRTC) finds no name resolved and a proxy that is not
there, and so fails. The page's scripts are a stranger's: they get a fresh profile, a little time, and a
counted number of requests.
"""

import asyncio
import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import TimeoutError as TookTooLong
from typing import TYPE_CHECKING, Final

from candor.adapters.playwright_visit import DEAD, LATE, PAGE_TYPES, Visit
from candor.errors import Unavailable, UpstreamFailed
from candor.fetching import TOTAL_SECONDS, USER_AGENT, Fetched, Fetcher

if TYPE_CHECKING:
    from playwright.async_api import Browser as Chromium
    from playwright.async_api import BrowserContext, Playwright

_RENDERS_A_PROCESS: Final = 50
"""A browser grows with every page; it is started again before that shows."""

IDLE_SECONDS: Final = 60.0
"""After which a browser that nobody needs gives back its half gigabyte."""

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS: Final = (
    # Nothing is resolved, the proxy's own name included; loopback is no exception to the proxy.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://door.invalid:9",
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-features=WebRtcHideLocalIpsWithMdns,MediaRouter,OptimizationHints,Prerender2,"
    "SpeculationRulesPrefetchFuture,NetworkTimeServiceQuerying,DnsOverHttps",
    "--disable-gpu",
    "--mute-audio",
    "--disable-dev-shm-usage",
    "--js-flags=--max-old-space-size=512",
)


_NONE: Final = "There is no browser to render pages with: install Chromium, or name one in BROWSER_PATH."
_NO_WALL: Final = (
    "Chromium cannot build its sandbox here. Let it make user namespaces; in a container, which is a wall "
    "of its own, set BROWSER_FLAGS=--no-sandbox."
)


class PlaywrightBrowser:
    """
    `Browser` over Chromium: `path`, or one that is found, or Playwright's own. Started on first use, kept,
    and started again when it has died. Renders one page after the other; safe to share between threads.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        *,
        path: str | None = None,
        flags: Sequence[str] = (),
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._fetcher = fetcher
        self._path = path or next(filter(None, map(shutil.which, _NAMES)), None)
        self._flags = tuple(flags)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self._idle_seconds = idle_seconds
        self._idle: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Future[None] | None = None
        self._renders = 0
        self._owner = 0

    def render(
        self,
        url: str,
        *,
        total_seconds: float = 30.0,
        headers: Mapping[str, str] | None = None,
        allows: Callable[[str], bool] | None = None,
    ) -> Fetched:
        deadline = time.monotonic() + total_seconds
        # Before anything is started: a refusal costs no browser, and neither does a page that is not there.
        first = self._fetcher.fetch(
            url, follow=allows is None, headers=headers, total_seconds=min(total_seconds, TOTAL_SECONDS)
        )
        if first.content_type not in PAGE_TYPES or first.status >= 300:
            return first
        visit = Visit(
            fetcher=self._fetcher, first=first, deadline=deadline, headers=headers or {}, allows=allows
        )
        with self._lock:
            left = deadline - time.monotonic()
            if left <= 0:
                raise UpstreamFailed(LATE)
            task = asyncio.run_coroutine_threadsafe(self._render(visit), self._running_loop())
            try:
                # Everything inside has its own limit; this one is for a browser that answers nothing at all.
                return task.result(left + 15)
            except TookTooLong:
                task.cancel()
                raise UpstreamFailed(LATE) from None

    def close(self) -> None:
        """Stop the browser. The next `render` starts it again."""
        with self._lock:
            loop, self._loop = self._loop, None
            if loop is None or self._owner != os.getpid():
                return
            with contextlib.suppress(TookTooLong):
                asyncio.run_coroutine_threadsafe(self._stop(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        # Playwright's objects belong to one loop, and callers come on any thread.
        if self._loop is None or self._owner != os.getpid():
            self._loop, self._playwright, self._chromium = asyncio.new_event_loop(), None, None
            self._owner = os.getpid()
            threading.Thread(target=_run, args=(self._loop,), daemon=True, name="browser").start()
        return self._loop

    async def _render(self, visit: Visit) -> Fetched:
        self._awake()
        try:
            return await self._tried(visit)
        finally:
            self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._sleep)

    async def _tried(self, visit: Visit) -> Fetched:
        from playwright.async_api import Error as PlaywrightError

        is_fresh = False
        while True:
            try:
                async with asyncio.timeout(visit.deadline - time.monotonic()):
                    is_fresh = not self._is_running()
                    return await self._rendered(await self._started(), visit)
            except TimeoutError:
                # A script that never yields keeps its process busy for good.
                await self._stop()
                raise UpstreamFailed(LATE) from None
            except PlaywrightError as error:
                await self._stop()
                # One that had been kept may have died long ago (in Lambda's single process: every time).
                if is_fresh or time.monotonic() >= visit.deadline:
                    raise UpstreamFailed(DEAD) from error
                visit = visit.again()

    async def _rendered(self, chromium: "Chromium", visit: Visit) -> Fetched:
        context = await chromium.new_context(
            accept_downloads=False,
            service_workers="block",
            user_agent=_agent(chromium.version),
            viewport={"width": 1280, "height": 1600},
        )
        try:
            return await visit.run(context)
        finally:
            await self._closed(context)

    def _awake(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _sleep(self) -> None:
        # Held, for a loop alone does not keep its tasks alive.
        self._stopping = asyncio.ensure_future(self._stop())

    def _is_running(self) -> bool:
        return (
            self._chromium is not None
            and self._chromium.is_connected()
            and self._renders < _RENDERS_A_PROCESS
        )

    async def _started(self) -> "Chromium":
        from playwright.async_api import Error as PlaywrightError
        from playwright.async_api import async_playwright

        if self._chromium is not None:
            if self._is_running():
                self._renders += 1
                return self._chromium
            await self._stop()
        flags = [*FLAGS, *self._flags]
        if os.geteuid() == 0:
            # Chromium refuses to build its sandbox as root. Containers give their own walls instead.
            flags.append("--no-sandbox")
        try:
            if self._playwright is None:
                self._playwright = await async_playwright().start()
            self._chromium = await self._playwright.chromium.launch(
                executable_path=self._path, args=flags, chromium_sandbox="--no-sandbox" not in flags
            )
        except PlaywrightError as error:
            await self._stop()
            raise Unavailable(_NO_WALL if "sandbox" in str(error) else _NONE, retry_after=60) from error
        self._renders = 1
        return self._chromium

    async def _closed(self, context: "BrowserContext") -> None:
        try:
            async with asyncio.timeout(3):
                await context.close()
        except Exception:  # noqa: BLE001 - whatever it is, this browser is not one to go on with
            await self._stop()

    async def _stop(self) -> None:
        self._awake()
        chromium, self._chromium = self._chromium, None
        playwright, self._playwright = self._playwright, None
        for end in (chromium and chromium.close, playwright and playwright.stop):
            if end:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(5):
                        await end()


def _agent(version: str) -> str:
    """What the page's scripts read: a browser that they know how to serve, and who is behind it."""
    engine = "AppleWebKit/537.36 (KHTML, like Gecko)"
    return f"Mozilla/5.0 (compatible; {USER_AGENT}) {engine} Chrome/{version.partition('.')[0]}.0.0.0"


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.close()
