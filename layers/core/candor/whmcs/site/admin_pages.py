"""Admin pages: the ticket list and a ticket of the admin area, read."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

from candor.errors import UpstreamFailed
from candor.tickets.values import Message, Role, TicketDraft
from candor.whmcs.site.dates import Dates
from candor.whmcs.site.drafting import Posted, draft_of, in_order, is_turned, label
from candor.whmcs.site.links import Links
from candor.whmcs.site.lists import ListPage, Row, cells_of, total_of
from candor.whmcs.site.trees import (
    attachments_of,
    first,
    has_class,
    message_text,
    outermost,
    rating_of,
    selected,
    with_class,
    words,
)
from candor.whmcs.site.values import TicketRef

_NUMBERED: Final = re.compile(r"#\s*(?P<tid>\S{1,64})\s+[-–—]\s+(?P<subject>.*)", re.DOTALL)
_BUTTONS: Final = ("a", "button")
_ALERTS: Final = ("errorbox", "alert-danger", "alert-error")
_REPLY_ID: Final = re.compile(r"(?:content|reply|ticketreply)-?r?-?(\d{1,12})")
_USER: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def admin_list(root: Any, page_url: str, links: Links, dates: Dates, now: datetime) -> ListPage:
    """A page of the list. Each ticket once, though its row links it twice."""
    rows: dict[str, tuple[Any, list[str]]] = {}
    for anchor in root.iter("a"):
        link = links.ticket(anchor.get("href") or "", page_url)
        if link is not None:
            row = next((one for one in anchor.iterancestors() if one.tag == "tr"), anchor)
            rows.setdefault(link.id, (row, []))[1].append(words(anchor))
    found = {number: cells_of(row) for number, (row, _) in rows.items()}
    dates.learn((cells.updated for cells in found.values()), now=now)
    refs = tuple(_ref(number, texts, found[number], links, dates, now) for number, (_, texts) in rows.items())
    return ListPage(
        refs=refs,
        total=total_of(root),
        views=tuple(_views(root, page_url)),
        departments=_departments(root),
        is_list=bool(refs) or _is_list(root),
    )


def _ref(number: str, texts: list[str], row: Row, links: Links, dates: Dates, now: datetime) -> TicketRef:
    told = next((match for text in texts if (match := _NUMBERED.match(text))), None)
    subject = told["subject"] if told else max(texts, key=len, default="")
    tid = told["tid"] if told else next((text[1:] for text in texts if re.fullmatch(r"#\S{1,64}", text)), "")
    return TicketRef(
        number=number,
        tid=label(tid),
        url=links.detail_url(id=number),
        subject=label(subject),
        status=label(row.status),
        department=label(row.department),
        sender=label(row.sender),
        updated=dates.moment(row.updated, now=now, latest=True),
    )


def _views(root: Any, page_url: str) -> Iterator[str]:
    """What the page's filter and its menu offer to look at."""
    for select in root.iter("select"):
        if select.get("name") == "view":
            yield from ((one.get("value") or "").strip() for one in select.iter("option"))
    for anchor in root.iter("a"):
        href = anchor.get("href") or ""
        if "view=" in href and "supporttickets.php" in urljoin(page_url, href):
            query = parse_qs(urlsplit(href).query)
            if query.keys() == {"view"}:
                yield query["view"][-1].strip()


def _departments(root: Any) -> dict[str, str]:
    selects = [one for one in root.iter("select") if one.get("name") == "deptid"]
    options = [option for select in selects for option in select.iter("option")]
    return {(one.get("value") or "").strip(): words(one) for one in options if one.get("value")}


def _is_list(root: Any) -> bool:
    """An empty one: a table that says so in a single cell, or the filter above it."""
    if any(select.get("name") == "view" for select in root.iter("select")):
        return True
    return any(
        has_class(table, "datatable") or (table.get("id") or "").startswith("sortabletbl")
        for table in root.iter("table")
    )


