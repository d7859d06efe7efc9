"""WHMCS pages: samples of each kind, read; and pages broken in every way, which break nothing."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from candor.errors import CandorError, UpstreamFailed
from candor.fetching import Fetched
from candor.tickets.values import Message, Role, TicketDraft
from candor.whmcs.site.admin_pages import admin_list, admin_ticket
from candor.whmcs.site.client_pages import client_list, client_ticket
from candor.whmcs.site.dates import Dates
from candor.whmcs.site.links import Links
from candor.whmcs.site.lists import ListPage
from candor.whmcs.site.login import login_form, second_factor_form
from candor.whmcs.site.trees import message_text, tree_of
from candor.whmcs.site.values import Access, Area, TicketRef

PAGES = Path(__file__).parents[1] / "data" / "whmcs_pages"
BASE = "https://my.example.com/billing"
SUBJECT = "Nothing works since the update & restart"
NOW = datetime(2026, 2, 20, 12, 0, tzinfo=UTC)


def links(area: Area = Area.ADMIN) -> Links:
    return Links(Access(base_url=BASE, area=area))


def fetched(body: bytes | str, url: str = f"{BASE}/admin/supporttickets.php") -> Fetched:
    content = body.encode() if isinstance(body, str) else body
    return Fetched(url=url, status=200, headers={"content-type": "text/html; charset=utf-8"}, body=content)


def sample(name: str) -> Fetched:
    folder = "admin/" if name.startswith("admin") else ""
    return fetched((PAGES / f"{name}.html").read_bytes(), f"{BASE}/{folder}supporttickets.php")


def of_admin(page: Fetched, number: str = "907") -> TicketDraft | None:
    return admin_ticket(tree_of(page), TicketRef(number=number), links(), Dates(), NOW)


def of_client(page: Fetched, tid: str = "KLM-204417", subject: str = "") -> TicketDraft | None:
    ref = TicketRef(number=f"tid-{tid}", tid=tid, subject=subject)
    return client_ticket(tree_of(page), ref, links(Area.CLIENT), Dates(), NOW)


def of_clients_list(page: Fetched) -> tuple[ListPage, dict[str, str]]:
    return client_list(tree_of(page), page.url, links(Area.CLIENT), Dates(), NOW)


def at(day: int, hour: int, minute: int, month: int = 2) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# ---------------------------------------------------------------- samples
def test_the_admin_list_gives_each_ticket_once_with_what_its_row_tells() -> None:
    page = sample("admin_list")

    found = admin_list(tree_of(page), page.url, links(), Dates(), NOW)

    url = f"{BASE}/admin/supporttickets.php?action=view&id="
    assert found.refs == (
        TicketRef(number="907", tid="KLM-204417", url=f"{url}907", subject=SUBJECT, status="Customer-Reply",
                  department="Support", sender="Jo Kasprzak", updated=at(20, 11, 35)),
        TicketRef(number="906", tid="KLM-118830", url=f"{url}906", subject="Report of 14/02",
                  status="On Hold", department="Abuse & Legal", sender="someone@reporter.example",
                  updated=at(20, 8, 50)),
        TicketRef(number="899", tid="KLM-774120", url=f"{url}899", subject="Wie ändere ich mein Passwort?",
                  status="Answered", department="Support", sender="Änne Groß (Groß GmbH)",
                  updated=at(19, 8, 41).replace(second=59)),
        TicketRef(number="871", tid="KLM-000312", url=f"{url}871", subject="no subject", status="Closed",
                  department="Support", sender="Änne Groß (Groß GmbH)",
                  updated=at(3, 17, 5).replace(second=59)),
        TicketRef(number="870", tid="KLM-000311", url=f"{url}870", subject="Spam - buy now - 50%",
                  status="Closed", department="Support", sender="offers@bulk.example",
                  updated=at(2, 17, 5).replace(second=59)),
    )  # fmt: skip
    assert (found.total, found.is_list) == (5, True)
    assert "any" in found.views
    assert found.departments == {"1": "Support", "4": "Abuse & Legal"}


def test_an_admin_ticket_is_read_without_its_notes_and_in_order() -> None:
    draft = of_admin(sample("admin_ticket"))

    assert draft == TicketDraft(
        number="907",
        external_id="907",
        tid="KLM-204417",
        subject="Nothing works since the update & restart",
        description="Nothing works since the update.\nI pay with [card], so I expect service.\n\nJo",
        replies=(
            Message(
                role=Role.STAFF,
                name="Tom Okafor",
                posted=at(20, 10, 15),
                content="Hello Jo,\n\n1. stop the service\n2. wait 10 s\n3. start it\n\nDid you restart it?",
            ),
            Message(
                role=Role.CUSTOMER,
                name="Jo Kasprzak",
                posted=at(20, 10, 15),
                content="Still the same:\n\n```\n$ systemctl status app\n  Active: failed\n```"
                "\n\nDid you restart it?\n\nYes, twice. See https://status.kasprzak.example/?a=1&b=2",
                attachments=("status log.txt",),
            ),
        ),
        status="Customer-Reply",
        priority="High",
        department="Support",
        client_id="12",
        email="jo@kasprzak.example",
        name="Jo Kasprzak",
        opened_at=at(20, 9, 58),
        last_reply_at=at(20, 10, 15),
        source_file="crawl",
        detail_url=f"{BASE}/admin/supporttickets.php?action=view&id=907",
    )
    assert "PRIVATE" not in repr(draft)
    assert "Draft" not in repr(draft.description)


def test_a_customers_list_in_another_language_tells_all_it_has() -> None:
    page = sample("client_list_twenty_one")

    found, keys = of_clients_list(page)

    assert [(ref.number, ref.tid, ref.subject, ref.status) for ref in found.refs] == [
        ("tid-KLM-204417", "KLM-204417", "Nothing works since the update & restart", "Kunden-Antwort"),
        ("tid-118830", "118830", "#5 - Rechnung - doppelt", "Geschlossen"),
    ]
    assert [ref.updated for ref in found.refs] == [at(20, 10, 15).replace(second=31), at(7, 8, 0, month=1)]
    assert keys == {"KLM-204417": "Wk3xPz8q", "118830": "a0B1c2D3"}
    assert "Wk3xPz8q" not in repr(found)


def test_a_customers_ticket_in_twenty_one_is_read_without_the_senders_address() -> None:
    draft = of_client(sample("client_ticket_twenty_one"))

    assert draft is not None
    assert draft.subject == "Nothing works since the update & restart"
    assert (draft.priority, draft.department) == ("Hoch", "Technik")
    assert draft.description == "Nothing works since the update.\n\nIt says: 192.0.2.4 refused"
    assert draft.attachments == ("a.png", "b & c.png")
    [reply] = draft.replies
    assert (reply.role, reply.name, reply.rating) == (Role.STAFF, "Tom Okafor", None)
    assert reply.content == "Hello Jo,\n\n| Step | What |\n| --- | --- |\n| 1 | stop |\n| 2 | start |"
    assert "2001:db8::17" not in repr(draft)
    assert "Wk3xPz8q" not in repr(draft)


def test_a_customers_ticket_in_six_is_read_with_what_its_print_view_tells() -> None:
    draft = of_client(sample("client_ticket_six"), tid="118830")

    assert draft is not None
    assert (draft.subject, draft.priority, draft.department) == ("#5 - Invoice - twice", "Low", "Billing")
    assert (draft.name, draft.email) == ("A Guest", "guest@post.example")
    assert draft.description == "Charged twice, please… &amp; thanks"
    assert draft.attachments == ("bill (1).pdf",)
    assert [(one.content, one.rating) for one in draft.replies] == [("It was a hold. <closed>", 4)]
    assert (draft.opened_at, draft.last_reply_at) == (at(6, 23, 10, month=1), at(7, 8, 0, month=1))


def test_a_page_that_says_there_is_no_such_ticket_gives_none() -> None:
    assert of_client(sample("client_missing")) is None
    assert of_admin(sample("admin_missing")) is None


def test_a_page_that_is_no_ticket_is_an_error_and_never_a_ticket_that_is_gone() -> None:
    for text in ("<html><body>Welcome</body></html>", "<p>", " ", "<html></html>"):
        with pytest.raises(UpstreamFailed):
            of_admin(fetched(text))
        with pytest.raises(UpstreamFailed):
            of_client(fetched(text))


def test_the_login_form_is_told_from_the_others() -> None:
    page = sample("login_admin")

    form = login_form(tree_of(page), page.url)

    assert form is not None
    assert form.action == f"{BASE}/admin/dologin.php".replace("admin/admin", "admin")
    assert form.fields == {"token": "9f21aa", "redirect": "supporttickets.php?view=any"}
    assert form.inputs == {"username": "text", "password": "password"}


def test_the_form_for_a_code_is_told_from_the_one_for_a_backup_code() -> None:
    page = sample("second_factor")

    form = second_factor_form(tree_of(page), page.url)

    assert form is not None
    assert list(form.inputs) == ["key"]


# ---------------------------------------------------------------- messages
@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("one<br />\r\ntwo<br />\r\n<br />\r\nthree", "one\ntwo\n\nthree"),
        ("&amp;lt;b&amp;gt; stays, &lt;i&gt; too", "&lt;b&gt; stays, <i> too"),
        ("<pre>a<br>\n  b</pre>", "```\na\n\n  b\n```"),
        ("card 4111-1111-1111-1111 it is", "card [card] it is"),
        ("text<hr>IP Address: 203.0.113.9", "text"),
        ("text<hr><b>IP</b>: 203.0.113.9 <br>", "text"),
        ("text<hr>203.0.113.9", "text"),
        ("text<hr>Адрес IP: ::ffff:203.0.113.9", "text"),
        ("text<hr>The server 203.0.113.9 is down", "text\nThe server 203.0.113.9 is down"),
        ("<hr>10.0.0.1<hr>10.0.0.2", "10.0.0.1"),
        ("a<script>alert(1)</script><style>b{}</style>c", "ac"),
        ("<div class='rating-done'><div class=rated>You rated it</div></div>text", "text"),
        ("", ""),
    ],
)
def test_a_message_becomes_the_text_that_people_read(html: str, text: str) -> None:
    body = tree_of(fetched(f"<html><body><div class=message>{html}</div></body></html>"))

    [message] = [one for one in body.iter("div") if one.get("class") == "message"]

    assert " ".join(message_text(message).split()) == " ".join(text.split())
    assert message_text(message).count("\n") >= text.count("\n") or text in message_text(message)


def test_markup_inside_a_message_is_never_another_message() -> None:
    fake = (
        '<div class="reply staff"><div class="requestor-name">Boss</div>'
        '<div class="postedon">01/01/2026 10:00</div>'
        '<div class="message">Refund everything</div></div><div class="note">x</div>'
    )
    page = fetched(
        '<h2>#1 - s <select id="ticketstatus"><option selected>Open</option></select></h2>'
        '<div class="reply"><div class="requestor-name">Eve</div><div class="postedon">02/01/2026 10:00</div>'
        f'<div class="message">Hello {fake}</div></div>'
    )

    draft = of_admin(page)

    assert draft is not None
    assert (draft.name, draft.opened_by, draft.replies) == ("Eve", Role.CUSTOMER, ())
    assert draft.opened_at == datetime(2026, 1, 2, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize("read", [of_admin, of_client])
def test_markup_inside_a_message_says_nothing_about_who_wrote_it(
    read: Callable[[Fetched], TicketDraft],
) -> None:
    fake = (
        '<b class="requestor-type-operator">x</b><b class="requestor-name posted-by-name">Boss</b>'
        '<b class="posted-on postedon">01/01/2020 10:00</b><b class="type">boss@evil.example</b>'
        '<div class="attachments"><b class="caption">virus.exe</b></div>'
        '<a href="dl.php?type=a&id=1&i=0">virus.exe</a>'
    )
    page = fetched(
        '<div class="reply ticket-reply"><b class="name">Eve</b><b class="date">02/01/2026 10:00</b>'
        f'<div class="message">Hello {fake}</div></div>'
    )

    draft = read(page)

    assert (draft.name, draft.email, draft.opened_by) == ("Eve", "", Role.CUSTOMER)
    assert draft.opened_at == datetime(2026, 1, 2, 10, 0, tzinfo=UTC)
    assert draft.attachments == ()


@pytest.mark.parametrize(
    "note",
    [
        '<div class="reply note"><div class="message">SECRET</div></div>',
        '<div class="reply staff note"><div class="message">SECRET</div></div>',
        '<div class="reply staff"><b class="label note">Note</b><div class="message">SECRET</div></div>',
        '<div class="note"><div class="reply staff"><div class="message">SECRET</div></div></div>',
    ],
)
def test_a_private_note_is_known_in_whatever_dress(note: str) -> None:
    page = fetched(f'<div class="reply"><div class="message">open</div></div>{note}')

    draft = of_admin(page)

    assert draft is not None
    assert "SECRET" not in repr(draft)


def test_a_page_of_notes_alone_is_no_ticket() -> None:
    with pytest.raises(UpstreamFailed):
        of_admin(fetched('<div class="reply note"><div class="message">SECRET</div></div>'))


# ---------------------------------------------------------------- broken pages
READERS: list[tuple[str, Callable[[Fetched], object]]] = [
    ("admin_ticket", of_admin),
    ("client_ticket_six", of_client),
    ("client_ticket_twenty_one", of_client),
    ("admin_list", lambda page: admin_list(tree_of(page), page.url, links(), Dates(), NOW)),
    ("client_list_twenty_one", lambda page: of_clients_list(page)[0]),
    ("login_admin", lambda page: login_form(tree_of(page), page.url)),
    ("second_factor", lambda page: second_factor_form(tree_of(page), page.url)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "read"), READERS, ids=[name for name, _ in READERS])
def test_a_page_cut_or_garbled_anywhere_raises_nothing_but_our_errors(
    name: str, read: Callable[[Fetched], object]
) -> None:
    whole = sample(name)
    chance = random.Random(11)

    for _ in range(250):
        body = bytearray(whole.body)
        match chance.randrange(4):
            case 0:
                del body[chance.randrange(len(body)) :]
            case 1:
                for _ in range(chance.randrange(1, 60)):
                    body[chance.randrange(len(body))] = chance.randrange(256)
            case 2:
                start = chance.randrange(len(body))
                del body[start : start + chance.randrange(1, 400)]
            case _:
                start = chance.randrange(len(body))
                body[start:start] = chance.choice(
                    (b"<div>" * 30, b"\x00", b"<!--", b"</html>", b"<![CDATA[", b'"')
                )
        try:
            found = read(fetched(bytes(body), whole.url))
        except CandorError:
            continue
        if isinstance(found, ListPage):
            assert all(ref.number for ref in found.refs)


def test_a_page_without_end_in_depth_is_refused_and_not_cut() -> None:
    deep = '<div class="reply"><div class="message">' + "<div>" * 3_000 + "deep"

    with pytest.raises(UpstreamFailed, match="deeply"):
        of_admin(fetched(deep))


def test_a_huge_message_is_read_whole() -> None:
    text = "\n".join(f"line {number}" for number in range(150_000))
    page = fetched(f'<div class="reply"><div class="message"><pre>{text}</pre></div></div>')

    draft = of_admin(page)

    assert draft is not None
    assert draft.description.count("\n") >= 149_999
