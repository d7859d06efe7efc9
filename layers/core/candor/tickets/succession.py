"""
Succession: what a ticket is after a draft of it was put, the same in every store.

A draft's blanks keep what is known, the same again changes nothing, and what a person decided stays.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from candor.documents import Change
from candor.errors import Invalid
from candor.redaction import mask_cards, mask_cards_in
from candor.tickets.values import Approval, Message, Talk, Ticket, TicketDraft
from candor.tickets.worth import worth_of

EXCERPT: Final = 500

MAX_SUBJECT: Final = 2_000
"""Letters. What is longer was no subject: it is kept at the head of the description."""

MAX_FIELD: Final = 1_000
"""Letters of a name, an address, a status and the like."""

MAX_METADATA: Final = 40_000
"""Bytes of whatever else the source told: a row has 400 KB, and lists carry it."""

MAX_NAME: Final = 200
"""Letters of what a ticket is called: an index's key has 2 KB."""

MOST_DRAFTS: Final = 1_000
"""Of one `put`."""

_TOLD_APART: Final = ("metadata", "opened_by", "attachments", "reckoned")

_MOST_MERGED: Final = 2_000
_TOO_LARGE: Final = "[too large]"


def prepared(draft: TicketDraft) -> TicketDraft:
    """
    The draft as it may be stored: no card number in it, nothing that UTF-8 cannot write, fields of a size
    that a row can hold. Doing it twice is doing it once.
    """
    if draft.reckoned and draft.reckoned.is_prepared:
        return draft
    subject, description = _text(draft.subject), _text(draft.description)
    if len(subject) > MAX_SUBJECT:
        subject, description = f"{subject[: MAX_SUBJECT - 1]}…", f"{subject}\n\n{description}"
    return replace(
        draft,
        number=called(draft.number),
        external_id=called(draft.external_id),
        tid=called(draft.tid),
        subject=subject,
        description=description,
        status=_short(draft.status),
        priority=_short(draft.priority),
        department=_short(draft.department),
        client_id=_short(draft.client_id),
        email=_short(draft.email),
        name=_short(draft.name),
        merged=tuple(map(called, draft.merged[:_MOST_MERGED])),
        source_file=_writable(draft.source_file),
        detail_url=_writable(draft.detail_url)[:MAX_SUBJECT],
        attachments=tuple(map(_text, draft.attachments)),
        replies=tuple(map(_message, draft.replies)),
        opened_at=_zoned(draft.opened_at),
        last_reply_at=_zoned(draft.last_reply_at),
        metadata=_metadata(draft.metadata),
    )


def together(drafts: Sequence[TicketDraft]) -> tuple[Sequence[str], dict[str, TicketDraft]]:
    """The tickets' ids in the order of their drafts, and what each of them is told in all, prepared."""
    if len(drafts) > MOST_DRAFTS:
        raise Invalid(f"At most {MOST_DRAFTS} tickets are put at once.")
    ids: list[str] = []
    whole: dict[str, TicketDraft] = {}
    for draft in map(prepared, drafts):
        ids.append(draft.ticket_id)
        before = whole.get(ids[-1])
        whole[ids[-1]] = merged(before, draft) if before else draft
    return ids, whole


def called(name: str) -> str:
    """
    A number or another name of a ticket, as it is stored and looked for. It is not masked: a ticket must be
    met again under it. One too long for a key ends in its checksum.
    """
    name = _writable(name.strip())
    if len(name) <= MAX_NAME:
        return name
    return f"{name[:100]}…{hashlib.sha256(name.encode()).hexdigest()}"


def merged(known: TicketDraft, told: TicketDraft) -> TicketDraft:
    """What is known, and on top of it what is told; both of the same ticket."""
    said = {
        f.name: value for f in fields(told) if f.name not in _TOLD_APART and (value := getattr(told, f.name))
    }
    if told.description:
        said["opened_by"] = told.opened_by
    if told.attachments:
        said["attachments"] = told.attachments
    kept = {key: value for key, value in told.metadata.items() if value not in (None, "", [], {})}
    # What was reckoned of either is not what both say.
    return replace(known, **said, metadata={**known.metadata, **kept}, reckoned=None)


def as_new(draft: TicketDraft) -> TicketDraft:
    """A prepared draft as it is stored where nothing is known of its ticket."""
    return draft if draft.external_id else replace(draft, external_id=draft.number)


