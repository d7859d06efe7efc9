"""
Conversation rows: how conversations and their messages lie in the table, and how they come back.

| row | pk | sk |
|---|---|---|
| a conversation's value | `conversation#<id>` | `#` |
| a message | `conversation#<id>` | `message#<number, eight digits>` |
| the same message's number, by its id | `conversation#<id>` | `id#<message id>` |
| that a customer spoke in it | `conversation#<id>` | `who#<customer's key>` |
"""

import json
import zlib
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model

from candor.adapters.dynamodb_lists import shard_of
from candor.answering.values import Citation, Decision
from candor.conversations.values import Conversation, Message, SourceType, Speaker

LIST_SHARDS: Final = 4
"""For each kind of source: one key of the API may make every conversation there is."""

_MOST_BYTES: Final = 360_000
"""DynamoDB refuses items over 400 KB; attribute names and keys count too."""


class _ByCreated(GlobalSecondaryIndex["ConversationRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_created"
        projection = KeysOnlyProjection()

    list_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _ByPrincipal(GlobalSecondaryIndex["ConversationRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_principal"
        projection = KeysOnlyProjection()

    principal_shard = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _BySource(GlobalSecondaryIndex["ConversationRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_source"
        projection = IncludeProjection(["principal"])

    source_key = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class _ByCustomer(GlobalSecondaryIndex["ConversationRow"]):  # type: ignore[no-untyped-call]
    class Meta:
        index_name = "by_customer"
        projection = KeysOnlyProjection()

    customer = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class ConversationRow(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    body = BinaryAttribute(legacy_encoding=False, null=True)
    """zlib of what no index and no condition looks at, as JSON."""
    principal = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    list_shard = UnicodeAttribute(null=True)
    principal_shard = UnicodeAttribute(null=True)
    source_key = UnicodeAttribute(null=True)
    revision = NumberAttribute(null=True)
    deleted = BooleanAttribute(null=True)
    number = NumberAttribute(null=True)
    customer = UnicodeAttribute(null=True)
    rating = NumberAttribute(null=True)
    comment = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)
    by_created = _ByCreated()
    by_principal = _ByPrincipal()
    by_source = _BySource()
    by_customer = _ByCustomer()


def row_of(rows: type[ConversationRow], conversation: Conversation) -> ConversationRow:
    shard = shard_of(conversation.conversation_id, LIST_SHARDS)
    kind = conversation.source_type.value
    row = rows(
        pk_of(conversation.conversation_id),
        "#",
        body=_packed(_conversation_fields(conversation)),
        principal=conversation.principal,
        created_at=_written(conversation.created_at),
        revision=conversation.revision,
        expires_at=_until(conversation.expires_at),
    )
    if conversation.deleted:
        row.deleted = True
    else:
        row.list_shard = f"{kind}#{shard}"
        row.principal_shard = f"{conversation.principal}#{kind}#{shard}"
        row.source_key = f"{kind}#{conversation.source_id}"
    return row


def message_row(rows: type[ConversationRow], message: Message) -> ConversationRow:
    body = _packed(_message_fields(message))
    if len(body) > _MOST_BYTES:
        body = _packed(_message_fields(message) | {"debug": {}})
    return rows(
        pk_of(message.conversation_id),
        place_of(message.number),
        body=body,
        number=message.number,
        rating=message.rating,
        comment=message.comment or None,
        expires_at=_until(message.expires_at),
    )


def id_row(rows: type[ConversationRow], message: Message) -> ConversationRow:
    pk, until = pk_of(message.conversation_id), _until(message.expires_at)
    return rows(pk, f"id#{message.message_id}", number=message.number, expires_at=until)


def customer_row(rows: type[ConversationRow], conversation: Conversation, customer: str) -> ConversationRow:
    pk, until = pk_of(conversation.conversation_id), _until(conversation.expires_at)
    return rows(pk, f"who#{customer}", customer=customer, expires_at=until)


def pk_of(conversation_id: str) -> str:
    return f"conversation#{conversation_id}"


def place_of(number: int) -> str:
    return f"message#{number:08d}"


def _written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")


def _until(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())


def _packed(fields: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(fields, ensure_ascii=False, default=str).encode("utf-8", "replace"), 6)


def _conversation_fields(conversation: Conversation) -> dict[str, Any]:
    fields = asdict(conversation)
    for name in ("created_at", "updated_at", "lease_until", "expires_at"):
        fields[name] = None if fields[name] is None else _written(fields[name])
    return fields | {"customers": sorted(conversation.customers)}


def conversation_of(row: ConversationRow) -> Conversation:
    fields: dict[str, Any] = json.loads(zlib.decompress(row.body or b""))
    for name in ("created_at", "updated_at", "lease_until", "expires_at"):
        fields[name] = None if fields[name] is None else datetime.fromisoformat(fields[name])
    fields |= {
        "source_type": SourceType(fields["source_type"]),
        "customers": frozenset(fields["customers"]),
    }
    known = Conversation.__dataclass_fields__
    return Conversation(**{name: value for name, value in fields.items() if name in known})


def _message_fields(message: Message) -> dict[str, Any]:
    fields = asdict(message)
    for name in ("created_at", "expires_at"):
        fields[name] = None if fields[name] is None else _written(fields[name])
    del fields["rating"], fields["comment"]
    return fields


def message_of(row: ConversationRow) -> Message:
    fields: dict[str, Any] = json.loads(zlib.decompress(row.body or b""))
    for name in ("created_at", "expires_at"):
        fields[name] = None if fields[name] is None else datetime.fromisoformat(fields[name])
    fields |= {
        "speaker": Speaker(fields["speaker"]),
        "decision": Decision(fields["decision"]) if fields["decision"] else None,
        "citations": tuple(Citation(**each) for each in fields["citations"]),
        "followup_questions": tuple(fields["followup_questions"]),
        "rating": None if row.rating is None else int(row.rating),
        "comment": row.comment or "",
    }
    known = Message.__dataclass_fields__
    return Message(**{name: value for name, value in fields.items() if name in known})
