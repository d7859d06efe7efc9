"""
Replying: a message comes in, is kept, and is answered once.

`hear` keeps the user's message, durably and in order, before anything is written. `reply` then answers all
that waits, together: whoever holds the lease writes for everybody, the others wait for what is written. The
two stand apart so that an answer can also be streamed between them.
"""

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from candor.accounts import Principal
from candor.answering.snapshots import Answers, Snapshot
from candor.answering.values import Answer, Left, Question, Tell, Turn
from candor.conversations import values
from candor.conversations.access import Access
from candor.conversations.handing_over import handed_over, silence
from candor.conversations.leases import Renewing
from candor.conversations.persons import is_courtesy, wants_person
from candor.conversations.values import Conversation, Message, Speaker, Told
from candor.errors import Conflict, NotFound, Unavailable
from candor.redaction import mask_cards
from candor.sessions import KEPT_TURNS

logger = logging.getLogger(__name__)

WAIT_SECONDS: Final = 15.0
"""For an answer that another request is writing. Then there are still 14 of the API's 29 seconds."""

STREAM_WAIT_SECONDS: Final = 75.0
"""The same for a reader who is told that somebody is still there: an answer that is told may take 60."""

_OVERTAKEN_AT_MOST: Final = 1
"""Answers dropped because more was said while they were written: the next one is told in any case."""

_JOINED_AT_MOST: Final = 100
_JOINED_LETTERS: Final = 20_000
"""Of what waits the latest is answered: more than that is no question any more."""

_LOOK_EVERY: Final = 0.1
_NAMESPACE: Final = uuid.UUID("2f1a4f0e-6a3d-5b57-9f0f-6d7c0c1f4c11")

_UNREADABLE: Final = {number: None for number in range(32) if chr(number) not in "\t\n\r"}
"""Control characters: nobody sees them, and in JSON each takes seven bytes of what Lambda may answer."""


class Answering(Protocol):
    """From a question to an answer one can check."""

    def answer(self, question: Question, *, tell: Tell | None = None) -> Answer: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """A user's message that has been kept."""

    message: Message
    principal: Principal
    turn: Conversation | None = None
    """Set: nobody was writing, and it is the sender's turn, in the run that this names."""