def draft_of(ticket: Ticket, talk: Talk) -> TicketDraft:
    """The draft that would put this ticket as it is."""
    return TicketDraft(
        helpdesk=ticket.helpdesk,
        number=ticket.number,
        external_id=ticket.external_id,
        tid=ticket.tid,
        subject=ticket.subject,
        description=talk.description,
        opened_by=ticket.opened_by,
        attachments=talk.attachments,
        replies=talk.replies,
        status=ticket.status,
        priority=ticket.priority,
        department=ticket.department,
        client_id=ticket.client_id,
        email=ticket.email,
        name=ticket.name,
        opened_at=ticket.opened_at,
        last_reply_at=ticket.last_reply_at,
        merged=ticket.merged,
        source_file=ticket.source_file,
        detail_url=ticket.detail_url,
        metadata=ticket.metadata,
    )


def talk_of(draft: TicketDraft) -> Talk:
    return Talk(description=draft.description, attachments=draft.attachments, replies=draft.replies)


def succession(
    current: Ticket | None,
    known: Callable[[], Talk],
    draft: TicketDraft,
    *,
    approval: Approval,
    now: datetime,
) -> tuple[Ticket, Talk | None, Change]:
    """
    The row after a prepared draft is put where `current` stands, and its talk; None where that stays.

    The very same object when nothing is to be written. `known` tells what was said so far.
    """
    if current is None:
        whole = as_new(draft)
        return _ticket(whole, None, approval=approval, now=now), talk_of(whole), Change.CREATED

    whole = merged(draft_of(current, known()), draft)
    if whole.checksum != current.checksum:
        return _ticket(whole, current, approval=current.approval, now=now), talk_of(whole), Change.UPDATED
    if current.withdrawn:
        # Back as it was: nothing new was said, and yet it may become knowledge again.
        back = _again(current, whole, now)
        return replace(back, withdrawn=False), None, Change.UPDATED
    if current.source_file != whole.source_file:
        return _again(current, whole, now), None, Change.UNCHANGED
    return current, None, Change.UNCHANGED


def _again(current: Ticket, whole: TicketDraft, now: datetime) -> Ticket:
    revision = current.revision + 1
    return replace(current, source_file=whole.source_file, updated_at=now, revision=revision)


def _ticket(whole: TicketDraft, current: Ticket | None, *, approval: Approval, now: datetime) -> Ticket:
    return Ticket(
        ticket_id=current.ticket_id if current else whole.ticket_id,
        helpdesk=whole.helpdesk,
        number=whole.number,
        external_id=whole.external_id,
        tid=whole.tid,
        subject=whole.subject,
        excerpt=whole.description[:EXCERPT],
        opened_by=whole.opened_by,
        messages=1 + len(whole.replies),
        status=whole.status,
        priority=whole.priority,
        department=whole.department,
        client_id=whole.client_id,
        email=whole.email,
        name=whole.name,
        merged=whole.merged,
        source_file=whole.source_file,
        detail_url=whole.detail_url,
        metadata=whole.metadata,
        approval=approval,
        decided_by=current.decided_by if current else None,
        worth=whole.reckoned.worth if whole.reckoned else worth_of(whole).score,
        checksum=whole.reckoned.checksum if whole.reckoned else whole.checksum,
        version=current.version + 1 if current else 1,
        created_at=whole.opened_at or (current.created_at if current else now),
        updated_at=max(now, whole.last_reply_at or now),
        opened_at=whole.opened_at,
        last_reply_at=whole.last_reply_at,
        arrived_at=current.arrived_at if current else now,
        revision=current.revision + 1 if current else 1,
    )


def _message(message: Message) -> Message:
    return replace(
        message,
        content=_text(message.content),
        name=_short(message.name),
        posted=_zoned(message.posted),
        attachments=tuple(map(_text, message.attachments)),
    )


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What is too large for a row goes, the largest first, and leaves a word where it was."""
    cleaned: dict[str, Any] = {_writable(str(key)): _clean(value) for key, value in metadata.items()}
    masked: dict[str, Any] = mask_cards_in(cleaned)
    sizes = {key: len(f"{key}{value}".encode()) for key, value in masked.items()}
    while sum(sizes.values()) > MAX_METADATA:
        largest = max(sizes, key=lambda key: sizes[key])
        if len(largest) > MAX_NAME or masked[largest] == _TOO_LARGE:
            del masked[largest], sizes[largest]
        else:
            masked[largest], sizes[largest] = _TOO_LARGE, len(f"{largest}{_TOO_LARGE}".encode())
    return masked


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _writable(value)
    if isinstance(value, Mapping):
        return {_writable(str(key)): _clean(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value if isinstance(value, int | float | None) else _writable(str(value))


def _short(text: str) -> str:
    return _text(text.strip())[:MAX_FIELD]


def _text(text: str) -> str:
    return mask_cards(_writable(text))


def _writable(text: str) -> str:
    """Without NUL and lone surrogates."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _zoned(moment: datetime | None) -> datetime | None:
    """In UTC; one without a zone was meant so."""
    if moment is None:
        return None
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:  # The first or the last day there is: nobody's clock.
        return moment.replace(tzinfo=UTC)
