"""
Attending: messages of the inbox are answered in their conversations, and told where they came from.

All that waits of one chat is heard before anything is written, so that a burst is answered once; told is an
answer once too, by whichever of its messages comes first.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from candor.answering.values import Decision
from candor.conversations.access import Access
from candor.conversations.replying import Heard, Replying
from candor.conversations.values import Message
from candor.errors import Invalid, NotFound, Refused, Unavailable
from candor.inbox.store import LEASE_SECONDS, Inbox
from candor.inbox.talks import conversation_of, speaker_of
from candor.inbox.values import Claim, Incoming, Source, State
from candor.messages import MessageToAnswer

logger = logging.getLogger(__name__)


class Channel(Protocol):
    """The way back to another system."""

    def tell(self, incoming: Incoming, answer: Message, telling: "Telling") -> None:
        """
        Tell an answer to one of its messages where it came from.

        `Refused` for what will be refused every time, until somebody changes the settings; whatever else it
        raises is tried again.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """Sees to it that each part of an answer is told once, and by one."""

    inbox: Inbox
    answer_id: str

    def once(self, part: str, tell: Callable[[bool], None]) -> None:
        """
        Tell that part unless it was told. `tell` hears whether somebody began before: after a kill nobody
        knows how far they came.
        """
        claim = self.inbox.claim(self.answer_id, part)
        if claim is Claim.DONE:
            return
        if claim is Claim.TAKEN:
            raise Unavailable("This answer is being told by another worker.", retry_after=LEASE_SECONDS // 4)
        try:
            tell(claim is Claim.AGAIN)
        except BaseException:
            self.inbox.release(self.answer_id, part)
            raise
        self.inbox.told(self.answer_id, part)


class Attending:
    """Answers what lies in the inbox. A source without a channel is not told: whoever sent asks for it."""

    def __init__(
        self, *, inbox: Inbox, access: Access, replying: Replying, channels: Mapping[Source, Channel]
    ) -> None:
        self._inbox = inbox
        self._access = access
        self._replying = replying
        self._channels = channels

    def attend(self, messages: Sequence[MessageToAnswer]) -> Mapping[int, BaseException]:
        """Answer them all; by index, those that failed and why."""
        failed: dict[int, BaseException] = {}
        chats: dict[tuple[str, str, str], dict[int, Incoming]] = defaultdict(dict)
        for index, message in enumerate(messages):
            try:
                incoming = self._inbox.get(message.inbox_id)
            except NotFound:
                continue  # Its time has passed, or its customer was erased.
            except Unavailable as error:
                failed[index] = error
                continue
            if not incoming.state.settled:
                chats[incoming.source, incoming.principal, incoming.chat_id][index] = incoming
        for chat in chats.values():
            failed |= self._chat(chat)
        return failed

    def _chat(self, chat: Mapping[int, Incoming]) -> Mapping[int, BaseException]:
        failed: dict[int, BaseException] = {}
        heard: dict[int, Heard] = {}
        for index, incoming in sorted(chat.items(), key=lambda item: item[1].created_at):
            try:
                heard[index] = self._heard(incoming)
            except Exception as error:  # noqa: BLE001 - in a worker, raising is the retry: reported above
                failed[index] = error
        for index, one in heard.items():
            try:
                self._answered(chat[index], self._with_all(one) if len(heard) > 1 else one)
            except Exception as error:  # noqa: BLE001 - as above
                failed[index] = error
        return failed

    def _heard(self, incoming: Incoming) -> Heard:
        conversation_id = conversation_of(self._access, incoming)
        heard = self._replying.hear(
            conversation_id,
            incoming.text,
            principal=speaker_of(incoming),
            customer=incoming.user,
            trace_id=incoming.trace_id,
            key=incoming.inbox_id,
        )
        self._inbox.heard(incoming, conversation_id=conversation_id, number=heard.message.number)
        return heard

    def _with_all(self, heard: Heard) -> Heard:
        """The same, its turn with everything that was heard since: written is one answer to all of it."""
        if heard.turn is None:
            return heard
        now = self._access.store.get(heard.turn.conversation_id)
        return replace(heard, turn=now) if now.run == heard.turn.run else heard

    def _answered(self, incoming: Incoming, heard: Heard) -> None:
        answer = self._replying.reply(heard).answer
        # Where a person owns the conversation nothing is told, and nothing was kept.
        is_kept = bool(answer.content)
        if is_kept and (channel := self._channels.get(incoming.source)) is not None:
            telling = Telling(inbox=self._inbox, answer_id=answer.message_id)
            try:
                channel.tell(incoming, answer, telling)
            except Refused as error:
                self._inbox.settle(
                    incoming.inbox_id, State.FAILED, answer_id=answer.message_id, decision=answer.decision
                )
                # Tried again it would be refused again: it waits with its reason until somebody redrives it.
                raise Invalid(str(error)) from error
        escalated = answer.decision is Decision.ESCALATE
        self._inbox.settle(
            incoming.inbox_id,
            State.ESCALATED if escalated else State.ANSWERED,
            answer_id=answer.message_id if is_kept else "",
            decision=answer.decision,
        )
        logger.info(
            "message settled",
            extra={"inbox_id": incoming.inbox_id, "source": incoming.source.value, "escalated": escalated},
        )
