"""Talks: the one conversation of a chat of another system."""

import uuid
from typing import Final

from candor.accounts import Means, Principal
from candor.conversations.access import Access
from candor.conversations.values import Conversation, SourceType
from candor.errors import Conflict, NotFound, Unavailable
from candor.inbox.values import Incoming, Source
from candor.redaction import mask_cards_in
from candor.sessions import customer_key

_NAMESPACE: Final = uuid.UUID("b0f9c1f4-3a0e-5c55-8c0e-1e2b8ad0c7f3")
_GENERATIONS: Final = 50
_TOLD_OF: Final = ("subject", "department", "ticket")
"""Details of a message that people who look at the conversation want to see."""


def speaker_of(incoming: Incoming) -> Principal:
    """For whom a conversation is kept: the key that brought the message, without what else it may do."""
    return Principal(principal_id=incoming.principal, means=Means.NOTHING)


def conversation_of(access: Access, incoming: Incoming) -> str:
    """
    The id of the chat's conversation, which is begun if there is none.

    Its id follows from the chat, so that two messages at once begin one. One that was deleted, or whose time
    has passed, is followed by another.
    """
    chat = f"{incoming.source.value}\n{incoming.principal}\n{incoming.chat_id}"
    for generation in range(_GENERATIONS):
        conversation_id = str(uuid.uuid5(_NAMESPACE, f"{chat}\n{generation}"))
        try:
            found = access.store.get(conversation_id)
        except NotFound:
            _begin(access, incoming, conversation_id)
            return conversation_id
        if not found.deleted and not access.is_over(found.expires_at):
            return conversation_id
    raise Unavailable("The conversations of this chat are still being removed. Try again.", retry_after=60)


def _begin(access: Access, incoming: Incoming, conversation_id: str) -> None:
    now = access.clock()
    told = {name: incoming.details[name] for name in _TOLD_OF if incoming.details.get(name)}
    conversation = Conversation(
        conversation_id=conversation_id,
        principal=incoming.principal,
        source_type=SourceType.TICKET if incoming.source is Source.WHMCS else SourceType.LIVECHAT,
        source_id=f"{incoming.source.value}:{incoming.chat_id}",
        metadata=mask_cards_in({"integration": incoming.source.value, **told}),
        created_at=now,
        updated_at=now,
        customers=frozenset({customer_key(incoming.user)}) if incoming.user else frozenset(),
        expires_at=now + access.keep if access.keep else None,
    )
    try:
        access.store.add(conversation)
    except Conflict:
        return  # Another message of the chat was quicker.