def admin_ticket(root: Any, ref: TicketRef, links: Links, dates: Dates, now: datetime) -> TicketDraft | None:
    """
    The ticket on a page; None where the page says that there is none. Private notes stay where they are.

    `UpstreamFailed` for a page that is no ticket's.
    """
    replies = [one for one in outermost(root, "reply") if not _is_note(one)]
    if not replies:
        if first(root, *_ALERTS) is not None:
            return None
        raise UpstreamFailed("The page is not one that WHMCS shows a ticket on: nothing was read from it.")
    dates.learn((_posted(one) for one in replies), now=now)
    listed = [_message(one, dates, now) for one in replies]
    if (turned := is_turned(listed)) is not None:
        dates.newest_first = turned
    posted = in_order(listed, turned=dates.newest_first is True)
    tid, subject = _title(root)
    opener = next((one for one in replies if _role(one) == Role.CUSTOMER), None)
    return draft_of(
        posted,
        number=ref.number,
        tid=tid or ref.tid,
        subject=subject or ref.subject,
        status=selected(root, "ticketstatus") or ref.status,
        priority=selected(root, "priority"),
        department=selected(root, "deptid") or ref.department,
        client_id=_client(opener),
        detail_url=links.detail_url(id=ref.number),
    )


def _is_note(reply: Any) -> bool:
    """Whether the staff wrote it for each other. In doubt it is: what is left out can be asked for again."""
    if any("note" in (one.get("class") or "").split() for one in (reply, *reply.iterancestors())):
        return True
    message = first(reply, "message")
    said = set(message.iter()) if message is not None else set()
    return any(one not in said for one in with_class(reply, "note"))


def _role(reply: Any) -> Role:
    badge = first(reply, "requestor-type-operator", outside=first(reply, "message"))
    return Role.STAFF if has_class(reply, "staff") or badge is not None else Role.CUSTOMER


def _posted(reply: Any) -> str:
    return words(first(reply, "postedon", "posted-on", "date", outside=first(reply, "message")))


def _message(reply: Any, dates: Dates, now: datetime) -> Posted:
    body = first(reply, "message")
    if body is None:
        raise UpstreamFailed(
            "A message on the page has no text where WHMCS puts it: nothing was read from it."
        )
    message = Message(
        role=_role(reply),
        content=message_text(body),
        name=words(first(reply, "requestor-name", "name", outside=body)),
        posted=dates.moment(_posted(reply), now=now),
        attachments=tuple(attachments_of(reply, body)),
        rating=rating_of(reply),
    )
    return Posted(message=message, email=_email(reply, body), number=_number(reply))


def _email(reply: Any, body: Any) -> str:
    said = set(body.iter())
    for anchor in reply.iter("a"):
        href = anchor.get("href") or ""
        if href.lower().startswith("mailto:") and anchor not in said:
            return href[7:].partition("?")[0]
    return ""


def _number(reply: Any) -> int | None:
    for one in reply.iter():
        if isinstance(one.tag, str) and (match := _REPLY_ID.fullmatch(one.get("id") or "")):
            return int(match[1])
    return None


def _client(reply: Any) -> str:
    """The client who wrote a message, by the link to their summary."""
    for anchor in reply.iter("a") if reply is not None else ():
        url = anchor.get("href") or ""
        if "clientssummary.php" in url:
            user = parse_qs(urlsplit(url).query).get("userid", [""])[-1]
            if _USER.fullmatch(user):
                return user
    return ""


def _title(root: Any) -> tuple[str, str]:
    """Number and subject, out of the heading beside the status."""
    headings = [one for one in root.iter("h2") if any(True for _ in one.iter("select"))]
    for select in root.iter("select"):
        if select.get("id") == "ticketstatus" and (parent := select.getparent()) is not None:
            headings += [
                *parent.iter("h2"),
                *(parent.getparent().iter("h2") if parent.getparent() is not None else ()),
            ]
    for heading in headings or root.iter("h2"):
        if match := _NUMBERED.match(words(heading, without=_BUTTONS)):
            return match["tid"], match["subject"].strip()
    return "", words(headings[0], without=_BUTTONS) if headings else ""
