"""Service: conversations are opened, shown, described, handed to a person and back, rated, and deleted."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from candor.accounts import Principal
from candor.conversations import values
from candor.conversations.access import Access
from candor.conversations.values import Conversation, Message, Page, SourceType, Speaker
from candor.errors import Invalid, NotFound
from candor.redaction import mask_cards, mask_cards_in
from candor.sessions import customer_key
from candor.tickets.proposing import CONTENT, Proposing
from candor.tickets.values import Role, Ticket

_PROPOSED_MESSAGES: Final = 200


class Conversing:
    """What can be done with a conversation beside answering it. One of somebody else's is `NotFound`."""

    def __init__(self, *, access: Access, proposing: Proposing) -> None:
        self._access = access
        self._store = access.store
        self._proposing = proposing

    def open(
        self,
        *,
        principal: Principal,
        source_type: SourceType,
        source_id: str,
        metadata: Mapping[str, Any],
        customer: str | None = None,
    ) -> Conversation:
        """A new one each time: one ticket may be talked about more than once."""
        now, keep = self._access.clock(), self._access.keep
        conversation = Conversation(
            conversation_id=str(uuid.uuid4()),
            principal=principal.principal_id,
            source_type=source_type,
            source_id=source_id,
            metadata=mask_cards_in(dict(metadata)),
            created_at=now,
            updated_at=now,
            customers=frozenset({customer_key(customer)}) if customer else frozenset(),
            expires_at=now + keep if keep else None,
        )
        self._store.add(conversation)
        return conversation

    def list(
        self,
        principal: Principal,
        *,
        page: int,
        page_size: int,
        source_type: SourceType | None,
        source_id: str | None,
    ) -> tuple[Sequence[Conversation], int]:
        """One's own, newest first; an admin's are everybody's."""
        found, total = self._store.list(
            page=page,
            page_size=page_size,
            principal=None if principal.is_admin else principal.principal_id,
            source_type=source_type,
            source_id=source_id,
        )
        return [each for each in found if not self._access.is_over(each.expires_at)], total

    def show(self, conversation_id: str, principal: Principal, *, page: int, page_size: int) -> Page:
        conversation = self._access.seen(conversation_id, principal)
        messages, gone = self._page(conversation, 0, page, page_size), 0
        if len(messages) < min(page_size, max(0, conversation.message_count - (page - 1) * page_size)):
            # The first ones have aged away: pages begin with what is left.
            oldest = self._store.oldest(conversation_id, now=self._access.clock())
            gone = oldest - 1 if oldest else conversation.message_count
            messages = self._page(conversation, gone, page, page_size)
        return Page(conversation=conversation, messages=messages, total=conversation.message_count - gone)

    def _page(self, conversation: Conversation, gone: int, page: int, page_size: int) -> Sequence[Message]:
        first = gone + (page - 1) * page_size + 1
        last = min(first + page_size - 1, conversation.message_count)
        found = self._store.messages(conversation.conversation_id, first=first, last=last)
        return [message for message in found if not self._access.is_over(message.expires_at)]

    def describe(
        self, conversation_id: str, principal: Principal, metadata: Mapping[str, Any]
    ) -> Conversation:
        """Replace its metadata."""
        told = mask_cards_in(dict(metadata))
        return self._changed(
            conversation_id, principal, lambda before: values.described(before, told, self._access.clock())
        )

    def take_over(self, conversation_id: str, principal: Principal) -> Conversation:
        """From now on the assistant is silent here, even if it was about to say something."""
        person = principal.principal_id
        return self._changed(
            conversation_id, principal, lambda before: values.taken_over(before, person, self._access.clock())
        )

    def release(self, conversation_id: str, principal: Principal) -> Conversation:
        """The assistant answers again, from the next message on. One that nobody owns stays as it is."""
        return self._changed(
            conversation_id,
            principal,
            lambda before: before if before.owner is None else values.released(before, self._access.clock()),
        )

    def delete(self, conversation_id: str, principal: Principal) -> None:
        """It and its messages. What the assistant is writing into it meanwhile is not kept."""

        def attempt() -> None:
            before = self._store.get(conversation_id)
            if not principal.is_admin and principal.principal_id != before.principal:
                raise NotFound("There is no such conversation.")
            if not before.deleted:
                self._store.change(before, values.removed(before))

        self._access.persistently(attempt)
        self._store.delete(conversation_id)

    def rate(
        self, conversation_id: str, message_id: str, principal: Principal, *, rating: int, comment: str
    ) -> Ticket | None:
        """
        Keep what the asker thinks of an answer, 1 to 5; the last word counts.

        What went well becomes a proposal: the pending ticket that it has become, if it has.
        """
        conversation = self._access.seen(conversation_id, principal)
        message = self._store.find(conversation_id, message_id)
        if self._access.is_over(message.expires_at):
            raise NotFound("There is no such message.")
        if message.speaker is not Speaker.ASSISTANT:
            raise Invalid("Only an answer of the assistant can be rated: this message is the user's.")
        self._store.rate(conversation_id, message.number, rating=rating, comment=mask_cards(comment))
        if rating < CONTENT:
            return None
        last = conversation.message_count
        said = self._store.messages(conversation_id, first=last + 1 - _PROPOSED_MESSAGES, last=last)
        turns = [
            (Role.CUSTOMER if each.speaker is Speaker.USER else Role.STAFF, each.content, each.created_at)
            for each in said
            if each.content
        ]
        subject = conversation.metadata.get("subject")
        return self._proposing.propose(
            conversation_id, turns, rating=rating, subject=subject if isinstance(subject, str) else ""
        )

    def _changed(
        self, conversation_id: str, principal: Principal, change: Callable[[Conversation], Conversation]
    ) -> Conversation:
        def attempt() -> Conversation:
            before = self._access.seen(conversation_id, principal)
            after = change(before)
            if after is not before:
                self._store.change(before, after)
            return after

        return self._access.persistently(attempt)
