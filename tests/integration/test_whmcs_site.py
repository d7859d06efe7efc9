"""A WHMCS site read every way there is, against the truth of the double; nothing changed, no note taken."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from candor.adapters.http_fetcher import HttpFetcher
from candor.errors import CandorError, Invalid, Malformed, Refused, UpstreamFailed
from candor.tickets.values import TicketDraft
from candor.whmcs.site import totp
from candor.whmcs.site.asking import Clock
from candor.whmcs.site.reading import check, open_helpdesk
from candor.whmcs.site.session import cookies_of
from candor.whmcs.site.values import Access, Area, Helpdesk, RateLimited, SessionExpired, TicketRef
from tests.doubles.whmcs_site import (
    IDENTIFIER,
    NOTE,
    PASSWORD,
    SECRET,
    USERNAME,
    Truth,
    WhmcsSite,
    alerts,
    tickets,
)
from tests.growth import assert_linear

TOTP = "JBSW Y3DP EHPK 3PXP"
LOGIN = {"username": USERNAME, "password": PASSWORD}
API = {"api_identifier": IDENTIFIER, "api_secret": SECRET}

Serve = Callable[..., WhmcsSite]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[WhmcsSite] = []

    def start(truths: list[Truth] | None = None, **habits: Any) -> WhmcsSite:
        site = WhmcsSite(truths, **habits)
        site.__enter__()
        running.append(site)
        return site

    yield start
    for site in running:
        site.__exit__()


def access(site: WhmcsSite, **more: Any) -> Access:
    return Access(base_url=site.base, **more)


def fetcher(*sites: WhmcsSite) -> HttpFetcher:
    return HttpFetcher(version="1.2", allowed_origins=[site.origin for site in sites])


def opened(site: WhmcsSite, clock: Clock | None = None, **more: Any) -> Helpdesk:
    return open_helpdesk(access(site, **more), fetcher(site), clock=clock)


def crawled(
    helpdesk: Helpdesk, *, since: datetime | None = None
) -> tuple[dict[str, TicketDraft | None], dict[str, int]]:
    """Every ticket of the list by its number, and how many were left out and why."""
    found: dict[str, TicketDraft | None] = {}
    left_out: dict[str, int] = {}
    token: str | None = ""
    while token is not None:
        listed = helpdesk.listed(page_token=token, since=since)
        token = listed.next
        for reason, number in listed.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + number
        for ref in listed.refs:
            assert ref.number not in found, "listed twice"
            found[ref.number] = helpdesk.ticket(ref)
    return found, left_out


def truth_of(site: WhmcsSite, helpdesk: Helpdesk) -> dict[str, TicketDraft]:
    drafts = [truth.draft(helpdesk.way, site.base) for truth in site.truths.values()]
    return {draft.number: draft for draft in drafts}


# ---------------------------------------------------------------- the truth, every way
@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
@pytest.mark.parametrize(
    ("given", "theme"),
    [
        (API, "six"),
        (LOGIN, "six"),
        ({**LOGIN, "area": Area.CLIENT}, "six"),
        ({**LOGIN, "area": Area.CLIENT}, "twenty-one"),
    ],
    ids=["api", "admin pages", "six", "twenty-one"],
)
def test_every_ticket_is_read_exactly_and_nothing_is_changed(
    serve: Serve, given: dict[str, Any], theme: str, newest_first: bool
) -> None:
    site = serve(theme=theme, newest_first=newest_first)

    helpdesk = opened(site, **given)
    found, _ = crawled(helpdesk)

    assert found == truth_of(site, helpdesk)
    assert site.changes == []
    assert NOTE not in repr(found)


@pytest.mark.parametrize(
    "pattern", ["%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y/%m/%d %I:%M %p", "long"]
)
@pytest.mark.parametrize("area", list(Area))
def test_dates_are_read_in_whichever_format_the_site_has(serve: Serve, area: Area, pattern: str) -> None:
    site = serve(pattern=pattern)

    helpdesk = opened(site, area=area, **LOGIN)
    found, _ = crawled(helpdesk)

    assert found == truth_of(site, helpdesk)


@pytest.mark.parametrize("habits", [
    {"first_page": 0}, {"says_total": False}, {"first_page": 0, "says_total": False}, {"page_size": 10},
    {"offers_any": False, "says_total": False}, {"page_size": 1000, "says_total": False},
], ids=str)  # fmt: skip
def test_a_list_is_read_to_its_end_however_it_counts_its_pages(serve: Serve, habits: dict[str, Any]) -> None:
    site = serve(**habits)
    helpdesk = opened(site, **LOGIN)

    numbers: list[str] = []
    token: str | None = ""
    while token is not None:
        listed = helpdesk.listed(page_token=token)
        numbers += [ref.number for ref in listed.refs]
        token = listed.next

    assert sorted(numbers) == sorted(str(id) for id in site.truths)
    assert len(site.requests) < 40


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1251", "utf-8"])
def test_pages_in_an_older_code_page_lose_no_letter(serve: Serve, charset: str) -> None:
    site = serve(charset=charset)

    helpdesk = opened(site, **LOGIN)
    found, _ = crawled(helpdesk)

    assert found == truth_of(site, helpdesk)


@pytest.mark.parametrize(
    "given", [API, LOGIN, {**LOGIN, "area": Area.CLIENT}], ids=["api", "admin", "client"]
)
def test_255_tickets_take_a_request_each_and_eight_times_the_work_of_32(
    serve: Serve, given: dict[str, Any]
) -> None:
    site = serve(tickets(255))
    helpdesk = opened(site, **given)
    found, _ = crawled(helpdesk)

    assert len(site.requests) <= 255 + 25
    assert found == truth_of(site, helpdesk)
    assert site.changes == []
    assert_linear(crawled, lambda count: opened(serve(tickets(count)), **given), 32)


@pytest.mark.parametrize(
    "given", [API, LOGIN, {**LOGIN, "area": Area.CLIENT}], ids=["api", "admin", "client"]
)
def test_a_page_that_is_asked_for_again_shows_the_same_tickets_again(
    serve: Serve, given: dict[str, Any]
) -> None:
    helpdesk = opened(serve(tickets(60)), **given)
    read: list[str] = []
    token: str | None = ""

    while token is not None:
        once = helpdesk.listed(page_token=token)
        assert helpdesk.listed(page_token=token).refs == once.refs
        read += [ref.number for ref in once.refs]
        token = once.next

    assert len(read) == len(set(read)) == 60


def test_threads_share_one_login(serve: Serve) -> None:
    site = serve()
    helpdesk = opened(site, **LOGIN)
    found: dict[str, TicketDraft | None] = {}

    def read(numbers: list[int]) -> None:
        for number in numbers:
            found[str(number)] = helpdesk.ticket(TicketRef(number=str(number)))

    ids = list(site.truths)
    threads = [threading.Thread(target=read, args=(ids[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {number: draft.description for number, draft in found.items() if draft} == {
        number: draft.description for number, draft in truth_of(site, helpdesk).items()
    }
    assert site.logins == 1


def test_a_ticket_that_is_gone_is_none(serve: Serve) -> None:
    site = serve()
    for given in (API, LOGIN, {**LOGIN, "area": Area.CLIENT}):
        helpdesk = opened(site, **given)

        assert helpdesk.ticket(TicketRef(number="777", tid="777")) is None


def test_a_ticket_merged_into_another_one_is_that_other_ones(serve: Serve) -> None:
    site = serve()
    site.truths[8] = site.truths[7]  # WHMCS shows the master in place of the child.

    assert opened(site, **API).ticket(TicketRef(number="8")) is None


def test_the_key_of_a_customers_ticket_stays_inside(serve: Serve) -> None:
    site = serve(tickets(3))
    helpdesk = opened(site, area=Area.CLIENT, **LOGIN)
    refs = helpdesk.listed().refs
    # In another process only the reference is known, as text.
    again = [TicketRef.of(json.loads(json.dumps(ref.as_json()))) for ref in refs]

    drafts = [opened(site, area=Area.CLIENT, **LOGIN).ticket(ref) for ref in again]

    assert again == list(refs)
    assert {draft.number: draft for draft in drafts if draft} == truth_of(site, helpdesk)
    for truth in site.truths.values():
        assert truth.key not in repr((refs, drafts, again))


# ---------------------------------------------------------------- only what changed
@pytest.mark.parametrize(
    "given", [API, LOGIN, {**LOGIN, "area": Area.CLIENT}], ids=["api", "admin", "client"]
)
def test_a_second_crawl_reads_only_what_changed_since(serve: Serve, given: dict[str, Any]) -> None:
    truths = tickets(120)
    site = serve(truths)
    newest = max(truth.updated for truth in truths)
    since = newest - timedelta(days=5)
    changed = {truth.id for truth in truths if truth.updated >= since}

    # In UTC as the site is; where that is not known, a day more is read.
    exact = opened(site, time_zone="UTC", **given)
    found, left_out = crawled(exact, since=since)
    asked = len(site.requests)
    careful, _ = crawled(opened(site, **given), since=since)

    wanted = {truths_draft.number for id, truths_draft in _by_id(site, exact).items() if id in changed}
    assert found.keys() == wanted
    assert careful.keys() >= wanted
    assert len(careful) < len(changed) + 10
    assert asked < len(changed) + 10, "the old pages of the list were read too"
    assert left_out["unchanged"] > 0


def _by_id(site: WhmcsSite, helpdesk: Helpdesk) -> dict[int, TicketDraft]:
    return {truth.id: truth.draft(helpdesk.way, site.base) for truth in site.truths.values()}


@pytest.mark.parametrize("given", [API, LOGIN], ids=["api", "admin"])
def test_alerts_and_bounces_are_left_out_and_counted(serve: Serve, given: dict[str, Any]) -> None:
    site = serve([*tickets(20), *alerts(9)])

    helpdesk = opened(site, ignore=("[ALERT]*", "mailer-daemon@"), **given)
    found, left_out = crawled(helpdesk)

    assert len(found) == 20
    assert left_out == {"ignored: [ALERT]*": 4, "ignored: mailer-daemon@": 5}


@pytest.mark.parametrize(
    "given", [API, LOGIN, {**LOGIN, "area": Area.CLIENT}], ids=["api", "admin", "client"]
)
def test_one_department_is_read_by_its_name(serve: Serve, given: dict[str, Any]) -> None:
    site = serve()

    found, left_out = crawled(opened(site, departments=("billing & SALES",), **given))

    wanted = [truth for truth in site.truths.values() if truth.department == "2"]
    assert {draft.tid for draft in found.values() if draft} == {truth.tid for truth in wanted}
    assert left_out == {"department": len(site.truths) - len(wanted)}


@pytest.mark.parametrize("given", [API, LOGIN], ids=["api", "admin"])
def test_one_department_is_read_by_its_number(serve: Serve, given: dict[str, Any]) -> None:
    site = serve()

    found, _ = crawled(opened(site, departments=("3",), **given))

    assert {draft.department for draft in found.values() if draft} == {"Отдел продаж"}


# ---------------------------------------------------------------- logging in
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("area", list(Area))
def test_a_second_factor_is_given_its_code(serve: Serve, area: Area, legacy: bool) -> None:
    site = serve(tickets(3), totp_secret=TOTP, legacy_login=legacy)

    by_secret = opened(site, area=area, totp_secret=TOTP.lower(), **LOGIN)
    found, _ = crawled(by_secret)

    assert found == truth_of(site, by_secret)
    assert site.bad_logins == 0


def test_a_code_that_was_typed_is_good_for_one_login(serve: Serve) -> None:
    site = serve(tickets(6), totp_secret=TOTP, expires_after=(5,))
    began = time.time()
    site.clock = lambda: began
    helpdesk = opened(site, totp_code=totp.code(TOTP, began), **LOGIN)

    with pytest.raises(SessionExpired, match="totp_secret"):
        crawled(helpdesk)

    assert (site.bad_logins, site.logins) == (0, 1)


def test_a_second_login_waits_for_the_next_code(serve: Serve) -> None:
    site = serve(tickets(6), totp_secret=TOTP, expires_after=(5,))
    slept: list[float] = []
    # The twentieth second of a step, for both: if a step ended meanwhile, there were nothing to wait for.
    began = 40_000_000 * totp.STEP + 20
    site.clock = lambda: float(began)

    def sleep(seconds: float) -> None:
        if seconds > 0.4:
            slept.append(seconds)
        else:
            time.sleep(seconds)

    clock = Clock(now=lambda: datetime.fromtimestamp(began + sum(slept), UTC), sleep=sleep)
    found, _ = crawled(opened(site, clock=clock, totp_secret=TOTP, **LOGIN))

    assert len(found) == 6
    # The site's own clock has not moved: it takes the code of the next step, but not the last one again.
    assert (site.bad_logins, site.logins) == (0, 2)
    assert slept == [pytest.approx(10.5)]


def test_a_site_whose_clock_is_wrong_gets_the_code_of_its_own_time(serve: Serve) -> None:
    site = serve(tickets(3), totp_secret=TOTP)
    # Ours is ten minutes slow; the site's Date header says so.
    clock = Clock(now=lambda: datetime.now(UTC) - timedelta(minutes=10))

    found, _ = crawled(opened(site, clock=clock, totp_secret=TOTP, **LOGIN))

    assert len(found) == 3
    assert site.bad_logins == 0


def test_a_wrong_password_is_tried_once_and_the_ban_is_named(serve: Serve) -> None:
    for area in Area:
        site = serve()
        helpdesk = opened(site, area=area, username=USERNAME, password="wrong")

        for _ in range(5):
            with pytest.raises(Refused, match="ban") as refused:
                helpdesk.listed()
            assert "Login Details Incorrect" in str(refused.value)

        assert site.bad_logins == 1
        assert not site.banned


def test_a_wrong_code_is_tried_once(serve: Serve) -> None:
    site = serve(totp_secret=TOTP)
    helpdesk = opened(site, totp_code="000000", **LOGIN)

    for _ in range(3):
        with pytest.raises(Refused, match="one-time code"):
            helpdesk.listed()

    assert site.bad_logins == 1


def test_wrong_api_credentials_are_tried_once(serve: Serve) -> None:
    site = serve()
    helpdesk = opened(site, api_identifier=IDENTIFIER, api_secret="wrong")

    for _ in range(5):
        with pytest.raises(Refused, match="API Credentials"):
            helpdesk.listed()

    assert site.bad_logins == 1


@pytest.mark.parametrize(
    ("habits", "given", "says"),
    [
        ({"captcha": True}, LOGIN, "captcha.*make whmcs-login"),
        ({"totp_secret": TOTP}, LOGIN, "second factor: set totp_secret"),
        ({"totp_secret": TOTP, "backup_only": True}, {**LOGIN, "totp_secret": TOTP}, "backup code"),
        ({"api_error": "Invalid IP 203.0.113.9"}, API, "address.*Invalid IP"),
        ({"api_error": "An access key is required"}, API, "access key"),
        ({"api_error": 'Invalid Permissions: API action "GetTickets" is not allowed'}, API, "API Roles"),
        ({"theme": "other"}, {**LOGIN, "area": Area.CLIENT}, "six and twenty-one"),
        ({"moved_to": "https://new.example"}, LOGIN, "set base_url"),
        ({"moved_to": "https://new.example"}, API, "set base_url"),
        ({"down": 500}, LOGIN, "status 500"),
        ({"down": 401}, API, "password.*401"),
    ],
)
def test_what_stands_in_the_way_is_said_in_a_sentence(
    serve: Serve, habits: dict[str, Any], given: dict[str, Any], says: str
) -> None:
    site = serve(tickets(3), **habits)

    checked = check(access(site, **given), fetcher(site))

    assert not checked.ok
    assert re.search(says, checked.message, re.DOTALL), checked.message
    assert site.bad_logins == 0
    assert site.changes == []


def test_an_address_that_was_banned_is_told_so(serve: Serve) -> None:
    site = serve(tickets(3), ban_after=1)
    with pytest.raises(Refused):
        opened(site, username=USERNAME, password="wrong").listed()

    checked = check(access(site, **LOGIN), fetcher(site))

    assert (checked.ok, "banned" in checked.message) == (False, True)


def test_a_password_is_sent_to_no_other_server_than_the_sites(serve: Serve) -> None:
    thief = serve()
    site = serve(
        garble=lambda path, body: body.replace(
            b'action="dologin.php"', f'action="{thief.base}/admin/dologin.php"'.encode()
        )
    )

    with pytest.raises(Refused, match="another server"):
        open_helpdesk(access(site, **LOGIN), fetcher(site, thief)).listed()

    assert thief.requests == []


def test_a_password_is_given_to_no_form_but_that_of_the_login(serve: Serve) -> None:
    confirm = b'<form method="post" action="supporttickets.php?sub=x"><input type="password" name="p"></form>'
    site = serve(
        tickets(2),
        garble=lambda path, body: (
            body.replace(b"</body>", confirm + b"</body>") if "login" not in path else body
        ),
    )
    cookies = cookies_of([site.browser_cookie()])

    found, _ = crawled(opened(site, cookies=cookies, **LOGIN))
    nowhere = check(
        access(site, list_path="supporttickets.php", login_path="index.php", cookies=(), **LOGIN),
        fetcher(site),
    )

    assert len(found) == 2
    assert site.changes == []
    assert all(request.method == "GET" or "dologin" in request.path for request in site.requests)
    assert nowhere.message


# ---------------------------------------------------------------- sessions
@pytest.mark.parametrize("area", list(Area))
def test_a_session_that_ends_in_the_middle_is_begun_anew(serve: Serve, area: Area) -> None:
    site = serve(expires_after=(10, 12))
    helpdesk = opened(site, area=area, **LOGIN)

    found, _ = crawled(helpdesk)

    assert found == truth_of(site, helpdesk)
    assert site.logins == 3
    assert site.bad_logins == 0


def test_sessions_that_end_while_threads_read_cost_no_bad_login(serve: Serve) -> None:
    site = serve(tickets(60), expires_after=(7, 9, 11, 13), slow=0.005)
    helpdesk = opened(site, **LOGIN)
    found: dict[str, TicketDraft | None] = {}
    ids = list(site.truths)

    def read(numbers: list[int]) -> None:
        for number in numbers:
            found[str(number)] = helpdesk.ticket(TicketRef(number=str(number)))

    threads = [threading.Thread(target=read, args=(ids[at::4],)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 60
    assert site.bad_logins == 0
    assert site.logins == 5


def test_a_guards_pass_among_the_cookies_outlives_a_login(serve: Serve) -> None:
    site = serve(tickets(2))
    cookies = cookies_of([{"name": "cf_clearance", "value": "pass"}, {"name": "WHMCSold", "value": "x"}])

    crawled(opened(site, cookies=cookies, **LOGIN))

    sent = [request.headers.get("cookie", "") for request in site.requests]
    assert all("cf_clearance=pass" in cookie for cookie in sent)
    assert "WHMCSold" not in sent[-1]


def test_a_site_that_ends_every_session_at_once_is_given_up(serve: Serve) -> None:
    site = serve(expires_after=(0,) * 50)

    with pytest.raises(Refused):
        crawled(opened(site, **LOGIN))

    assert site.logins < 5


def test_a_browsers_cookies_are_enough(serve: Serve) -> None:
    site = serve(tickets(5))

    helpdesk = opened(site, cookies=cookies_of([site.browser_cookie()]))
    found, _ = crawled(helpdesk)

    assert found == truth_of(site, helpdesk)
    assert site.logins == 0


def test_cookies_whose_session_is_over_are_said_to_be(serve: Serve) -> None:
    site = serve(expires_after=(4,))
    helpdesk = opened(site, cookies=cookies_of([site.browser_cookie()]))

    with pytest.raises(SessionExpired, match="Save new cookies"):
        crawled(helpdesk)


def test_old_cookies_give_way_to_a_login(serve: Serve) -> None:
    site = serve(tickets(5))
    stale = {**site.browser_cookie(), "value": "0" * 24}

    found, _ = crawled(opened(site, cookies=cookies_of([stale]), **LOGIN))

    assert len(found) == 5
    assert site.logins == 1


def test_the_next_process_goes_on_with_the_session_of_this_one(serve: Serve) -> None:
    site = serve(pattern="%m/%d/%Y %H:%M")
    first = opened(site, **LOGIN)
    first.listed()

    second = opened(site, session=first.session, **LOGIN)
    found, _ = crawled(second)

    assert found == truth_of(site, second)
    assert site.logins == 1


def test_a_session_that_cannot_be_read_is_as_none(serve: Serve) -> None:
    site = serve(tickets(2))

    for text in ("{", "[]", '{"cookies": 5}', '{"cookies": [{}]}', "null"):
        assert len(opened(site, session=text, **LOGIN).listed().refs) == 2


# ---------------------------------------------------------------- politeness
@pytest.mark.parametrize("given", [API, LOGIN], ids=["api", "admin"])
def test_a_site_that_is_busy_is_left_alone_for_as_long_as_it_asks(
    serve: Serve, given: dict[str, Any]
) -> None:
    site = serve(tickets(30), busy_every=10, retry_after="1")
    ticks = [1_000.0]
    helpdesk = opened(site, Clock(tick=lambda: ticks[0]), **given)
    found: set[str] = set()
    limited = 0

    def patient(ask: Callable[[], Any]) -> Any:
        nonlocal limited
        while True:
            try:
                return ask()
            except RateLimited as busy:
                limited += 1
                before = len(site.requests)
                with pytest.raises(RateLimited):
                    ask()
                assert len(site.requests) == before, "it was asked again at once"
                ticks[0] += busy.retry_after

    for ref in patient(helpdesk.listed).refs[:12]:
        draft = patient(lambda ref=ref: helpdesk.ticket(ref))
        found.add(draft.number)

    assert len(found) == 12
    assert limited > 0


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        ("99999999", 3600),
        ("", 30),
        ("soon", 30),
        ("date", 90),
        ("-5", 30),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 1),
    ],
)
def test_how_long_to_wait_is_read_as_seconds_and_as_a_date(serve: Serve, said: str, seconds: int) -> None:
    from email.utils import format_datetime

    begun = datetime.now(UTC)
    if said == "date":
        said = format_datetime(begun + timedelta(seconds=90), usegmt=True)
    site = serve(tickets(2), down=503, retry_after=said)

    with pytest.raises(RateLimited) as limited:
        opened(site, **LOGIN).listed()

    passed = (datetime.now(UTC) - begun).total_seconds()
    assert seconds - passed - 1 <= limited.value.retry_after <= seconds + 1


def test_a_delay_between_requests_is_kept(serve: Serve) -> None:
    site = serve(tickets(4))
    helpdesk = open_helpdesk(access(site, **API), fetcher(site), delay=0.15)

    started = time.monotonic()
    crawled(helpdesk)

    assert time.monotonic() - started > 0.15 * 4


# ---------------------------------------------------------------- hostile and broken
def test_a_list_full_of_links_that_change_things_is_read_without_following_one(serve: Serve) -> None:
    def poison(path: str, body: bytes) -> bytes:
        links = "".join(
            f'<a href="{href}">#1 - x</a>'
            for href in (
                "supporttickets.php?action=view&id=1&sub=delete",
                "supporttickets.php?action=view&id=1&action=delete",
                "supporttickets.php?action=view&id[]=1",
                "supporttickets.php?action=delete&id=1",
                "../admin/supporttickets.php?action=view&id=1&closeticket=true",
                "http://127.0.0.1:1/billing/admin/supporttickets.php?action=view&id=5",
                "//elsewhere.example/billing/admin/supporttickets.php?action=view&id=5",
                "javascript:alert(1)", "http://[", "supporttickets.php?action=view&id=1;sub=x",
                "logout.php?action=view&id=1",
            )
        )  # fmt: skip
        return body.replace(b"</body>", links.encode() + b"</body>")

    site = serve(garble=poison)
    helpdesk = opened(site, **LOGIN)
    found, _ = crawled(helpdesk)

    assert found == truth_of(site, helpdesk)
    assert site.changes == []


def test_a_redirect_to_an_address_that_changes_something_is_not_followed(serve: Serve) -> None:
    site = serve(tickets(3))
    helpdesk = opened(site, **LOGIN)
    helpdesk.listed()
    site.habits.redirects = {
        "admin/supporttickets.php": "/billing/admin/supporttickets.php?action=delete&id=1"
    }

    with pytest.raises(UpstreamFailed, match="not followed"):
        helpdesk.listed()

    assert site.changes == []


@pytest.mark.parametrize(
    "given", [API, LOGIN, {**LOGIN, "area": Area.CLIENT}], ids=["api", "admin", "client"]
)
def test_a_page_cut_anywhere_gives_the_truth_or_an_error_of_ours(serve: Serve, given: dict[str, Any]) -> None:
    cut = [1.0]
    site = serve(tickets(5), garble=lambda path, body: body[: int(len(body) * cut[0])])
    helpdesk = opened(site, **given)
    refs = helpdesk.listed().refs
    wanted = truth_of(site, helpdesk)

    for step in range(1, 20):
        cut[0] = step / 20
        for ref in refs:
            try:
                draft = helpdesk.ticket(ref)
            except CandorError:
                helpdesk = opened(site, **given)
                cut[0] = 1.0
                helpdesk.listed()
                cut[0] = step / 20
                continue
            if draft is not None:
                assert NOTE not in repr(draft)
                assert wanted[ref.number].subject.startswith(draft.subject[:3])


def test_noise_before_the_apis_json_is_passed_over(serve: Serve) -> None:
    site = serve(tickets(4), api_noise="<br />\n<b>Warning</b>: Undefined index in x.php on line 3<br />\n")

    helpdesk = opened(site, **API)
    found, _ = crawled(helpdesk)

    assert found == truth_of(site, helpdesk)


def test_a_slow_site_is_waited_for(serve: Serve) -> None:
    site = serve(tickets(2), slow=0.3)

    assert len(crawled(opened(site, **LOGIN))[0]) == 2


# ---------------------------------------------------------------- what is refused at once
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"base_url": "ftp://x.example"}, Malformed),
        ({"base_url": "my.example.com"}, Malformed),
        ({"list_path": "supporttickets.php?sub=delete"}, Malformed),
        ({"list_path": "../logout.php"}, Malformed),
        ({"list_path": "//elsewhere.example/x.php"}, Malformed),
        ({"login_path": "https://elsewhere.example/login.php"}, Malformed),
        ({"admin_dir": "a?b"}, Malformed),
        ({"totp_secret": "not base32!"}, Invalid),
        ({"time_zone": "Mars/Olympus"}, Invalid),
        ({"time_zone": "../../etc/passwd"}, Invalid),
        ({"area": Area.CLIENT, **API}, Invalid),
        ({"username": "", "password": ""}, Refused),
    ],
)
def test_an_access_that_cannot_be_meant_is_refused_before_anything_is_asked(
    given: dict[str, Any], error: type[CandorError]
) -> None:
    whole = {"base_url": "https://my.example.com", **LOGIN, **given}

    with pytest.raises(error):
        open_helpdesk(Access(**whole), HttpFetcher(version="1"))


@pytest.mark.parametrize("base", ["/admin/", "/admin/supporttickets.php", "/", "/index.php", ""])
def test_an_address_copied_from_the_browser_will_do(serve: Serve, base: str) -> None:
    site = serve(tickets(2))
    copied = replace(access(site, **LOGIN), base_url=f"{site.base}{base}")

    assert len(open_helpdesk(copied, fetcher(site)).listed().refs) == 2


def test_a_check_tells_what_it_found_and_no_secret(serve: Serve) -> None:
    site = serve(tickets(30), totp_secret=TOTP)

    for given in (API, {**LOGIN, "totp_secret": TOTP}):
        checked = check(access(site, **given), fetcher(site))

        assert checked.ok
        assert "30 tickets can be read" in checked.message
        for secret in (PASSWORD, SECRET, TOTP, IDENTIFIER):
            assert secret not in repr(checked)


def test_nothing_secret_shows_where_an_access_is_printed(serve: Serve) -> None:
    site = serve(tickets(1))
    shown = repr(
        access(
            site, cookies=cookies_of([site.browser_cookie()]), totp_secret=TOTP, **LOGIN, api_secret=SECRET
        )
    )

    for secret in (PASSWORD, SECRET, TOTP, str(site.browser_cookie()["value"])):
        assert secret not in shown
