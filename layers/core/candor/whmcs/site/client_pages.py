"""Client pages: the ticket list and a ticket as customers see them, in the themes six and twenty-one."""

import re
from datetime import datetime
from typing import Any, Final
from urllib.parse import urljoin

from candor.errors import UpstreamFailed
from candor.tickets.values import Message, Role, TicketDraft
from candor.whmcs.site.dates import Dates
from candor.whmcs.site.drafting import Posted, draft_of, in_order, is_turned, label
from candor.whmcs.site.links import Links
from candor.whmcs.site.lists import ListPage, cells_of, total_of
from candor.whmcs.site.trees import (
    attachments_of,
    first,
    has_class,
    message_text,
    outermost,
    rating_of,
    with_class,
    words,
)
from candor.whmcs.site.values import TicketRef

_TABLE: Final = "tableTicketsList"
_ONCLICK: Final = re.compile(r"""viewticket\.php\?[^'"\s]{1,200}""")
_NUMBER: Final = re.compile(r"^#\s*(\S{1,64})\s*(?:[-–—]\s*)?")
_ADDRESS: Final = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,190}")


def number_of(tid: str) -> str:
    """What stands for a ticket's key where only its public number is shown."""
    return f"tid-{tid}"


def client_list(
    root: Any, page_url: str, links: Links, dates: Dates, now: datetime
) -> tuple[ListPage, dict[str, str]]:
    """The list (its script shows ten rows, the page has all), and each ticket's key by its tid."""
    rows: dict[str, tuple[Any, str]] = {}
    keys: dict[str, str] = {}
    for anchor in root.iter("a", "tr"):
        href = anchor.get("href") or ""
        if anchor.tag == "tr" and (match := _ONCLICK.search(anchor.get("onclick") or "")):
            href = match[0]
        link = links.ticket(href, page_url) if href else None
        if link is None:
            continue
        row = (
            anchor
            if anchor.tag == "tr"
            else next((one for one in anchor.iterancestors() if one.tag == "tr"), anchor)
        )
        text = words(first(row, "ticket-subject")) if anchor.tag == "tr" else words(anchor)
        known = rows.get(link.tid)
        rows[link.tid] = (row, max(known[1] if known else "", _NUMBER.sub("", text), key=len))
        keys.setdefault(link.tid, link.key)
    found = {tid: cells_of(row) for tid, (row, _) in rows.items()}
    dates.learn((cells.updated for cells in found.values()), now=now)
    refs = tuple(
        TicketRef(
            number=number_of(tid),
            tid=tid,
            url=links.detail_url(tid=tid),
            subject=label(subject),
            status=label(found[tid].status),
            department=label(found[tid].department),
            updated=dates.moment(found[tid].updated, now=now, latest=True),
        )
        for tid, (_, subject) in rows.items()
    )
    has_more = any(
        links.is_list(url) and "page=" in url
        for url in (urljoin(page_url, one.get("href") or "") for one in root.iter("a"))
    )
    is_list = bool(refs) or any(table.get("id") == _TABLE for table in root.iter("table"))
    return ListPage(refs=refs, total=total_of(root), is_list=is_list, has_more=has_more), keys


def client_ticket(root: Any, ref: TicketRef, links: Links, dates: Dates, now: datetime) -> TicketDraft | None:
    """The ticket on a page; None where it says that there is none. `UpstreamFailed` for any other page."""
    replies = [one for one in outermost(root, "ticket-reply") if not has_class(one, "note")]
    if not replies:
        if first(root, "alert-danger") is not None:
            return None
        raise UpstreamFailed(
            "The page is not one that the themes six and twenty-one show a ticket on: nothing was read."
        )
    dates.learn((_posted(one) for one in replies), now=now)
    listed = [_message(one, dates, now) for one in replies]
    if (turned := is_turned(listed)) is not None:
        dates.newest_first = turned
    posted = in_order(listed, turned=dates.newest_first is True)
    facts = _facts(root)
    return draft_of(
        posted,
        number=number_of(ref.tid),
        external_id=ref.tid,
        tid=ref.tid,
        subject=facts.get("subject") or ref.subject,
        status=ref.status,
        priority=facts.get("priority", ""),
        department=facts.get("department") or ref.department,
        detail_url=links.detail_url(tid=ref.tid),
    )


def _posted(reply: Any) -> str:
    return words(first(reply, "posted-on", "date", outside=first(reply, "message")))


def _message(reply: Any, dates: Dates, now: datetime) -> Posted:
    body = first(reply, "message")
    if body is None:
        raise UpstreamFailed(
            "A message on the page has no text where WHMCS puts it: nothing was read from it."
        )
    badge = first(reply, "requestor-type-operator", outside=body)
    kind = words(first(reply, "type", outside=body))
    message = Message(
        role=Role.STAFF if has_class(reply, "staff") or badge is not None else Role.CUSTOMER,
        content=message_text(body),
        name=words(first(reply, "posted-by-name", "name", outside=body)),
        posted=dates.moment(_posted(reply), now=now),
        attachments=tuple(attachments_of(reply, body)),
        rating=rating_of(reply),
    )
    return Posted(message=message, email=kind if _ADDRESS.fullmatch(kind) else "")


def _facts(root: Any) -> dict[str, str]:
    """What the page tells besides: six in a box for printing, twenty-one above and beside the messages."""
    for box in with_class(root, "visible-print-block"):
        told = [column for column in box.iter("div") if any(one.tag == "b" for one in column)]
        if len(told) >= 4:
            _, subject, priority, department = (_below(one, "b") for one in told[:4])
            return {"subject": subject, "priority": priority, "department": department}
    facts: dict[str, str] = {}
    card = first(root, "view-ticket")
    strong = (
        next((one for line in card.iter("p") for one in line.iter("strong")), None)
        if card is not None
        else None
    )
    if strong is not None:
        facts["subject"] = words(strong)
    for element in root.iter():
        if isinstance(element.tag, str):
            name = (element.get("id") or "").rpartition("Ticket_Information-")[2]
            if name in ("Priority", "Department") and name != element.get("id"):
                facts[name.lower()] = _below(element, "span")
    return facts


def _below(element: Any, heading: str) -> str:
    """The words of an element without those of its heading."""
    title = next(iter(element.iter(heading)), None)
    whole = words(element)
    return whole.removeprefix(words(title)).strip() if title is not None else whole
