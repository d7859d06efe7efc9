"""A WHMCS theme that shows nothing without its scripts: read by a browser, which changes nothing either."""

import shutil
from collections.abc import Iterator

import pytest

from candor.adapters.http_fetcher import HttpFetcher
from candor.adapters.playwright_browser import PlaywrightBrowser
from candor.whmcs.site.reading import check, open_helpdesk
from candor.whmcs.site.session import cookies_of
from candor.whmcs.site.values import Access, Area
from tests.doubles.whmcs_site import PASSWORD, USERNAME, WhmcsSite, tickets
from tests.doubles.whmcs_site.site import COOKIE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture
def site() -> Iterator[WhmcsSite]:
    with WhmcsSite(tickets(3), needs_scripts=True) as site:
        yield site


@pytest.fixture
def browser(site: WhmcsSite) -> Iterator[PlaywrightBrowser]:
    browser = PlaywrightBrowser(HttpFetcher(version="1", allowed_origins=[site.origin]), path=CHROMIUM)
    yield browser
    browser.close()


def access(site: WhmcsSite, area: Area) -> Access:
    return Access(base_url=site.base, area=area, username=USERNAME, password=PASSWORD)


@pytest.mark.parametrize("area", list(Area))
def test_pages_that_their_scripts_fill_are_read_exactly(
    site: WhmcsSite, browser: PlaywrightBrowser, area: Area
) -> None:
    fetcher = HttpFetcher(version="1", allowed_origins=[site.origin])
    helpdesk = open_helpdesk(access(site, area), fetcher, browser=browser)

    found = {}
    token: str | None = ""
    while token is not None:
        listed = helpdesk.listed(page_token=token)
        token = listed.next
        found |= {ref.number: helpdesk.ticket(ref) for ref in listed.refs}

    drafts = [truth.draft(helpdesk.way, site.base) for truth in site.truths.values()]
    assert found == {draft.number: draft for draft in drafts}
    assert site.changes == [], "the page's script asked for a ticket to be closed"
    assert site.logins == 1


def test_the_cookie_is_shown_to_the_site_and_to_nobody_else(
    site: WhmcsSite, browser: PlaywrightBrowser
) -> None:
    with WhmcsSite([]) as other:
        fetcher = HttpFetcher(version="1", allowed_origins=[site.origin, other.origin])
        both = PlaywrightBrowser(fetcher, path=CHROMIUM)
        script = f'<script src="{other.url}/assets/spy.js"></script></body>'.encode()
        site.habits.garble = lambda path, body: body.replace(b"</body>", script)

        open_helpdesk(access(site, Area.CLIENT), fetcher, browser=both).listed()
        both.close()

        asked = [request.headers for request in other.requests]

    assert asked, "the page's script was not asked for at all"
    assert not any("cookie" in headers for headers in asked)
    assert any(COOKIE in request.headers.get("cookie", "") for request in site.requests)


@pytest.mark.parametrize("area", ["admin", "client"])
def test_the_cookies_of_a_person_who_logs_in_are_taken_when_the_list_shows(area: str) -> None:
    from infra.local.helpdesk_login import cookies_of_person

    # What a person would do: a captcha ticked, name and password typed, the list opened.
    person = f"""<script>
      const form = document.querySelector('.login-form')
      if (form) {{
        form.username.value = '{USERNAME}'; form.password.value = '{PASSWORD}'
        form.insertAdjacentHTML('beforeend', '<input name="g-recaptcha-response" value="1">')
        setTimeout(() => form.submit(), 300)
      }} else if (!location.href.includes('supporttickets')) location.href = 'supporttickets.php'
    </script></body>"""
    with WhmcsSite(
        tickets(3), captcha=True, garble=lambda _, body: body.replace(b"</body>", person.encode())
    ) as site:
        place = {"base_url": site.base, "area": area, "admin_dir": "admin", "list_path": ""}

        cookies = cookies_of_person(place, path=CHROMIUM, seconds=300, visible=False)

        site.habits.garble = None
        taken = Access(base_url=site.base, area=Area(area), cookies=cookies_of(cookies))
        helpdesk = open_helpdesk(taken, HttpFetcher(version="1", allowed_origins=[site.origin]))
        assert len(helpdesk.listed().refs) == 3
        assert site.logins == 1


def test_a_person_who_does_not_log_in_is_told_that_nothing_was_stored() -> None:
    from infra.local.helpdesk_login import cookies_of_person
    from infra.local.words import NotPossible

    with WhmcsSite(tickets(1)) as site:
        place = {"base_url": site.base, "area": "admin", "admin_dir": "admin", "list_path": ""}

        with pytest.raises(NotPossible, match="nothing was stored"):
            cookies_of_person(place, path=CHROMIUM, seconds=2, visible=False)


def test_without_a_browser_it_says_that_nothing_can_be_read(site: WhmcsSite) -> None:
    checked = check(access(site, Area.CLIENT), HttpFetcher(version="1", allowed_origins=[site.origin]))

    assert not checked.ok
    assert "browser" in checked.message
