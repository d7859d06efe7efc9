"""API: a helpdesk read through WHMCS's own interface, which is what it is for."""

import html
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from candor.errors import NotFound, Refused, UpstreamFailed
from candor.sources.web_decoding import decoded_page
from candor.tickets.values import Message, Role, TicketDraft
from candor.whmcs.site.asking import Site, redirect_of
from candor.whmcs.site.choosing import chosen, is_all_older
from candor.whmcs.site.dates import Dates
from candor.whmcs.site.drafting import Posted, attached, draft_of, in_order, label, plain
from candor.whmcs.site.values import Access, Listed, TicketRef

PAGE: Final = 100
"""Tickets of one request of the list."""
_MAX_TICKETS: Final = 5_000_000
_GONE: Final = ("not found", "invalid ticket")
_UNKNOWN: Final = (
    "WHMCS does not know this api_identifier and api_secret. It is not tried again: make a new pair under "
    "System Settings > API Credentials."
)
_ROLE: Final = (
    "The role of these API credentials may not do that: give it GetTickets and GetTicket, for drafts as "
    "notes AddTicketNote too, under System Settings > API Credentials > API Roles."
)
_LETS_NOBODY_IN: Final = {
    "invalid ip": (
        "WHMCS does not take API requests from this machine's address: add it under System Settings > "
        "General Settings > Security > API IP Access Restriction."
    ),
    "authentication failed": _UNKNOWN,
    "invalid or missing credentials": _UNKNOWN,
    "access key": "WHMCS wants an API access key besides: allow this machine's address there instead.",
    "permissions": _ROLE,
    "access denied": _ROLE,
    "banned": "WHMCS has banned this address for a while, as it does after several bad logins.",
}
"""What its error messages hold, and what a person can do about them."""


