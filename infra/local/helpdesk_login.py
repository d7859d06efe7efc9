"""Helpdesk login: a person logs in to WHMCS in a real browser, and the stack gets the session's cookies."""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.local.words import NotPossible, Running, core

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LOOK_MILLISECONDS = 700
_NO_DISPLAY = (
    "There is no display here to show a browser on. Run this on the machine you sit at (STACK= names a "
    "stack in your account); or log in in your own browser, export its cookies with an extension, and send "
    "them to POST /v1/admin/save-whmcs-cookies."
)
_NO_BROWSER = (
    "There is no browser to open: install Chromium, or name one in BROWSER_PATH, or run "
    "`.venv/bin/playwright install chromium` once."
)


def log_in(running: Running, parsed: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Open the browser, wait for the ticket list, store the cookies, and check them."""
    if sys.platform.startswith("linux") and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        raise NotPossible(_NO_DISPLAY)
    kept = running.api.get("/v1/admin/config/whmcs", admin=True)
    place = {
        "base_url": parsed.base_url or kept.get("base_url") or "",
        "area": parsed.area or kept.get("area") or "admin",
        "admin_dir": kept.get("admin_dir") or "admin",
        "list_path": kept.get("list_path") or "",
    }
    if not place["base_url"]:
        raise NotPossible("Which site? make whmcs-login BASE_URL=https://my.example.com/billing")
    print(f"Log in at {place['base_url']} in the window that opens, until you see the list of tickets.")
    cookies = cookies_of_person(place, path=environ.get("BROWSER_PATH"), seconds=parsed.seconds)
    running.api.post("/v1/admin/save-whmcs-cookies", {"session_cookies": cookies}, admin=True)
    print(f"{len(cookies)} cookies are stored in the stack.")
    body = {**{name: text for name, text in place.items() if text}, "session_cookies": cookies}
    checked = running.api.post("/v1/admin/check-whmcs-cookies", body, admin=True)
    print(checked["message"])
    return 0 if checked["ok"] else 1


def cookies_of_person(
    place: Mapping[str, str], *, path: str | None, seconds: float, visible: bool = True
) -> Sequence[Mapping[str, Any]]:
    """The cookies for the site, once its ticket list shows. `NotPossible` if it never does."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise NotPossible(_NO_BROWSER) from None
    values, errors = core("candor.whmcs.site.values"), core("candor.errors")
    try:
        links = core("candor.whmcs.site.links").Links(
            values.Access(**{**place, "area": values.Area(place["area"])})
        )
    except errors.CandorError as refused:
        raise NotPossible(str(refused)) from None
    found = path or next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        try:
            # As root, and in most containers, Chromium cannot build its sandbox.
            browser = playwright.chromium.launch(
                executable_path=found, headless=not visible, chromium_sandbox=os.geteuid() != 0
            )
        except Error as error:
            raise NotPossible(f"{_NO_BROWSER} ({str(error).splitlines()[0]})") from None
        try:
            context = browser.new_context(no_viewport=visible)
            context.new_page().goto(links.list_url(), wait_until="commit")
            _wait_for_list(context, links, time.monotonic() + seconds)
            return [dict(cookie) for cookie in context.cookies([links.list_url()])]
        except Error as error:
            raise NotPossible(_ended(error)) from None
        finally:
            browser.close()


def _wait_for_list(context: "BrowserContext", links: Any, ends: float) -> None:
    from playwright.sync_api import Error

    while time.monotonic() < ends:
        pages = context.pages
        if not pages:
            raise NotPossible("The window was closed before the list of tickets showed: nothing was stored.")
        for page in pages:
            try:
                if links.is_list(page.url.partition("#")[0]) and _shows_list(page.content(), page.url, links):
                    return
            except Error:
                continue  # On its way to another page.
        pages[0].wait_for_timeout(_LOOK_MILLISECONDS)
    raise NotPossible("The list of tickets did not show in time: nothing was stored.")


def _shows_list(html: str, url: str, links: Any) -> bool:
    site = "candor.whmcs.site"
    trees, login = core(f"{site}.trees"), core(f"{site}.login")
    page = core("candor.fetching").Fetched(url=url, status=200, body=html.encode("utf-8", "replace"))
    try:
        root = trees.tree_of(page)
    except core("candor.errors").CandorError:
        return False
    if login.login_form(root, url) is not None:
        return False
    dates, now = core(f"{site}.dates").Dates(), datetime.now(UTC)
    if links.is_admin:
        return bool(core(f"{site}.admin_pages").admin_list(root, url, links, dates, now).is_list)
    return bool(core(f"{site}.client_pages").client_list(root, url, links, dates, now)[0].is_list)


def _ended(error: Exception) -> str:
    words = str(error).splitlines()[0][:200]
    if "closed" in words:
        return "The window was closed before the list of tickets showed: nothing was stored."
    return f"The browser could not open the site: {words}"
