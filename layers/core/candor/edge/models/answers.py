"""Answers' models: a suggested reply, and the question of a public page."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints

from candor.answering.values import Answer, Citation, Decision
from candor.edge.models import Body, Flag, Query, Reply, Words

MAX_QUESTION = 20_000
MAX_TURNS = 100


Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$")]


class TurnBody(Body):
    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=MAX_QUESTION)]


class ReplyBody(Body):
    query: Annotated[Words, Field(max_length=MAX_QUESTION)]
    source_type: Annotated[str, Field(max_length=64)] | None = None
    source_id: Annotated[str, Field(max_length=256)] | None = None
    conversation_history: list[TurnBody] | None = Field(None, max_length=MAX_TURNS)
    """Oldest first, without the query itself."""
    language: Language | None = None
    """Of the reply; left out: the language of the query."""


class DebugQuery(Query):
    debug: Flag = False
    """For admins and tokens with the scope `debug`; ignored for everybody else."""


class CitationReply(Reply):
    chunk_id: str
    document_id: str
    source_url: str
    doc_type: str
    title: str
    quote: str

    @classmethod
    def of(cls, citation: Citation) -> Self:
        return cls(
            chunk_id=citation.chunk_id,
            document_id=citation.document_id,
            source_url=citation.source_url,
            doc_type=citation.doc_type,
            title=citation.title,
            quote=citation.quote,
        )


class SuggestedReply(Reply):
    answer: str
    decision: Decision
    followup_questions: list[str]
    citations: list[CitationReply]
    confidence: float
    debug: dict[str, Any]

    @classmethod
    def of(cls, answer: Answer, debug: dict[str, Any]) -> Self:
        return cls(
            answer=answer.text,
            decision=answer.decision,
            followup_questions=list(answer.followup_questions),
            citations=[CitationReply.of(citation) for citation in answer.citations],
            confidence=answer.confidence,
            debug=debug,
        )


class QueryBody(Body):
    query: Annotated[Words, Field(max_length=MAX_QUESTION)]
    session_id: Annotated[Words, Field(max_length=128)] | None = None
    """The last turns under this id are remembered for the same caller."""


class QueryReply(Reply):
    query: str
    response: str
    source: str
    decision: Decision
    confidence: float
    citations: list[CitationReply]
    followup_questions: list[str]
    session_id: str | None