class ApiHelpdesk:
    """`Helpdesk` over `includes/api.php`."""

    way = "api"
    session = ""

    def __init__(self, site: Site, access: Access, dates: Dates) -> None:
        self._site = site
        self._access = access
        self._dates = dates
        self._refused = ""

    def listed(self, *, page_token: str = "", since: datetime | None = None) -> Listed:
        start = int(page_token) if page_token.isdigit() and int(page_token) < _MAX_TICKETS else 0
        said = self._asked(
            "GetTickets", limitstart=str(start), limitnum=str(PAGE), ignore_dept_assignments="true"
        )
        entries = _entries(said.get("tickets"), "ticket")
        refs = [ref for entry in entries if (ref := self._ref(entry)) is not None]
        names = {_text(entry.get("deptid")): _text(entry.get("deptname")) for entry in entries}
        departments = tuple(names.get(name, name) for name in self._access.departments)
        kept, left_out = chosen(refs, replace(self._access, departments=departments), since)
        total = _number(said.get("totalresults"))
        after = start + len(entries)
        is_last = (
            not entries or (total is not None and after >= total) or is_all_older(refs, self._access, since)
        )
        return Listed(refs=kept, next=None if is_last else str(after), left_out=left_out, total=total)

    def ticket(self, ref: TicketRef) -> TicketDraft | None:
        try:
            said = self._asked("GetTicket", ticketid=ref.number, repliessort="ASC")
        except _Gone:
            return None
        if _text(said.get("ticketid")) not in ("", ref.number):
            return None  # Merged into another one, which the list has itself.
        posted = [self._posted(entry) for entry in _entries(said.get("replies"), "reply")]
        if not posted:
            raise UpstreamFailed("WHMCS gave the ticket without a single message.")
        # The ticket's own message has the number 0 among its replies, whatever their dates.
        opening = [one for one in posted if one.number == 0][:1]
        rest = in_order([one for one in posted if one not in opening])
        # Names stand with the ticket for clients, with the request for guests.
        named = _text(said.get("name")) or _text(said.get("requestor_name")) or _text(said.get("owner_name"))
        email = _text(said.get("email")) or _text(said.get("requestor_email"))
        client = _text(said.get("userid"))
        return draft_of(
            [*opening, *rest],
            number=ref.number,
            tid=_text(said.get("tid")) or ref.tid,
            subject=_text(said.get("subject")) or ref.subject,
            status=_text(said.get("status")) or ref.status,
            priority=_text(said.get("priority")),
            department=_text(said.get("deptname")) or ref.department,
            client_id="" if client == "0" else client,
            name=named,
            email=email,
            detail_url=self._site.links.detail_url(id=ref.number),
        )

    def add_note(self, number: str, text: str) -> None:
        """
        A private note on the ticket of that number, in Markdown: staff see it, the customer does not.

        The only thing we ever write there. `NotFound` when there is no such ticket.
        """
        try:
            self._asked("AddTicketNote", ticketid=number, message=text, markdown="true")
        except _Gone as error:
            raise NotFound("There is no such ticket in WHMCS any more.") from error

    def has_note(self, number: str, mark: str) -> bool:
        """Whether a note of the ticket holds that text; `NotFound` as `add_note`."""
        try:
            said = self._asked("GetTicket", ticketid=number)
        except _Gone as error:
            raise NotFound("There is no such ticket in WHMCS any more.") from error
        notes = _entries(said.get("notes"), "note")
        return any(mark in _text(note.get("message"), lines=True) for note in notes)

    def _ref(self, entry: Mapping[str, Any]) -> TicketRef | None:
        number = _text(entry.get("id")) or _text(entry.get("ticketid"))
        if not number.isdigit():
            return None
        names = (_text(entry.get(key)) for key in ("name", "email", "requestor_name", "requestor_email"))
        return TicketRef(
            number=number,
            tid=_text(entry.get("tid")),
            subject=label(_text(entry.get("subject"))),
            status=label(_text(entry.get("status"))),
            department=label(_text(entry.get("deptname"))),
            sender=label(" ".join(dict.fromkeys(filter(None, names)))),
            updated=self._dates.moment(_text(entry.get("lastreply")), latest=True),
        )

    def _posted(self, entry: Mapping[str, Any]) -> Posted:
        is_staff = bool(_text(entry.get("admin"))) or _text(entry.get("requestor_type")).lower() == "operator"
        name = _text(entry.get("admin")) if is_staff else ""
        rating = _number(entry.get("rating")) or 0
        message = Message(
            role=Role.STAFF if is_staff else Role.CUSTOMER,
            content=plain(_text(entry.get("message"), lines=True)),
            name=name or _text(entry.get("name")) or _text(entry.get("requestor_name")),
            posted=self._dates.moment(_text(entry.get("date"))),
            attachments=_attachments(entry),
            rating=rating if 1 <= rating <= 5 else None,
        )
        number = _number(entry.get("replyid", entry.get("id")))
        return Posted(message=message, email=_text(entry.get("email")), number=number)

    def _asked(self, action: str, **more: str) -> Mapping[str, Any]:
        if self._refused:
            raise Refused(self._refused)
        form = {
            "action": action,
            "identifier": self._access.api_identifier,
            "secret": self._access.api_secret,
            "responsetype": "json",
            **more,
        }
        answer = self._site.post(self._site.links.api_url(), form)
        if target := redirect_of(answer):
            self._site.inside(target)
            raise UpstreamFailed(
                f"The API redirects to {target[:200]}: set base_url to where it really is, https:// included."
            )
        said = _json(decoded_page(answer.body, answer.headers))
        if said is None:
            if answer.status in (404, 410):
                raise Refused(
                    "There is no includes/api.php below base_url: it has to be the folder WHMCS lies in."
                )
            if answer.status == 403:
                raise Refused(
                    "The web server refuses the API (status 403): let this machine's address in there."
                )
            raise UpstreamFailed("The API did not answer in JSON.")
        if _text(said.get("result")).lower() == "error":
            self._judge(label(_text(said.get("message")))[:300])
        return said

    def _judge(self, message: str) -> None:
        lowered = message.lower()
        for words, sentence in _LETS_NOBODY_IN.items():
            if words in lowered:
                self._refused = f"{sentence} (It says: {message})"
                raise Refused(self._refused)
        if any(words in lowered for words in _GONE):
            raise _Gone(f"The API answered with an error: {message}")
        raise UpstreamFailed(f"The API answered with an error: {message or 'it does not say which'}")


class _Gone(UpstreamFailed):
    """There is no such ticket, where one was asked for."""


def _json(text: str) -> Mapping[str, Any] | None:
    """The object in an answer, whatever PHP has written before it."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        said, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _entries(value: Any, name: str) -> list[Mapping[str, Any]]:
    """`{"ticket": [...]}`, which is a blank text when there are none, and at times one object for one."""
    if isinstance(value, Mapping):
        value = value.get(name, [])
    if isinstance(value, Mapping):
        value = [value]
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: Any, *, lines: bool = False) -> str:
    """A field as text; the database holds HTML entities, decoded here and nowhere else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = html.unescape(str(value))
    return text if lines else " ".join(text.split())


def _number(value: Any) -> int | None:
    text = _text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 13 else None


def _attachments(entry: Mapping[str, Any]) -> tuple[str, ...]:
    listed = entry.get("attachments")
    if isinstance(listed, list) and listed:
        names = [one.get("filename") if isinstance(one, Mapping) else one for one in listed]
        return tuple(filter(None, (label(_text(name)) for name in names)))
    return attached(_text(entry.get("attachment")))
