"""
Erasing: everything of one customer is removed, wherever it lies.

A customer is known by what an integration called them (`X-External-User-Id`). The job, its message and the
indexes speak of the hash of that alone (`sessions.customer_key`): what is left afterwards names nobody.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

from candor.answering.snapshots import Answers
from candor.conversations import values
from candor.conversations.access import Access
from candor.conversations.values import Conversation, Message, Speaker
from candor.errors import NotFound
from candor.jobs import Job, Jobs, JobStatus
from candor.messages import CustomerToErase, Queue
from candor.sessions import Sessions, customer_key
from candor.tickets.proposing import HELPDESK
from candor.tickets.values import ticket_id_of

KIND: Final = "erase"

LOOK_AGAIN_SECONDS: Final = 30
"""After which a last look is taken: no request lives longer that was answering them meanwhile."""

_CONVERSATIONS: Final = 20
_ANSWERS: Final = 100
_MESSAGES: Final = 100
_NOTHING: Final[Mapping[str, int]] = {"conversations": 0, "messages": 0, "answers": 0, "turns": 0}


class Proposals(Protocol):
    """Tickets, and what was learned of them."""

    def drop(self, ticket_ids: Sequence[str]) -> None: ...


class Letters(Protocol):
    """What other systems' customers wrote, before it is answered."""

    def forget_customer(self, customer: str) -> int: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureDesk:
    """Takes the order. The customer's name ends here."""

    jobs: Jobs
    queue: Queue

    def begin(self, external_user_id: str, *, created_by: str) -> Job:
        """A job that erases them. Nobody of that name is no error: the job says how much there was."""
        customer = customer_key(external_user_id)
        job = self.jobs.start(kind=KIND, subject=f"customer {customer[:12]}", created_by=created_by)
        self.jobs.progress(job.job_id, checkpoint={"customer": customer, "looks": 0, **_NOTHING})
        self.queue.send(CustomerToErase(job_id=job.job_id))
        return job


class Erasing:
    """
    Carries the order out, in steps that each end durably: killed anywhere, the next delivery goes on.

    It ends with a look that finds nothing, half a minute after everything was gone: what was being written
    meanwhile, and what the indexes were late to show, is found then.
    """

    def __init__(
        self,
        *,
        access: Access,
        answers: Answers,
        sessions: Sessions,
        proposals: Proposals,
        letters: Letters,
        jobs: Jobs,
        queue: Queue,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._access = access
        self._store = access.store
        self._answers = answers
        self._sessions = sessions
        self._proposals = proposals
        self._letters = letters
        self._jobs = jobs
        self._queue = queue
        self._now = now

    def go_on(self, job_id: str, *, seconds: float) -> Job:
        """Erase for about so long; sends the message for what is left, and ends the job when nothing is."""
        job = self._jobs.get(job_id)
        ends = self._now().timestamp() + seconds
        while not job.status.ended:
            if "customer" not in job.checkpoint or self._now().timestamp() >= ends:
                self._queue.send(CustomerToErase(job_id=job_id))
                return job
            found = self._step(str(job.checkpoint["customer"]))
            empty = not any(found.values())
            job = self._counted(job, found, empty=empty)
            if empty and job.checkpoint["looks"] >= 2:
                result = {"status": "ok", **{name: job.checkpoint[name] for name in _NOTHING}}
                return self._jobs.finish(job_id, JobStatus.SUCCEEDED, result=result)
            if empty:
                self._queue.send(CustomerToErase(job_id=job_id), delay_seconds=LOOK_AGAIN_SECONDS)
                return job
        return job

    def _counted(self, job: Job, found: Mapping[str, int], *, empty: bool) -> Job:
        was: dict[str, Any] = dict(job.checkpoint)
        counted = {name: was[name] + found[name] for name in _NOTHING}
        looks = was["looks"] + 1 if empty else 0
        done = sum(found.values())
        return self._jobs.progress(
            job.job_id, done=done, total=done, checkpoint=was | counted | {"looks": looks}
        )

    def _step(self, customer: str) -> Mapping[str, int]:
        """Some of everything; how much of each was found."""
        found = Counter(_NOTHING)
        # What is not answered yet goes first: nobody is to answer it after all.
        found["messages"] += self._letters.forget_customer(customer)
        for conversation_id in self._store.of_customer(customer, limit=_CONVERSATIONS):
            # What was learned of it goes first: it is the only part that others are told.
            self._proposals.drop([ticket_id_of(HELPDESK, conversation_id)])
            conversation = self._access.persistently(partial(self._hidden, conversation_id, customer))
            if conversation is not None:
                found["conversations"] += 1
                found.update(self._forget(conversation, customer))
            # The index may be late: what is gone already is counted once.
            self._store.forget_customer(conversation_id, customer)
        found["answers"] += self._answers.erase(self._answers.of_customer(customer, limit=_ANSWERS))
        found["turns"] = self._sessions.forget_customer(customer)
        return found

    def _forget(self, conversation: Conversation, customer: str) -> Mapping[str, int]:
        """The whole conversation, unless another customer spoke in it too: then what this one said in it."""
        if conversation.deleted:
            return {"messages": self._store.delete(conversation.conversation_id)}
        return self._blank(conversation, customer)

    def _hidden(self, conversation_id: str, customer: str) -> Conversation | None:
        """The conversation, if there is one, made invisible if nobody else spoke in it."""
        try:
            before = self._store.get(conversation_id)
        except NotFound:
            return None
        if before.deleted or before.customers - {customer}:
            return before
        after = values.removed(before)
        self._store.change(before, after)
        return after

    def _blank(self, conversation: Conversation, customer: str) -> Mapping[str, int]:
        """What the customer said, every answer to it, and what others' answers remember of it."""
        conversation_id, gone, own = conversation.conversation_id, Counter[str](), set[int]()
        for first in range(1, conversation.message_count + 1, _MESSAGES):
            part = self._store.messages(conversation_id, first=first, last=first + _MESSAGES - 1)
            for message in part:
                if message.customer == customer:
                    own.add(message.number)
                elif not _answers_any(message, own):
                    continue
                self._store.blank(conversation_id, message.number)
                gone["messages"] += 1
            # A snapshot holds the turns before its question, whoever's they were.
            after = [m.message_id for m in part if own and m.speaker is Speaker.ASSISTANT]
            gone["answers"] += self._answers.erase(after)
        self._access.persistently(lambda: self._leave(conversation_id, customer))
        return gone

    def _leave(self, conversation_id: str, customer: str) -> None:
        try:
            before = self._store.get(conversation_id)
        except NotFound:
            return
        if customer in before.customers:
            self._store.change(before, values.without_customer(before, customer))


def _answers_any(message: Message, numbers: set[int]) -> bool:
    return any(number in numbers for number in range(message.answers_from, message.answers_to + 1))
