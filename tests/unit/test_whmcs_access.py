"""What reading a WHMCS site rests on: dates, one-time codes, cookies, links, and what a list leaves out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from candor.errors import Invalid, Malformed
from candor.whmcs.site import totp
from candor.whmcs.site.choosing import chosen, ignored_by, is_all_older
from candor.whmcs.site.dates import Dates
from candor.whmcs.site.links import Links, TicketLink
from candor.whmcs.site.session import Jar, cookies_of, dumped, loaded
from candor.whmcs.site.values import Access, Area, TicketRef

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
BASE = "https://my.example.com/billing"


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


# ---------------------------------------------------------------- dates
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("05/01/2026 14:03", moment(2026, 1, 5, 14, 3)),
        ("Posted on 05/01/2026 at 14:03:09", moment(2026, 1, 5, 14, 3, 9)),
        ("05.01.2026 14:03", moment(2026, 1, 5, 14, 3)),
        ("2026-01-05 14:03:22", moment(2026, 1, 5, 14, 3, 22)),
        ("2026-01-05T14:03:22Z", moment(2026, 1, 5, 14, 3, 22)),
        ("2026/01/05 (14:03)", moment(2026, 1, 5, 14, 3)),
        ("Monday, January 5th, 2026 (14:03)", moment(2026, 1, 5, 14, 3)),
        ("Jan 5, 2026 2:03 PM", moment(2026, 1, 5, 14, 3)),
        ("12:03 a.m. January 5 2026", moment(2026, 1, 5, 0, 3)),
        ("5th January 2026 12:03pm", moment(2026, 1, 5, 12, 3)),
        ("Montag, 5. Januar 2026 (14:03)", moment(2026, 1, 5, 14, 3)),
        ("lunes, 5 de enero de 2026 (14:03)", moment(2026, 1, 5, 14, 3)),
        ("5 января 2026 14:03", moment(2026, 1, 5, 14, 3)),
        ("5 juillet 2025", moment(2025, 7, 5)),
        ("5 mars 2025", moment(2025, 3, 5)),
        ("31/01/2026 00:00", moment(2026, 1, 31)),
        ("01/31/2026 00:00", moment(2026, 1, 31)),
        ("2 Hours 10 Minutes Ago", NOW - timedelta(hours=2, minutes=11)),
        ("0000-00-00 00:00:00", None),
        ("30/02/2026", None),
        ("01/01/2026 25:61", None),
        ("never", None),
        ("", None),
        ("N/A - 5 of 2026", None),
    ],
)
def test_a_date_is_read_as_whmcs_and_its_languages_write_it(text: str, wanted: datetime | None) -> None:
    assert Dates().moment(text, now=NOW) == wanted


@pytest.mark.parametrize(
    ("texts", "day_first"),
    [
        (["03/04/2026", "13/04/2026"], True),
        (["03/04/2026", "04/13/2026"], False),
        (["03/05/2026"], False),  # The third of May has not come yet.
        (["05/03/2026"], True),  # Neither has the third of May here: this is the fifth of March.
        (["02/01/2026", "01/02/2026"], None),
        (["01/12/2025", "02/11/2025", "03/10/2025"], None),  # Sorted either way.
        (["03/01/2026", "02/02/2026", "01/03/2026"], None),  # Sorted either way, too.
        (["02/10/2025", "02/03/2025", "01/12/2025"], False),
        ([], None),
        (["2026-01-05"], None),
    ],
)
def test_the_order_of_day_and_month_is_told_from_other_dates(
    texts: list[str], day_first: bool | None
) -> None:
    dates = Dates()

    dates.learn(texts, now=NOW)

    assert dates.day_first is day_first


def test_what_was_learnt_or_told_stays() -> None:
    dates = Dates(day_first=False)

    dates.learn(["13/04/2025"], now=NOW)

    assert dates.moment("03/04/2025") == moment(2025, 3, 4)
    assert dates.moment("13/04/2025") == moment(2025, 4, 13), "it can be read one way only"


def test_the_latest_moment_that_a_text_allows_is_what_since_goes_by() -> None:
    dates = Dates()

    assert dates.moment("05/01/2026", latest=True) == moment(2026, 1, 5, 23, 59, 59)
    assert dates.moment("05/01/2026 14:03", latest=True) == moment(2026, 1, 5, 14, 3, 59)
    assert dates.moment("2 days ago", now=NOW, latest=True) == NOW - timedelta(days=2)


def test_dates_of_a_site_in_another_zone_become_utc() -> None:
    dates = Dates(zone=ZoneInfo("America/New_York"))

    assert dates.moment("05/01/2026 20:03") == moment(2026, 1, 6, 1, 3)


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    dates = Dates()

    dates.learn([text, text[::-1]], now=NOW)
    found = dates.moment(text, now=NOW, latest=True)

    assert found is None or found.tzinfo is not None


@given(st.text(alphabet="0123456789/-.: agodhmsyw", max_size=60))
@settings(max_examples=500, deadline=None)
def test_no_row_of_digits_breaks_it_either(text: str) -> None:
    assert Dates().moment(f"{text} ago", now=NOW) is None or True
    Dates().moment(text, now=NOW)


# ---------------------------------------------------------------- one-time codes
@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    # The RFC's own secret, its eight digits cut to six.
    assert totp.code("GEZD GNBV gy3t qojq GEZD-GNBVGY3TQOJQ====", at) == code


@pytest.mark.parametrize("secret", ["", "   ", "12345678", "JBSWY3DP!", "ключ", "A"])
def test_a_secret_that_is_none_is_said_to_be(secret: str) -> None:
    with pytest.raises(Invalid, match="QR code"):
        totp.check(secret)


# ---------------------------------------------------------------- cookies
EXPORTED = [
    {
        "domain": ".example.com", "expirationDate": 1_800_000_000.5, "hostOnly": False, "httpOnly": True,
        "name": "WHMCSaB3dE5gH7jK9", "path": "/", "sameSite": "unspecified", "secure": True, "session": False,
        "storeId": "0", "value": "v1", "id": 1,
    },
    {
        "domain": "my.example.com", "hostOnly": True, "httpOnly": False, "name": "WHMCSUser",
        "path": "/billing",
        "sameSite": "no_restriction", "secure": False, "session": True, "value": "7:abc==",
    },
    {
        "name": "Playwright", "value": "p", "domain": "my.example.com", "path": "/", "expires": -1,
        "sameSite": "Lax",
    },
    {"name": "bare", "value": "b"},
    {"name": "elsewhere", "value": "x", "domain": ".tracker.example"},
    {"name": "old", "value": "x", "domain": "my.example.com", "expires": 1_000_000_000},
]  # fmt: skip


def sent(jar: Jar, url: str) -> set[str]:
    header = jar.header(url, now=NOW)
    return {pair.partition("=")[0] for pair in header.split("; ")} if header else set()


def test_cookies_go_where_a_browser_would_send_them() -> None:
    jar = Jar(cookies_of(EXPORTED), host="my.example.com")

    assert sent(jar, f"{BASE}/admin/supporttickets.php") == {
        "WHMCSaB3dE5gH7jK9",
        "WHMCSUser",
        "Playwright",
        "bare",
    }
    assert sent(jar, "https://my.example.com/other") == {"WHMCSaB3dE5gH7jK9", "Playwright", "bare"}
    assert sent(jar, "https://my.example.com/billingother") == {"WHMCSaB3dE5gH7jK9", "Playwright", "bare"}
    assert sent(jar, "http://my.example.com/") == {"Playwright", "bare"}
    assert sent(jar, "https://www.my.example.com/") == {"WHMCSaB3dE5gH7jK9"}
    assert sent(jar, "https://example.com/") == {"WHMCSaB3dE5gH7jK9"}
    assert sent(jar, "https://badexample.com/") == set()
    assert sent(jar, "https://my.example.com.evil.example/") == set()


@pytest.mark.parametrize(
    "entry",
    [
        {}, {"name": "a"}, {"value": "b"}, {"name": "", "value": "b"}, {"name": "a b", "value": "c"},
        {"name": "a", "value": None}, {"name": "a", "value": True}, {"name": "a", "value": {"x": 1}},
        {"name": "a", "value": "x\r\nSet-Cookie: y=1"}, {"name": "a", "value": "x; y=1"},
        {"name": "a", "value": "я"},
        {"name": "a=b", "value": "x"}, {"name": "a", "value": "x" * 5_000}, "a=b", 5, None, ["a", "b"],
    ],
)  # fmt: skip
def test_an_entry_that_is_no_cookie_is_named_by_its_number(entry: Any) -> None:
    with pytest.raises(Invalid, match="ookie 1 "):
        cookies_of([EXPORTED[3], entry])


def test_a_value_that_is_refused_is_not_repeated_in_the_error() -> None:
    with pytest.raises(Invalid) as refused:
        cookies_of([{"name": "a", "value": "topsecret\n"[:9] + "\x01"}])

    assert "topsecret" not in str(refused.value)


def test_an_expiry_is_read_in_seconds_in_milliseconds_and_as_a_date() -> None:
    expiries = [
        1_800_000_000,
        1_800_000_000_000,
        "1800000000",
        "2027-01-15T08:00:00+00:00",
        "Fri, 15 Jan 2027 08:00:00 GMT",
    ]

    found = cookies_of([{"name": "a", "value": "b", "expirationDate": one} for one in expiries])

    assert {cookie.expires for cookie in found} == {moment(2027, 1, 15, 8)}


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("a=1", {"a"}),
        ("a=1; Path=/; HttpOnly; SameSite=Lax; Secure", {"a"}),
        ("a=1; Domain=example.com; Path=/", {"a"}),
        ("a=1; Domain=com", set()),
        ("a=1; Domain=other.example", set()),
        ("a=1; Domain=sub.my.example.com", set()),
        ("a=deleted; Max-Age=0", set()),
        ("a=deleted; Expires=Thu, 01 Jan 1970 00:00:01 GMT", set()),
        ("a=1; Max-Age=60", {"a"}),
        ("a=1; Path=/admin2", set()),
        ("=1", set()),
        ("nonsense", set()),
        ("a=1\nb=2; Path=/\nc", {"a", "b"}),
    ],
)
def test_a_site_sets_cookies_for_itself_alone(line: str, kept: set[str]) -> None:
    jar = Jar()

    jar.take(f"{BASE}/admin/login.php", line, now=NOW)

    assert sent(jar, f"{BASE}/admin/supporttickets.php") == kept


def test_a_new_cookie_takes_the_place_of_the_one_that_a_browser_brought() -> None:
    jar = Jar(cookies_of([{"name": "S", "value": "old"}]), host="my.example.com")

    jar.take(BASE, "S=new; Path=/", now=NOW)

    assert jar.header(BASE, now=NOW) == "S=new"


def test_a_session_comes_back_from_its_text() -> None:
    jar = Jar(cookies_of(EXPORTED), host="my.example.com")

    cookies, more = loaded(dumped(jar, step=7))

    assert more["step"] == 7
    assert Jar(cookies).header(f"{BASE}/x", now=NOW) == jar.header(f"{BASE}/x", now=NOW)


# ---------------------------------------------------------------- links
ADMIN, CLIENT = Links(Access(base_url=BASE)), Links(Access(base_url=BASE, area=Area.CLIENT))


@pytest.mark.parametrize(
    "url",
    [
        "/admin/supporttickets.php", "/admin/supporttickets.php?view=any&filter=1&page=3",
        "/admin/supporttickets.php?view=On%20Hold", "/admin/supporttickets.php?action=view&id=9",
        "/admin/supporttickets.php?action=viewticket&id=9", "/admin/login.php",
        "/admin/login.php?redirect=supporttickets.php", "/admin/", "/admin/index.php",
    ],
)  # fmt: skip
def test_lists_tickets_and_logins_may_be_asked_for(url: str) -> None:
    assert ADMIN.may_ask(BASE + url)


@pytest.mark.parametrize(
    "url",
    [
        "/admin/supporttickets.php?sub=delete&id=9", "/admin/supporttickets.php?action=view&id=9&sub=delete",
        "/admin/supporttickets.php?action=view&id=9&closeticket=true",
        "/admin/supporttickets.php?action=view&id=9&action=delete",
        "/admin/supporttickets.php?action=delete&id=9", "/admin/supporttickets.php?action=view&id[]=9",
        "/admin/supporttickets.php?action=view&id=9;sub=delete", "/admin/supporttickets.php?view=any&token=1",
        "/admin/supporttickets.php?action=view&id=9%00", "/admin/supporttickets.php?action=view&id=-9",
        "/admin/supporttickets.php?action=viewticket&id=9&removeattachment=true",
        "/admin/supporttickets.php?action=view&id=9&mergeticket=1", "/admin/logout.php", "/logout.php",
        "/admin/clientssummary.php?userid=1", "/admin/index.php?action=logout", "/dl.php?type=a&id=1",
        "/admin/../logout.php", "/index.php?rp=/logout", "/index.php?rp=/admin/logout",
        "/admin/supporttickets.php/../logout.php", "/index.php?rp=/login&rp=/logout",
        "/clientarea.php?action=details",
        "/admin/login.php?logout=1", "/admin/LOGOUT.php",
    ],
)  # fmt: skip
def test_nothing_that_changes_something_may_be_asked_for(url: str) -> None:
    assert not ADMIN.may_ask(BASE + url)
    assert not CLIENT.may_ask(BASE + url)


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/billing/admin/supporttickets.php",
        "http://my.example.com/billing/admin/supporttickets.php",
        "https://my.example.com:8443/billing/admin/supporttickets.php",
        "https://my.example.com/admin/supporttickets.php",
        "https://my.example.com.evil.example/billing/admin/supporttickets.php",
        "https://x@my.example.com/billing/admin/supporttickets.php", "https://my.example.com:x/",
        "javascript:alert(1)", "",
    ],
)  # fmt: skip
def test_no_other_site_is_ours(url: str) -> None:
    assert not ADMIN.may_ask(url)


def test_a_ticket_is_opened_at_an_address_made_here() -> None:
    found = CLIENT.ticket("viewticket.php?tid=KLM-204417&c=Wk3xPz8q#reply", f"{BASE}/supporttickets.php")

    assert found == TicketLink(tid="KLM-204417", key="Wk3xPz8q")
    assert CLIENT.view_url(found) == f"{BASE}/viewticket.php?tid=KLM-204417&c=Wk3xPz8q"
    assert CLIENT.detail_url(tid="KLM-204417") == f"{BASE}/viewticket.php?tid=KLM-204417"
    assert CLIENT.ticket("viewticket.php?tid=1&c=2&closeticket=true", f"{BASE}/supporttickets.php") is None
    assert ADMIN.ticket("viewticket.php?tid=1&c=2", f"{BASE}/admin/supporttickets.php") is None


def test_an_address_that_grew_secure_is_still_the_same_site() -> None:
    plain = Links(Access(base_url="http://my.example.com/billing"))

    assert plain.may_ask(f"{BASE}/admin/supporttickets.php")
    assert not ADMIN.may_ask("http://my.example.com/billing/admin/supporttickets.php"), (
        "and never the other way"
    )


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("", "/admin/supporttickets.php?page=2"),
        ("supporttickets.php?view=active", "/admin/supporttickets.php?view=active&page=2"),
        ("/supporttickets.php?view=Open&page=9", "/admin/supporttickets.php?view=Open&page=2"),
    ],
)
def test_the_list_is_where_it_is_said_to_be(path: str, url: str) -> None:
    assert Links(Access(base_url=BASE, list_path=path)).list_url(page="2") == BASE + url


@given(st.text(alphabet="admin/suportck.h?=&viewd1;%#:@[]<> \\", max_size=60))
@settings(max_examples=500, deadline=None)
def test_no_link_breaks_the_gate_or_gets_round_it(link: str) -> None:
    found = ADMIN.ticket(link, f"{BASE}/admin/supporttickets.php")

    assert found is None or ADMIN.may_ask(ADMIN.view_url(found))


def test_a_list_path_that_does_something_is_refused() -> None:
    for path in (
        "supporttickets.php?sub=x",
        "logout.php",
        "supporttickets.php?action=delete&id=1",
        "..%2flogout.php",
    ):
        with pytest.raises(Malformed):
            Links(Access(base_url=BASE, list_path=path))


# ---------------------------------------------------------------- what a list leaves out
@pytest.mark.parametrize(
    ("pattern", "texts", "meets"),
    [
        ("is down", ["Host A IS  DOWN now"], True),
        ("[ALERT]*", ["[alert] disk full"], True),
        ("[ALERT]*", ["Re: [ALERT] disk full"], False),
        ("*is DOWN*", ["web1 is down!"], True),
        ("mailer-daemon@", ["Fine", "Mail <MAILER-DAEMON@mx.example>"], True),
        ("*", ["anything"], False),
        ("a.c", ["abc"], False),
        ("x*y*z", ["xAAyBBz"], True),
        ("x*y*z", ["xz"], False),
        ("ab*ba", ["aba"], False),
        ("*a" * 40 + "b*", ["a" * 400], False),
    ],
)
def test_alerts_are_known_by_their_patterns(pattern: str, texts: list[str], meets: bool) -> None:
    assert ignored_by(["", pattern], *texts) == (pattern if meets else "")


def refs(*days: int | None) -> list[TicketRef]:
    return [
        TicketRef(number=str(at), updated=None if day is None else NOW - timedelta(days=day))
        for at, day in enumerate(days)
    ]


def test_a_site_in_an_unknown_zone_is_asked_for_a_day_more() -> None:
    here = Access(base_url=BASE)
    known = Access(base_url=BASE, time_zone="UTC")
    since = NOW - timedelta(days=2)

    assert [ref.number for ref in chosen(refs(0, 2, 3, 4, None), here, since)[0]] == ["0", "1", "2", "4"]
    kept, left_out = chosen(refs(0, 2, 3, 4, None), known, since)
    assert ([ref.number for ref in kept], left_out) == (["0", "1", "4"], {"unchanged": 2})


def test_a_list_is_left_early_only_where_its_order_is_sure() -> None:
    access = Access(base_url=BASE, time_zone="UTC")
    since = NOW - timedelta(days=2)

    assert is_all_older(refs(0, 1, 3), access, since)
    assert is_all_older(refs(5, 6, 7), access, since)
    assert not is_all_older(refs(0, 3, 1), access, since)
    assert not is_all_older(refs(3, 4), access, since)
    assert not is_all_older(refs(0, None, 3, 4), access, since)
    assert not is_all_older(refs(0, 1, 2), access, None)
