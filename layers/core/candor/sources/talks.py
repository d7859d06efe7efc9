"""Talks: a record of a ticket or a conversation, as it is kept until somebody approves or rejects it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from candor.errors import Invalid
from candor.sources.html import text_of_html
from candor.sources.records import MAX_LABEL, MAX_TEXT, MAX_URL, Skipped, metadata_of, tidy
from candor.tickets.values import WHMCS, Message, Role, TicketDraft

_SPEAKER: Final = re.compile(
    r"^[ \t]*(user|customer|client|staff|agent|operator|support)[ \t]*:[ \t]*", re.IGNORECASE
)
_STAFF: Final = frozenset({"staff", "agent", "operator", "support", "admin", "assistant"})
_UNSAID: Final = frozenset({"note", "private", "internal", "system"})
"""What the staff wrote for each other is never told to a customer."""

_MARKUP: Final = re.compile(
    r"</?(?:p|br|div|b|i|strong|em|ul|ol|li|a|span|table)\b[^>]{0,300}>", re.IGNORECASE
)
_OF_THE_TICKET: Final = frozenset(
    {"replies", "opened_by", "tid", "helpdesk", "number", "department", "attachments"}
)
"""What the metadata of an export tells of the ticket itself."""

MAX_REPLIES: Final = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    role: Role
    content: str
    record: Mapping[str, Any]


def talk(record: Mapping[str, Any], *, key: str, source: Any) -> TicketDraft:
    """
    `{external_id|id, subject, description, status, …, metadata: {replies: [{role, content, …}]}}`.

    Without replies, lines of the description that begin with `Customer:`, `Staff:` and the like part it
    into messages. A file that does not name its helpdesk speaks of WHMCS.
    """
    metadata = metadata_of_ticket(record)
    helpdesk = (_plain(metadata.get("helpdesk")) or _plain(source) or WHMCS).lower()
    external_id = _plain(record.get("external_id")) or _plain(record.get("id"))
    number = _plain(metadata.get("number")) or external_id
    if not number:
        raise Invalid("The ticket has neither external_id nor id.")
    said = list(_messages(record, metadata))
    if not said:
        raise Skipped("The ticket has no message.")
    first, *replies = said
    if len(number) > MAX_LABEL or len(helpdesk) > MAX_LABEL or len(key) > MAX_URL:
        raise Invalid(f"The ticket's number is too long: it has at most {MAX_LABEL} characters.")
    if sum(len(each.content) for each in said) > MAX_TEXT or len(replies) > MAX_REPLIES:
        raise Invalid(f"The ticket is longer than {MAX_TEXT:,} characters, or than {MAX_REPLIES:,} replies.")
    return TicketDraft(
        helpdesk=helpdesk,
        number=number,
        external_id="" if external_id == number else external_id,
        tid=_plain(metadata.get("tid")) or _plain(record.get("tid")),
        subject=_plain(record.get("subject")),
        description=first.content,
        opened_by=first.role,
        attachments=_attachments(metadata.get("attachments") or first.record.get("attachments")),
        replies=tuple(_message(each) for each in replies),
        status=_plain(record.get("status")),
        priority=_plain(record.get("priority")),
        department=_plain(record.get("department")) or _plain(metadata.get("department")),
        client_id=_plain(record.get("client_id")),
        email=_plain(record.get("email")),
        name=_plain(record.get("name")),
        opened_at=_time(record.get("created_at")),
        last_reply_at=_time(record.get("last_reply_at")),
        source_file=key,
        detail_url=_plain(record.get("detail_url")),
        metadata={name: value for name, value in metadata.items() if name not in _OF_THE_TICKET},
    )


def metadata_of_ticket(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata, the replies among it; `Invalid` when the rest of it is too much for a row."""
    given = record.get("metadata")
    if not isinstance(given, dict):
        return {}
    rest = {name: value for name, value in given.items() if name != "replies"}
    return {**metadata_of(rest), "replies": given.get("replies")}


def _messages(record: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[_Said]:
    """Who said what: the description first, then the replies."""
    told = metadata.get("replies")
    replies = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    description = _words(record.get("description"))
    opened_by = _role(_plain(metadata.get("opened_by")))
    if replies:
        first = _words(replies[0].get("content"))
        # Some exports tell the whole talk in the description, some its first message, some nothing.
        if description and description != first and not _SPEAKER.search(description):
            yield _Said(role=opened_by, content=description, record={})
        for reply in replies:
            role = _plain(reply.get("role")).lower()
            content = _words(reply.get("content"))
            if content and role not in _UNSAID and not reply.get("private"):
                yield _Said(role=_role(role), content=content, record=reply)
        return
    spoken, lines = opened_by, list[str]()
    for line in description.split("\n"):
        if found := _SPEAKER.match(line):
            yield from _spoken(spoken, lines)
            spoken, lines = _role(found[1].lower()), [line[found.end() :]]
        else:
            lines.append(line)
    yield from _spoken(spoken, lines)


def _spoken(role: Role, lines: list[str]) -> Iterator[_Said]:
    if content := "\n".join(lines).strip():
        yield _Said(role=role, content=content, record={})


def _message(said: _Said) -> Message:
    rating = said.record.get("rating")
    rated = isinstance(rating, int) and not isinstance(rating, bool) and 1 <= rating <= 5
    return Message(
        role=said.role,
        content=said.content,
        name=_plain(said.record.get("name")),
        posted=_time(said.record.get("posted")),
        attachments=_attachments(said.record.get("attachments")),
        rating=rating if rated else None,
    )


def _role(word: str) -> Role:
    return Role.STAFF if word in _STAFF else Role.CUSTOMER


def _attachments(value: Any) -> tuple[str, ...]:
    return tuple(name for one in value[:100] if (name := _plain(one))) if isinstance(value, list) else ()


def _time(value: Any) -> datetime | None:
    """ISO-8601, UTC where it names no zone; nothing for anything else."""
    try:
        found = datetime.fromisoformat(_plain(value))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _words(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return tidy(text_of_html(value) if _MARKUP.search(value) else value)


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(tidy(str(value)).split())
