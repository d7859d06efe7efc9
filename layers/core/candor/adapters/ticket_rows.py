"""Ticket rows: how a ticket lies in its table, and how it is read back."""

import json
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from candor.adapters.dynamodb_lists import shard_of
from candor.tickets.values import Approval, Message, Role, Talk, Ticket

SOURCE_SHARDS: Final = 64
"""200,000 tickets of one dump are 3,000 keys in each."""

Item = Mapping[str, Mapping[str, Any]]
"""A row as DynamoDB writes it: each value under its type."""

_TEXTS: Final = (
    "ticket_id", "helpdesk", "number", "external_id", "tid", "subject", "excerpt", "status", "priority",
    "department", "client_id", "email", "name", "source_file", "detail_url", "checksum", "decided_by",
)  # fmt: skip
_NUMBERS: Final = ("messages", "worth", "version", "revision")
_MOMENTS: Final = ("created_at", "updated_at", "opened_at", "last_reply_at", "arrived_at")

ALL_BUT_BODY: Final = (
    *_TEXTS, *_NUMBERS, *_MOMENTS, "opened_by", "approval", "withdrawn", "merged", "metadata",
    "body_key", "old_texts",
)  # fmt: skip
"""What is read when nobody wants the messages: they are nine tenths of a row."""


def item_of(ticket: Ticket) -> dict[str, dict[str, Any]]:
    """The row without its messages; what is blank is not there, which keeps the indexes sparse."""
    texts = {name: getattr(ticket, name) for name in _TEXTS}
    moments = {name: moment_of(getattr(ticket, name)) for name in _MOMENTS}
    texts |= {"opened_by": ticket.opened_by.value, "approval": ticket.approval.value}
    if ticket.merged:
        texts["merged"] = json.dumps(ticket.merged, ensure_ascii=False)
    if ticket.metadata:
        texts["metadata"] = json.dumps(dict(ticket.metadata), ensure_ascii=False)
    if ticket.source_file:
        texts["source_shard"] = source_shard(ticket.source_file, shard_of(ticket.ticket_id, SOURCE_SHARDS))
    item: dict[str, dict[str, Any]] = {name: {"S": text} for name, text in (texts | moments).items() if text}
    item |= {name: {"N": str(getattr(ticket, name))} for name in _NUMBERS}
    if ticket.withdrawn:
        item["withdrawn"] = {"BOOL": True}
    return item


def ticket_from(item: Item) -> Ticket:
    texts: dict[str, Any] = {name: _text(item, name) for name in _TEXTS}
    numbers: dict[str, Any] = {name: int(item[name]["N"]) for name in _NUMBERS}
    moments: dict[str, Any] = {
        name: datetime.fromisoformat(item[name]["S"]) if name in item else None for name in _MOMENTS
    }
    return Ticket(
        **{**texts, "decided_by": texts["decided_by"] or None},
        **numbers,
        **moments,
        opened_by=Role(_text(item, "opened_by")),
        approval=Approval(_text(item, "approval")),
        merged=tuple(json.loads(_text(item, "merged") or "[]")),
        metadata=json.loads(_text(item, "metadata") or "{}"),
        withdrawn="withdrawn" in item,
    )


def source_shard(source_file: str, shard: int | str) -> str:
    return f"{source_file}#{shard}"


def moment_of(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""


def packed(talk: Talk) -> bytes:
    """What was said, compressed: prose shrinks to a third."""
    replies = [
        [
            reply.role.value,
            reply.content,
            reply.name,
            reply.posted.isoformat() if reply.posted else None,
            reply.attachments,
            reply.rating,
        ]
        for reply in talk.replies
    ]
    text = json.dumps([talk.description, talk.attachments, replies], ensure_ascii=False)
    return zlib.compress(text.encode())


def talk_from(body: bytes) -> Talk:
    description, attachments, replies = json.loads(zlib.decompress(body))
    return Talk(
        description=description,
        attachments=tuple(attachments),
        replies=tuple(
            Message(
                role=Role(role),
                content=content,
                name=name,
                posted=datetime.fromisoformat(posted) if posted else None,
                attachments=tuple(files),
                rating=rating,
            )
            for role, content, name, posted, files, rating in replies
        ),
    )


def old_texts(item: Item | None) -> list[str]:
    """Objects that the row no longer shows and that may still be there."""
    listed: Iterable[Mapping[str, Any]] = item["old_texts"]["L"] if item and "old_texts" in item else ()
    return [text["S"] for text in listed]


def _text(item: Item, name: str) -> str:
    return str(item[name]["S"]) if name in item else ""
