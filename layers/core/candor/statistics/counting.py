"""Counting: an answer is counted where it is kept, a message where it is stored."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from candor.answering.snapshots import Answers, AnswersAround, Snapshot
from candor.answering.values import Decision
from candor.conversations.store import Conversations
from candor.conversations.values import Conversation, Message, SourceType, Speaker
from candor.statistics.metering import Meter
from candor.statistics.values import NANO, Counts, Entry, bucket, key


def counts_of(snapshot: Snapshot) -> Counts:
    """What one answer counts for."""
    took = snapshot.timings_ms.get("total", 0.0)
    counts = {
        "answers": 1,
        key("decision", snapshot.decision.value): 1,
        key("written", snapshot.model): 1,
        bucket("answer", took): 1,
        "answer_ms": round(took),
    }
    for name, spent in _spending(snapshot).items():
        counts[key("llm_calls", name)] = spent["calls"]
        counts[key("llm_tokens", name, "input")] = spent["input"]
        counts[key("llm_tokens", name, "output")] = spent["output"]
        if spent["cost_usd"] is None:
            counts[key("llm_unpriced", name)] = 1
        else:
            counts[key("llm_cost", name)] = round(spent["cost_usd"] * NANO)
    if searched(snapshot):
        # Vectors always find something that is nearest: a hit is evidence that carried an answer, or part of
        # one, or a question back.
        carried = bool(snapshot.citations) or snapshot.decision is not Decision.ESCALATE
        hit = bool(snapshot.evidence) and carried
        counts[key("retrieval", "hit" if hit else "miss")] = 1
    for part in snapshot.degraded:
        counts[key("degraded", part)] = 1
    if snapshot.degraded:
        counts["retrieval_degraded"] = 1
    return counts


def _spending(snapshot: Snapshot) -> Mapping[str, Mapping[str, Any]]:
    """By model; a call that ended before its model was told counts for whoever wrote the answer."""
    named = dict(snapshot.spending)
    calls = snapshot.llm_calls - sum(spent["calls"] for spent in named.values())
    if calls <= 0:
        return named
    own = named.get(snapshot.model, {"calls": 0, "input": 0, "output": 0, "cost_usd": 0.0})
    others = [spent for name, spent in named.items() if name != snapshot.model]
    cost = snapshot.cost_usd
    if cost is not None:
        cost = max(0.0, cost - sum(spent["cost_usd"] or 0.0 for spent in others))
    named[snapshot.model] = {
        "calls": own["calls"] + calls,
        "input": snapshot.input_tokens - sum(spent["input"] for spent in others),
        "output": snapshot.output_tokens - sum(spent["output"] for spent in others),
        "cost_usd": cost,
    }
    return named


def searched(snapshot: Snapshot) -> bool:
    """Whether anything was looked up for it: a greeting is answered without."""
    timed = any(name.startswith("search") for name in snapshot.timings_ms)
    return timed or bool(snapshot.evidence or snapshot.degraded)


class CountedAnswers(AnswersAround):
    """`Answers` that counts each one it keeps, once."""

    def __init__(self, answers: Answers, meter: Meter) -> None:
        super().__init__(answers)
        self._meter = meter

    def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
        if counted is not None:
            return super().keep(snapshot, counted=counted)  # Somebody else has counted it.
        counts = counts_of(snapshot)
        if not snapshot.conversation_id:
            return self._meter.store_with(counts, lambda entry: self._answers.keep(snapshot, counted=entry))
        # In a conversation its message follows, and both are counted together.
        new = self._answers.keep(snapshot)
        if new:
            self._meter.count(counts)
        return new


class CountedConversations:
    """`Conversations` that counts those that are opened, and what is said in them."""

    def __init__(self, store: Conversations, meter: Meter) -> None:
        self._store = store
        self._meter = meter

    def add(self, conversation: Conversation) -> None:
        self._store.add(conversation)
        self._meter.count({"conversations": 1})
        self._meter.store()

    def change(self, before: Conversation, after: Conversation, *messages: Message) -> None:
        self._store.change(before, after, *messages)
        for message in messages:
            self._meter.count({key("messages", message.speaker.value): 1})
        if any(message.speaker is Speaker.ASSISTANT for message in messages):
            self._meter.store()

    def get(self, conversation_id: str) -> Conversation:
        return self._store.get(conversation_id)

    def list(
        self,
        *,
        page: int,
        page_size: int,
        principal: str | None = None,
        source_type: SourceType | None = None,
        source_id: str | None = None,
    ) -> tuple[Sequence[Conversation], int]:
        return self._store.list(
            page=page, page_size=page_size, principal=principal, source_type=source_type, source_id=source_id
        )

    def messages(self, conversation_id: str, *, first: int, last: int) -> Sequence[Message]:
        return self._store.messages(conversation_id, first=first, last=last)

    def oldest(self, conversation_id: str, *, now: datetime) -> int:
        return self._store.oldest(conversation_id, now=now)

    def find(self, conversation_id: str, message_id: str) -> Message:
        return self._store.find(conversation_id, message_id)

    def rate(self, conversation_id: str, number: int, *, rating: int, comment: str) -> None:
        self._store.rate(conversation_id, number, rating=rating, comment=comment)

    def blank(self, conversation_id: str, number: int) -> None:
        self._store.blank(conversation_id, number)

    def delete(self, conversation_id: str) -> int:
        return self._store.delete(conversation_id)

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        return self._store.of_customer(customer, limit=limit)

    def forget_customer(self, conversation_id: str, customer: str) -> None:
        self._store.forget_customer(conversation_id, customer)