class Replying:
    """
    Answers messages of conversations.

    Messages that come while an answer is written are answered together: when they came in time the answer
    under way is dropped for one to all of them, otherwise the next answer is to all that wait. Each sender is
    told the answer to the own message. A worker that is killed loses nothing: its messages wait, and whoever
    writes next, or asks again under the same idempotency key, answers them.
    """

    def __init__(
        self,
        *,
        access: Access,
        answering: Answering,
        snapshots: Answers,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = access
        self._store = access.store
        self._answering = answering
        self._snapshots = snapshots
        self._monotonic = monotonic

    def send(
        self,
        conversation_id: str,
        content: str,
        *,
        principal: Principal,
        customer: str | None = None,
        trace_id: str = "",
        key: str = "",
    ) -> Told:
        """
        Keep a message and answer it. The same again under the same `key` is the same message.

        `NotFound`; `Unavailable` when others are being answered for too long: the message is kept.
        """
        heard = self.hear(
            conversation_id, content, principal=principal, customer=customer, trace_id=trace_id, key=key
        )
        return self.reply(heard)

    def hear(
        self,
        conversation_id: str,
        content: str,
        *,
        principal: Principal,
        customer: str | None = None,
        trace_id: str = "",
        key: str = "",
    ) -> Heard:
        """Keep a user's message. Who asks for a person is handed over in the same moment."""
        text = mask_cards(content.translate(_UNREADABLE).strip())
        who = f"{principal.principal_id}\n{customer or ''}\n{conversation_id}\n{key}"
        message_id = str(uuid.uuid5(_NAMESPACE, who) if key else uuid.uuid4())
        hands_over, maybe_known, run = wants_person(text), bool(key), uuid.uuid4().hex

        def attempt() -> Heard:
            nonlocal maybe_known
            before = self._access.seen(conversation_id, principal)
            if maybe_known and (known := self._known(conversation_id, message_id)):
                return Heard(message=known, principal=principal, turn=before if before.run == run else None)
            maybe_known = True  # A write whose answer was lost may have been done all the same.
            now, keep = self._access.clock(), self._access.keep
            after, message = values.heard(
                before,
                message_id=message_id,
                content=text,
                external_user_id=customer,
                trace_id=trace_id,
                now=now,
                keep=keep,
            )
            if after.owner is None and hands_over:
                asked = Question(
                    text=text,
                    history=self._last_turns(before),
                    principal=principal.principal_id,
                    external_user_id=customer,
                    trace_id=trace_id,
                    conversation_id=conversation_id,
                )
                answer, snapshot = handed_over(asked, now)
                last = after.message_count
                after, told = values.answered(
                    after, answer, answers_to=last, trace_id=trace_id, now=now, keep=keep
                )
                self._store.change(before, after, message, told)
                self._kept(snapshot)
                return Heard(message=message, principal=principal)
            free = after.owner is None and not before.is_being_answered(now)
            if free:
                after = values.claimed(after, run, now)
            self._store.change(before, after, message)
            return Heard(message=message, principal=principal, turn=after if free else None)

        return self._access.persistently(attempt)

    def reply(self, heard: Heard, *, tell: Tell | None = None) -> Told:
        """
        The answer to a message that was heard: written here, or waited for.

        `tell` is told what is written here as it may be shown; the answer itself is kept before this returns.
        Once it raises `Left` the answer ends with what was told, or is left to whoever is writing it: then
        `Left` is raised here, too.
        """
        number, turn = heard.message.number, heard.turn
        ends = self._monotonic() + (WAIT_SECONDS if tell is None else STREAM_WAIT_SECONDS)
        while True:
            if turn is not None:
                answer = self._write(turn, heard, tell)
                if answer is not None and values.covering([answer], number):
                    return Told(heard=heard.message, answer=answer)
            now = self._access.seen(heard.message.conversation_id, heard.principal)
            if now.settled >= number or now.owner is not None:
                return self._told(now, heard)
            if self._monotonic() > ends:
                raise Unavailable(
                    "Earlier messages of this conversation are still being answered. Yours is kept, and is "
                    "answered with the next one or when it is sent again with the same Idempotency-Key.",
                    retry_after=3,
                )
            if tell is not None:
                tell("")
            if now.is_being_answered(self._access.clock()):
                self._access.pause(_LOOK_EVERY)
                turn = None
            else:
                turn = self._claim(now)

    def _claim(self, now: Conversation) -> Conversation | None:
        """The conversation in one's own turn; None if somebody else was quicker."""
        after = values.claimed(now, uuid.uuid4().hex, self._access.clock())
        try:
            self._store.change(now, after)
        except Conflict:
            return None
        return after

    def _write(self, turn: Conversation, heard: Heard, tell: Tell | None) -> Message | None:
        """Answer all that waits; None when the turn was lost meanwhile."""
        conversation_id, run, left = turn.conversation_id, turn.run, _OVERTAKEN_AT_MOST
        ends = self._monotonic() + WAIT_SECONDS / 2
        with Renewing(access=self._access, conversation_id=conversation_id, run=run) as lease:
            listener = _Listener(tell, lease) if tell is not None else None
            while True:
                # Once the reader has left, others who wait for the same answer still want all of it.
                listening = listener is not None and not listener.left
                try:
                    question = self._question(turn, heard)
                    answer = self._answering.answer(question, tell=listener if listening else None)
                except BaseException:
                    self._give_back(conversation_id, run)
                    raise
                drops = left > 0 and self._monotonic() < ends
                told, later = self._conclude(turn, answer, heard, drops=drops)
                if later is None:
                    return told
                turn, left = later, left - 1

    def _conclude(
        self, turn: Conversation, answer: Answer, heard: Heard, *, drops: bool
    ) -> tuple[Message | None, Conversation | None]:
        """
        Keep the answer, which is returned; neither, when the turn was lost.

        Or the conversation as it is now, when more was said meanwhile and the answer may be dropped for that.
        """
        known = [turn]  # Most of the time it is still so, and need not be read again.

        def attempt() -> tuple[Message | None, Conversation | None]:
            now = known.pop() if known else self._still_there(turn.conversation_id, answer, heard)
            if now.run != turn.run:
                return None, None
            if drops and now.message_count > turn.message_count:
                return None, now
            after, told = values.answered(
                now,
                answer,
                answers_to=turn.message_count,
                trace_id=heard.message.trace_id,
                now=self._access.clock(),
                keep=self._access.keep,
            )
            self._store.change(now, after, told)
            return told, None

        return self._access.persistently(attempt)

    def _still_there(self, conversation_id: str, answer: Answer, heard: Heard) -> Conversation:
        try:
            return self._access.seen(conversation_id, heard.principal)
        except NotFound:
            # Deleted while it was being answered: of that nothing is to stay.
            self._snapshots.erase([answer.answer_id])
            raise

    def _give_back(self, conversation_id: str, run: str) -> None:
        def attempt() -> None:
            now = self._store.get(conversation_id)
            if now.run == run:
                self._store.change(now, values.abandoned(now))

        try:
            self._access.persistently(attempt)
        except (NotFound, Unavailable):
            logger.warning("lease not given back")  # It ends by itself in seconds.

    def _question(self, now: Conversation, heard: Heard) -> Question:
        """All that waits as one question, after the last turns before it."""
        first = max(now.settled, now.message_count - _JOINED_AT_MOST) + 1 - KEPT_TURNS
        messages = self._store.messages(now.conversation_id, first=first, last=now.message_count)
        live = [
            message
            for message in messages
            if message.content and not self._access.is_over(message.expires_at)
        ]
        waiting = [m for m in live if m.speaker is Speaker.USER and m.number > now.settled]
        earlier = [m for m in live if m not in waiting]
        return Question(
            text=_joined([message.content for message in waiting]),
            history=tuple(Turn(role=m.speaker.value, content=m.content) for m in earlier[-KEPT_TURNS:]),
            principal=heard.principal.principal_id,
            external_user_id=heard.message.external_user_id,
            trace_id=heard.message.trace_id,
            conversation_id=now.conversation_id,
        )

    def _told(self, now: Conversation, heard: Heard) -> Told:
        number = heard.message.number
        for first in range(number + 1, now.message_count + 1, 50):
            part = self._store.messages(now.conversation_id, first=first, last=first + 49)
            if answer := values.covering(part, number):
                return Told(heard=heard.message, answer=answer)
        return Told(heard=heard.message, answer=silence(heard.message))

    def _kept(self, snapshot: Snapshot) -> None:
        try:
            self._snapshots.keep(snapshot)
        except Unavailable:
            # The asker is told all the same; what is lost is only the record.
            logger.warning("snapshot lost", extra={"answer_id": snapshot.answer_id})

    def _last_turns(self, now: Conversation) -> tuple[Turn, ...]:
        last = self._store.messages(now.conversation_id, first=now.message_count - 1, last=now.message_count)
        return tuple(Turn(role=m.speaker.value, content=m.content) for m in last)

    def _known(self, conversation_id: str, message_id: str) -> Message | None:
        try:
            return self._store.find(conversation_id, message_id)
        except NotFound:
            return None


class _Listener:
    """Hands on what is told, until the reader has left or what is written will not be told any more."""

    def __init__(self, tell: Tell, lease: Renewing) -> None:
        self._tell = tell
        self._lease = lease
        self.left = False

    def __call__(self, text: str) -> None:
        try:
            if self._lease.lost:
                raise Left
            self._tell(text)
        except Left:
            self.left = True
            raise


def _joined(said: Sequence[str]) -> str:
    """Several messages as one; among them a bare greeting says nothing."""
    telling = [text for text in said if not is_courtesy(text)] or list(said)
    return "\n".join(telling)[-_JOINED_LETTERS:]
