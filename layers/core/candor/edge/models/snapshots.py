"""Models of answers looked at later: lists, one whole, and the same question asked again."""

from datetime import date
from typing import Any, Self

from candor.answering.replaying import Source
from candor.answering.snapshots import Snapshot
from candor.answering.values import Decision
from candor.edge.models import Paging, Reply
from candor.edge.models.answers import CitationReply

_PREVIEW = 300


class AnswersQuery(Paging):
    day: date | None = None
    """UTC; left out: today."""
    decision: Decision | None = None


class AnswerListed(Reply):
    id: str
    created_at: str
    question: str
    """Its first 300 characters."""
    decision: Decision
    confidence: float
    model: str
    language: str
    cost_usd: float | None
    """None: the model has no known price."""
    conversation_id: str
    trace_id: str

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        return cls(
            id=snapshot.answer_id,
            created_at=snapshot.created_at.isoformat(),
            question=snapshot.question[:_PREVIEW],
            decision=snapshot.decision,
            confidence=snapshot.confidence,
            model=snapshot.model,
            language=snapshot.language,
            cost_usd=snapshot.cost_usd,
            conversation_id=snapshot.conversation_id,
            trace_id=snapshot.trace_id,
        )


class AnswersReply(Reply):
    items: list[AnswerListed]
    total: int
    page: int
    page_size: int
    day: date


class EvidenceReply(Reply):
    chunk_id: str
    document_id: str
    version: int
    title: str
    source_url: str
    doc_type: str
    text: str
    """As it was when the answer was written."""
    checksum: str
    score: float
    cosine: float | None
    bm25: float | None


class TurnReply(Reply):
    role: str
    content: str


class SpentTokensReply(Reply):
    input: int
    output: int


class ModelSpentReply(SpentTokensReply):
    calls: int
    cost_usd: float | None
    """None: it has no known price."""


class AnswerWhole(Reply):
    """An answer with all it came from."""

    id: str
    created_at: str
    question: str
    history: list[TurnReply]
    language: str
    principal: str
    external_user_id: str | None
    trace_id: str
    conversation_id: str
    answer: str
    decision: Decision
    confidence: float
    citations: list[CitationReply]
    followup_questions: list[str]
    evidence: list[EvidenceReply]
    model: str
    prompt_version: str
    settings_version: int
    verification: dict[str, Any]
    features: dict[str, float]
    degraded: list[str]
    notes: list[str]
    timings_ms: dict[str, float]
    llm_calls: int
    llm_tokens: SpentTokensReply
    cost_usd: float | None
    spending: dict[str, ModelSpentReply]
    """By model."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        return cls(**_fields(snapshot))


class SourceReply(Reply):
    """A document the answer stands on, and what has become of it."""

    document_id: str
    title: str
    source_url: str
    version_then: int
    version_now: int | None
    """The one that may be quoted now."""
    changed: bool
    deleted: bool

    @classmethod
    def of(cls, source: Source) -> Self:
        return cls(
            document_id=source.document_id,
            title=source.title,
            source_url=source.url,
            version_then=source.then,
            version_now=source.now,
            changed=source.changed,
            deleted=source.deleted,
        )


class KeptAnswerReply(AnswerWhole):
    since: list[SourceReply]
    """What has changed since."""

    @classmethod
    def shown(cls, snapshot: Snapshot, since: list[SourceReply]) -> Self:
        return cls(**_fields(snapshot), since=since)


class ReplayReply(Reply):
    then: AnswerWhole
    now: AnswerWhole
    """Not kept: its id finds nothing."""
    changed: list[str]
    """Of decision, text, citations, evidence, model, prompt, settings."""


def _fields(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "id": snapshot.answer_id,
        "created_at": snapshot.created_at.isoformat(),
        "question": snapshot.question,
        "history": [TurnReply(role=turn.role, content=turn.content) for turn in snapshot.history],
        "language": snapshot.language,
        "principal": snapshot.principal,
        "external_user_id": snapshot.external_user_id,
        "trace_id": snapshot.trace_id,
        "conversation_id": snapshot.conversation_id,
        "answer": snapshot.text,
        "decision": snapshot.decision,
        "confidence": snapshot.confidence,
        "citations": [CitationReply.of(citation) for citation in snapshot.citations],
        "followup_questions": list(snapshot.followup_questions),
        "evidence": [
            EvidenceReply(
                chunk_id=shown.passage_id,
                document_id=shown.document_id,
                version=shown.version,
                title=shown.title,
                source_url=shown.url,
                doc_type=shown.doc_type,
                text=shown.text,
                checksum=shown.checksum,
                score=shown.score,
                cosine=shown.cosine,
                bm25=shown.bm25,
            )
            for shown in snapshot.evidence
        ],
        "model": snapshot.model,
        "prompt_version": snapshot.prompt_version,
        "settings_version": snapshot.settings_version,
        "verification": dict(snapshot.verification),
        "features": dict(snapshot.features),
        "degraded": list(snapshot.degraded),
        "notes": list(snapshot.notes),
        "timings_ms": dict(snapshot.timings_ms),
        "llm_calls": snapshot.llm_calls,
        "llm_tokens": SpentTokensReply(input=snapshot.input_tokens, output=snapshot.output_tokens),
        "cost_usd": snapshot.cost_usd,
        "spending": {name: ModelSpentReply(**spent) for name, spent in snapshot.spending.items()},
    }
