"""Snapshots: each answer kept whole, with its evidence, so that it can be explained and replayed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime
from typing import Any, Protocol

from candor.answering.values import Citation, Decision, Turn
from candor.search import Passage
from candor.statistics.values import Entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A passage as it was when the answer was written."""

    passage_id: str
    document_id: str
    version: int
    title: str
    url: str
    doc_type: str
    text: str
    checksum: str
    """SHA-256 of `text`."""
    score: float
    cosine: float | None = None
    bm25: float | None = None

    @classmethod
    def of(cls, passage: Passage, *, score: float, cosine: float | None, bm25: float | None) -> "Shown":
        return cls(
            passage_id=passage.passage_id,
            document_id=passage.document_id,
            version=passage.version,
            title=passage.title,
            url=passage.url,
            doc_type=passage.doc_type,
            text=passage.text,
            checksum=hashlib.sha256(passage.text.encode("utf-8", "replace")).hexdigest(),
            score=round(score, 4),
            cosine=None if cosine is None else round(cosine, 4),
            bm25=None if bm25 is None else round(bm25, 4),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One answer with all it came from. The asker's words are masked; nothing in it changes later."""

    answer_id: str
    created_at: datetime
    question: str
    history: tuple[Turn, ...] = ()
    language: str
    principal: str
    external_user_id: str | None
    trace_id: str
    conversation_id: str = ""
    """The answer's message there has the snapshot's id."""
    text: str
    decision: Decision
    confidence: float
    citations: tuple[Citation, ...] = ()
    followup_questions: tuple[str, ...] = ()
    evidence: tuple[Shown, ...] = ()
    model: str
    prompt_version: str
    settings_version: int = 0
    """Of the configuration it was answered under."""
    features: Mapping[str, float] = field(default_factory=dict)
    verification: Mapping[str, Any] = field(default_factory=dict)
    llm_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    spending: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By model: `calls`, `input` and `output` tokens, `cost_usd`."""
    degraded: tuple[str, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What was out of the ordinary on the way."""


class Answers(Protocol):
    """Where snapshots are kept. They age out by themselves."""

    def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
        """
        Store it. The same id a second time changes nothing; whether it was the first. Raises `Unavailable`.

        `counted` is added to the statistics in the same write: with a snapshot that is new, or not at all.
        """
        ...

    def get(self, answer_id: str) -> Snapshot:
        """The snapshot, or `NotFound`."""
        ...

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        """Ids of some answers to the customer of this key (`sessions.customer_key`)."""
        ...

    def erase(self, answer_ids: Sequence[str]) -> int:
        """Remove them for good; how many there were."""
        ...

    def page(
        self, day: date, *, decision: Decision | None = None, page: int, page_size: int
    ) -> tuple[Sequence[Snapshot], int]:
        """One page, counted from 1, of those of a day (UTC), newest first, and how many there are."""
        ...


class AnswersAround:
    """`Answers` wrapped around others: who changes how they are kept, has them read as they are."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def keep(self, snapshot: Snapshot, *, counted: Entry | None = None) -> bool:
        return self._answers.keep(snapshot, counted=counted)

    def get(self, answer_id: str) -> Snapshot:
        return self._answers.get(answer_id)

    def of_customer(self, customer: str, *, limit: int) -> Sequence[str]:
        return self._answers.of_customer(customer, limit=limit)

    def erase(self, answer_ids: Sequence[str]) -> int:
        return self._answers.erase(answer_ids)

    def page(
        self, day: date, *, decision: Decision | None = None, page: int, page_size: int
    ) -> tuple[Sequence[Snapshot], int]:
        return self._answers.page(day, decision=decision, page=page, page_size=page_size)


def as_dict(snapshot: Snapshot) -> dict[str, Any]:
    """For JSON: times as ISO-8601, everything else as it is."""
    return {**asdict(snapshot), "created_at": snapshot.created_at.isoformat()}


def from_dict(stored: Mapping[str, Any]) -> Snapshot:
    """The reverse of `as_dict`. Fields that a later version no longer has are dropped."""
    known = {each.name for each in fields(Snapshot)}
    values = {name: value for name, value in stored.items() if name in known}
    values.update(
        created_at=datetime.fromisoformat(stored["created_at"]),
        decision=Decision(stored["decision"]),
        history=tuple(Turn(**turn) for turn in stored.get("history", ())),
        citations=tuple(Citation(**citation) for citation in stored.get("citations", ())),
        evidence=tuple(Shown(**shown) for shown in stored.get("evidence", ())),
        followup_questions=tuple(stored.get("followup_questions", ())),
        degraded=tuple(stored.get("degraded", ())),
        notes=tuple(stored.get("notes", ())),
    )
    return Snapshot(**values)
