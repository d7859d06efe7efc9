"""Drafting: what was read of a ticket, put in order, as a `TicketDraft`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from candor.redaction import mask_cards
from candor.sources.records import tidy
from candor.tickets.values import WHMCS, Message, Role, TicketDraft

SOURCE: Final = "crawl"
_MAX_NAME: Final = 200
_MAX_SUBJECT: Final = 500
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Posted:
    """One message as it was met."""

    message: Message
    email: str = ""
    number: int | None = None
    """A later one has the higher number, where the page tells them."""


def is_turned(posted: Sequence[Posted]) -> bool | None:
    """Whether the newest stands first; None where these messages do not tell."""
    dates = [one.message.posted for one in posted if one.message.posted is not None]
    numbers = [one.number for one in posted if one.number is not None]
    if dates and dates[0] != dates[-1]:
        return dates[0] > dates[-1]
    return numbers[0] > numbers[-1] if len(numbers) > 1 else None


def in_order(posted: Sequence[Posted], *, turned: bool = False) -> list[Posted]:
    """
    By date. A page may show the newest first, and its dates may be whole minutes: messages of one minute
    keep the page's order, turned round where the page is.
    """
    listed = list(posted)
    if turned:
        listed.reverse()
    # One without a date stays behind the one it follows.
    keyed: list[tuple[datetime, Posted]] = []
    for one in listed:
        before = keyed[-1][0] if keyed else _BEGINNING
        keyed.append((one.message.posted or before, one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]


def draft_of(
    posted: Sequence[Posted],
    *,
    number: str,
    external_id: str = "",
    tid: str = "",
    subject: str = "",
    status: str = "",
    priority: str = "",
    department: str = "",
    client_id: str = "",
    email: str = "",
    name: str = "",
    detail_url: str = "",
) -> TicketDraft:
    """The ticket of these messages, which are in order, the first one its description; at least one."""
    opening, *replies = [_clean(one.message) for one in posted]
    customers = [one for one in posted if one.message.role == Role.CUSTOMER]
    dates = [one.message.posted for one in posted if one.message.posted is not None]
    return TicketDraft(
        helpdesk=WHMCS,
        number=number,
        external_id=external_id or number,
        tid=tid,
        subject=label(subject)[:_MAX_SUBJECT],
        description=opening.content,
        opened_by=opening.role,
        attachments=opening.attachments,
        replies=tuple(replies),
        status=label(status),
        priority=label(priority),
        department=label(department),
        client_id=client_id,
        email=label(email or next((one.email for one in customers if one.email), ""))[:_MAX_NAME],
        name=label(name or next((one.message.name for one in customers if one.message.name), ""))[:_MAX_NAME],
        opened_at=opening.posted,
        last_reply_at=max(dates, default=None),
        source_file=SOURCE,
        detail_url=detail_url,
    )


def label(text: str) -> str:
    """A name, a subject, a status: one line, card numbers masked."""
    return mask_cards(" ".join(tidy(text).split()))


def plain(text: str) -> str:
    """
    A message as it was typed, as it may be kept. Blanks within it stay, as they do where a dump is read: the
    same ticket should say the same, whichever way it comes.
    """
    return mask_cards(_CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip())


_PREFIX: Final = re.compile(r"^\d{6}_")


def attached(joined: str) -> tuple[str, ...]:
    """File names as the database joins them: `123456_name.png|654321_b.txt`."""
    return tuple(label(_PREFIX.sub("", one)) for one in joined.split("|") if one.strip())


def _clean(message: Message) -> Message:
    return replace(
        message,
        name=label(message.name)[:_MAX_NAME],
        attachments=tuple(label(one)[:_MAX_NAME] for one in message.attachments),
    )
